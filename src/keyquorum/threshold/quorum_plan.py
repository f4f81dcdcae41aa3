"""The quorum plan: for which sets of M holders one-time material is made, so that any R answers complete one of them.

A FROST or ECDSA signature is made by an exact set of M holders, and each nonce or presignature belongs to one. For few
holders the plan is all of them, and R = M. For more it is a greedy cover: each step takes the quorum that is inside
most of the sets of R not yet covered; of several the lexicographically first, so that everybody computes the same
plan.

Refused: numbers that are no threshold, R outside M..N, plans or covers beyond what anybody can check in a moment, and,
of a plan that somebody else made, whatever does not cover. That a cover is a small one is not checked: it need not be.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations
from math import comb
from operator import and_, or_

from keyquorum.errors import DealingError, ParameterError
from keyquorum.threshold.one_time import Quorum

FEW = 100
"""Up to so many quorums the plan is all of them, unless another R is asked for."""
MODERATE = 64
"""Quorums that a plan has at most where R is chosen for the asker."""
MOST_QUORUMS = 512
MOST_SETS = 20_000
"""Sets of R (and, for making a plan, of M) holders: more are not looked through."""


@dataclass(frozen=True, slots=True)
class QuorumPlan:
    """``quorums`` are sets of ``threshold`` of ``holders``; any ``answers`` holders contain one of them.

    Each quorum is in ascending order, and so are the quorums.
    """

    threshold: int
    holders: int
    answers: int
    quorums: tuple[Quorum, ...]

    def of(self, index: int) -> tuple[int, ...]:
        """Give the positions (from 0) of the quorums that holder ``index`` is in."""
        return tuple(place for place, quorum in enumerate(self.quorums) if index in quorum)

    def complete(self, answered: Collection[int]) -> tuple[int, ...]:
        """Give the positions (from 0) of the quorums all of whose holders have ``answered``."""
        found = set(answered)
        return tuple(place for place, quorum in enumerate(self.quorums) if found.issuperset(quorum))


def check_quorum(threshold: int, holders: int) -> None:
    """Refuse an M of N that is no threshold; raises ParameterError."""
    if not 1 <= threshold <= holders or (threshold == 1 and holders > 1):
        raise ParameterError(
            f"{threshold} of {holders} is not a threshold",
            do="Choose 2 <= M <= N (with M = 1 each share would be the key), or 1 of 1.",
        )


@lru_cache(maxsize=64)
def make_plan(threshold: int, holders: int, answers: int | None = None) -> QuorumPlan:
    """Give the plan for M of N with ``answers`` (R), or with the least R that gives a plan of moderate size.

    Raises ParameterError, which says what to choose instead.
    """
    check_quorum(threshold, holders)
    if answers is None:
        if comb(holders, threshold) <= FEW:
            return _cover(threshold, holders, threshold)
        for candidate in range(threshold, holders + 1):
            if comb(holders, candidate) <= MOST_SETS and comb(holders, threshold) <= MOST_SETS:
                plan = _cover(threshold, holders, candidate, MODERATE)
                if len(plan.quorums) <= MODERATE:
                    return plan
        raise _too_many(threshold, holders)
    if not threshold <= answers <= holders:
        raise ParameterError(
            f"{answers} answers cannot always suffice with {threshold} of {holders}",
            do=f"Choose R from {threshold} to {holders}.",
        )
    if max(comb(holders, answers), comb(holders, threshold)) > MOST_SETS:
        raise _too_many(threshold, holders)
    plan = _cover(threshold, holders, answers, MOST_QUORUMS)
    if len(plan.quorums) > MOST_QUORUMS:
        raise ParameterError(
            f"a plan in which any {answers} of {holders} answers suffice has more than {MOST_QUORUMS} quorums",
            do=f"Choose a larger R, up to {holders}.",
        )
    return plan


@lru_cache(maxsize=64)
def check_plan(plan: QuorumPlan) -> None:
    """Check a plan that somebody else made; raises ParameterError or DealingError."""
    threshold, holders, answers = plan.threshold, plan.holders, plan.answers
    check_quorum(threshold, holders)
    if not threshold <= answers <= holders:
        raise _bad(f"{answers} answers are said to suffice with {threshold} of {holders}")
    if len(plan.quorums) > MOST_QUORUMS or comb(holders, answers) > MOST_SETS:
        raise _too_many(threshold, holders)
    if list(plan.quorums) != sorted(set(plan.quorums)):
        raise _bad("its quorums do not stand in ascending order, each once")
    for quorum in plan.quorums:
        if (
            len(quorum) != threshold
            or list(quorum) != sorted(set(quorum))
            or not 1 <= quorum[0] <= quorum[-1] <= holders
        ):
            raise _bad(f"{list(quorum)} is no set of {threshold} holders in ascending order")
    if {index for quorum in plan.quorums for index in quorum} != set(range(1, holders + 1)):
        raise _bad("a holder is in none of its quorums")
    masks = _memberships(holders, answers)
    covered = reduce(or_, (reduce(and_, (masks[index - 1] for index in quorum)) for quorum in plan.quorums), 0)
    if covered != (1 << comb(holders, answers)) - 1:
        raise _bad(f"there are {answers} holders who contain none of its quorums")


def smallest_blocking_set(plan: QuorumPlan) -> Quorum:
    """Give the first of the smallest sets of holders who can stop every signature by silence or lies."""
    sets = [sum(1 << index for index in quorum) for quorum in plan.quorums]
    for size in range(1, plan.holders + 1):
        found = _blocking(sets, size, 0, plan.holders)
        if found is not None:
            return found
    raise AssertionError("all holders block")


def _blocking(sets: list[int], size: int, after: int, holders: int) -> Quorum | None:
    """Give the first ``size`` holders above ``after`` that meet every one of ``sets``, or None."""
    if not sets:
        return tuple(range(after + 1, after + size + 1)) if after + size <= holders else None
    if size == 0:
        return None
    for index in range(after + 1, holders + 1):
        rest = [one for one in sets if not one >> index & 1]
        # Of the sets that are left, those without any later holder can be met no more.
        found = _blocking(rest, size - 1, index, holders)
        if found is not None:
            return (index, *found)
        if any(one >> index == 1 for one in sets):
            return None
    return None


@lru_cache(maxsize=64)
def _cover(threshold: int, holders: int, answers: int, enough: int = MOST_QUORUMS) -> QuorumPlan:
    """Give the greedy cover, or more than ``enough`` of its quorums."""
    if threshold == answers:
        found = list(combinations(range(1, holders + 1), threshold))
        return QuorumPlan(threshold, holders, answers, tuple(found))
    masks = _memberships(holders, answers)
    candidates = [
        (quorum, reduce(and_, (masks[index - 1] for index in quorum)))
        for quorum in combinations(range(1, holders + 1), threshold)
    ]
    left = (1 << comb(holders, answers)) - 1
    chosen: list[Quorum] = []
    while left and len(chosen) <= enough:
        best: Quorum = ()
        covers = most = 0
        for quorum, inside in candidates:
            count = (inside & left).bit_count()
            if count > most:
                best, covers, most = quorum, inside, count
        chosen.append(best)
        left &= ~covers
    # Somebody whom no quorum needs would hold a share in vain.
    for index in range(1, holders + 1):
        if not any(index in quorum for quorum in chosen):
            chosen.append(next(quorum for quorum, _ in candidates if index in quorum))
    return QuorumPlan(threshold, holders, answers, tuple(sorted(chosen)))


@lru_cache(maxsize=16)
def _memberships(holders: int, size: int) -> tuple[int, ...]:
    """Give for each holder, as bits, in which of the sets of ``size`` holders it is."""
    sets: Iterable[Quorum] = list(combinations(range(1, holders + 1), size))
    return tuple(int("".join("1" if index in one else "0" for one in sets), 2) for index in range(1, holders + 1))


def _bad(what: str) -> DealingError:
    return DealingError(
        f"the quorum plan does not check: {what}",
        where="key record",
        do="Do not accept it; ask the dealer to deal again.",
    )


def _too_many(threshold: int, holders: int) -> ParameterError:
    return ParameterError(
        f"a plan for {threshold} of {holders} would be too large",
        do="Choose fewer holders, or more answers (R) than M: --answers R, near N.",
    )
