"""The judge of the attacks: what follows from equations, compared with trying everything."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.threshold.attacks.equations import Equations

PRIME, UNKNOWNS = 5, "wxyz"
combination = st.tuples(*[st.integers(0, PRIME - 1)] * len(UNKNOWNS))


def at(factors: tuple[int, ...], point: tuple[int, ...]) -> int:
    return sum(factor * number for factor, number in zip(factors, point, strict=True)) % PRIME


@given(st.lists(combination, max_size=6), combination, combination)
def test_what_follows_is_what_all_solutions_agree_on(
    known: list[tuple[int, ...]], wanted: tuple[int, ...], truth: tuple[int, ...]
) -> None:
    equations = Equations(PRIME)
    for factors in known:
        equations.learn(dict(zip(UNKNOWNS, factors, strict=True)), at(factors, truth))
    solutions = [
        point
        for point in product(range(PRIME), repeat=len(UNKNOWNS))
        if all(at(factors, point) == at(factors, truth) for factors in known)
    ]
    assert PRIME ** (len(UNKNOWNS) - len(equations)) == len(solutions)
    values = {at(wanted, point) for point in solutions}
    expected = values.pop() if len(values) == 1 else None
    assert equations.value_of(dict(zip(UNKNOWNS, wanted, strict=True))) == expected
