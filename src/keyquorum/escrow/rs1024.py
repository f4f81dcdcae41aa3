"""RS1024, the checksum of SLIP-39, as the Reed-Solomon code it is: over GF(1024), three check words, distance 4.

The field is GF(2)[x] modulo x^10 + x^3 + 1, the generator polynomial (x - a)(x - a^2)(x - a^3) with a = x
(SLIP-0039, section "Checksum"). So the three syndromes of 33 words are sums of one term for each wrong word: three
equations for the differences at any three positions. Three wrong words whose places are known, or one whose place is
not, are solved exactly; anything more needs another judge (here always a fingerprint). Tables, so not constant time.
"""

from collections.abc import Sequence
from functools import cache

CHECK_WORDS = 3
_ORDER = 1023
_REDUCTION = 0b10000001001
_CUSTOMIZATION = b"shamir"
_LENGTH = 33
_ZERO = 3 * _ORDER
"""The logarithm of 0: beyond every sum of logarithms of other elements, and ``_EXP`` is 0 from there on."""

Solver = tuple[int, ...]
"""Logarithms of the inverse of three positions' Vandermonde matrix, row after row."""


def _tables() -> tuple[list[int], list[int]]:
    exp, log, element = [0] * (4 * _ZERO), [_ZERO] * (_ORDER + 1), 1
    for power in range(_ORDER):
        exp[power] = exp[power + _ORDER] = exp[power + 2 * _ORDER] = element
        log[element] = power
        element <<= 1
        if element > _ORDER:
            element ^= _REDUCTION
    return exp, log


_EXP, _LOG = _tables()


def multiply(a: int, b: int) -> int:
    """Give the product of two elements of GF(1024)."""
    return _EXP[_LOG[a] + _LOG[b]]


@cache
def constant() -> int:
    """Give the part of the syndromes that does not depend on the words.

    The checksum is right where 1, customization string and words, as a polynomial, leave 1 modulo the generator.
    """
    powers = [(1, _LENGTH + len(_CUSTOMIZATION)), (1, 0)]
    powers += [(value, _LENGTH + place) for place, value in enumerate(reversed(_CUSTOMIZATION))]
    packed = 0
    for root in range(1, CHECK_WORDS + 1):
        total = 0
        for value, power in powers:
            total ^= _EXP[_LOG[value] + root * power % _ORDER]
        packed = packed << 10 | total
    return packed


@cache
def contributions(position: int) -> tuple[int, ...]:
    """Give, for each value of the word at ``position`` (0 to 32), its part of the syndromes, packed as they are."""
    power = _LENGTH - 1 - position
    logs = _LOG
    return tuple(
        _EXP[logs[value] + power] << 20 | _EXP[logs[value] + 2 * power] << 10 | _EXP[logs[value] + 3 * power]
        for value in range(_ORDER + 1)
    )


def syndromes(values: Sequence[int]) -> int:
    """Give the syndromes S1, S2, S3 of 33 word values, packed into 30 bits; 0 means that the checksum is right."""
    packed = constant()
    for position, value in enumerate(values):
        packed ^= contributions(position)[value]
    return packed


@cache
def solver(first: int, second: int, third: int) -> Solver:
    """Prepare to solve for the differences at three different positions (0 to 32)."""
    powers = [_EXP[_LENGTH - 1 - position] for position in (first, second, third)]
    rows: list[int] = []
    for index, x in enumerate(powers):
        y, z = (power for other, power in enumerate(powers) if other != index)
        scale = -(_LOG[x] + _LOG[x ^ y] + _LOG[x ^ z]) % _ORDER
        rows += [(_LOG[y] + _LOG[z] + scale) % _ORDER, (_LOG[y ^ z] + scale) % _ORDER, scale]
    return tuple(rows)


def solve(rows: Solver, packed: int) -> int:
    """Give the three differences that explain the ``packed`` syndromes, packed into 30 bits in the solver's order."""
    a1, a2, a3, b1, b2, b3, c1, c2, c3 = rows
    s1, s2, s3 = _LOG[packed >> 20], _LOG[packed >> 10 & _ORDER], _LOG[packed & _ORDER]
    return (
        (_EXP[s1 + a1] ^ _EXP[s2 + a2] ^ _EXP[s3 + a3]) << 20
        | (_EXP[s1 + b1] ^ _EXP[s2 + b2] ^ _EXP[s3 + b3]) << 10
        | (_EXP[s1 + c1] ^ _EXP[s2 + c2] ^ _EXP[s3 + c3])
    )


def single_error(packed: int) -> tuple[int, int] | None:
    """Give position (0 to 32) and difference of the one wrong word that explains the syndromes; None if none does."""
    s1, s2, s3 = packed >> 20, packed >> 10 & _ORDER, packed & _ORDER
    if not (s1 and s2 and s3) or (_LOG[s3] - _LOG[s2]) % _ORDER != (_LOG[s2] - _LOG[s1]) % _ORDER:
        return None
    power = (_LOG[s2] - _LOG[s1]) % _ORDER
    if power >= _LENGTH:
        return None
    return _LENGTH - 1 - power, _EXP[(_LOG[s1] - power) % _ORDER]
