"""Much work of one kind, over whatever executor the caller has, in order and with bounded memory.

The executor is an argument: a process pool on one machine, a cluster's executor elsewhere, none in a test. ``advance``
is told how many items are done; it is for showing progress and may do nothing.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def _ignore(_done: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Work:
    """How long work is done: where (``executor``; here and now if None), by how many ``workers``, who is told."""

    executor: Executor | None = None
    workers: int = 1
    advance: Callable[[int], None] = _ignore

    def map(
        self, function: Callable[[Sequence[Item]], Sequence[Result]], items: Iterable[Item], *, batch: int = 16
    ) -> Generator[Result, None, None]:
        """Apply ``function`` to batches of ``items`` and give the results one by one, in order.

        ``function`` takes a batch and returns as many results; with a process pool it must be picklable. At most
        two batches a worker are under way at once, so memory does not grow with the number of items. ``advance`` is
        called after each batch with the number of results that came out. Whoever stops early cancels what is under
        way; Python 3.11 may then wait for ever at the end of a process pool not shut down with ``cancel_futures``.
        """
        source = iter(items)
        batches = iter(lambda: list(islice(source, batch)), [])
        if self.executor is None:
            for chunk in batches:
                yield from self._counted(function(chunk))
            return
        waiting: deque[Future[Sequence[Result]]] = deque()
        try:
            for chunk in batches:
                waiting.append(self.executor.submit(function, chunk))
                if len(waiting) >= 2 * self.workers:
                    yield from self._counted(waiting.popleft().result())
            while waiting:
                yield from self._counted(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()

    def _counted(self, results: Sequence[Result]) -> Sequence[Result]:
        self.advance(len(results))
        return results


HERE = Work()
"""No executor, no progress: in this process, one after the other."""
