"""One way the typed words may belong to a share, and the search for that share in it.

Where no more than three words are unknown the checksum gives them; where there are more, words are guessed for all but
three, those most like what was typed first. A fingerprint decides.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations, pairwise

from keyquorum.escrow.misreadings import ranked
from keyquorum.escrow.rs1024 import CHECK_WORDS, Solver, constant, contributions, solve, solver
from keyquorum.escrow.shares import HEADER_WORDS
from keyquorum.escrow.wordlist import ILLEGIBLE, WORD_COUNT, WORDS, index_of

NOT_TYPED = -1
_NO_CLUE = 1 << 10
_TOP_WORD = HEADER_WORDS
_TOP_VALUES = 64
_PADDING = 0b1111000000
"""The first word after the header has 4 bits of padding, which are 0: 256 bits in 26 words of 10."""
_KNOWN = (0, 1, 2)
"""Positions in the header, where nothing is wrong: what is solved for where fewer than three positions are unknown."""
_ENCODED = [word.encode("ascii") for word in WORDS]

Layout = tuple[int, ...]
"""For each of the 33 words of a share, which of the typed ones it is; ``NOT_TYPED`` for one that was left out."""
Shell = tuple[int, int]
"""The least and the greatest sum of ranks of guessed words (0 is the likeliest word)."""
_Guess = tuple[int, tuple[int, ...]]
"""A position, and the values that may stand there, the likeliest first."""
_Choice = tuple[int, tuple[int, ...]]
"""A rank for each guess, and before them what these change in the packed solution."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A share that may be meant: its fingerprint, and the values of its first four words (``shares.header``)."""

    fingerprint: bytes
    header: tuple[int, ...]


