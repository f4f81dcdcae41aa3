"""Liars against RSA: with proofs, without, with the proof stripped, alone and together."""

from collections.abc import Iterable
from itertools import combinations

import gmpy2
import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import NotEnoughError, SignatureError
from keyquorum.maths.polynomials import lagrange_at_zero
from keyquorum.maths.work import HERE
from keyquorum.threshold import rsa_signature
from keyquorum.threshold.rsa_signature import recipe_for, signatures
from keyquorum.threshold.seam import Answer, MemorySpool
from tests.threshold.cases import CONTEXT, Dealt, messages, ordinary_key, rsa_dealt, safe_key
from tests.threshold.lies import HARMFUL, changed

KINDS = ("new", "existing")
each_kind = pytest.mark.parametrize("kind", KINDS)


def number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def bare(answer: Answer) -> Answer:
    """Give the answer of a token: values, no proof."""
    return Answer(answer.values, None)


def bare_answers(dealt: Dealt, indices: Iterable[int], texts: list[bytes]) -> dict[int, Answer]:
    return {index: bare(answer) for index, answer in dealt.answers(indices, texts).items()}


def shifted(dealt: Dealt, answer: Answer, position: int, factor: int) -> Answer:
    """Give the answer with one value multiplied."""
    value = number(list(answer.values)[position]) * factor % dealt.public.n
    return changed(answer, position, value.to_bytes(dealt.public.width, "big"))


