"""A combined sieve for safe primes: strikes every q of which q itself or p = 2q + 1 has a small factor.

A safe prime above 7 is 11 mod 12, so q = (p - 1) / 2 is 5 mod 6. Candidates are therefore numbered by *slots*: slot s
stands for q = 6s + 5. A prime r from 5 up to the limit divides q in the slots that are -5/6 mod r, and divides p in
the slots where q is (r - 1) / 2 mod r.

Refused: slots so small that q could itself be a prime of the sieve, which would strike a safe prime.
"""

from functools import cache
from itertools import compress
from math import prod

import gmpy2

from keyquorum.errors import ParameterError

_TOGETHER = 8
"""Primes whose product a start is reduced by in one division, before the divisions by each (measured)."""


class Sieve:
    """The primes from 5 to ``limit``, with what is needed to strike their multiples; the same for every search."""

    __slots__ = ("_groups", "limit", "surviving")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        primes = [prime for prime in primes_up_to(limit) if prime >= 5]
        # Division of two numbers below 2^53 and few terms: exact enough, it only feeds estimates.
        self.surviving = prod(1 - 2 / prime for prime in primes)
        """The share of slots that survive, among slots far above the limit."""
        self._groups = [
            (gmpy2.mpz(prod(group)), [(r, *_strikes(r)) for r in group])
            for group in (primes[at : at + _TOGETHER] for at in range(0, len(primes), _TOGETHER))
        ]

    def survivors(self, start: int, length: int) -> list[int]:
        """Give, in ascending order, the slots of [start, start + length) that no prime of the sieve strikes.

        Raises ParameterError if the candidate of ``start`` is not above the limit.
        """
        if 6 * start + 5 <= self.limit:
            raise ParameterError(
                "the candidates are not above the sieve's limit, so the sieve would strike primes",
                where="sieve for safe primes",
                do="Use a lower limit.",
            )
        alive = bytearray(b"\1") * length
        nothing = bytes(length)
        below = -gmpy2.mpz(start)
        for product, members in self._groups:
            residue = int(below % product)
            for prime, first, gap in members:
                at = (residue + first) % prime
                if prime < length:
                    alive[at::prime] = nothing[: (length - at + prime - 1) // prime]
                    at = (at + gap) % prime
                    alive[at::prime] = nothing[: (length - at + prime - 1) // prime]
                else:
                    if at < length:
                        alive[at] = 0
                    at += gap
                    if at >= prime:
                        at -= prime
                    if at < length:
                        alive[at] = 0
        return list(compress(range(start, start + length), alive))


def primes_up_to(limit: int) -> list[int]:
    """Give the primes up to and including ``limit``, in order (Eratosthenes)."""
    alive = bytearray(b"\1") * (limit + 1)
    alive[:2] = bytes(min(2, limit + 1))
    for number in range(2, int(gmpy2.isqrt(limit)) + 1):
        if alive[number]:
            square = number * number
            alive[square::number] = bytes((limit - square) // number + 1)
    return list(compress(range(limit + 1), alive))


@cache
def sieve(limit: int) -> Sieve:
    """Give the sieve up to ``limit``, made once a process."""
    return Sieve(limit)


def _strikes(prime: int) -> tuple[int, int]:
    """Give the slot mod ``prime`` where it divides q, and how far from there to the one where it divides p."""
    sixth = pow(6, -1, prime)
    return -5 * sixth % prime, (prime - 1) // 2 * sixth % prime
