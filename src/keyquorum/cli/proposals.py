"""Proposals of keys that holders make, share anew, or repair a share of: made for several commands, and shown."""

from collections.abc import Sequence

import dns.name

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import ALGORITHMS
from keyquorum.errors import UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.person import Person
from keyquorum.quorum.generation import check_proposal
from keyquorum.records.envelope import Signed
from keyquorum.records.generation import KEY_PROPOSAL, Proposal
from keyquorum.records.keys import Card, KeyRecord
from keyquorum.threshold.quorum_plan import make_plan


def propose(
    organiser: Person,
    *,
    algorithm: int,
    zones: tuple[dns.name.Name, ...],
    threshold: int,
    answers: int | None,
    holders: tuple[Signed[Card], ...],
    requesters: tuple[Signed[Card], ...],
    label: str,
    old: Signed[KeyRecord] | None = None,
    dealers: tuple[int, ...] = (),
    repairs: int = 0,
) -> Signed[Proposal]:
    """Make a proposal, and check it as everybody will."""
    plan = make_plan(threshold, len(holders), answers)
    proposal = Proposal(
        signer=organiser.identity.verification_key,
        created=world.now(),
        label=label,
        zones=zones,
        algorithm=algorithm,
        threshold=threshold,
        answers=plan.answers,
        quorums=plan.quorums,
        organiser=organiser.card,
        holders=holders,
        requesters=requesters,
        old=old,
        dealers=dealers,
        repairs=repairs,
    )
    signed = KEY_PROPOSAL.sign(proposal, organiser.identity)
    check_proposal(signed)
    return signed


def indices_of(key: Signed[KeyRecord], names: str) -> tuple[int, ...]:
    """Give the indices of holders named, separated by commas; raises UsageError for a name that is none."""
    known = [card.record.name for card in key.record.holders]
    wanted = [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} holds no share of {key.record.label}", do=f"Holders: {', '.join(known)}."
        )
    return tuple(sorted({known.index(name) + 1 for name in wanted}))


def show_proposal(signed: Signed[Proposal]) -> None:
    """Show what is proposed, to whom, and the words to compare."""
    record = signed.record
    name = next(name for name, number in ALGORITHMS.items() if number == record.algorithm)
    zones = [zone.to_text() for zone in record.zones]
    old = record.old
    what = "a new key, made by its holders; nobody ever has it, so there is no escrow of it"
    if old is not None:
        what = f"{old.record.label} shared anew: the same key, other shares"
    if old is not None and record.repairs:
        lost = old.record.holders[record.repairs - 1].record.name
        what = f"the share of {lost} in {old.record.label} repaired"
    terminal.heading(f"Proposal by {record.organiser.record.name}: {record.label}")
    terminal.facts(
        [
            ("what", what),
            ("zones", ", ".join(zones[:5]) + (f" and {len(zones) - 5:,} more" if len(zones) > 5 else "")),
            ("algorithm", f"{name} ({record.algorithm})"),
            ("quorum", f"{record.threshold} of {len(record.holders)}; any {record.answers} answers complete one"),
        ]
    )
    terminal.heading("People, with the first words of their cards")
    terminal.listing(["part", "name", "words"], _people(record))
    terminal.heading("Proposal, in words")
    terminal.words(signed.id)
    terminal.facts({"id": signed.id.hex()})


def _people(record: Proposal) -> Sequence[tuple[str, str, str]]:
    rows = [
        (f"old holder {index}, deals", record.old.record.holders[index - 1])
        for index in record.dealers
        if record.old is not None
    ]
    rows += [(f"holder {index}", card) for index, card in enumerate(record.holders, 1)]
    rows += [("organiser", record.organiser)] + [("requester", card) for card in record.requesters]
    return [(part, card.record.name, spoken(card.id, 8)) for part, card in rows]
