"""What is in a directory, for ``keyquorum status``: its records, and how far keys, proposals and requests have come."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from keyquorum.cli import world
from keyquorum.dnssec.responses import signing_roles
from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.quorum.commitments import check_maker
from keyquorum.quorum.generation import transcript_of
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, payload_type_of
from keyquorum.records.files import read_header
from keyquorum.records.generation import KEY_PROPOSAL, MENDING, ROUND_ONE, ROUND_TWO, Proposal
from keyquorum.records.keys import ACCEPTANCE, COMMITMENTS, KEY_RECORD, CommitmentRecord, KeyRecord
from keyquorum.records.requests import PARTIAL, REQUEST, Request, RequestedKey
from keyquorum.threshold.one_time import Maker, Quorum, lane_of, number_of
from keyquorum.threshold.planned import PlannedPublic, quorums_of
from keyquorum.threshold.register import scheme_of
from keyquorum.threshold.seam import Commitments

_ROUNDS = (ROUND_ONE, ROUND_TWO, MENDING)


@dataclass(slots=True)
class Found:
    """The records in a directory, by kind, each with its file; and the files that could not be read."""

    records: dict[str, list[tuple[Path, Signed[Any]]]] = field(default_factory=dict)
    keystores: list[Path] = field(default_factory=list)
    bad: list[tuple[Path, str]] = field(default_factory=list)

    def of(self, kind: Kind[Any]) -> list[tuple[Path, Signed[Any]]]:
        """Give the records of one kind."""
        return self.records.get(kind.name, [])


@dataclass(frozen=True, slots=True)
class Slots:
    """The commitments of one maker (a holder's index; 0 for the dealer) for one requester, and what is left of them."""

    path: Path
    signed: Signed[CommitmentRecord]
    left: int

    @property
    def lane(self) -> int:
        """The requester's place."""
        return lane_of(self.signed.record.first)


@dataclass(frozen=True, slots=True)
class KeyState:
    """How far a key has come: who has not accepted, and the slots that no request here has used yet."""

    path: Path
    signed: Signed[KeyRecord]
    waiting: tuple[str, ...]
    slots: tuple[Slots, ...]

    @property
    def maker(self) -> Maker:
        """Who makes its one-time material."""
        return scheme_of(self.signed.record.public).one_time

    @property
    def names(self) -> list[str]:
        """The names of its holders."""
        return [card.record.name for card in self.signed.record.holders]

    def left(self, maker: int, lane: int) -> int:
        """Give how many slots of a maker are left for a requester."""
        return sum(one.left for one in self.slots if (one.signed.record.maker, one.lane) == (maker, lane))

    def can_be_asked(self, lane: int) -> bool:
        """Whether there are slots of a whole quorum for a requester, or none are needed."""
        if self.maker is Maker.NOBODY:
            return True
        if self.maker is Maker.DEALER:
            return self.left(0, lane) > 0
        there = {index for index, _ in enumerate(self.names, 1) if self.left(index, lane)}
        return any(there.issuperset(quorum) for quorum in cast("PlannedPublic", self.signed.record.public).plan.quorums)


@dataclass(frozen=True, slots=True)
class Answers:
    """How far a request has come with one key.

    ``more`` is how many answers are missing at least, and ``of`` those whose would do. ``keeper`` is who has the key
    whole, where somebody has.
    """

    label: str
    needed: int
    answered: tuple[str, ...]
    open: tuple[str, ...]
    files: tuple[Path, ...]
    more: int
    of: tuple[str, ...]
    keeper: str


@dataclass(frozen=True, slots=True)
class ProposalState:
    """How far a proposal has come: whose files of each round are missing (``mending``: of a repair), and what is here.

    ``key`` is the file of the key record that came of it, if it is here.
    """

    path: Path
    signed: Signed[Proposal]
    first: tuple[str, ...]
    second: tuple[str, ...]
    mending: tuple[str, ...]
    files: tuple[Path, ...]
    key: Path | None


def look(directory: Path) -> Found:
    """Read every record in ``directory`` and those below it."""
    found = Found()
    for path in sorted(Path(folder) / name for folder, _, names in os.walk(directory) for name in names):
        if not path.is_file() or path.is_symlink():
            continue
        if path.suffix == ".keystore":
            found.keystores.append(path)
            continue
        try:
            with world.opened(path, "file") as file:
                kind = _kind(file)
                if kind is not None:
                    file.seek(0)
                    found.records.setdefault(kind.name, []).append((path, read_header(file, kind)))
        except KeyquorumError as error:
            found.bad.append((path, error.what))
    return found


def key_states(found: Found) -> list[KeyState]:
    """Give how far each key has come."""
    return [_key_state(path, signed, found) for path, signed in found.of(KEY_RECORD)]


def request_states(found: Found) -> list[tuple[Path, list[Answers]]]:
    """Give how far each request has come, key by key."""
    return [(path, list(_answers(signed, found))) for path, signed in found.of(REQUEST)]


def proposal_states(found: Found) -> list[ProposalState]:
    """Give how far each proposal has come."""
    return [_proposal_state(path, signed, found) for path, signed in found.of(KEY_PROPOSAL)]


def _kind(file: BinaryIO) -> Kind[Any] | None:
    """Tell what kind of record begins here; None if it is none, UsageError if it is one we do not know."""
    head = file.readline(max(kind.limit for kind in KINDS) + 2)
    if not head.startswith(b'{"payload"'):
        return None
    claimed = payload_type_of(head.removesuffix(b"\n"), len(head))
    for kind in KINDS:
        if kind.payload_type == claimed:
            return kind
    raise UsageError("a kind of record that this version does not know")


def _key_state(path: Path, signed: Signed[KeyRecord], found: Found) -> KeyState:
    tables = tuple(_slots(signed, found))
    dealt = [one.signed.id for one in tables if one.signed.record.maker == 0 and one.left]
    accepted: dict[int, set[bytes]] = {}
    for _, one in found.of(ACCEPTANCE):
        if one.record.key == signed.id:
            accepted.setdefault(one.record.index, set()).update(one.record.tables)
    waiting = tuple(
        card.record.name
        for index, card in enumerate(signed.record.holders, 1)
        if index not in accepted or not accepted[index].issuperset(dealt)
    )
    return KeyState(path, signed, waiting, tables)


def _slots(key: Signed[KeyRecord], found: Found) -> Iterator[Slots]:
    """Give the commitments for ``key``, for all of its plan, that are by whom they say."""
    used: dict[int, int] = {}
    for _, request in found.of(REQUEST):
        for requested in request.record.keys:
            slots = requested.slots
            if requested.key.id == key.id and slots is not None and not slots.commitments[0].record.quorum:
                lane = lane_of(slots.first)
                used[lane] = max(used.get(lane, 0), number_of(slots.first) + slots.count)
    for path, signed in found.of(COMMITMENTS):
        record: CommitmentRecord = signed.record
        if record.key != key.id or record.quorum:
            continue
        try:
            check_maker(key, signed)
        except KeyquorumError:
            continue
        first = number_of(record.first)
        left = first + record.count - max(first, used.get(lane_of(record.first), 0))
        yield Slots(path, signed, max(0, left))


def _answers(signed: Signed[Request], found: Found) -> Iterator[Answers]:
    partials = [(file, one) for file, one in found.of(PARTIAL) if one.record.request == signed.id]
    signing = signing_roles(signed.record.responses)
    for requested in signed.record.keys:
        if requested.role not in signing:
            continue
        record = requested.key.record
        names = {card.record.signer: card.record.name for card in record.holders}
        files = {
            one.record.signer: file
            for file, one in partials
            if one.record.signer in names and any(part.key == requested.key.id for part in one.record.answers)
        }
        answered = tuple(name for signer, name in names.items() if signer in files)
        quorums = _quorums(requested)
        asked = {list(names.values())[index - 1] for index in {i for quorum in quorums for i in quorum}}
        open_ = tuple(name for signer, name in names.items() if signer not in files and name in asked)
        more, of = _missing(requested, quorums, set(answered), open_)
        one_quorum = requested.slots is not None and len(quorums) == 1
        needed = len(quorums[0]) if one_quorum else record.public.answers
        keeper = record.dealer.record.name if record.kept else ""
        yield Answers(record.label, needed, answered, open_, tuple(files.values()), more, of, keeper)


def _quorums(requested: RequestedKey) -> tuple[Quorum, ...]:
    """Give the quorums that can answer a request with one key; all holders as one, where any M of them can."""
    public, slots = requested.key.record.public, requested.slots
    if slots is None:
        return (tuple(range(1, public.holders + 1)),)
    makers = tuple(one.record.maker for one in slots.commitments if one.record.maker)
    only = slots.commitments[0].record.quorum or None
    try:
        return quorums_of(cast("PlannedPublic", public), Commitments(slots.first, makers, only, ()))
    except KeyquorumError:
        return ()


def _missing(
    requested: RequestedKey, quorums: tuple[Quorum, ...], answered: set[str], open_: tuple[str, ...]
) -> tuple[int, tuple[str, ...]]:
    """Give how many answers are missing at least, and of whom."""
    public = requested.key.record.public
    if requested.slots is None or not quorums:
        return max(0, public.threshold - len(answered)), open_
    names = [card.record.name for card in requested.key.record.holders]
    lacking = [tuple(names[i - 1] for i in quorum if names[i - 1] not in answered) for quorum in quorums]
    nearest = min(lacking, key=len)
    every_quorum = public.answers == public.threshold and len(quorums) > 1
    return len(nearest), open_ if every_quorum else nearest


def _proposal_state(path: Path, signed: Signed[Proposal], found: Found) -> ProposalState:
    proposal = signed.record

    def missing(kind: Kind[Any], people: list[Any]) -> tuple[str, ...]:
        there = {one.record.signer for _, one in found.of(kind) if one.record.proposal == signed.id}
        return tuple(card.record.name for card in people if card.record.signer not in there)

    people = proposal.people()
    dealers = [card for card in people if proposal.dealer_of(card.record.signer)]
    first = missing(ROUND_ONE, people)
    rounds = {
        kind.name: [(file, one) for file, one in found.of(kind) if one.record.proposal == signed.id] for kind in _ROUNDS
    }
    try:
        transcript = transcript_of(signed, [one for _, one in rounds[ROUND_ONE.name]]).id
    except KeyquorumError:
        transcript = b""
    keys = (file for file, key in found.of(KEY_RECORD) if key.record.origin.transcript == transcript)
    return ProposalState(
        path,
        signed,
        first,
        missing(ROUND_TWO, dealers),
        missing(MENDING, dealers) if proposal.repairs else (),
        tuple(file for kind in _ROUNDS for file, _ in rounds[kind.name]),
        next(keys, None),
    )
