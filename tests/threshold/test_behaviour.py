"""What every scheme does, whatever it is: any M of N sign, whoever lies is named, nothing else gets out."""

import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import NotEnoughError, ParameterError, UsageError, WrongPartialError
from keyquorum.maths.work import HERE, Work
from keyquorum.threshold.seam import Answer, MemorySpool
from tests.threshold.cases import CASES, Case, messages, seeded
from tests.threshold.lies import BOUND, HARMFUL, PROOFS, Lie

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_lie = pytest.mark.parametrize("lie", [*HARMFUL.values(), *PROOFS.values()], ids=[*HARMFUL, *PROOFS])
each_proved_case = pytest.mark.parametrize("case", [case for case in CASES if case.proved], ids=lambda case: case.name)
each_proof = pytest.mark.parametrize("lie", [*PROOFS.values()], ids=[*PROOFS])
each_bound = pytest.mark.parametrize("lie", [*BOUND.values()], ids=[*BOUND])


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_m_of_n_make_the_signature(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    N = data.draw(st.integers(2, 7))
    M = data.draw(st.integers(2, N))
    dealt = case.deal(M, N)
    chosen = data.draw(st.lists(st.integers(1, N), min_size=M, max_size=M, unique=True))
    texts = data.draw(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
    signatures, outcome = dealt.combine(texts, dealt.answers(chosen, texts))
    assert outcome.good == set(chosen)
    assert not outcome.liars
    if case.deterministic:
        assert signatures == [dealt.sign_undivided(text) for text in texts]


@each_case
def test_every_subset_of_seven(case: Case) -> None:
    dealt = case.deal(4, 7)
    texts = messages(1)
    answers = dealt.answers(range(1, 8), texts)
    for chosen in combinations(range(1, 8), 4):
        dealt.combine(texts, {index: answers[index] for index in chosen})


@each_case
def test_one_of_one(case: Case) -> None:
    dealt = case.deal(1, 1)
    dealt.scheme.check_dealing(dealt.public)
    dealt.scheme.check_share(dealt.public, 1, dealt.shares[0])
    dealt.combine(messages(2), dealt.answers([1], messages(2)))


@each_case
def test_a_dealing_checks_and_each_share_belongs_to_it(case: Case) -> None:
    dealt = case.deal(3, 5)
    dealt.scheme.check_dealing(dealt.public)
    for index, share in enumerate(dealt.shares, 1):
        dealt.scheme.check_share(dealt.public, index, share)


@each_case
@pytest.mark.parametrize("number", [1, 2, 9, 40])
def test_an_honest_answer_checks_and_has_the_width_promised(case: Case, number: int) -> None:
    dealt = case.deal(2, 3)
    texts = messages(number)
    answer = dealt.answer(2, texts)
    context = dealt.context(texts)
    dealt.scheme.check(dealt.public, 2, texts, answer, context, HERE)
    assert {len(value) for value in answer.values} == {dealt.scheme.width(dealt.public, 2, context)}
    dealt.combine(texts, {2: answer, 3: dealt.answer(3, texts)})


@each_case
@each_lie
def test_check_names_who_answered_wrongly(case: Case, lie: Lie) -> None:
    dealt = case.deal(3, 5)
    texts = messages(3)
    with pytest.raises(WrongPartialError) as caught:
        dealt.scheme.check(dealt.public, 4, texts, lie(dealt, 4, texts), dealt.context(texts), HERE)
    assert caught.value.culprits == (4,)
    assert "4" in str(caught.value)


@each_proved_case
@each_bound
def test_check_names_whose_proof_is_of_something_else(case: Case, lie: Lie) -> None:
    test_check_names_who_answered_wrongly(case, lie)


@each_case
@pytest.mark.parametrize("lie", HARMFUL.values(), ids=HARMFUL)
def test_as_many_liars_as_can_be_are_all_named_and_the_signature_comes_out(case: Case, lie: Lie) -> None:
    M, N = (2, 3) if case.slow else (3, 5)
    dealt = case.deal(M, N)
    texts = messages(M)
    honest = dealt.answers(range(1, N + 1), texts)
    lies = {index: lie(dealt, index, texts) for index in honest}
    for liars in list(combinations(honest, N - M))[:: 1 if case.deterministic else 3]:
        _, outcome = dealt.combine(texts, honest | {index: lies[index] for index in liars})
        assert outcome.liars.keys() == set(liars)
        assert outcome.good == honest.keys() - set(liars)
        assert all(outcome.liars.values())


@each_proved_case
@each_bound
def test_a_proof_of_something_else_is_harmless_or_named(case: Case, lie: Lie) -> None:
    test_a_wrong_proof_is_harmless_or_named(case, lie)


@each_case
@each_proof
def test_a_wrong_proof_is_harmless_or_named(case: Case, lie: Lie) -> None:
    dealt = case.deal(2, 4)
    texts = messages(2)
    honest = dealt.answers(range(1, 5), texts)
    for liar in range(1, 5):
        _, outcome = dealt.combine(texts, honest | {liar: lie(dealt, liar, texts)})
        assert outcome.liars.keys() <= {liar}
        assert outcome.good | outcome.liars.keys() == honest.keys()
        used = liar <= 2
        assert (liar in outcome.good) == used


@each_case
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_any_mixture_of_lies(case: Case, data: st.DataObject) -> None:
    N = data.draw(st.integers(3, 4 if case.slow else 6 if case.deterministic else 5))
    M = data.draw(st.integers(2, N - 1))
    dealt = case.deal(M, N)
    texts = messages(data.draw(st.integers(1, 2 if case.slow else 5)))
    liars = data.draw(st.sets(st.integers(1, N), min_size=1, max_size=N - M))
    answers = dealt.answers(range(1, N + 1), texts)
    for liar in liars:
        answers[liar] = HARMFUL[data.draw(st.sampled_from(sorted(HARMFUL)))](dealt, liar, texts)
    _, outcome = dealt.combine(texts, answers)
    assert outcome.liars.keys() == liars
    assert outcome.good == answers.keys() - liars


@each_case
@pytest.mark.parametrize("lie", HARMFUL.values(), ids=HARMFUL)
def test_too_many_liars_are_named_and_nothing_unverified_comes_out(case: Case, lie: Lie) -> None:
    dealt = case.deal(2, 3)
    texts = messages(2)
    answers = dealt.answers(range(1, 4), texts) | {index: lie(dealt, index, texts) for index in (1, 3)}
    signatures: list[bytes] = []
    with pytest.raises(NotEnoughError) as caught:
        dealt.scheme.combine(dealt.public, texts, answers, dealt.context(texts), signatures.append, HERE)
    assert caught.value.culprits == (1, 3)
    for text, signature in zip(texts, signatures, strict=False):
        dealt.verify(text, signature)


@each_case
def test_too_few_answers(case: Case) -> None:
    dealt = case.deal(3, 4)
    with pytest.raises(NotEnoughError) as caught:
        dealt.combine(messages(1), dealt.answers([1, 4], messages(1)))
    assert caught.value.culprits == ()
    with pytest.raises(NotEnoughError):
        dealt.combine(messages(1), {})


@each_case
@pytest.mark.parametrize("index", [0, -1, 4])
def test_a_holder_that_does_not_exist(case: Case, index: int) -> None:
    dealt = case.deal(2, 3)
    texts = messages(1)
    answer = dealt.answer(1, texts)
    with pytest.raises(ParameterError):
        dealt.combine(texts, {1: answer, 2: dealt.answer(2, texts), index: answer})
    with pytest.raises(ParameterError):
        dealt.scheme.check(dealt.public, index, texts, answer, dealt.context(texts), HERE)
    with pytest.raises(ParameterError):
        dealt.scheme.check_share(dealt.public, index, dealt.shares[0])


@each_case
def test_a_request_without_messages(case: Case) -> None:
    dealt = case.deal(2, 3)
    answer = dealt.answer(1, messages(1))
    with pytest.raises(UsageError):
        dealt.answer(1, [])
    with pytest.raises(UsageError):
        dealt.scheme.check(dealt.public, 1, [], answer, dealt.context([]), HERE)
    with pytest.raises(UsageError):
        dealt.combine([], {1: answer, 2: answer})


@each_case
def test_values_go_to_an_empty_spool(case: Case) -> None:
    dealt = case.deal(2, 3)
    spool = MemorySpool([b"x"])
    texts, store = messages(1), dealt.store(1, 1)
    with pytest.raises(UsageError):
        dealt.scheme.sign(dealt.public, dealt.shares[0], store, texts, dealt.context(texts), spool, seeded(), HERE)
    assert spool == [b"x"]


@each_case
def test_a_share_shows_nothing_and_survives_a_trip_to_another_process(case: Case) -> None:
    dealt = case.deal(2, 3)
    share = dealt.shares[0]
    assert pickle.loads(pickle.dumps(share)) == share
    assert pickle.loads(pickle.dumps(dealt.public)) == dealt.public
    if hasattr(share, "value"):
        assert str(share.value) not in repr(share)
        assert f"{share.value:x}" not in repr(share)


@dataclass(frozen=True)
class Lazy:
    """A stream that holds nothing, and counts how often it is read."""

    number: int
    reads: list[int]

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[bytes]:
        self.reads.append(0)
        for j in range(self.number):
            self.reads[-1] += 1
            yield j.to_bytes(8, "big")


@each_case
def test_all_cores_give_the_same(case: Case) -> None:
    dealt = case.deal(2, 3)
    number = 20 if case.slow else 100  # a store is asked for 64 at a time
    stream = Lazy(number, [])
    context = dealt.context(stream)
    done: list[int] = []
    with ProcessPoolExecutor(2) as executor:
        work = Work(executor, 2, done.append)
        answers = {}
        for index in (2, 3):
            values = MemorySpool()
            share, store = dealt.shares[index - 1], dealt.store(index, number)
            proof = dealt.scheme.sign(dealt.public, share, store, stream, context, values, seeded(1, index), work)
            answers[index] = Answer(values, proof)
            assert sum(done) == number
            done.clear()
            dealt.scheme.check(dealt.public, index, stream, answers[index], context, work)
            assert sum(done) == number
            done.clear()
        signatures: list[bytes] = []
        dealt.scheme.combine(dealt.public, stream, answers, context, signatures.append, work)
        assert sum(done) == number
        executor.shutdown(cancel_futures=True)  # else Python 3.11 may wait for ever for cancelled work
    assert set(stream.reads) == {number}
    again = MemorySpool()
    share, store = dealt.shares[1], dealt.store(2, number)
    proof = dealt.scheme.sign(dealt.public, share, store, stream, context, again, seeded(1, 2), HERE)
    assert (list(again), proof) == (list(answers[2].values), answers[2].proof)
    alone: list[bytes] = []
    dealt.scheme.combine(dealt.public, stream, answers, context, alone.append, HERE)
    assert signatures == alone
    for text, signature in zip(stream, signatures, strict=True):
        dealt.verify(text, signature)


@each_case
def test_a_stream_that_holds_fewer_messages_than_it_says(case: Case) -> None:
    dealt = case.deal(2, 3)

    class Lying(list[bytes]):
        def __len__(self) -> int:
            return 3

    texts = Lying(messages(2))
    with pytest.raises(UsageError):
        dealt.answer(1, texts)
    answers = dealt.answers([1, 2], messages(3))
    signatures: list[bytes] = []
    with pytest.raises(UsageError):
        dealt.scheme.combine(dealt.public, texts, answers, dealt.context(texts), signatures.append, HERE)
