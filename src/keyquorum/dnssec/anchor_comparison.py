"""Trust anchors beside the keys that a zone publishes: which anchors still work, and which keys nobody can start from.

Only keys are compared; whether they sign is for ``verify``. The zone publishes keys in their DNSKEY RRset; one with the
SEP flag is taken for a key that an anchor should be there for (RFC 4034 section 2.1.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import dns.name

from keyquorum.dnssec.anchors import Anchor
from keyquorum.dnssec.model import FLAG_REVOKE, Dnskey, ZoneRequest


class Standing(Enum):
    """How an anchor stands to the zone's keys."""

    PUBLISHED = "published"
    MISSING = "missing"
    REVOKED = "revoked"
    NOT_YET = "not yet valid"
    NO_LONGER = "no longer valid"


@dataclass(frozen=True, slots=True)
class AnchorStanding:
    """One anchor: its standing, and the published key it is of (None: none is), with the flags it is published with.

    A validity that has not begun, or is over, goes before everything else.
    """

    anchor: Anchor
    standing: Standing
    key: Dnskey | None


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """One published key with the SEP flag: whether there is an anchor for it that is valid or will be."""

    zone: dns.name.Name
    key: Dnskey
    has_anchor: bool


@dataclass(frozen=True, slots=True)
class AnchorComparison:
    """All anchors in their order, all published SEP keys in theirs, and how many zones there were."""

    anchors: tuple[AnchorStanding, ...]
    keys: tuple[KeyStanding, ...]
    zones: int

    @property
    def agrees(self) -> bool:
        """Whether every valid anchor is published and not revoked, and every unrevoked SEP key has an anchor."""
        good = not any(one.standing in {Standing.MISSING, Standing.REVOKED} for one in self.anchors)
        return good and all(one.has_anchor or one.key.is_revoked for one in self.keys)

    @property
    def unusable(self) -> tuple[dns.name.Name, ...]:
        """The zones with anchors of which none is valid and published: a validator with these anchors cannot start."""
        usable = {one.anchor.zone for one in self.anchors if one.standing is Standing.PUBLISHED}
        return tuple(dict.fromkeys(one.anchor.zone for one in self.anchors if one.anchor.zone not in usable))


def compare_anchors(anchors: Sequence[Anchor], zones: Iterable[ZoneRequest], at: int) -> AnchorComparison:
    """Compare ``anchors``, at the time ``at``, with the keys that ``zones`` (a bundle each, from a zone file) publish.

    Each zone is looked at once, as it comes; memory grows with the number of SEP keys.
    """
    by_zone: dict[dns.name.Name, list[int]] = {}
    for place, anchor in enumerate(anchors):
        by_zone.setdefault(anchor.zone, []).append(place)
    found: dict[int, Dnskey] = {}
    keys = []
    count = 0
    for zone in zones:
        count += 1
        mine = by_zone.get(zone.zone, [])
        for published in zone.bundles[0].keys:
            key = published.key
            covering = [place for place in mine if _is_of(anchors[place], zone.zone, key)]
            for place in covering:
                # A key may stand there twice, revoked and not: then it is not gone yet.
                if place not in found or found[place].is_revoked:
                    found[place] = key
            if key.is_sep:
                valid = any(_will_hold(anchors[place], at) for place in covering)
                keys.append(KeyStanding(zone.zone, key, valid))
    standings = (
        AnchorStanding(anchor, _standing(anchor, found.get(place), at), found.get(place))
        for place, anchor in enumerate(anchors)
    )
    return AnchorComparison(tuple(standings), tuple(keys), count)


def _standing(anchor: Anchor, key: Dnskey | None, at: int) -> Standing:
    if not anchor.holds_at(at):
        return Standing.NOT_YET if _will_hold(anchor, at) else Standing.NO_LONGER
    if anchor.key is not None and anchor.key.is_revoked:
        return Standing.REVOKED
    if key is None:
        return Standing.MISSING
    return Standing.REVOKED if key.is_revoked else Standing.PUBLISHED


def _will_hold(anchor: Anchor, at: int) -> bool:
    return anchor.valid_until is None or at < anchor.valid_until


def _is_of(anchor: Anchor, zone: dns.name.Name, key: Dnskey) -> bool:
    """Whether ``anchor`` is that of ``key``, if need be from before ``key`` was revoked."""
    return anchor.covers(zone, replace(key, flags=key.flags & ~FLAG_REVOKE))
