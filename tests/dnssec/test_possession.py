"""Proofs of possession, looked at by dnspython alone; keys that cannot prove anything are refused."""

from dataclasses import replace
from typing import Any

import dns.dnssec
import dns.name
import dns.node
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey
from keyquorum.dnssec.possession import prove, signer_of, zsk_of
from keyquorum.errors import RefusedError, SignatureError
from tests.dnssec.keys import ALGORITHMS, Pair, pair

ZONE = dns.name.from_text("example.")
START, DAY = 1_767_225_600, 86400
MADE = (1_700_000_000, 1_702_000_000)


def zsks(*algorithms: int) -> list[Pair]:
    return [pair(algorithm, 256) for algorithm in algorithms]


def bundle(*keys: Dnskey, ttl: int = 3600) -> Bundle:
    published = tuple(PublishedKey(key, ttl, f"zsk-{key.tag}") for key in keys)
    return Bundle("a bundle", START, START + 21 * DAY, published)


def accepted_by_dnspython(zone: dns.name.Name, proven: Bundle) -> None:
    """Validate every signature with records that dnspython makes of the numbers in the bundle."""
    records = [
        DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, one.key.flags, 3, one.key.algorithm, one.key.public_key)
        for one in proven.keys
    ]
    rrset = dns.rrset.from_rdata_list(zone, proven.keys[0].ttl, records)
    assert len(proven.signatures) == len(proven.keys)
    for one, record in zip(proven.signatures, records, strict=True):
        assert one.key_tag == dns.dnssec.key_id(record)
        rrsig = RRSIG(
            dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, one.algorithm, one.labels, one.original_ttl,
            one.expiration, one.inception, one.key_tag, one.signer, one.signature,
        )  # fmt: skip
        keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
            zone: dns.rdataset.from_rdata_list(one.ttl, [record])
        }
        dns.dnssec.validate_rrsig(rrset, rrsig, keys, now=one.inception)


@pytest.mark.parametrize("zone", [".", "example.", "a.b.example."])
@pytest.mark.parametrize("algorithms", [*[(one,) for one in ALGORITHMS], (8, 13), (15, 16, 14)], ids=str)
def test_each_key_signs_its_bundle(zone: str, algorithms: tuple[int, ...]) -> None:
    name, pairs = dns.name.from_text(zone), zsks(*algorithms)
    signers = {one.key: signer_of(one.private, one.key) for one in pairs}
    proven = prove(name, bundle(*signers), signers, *MADE)
    accepted_by_dnspython(name, proven)
    assert replace(proven, signatures=()) == bundle(*signers)
    assert {(one.inception, one.expiration) for one in proven.signatures} == {MADE}
    assert [one.identifier for one in proven.signatures] == [one.identifier for one in proven.keys]
    # No signature draws a random number: the same request comes out.
    assert prove(name, bundle(*signers), signers, *MADE) == proven


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_zsk_of_a_public_key(algorithm: int) -> None:
    one = pair(algorithm, 256)
    assert zsk_of(one.private.public_key(), algorithm if algorithm in {8, 10} else 8) == one.key


def test_short_rsa_keys_are_for_the_rules_to_judge() -> None:
    one = pair(8, 256, bits=1024)
    assert zsk_of(one.private.public_key()) == one.key
    accepted_by_dnspython(ZONE, prove(ZONE, bundle(one.key), {one.key: signer_of(one.private, one.key)}, *MADE))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ec.generate_private_key(ec.SECP256K1()), "keys of the curve secp256k1"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "keys of the curve secp521r1"),
        (x25519.X25519PrivateKey.generate, "keys of this kind"),
        (lambda: dsa.generate_private_key(1024), "keys of this kind"),
    ],
)
def test_other_kinds_of_key(make: Any, words: str) -> None:
    with pytest.raises(RefusedError, match=f"DNSSEC has no algorithm for {words}"):
        zsk_of(make().public_key())


def test_rsa_keys_beyond_what_dnssec_has_room_for() -> None:
    with pytest.raises(RefusedError, match="this is no key for a zone"):
        zsk_of(rsa.RSAPublicNumbers(65537, (1 << 4104) - 1).public_key())


def test_a_key_that_nobody_can_sign_with() -> None:
    ours, other = zsks(13, 15)
    with pytest.raises(RefusedError, match=f"nobody can sign with key {other.key.tag}"):
        prove(ZONE, bundle(ours.key, other.key), {ours.key: signer_of(ours.private, ours.key)}, *MADE)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_that_does_not_verify_is_not_used(algorithm: int) -> None:
    ours, other = pair(algorithm, 256), pair(algorithm, 256, number=1)
    with pytest.raises(SignatureError):
        prove(ZONE, bundle(ours.key), {ours.key: signer_of(other.private, ours.key)}, *MADE)
    sign = signer_of(ours.private, ours.key)
    with pytest.raises(SignatureError):
        prove(ZONE, bundle(ours.key), {ours.key: lambda message: sign(message + b"x")}, *MADE)
