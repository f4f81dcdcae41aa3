"""keyquorum token: what each command says, asks, reports and refuses."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns.name
import pytest

from keyquorum.cli.app import run
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import KeyquorumError
from keyquorum.tokens.loading import load
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.templates import Placing
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import key, pem
from tests.tokens.softhsm import SO_PIN, Soft, finalise, initialise

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are not broken, and the memory of the process that tests is left alone."""
    monkeypatch.setattr("keyquorum.cli.terminal.WIDTH", 400)
    monkeypatch.setattr("keyquorum.cli.token.lock_memory", lambda: None)


def typed(soft: Soft, *words: str | Path, pin: bool = True) -> int:
    """Run ``keyquorum token`` with these words and the PIN's file."""
    pin_words = ["--pin-file", str(soft.pin_file())] if pin else []
    return run(["token", *map(str, words), *pin_words])


def reported(capture: Capture) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capture.readouterr().out)
    return document


def put(soft: Soft, algorithm: str = "ED25519", label: str = "root-2026", number: int = 0) -> None:
    with soft.open() as token:
        load(token, key(algorithm, number), Placing(label=label, id=label.encode()), seeded(1))


def test_list(soft: Soft, capsys: Capture) -> None:
    assert typed(soft, "list", "--module", soft.module, pin=False) == 0
    out = capsys.readouterr().out
    assert "Token 'KSK' (SoftHSM v2, serial " in out
    assert "pkcs11:token=KSK;serial=" in out
    assert "is not set up" in out
    assert "Next: see what is in one: keyquorum token inspect" in out
    assert typed(soft, "list", "--module", soft.module, "--json", pin=False) == 0
    tokens = reported(capsys)["tokens"]
    assert [(one["label"], one["state"]) for one in tokens] == [("KSK", "ready"), ("", "not initialised")]


def test_list_without_a_module_names_those_that_do_not_work(soft: Soft, capsys: Capture, monkeypatch: Any) -> None:
    nothing = soft.directory / "nothing.so"
    nothing.write_bytes(b"")
    monkeypatch.setattr("keyquorum.tokens.modules.KNOWN", (str(soft.module), str(nothing)))
    assert typed(soft, "list", pin=False) == 0
    told = capsys.readouterr()
    assert "Token 'KSK'" in told.out
    assert f"Not usable: {nothing}: the PKCS#11 module cannot be used" in told.err
    assert typed(soft, "list", "--module", nothing, pin=False) == 2


def test_inspect(soft: Soft, capsys: Capture) -> None:
    put(soft)
    assert typed(soft, "inspect", soft.text()) == 0
    out = capsys.readouterr().out
    assert "yes, 2048, 3072, 4096 bits" in out
    assert "ML-DSA-44        no PKCS#11 mechanism is in use" in out
    assert "sign, sensitive, not extractable" in out
    assert str(key("ED25519").dnskey().tag) in out  # type: ignore[union-attr]
    assert "Next: try a key: keyquorum token test 'pkcs11:token=KSK;" in out
    assert typed(soft, "inspect", soft.text(type="private"), "--json") == 0
    report = reported(capsys)
    assert report["algorithms"]["ED448"] == {"can": True, "remark": ""}
    assert report["algorithms"]["RSASHA512"] == {"can": True, "remark": "2048, 3072, 4096 bits"}
    (one,) = report["objects"]
    assert (one["class"], one["label"], one["attributes"]["CKA_EXTRACTABLE"]) == ("private", "root-2026", False)


def test_inspect_without_a_login(shim: Soft, faults: Faults, capsys: Capture) -> None:
    put(shim)
    faults("hide=1057", "most-rsa=3072")
    assert typed(shim, "inspect", shim.text(), "--without-login", pin=False) == 0
    out = capsys.readouterr().out
    assert "Objects that show without a login" in out
    assert "private" not in out
    assert "the token lacks ED25519" in out
    assert "RSASHA256        yes, 2048, 3072 bits" in out
    assert "Next: load a key" in out


