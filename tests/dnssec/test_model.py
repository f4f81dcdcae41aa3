"""A model that exists is well-formed: each way of not being so is refused."""

from collections.abc import Callable
from typing import Any

import dns.name
import dns.rdataclass
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from hypothesis import given

from keyquorum.dnssec.model import (
    Bundle,
    Dnskey,
    KeyKind,
    PublishedKey,
    Signature,
    SignaturePolicy,
    ZoneRequest,
    ZoneResponse,
    all_keys,
)
from keyquorum.errors import MalformedError
from tests.dnssec.strategies import dnskeys

RSA = b"\x03\x01\x00\x01" + b"\xc5" * 128
KEY = Dnskey(257, 8, RSA)
EC = Dnskey(256, 13, b"\x01" * 64)
ROOT = dns.name.root
BUNDLE = Bundle("one", 100, 200, (PublishedKey(KEY, 300), PublishedKey(EC, 300)))


def make_signature(**changes: Any) -> Signature:
    fields: dict[str, Any] = {
        "algorithm": 8, "labels": 0, "original_ttl": 300, "expiration": 200, "inception": 100, "key_tag": 1,
        "signer": ROOT, "signature": b"s", "ttl": 300, "identifier": "",
    }  # fmt: skip
    return Signature(**{**fields, **changes})


def make_policy(**changes: Any) -> SignaturePolicy:
    fields: dict[str, Any] = {
        "publish_safety": 0, "retire_safety": 0, "max_signature_validity": 0, "min_signature_validity": 0,
        "max_validity_overlap": 0, "min_validity_overlap": 0, "algorithms": (KeyKind(13, 256),),
    }  # fmt: skip
    return SignaturePolicy(**{**fields, **changes})


@given(dnskeys)
def test_the_key_tag_is_dnspythons(key: Dnskey) -> None:
    record = DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, key.flags, 3, key.algorithm, key.public_key)
    assert key.wire() == record.to_wire()
    if key.algorithm != 1 or len(key.public_key) > 2:
        assert key.tag == record.key_id()


def test_the_key_tag_of_algorithm_1() -> None:
    record = DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, 256, 3, 1, RSA[:-2] + b"\x12\x34")
    assert Dnskey(256, 1, record.key).tag == record.key_id() == 0xC512


def test_what_flags_say() -> None:
    assert (KEY.is_sep, KEY.is_revoked) == (True, False)
    assert (Dnskey(385, 8, RSA).is_sep, Dnskey(385, 8, RSA).is_revoked) == (True, True)
    assert (EC.is_sep, EC.is_revoked) == (False, False)


def test_rsa_numbers() -> None:
    assert KEY.rsa_numbers() == (65537, int.from_bytes(b"\xc5" * 128, "big"))
    long_exponent = b"\x00\x01\x00" + b"\x01" * 256 + b"\xc5"
    assert Dnskey(256, 8, long_exponent).rsa_numbers() == (int.from_bytes(b"\x01" * 256, "big"), 0xC5)
    with pytest.raises(MalformedError):
        EC.rsa_numbers()


