"""A synthetic quarter in which every rule passes, made of seeded keys, and the means to spoil and re-sign it.

Signing is plain arithmetic here (PKCS #1 v1.5 by hand), so that keys no library would make or use can give proofs too.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import dns.name
import gmpy2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keyquorum.dnssec.model import (
    Bundle,
    Dnskey,
    KeyKind,
    PublishedKey,
    Signature,
    SignaturePolicy,
    ZoneRequest,
    ZoneResponse,
)
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.policy.profile import profile
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Status, Subject

DAY = 86400
START = 20544 * DAY  # 2026-04-01
ROOT = dns.name.root
TTL = 172800
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
PROOF_TIMES = (1000, 2000)  # Long gone; a proof's times are not judged.

_SIGN: dict[tuple[int, bytes], Callable[[bytes], bytes]] = {}


def rsa_key(exponent: int, modulus: int, order: int, *, flags: int = 256, algorithm: int = 8) -> Dnskey:
    """Give the key of these numbers; ``order`` is what exponents are inverted by, if they can be."""
    length = (modulus.bit_length() + 7) // 8
    encoded = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    key = Dnskey(flags, algorithm, bytes([len(encoded)]) + encoded + modulus.to_bytes(length, "big"))
    private = int(gmpy2.invert(exponent, order)) if gmpy2.gcd(exponent, order) == 1 else 1

    def sign(message: bytes) -> bytes:
        digest = SHA256_INFO + hashlib.sha256(message).digest()
        padded = b"\0\1" + b"\xff" * (length - 3 - len(digest)) + b"\0" + digest
        return int(gmpy2.powmod(int.from_bytes(padded, "big"), private, modulus)).to_bytes(length, "big")

    _SIGN[algorithm, key.public_key] = sign
    return key


@cache
def prime(seed: int, bits: int) -> int:
    """Give a prime of exactly ``bits`` bits, its two highest set, that 65537 and 3 do not divide one less of."""
    draw = random.Random(f"prime {seed} {bits}")
    while True:
        found = int(gmpy2.next_prime(draw.getrandbits(bits) | 3 << (bits - 2)))
        if found % 3 == 2 and found % 65537 != 1:
            return found


@cache
def rsa(seed: int, *, bits: int = 2048, exponent: int = 65537, flags: int = 256, algorithm: int = 8) -> Dnskey:
    """Give a good RSA key."""
    p, q = prime(2 * seed, bits // 2), prime(2 * seed + 1, bits // 2)
    return rsa_key(exponent, p * q, (p - 1) * (q - 1), flags=flags, algorithm=algorithm)


@cache
def p256(seed: int, *, flags: int = 256) -> Dnskey:
    """Give a good ECDSA P-256 key."""
    private = ec.derive_private_key(seed + 1000, ec.SECP256R1())
    point = private.public_key().public_numbers()
    key = Dnskey(flags, 13, point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    _SIGN[13, key.public_key] = sign
    return key


def sign(key: Dnskey, message: bytes) -> bytes:
    """Sign with one of the keys made here."""
    return _SIGN[key.algorithm, key.public_key](message)


def with_flags(key: Dnskey, flags: int) -> Dnskey:
    return replace(key, flags=flags)


KSK = rsa(1, flags=257)
OLD, NOW, NEXT = rsa(2), rsa(3), rsa(4)
BEFORE = rsa(5)
OTHER = rsa(6)


def published(key: Dnskey, identifier: str = "", ttl: int = TTL) -> PublishedKey:
    return PublishedKey(key, ttl, identifier)


LABELS = {BEFORE: "before", OLD: "old", NOW: "now", NEXT: "next", KSK: "ksk"}


def labelled(*keys: Dnskey, ttl: int = TTL) -> tuple[PublishedKey, ...]:
    return tuple(published(key, LABELS.get(key, ""), ttl) for key in keys)


def signature(zone: dns.name.Name, bundle: Bundle, by: PublishedKey, inception: int, expiration: int) -> Signature:
    key = by.key
    message = signing_input(
        zone,
        [one.key for one in bundle.keys],
        by.ttl,
        algorithm=key.algorithm,
        key_tag=key.tag,
        inception=inception,
        expiration=expiration,
    )
    return Signature(
        algorithm=key.algorithm,
        labels=label_count(zone),
        original_ttl=by.ttl,
        expiration=expiration,
        inception=inception,
        key_tag=key.tag,
        signer=zone,
        signature=sign(key, message),
        ttl=by.ttl,
        identifier=by.identifier,
    )


def proven(zone: dns.name.Name, bundle: Bundle) -> Bundle:
    """Give the bundle with a fresh proof by each of its keys."""
    return replace(bundle, signatures=tuple(signature(zone, bundle, one, *PROOF_TIMES) for one in bundle.keys))


def answered(zone: dns.name.Name, bundle: Bundle, ksk: Dnskey = KSK) -> Bundle:
    """Give the bundle with the KSK's signature."""
    by = published(ksk, LABELS.get(ksk, ""), bundle.keys[0].ttl)
    return replace(bundle, signatures=(signature(zone, bundle, by, bundle.inception, bundle.expiration),))


