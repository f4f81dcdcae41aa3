"""The 1024 words of SLIP-39: what a person may type for one, and which word a wrong one most likely was.

Read here: upper and lower case, any white space, numbers of boxes ("1." "12)" "3"), and words cut short after their
first four letters, which no two words share. Nothing is corrected here: a word that is not in the list stays as it was
typed, and whoever wants to propose another asks ``ranked``. Refused: text longer than any page has, and numbers that
stand twice.
"""

import re
import unicodedata
from functools import cache

from shamir_mnemonic.wordlist import WORDLIST  # type: ignore[import-untyped]

from keyquorum.errors import LimitError, MalformedError

WORDS: tuple[str, ...] = tuple(WORDLIST)
"""The list; a word's index in it is its value."""
WORD_COUNT = 33
"""Words of a share of 256 bits."""
TEXT_LIMIT = 4096
ILLEGIBLE = ""
"""Stands where a box is empty, or a word was marked as illegible ("?", "*" or "_")."""
_PREFIX = 4
_INDEX = {word: index for index, word in enumerate(WORDS)}
_BY_PREFIX = {word[:_PREFIX]: index for index, word in enumerate(WORDS)}

_NUMBER = re.compile(r"[(\[]?([0-9]{1,2})[.):\]]*")
_NUMBERED = re.compile(r"[(\[]?([0-9]{1,2})[.):\]]+(.+)")
_AROUND = "\"'`.,;:|()[]{}<>"
_UNSEEN = "?*_"

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ALIKE = ("o0qcad", "i1lj!|t7f", "s5z2", "b86h", "g9qy", "ecao", "uvnw", "nhrm", "ftr", "kxh", "pq", "yvi", "ad")
_PAIRS = {"rn": "m", "nn": "m", "ni": "m", "in": "m", "cl": "d", "ci": "a", "vv": "w", "ii": "u", "li": "h", "ll": "u"}
_ALIKE_COST, _NEIGHBOUR_COST, _PAIR_COST, _OTHER_COST = 2, 3, 2, 4
_DOUBLED_COST, _LENGTH_COST, _TURNED_COST = 2, 3, 3
_SAME_PREFIX_COST = 3
_LONGEST_TYPED = 16


def index_of(word: str) -> int | None:
    """Give the index of a word, or of the one that ``word`` (lower case, 4 letters or more) begins; None for others."""
    exact = _INDEX.get(word)
    if exact is not None or len(word) < _PREFIX:
        return exact
    index = _BY_PREFIX.get(word[:_PREFIX])
    return index if index is not None and WORDS[index].startswith(word) else None


def read_words(text: str) -> tuple[str, ...]:
    """Give the words of ``text`` in order: whole words where they are in the list, else as typed, or ``ILLEGIBLE``.

    Where every word has a number, the numbers give the order, and a number of 1 to 33 that is missing is an illegible
    word; otherwise numbers are passed over. Raises LimitError beyond 4096 characters, MalformedError for a number that
    stands twice.
    """
    if len(text) > TEXT_LIMIT:
        raise LimitError(f"{len(text)} characters are more than the words of a share have", where="share")
    numbered = _numbered(unicodedata.normalize("NFKC", text).lower().split())
    words = [WORDS[index] if (index := index_of(word)) is not None else word for _, word in numbered]
    numbers = [number for number, _ in numbered if number is not None]
    if not numbers or len(numbers) < len(words):
        return tuple(words)
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise MalformedError(
            f"two words have the number {twice}", where="share", do="Correct the numbers, or leave all of them out."
        )
    placed = dict(zip(numbers, words, strict=True))
    return tuple(placed.get(number, ILLEGIBLE) for number in range(1, WORD_COUNT + 1))


@cache
def ranked(typed: str) -> tuple[int, ...]:
    """Give the indices of all words, the likeliest first, for a word that was typed or read as ``typed``.

    Letters that look alike or are neighbours on a keyboard, doubled, left out or turned round cost less than others.
    """
    costs = [cost(typed, word) for word in WORDS]
    return tuple(sorted(range(len(WORDS)), key=costs.__getitem__))


def cost(typed: str, word: str) -> int:
    """Say how far ``typed`` is from ``word``: an edit distance, weighted by what people and scanners confuse."""
    typed = typed[:_LONGEST_TYPED]
    rows = [[_LENGTH_COST * column for column in range(len(word) + 1)]]
    for row, letter in enumerate(typed, 1):
        before = rows[-1]
        line = [before[0] + _LENGTH_COST]
        doubled = _DOUBLED_COST if row > 1 and typed[row - 2] == letter else _LENGTH_COST
        for column, right in enumerate(word, 1):
            left_out = _DOUBLED_COST if column > 1 and word[column - 2] == right else _LENGTH_COST
            least = min(
                before[column - 1] + _letter_cost(letter, right), before[column] + doubled, line[column - 1] + left_out
            )
            if row > 1 and _PAIRS.get(typed[row - 2 : row]) == right:
                least = min(least, rows[-2][column - 1] + _PAIR_COST)
            if column > 1 and _PAIRS.get(word[column - 2 : column]) == letter:
                least = min(least, before[column - 2] + _PAIR_COST)
            if row > 1 and column > 1 and letter == word[column - 2] and typed[row - 2] == right:
                least = min(least, rows[-2][column - 2] + _TURNED_COST)
            line.append(least)
        rows.append(line)
    whole = rows[-1][-1]
    return min(whole, _SAME_PREFIX_COST) if typed[:_PREFIX] == word[:_PREFIX] else whole


def _numbered(tokens: list[str]) -> list[tuple[int | None, str]]:
    """Pair each word with the number before it, if there is one; a number with no word has an illegible one."""
    found: list[tuple[int | None, str]] = []
    waiting: int | None = None
    for token in tokens:
        number, word = _split_token(token)
        if number is not None and waiting is not None:
            found.append((waiting, ILLEGIBLE))
            waiting = None
        if word is None:
            waiting = number if number is not None else waiting
        else:
            found.append((number if number is not None else waiting, word))
            waiting = None
    return found if waiting is None else [*found, (waiting, ILLEGIBLE)]


def _split_token(token: str) -> tuple[int | None, str | None]:
    """Give the number and the word of a token, either of them None where it has none."""
    match = _NUMBER.fullmatch(token)
    if match and _is_place(match[1]):
        return int(match[1]), None
    match = _NUMBERED.fullmatch(token)
    if match and _is_place(match[1]):
        return int(match[1]), _word(match[2])
    return None, _word(token)


def _is_place(digits: str) -> bool:
    return 1 <= int(digits) <= WORD_COUNT


def _word(token: str) -> str | None:
    bare = token.strip(_AROUND)
    if bare and not bare.strip(_UNSEEN):
        return ILLEGIBLE
    return bare or None


@cache
def _letter_cost(typed: str, right: str) -> int:
    if typed == right or typed in _UNSEEN:
        return 0
    if any(typed in letters and right in letters for letters in _ALIKE):
        return _ALIKE_COST
    for row in _KEYBOARD:
        if typed in row and right in row and abs(row.index(typed) - row.index(right)) == 1:
            return _NEIGHBOUR_COST
    return _OTHER_COST
