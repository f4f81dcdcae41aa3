"""Welch's t-test on two classes of durations, as dudect does it (Reparaz, Balasch, Verbauwhede, DATE 2017).

Durations have a long upper tail: interrupts, other processes. So the test is repeated on what lies below several
percentiles of all durations together, and the largest |t| counts. With no difference between the classes |t| is above
4.5 about once in 150,000 tests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, sqrt

PERCENTILES = (100, 99, 95, 90, 75, 50)
SUSPECT = 4.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out: |t| and where it was largest, the samples that went in there, and by how much the means differ.

    ``difference`` is in the unit of the durations, the second class' mean less the first's; ``share`` of the mean.
    """

    t: float
    percentile: int
    samples: int
    difference: float
    share: float


def welch(first: Iterable[float], second: Iterable[float]) -> tuple[float, float]:
    """Give Welch's t of the second sample against the first, and the difference of the means."""
    (n, mean, variance), (other_n, other_mean, other_variance) = _moments(first), _moments(second)
    difference = other_mean - mean
    deviation = sqrt(variance / n + other_variance / other_n)
    if deviation == 0:
        return (0.0 if difference == 0 else inf), difference
    return difference / deviation, difference


def judge(first: Sequence[int], second: Sequence[int]) -> Verdict:
    """Compare two classes of durations below each percentile."""
    everything = sorted((*first, *second))
    verdicts = []
    for percentile in PERCENTILES:
        limit = everything[(len(everything) * percentile - 1) // 100]
        below = [[duration for duration in one if duration <= limit] for one in (first, second)]
        if min(map(len, below)) < 2:
            # Below this limit there is one class only: nothing could differ more.
            verdicts.append(Verdict(inf, percentile, sum(map(len, below)), 0.0, 0.0))
            continue
        t, difference = welch(*below)
        mean = sum(below[0]) / len(below[0])
        verdicts.append(Verdict(abs(t), percentile, sum(map(len, below)), difference, difference / mean))
    return max(verdicts, key=lambda one: one.t)


def _moments(sample: Iterable[float]) -> tuple[int, float, float]:
    """Give number, mean and variance."""
    values = list(sample)
    mean = sum(values) / len(values)
    return len(values), mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1)
