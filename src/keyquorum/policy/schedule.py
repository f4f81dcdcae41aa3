"""Schedules: which bundles a request is to have, when each is valid, and which keys of the zone stand in it.

A policy and the day on which the first bundle begins give the rest; where a policy leaves something open, what the root
does (nine bundles, ten days apart, each valid for 21 days; in a quarter, the last one begins so that it lasts until the
next quarter). A key that is rolled out of or into the zone stands beside
the others for as long as the policy's safety times say (pre-publication: RFC 6781 section 4.1.1.1): in the root's
quarter one bundle each, so that the bundles have [2, 1, 1, 1, 1, 1, 1, 1, 2] keys. The result is for the rules to judge
like anybody's request; nothing is refused here that they see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import dns.name

from keyquorum.dnssec.calendar import Calendar
from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, SignaturePolicy, ZoneRequest, all_keys
from keyquorum.errors import UsageError
from keyquorum.policy.keymaterial import kind_of, tag
from keyquorum.policy.profile import Policy

DAY = 86400
MOST_BUNDLES = 1000

_COUNT, _INTERVAL, _VALIDITY = 9, 10 * DAY, 21 * DAY


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many bundles there are, how far apart they begin, and how long each is valid (whole seconds)."""

    count: int
    interval: int
    validity: int

    def __post_init__(self) -> None:
        if not (0 < self.count <= MOST_BUNDLES and self.interval > 0 and self.validity > 0):
            raise UsageError(f"a schedule has 1 to {MOST_BUNDLES} bundles, and times that pass")


@dataclass(frozen=True, slots=True)
class Period:
    """When the bundles of one request are valid (inception and expiration each), and when the next request's begin."""

    windows: tuple[tuple[int, int], ...]
    end: int


@dataclass(frozen=True, slots=True)
class Cast:
    """The keys of a schedule: ``current`` ones stand in all bundles, the others in the first ones or the last ones."""

    current: tuple[Dnskey, ...]
    outgoing: tuple[Dnskey, ...] = ()
    incoming: tuple[Dnskey, ...] = ()

    def __post_init__(self) -> None:
        every = [*self.current, *self.outgoing, *self.incoming]
        if not self.current or len(set(every)) != len(every):
            raise UsageError("a key is given twice, or none that stands in all bundles")


def rhythm_of(
    policy: Policy, count: int | None = None, interval: int | None = None, validity: int | None = None
) -> Rhythm:
    """Give the rhythm that ``policy`` leaves one free to choose, and what is given (seconds) in place of that."""
    lasting = policy.ksk_validity
    chosen = validity or min(max(_VALIDITY, lasting.least), lasting.most)
    if interval is None:
        bounds, both = policy.bundle_interval, policy.ksk_overlap
        if bounds is not None:
            # The middle, in whole days where that is possible.
            middle = (bounds.least + bounds.most) // 2
            interval = max(middle // DAY * DAY, bounds.least)
        else:
            interval = max(min(max(_INTERVAL, chosen - both.most), chosen - both.least), 1)
    return Rhythm(count or policy.bundle_count or _COUNT, interval, chosen)


def calendar_of(policy: Policy) -> Calendar:
    """Give the calendar of a period: the rhythm, its last bundle as early or as late as ``policy`` allows."""
    rhythm, bounds = rhythm_of(policy), policy.bundle_interval
    least, most = (bounds.least, bounds.most) if bounds else (max(rhythm.interval - DAY, 1), rhythm.interval + DAY)
    return Calendar(rhythm.count, least, most, rhythm.validity)


def evenly(rhythm: Rhythm, start: int) -> Period:
    """Give a period of bundles that are all equally far apart, the first of which begins at ``start``."""
    begins = [start + place * rhythm.interval for place in range(rhythm.count)]
    return Period(tuple((begin, begin + rhythm.validity) for begin in begins), start + rhythm.count * rhythm.interval)


def filling(policy: Policy, start: int, end: int, validity: int | None = None) -> Period:
    """Give the period from ``start`` to ``end`` as the root fills its quarters; raises as ``Calendar.bundles``."""
    calendar = calendar_of(policy)
    return Period(replace(calendar, validity=validity or calendar.validity).bundles(start, end), end)


def bundles_of(policy: Policy, period: Period, cast: Cast, ttl: int, name: Callable[[], str]) -> tuple[Bundle, ...]:
    """Give the bundles, without proofs: who stands in each, for as long as ``policy`` wants it to be safe.

    ``ttl`` is that of all keys in seconds; ``name`` gives each bundle an id. Keys are in the order of their tags.
    """
    begins = [inception for inception, _ in period.windows]
    arrives = max((begin for begin in begins if period.end - begin >= policy.publish_safety), default=begins[0])
    made = []
    for inception, expiration in period.windows:
        stays = inception == begins[0] or inception - begins[0] < policy.retire_safety
        keys = [
            *cast.current,
            *(cast.outgoing if stays else ()),
            *(cast.incoming if inception >= arrives else ()),
        ]
        made.append(Bundle(name(), inception, expiration, _published(keys, ttl)))
    return tuple(made)


def request_of(
    zone: dns.name.Name, policy: Policy, bundles: Sequence[Bundle], id_: str, serial: int, made: int
) -> ZoneRequest:
    """Give the request for ``bundles``, which carry their proofs, and what it keeps to; ``made`` is its timestamp."""
    overlap, lasting = policy.ksk_overlap, [bundle.expiration - bundle.inception for bundle in bundles]
    kinds = dict.fromkeys(kind_of(key) for key in all_keys(bundles))
    stated = SignaturePolicy(
        publish_safety=policy.publish_safety,
        retire_safety=policy.retire_safety,
        max_signature_validity=max(lasting),
        min_signature_validity=min(lasting),
        max_validity_overlap=overlap.most,
        min_validity_overlap=overlap.least,
        algorithms=tuple(kinds),
    )
    return ZoneRequest(zone, tuple(bundles), id_, serial, stated, proofs=True, timestamp=made)


def plain_request(zone: dns.name.Name, period: Period, cast: Cast, ttl: int) -> ZoneRequest:
    """Give all keys of ``cast`` as one RRset, to be signed for the first window of ``period``."""
    keys = [*cast.current, *cast.outgoing, *cast.incoming]
    published = tuple(replace(one, identifier="") for one in _published(keys, ttl))
    return ZoneRequest(zone, (Bundle(zone.to_text(), *period.windows[0], published),))


def _published(keys: Sequence[Dnskey], ttl: int) -> tuple[PublishedKey, ...]:
    return tuple(
        PublishedKey(key, ttl, f"zsk-{tag(key)}") for key in sorted(keys, key=lambda key: (tag(key), key.wire()))
    )
