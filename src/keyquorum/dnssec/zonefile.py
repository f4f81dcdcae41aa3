"""DNSKEY, CDS and CDNSKEY RRsets in presentation form: out of a zone file of one or very many zones, and back signed.

Read as a stream: memory grows only by the name of each zone seen. Records of other types are skipped, RRSIG too, so
that a whole small zone may be given; their data are not looked at. Refused: a zone whose DNSKEY, CDS and CDNSKEY
records are not together, CDS or CDNSKEY records without DNSKEY records, a file without any DNSKEY, and what
``zone_records`` refuses.
"""

import base64
from collections.abc import Iterator
from typing import BinaryIO

import dns.name

from keyquorum.dnssec.anchors import dnskey_rdata_text
from keyquorum.dnssec.model import Bundle, Dnskey, Signature, ZoneRequest
from keyquorum.dnssec.parent_records import parent_rdata_text
from keyquorum.dnssec.times import format_time_for_people, format_time_of_rrsig
from keyquorum.dnssec.zone_lines import records
from keyquorum.dnssec.zone_records import ApexRrsets, RecordReader, on_line
from keyquorum.errors import LimitError, MalformedError

ZONE_LIMIT = 10_000_000


def read_rrsets(stream: BinaryIO, inception: int, expiration: int) -> Iterator[ZoneRequest]:
    """Read the RRsets of each zone as a request with one bundle, to be signed for the window given.

    The bundle's id is the name of the zone. Times are seconds since 1970. Raises MalformedError and LimitError with
    the line, while being iterated; what was given before is then good, but the file is not.
    """
    reader = RecordReader()
    seen: set[bytes] = set()
    zone: dns.name.Name | None = None
    rrsets = ApexRrsets()
    for record in records(stream):
        with on_line(record.line):
            found = reader.take(record)
        if found is None:
            continue
        if found.owner != zone:
            if zone is not None:
                yield _request(zone, rrsets, inception, expiration)
            zone, rrsets = found.owner, ApexRrsets()
            with on_line(record.line):
                _check_new(seen, zone)
        with on_line(record.line):
            rrsets.add(found)
    if zone is None:
        raise MalformedError("no DNSKEY record in it")
    yield _request(zone, rrsets, inception, expiration)


def write_rrset(zone: dns.name.Name, bundle: Bundle) -> str:
    """Write the records of ``bundle``, each RRset followed by its RRSIGs, one a line with a comment for people.

    All TTLs of an RRset and its signatures must agree; MalformedError else.
    """
    return "".join(f"{line} ; {comment}\n" if comment else f"{line}\n" for line, comment in record_lines(zone, bundle))


def record_lines(zone: dns.name.Name, bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Give the records of ``bundle`` one by one, each with a comment for people (may be empty); MalformedError."""
    owner = zone.to_text()
    yield from ((f"{owner} {one.ttl} IN DNSKEY {dnskey_rdata_text(one.key)}", _role(one.key)) for one in bundle.keys)
    yield from _rrsigs(owner, "DNSKEY", {one.ttl for one in bundle.keys}, bundle.signatures)
    for rrset in bundle.for_parent:
        for rdata in rrset.rdatas:
            yield f"{owner} {rrset.ttl} IN {rrset.name} {parent_rdata_text(rrset, rdata)}", ""
        yield from _rrsigs(owner, rrset.name, {rrset.ttl}, rrset.signatures)


def _role(key: Dnskey) -> str:
    return f"{'KSK' if key.is_sep else 'ZSK'}, key tag {key.tag}"


def _rrsigs(owner: str, covered: str, ttls: set[int], signatures: tuple[Signature, ...]) -> Iterator[tuple[str, str]]:
    if len(ttls | {one.ttl for one in signatures}) != 1:
        raise MalformedError("records of one RRset and its signatures have one TTL", where=owner)
    for one in signatures:
        fields = (
            covered,
            one.algorithm,
            one.labels,
            one.original_ttl,
            format_time_of_rrsig(one.expiration),
            format_time_of_rrsig(one.inception),
            one.key_tag,
            one.signer.to_text(),
            base64.b64encode(one.signature).decode("ascii"),
        )
        window = f"{format_time_for_people(one.inception)} to {format_time_for_people(one.expiration)}"
        yield f"{owner} {one.ttl} IN RRSIG {' '.join(map(str, fields))}", window


def _check_new(seen: set[bytes], zone: dns.name.Name) -> None:
    wire = zone.to_digestable()
    if wire in seen:
        raise MalformedError(f"DNSKEY records of {zone.to_text()} were seen before", do="Put them all together.")
    if len(seen) == ZONE_LIMIT:
        raise LimitError(f"more than {ZONE_LIMIT} zones")
    seen.add(wire)


def _request(zone: dns.name.Name, rrsets: ApexRrsets, inception: int, expiration: int) -> ZoneRequest:
    if not rrsets.keys:
        raise MalformedError(
            "CDS or CDNSKEY records without DNSKEY records beside them",
            where=zone.to_text(),
            do="Put all of them together, at the zone's own name.",
        )
    bundle = Bundle(zone.to_text(), inception, expiration, tuple(rrsets.keys), for_parent=rrsets.for_parent())
    return ZoneRequest(zone, (bundle,))
