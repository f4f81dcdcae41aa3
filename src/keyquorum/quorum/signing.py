"""A holder's answer: one partial, over all keys of the request it has a share of, after it has examined and agreed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyquorum.errors import MalformedError, RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.quorum.requesting import OpenRequest, overrules_of, refuse_failures
from keyquorum.quorum.spools import FixedStream, NewFile
from keyquorum.quorum.task import Basis, Examination
from keyquorum.records.envelope import Signed
from keyquorum.records.files import header
from keyquorum.records.kinds import PARTIAL, KeyAnswer, Partial
from keyquorum.threshold.one_time import OneTimeStore, Quorum
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Stream

Stores = Callable[[bytes, Quorum | None], OneTimeStore]
"""Gives the one-time material of a key (an id) for one quorum, or all of its plan."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A partial ready to be handed out: the signed header and, key after key, the values."""

    signed: Signed[Partial]
    values: tuple[Stream, ...]

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes of the file."""
        yield header(self.signed)
        for stream in self.values:
            yield from stream


def answer(
    request: OpenRequest,
    examination: Examination,
    shares: Mapping[bytes, object],
    basis: Basis,
    holder: Identity,
    new_file: NewFile,
    rng: Rng,
    work: Work,
    stores: Stores | None = None,
) -> Answered:
    """Answer every message of ``request`` with every key of which ``shares`` (by key id) holds a share.

    ``examination`` must be the holder's own, of this request; ``stores`` gives the one-time material for a key. Raises
    RefusedError if a rule failed that is not overruled, if there is no key in the request of which the holder has a
    share, or if a slot was used for something else.
    """
    refuse_failures(examination)
    answers, streams, asked_others = [], [], []
    for key, messages in zip(request.task.keys, examination.messages, strict=True):
        index = key.record.index_of(holder.verification_key)
        if index is None or key.id not in shares:
            continue
        public, context = key.record.public, request.context(key)
        scheme = scheme_for(public.algorithm)
        width = scheme.width(public, index, context)
        if not width:
            asked_others.append(key.record.label)
            continue
        if context.commitments is not None and len(context.commitments.rows) != len(messages):
            raise MalformedError(
                f"{len(context.commitments.rows)} slots of {key.record.label} for {len(messages)} messages",
                do="Nothing was used up. Ask the requester for another request.",
            )
        values = FixedStream(new_file(), width)
        store = stores(key.id, context.commitments.quorum) if stores and context.commitments else None
        proof = scheme.sign(public, shares[key.id], store, messages, context, values, rng, work)
        answers.append(
            KeyAnswer(key=key.id, index=index, count=len(values), width=width, sha256=_digest([values]), proof=proof)
        )
        streams.append(values)
    if asked_others and not answers:
        raise RefusedError(
            f"the request is for quorums of {', '.join(asked_others)} that you are not in",
            do="It brings no commitments of yours that could be used; others answer it.",
        )
    if not answers:
        labels = ", ".join(key.record.label for key in request.task.keys)
        raise RefusedError(
            f"your keystore holds no share of {labels}", do="Accept your share first: keyquorum share accept."
        )
    partial = Partial(
        signer=holder.verification_key,
        request=request.signed.id,
        at=basis.at,
        answers=tuple(answers),
        policy=basis.policy_digest,
        previous=basis.previous_digest,
        overrules=overrules_of(basis),
    )
    return Answered(PARTIAL.sign(partial, holder), tuple(streams))


def _digest(streams: Sequence[Stream]) -> bytes:
    seen = hashlib.sha256()
    for stream in streams:
        for value in stream:
            seen.update(value)
    return seen.digest()
