"""Knot's offline-KSK text (``keymgr generate-ksr``, ``keymgr import-skr``); moments are seconds since 1970.

The last moment of a request is the end of its period. Knot takes 14 digits for the year 644019. Refused: what
``offline_text`` refuses, and other moments.
"""

from datetime import UTC, datetime
from typing import BinaryIO

from keyquorum.dnssec.change_points import bundles_of
from keyquorum.dnssec.fields import decimal
from keyquorum.dnssec.model import TIME_LIMIT, SigningTimes, ZoneRequest, ZoneResponse
from keyquorum.dnssec.offline_text import Dialect, read_change_points, read_response, write_response
from keyquorum.errors import MalformedError

TIMES = SigningTimes(validity=14 * 86400, refresh=86400 + 3600, inception_offset=90 * 60)
"""What a policy has by default: rrsig-lifetime 14d, rrsig-refresh (the zone's largest TTL and propagation-delay 1h;
the TTL is taken to be a day, since a request does not say it), and signatures that begin 90 minutes back."""

PARENT_RECORDS: tuple[str, ...] = ()
"""By default (cds-cdnskey-publish: rollover) there are some only while a KSK is rolled."""


def read_knot_request(stream: BinaryIO, times: SigningTimes) -> ZoneRequest:
    """Read a request and derive its bundles; raises MalformedError with the line, LimitError."""
    zone, points = read_change_points(stream, KNOT)
    if times.until is not None:
        raise MalformedError("a request of Knot says itself when its period ends, and another end is given")
    return ZoneRequest(zone, bundles_of(points, times), times=times)


def read_knot_response(stream: BinaryIO) -> ZoneResponse:
    """Read a response; raises MalformedError with the line, LimitError."""
    return read_response(stream, KNOT)


def write_knot_response(response: ZoneResponse) -> bytes:
    """Write a response in the form that ``keymgr import-skr`` reads; MalformedError as ``write_response``."""
    return write_response(response, KNOT)


def _read(text: str) -> int:
    moment = decimal(text)
    if moment >= TIME_LIMIT:
        raise MalformedError(f"{text} is not a moment in seconds since 1970 that DNSSEC can express")
    return moment


def _write(moment: int) -> str:
    return f"{moment} ({datetime.fromtimestamp(moment, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}) ========="


KNOT = Dialect("Knot", _read, _write)
