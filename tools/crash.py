"""``./run crash [--cuts N] [--kills N] [--seed S]``: a signer is cut off at random moments, and asked again.

The campaign of ``tests/keystore/crashes.py`` at full length. It prints what was counted; any one-time value that
answered twice differently, any damaged keystore, any released answer that is not given again; and it ends with 1 if
there is any. A second, short campaign on a disk that does not sync must find such things, or the judge is asleep.
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.keystore.crashes import campaign
from tests.keystore.disk import build

MOMENTS = 500
CONTROL = 50
"""Power cuts with the disk that does not sync."""
ROWS = {
    "cut": "power cuts",
    "killed": "kills (SIGKILL)",
    "failed": "failures of the disk on the way",
    "episodes": "keystores",
    "answered": "questions answered",
    "refused": "questions refused",
    "one-time values released": "one-time values that answered",
}


def run(library: Path, where: str | None, job: dict[str, int]) -> dict[str, Any]:
    """Run one part of the campaign, in a directory of its own."""
    with TemporaryDirectory(dir=where) as place:
        return campaign(library, Path(place), **job)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=MOMENTS)
    parser.add_argument("--kills", type=int, default=MOMENTS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    memory = "/dev/shm"  # states are made and read by the thousand, and none has to last
    where = memory if os.access(memory, os.W_OK) else None
    begun = time.monotonic()
    with TemporaryDirectory() as place, ThreadPoolExecutor() as pool:
        library = build(Path(place))
        jobs = [
            {"seed": arguments.seed, "cuts": arguments.cuts},
            {"seed": arguments.seed, "kills": arguments.kills},
            {"seed": arguments.seed, "cuts": CONTROL, "drop": 3},
        ]
        *parts, control = pool.map(lambda job: run(library, where, job), jobs)
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part["counts"])
    wrong = [one for part in parts for one in part["wrong"]]
    for name, heading in ROWS.items():
        print(f"| {heading} | {counts[name]} |")
    print(f"| wrong | {len(wrong)} |")
    for one in wrong:
        print(one)
    twice = sum("answers" in one for one in control["wrong"])
    print(f"Without syncs: {twice} one-time values answered twice differently in {CONTROL} power cuts.")
    print(f"seed {arguments.seed}, {time.monotonic() - begun:.0f} s")
    return 1 if wrong or not twice else 0


if __name__ == "__main__":
    sys.exit(main())
