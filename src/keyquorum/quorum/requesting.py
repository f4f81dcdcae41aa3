"""Requests: made by a requester, and opened by everybody else.

Opening refuses what no holder should look at any further: a request signed by somebody whom the key record does not
name, a key whose dealing does not check, a key that not all holders have accepted, a source that is not the one signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from keyquorum.errors import MalformedError, RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.quorum.dealing import check_acceptances, check_key
from keyquorum.quorum.task import Basis, Examination, Task, schema_named
from keyquorum.records.envelope import Signed
from keyquorum.records.files import copy_checked, expect_end, read_header
from keyquorum.records.kinds import REQUEST, Acceptance, Card, KeyRecord, Overrule, Request, RequestedKey


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that was read, is signed by somebody who may, over keys that were dealt well and accepted."""

    signed: Signed[Request]
    requester: Signed[Card]
    task: Task


def make_request(
    task: Task,
    examination: Examination,
    acceptances: Mapping[bytes, Sequence[Signed[Acceptance]]],
    basis: Basis,
    requester: Identity,
) -> Signed[Request]:
    """Sign the header of a request for ``task``; ``acceptances`` are by key id.

    Raises RefusedError if a rule failed that is not overruled, or if ``requester`` may not ask; NotYetError while
    acceptances are missing.
    """
    refuse_failures(examination)
    for key in task.keys:
        authorised(key, requester.verification_key)
        check_key(key)
        check_acceptances(key, acceptances.get(key.id, ()))
    request = Request(
        signer=requester.verification_key,
        at=basis.at,
        keys=tuple(RequestedKey(key=key, acceptances=tuple(acceptances[key.id])) for key in task.keys),
        source=task.source,
        window=task.window,
        schema=task.schema,
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
    for _ in copy_checked(file, request.source.length, request.source.sha256, "the source in the request"):
        pass
    expect_end(file, "the request")
    if (request.window is None) != (request.source.format == "icann"):
        raise MalformedError("a window of time belongs to a plain RRset, and only to one", where="$.window")
    schema_named(request.schema)
    keys = tuple(requested.key for requested in request.keys)
    cards = [authorised(key, request.signer) for key in keys]
    for requested in request.keys:
        check_key(requested.key)
        check_acceptances(requested.key, requested.acceptances)
    task = Task(file, offset, request.source, request.window, request.schema, request.terms, keys)
    return OpenRequest(signed, cards[0], task)


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


def refuse_failures(examination: Examination) -> None:
    """Raise RefusedError, naming every rule that failed and was not overruled."""
    failed = examination.report.failed
    if failed:
        told = "; ".join(f"{result.rule}: {result.detail}" for result in failed)
        raise RefusedError(
            f"{len(failed)} rule{'s' * (len(failed) != 1)} failed: {told}",
            do="Have the source corrected, or overrule by name: --overrule RULE=REASON.",
        )


def overrules_of(basis: Basis) -> tuple[Overrule, ...]:
    """Give what is kept in a record of the overrules of ``basis``."""
    return tuple(Overrule(rule=rule, reason=reason) for rule, reason in basis.overrules.items())
