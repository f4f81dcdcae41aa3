"""Mutation testing: does a test fail when a room's code is changed in one small place?

``./run mutate [ROOM...] [--sample N] [--seed S]``; docs/auditor/mutation.md says what is counted and what came out.

Each mutant runs in a process forked for it, in which Python finds the changed text instead of the file: nothing in the
tree is written. First run the tests that execute the changed line, the quickest first; if they pass, all others of the
room. A mutant is killed when a test fails, when the module cannot be imported, or when a test takes much longer than it
should. Hypothesis is derandomized and does not shrink, so that the same mutants die each time.

Refused: a campaign over tests that fail without any change.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import resource
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, ModuleType
from typing import NoReturn

import click
import coverage
import hypothesis
import pytest

from tools.mutants import Mutant, mutants_of

SOURCE = Path("src/keyquorum")
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
MATHEMATICS = ("tests/maths", "tests/threshold")
# room: the files that are changed, the tests that should notice
ROOMS = {
    "maths": ("maths/*.py", MATHEMATICS),
    "threshold": ("threshold/rsa*.py", MATHEMATICS),
    "plans": ("threshold/quorum_plan.py", ("tests/threshold/test_quorum_plan.py",)),
    "policy": ("policy/*.py", ("tests/policy",)),
    "schemas": (
        "dnssec/schema.py dnssec/responses.py dnssec/timeline.py dnssec/trust.py dnssec/calendar.py dnssec/rollover.py",
        tuple(
            f"tests/dnssec/test_{name}.py"
            for name in ("schema", "schemas", "responses", "timeline", "trust", "calendar", "rollover", "sizes")
        ),
    ),
}
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
_MEMORY = 4 << 30  # bytes, for a process
_PATIENCE = 10  # seconds beyond five times what a test takes unchanged
# Assertions as they are: pytest could not rewrite those of plugins that this process has imported.
_FLAGS = ["-q", "-x", "-p", "no:xdist", "--no-header", "--tb=no", "--assert=plain"]


@dataclass(slots=True)
class Baseline:
    """The tests of a room, unchanged: how long each takes, and which execute a line of a file."""

    seconds: dict[str, float] = field(default_factory=dict)
    covering: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Give the tests that execute the mutant's line, the quickest first."""
        return sorted(self.covering[str(mutant.path), mutant.line], key=lambda test: (self.seconds[test], test))


class _Recorder:
    """A pytest plugin: measures each test function, and tells coverage which one is running."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self._measuring = measuring
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        name = _function(item)
        _forget()
        self._measuring.switch_context(name)
        start = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[name] += time.perf_counter() - start


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


class _Changed(importlib.abc.MetaPathFinder):
    """Finds one module in its changed text."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = ".".join(mutant.path.relative_to(SOURCE.parent).with_suffix("").parts)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self._mutant.path, loader=_Loader(fullname, self._mutant)
        )


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, mutant: Mutant) -> None:
        super().__init__(fullname, str(mutant.path))
        self._mutant = mutant

    def get_code(self, _fullname: str) -> CodeType:
        code = compile(self._mutant.source(), str(self._mutant.path), "exec")
        assert isinstance(code, CodeType)
        return code


def _forget() -> None:
    """Empty our caches, so that every test executes what it needs itself."""
    for name, module in list(sys.modules.items()):
        if name.startswith("keyquorum."):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _measure(tests: Sequence[str]) -> Baseline:
    """Run the tests here, unchanged. Ends the program if they fail."""
    measuring = coverage.Coverage(data_file=None, source=[str(SOURCE)], config_file=False, messages=False)
    recorder = _Recorder(measuring)
    measuring.start()
    code = pytest.main([*_FLAGS, *tests], plugins=[recorder])
    measuring.stop()
    if code:
        raise click.ClickException("the tests fail with nothing changed")
    baseline = Baseline(dict(recorder.seconds))
    data = measuring.get_data()
    for file in data.measured_files():
        for line, names in data.contexts_by_lineno(file).items():
            baseline.covering[str(Path(file).relative_to(Path.cwd())), line] |= set(names) - {""}
    return baseline


