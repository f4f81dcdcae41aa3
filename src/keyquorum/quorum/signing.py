"""A holder's answer: one partial, over all keys of the request it has a share of, after it has examined and agreed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyquorum.errors import RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.quorum.requesting import OpenRequest, overrules_of, refuse_failures
from keyquorum.quorum.spools import FixedStream, NewFile
from keyquorum.quorum.task import Basis, Examination
from keyquorum.records.envelope import Signed
from keyquorum.records.files import header
from keyquorum.records.kinds import PARTIAL, KeyAnswer, Partial
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Context, Stream


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
) -> Answered:
    """Answer every message of ``request`` with every key of which ``shares`` (by key id) holds a share.

    ``examination`` must be the holder's own, of this request. Raises RefusedError if a rule failed that is not
    overruled, or if there is no key in the request of which the holder has a share.
    """
    refuse_failures(examination)
    answers, streams = [], []
    for key, messages in zip(request.task.keys, examination.messages, strict=True):
        index = key.record.index_of(holder.verification_key)
        if index is None or key.id not in shares:
            continue
        public = key.record.public
        scheme = scheme_for(public.algorithm)
        width = scheme.width(public)
        values = FixedStream(new_file(), width)
        context = Context(key.id, request.signed.id)
        proof = scheme.sign(public, shares[key.id], None, messages, context, values, rng, work)
        answers.append(
            KeyAnswer(key=key.id, index=index, count=len(values), width=width, sha256=_digest([values]), proof=proof)
        )
        streams.append(values)
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
