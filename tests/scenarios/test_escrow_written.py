"""Nothing secret reaches a disk: everything that the commands write is watched, also when they are killed."""

import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.errors import KeyquorumError
from keyquorum.escrow.keys import EscrowKey, generate
from keyquorum.escrow.recovering import recover as recovered
from keyquorum.escrow.shares import Share, combine, read_share
from keyquorum.machine.swap import swap_devices
from keyquorum.paper.reading import read_file
from tests.scenarios.desk import manifest_of
from tests.scenarios.scanner import scanning
from tests.scenarios.shell import run_here
from tests.scenarios.written import Written, watch
from tests.scenarios.written_secrets import key_secrets
from tests.threshold.cases import seeded
from tests.tokens.softhsm import MODULE, Soft, softhsm

KEYQUORUM = Path(sys.executable).parent / "keyquorum"
NO_SWAP = pytest.mark.skipif(bool(swap_devices()), reason="this machine has swap on, and a real ceremony refuses that")
MOMENTS = int(os.environ.get("KEYQUORUM_MOMENTS") or 4)
"""At how many random moments each command is killed; more in a campaign (docs/developer/durability.md)."""
pytestmark = NO_SWAP


def pem(key: EscrowKey, path: Path) -> Path:
    path.write_bytes(key.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def create(desk: Path, *more: str, kill: tuple[str, int] | float | None = None) -> Written:
    """Hold a real ceremony, 2 of 3, watched."""
    words = ["escrow", "create", "--zone", ".", "--threshold", "2", "--shares", "3"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase")]
    words += ["--out", str(desk / "out"), "--scans", str(desk / "scans"), *more]
    with scanning(desk / "out", desk / "scans"):
        return watch([KEYQUORUM, *words], kill=kill)


def shares_on(directory: Path) -> list[Share]:
    """Read the shares that are on pages in ``directory``."""
    found: dict[int, Share] = {}
    for path in sorted(directory.glob("share-*")):
        try:
            frames = [frame for page in read_file(path.read_bytes(), path.name) for frame in page.frames]
        except KeyquorumError:
            continue  # a page that was being written
        found |= {frame.number: read_share(frame.text) for frame in frames if frame.kind == "S"}
    return list(found.values())


def tokens_of(soft: Soft) -> Path:
    """Give the directory in which SoftHSM keeps its tokens."""
    conf = Path(os.environ["SOFTHSM2_CONF"]).read_text()
    assert soft.label
    return Path(conf.split("directories.tokendir")[1].split("=")[1].splitlines()[0].strip())


def secrets_of(key: EscrowKey, shares: list[Share]) -> Mapping[str, bytes]:
    """Give everything that must not be found: the key's parts, and what is known of shares and their secret."""
    texts = [share.text for share in shares]
    if len(shares) < 2:
        return {name: data for name, data in key_secrets(key.pkcs8.reveal(), bytes(32), texts).items() if any(data)}
    with combine(shares[:2]) as kek:
        return key_secrets(key.pkcs8.reveal(), kek.reveal(), texts)


@pytest.mark.parametrize("algorithm", ["ED25519", "RSASHA256"])
def test_create_and_recover_write_nothing_secret_outside_memory(desk: Path, tmp_path: Path, algorithm: str) -> None:
    made = create(desk, "--algorithm", algorithm)
    assert made.status == 0, made.output
    out, shares = desk / "out", shares_on(desk / "scans")
    manifest = manifest_of(out)
    assert not manifest.record.rehearsal
    # The pages with shares are erased, the public files are there.
    assert {path.name for path in out.iterdir()} == {
        "escrow.json", "key.cms", "key.pdf", "manifest.pdf", "instructions.pdf"
    }  # fmt: skip
    key = recovered(manifest, (out / "key.cms").read_bytes(), shares[:2])
    secrets = secrets_of(key, shares)
    made.assert_nothing_of(secrets)

    pages = [str(path) for path in sorted((desk / "scans").glob("share-*"))]
    words: list[str | Path] = [
        KEYQUORUM,
        "escrow",
        "recover",
        "--escrow",
        str(out),
        "--approve",
        manifest.id.hex(),
        "--page",
        *pages[1:],
    ]
    back = watch([*words, "--to-pem", str(desk / "key.pem")])
    assert back.status == 0, back.output
    back.assert_nothing_of(secrets)
    assert (desk / "key.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")

    with softhsm(tmp_path, MODULE) as soft:
        target = ["--to-token", soft.text(), "--pin-file", str(soft.pin_file())]
        loaded = watch([*words, *target])
        assert loaded.status == 0, loaded.output
        # A software token keeps its objects in files, encrypted by its PIN: it is the HSM here.
        loaded.assert_nothing_of(secrets, except_under=[tokens_of(soft)])
        load: list[str | Path] = [
            KEYQUORUM,
            "token",
            "load",
            soft.text(),
            "--key",
            desk / "key.pem",
            "--label",
            "again",
            "--id",
            "01",
        ]
        token = watch([*load, "--algorithm", algorithm, "--pin-file", soft.pin_file()])
        assert token.status == 0, token.output
        token.assert_nothing_of(secrets, except_under=[tokens_of(soft)])

    refused = watch([*words, "--to-pem", str(tmp_path / "key.pem")])
    assert refused.status == 1
    assert b"a disk is no place for an unencrypted private key" in refused.output
    refused.assert_nothing_of(secrets)


def test_a_disk_is_refused_for_pages_and_scans_before_there_is_a_key(desk: Path, tmp_path: Path) -> None:
    words = ["escrow", "create", "--zone", ".", "--algorithm", "ED25519", "--threshold", "2", "--shares", "3"]
    words += ["--identity", str(desk / "rita.keystore"), "--passphrase-file", str(desk / "passphrase")]
    done = run_here([*words, "--out", str(tmp_path / "out")])
    assert done.status == 1
    assert "a disk is no place for pages with shares" in done.text
    (tmp_path / "scans").mkdir()
    done = run_here([*words, "--out", str(desk / "out"), "--scans", str(tmp_path / "scans")])
    assert done.status == 1
    assert "a disk is no place for scans of pages with shares" in done.text
    assert not (tmp_path / "out").exists()
    assert not (desk / "out").exists()


def test_a_killed_create_leaves_nothing_secret_on_a_disk_and_no_escrow(desk: Path) -> None:
    key = generate("ED25519", None, seeded("killed"))
    source = str(pem(key, desk / "source.pem"))
    whole = create(desk, "--from", source)
    assert whole.status == 0, whole.output
    whole.assert_nothing_of(secrets_of(key, shares_on(desk / "scans")))
    chosen = random.Random(4)
    writes = [(name, count) for name, count in whole.calls.items() if name in {"write", "rename", "renameat2", "fsync"}]
    assert writes
    for _ in range(MOMENTS):
        name, count = chosen.choice(writes)
        for directory in ("out", "scans"):
            for path in (desk / directory).iterdir():
                path.unlink()
        killed = create(desk, "--from", source, kill=(name, chosen.randint(1, count)))
        shares = list({share.member: share for share in shares_on(desk / "out") + shares_on(desk / "scans")}.values())
        killed.assert_nothing_of(secrets_of(key, shares))
        if (desk / "out" / "escrow.json").exists():
            # The last file there is; whoever has it has everything.
            manifest = manifest_of(desk / "out")
            recovered(manifest, (desk / "out" / "key.cms").read_bytes(), shares_on(desk / "scans")[:2])
        else:
            seen = run_here(["escrow", "recover", "--escrow", str(desk / "out"), "--to-pem", str(desk / "not.pem")])
            assert seen.status == 2
            assert "the manifest cannot be read" in seen.text


def test_a_killed_recovery_leaves_a_whole_key_or_none(desk: Path) -> None:
    key = generate("ED25519", None, seeded("killed"))
    assert create(desk, "--from", str(pem(key, desk / "source.pem"))).status == 0
    shares, manifest = shares_on(desk / "scans"), manifest_of(desk / "out")
    pages = [str(path) for path in sorted((desk / "scans").glob("share-*"))]
    words: list[str | Path] = [
        KEYQUORUM,
        "escrow",
        "recover",
        "--escrow",
        str(desk / "out"),
        "--approve",
        manifest.id.hex(),
    ]
    words += ["--page", *pages[:2], "--to-pem"]
    whole = watch([*words, str(desk / "whole.pem")])
    assert whole.status == 0, whole.output
    chosen = random.Random(5)
    writes = [(name, count) for name, count in whole.calls.items() if name in {"write", "rename", "renameat2", "fsync"}]
    for number in range(MOMENTS):
        name, count = chosen.choice(writes)
        out = desk / f"key-{number}.pem"
        killed = watch([*words, str(out)], kill=(name, chosen.randint(1, count)))
        killed.assert_nothing_of(secrets_of(key, shares))
        assert not out.exists() or out.read_bytes() == (desk / "whole.pem").read_bytes()
