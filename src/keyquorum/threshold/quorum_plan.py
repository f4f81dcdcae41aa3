"""Which sets of M holders sign together: so that nobody has to know in advance who will answer.

FROST and ECDSA signatures are made by an exact set of M holders. Each nonce or presignature therefore belongs to one
*quorum*, and a holder answers for every quorum of the plan that it is in. Refused: an M of N that is no threshold.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from keyquorum.errors import ParameterError


@dataclass(frozen=True, slots=True)
class QuorumPlan:
    """The quorums of a key: M ascending indices (from 1) each, sorted; any ``answers`` (R) holders contain one."""

    threshold: int
    holders: int
    answers: int
    quorums: tuple[tuple[int, ...], ...]

    def of(self, index: int) -> tuple[int, ...]:
        """Give the positions (from 0) of the quorums that holder ``index`` is in."""
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


@lru_cache(maxsize=64)
def make_plan(threshold: int, holders: int, answers: int | None = None) -> QuorumPlan:
    """Give all quorums; raises ParameterError."""
    check_quorum(threshold, holders)
    if answers not in {None, threshold}:
        raise ParameterError(f"any {answers} of {holders} is not planned for yet")
    return QuorumPlan(threshold, holders, threshold, tuple(combinations(range(1, holders + 1), threshold)))
