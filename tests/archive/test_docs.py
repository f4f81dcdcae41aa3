"""What auditors read about the archive is true: its fields, and the script, which is run as it stands."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyquorum.archive.entries import BEGINNING, ENTRY, KINDS
from keyquorum.archive.store import Archive
from keyquorum.records.fields import Object
from tests.archive.matter import ceremony
from tests.archive.test_store import TAMPERING, filled
from tests.records.described import _rows

PAGE = Path(__file__).parents[2] / "docs" / "auditor" / "archive.md"
TEXT = PAGE.read_text()
(SCRIPT,) = re.findall(r"```sh\n(.*?)```\n", TEXT, re.DOTALL)


def fields(codec: Object[Any], prefix: str = "") -> list[tuple[str, str]]:
    """Give every field and what it holds; the label of a KSR is none of the records' kinds of field."""
    rows = []
    for name, field in codec.fields.items():
        if isinstance(field, Object):
            rows += [(f"{prefix}{name}", "object"), *fields(field, f"{prefix}{name}.")]
        elif name == "id":
            rows.append((f"{prefix}{name}", "label"))
        else:
            rows += list(_rows(f"{prefix}{name}", field))
    fixed = ", ".join(str(value) if isinstance(value, int) else f"`{value}`" for value in codec.fixed.values())
    return [*rows, ("type`, `version", fixed)] if codec.fixed else rows


def table(after: str) -> list[tuple[str, str]]:
    lines = TEXT.split(after)[1].split("| --- | --- | --- |\n")[1].split("\n\n")[0].splitlines()
    return [(cells[0].strip("|` "), cells[1].strip()) for cells in (line.split(" | ") for line in lines)]


def test_every_field_is_documented_with_what_it_holds() -> None:
    assert table("The first line begins the archive:") == fields(BEGINNING)
    assert table("Every other line is an entry:") == fields(ENTRY)
    kept = TEXT.split("## What is kept")[1].split("\n## ")[0]
    assert tuple(re.findall(r"^\| `([\w-]+)`", kept, re.MULTILINE)) == KINDS


def script(directory: Path, path: Path) -> subprocess.CompletedProcess[str]:
    for tool in ("sh", "openssl", "sed", "tr", "sha256sum", "od"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (directory / "verify-archive.sh").write_text(SCRIPT)
    command = ["sh", str(directory / "verify-archive.sh"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_accepts_an_archive_and_gives_its_head(tmp_path: Path) -> None:
    path = filled(tmp_path / "archive", *ceremony().files.values())
    done = script(tmp_path, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"6 entries, head {Archive.open(path).chain.head.hex()}\n"


SEEN = [case for case in TAMPERING if "does not say" not in case[1] and "no beginning" not in case[1]]


@pytest.mark.parametrize(("tamper", "what", "_in_chain"), SEEN, ids=[what for _, what, _ in SEEN])
def test_the_script_names_what_was_done(
    tamper: Callable[[Path], None], what: str, _in_chain: bool, tmp_path: Path
) -> None:
    path = filled(tmp_path / "archive")
    assert script(tmp_path, path).returncode == 0
    tamper(path)
    done = script(tmp_path, path)
    assert done.returncode == 1
    number = re.findall(r"entry (\d)", what)[0]
    named = re.findall(r"entry (\d)|file of entry (\d)", done.stdout)
    assert {number, str(int(number) + 1)} & {one for pair in named for one in pair}
