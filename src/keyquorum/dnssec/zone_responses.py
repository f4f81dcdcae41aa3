"""Signed DNSKEY, CDS and CDNSKEY RRsets in presentation form, read back; the reverse of ``zonefile.write_rrset``.

Streamed, one owner name at a time. Records of other types and other RRSIGs are skipped. Refused: a zone that comes
twice, a file without any DNSKEY, and what ``signed_records`` refuses.
"""

from collections.abc import Iterator
from typing import BinaryIO

import dns.name

from keyquorum.dnssec.fields import domain
from keyquorum.dnssec.model import ZoneResponse
from keyquorum.dnssec.signed_records import SignedRecords
from keyquorum.dnssec.zone_lines import Record, records
from keyquorum.dnssec.zone_records import on_line
from keyquorum.errors import MalformedError


def read_signed_rrsets(stream: BinaryIO) -> Iterator[ZoneResponse]:
    """Read the signed RRsets of each zone as a response with one bundle.

    Its window is the time in which all of its signatures are valid. Raises MalformedError and LimitError with the line,
    while being iterated.
    """
    zone: dns.name.Name | None = None
    found = SignedRecords()
    origin: dns.name.Name | None = None
    owner: dns.name.Name | None = None
    seen: set[bytes] = set()
    for record in records(stream):
        with on_line(record.line):
            if record.tokens[0].upper() == b"$ORIGIN" and len(record.tokens) == 2:
                origin = domain(record.tokens[1].decode("ascii", "replace"), origin)
            if record.tokens[0].startswith(b"$"):
                continue
            owner = _owner(record, owner, origin)
        if owner != zone:
            with on_line(record.line):
                finished = _response(zone, found, seen)
            yield from finished
            zone, found = owner, SignedRecords()
        with on_line(record.line):
            found.take(record, origin)
    yield from _response(zone, found, seen)
    if not seen:
        raise MalformedError("no DNSKEY record in it")


def _owner(record: Record, last: dns.name.Name | None, origin: dns.name.Name | None) -> dns.name.Name:
    if not record.indented:
        return domain(record.tokens[0].decode("ascii", "replace"), origin)
    if last is None:
        raise MalformedError("a record without an owner")
    return last


def _response(zone: dns.name.Name | None, found: SignedRecords, seen: set[bytes]) -> tuple[ZoneResponse, ...]:
    if zone is None or not found:
        return ()
    where = zone.to_text()
    try:
        bundle = found.bundle(where)
    except MalformedError as error:
        raise MalformedError(error.what, where=error.where or where, do=error.do) from None
    if zone.to_digestable() in seen:
        raise MalformedError("the zone was seen before", where=where, do="Put its records together.")
    seen.add(zone.to_digestable())
    return (ZoneResponse(zone, (bundle,)),)
