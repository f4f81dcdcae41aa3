"""A printer and a scanner in one: turns pages that appear in one directory into pictures in another.

poppler renders them, not we: what is read back is what another program makes of the PDF.
"""

import os
import re
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

RESOLUTION = 200
_BEGINNING = b"%PDF-"
Spoil = Callable[[Path], None]


def scan(pdf: Path, into: Path, *, resolution: int = RESOLUTION) -> list[Path]:
    """Scan each page of ``pdf`` as a grey PNG named after it; the files appear whole."""
    with tempfile.TemporaryDirectory(dir=into, prefix=".") as scratch:
        subprocess.run(
            ["pdftoppm", "-r", str(resolution), "-gray", str(pdf), f"{scratch}/{pdf.stem}"],
            check=True, capture_output=True,
        )  # fmt: skip
        scans = []
        for path in sorted(Path(scratch).glob("*.pgm")):
            # poppler compresses as hard as it can, which takes far longer than the rest.
            picture = path.with_suffix(".png")
            with Image.open(path) as page:
                page.save(picture, compress_level=1)
            scans.append(picture.rename(into / picture.name))
        return scans


@contextmanager
def scanning(pages: Path, scans: Path, *, skip: tuple[str, ...] = (), spoil: Spoil | None = None) -> Iterator[None]:
    """Scan every page that appears in ``pages``, but those named in ``skip``; ``spoil`` may change a scan."""
    done = threading.Event()

    def work() -> None:
        seen: set[str] = set()
        while not done.wait(0.05):
            for path in sorted(pages.glob("*.pdf")) if pages.is_dir() else []:
                if path.name in seen or path.name in skip:
                    continue
                seen.add(path.name)
                for picture in scan(path, scans):
                    if spoil:
                        spoil(picture)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def printing(devices: list[Path], into: Path) -> Iterator[dict[str, list[str]]]:
    """Have printers behind these names (pipes): what is sent to one appears in ``into``; gives the jobs of each."""
    jobs: dict[str, list[str]] = {device.name: [] for device in devices}
    done = threading.Event()

    def work(device: Path) -> None:
        descriptor = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
        try:
            job = b""
            while not done.is_set():
                if not select.select([descriptor], [], [], 0.05)[0]:
                    continue
                data = os.read(descriptor, 1 << 16)
                job += data
                # Nothing to read means that whoever wrote has closed it, or that nobody has opened it yet.
                if job and not data:
                    # Two that follow each other closely come as one.
                    for pdf in job.split(_BEGINNING)[1:]:
                        title = _title(_BEGINNING + pdf)
                        jobs[device.name].append(title)
                        path = into / f"{title.replace(' ', '-')}.pdf"
                        path.with_suffix(".part").write_bytes(_BEGINNING + pdf)
                        path.with_suffix(".part").rename(path)
                    job = b""
                time.sleep(0.02)
        finally:
            os.close(descriptor)

    for device in devices:
        os.mkfifo(device)
    threads = [threading.Thread(target=work, args=(device,), daemon=True) for device in devices]
    for thread in threads:
        thread.start()
    try:
        yield jobs
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _title(pdf: bytes) -> str:
    """Say what a job is, by its text."""
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, check=True, capture_output=True).stdout.decode()
    share = re.search(r"Share (\d+) of \d+", text)
    if share:
        return f"share {share[1]}"
    return "instructions" if "How the key comes back" in text else "manifest" if "escrow.json, part" in text else "key"
