"""What validators know of a zone's KSKs while its DNSKEY RRset changes: whom all of them trust, whom some may trust.

Two ways to trust: as a configured anchor that follows the zone by itself (RFC 5011), or by the DS records at the parent
(RFC 7583 section 3.3.1), which are taken to be changed as soon as no cache is without the new KSK. A validator is
switched on all the time and asks as often as RFC 5011 says. Nothing is refused here: ``policy`` judges.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey

_HOUR, _DAY = 3600, 86400
HOLD_DOWN = 30 * _DAY
"""How long a validator waits before it trusts a new key, and how long it keeps a revoked one (RFC 5011 section 2.4)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How validators come to trust a KSK, and how long that takes; durations in seconds.

    ``follows`` is True where they follow by RFC 5011, False where they go by the DS records at the parent.
    ``propagation`` is how long it takes until every server has a new RRset. ``hold_down`` and ``remove_hold_down`` are
    those of RFC 5011. ``parent`` is how long it takes from the order to the parent to change the DS records until the
    old ones are in nobody's cache any more.
    """

    follows: bool
    propagation: int
    hold_down: int = HOLD_DOWN
    remove_hold_down: int = HOLD_DOWN
    parent: int = 0

    def until_trusted(self, slot: Slot) -> int:
        """How long after ``slot`` begins every validator trusts a KSK that is new in it.

        RFC 5011: the first look, the hold-down (30 days, or the TTL if that is longer), the first look after it
        (RFC 7583 section 3.3.4.1). Else: until no cache is without the key, and then the parent's change (RFC 7583
        section 3.3.1).
        """
        if self.follows:
            return self.propagation + 2 * query_interval(slot) + self.until_expected(slot)
        return self.propagation + slot.ttl + self.parent

    def until_expected(self, slot: Slot) -> int:
        """How long after ``slot`` begins the first validator may trust a KSK that is new in it (RFC 5011)."""
        return max(self.hold_down, slot.ttl)

    def until_removable(self, slot: Slot) -> int:
        """How long a KSK that is first revoked in ``slot`` stands at least, for every validator to have seen it.

        The larger of the remove hold-down and of RFC 7583 section 3.3.4.2.
        """
        return max(self.remove_hold_down, self.propagation + query_interval(slot))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What validators know when ``slot`` begins.

    ``accepted`` says whether all of them accept its signatures. ``trusted`` are the KSKs that all trust, ``expected``
    those that some may trust by then; ``since`` says when that may have begun, and ``ready`` by when all trust a key
    that stands. ``revoked`` says since when a key was seen revoked, and for how long it must stand so.
    """

    slot: Slot
    accepted: bool
    trusted: frozenset[SlotKey]
    expected: Mapping[SlotKey, int]
    ready: Mapping[SlotKey, int]
    revoked: Mapping[SlotKey, tuple[int, int]]


def query_interval(slot: Slot) -> int:
    """How often a validator looks at the RRset (RFC 5011 section 2.3), in seconds."""
    return max(_HOUR, min(15 * _DAY, slot.ttl // 2, (slot.expiration - slot.start) // 2))


def follow(slots: Sequence[Slot], facts: int, trust: Trust) -> Iterator[Knowledge]:
    """Follow ``slots``, in order of time, as validators do; gives one ``Knowledge`` a slot.

    The first ``facts`` slots, and the very first one in any case, are taken as accepted: they are in the world. Where
    it cannot be told by time who is trusted, those who sign a fact are, all together: a later slot is accepted if all
    of them sign it, or one who is trusted by then.
    """
    world = _World(trust)
    for place, slot in enumerate(slots):
        end = slots[place + 1].start if place + 1 < len(slots) else slot.expiration
        known = world.at(slot, fact=place < max(facts, 1))
        yield known
        if known.accepted:
            world.pass_through(slot, end)
        else:
            world.see_revoked(slot, among=known.expected)


class _World:
    """The validators of the world between two slots."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.trusted: set[SlotKey] = set()
        self.together: frozenset[SlotKey] = frozenset()
        self.expected: dict[SlotKey, int] = {}
        self.came: dict[SlotKey, Slot] = {}
        self.revoked: dict[SlotKey, tuple[int, int]] = {}

    def at(self, slot: Slot, *, fact: bool) -> Knowledge:
        signers = slot.who(Act.SIGN)
        together = self.together - self.revoked.keys() == self.together and self.together <= signers
        accepted = bool(self.trusted & signers) or (bool(self.together) and together)
        if not accepted and fact and signers:
            self.together, accepted = signers, True
            self.trusted |= signers if len(signers) == 1 else set()
            for key in signers:
                self.expected.setdefault(key, slot.start)
        return Knowledge(
            slot, accepted, frozenset(self.trusted), dict(self.expected), self._ready(), dict(self.revoked)
        )

    def pass_through(self, slot: Slot, end: int) -> None:
        """Learn from ``slot``, which is accepted and served until ``end``."""
        self.see_revoked(slot, among=slot.who(Act.REVOKE))
        standing = slot.who(Act.SIGN, Act.PUBLISH) - self.revoked.keys()
        # A key that is missing once begins anew (RFC 5011 section 2.2).
        self.came = {key: self.came.get(key, slot) for key in standing}
        self.trusted |= {key for key, when in self._ready().items() if when <= end}
        for key, came in self.came.items():
            when = came.start + self.trust.until_expected(came)
            if when < end:
                self.expected.setdefault(key, when)

    def see_revoked(self, slot: Slot, among: Collection[SlotKey]) -> None:
        """Learn which keys ``among`` those that may be trusted are revoked in ``slot``.

        That is all that is learnt from a slot that is not accepted: a revoked key's own signature suffices to end the
        trust in it, whoever else signs or does not (RFC 5011 section 2.1).
        """
        for key in slot.who(Act.REVOKE).intersection(among):
            self.revoked.setdefault(key, (slot.start, self.trust.until_removable(slot)))
            self.trusted.discard(key)
            self.expected.pop(key, None)

    def _ready(self) -> dict[SlotKey, int]:
        return {key: came.start + self.trust.until_trusted(came) for key, came in self.came.items()}