def test_load_and_test(soft: Soft, tmp_path: Path, capsys: Capture) -> None:
    one, dnskey = pem(tmp_path / "k.pem", key("ECDSAP256SHA256")), key("ECDSAP256SHA256").dnskey()
    assert dnskey is not None
    assert typed(soft, "load", soft.text(), "--key", one, "--zone", ".") == 0
    told = capsys.readouterr()
    assert "The key is in the token" in told.out
    assert f"label, id   root-ksk-{dnskey.tag}, {dnskey.tag:04x}" in told.out
    assert "came in by  C_CreateObject" in told.out
    assert "CKA_EXTRACTABLE  no         no" in told.out
    assert dnskey_text(dns.name.root, dnskey) in told.out.splitlines()
    assert ds_text(dns.name.root, dnskey) in told.out.splitlines()
    assert typed(soft, "load", soft.text(), "--key", one, "--zone", "example", "--json") == 0
    report = reported(capsys)
    assert report["was_there"] is True
    assert report["ds"] == ds_text(dns.name.from_text("example."), dnskey)
    assert report["deviations"] == []

    records = tmp_path / "records"
    records.write_text(f"{dnskey_text(dns.name.root, dnskey)}\n")
    assert typed(soft, "test", report["uri"], "--dnskey", records) == 0
    out = capsys.readouterr().out
    assert f"that verifies under the key of . in {records}" in out
    assert typed(soft, "test", report["uri"]) == 0
    assert "verifies under the public key beside it in the token" in capsys.readouterr().out
    assert typed(soft, "test", report["uri"], "--dnskey", records, "--json") == 0
    document = reported(capsys)
    assert (document["zone"], document["key_tag"], document["signature"]) == (".", dnskey.tag, "verifies")


