"""A second vendor: opencryptoki's software token, which has RSA only, hashes nothing, and wraps by AES-CBC."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyquorum.dnssec.anchor_files import read_anchors
from keyquorum.escrow.publickeys import spki_of
from tests.tokens.keys import key, pem
from tests.tokens.opencryptoki import PIN, SO_PIN, Opencryptoki, opencryptoki

URI = "pkcs11:token=OCK"


@pytest.fixture(scope="module")
def ock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opencryptoki]:
    with opencryptoki(tmp_path_factory.mktemp("opencryptoki")) as token:
        yield token


class Vendor:
    """Commands on the token, with its module, its PIN and reports for machines."""

    def __init__(self, ock: Opencryptoki, directory: Path, module: Path | None = None) -> None:
        self.ock, self.directory, self.module = ock, directory, module or ock.module
        self.pin = directory / "pin"
        self.pin.write_text(f"{PIN}\n")

    def run(self, verb: str, *words: str | Path, faults: str = "") -> subprocess.CompletedProcess[str]:
        given = ("--module", self.module, "--pin-file", self.pin, "--json")
        return self.ock.keyquorum(verb, *words, *given, faults=faults)

    def report(self, verb: str, *words: str | Path, faults: str = "") -> dict[str, Any]:
        done = self.run(verb, *words, faults=faults)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def load(self, algorithm: str, *words: str, faults: str = "") -> dict[str, Any]:
        file = pem(self.directory / "k.pem", key(algorithm))
        given: tuple[str | Path, ...] = ("--key", file, "--algorithm", algorithm, "--zone", "example", *words)
        return self.report("load", URI, *given, faults=faults)

    def wipe(self, *words: str | Path) -> dict[str, Any]:
        asked = self.run("wipe", *words)
        assert asked.returncode == 2, asked.stderr
        identifier = asked.stderr.split("--approve ")[1].split(".")[0]
        return self.report("wipe", *words, "--approve", identifier)


@pytest.fixture
def vendor(ock: Opencryptoki, tmp_path: Path) -> Iterator[Vendor]:
    """The token; what a test leaves in it goes."""
    vendor = Vendor(ock, tmp_path)
    yield vendor
    if vendor.report("inspect", URI)["objects"]:
        assert vendor.wipe(URI, "--all")["left"] == []


def test_it_says_what_it_is_and_what_it_lacks(vendor: Vendor) -> None:
    report = vendor.report("inspect", URI)
    assert (report["manufacturer"], report["model"], report["state"]) == ("IBM Corp.", "IBM SoftTok", "ready")
    assert report["algorithms"]["RSASHA256"] == {"can": True, "remark": "2048, 3072, 4096 bits"}
    assert report["algorithms"]["ECDSAP256SHA256"]["can"] is False
    file = pem(vendor.directory / "k.pem", key("ECDSAP256SHA256"))
    done = vendor.run("load", URI, "--key", file)
    assert done.returncode == 1
    assert "the token lacks ECDSAP256SHA256 (it does not list CKM_ECDSA or CKM_ECDSA_SHA256)" in done.stderr


def test_load_test_wipe(vendor: Vendor) -> None:
    algorithm = "RSASHA512"
    loaded = vendor.load(algorithm)
    assert (loaded["path"], loaded["deviations"]) == ("C_CreateObject", [])
    (anchor,) = read_anchors(loaded["dnskey"].encode())
    assert anchor.key is not None
    assert spki_of(anchor.key) == (algorithm, key(algorithm).public_key)
    records = vendor.directory / "records"
    records.write_text(loaded["dnskey"])
    tried = vendor.report("test", loaded["uri"], "--dnskey", records)
    assert (tried["signature"], tried["zone"], tried["algorithm"]) == ("verifies", "example.", algorithm)
    assert vendor.load(algorithm)["was_there"] is True
    wiped = vendor.wipe(f"{URI};object={loaded['label']}")
    assert len(wiped["destroyed"]) == 2
    assert wiped["left"] == wiped["left_without_login"] == []


def test_a_key_goes_in_and_out_encrypted(vendor: Vendor, ock: Opencryptoki) -> None:
    library = vendor.directory / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", f'-DREAL="{ock.module}"', "-o", library, source, "-ldl"], check=True)
    behind = Vendor(ock, vendor.directory, library)
    kept = behind.load("RSASHA256", "--label", "kept", "--id", "aa", faults="no-private most-rsa=2048")
    # The token ignores both when it unwraps: they are set afterwards.
    assert [kept["attributes"][f"CKA_{name}"]["is"] for name in ("SENSITIVE", "EXTRACTABLE")] == [True, False]
    vendor.wipe(f"{URI};object=kept")
    loaded = behind.load("RSASHA256", "--extractable", faults="no-private most-rsa=2048")
    assert loaded["path"].startswith("C_UnwrapKey: CKM_RSA_PKCS_OAEP with SHA-")
    assert loaded["path"].endswith("then CKM_AES_CBC_PAD")
    assert loaded["deviations"] == []
    source_uri = f"{loaded['uri']}&pin-source=file:{vendor.pin}"
    again = behind.run("load", URI, "--key", source_uri, "--extractable")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["was_there"] is True
    assert "The key came out of its token by C_WrapKey" in again.stderr


def test_initialised_anew(ock: Opencryptoki, tmp_path: Path) -> None:
    """The officer's PIN stays; the user's is gone, so that this token is at its end: the last test of the file."""
    vendor = Vendor(ock, tmp_path)
    vendor.load("RSASHA256")
    officer = tmp_path / "so-pin"
    officer.write_text(SO_PIN)
    report = vendor.wipe(URI, "--all", "--reinitialise", "--so-pin-file", officer)
    assert report["reinitialised"] is True
    assert report["left_without_login"] == []
