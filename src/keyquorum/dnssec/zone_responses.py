"""Signed DNSKEY RRsets in presentation form, read back to be verified; the reverse of ``zonefile.write_rrset``.

Streamed, one owner name at a time; the data of DNSKEY and RRSIG records are read by dnspython, so that what we wrote is
not judged by our own reading of it. Records of other types and other RRSIGs are skipped. Refused: a DNSKEY RRset
without any signature beside it, a signature without its RRset beside it, a zone that comes twice, TTLs that differ, a
file without any DNSKEY.
"""

from collections.abc import Iterator
from typing import BinaryIO

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.fields import decimal, domain
from keyquorum.dnssec.model import PROTOCOL, Bundle, Dnskey, PublishedKey, Signature, ZoneResponse
from keyquorum.dnssec.zone_lines import Record, records
from keyquorum.errors import MalformedError


def read_signed_rrsets(stream: BinaryIO) -> Iterator[ZoneResponse]:
    """Read the signed DNSKEY RRset of each zone as a response with one bundle.

    Its window is the time in which all of its signatures are valid. Raises MalformedError and LimitError with the line,
    while being iterated.
    """
    zone: dns.name.Name | None = None
    keys: list[PublishedKey] = []
    signatures: list[Signature] = []
    origin: dns.name.Name | None = None
    owner: dns.name.Name | None = None
    seen: set[bytes] = set()
    for record in records(stream):
        try:
            if record.tokens[0].upper() == b"$ORIGIN" and len(record.tokens) == 2:
                origin = domain(record.tokens[1].decode("ascii", "replace"), origin)
            if record.tokens[0].startswith(b"$"):
                continue
            owner = _owner(record, owner, origin)
            if owner != zone:
                if keys or signatures:
                    yield _response(zone, keys, signatures, seen)
                zone, keys, signatures = owner, [], []
            _take(record, keys, signatures, origin)
        except MalformedError as error:
            raise MalformedError(error.what, where=error.where or f"line {record.line}", do=error.do) from None
    if keys or signatures:
        yield _response(zone, keys, signatures, seen)
    if not seen:
        raise MalformedError("no DNSKEY record in it")


def _owner(record: Record, last: dns.name.Name | None, origin: dns.name.Name | None) -> dns.name.Name:
    if not record.indented:
        return domain(record.tokens[0].decode("ascii", "replace"), origin)
    if last is None:
        raise MalformedError("a record without an owner")
    return last


def _take(record: Record, keys: list[PublishedKey], signatures: list[Signature], origin: dns.name.Name | None) -> None:
    tokens = record.tokens if record.indented else record.tokens[1:]
    ttl: int | None = None
    while tokens and (tokens[0].isdigit() or tokens[0].upper() == b"IN"):
        ttl = decimal(tokens[0].decode("ascii")) if tokens[0].isdigit() else ttl
        tokens = tokens[1:]
    kind = tokens[0].upper() if tokens else b""
    if kind == b"DNSKEY" or (kind == b"RRSIG" and tokens[1:2] and tokens[1].upper() == b"DNSKEY"):
        if ttl is None:
            raise MalformedError("a record without a TTL", do="Write the TTL of each record.")
        text = b" ".join(tokens[1:]).decode("ascii", "replace")
        rdatatype = dns.rdatatype.from_text(kind.decode("ascii"))
        try:
            rdata = dns.rdata.from_text(dns.rdataclass.IN, rdatatype, text, origin or dns.name.root, relativize=False)
        except (dns.exception.DNSException, ValueError, OverflowError) as error:
            raise MalformedError(f"not a {kind.decode('ascii')} record ({type(error).__name__})") from None
        if isinstance(rdata, DNSKEY):
            _check_protocol(rdata)
            keys.append(PublishedKey(Dnskey(rdata.flags, rdata.algorithm, rdata.key), ttl))
        elif isinstance(rdata, RRSIG):
            signatures.append(_signature(rdata, ttl))


def _check_protocol(rdata: DNSKEY) -> None:
    if rdata.protocol != PROTOCOL:
        raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")


def _signature(rdata: RRSIG, ttl: int) -> Signature:
    return Signature(
        algorithm=rdata.algorithm,
        labels=rdata.labels,
        original_ttl=rdata.original_ttl,
        expiration=rdata.expiration,
        inception=rdata.inception,
        key_tag=rdata.key_tag,
        signer=rdata.signer.canonicalize(),
        signature=rdata.signature,
        ttl=ttl,
    )


def _response(
    zone: dns.name.Name | None, keys: list[PublishedKey], signatures: list[Signature], seen: set[bytes]
) -> ZoneResponse:
    where = zone.to_text() if zone else ""
    if zone is None or not signatures:
        raise MalformedError("the DNSKEY RRset has no signature beside it", where=where)
    if not keys:
        raise MalformedError("a signature of a DNSKEY RRset that does not stand beside it", where=where)
    if zone.to_digestable() in seen:
        raise MalformedError("the zone was seen before", where=where, do="Put its records together.")
    seen.add(zone.to_digestable())
    if len({key.ttl for key in keys}) != 1:
        raise MalformedError("the DNSKEY records have different TTLs", where=where)
    inception = max(signature.inception for signature in signatures)
    expiration = min(signature.expiration for signature in signatures)
    return ZoneResponse(zone, (Bundle(where, inception, expiration, tuple(keys), tuple(signatures)),))
