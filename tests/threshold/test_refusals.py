"""Schemes with one-time material: answers and rows that are right somewhere else, and rows that are nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from keyquorum.errors import DealingError, ParameterError, UsageError, WrongPartialError
from keyquorum.maths.work import HERE
from keyquorum.threshold.ecdsa_key import SUITES as ECDSA_SUITES
from keyquorum.threshold.frost_key import SUITES as FROST_SUITES
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.seam import Answer, Commitments, Context, OneTimeScheme
from tests.threshold.attacks.asking import ask, with_rows
from tests.threshold.cases import Dealt, dealt_by, messages
from tests.threshold.lies import number_length
from tests.threshold.points import WRONG_POINTS
from tests.threshold.stores import MemoryStore

ALGORITHMS = (13, 14, 15, 16)
each = pytest.mark.parametrize("algorithm", ALGORITHMS)
LIAR = 2


def scheme_of(dealt: Dealt) -> OneTimeScheme[Any, Any]:
    return cast("OneTimeScheme[Any, Any]", dealt.scheme)


def order_of(dealt: Dealt) -> int:
    algorithm: int = dealt.public.algorithm
    return FROST_SUITES[algorithm].group.order if algorithm in FROST_SUITES else ECDSA_SUITES[algorithm].group.order


MADE = 4
"""Slots that there is material for; the request is for those from 0 on."""


def slots(dealt: Dealt, count: int, first: int = 0) -> Context:
    """Give the context of a request for ``count`` slots from ``first`` on."""
    context = dealt.context(messages(MADE))
    assert context.commitments is not None
    return with_rows(context, list(context.commitments.rows)[first : first + count], first)


def answered(dealt: Dealt, index: int, texts: list[bytes], first: int = 0) -> list[bytes]:
    """Give a holder's honest answer."""
    return ask(dealt, index, dealt.store(index, MADE), texts, slots(dealt, len(texts), first))


