"""CDS and CDNSKEY records (RFC 7344): made of the zone's KSKs, and told which key each speaks of.

What the parent does with them hands the zone to whoever holds the keys they name, so each must be one's own. Refused:
digests other than SHA-256 and SHA-384.
"""

import base64
import hashlib
import struct
from collections.abc import Iterable, Sequence

import dns.name

from keyquorum.dnssec.model import CDNSKEY, CDS, Dnskey, ParentRrset

# RFC 4509, RFC 6605: the digest types of a DS record that are not known to be weak.
_DIGESTS = {2: hashlib.sha256, 4: hashlib.sha384}
_KINDS = {"CDNSKEY": (CDNSKEY, 0), "CDS SHA-256": (CDS, 2), "CDS SHA-384": (CDS, 4)}


def parent_rrsets(
    zone: dns.name.Name, keys: Sequence[Dnskey], records: Iterable[str], ttl: int
) -> tuple[ParentRrset, ...]:
    """Make the RRsets for the parent that name exactly ``keys``; ``records`` are some of ``model.PARENT_RECORDS``."""
    made: dict[int, list[bytes]] = {}
    for kind, digest in sorted(_KINDS[name] for name in records):
        for key in keys:
            made.setdefault(kind, []).append(cds_rdata(zone, key, digest) if kind == CDS else key.wire())
    return tuple(ParentRrset(kind, tuple(rdatas), ttl) for kind, rdatas in sorted(made.items()))


def cds_rdata(zone: dns.name.Name, key: Dnskey, digest: int) -> bytes:
    """Give the RDATA of the CDS record of ``key``: that of its DS (RFC 4034 section 5.1), ``digest`` being 2 or 4."""
    wire = key.wire()
    head = struct.pack("!HBB", key.tag, key.algorithm, digest)
    return head + _DIGESTS[digest](zone.to_digestable() + wire).digest()


def spoken_of(zone: dns.name.Name, rrset: ParentRrset, rdata: bytes, keys: Iterable[Dnskey]) -> Dnskey | None:
    """Give the one of ``keys`` that a CDS or CDNSKEY record speaks of; None if it is none of them or cannot be told."""
    for key in keys:
        if rrset.kind == CDNSKEY:
            same = rdata == key.wire()
        else:
            same = rdata[3] in _DIGESTS and rdata == cds_rdata(zone, key, rdata[3])
        if same:
            return key
    return None


def is_deletion(rrset: ParentRrset, rdata: bytes) -> bool:
    """Whether a record asks the parent to remove the DS RRset: its algorithm is 0 (RFC 8078 section 4)."""
    return rdata[3 if rrset.kind == CDNSKEY else 2] == 0


def parent_rdata_text(rrset: ParentRrset, rdata: bytes) -> str:
    """Give the RDATA of a CDS or CDNSKEY record as text (RFC 4034 sections 2.2 and 5.3)."""
    first, third, fourth = struct.unpack("!HBB", rdata[:4])
    rest = rdata[4:].hex().upper() if rrset.kind == CDS else base64.b64encode(rdata[4:]).decode("ascii")
    return f"{first} {third} {fourth} {rest}"
