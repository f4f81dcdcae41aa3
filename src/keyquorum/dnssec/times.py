"""Moments and durations as text, and back.

A moment is whole seconds since 1970-01-01 UTC in 0..2^32-1, a duration whole seconds in the same range. Refused: zones
other than UTC, fractions that are not zero, leap seconds, years and months in a duration (their length depends on the
date), any spelling but those named here.
"""

from datetime import UTC, datetime

from keyquorum.dnssec.fields import shown
from keyquorum.dnssec.model import TIME_LIMIT
from keyquorum.errors import MalformedError

_UNITS = {"D": 86400, "H": 3600, "M": 60, "S": 1}


def parse_time(text: str, *, where: str = "") -> int:
    """Read ``2017-04-01T00:00:00`` (with ``Z``, ``+00:00``, ``-00:00`` or nothing: UTC all) or ``20170401000000``.

    The first is the form of a KSR (xsd:dateTime; Java writes ``.000`` after the seconds), the second that of an RRSIG
    (RFC 4034 section 3.2). Raises MalformedError at ``where``.
    """
    offset = text[20:].lstrip("0") if text[19:21] == ".0" else text[19:]
    if len(text) == 14:
        fields = [text[:4], text[4:6], text[6:8], text[8:10], text[10:12], text[12:]]
    elif (
        offset in {"", "Z", "+00:00", "-00:00"}
        and text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17] == "--T::"
    ):
        fields = [text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19]]
    else:
        fields = []
    if not fields or not all(len(field) >= 2 and field.isascii() and field.isdigit() for field in fields):
        raise MalformedError(
            f"{shown(text)} is not a time",
            where=where,
            do="Write UTC as 2017-04-01T00:00:00+00:00 or as 20170401000000.",
        )
    try:
        year, month, day, hour, minute, second = (int(field) for field in fields)
        moment = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise MalformedError(f"{shown(text)} is no moment of the calendar", where=where) from None
    if not 0 <= moment < TIME_LIMIT:
        raise MalformedError(f"{shown(text)} is outside 1970 to 2106, the time DNSSEC can express", where=where)
    return moment


def format_time(moment: int) -> str:
    """Write as a SKR of the root does: ``2017-04-01T00:00:00+00:00``."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def format_time_for_people(moment: int) -> str:
    """Write for a person: ``2017-04-01 00:00:00 UTC``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_time_of_rrsig(moment: int) -> str:
    """Write as in an RRSIG record: ``20170401000000`` (RFC 4034 section 3.2)."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S")


def parse_duration(text: str, *, where: str = "") -> int:
    """Read days, hours, minutes and seconds of an xsd:duration: ``P21D``, ``PT0S``, ``P5DT4M``; MalformedError else."""
    days, mark, rest = text[1:].partition("T")
    seconds = _parts(days, "D") + (_parts(rest, "HMS") if mark else []) if text[:1] == "P" else []
    if not seconds or (mark and not rest) or None in seconds:
        raise MalformedError(
            f"{shown(text)} is not a duration",
            where=where,
            do="Write days, hours, minutes and seconds as P21D, PT12H or P5DT4M30S; years and months have no length.",
        )
    total = sum(part for part in seconds if part is not None)
    if total >= TIME_LIMIT:
        raise MalformedError(f"{shown(text)} is longer than 136 years", where=where)
    return total


def format_duration(seconds: int) -> str:
    """Write the shortest form: ``P21D``, ``P5DT4M``, and ``PT0S`` for none."""
    days, rest = divmod(seconds, 86400)
    hours, minutes, last = rest // 3600, rest % 3600 // 60, rest % 60
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (last, "S")) if count)
    if not days and not clock:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def _parts(text: str, units: str) -> list[int | None]:
    """Split ``4M30S`` into seconds, the units in the order of ``units`` and each at most once; None for a bad part."""
    found: list[int | None] = []
    for unit in units:
        number, mark, rest = text.partition(unit)
        if mark:
            good = 0 < len(number) <= 10 and number.isascii() and number.isdigit()
            found.append(int(number) * _UNITS[unit] if good else None)
            text = rest
    return [*found, None] if text else found
