"""A table with people around it: their keystores, a token with a key that cannot leave it, and what each types."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zonefile
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.cli.app import run
from keyquorum.dnssec.anchors import dnskey_text
from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.tokens.loading import load
from keyquorum.tokens.templates import Placing
from tests.dnssec.keys import pair
from tests.threshold.cases import seeded
from tests.tokens.keys import key
from tests.tokens.softhsm import Soft, pkcs11_tool

Capture = pytest.CaptureFixture[str]
NOW = 1_772_366_400
KINDS = {
    8: "rsa:2048",
    10: "rsa:2048",
    13: "EC:prime256v1",
    14: "EC:secp384r1",
    15: "EC:edwards25519",
    16: "",
}
_SECRET = b"a passphrase"
WINDOW = ("--inception", "2026-03-01T00:00:00Z", "--expiration", "2026-03-20T00:00:00Z")


def made_inside(soft: Soft, algorithm: int, label: str = "old", number: str = "01") -> str:
    """Have the token make a key pair that it never gives away; gives its URI.

    Ed448, which pkcs11-tool cannot ask for, is loaded.
    """
    if KINDS[algorithm]:
        pkcs11_tool(soft, "--keypairgen", "--key-type", KINDS[algorithm], "--label", label, "--id", number)
    else:
        with soft.open() as token:
            load(token, key("ED448"), Placing(label=label, id=bytes.fromhex(number)), seeded("load"))
    return soft.text(object=label)


@dataclass(frozen=True)
class Table:
    """A directory with the keystores of hilda, who has the token, of rita, who asks, and of three holders."""

    directory: Path
    soft: Soft
    capture: Capture = field(repr=False)

    def sit_down(self) -> None:
        """Give everybody a keystore and a card."""
        self.file("passphrase").write_bytes(_SECRET + b"\n")
        for name in ("hilda", "rita", "alice", "bob", "carol"):
            card = Person.new(self.keystore(name), name, _SECRET, seeded(name), cost=Cost.TEST)
            self.file(f"{name}.holder.json").write_bytes(card.envelope)

    def file(self, name: str) -> Path:
        """Give the path of a file on the table."""
        return self.directory / name

    def keystore(self, name: str) -> Path:
        """Give the path of somebody's keystore."""
        return self.file(f"{name}.keystore")

    def run(self, *words: str | Path) -> int:
        """Type a command; gives its exit status."""
        return run([*map(str, words)])

    def typed(self, *words: str | Path) -> int:
        """Type a command that needs a keystore; gives its exit status."""
        return self.run(*words, "--passphrase-file", self.file("passphrase"))

    def reported(self, *words: str | Path) -> dict[str, Any]:
        """Give what a command reports."""
        self.capture.readouterr()
        assert self.run(*words, "--json") == 0
        document: dict[str, Any] = json.loads(self.capture.readouterr().out)
        return document

    def tag_of(self, name: str) -> int:
        """Give the key tag of a key, by the directory of its record."""
        return int(self.reported("key", "show", self.file(name) / "key.json")["key_tag"])

    def keep(self, uri: str, *words: str, keeper: str = "hilda", out: str = "kept", zone: str = "example") -> int:
        """Have ``keeper`` make the record of a key in the token."""
        pin = ("--pin-file", self.soft.pin_file(), "--requester", self.file("rita.holder.json"))
        place = ("--identity", self.keystore(keeper), "--out", self.file(out), "--zone", zone)
        return self.typed("key", "token", uri, *pin, *place, *words)

    def deal(self, zone: str = "example") -> None:
        """Share an RSA key to alice, bob and carol, any two of whom sign; all accept."""
        pem, new = self.file("key.pem"), self.file("new")
        private: Any = pair(8, number=5).private
        pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        cards = [self.file(f"{name}.holder.json") for name in ("alice", "bob", "carol")]
        plan = ("--algorithm", "RSASHA256", "--zone", zone, "--threshold", "2", "--from", pem, "--label", "new")
        assert self.typed("key", "deal", *plan, "--identity", self.keystore("rita"), "--out", new, *cards) == 0
        agreed = ("--approve", self.reported("key", "show", new / "key.json")["id"])
        for name in ("alice", "bob", "carol"):
            place = ("--keystore", self.keystore(name), "--out", new / f"{name}.accepted.json")
            assert self.typed("share", "accept", new / f"{name}.share", *place, *agreed) == 0

    def ask(self, *keys: str, algorithm: int = 8) -> Path:
        """Make a request over the zone's DNSKEY RRset, to be signed by ``keys``."""
        source, out = self.file("zone"), self.file("request")
        zsk = pair(algorithm, 256).key
        source.write_text(dnskey_text(dns.name.from_text("example."), zsk).replace(" IN ", " 3600 IN ") + "\n")
        words: list[str | Path] = [
            "--identity",
            self.keystore("rita"),
            "--dnskey",
            source,
            *WINDOW,
            "--out",
            out,
            "--first",
        ]
        for name in keys:
            words += ["--key", self.file(name) / "key.json", "--accepted", self.file(name)]
        assert self.typed("request", "new", *words) == 0
        return out

    def sign(self, name: str, *uris: str, out: str = "") -> int:
        """Have somebody answer the request."""
        request = self.file("request")
        words: list[str | Path] = ["--keystore", self.keystore(name), "--out", self.file(out or f"{name}.partial")]
        words += ["--approve", self.reported("request", "show", request)["id"]]
        for uri in uris:
            words += ["--token", uri, "--pin-file", self.soft.pin_file()]
        return self.typed("sign", request, *words)

    def combine(self, *names: str) -> int:
        """Combine what these people answered."""
        partials = [self.file(f"{name}.partial") for name in names]
        return self.run("combine", self.file("request"), *partials, "--out", self.file("response"))

    def tags_that_signed(self) -> Sequence[int]:
        """Give the tags of the KSKs whose signatures dnspython alone validates."""
        text = self.file("response").read_text()
        rrsets = dns.zonefile.read_rrsets(text, rdclass=None, origin=dns.name.root, relativize=False)
        (keys,) = (one for one in rrsets if one.rdtype == dns.rdatatype.DNSKEY)
        (signatures,) = (one for one in rrsets if one.rdtype == dns.rdatatype.RRSIG)
        found = []
        for signature in signatures:
            signers = [one for one in keys if dns.dnssec.key_id(one) == signature.key_tag]
            alone = dns.rrset.from_rdata(keys.name, keys.ttl, *signers)
            dns.dnssec.validate_rrsig(keys, signature, {keys.name: alone}, now=NOW)
            found.append(signature.key_tag)
        return sorted(found)