@each_kind
def test_a_wrong_sign_does_no_harm(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(3)
    honest = dealt.answers(range(1, 6), texts)
    for without_proof in (False, True):
        for liar in range(1, 6):
            lie = shifted(dealt, honest[liar], 1, -1)
            signatures_, outcome = dealt.combine(texts, honest | {liar: bare(lie) if without_proof else lie})
            assert signatures_ == [dealt.sign_undivided(text) for text in texts]
            assert outcome.liars.keys() <= {liar}
            assert without_proof <= (liar in outcome.good)
            assert outcome.good | outcome.liars.keys() == honest.keys()


@each_kind
@pytest.mark.parametrize("lie", HARMFUL.values(), ids=HARMFUL)
def test_one_of_five_without_any_proof(kind: str, lie: object) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(3)
    honest = bare_answers(dealt, range(1, 6), texts)
    for liar in range(1, 6):
        _, outcome = dealt.combine(texts, honest | {liar: bare(lie(dealt, liar, texts))})  # type: ignore[operator]
        assert outcome.liars.keys() == {liar}
        assert outcome.good == honest.keys() - {liar}


@each_kind
def test_two_of_five_without_any_proof(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(4)
    honest = bare_answers(dealt, range(1, 6), texts)
    for liars in combinations(range(1, 6), 2):
        # Not together: each at a message of its own, or both at one.
        for positions in ((0, 3), (3, 0), (2, 2)):
            lies = {
                liar: shifted(dealt, honest[liar], position, 5 + liar)
                for liar, position in zip(liars, positions, strict=True)
            }
            _, outcome = dealt.combine(texts, honest | lies)
            assert outcome.liars.keys() == set(liars)
            assert outcome.good == honest.keys() - set(liars)


@each_kind
def test_liars_who_strip_their_proofs(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(2)
    honest = dealt.answers(range(1, 6), texts)
    for liars in combinations(range(1, 6), 2):
        lies = {liar: bare(shifted(dealt, honest[liar], 1, 5 + liar)) for liar in liars}
        _, outcome = dealt.combine(texts, honest | lies)
        assert outcome.liars.keys() == set(liars)
        assert outcome.good == honest.keys() - set(liars)


@each_kind
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_proofs_some_have_and_some_have_not(kind: str, data: st.DataObject) -> None:
    N = data.draw(st.integers(3, 6))
    M = data.draw(st.integers(2, N - 1))
    dealt = rsa_dealt(kind, 512, M, N)
    texts = messages(data.draw(st.integers(1, 4)))
    answers = dealt.answers(range(1, N + 1), texts)
    tokens = data.draw(st.sets(st.integers(1, N)))
    liars = data.draw(st.sets(st.integers(1, N), max_size=N - M))
    for liar in liars:
        position = data.draw(st.integers(0, len(texts) - 1))
        answers[liar] = shifted(dealt, answers[liar], position, 100 + liar)
    for token in tokens:
        answers[token] = bare(answers[token])
    signatures_, outcome = dealt.combine(texts, answers)
    assert signatures_ == [dealt.sign_undivided(text) for text in texts]
    assert outcome.liars.keys() == liars
    assert outcome.good == answers.keys() - liars


def conspiring(dealt: Dealt, answers: dict[int, Answer], pair: tuple[int, int], quorum: tuple[int, ...]) -> None:
    """Make two holders lie so that it cancels in exactly this quorum."""
    weights = dict(zip(quorum, lagrange_at_zero(quorum, dealt.public.holders).reduced().weights, strict=True))
    first, second = pair
    n = dealt.public.n
    answers[first] = shifted(dealt, answers[first], 0, pow(3, weights[second], n))
    answers[second] = shifted(dealt, answers[second], 0, pow(3, -weights[first], n))


def test_two_conspirators_without_proofs_cannot_have_an_honest_holder_named() -> None:
    # They cancel in {1, 2, 3}, so 4 and 5 do not fit to the first set that signs; but {3, 4, 5} signs as well.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(2)
    for pair in combinations((1, 2, 3), 2):
        answers = bare_answers(dealt, range(1, 6), texts)
        conspiring(dealt, answers, pair, (1, 2, 3))
        signatures_, outcome = dealt.combine(texts, answers)
        assert signatures_ == [dealt.sign_undivided(text) for text in texts]
        assert not outcome.liars
        assert outcome.good == {1, 2, 3}


def test_one_proved_answer_among_three_does_not_settle_it() -> None:
    # 3, proved, fits to the conspirators 1 and 2 as well as to the honest 4 and 5.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(1)
    answers = bare_answers(dealt, range(1, 6), texts) | dealt.answers([3], texts)
    conspiring(dealt, answers, (1, 2), (1, 2, 3))
    _, outcome = dealt.combine(texts, answers)
    assert not outcome.liars.keys() & {3, 4, 5}
    assert 3 in outcome.good


def test_a_proof_protects_from_conspirators() -> None:
    # Nothing signs with 3 but what its own proof says; 1 and 2 made {1, 2, 5} sign, and 4 is simply wrong.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(1)
    answers = bare_answers(dealt, range(1, 6), texts) | dealt.answers([3], texts)
    conspiring(dealt, answers, (1, 2), (1, 2, 5))
    answers[4] = bare(shifted(dealt, answers[4], 0, 1001))
    _, outcome = dealt.combine(texts, answers)
    assert outcome.liars.keys() == {4}
    assert 3 in outcome.good


def test_conspirators_who_strip_their_proofs_are_named() -> None:
    # The proved answers of the others settle it, whichever set the conspirators prepared for.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(2)
    for pair in combinations(range(1, 6), 2):
        for quorum in combinations(range(1, 6), 3):
            if not set(pair) <= set(quorum):
                continue
            answers = dealt.answers(range(1, 6), texts)
            conspiring(dealt, answers, pair, quorum)
            for index in pair:
                answers[index] = bare(answers[index])
            _, outcome = dealt.combine(texts, answers)
            # Named, unless the very first set tried was the one they prepared for: then they did no harm.
            first_tried = {*pair, min(answers.keys() - set(pair))}
            assert outcome.liars.keys() == (set() if set(quorum) == first_tried else set(pair))
            assert outcome.good >= answers.keys() - set(pair)


def test_two_proved_answers_and_the_signature_are_enough_against_conspirators() -> None:
    # M = 3: 1 and 2 make {1, 2, 3} sign, but 3 and 4 have proofs, and sign with 5.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(1)
    answers = bare_answers(dealt, [1, 2, 5], texts) | dealt.answers([3, 4], texts)
    conspiring(dealt, answers, (1, 2), (1, 2, 3))
    _, outcome = dealt.combine(texts, answers)
    assert outcome.liars.keys() == {1, 2}
    assert outcome.good == {3, 4, 5}


@each_kind
def test_a_liar_among_exactly_m_without_proofs_cannot_be_named(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(2)
    answers = bare_answers(dealt, [1, 2, 4], texts)
    answers[2] = shifted(dealt, answers[2], 1, 2)
    emitted: list[bytes] = []
    with pytest.raises(NotEnoughError) as caught:
        dealt.scheme.combine(dealt.public, texts, answers, CONTEXT, emitted.append, HERE)
    assert caught.value.culprits == ()
    assert emitted == [dealt.sign_undivided(texts[0])]


@each_kind
def test_a_liar_without_a_proof_among_exactly_m_of_which_the_others_have_one(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(2)
    answers = dealt.answers([1, 2, 4], texts)
    answers[2] = Answer(shifted(dealt, answers[2], 1, 2).values, None)
    with pytest.raises(NotEnoughError) as caught:
        dealt.scheme.combine(dealt.public, texts, answers, CONTEXT, MemorySpool().append, HERE)
    assert caught.value.culprits == (2,)


@each_kind
def test_a_liar_whose_proof_passes_is_named_by_exchange(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the liar knew an element of low order, which only somebody who knows the factors can.
    dealt = rsa_dealt(kind, 512, 3, 5)
    texts = messages(2)
    monkeypatch.setattr("keyquorum.threshold.rsa_combining.check", lambda *_: None)
    honest = dealt.answers(range(1, 6), texts)
    for liar in (1, 2, 3):
        _, outcome = dealt.combine(texts, honest | {liar: shifted(dealt, honest[liar], 1, 11)})
        assert outcome.liars.keys() == {liar}
        assert outcome.good == honest.keys() - {liar}


@each_kind
def test_a_value_that_has_no_inverse(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 4)
    p = (safe_key(512) if kind == "new" else ordinary_key(512)).private_numbers().p
    texts = messages(20)
    honest = dealt.answers(range(1, 5), texts)
    for liar in range(1, 5):
        lie = changed(honest[liar], 7, (p * 5).to_bytes(64, "big"))
        for made in (lie, bare(lie)):
            _, outcome = dealt.combine(texts, honest | {liar: made})
            assert outcome.liars.keys() == {liar}


def test_values_after_a_failure_continue_where_it_happened() -> None:
    dealt = rsa_dealt("new", 512, 2, 5)
    texts = messages(150)
    answers = dealt.answers(range(1, 6), texts)
    answers[1] = shifted(dealt, answers[1], 3, 2)
    answers[2] = bare(shifted(dealt, answers[2], 100, 2))
    answers[3] = changed(answers[3], 149, b"")
    signatures_, outcome = dealt.combine(texts, answers)
    assert signatures_ == [dealt.sign_undivided(text) for text in texts]
    assert outcome.liars.keys() == {1, 2, 3}
    assert outcome.good == {4, 5}


@pytest.mark.parametrize("N", [1, 2, 3, 5, 8, 14])
def test_a_recipe_is_an_eth_root(N: int) -> None:
    # y = (Q/P)^a x^b with x_i = x^(2 f(i)): the exponents themselves, in integers, with d taken as 1/e.
    public = rsa_dealt("new", 512, min(2, N), N).public
    for M in range(1 if N == 1 else 2, N + 1):
        for indices in list(combinations(range(1, N + 1), M))[:40]:
            recipe = recipe_for(public, indices)
            interpolation = lagrange_at_zero(indices, N).reduced()
            weights = [(above - below) // 2 for above, below in zip(recipe.above, recipe.below, strict=True)]
            assert tuple(weights) == interpolation.weights
            assert all(above == 0 or below == 0 for above, below in zip(recipe.above, recipe.below, strict=True))
            D = int(gmpy2.fac(N))
            # w^e = x^(4 D' D), y = w^-a x^b, y^e = x:
            assert -recipe.a * 4 * interpolation.scale * D + recipe.b * public.e == 1
            assert 0 < recipe.a < public.e
            assert recipe.b > 0


def test_nothing_leaves_that_the_library_does_not_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    dealt = rsa_dealt("new", 512, 2, 3)

    class Judge:
        def verify(self, *_: object) -> None:
            raise InvalidSignature

    monkeypatch.setattr(rsa_signature, "_judge", lambda *_: Judge())
    emitted: list[bytes] = []
    with pytest.raises(SignatureError):
        dealt.scheme.combine(
            dealt.public, messages(1), dealt.answers([1, 2], messages(1)), CONTEXT, emitted.append, HERE
        )
    assert not emitted


def test_wrong_values_make_no_signature() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    texts = messages(3)
    values = [list(dealt.answer(index, texts).values) for index in (1, 3)]
    rows = [(text, (values[0][j], values[1][j])) for j, text in enumerate(texts)]
    rows[1] = (texts[1], (values[0][1], values[1][2]))
    recipe = recipe_for(dealt.public, (1, 3))
    assert signatures(recipe, rows) == [dealt.sign_undivided(texts[0]), None, dealt.sign_undivided(texts[2])]
    swapped = [(texts[0], (values[1][0], values[0][0]))]
    assert signatures(recipe, swapped) == [None]


def test_a_value_beyond_the_modulus_makes_no_signature() -> None:
    # 1025 bits: a value has 129 bytes, in which value + n is the same number written again.
    dealt = rsa_dealt("existing", 1025, 2, 3)
    n, texts = dealt.public.n, messages(1)
    first, second = (next(iter(dealt.answer(index, texts).values)) for index in (1, 2))
    recipe = recipe_for(dealt.public, (1, 2))
    assert signatures(recipe, [(texts[0], (first, second))]) == [dealt.sign_undivided(texts[0])]
    again = (number(first) + n).to_bytes(129, "big")
    for bad in (again, b"\0" + first, n.to_bytes(129, "big"), bytes(129)):
        assert signatures(recipe, [(texts[0], (bad, second))]) == [None]
        assert signatures(recipe, [(texts[0], (first, bad))]) == [None]


def test_two_without_a_proof_beside_one_proved_are_not_named() -> None:
    # M = 3, so one of the two is honest for all that anybody can tell.
    dealt = rsa_dealt("new", 512, 3, 5)
    texts = messages(1)
    answers = dealt.answers([1], texts) | bare_answers(dealt, [2, 3], texts)
    answers[3] = shifted(dealt, answers[3], 0, 2)
    with pytest.raises(NotEnoughError) as caught:
        dealt.combine(texts, answers)
    assert caught.value.culprits == ()
