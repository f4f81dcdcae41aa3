"""The formats in which a request may come and a response may go: one table, and one way in and out for all of them.

Refused: formats not in the table; a signing window, or signing times, for a format that does not need them, and none
for one that does. The table is fixed: nothing installed beside us can add to it.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import BinaryIO

from keyquorum.dnssec import bind_text, knot_text
from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr, read_skr, write_skr
from keyquorum.dnssec.model import SigningTimes, ZoneRequest, ZoneResponse
from keyquorum.dnssec.zone_responses import read_signed_rrsets
from keyquorum.dnssec.zonefile import read_rrsets, write_rrset
from keyquorum.errors import LimitError, MalformedError, RefusedError, UsageError

Window = tuple[int, int]


class Brings(Enum):
    """What a request says of the times of its signatures, and so what has to be said beside it."""

    WINDOWS = "its own times"
    NOTHING = "no times"
    CHANGES = "only the times at which its keys change"
    PERIOD = "only the times at which its keys change, and the end of its period"


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """One format: its name in records, what it is, what times its requests bring, how requests and responses are read.

    ``times`` and ``parent_records`` are what the program that speaks it has by default, where bundles have to be
    derived (None and () elsewhere). ``write`` gives a response of one zone.
    """

    name: str
    meaning: str
    brings: Brings
    read: Callable[[BinaryIO, Window, SigningTimes], Iterator[ZoneRequest]]
    read_responses: Callable[[BinaryIO], Iterator[ZoneResponse]]
    write: Callable[[ZoneResponse], bytes]
    times: SigningTimes | None = None
    parent_records: tuple[str, ...] = ()

    @property
    def limit(self) -> int | None:
        """How many bytes a request may have; None where it may have any number of zones, and is read as a stream."""
        return None if self.brings is Brings.NOTHING else SIZE_LIMIT


def read_source(
    name: str, stream: BinaryIO, window: Window | None, times: SigningTimes | None = None
) -> Iterator[ZoneRequest]:
    """Read ``stream`` in the format ``name``, zone by zone.

    ``window`` is (inception, expiration) in seconds since 1970 for a format that brings no times ("zone"), else None;
    ``times`` is how bundles are derived for one that brings only changes of keys ("bind", "knot"), else None, with
    ``times.until`` exactly where the format does not bring the end of the period ("bind"). Raises UsageError at once,
    MalformedError and LimitError while being iterated.
    """
    source = format_named(name)
    _check_times(source, window, times)
    return source.read(stream, window or (0, 0), times or _NO_TIMES)


def read_responses(name: str, stream: BinaryIO) -> Iterator[ZoneResponse]:
    """Read a response in the format ``name``, zone by zone; raises as ``read_source`` does."""
    return format_named(name).read_responses(stream)


def read_one_response(data: bytes) -> ZoneResponse:
    """Read a response of one zone in whatever format it is; raises MalformedError, LimitError, RefusedError."""
    found = list(read_responses(detect_format(data[:512]), io.BytesIO(data)))
    if len(found) != 1:
        raise MalformedError("the responses of several zones, where one is expected")
    return found[0]


def format_named(name: str) -> SourceFormat:
    """Give the format ``name``; raises UsageError naming those there are."""
    source = FORMATS.get(name)
    if source is None:
        raise UsageError(f"the format {name!a} is not known; there are {', '.join(FORMATS)}")
    return source


def detect_format(head: bytes) -> str:
    """Tell the format from the first bytes (200 are enough): XML is "icann", text of BIND and Knot "bind" and "knot".

    Everything else is "zone". RefusedError for an offline-KSK text whose moments are of neither.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if start.startswith(b"<"):
        return "icann"
    first = start.partition(b"\n")[0].split()
    if first[:1] != [b";;"] or first[1:2] not in ([b"KeySigningRequest"], [b"SignedKeyResponse"]):
        return "zone"
    moment = first[3] if first[3:] else b""
    if not moment.isdigit():
        raise RefusedError(
            "a key signing request of BIND or Knot of which neither says the time that it begins with",
            do="Send it as it came out of dnssec-ksr or keymgr.",
        )
    return "bind" if len(moment) == 14 else "knot"


def _check_times(source: SourceFormat, window: Window | None, times: SigningTimes | None) -> None:
    brings = source.brings
    if (brings is Brings.NOTHING) != (window is not None):
        raise UsageError(
            f"a request in the format {source.name} comes with {brings.value}",
            do="Give no inception and expiration." if window else "Give inception and expiration.",
        )
    if (brings in {Brings.CHANGES, Brings.PERIOD}) != (times is not None):
        raise UsageError(
            f"a request in the format {source.name} comes with {brings.value}",
            do="Give no signing times." if times else "Say for how long signatures are valid.",
        )
    if times is not None and (brings is Brings.CHANGES) != (times.until is not None):
        raise UsageError(
            f"a request in the format {source.name} comes with {brings.value}",
            do="Give no end of the period." if times.until else "Give the end of the period it was made for (--until).",
        )


def _read_icann(stream: BinaryIO, _window: Window, _times: SigningTimes) -> Iterator[ZoneRequest]:
    yield read_ksr(_limited(stream))


def _read_zone(stream: BinaryIO, window: Window, _times: SigningTimes) -> Iterator[ZoneRequest]:
    return read_rrsets(stream, *window)


def _read_bind(stream: BinaryIO, _window: Window, times: SigningTimes) -> Iterator[ZoneRequest]:
    yield bind_text.read_bind_request(stream, times)


def _read_knot(stream: BinaryIO, _window: Window, times: SigningTimes) -> Iterator[ZoneRequest]:
    yield knot_text.read_knot_request(stream, times)


def _read_icann_response(stream: BinaryIO) -> Iterator[ZoneResponse]:
    yield read_skr(_limited(stream))


def _read_bind_response(stream: BinaryIO) -> Iterator[ZoneResponse]:
    yield bind_text.read_bind_response(stream)


def _read_knot_response(stream: BinaryIO) -> Iterator[ZoneResponse]:
    yield knot_text.read_knot_response(stream)


def _write_zone(response: ZoneResponse) -> bytes:
    if len(response.bundles) != 1:
        raise MalformedError("a zone file holds one bundle", where=response.zone.to_text())
    return write_rrset(response.zone, response.bundles[0]).encode("ascii")


def _limited(stream: BinaryIO) -> bytes:
    data = stream.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"larger than {SIZE_LIMIT >> 20} MiB")
    return data


_NO_TIMES = SigningTimes(1, 0, 0)
FORMATS: Mapping[str, SourceFormat] = MappingProxyType(
    {
        source.name: source
        for source in (
            SourceFormat(
                "icann",
                "a key signing request in ICANN's XML",
                Brings.WINDOWS,
                _read_icann,
                _read_icann_response,
                write_skr,
            ),
            SourceFormat(
                "zone",
                "DNSKEY records in a zone file, of any number of zones",
                Brings.NOTHING,
                _read_zone,
                read_signed_rrsets,
                _write_zone,
            ),
            SourceFormat(
                "bind",
                "a key signing request of BIND's dnssec-ksr",
                Brings.CHANGES,
                _read_bind,
                _read_bind_response,
                bind_text.write_bind_response,
                bind_text.TIMES,
                bind_text.PARENT_RECORDS,
            ),
            SourceFormat(
                "knot",
                "a key signing request of Knot's keymgr",
                Brings.PERIOD,
                _read_knot,
                _read_knot_response,
                knot_text.write_knot_response,
                knot_text.TIMES,
                knot_text.PARENT_RECORDS,
            ),
        )
    }
)
