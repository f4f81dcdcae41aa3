"""The check characters of a typed line: a Reed-Solomon code over the 32 characters of base32.

A character of base32 (RFC 4648: A to Z, 2 to 7) is an element of GF(32), its five bits the coefficients of a polynomial
modulo x^5 + x^2 + 1. A codeword has 31 of them: the line's number (two elements, 32 times the first and the second),
25 characters of data (a shorter last line is filled up with A) and 4 check characters, which make it a multiple of
g(x) = (x - a)(x - a^2)(x - a^3)(x - a^4), where a is x and the first element has the highest power. Any two wrong
characters can be put right, or four that are known to be unreadable, or one wrong and two unreadable ones.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from itertools import combinations
from operator import xor

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
DATA = 25
CHECK = 4
NUMBER = 2
LENGTH = NUMBER + DATA + CHECK
MOST_LINES = 999


def _powers() -> list[int]:
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 0b100000 else doubled)
    return powers


_POWER = _powers()
_LOG = {value: exponent for exponent, value in enumerate(_POWER)}


def _times(a: int, b: int) -> int:
    return _POWER[(_LOG[a] + _LOG[b]) % 31] if a and b else 0


def _over(a: int, b: int) -> int:
    return _POWER[(_LOG[a] - _LOG[b]) % 31] if a else 0


def _generator() -> list[int]:
    product = [1]
    for root in range(1, CHECK + 1):
        shifted = [*product, 0]
        product = [high ^ _times(low, _POWER[root]) for high, low in zip(shifted, [0, *product], strict=True)]
    return product


GENERATOR = _generator()
"""The coefficients of g, highest power first."""


def check(number: int, text: str) -> str:
    """Give the 4 check characters of line ``number`` (1 to 999) with up to 25 characters of base32."""
    word = [*_head(number), *map(ALPHABET.index, text.ljust(DATA, "A")), *[0] * CHECK]
    for start in range(NUMBER + DATA):
        factor = word[start]
        for offset, coefficient in enumerate(GENERATOR):
            word[start + offset] ^= _times(factor, coefficient)
    return "".join(ALPHABET[value] for value in word[-CHECK:])


def correct(
    number: int, text: str, given: str, unreadable: Collection[int], *, most_errors: int = 2
) -> tuple[int, str, str] | None:
    """Give number, text and check as they must have been; None where that is not to be told.

    ``text`` (up to 25 characters) and ``given``, the check, are base32; ``unreadable`` are places in ``text + given``
    whose characters mean nothing. Beyond these at most ``most_errors`` other places are changed, the number's among
    them. The answer is the only one within the code's reach, but may be wrong beyond it: another check has to confirm.
    """
    word = [*_head(number), *map(ALPHABET.index, text.ljust(DATA, "A")), *map(ALPHABET.index, given)]
    places = [*range(NUMBER), *(NUMBER + at for at in range(len(text))), *range(NUMBER + DATA, LENGTH)]
    lost = [places[NUMBER + at] for at in unreadable]
    found = _solve(word, places, lost, most_errors)
    if found is None:
        return None
    letters = "".join(ALPHABET[value] for value in found[NUMBER:])
    return found[0] * 32 + found[1], letters[: len(text)], letters[DATA:]


def _head(number: int) -> tuple[int, int]:
    if not 0 <= number <= MOST_LINES:
        raise ValueError(f"there is no line {number}")
    return divmod(number, 32)


def _solve(word: list[int], places: Sequence[int], lost: list[int], most_errors: int) -> list[int] | None:
    syndromes = [
        _sum(_times(value, _POWER[root * (LENGTH - 1 - at) % 31]) for at, value in enumerate(word))
        for root in range(1, CHECK + 1)
    ]
    others = [place for place in places if place not in lost]
    for errors in range(min(most_errors, (CHECK - len(lost)) // 2) + 1):
        for guess in combinations(others, errors):
            wrong = [*lost, *guess]
            changes = _linear(
                [[_POWER[root * (LENGTH - 1 - at) % 31] for at in wrong] for root in range(1, CHECK + 1)], syndromes
            )
            if changes is not None:
                fixed = list(word)
                for at, change in zip(wrong, changes, strict=True):
                    fixed[at] ^= change
                return fixed
    return None


def _linear(matrix: list[list[int]], right: Sequence[int]) -> list[int] | None:
    """Solve the equations (at least as many as unknowns, of full rank); None if they contradict each other."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    unknowns = len(matrix[0])
    for column in range(unknowns):
        pivot = next(at for at in range(column, len(rows)) if rows[at][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = rows[column][column]
        rows[column] = [_over(value, lead) for value in rows[column]]
        for at, row in enumerate(rows):
            if at != column and row[column]:
                factor = row[column]
                rows[at] = [value ^ _times(factor, base) for value, base in zip(row, rows[column], strict=True)]
    if any(row[unknowns] for row in rows[unknowns:]):
        return None
    return [row[unknowns] for row in rows[:unknowns]]


def _sum(values: Iterable[int]) -> int:
    return reduce(xor, values, 0)
