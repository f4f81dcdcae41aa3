"""Requests: made by a requester, and opened by everybody else.

Opening refuses what no holder should look at any further: a request signed by somebody whom the key record does not
name, a key whose dealing does not check, a key that not all holders have accepted, a source that is not the one signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from keyquorum.dnssec.responses import signing_roles
from keyquorum.dnssec.sources import Brings, format_named
from keyquorum.errors import LimitError, MalformedError, NotYetError, RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.policy.rules import RULES
from keyquorum.quorum.commitments import read_used
from keyquorum.quorum.dealing import check_acceptances, check_key
from keyquorum.quorum.task import Basis, Examination, Task
from keyquorum.records.envelope import Signed
from keyquorum.records.files import copy_checked, expect_end, read_header
from keyquorum.records.keys import Acceptance, Card, KeyRecord
from keyquorum.records.requests import REQUEST, Overrule, Request, RequestedKey, UsedSlots
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_of
from keyquorum.threshold.seam import Commitments, Context


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that was read, is signed by somebody who may, over keys that were dealt well and accepted."""

    signed: Signed[Request]
    requester: Signed[Card]
    task: Task
    commitments: Mapping[bytes, Commitments] = field(default_factory=dict)

    def context(self, key: Signed[KeyRecord]) -> Context:
        """Give what an answer with ``key`` is bound to."""
        return Context(key.id, self.signed.id, self.commitments.get(key.id))


def make_request(
    task: Task,
    examination: Examination,
    acceptances: Mapping[bytes, Sequence[Signed[Acceptance]]],
    basis: Basis,
    requester: Identity,
    slots: Mapping[bytes, UsedSlots] | None = None,
) -> Signed[Request]:
    """Sign the header of a request for ``task``; ``acceptances`` and ``slots`` are by key id.

    The rows of the slots go into the file after the source, key after key.

    Raises RefusedError if a rule failed that is not overruled, or if ``requester`` may not ask; NotYetError while
    acceptances are missing.
    """
    refuse_failures(examination)
    slots = slots or {}
    requested = []
    for key, role, messages in zip(task.keys, task.roles, examination.messages, strict=True):
        authorised(key, requester.verification_key)
        check_key(key)
        used = slots.get(key.id)
        accepted = check_acceptances(key, acceptances.get(key.id, ()), dealt_tables(used))
        _check_slots(key, used, len(messages), signs=bool(messages))
        requested.append(RequestedKey(key=key, role=role, acceptances=accepted, slots=used))
    request = Request(
        signer=requester.verification_key,
        at=basis.at,
        keys=tuple(requested),
        source=task.source,
        window=task.window,
        responses=task.responses,
        first=task.first,
        terms=task.terms,
        policy=basis.policy_digest,
        previous=basis.previous_digest,
        overrules=overrules_of(basis),
    )
    return REQUEST.sign(request, requester)


def open_request(file: BinaryIO) -> OpenRequest:
    """Read a request file (header and source) and check everything about it that does not depend on a policy."""
    file.seek(0)
    signed: Signed[Request] = read_header(file, REQUEST)
    request = signed.record
    offset = file.tell()
    source = format_named(request.source.format)
    if source.limit is not None and request.source.length > source.limit:
        raise LimitError(f"the source in the request is larger than {source.limit >> 20} MiB")
    for _ in copy_checked(file, request.source.length, request.source.sha256, "the source in the request"):
        pass
    commitments = {}
    signing = signing_roles(request.responses)
    for requested in request.keys:
        used = requested.slots
        _check_slots(requested.key, used, None, signs=requested.role in signing)
        if used is not None:
            place = place_of(requested.key, request.signer)
            commitments[requested.key.id] = read_used(file, requested.key, used, place)
    expect_end(file, "the request")
    if (request.window is not None) != (source.brings is Brings.NOTHING):
        raise MalformedError("a window of time belongs to a plain RRset, and only to one", where="$.window")
    if (request.terms.times is not None) != (source.times is not None):
        raise MalformedError(
            "signing times belong to a request of BIND or Knot, and only to one", where="$.terms.times"
        )
    keys = tuple(requested.key for requested in request.keys)
    cards = [authorised(key, request.signer) for key in keys]
    for requested in request.keys:
        check_key(requested.key)
        check_acceptances(requested.key, requested.acceptances, dealt_tables(requested.slots))
    task = Task(
        file,
        offset,
        request.source,
        request.window,
        request.responses,
        request.terms,
        keys,
        tuple(requested.role for requested in request.keys),
        request.first,
    )
    return OpenRequest(signed, cards[0], task, commitments)


def dealt_tables(used: UsedSlots | None) -> tuple[bytes, ...]:
    """Give the ids of the dealer's tables that a request uses, which every holder must have accepted."""
    return tuple(one.id for one in used.commitments if one.record.maker == 0) if used else ()


def authorised(key: Signed[KeyRecord], verification_key: bytes) -> Signed[Card]:
    """Give the card of the requester with ``verification_key``; RefusedError if ``key`` names no such requester."""
    for card in key.record.requesters:
        if card.record.signer == verification_key:
            return card
    names = ", ".join(card.record.name for card in key.record.requesters)
    raise RefusedError(
        f"the request is not signed by anybody who may make requests for {key.record.label}",
        do=f"These may: {names}. Do not sign; ask the one you expected it from.",
    )


def place_of(key: Signed[KeyRecord], verification_key: bytes) -> int:
    """Give the place (from 0) of a requester of ``key``; raises as ``authorised`` does."""
    card = authorised(key, verification_key)
    return key.record.requesters.index(card)


def refuse_failures(examination: Examination) -> None:
    """Raise RefusedError, naming every rule that failed and was not overruled."""
    failed = examination.report.failed
    if failed:
        told = "; ".join(f"{result.rule}: {result.detail}" for result in failed)
        names = {result.rule for result in failed}
        remedies = [rule.remedy for rule in RULES if rule.id in names and rule.remedy]
        raise RefusedError(
            f"{len(failed)} rule{'s' * (len(failed) != 1)} failed: {told}",
            do=" ".join([*remedies, "Have the source corrected, or overrule by name: --overrule RULE=REASON."]),
        )


def overrules_of(basis: Basis) -> tuple[Overrule, ...]:
    """Give what is kept in a record of the overrules of ``basis``."""
    return tuple(Overrule(rule=rule, reason=reason) for rule, reason in basis.overrules.items())


def _check_slots(key: Signed[KeyRecord], used: UsedSlots | None, messages: int | None, *, signs: bool) -> None:
    """Refuse a request without the slots it needs, with some it does not need, or with another number of them."""
    needed = signs and scheme_of(key.record.public).one_time is not Maker.NOBODY
    if needed and used is None:
        raise NotYetError(
            f"the request brings no commitments for {key.record.label}, and nobody can answer it without",
            do="Make it with --commitments.",
        )
    if used is not None and not needed:
        raise MalformedError(f"the request uses up slots of {key.record.label}, which needs none", where="$.keys")
    if used is not None and messages is not None and used.count != messages:
        raise MalformedError(f"{used.count} slots for {messages} messages", where="$.keys")
