"""Which word of SLIP-39's list a wrong one most likely was: by what hands, eyes and scanners confuse."""

from itertools import accumulate
from string import ascii_lowercase

from keyquorum.escrow.wordlist import PREFIX, UNSEEN, WORDS

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ALIKE = ("o0qcad", "i1lj!|t7f", "s5z2", "b86h", "g9qy", "ecao", "uvnw", "nhrm", "ftr", "kxh", "pq", "yvi", "ad")
_PAIRS = {"rn": "m", "nn": "m", "ni": "m", "in": "m", "cl": "d", "ci": "a", "vv": "w", "ii": "u", "li": "h", "ll": "u"}
_ALIKE_COST, _NEIGHBOUR_COST, _PAIR_COST, _OTHER_COST = 2, 3, 2, 4
_DOUBLED_COST, _LENGTH_COST, _TURNED_COST = 2, 3, 3
_SAME_PREFIX_COST = 3
_LONGEST_TYPED = 16


def ranked(typed: str) -> tuple[tuple[int, int], ...]:
    """Give the index and the distance of every word, the likeliest first, from one that was typed or read as ``typed``.

    The distance is an edit distance in which letters that look alike or are neighbours on a keyboard, doubled letters,
    two that are turned round, and all after the fourth cost less than others.
    """
    word_costs = _Distances(typed[:_LONGEST_TYPED])
    distances = sorted((word_costs.to(word), index) for index, word in enumerate(WORDS))
    return tuple((index, distance) for distance, index in distances)


class _Distances:
    """Distances of one typed word from words in alphabetical order; what two in a row share is computed once."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self._letters = {letter: [_letter_cost(one, letter) for one in typed] for letter in ascii_lowercase}
        pairs = [typed[max(row - 2, 0) : row] for row in range(1, len(typed) + 1)]
        self._insertions = [_DOUBLED_COST if pair[:-1] == pair[-1:] else _LENGTH_COST for pair in pairs]
        self._pair_rows = [(row, pair) for row, pair in enumerate(pairs, 1) if len(pair) == 2]
        self._columns = [[0, *accumulate(self._insertions)]]
        self._before = ""

    def to(self, word: str) -> int:
        """Give the distance from ``word``."""
        same = next(
            (place for place, pair in enumerate(zip(self._before, word, strict=False)) if len(set(pair)) > 1), 0
        )
        del self._columns[same + 1 :]
        for place in range(same, len(word)):
            self._columns.append(self._column(word[max(place - 1, 0) : place + 1]))
        self._before = word
        distance = self._columns[-1][-1]
        return min(distance, _SAME_PREFIX_COST) if self._typed[:PREFIX] == word[:PREFIX] else distance

    def _column(self, last_two: str) -> list[int]:
        """Give the next column of the table of an edit distance, for a word that goes on with ``last_two[-1]``."""
        before, letter = self._columns[-1], last_two[-1]
        left_out = _DOUBLED_COST if last_two == letter + letter else _LENGTH_COST
        shortcuts = self._shortcuts(last_two)
        corner, least = before[0], before[0] + left_out
        column = [least]
        for row, (side, change, insertion) in enumerate(
            zip(before[1:], self._letters[letter], self._insertions, strict=True), 1
        ):
            least += insertion
            least = min(side + left_out, corner + change, least)
            if shortcuts:
                least = min(least, shortcuts.get(row, least))
            corner = side
            column.append(least)
        return column

    def _shortcuts(self, last_two: str) -> dict[int, int]:
        """Give what it costs, by row, to take two letters for one, one for two, or two the wrong way round."""
        letter, columns = last_two[-1], self._columns
        found: dict[int, int] = {}
        for row, pair in self._pair_rows:
            if _PAIRS.get(pair) == letter:
                found[row] = columns[-1][row - 2] + _PAIR_COST
            if len(last_two) == 2 and pair[::-1] == last_two:
                found[row] = min(columns[-2][row - 2] + _TURNED_COST, found.get(row, 99))
        single = _PAIRS.get(last_two)
        if single:
            for row, typed in enumerate(self._typed, 1):
                if typed == single:
                    found[row] = min(columns[-2][row - 1] + _PAIR_COST, found.get(row, 99))
        return found


def _letter_cost(typed: str, right: str) -> int:
    if typed == right or typed in UNSEEN:
        return 0
    if any(typed in letters and right in letters for letters in _ALIKE):
        return _ALIKE_COST
    for row in _KEYBOARD:
        if typed in row and right in row and abs(row.index(typed) - row.index(right)) == 1:
            return _NEIGHBOUR_COST
    return _OTHER_COST
