"""What can be wrong with a roll of a KSK over time: RFC 5011 and RFC 7583 over slots, whoever planned them.

The same checks for a request together with the response before it, and for a plan of years. Each gives findings (where,
what) on the slots after the first ``facts``, which are in the world already.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.dnssec.trust import Knowledge, Trust, follow
from keyquorum.policy.bounds import span

Findings = Iterator[tuple[str, str]]
Check = Callable[[Sequence[Slot], int, Trust], Findings]


def untrusted(slots: Sequence[Slot], facts: int, trust: Trust) -> Findings:
    """Find slots that are not signed by a KSK that every validator trusts by then."""
    for known in _judged(slots, facts, trust):
        if known.accepted:
            continue
        signers = known.slot.who(Act.SIGN)
        waiting = {key: known.ready[key] for key in signers if key in known.ready}
        if not signers:
            yield known.slot.name, "is signed by no KSK but one that is revoked"
        elif waiting:
            first, when = min(waiting.items(), key=lambda item: (item[1], item[0].name))
            yield (
                known.slot.name,
                f"is signed by {names(signers)}; not every validator trusts {first.name} "
                f"before {format_time_for_people(when)}",
            )
        else:
            yield known.slot.name, f"is signed by {names(signers)}, whom no validator has reason to trust"


def returned(slots: Sequence[Slot], facts: int, trust: Trust) -> Findings:
    """Find KSKs that stand unrevoked after they were revoked: no validator trusts them ever again."""
    for known in _judged(slots, facts, trust):
        for key in _sorted(known.slot.who(Act.SIGN, Act.PUBLISH) & known.revoked.keys()):
            since = format_time_for_people(known.revoked[key][0])
            yield known.slot.name, f"{key.name} stands again as if it had not been revoked {since}"


def gone(slots: Sequence[Slot], facts: int, trust: Trust) -> Findings:
    """Find KSKs that go without having been revoked, or before every validator has seen that."""
    known_of = list(follow(slots, facts, trust))
    for before, known in list(pairwise(known_of))[max(facts - 1, 0) :]:
        for key in _sorted({key for key, _ in before.slot.ksks} - {key for key, _ in known.slot.ksks}):
            if key in known.revoked:
                since, needed = known.revoked[key]
                stood = known.slot.start - since
                if stood < needed:
                    yield known.slot.name, f"{key.name} goes after {span(stood)} as revoked, less than {span(needed)}"
            elif key in known.expected:
                yield (
                    known.slot.name,
                    f"{key.name} goes without having been revoked; validators that trust it go on doing so",
                )


def missing_algorithms(slots: Sequence[Slot], facts: int, trust: Trust) -> Findings:
    """Find slots not signed with an algorithm of which validators may by then have a KSK as their trust anchor."""
    for known in _judged(slots, facts, trust):
        for key, since in sorted(known.expected.items(), key=lambda item: item[0].name):
            if key.algorithm not in known.slot.signing_algorithms:
                yield (
                    known.slot.name,
                    f"is not signed with algorithm {key.algorithm}, and validators may trust {key.name} "
                    f"since {format_time_for_people(since)}",
                )


def names(keys: Iterable[SlotKey]) -> str:
    """Give keys as people call them."""
    return " and ".join(key.name for key in _sorted(keys))


def _judged(slots: Sequence[Slot], facts: int, trust: Trust) -> list[Knowledge]:
    return list(follow(slots, facts, trust))[facts:]


def _sorted(keys: Iterable[SlotKey]) -> list[SlotKey]:
    return sorted(keys, key=lambda key: (key.name, key.algorithm, key.public_key))
