"""A key on paper, by the commands people type: made, printed, scanned, read back, checked, brought back."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keyquorum.escrow.keys import from_private_key, generate
from keyquorum.tokens.loading import load
from keyquorum.tokens.templates import Placing
from tests.scenarios.desk import create, manifest_of, recover
from tests.scenarios.scanner import printing, scanning
from tests.scenarios.shell import run_here
from tests.threshold.cases import seeded
from tests.tokens.softhsm import MODULE, softhsm


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

    # Each page by itself.
    scans = sorted(str(path) for path in (desk / "scans").iterdir())
    seen = run_here(["escrow", "check", "--escrow", str(out), "--json", *scans])
    report = json.loads(seen.out)
    assert [page["what"] for page in report["pages"] if not page["intact"]] == []
    assert {page["share"] for page in report["pages"]} == {None, 1, 2, 3}
    assert seen.status == 0

    # A rehearsal is not taken for real.
    refused = recover(desk, *pages, "--to-pem", str(desk / "real.pem"), rehearsal=False)
    assert refused.status == 1
    assert "this is a rehearsal, and is not taken for real" in refused.text
    assert not (desk / "real.pem").exists()

    # With paper alone: the manifest and the encrypted key come from their pages.
    paper = ["escrow", "recover", "--escrow", str(out / "manifest.pdf"), "--approve", manifest.id.hex(), *pages]
    (out / "key.cms").rename(desk / "key.cms")
    assert run_here([*paper, "--to-pem", str(desk / "no.pem"), "--rehearsal"]).status == 3
    keys = [str(path) for path in (desk / "scans").glob("key*")]
    seen = run_here([*paper, *keys, "--to-pem", str(desk / "paper.pem"), "--rehearsal"])
    assert seen.status == 0, seen.text
    assert (desk / "paper.pem").read_bytes() == (desk / "key.pem").read_bytes()


def test_sites_and_people(desk: Path) -> None:
    made = create(
        desk, "--algorithm", "ED448", "--group", "Oslo=2/2", "--group", "Lima=1/1", "--group-threshold", "2",
        "--share-holder", "Alice", "--share-holder", "Bob", "--share-holder", "Carol",
    )  # fmt: skip
    assert made.status == 0, made.text
    record = manifest_of(desk / "out").record
    assert [(group.name, group.threshold, group.size) for group in record.groups] == [("Oslo", 2, 2), ("Lima", 1, 1)]
    pages = {number: str(next((desk / "scans").glob(f"share-{number}*"))) for number in (1, 2, 3)}
    few = recover(desk, "--page", pages[1], pages[3], "--to-pem", str(desk / "key.pem"))
    assert few.status == 3
    assert "Who can still help: share 2 (Bob)" in few.text
    assert recover(desk, "--page", *pages.values(), "--to-pem", str(desk / "key.pem")).status == 0


def test_one_job_a_share_to_printers_in_turn(desk: Path) -> None:
    printed = desk / "printed"
    printed.mkdir()
    devices = [desk / "one", desk / "two"]
    with printing(devices, printed) as jobs:
        made = create(
            desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "3",
            *(word for device in devices for word in ("--print", str(device))), pages=printed,
        )  # fmt: skip
    assert made.status == 0, made.text
    assert jobs == {"one": ["share 1", "share 3", "key", "manifest", "instructions"], "two": ["share 2"]}
    assert sorted(path.name for path in (desk / "out").iterdir()) == ["escrow.json", "key.cms"]
    assert "A printer that sees 2 shares and the key's page has the key." in made.text


def test_new_paper_for_other_people_and_the_old_paper_still_opens(desk: Path) -> None:
    assert create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2").status == 0
    old = [str(path) for path in (desk / "scans").glob("share-*")]
    (desk / "new-scans").mkdir()
    with scanning(desk / "new", desk / "new-scans"):
        moved = recover(
            desk, "--page", *old, "--to-escrow", str(desk / "new"), "--threshold", "1", "--shares", "1",
            "--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase"),
            "--scans", str(desk / "new-scans"), "--share-holder", "Dave",
        )  # fmt: skip
    assert moved.status == 0, moved.text
    assert "Nothing was revoked." in moved.text
    before, after = manifest_of(desk / "out").record, manifest_of(desk / "new").record
    assert (before.public_key, before.dnskey) == (after.public_key, after.dnskey)
    assert before.recipient != after.recipient
    new = [str(path) for path in (desk / "new-scans").glob("share-*")]
    for number, (out, pages) in enumerate((("new", new), ("out", old))):
        pem = desk / f"key-{number}.pem"
        assert recover(desk, "--page", *pages, "--to-pem", str(pem), out=out).status == 0
    assert (desk / "key-0.pem").read_bytes() == (desk / "key-1.pem").read_bytes()


def test_a_page_that_the_printer_spoilt_is_not_taken(desk: Path) -> None:
    """The first scan of share 2 is of another run's page: it is named, and the ceremony waits for the right one."""
    assert create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2", out="other").status == 0
    stranger = next((desk / "scans").glob("share-2*")).rename(desk / "stranger.png")
    for path in (desk / "scans").iterdir():
        path.unlink()
    stranger.rename(desk / "scans" / "share-0.png")
    made = create(desk, "--algorithm", "ED25519", "--threshold", "2", "--shares", "2")
    assert made.status == 0, made.text
    assert "share-0.png: a page of another escrow" in made.text


def test_a_key_that_its_token_lets_go_is_put_on_paper(desk: Path, tmp_path: Path) -> None:
    key = generate("ECDSAP256SHA256", None, seeded("token"))
    with softhsm(tmp_path, MODULE) as soft:
        with soft.open() as token:
            load(token, key, Placing(label="old", id=b"\x01", extractable=True), seeded(1))
            load(token, generate("ED25519", None, seeded(2)), Placing(label="stays", id=b"\x02"), seeded(1))
        uri = soft.text(object="old", pin_source=str(soft.pin_file()))
        made = create(
            desk, "--from", uri, "--threshold", "1", "--shares", "1", "--token-randomness", soft.text(),
        )  # fmt: skip
        assert made.status == 0, made.text
        assert "It is still in there too." in made.text
        stays = soft.text(object="stays", pin_source=str(soft.pin_file()))
        refused = create(desk, "--from", stays, "--threshold", "1", "--shares", "1", out="other")
    assert manifest_of(desk / "out").record.public_key == key.public_key
    assert refused.status == 1
    assert "cannot leave its token" in refused.text
    assert not (desk / "other" / "escrow.json").exists()
