"""The formats in which a request may come: one table, and one way in for all of them.

Refused: formats not in the table; a signing window for a format that brings its own, and none for one that does not.
The table is fixed: nothing installed beside us can add to it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr
from keyquorum.dnssec.model import ZoneRequest
from keyquorum.dnssec.zonefile import read_rrsets
from keyquorum.errors import LimitError, RefusedError, UsageError

Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """One format: its name in records, what it is, whether it needs a window, and how it is read."""

    name: str
    meaning: str
    needs_window: bool
    read: Callable[[BinaryIO, Window], Iterator[ZoneRequest]]


def read_source(name: str, stream: BinaryIO, window: Window | None) -> Iterator[ZoneRequest]:
    """Read ``stream`` in the format ``name``, zone by zone.

    ``window`` is (inception, expiration) in seconds since 1970 for a format that has none of its own ("zone"), else
    None. Raises UsageError at once, MalformedError and LimitError while being iterated.
    """
    source = FORMATS.get(name)
    if source is None:
        raise UsageError(f"the format {name!a} is not known; there are {', '.join(FORMATS)}")
    if source.needs_window != (window is not None):
        raise UsageError(
            f"a request in the format {name} comes {'without' if source.needs_window else 'with'} its own times",
            do="Give inception and expiration." if source.needs_window else "Give no inception and expiration.",
        )
    return source.read(stream, window or (0, 0))


def detect_format(head: bytes) -> str:
    """Tell the format from the first bytes (200 are enough): XML is "icann", all else "zone".

    Raises RefusedError for the requests of BIND and Knot (offline KSK), which look like zone files but mean more.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if start.startswith(b"<"):
        return "icann"
    marks = (b"KeySigningRequest", b"SignedKeyResponse", b"SignedKeyRequest")
    first = start.partition(b"\n")[0]
    if first.startswith(b";") and any(mark in first for mark in marks):
        raise RefusedError(
            "a key signing request of BIND or Knot; read as a zone file it would lose its times",
            do="Send it as a KSR or as one zone file for each of its sets of keys.",
        )
    return "zone"


def _read_icann(stream: BinaryIO, _window: Window) -> Iterator[ZoneRequest]:
    data = stream.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"larger than {SIZE_LIMIT >> 20} MiB")
    yield read_ksr(data)


def _read_zone(stream: BinaryIO, window: Window) -> Iterator[ZoneRequest]:
    return read_rrsets(stream, *window)


FORMATS: Mapping[str, SourceFormat] = MappingProxyType(
    {
        source.name: source
        for source in (
            SourceFormat("icann", "a key signing request in ICANN's XML", False, _read_icann),
            SourceFormat("zone", "DNSKEY records in a zone file, of any number of zones", True, _read_zone),
        )
    }
)
