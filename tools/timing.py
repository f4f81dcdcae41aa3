"""``./run timing [--seconds S] [--only TEXT]``: does the time of an operation depend on the secret? A table of |t|.

For each operation of ``tools/timed.py``, samples with a secret that is always the same and with fresh random ones, in
random order, timed one by one and compared by Welch's t-test (``tools/welch.py``). A |t| above 4.5 is marked, with the
difference of the means. docs/auditor/timing.md says what this shows and what it does not. Best on a quiet machine.
"""

import argparse
import gc
import platform
import random
import sys
import time
from collections.abc import Iterator

from tools.timed import KINDS, Case, cases, versions
from tools.welch import SUSPECT, Verdict, judge

SECONDS = 5.0
"""For one operation and one kind of secret, at most."""
MOST = 100_000
BATCH = 500
"""Samples whose secrets are made in advance."""


def samples(case: Case, kind: str, seconds: float, chance: random.Random) -> tuple[list[int], list[int]]:
    """Give the durations, in nanoseconds, with the same secret and with random ones."""
    durations: tuple[list[int], list[int]] = ([], [])
    until = time.monotonic() + seconds
    clock, ready, run = time.perf_counter_ns, case.ready, case.run
    warm = False
    while time.monotonic() < until and sum(map(len, durations)) < MOST:
        classes = [chance.getrandbits(1) for _ in range(BATCH if warm else BATCH // 10)]
        # Copies: the same secret must not be at hand in a cache while a random one is not.
        secrets = [case.random() if one else bytes(bytearray(case.same[kind])) for one in classes]
        for one, secret in zip(classes, secrets, strict=True):
            prepared = ready(secret)
            begin = clock()
            run(prepared)
            end = clock()
            if warm:
                durations[one].append(end - begin)
            if end % 64 == 0 and time.monotonic() > until:
                break
        warm = True
    return durations


def rows(seconds: float, only: str, seed: str) -> Iterator[tuple[str, ...]]:
    """Measure, and give the table row by row."""
    chance = random.Random(seed)
    yield ("operation", "median, µs", "samples", *KINDS)
    yield ("---", "---:", "---:", *["---:"] * len(KINDS))
    for case in cases():
        if only not in case.name:
            continue
        cells, medians, counts = [], [], []
        for kind in KINDS:
            same, fresh = samples(case, kind, seconds, chance)
            medians.append(sorted(fresh)[len(fresh) // 2])
            counts.append(len(same) + len(fresh))
            cells.append(shown(judge(same, fresh)))
        yield (case.name, f"{sorted(medians)[1] / 1000:,.1f}", f"{min(counts):,}", *cells)


def shown(verdict: Verdict) -> str:
    """Give |t|; where it is suspect also by how much random secrets take longer, and below which percentile."""
    if verdict.t <= SUSPECT:
        return f"{verdict.t:.1f}"
    return f"**{verdict.t:.0f}** ({verdict.difference:+,.0f} ns, {verdict.share:+.1%}; p{verdict.percentile})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run timing", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each operation and kind of secret")
    parser.add_argument("--only", default="", help="operations whose name has this in it")
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    begun = time.monotonic()
    gc.disable()
    for row in rows(arguments.seconds, arguments.only, arguments.seed):
        print("| " + " | ".join(row) + " |", flush=True)
        gc.collect()
    machine = f"{platform.machine()}, Python {platform.python_version()}, {versions()}"
    print(f"{machine}; seed {arguments.seed}, {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
