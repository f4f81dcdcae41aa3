"""The XML in which the root's trust anchors are published (root-anchors.xml): RFC 9718, and RFC 7958 before it.

The newer form adds the key itself to its digest. Read strictly, like all XML here (``xml_reader``); white space around
a value, and within a public key, is no part of it (XML Schema part 2, section 4.3.6). Refused: a digest that is not
that of the public key beside it, digests by SHA-1, two digests with one id, a validity that ends before it begins, and
in writing anchors of several zones, or anchors of which nobody says from when on they are valid.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import dns.name

from keyquorum.dnssec.anchors import DIGESTS, Anchor, ds_text
from keyquorum.dnssec.fields import decimal, domain, printable, shown, spaced_base64, uuid_text
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.times import format_time, parse_time
from keyquorum.dnssec.xml_reader import Element, parse_document
from keyquorum.errors import MalformedError, RefusedError

ANCHOR_LIMIT = 100
_NAMES = {number: name for name, number in DIGESTS.items()}
_LENGTHS = {"SHA-256": 32, "SHA-384": 48}


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """What such a file holds: its ``id``, the URL it can be had from (``source``, may be empty), and its anchors."""

    id: str
    source: str
    anchors: tuple[Anchor, ...]


def read_anchor_xml(data: bytes) -> AnchorFile:
    """Read either form; raises MalformedError with path and line, LimitError."""
    root = parse_document(data, "TrustAnchor")
    name = root.attribute("id", printable)
    source = root.attribute("source", _source)
    zone = root.value("Zone", domain)
    anchors = tuple(_anchor(one, zone) for one in root.children("KeyDigest", ANCHOR_LIMIT))
    root.close()
    if len({anchor.id for anchor in anchors}) != len(anchors):
        raise root.wrong("two KeyDigests have the same id")
    return AnchorFile(name, source, anchors)


def write_anchor_xml(anchors: Sequence[Anchor], id_: str, source: str, *, public_keys: bool) -> bytes:
    """Write ``anchors``, each of them one KeyDigest; ``read_anchor_xml`` gives equal ones back.

    ``public_keys``: in the form of RFC 9718, with the keys that are known in full; otherwise in that of RFC 7958. An
    ``id_`` that is empty is made of the content, and so is that of an anchor. Raises RefusedError, MalformedError.
    """
    if len({anchor.zone for anchor in anchors}) != 1:
        raise RefusedError("such a file holds the anchors of one zone", do="Write one file for each zone.")
    if len(anchors) > ANCHOR_LIMIT:
        raise RefusedError(f"{len(anchors)} anchors; such a file holds {ANCHOR_LIMIT} at most")
    for text in (id_, source):
        printable(text or "-")
    content = "\n".join(one.ds for one in anchors)
    # Two files that are put together may have used one id for two anchors.
    named: dict[str, Anchor] = {}
    for one in anchors:
        name = one.id if one.id and one.id not in named else _id_of(one)
        named[name] = replace(one, id=name)
    identifier = id_ or uuid_text(hashlib.sha256(content.encode("ascii")).digest(), 8).upper()
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<TrustAnchor id="{escape(identifier)}" source="{escape(source)}">',
        f"  <Zone>{escape(anchors[0].zone.to_text())}</Zone>",
        *(line for anchor in named.values() for line in _written(anchor, public_keys=public_keys)),
        "</TrustAnchor>",
        "",
    ]
    return "\n".join(lines).encode("ascii")


def _written(anchor: Anchor, *, public_keys: bool) -> list[str]:
    if anchor.valid_from is None:
        raise RefusedError(
            f"nobody says from when on the key with tag {anchor.tag} is valid, and in XML that has to be said",
            do="Give --valid-from TIME.",
        )
    until = "" if anchor.valid_until is None else f' validUntil="{format_time(anchor.valid_until)}"'
    if anchor.valid_until is not None and anchor.valid_until <= anchor.valid_from:
        raise RefusedError(f"the key with tag {anchor.tag} would be valid until before it is valid")
    tag, algorithm, digest_type, digest = anchor.ds.split()[3:]
    key = anchor.key if public_keys else None
    public = [] if key is None else [
        f"    <PublicKey>{base64.b64encode(key.public_key).decode('ascii')}</PublicKey>",
        f"    <Flags>{key.flags}</Flags>",
    ]  # fmt: skip
    return [
        f'  <KeyDigest id="{escape(anchor.id)}" validFrom="{format_time(anchor.valid_from)}"{until}>',
        f"    <KeyTag>{tag}</KeyTag>",
        f"    <Algorithm>{algorithm}</Algorithm>",
        f"    <DigestType>{digest_type}</DigestType>",
        f"    <Digest>{digest}</Digest>",
        *public,
        "  </KeyDigest>",
    ]


def _id_of(anchor: Anchor) -> str:
    """Give an id in the manner of IANA's: K and a few letters, here of a hash."""
    return "K" + base64.b32encode(hashlib.sha256(anchor.ds.encode("ascii")).digest())[:10].decode("ascii").lower()


def _anchor(element: Element, zone: dns.name.Name) -> Anchor:
    name = element.attribute("id", printable)
    valid_from = element.attribute("validFrom", parse_time)
    valid_until = element.optional_attribute("validUntil", parse_time)
    tag = element.value("KeyTag", decimal)
    algorithm = element.value("Algorithm", decimal)
    digest_type = element.value("DigestType", decimal)
    digest = element.value("Digest", _hexadecimal)
    public_key = element.optional_value("PublicKey", spaced_base64)
    flags = element.value("Flags", decimal) if public_key is not None else 0
    element.close()
    kind = _NAMES.get(digest_type)
    if kind is None:
        raise element.wrong(f"DS digest type {digest_type}; SHA-256 (2) and SHA-384 (4) are accepted")
    if len(digest) != _LENGTHS[kind] or tag >= 1 << 16 or not 0 < algorithm < 1 << 8:
        raise element.wrong(f"KeyTag, Algorithm and a {kind} Digest of {len(digest)} bytes are no DS record")
    if valid_until is not None and valid_until <= valid_from:
        raise element.wrong("validUntil is not after validFrom")
    ds = f"{zone.to_text()} IN DS {tag} {algorithm} {digest_type} {digest.hex().upper()}"
    with element.place():
        key = None if public_key is None else Dnskey(flags, algorithm, public_key)
        if key is not None and ds_text(zone, key, kind) != ds:
            raise MalformedError("KeyTag and Digest are not those of the PublicKey, with these Flags")
    return Anchor(zone, key, kind, ds, valid_from, valid_until, name)


def _source(text: str) -> str:
    return printable(text) if text else text


def _hexadecimal(text: str) -> bytes:
    try:
        # fromhex would skip white space.
        return bytes.fromhex(text if text.isalnum() else "-")
    except ValueError:
        raise MalformedError(f"{shown(text)} is not hexadecimal") from None
