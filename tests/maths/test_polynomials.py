"""Hiding and finding a secret with polynomials, over Z_m and over Z, against vectors worked out by hand."""

from fractions import Fraction
from itertools import combinations
from math import factorial, gcd, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import ParameterError
from keyquorum.maths.polynomials import Interpolation, evaluate, hiding_polynomial, lagrange_at_zero
from tests.threshold.cases import seeded


@pytest.mark.parametrize(
    ("indices", "holders", "weights", "scale", "reduced"),
    [
        ((1, 2, 3), 5, (360, -360, 120), 120, (3, -3, 1)),
        ((1, 2, 4), 5, (320, -240, 40), 120, (8, -6, 1)),
        ((3, 4, 5), 5, (1200, -1800, 720), 120, (10, -15, 6)),
        ((5, 2), 5, (-80, 200), 120, (-2, 5)),
        ((2, 3), 3, (18, -12), 6, (3, -2)),
        ((1,), 1, (1,), 1, (1,)),
        ((7,), 7, (5040,), 5040, (1,)),
    ],
)
def test_known_coefficients(
    indices: tuple[int, ...], holders: int, weights: tuple[int, ...], scale: int, reduced: tuple[int, ...]
) -> None:
    interpolation = lagrange_at_zero(indices, holders)
    assert interpolation == Interpolation(indices, weights, scale)
    assert interpolation.reduced().weights == reduced
    assert interpolation.reduced().scale == scale // gcd(*weights)


@given(st.data())
def test_they_interpolate_over_the_integers(data: st.DataObject) -> None:
    holders = data.draw(st.integers(1, 20))
    indices = data.draw(st.lists(st.integers(1, holders), min_size=1, max_size=holders, unique=True))
    coefficients = data.draw(st.lists(st.integers(), min_size=len(indices), max_size=len(indices)))
    for interpolation in (lagrange_at_zero(indices, holders), lagrange_at_zero(indices, holders).reduced()):
        values = (evaluate(coefficients, index) for index in indices)
        total = sum(weight * value for weight, value in zip(interpolation.weights, values, strict=True))
        assert total == interpolation.scale * coefficients[0]
    assert gcd(interpolation.scale, *interpolation.weights) == 1


def test_every_subset_has_integers_and_the_right_ones() -> None:
    # Dividing before multiplying by D fails for half of these.
    for holders in range(1, 8):
        for size in range(1, holders + 1):
            for indices in combinations(range(1, holders + 1), size):
                for index, weight in zip(indices, lagrange_at_zero(indices, holders).weights, strict=True):
                    fractions = (Fraction(other, other - index) for other in indices if other != index)
                    assert weight == factorial(holders) * prod(fractions)


@pytest.mark.parametrize("indices", [(), (0,), (0, 1), (-1, 2), (1, 6), (1, 1), (3, 2, 3)])
def test_indices_that_are_refused(indices: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError):
        lagrange_at_zero(indices, 5)


@given(st.lists(st.integers(), max_size=6), st.integers(), st.integers(1))
def test_evaluation(coefficients: list[int], at: int, modulus: int) -> None:
    value = sum(coefficient * at**power for power, coefficient in enumerate(coefficients))
    assert evaluate(coefficients, at) == value
    assert evaluate(coefficients, at, modulus) == value % modulus


def test_a_hiding_polynomial() -> None:
    polynomial = hiding_polynomial(7, 3, 1 << 100, seeded(1))
    assert polynomial[0] == 7
    assert len(set(polynomial)) == 4
    assert all(0 <= coefficient < 1 << 100 for coefficient in polynomial[1:])
    assert max(polynomial).bit_length() > 90
    assert hiding_polynomial(7, 0, 1, seeded(1)) == (7,)
    assert hiding_polynomial(7, 3, 1 << 100, seeded(2))[1:] != polynomial[1:]
