"""Plans of a KSK roll, quarter by quarter and slot by slot, as data: made for any pair of algorithms.

A plan says which schema the KSKs follow in each quarter, what is kept ready for backing out, which zone keys stand, and
which sign the zone. Whether validators can follow is for ``policy`` to judge. Zone keys change every quarter, as at the
root: the next one stands already in a quarter's last slot, the last one still in its first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dns.name

from keyquorum.dnssec.calendar import Calendar, months_later, quarter_name
from keyquorum.dnssec.model import KeyKind
from keyquorum.dnssec.schema import SCHEMAS, Act, Schema
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.errors import RefusedError

_DAY = 86400
_NAME_LIMIT = 40
MOST_QUARTERS = 40


@dataclass(frozen=True, slots=True)
class Roll:
    """What is to be rolled, and how fast.

    KSKs have a name and a kind. Of zone keys there are three kinds: those of the old algorithm as they are, as they are
    while both algorithms stand, and those of the new one. ``follows`` as in ``Trust``. ``ready``, ``waiting`` and
    ``holding`` are quarters: before anything is published; after the new KSK is and before it is relied upon (or, where
    both sign, before the old one goes); and after that, with the old KSK still there (only where one signs at a time).
    ``zone_ttl`` is the longest TTL in the zone, in seconds; ``start`` is when the first quarter begins.
    """

    zone: dns.name.Name
    old: tuple[str, KeyKind]
    new: tuple[str, KeyKind]
    zone_keys: tuple[KeyKind, KeyKind, KeyKind]
    start: int
    calendar: Calendar
    ttl: int
    zone_ttl: int
    follows: bool
    ready: int
    waiting: int
    holding: int

    def __post_init__(self) -> None:
        old, new = self.old[1].algorithm, self.new[1].algorithm
        if [kind.algorithm for kind in self.zone_keys] != [old, old, new]:
            raise RefusedError("zone keys have the algorithms of the KSKs that they stand with (RFC 4035 section 2.2)")
        names = (self.old[0], self.new[0])
        if any(not 0 < len(name) <= _NAME_LIMIT or not (name.isascii() and name.isprintable()) for name in names):
            raise RefusedError(f"a KSK has a name of 1 to {_NAME_LIMIT} printable ASCII characters")
        if names[0] == names[1]:
            raise RefusedError("both KSKs have one name")
        if min(self.ready, self.waiting, self.holding) < 0 or self.ready + self.waiting + self.holding > MOST_QUARTERS:
            raise RefusedError(f"a phase lasts from none to {MOST_QUARTERS} quarters, and all together no longer")
        if self.double and self.holding:
            raise RefusedError("where both KSKs sign until the old one goes, it is not held after that")
        if datetime.fromtimestamp(self.start, UTC).day > 28:
            raise RefusedError("not every month has that day", do="Begin on one of the first 28 days of a month.")

    @property
    def changes_algorithm(self) -> bool:
        """Whether the two KSKs have different algorithms."""
        return self.old[1].algorithm != self.new[1].algorithm

    @property
    def double(self) -> bool:
        """Whether both KSKs sign while both stand: to another algorithm, or where validators go by DS records."""
        return self.changes_algorithm or not self.follows


ROOT_8_TO_13 = Roll(
    zone=dns.name.root,
    old=("KSK-2024", KeyKind(8, 2048, 65537)),
    new=("KSK-2027", KeyKind(13, 256)),
    zone_keys=(KeyKind(8, 2048, 65537), KeyKind(8, 1536, 65537), KeyKind(13, 256)),
    start=int(datetime(2027, 4, 1, tzinfo=UTC).timestamp()),
    calendar=Calendar(9, 9 * _DAY, 11 * _DAY, 21 * _DAY),
    ttl=172800,
    zone_ttl=518400,
    follows=True,
    ready=3,
    waiting=3,
    holding=0,
)
"""The root's way from RSASHA256 to ECDSAP256SHA256: the new KSK is made in 2027, the old one is retired in 2029.

