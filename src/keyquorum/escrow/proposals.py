"""What the wrong words of a share were: proposed to a person, never applied.

The manifest says which share is meant and gives its fingerprint, so a search needs no judgement: the first four words
are known, three more follow from the checksum, and a candidate is right exactly if its fingerprint is. What is
searched, the cheapest first: wrong words (wherever they stand), words that are not in the list or are illegible, words
that are swapped, left out, one too many or in another place, and mixtures of these. The search ends after a fixed
number of steps, so that its answer does not depend on the machine.

Not constant time: this runs for the one person who holds the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

from keyquorum.escrow.candidates import NOT_TYPED, Candidate, Expected, Layout, Likeness, Shell
from keyquorum.escrow.shares import HEADER_WORDS, Share, listed, share_of
from keyquorum.escrow.wordlist import WORD_COUNT, WORDS, index_of

EFFORT = 400_000
"""Steps of a search: candidates tried, and preparations that cost about as much."""
_MOST_UNKNOWN = 12
"""More words that are not in the list are not worth a search: the page has to be read again."""
_MOST_LEFT_OUT = 3
_MOST_TOO_MANY = 2
_MOST_WRONG = 3
_LAYOUT_STEPS, _RANK_STEPS, _GUESS_STEPS = 4, 2, 4
_GAP_COST = 1.125
"""A word left out or too many is a little less likely than a wrong one (exact in binary)."""

_Plan = tuple[int, list[Candidate], int, Shell]
"""Steps, layouts, number of wrong words, and which ranks to guess."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the words probably were: ``changes`` are pairs of position on the page (from 1) and proposed word.

    ``what`` says it in a sentence without any word. ``share`` is what the changed words give; its fingerprint is one of
    those expected.
    """

    changes: tuple[tuple[int, str], ...] = field(repr=False)
    share: Share
    what: str


def propose(typed: Sequence[str], expected: Sequence[Expected], effort: int = EFFORT) -> Proposal | None:
    """Search for the share that was meant by ``typed`` words (as ``wordlist.read_words`` gives them).

    Found for certain, for one share expected: up to 3 wrong words anywhere, up to 4 illegible ones, one left out or one
    too many together with one wrong word. None where nothing was found within ``effort`` steps.
    """
    beginning = {index_of(word) for word in typed[: HEADER_WORDS + _MOST_LEFT_OUT]}
    targets = sorted(expected, key=lambda target: len(set(target.header) - beginning))
    likeness = Likeness()
    families = [[Candidate(typed, layout, likeness) for layout in family] for family in _families(len(typed))]
    likely = [kept for family in families if (kept := [one for one in family if one.unknown <= _MOST_UNKNOWN])]
    left = effort
    for steps, family, wrong, shell in _plans(likely):
        for target in targets[: max(1, effort // 8 // steps)]:
            if (left := left - steps) < 0:
                return None
            for candidate in family:
                found = candidate.search(target, wrong, shell)
                if found:
                    return _proposal(typed, share_of(found))
    return None


def _families(count: int) -> Iterator[list[Layout]]:
    """Give the layouts of ``count`` typed words, those of one kind together."""
    whole = range(count)
    if count == WORD_COUNT:
        yield [tuple(whole)]
        yield [
            _with_gaps([*whole[:taken], *whole[taken + 1 :]], (gap,))
            for taken in whole
            for gap in whole
            if gap != taken
        ]
    elif WORD_COUNT - _MOST_LEFT_OUT <= count < WORD_COUNT:
        yield [_with_gaps(whole, gaps) for gaps in combinations(range(WORD_COUNT), WORD_COUNT - count)]
    elif WORD_COUNT < count <= WORD_COUNT + _MOST_TOO_MANY:
        yield [tuple(sorted(set(whole).difference(taken))) for taken in combinations(whole, count - WORD_COUNT)]


def _with_gaps(sources: Sequence[int], gaps: Sequence[int]) -> Layout:
    rest = iter(sources)
    return tuple(NOT_TYPED if place in gaps else next(rest) for place in range(WORD_COUNT))


def _plans(families: Sequence[list[Candidate]]) -> list[_Plan]:
    """Give what can be tried, the cheapest first."""
    plans: list[_Plan] = []
    for family in families:
        unknown = max(candidate.unknown for candidate in family)
        for wrong in range(_MOST_WRONG + 1):
            guessed, most = max(0, unknown + wrong - 3), len(WORDS) - 1
            low = high = 0
            while low <= most * guessed:
                choices = comb(high + guessed, guessed) - comb(low - 1 + guessed, guessed) if low else 1
                each = comb(WORD_COUNT - HEADER_WORDS, wrong) * (
                    1 + choices * (4 + guessed) // 4 + guessed * min(high, most) + (_GUESS_STEPS if guessed else 0)
                )
                steps = len(family) * (each + _LAYOUT_STEPS + (unknown * _RANK_STEPS if guessed else 0))
                plans.append((steps, family, wrong, (low, high)))
                low, high = high + 1, 2 * high + 2
    return sorted(plans, key=lambda plan: plan[0])


def _proposal(typed: Sequence[str], share: Share) -> Proposal:
    """Say what is different in as few changes as possible, however it was found."""
    pairs = _aligned(typed, share.words)
    too_many = [source + 1 for source, place in pairs if place is None and source is not None]
    left_out = [place + 1 for source, place in pairs if source is None and place is not None]
    wrong = [
        (place, typed[source])
        for source, place in pairs
        if source is not None and place is not None and typed[source] != share.words[place]
    ]
    changed = sorted([*(place - 1 for place in left_out), *(place for place, _ in wrong)])
    parts = []
    if left_out:
        parts.append(f"{listed(left_out)} {'was' if len(left_out) == 1 else 'were'} left out")
    if too_many:
        parts.append(f"of those typed, {listed(too_many)} {'is' if len(too_many) == 1 else 'are'} too many")
    if len(wrong) == 2 and [word for _, word in wrong] == [share.words[place] for place, _ in reversed(wrong)]:
        parts.append(f"{listed([place + 1 for place, _ in wrong])} are swapped")
    elif wrong:
        parts.append(f"{listed([place + 1 for place, _ in wrong])} {'is' if len(wrong) == 1 else 'are'} wrong")
    return Proposal(
        changes=tuple((place + 1, share.words[place]) for place in changed), share=share, what="; ".join(parts)
    )


def _aligned(typed: Sequence[str], words: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair typed words with the right ones by least changes; None where one is too many, or was left out."""
    table = [[_GAP_COST * place for place in range(len(words) + 1)]]
    for source, word in enumerate(typed, 1):
        row = [_GAP_COST * source]
        for place, right in enumerate(words, 1):
            row.append(min(table[-1][place - 1] + (word != right), table[-1][place] + _GAP_COST, row[-1] + _GAP_COST))
        table.append(row)
    source, place = len(typed), len(words)
    pairs: list[tuple[int | None, int | None]] = []
    while source or place:
        here = table[source][place]
        if source and place and here == table[source - 1][place - 1] + (typed[source - 1] != words[place - 1]):
            source, place = source - 1, place - 1
            pairs.append((source, place))
        elif source and here == table[source - 1][place] + _GAP_COST:
            source -= 1
            pairs.append((source, None))
        else:
            place -= 1
            pairs.append((None, place))
    return pairs[::-1]
