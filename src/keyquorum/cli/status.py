"""``keyquorum status``: what is in a directory, what is missing, what to type next."""

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from keyquorum.cli import terminal
from keyquorum.cli.options import FILE, json_option
from keyquorum.cli.status_found import (
    Answers,
    Found,
    KeyState,
    ProposalState,
    key_states,
    look,
    proposal_states,
    request_states,
)
from keyquorum.cli.status_next import next_step
from keyquorum.errors import UsageError
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow
from keyquorum.records.generation import Proposal
from keyquorum.records.keys import Acceptance, Card, CommitmentRecord, KeyRecord, SealedShare
from keyquorum.records.requests import Partial, Request
from keyquorum.threshold.one_time import Maker, told


@click.command()
@click.argument("directory", type=FILE, metavar="DIR")
@json_option
def status(directory: Path, json_: bool) -> int:
    """Say what is in DIR, what is missing, and what to type next. Exit status 3 while something is missing."""
    if not directory.is_dir():
        raise UsageError("this is not a directory", where=str(directory))
    found = look(directory)
    keys, proposals, requests = key_states(found), proposal_states(found), request_states(found)
    step, missing = next_step(directory, found, keys, proposals, requests)
    if json_:
        terminal.as_json(_document(found, keys, requests, step, missing))
        return 3 if missing else 0
    _show_files(directory, found)
    for proposal in proposals:
        _show_proposal(proposal)
    for key in keys:
        _show_key(key)
    for path, answers in requests:
        terminal.heading(f"Request {path.name}")
        terminal.listing(
            ["key", "answered by", "needed", "not yet"],
            [(one.label, ", ".join(one.answered) or "nobody", str(one.needed), ", ".join(one.open)) for one in answers],
        )
    terminal.next_step(step)
    return 3 if missing else 0


def _show_proposal(state: ProposalState) -> None:
    terminal.heading(f"Proposal {state.path.name}")
    rounds = [("round one", state.first), ("round two", state.second)]
    if state.signed.record.repairs:
        rounds.append(("parts", state.mending))
    terminal.facts([(name, f"missing of {', '.join(people)}" if people else "complete") for name, people in rounds])


def _show_key(state: KeyState) -> None:
    record = state.signed.record
    terminal.heading(f"Key {record.label} ({state.path.name}), tag {dnskey_of(record.public).tag}")
    asking = [card.record.name for card in record.requesters]
    columns = ["share", "keeper" if record.kept else "holder", "accepted"]
    if state.maker is Maker.HOLDER:
        columns += [f"slots left for {name}" for name in asking]
    terminal.listing(
        columns,
        [
            (
                str(index),
                name,
                _yes(name not in state.waiting),
                *(_left(state.left(index, lane)) for lane, _ in enumerate(columns[3:])),
            )
            for index, name in enumerate(state.names, 1)
        ],
    )
    if state.maker is Maker.DEALER:
        tables = [one for one in state.slots if one.signed.record.maker == 0]
        terminal.facts(
            [(f"slots left for {asking[one.lane]}", f"{one.left:,} in {one.path.name}") for one in tables]
            or [("slots left", "unknown: no table of presignatures is here")]
        )


def _left(count: int) -> Text:
    return Text(f"{count:,}", style="" if count else "yellow")


def _show_files(directory: Path, found: Found) -> None:
    terminal.heading(f"In {directory}")
    rows: list[tuple[str | Text, ...]] = []
    for kind in KINDS:
        rows.extend((kind.title, str(path.relative_to(directory)), _about(signed)) for path, signed in found.of(kind))
    rows.extend(("keystore", str(path.relative_to(directory)), "secret") for path in found.keystores)
    rows.extend(
        (Text("unreadable", style="bold red"), str(path.relative_to(directory)), why) for path, why in found.bad
    )
    terminal.listing(["what", "file", "about"], rows)


def _about(signed: Signed[Any]) -> str:
    match signed.record:
        case Card() as card:
            return card.name
        case KeyRecord() as record:
            kept = f"kept whole by {record.dealer.record.name}"
            return f"{record.label}, {kept if record.kept else _quorum(record)}"
        case SealedShare() as share:
            return f"share {share.index} of {share.key.record.label}"
        case Acceptance() as acceptance:
            return f"share {acceptance.index}"
        case CommitmentRecord() as made:
            return f"{told(made.slots)}, {f'of holder {made.maker}' if made.maker else 'dealt'}"
        case Proposal() as proposal:
            return f"{proposal.label}, by {proposal.organiser.record.name}"
        case Request() as request:
            return f"{request.source.length:,} bytes of {request.source.format}"
        case Escrow() as escrow:
            rehearsal = ", a rehearsal" if escrow.rehearsal else ""
            return f"{escrow.algorithm} of {escrow.zone.to_text()}, {len(escrow.shares)} shares{rehearsal}"
        case Partial() as partial:
            return f"{sum(answer.count for answer in partial.answers):,} values"
        case _:
            return ""


def _quorum(record: KeyRecord) -> str:
    return f"any {record.public.threshold} of {record.public.holders}"


def _yes(done: bool) -> Text:
    return Text("yes", style="green") if done else Text("not yet", style="yellow")


def _document(
    found: Found, keys: list[KeyState], requests: list[tuple[Path, list[Answers]]], step: str, missing: bool
) -> dict[str, object]:
    return {
        "files": {kind.name: [str(path) for path, _ in found.of(kind)] for kind in KINDS},
        "unreadable": [{"file": str(path), "why": why} for path, why in found.bad],
        "keys": [
            {
                "file": str(key.path),
                "id": key.signed.id.hex(),
                "not_accepted": sorted(key.waiting),
                "slots": [
                    {
                        "file": str(one.path),
                        "maker": one.signed.record.maker,
                        "requester": key.signed.record.requesters[one.lane].record.name,
                        "left": one.left,
                    }
                    for one in key.slots
                ],
            }
            for key in keys
        ],
        "requests": [
            [
                {"key": one.label, "needed": one.needed, "more": one.more, "answered": list(one.answered)}
                for one in answers
            ]
            for _, answers in requests
        ],
        "next": step,
        "waiting": missing,
    }
