"""What FROST and ECDSA have in common: signatures of exact quorums, from answers of holders who do not know which.

A value of holder i is one scalar for each quorum of the request with i in it, in the order of the plan: so it fits
whoever else answers. Combining takes a quorum all of whose members have answered, trusts it first, and looks for who is
to blame when a signature does not verify; whoever was not needed is checked at the end. Every scalar can be checked by
anybody, without a proof.

Refused: a request without commitments, or over a quorum that there is not; a row or a value of another length; fewer
answers than a quorum (NotEnoughError); a slot that was used for something else (by the store).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

from keyquorum.errors import (
    MalformedError,
    NotEnoughError,
    ParameterError,
    RefusedError,
    SignatureError,
    UsageError,
    WrongPartialError,
)
from keyquorum.maths.transcript import digest, fixed
from keyquorum.maths.work import Work
from keyquorum.threshold.one_time import OneTimeStore, Quorum, Use
from keyquorum.threshold.quorum_plan import QuorumPlan
from keyquorum.threshold.seam import Answer, Commitments, Context, Outcome, PublicPart, Spool, Stream

_BATCH = 64
"""Messages burnt in one transaction, and given to one worker at a time: a sync takes longer than many of them."""
_ID_BYTES = 32


class PlannedPublic(PublicPart, Protocol):
    """The public part of a key whose signatures are made by the quorums of a plan."""

    @property
    def plan(self) -> QuorumPlan:
        """The quorums."""
        ...


class Arithmetic(Protocol):
    """One scheme's arithmetic with one key, in one request; picklable, and holds no secret.

    A *row* is all that is public of a message's slot; ``scalars`` are encoded, by holder.
    """

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        """The quorums that the request is for."""
        ...

    @property
    def scalar_length(self) -> int:
        """The length of one scalar in bytes."""
        ...

    @property
    def row_length(self) -> int:
        """The length of one row in bytes."""
        ...

    def culprits(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> tuple[int, ...]:
        """Give those whose scalar is not the one that their share and one-time material lead to."""
        ...

    def signature(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> bytes | None:
        """Give the signature, verified by a library that is not ours, or None where the scalars do not make one."""
        ...


Answering = Callable[[bytes, bytes, bytes], bytes]
"""Makes a holder's value of message, row and secret row; picklable."""


def no_commitments() -> UsageError:
    """Give the error for a request that lacks what every answer needs."""
    return UsageError("the request brings no commitments, and none of its signatures can be made without")


def quorums_of(public: PlannedPublic, commitments: Commitments) -> tuple[Quorum, ...]:
    """Give the quorums that ``commitments`` are enough for, in the order of the plan.

    A single quorum need not be one of the plan. Raises ParameterError for makers or a quorum that there are not,
    RefusedError where no quorum's are complete.
    """
    makers = set(commitments.makers) or set(range(1, public.holders + 1))
    if not makers <= set(range(1, public.holders + 1)):
        raise ParameterError("there are commitments of holders that there are not")
    if commitments.quorum is not None:
        check_single(public, commitments.quorum)
        planned: tuple[Quorum, ...] = (commitments.quorum,)
    else:
        planned = public.plan.quorums
    found = tuple(quorum for quorum in planned if makers.issuperset(quorum))
    if not found:
        missing = ", ".join(str(index) for index in range(1, public.holders + 1) if index not in makers)
        raise RefusedError(
            f"no quorum of the plan has the commitments of all its holders; there are none of {missing}",
            do="Ask these for theirs ('keyquorum share prepare'), or prepare for the one quorum that is there.",
        )
    return found


def check_single(public: PlannedPublic, quorum: Quorum) -> None:
    """Refuse a quorum that is not M different holders in ascending order; raises ParameterError."""
    if len(quorum) != public.threshold or list(quorum) != sorted(set(quorum)):
        raise ParameterError(f"a quorum has {public.threshold} different holders, in ascending order")
    index_of(public, quorum[0])
    index_of(public, quorum[-1])


def width(arithmetic: Arithmetic, index: int) -> int:
    """Give the length in bytes of one value of holder ``index``; 0 for one who is in no quorum of the request."""
    return arithmetic.scalar_length * sum(index in quorum for quorum in arithmetic.quorums)


