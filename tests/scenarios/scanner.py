"""A printer and a scanner in one: turns pages that appear in one directory into pictures in another.

poppler renders them, not we: what is read back is what another program makes of the PDF.
"""

import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

RESOLUTION = 200
Spoil = Callable[[Path], None]


def scan(pdf: Path, into: Path, *, resolution: int = RESOLUTION) -> list[Path]:
    """Scan each page of ``pdf`` as a grey PNG named after it; the files appear whole."""
    with tempfile.TemporaryDirectory(dir=into, prefix=".") as scratch:
        subprocess.run(
            ["pdftoppm", "-r", str(resolution), "-gray", "-png", str(pdf), f"{scratch}/{pdf.stem}"],
            check=True, capture_output=True,
        )  # fmt: skip
        return [path.rename(into / path.name) for path in sorted(Path(scratch).iterdir())]


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
