"""Signatures of ordinary keys verify; one change of anything and they do not. Real ones: see test_icann."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec import verify
from keyquorum.dnssec.model import Dnskey, Signature
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import SignatureError
from tests.dnssec.keys import ALGORITHMS, Pair, pair

ZONE = dns.name.from_text("zone.example.")
VERIFIERS = [verify_signature, verify_with_dnspython]
Verifier = Callable[[dns.name.Name, Any, Signature, Dnskey], None]


def sign(signer: Pair, keys: list[Dnskey], zone: dns.name.Name = ZONE) -> Signature:
    times = {"inception": 1_491_004_800, "expiration": 1_492_819_200}
    key = signer.key
    value = signer.sign(signing_input(zone, keys, 3600, algorithm=key.algorithm, key_tag=key.tag, **times))
    return Signature(
        key.algorithm, label_count(zone), 3600, times["expiration"], times["inception"], key.tag, zone, value, 3600
    )


def setting(algorithm: int) -> tuple[Pair, list[Dnskey]]:
    return pair(algorithm), [pair(algorithm).key, pair(13, 256, number=7).key]


@pytest.mark.parametrize("check", VERIFIERS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_good_signatures(algorithm: int, check: Verifier) -> None:
    signer, keys = setting(algorithm)
    check(ZONE, iter(keys), sign(signer, keys), signer.key)
    check(dns.name.root, keys, sign(signer, keys, dns.name.root), signer.key)


@pytest.mark.parametrize("check", VERIFIERS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_one_bit_is_enough(algorithm: int, check: Verifier, data: st.DataObject) -> None:
    signer, keys = setting(algorithm)
    good = sign(signer, keys)
    bit = data.draw(st.integers(0, 8 * len(good.signature) - 1))
    value = bytearray(good.signature)
    value[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        check(ZONE, keys, replace(good, signature=bytes(value)), signer.key)


CHANGES: list[dict[str, Any]] = [
    {"algorithm": 10}, {"labels": 1}, {"labels": 3}, {"original_ttl": 3601}, {"expiration": 1_492_819_201},
    {"inception": 1_491_004_801}, {"key_tag": 1}, {"signer": dns.name.root}, {"signer": dns.name.from_text("example.")},
    {"signature": b"\x01"}, {"signature": b"\xff" * 256},
]  # fmt: skip


@pytest.mark.parametrize("check", VERIFIERS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_each_field_counts(change: dict[str, Any], check: Verifier) -> None:
    signer, keys = setting(8)
    with pytest.raises(SignatureError):
        check(ZONE, keys, replace(sign(signer, keys), **change), signer.key)


@pytest.mark.parametrize("check", VERIFIERS)
def test_the_keys_count(check: Verifier) -> None:
    signer, keys = setting(15)
    good = sign(signer, keys)
    with pytest.raises(SignatureError):
        check(ZONE, keys[:1], good, signer.key)
    with pytest.raises(SignatureError):
        check(ZONE, [replace(keys[0], flags=256), keys[1]], good, signer.key)
    with pytest.raises(SignatureError):
        check(ZONE, keys, good, pair(15, number=9).key)
    with pytest.raises(SignatureError):
        check(dns.name.from_text("other.example."), keys, good, signer.key)


@pytest.mark.parametrize("check", VERIFIERS)
@pytest.mark.parametrize("algorithm", [13, 14])
def test_ecdsa_numbers_have_one_length(algorithm: int, check: Verifier) -> None:
    signer, keys = setting(algorithm)
    good = sign(signer, keys)
    half = len(good.signature) // 2
    longer = b"\x00" + good.signature[:half] + b"\x00" + good.signature[half:]
    padded = good.signature[:half] + b"\x00" + good.signature[half:]
    for value in (good.signature + b"\x00", longer, padded, good.signature[:-1]):
        with pytest.raises(SignatureError):
            check(ZONE, keys, replace(good, signature=value), signer.key)


def test_no_keys_verify_nothing() -> None:
    signer, keys = setting(13)
    for check in VERIFIERS:
        with pytest.raises(SignatureError):
            check(ZONE, [], sign(signer, keys), signer.key)


def test_times_are_not_judged() -> None:
    signer, keys = setting(13)
    key = signer.key
    message = signing_input(ZONE, keys, 0, algorithm=13, key_tag=key.tag, inception=9, expiration=3)
    verify_signature(ZONE, keys, Signature(13, 2, 0, 3, 9, key.tag, ZONE, signer.sign(message), 0), key)


def test_a_key_outside_the_rrset_and_a_key_that_is_none() -> None:
    signer, keys = setting(13)
    with pytest.raises(SignatureError, match="not among"):
        verify_signature(ZONE, keys[1:], sign(signer, keys[1:]), signer.key)
    odd = Pair(signer.private, replace(signer.key, flags=1))
    with pytest.raises(SignatureError, match="not a zone key"):
        verify_signature(ZONE, [odd.key], sign(odd, [odd.key]), odd.key)


@pytest.mark.parametrize("algorithm", [5, 7])
def test_sha1_is_not_accepted(algorithm: int) -> None:
    key = replace(pair(8).key, algorithm=algorithm)
    signature = Signature(algorithm, 2, 0, 2, 1, key.tag, ZONE, b"s" * 256, 0)
    with pytest.raises(SignatureError, match="not accepted"):
        verify_signature(ZONE, [key], signature, key)


IMPOSSIBLE = {
    "P-256 point off the curve": Dnskey(257, 13, b"\x01" * 64),
    "P-384 point off the curve": Dnskey(257, 14, b"\x01" * 96),
    "RSA exponent even": Dnskey(257, 8, b"\x01\x04" + b"\xc5" * 128),
    "RSA exponent 1": Dnskey(257, 8, b"\x01\x01" + b"\xc5" * 128),
    "RSA modulus even": Dnskey(257, 10, b"\x01\x03" + b"\xc6" * 128),
    "RSA modulus tiny": Dnskey(257, 10, b"\x01\x03\x21"),
    "RSA modulus huge": Dnskey(257, 8, b"\x01\x03" + b"\xc5" * 8192),
    "Ed25519 point off the curve": Dnskey(257, 15, b"\x02" + b"\x00" * 31),
    "Ed448 nonsense": Dnskey(257, 16, b"\xff" * 57),
}


@pytest.mark.parametrize("check", VERIFIERS)
@pytest.mark.parametrize("key", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_impossible_keys_verify_nothing(key: Dnskey, check: Verifier) -> None:
    lengths = {13: 64, 14: 96, 15: 64, 16: 114}
    length = lengths.get(key.algorithm, len(key.public_key) - 2)
    signature = Signature(key.algorithm, 2, 0, 2, 1, key.tag, ZONE, b"\x01" * length, 0)
    with pytest.raises(SignatureError):
        check(ZONE, [key], signature, key)


def test_no_clock() -> None:
    assert "time.time" not in inspect.getsource(verify)
    assert "now=signature.inception" in inspect.getsource(verify)
