"""Schedules: which bundles a request is to have, when each is valid, and which keys of the zone stand in it.

A policy and the day on which the first bundle begins give the rest; where a policy leaves something open, what the root
does (nine bundles, ten days apart, each valid for 21 days). A key that is rolled out of or into the zone stands beside
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


def bundles_of(
    policy: Policy, rhythm: Rhythm, start: int, cast: Cast, ttl: int, name: Callable[[], str]
) -> tuple[Bundle, ...]:
    """Give the bundles, without proofs, the first of which begins at ``start`` (seconds since 1970).

    ``ttl`` is that of all keys in seconds; ``name`` gives each bundle an id. Keys are in the order of their tags.
    """
    staying = _bundles_for(policy.retire_safety, rhythm)
    coming = _bundles_for(policy.publish_safety, rhythm)
    made = []
    for place in range(rhythm.count):
        keys = [
            *cast.current,
            *(cast.outgoing if place < staying else ()),
            *(cast.incoming if place >= rhythm.count - coming else ()),
        ]
        inception = start + place * rhythm.interval
        made.append(Bundle(name(), inception, inception + rhythm.validity, _published(keys, ttl)))
    return tuple(made)


def request_of(
    zone: dns.name.Name, policy: Policy, rhythm: Rhythm, bundles: Sequence[Bundle], id_: str, serial: int, made: int
) -> ZoneRequest:
    """Give the request for ``bundles``, which carry their proofs, and what it keeps to; ``made`` is its timestamp."""
    overlap = policy.ksk_overlap
    kinds = dict.fromkeys(kind_of(key) for key in all_keys(bundles))
    stated = SignaturePolicy(
        publish_safety=policy.publish_safety,
        retire_safety=policy.retire_safety,
        max_signature_validity=rhythm.validity,
        min_signature_validity=rhythm.validity,
        max_validity_overlap=overlap.most,
        min_validity_overlap=overlap.least,
        algorithms=tuple(kinds),
    )
    return ZoneRequest(zone, tuple(bundles), id_, serial, stated, proofs=True, timestamp=made)


def plain_request(zone: dns.name.Name, rhythm: Rhythm, start: int, cast: Cast, ttl: int) -> ZoneRequest:
    """Give all keys of ``cast`` as one RRset, to be signed from ``start`` for as long as a bundle is valid."""
    keys = [*cast.current, *cast.outgoing, *cast.incoming]
    published = tuple(replace(one, identifier="") for one in _published(keys, ttl))
    return ZoneRequest(zone, (Bundle(zone.to_text(), start, start + rhythm.validity, published),))


def _published(keys: Sequence[Dnskey], ttl: int) -> tuple[PublishedKey, ...]:
    return tuple(
        PublishedKey(key, ttl, f"zsk-{tag(key)}") for key in sorted(keys, key=lambda key: (tag(key), key.wire()))
    )


def _bundles_for(safety: int, rhythm: Rhythm) -> int:
    """Give in how many bundles a key stands that has to stand for ``safety`` seconds: one at least."""
    return max(-(-safety // rhythm.interval), 1)
