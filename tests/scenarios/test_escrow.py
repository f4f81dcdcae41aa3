"""A key on paper, by the commands people type: made, printed, scanned, read back, checked, brought back."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keyquorum.escrow.keys import from_private_key
from tests.scenarios.desk import create, manifest_of, recover
from tests.scenarios.scripts import run_here


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
    assert [page["what"] for page in report["pages"] if not page["intact"]] == []


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
