"""``./run damage [--pages N] [--seed S]``: damaged pages, read back; how each was recovered, by kind of damage.

A share's page is recovered from the picture, or by its words as somebody would type them from what is left of the
paper: a word that is not all there is a question mark, and one word in 40 is mistyped by a letter. A key's page is
recovered from the picture or not: copies of it lie in every bag, and its codes add up over copies.
"""

import argparse
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from random import Random

from keyquorum.escrow.checking import FindingKind, examine
from keyquorum.escrow.making import Made
from keyquorum.paper.pages import Sheet, key_pages, share_pages
from keyquorum.paper.reading import read_file
from keyquorum.paper.sheet import Paper
from tests.paper.damage import CAPTURE, KINDS, PAPER, SEVERITIES, Damaged, Page, damaged
from tests.paper.escrows import escrow
from tests.paper.rendered import rendered

PAGES = 2000
SLIPS = 40
"""One word in so many is mistyped."""
Case = tuple[str, str, int | None, Paper]
CASES: tuple[Case, ...] = (
    ("share", "ED25519", None, "A4"),
    ("share", "RSASHA256", 2048, "Letter"),
    ("share", "ECDSAP256SHA256", None, "A4"),
    ("key", "RSASHA256", 2048, "A4"),
    ("key", "ED25519", None, "Letter"),
)
PICTURE, WORDS, PROPOSED, LOST = "picture", "words", "words, with proposals", "lost"
OUTCOMES = (PICTURE, WORDS, PROPOSED, LOST)
Damages = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One page to damage: which, how (kinds and severities), under which heading, from which seed."""

    case: Case
    heading: str
    damages: Damages
    seed: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a task: how the page was recovered, and the CPU seconds of reading its picture."""

    task: Task
    outcome: str
    seconds: float


@cache
def page_of(case: Case) -> tuple[Page, Made]:
    """Give an undamaged page: share 1's, or the first of the key's that has its codes."""
    kind, algorithm, bits, paper = case
    made = escrow(algorithm, bits)
    sheet = Sheet(made.manifest, made.cms, paper)
    if kind == "share":
        text = made.shares[0].text
        return rendered(share_pages(sheet, 1, text), text.split())[0], made
    return next(page for page in rendered(key_pages(sheet)) if len(page.codes) > 1), made


