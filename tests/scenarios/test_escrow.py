"""A key on paper, by the commands people type: made, printed, scanned, read back, checked, brought back."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keyquorum.escrow.keys import from_private_key
from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from tests.scenarios.scanner import scanning
from tests.scenarios.scripts import Seen, run_here
from tests.threshold.cases import seeded

PASSPHRASE = b"correct horse"


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, as a ceremony has it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="keyquorum-test-") as directory:
        yield Path(directory)


@pytest.fixture
def desk(memory: Path) -> Path:
    """A directory in memory with a maker's keystore, a directory for scans, and a passphrase file."""
    Person.new(memory / "rita.keystore", "rita", PASSPHRASE, seeded("rita"), cost=Cost.TEST)
    (memory / "passphrase").write_bytes(PASSPHRASE)
    (memory / "scans").mkdir()
    return memory


def create(desk: Path, *more: str, out: str = "out", rehearsal: bool = True) -> Seen:
    """Run ``escrow create`` while a scanner runs."""
    words = ["escrow", "create", "--zone", ".", "--identity", str(desk / "rita.keystore"), "--passphrase-file"]
    words += [str(desk / "passphrase"), "--out", str(desk / out), "--scans", str(desk / "scans"), *more]
    with scanning(desk / out, desk / "scans"):
        return run_here([*words, *(["--rehearsal"] if rehearsal else [])])


def manifest_of(directory: Path) -> Signed[Escrow]:
    """Give the manifest that was written."""
    return ESCROW.read((directory / "escrow.json").read_bytes())


def recover(desk: Path, *more: str, out: str = "out", rehearsal: bool = True) -> Seen:
    """Run ``escrow recover`` on what was made there."""
    manifest = manifest_of(desk / out)
    words = ["escrow", "recover", "--escrow", str(desk / out / "escrow.json"), "--approve", manifest.id.hex(), *more]
    return run_here([*words, *(["--rehearsal"] if rehearsal else [])])


def test_a_rehearsal_from_the_key_to_paper_and_back(desk: Path) -> None:
    made = create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "3")
    assert made.status == 0, made.text
    out = desk / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "escrow.json", "instructions.pdf", "key.cms", "key.pdf", "manifest.pdf", "share-1.pdf", "share-2.pdf",
        "share-3.pdf",
    ]  # fmt: skip
    manifest = manifest_of(out)
    assert manifest.record.rehearsal
    pages = ["--page", *(str(path) for path in sorted((desk / "scans").glob("share-[13]*")))]
    done = recover(desk, *pages, "--to-pem", str(desk / "key.pem"))
    assert done.status == 0, done.text
    key = from_private_key(load_pem_private_key((desk / "key.pem").read_bytes(), None), None)
    assert key.public_key == manifest.record.public_key
    assert (desk / "key.pem").stat().st_mode & 0o777 == 0o600


def test_check_knows_every_page(desk: Path) -> None:
    assert create(desk, "--algorithm", "ECDSAP256SHA256", "--threshold", "2", "--shares", "2").status == 0
    scans = sorted(path for path in (desk / "scans").iterdir() if not path.name.startswith("instructions"))
    seen = run_here(["escrow", "check", "--escrow", str(desk / "out"), "--json", *map(str, scans)])
    assert seen.status == 0, seen.text
    report = json.loads(seen.out)
    assert {page["share"] for page in report["pages"]} == {None, 1, 2}
    assert all(page["intact"] for page in report["pages"])


def test_a_rehearsal_is_not_taken_for_real(desk: Path) -> None:
    assert create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2").status == 0
    done = recover(desk, "--to-pem", str(desk / "key.pem"), rehearsal=False)
    assert done.status == 1
    assert "this is a rehearsal, and is not taken for real" in done.text
    assert not (desk / "key.pem").exists()


def test_the_manifest_can_come_from_its_pages(desk: Path) -> None:
    assert create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2").status == 0
    manifest = manifest_of(desk / "out")
    pages = [str(path) for path in (desk / "scans").iterdir() if path.name.startswith(("share", "key"))]
    words = ["escrow", "recover", "--escrow", str(desk / "out" / "manifest.pdf"), "--approve", manifest.id.hex()]
    seen = run_here([*words, "--page", *pages, "--to-pem", str(desk / "key.pem"), "--rehearsal"])
    assert seen.status == 0, seen.text
