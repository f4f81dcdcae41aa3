"""Which sets of M holders sign together, so that nobody has to know in advance who will answer.

FROST and ECDSA signatures are made by an exact set of M holders. Each nonce or presignature therefore belongs to one
*quorum*, and a holder answers for every quorum of the plan that it is in. Few holders: every set of M is a quorum, and
any M that answer make the signature. More holders: any R > M that answer contain a quorum of the plan; that is a
covering design, found greedily. The same numbers give the same plan on every machine.

Refused: an M of N that is no threshold, and a plan so large that nobody would check it. A plan that somebody else made
is checked against every set of R holders.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from heapq import heappop, heapreplace
from itertools import combinations, pairwise
from math import comb
from operator import and_

from keyquorum.errors import DealingError, ParameterError
from keyquorum.threshold.one_time import Quorum

MOST_HOLDERS = 64
MOST_SETS = 200_000
"""How many sets of R holders there may be: a check looks at every one."""
MOST_QUORUMS = 1000
USUAL_QUORUMS = 100
"""How many quorums a plan has at most where nobody asks for an R."""
_MOST_CANDIDATES = 20_000
_MOST_WORK = 20_000_000
"""Every candidate is tried up to this product of candidates and sets to cover: a fraction of a second."""
_MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class QuorumPlan:
    """The quorums of a key, sorted: M ascending indices (from 1) each. Any ``answers`` (R) holders contain one."""

    threshold: int
    holders: int
    answers: int
    quorums: tuple[Quorum, ...]

    def of(self, index: int) -> tuple[int, ...]:
        """Give the positions (from 0) of the quorums with holder ``index``, whose answer has one scalar for each."""
        return tuple(position for position, quorum in enumerate(self.quorums) if index in quorum)

    def complete(self, answered: Collection[int]) -> tuple[int, ...]:
        """Give the positions of the quorums whose members have all answered."""
        known = frozenset(answered)
        return tuple(position for position, quorum in enumerate(self.quorums) if known.issuperset(quorum))


def check_quorum(threshold: int, holders: int) -> None:
    """Refuse an M of N that is no threshold; raises ParameterError."""
    if not 1 <= threshold <= holders or (threshold == 1 and holders > 1):
        raise ParameterError(
            f"{threshold} of {holders} is not a threshold",
            do="Choose 2 <= M <= N (with M = 1 each share would be the key), or 1 of 1.",
        )


@lru_cache(maxsize=256)
def make_plan(threshold: int, holders: int, answers: int | None = None) -> QuorumPlan:
    """Plan for M of N, 64 at most, so that any ``answers`` (R) holders contain a quorum; 1000 quorums at most.

    Without ``answers`` R is the least for which 100 quorums are enough and every set of R holders can be looked at; so
    it is M while there are at most 100 sets of M. Raises ParameterError, which says what to choose instead.
    """
    if answers is not None:
        _check_numbers(threshold, holders, answers)
        plan = _plan_within(MOST_QUORUMS, threshold, holders, answers)
        if plan is None:
            raise ParameterError(
                f"a plan so that any {answers} of {holders} contain {threshold} that sign together has more than"
                f" {MOST_QUORUMS} quorums",
                do=f"Choose a larger number of answers, or none: any {make_plan(threshold, holders).answers} then do.",
            )
        return plan
    _check_numbers(threshold, holders, holders)
    for usual in range(threshold, holders + 1):
        if comb(holders, usual) <= MOST_SETS:
            plan = _plan_within(USUAL_QUORUMS, threshold, holders, usual)
            if plan is not None:
                return plan
    raise ArithmeticError("64 holders need at most 32 quorums for everybody to be in one")


def check_plan(plan: QuorumPlan) -> None:
    """Check a plan, whoever made it, for all that it promises; takes a fraction of a second at worst.

    Raises ParameterError for numbers out of bounds, and DealingError where the quorums are not what a plan is made of,
    leave a holder out, or some R holders contain none of them.
    """
    _check_numbers(plan.threshold, plan.holders, plan.answers)
    if len(plan.quorums) > MOST_QUORUMS:
        raise ParameterError(f"the plan has {len(plan.quorums)} quorums", do=f"There may be {MOST_QUORUMS}.")
    for quorum in plan.quorums:
        ascending = all(one < other for one, other in pairwise(quorum))
        if len(quorum) != plan.threshold or not ascending or quorum[0] < 1 or quorum[-1] > plan.holders:
            raise DealingError(
                f"a quorum is not {plan.threshold} holders of {plan.holders} in ascending order", where="quorum plan"
            )
    if not all(one < other for one, other in pairwise(plan.quorums)):
        raise DealingError("the quorums are not sorted, or one stands there twice", where="quorum plan")
    left_out = set(range(1, plan.holders + 1)).difference(*plan.quorums)
    if left_out:
        raise DealingError(f"holder {min(left_out)} is in no quorum", where="quorum plan")
    containing = _sets_containing(plan.holders, plan.answers)
    missing = _every_bit(comb(plan.holders, plan.answers))
    for quorum in plan.quorums:
        missing &= ~_inside(quorum, containing)
    if missing:
        position = (missing & -missing).bit_length() - 1
        holders = [index for index, sets in enumerate(containing, 1) if sets >> position & 1]
        raise DealingError(
            f"the {plan.answers} holders {', '.join(map(str, holders))} contain no quorum of the plan",
            where="quorum plan",
        )


def smallest_blocking_set(plan: QuorumPlan) -> tuple[int, ...]:
    """Give the fewest holders without whom no quorum is complete: of several such sets, the first in order.

    Raises ParameterError for a plan, never one of ours, that is so irregular that the search would take long.
    """
    search = _Blocking(plan)
    unmet = _every_bit(len(plan.quorums))
    free = tuple(range(1, plan.holders + 1))
    size = next(size for size in free if search.possible(unmet, free, size))
    chosen: list[int] = []
    for index in free:
        rest = unmet & ~search.met_by[index]
        if unmet and search.possible(rest, free[index:], size - len(chosen) - 1):
            chosen.append(index)
            unmet = rest
    return tuple(chosen)


def _check_numbers(threshold: int, holders: int, answers: int) -> None:
    check_quorum(threshold, holders)
    if holders > MOST_HOLDERS:
        raise ParameterError(f"there are {holders} holders", do=f"Choose at most {MOST_HOLDERS}.")
    if not threshold <= answers <= holders:
        raise ParameterError(
            f"any {answers} of {holders} holders cannot contain {threshold} that sign together",
            do=f"Choose {threshold} to {holders} answers.",
        )
    if comb(holders, answers) > MOST_SETS:
        least = next(R for R in range(holders // 2, holders + 1) if comb(holders, R) <= MOST_SETS)
        raise ParameterError(
            f"there are {comb(holders, answers)} sets of {answers} of {holders} holders, too many to check a plan for",
            do=f"Choose at least {least} answers, or fewer holders.",
        )


def _plan_within(most: int, threshold: int, holders: int, answers: int) -> QuorumPlan | None:
    """Make the plan, or give None if it has more than ``most`` quorums."""
    left = comb(holders, answers)
    if left > most * comb(holders - threshold, answers - threshold):
        return None
    quorums: list[Quorum] = []
    for quorum, missing in _cover(threshold, holders, answers):
        quorums.append(quorum)
        gained, left = left - missing, missing
        # Later ones gain no more than this one did (hardly more, where not every candidate is tried).
        if len(quorums) + -(-left // gained) > most:
            return None
    while set(range(1, holders + 1)).difference(*quorums):
        busy = {index: sum(index in quorum for quorum in quorums) for index in range(1, holders + 1)}
        quorums.append(tuple(sorted(sorted(busy, key=lambda index: busy[index])[:threshold])))
    return QuorumPlan(threshold, holders, answers, tuple(sorted(quorums))) if len(quorums) <= most else None


def _cover(threshold: int, holders: int, answers: int) -> Iterator[tuple[Quorum, int]]:
    """Give quorums until every set of R holders contains one, and how many sets are then still without.

    Each time it is the quorum inside most of the sets still without; of several, the first in order.
    """
    containing = _sets_containing(holders, answers)
    missing = _every_bit(comb(holders, answers))
    candidates = comb(holders, threshold)
    if candidates > _MOST_CANDIDATES or candidates * comb(holders, answers) > _MOST_WORK:
        while missing:
            quorum = _climb(threshold, containing, missing)
            missing &= ~_inside(quorum, containing)
            yield quorum, missing.bit_count()
        return
    # How many sets a quorum is inside of can only fall: only the candidate on top of the heap is counted anew.
    most = comb(holders - threshold, answers - threshold)
    heap = [(-most, quorum) for quorum in combinations(range(1, holders + 1), threshold)]
    while missing:
        before, quorum = heap[0]
        gained = missing & _inside(quorum, containing)
        if gained.bit_count() < -before:
            heapreplace(heap, (-gained.bit_count(), quorum))
            continue
        heappop(heap)
        missing &= ~gained
        yield quorum, missing.bit_count()


def _climb(threshold: int, containing: tuple[int, ...], missing: int) -> Quorum:
    """Give a quorum inside many of the ``missing`` sets, where there are too many candidates to try them all.

    Holder after holder is added, and then exchanged for a better one, until no exchange of one helps.
    """

    def best(sets: int, taken: list[int]) -> tuple[int, int]:
        free = (index for index in range(1, len(containing) + 1) if index not in taken)
        return max(((sets & containing[index - 1]).bit_count(), -index) for index in free)

    quorum: list[int] = []
    reached, unchanged = 0, 0
    while len(quorum) < threshold:
        reached, index = best(missing & _inside(quorum, containing), quorum)
        quorum.append(-index)
    while unchanged < threshold:
        old = quorum.pop(0)
        count, index = best(missing & _inside(quorum, containing), quorum)
        better = count > reached
        quorum.append(-index if better else old)
        reached = max(count, reached)
        unchanged = 0 if better else unchanged + 1
    return tuple(sorted(quorum))


@lru_cache(maxsize=16)
def _sets_containing(holders: int, size: int) -> tuple[int, ...]:
    """Number all sets of ``size`` holders, and tell for each holder, as bits of an integer, which of them it is in."""

    @cache
    def among(first: int, size: int) -> tuple[int, ...]:
        # The sets without the last holder come first, then those with it.
        if not 0 < size <= first:
            return (0,) * first
        without, with_last, shift = among(first - 1, size), among(first - 1, size - 1), comb(first - 1, size)
        last = _every_bit(comb(first - 1, size - 1)) << shift
        return (*(one | other << shift for one, other in zip(without, with_last, strict=True)), last)

    return among(holders, size)


def _inside(quorum: Collection[int], containing: tuple[int, ...]) -> int:
    """Tell, as bits, which sets contain all of ``quorum``; every bit, -1, for nobody."""
    return reduce(and_, (containing[index - 1] for index in quorum), -1)


def _every_bit(count: int) -> int:
    return (1 << count) - 1


class _Blocking:
    """The search for a blocking set, with a limit on its steps; ``met_by[i]`` are holder i's quorums as bits."""

    def __init__(self, plan: QuorumPlan) -> None:
        self.quorums = plan.quorums
        self.met_by = {index: sum(1 << position for position in plan.of(index)) for index in range(1, plan.holders + 1)}
        self.steps = 0

    def possible(self, unmet: int, free: tuple[int, ...], size: int) -> bool:
        """Tell whether at most ``size`` of the ``free`` holders meet all of the quorums ``unmet``."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise ParameterError("the plan is too irregular to find the fewest holders who can block it")
        reach = sorted(((self.met_by[index] & unmet).bit_count() for index in free), reverse=True)
        if sum(reach[:size]) < unmet.bit_count():
            return False
        if not unmet:
            return True
        # One of the first unmet quorum is in the set; who has been tried is out of it from then on.
        for index in self.quorums[(unmet & -unmet).bit_length() - 1]:
            if index in free:
                free = tuple(other for other in free if other != index)
                if self.possible(unmet & ~self.met_by[index], free, size - 1):
                    return True
        return False
