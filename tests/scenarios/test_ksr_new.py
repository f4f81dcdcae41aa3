"""'keyquorum ksr new' with keys of every algorithm, from PEM files and tokens: it passes 'ksr check', and dnspython."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import dns.dnssec
import dns.name
import dns.node
import dns.rdata
import dns.rdataset
import dns.rdtypes.ANY.RRSIG
import dns.rrset
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree

from keyquorum.cli.app import run
from keyquorum.dnssec.anchors import dnskey_text
from keyquorum.dnssec.icann import read_ksr
from keyquorum.dnssec.model import Dnskey
from tests.dnssec.keys import Pair, pair
from tests.tokens.keys import NUMBERS
from tests.tokens.softhsm import MODULE, Soft, pkcs11_tool, softhsm

NAMES = {number: name for name, number in NUMBERS.items()}


@pytest.fixture
def soft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Soft]:
    monkeypatch.setattr("keyquorum.cli.token.lock_memory", lambda: None)
    with softhsm(tmp_path, MODULE) as token:
        yield token


def day(ahead: int = 3) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + ahead * 86400))


def pem(directory: Path, one: Pair) -> str:
    path = directory / f"{one.key.algorithm}-{one.key.tag}.pem"
    path.write_bytes(one.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


def made(directory: Path, *words: str, zone: str = "example") -> Path:
    out = directory / "ksr.xml"
    assert run(["ksr", "new", "--zone", zone, "--from", day(), "--out", str(out), *words]) == 0
    return out


def proofs_by_dnspython(path: Path) -> list[tuple[int, ...]]:
    """Validate every signature in a KSR with nothing of ours: gives the tags of the signers, bundle by bundle."""
    root = etree.fromstring(path.read_bytes())
    zone = dns.name.from_text(root.get("domain") or "")
    signed = []
    for bundle in root.iter("RequestBundle"):
        keys = {}
        for key in bundle.iter("Key"):
            numbers = [key.findtext(name) for name in ("Flags", "Protocol", "Algorithm", "PublicKey")]
            keys[int(key.get("keyTag") or "")] = dns.rdata.from_text("IN", "DNSKEY", " ".join(map(str, numbers)))
        rrset = dns.rrset.from_rdata_list(zone, 3600, list(keys.values()))
        tags = []
        for one in bundle.iter("Signature"):
            names = (
                "TypeCovered", "Algorithm", "Labels", "OriginalTTL", "SignatureExpiration", "SignatureInception",
                "KeyTag", "SignersName", "SignatureData",
            )  # fmt: skip
            text = [one.findtext(name) or "" for name in names]
            text[4:6] = ["".join(mark for mark in stamp[:19] if mark.isdigit()) for stamp in text[4:6]]
            rrsig = dns.rdata.from_text("IN", "RRSIG", " ".join(text))
            tag = int(text[6])
            signer: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
                zone: dns.rdataset.from_rdata_list(3600, [keys[tag]])
            }
            assert isinstance(rrsig, dns.rdtypes.ANY.RRSIG.RRSIG)
            dns.dnssec.validate_rrsig(rrset, rrsig, signer, now=rrsig.inception)
            tags.append(tag)
        assert sorted(tags) == sorted(keys)
        signed.append(tuple(sorted(tags)))
    return signed


def checked(path: Path, *words: str) -> None:
    assert run(["ksr", "check", "--first", str(path), *words]) == 0


@pytest.mark.parametrize("number", NAMES)
def test_every_algorithm_from_pem(tmp_path: Path, number: int) -> None:
    old, now, new = (pair(number, 256, number=which) for which in (0, 1, 2))
    words = ["--zsk", pem(tmp_path, now), "--outgoing", pem(tmp_path, old), "--incoming", pem(tmp_path, new)]
    path = made(tmp_path, *words, *(["--algorithm", NAMES[number]] if number in {8, 10} else []))
    ends = [tuple(sorted((one.key.tag, now.key.tag))) for one in (old, new)]
    assert proofs_by_dnspython(path) == [ends[0], *[(now.key.tag,)] * 7, ends[1]]
    checked(path, "--policy", "zone")


def test_under_the_roots_own_rules(tmp_path: Path) -> None:
    old, now, new = (pair(8, 256, number=which) for which in (0, 1, 2))
    words = ["--zsk", pem(tmp_path, now), "--outgoing", pem(tmp_path, old), "--incoming", pem(tmp_path, new)]
    path = made(tmp_path, *words, zone=".")
    assert [len(tags) for tags in proofs_by_dnspython(path)] == [2, 1, 1, 1, 1, 1, 1, 1, 2]
    checked(path)


def test_two_algorithms_at_once(tmp_path: Path) -> None:
    both = [pair(8, 256), pair(13, 256)]
    path = made(tmp_path, *(word for one in both for word in ("--zsk", pem(tmp_path, one))), "--bundles", "2")
    assert proofs_by_dnspython(path) == [tuple(sorted(one.key.tag for one in both))] * 2
    checked(path, "--policy", "zone")


@pytest.mark.parametrize("number", NAMES)
def test_every_algorithm_from_a_token(tmp_path: Path, number: int, soft: Soft) -> None:
    """Two keys of one token, which asks for its PIN once."""
    pairs = [pair(number, 256, number=which) for which in (0, 1)]
    for place, one in enumerate(pairs):
        words = ["--key", pem(tmp_path, one), "--algorithm", NAMES[number], "--label", f"zsk-{place}"]
        assert run(["token", "load", soft.text(), *words, "--pin-file", str(soft.pin_file())]) == 0
    keys = ["--zsk", soft.text(object="zsk-0"), "--incoming", soft.text(object="zsk-1")]
    path = made(
        tmp_path, *keys, "--pin-file", str(soft.pin_file()), "--algorithm", NAMES[10 if number == 10 else 8]
    )  # fmt: skip
    assert [len(tags) for tags in proofs_by_dnspython(path)] == [*[1] * 8, 2]
    assert {one.key for one in read_ksr(path.read_bytes()).bundles[8].keys} == {one.key for one in pairs}
    checked(path, "--policy", "zone")


def test_a_short_rsa_key_that_was_made_in_the_token(tmp_path: Path, soft: Soft) -> None:
    pkcs11_tool(soft, "--keypairgen", "--key-type", "rsa:1024", "--label", "zsk", "--id", "01")
    path = made(tmp_path, "--zsk", soft.text(object="zsk"), "--pin-file", str(soft.pin_file()), "--bundles", "1")
    assert [len(tags) for tags in proofs_by_dnspython(path)] == [1]
    checked(path, "--policy", "zone")


def test_a_plain_rrset_of_public_keys(tmp_path: Path) -> None:
    one, other = pair(13, 256), pair(15, 256)
    public = one.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    record = dnskey_text(dns.name.from_text("example"), other.key)
    (tmp_path / "other").write_text(f"; as dnssec-keygen leaves it\n{record}\n")
    out = tmp_path / "zone"
    words = ["--zone", "example", "--form", "zone", "--from", f"{day()}T12:00:00Z", "--ttl", "300", "--out", str(out)]
    assert run(["ksr", "new", *words, "--zsk", str(tmp_path / "key.pem"), "--zsk", str(tmp_path / "other")]) == 0
    found = set()
    for line in out.read_text().splitlines():
        owner, ttl, _, kind, flags, _, algorithm, key = line.partition(" ;")[0].split()
        assert (owner, ttl, kind) == ("example.", "300", "DNSKEY")
        found.add(Dnskey(int(flags), int(algorithm), base64.b64decode(key)))
    assert found == {one.key, other.key}
