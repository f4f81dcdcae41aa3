"""What is shown and reported of a key in the custody of a quorum."""

from collections.abc import Sequence
from typing import cast

from dns.dnssectypes import Algorithm

from keyquorum.cli import terminal
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.errors import ParameterError
from keyquorum.identity.words import spoken
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import Card, KeyRecord
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.planned import PlannedPublic
from keyquorum.threshold.quorum_plan import QuorumPlan, smallest_blocking_set
from keyquorum.threshold.register import SCHEMES, scheme_of

ALGORITHMS = {Algorithm(number).name: number for number in SCHEMES}
"""The names of the algorithms there are schemes for, as in the registry of DNSSEC algorithms."""


def show_key(signed: Signed[KeyRecord]) -> None:
    """Show a key record."""
    record = signed.record
    public = record.public
    zones = [zone.to_text() for zone in record.zones]
    shown = ", ".join(zones[:5]) + (f" and {len(zones) - 5:,} more" if len(zones) > 5 else "")
    wire = dnskey_of(public)
    terminal.heading(f"Key {record.label}")
    terminal.facts(
        [
            ("zone" if len(zones) == 1 else "zones", shown),
            ("algorithm", f"{_algorithm_name(public.algorithm)} ({public.algorithm}), key tag {wire.tag}"),
            *_quorum(record),
            (record.origin.how, f"{format_time_for_people(record.created)} {_how(record)}"),
            ("DS", ds_text(record.zones[0], wire)),
        ]
    )
    terminal.heading("People, with the first words of their cards")
    rows = [(part, card) for part, cards in _people(record) for card in cards]
    terminal.listing(["part", "name", "words"], [(part, card.record.name, spoken(card.id, 8)) for part, card in rows])
    terminal.heading("Key id, in words")
    terminal.words(signed.id)
    terminal.facts({"id": signed.id.hex()})


def key_document(signed: Signed[KeyRecord]) -> dict[str, object]:
    """Give what is reported of a key record."""
    record = signed.record
    wire = dnskey_of(record.public)
    people = {"holders": record.holders, "requesters": record.requesters, "dealer": (record.dealer,)}
    return {
        "id": signed.id.hex(),
        "words": spoken(signed.id),
        "label": record.label,
        "zones": [zone.to_text() for zone in record.zones],
        "algorithm": record.public.algorithm,
        "key_tag": wire.tag,
        "threshold": record.public.threshold,
        "answers": record.public.answers,
        "created": record.created,
        "origin": record.origin.how,
        "dnskey": dnskey_text(record.zones[0], wire),
        "ds": ds_text(record.zones[0], wire),
        **{part: [{"name": c.record.name, "id": c.id.hex()} for c in cards] for part, cards in people.items()},
    }


def _people(record: KeyRecord) -> list[tuple[str, Sequence[Signed[Card]]]]:
    requesters = ("requester", record.requesters)
    if record.kept:
        return [("keeper", record.holders), requesters]
    holders = [(f"holder {index}", (card,)) for index, card in enumerate(record.holders, 1)]
    made = "dealer" if record.origin.how == "dealt" else "organiser"
    return [*holders, (made, (record.dealer,)), requesters]


_HOW = {
    "dealt": "by {}",
    "generated": "by its holders, organised by {}; nobody ever had it, so there is no escrow",
    "reshared": "by holders of an older record of the same key, organised by {}",
    "kept": "by {}, who says so",
}


def _how(record: KeyRecord) -> str:
    return _HOW[record.origin.how].format(record.dealer.record.name)


def _quorum(record: KeyRecord) -> list[tuple[str, str]]:
    """Say how many holders make a signature, and which of them can stop one."""
    public = record.public
    if record.kept:
        return [("quorum", f"none: kept whole, in a token of {record.dealer.record.name}, who alone signs")]
    if scheme_of(public).one_time is Maker.NOBODY:
        return [("quorum", f"any {public.threshold} of {public.holders}")]
    plan: QuorumPlan = cast("PlannedPublic", public).plan
    every = "all " if plan.answers == plan.threshold else ""
    return [
        ("quorum", f"{plan.threshold} of {plan.holders}; any {plan.answers} answers complete one"),
        ("plan", f"{every}{len(plan.quorums)} quorum{'s' * (len(plan.quorums) != 1)}; {_blocking(record, plan)}"),
    ]


def _blocking(record: KeyRecord, plan: QuorumPlan) -> str:
    try:
        blocking = smallest_blocking_set(plan)
    except ParameterError:  # a plan of somebody else's making, so irregular that the search takes too long
        return "who can stop a signature is not known"
    names = ", ".join(record.holders[index - 1].record.name for index in blocking)
    if len(blocking) == 1:
        return f"{names} alone could stop every signature"
    return f"{names} together could stop every signature, fewer could not"


def _algorithm_name(number: int) -> str:
    return next(name for name, known in ALGORITHMS.items() if known == number)
