"""What the offline-KSK requests and responses of BIND and Knot have in common (draft-mekking-dnsop-offlineksk).

A line ``;; KeySigningRequest 1.0 MOMENT ...`` says from when on the DNSKEY records below it stand; a response has
``;; SignedKeyResponse 1.0 MOMENT ...`` above DNSKEY, CDS and CDNSKEY records and their RRSIGs. How a moment is written
tells the two apart (``Dialect``). A last line ``... generated ...`` ends the file. Read strictly: one zone, whole
names, no directives, no records of other types, moments that ascend, and the last line must be there, or a file that
was cut off would pass. What else stands on these lines, and other comments, is for people and not read.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import dns.name

from keyquorum.dnssec.change_points import BUNDLE_LIMIT, ChangePoint
from keyquorum.dnssec.fields import domain, shown
from keyquorum.dnssec.model import Bundle, Dnskey, ZoneResponse
from keyquorum.dnssec.signed_records import SignedRecords
from keyquorum.dnssec.times import format_time_of_rrsig
from keyquorum.dnssec.zone_lines import Record, records
from keyquorum.dnssec.zone_records import ApexRrsets, RecordReader, on_line
from keyquorum.dnssec.zonefile import record_lines
from keyquorum.errors import LimitError, MalformedError

SIZE_LIMIT = 16 << 20
_REQUEST, _RESPONSE = "KeySigningRequest", "SignedKeyResponse"
_VERSION = b"1.0"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Whose text it is, and how it writes a moment: ``read`` takes one word, ``write`` gives the rest of a line."""

    name: str
    read: Callable[[str], int]
    write: Callable[[int], str]


def read_change_points(stream: BinaryIO, dialect: Dialect) -> tuple[dns.name.Name, tuple[ChangePoint, ...]]:
    """Read a request: the zone, and from when on which keys stand in it; MalformedError with the line, LimitError."""
    zone: dns.name.Name | None = None
    points: list[ChangePoint] = []
    for section in _sections(stream, _REQUEST, dialect):
        reader, rrsets = RecordReader(), ApexRrsets()
        for record in section.records:
            with on_line(record.line):
                _check_form(record)
                found = reader.take(record)
                if found is None or not isinstance(found.data, Dnskey):
                    raise MalformedError("not a DNSKEY record, and a request has no others")
                zone = _same_zone(zone, found.owner)
                rrsets.add(found)
        points.append(ChangePoint(section.at, tuple(rrsets.keys)))
    assert zone is not None  # noqa: S101  (each section has a record)
    return zone, tuple(points)


def read_response(stream: BinaryIO, dialect: Dialect) -> ZoneResponse:
    """Read a response, a bundle a moment; raises MalformedError with the line, LimitError.

    A bundle's window is the time in which all of its signatures are valid; its id is its moment as 14 digits.
    """
    zone: dns.name.Name | None = None
    bundles: list[Bundle] = []
    for section in _sections(stream, _RESPONSE, dialect):
        found = SignedRecords()
        for record in section.records:
            with on_line(record.line):
                _check_form(record)
                zone = _same_zone(zone, domain(record.tokens[0].decode("latin-1"), None))
                if not found.take(record, None):
                    raise MalformedError("not a DNSKEY, CDS or CDNSKEY record or an RRSIG of one")
        with on_line(section.line):
            bundles.append(found.bundle(format_time_of_rrsig(section.at), section.at))
    assert zone is not None  # noqa: S101  (each section has a record)
    return ZoneResponse(zone, tuple(bundles))


def write_change_points(zone: dns.name.Name, points: Sequence[ChangePoint], dialect: Dialect) -> bytes:
    """Write a request; ``read_change_points`` gives the same back."""
    lines = []
    for point in points:
        lines.append(f";; {_REQUEST} {_VERSION.decode()} {dialect.write(point.at)}")
        lines += _lines(zone, Bundle("", 0, 1, point.keys))
    return _text([*lines, _last_line(_REQUEST)])


def write_response(response: ZoneResponse, dialect: Dialect) -> bytes:
    """Write a response; raises MalformedError where it is not one that these programs would take.

    A bundle without a ``start`` (of a request in another form) is to be served from its inception on.
    """
    lines = []
    last = -1
    for bundle in response.bundles:
        start = bundle.inception if bundle.start is None else bundle.start
        if start <= last:
            raise MalformedError("the bundles do not follow each other in time", where=bundle.id)
        last = start
        lines.append(f";; {_RESPONSE} {_VERSION.decode()} {dialect.write(start)}")
        lines += _lines(response.zone, bundle)
    return _text([*lines, _last_line(_RESPONSE)])


@dataclass(frozen=True, slots=True)
class _Section:
    """The records below one line with a moment, which is on ``line``."""

    line: int
    at: int
    records: list[Record]


def _sections(stream: BinaryIO, word: str, dialect: Dialect) -> Iterator[_Section]:
    """Give section after section; the file is known to be whole when they end."""
    data = stream.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"larger than {SIZE_LIMIT >> 20} MiB")
    section: _Section | None = None
    count, ended = 0, False
    for record in records(io.BytesIO(data), marks=True):
        with on_line(record.line):
            if ended:
                raise MalformedError("something follows the last line")
            if record.tokens[0] != b";;":
                if section is None:
                    raise MalformedError(f"a record before the first line ';; {word} 1.0 ...'")
                section.records.append(record)
                continue
            at = _moment(record, word, dialect)
            ended = at is None
            if section is not None:
                _check_section(section, at)
            count += at is not None
            if count > BUNDLE_LIMIT:
                raise LimitError(f"more than {BUNDLE_LIMIT} moments")
        if section is not None:
            yield section
        section = _Section(record.line, at, []) if at is not None else None
    if not ended:
        raise MalformedError(
            f"the last line is missing (';; {word} 1.0 generated ...')", do="The file was cut off: get it again."
        )
    if not count:
        raise MalformedError("there is nothing in it but its last line")


def _moment(record: Record, word: str, dialect: Dialect) -> int | None:
    """Read a line that begins with ``;;``; None is the last line."""
    tokens = record.tokens
    if tokens[1:2] != [word.encode()]:
        raise MalformedError(f"a line that begins with ';;' and is not ';; {word} 1.0 ...'")
    if tokens[2:3] != [_VERSION]:
        version = shown(tokens[2].decode("latin-1")) if tokens[2:] else "none"
        raise MalformedError(f"version {version}; only 1.0 is known")
    if tokens[3:4] == [b"generated"]:
        return None
    return dialect.read(tokens[3].decode("latin-1") if tokens[3:] else "")


def _check_section(section: _Section, following: int | None) -> None:
    if not section.records:
        raise MalformedError(f"no records below line {section.line}")
    if following is not None and following <= section.at:
        raise MalformedError(f"its moment is not after that of line {section.line}")


def _check_form(record: Record) -> None:
    if record.indented or record.tokens[0].startswith(b"$"):
        raise MalformedError("a record that does not begin with the name of the zone")


def _same_zone(zone: dns.name.Name | None, owner: dns.name.Name) -> dns.name.Name:
    if zone is not None and owner != zone:
        raise MalformedError(f"a record of {owner.to_text()} among those of {zone.to_text()}")
    return owner


def _lines(zone: dns.name.Name, bundle: Bundle) -> list[str]:
    return [line for line, _ in record_lines(zone, bundle)]


def _last_line(word: str) -> str:
    return f";; {word} {_VERSION.decode()} generated by keyquorum"


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")