ZSK_POLICY = SignaturePolicy(
    publish_safety=10 * DAY,
    retire_safety=10 * DAY,
    max_signature_validity=21 * DAY,
    min_signature_validity=21 * DAY,
    max_validity_overlap=12 * DAY,
    min_validity_overlap=9 * DAY,
    algorithms=(KeyKind(8, 2048, 65537),),
)


def slots(first: int, outgoing: Dnskey, current: Dnskey, incoming: Dnskey, *more: Dnskey, name: str) -> list[Bundle]:
    rows = [(outgoing, current), *[(current,)] * 7, (current, incoming)]
    return [
        Bundle(f"{name}-{place}", begin, begin + 21 * DAY, labelled(*keys, *more))
        for place, keys in enumerate(rows, start=1)
        for begin in [first + (place - 1) * 10 * DAY]
    ]


@cache
def good_request() -> ZoneRequest:
    bundles = tuple(proven(ROOT, bundle) for bundle in slots(START, OLD, NOW, NEXT, name="b"))
    return ZoneRequest(ROOT, bundles, id="request-2", serial=1, policy=ZSK_POLICY, proofs=True)


@cache
def good_previous() -> ZoneResponse:
    bundles = tuple(answered(ROOT, bundle) for bundle in slots(START - 90 * DAY, BEFORE, OLD, NOW, KSK, name="a"))
    return ZoneResponse(ROOT, bundles, id="request-1", serial=1, zsk_policy=ZSK_POLICY)


@dataclass(frozen=True)
class Spoiler:
    """Makes subjects that differ from the good one in what is named; proofs stay good unless they are given."""

    base: Subject

    def __call__(self, **changes: object) -> Subject:
        return replace(self.base, **changes)  # type: ignore[arg-type]

    def request(self, **changes: object) -> Subject:
        return self(request=replace(self.base.request, **changes))  # type: ignore[arg-type]

    def bundle(self, place: int, *, prove: bool = True, **changes: object) -> Subject:
        """Change bundle number ``place`` (from 1)."""
        return self.bundles({place: changes}, prove=prove)

    def bundles(self, changes: dict[int, dict[str, object]], *, prove: bool = True) -> Subject:
        request = self.base.request
        found = list(request.bundles)
        for place, change in changes.items():
            spoilt: Bundle = replace(found[place - 1], **change)  # type: ignore[arg-type]
            found[place - 1] = proven(request.zone, spoilt) if prove else spoilt
        return self.request(bundles=tuple(found))

    def stated(self, **changes: object) -> Subject:
        return self.request(policy=replace(ZSK_POLICY, **changes))  # type: ignore[arg-type]

    def policy(self, **changes: object) -> Subject:
        return self(policy=replace(self.base.policy, **changes))  # type: ignore[arg-type]

    def ksk_policy(self, **changes: object) -> Subject:
        return self.policy(ksk_policy=replace(self.base.policy.ksk_policy, **changes))  # type: ignore[arg-type]

    def previous(self, **changes: object) -> Subject:
        return self(previous=replace(good_previous(), **changes))  # type: ignore[arg-type]

    def previous_bundle(self, place: int, *, ksk: Dnskey = KSK, **changes: object) -> Subject:
        found = list(good_previous().bundles)
        found[place - 1] = answered(ROOT, replace(found[place - 1], **changes), ksk)  # type: ignore[arg-type]
        return self.previous(bundles=tuple(found))


@cache
def good() -> Subject:
    """The subject that passes every rule of the root's profile, none left out."""
    return Subject(
        request=good_request(),
        policy=profile("root"),
        ksks=(KSK,),
        zones=frozenset({ROOT}),
        previous=good_previous(),
        at=START - 60 * DAY,
        now=START - 60 * DAY,
        seen={"request-1": b"one", "request-2": b"two"},
        source_digest=b"two",
    )


@cache
def plain() -> Subject:
    """A plain RRset of example. with a quorum's key and two zone keys, all ECDSA, that passes what applies to it."""
    zone = dns.name.from_text("example.")
    ksk = p256(1, flags=257)
    bundle = Bundle("", START, START + 14 * DAY, labelled(ksk, p256(2), p256(3), ttl=3600))
    return Subject(
        request=ZoneRequest(zone, (bundle,)),
        policy=profile("zone"),
        ksks=(ksk,),
        zones=frozenset({zone}),
        previous=None,
        at=START,
        now=START,
        first=True,
    )


def failures(subject: Subject) -> dict[str, str]:
    """Give the rules that fail on ``subject``, each with its detail."""
    return {result.rule: result.detail for result in evaluate(subject).results if result.status is Status.FAILED}
