"""What every benchmark needs: CPU time, the rows of the report, the facts of the machine.

A figure is CPU time (user and system, children included once they have ended) unless its row says wall. A ratio is
always reference / ours of the same run, so above 1 is faster than the reference; a goal is a least ratio.
"""

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import gmpy2

from keyquorum import __version__

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure: ``quick`` with few repeats, ``peers`` other libraries too."""

    quick: bool = False
    peers: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: what, our figure and the reference's (with units), reference / ours, the least goal."""

    name: str
    figure: str
    reference: str = ""
    ratio: float | None = None
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal."""
        return None if self.goal is None else self.ratio is not None and self.ratio >= self.goal


Bench = Callable[[Options], Iterator[Row]]


def cpu_now() -> float:
    """Give the CPU seconds of this process and of its children that have ended."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cpu(function: Callable[[], Result]) -> tuple[float, Result]:
    """Give the CPU seconds of one call, and its result."""
    before = cpu_now()
    result = function()
    return cpu_now() - before, result


def wall(function: Callable[[], Result]) -> tuple[float, Result]:
    """Give the wall-clock seconds of one call, and its result."""
    before = time.perf_counter()
    result = function()
    return time.perf_counter() - before, result


def command_cpu(argv: Sequence[str]) -> float:
    """Give the CPU seconds of one run of a command, its start-up included; its output is thrown away."""
    return cpu(lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))[0]


def median_cpu(function: Callable[[], object], repeats: int, calls: int = 1) -> float:
    """Give the CPU seconds of one call: median of ``repeats`` runs of ``calls`` calls each, after one to warm up."""

    def run() -> None:
        for _ in range(calls):
            function()

    function()
    return statistics.median(cpu(run)[0] for _ in range(repeats)) / calls


def alternating_medians(functions: Sequence[Callable[[], object]], repeats: int, calls: int = 1) -> list[float]:
    """Give ``median_cpu`` of several functions, their runs taken in turn so that a busy machine is unfair to none."""
    runs: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for run, function in zip(runs, functions, strict=True):
            run.append(median_cpu(function, 1, calls))
    return [statistics.median(run) for run in runs]


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Give the mean of at least two values and its standard error."""
    return statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5


def seconds(value: float) -> str:
    """Write a time with three digits and a fitting unit."""
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def machine() -> str:
    """Say on what the figures were taken."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    try:
        openssl = subprocess.run(["openssl", "version"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        openssl = "no openssl command"
    return (
        f"{len(models) or '?'} x {models[0] if models else platform.machine()}, "
        f"{platform.system()} {platform.release()}, load average {os.getloadavg()[0]:.1f} at the start\n"
        f"keyquorum {__version__}, Python {platform.python_version()}, {openssl}, "
        f"gmpy2 {gmpy2.version()} ({gmpy2.mp_version()})"
    )


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns."""
    cells = [("", "ours", "reference", "reference/ours", "goal", "")]
    verdicts = {None: "", True: "met", False: "NOT MET"}
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}" if row.ratio >= 0.1 else f"{row.ratio:.1g}"
        goal = "" if row.goal is None else f">= {row.goal:g}"
        cells.append((row.name, row.figure, row.reference, ratio, goal, verdicts[row.met]))
    widths = [max(len(line[column]) for line in cells) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) if column in {0, 5} else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in cells
    )  # fmt: skip


def tell(text: str) -> None:
    """Say on standard error what is going on, if somebody is watching."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