def test_load_says_where_memory_cannot_be_locked(
    soft: Soft, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise KeyquorumError("memory cannot be locked", do="Run this as root.")

    monkeypatch.setattr("keyquorum.cli.token.lock_memory", refused)
    assert typed(soft, "load", soft.text(), "--key", pem(tmp_path / "k.pem", key("ED25519"))) == 0
    assert (
        "The key can get from memory onto a disk: memory cannot be locked. Run this as root." in capsys.readouterr().err
    )


def test_load_under_names_of_ones_own(soft: Soft, tmp_path: Path, capsys: Capture) -> None:
    one = pem(tmp_path / "k.pem", key("RSASHA512"))
    words = ("--key", one, "--algorithm", "RSASHA512", "--label", "mine", "--id", "0a0b", "--extractable")
    assert typed(soft, "load", soft.text(), *words, "--json") == 0
    report = reported(capsys)
    assert (report["label"], report["id"], report["was_there"]) == ("mine", "0a0b", False)
    assert report["attributes"]["CKA_EXTRACTABLE"] == {"asked_for": True, "is": True}
    assert report["key_tag"] == key("RSASHA512").dnskey().tag  # type: ignore[union-attr]
    assert "dnskey" not in report


def test_load_from_one_token_into_another(soft: Soft, capsys: Capture) -> None:
    """The key may come out of a token too, where that one lets it go."""
    initialise("old")
    finalise()
    old = replace(soft, label="old")
    with old.open() as token:
        load(token, key("ECDSAP384SHA384"), Placing(label="a", id=b"a", extractable=True), seeded(1))
    source = f"{old.text(object='a')}&pin-source=file:{soft.pin_file()}"
    assert typed(soft, "load", soft.text(), "--key", source, "--json") == 0
    report = reported(capsys)
    assert (report["was_there"], report["path"], report["deviations"]) == (False, "C_CreateObject", [])


def test_attributes_that_are_not_as_asked_for_end_with_1(
    shim: Soft, faults: Faults, tmp_path: Path, capsys: Capture
) -> None:
    one = pem(tmp_path / "k.pem", key("ED25519"))
    faults("leaves-extractable")
    assert typed(shim, "load", shim.text(), "--key", one) == 1
    assert "Not as asked for: CKA_EXTRACTABLE." in capsys.readouterr().out
    assert typed(shim, "load", shim.text(), "--key", one, "--json") == 1
    assert reported(capsys)["deviations"] == ["CKA_EXTRACTABLE"]


def test_another_key_than_the_world_knows(soft: Soft, tmp_path: Path, capsys: Capture) -> None:
    put(soft)
    records = tmp_path / "records"
    records.write_text(f"{ds_text(dns.name.root, key('ED25519', 1).dnskey())}\n")  # type: ignore[arg-type]
    assert typed(soft, "test", soft.text(), "--dnskey", records) == 1
    assert "the key in the token is not one of those given" in capsys.readouterr().err


REFUSED = {
    "a PIN in a URI": (("inspect", "pkcs11:token=KSK?pin-value=1234"), 1, "every process of this machine"),
    "no URI": (("inspect", "KSK"), 1, "this is not a PKCS#11 URI"),
    "no such token": (("inspect", "pkcs11:token=other?module-path=MODULE"), 2, "no token matches"),
    "no such file": (("load", "URI", "--key", "/nowhere"), 2, "the private key cannot be read"),
    "an id that is none": (("load", "URI", "--key", "KEY", "--id", "xy"), 2, "an id is hexadecimal"),
    "two labels": (("load", "pkcs11:token=KSK;object=a", "--key", "KEY", "--label", "b"), 2, "another label"),
    "a zone that is none": (("load", "URI", "--key", "KEY", "--zone", "a..b"), 1, "--zone"),
    "no records": (("test", "URI", "--dnskey", "KEY"), 1, "a DS or DNSKEY record is expected"),
    "nothing named to wipe": (("wipe", "URI"), 2, "the URI names no objects"),
    "anew without all": (("wipe", "URI", "--reinitialise"), 2, "loses every object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(soft: Soft, tmp_path: Path, capsys: Capture, case: str) -> None:
    words, status, text = REFUSED[case]
    one = str(pem(tmp_path / "k.pem", key("ED25519")))
    given = {"URI": soft.text(), "KEY": one}
    assert typed(soft, *(given.get(word, word.replace("MODULE", str(soft.module))) for word in words)) == status
    told = capsys.readouterr()
    assert text in told.err
    assert "1234" not in told.err
    with soft.open() as token:
        assert objects_of(token) == ()


def test_there_is_nobody_to_ask_for_a_pin(soft: Soft, capsys: Capture) -> None:
    assert typed(soft, "inspect", soft.text(), pin=False) == 2
    assert "there is no terminal to ask for a PIN at. Give --pin-file FILE." in capsys.readouterr().err


def test_wipe(soft: Soft, capsys: Capture) -> None:
    put(soft, label="a")
    put(soft, label="b", number=1)
    named = soft.text(object="a")
    assert typed(soft, "wipe", named) == 2
    told = capsys.readouterr()
    assert "To be destroyed in token 'KSK'" in told.out
    identifier = told.out.split("\n  id  ")[1].split()[0]
    assert f"--approve {identifier}" in told.err
    assert typed(soft, "wipe", named, "--approve", "00" * 32) == 1
    with soft.open() as token:
        assert len(objects_of(token)) == 4
    assert typed(soft, "wipe", named, "--approve", identifier) == 0
    out = capsys.readouterr().out
    assert "Destroyed: 2 objects." in out
    assert "Left in the token, as anybody sees it" in out
    assert "What PKCS#11 cannot show" in out
    with soft.open() as token:
        assert [one.label for one in objects_of(token)] == ["b", "b"]


def test_wipe_all_and_anew(soft: Soft, capsys: Capture) -> None:
    put(soft)
    words = ("wipe", soft.text(), "--all", "--reinitialise", "--so-pin-file", soft.pin_file(SO_PIN), "--json")
    assert typed(soft, *words) == 2
    identifier = capsys.readouterr().err.split("--approve ")[1].split(".")[0]
    assert typed(soft, *words, "--approve", identifier) == 0
    report = reported(capsys)
    assert (report["id"], report["reinitialised"]) == (identifier, True)
    assert report["left"] == report["left_without_login"] == report["kept"] == []
    assert sorted(one["class"] for one in report["destroyed"]) == ["private", "public"]
    assert len(report["unproved"]) == 4
    assert typed(soft, "inspect", soft.text()) == 3


def test_wipe_says_what_the_token_kept(shim: Soft, faults: Faults, capsys: Capture) -> None:
    put(shim)
    named = shim.text(object="root-2026")
    typed(shim, "wipe", named)
    identifier = capsys.readouterr().out.split("\n  id  ")[1].split()[0]
    faults("no-destroy")
    assert typed(shim, "wipe", named, "--approve", identifier) == 1
    out = capsys.readouterr().out
    assert "Destroyed: 0 objects." in out
    assert "Not destroyed: the private key 'root-2026'" in out


def test_wipe_without_the_users_pin(soft: Soft, capsys: Capture) -> None:
    """Where nobody knows the user's PIN, the security officer's clears the token."""
    put(soft)
    words = ("wipe", soft.text(), "--all", "--reinitialise", "--without-login")
    officer = ("--so-pin-file", soft.pin_file(SO_PIN))
    assert typed(soft, *words, *officer, pin=False) == 2
    identifier = capsys.readouterr().out.split("\n  id  ")[1].split()[0]
    assert typed(soft, *words, "--approve", identifier, pin=False) == 2
    assert "Give --so-pin-file FILE." in capsys.readouterr().err
    assert typed(soft, *words, *officer, "--approve", identifier, pin=False) == 0
    assert "The token was initialised anew." in capsys.readouterr().out