What is published of ICANN's plan gives these years, double signing, zone keys of 1536 bits meanwhile, and responses
kept ready for backing out; which quarter begins what is ours.
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """Some quarters that are alike: what happens, the schema, the one for backing out ("" for none), whose KSKs.

    ``published`` and ``signing`` are the algorithms, old first, of the zone keys asked for and of those that sign the
    zone's data: the two differ while only signatures of an algorithm are there and no keys yet.
    """

    quarters: int
    what: str
    schema: str
    back_out: str
    ksks: tuple[SlotKey, ...]
    published: tuple[int, ...]
    signing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter of a plan: ``slots`` as it is to be, ``backed_out`` as its other response has it (empty if none)."""

    name: str
    what: str
    schema: Schema
    back_out: Schema | None
    slots: tuple[Slot, ...]
    backed_out: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A roll with all its quarters, in order; ``ksks`` are the old and the new one."""

    roll: Roll
    ksks: tuple[SlotKey, SlotKey]
    quarters: tuple[Quarter, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All slots, as they are to be."""
        return tuple(slot for quarter in self.quarters for slot in quarter.slots)

    def backed_out(self, quarter: int, place: int) -> tuple[tuple[Slot, ...], int]:
        """Give the slots up to the end of a quarter if its other response is published from slot ``place`` (0 is the
        first) on, and how many of them come before that.
        """
        before = tuple(slot for one in self.quarters[:quarter] for slot in one.slots)
        chosen = self.quarters[quarter]
        return (*before, *chosen.slots[:place], *chosen.backed_out[place:]), len(before) + place


def plan_of(roll: Roll) -> Plan:
    """Make the plan of ``roll``; RefusedError where its quarters do not fit the calendar."""
    old, new = (SlotKey(name, kind.algorithm, kind.bits) for name, kind in (roll.old, roll.new))
    phases = [phase for phase in _phases(roll, old, new) for _ in range(phase.quarters)]
    starts = [months_later(roll.start, 3 * number) for number in range(len(phases) + 1)]
    keys = _ZoneKeys(roll, phases)
    quarters = []
    for number, phase in enumerate(phases):
        times = roll.calendar.bundles(starts[number], starts[number + 1])
        name = quarter_name(starts[number])
        back_out = SCHEMAS[phase.back_out] if phase.back_out else None
        made = [
            tuple(
                _slot(roll, f"{name} slot {place + 1}", schema, phase, keys, (number, place), times[place])
                for place in range(len(times))
            )
            if schema
            else ()
            for schema in (SCHEMAS[phase.schema], back_out)
        ]
        quarters.append(Quarter(name, phase.what, SCHEMAS[phase.schema], back_out, made[0], made[1]))
    return Plan(roll, (old, new), tuple(quarters))


def _phases(roll: Roll, old: SlotKey, new: SlotKey) -> Iterator[Phase]:
    before, after, both = (old.algorithm,), (new.algorithm,), tuple(dict.fromkeys((old.algorithm, new.algorithm)))
    made = "the new KSK is made and carried to every place where it is kept; nothing of it is in the DNS"
    yield Phase(roll.ready, made, "normal", "", (old,), before, before)
    if roll.changes_algorithm:
        what = (
            "the zone is signed with both algorithms, so that every cache has both before a key announces the new one"
        )
        yield Phase(1, what, "normal", "", (old,), before, both)
    pair = (old, new)
    if roll.double:
        yield Phase(1, "the keys of the new side join; both KSKs sign", "join", "back-out", pair, both, both)
        what = "both KSKs sign" + ("" if roll.follows else "; the parent changes the DS records")
        yield Phase(roll.waiting, what, "double-sign", "back-out" if roll.follows else "", pair, both, both)
        if roll.follows:
            what, schema = "the old KSK is revoked, and goes at the end", "leave-revoked"
        else:
            what, schema = "the old KSK goes", "leave"
        yield Phase(1, what, schema, "double-sign", pair, both, both)
    else:
        for quarters, what, schema, back_out in (
            (1, "the new KSK is published", "pre-publish", "back-out"),
            (roll.waiting, "the new KSK stays published", "publish-only", ""),
            (1, "the new KSK signs, the old one stays published", "rollover", "publish-only"),
            (roll.holding, "the new KSK signs, the old one could come back", "hold", "publish-only"),
            (1, "the old KSK is revoked, and goes at the end", "revoke", "hold"),
        ):
            yield Phase(quarters, what, schema, back_out, pair, before, before)
    yield Phase(1, "the new KSK alone; the old one is destroyed", "normal", "", (new,), after, after)


class _ZoneKeys:
    """Which zone key of which algorithm serves a quarter."""

    def __init__(self, roll: Roll, phases: list[Phase]) -> None:
        self.roll = roll
        both = [number for number, phase in enumerate(phases) if len(phase.signing) > 1]
        # One more: backed out, the quarter after goes on with both.
        self.between = range(both[0], both[-1] + 2) if both else range(0)
        # The first key of the new algorithm signs before it is published, and must be the one that then is.
        self.joins = next((n for n, phase in enumerate(phases) if len(phase.published) > 1), 0)

    def of(self, number: int, algorithm: int) -> SlotKey:
        old, between, new = self.roll.zone_keys
        kind = between if number in self.between else old
        if self.roll.changes_algorithm and algorithm == new.algorithm:
            kind, number = new, max(number, self.joins)
        name = quarter_name(months_later(self.roll.start, 3 * number))
        return SlotKey(f"ZSK {algorithm} of {name}", algorithm, kind.bits)


def _slot(
    roll: Roll, name: str, schema: Schema, phase: Phase, keys: _ZoneKeys, where: tuple[int, int], times: tuple[int, int]
) -> Slot:
    number, place = where
    acts = schema.acts(place, schema.bind(len(phase.ksks)))
    ksks = tuple((key, act) for key, act in zip(phase.ksks, acts, strict=True) if act is not Act.ABSENT)
    signing = {key.algorithm for key, act in ksks if act in {Act.SIGN, Act.REVOKE}}
    quarters = [number]
    if place == 0:
        quarters = [number - 1, number]
    elif place == roll.calendar.count - 1:
        quarters = [number, number + 1]
    asked = [keys.of(one, algorithm) for algorithm in phase.published for one in quarters]
    standing = dict.fromkeys(key for key in asked if not schema.zone_keys_follow or key.algorithm in signing)
    return Slot(
        name=name,
        start=times[0],
        expiration=times[1],
        ttl=roll.ttl,
        ksks=ksks,
        zone_keys=tuple(standing),
        zone_signers=tuple(keys.of(number, algorithm) for algorithm in phase.signing),
    )
