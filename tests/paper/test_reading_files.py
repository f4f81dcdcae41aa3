"""What reading pages leaves behind: nothing, on no disk; and says: nothing."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.paper.damage import damaged
from tests.paper.recovery import CASES, original

READ = """
import sys
from pathlib import Path
from keyquorum.paper.reading import read_file
for name in sys.argv[1:]:
    for page in read_file(Path(name).read_bytes(), name):
        print(len(page.frames))
"""
CALLS = ("open", "openat", "openat2", "creat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
         "symlinkat", "mkdir", "mkdirat", "mknod", "mknodat")  # fmt: skip
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^\d+ +(creat|rename|link|symlink|mkdir|mknod)")
NO_DISK = re.compile(r'"/dev/(null|tty)"|"/proc/self/')


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    """A share's page in every kind of file, one of them so damaged that the whole ladder is climbed."""
    page = original(CASES[0]).page
    spoilt = damaged(page, [(kind, 2) for kind in ("faded", "noise", "blurred")], "3").picture
    colour = Image.merge("RGB", (page.picture, page.picture, page.picture.point(lambda value: value // 2)))
    spoilt.save(tmp_path / "a.png")
    colour.save(tmp_path / "b.jpg")
    page.picture.convert("1").save(tmp_path / "c.tif", compression="group4")
    page.picture.copy().save(tmp_path / "d.pdf")
    # A copy, for Pillow keeps the options of the PNG with the picture, and would save the TIFF by them.
    page.picture.copy().save(tmp_path / "e.tif", save_all=True, append_images=[spoilt.copy()])
    return sorted(tmp_path.iterdir())


def test_nothing_is_written(scans: list[Path], tmp_path: Path) -> None:
    strace = shutil.which("strace") or pytest.skip("strace is not installed (package strace)")
    log = tmp_path / "calls"
    calls = "trace=" + ",".join(f"?{call}" for call in CALLS)
    command = [strace, "-f", "-qq", "-o", str(log), "-e", calls, sys.executable, "-B", "-c", READ, *map(str, scans)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr, done.returncode) == (["0", "1", "1", "1", "1", "0"], "", 0)
    seen = log.read_text().splitlines()
    assert any(str(scans[0]) in line for line in seen), "strace saw nothing"
    assert [line for line in seen if WRITES.search(line) and not NO_DISK.search(line)] == []
    assert sorted(path for path in tmp_path.iterdir() if path != log) == scans
