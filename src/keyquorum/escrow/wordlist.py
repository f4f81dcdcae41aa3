"""The 1024 words of SLIP-39, and the words of a share as people type them.

Read here: upper and lower case, any white space, numbers of boxes ("1." "12)" "3"), and words cut short after their
first four letters, which no two words share. Nothing is corrected: a word that is not in the list stays as it was
typed. Refused: text longer than any page has, and numbers that stand twice.
"""

import re
import unicodedata

from shamir_mnemonic.wordlist import WORDLIST  # type: ignore[import-untyped]

from keyquorum.errors import LimitError, MalformedError

WORDS: tuple[str, ...] = tuple(WORDLIST)
"""The list; a word's index in it is its value."""
WORD_COUNT = 33
"""Words of a share of 256 bits."""
TEXT_LIMIT = 4096
ILLEGIBLE = ""
"""Stands where a box is empty, or a word was marked as illegible ("?", "*" or "_")."""
PREFIX = 4
"""Letters that tell all words apart."""
_INDEX = {word: index for index, word in enumerate(WORDS)}
_BY_PREFIX = {word[:PREFIX]: index for index, word in enumerate(WORDS)}

_NUMBER = re.compile(r"[(\[]?([0-9]{1,2})[.):\]]*")
_NUMBERED = re.compile(r"[(\[]?([0-9]{1,2})[.):\]]+(.+)")
_AROUND = "\"'`.,;:|()[]{}<>"
UNSEEN = "?*_"
"""Each of these stands for a letter, or a word, that nobody can read."""


def index_of(word: str) -> int | None:
    """Give the index of a word, or of the one that ``word`` (lower case, 4 letters or more) begins; None for others."""
    exact = _INDEX.get(word)
    if exact is not None or len(word) < PREFIX:
        return exact
    index = _BY_PREFIX.get(word[:PREFIX])
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
    if bare and not bare.strip(UNSEEN):
        return ILLEGIBLE
    return bare or None
