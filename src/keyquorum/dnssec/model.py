"""What is asked for and what is answered, whatever format it came in: keys, bundles, requests, responses.

Everything here is checked and frozen: a model that exists is well-formed (a key's public part has the length its
algorithm wants, times fit 32 bits, a bundle ends after it begins). Whether it is *acceptable* is for ``policy``.
Times are whole seconds since 1970-01-01 UTC. Domain names are ``dns.name.Name``, absolute, in lower case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.dnssec import key_id
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from keyquorum.errors import MalformedError

FLAG_ZONE = 0x0100
FLAG_REVOKE = 0x0080
FLAG_SEP = 0x0001
PROTOCOL = 3
TIME_LIMIT = 1 << 32


@dataclass(frozen=True, slots=True)
class Dnskey:
    """The data of a DNSKEY record (RFC 4034 section 2): flags, algorithm, public key in wire form; protocol is 3."""

    flags: int
    algorithm: int
    public_key: bytes

    def wire(self) -> bytes:
        """Give the RDATA."""
        return self.flags.to_bytes(2, "big") + bytes([PROTOCOL, self.algorithm]) + self.public_key

    @property
    def tag(self) -> int:
        """The key tag (RFC 4034 appendix B), computed; a tag in a file is only a claim."""
        return key_id(
            DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, self.flags, PROTOCOL, self.algorithm, self.public_key)
        )

    @property
    def is_sep(self) -> bool:
        """Whether the SEP flag is set: a KSK by custom (RFC 4034 section 2.1.1)."""
        return bool(self.flags & FLAG_SEP)

    @property
    def is_revoked(self) -> bool:
        """Whether the REVOKE flag is set (RFC 5011 section 7)."""
        return bool(self.flags & FLAG_REVOKE)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A DNSKEY as it stands in a bundle: with its TTL in seconds and the label its owner knows it by (may be empty)."""

    key: Dnskey
    ttl: int
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """The data of an RRSIG over a DNSKEY RRset (RFC 4034 section 3), with the TTL and label a file gave it."""

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


@dataclass(frozen=True, slots=True)
class Bundle:
    """One DNSKEY RRset and the time it is signed for; ``signatures`` are proofs of possession or the answer."""

    id: str
    inception: int
    expiration: int
    keys: tuple[PublishedKey, ...]
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.inception < self.expiration < TIME_LIMIT:
            raise MalformedError("the bundle does not end after it begins, or is outside 32-bit time", where=self.id)


@dataclass(frozen=True, slots=True)
class KeyKind:
    """What kind of key a signature policy speaks of: algorithm, size in bits, and for RSA the exponent (else 0)."""

    algorithm: int
    bits: int
    exponent: int = 0


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


@dataclass(frozen=True, slots=True)
class ZoneRequest:
    """What one zone asks to have signed: its bundles in order of time.

    ``id``, ``serial`` and ``policy`` are those of a KSR; a plain RRset has none ("" , 0, None).
    ``proofs`` says whether the format carries proofs of possession.
    """

    zone: dns.name.Name
    bundles: tuple[Bundle, ...]
    id: str = ""
    serial: int = 0
    policy: SignaturePolicy | None = None
    proofs: bool = False


@dataclass(frozen=True, slots=True)
class ZoneResponse:
    """What was signed for one zone: the bundles with all keys and the KSK's signatures, and the policies of a SKR."""

    zone: dns.name.Name
    bundles: tuple[Bundle, ...]
    id: str = ""
    serial: int = 0
    ksk_policy: SignaturePolicy | None = None
    zsk_policy: SignaturePolicy | None = None


def all_keys(bundles: Sequence[Bundle]) -> tuple[Dnskey, ...]:
    """Give the distinct keys of ``bundles``, in order of first appearance."""
    return tuple(dict.fromkeys(published.key for bundle in bundles for published in bundle.keys))
