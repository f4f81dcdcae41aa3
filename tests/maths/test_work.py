"""Work in batches: in order, all of it, lazily, on any executor; what goes wrong comes out."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.maths.work import HERE, Work


def squares(numbers: Sequence[int]) -> list[int]:
    return [number * number for number in numbers]


@given(st.lists(st.integers(), max_size=50), st.integers(1, 20), st.integers(0, 3))
@settings(deadline=None, max_examples=50)
def test_results_come_in_order_and_are_counted(items: list[int], batch: int, workers: int) -> None:
    done: list[int] = []
    if not workers:
        assert list(Work(advance=done.append).map(squares, items, batch=batch)) == squares(items)
    else:
        with ThreadPoolExecutor(workers) as executor:
            work = Work(executor, workers, done.append)
            assert list(work.map(squares, iter(items), batch=batch)) == squares(items)
    assert sum(done) == len(items)
    assert len(done) == -(-len(items) // batch)


class Patient(Executor):
    """Counts what is under way; works when asked for a result."""

    def __init__(self) -> None:
        self.submitted = 0
        self.cancelled = 0

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Future[Any]:
        self.submitted += 1
        executor = self

        class Later(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002
                return function(*arguments, **keywords)

            def cancel(self) -> bool:
                executor.cancelled += 1
                return True

        return Later()


def test_no_more_is_read_than_two_batches_a_worker() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    executor = Patient()
    results = Work(executor, 3).map(squares, items(), batch=4)
    assert next(results) == 0
    assert (executor.submitted, len(read)) == (6, 24)
    results.close()
    assert executor.cancelled == 5


def test_nothing_is_read_before_the_first_result_is_asked_for() -> None:
    assert HERE.map(squares, iter(lambda: pytest.fail("read"), None)) is not None


@pytest.mark.parametrize("workers", [0, 2])
def test_what_goes_wrong_comes_out(workers: int) -> None:
    def inverses(numbers: Sequence[int]) -> list[int]:
        return [1 // number for number in numbers]

    with ThreadPoolExecutor(2) as executor:
        work = Work(executor, workers) if workers else HERE
        results = work.map(inverses, [1, 1, 0, 1], batch=1)
        assert [next(results), next(results)] == [1, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)
