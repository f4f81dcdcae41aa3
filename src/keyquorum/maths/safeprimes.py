"""Safe primes p = 2q + 1 (q prime too), for RSA moduli that threshold signing can prove things about.

How: the numbers of the wanted size are cut into windows; windows are drawn at random; each is sieved
(``keyquorum.maths.sieve``), its survivors are tried in random order by a Fermat test of p, those that pass by one of
q, and those that pass both by full tests. The first window, in the order drawn, that has a safe prime gives it.

How uniform: every window is equally likely, and so is every safe prime inside the window drawn. So the chance of a
safe prime is inversely proportional to how many share its window, and no other window or gap matters. A window is
short enough to hold 1/8 of a safe prime on average (1/8 at 1024 bits, 1/30 at 2048); with safe primes as irregular
as random numbers, none is more than 1.07 times as likely as in an exactly uniform choice (x / (1 - e^-x), x = 1/8), a
tenth of a bit of min-entropy. Incremental search from one random start has no such bound.

Determinism: one search takes 64 bytes from ``rng`` and derives everything else from them (``transcript.expand``), so
the same rng gives the same prime however many workers there are. The search is memoryless: what has been tried tells
nothing about what remains, so progress is candidates tried beside ``expected_candidates``, never a percentage.

Refused: less than 64 bits, odd sizes of modulus, public exponents that are even or below 3. Not promised: constant
time. How long a search took is seen by everybody, and the full tests are GMP's.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from math import gcd, log

import gmpy2

from keyquorum.errors import ParameterError
from keyquorum.maths.fermat import Tests, fermat_tests
from keyquorum.maths.randomness import Rng
from keyquorum.maths.sieve import Sieve, sieve
from keyquorum.maths.transcript import expand
from keyquorum.maths.work import Work

SMALLEST_BITS = 64
_SEED_BYTES = 64
_WINDOWS_PER_PRIME = 8
_LONGEST_WINDOW = 8192  # slots; keeps one task short enough for many workers, see ``_window_length``
_MARGIN_BITS = 128
_BAILLIE_PSW = 24  # how mpz_probab_prime_p counts its Baillie-PSW test; Miller-Rabin rounds come on top
_ROUNDS = 8  # of Miller-Rabin; FIPS 186-5, table B.1, asks for 5 at 1024 bits, 4 at 1536 and 2048
_TWIN_CONSTANT = 1.3203236  # 2 C2 of Hardy and Littlewood, "Partitio numerorum III", 1923
# Up to so many bits: the sieve's limit; measured (bench safeprimes), at the cost of 16 MB a process for the last.
_LIMITS = ((192, 1 << 9), (320, 1 << 12), (640, 1 << 15), (1024, 1 << 18))
_LAST_LIMIT = 1 << 20


def safe_prime(bits: int, rng: Rng, work: Work) -> int:
    """Give a random safe prime of exactly ``bits`` bits, the top two of them set.

    ``work.advance`` is told how many candidates have been tried. Takes about 0.2 s of CPU time at 1024 bits, 6 s at
    2048. Raises ParameterError below 64 bits.
    """
    _check_size(bits)
    with closing(_safe_primes(bits, rng, work)) as primes:
        return next(primes)


def safe_prime_pair(modulus_bits: int, e: int, rng: Rng, work: Work) -> tuple[int, int]:
    """Give two safe primes p and q for an RSA modulus of exactly ``modulus_bits`` bits (even, at least 128).

    As FIPS 186-5, appendix A.1 wants: both of half the size, |p - q| > 2^(modulus_bits / 2 - 100), and
    gcd(e, (p - 1)(q - 1)) = 1; and p != q at any size. Expect to try twice ``expected_candidates``. Raises
    ParameterError for an odd or too small size and for a public exponent that is even or below 3.
    """
    if modulus_bits % 2:
        raise ParameterError("the modulus must have an even number of bits", where="safe primes", do="Ask for 2048.")
    bits = modulus_bits // 2
    _check_size(bits)
    if e < 3 or e % 2 == 0:
        raise ParameterError(
            "the public exponent must be odd and at least 3", where="safe primes", do="Use 65537 or another prime."
        )
    first: int | None = None
    with closing(_safe_primes(bits, rng, work)) as primes:
        for prime in primes:
            if gcd(e, prime - 1) != 1:
                continue
            if first is None:
                first = prime
            elif first != prime and (bits <= 100 or abs(first - prime) > 1 << (bits - 100)):
                return first, prime
    raise AssertionError("the stream of safe primes never ends")


def expected_candidates(bits: int) -> float:
    """Give the mean number of candidates ``safe_prime`` tries (of the sieve's survivors), for showing beside progress.

    By the conjecture of Hardy and Littlewood on pairs (q, 2q + 1), which observation bears out. Raises ParameterError
    below 64 bits.
    """
    _check_size(bits)
    return slots_per_prime(bits) * sieve(_limit(bits)).surviving


def is_safe_prime(p: int) -> bool:
    """Tell whether p, a number nobody chose to deceive us, and q = (p - 1) / 2 are both prime.

    q by Baillie-PSW and 8 rounds of Miller-Rabin. Given q, p needs no more than one test to be proven (Pocklington:
    a^(p-1) = 1 mod p and gcd(a^2 - 1, p) = 1, as q > sqrt(p)); it gets Baillie-PSW and one round.
    """
    return bool(gmpy2.is_prime(p >> 1, _BAILLIE_PSW + _ROUNDS) and gmpy2.is_prime(p, _BAILLIE_PSW + 1))


def slots_per_prime(bits: int) -> float:
    """Give the mean distance of safe primes of ``bits`` bits, in slots of the sieve (6 for q, 12 for p)."""
    of_p = bits * log(2) + log(7 / 8)  # the logarithm in the middle of the range
    return of_p * (of_p - log(2)) / _TWIN_CONSTANT / 6


@dataclass(frozen=True, slots=True)
class Window:
    """One task: the ``number``-th window that the seed draws for safe primes of ``bits`` bits."""

    bits: int
    number: int
    seed: bytes = field(repr=False)

    def slots(self) -> range:
        """Give the window's slots (q = 6s + 5): 3 * 2^(bits-3) <= q < 2^(bits-1)."""
        low, high = 3 << (self.bits - 3), 1 << (self.bits - 1)
        first, end = -((5 - low) // 6), (high - 6) // 6 + 1
        length = _window_length(self.bits)
        windows = -((first - end) // length)
        drawn = self._expand("keyquorum/safe-prime/window/v1", windows.bit_length() + _MARGIN_BITS) % windows
        start = first + drawn * length
        return range(start, min(start + length, end))

    def shuffled(self, slots: Sequence[int]) -> list[int]:
        """Give the slots in random order."""
        key = self._expand("keyquorum/safe-prime/order/v1", 64 * len(slots)) if slots else 0
        keys = {slot: key >> (64 * at) & (1 << 64) - 1 for at, slot in enumerate(slots)}
        return sorted(slots, key=keys.__getitem__)

    def _expand(self, tag: str, bits: int) -> int:
        return expand(tag, bits, self.seed, self.bits.to_bytes(4, "big"), self.number.to_bytes(8, "big"))


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one window: how many candidates were tried, and the safe prime if there was one."""

    tried: int
    prime: int | None = field(repr=False)


def search(windows: Sequence[Window]) -> list[Finding]:
    """Do the tasks; runs in a worker."""
    with fermat_tests() as tests:
        return [search_window(window, sieve(_limit(window.bits)), tests) for window in windows]


def search_window(window: Window, by: Sieve, tests: Tests) -> Finding:
    """Try the survivors of one window, two at a time, until one is a safe prime."""
    slots = window.slots()
    candidates = [12 * slot + 11 for slot in window.shuffled(by.survivors(slots.start, len(slots)))]
    for at in range(0, len(candidates), 2):
        pair = candidates[at : at + 2]
        for tried, (p, passed) in enumerate(zip(pair, tests(pair), strict=True), at + 1):
            if passed and tests([p >> 1])[0] and is_safe_prime(p):
                return Finding(tried, p)
    return Finding(len(candidates), None)


def _safe_primes(bits: int, rng: Rng, work: Work) -> Generator[int, None, None]:
    """Give safe primes without end, at most one a window, in the order of the windows."""
    seed = rng(_SEED_BYTES)
    windows = (Window(bits, number, seed) for number in count())
    with closing(replace(work, advance=_ignore).map(search, windows, batch=1)) as findings:
        for finding in findings:
            work.advance(finding.tried)
            if finding.prime is not None:
                yield finding.prime


def _window_length(bits: int) -> int:
    """Give the slots of a window: 1/8 of the mean distance of safe primes, or less where that makes long tasks."""
    return max(1, min(_LONGEST_WINDOW, int(slots_per_prime(bits) / _WINDOWS_PER_PRIME)))


def _limit(bits: int) -> int:
    return next((limit for largest, limit in _LIMITS if bits <= largest), _LAST_LIMIT)


def _ignore(_done: int) -> None:
    """Windows are not what progress counts."""


def _check_size(bits: int) -> None:
    if bits < SMALLEST_BITS:
        raise ParameterError(
            f"safe primes of {bits} bits are too small",
            where="safe primes",
            do=f"Ask for at least {SMALLEST_BITS} bits a prime, twice that for a modulus; 2048 for a real one.",
        )
