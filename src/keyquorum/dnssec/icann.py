"""ICANN's KSR and SKR: the XML in which the root's ZSK operator asks and the root's KSK operator answers.

The form is that of draft-icann-dnssec-keymgmt and its schema (RELAX NG), with the ECDSA element that came later. Read
strictly: what the schema does not know, or has in another place, is refused, and so are a ``keyTag`` that is not the
key's, base64 that is not canonical, and numbers and times in unusual spellings. Order of time, signatures and keys are
for ``policy`` to judge. ``xml_reader`` says what is refused of XML itself.
"""

import dns.name

from keyquorum.dnssec.fields import decimal, domain, printable, spaced_base64
from keyquorum.dnssec.icann_write import FAMILIES, write_ksr, write_skr
from keyquorum.dnssec.model import (
    PROTOCOL,
    Bundle,
    Dnskey,
    KeyKind,
    PublishedKey,
    Signature,
    SignaturePolicy,
    ZoneRequest,
    ZoneResponse,
)
from keyquorum.dnssec.times import parse_duration, parse_time
from keyquorum.dnssec.xml_reader import SIZE_LIMIT, Element, parse_document

__all__ = ["SIZE_LIMIT", "read_ksr", "read_skr", "write_ksr", "write_skr"]

BUNDLE_LIMIT = 1000
RECORD_LIMIT = 64
KIND_LIMIT = 16


def read_ksr(data: bytes) -> ZoneRequest:
    """Read a key signing request; raises MalformedError with path and line, LimitError."""
    root = parse_document(data, "KSR")
    label, zone, serial = _header(root)
    request = root.child("Request")
    timestamp = _timestamp(request)
    policies = request.child("RequestPolicy")
    policy = _policy(policies, "ZSK")
    policies.close()
    bundles = tuple(_bundle(one, asks=True) for one in request.children("RequestBundle", BUNDLE_LIMIT))
    request.close()
    root.close()
    with root.place():
        return ZoneRequest(zone, bundles, label, serial, policy, proofs=True, timestamp=timestamp)


def read_skr(data: bytes) -> ZoneResponse:
    """Read a signed key response; raises MalformedError with path and line, LimitError."""
    root = parse_document(data, "KSR")
    label, zone, serial = _header(root)
    response = root.child("Response")
    timestamp = _timestamp(response)
    policies = response.child("ResponsePolicy")
    ksk_policy, zsk_policy = _policy(policies, "KSK"), _policy(policies, "ZSK")
    policies.close()
    bundles = tuple(_bundle(one, asks=False) for one in response.children("ResponseBundle", BUNDLE_LIMIT))
    response.close()
    root.close()
    with root.place():
        return ZoneResponse(zone, bundles, label, serial, ksk_policy, zsk_policy, timestamp)


def _header(root: Element) -> tuple[str, dns.name.Name, int]:
    return root.attribute("id", printable), root.attribute("domain", domain), root.attribute("serial", decimal)


def _timestamp(element: Element) -> int | None:
    return element.optional_attribute("timestamp", parse_time)


def _policy(parent: Element, name: str) -> SignaturePolicy:
    element = parent.child(name)
    policy = SignaturePolicy(
        publish_safety=element.value("PublishSafety", parse_duration),
        retire_safety=element.value("RetireSafety", parse_duration),
        max_signature_validity=element.value("MaxSignatureValidity", parse_duration),
        min_signature_validity=element.value("MinSignatureValidity", parse_duration),
        max_validity_overlap=element.value("MaxValidityOverlap", parse_duration),
        min_validity_overlap=element.value("MinValidityOverlap", parse_duration),
        algorithms=tuple(_kind(one) for one in element.children("SignatureAlgorithm", KIND_LIMIT)),
    )
    element.close()
    return policy


def _kind(element: Element) -> KeyKind:
    algorithm = element.attribute("algorithm", decimal)
    family = FAMILIES.get(algorithm)
    if family is None:
        raise element.wrong(f"algorithm {algorithm} is not one that a KSR can speak of")
    size = element.child(family)
    bits = size.attribute("size", decimal)
    exponent = size.attribute("exponent", decimal) if family == "RSA" else 0
    size.close()
    element.close()
    with element.place():
        return KeyKind(algorithm, bits, exponent)


def _bundle(element: Element, *, asks: bool) -> Bundle:
    label = element.attribute("id", printable)
    inception = element.value("Inception", parse_time)
    expiration = element.value("Expiration", parse_time)
    signers = tuple(_signer(one) for one in element.children("Signer", RECORD_LIMIT, least=0)) if asks else ()
    keys = tuple(_key(one) for one in element.children("Key", RECORD_LIMIT))
    signatures = tuple(_signature(one) for one in element.children("Signature", RECORD_LIMIT))
    element.close()
    with element.place():
        return Bundle(label, inception, expiration, keys, signatures, signers)


def _signer(element: Element) -> str:
    label = element.attribute("keyIdentifier", printable)
    element.close()
    return label


def _key(element: Element) -> PublishedKey:
    label = element.optional_attribute("keyIdentifier", printable) or ""
    tag = element.attribute("keyTag", decimal)
    ttl = element.value("TTL", decimal)
    flags = element.value("Flags", decimal)
    if element.value("Protocol", decimal) != PROTOCOL:
        raise element.wrong("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
    algorithm = element.value("Algorithm", decimal)
    public_key = element.value("PublicKey", spaced_base64)
    element.close()
    with element.place():
        published = PublishedKey(Dnskey(flags, algorithm, public_key), ttl, label)
    if tag != published.key.tag:
        raise element.wrong(f"keyTag says {tag}, and the tag of this key is {published.key.tag}")
    return published


def _signature(element: Element) -> Signature:
    label = element.optional_attribute("keyIdentifier", printable) or ""
    ttl = element.value("TTL", decimal)
    if element.value("TypeCovered", str) != "DNSKEY":
        raise element.wrong("only DNSKEY RRsets are signed, and TypeCovered is another type")
    algorithm = element.value("Algorithm", decimal)
    labels = element.value("Labels", decimal)
    original_ttl = element.value("OriginalTTL", decimal)
    expiration = element.value("SignatureExpiration", parse_time)
    inception = element.value("SignatureInception", parse_time)
    key_tag = element.value("KeyTag", decimal)
    signer = element.value("SignersName", domain)
    data = element.value("SignatureData", spaced_base64)
    element.close()
    with element.place():
        return Signature(algorithm, labels, original_ttl, expiration, inception, key_tag, signer, data, ttl, label)
