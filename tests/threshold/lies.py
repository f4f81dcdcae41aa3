"""Every way we know of answering wrongly. Each takes the dealt key, the liar's index and the messages."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from keyquorum.errors import MalformedError
from keyquorum.threshold.seam import Answer, Context
from keyquorum.threshold.undivided import UndividedPublic
from tests.threshold.cases import CONTEXT, Dealt, messages

Lie = Callable[[Dealt, int, list[bytes]], Answer]


class BrokenStream(list[bytes]):
    """Says its length, and cannot be read beyond ``readable``."""

    def __init__(self, values: list[bytes], readable: int) -> None:
        super().__init__(values)
        self.readable = readable

    def __iter__(self) -> Iterator[bytes]:
        yield from list(super().__iter__())[: self.readable]
        raise MalformedError("the file ends in the middle of a value")


class ShortStream(BrokenStream):
    """Says its length, and ends early without a word."""

    def __iter__(self) -> Iterator[bytes]:
        yield from [self[j] for j in range(self.readable)]


class LongerThanItSays(list[bytes]):
    """Holds one value for each message, and says it holds one less."""

    def __len__(self) -> int:
        return super().__len__() - 1


class EndlessStream(list[bytes]):
    """Gives its values, and then the first of them for ever."""

    def __iter__(self) -> Iterator[bytes]:
        yield from [self[j] for j in range(len(self))]
        while True:
            yield self[0]


def changed(answer: Answer, position: int, value: bytes) -> Answer:
    """Give the answer with one value replaced."""
    values = list(answer.values)
    values[position] = value
    return Answer(values, answer.proof)


def last(make: Callable[[Dealt, bytes], bytes]) -> Lie:
    """Give the lie that changes the last value only."""

    def lie(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
        honest = dealt.answer(index, texts)
        return changed(honest, -1, make(dealt, list(honest.values)[-1]))

    return lie


def each(change: Callable[[bytes, int], bytes]) -> Lie:
    """Give the lie that changes every number in the last value: ``change(number, index of the liar)``."""

    def lie(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
        honest = dealt.answer(index, texts)
        value, length = list(honest.values)[-1], number_length(dealt)
        numbers = (value[start : start + length] for start in range(0, len(value), length))
        return changed(honest, -1, b"".join(change(number, index) for number in numbers))

    return lie


def flipped(number: bytes, index: int) -> bytes:
    """Flip a bit, another one for each liar: else two liars may cancel each other in a sum, and harm nobody."""
    return number[:-1] + bytes([number[-1] ^ 1 << index])


def number_length(dealt: Dealt) -> int:
    """Give the length in bytes of one number in a value: a value is one, or one for each quorum."""
    public: Any = dealt.public
    if isinstance(public, UndividedPublic):
        return dealt.scheme.width(public, 1, CONTEXT)
    return {8: 0, 10: 0, 13: 32, 14: 48, 15: 32, 16: 57}[public.algorithm] or int(public.width)


def _other_holder(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
    return dealt.answer(index % dealt.public.holders + 1, texts)


def _read_until(kind: type[BrokenStream]) -> Lie:
    def lie(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
        honest = dealt.answer(index, texts)
        return Answer(kind(list(honest.values), len(texts) - 1), honest.proof)

    return lie


def _streamed_as(kind: type[list[bytes]]) -> Lie:
    def lie(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
        honest = dealt.answer(index, texts)
        return Answer(kind(honest.values), honest.proof)

    return lie


def _longer(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
    honest = dealt.answer(index, texts)
    return Answer([*honest.values, next(iter(honest.values))], honest.proof)


def _shorter(dealt: Dealt, index: int, texts: list[bytes]) -> Answer:
    honest = dealt.answer(index, texts)
    return Answer(list(honest.values)[:-1], honest.proof)


HARMFUL: Mapping[str, Lie] = MappingProxyType({
    "a flipped bit": each(flipped),
    "other messages": lambda dealt, index, texts: dealt.answer(index, messages(len(texts), "other")),
    "another holder's answer": _other_holder,
    "zero": each(lambda number, _: bytes(len(number))),
    "all ones": each(lambda number, _: b"\xff" * len(number)),
    "one": each(lambda number, _: (1).to_bytes(len(number), "big")),
    "a byte too many": last(lambda _, value: b"\x00" + value),
    "a byte too few": last(lambda _, value: value[:-1]),
    "nothing": last(lambda _, value: value[:0]),
    "huge": last(lambda _, value: value * 1000),
    "a value too many": _longer,
    "a value too few": _shorter,
    "another length than it says": _streamed_as(LongerThanItSays),
    "a file that breaks off": _read_until(BrokenStream),
    "a stream that ends early": _read_until(ShortStream),
})  # fmt: skip
"""Lies with which no signature comes out: the liar is to be named."""

BOUND: Mapping[str, Lie] = MappingProxyType({
    "another request": lambda dealt, index, texts: dealt.answer(index, texts, Context(b"K" * 32, b"Q" * 32)),
    "another key record": lambda dealt, index, texts: dealt.answer(index, texts, Context(b"L" * 32, b"R" * 32)),
    "another holder's proof": lambda dealt, index, texts: Answer(
        dealt.answer(index, texts).values, _other_holder(dealt, index, texts).proof
    ),
})  # fmt: skip
"""Right values with the proof of something else: where there are proofs, whoever is checked is named."""

PROOFS: Mapping[str, Lie] = MappingProxyType({
    "a stream that does not end": _streamed_as(EndlessStream),
    "no proof of this scheme": lambda dealt, index, texts: Answer(dealt.answer(index, texts).values, object()),
})  # fmt: skip
"""Right values with a wrong proof: the signature comes out, and whoever is checked is named."""