def tasks(pages: int, seed: str) -> Iterator[Task]:
    """Give ``pages`` tasks: half with a kind of damage by itself, half with one of the paper and some of the scan."""
    rng = Random(seed)
    single = [(kind, severity) for kind in KINDS for severity in range(len(SEVERITIES))]
    for number in range(pages):
        case = CASES[number % len(CASES)]
        if number % 2:
            kind, severity = single[number // 2 % len(single)]
            yield Task(case, f"{kind}, {SEVERITIES[severity]}", ((kind, severity),), f"{seed}/{number}")
            continue
        severity = rng.randrange(len(SEVERITIES))
        scan = rng.sample(CAPTURE, rng.randint(1, 3))
        chosen = [(rng.choice(PAPER), severity), *((kind, rng.randint(0, severity)) for kind in scan)]
        heading = f"one of paper, {len(scan)} of scan, up to {SEVERITIES[severity]}"
        yield Task(case, heading, tuple(chosen), f"{seed}/{number}")


def run(task: Task) -> Result:
    """Damage one page and recover it."""
    page, made = page_of(task.case)
    spoilt = damaged(page, task.damages, task.seed)
    picture = io.BytesIO()
    spoilt.picture.save(picture, "PNG", compress_level=1)
    start = time.process_time()
    frames = [frame for reading in read_file(picture.getvalue(), "scan.png") for frame in reading.frames]
    seconds = time.process_time() - start
    if task.case[0] == "share":
        text = made.shares[0].text
        if any(frame.kind == "S" and frame.text == text for frame in frames):
            return Result(task, PICTURE, seconds)
        return Result(task, by_words(spoilt, made, Random(task.seed)), seconds)
    whole = {frame for frame in _undamaged(task.case) if frame[0] == "K"}
    found = {(frame.kind, frame.number, frame.text) for frame in frames}
    return Result(task, PICTURE if whole <= found else LOST, seconds)


@cache
def _undamaged(case: Case) -> frozenset[tuple[str, int, str]]:
    page, _ = page_of(case)
    picture = io.BytesIO()
    page.picture.save(picture, "PNG", compress_level=1)
    frames = [frame for reading in read_file(picture.getvalue(), "page.png") for frame in reading.frames]
    return frozenset((frame.kind, frame.number, frame.text) for frame in frames)


def by_words(spoilt: Damaged, made: Made, rng: Random) -> str:
    """Type what is left of the words, with slips, and say what comes of it."""
    typed = []
    for word, box in zip(made.shares[0].words, spoilt.page.words, strict=True):
        if not spoilt.legible(box):
            typed.append("?")
        elif rng.randrange(SLIPS):
            typed.append(word)
        else:
            place = rng.randrange(len(word))
            typed.append(word[:place] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[place + 1 :])
    finding = examine(made.manifest, " ".join(typed), number=1)
    if finding.kind is FindingKind.INTACT:
        return WORDS
    if finding.kind is not FindingKind.CORRECTABLE or finding.proposal is None:
        return LOST
    # At most one proposal for each word, and the right one.
    right = finding.proposal.share.text == made.shares[0].text
    return PROPOSED if right and len(finding.proposal.changes) <= len(typed) else LOST


def report(results: list[Result]) -> str:
    """Give the table."""
    headings = sorted({result.task.heading for result in results}, key=_order)
    rows: list[tuple[str, ...]] = [("damage", "pages", *OUTCOMES)]
    for heading in [*headings, "all shares", "all keys", "all"]:
        mine = [one for one in results if heading in {one.task.heading, f"all {one.task.case[0]}s", "all"}]
        counts = Counter(one.outcome for one in mine)
        rows.append((heading, str(len(mine)), *(str(counts[outcome] or "-") for outcome in OUTCOMES)))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    times = sorted(one.seconds for one in results)
    lines += [
        "",
        f"Reading a page: median {times[len(times) // 2]:.2f} s CPU, 90 % within {times[len(times) * 9 // 10]:.2f} s, "
        f"longest {times[-1]:.2f} s.",
    ]
    return "\n".join(lines)


def _order(heading: str) -> tuple[int, str, int]:
    name, _, severity = heading.rpartition(", ")
    kinds = list(KINDS)
    return kinds.index(name) if name in kinds else len(kinds), name, SEVERITIES.index(severity.removeprefix("up to "))


def main() -> int:
    """Run the campaign; exit 1 if a share was lost."""
    parser = argparse.ArgumentParser(prog="./run damage", description="Damaged pages, read back.")
    parser.add_argument("--pages", type=int, default=PAGES, help="how many  [default: %(default)s]")
    parser.add_argument("--seed", default="1", help="another seed, other damage  [default: %(default)s]")
    arguments = parser.parse_args()
    begun = time.monotonic()
    results = []
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        for number, result in enumerate(pool.map(run, tasks(arguments.pages, arguments.seed), chunksize=4), 1):
            results.append(result)
            if sys.stderr.isatty() and number % 20 == 0:
                sys.stderr.write(f"\r{number} of {arguments.pages}")
    print(report(results))
    lost = [one.task for one in results if one.outcome == LOST]
    for task in lost:
        print(f"lost: {' '.join(map(str, task.case))}: {task.damages} (seed {task.seed})")
    print(f"{arguments.pages} pages, seed {arguments.seed}, {time.monotonic() - begun:.0f} s")
    return 1 if any(task.case[0] == "share" for task in lost) else 0


if __name__ == "__main__":
    sys.exit(main())
