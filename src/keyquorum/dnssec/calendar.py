"""When the bundles of a period begin and end, from its first moment, its last one, and how long a bundle may last.

A root's quarter is the model: nine bundles, each ten days after the one before, but the last one, which begins so that
it lasts the longest that is allowed until the quarter ends. Refused: a period that cannot be filled so.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from keyquorum.dnssec.model import TIME_LIMIT
from keyquorum.dnssec.times import format_duration
from keyquorum.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Calendar:
    """``count`` bundles a period; from one's beginning to the next one's ``shortest`` to ``longest`` seconds.

    Each is signed for ``validity`` seconds.
    """

    count: int
    shortest: int
    longest: int
    validity: int

    def bundles(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """Give inception and expiration of each bundle of the period from ``start`` to ``end`` (seconds since 1970).

        RefusedError if they do not fit, or leave a gap, or end outside the time that DNSSEC can express.
        """
        step = (self.shortest + self.longest) // 2
        starts = [start + place * step for place in range(self.count - 1)]
        # The last one lasts as long as may be, and begins within bounds after the one before.
        earliest, latest = (starts[-1] + bound if starts else start for bound in (self.shortest, self.longest))
        starts.append(min(max(end - self.longest, earliest), latest))
        if not self.shortest <= end - starts[-1] <= self.longest:
            raise RefusedError(
                f"{self.count} bundles of {format_duration(self.shortest)} to {format_duration(self.longest)} "
                f"do not fill {format_duration(max(end - start, 0))}",
                do="Give another end, or another number of bundles.",
            )
        if self.validity < self.longest:
            raise RefusedError(
                f"signatures of {format_duration(self.validity)} end before a bundle of "
                f"{format_duration(self.longest)} does"
            )
        if starts[-1] + self.validity >= TIME_LIMIT:
            raise RefusedError("the period ends outside 32-bit time")
        return tuple((begin, begin + self.validity) for begin in starts)


def months_later(moment: int, months: int) -> int:
    """Give the moment that many months later, on the same day of the month and at the same time of day (UTC).

    RefusedError where that month has no such day, or where the calendar or 32-bit time ends.
    """
    date = datetime.fromtimestamp(moment, UTC)
    years, month = divmod(date.month - 1 + months, 12)
    try:
        later = int(date.replace(year=date.year + years, month=month + 1).timestamp())
    except ValueError:
        raise RefusedError(
            f"there is no day {date.day} {months} months later", do="Begin on one of the first 28 days of a month."
        ) from None
    if later >= TIME_LIMIT:
        raise RefusedError("the period ends outside 32-bit time")
    return later


def quarter_name(moment: int) -> str:
    """Give the quarter in which a moment lies, as ``2027 Q2``."""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.year} Q{(date.month + 2) // 3}"
