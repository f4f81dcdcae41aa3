"""A key that nobody shared out: one person, its keeper, has it whole, in a device that signs and gives nothing else.

So a key that cannot leave its HSM stands behind the seam as any other, a quorum of one, and signs beside a quorum. A
value of the keeper's answer is the finished signature, and its own proof. Refused: to deal such a key (its record is
made from the token that has it), a public key that ``undivided_key.check_public`` refuses, one-time material, and every
signature that ``cryptography`` does not verify: before it becomes a value, and again before it is given out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, Protocol, runtime_checkable

from keyquorum.errors import (
    MalformedError,
    NotEnoughError,
    ParameterError,
    ShareError,
    SignatureError,
    UsageError,
    WrongPartialError,
)
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.threshold.one_time import Maker, OneTimeStore
from keyquorum.threshold.seam import Answer, Context, Outcome, Plan, PrivateKey, Spool, Stream
from keyquorum.threshold.undivided_key import (
    ALGORITHMS,
    SCHEME,
    UndividedPublic,
    check_public,
    signature_length,
    verify,
)

__all__ = ["ALGORITHMS", "Device", "UndividedPublic", "UndividedScheme"]

KEEPER = 1
"""The index of the only holder."""
_BATCH = 64


@runtime_checkable
class Device(Protocol):
    """What signs with the key: the keeper's "share"."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message that is not hashed; gives the signature as it stands in an RRSIG."""
        ...


@dataclass(frozen=True, slots=True)
class UndividedScheme:
    """The scheme; it has nothing to choose."""

    @property
    def name(self) -> str:
        """The name in records."""
        return SCHEME

    @property
    def one_time(self) -> Maker:
        """Nobody: a device signs as often as it is asked."""
        return Maker.NOBODY

    def deal(self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work) -> NoReturn:
        """Refuse: there is nothing to share out; raises ParameterError."""
        del key, plan, rng, work
        raise ParameterError(
            "a key that is kept whole is not dealt", do="Make its record from the token: keyquorum key token."
        )

    def check_dealing(self, public: UndividedPublic) -> None:
        """Check the public key, which is all there is to check; raises ParameterError."""
        _check(public)

    def check_share(self, public: UndividedPublic, index: int, share: Device) -> None:
        """Check that ``share`` is something that signs; only a signature tells with which key. Raises ShareError."""
        _check(public)
        _check_index(index)
        if not isinstance(share, Device):
            raise ShareError("it is nothing that signs", where="device of the keeper")

    def dnskey(self, public: UndividedPublic) -> bytes:
        """Give the public key as in a DNSKEY record."""
        _check(public)
        return public.dnskey

    def width(self, public: UndividedPublic, index: int, context: Context) -> int:
        """Give the length in bytes of one value: that of a signature."""
        del context
        _check(public)
        _check_index(index)
        return signature_length(public)

    def sign(
        self,
        public: UndividedPublic,
        share: Device,
        store: OneTimeStore | None,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> None:
        """Have the device sign each message, one after the other; there is no proof.

        Raises SignatureError where the device gives a signature that does not verify, and whatever the device raises.
        """
        del context, rng
        self.check_share(public, KEEPER, share)
        if store is not None:
            raise UsageError("a device answers without one-time material, but was given some")
        if len(values):
            raise UsageError("the values of an answer are appended to a spool that is not empty")
        _count(messages)
        for number, message in enumerate(messages, 1):
            signature = share.sign(message)
            try:
                verify(public, message, signature)
            except SignatureError as error:
                raise SignatureError(
                    f"what the device gave for message {number} is not a signature with this key: {error.what}",
                    where="device of the keeper",
                    do="Nothing is handed out. It has another key, or is faulty: have it looked at before it is used.",
                    culprits=(KEEPER,),
                ) from None
            values.append(signature)
            work.advance(1)
        if len(values) != len(messages):
            raise UsageError(f"the stream of messages holds {len(values)}, but says {len(messages)}")

    def check(
        self, public: UndividedPublic, index: int, messages: Stream, answer: Answer, context: Context, work: Work
    ) -> None:
        """Verify every signature; raises WrongPartialError, which names the keeper."""
        del context
        _check(public)
        _check_index(index)
        fault = _fault(public, messages, answer, lambda _: None, work)
        if fault:
            raise WrongPartialError(
                f"{fault}.",
                where=f"answer of holder {index}",
                do="Leave this answer out; ask the keeper what happened.",
                culprits=(index,),
            )

    def combine(
        self,
        public: UndividedPublic,
        messages: Stream,
        answers: Mapping[int, Answer],
        context: Context,
        emit: Callable[[bytes], None],
        work: Work,
    ) -> Outcome:
        """Emit the keeper's signatures, each verified; raises NotEnoughError where one is wrong or there are none."""
        del context
        _check(public)
        for index in answers:
            _check_index(index)
        _count(messages)
        if KEEPER not in answers:
            raise NotEnoughError("the keeper has not answered", where="combine", do="Nobody else can.")
        fault = _fault(public, messages, answers[KEEPER], emit, work)
        if fault:
            raise NotEnoughError(
                f"the answer of the keeper is wrong: {fault}.",
                where="combine",
                do="Ask the keeper to answer again; nobody else can.",
                culprits=(KEEPER,),
            )
        return Outcome(frozenset([KEEPER]))


def _check(public: UndividedPublic) -> None:
    if not isinstance(public, UndividedPublic):
        raise ParameterError("the public part is not one of a key that is kept whole")
    check_public(public)


def _check_index(index: int) -> None:
    if index != KEEPER:
        raise ParameterError(
            f"there is no holder {index}", do="A key that is kept whole has one, its keeper: holder 1."
        )


def _count(messages: Stream) -> int:
    if not len(messages):
        raise UsageError("there is no message to sign", do="Make the request for at least one bundle.")
    return len(messages)


def _fault(public: UndividedPublic, messages: Stream, answer: Answer, emit: Callable[[bytes], None], work: Work) -> str:
    """Say what is wrong with an answer, if anything, and ``emit`` the signatures before that."""
    count = _count(messages)
    if len(answer.values) != count:
        return f"it holds {len(answer.values)} values for {count} messages"
    if answer.proof is not None:
        return "it carries a proof, and there is none in this scheme"
    pairs = _pairs(messages, answer.values)
    for number, signature in enumerate(work.map(partial(_verified, public), pairs, batch=_BATCH), 1):
        if number > count:
            return f"it holds more than {count} values"
        if signature is None:
            return f"its signature over message {number} is missing, or does not verify"
        emit(signature)
    return ""


def _pairs(messages: Stream, values: Stream) -> Iterator[tuple[bytes, bytes]]:
    """Give each message with its value, b"" where there is none or it cannot be read; and one more if there is one."""
    source = iter(values)
    for message in messages:
        yield message, _next(source) or b""
    if _next(source) is not None:
        yield b"", b""


def _next(source: Iterator[bytes]) -> bytes | None:
    try:
        return next(source, None)
    except MalformedError:
        return None


def _verified(public: UndividedPublic, pairs: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
    """Give each signature, or None where it does not verify."""
    found: list[bytes | None] = []
    for message, signature in pairs:
        try:
            verify(public, message, signature)
        except SignatureError:
            found.append(None)
        else:
            found.append(signature)
    return found
