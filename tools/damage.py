"""``./run damage [--pages N] [--seed S]``: damaged pages, read back; how each was recovered, by kind of damage.

Half of the pages suffer one kind of damage, in each of its three severities; the other half one or two kinds that
happen to paper and one to three that happen in a scan, all of one severity. docs/auditor/damage.md says what is
simulated; ``tests/paper/recovery.py`` what counts as recovered.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random

import click

from tests.paper.damage import CAPTURE, KINDS, PAPER, SEVERITIES
from tests.paper.recovery import CASES, LOST, OUTCOMES, Case, Fate, fate

PAGES = 2160
"""Three for each page, kind and severity, and as many mixtures; with 720 there is one of each."""
Results = Sequence[tuple["Task", Fate]]
_MIXTURES = ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2))
_SINGLE = [(kind, severity) for kind in KINDS for severity in range(len(SEVERITIES))]


@dataclass(frozen=True, slots=True)
class Task:
    """One page to damage: which, by what, how badly (0 to 2), and from which seed."""

    case: Case
    kinds: tuple[str, ...]
    severity: int
    seed: str

    def __str__(self) -> str:
        return f"{self.case}: {', '.join(self.kinds)}, {SEVERITIES[self.severity]} (seed {self.seed})"

    @property
    def heading(self) -> str:
        """What the damage is called in the table."""
        if len(self.kinds) == 1:
            return self.kinds[0]
        paper = sum(kind in PAPER for kind in self.kinds)
        return f"{paper} of paper, {len(self.kinds) - paper} of a scan"


def tasks(pages: int, seed: str) -> Iterator[Task]:
    """Give ``pages`` tasks: every kind and severity in turn, each on every page in turn, and mixtures between them."""
    rng = Random(seed)
    for number in range(pages):
        if number % 2 == 0:
            turn, place = divmod(number // 2, len(_SINGLE))
            kind, severity = _SINGLE[place]
            yield Task(CASES[(turn + place) % len(CASES)], (kind,), severity, f"{seed}/{number}")
        else:
            paper, scan = _MIXTURES[number // 2 % len(_MIXTURES)]
            kinds = (*rng.sample(PAPER, paper), *rng.sample(CAPTURE, scan))
            yield Task(rng.choice(CASES), kinds, rng.randrange(len(SEVERITIES)), f"{seed}/{number}")


def run(task: Task) -> Fate:
    """Damage one page and recover it."""
    return fate(task.case, [(kind, task.severity) for kind in task.kinds], task.seed)


def report(results: Results) -> str:
    """Give the tables in Markdown: of shares, and of keys."""
    return "\n\n".join(
        f"### {title}\n\n{_table([result for result in results if result[0].case.kind == kind])}"
        for kind, title in (("share", "Pages of shares"), ("key", "Pages of keys"))
    )


def _table(results: Results) -> str:
    """Give a row for each kind and each mixture, a column for each severity, and what the pages' fates sum up to."""
    lines = [f"| damage | {' | '.join(SEVERITIES)} |", "| --- | --- | --- | --- |"]
    for heading in (*KINDS, *(f"{paper} of paper, {scan} of a scan" for paper, scan in _MIXTURES)):
        row = [[one for task, one in results if (task.heading, task.severity) == (heading, n)] for n in range(3)]
        lines.append(f"| {heading} | {' | '.join(map(_counted, row))} |")
    lines += ["", "| | pages | " + " | ".join(OUTCOMES) + " |", "| --- |" + " --: |" * (len(OUTCOMES) + 1)]
    for title, least, most in (("one kind", 1, 1), ("several kinds", 2, 9), ("all", 1, 9)):
        counts = Counter(one.outcome for task, one in results if least <= len(task.kinds) <= most)
        numbers = [counts.total(), *(counts[outcome] for outcome in OUTCOMES)]
        lines.append(f"| {title} | {' | '.join(map(str, numbers))} |")
    return "\n".join([*lines, "", _times(results)])


def _counted(fates: Sequence[Fate]) -> str:
    counts = Counter(one.outcome for one in fates)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])


def _times(results: Results) -> str:
    times = sorted(one.seconds for _, one in results) or [0.0]
    text = (
        f"CPU seconds of reading a page: median {times[len(times) // 2]:.2f}, 90 % within "
        f"{times[len(times) * 9 // 10]:.2f}, longest {times[-1]:.2f}."
    )
    proposed = [one.proposed for _, one in results if one.proposed]
    return f"{text} Words to confirm, by page: {', '.join(map(str, sorted(proposed)))}." if proposed else text


@click.command()
@click.option("--pages", type=click.IntRange(1), default=PAGES, show_default=True, help="How many.")
@click.option("--seed", default="1", show_default=True, help="Another seed, other damage.")
def main(pages: int, seed: str) -> None:
    """Damage pages, read them back, and say how; exit 1 if one that suffered a single kind of damage was lost."""
    begun = time.monotonic()
    results: list[tuple[Task, Fate]] = []
    todo = list(tasks(pages, seed))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        for task, result in zip(todo, pool.map(run, todo, chunksize=4), strict=True):
            results.append((task, result))
            if sys.stderr.isatty() and len(results) % 20 == 0:
                sys.stderr.write(f"\r{len(results)} of {pages}")
    click.echo(report(results))
    lost = [task for task, one in results if one.outcome == LOST]
    for task in lost:
        click.echo(f"lost: {task}")
    click.echo(f"{pages} pages, seed {seed}, {time.monotonic() - begun:.0f} s")
    sys.exit(any(len(task.kinds) == 1 for task in lost))


if __name__ == "__main__":
    main()
