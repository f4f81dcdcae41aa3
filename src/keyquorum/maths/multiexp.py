"""Products of many powers with public exponents, much faster than one power after the other.

Few powers: all exponents are walked together, so that they share their squarings (Straus 1964). Many: each base falls
into the bucket of its digit, in constant memory whatever their number (Pippenger 1976). Nothing here is constant time:
no secret may be an exponent. Refused: a negative exponent, one longer than announced.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from gmpy2 import mpz

_STRAUS_WINDOW = 4
_LARGEST_WINDOW = 10


def power_product(bases: Iterable[int], exponents: Iterable[int], modulus: int, *, bits: int, count: int) -> int:
    """Give prod base^exponent mod modulus for exponents of at most ``bits`` bits; 1 for none.

    ``count`` says roughly how many there are, to choose the way; the result does not depend on it. The bases are read
    once and not kept (beyond the few dozen for which keeping them is faster). Raises ValueError for an exponent
    that is negative or longer than ``bits``, or when there are not as many exponents as bases.
    """
    pairs = zip(bases, exponents, strict=True)
    window = min(range(1, _LARGEST_WINDOW + 1), key=lambda width: _bucket_cost(bits, count, width))
    if _straus_cost(bits, count) > _bucket_cost(bits, count, window):
        return _by_buckets(pairs, modulus, bits, window)
    total: int = mpz(1)
    while few := list(islice(pairs, max(1, count))):  # more come than were announced: as many again
        total = total * _by_straus(few, modulus, bits) % modulus
    return total % modulus


def small_power_product(bases: Sequence[int], exponents: Sequence[int], modulus: int) -> int:
    """Give prod base^exponent mod modulus for a few short exponents (tens of bits), with nothing prepared.

    Raises ValueError for a negative exponent, or when there are not as many exponents as bases.
    """
    pairs = list(zip(bases, exponents, strict=True))
    if any(exponent < 0 for exponent in exponents):
        raise ValueError("an exponent is negative")
    total: int = mpz(1)
    for position in range(max((exponent.bit_length() for exponent in exponents), default=0) - 1, -1, -1):
        total = total * total % modulus
        for base, exponent in pairs:
            if exponent >> position & 1:
                total = total * base % modulus
    return total % modulus


def _straus_cost(bits: int, count: int) -> int:
    return bits + count * ((1 << _STRAUS_WINDOW) - 2 + -(-bits // _STRAUS_WINDOW))


def _bucket_cost(bits: int, count: int, window: int) -> int:
    return -(-bits // window) * (count + (2 << window)) + bits


def _digits(exponent: int, bits: int, window: int) -> list[int]:
    if exponent < 0 or exponent >> bits:
        raise ValueError(f"an exponent is not one of at most {bits} bits")
    mask = (1 << window) - 1
    return [exponent >> position & mask for position in range(0, bits, window)]


def _by_buckets(pairs: Iterable[tuple[int, int]], modulus: int, bits: int, window: int) -> int:
    one = mpz(1)
    buckets = [[one] * (1 << window) for _ in range(0, bits, window)]
    for base, exponent in pairs:
        for row, digit in zip(buckets, _digits(exponent, bits, window), strict=True):
            if digit:
                row[digit] = row[digit] * base % modulus
    total: int = one
    for row in reversed(buckets):
        for _ in range(window):
            total = total * total % modulus
        running = one
        # prod bucket_d^d: each running product of the buckets from the top is multiplied in once.
        for digit in range(len(row) - 1, 0, -1):
            running = running * row[digit] % modulus
            total = total * running % modulus
    return total % modulus


def _by_straus(pairs: Sequence[tuple[int, int]], modulus: int, bits: int) -> int:
    tables = []
    for base, exponent in pairs:
        powers = [mpz(1), mpz(base)]
        for _ in range((1 << _STRAUS_WINDOW) - 2):
            powers.append(powers[-1] * base % modulus)
        tables.append([powers[digit] for digit in _digits(exponent, bits, _STRAUS_WINDOW)])
    total: int = mpz(1)
    for position in range(-(-bits // _STRAUS_WINDOW) - 1, -1, -1):
        for _ in range(_STRAUS_WINDOW):
            total = total * total % modulus
        for table in tables:
            total = total * table[position] % modulus
    return total % modulus
