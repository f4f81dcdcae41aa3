"""ECDSA: what comes of a presignature that answers twice, or for more than one quorum, and that it does not."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from keyquorum.errors import DealingError, RefusedError
from keyquorum.maths.groups import random_scalar
from keyquorum.maths.transcript import digest
from keyquorum.maths.work import HERE
from keyquorum.threshold import ecdsa
from keyquorum.threshold.ecdsa import EcdsaScheme, shift
from keyquorum.threshold.ecdsa_key import suite_of
from keyquorum.threshold.frost_rounds import derive_interpolating_value, evaluate
from keyquorum.threshold.seam import Answer, Context, MemorySpool
from tests.threshold.attacks.adversary import EcdsaAdversary, shifted_of, true_key
from tests.threshold.attacks.asking import ask, of_request, with_rows
from tests.threshold.attacks.equations import Equations
from tests.threshold.cases import Dealt, dealt_by, messages, seeded
from tests.threshold.lies import number_length

each = pytest.mark.parametrize("algorithm", [13, 14], ids=["p256", "p384"])


def signs_as_the_key(dealt: Dealt, found: int | None) -> bool:
    """Whether what was found is the key: it makes a signature that verifies."""
    assert found == true_key(dealt)
    suite = suite_of(dealt.public.algorithm)
    forged = ec.derive_private_key(found, suite.curve).sign(b"not asked for", ec.ECDSA(suite.judge))
    dealt.undivided.public_key().verify(forged, b"not asked for", ec.ECDSA(suite.judge))
    return True


@each
def test_two_messages_in_one_slot_give_the_key(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    outsider = EcdsaAdversary(dealt)
    stores = {index: dealt.store(index, 1, burning=False) for index in (1, 2)}
    for number in range(2):
        assert outsider.key() is None
        texts = messages(1, number)
        context = dealt.context(texts)
        for index, store in stores.items():
            outsider.hears(index, texts, context, ask(dealt, index, store, texts, context))
    assert signs_as_the_key(dealt, outsider.key())


@each
def test_one_message_in_one_slot(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    insider = EcdsaAdversary(dealt, [1])
    texts = messages(1)
    context = dealt.context(texts)
    store = dealt.store(2, 1)
    values = ask(dealt, 2, store, texts, context)
    for number in range(1, 4):
        with pytest.raises(RefusedError):
            ask(dealt, 2, store, messages(1, number), context)
        assert ask(dealt, 2, store, texts, of_request(context, number)) == values
        insider.hears(2, texts, context, values)
    assert insider.key() is None


@each
def test_one_honest_member_who_refuses_a_second_message_is_enough(algorithm: int) -> None:
    """The others of its quorums are corrupt or burn nothing; of a quorum without it, two messages are the key."""
    dealt = dealt_by(algorithm, 3, 4)
    insider = EcdsaAdversary(dealt, [1])
    stores = {index: dealt.store(index, 1, burning=index == 2) for index in (2, 3, 4)}
    for number in range(2):
        texts = messages(1, number)
        context = dealt.context(texts)
        for index, store in stores.items():
            if number and index == 2:
                with pytest.raises(RefusedError):
                    ask(dealt, index, store, texts, context)
                continue
            insider.hears(index, texts, context, ask(dealt, index, store, texts, context))
    for quorum in dealt.public.quorums:
        found = insider.key_from(quorum, 0)
        assert (found is None) == (2 in quorum)
        assert found in {None, true_key(dealt)}


@each
@pytest.mark.parametrize("counted", [True, False], ids=["delta with the request", "delta as it is"])
def test_the_same_message_with_a_delta_that_differs(
    algorithm: int, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store answers the same message again, as if the rule were "one message"; that alone does not protect."""
    asked: list[Context] = []
    if counted:
        monkeypatch.setattr(ecdsa, "hashed", lambda tag, *parts: digest(tag, *parts, asked[-1].request_id))
    dealt = dealt_by(algorithm, 2, 3)
    outsider = EcdsaAdversary(dealt)
    stores = {index: dealt.store(index, 1, burning=False) for index in (1, 3)}
    texts = messages(1)
    answers = set()
    for request in range(2):
        assert outsider.key() is None
        asked.append(of_request(dealt.context(texts), request))
        shifted_of.cache_clear()
        for index, store in stores.items():
            values = ask(dealt, index, store, texts, asked[-1])
            outsider.hears(index, texts, asked[-1], values)
            answers.add((index, *values))
    shifted_of.cache_clear()
    if counted:
        assert signs_as_the_key(dealt, outsider.key())
    else:
        assert outsider.key() is None
        assert len(answers) == len(stores)  # an answer to the same message is the same answer