def burn_digest(scheme: str, index: int, slot: int, context: Context, message: bytes, row: bytes) -> bytes:
    """Give what the use of a slot is bound to: everything that its answer depends on, and no more (32 bytes).

    The key record, the quorums (by makers, or the only one), the slot, the message, and the whole commitment list.
    """
    assert context.commitments is not None  # noqa: S101
    makers, quorum = context.commitments.makers, context.commitments.quorum or ()
    return digest(
        f"keyquorum/{scheme}/burn/v1",
        context.key_id,
        fixed(index, 4),
        fixed(slot, 8),
        bytes(makers),
        bytes(quorum),
        message,
        row,
    )[:32]


def sign(
    scheme: str,
    arithmetic: Arithmetic,
    index: int,
    answering: Answering,
    store: OneTimeStore | None,
    messages: Stream,
    context: Context,
    values: Spool,
    work: Work,
) -> None:
    """Append holder ``index``'s value of each message to ``values``, each burnt before it is there."""
    if store is None:
        raise UsageError("an answer of this scheme uses up one-time material, but was given none")
    if len(values):
        raise UsageError("the values of an answer are appended to a spool that is not empty")
    if len(context.key_id) != _ID_BYTES:
        raise UsageError("the id of the key record is not 32 bytes")
    commitments = context.commitments
    assert commitments is not None  # noqa: S101
    count = count_of(messages)
    if not width(arithmetic, index):
        raise RefusedError("the request is for quorums that you are not in", do="Others answer this one.")
    pairs = enumerate(_paired(messages, commitments.rows, arithmetic.row_length))
    while chunk := list(islice(pairs, _BATCH)):
        asked = [pair for _, pair in chunk]
        first = commitments.first + chunk[0][0]
        uses = [
            Use(slot, burn_digest(scheme, index, slot, context, message, row))
            for slot, (message, row) in enumerate(asked, first)
        ]

        def make(secrets: Sequence[tuple[int, bytes]], asked: list[tuple[bytes, bytes]] = asked) -> Sequence[bytes]:
            items = [(*asked[position], secret) for position, secret in secrets]
            silent = Work(work.executor, work.workers)
            return list(silent.map(partial(_answered, answering), items, batch=max(1, len(items) // work.workers)))

        for value in store.answer_all(uses, make):
            values.append(value)
        work.advance(len(chunk))
    if len(values) != count:
        raise UsageError(f"the stream of messages holds {len(values)}, but says {count}")


def check(arithmetic: Arithmetic, index: int, messages: Stream, answer: Answer, context: Context, work: Work) -> None:
    """Check holder ``index``'s whole answer; raises WrongPartialError with the culprit."""
    assert context.commitments is not None  # noqa: S101
    count = count_of(messages)
    if answer.proof is not None:
        raise wrong(index, "it carries a proof, where there is none in this scheme")
    values = _checked_values(arithmetic, index, count, answer.values)
    rows = _paired(messages, context.commitments.rows, arithmetic.row_length)
    items = ((message, row, value) for (message, row), value in zip(rows, values, strict=True))
    size = batch_size(count, work)
    for number, good in enumerate(work.map(partial(_judged, arithmetic, index), items, batch=size), 1):
        if not good:
            raise wrong(index, f"its value for message {number} is not the one its share leads to")


def combine(
    arithmetic: Arithmetic,
    holders: int,
    messages: Stream,
    answers: Mapping[int, Answer],
    context: Context,
    emit: Callable[[bytes], None],
    work: Work,
) -> Outcome:
    """Emit the signature of each message, in order; say who answered well and who lied.

    ``good`` are those whose values made every signature, or whose answers were checked. Raises NotEnoughError, with the
    liars found, when no quorum's answers are left; ParameterError for an index that no holder has.
    """
    count_of(messages)
    for index in answers:
        if not 1 <= index <= holders:
            raise ParameterError(f"there is no holder {index}", do=f"Holders are numbered 1 to {holders}.")
    combination = _Combination(arithmetic, messages, answers, context, Work(work.executor, work.workers))
    combination.refuse_wrong_lengths()

    def emit_one(signature: bytes) -> None:
        emit(signature)
        work.advance(1)

    combination.emit_all(emit_one)
    combination.judge_the_rest()
    return Outcome(frozenset(combination.cleared) - combination.liars.keys(), combination.liars)


@dataclass(slots=True)
class _Combination:
    """One request being combined, and what has been found out about its answers."""

    arithmetic: Arithmetic
    messages: Stream
    answers: Mapping[int, Answer]
    context: Context
    work: Work
    liars: dict[int, str] = field(default_factory=dict)
    cleared: set[int] = field(default_factory=set)

    def candidates(self) -> list[int]:
        """Give those not known as liars."""
        return sorted(self.answers.keys() - self.liars.keys())

    def refuse_wrong_lengths(self) -> None:
        """Name those who did not give one value for each message, or who were not asked."""
        for index, answer in self.answers.items():
            if len(answer.values) != len(self.messages):
                self.liars[index] = f"it holds {len(answer.values)} values for {len(self.messages)} messages."
            elif not width(self.arithmetic, index):
                self.liars[index] = "it answers for quorums that the request is not for."

    def emit_all(self, emit: Callable[[bytes], None]) -> None:
        """Make every signature, with the first quorum that can; go on with another one where it cannot."""
        start = 0
        while True:
            quorum = self._quorum()
            failed = self._run(quorum, start, emit)
            if failed is None:
                return
            self._blame(quorum, failed)
            start = failed

    def judge_the_rest(self) -> None:
        """Check the answers of everybody who was not needed."""
        for index in self.candidates():
            if index in self.cleared:
                continue
            try:
                check(self.arithmetic, index, self.messages, self.answers[index], self.context, self.work)
            except WrongPartialError as error:
                self.liars[index] = error.what
            else:
                self.cleared.add(index)

    def _quorum(self) -> Quorum:
        able = set(self.candidates())
        for quorum in self.arithmetic.quorums:
            if able.issuperset(quorum):
                return quorum
        named = " ".join(f"Holder {index} lied: {why}" for index, why in sorted(self.liars.items()))
        raise NotEnoughError(
            f"no quorum of the request is complete with the {len(self.answers)} answers. {named}".strip(),
            where="combine",
            do="Ask more holders to answer.",
            culprits=sorted(self.liars),
        )

    def _run(self, quorum: Quorum, start: int, emit: Callable[[bytes], None]) -> int | None:
        """Emit signatures from message ``start`` (from 0) on; give the first that ``quorum`` does not sign, if any."""
        items = islice(self._items(quorum), start, None)
        position = start
        for signature in self.work.map(
            partial(_signatures, self.arithmetic, quorum), items, batch=batch_size(len(self.messages), self.work)
        ):
            if signature is None:
                return position
            emit(signature)
            position += 1
        if position != len(self.messages):
            raise UsageError(f"the stream of messages holds {position}, but says {len(self.messages)}")
        if start == 0:
            self.cleared.update(quorum)
        return None

    def _items(self, quorum: Quorum) -> Iterator["_Item"]:
        assert self.context.commitments is not None  # noqa: S101
        rows = _paired(self.messages, self.context.commitments.rows, self.arithmetic.row_length)
        streams = [_patient(self.answers[index].values) for index in quorum]
        for (message, row), *values in zip(rows, *streams, strict=False):
            yield _Item(
                message,
                row,
                {
                    index: _scalar(self.arithmetic, quorum, index, value)
                    for index, value in zip(quorum, values, strict=True)
                },
            )

    def _blame(self, quorum: Quorum, position: int) -> None:
        """Name those of ``quorum`` whose value for one message is wrong."""
        item = next(islice(self._items(quorum), position, None))
        usable = {index: scalar for index, scalar in item.scalars.items() if scalar}
        for index in quorum:
            if index not in usable:
                expected = width(self.arithmetic, index)
                self.liars[index] = f"its value for message {position + 1} is missing or has not {expected} bytes."
        for index in self.arithmetic.culprits(item.message, item.row, quorum, usable):
            self.liars[index] = f"its value for message {position + 1} is not the one its share leads to."
        if not self.liars.keys() & set(quorum):
            raise SignatureError(
                "values that check one by one make no signature",
                where="combine",
                do="Nothing was published. Report this with the request; it is a fault of the software or the machine.",
            )


@dataclass(frozen=True, slots=True)
class _Item:
    """A message, its row, and the scalar of each member of a quorum (empty where there is none)."""

    message: bytes
    row: bytes
    scalars: dict[int, bytes]


def _signatures(arithmetic: Arithmetic, quorum: Quorum, items: Sequence[_Item]) -> list[bytes | None]:
    return [
        arithmetic.signature(item.message, item.row, quorum, item.scalars) if all(item.scalars.values()) else None
        for item in items
    ]


def _answered(answering: Answering, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes]:
    return [answering(message, row, secret) for message, row, secret in items]


def _judged(arithmetic: Arithmetic, index: int, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
    return [
        not any(
            arithmetic.culprits(message, row, quorum, {index: _scalar(arithmetic, quorum, index, value)})
            for quorum in arithmetic.quorums
            if index in quorum
        )
        for message, row, value in items
    ]


def _scalar(arithmetic: Arithmetic, quorum: Quorum, index: int, value: bytes) -> bytes:
    """Give the scalar for ``quorum`` out of a holder's value; b"" where the value has another length."""
    if len(value) != width(arithmetic, index):
        return b""
    place = sum(index in other for other in arithmetic.quorums[: arithmetic.quorums.index(quorum)])
    return value[place * arithmetic.scalar_length : (place + 1) * arithmetic.scalar_length]


def _paired(messages: Iterable[bytes], rows: Iterable[bytes], length: int) -> Iterator[tuple[bytes, bytes]]:
    """Give each message with its row; raises UsageError where there are fewer rows, or one of another length."""
    source = iter(rows)
    for message in messages:
        row = next(source, b"")
        if len(row) != length:
            raise UsageError("the request does not bring one row of commitments for each message")
        yield message, row


def _checked_values(arithmetic: Arithmetic, index: int, count: int, values: Stream) -> Iterator[bytes]:
    """Give the values as they are if there are ``count`` of the right length; raises WrongPartialError."""
    expected = width(arithmetic, index)
    number = 0
    if len(values) != count:
        raise wrong(index, f"it does not hold {count} values, one for each message")
    if not expected:
        raise wrong(index, "it answers for quorums that the request is not for")
    try:
        for number, value in enumerate(values, 1):
            if number > count:
                break
            if len(value) != expected:
                raise wrong(index, f"value {number} has not {expected} bytes")
            yield value
    except MalformedError as error:
        raise wrong(index, f"its values cannot be read: {error.what}") from error
    if number != count:
        raise wrong(index, f"it does not hold {count} values, one for each message")


def _patient(values: Stream) -> Iterator[bytes]:
    """Give the values, then b"" for ever: a stream that ends early or cannot be read lacks values, and is named so."""
    with suppress(MalformedError):
        yield from values
    while True:
        yield b""


def batch_size(messages: int, work: Work) -> int:
    """Give how many messages one worker takes at a time: few enough that all workers have some."""
    return max(1, min(_BATCH, messages // (2 * work.workers)))


def count_of(messages: Stream) -> int:
    """Give the number of messages; raises UsageError for none."""
    if not len(messages):
        raise UsageError("there is no message to sign", do="Make the request for at least one bundle.")
    return len(messages)


def index_of(public: PublicPart, index: int) -> int:
    """Give ``index`` if it is one of a holder; raises ParameterError otherwise."""
    if not 1 <= index <= public.holders:
        raise ParameterError(f"there is no holder {index}", do=f"Holders are numbered 1 to {public.holders}.")
    return index


def wrong(index: int, what: str) -> WrongPartialError:
    """Give the error that names holder ``index``."""
    return WrongPartialError(
        f"{what}.",
        where=f"answer of holder {index}",
        do="Leave this answer out; ask its holder what happened.",
        culprits=(index,),
    )
