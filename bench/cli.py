"""How long the installed command takes to say its version, beside an interpreter that does nothing at all.

Start-up is what a person feels with every command. A virtual environment of the same interpreter is asked to do
nothing: nobody can be faster. The goal is on wall time, which other work on the machine only makes worse.
"""

import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from bench.measure import Options, Row, cpu, seconds, wall

MOST_SECONDS = 0.12
KEYQUORUM = Path(sysconfig.get_path("scripts")) / "keyquorum"


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    repeats = 9 if options.quick else 41
    commands = ([str(KEYQUORUM), "--version"], [sys.executable, "-c", "pass"], [str(KEYQUORUM), "--help"])
    runs = [[_run(command) for command in commands] for _ in range(repeats)]
    (ours, our_cpu), (theirs, their_cpu), (helping, _) = (
        tuple(median(column) for column in zip(*column, strict=True)) for column in zip(*runs, strict=True)
    )
    yield Row(
        f"keyquorum --version, wall, median of {repeats} (reference: the goal, {seconds(MOST_SECONDS)})",
        seconds(ours),
        seconds(MOST_SECONDS),
        MOST_SECONDS / ours,
        1,
    )
    yield Row("keyquorum --version, wall (reference: python -c pass)", seconds(ours), seconds(theirs), theirs / ours)
    yield Row(
        "keyquorum --version, CPU (reference: python -c pass)",
        seconds(our_cpu),
        seconds(their_cpu),
        their_cpu / our_cpu,
    )
    yield Row("keyquorum --help, wall (reference: python -c pass)", seconds(helping), seconds(theirs), theirs / helping)


def _run(command: Sequence[str]) -> tuple[float, float]:
    """Give wall and CPU seconds of one run."""
    run = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
    spent, (lasted, _) = cpu(partial(wall, run))
    return lasted, spent