@each
def test_a_presignature_for_all_and_disjoint_quorums_give_the_key(algorithm: int) -> None:
    """7 of 14: u and v are shared among all 14; each half is given a message of its own, and nobody answers twice."""
    N, M = 14, 7
    suite, rng = suite_of(algorithm), seeded("for all", algorithm)
    group = suite.group
    key, k = random_scalar(group, rng), random_scalar(group, rng)
    public = ecdsa.EcdsaPublic(algorithm, M, N, 10, (), group.encode(group.multiply_base(key)))
    R = group.encode(group.multiply_base(k))
    u = [group.scalar_invert(k), *(random_scalar(group, rng) for _ in range(M - 1))]
    v = [group.scalar_multiply(key, u[0]), *(random_scalar(group, rng) for _ in range(M - 1))]
    equations = Equations(group.order)
    for half, text in ((range(1, 8), b"one half signs this"), (range(8, 15), b"the other this")):
        assert equations.value_of({("v", 0): 1}) is None
        shifted = shift(public, R, text)
        s = 0
        for index in half:
            whole = shifted.m * evaluate(group, u, index) + shifted.r * evaluate(group, v, index)
            answer = whole * pow(shifted.delta, -1, group.order)
            s += derive_interpolating_value(group, index, half) * answer
            equations.learn(
                {
                    (side, power): factor * index**power
                    for side, factor in (("u", shifted.m), ("v", shifted.r))
                    for power in range(M)
                },
                answer * shifted.delta,
            )
        # It looks well: an ordinary signature comes out.
        signature = group.encode_scalar(shifted.r) + group.encode_scalar(s % group.order)
        suite.verify(public.point, text, signature)
    found_u, found_v = (equations.value_of({(side, 0): 1}) for side in "uv")
    assert found_u is not None
    assert found_v is not None
    assert found_v * pow(found_u, -1, group.order) % group.order == key


def test_a_presignature_of_one_quorum_and_disjoint_quorums() -> None:
    """The same 14 and the same halves, as it is: 51 quorums, each with its own presignature."""
    dealt = dealt_by(13, 7, 14, 10)
    insider = EcdsaAdversary(dealt, [3, 5, 8, 9, 11, 14])
    for half, number in ((range(1, 8), 1), (range(8, 15), 2)):
        texts = messages(1, number)
        context = dealt.context(texts)
        for index in half:
            values = ask(dealt, index, dealt.store(index, 1), texts, context)
            insider.hears(index, texts, context, values)
    assert insider.key() is None


@each
def test_a_dealer_who_repeats_a_nonce_gives_the_key_to_everybody(algorithm: int) -> None:
    """Two slots with one presignature: every holder burns as it should, and the two signatures are enough."""
    dealt = dealt_by(algorithm, 2, 3)
    group, texts = suite_of(algorithm).group, messages(2)
    context = dealt.context(texts)
    assert context.commitments is not None
    row = next(iter(context.commitments.rows))
    repeated = with_rows(context, [row, row])
    answers = {}
    for index in (1, 2):
        store = dealt.store(index, 2)
        assert store is not None
        store.rows[1] = store.rows[0]
        answers[index] = Answer(ask(dealt, index, store, texts, repeated), None)
    signatures: list[bytes] = []
    dealt.scheme.combine(dealt.public, texts, answers, repeated, signatures.append, HERE)
    equations = Equations(group.order)
    for text, signature in zip(texts, signatures, strict=True):
        dealt.verify(text, signature)
        s = group.decode_scalar(signature[group.scalar_length :])
        shifted = shifted_of(dealt.public, text, row, (1, 2))
        equations.learn({"1/k": shifted.m, "x/k": shifted.r}, s * shifted.delta)
    u, v = equations.value_of({"1/k": 1}), equations.value_of({"x/k": 1})
    assert u is not None
    assert v is not None
    assert signs_as_the_key(dealt, v * pow(u, -1, group.order) % group.order)
    with pytest.raises(DealingError, match="a second time"):
        EcdsaScheme().check_rows(dealt.public, 0, range(2), None, MemorySpool([row, row]), HERE)


@each
def test_delta_and_the_partial_are_what_the_document_says(algorithm: int) -> None:
    """Written down anew: nothing but R, X and the digest goes into delta, each with its length before it."""
    dealt = dealt_by(algorithm, 2, 3)
    (text,) = texts = messages(1)
    context = dealt.context(texts)
    assert context.commitments is not None
    (row,) = context.commitments.rows
    length, order = number_length(dealt), suite_of(algorithm).group.order
    digest_of = hashlib.sha256 if algorithm == 13 else hashlib.sha384
    m = int.from_bytes(digest_of(text).digest(), "big")
    R = row[: length + 1]
    parts = (b"keyquorum/ecdsa/delta/v1", R, dealt.public.point, digest_of(text).digest())
    hashed = hashlib.sha512(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
    delta = int.from_bytes(hashed, "big") % order
    shifted = suite_of(algorithm).group.multiply_encoded(delta, R)
    r = int(shifted.xy[0]) % order
    u, v = (int.from_bytes(dealt.material(1)[0].secrets[0][0][at : at + length], "big") for at in (0, length))
    (value,) = ask(dealt, 1, dealt.store(1, 1), texts, context)
    assert int.from_bytes(value[:length], "big") == (m * u + r * v) * pow(delta, -1, order) % order