class Likeness:
    """What each unknown word may be, the likeliest first, with how far that is; each computed once."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, bool], tuple[int, tuple[int, ...]]] = {}

    def order(self, word: str, position: int) -> tuple[int, tuple[int, ...]]:
        """Give the distance of the likeliest word, and all words that can stand at ``position`` in their order."""
        key = (word, position == _TOP_WORD)
        if key not in self._orders:
            all_words = ranked(word) if word else tuple((index, _NO_CLUE) for index in range(len(WORDS)))
            most = _TOP_VALUES if position == _TOP_WORD else len(WORDS)
            order = tuple(index for index, _ in all_words if index < most)
            self._orders[key] = (all_words[0][1], order)
        return self._orders[key]


class Candidate:
    """One layout of the typed words: what is known of a share if they belong like this."""

    def __init__(self, typed: Sequence[str], layout: Layout, likeness: Likeness) -> None:
        self.layout, self._likeness = layout, likeness
        self._words = [ILLEGIBLE if source == NOT_TYPED else typed[source] for source in layout]
        self._values = [0] * WORD_COUNT
        self._erased: list[int] = []
        self._free: list[int] = []
        self._syndromes = 0
        for position in range(HEADER_WORDS, WORD_COUNT):
            value = index_of(self._words[position])
            if value is None:
                self._erased.append(position)
            else:
                self._free.append(position)
                self._values[position] = value
                self._syndromes ^= contributions(position)[value]

    @property
    def unknown(self) -> int:
        """How many words are illegible, not in the list, or were not typed."""
        return len(self._erased)

    def search(self, target: Expected, wrong: int, shell: Shell) -> list[str] | None:
        """Look for ``target`` with ``wrong`` more wrong words; of what has to be guessed, only the ranks of ``shell``.

        Gives its 33 words, or None.
        """
        guessed = max(0, self.unknown + wrong - CHECK_WORDS)
        if not guessed and shell[0]:
            return None
        guesses, solved = self._unknown(guessed)
        values = [*target.header, *self._values[HEADER_WORDS:]]
        syndromes = self._syndromes ^ _header_syndromes(target)
        found: list[str] | None = None
        for places in combinations(self._free, wrong):
            spare = CHECK_WORDS - len(solved) - len(places)
            positions = (*solved, *places, *_KNOWN[:spare])
            rows = solver(*positions)
            difference = solve(rows, syndromes)
            if not guesses:
                if not difference & (1 << 10 * spare) - 1:
                    found = _match(target.fingerprint, values, positions, difference)
            else:
                choices = _within([_table(rows, place, order, shell[1]) for place, order in guesses], *shell)
                found = _match_any(target.fingerprint, values, positions, difference, guesses, choices)
            if found:
                return found
        return None

    def _unknown(self, guessed: int) -> tuple[list[_Guess], list[int]]:
        """Give the ``guessed`` unknown positions whose words say most, with what may stand there, and the others."""
        if not guessed:
            return [], self._erased
        orders = {position: self._likeness.order(self._words[position], position) for position in self._erased}
        best = sorted(self._erased, key=lambda position: orders[position][0])
        return [(position, orders[position][1]) for position in best[:guessed]], best[guessed:]


def _match(fingerprint: bytes, values: Sequence[int], positions: tuple[int, ...], difference: int) -> list[str] | None:
    """Give the words that these differences make of ``values``, if they have the fingerprint."""
    changed = [*values]
    for position, shift in zip(positions, (20, 10, 0), strict=True):
        changed[position] ^= difference >> shift & 1023
    if (
        changed[_TOP_WORD] & _PADDING
        or sha256(b" ".join([_ENCODED[value] for value in changed])).digest() != fingerprint
    ):
        return None
    return [WORDS[value] for value in changed]


def _match_any(
    fingerprint: bytes,
    values: Sequence[int],
    positions: tuple[int, ...],
    difference: int,
    guesses: Sequence[_Guess],
    choices: Iterable[_Choice],
) -> list[str] | None:
    """Try one choice of guesses after the other; give the words of the first that has the fingerprint."""
    unknown = sorted({*positions, *(place for place, _ in guesses)})
    parts: list[bytes] = []
    for start, end in pairwise([-1, *unknown, WORD_COUNT]):
        parts += [b"".join(b" %b" % _ENCODED[value] for value in values[start + 1 : end]) + b" ", b""]
    parts[0], parts[-2] = parts[0][1:], parts[-2][:-1]
    first, second, third, *guess_slots = (
        2 * unknown.index(position) + 1 for position in (*positions, *(place for place, _ in guesses))
    )
    base = values[positions[0]] << 20 | values[positions[1]] << 10 | values[positions[2]]
    padding = _PADDING << 10 * (2 - positions.index(_TOP_WORD)) if _TOP_WORD in positions else 0
    orders = [order for _, order in guesses]
    for change, ranks in choices:
        solution = base ^ difference ^ change
        if solution & padding:
            continue
        parts[first] = _ENCODED[solution >> 20]
        parts[second] = _ENCODED[solution >> 10 & 1023]
        parts[third] = _ENCODED[solution & 1023]
        for slot, order, rank in zip(guess_slots, orders, ranks, strict=True):
            parts[slot] = _ENCODED[order[rank]]
        text = b"".join(parts)
        if sha256(text).digest() == fingerprint:
            return text.decode("ascii").split()
    return None


def _table(rows: Solver, position: int, order: Sequence[int], most: int) -> list[int]:
    """Give what each of the likeliest words at ``position`` changes in the solution."""
    parts = contributions(position)
    return [solve(rows, parts[value]) for value in order[: most + 1]]


def _within(tables: Sequence[Sequence[int]], low: int, high: int) -> Iterator[_Choice]:
    """Give each choice of ranks whose sum is ``low`` to ``high``, with what it changes in the solution."""
    first, rest = tables[0], tables[1:]
    if not rest:
        for rank in range(max(low, 0), min(high + 1, len(first))):
            yield first[rank], (rank,)
        return
    for rank in range(min(high + 1, len(first))):
        for change, ranks in _within(rest, low - rank, high - rank):
            yield first[rank] ^ change, (rank, *ranks)


def _header_syndromes(target: Expected) -> int:
    packed = constant()
    for position, value in enumerate(target.header):
        packed ^= contributions(position)[value]
    return packed
