"""The statistics of ``./run timing``: Welch's t as in the books, and classes that differ in their fast part only."""

from math import inf
from random import Random

import pytest

from tools.welch import PERCENTILES, SUSPECT, judge, welch


def test_an_example_worked_by_hand() -> None:
    # Means 3 and 5, variances 2.5 and 20/3, of 5 and 4 samples: t = 2 / sqrt(0.5 + 5/3).
    t, difference = welch([1, 2, 3, 4, 5], [2, 4, 6, 8])
    assert t == pytest.approx(2 / (0.5 + 5 / 3) ** 0.5)
    assert difference == 2


def test_classes_without_variance() -> None:
    assert welch([7, 7], [7, 7]) == (0.0, 0)
    assert welch([7, 7], [8, 8]) == (inf, 1)


def durations(chance: Random, number: int, more: float = 0.0) -> list[int]:
    """Give durations of about 1,000 with a long tail, as a busy machine gives them."""
    return [
        int(chance.gauss(1000 + more, 20) + (chance.expovariate(1e-5) if chance.random() < 0.05 else 0))
        for _ in range(number)
    ]


def test_no_difference_is_no_suspicion() -> None:
    chance = Random(1)
    for _ in range(20):
        assert judge(durations(chance, 2000), durations(chance, 2000)).t < SUSPECT


def test_a_small_difference_under_a_long_tail_is_found() -> None:
    chance = Random(2)
    first, second = durations(chance, 5000), durations(chance, 5000, more=4)
    assert abs(welch(first, second)[0]) < SUSPECT  # the tail hides it
    verdict = judge(first, second)
    assert verdict.t > SUSPECT
    assert verdict.percentile in PERCENTILES[1:]
    assert 1 < verdict.difference < 6
    assert verdict.share == pytest.approx(verdict.difference / 1000, rel=0.2)


def test_classes_that_do_not_meet() -> None:
    verdict = judge([1, 2, 3, 4] * 10, [100, 101, 102, 103] * 10)
    assert verdict.t == inf
