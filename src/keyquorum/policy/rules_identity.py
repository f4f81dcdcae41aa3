"""Rules on who asks, for what zone, under which id, and when: KSR-DOMAIN, KSR-ID, CLOCK."""

from keyquorum.dnssec.times import format_time_for_people
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable, shown

DAY = 86400

_NAMED = 5  # How many of the zones that may be signed are named where another one is refused.


def domain(subject: Subject) -> Outcome:
    """KSR-DOMAIN: the zone is one that the keys may sign."""
    zone = subject.request.zone
    if zone in subject.zones:
        return judged([], f"the keys may sign {zone.to_text()}")
    # Only a zone that is refused pays for the sorting: there may be ten thousand others.
    allowed = sorted(name.to_text() for name in subject.zones)
    named = ", ".join(allowed[:_NAMED]) + (f" and {len(allowed) - _NAMED} more" if len(allowed) > _NAMED else "")
    return judged([("zone", f"{zone.to_text()} is asked for; the keys may sign {named or 'no zone'}")], "")


def request_id(subject: Subject) -> Outcome:
    """KSR-ID: the id is not that of the previous response, nor one seen before with another source."""
    name = subject.request.id
    if not name:
        return not_applicable("the request has no id")
    findings, compared = [], []
    if subject.previous is not None:
        compared.append("the previous response")
        if subject.previous.id == name:
            findings.append((f"request {shown(name)}", "the previous response answered a request with this id"))
    if subject.seen is not None:
        compared.append("every other request seen before")
        if subject.seen.get(name, subject.source_digest) != subject.source_digest:
            findings.append((f"request {shown(name)}", "a different request with this id was seen before"))
    if not compared:
        return not_applicable("no previous response and no memory of earlier requests")
    return judged(findings, f"differs from {' and '.join(compared)}")


def clock(subject: Subject) -> Outcome:
    """CLOCK: the time to judge at is at most one day from the clock's."""
    off = subject.at - subject.now
    if abs(off) <= DAY:
        return judged([], f"judged at {format_time_for_people(subject.at)}")
    side = "after" if off > 0 else "before"
    far = f"{abs(off)} s" if abs(off) < 10 * DAY else f"{abs(off) // DAY:,} days"
    times = f"{format_time_for_people(subject.at)}, {far} {side} the clock's {format_time_for_people(subject.now)}"
    return judged([("time", f"judged at {times}")], "")
