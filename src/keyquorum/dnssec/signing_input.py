"""The bytes that a signature over a DNSKEY, CDS or CDNSKEY RRset is made on (RFC 4034 section 3.1.8.1).

The RDATA of the RRSIG without its signature, then every record of the RRset in canonical form (RFC 4034 section 6),
sorted. Everything that can be computed is: labels from the zone, lengths and order from the records. Refused: no
records, the same record twice, numbers that do not fit.
"""

import struct
from collections.abc import Iterable
from itertools import pairwise

import dns.name
import dns.rdataclass
import dns.rdatatype

from keyquorum.dnssec.model import TIME_LIMIT, TTL_LIMIT, Dnskey
from keyquorum.errors import MalformedError


def signing_input(
    zone: dns.name.Name,
    keys: Iterable[Dnskey],
    ttl: int,
    *,
    algorithm: int,
    key_tag: int,
    inception: int,
    expiration: int,
) -> bytes:
    """Give the bytes to sign for the DNSKEY RRset ``keys`` of ``zone``; the rest is as for ``rrset_signing_input``."""
    return rrset_signing_input(
        zone,
        dns.rdatatype.DNSKEY,
        (key.wire() for key in keys),
        ttl,
        algorithm=algorithm,
        key_tag=key_tag,
        inception=inception,
        expiration=expiration,
    )


def rrset_signing_input(
    zone: dns.name.Name,
    kind: int,
    rdatas: Iterable[bytes],
    ttl: int,
    *,
    algorithm: int,
    key_tag: int,
    inception: int,
    expiration: int,
) -> bytes:
    """Give the bytes to sign for the records of type ``kind`` with ``rdatas`` (wire form, without names) at ``zone``.

    ``ttl`` is the original TTL in seconds; ``algorithm`` and ``key_tag`` are the signer's, who is always ``zone``.
    Raises MalformedError.
    """
    rdatas = sorted(rdatas)
    if not rdatas or any(first == second for first, second in pairwise(rdatas)):
        raise MalformedError("an RRset without records, or with the same one twice", where=zone.to_text())
    if not (0 <= ttl < TTL_LIMIT and 0 <= inception < TIME_LIMIT and 0 <= expiration < TIME_LIMIT):
        raise MalformedError("TTL or times do not fit their fields", where=zone.to_text())
    if not (0 <= algorithm < 1 << 8 and 0 <= key_tag < 1 << 16):
        raise MalformedError("algorithm or key tag do not fit their fields", where=zone.to_text())
    owner = zone.to_digestable()
    header = struct.pack("!HBBIIIH", kind, algorithm, label_count(zone), ttl, expiration, inception, key_tag)
    record = owner + struct.pack("!HHI", kind, dns.rdataclass.IN, ttl)
    return b"".join([header, owner, *(record + struct.pack("!H", len(rdata)) + rdata for rdata in rdatas)])


def label_count(zone: dns.name.Name) -> int:
    """Give the Labels field of an RRSIG for ``zone``: without the root and a leading ``*`` (RFC 4034 section 3.1.3)."""
    return len(zone) - 1 - int(zone.is_wild())
