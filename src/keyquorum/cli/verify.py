"""``keyquorum verify``: is this what it says it is? Responses by ordinary mathematics, records by their signatures."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import click
import dns.name
from rich.text import Text

from keyquorum.cli import terminal, world
from keyquorum.cli.options import FILE, json_option, moment, read_record
from keyquorum.dnssec.anchor_files import Anchor, read_anchors
from keyquorum.dnssec.model import Dnskey, ZoneResponse
from keyquorum.dnssec.sources import detect_format, read_responses
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.checking import check_manifest
from keyquorum.quorum.combining import check_partial, receive
from keyquorum.quorum.commitments import check_maker, open_commitments
from keyquorum.quorum.dealing import check_key, dnskey_of, read_share
from keyquorum.quorum.generation import check_proposal
from keyquorum.quorum.requesting import OpenRequest, open_request
from keyquorum.quorum.task import derive_messages
from keyquorum.quorum.verifying import Comparison, Trusts, Verdict, trusts_keys, verify_response
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, payload_type_of
from keyquorum.records.escrow import ESCROW
from keyquorum.records.files import expect_end, read_header
from keyquorum.records.generation import KEY_PROPOSAL
from keyquorum.records.keys import COMMITMENTS, KEY_RECORD, SEALED_SHARE
from keyquorum.records.requests import PARTIAL, REQUEST

SHOWN = 40


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", "key_file", type=FILE, help="Trust the key of this key record.")
@click.option(
    "--request", "request_file", type=FILE, help="Trust the keys of this request, and compare with what it asks for."
)
@click.option(
    "--anchor", "anchor_file", type=FILE, help="Trust the DS or DNSKEY records, or the root-anchors.xml, in this file."
)
@click.option("--at", metavar="TIME", help="Also demand that the signatures are valid at this time.")
@json_option
def verify(
    file: Path,
    key_file: Path | None,
    request_file: Path | None,
    anchor_file: Path | None,
    at: str | None,
    json_: bool,
) -> int:
    """Verify FILE: a response (SKR or zone records), a key record, a request, a partial or another record.

    Exit status 1 if anything about it is wrong.
    """
    kind = _kind_of(file)
    if kind is not None:
        return _verify_record(file, kind, request_file, json_)
    time = moment(at) if at else None
    trust = _Trust(key_file, request_file, anchor_file, moment(at))
    with world.opened(file, "response") as stream:
        return _verify_response(file, stream, trust, time, json_)


class _Trust:
    """Whom a response is verified against, and what it is compared with."""

    def __init__(self, key_file: Path | None, request_file: Path | None, anchor_file: Path | None, at: int) -> None:
        keys: list[Dnskey] = []
        anchors: list[Anchor] = []
        self.request_file = request_file
        if key_file:
            signed = read_record(key_file, KEY_RECORD)
            with world.naming(key_file):
                check_key(signed)
            keys.append(dnskey_of(signed.record.public))
        if request_file:
            with world.opened(request_file, "request") as stream, world.naming(request_file):
                keys.extend(ksk.key for ksk in open_request(stream).task.ksks())
        if anchor_file:
            data = world.read_file(anchor_file, 1 << 24, "trust anchor")
            with world.naming(anchor_file):
                anchors.extend(_holding(read_anchors(data), at))
        if not keys and not anchors:
            raise UsageError(
                "verify against what?",
                do="Give --key KEY.json, --request REQUEST, or --anchor FILE with DS or DNSKEY records.",
            )
        self.trusts = _trusts(keys, anchors)


def _holding(anchors: list[Anchor], at: int) -> list[Anchor]:
    """Give the anchors that may be trusted at ``at``; RefusedError if none may."""
    holding = [anchor for anchor in anchors if anchor.holds_at(at)]
    if not holding:
        raise RefusedError(
            f"no anchor in it is valid at {format_time_for_people(at)}",
            do="Get the anchors of that time, or judge as of another: --at TIME.",
        )
    for anchor in anchors:
        if anchor not in holding:
            terminal.tell(f"Not used: the anchor of key {anchor.tag} is not valid at {format_time_for_people(at)}.")
    return holding


def _trusts(keys: list[Dnskey], anchors: list[Anchor]) -> Trusts:
    ours = trusts_keys(keys)

    def trusts(zone: dns.name.Name, key: Dnskey) -> bool:
        return ours(zone, key) or any(anchor.covers(zone, key) for anchor in anchors)

    return trusts


def _kind_of(file: Path) -> str | None:
    """Name the kind of record in ``file`` by its payload type; None if it is no record."""
    with world.opened(file, "file") as stream:
        head = stream.readline(max(kind.limit for kind in KINDS))
    if not head.startswith(b"{"):
        return None
    with world.naming(file):
        claimed = payload_type_of(head.removesuffix(b"\n"), len(head))
    return next((kind.name for kind in KINDS if kind.payload_type == claimed), "unknown")


def _verify_record(file: Path, kind: str, request_file: Path | None, json_: bool) -> int:
    known = {one.name: one for one in KINDS}
    if kind not in known:
        raise UsageError("a record of a kind that is not known", where=str(file), do="Is this version too old for it?")
    if kind == PARTIAL.name:
        if request_file is None:
            raise UsageError("a partial is verified against the request it answers", do="Give --request REQUEST.")
        signed, good = _verify_partial(file, request_file)
    else:
        with world.opened(file, known[kind].title) as stream, world.naming(file):
            signed, good = _CHECKS.get(kind, _well_formed)(stream, known[kind])
    if json_:
        terminal.as_json({"file": str(file), "kind": kind, "id": signed.id.hex(), "good": True, "why": good})
    else:
        terminal.say(good, style="green")
    return 0


def _well_formed(stream: BinaryIO, kind: Kind[Any]) -> tuple[Signed[Any], str]:
    signed = read_header(stream, kind)
    expect_end(stream, f"the {kind.title}")
    return signed, f"The {kind.title} is well-formed and signed by whom it names."


def _key_record(stream: BinaryIO, kind: Kind[Any]) -> tuple[Signed[Any], str]:
    signed, _ = _well_formed(stream, kind)
    check_key(signed)
    if signed.record.kept:
        return signed, "The key record is signed by its keeper, and the public key is a good one. Nothing was dealt."
    return signed, "The key record is signed by its dealer, and the dealing checks."


def _request(stream: BinaryIO, _kind: Kind[Any]) -> tuple[Signed[Any], str]:
    opened = open_request(stream)
    name = opened.requester.record.name
    return opened.signed, f"The request is signed by {name}, who may ask; every holder has accepted."


def _escrow(stream: BinaryIO, kind: Kind[Any]) -> tuple[Signed[Any], str]:
    escrow, _ = _well_formed(stream, kind)
    check_manifest(escrow)
    name = escrow.record.maker.record.name
    return escrow, f"The manifest is signed by {name}; its DS and DNSKEY are those of its key."


def _share(stream: BinaryIO, _kind: Kind[Any]) -> tuple[Signed[Any], str]:
    sealed, tables = read_share(stream)
    check_key(sealed.record.key)
    for table in tables:
        check_maker(sealed.record.key, table.signed)
    return sealed, "The share is signed by the dealer of its key, and whole; only its holder can look into it."


def _commitments(stream: BinaryIO, _kind: Kind[Any]) -> tuple[Signed[Any], str]:
    signed = open_commitments(stream).signed
    return signed, "The commitments are signed by whom they name, and every row is the one that was signed."


def _proposal(stream: BinaryIO, kind: Kind[Any]) -> tuple[Signed[Any], str]:
    signed, _ = _well_formed(stream, kind)
    check_proposal(signed)
    return signed, f"The proposal is signed by {signed.record.organiser.record.name}, and can be carried out."


_CHECKS: Mapping[str, Callable[[BinaryIO, Kind[Any]], tuple[Signed[Any], str]]] = MappingProxyType(
    {
        KEY_RECORD.name: _key_record,
        REQUEST.name: _request,
        ESCROW.name: _escrow,
        SEALED_SHARE.name: _share,
        COMMITMENTS.name: _commitments,
        KEY_PROPOSAL.name: _proposal,
    }
)
"""What is checked of a record beyond its form and signature, by the name of its kind."""


def _verify_partial(file: Path, request_file: Path) -> tuple[Signed[Any], str]:
    with world.opened(request_file, "request") as stream:
        with world.naming(request_file):
            opened: OpenRequest = open_request(stream)
        with world.alone("Reading", "zones") as work:
            messages = derive_messages(opened.task, world.Scratch(), work)
        with (
            world.opened(file, "partial") as partial,
            world.naming(file),
            world.work("Checking", "messages", size=opened.task.source.length, cheap=True) as work,
        ):
            received = receive(partial, opened)
            check_partial(opened, messages, received, work)
    names = {
        key.record.holders[answered.index - 1].record.name
        for answered in received.signed.record.answers
        for key in opened.task.keys
        if key.id == answered.key
    }
    told = f"The partial is by {', '.join(sorted(names))}, answers this request, and its proofs check."
    return received.signed, told


@dataclass(slots=True)
class _Findings:
    """What was found of a response: everything counted, the first few of each kind kept."""

    bundles: int = 0
    bad: int = 0
    different: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ()
    asked_for: int = 0

    @property
    def good(self) -> bool:
        return self.bundles > 0 and not self.bad and not self.different

    def take(self, verdict: Verdict) -> None:
        self.bundles += 1
        self.bad += bool(verdict.faults)
        if len(self.verdicts) < SHOWN or (verdict.faults and self.bad <= SHOWN):
            self.verdicts.append(verdict)

    def differ(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self.different += 1
            if len(self.differences) < SHOWN:
                self.differences.append(sentence)


def _find(file: Path, stream: BinaryIO, trust: _Trust, at: int | None) -> _Findings:
    found = _Findings()
    with ExitStack() as stack:
        comparison = None
        if trust.request_file:
            request = stack.enter_context(world.opened(trust.request_file, "request"))
            with world.naming(trust.request_file):
                comparison = Comparison(open_request(request).task)
        work = stack.enter_context(world.alone("Verifying", "zones"))
        for response in _responses(file, stream):
            work.advance(1)
            for verdict in verify_response(response, trust.trusts, at):
                found.take(verdict)
            if comparison and trust.request_file:
                with world.naming(trust.request_file):
                    found.differ(comparison.differences(response))
        if comparison and trust.request_file:
            with world.naming(trust.request_file):
                found.differ(comparison.unanswered())
            found.names = comparison.names
            found.asked_for = comparison.asked_for
    return found


def _verify_response(file: Path, stream: BinaryIO, trust: _Trust, at: int | None, json_: bool) -> int:
    found = _find(file, stream, trust, at)
    if json_:
        terminal.as_json(_document(file, found))
        return 0 if found.good else 1
    terminal.heading(f"Response {file.name}")
    terminal.listing(
        ["zone", "from", "until", "signed by", "result"],
        [
            (
                verdict.zone.to_text(),
                format_time_for_people(verdict.bundle.inception).removesuffix(" UTC"),
                format_time_for_people(verdict.bundle.expiration).removesuffix(" UTC"),
                " ".join(map(str, verdict.signers)),
                Text("; ".join(verdict.faults) or "good", style="bold red" if verdict.faults else "green"),
            )
            for verdict in found.verdicts
        ],
    )
    if found.bundles > len(found.verdicts):
        bad = found.bad - sum(bool(verdict.faults) for verdict in found.verdicts)
        which = f"{bad:,} of them bad" if bad else "all good"
        terminal.say(f"  ... and {found.bundles - len(found.verdicts):,} more, {which}", style="dim")
    for line in found.differences:
        terminal.say(f"  {line}", style="bold red")
    if found.different > len(found.differences):
        terminal.say(f"  ... and {found.different - len(found.differences):,} more differences", style="dim")
    terminal.say()
    if found.good:
        if found.asked_for > 1:
            told = " or ".join(found.names)
            terminal.say(f"Of the {found.asked_for} responses asked for this is: {told}", style="bold yellow")
        bundles = f"{found.bundles:,} bundle{'s' * (found.bundles != 1)}"
        terminal.say(f"Good: {bundles}, every signature verified by two libraries.", style="green")
        return 0
    terminal.say(
        f"Not good: {found.bad:,} of {found.bundles:,} bundles, {found.different:,} differences from the request.",
        style="bold red",
    )
    return 1


def _responses(file: Path, stream: BinaryIO) -> Iterator[ZoneResponse]:
    with world.naming(file):
        head = stream.read(512)
        stream.seek(0)
        yield from read_responses(detect_format(head), stream)


def _document(file: Path, found: _Findings) -> dict[str, object]:
    return {
        "file": str(file),
        "good": found.good,
        "bundles": found.bundles,
        "bad": found.bad,
        "different": found.different,
        "responses": list(found.names),
        "differences": found.differences,
        "first_verdicts": [
            {
                "zone": verdict.zone.to_text(),
                "inception": verdict.bundle.inception,
                "expiration": verdict.bundle.expiration,
                "signers": list(verdict.signers),
                "faults": list(verdict.faults),
            }
            for verdict in found.verdicts
        ],
    }
