"""From change points to bundles: requests of BIND and Knot say from when on which keys stand, and no more.

How long a signature is valid and when it is made anew is the signer's decision; everybody who derives the bundles with
the same ``SigningTimes`` gets the same ones. Refused: change points that do not ascend, a period that ends before the
last of them, more bundles than anybody needs, times outside 32 bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keyquorum.dnssec.model import Bundle, PublishedKey, SigningTimes
from keyquorum.dnssec.times import format_time_for_people, format_time_of_rrsig
from keyquorum.errors import LimitError, MalformedError

BUNDLE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """From the moment ``at`` (seconds since 1970) on, ``keys`` stand in the zone, and no others but its KSKs."""

    at: int
    keys: tuple[PublishedKey, ...]


def bundles_of(points: Sequence[ChangePoint], times: SigningTimes) -> tuple[Bundle, ...]:
    """Give the bundles that cover ``points``, each with ``start`` and, as its id, that moment as 14 digits.

    A bundle starts at each change point and, from there on, as often as signatures have to be refreshed: each
    ``validity - refresh``, up to the next change point, and from the last one up to and including the end of the period
    (``times.until``, or the last change point). So every moment of the period, and ``refresh`` beyond it, is covered.
    """
    if not points:
        raise MalformedError("a request without a change point")
    for earlier, later in pairwise(points):
        if later.at <= earlier.at:
            early, late = format_time_for_people(later.at), format_time_for_people(earlier.at)
            raise MalformedError(f"the keys of {early} come after those of {late}")
    until = points[-1].at if times.until is None else times.until
    if until < points[-1].at:
        raise MalformedError(
            f"the period is to end {format_time_for_people(until)}, before the last change of keys "
            f"{format_time_for_people(points[-1].at)}",
            do="Give the end that the request was made for.",
        )
    step = times.validity - times.refresh
    # The end of the period is part of it, the next change point is not part of what it ends.
    spans = [(point, range(point.at, after.at, step)) for point, after in pairwise(points)]
    spans.append((points[-1], range(points[-1].at, until + 1, step)))
    if sum(len(starts) for _, starts in spans) > BUNDLE_LIMIT:
        raise LimitError(f"this gives more than {BUNDLE_LIMIT} bundles", do="Let signatures be valid for longer.")
    return tuple(_bundles(spans, times))


def _bundles(spans: Sequence[tuple[ChangePoint, range]], times: SigningTimes) -> Iterator[Bundle]:
    for point, starts in spans:
        for start in starts:
            yield Bundle(
                id=format_time_of_rrsig(start),
                inception=start - times.inception_offset,
                expiration=start + times.validity,
                keys=point.keys,
                start=start,
            )
