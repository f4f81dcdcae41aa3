"""BIND's offline-KSK text (9.20: ``dnssec-ksr request``, ``rndc skr -import``); moments are UTC as 14 digits.

BIND verifies nothing of what it imports, and takes a moment in any other form for no file at all without a word, so
what is written here is all that stands between a mistake and the zone. A request does not say when its period ends
(``dnssec-ksr -e``): that comes with the ``SigningTimes``. Refused: what ``offline_text`` refuses, and other moments.
"""

from datetime import UTC, datetime
from typing import BinaryIO

from keyquorum.dnssec.change_points import bundles_of
from keyquorum.dnssec.fields import shown
from keyquorum.dnssec.model import SigningTimes, ZoneRequest, ZoneResponse
from keyquorum.dnssec.offline_text import Dialect, read_change_points, read_response, write_response
from keyquorum.dnssec.times import format_time_of_rrsig, parse_time
from keyquorum.errors import MalformedError

TIMES = SigningTimes(validity=14 * 86400, refresh=5 * 86400, inception_offset=3600)
"""What ``dnssec-policy`` has by default (signatures-validity-dnskey, signatures-refresh), and its clock skew."""

PARENT_RECORDS = ("CDNSKEY", "CDS SHA-256")
"""What ``dnssec-policy`` has made by default: cdnskey yes, cds-digest-types 2."""


def read_bind_request(stream: BinaryIO, times: SigningTimes) -> ZoneRequest:
    """Read a request and derive its bundles; raises MalformedError with the line, LimitError."""
    zone, points = read_change_points(stream, BIND)
    return ZoneRequest(zone, bundles_of(points, times), times=times)


def read_bind_response(stream: BinaryIO) -> ZoneResponse:
    """Read a response; raises MalformedError with the line, LimitError."""
    return read_response(stream, BIND)


def write_bind_response(response: ZoneResponse) -> bytes:
    """Write a response in the form that ``rndc skr -import`` reads; MalformedError as ``write_response``."""
    return write_response(response, BIND)


def _read(text: str) -> int:
    if len(text) != 14:
        raise MalformedError(f"{shown(text)} is not a moment as 14 digits")
    return parse_time(text)


def _write(moment: int) -> str:
    return f"{format_time_of_rrsig(moment)} ({datetime.fromtimestamp(moment, UTC).ctime()})"


BIND = Dialect("BIND", _read, _write)
