"""What lies on the desk of a ceremony in these tests, and the commands as they are typed there."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from tests.scenarios.scanner import scanning
from tests.scenarios.shell import Seen, run_here

PASSPHRASE = b"correct horse"
PATIENCE = 120
"""Seconds that a ceremony may take; far more than any does."""


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer: a ceremony waits for its pages for ever."""

    def enough(_signal: int, _frame: object) -> None:
        raise TimeoutError("a page was never read back")

    before = signal.signal(signal.SIGALRM, enough)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def create(desk: Path, *more: str, out: str = "out", rehearsal: bool = True, pages: Path | None = None) -> Seen:
    """Run ``escrow create`` while a scanner runs, on the pages in its output or in ``pages``."""
    words = ["escrow", "create", "--zone", ".", "--identity", str(desk / "rita.keystore"), "--passphrase-file"]
    words += [str(desk / "passphrase"), "--out", str(desk / out), "--scans", str(desk / "scans"), *more]
    with scanning(pages or desk / out, desk / "scans"), patience(PATIENCE):
        return run_here([*words, *(["--rehearsal"] if rehearsal else [])])


def manifest_of(directory: Path) -> Signed[Escrow]:
    """Give the manifest that was written."""
    return ESCROW.read((directory / "escrow.json").read_bytes())


def recover(desk: Path, *more: str, out: str = "out", rehearsal: bool = True) -> Seen:
    """Run ``escrow recover`` on what was made there."""
    manifest = manifest_of(desk / out)
    words = ["escrow", "recover", "--escrow", str(desk / out / "escrow.json"), "--approve", manifest.id.hex(), *more]
    return run_here([*words, *(["--rehearsal"] if rehearsal else [])])
