"""Linear equations over a prime: what follows from those that are known, and what does not."""

from collections.abc import Mapping
from typing import Any

Unknown = Any
"""The name of an unknown: anything that can be a key."""
Combination = dict[Unknown, int]


class Equations:
    """Known equations, each of which says what a linear combination of unknowns is.

    They are kept solved: each for its first unknown, which no equation that came later contains.
    """

    def __init__(self, prime: int) -> None:
        self._prime = prime
        self._solved: dict[Unknown, tuple[Combination, int]] = {}

    def __len__(self) -> int:
        """How many there are that do not follow from the others."""
        return len(self._solved)

    def learn(self, coefficients: Mapping[Unknown, int], value: int) -> None:
        """Take in one more: the sum of coefficient times unknown is ``value``.

        Quickest if the unknowns that stand in no other equation come first. It must not contradict the others.
        """
        left, value = self._reduced(coefficients, value)
        if not left:
            assert value == 0, "the equations contradict each other"
            return
        unknown = next(iter(left))
        inverse = pow(left.pop(unknown), -1, self._prime)
        solved = {other: -inverse * factor % self._prime for other, factor in left.items()}
        self._solved[unknown] = solved, inverse * value % self._prime

    def value_of(self, wanted: Mapping[Unknown, int]) -> int | None:
        """Give the value of a linear combination if it follows from what is known, None if it could be anything."""
        left, value = self._reduced(wanted, 0)
        return None if left else -value % self._prime

    def _reduced(self, coefficients: Mapping[Unknown, int], value: int) -> tuple[Combination, int]:
        """Put in what is known, until only unknowns are left that nothing is known of."""
        left: Combination = {one: factor % self._prime for one, factor in coefficients.items() if factor % self._prime}
        waiting = [one for one in left if one in self._solved]
        while waiting:
            unknown = waiting.pop()
            factor = left.pop(unknown, 0)
            if not factor:
                continue
            solved, constant = self._solved[unknown]
            value = (value - factor * constant) % self._prime
            for other, weight in solved.items():
                total = (left.get(other, 0) + factor * weight) % self._prime
                if total:
                    left[other] = total
                    if other in self._solved:
                        waiting.append(other)
                else:
                    left.pop(other, None)
        return left, value
