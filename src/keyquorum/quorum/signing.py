"""A holder's answer: one partial, over all keys of the request it has a share of, after it has examined and agreed."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyquorum.errors import MalformedError, RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.quorum.keeping import kept_by
from keyquorum.quorum.requesting import OpenRequest, overrules_of, refuse_failures
from keyquorum.quorum.spools import FixedStream, NewFile
from keyquorum.quorum.task import Basis, Examination
from keyquorum.records.envelope import Signed
from keyquorum.records.files import header
from keyquorum.records.requests import PARTIAL, KeyAnswer, Partial
from keyquorum.threshold.one_time import OneTimeStore, Quorum
from keyquorum.threshold.register import scheme_of
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

    Of a key that the holder keeps whole, the "share" is the device that has it. ``examination`` must be the holder's
    own, of this request; ``stores`` gives the one-time material for a key. Raises RefusedError if a rule failed that is
    not overruled, if there is no key in the request of which the holder has a share, or if a slot was used for
    something else; whatever a device raises.
    """
    refuse_failures(examination)
    widths = asked_of(request, shares, holder)
    for key, messages in zip(request.task.keys, examination.messages, strict=True):
        commitments = request.context(key).commitments
        if key.id in widths and commitments is not None and len(commitments.rows) != len(messages):
            raise MalformedError(
                f"{len(commitments.rows)} slots of {key.record.label} for {len(messages)} messages",
                do="Nothing was used up. Ask the requester for another request.",
            )
    answers, streams = [], []
    for key, messages in zip(request.task.keys, examination.messages, strict=True):
        index = key.record.index_of(holder.verification_key)
        if index is None or key.id not in widths:
            continue
        public, context = key.record.public, request.context(key)
        values = FixedStream(new_file(), widths[key.id])
        store = stores(key.id, context.commitments.quorum) if stores and context.commitments else None
        scheme = scheme_of(public)
        proof = scheme.sign(public, shares[key.id], store, messages, context, values, rng, work)
        digest = _digest([values])
        width = widths[key.id]
        answers.append(KeyAnswer(key=key.id, index=index, count=len(values), width=width, sha256=digest, proof=proof))
        streams.append(values)
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


def asked_of(request: OpenRequest, shares: Collection[bytes], holder: Identity) -> dict[bytes, int]:
    """Give with which keys (ids) of ``request`` the holder is to answer, and the width of a value with each.

    ``shares`` are the ids of the keys that the holder has a share of. Raises RefusedError where there is none to answer
    with, so that nobody is asked to look at what they cannot sign.
    """
    widths, idle = {}, []
    signing = request.task.signing()
    for key in request.task.keys:
        index = key.record.index_of(holder.verification_key)
        if index is None or not (key.id in shares or key.record.kept):
            continue
        if key.id not in signing:
            idle.append(f"{key.record.label}, which you {'keep' if key.record.kept else 'hold a share of'}")
        elif key.id in shares:
            public = key.record.public
            widths[key.id] = scheme_of(public).width(public, index, request.context(key))
    if not widths:
        if kept := kept_by(request, holder):
            raise RefusedError(
                f"you keep {' and '.join(key.record.label for key in kept)} whole, and the token that has it is needed",
                do="Say which one: --token 'pkcs11:token=...;object=...'.",
            )
        if idle:
            raise RefusedError(
                f"the request asks no signature of {', and none of '.join(idle)}",
                do="Under the schema of this request others sign.",
            )
        labels = ", ".join(key.record.label for key in request.task.keys)
        raise RefusedError(
            f"your keystore holds no share of {labels}", do="Accept your share first: keyquorum share accept."
        )
    if not any(widths.values()):
        labels = ", ".join(key.record.label for key in request.task.keys if key.id in widths)
        raise RefusedError(
            f"the request is for quorums of {labels} that you are not in",
            do="It brings no commitments of yours that could be used; others answer it.",
        )
    return {key: width for key, width in widths.items() if width}


def _digest(streams: Sequence[Stream]) -> bytes:
    seen = hashlib.sha256()
    for stream in streams:
        for value in stream:
            seen.update(value)
    return seen.digest()
