"""The rules a plan of a roll is judged by, before anything of it is signed; and where there is a way back.

The rules on what validators can follow are those of a request, over years instead of a quarter. Two more need to know
how the zone itself is signed, which a plan says and a request does not: KQ-6781-ZONE, KQ-7583-ZSK.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyquorum.dnssec.rollover import Plan
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.trust import Trust
from keyquorum.policy.bounds import span
from keyquorum.policy.report import Report, result_of
from keyquorum.policy.rollover_checks import Check, Findings, gone, missing_algorithms, returned, untrusted
from keyquorum.policy.rules import RULES
from keyquorum.policy.subject import judged, not_applicable

_DEMANDS = {rule.id: (rule.demands, rule.source) for rule in RULES}


@dataclass(frozen=True, slots=True)
class Line:
    """Slots as they may come to pass, of which the first ``facts`` are not judged, and what they are judged by."""

    slots: tuple[Slot, ...]
    facts: int
    trust: Trust
    zone_ttl: int

    def end(self, place: int) -> int:
        """Give when a slot is served no more: when the next one begins, the last one when its signatures end."""
        return self.slots[place + 1].start if place + 1 < len(self.slots) else self.slots[place].expiration


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One rule over a plan: its name, what it demands, where that comes from, and what finds its breaches.

    ``follows`` is the kind of trust it applies to (as in ``Trust``; None: both).
    """

    id: str
    demands: str
    source: str
    find: Callable[[Line], Findings]
    follows: bool | None = None


def algorithms(line: Line) -> Findings:
    """KQ-ALGORITHMS: each slot is signed with the algorithms of all its keys, and its zone keys have them all."""
    for slot in line.slots[line.facts :]:
        of_zone_keys = {key.algorithm for key in slot.zone_keys}
        if not slot.algorithms == slot.signing_algorithms == of_zone_keys:
            yield (
                slot.name,
                f"has keys of algorithm {_told(slot.algorithms)} and zone keys of {_told(of_zone_keys)}, "
                f"and is signed with {_told(slot.signing_algorithms)}",
            )


def zone_signatures(line: Line) -> Findings:
    """KQ-6781-ZONE: while a DNSKEY RRset in any cache has a key of an algorithm, all of the zone is signed with it."""
    lead = line.trust.propagation + line.zone_ttl
    for place in range(line.facts, len(line.slots)):
        slot = line.slots[place]
        announced = {
            algorithm
            for other, one in enumerate(line.slots)
            if one.start - lead < line.end(place) and slot.start < line.end(other) + line.trust.propagation + one.ttl
            for algorithm in one.algorithms
        }
        missing = announced - {key.algorithm for key in slot.zone_signers}
        if missing:
            yield (
                slot.name,
                f"the zone is not signed with algorithm {_told(missing)} while a cache may have a key of it, "
                "or signatures from before one came",
            )


def zone_keys(line: Line) -> Findings:
    """KQ-7583-ZSK: a zone key stands before it signs and after it has signed for as long as caches need."""
    for place in range(line.facts, len(line.slots)):
        slot = line.slots[place]
        for key in slot.zone_signers:
            if key.algorithm in slot.algorithms:
                what = _too_new(line, place, key)
                if what:
                    yield slot.name, f"{key.name} {what}"
        for key in _remembered(line, place):
            if key.algorithm in slot.algorithms and key not in (*slot.zone_keys, *slot.zone_signers):
                yield slot.name, f"{key.name} is gone while a cache may have signatures of it"


def _of_requests(rule: str, check: Check, follows: bool) -> PlanRule:
    return PlanRule(rule, *_DEMANDS[rule], lambda line: check(line.slots, line.facts, line.trust), follows)


PLAN_RULES = (
    PlanRule("KQ-ALGORITHMS", *_DEMANDS["KQ-ALGORITHMS"], algorithms),
    _of_requests("KQ-5011-HOLDDOWN", untrusted, True),
    _of_requests("KQ-5011-REVOKE", returned, True),
    _of_requests("KQ-5011-REMOVE", gone, True),
    _of_requests("KQ-6840-ANCHORS", missing_algorithms, True),
    _of_requests("KQ-7583-DS", untrusted, False),
    PlanRule(
        "KQ-6781-ZONE",
        "While a DNSKEY RRset in any cache has a key of an algorithm, all of the zone is signed with it.",
        "keyquorum; RFC 4035 section 2.2; RFC 6781 section 4.1.4",
        zone_signatures,
    ),
    PlanRule(
        "KQ-7583-ZSK",
        "A zone key stands before it signs and after it has signed for as long as caches need.",
        "keyquorum; RFC 7583 section 3.2.1; RFC 6781 section 4.1.1.1",
        zone_keys,
    ),
)
"""Every rule over a plan, in the order they are run and shown."""


def judge(plan: Plan, trust: Trust) -> Report:
    """Run every rule on ``plan`` as it is to be."""
    zone = plan.roll.zone.to_text()
    line = Line(plan.slots, 0, trust, plan.roll.zone_ttl)
    results = []
    for rule in PLAN_RULES:
        if rule.follows not in {None, trust.follows}:
            outcome = not_applicable(
                "validators follow by RFC 5011" if trust.follows else "validators go by DS records"
            )
        else:
            outcome = judged(rule.find(line), f"in all {len(line.slots)} slots")
        results.append(result_of(rule.id, outcome, zone))
    return Report(tuple(results))


def ways_back(plan: Plan, trust: Trust) -> tuple[tuple[tuple[str, ...] | None, ...], ...]:
    """Say for each quarter and slot which rules break if the response kept ready is published from that slot on.

    () where none does, and there is a way back; None where no such response is kept.
    """
    found = []
    for number, quarter in enumerate(plan.quarters):
        row: list[tuple[str, ...] | None] = [None] * len(quarter.slots)
        for place in range(len(quarter.backed_out)):
            slots, facts = plan.backed_out(number, place)
            line = Line(slots, facts, trust, plan.roll.zone_ttl)
            row[place] = tuple(
                rule.id for rule in PLAN_RULES if rule.follows in {None, trust.follows} and any(rule.find(line))
            )
        found.append(tuple(row))
    return tuple(found)


def _too_new(line: Line, place: int, key: SlotKey) -> str:
    """Say what is wrong with ``key`` signing the zone in a slot; "" if nothing is."""
    came = place + 1
    while came > 0 and key in line.slots[came - 1].zone_keys:
        came -= 1
    if came > place:
        return "signs the zone and does not stand in it"
    # What stood before the plan begins is taken to have stood for long, and what comes with its algorithm is not
    # relied upon before: that is KQ-6781-ZONE.
    if came == 0 or key.algorithm not in line.slots[came - 1].algorithms:
        return ""
    stood, needed = line.slots[place].start - line.slots[came].start, line.trust.propagation + line.slots[came - 1].ttl
    return f"signs the zone after it stood for {span(stood)}, less than {span(needed)}" if stood < needed else ""


def _remembered(line: Line, place: int) -> list[SlotKey]:
    """Give the zone keys of which a cache may have signatures in a slot."""
    long = line.trust.propagation + line.zone_ttl
    return list(
        dict.fromkeys(
            key
            for other in range(place)
            if line.end(other) + long > line.slots[place].start
            for key in line.slots[other].zone_signers
        )
    )


def _told(numbers: Sequence[int] | set[int] | frozenset[int]) -> str:
    return " and ".join(map(str, sorted(numbers))) or "none"
