"""A key in a token, tried against the records that the world knows it by."""

import dns.name
import pytest

from keyquorum.dnssec.anchor_files import Anchor, read_anchors
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.model import Dnskey
from keyquorum.errors import RefusedError, SignatureError, UsageError
from keyquorum.tokens.loading import load
from keyquorum.tokens.objects import found
from keyquorum.tokens.signing import sign
from keyquorum.tokens.trial import try_out
from keyquorum.tokens.uri import TokenUri
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import NUMBERS, PLACING, key
from tests.tokens.softhsm import Soft

ZONE = dns.name.from_text("example.")


def dnskey(algorithm: str, number: int = 0) -> Dnskey:
    record = key(algorithm, number).dnskey()
    assert record is not None
    return record


def anchors(*records: str) -> list[Anchor]:
    return read_anchors("\n".join(records).encode())


@pytest.mark.parametrize("algorithm", NUMBERS)
@pytest.mark.parametrize("kind", ["none", "DNSKEY", "DS", "several"])
def test_the_key_that_the_world_knows(soft: Soft, algorithm: str, kind: str) -> None:
    mine, other = dnskey(algorithm), dnskey("ED25519", 1)
    given = {
        "none": [],
        "DNSKEY": anchors(dnskey_text(ZONE, mine)),
        "DS": anchors(ds_text(ZONE, mine, "SHA-384")),
        "several": anchors(dnskey_text(ZONE, other), ds_text(ZONE, other), dnskey_text(ZONE, mine)),
    }[kind]
    with soft.open() as token:
        load(token, key(algorithm), PLACING, seeded(1))
    with soft.open(writable=False) as token:
        tried = try_out(token, TokenUri(object="root-2026"), given, seeded(1))
    assert tried.spki == key(algorithm).public_key
    assert tried.anchor == (given[-1] if given else None)
    if kind != "none" or not algorithm.startswith("RSA"):
        assert (tried.algorithm, tried.tag) == (algorithm, mine.tag)


@pytest.mark.parametrize("algorithm", ["RSASHA256", "ECDSAP256SHA256", "ED25519"])
@pytest.mark.parametrize("record", [dnskey_text, ds_text])
def test_another_key_than_the_world_knows(soft: Soft, algorithm: str, record: object) -> None:
    assert callable(record)
    with soft.open() as token:
        load(token, key(algorithm), PLACING, seeded(1))
        with pytest.raises(SignatureError, match="not one of those given"):
            try_out(token, TokenUri(), anchors(record(ZONE, dnskey(algorithm, 1))), seeded(1))


def test_without_its_public_half(soft: Soft) -> None:
    mine, other = (anchors(dnskey_text(ZONE, dnskey("ECDSAP256SHA256", number))) for number in (0, 1))
    with soft.open() as token:
        load(token, key("ECDSAP256SHA256"), PLACING, seeded(1))
        found(token, TokenUri(type="public"))[0].destroy()
        with pytest.raises(RefusedError, match="tells no public key"):
            try_out(token, TokenUri(), [], seeded(1))
        assert try_out(token, TokenUri(), [*other, *mine], seeded(1)).anchor == mine[0]
        with pytest.raises(SignatureError, match="does not verify"):
            try_out(token, TokenUri(), other, seeded(1))
        with pytest.raises(RefusedError, match="tells no public key"):
            try_out(token, TokenUri(), anchors(ds_text(ZONE, dnskey("ECDSAP256SHA256"))), seeded(1))


def test_a_faulty_token(shim: Soft, faults: Faults) -> None:
    with shim.open() as token:
        load(token, key("ED25519"), PLACING, seeded(1))
        faults("bad-signature")
        with pytest.raises(SignatureError, match="does not verify"):
            try_out(token, TokenUri(), [], seeded(1))
        with pytest.raises(SignatureError, match="does not verify"):
            sign(token, TokenUri(), dnskey("ED25519"), b"message")
        faults()
        with pytest.raises(SignatureError, match="does not verify"):
            sign(token, TokenUri(), dnskey("ED25519", 1), b"message")
        with pytest.raises(UsageError, match="no private key matches"):
            sign(token, TokenUri(object="other"), dnskey("ED25519"), b"message")
