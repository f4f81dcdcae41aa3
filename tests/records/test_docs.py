"""What auditors read about records is true: the fields, the limits, and the commands, which are run as they stand."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keyquorum.identity.words import spoken
from keyquorum.records.canonical import DEPTH_LIMIT
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed
from keyquorum.records.files import header
from keyquorum.records.parts import SHARE
from keyquorum.threshold.ecdsa import EcdsaShare
from keyquorum.threshold.frost import FrostShare
from keyquorum.threshold.rsa import RsaShare
from tests.records.described import part_rows, rows
from tests.records.people import ASKED, CARDS, DIGEST, EXAMPLES, KEY
from tests.records.refusals import decoded
from tools.schemas import OUT

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "auditor" / "records.md").read_text()
SCRIPT, BODY_SCRIPT = re.findall(r"```sh\n(.*?)```\n", TEXT, re.DOTALL)


def section(name: str) -> str:
    """Give the text under one heading of the third level."""
    return TEXT.split(f"\n### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]


def table(text: str) -> list[tuple[str, str]]:
    """Give the first two columns of a table of fields."""
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert all(len(line) == 3 and line[2].strip(" |") for line in lines)
    return [(line[0].strip("|` "), line[1]) for line in lines]


def verify(directory: Path, data: bytes) -> subprocess.CompletedProcess[str]:
    """Run the script of the page over a file."""
    for tool in ("sh", "openssl", "base64", "sha256sum", "sed", "od"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (directory / "verify-record.sh").write_text(SCRIPT)
    (directory / "file").write_bytes(data)
    return subprocess.run(
        ["sh", "verify-record.sh", "file"], cwd=directory, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_field_is_documented_with_what_it_holds(kind: Kind[Any]) -> None:
    text = section(kind.name)
    assert table(text) == rows(kind)
    assert f"At most {kind.limit:,} bytes." in text
    assert (OUT / f"{kind.name}.v{kind.version}.json").is_file()
    assert f"(../schemas/{kind.name}.v{kind.version}.json)" in text


def test_the_kinds_stand_in_their_order_and_a_share_after_them() -> None:
    assert re.findall(r"^### (.*)$", TEXT, re.MULTILINE) == [*(kind.name for kind in KINDS), "Inside a sealed share"]
    assert table(section("Inside a sealed share")) == part_rows(SHARE)
    for word, share in (("rsa", RsaShare(1, 2)), ("frost", FrostShare(1, 2)), ("ecdsa", EcdsaShare(1))):
        written = SHARE.dump(share)
        assert isinstance(written, dict)
        described = [name.rpartition(".")[2] for name, _ in part_rows(SHARE) if name.startswith(f"<{word}>")]
        assert sorted(written) == sorted([*described, "scheme"])
    assert f"nested deeper than {DEPTH_LIMIT}" in TEXT


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!https:)([^)#]+)", TEXT):
        assert (DOCS / "auditor" / link).exists(), link


def test_the_example_is_verified_with_stock_tools_as_printed(tmp_path: Path) -> None:
    (card,) = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    (expected,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert card.encode() == CARDS["alice"].envelope
    run = verify(tmp_path, card.encode() + b"\n")
    assert (run.returncode, run.stdout) == (0, expected), run.stderr
    assert f"*{spoken(CARDS['alice'].id, 8)}*" in TEXT


@pytest.mark.parametrize(("kind", "signed"), EXAMPLES, ids=[kind.name for kind, _ in EXAMPLES])
def test_every_kind_is_verified_with_stock_tools(kind: Kind[Any], signed: Signed[Any], tmp_path: Path) -> None:
    run = verify(tmp_path, header(signed) + b"a file\n{}\n")
    assert run.returncode == 0, run.stderr
    said = dict(line.split(maxsplit=1) for line in run.stdout.splitlines())
    assert said["id"] == signed.id.hex()
    assert said["signer"] == signed.record.signer.hex()
    assert said["type"] == kind.payload_type


def test_a_changed_record_is_not(tmp_path: Path) -> None:
    other_kind = KEY.envelope.replace(b"key-record.v1", b"key-record.v2")
    other_signature = CARDS["alice"].envelope.replace(b'"sig":"', b'"sig":"A', 1).replace(b'=="}]}', b'="}]}')
    for changed in (other_kind, other_signature):
        run = verify(tmp_path, changed)
        assert run.returncode != 0
        assert "Successfully" not in run.stdout


def test_the_body_of_a_request_is_compared_with_stock_tools(tmp_path: Path) -> None:
    for body, same in [(b"a file", True), (b"a file\n", False)]:
        data = header(ASKED) + body
        assert verify(tmp_path, data).returncode == 0
        (tmp_path / "request").write_bytes(data)
        command = ["sh", "-c", BODY_SCRIPT]
        run = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        found, stated = run.stdout.split()
        assert stated == DIGEST.hex()
        assert (found == stated) is same


def test_the_document_the_script_leaves_is_the_payload(tmp_path: Path) -> None:
    verify(tmp_path, KEY.envelope)
    (payload,) = re.findall(r'^\{"payload":"([^"]*)"', KEY.envelope.decode())
    assert (tmp_path / "document").read_bytes() == decoded(payload)