def _later_slots(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
    return answered(dealt, LIAR, texts, 2)


def _exchanged_slots(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
    return answered(dealt, LIAR, texts[::-1])[::-1]


def _exchanged_messages(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
    return answered(dealt, LIAR, texts[::-1])


def _another_key(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
    public = dealt.public
    other = dealt_by(public.algorithm, public.threshold, public.holders, existing=False)
    assert dealt.scheme.dnskey(other.public) != dealt.scheme.dnskey(public)
    return answered(other, LIAR, texts)


def _each_number(change: Callable[[int, int], int]) -> Callable[[Dealt, list[bytes]], list[bytes]]:
    """Give the lie that changes each number of each value: ``change(number, order)``."""

    def lie(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
        order, length = order_of(dealt), number_length(dealt)
        byte_order: Any = "little" if dealt.public.algorithm > 14 else "big"
        lies = []
        for value in answered(dealt, LIAR, texts):
            numbers = [int.from_bytes(value[at : at + length], byte_order) for at in range(0, len(value), length)]
            changed = [min(change(number, order), (1 << 8 * length) - 1) for number in numbers]
            lies.append(b"".join(number.to_bytes(length, byte_order) for number in changed))
        return lies

    return lie


def _another_quorum(dealt: Dealt, texts: list[bytes]) -> list[bytes]:
    length = number_length(dealt)
    honest = answered(dealt, LIAR, texts)
    return [value[length:] + value[:length] for value in honest]


LIES: Mapping[str, Callable[[Dealt, list[bytes]], list[bytes]]] = {
    "an answer over other slots": _later_slots,
    "an answer over the same slots in another order": _exchanged_slots,
    "an answer to the same messages in another order": _exchanged_messages,
    "an answer with another key": _another_key,
    "the numbers of other quorums": _another_quorum,
    "numbers that are not reduced": _each_number(lambda number, order: number + order),
    "the order": _each_number(lambda _, order: order),
    "the negative": _each_number(lambda number, order: order - number),
}


@each
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_would_be_right_elsewhere_names_whoever_answers_it(
    algorithm: int, lie: Callable[[Dealt, list[bytes]], list[bytes]]
) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(2)
    context = slots(dealt, 2)
    answers = {index: Answer(answered(dealt, index, texts), None) for index in (1, 3)}
    answers[LIAR] = Answer(lie(dealt, texts), None)
    with pytest.raises(WrongPartialError) as caught:
        dealt.scheme.check(dealt.public, LIAR, texts, answers[LIAR], context, HERE)
    assert caught.value.culprits == (LIAR,)
    signatures: list[bytes] = []
    outcome = dealt.scheme.combine(dealt.public, texts, answers, context, signatures.append, HERE)
    assert outcome.liars.keys() == {LIAR}
    assert outcome.good == {1, 3}
    for text, signature in zip(texts, signatures, strict=True):
        dealt.verify(text, signature)


def _cases() -> list[Any]:
    return [pytest.param(a, p, id=f"{a}-{name}") for a, points in WRONG_POINTS.items() for name, p in points.items()]


def spoilt(context: Context, place: int, point: bytes) -> Context:
    """Give the request with one point of its last row replaced."""
    assert context.commitments is not None
    rows = list(context.commitments.rows)
    start = place * len(point)
    rows[-1] = rows[-1][:start] + point + rows[-1][start + len(point) :]
    return with_rows(context, rows)


@pytest.mark.parametrize(("algorithm", "point"), _cases())
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_rows_with_a_point_that_is_none(algorithm: int, point: bytes, place: int) -> None:
    """For holders' commitments it is a nonce of holder 1, for presignatures R, U or V."""
    dealt = dealt_by(algorithm, 2, 3)
    scheme, texts = scheme_of(dealt), messages(2)
    maker = 1 if scheme.one_time is Maker.HOLDER else 0
    bad = spoilt(dealt.context(texts), place, point)
    assert bad.commitments is not None
    length = scheme.row_length(dealt.public, maker, None)
    rows = [row[:length] for row in bad.commitments.rows]
    with pytest.raises(DealingError, match="slot 1") as caught:
        scheme.check_rows(dealt.public, maker, range(2), None, rows, HERE)
    assert caught.value.culprits == ((1,) if maker else ())


@pytest.mark.parametrize(("algorithm", "point"), _cases())
def test_no_answer_over_a_point_that_is_none_and_nothing_is_used_up(algorithm: int, point: bytes) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(2)
    good = dealt.context(texts)
    bad = spoilt(good, 0, point)  # a nonce of holder 1; the R of the quorum of holders 1 and 2
    store = dealt.store(LIAR, 2)
    with pytest.raises(ParameterError) as caught:
        ask(dealt, LIAR, store, texts, bad)
    assert caught.value.culprits == ((1,) if algorithm > 14 else ())
    answers = {LIAR: Answer(ask(dealt, LIAR, store, texts, good), None), 1: dealt.answer(1, texts)}
    dealt.combine(texts, answers)


@each
def test_rows_of_another_length(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(2)
    context = dealt.context(texts)
    assert context.commitments is not None
    rows = list(context.commitments.rows)
    for wrong in (rows[:1], [rows[0], rows[1][:-1]], [rows[0], rows[1] + b"\0"], [rows[0], b""]):
        store = dealt.store(LIAR, 2)
        with pytest.raises(UsageError, match="one row"):
            ask(dealt, LIAR, store, texts, with_rows(context, wrong))
        assert store is not None
        assert store.rows


@each
def test_makers_and_quorums_that_there_are_not(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(1)
    context = dealt.context(texts)
    commitments = context.commitments
    assert commitments is not None
    changes: list[dict[str, Any]] = [
        {"makers": (1, 2, 4)},
        {"makers": (0, 1)},
        {"quorum": (1, 2, 3)},
        {"quorum": (2, 1)},
        {"quorum": (1, 1)},
        {"quorum": (1, 4)},
        {"quorum": (0, 1)},
        {"quorum": (1,)},
    ]
    for change in changes:
        store = dealt.store(LIAR, 1)
        wrong = replace(context, commitments=replace(commitments, **change))
        with pytest.raises(ParameterError):
            ask(dealt, LIAR, store, texts, wrong)
        with pytest.raises(ParameterError):
            dealt.scheme.check(dealt.public, LIAR, texts, dealt.answer(LIAR, texts), wrong, HERE)
        assert store is not None
        assert store.rows
    with pytest.raises(UsageError, match="no commitments"):
        ask(dealt, LIAR, dealt.store(LIAR, 1), texts, replace(context, commitments=None))
    with pytest.raises(UsageError, match="none"):
        ask(dealt, LIAR, None, texts, context)
    with pytest.raises(UsageError, match="32 bytes"):
        ask(dealt, LIAR, MemoryStore([]), texts, replace(context, key_id=b"short"))


@pytest.mark.parametrize("algorithm", [15, 16])
def test_an_answer_for_one_quorum_is_none_for_another(algorithm: int) -> None:
    """Commitments for one quorum that need not be in the plan: the fallback in two rounds."""
    dealt = dealt_by(algorithm, 2, 3)
    scheme, texts = scheme_of(dealt), messages(1)
    made = {}
    for quorum in ((1, 2), (2, 3)):
        prepared = {
            index: next(scheme.prepare(dealt.public, dealt.shares[index - 1], range(1), quorum, _rng(quorum), HERE))
            for index in quorum
        }
        rows = [b"".join(prepared[index].public for index in quorum)]
        context = replace(dealt.context(texts), commitments=Commitments(0, quorum, quorum, rows))
        answers = {
            index: Answer(ask(dealt, index, MemoryStore([(0, row.secrets[0])]), texts, context), None)
            for index, row in prepared.items()
        }
        made[quorum] = context, answers
        signatures: list[bytes] = []
        dealt.scheme.combine(dealt.public, texts, answers, context, signatures.append, HERE)
        dealt.verify(texts[0], signatures[0])
    (one, answers), (other, _) = made.values()
    with pytest.raises(WrongPartialError) as caught:
        dealt.scheme.check(dealt.public, 2, texts, answers[2], other, HERE)
    assert caught.value.culprits == (2,)
    with pytest.raises(WrongPartialError, match="not for") as caught:
        dealt.scheme.check(dealt.public, 3, texts, answers[2], one, HERE)
    assert caught.value.culprits == (3,)


def _rng(quorum: tuple[int, ...]) -> Callable[[int], bytes]:
    return lambda length: bytes(quorum) * (length // 2)
