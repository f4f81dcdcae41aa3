"""Quorum plans: the figures, the promise judged slowly by sets, tampered plans, and who can block."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, islice
from math import comb
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import DealingError, KeyquorumError, ParameterError
from keyquorum.threshold.quorum_plan import (
    QuorumPlan,
    check_plan,
    check_quorum,
    make_plan,
    smallest_blocking_set,
)
from tools import plans

SMALL = [(1, 1, 1)] + [(M, N, R) for N in range(2, 9) for M in range(2, N + 1) for R in range(M, N + 1)]
DOCS = Path(__file__).parent.parent.parent / "docs" / "auditor" / "quorum-plan.md"


def uncovered(plan: QuorumPlan) -> Iterator[set[int]]:
    """Judge the promise by sets: give those of R holders that contain no quorum."""
    quorums = [frozenset(quorum) for quorum in plan.quorums]
    for answered in map(set, combinations(range(1, plan.holders + 1), plan.answers)):
        if not any(quorum <= answered for quorum in quorums):
            yield answered


def judged(plan: QuorumPlan) -> bool:
    """Judge the whole plan, slowly and independently of how it was made."""
    return (
        list(plan.quorums) == sorted(set(plan.quorums))
        and all(list(quorum) == sorted(set(quorum)) and len(quorum) == plan.threshold for quorum in plan.quorums)
        and set().union(*plan.quorums) == set(range(1, plan.holders + 1))
        and not list(uncovered(plan))
    )


@cache
def greedy(M: int, N: int, R: int) -> list[tuple[int, ...]]:
    """Make the cover as CRYPTO.md says it, with nothing clever: of equal candidates the first in order."""
    candidates = list(combinations(range(1, N + 1), M))
    missing = [frozenset(some) for some in combinations(range(1, N + 1), R)]
    quorums = []
    while missing:
        best = max(candidates, key=lambda candidate: sum(some.issuperset(candidate) for some in missing))
        missing = [some for some in missing if not some.issuperset(best)]
        quorums.append(best)
    return sorted(quorums)


def blocks(holders: Iterable[int], plan: QuorumPlan) -> bool:
    return all(set(holders).intersection(quorum) for quorum in plan.quorums)


def accepted(plan: QuorumPlan) -> bool:
    try:
        check_plan(plan)
    except DealingError:
        return False
    return True


@pytest.mark.parametrize(
    ("numbers", "quorums", "busiest", "blocking"),
    [
        ((5, 7, 6), 4, 3, (1, 2)),
        ((5, 9, 7), 8, 5, (1, 2, 3)),
        ((5, 14, 9), 38, 16, (1, 2, 3, 4, 5, 7)),
        ((7, 14, 10), 51, 27, (1, 2, 3, 4, 8)),
        ((7, 14, 9), 171, 89, (1, 2, 3, 4, 5, 6)),
    ],
)
def test_the_figures(numbers: tuple[int, int, int], quorums: int, busiest: int, blocking: tuple[int, ...]) -> None:
    plan = make_plan(*numbers)
    check_plan(plan)
    assert judged(plan)
    assert len(plan.quorums) == quorums
    assert max(len(plan.of(index)) for index in range(1, plan.holders + 1)) == busiest
    assert smallest_blocking_set(plan) == blocking


@pytest.mark.parametrize(("M", "N", "R"), SMALL)
def test_every_small_plan_holds(M: int, N: int, R: int) -> None:
    plan = make_plan(M, N, R)
    assert (plan.threshold, plan.holders, plan.answers) == (M, N, R)
    assert judged(plan)
    check_plan(plan)
    assert set(greedy(M, N, R)) <= set(plan.quorums)
    if R == M:
        assert list(plan.quorums) == list(combinations(range(1, N + 1), M))


@pytest.mark.parametrize("numbers", [(3, 9, 5), (5, 10, 7), (4, 11, 7)])
def test_the_cover_is_the_plain_greedy_one(numbers: tuple[int, int, int]) -> None:
    assert list(make_plan(*numbers).quorums) == greedy(*numbers)


@pytest.mark.parametrize("N", range(2, 13))
def test_the_usual_number_of_answers(N: int) -> None:
    for M in range(2, N + 1):
        plan = make_plan(M, N)
        assert judged(plan)
        assert len(plan.quorums) <= 100
        assert (plan.answers == M) == (comb(N, M) <= 100)
        if plan.answers > M:
            assert len(make_plan(M, N, plan.answers - 1).quorums) > 100


@pytest.mark.parametrize(("M", "N"), [(2, 64), (5, 64), (33, 64), (63, 64), (64, 64), (17, 32), (7, 21), (3, 23)])
def test_large_plans(M: int, N: int) -> None:
    """Too many sets for the slow judge: it looks at the check's answer, at random sets, and at each holder's part."""
    plan = make_plan(M, N)
    check_plan(plan)
    assert len(plan.quorums) <= 100
    assert all(plan.of(index) for index in range(1, N + 1))
    random = Random(1)
    for _ in range(200):
        assert plan.complete(random.sample(range(1, N + 1), plan.answers))
    blocking = smallest_blocking_set(plan)
    assert blocks(blocking, plan)
    assert len(blocking) > N - plan.answers


FROZEN = {
    (5, 7): "23da8df7af709afb",
    (5, 7, 6): "aa5c7a27db5b6c23",
    (5, 9): "83fcf1bc6bfdf8ed",
    (7, 14): "a495423690501944",
    (7, 14, 9): "00e2fe99ff59a0a5",
    (7, 21): "257d92b44ecc86b2",
    (17, 32): "df51d227f96b4909",
    (5, 64, 64): "bc5ed4671ecddf22",
}


@pytest.mark.parametrize("numbers", FROZEN)
def test_the_same_plan_everywhere(numbers: tuple[int, ...]) -> None:
    """Plans are the same on every machine and in every version; whoever changes that shall notice."""
    quorums = make_plan(*numbers).quorums
    assert hashlib.sha256(repr(quorums).encode()).hexdigest()[:16] == FROZEN[numbers]


@pytest.mark.parametrize(("M", "N", "R"), SMALL)
def test_the_smallest_blocking_set_is_the_first_of_the_smallest(M: int, N: int, R: int) -> None:
    plan = make_plan(M, N, R)
    everybody = range(1, N + 1)
    first = next(some for size in everybody for some in combinations(everybody, size) if blocks(some, plan))
    assert smallest_blocking_set(plan) == first


@given(st.data())
def test_blocking_any_plan(data: st.DataObject) -> None:
    N = data.draw(st.integers(2, 8))
    quorum = st.frozensets(st.integers(1, N), min_size=2, max_size=2 if N == 2 else 3)
    quorums = data.draw(st.frozensets(quorum, min_size=1, max_size=12))
    plan = QuorumPlan(2, N, N, tuple(sorted(tuple(sorted(one)) for one in quorums)))
    everybody = range(1, N + 1)
    first = next(some for size in everybody for some in combinations(everybody, size) if blocks(some, plan))
    assert smallest_blocking_set(plan) == first


def test_of_and_complete() -> None:
    plan = make_plan(2, 3)
    assert plan.quorums == ((1, 2), (1, 3), (2, 3))
    assert [plan.of(index) for index in (1, 2, 3)] == [(0, 1), (0, 2), (1, 2)]
    assert plan.of(4) == ()
    assert plan.complete([]) == plan.complete({2}) == ()
    assert plan.complete([3, 1]) == (1,)
    assert plan.complete({1, 2, 3}) == (0, 1, 2)


def test_one_of_one() -> None:
    assert make_plan(1, 1) == QuorumPlan(1, 1, 1, ((1,),))
    assert smallest_blocking_set(make_plan(1, 1)) == (1,)


@pytest.mark.parametrize(("M", "N"), [(1, 2), (1, 5), (0, 1), (0, 3), (4, 3), (2, 1), (-1, 3), (0, 0), (1, 0)])
def test_no_threshold(M: int, N: int) -> None:
    for refused in (
        lambda: check_quorum(M, N),
        lambda: make_plan(M, N),
        lambda: check_plan(QuorumPlan(M, N, N, (tuple(range(1, M + 1)),))),
    ):
        with pytest.raises(ParameterError, match="is not a threshold"):
            refused()


@pytest.mark.parametrize(
    ("numbers", "advice"),
    [
        ((5, 65, None), "at most 64"),
        ((5, 65, 5), "at most 64"),
        ((5, 7, 4), "5 to 7"),
        ((5, 7, 8), "5 to 7"),
        ((11, 22, 14), "at least 15"),
        ((3, 64, 4), "at least 61"),
        ((7, 14, 7), "any 10 then do"),
    ],
)
def test_plans_too_large_say_what_to_choose(numbers: tuple[int, int, int | None], advice: str) -> None:
    with pytest.raises(ParameterError, match=advice):
        make_plan(*numbers)


def pairs(count: int) -> tuple[tuple[int, ...], ...]:
    """Give so many quorums of two of 46; everybody is in one."""
    return tuple(islice(combinations(range(1, 47), 2), count))


def tampered() -> Iterator[tuple[str, type[KeyquorumError], QuorumPlan]]:
    plan = make_plan(5, 9, 7)
    first, second, *rest = plan.quorums
    named = {
        "none": (),
        "one less": (second, *rest),
        "twice": (first, *plan.quorums),
        "not sorted": (second, first, *rest),
        "a member twice": ((1, 2, 3, 4, 4), second, *rest),
        "not ascending": ((2, 1, 3, 4, 5), second, *rest),
        "holder 0": ((0, 1, 2, 3, 4), second, *rest),
        "holder 10": (first, second, *rest[:-1], (6, 7, 8, 9, 10)),
        "too short": ((1, 2, 3, 4), second, *rest),
        "too long": ((1, 2, 3, 4, 5, 6), second, *rest),
        "empty": ((), second, *rest),
    }
    for name, quorums in named.items():
        yield name, DealingError, replace(plan, quorums=quorums)
    yield "fewer answers", DealingError, replace(plan, answers=6)
    yield "a holder more, whom every quorum leaves out", DealingError, replace(plan, holders=10, answers=8)
    yield "a holder less", DealingError, replace(plan, holders=8)
    yield "another threshold", DealingError, replace(plan, threshold=4)
    yield "the last in no quorum", DealingError, QuorumPlan(2, 5, 5, ((1, 2), (3, 4)))
    yield "the first in no quorum", DealingError, QuorumPlan(2, 5, 5, ((2, 3), (4, 5)))
    yield "answers below M", ParameterError, replace(plan, answers=4)
    yield "answers above N", ParameterError, replace(plan, answers=10)
    yield "too many holders", ParameterError, QuorumPlan(2, 1000, 1000, ((1, 2),))
    yield "too many sets", ParameterError, QuorumPlan(2, 64, 32, ((1, 2),))
    yield "too many quorums", ParameterError, QuorumPlan(2, 46, 46, pairs(1001))


@pytest.mark.parametrize(
    ("name", "error", "plan"), list(tampered()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_tampered_plans_are_refused(name: str, error: type[KeyquorumError], plan: QuorumPlan) -> None:
    with pytest.raises(error) as caught:
        check_plan(plan)
    assert type(caught.value) is error, name


def test_as_many_quorums_as_there_may_be() -> None:
    check_plan(QuorumPlan(2, 46, 46, pairs(1000)))


@pytest.mark.parametrize("numbers", [(3, 5, 3), (5, 9, 7), (4, 8, 5)])
def test_holders_who_contain_no_quorum_are_named(numbers: tuple[int, int, int]) -> None:
    plan = make_plan(*numbers)
    for left_out in plan.quorums:
        lacking = replace(plan, quorums=tuple(quorum for quorum in plan.quorums if quorum != left_out))
        with pytest.raises(DealingError, match="contain no quorum of the plan") as caught:
            check_plan(lacking)
        words = caught.value.what.replace(",", "").split()
        assert {int(word) for word in words[3 : 3 + plan.answers]} in list(uncovered(lacking))


@settings(max_examples=200)
@given(st.data())
def test_the_check_says_what_the_slow_judge_says(data: st.DataObject) -> None:
    plan = make_plan(*data.draw(st.sampled_from([(3, 5, 3), (3, 6, 4), (5, 7, 6), (2, 6, 4), (4, 8, 6), (5, 9, 7)])))
    quorums = list(plan.quorums)
    member = st.integers(0, plan.holders + 1)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(quorums) - 1))
        change = data.draw(st.sampled_from(["drop", "replace", "add"]))
        if change == "drop":
            quorums.pop(at)
        new = st.lists(member, min_size=plan.threshold, max_size=plan.threshold).map(lambda one: tuple(sorted(one)))
        if change == "replace":
            quorums[at] = data.draw(new)
        if change == "add" or not quorums:
            quorums.append(data.draw(new))
    changed = replace(plan, quorums=tuple(sorted(quorums)))
    assert accepted(changed) == judged(changed)


def test_a_search_that_would_take_long_is_refused() -> None:
    random = Random(1)
    quorums = sorted({tuple(sorted(random.sample(range(1, 65), 5))) for _ in range(900)})
    plan = QuorumPlan(5, 64, 64, tuple(quorums))
    check_plan(plan)
    with pytest.raises(ParameterError, match="too irregular"):
        smallest_blocking_set(plan)


def test_the_table_in_the_docs_is_the_one_that_is_printed() -> None:
    assert "".join(plans.table(plans.SHOWN)) in DOCS.read_text()
