"""From partials to ordinary signatures: who answered, who answered wrongly, and what comes out.

Anybody can combine; nothing here is secret. A partial that is wrong is named with its holder and left out, and the
rest combined. Refused: partials of which fewer than M are good (NotEnoughError, with the culprits); a signature that
dnspython does not verify is never handed out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from keyquorum.dnssec.model import Dnskey, Signature, ZoneResponse
from keyquorum.dnssec.sources import format_named
from keyquorum.dnssec.times import format_time_of_rrsig
from keyquorum.dnssec.verify import verify_with_dnspython
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.errors import KeyquorumError, MalformedError, NotEnoughError, UsageError, WrongPartialError
from keyquorum.maths.work import Work
from keyquorum.quorum.requesting import OpenRequest
from keyquorum.quorum.spools import FixedStream, NewFile, Spool
from keyquorum.quorum.task import Task
from keyquorum.records.envelope import Signed
from keyquorum.records.files import copy_checked, expect_end, read_header
from keyquorum.records.keys import KeyRecord
from keyquorum.records.requests import PARTIAL, Contribution, Partial
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_of
from keyquorum.threshold.seam import Answer, Stream


@dataclass(frozen=True, slots=True)
class Received:
    """A partial that was read: signed by a holder, for this request, its body complete and as it was signed."""

    signed: Signed[Partial]
    values: Mapping[bytes, Stream]


@dataclass(frozen=True, slots=True)
class Partials:
    """Partials as they came in: ``good`` ones, ``faults`` of known holders, and the ``unreadable``, by position.

    Good means no more than that they can be combined; whose values are wrong is found out then.
    """

    good: tuple[Received, ...]
    faults: tuple[Contribution, ...]
    unreadable: tuple[tuple[int, KeyquorumError], ...]


@dataclass(frozen=True, slots=True)
class Combined:
    """Signatures by key id, each in the order of its messages, and what became of each partial."""

    signatures: Mapping[bytes, Spool]
    contributions: tuple[Contribution, ...]


def receive_all(files: Iterable[BinaryIO], request: OpenRequest) -> Partials:
    """Read all partials for ``request``; one that cannot be read stops nobody else."""
    good: list[Received] = []
    faults: list[Contribution] = []
    unreadable: list[tuple[int, KeyquorumError]] = []
    for position, file in enumerate(files):
        try:
            good.append(receive(file, request))
        except WrongPartialError as error:
            faults.extend(_faults(file, request, error))
        except KeyquorumError as error:
            unreadable.append((position, error))
    return Partials(tuple(good), tuple(faults), tuple(unreadable))


def receive(file: BinaryIO, request: OpenRequest) -> Received:
    """Read one partial for ``request``.

    Raises MalformedError or SignatureError where it cannot even be told whose it is, WrongPartialError (with the
    culprit's index) where a known holder's file does not hold what it should.
    """
    file.seek(0)
    signed: Signed[Partial] = read_header(file, PARTIAL)
    partial = signed.record
    holders = {key.id: index for key in request.task.keys if (index := key.record.index_of(partial.signer)) is not None}
    if not holders:
        raise MalformedError("this partial is signed by somebody who holds no share of any key in the request")
    culprit = next(iter(holders.values()))
    try:
        return Received(signed, _read_values(file, partial, holders, request))
    except MalformedError as error:
        raise WrongPartialError(error.what, do=error.do, culprits=[culprit]) from None


def combine(
    request: OpenRequest,
    messages: Sequence[Stream],
    partials: Sequence[Received],
    faults: Sequence[Contribution],
    new_file: NewFile,
    work: Work,
) -> Combined:
    """Combine ``partials`` into one signature per message and key; ``messages`` are by key, in the request's order.

    ``faults`` are partials that could not be received but whose holder is known; they are counted as wrong. Raises
    NotEnoughError, naming the culprits and those who have not answered, when fewer than M good answers are left.
    """
    signatures: dict[bytes, Spool] = {}
    contributions = list(faults)
    for key, stream in zip(request.task.keys, messages, strict=True):
        if not len(stream):
            # It is published and signs nothing; nobody was asked.
            signatures[key.id] = Spool(new_file())
            continue
        spool, told = _combine_key(request, key, stream, partials, faults, new_file, work)
        signatures[key.id] = spool
        contributions.extend(told)
    return Combined(signatures, tuple(contributions))


def check_partial(request: OpenRequest, messages: Sequence[Stream], received: Received, work: Work) -> None:
    """Check one partial by itself against its proofs; raises WrongPartialError."""
    for key, stream in zip(request.task.keys, messages, strict=True):
        for answered in received.signed.record.answers:
            if answered.key == key.id:
                public = key.record.public
                answer = Answer(received.values[key.id], answered.proof)
                context = request.context(key)
                scheme_of(public).check(public, answered.index, stream, answer, context, work)


def responses(task: Task, signatures: Mapping[bytes, Stream], work: Work) -> Iterator[tuple[str, ZoneResponse]]:
    """Put the signatures where they belong, zone by zone, each verified by dnspython before it is given out.

    Of each zone all responses are given, each with its name in the request.
    """
    yield from work.map(_verified, _assembled(task, signatures), batch=32)


def write_output(format_: str, found: Iterator[tuple[str, ZoneResponse]]) -> Iterator[tuple[str, str, bytes]]:
    """Write ``found`` in one of the formats of ``dnssec.sources``: response by its name, file name, next bytes.

    The file name is empty where the response goes into one file; in the format ``zone`` a request with several bundles
    a zone gives one file for each bundle, named after its inception. Raises UsageError for a format that does not fit.
    """
    written: set[str] = set()
    for name, response in found:
        if format_ == "zone":
            yield from ((name, file, data) for file, data in _zone_files(response))
            continue
        if name in written:
            raise UsageError(f"the format {format_} holds one zone, and here are several", do="Use --format zone.")
        if format_ == "icann" and not response.id:
            raise UsageError("only a KSR can be answered as a SKR", do="Use another --format.")
        written.add(name)
        yield name, "", format_named(format_).write(response)


def _zone_files(response: ZoneResponse) -> Iterator[tuple[str, bytes]]:
    days = {format_time_of_rrsig(bundle.inception)[:8] for bundle in response.bundles}
    length = 8 if len(days) == len(response.bundles) else 14
    for bundle in response.bundles:
        name = f"{format_time_of_rrsig(bundle.inception)[:length]}.zone" if len(response.bundles) > 1 else ""
        yield name, write_rrset(response.zone, bundle).encode("ascii")


def _faults(file: BinaryIO, request: OpenRequest, error: WrongPartialError) -> Iterator[Contribution]:
    """Blame the signer of a faulty partial for every key in the request it holds a share of."""
    file.seek(0)
    signed: Signed[Partial] = read_header(file, PARTIAL)
    for key in request.task.keys:
        if (index := key.record.index_of(signed.record.signer)) is not None:
            yield _contribution(key, index, signed, error.what)


def _read_values(
    file: BinaryIO, partial: Partial, holders: Mapping[bytes, int], request: OpenRequest
) -> dict[bytes, Stream]:
    if partial.request != request.signed.id:
        raise MalformedError("this partial answers another request", do="Ask for the answer to this one.")
    values: dict[bytes, Stream] = {}
    keys = {key.id: key for key in request.task.keys}
    for answered in partial.answers:
        if answered.key not in keys or answered.key in values:
            raise MalformedError("this partial answers with a key that is not in the request, or twice with one key")
        if holders.get(answered.key) != answered.index:
            raise MalformedError(f"this partial claims share {answered.index}, which is not its signer's")
        key = keys[answered.key]
        public = key.record.public
        if answered.width != scheme_of(public).width(public, answered.index, request.context(key)):
            raise MalformedError("the values have the wrong width")
        offset = file.tell()
        for _ in copy_checked(file, answered.width * answered.count, answered.sha256, "the list of values"):
            pass
        values[answered.key] = FixedStream(file, answered.width, answered.count, offset)
    expect_end(file, "the partial")
    return values


def _combine_key(
    request: OpenRequest,
    key: Signed[KeyRecord],
    messages: Stream,
    partials: Sequence[Received],
    faults: Sequence[Contribution],
    new_file: NewFile,
    work: Work,
) -> tuple[Spool, list[Contribution]]:
    public = key.record.public
    candidates: dict[int, list[tuple[Signed[Partial], Answer]]] = {}
    for received in {one.signed.id: one for one in partials}.values():
        for answered in received.signed.record.answers:
            if answered.key == key.id:
                answer = Answer(received.values[key.id], answered.proof)
                candidates.setdefault(answered.index, []).append((received.signed, answer))
    told: list[Contribution] = []
    context = request.context(key)
    while True:
        answers = {index: queue[0][1] for index, queue in candidates.items() if queue}
        faulty = {fault.index for fault in [*faults, *told] if fault.key == key.id}
        if len(answers) < public.threshold:
            raise _not_enough(key.record, answers.keys(), faulty - answers.keys())
        signatures = Spool(new_file())
        try:
            outcome = scheme_of(public).combine(public, messages, answers, context, signatures.append, work)
        except NotEnoughError as error:
            again = [index for index, queue in candidates.items() if len(queue) > 1]
            if not again:
                wrong = (faulty - answers.keys()) | set(error.culprits)
                raise _not_enough(key.record, answers.keys() - wrong, wrong) from None
            # Somebody sent two answers: look at the second before giving up.
            for index in set(again).intersection(error.culprits) or again:
                aside = candidates[index].pop(0)[0]
                told.append(_contribution(key, index, aside, "no signature came out with it; see the next answer"))
            continue
        for index, queue in candidates.items():
            if queue:
                told.append(_contribution(key, index, queue[0][0], outcome.liars.get(index, "")))
        return signatures, told


def _contribution(key: Signed[KeyRecord], index: int, partial: Signed[Partial], fault: str) -> Contribution:
    return Contribution(key=key.id, index=index, partial=partial.id, fault=fault)


def _not_enough(record: KeyRecord, able: Set[int], faulty: Set[int]) -> NotEnoughError:
    names = {index: card.record.name for index, card in enumerate(record.holders, 1)}
    needed = record.public.threshold
    wrong = f"; wrong: {', '.join(names[index] for index in sorted(faulty))}" if faulty else ""
    missing = ", ".join(name for index, name in names.items() if index not in able | faulty)
    planned = scheme_of(record.public).one_time is not Maker.NOBODY
    if len(able) < needed:
        enough = f"{needed} {'is' if needed == 1 else 'are'} needed"
        told = f"{len(able)} good answer{'s' * (len(able) != 1)} for {record.label}, where {enough}"
    elif planned:
        told = f"the {len(able)} good answers for {record.label} complete no quorum of the request"
    else:
        told = f"no {needed} of the {len(able)} answers for {record.label} agree"
    return NotEnoughError(
        told + wrong,
        do=f"Not answered yet: {missing or 'nobody'}.",
        culprits=sorted(faulty),
    )


def _assembled(task: Task, signatures: Mapping[bytes, Stream]) -> Iterator[tuple[str, ZoneResponse]]:
    queues = [iter(signatures[key.id]) for key in task.keys]
    for zone, derivation in task.derived():
        values = [
            list(islice(queue, len(messages))) for queue, messages in zip(queues, derivation.messages, strict=True)
        ]
        for name, bundles in derivation.answers(values):
            yield name, ZoneResponse(zone.zone, bundles, zone.id, zone.serial, task.terms.ksk_policy, zone.policy)


def _verified(found: Sequence[tuple[str, ZoneResponse]]) -> Sequence[tuple[str, ZoneResponse]]:
    for _, response in found:
        for bundle in response.bundles:
            keys = [published.key for published in bundle.keys]
            for over, signatures in bundle.signed_rrsets():
                for signature in signatures:
                    verify_with_dnspython(response.zone, keys, signature, _signer(keys, signature), over)
    return found


def _signer(keys: Sequence[Dnskey], signature: Signature) -> Dnskey:
    named = (signature.key_tag, signature.algorithm)
    return next(key for key in keys if key.is_sep and (key.tag, key.algorithm) == named)