class _Impatient:
    """A pytest plugin: a test that takes much longer than it did unchanged ends the process, whatever it is doing."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE + 5 * self._seconds.get(_function(item), 0))
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)


class Campaign:
    """Runs mutants, ``jobs`` at a time."""

    def __init__(self, baseline: Baseline, jobs: int) -> None:
        self._baseline, self._jobs = baseline, jobs
        self._running: dict[int, tuple[Mutant, bool]] = {}
        self.outcome: dict[Mutant, str] = {}

    def run(self, mutants: Sequence[Mutant]) -> None:
        """Run them all; ``outcome`` fills while it goes."""
        waiting = list(reversed(mutants))
        while waiting or self._running:
            if waiting and len(self._running) < self._jobs:
                self._start(waiting.pop(), by_line=True)
                continue
            process, status = os.wait()
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # what the tests started and did not end
            mutant, by_line = self._running.pop(process)
            if status == 0 and by_line:
                self._start(mutant, by_line=False)
                continue
            timeout = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
            self.outcome[mutant] = TIMEOUT if timeout else KILLED if status else SURVIVED
            if self.outcome[mutant] != KILLED:
                click.echo(f"{self.outcome[mutant]} {mutant.path}:{mutant.line} {mutant.key()}", err=True)
            if len(self.outcome) % 50 == 0:
                click.echo(f"{len(self.outcome)} of {len(mutants)}: {dict(Counter(self.outcome.values()))}", err=True)

    def _start(self, mutant: Mutant, *, by_line: bool) -> None:
        tests = self._baseline.tests_of(mutant)
        if not by_line:
            tests = [test for test in self._baseline.seconds if test not in set(tests)]
        process = os.fork()
        if process == 0:
            _be(mutant, tests, self._baseline.seconds)
        self._running[process] = mutant, by_line


def _be(mutant: Mutant, tests: Sequence[str], seconds: dict[str, float]) -> NoReturn:
    """Run tests against a mutant in this forked process and end it: 0 if they pass."""
    code = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        sys.meta_path.insert(0, _Changed(mutant))
        code = int(pytest.main([*_FLAGS, *tests], plugins=[_Impatient(seconds)])) if tests else 0
    finally:
        os._exit(code)


def _judged() -> set[tuple[str, str]]:
    """Read which survivors are judged equivalent: (file, change) or (file, line)."""
    entries = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {(entry["file"], entry.get("change") or entry["line"]) for entry in entries if entry["why"]}


def _report(mutants: Sequence[Mutant], outcome: dict[Mutant, str]) -> list[Mutant]:
    """Print the table and the survivors; give those that nobody judged."""
    judged = _judged()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    unjudged = []
    for mutant in mutants:
        file = str(mutant.path.relative_to(SOURCE))
        result = outcome[mutant]
        if result == SURVIVED and judged & {(file, mutant.key()), (file, mutant.before())}:
            result = "equivalent"
        elif result == SURVIVED:
            unjudged.append(mutant)
        for name in (file, "all"):
            counts[name][result] += 1
    click.echo(
        "| file | mutants | killed | of them by time | equivalent | survived | score |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for file in [*sorted(counts.keys() - {"all"}), "all"]:
        row = counts[file]
        total, killed = row.total(), row[KILLED] + row[TIMEOUT]
        score = f"{100 * killed / (total - row['equivalent']):.1f} %" if total > row["equivalent"] else "-"
        click.echo(
            f"| {file} | {total} | {killed} | {row[TIMEOUT]} | {row['equivalent']} | {row[SURVIVED]} | {score} |"
        )
    for mutant in sorted(unjudged, key=lambda mutant: (mutant.path, mutant.start, mutant.text)):
        click.echo(f"\n{mutant.path}:{mutant.line} ({mutant.kind})")
        click.echo("\n".join(mutant.diff()))
    return unjudged


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("rooms", nargs=-1, type=click.Choice(list(ROOMS)))
@click.option("--sample", type=int, help="So many mutants, drawn at random; all if not given.")
@click.option("--seed", default=0, help="Another number draws another sample.")
@click.option("--only", default="", help="Only mutants whose file:line starts so, e.g. threshold/rsa_key.py:12.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Mutants tested at the same time.")
@click.option("--list", "show", is_flag=True, help="Show the mutants and run nothing.")
def main(rooms: tuple[str, ...], sample: int | None, seed: int, only: str, jobs: int, *, show: bool) -> None:
    """Change the code of ROOMS (maths and threshold if none is named) in small ways and see whether a test fails."""
    chosen = [ROOMS[room] for room in rooms or ("maths", "threshold")]
    tests = sorted({test for _, of_room in chosen for test in of_room})
    files = [path for patterns, _ in chosen for one in patterns.split() for path in sorted(SOURCE.glob(one))]
    mutants = [mutant for path in files for mutant in mutants_of(path)]
    mutants = [m for m in mutants if f"{m.path.relative_to(SOURCE)}:{m.line}:".startswith(only)]
    if sample is not None and sample < len(mutants):
        drawn = random.Random(seed).sample(range(len(mutants)), sample)
        mutants = [mutants[at] for at in drawn]
    if show:
        for mutant in mutants:
            click.echo(f"{mutant.path.relative_to(SOURCE)}:{mutant.line} ({mutant.kind}) {mutant.key()}")
        return
    hypothesis.settings.register_profile(
        "mutate", derandomize=True, max_examples=50, deadline=None, database=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )  # fmt: skip
    hypothesis.settings.load_profile("mutate")
    baseline = _in_a_fork_of_its_own(tests)
    campaign = Campaign(baseline, jobs)
    campaign.run(mutants)
    sys.exit(bool(_report(mutants, campaign.outcome)))


def _in_a_fork_of_its_own(tests: Sequence[str]) -> Baseline:
    """Measure in another process: in this one nothing of keyquorum may be imported before it is changed."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(_measure, tests).result()


if __name__ == "__main__":
    main()