REFUSED: dict[str, Callable[[], object]] = {
    "flags of 17 bits": lambda: Dnskey(1 << 16, 8, RSA),
    "negative flags": lambda: Dnskey(-1, 8, RSA),
    "algorithm of 9 bits": lambda: Dnskey(256, 256, RSA),
    "no key": lambda: Dnskey(256, 200, b""),
    "key longer than RDATA": lambda: Dnskey(256, 200, b"k" * 65532),
    "P-256 key short": lambda: Dnskey(256, 13, b"k" * 63),
    "P-384 key long": lambda: Dnskey(256, 14, b"k" * 97),
    "Ed25519 key long": lambda: Dnskey(256, 15, b"k" * 33),
    "Ed448 key short": lambda: Dnskey(256, 16, b"k" * 56),
    "RSA without exponent": lambda: Dnskey(256, 8, b"\x00\x00\x00n"),
    "RSA without modulus": lambda: Dnskey(256, 8, b"\x01\x03"),
    "RSA cut": lambda: Dnskey(256, 10, b"\x04\x01\x00\x01"),
    "RSA exponent with leading zero": lambda: Dnskey(256, 8, b"\x02\x00\x03n"),
    "RSA modulus with leading zero": lambda: Dnskey(256, 8, b"\x01\x03\x00n"),
    "RSA exponent in the long form without need": lambda: Dnskey(256, 8, b"\x00\x00\x01\x03n"),
    "TTL of 32 bits": lambda: PublishedKey(KEY, 1 << 31),
    "label with a newline": lambda: PublishedKey(KEY, 0, "a\nb"),
    "label outside ASCII": lambda: PublishedKey(KEY, 0, "é"),
    "label too long": lambda: PublishedKey(KEY, 0, "a" * 1025),
    "signature: algorithm": lambda: make_signature(algorithm=256),
    "signature: labels": lambda: make_signature(labels=256),
    "signature: original TTL": lambda: make_signature(original_ttl=-1),
    "signature: expiration": lambda: make_signature(expiration=1 << 32),
    "signature: inception": lambda: make_signature(inception=1 << 32),
    "signature: key tag": lambda: make_signature(key_tag=1 << 16),
    "signature: relative signer": lambda: make_signature(signer=dns.name.from_text("a", None)),
    "signature: signer in capitals": lambda: make_signature(signer=dns.name.from_text("A.")),
    "signature: empty": lambda: make_signature(signature=b""),
    "signature: too long": lambda: make_signature(signature=b"s" * 65536),
    "signature: TTL": lambda: make_signature(ttl=1 << 31),
    "signature: label": lambda: make_signature(identifier="\x1b[2J"),
    "bundle that ends at once": lambda: Bundle("b", 100, 100, BUNDLE.keys),
    "bundle after 2106": lambda: Bundle("b", 100, 1 << 32, BUNDLE.keys),
    "bundle before 1970": lambda: Bundle("b", -1, 100, BUNDLE.keys),
    "bundle without keys": lambda: Bundle("b", 100, 200, ()),
    "bundle with a key twice": lambda: Bundle("b", 1, 2, (PublishedKey(KEY, 1), PublishedKey(KEY, 2, "other"))),
    "bundle id": lambda: Bundle("\x00", 100, 200, BUNDLE.keys),
    "bundle signer": lambda: Bundle("b", 100, 200, BUNDLE.keys, (), ("\x00",)),
    "kind: algorithm": lambda: KeyKind(256, 0),
    "kind: bits": lambda: KeyKind(8, 1 << 16),
    "kind: exponent": lambda: KeyKind(8, 2048, 1 << 64),
    "policy: duration": lambda: make_policy(retire_safety=1 << 32),
    "policy: no kinds": lambda: make_policy(algorithms=()),
    "request without bundles": lambda: ZoneRequest(ROOT, ()),
    "request for a relative name": lambda: ZoneRequest(dns.name.from_text("a", None), (BUNDLE,)),
    "request: id": lambda: ZoneRequest(ROOT, (BUNDLE,), "\x7f"),
    "request: serial": lambda: ZoneRequest(ROOT, (BUNDLE,), "id", 1 << 32),
    "request: timestamp": lambda: ZoneRequest(ROOT, (BUNDLE,), timestamp=1 << 32),
    "response without bundles": lambda: ZoneResponse(ROOT, ()),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_refused(make: Callable[[], object]) -> None:
    with pytest.raises(MalformedError):
        make()


def test_all_keys_are_distinct_and_in_order() -> None:
    other = Bundle("two", 150, 250, (PublishedKey(EC, 1), PublishedKey(Dnskey(257, 15, b"e" * 32), 1)))
    assert [key.algorithm for key in all_keys([BUNDLE, other])] == [8, 13, 15]
