"""What is asked for and what is answered, whatever format it came in: keys, bundles, requests, responses.

Everything here is checked and frozen: a model that exists is well-formed (a key's public part has the length its
algorithm wants, times fit 32 bits, a bundle ends after it begins and holds each key once, labels are printable ASCII).
Whether it is *acceptable* is for ``policy``: odd flags, weak keys, wrong signatures and bundles out of order can all be
expressed, so that they can be reported.
Times are whole seconds since 1970-01-01 UTC. Domain names are ``dns.name.Name``, absolute, in lower case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from keyquorum.errors import MalformedError

FLAG_ZONE = 0x0100
FLAG_REVOKE = 0x0080
FLAG_SEP = 0x0001
PROTOCOL = 3
TIME_LIMIT = 1 << 32
TTL_LIMIT = 1 << 31
RDATA_LIMIT = 1 << 16
LABEL_LIMIT = 1024
RSA_ALGORITHMS = frozenset({1, 5, 7, 8, 10})
# RFC 6605 section 4 (P-256, P-384), RFC 8080 section 3 (Ed25519, Ed448): bytes of a public key.
CURVE_KEY_LENGTHS = {13: 64, 14: 96, 15: 32, 16: 57}
CDS = int(dns.rdatatype.CDS)
CDNSKEY = int(dns.rdatatype.CDNSKEY)
PARENT_RECORDS = ("CDNSKEY", "CDS SHA-256", "CDS SHA-384")
"""What records for the parent can be made of a KSK (RFC 7344), by the names that policies and requests use."""


@dataclass(frozen=True, slots=True)
class Dnskey:
    """The data of a DNSKEY record (RFC 4034 section 2): flags, algorithm, public key in wire form; protocol is 3.

    Raises MalformedError for numbers that do not fit their fields and for a public key without the form of its
    algorithm (RFC 3110, 6605, 8080); of algorithms that we do not know any non-empty key is taken.
    """

    flags: int
    algorithm: int
    public_key: bytes

    def __post_init__(self) -> None:
        _check_range(self.flags, 1 << 16, "flags")
        _check_range(self.algorithm, 1 << 8, "algorithm")
        if not 0 < len(self.public_key) <= RDATA_LIMIT - 5:
            raise MalformedError(f"a public key of {len(self.public_key)} bytes is not a public key")
        if self.algorithm in RSA_ALGORITHMS:
            self.rsa_numbers()
        length = CURVE_KEY_LENGTHS.get(self.algorithm)
        if length is not None and len(self.public_key) != length:
            raise MalformedError(
                f"a public key of algorithm {self.algorithm} has {length} bytes, this one {len(self.public_key)}"
            )

    def wire(self) -> bytes:
        """Give the RDATA."""
        return self.flags.to_bytes(2, "big") + bytes([PROTOCOL, self.algorithm]) + self.public_key

    def rsa_numbers(self) -> tuple[int, int]:
        """Give exponent and modulus (RFC 3110 section 2) of an RSA key; MalformedError for anything else."""
        data = self.public_key
        start, length = (1, data[0]) if data[0] else (3, int.from_bytes(data[1:3], "big"))
        exponent, modulus = data[start : start + length], data[start + length :]
        shortest_form = start == 1 or length > 255
        if self.algorithm not in RSA_ALGORITHMS or not exponent or not modulus or not shortest_form:
            raise MalformedError("the public key is not an RSA key in the form of RFC 3110")
        if not exponent[0] or not modulus[0]:
            raise MalformedError("the RSA key has leading zeros, which RFC 3110 prohibits")
        return int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")

    @property
    def tag(self) -> int:
        """The key tag (RFC 4034 appendix B), computed; a tag in a file is only a claim."""
        if self.algorithm == 1:
            return int.from_bytes(self.public_key[-3:-1], "big")
        wire = self.wire()
        total = (sum(wire[0::2]) << 8) + sum(wire[1::2])
        return (total + (total >> 16)) & 0xFFFF

    @property
    def is_sep(self) -> bool:
        """Whether the SEP flag is set: a KSK by custom (RFC 4034 section 2.1.1)."""
        return bool(self.flags & FLAG_SEP)

    @property
    def is_revoked(self) -> bool:
        """Whether the REVOKE flag is set (RFC 5011 section 7)."""
        return bool(self.flags & FLAG_REVOKE)

    def revoked(self) -> "Dnskey":
        """Give this key with the REVOKE flag: the same numbers, other flags, and so another tag."""
        return replace(self, flags=self.flags | FLAG_REVOKE)

    def unrevoked(self) -> "Dnskey":
        """Give this key without the REVOKE flag."""
        return replace(self, flags=self.flags & ~FLAG_REVOKE)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A DNSKEY as it stands in a bundle: with its TTL in seconds and the label its owner knows it by (may be empty)."""

    key: Dnskey
    ttl: int
    identifier: str = ""

    def __post_init__(self) -> None:
        _check_range(self.ttl, TTL_LIMIT, "TTL")
        _check_label(self.identifier, "key identifier")


