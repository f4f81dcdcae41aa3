"""DNSKEY RRsets in presentation form: out of a zone file of one or of very many zones, and back with signatures.

Read as a stream: memory grows only by the name of each zone seen. Records of other types are skipped, RRSIG, CDS and
CDNSKEY too, so that a whole small zone may be given; their data are not looked at. Refused: a zone whose DNSKEY
records are not together, TTLs that differ within an RRset (RFC 2181 section 5.2), classes other than IN, ``$INCLUDE``
and other directives, a file without any DNSKEY, the generic form ``TYPE48``.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import dns.dnssectypes
import dns.exception
import dns.name
import dns.ttl

from keyquorum.dnssec.anchors import dnskey_rdata_text
from keyquorum.dnssec.fields import canonical_base64, decimal, domain, shown
from keyquorum.dnssec.model import PROTOCOL, TTL_LIMIT, Bundle, Dnskey, PublishedKey, ZoneRequest
from keyquorum.dnssec.times import format_time_for_people, format_time_of_rrsig
from keyquorum.dnssec.zone_lines import Record, records
from keyquorum.errors import LimitError, MalformedError

ZONE_LIMIT = 10_000_000
KEY_LIMIT = 64
_FOREIGN_CLASSES = frozenset({b"CH", b"CHAOS", b"HS", b"HESIOD", b"CS", b"NONE", b"ANY"})


def read_rrsets(stream: BinaryIO, inception: int, expiration: int) -> Iterator[ZoneRequest]:
    """Read the DNSKEY RRset of each zone as a request with one bundle, to be signed for the window given.

    The bundle's id is the name of the zone. Times are seconds since 1970. Raises MalformedError and LimitError with
    the line, while being iterated; what was given before is then good, but the file is not.
    """
    state = _State()
    seen: set[bytes] = set()
    zone: dns.name.Name | None = None
    keys: list[PublishedKey] = []
    for record in records(stream):
        with _on(record.line):
            found = state.take(record)
        if found is None:
            continue
        owner, published = found
        if owner != zone:
            if zone is not None:
                yield _request(zone, keys, inception, expiration)
            zone, keys = owner, []
            with _on(record.line):
                _check_new(seen, owner)
        with _on(record.line):
            _check_fits(keys, published)
        keys.append(published)
    if zone is None:
        raise MalformedError("no DNSKEY record in it")
    yield _request(zone, keys, inception, expiration)


def write_rrset(zone: dns.name.Name, bundle: Bundle) -> str:
    """Write the DNSKEY records and RRSIG records of ``bundle``, one a line, each with a comment for people.

    All TTLs must agree; MalformedError else.
    """
    if len({one.ttl for one in bundle.keys} | {one.ttl for one in bundle.signatures}) != 1:
        raise MalformedError("records of one RRset and its signatures have one TTL", where=zone.to_text())
    owner = zone.to_text()
    lines = []
    for one in bundle.keys:
        what = "KSK" if one.key.is_sep else "ZSK"
        record = f"{owner} {one.ttl} IN DNSKEY {dnskey_rdata_text(one.key)}"
        lines.append(f"{record} ; {what}, key tag {one.key.tag}\n")
    for one_signature in bundle.signatures:
        inception, expiration = one_signature.inception, one_signature.expiration
        fields = (
            "DNSKEY",
            one_signature.algorithm,
            one_signature.labels,
            one_signature.original_ttl,
            format_time_of_rrsig(expiration),
            format_time_of_rrsig(inception),
            one_signature.key_tag,
            one_signature.signer.to_text(),
            base64.b64encode(one_signature.signature).decode("ascii"),
        )
        window = f"{format_time_for_people(inception)} to {format_time_for_people(expiration)}"
        lines.append(f"{owner} {one_signature.ttl} IN RRSIG {' '.join(map(str, fields))} ; {window}\n")
    return "".join(lines)


class _State:
    """What one record leaves behind for the next: origin, default TTL, last TTL, owner."""

    def __init__(self) -> None:
        self.origin: dns.name.Name | None = None
        self.default_ttl: int | None = None
        self.last_ttl: int | None = None
        # The owner as written, and the origin it was written under; only owners of DNSKEY records are read.
        self.owner: tuple[bytes, dns.name.Name | None] | None = None
        self.read_owner: tuple[bytes, dns.name.Name | None] | None = None
        self.name = dns.name.root

    def take(self, record: Record) -> tuple[dns.name.Name, PublishedKey] | None:
        """Take one record; gives owner and key of a DNSKEY record, None for anything else."""
        tokens = record.tokens
        if tokens[0].startswith(b"$"):
            self._directive(tokens)
            return None
        position = 0
        if not record.indented:
            self.owner = (tokens[0], self.origin)
            position = 1
        explicit: int | None = None
        for token in tokens[position : position + 2]:
            upper = token.upper()
            if token[:1].isdigit() and explicit is None:
                explicit = self.last_ttl = _ttl(token)
            elif upper in _FOREIGN_CLASSES or upper.startswith(b"CLASS"):
                raise MalformedError(f"class {shown(_text(upper))}; only IN has DNSSEC")
            elif upper != b"IN":
                break
            position += 1
        kind = tokens[position].upper() if position < len(tokens) else b""
        if kind == b"TYPE48":
            raise MalformedError("a DNSKEY in generic form", do="Write it as DNSKEY (RFC 4034 section 2.2).")
        if not kind[:1].isalpha():
            raise MalformedError("a record without a type")
        if kind != b"DNSKEY":
            return None
        ttl = next((one for one in (explicit, self.default_ttl, self.last_ttl) if one is not None), None)
        if ttl is None:
            raise MalformedError("a record without a TTL", do="Give it one, or write $TTL above it.")
        return self._owner(), PublishedKey(_dnskey(tokens[position + 1 :]), ttl)

    def _directive(self, tokens: list[bytes]) -> None:
        name = tokens[0].upper()
        if name not in {b"$ORIGIN", b"$TTL"} or len(tokens) != 2:
            raise MalformedError(
                f"the directive {shown(_text(tokens[0]))}; only $ORIGIN NAME and $TTL SECONDS are read"
            )
        if name == b"$TTL":
            self.default_ttl = _ttl(tokens[1])
        else:
            self.origin = domain(_text(tokens[1]), self.origin)

    def _owner(self) -> dns.name.Name:
        if self.owner is None:
            raise MalformedError("a record without an owner")
        if self.owner != self.read_owner:
            self.name = domain(_text(self.owner[0]), self.owner[1])
            self.read_owner = self.owner
        return self.name


@contextmanager
def _on(line: int) -> Iterator[None]:
    try:
        yield
    except MalformedError as error:
        raise type(error)(error.what, where=f"line {line}", do=error.do) from None


def _check_fits(keys: list[PublishedKey], published: PublishedKey) -> None:
    if len(keys) == KEY_LIMIT:
        raise LimitError(f"more than {KEY_LIMIT} DNSKEY records of one zone")
    if keys and published.ttl != keys[0].ttl:
        raise MalformedError(f"TTL {published.ttl}, where the record before has {keys[0].ttl} (RFC 2181 section 5.2)")
    if any(published.key == other.key for other in keys):
        raise MalformedError("the same DNSKEY again")


def _check_new(seen: set[bytes], zone: dns.name.Name) -> None:
    wire = zone.to_digestable()
    if wire in seen:
        raise MalformedError(f"DNSKEY records of {zone.to_text()} were seen before", do="Put them all together.")
    if len(seen) == ZONE_LIMIT:
        raise LimitError(f"more than {ZONE_LIMIT} zones")
    seen.add(wire)


def _request(zone: dns.name.Name, keys: list[PublishedKey], inception: int, expiration: int) -> ZoneRequest:
    return ZoneRequest(zone, (Bundle(zone.to_text(), inception, expiration, tuple(keys)),))


def _dnskey(tokens: list[bytes]) -> Dnskey:
    if len(tokens) < 4:
        raise MalformedError("a DNSKEY record has flags, protocol, algorithm and key")
    flags, protocol, algorithm = (_text(token) for token in tokens[:3])
    if decimal(protocol) != PROTOCOL:
        raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
    return Dnskey(decimal(flags), _algorithm(algorithm), canonical_base64(_text(b"".join(tokens[3:]))))


def _algorithm(text: str) -> int:
    if text.isdigit():
        return decimal(text)
    try:
        return int(dns.dnssectypes.Algorithm[text.upper()])
    except KeyError:
        raise MalformedError(f"{shown(text)} is not an algorithm of DNSSEC") from None


def _ttl(token: bytes) -> int:
    try:
        ttl = dns.ttl.from_text(_text(token))
    except (dns.exception.DNSException, ValueError):
        ttl = -1
    if not 0 <= ttl < TTL_LIMIT:
        raise MalformedError(f"{shown(_text(token))} is not a TTL")
    return ttl


def _text(token: bytes) -> str:
    return token.decode("latin-1")