@dataclass(frozen=True, slots=True)
class Signature:
    """The data of an RRSIG (RFC 4034 section 3), with TTL and label as in a file; what it covers it stands with."""

    algorithm: int
    labels: int
    original_ttl: int
    expiration: int
    inception: int
    key_tag: int
    signer: dns.name.Name
    signature: bytes
    ttl: int
    identifier: str = ""

    def __post_init__(self) -> None:
        _check_range(self.algorithm, 1 << 8, "algorithm")
        _check_range(self.labels, 1 << 8, "labels")
        _check_range(self.original_ttl, TTL_LIMIT, "original TTL")
        _check_range(self.expiration, TIME_LIMIT, "signature expiration")
        _check_range(self.inception, TIME_LIMIT, "signature inception")
        _check_range(self.key_tag, 1 << 16, "key tag")
        _check_name(self.signer)
        if not 0 < len(self.signature) < RDATA_LIMIT - 18 - 255:
            raise MalformedError(f"a signature of {len(self.signature)} bytes is not a signature")
        _check_range(self.ttl, TTL_LIMIT, "TTL")
        _check_label(self.identifier, "key identifier")


@dataclass(frozen=True, slots=True)
class ParentRrset:
    """The CDS or the CDNSKEY RRset of a zone (RFC 7344): what it asks its parent to publish; ``kind`` is the type.

    ``rdatas`` are in wire form, in any order. ``signatures`` is empty where nobody has signed it yet.
    """

    kind: int
    rdatas: tuple[bytes, ...]
    ttl: int
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in {CDS, CDNSKEY}:
            raise MalformedError(f"records of type {self.kind} are not signed here beside DNSKEY records")
        _check_range(self.ttl, TTL_LIMIT, "TTL")
        if not self.rdatas or len(set(self.rdatas)) != len(self.rdatas):
            raise MalformedError(f"the {self.name} RRset is empty, or holds the same record twice")
        for rdata in self.rdatas:
            if not 5 <= len(rdata) < RDATA_LIMIT:
                raise MalformedError(f"a {self.name} record of {len(rdata)} bytes is not one")

    @property
    def name(self) -> str:
        """The name of the type."""
        return "CDS" if self.kind == CDS else "CDNSKEY"

    def texts(self) -> tuple[str, ...]:
        """Give each record's data in presentation form."""
        kind = dns.rdatatype.RdataType(self.kind)
        return tuple(
            dns.rdata.from_wire(dns.rdataclass.IN, kind, rdata, 0, len(rdata)).to_text() for rdata in self.rdatas
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """One DNSKEY RRset and the time it is signed for; ``signatures`` are proofs of possession or the answer.

    ``signers`` are the labels of the KSKs that a request names (``Signer`` in a KSR; the root's name none).
    ``for_parent`` are the CDS and the CDNSKEY RRset that are signed with it, in this order, where there are any.
    ``start`` is when it is to be served, where a format says so (None: from its inception on).
    """

    id: str
    inception: int
    expiration: int
    keys: tuple[PublishedKey, ...]
    signatures: tuple[Signature, ...] = ()
    signers: tuple[str, ...] = ()
    for_parent: tuple[ParentRrset, ...] = ()
    start: int | None = None

    def __post_init__(self) -> None:
        _check_label(self.id, "bundle id")
        _check_range(self.start or 0, TIME_LIMIT, "time")
        if any(one.kind >= other.kind for one, other in pairwise(self.for_parent)):
            raise MalformedError("a bundle has one CDS RRset and one CDNSKEY RRset, in this order", where=self.id)
        if not 0 <= self.inception < self.expiration < TIME_LIMIT:
            raise MalformedError("the bundle does not end after it begins, or is outside 32-bit time", where=self.id)
        if not self.keys:
            raise MalformedError("the bundle has no keys", where=self.id)
        if len({published.key for published in self.keys}) != len(self.keys):
            raise MalformedError("the bundle holds the same key twice; an RRset is a set", where=self.id)
        for label in self.signers:
            _check_label(label, "signer")

    def signed_rrsets(self) -> Iterator[tuple[ParentRrset | None, tuple[Signature, ...]]]:
        """Give each RRset with the signatures over it; None stands for the DNSKEY RRset, which is the first."""
        yield None, self.signatures
        for rrset in self.for_parent:
            yield rrset, rrset.signatures


@dataclass(frozen=True, slots=True)
class KeyKind:
    """What kind of key a signature policy speaks of: algorithm, size in bits, and for RSA the exponent (else 0)."""

    algorithm: int
    bits: int
    exponent: int = 0

    def __post_init__(self) -> None:
        _check_range(self.algorithm, 1 << 8, "algorithm")
        _check_range(self.bits, 1 << 16, "key size")
        _check_range(self.exponent, 1 << 64, "exponent")


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """The timing one side states for its keys (KSR ``RequestPolicy``/``ResponsePolicy``); durations in seconds."""

    publish_safety: int
    retire_safety: int
    max_signature_validity: int
    min_signature_validity: int
    max_validity_overlap: int
    min_validity_overlap: int
    algorithms: tuple[KeyKind, ...]

    def __post_init__(self) -> None:
        for duration in (
            self.publish_safety,
            self.retire_safety,
            self.max_signature_validity,
            self.min_signature_validity,
            self.max_validity_overlap,
            self.min_validity_overlap,
        ):
            _check_range(duration, TIME_LIMIT, "duration")
        if not self.algorithms:
            raise MalformedError("a signature policy names at least one kind of key")


@dataclass(frozen=True, slots=True)
class SigningTimes:
    """How bundles are derived from a request that says only when its keys change; durations in whole seconds.

    A bundle that starts at T is valid from T - ``inception_offset`` (for clocks that are slow) to T + ``validity``, and
    the next one starts ``refresh`` before that end. ``until`` is the end of the period (seconds since 1970) where the
    request does not say it.
    """

    validity: int
    refresh: int
    inception_offset: int
    until: int | None = None

    def __post_init__(self) -> None:
        for duration in (self.validity, self.refresh, self.inception_offset):
            _check_range(duration, TIME_LIMIT, "duration")
        _check_range(self.until or 0, TIME_LIMIT, "end of the period")
        if self.refresh >= self.validity:
            raise MalformedError("signatures would have to be refreshed before they are made")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a response says besides the signatures: the TTL of all keys (None: as received) and the KSK's policy.

    ``times`` is how its bundles are derived where the request has none (else None). ``parent_records`` names those of
    ``PARENT_RECORDS`` that are made of each KSK that signs and are signed with the keys.
    """

    ttl: int | None
    ksk_policy: SignaturePolicy | None
    times: SigningTimes | None = None
    parent_records: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.parent_records) - set(PARENT_RECORDS)
        if unknown or len(set(self.parent_records)) != len(self.parent_records):
            raise MalformedError(f"records for the parent are some of {', '.join(PARENT_RECORDS)}, each once")


@dataclass(frozen=True, slots=True)
class ZoneRequest:
    """What one zone asks to have signed: its bundles in the order of the file.

    ``id``, ``serial``, ``policy`` and ``timestamp`` are those of a KSR; a plain RRset has none ("" , 0, None, None).
    ``proofs`` says whether the format carries proofs of possession. ``times`` is what the bundles were derived with
    where the request says only when its keys change (BIND, Knot).
    """

    zone: dns.name.Name
    bundles: tuple[Bundle, ...]
    id: str = ""
    serial: int = 0
    policy: SignaturePolicy | None = None
    proofs: bool = False
    timestamp: int | None = None
    times: SigningTimes | None = None

    def __post_init__(self) -> None:
        _check_header(self.zone, self.bundles, self.id, self.serial, self.timestamp)

    @property
    def is_plain(self) -> bool:
        """Whether it is one RRset and a window of time, not a request for keys that come and go."""
        return self.policy is None and self.times is None


@dataclass(frozen=True, slots=True)
class ZoneResponse:
    """What was signed for one zone: the bundles with all keys and the KSK's signatures, and the policies of a SKR."""

    zone: dns.name.Name
    bundles: tuple[Bundle, ...]
    id: str = ""
    serial: int = 0
    ksk_policy: SignaturePolicy | None = None
    zsk_policy: SignaturePolicy | None = None
    timestamp: int | None = None

    def __post_init__(self) -> None:
        _check_header(self.zone, self.bundles, self.id, self.serial, self.timestamp)


def all_keys(bundles: Sequence[Bundle]) -> tuple[Dnskey, ...]:
    """Give the distinct keys of ``bundles``, in order of first appearance."""
    return tuple(dict.fromkeys(published.key for bundle in bundles for published in bundle.keys))


def _check_range(number: int, limit: int, what: str) -> None:
    if not 0 <= number < limit:
        raise MalformedError(f"{what}: {number} is not between 0 and {limit - 1}")


def _check_label(text: str, what: str) -> None:
    # Labels go to terminals and into XML: nothing that moves a cursor or looks like something else.
    if len(text) > LABEL_LIMIT or not (text.isascii() and text.isprintable()):
        raise MalformedError(f"{what}: not printable ASCII of at most {LABEL_LIMIT} characters")


def _check_name(name: dns.name.Name) -> None:
    if not name.is_absolute() or name.canonicalize().labels != name.labels:
        raise MalformedError(f"the domain name {name.to_text()} is not absolute and in lower case")


def _check_header(
    zone: dns.name.Name, bundles: tuple[Bundle, ...], label: str, serial: int, timestamp: int | None
) -> None:
    _check_name(zone)
    _check_label(label, "id")
    _check_range(serial, 1 << 32, "serial")
    _check_range(timestamp or 0, TIME_LIMIT, "timestamp")
    if not bundles:
        raise MalformedError("a request or response has at least one bundle", where=zone.to_text())
