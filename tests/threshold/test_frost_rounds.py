"""Signing with any M of N; every wrong answer names its maker; what a signer refuses."""

import hashlib
from dataclasses import replace
from itertools import combinations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, ParameterError, SignatureError, WrongPartialError
from keyquorum.threshold.frost_rounds import (
    Nonces,
    aggregate,
    begin,
    commit,
    compute_binding_factors,
    compute_challenge,
    derive_interpolating_value,
    encode_group_commitment_list,
    evaluate,
    nonce_generate,
    sign,
    verify_signature_share,
)
from keyquorum.threshold.frost_suite import ED448_SHAKE256, ED25519_SHA512, Suite
from tests.maths.streams import stream
from tests.threshold.frost_people import People, people
from tests.threshold.points import WRONG_POINTS

JUDGES: dict[str, type[Ed25519PublicKey | Ed448PublicKey]] = {"Ed25519": Ed25519PublicKey, "Ed448": Ed448PublicKey}
ALGORITHMS = {"Ed25519": 15, "Ed448": 16}
BOTH = pytest.mark.parametrize("suite", [ED25519_SHA512, ED448_SHAKE256], ids=["ed25519", "ed448"])


def judged(dealt: People, signature: bytes, message: bytes) -> None:
    """Let the library verify a signature; it raises InvalidSignature."""
    JUDGES[dealt.suite.group.name].from_public_bytes(dealt.key).verify(signature, message)


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_any_m_of_n_sign_anything(suite: Suite, data: st.DataObject) -> None:
    N = data.draw(st.integers(2, 7))
    M = data.draw(st.integers(2, N))
    dealt = people(suite, M, N)
    signers = data.draw(st.permutations(range(1, N + 1)))[: data.draw(st.integers(M, N))]
    message = data.draw(st.binary(max_size=300))
    common, shares = dealt.signing(signers, message, data.draw(st.integers()))
    for index in signers:
        verify_signature_share(suite, index, dealt.verification_share(index), shares[index], common)
    signature = aggregate(suite, shares, common)
    judged(dealt, signature, message)
    suite.verify(dealt.key, message, signature)
    with pytest.raises(InvalidSignature):
        judged(dealt, signature, message + b"x")


@BOTH
def test_fewer_than_m_do_not_sign(suite: Suite) -> None:
    dealt = people(suite, 3, 5)
    for few in [(1,), (1, 2), (4, 5)]:
        with pytest.raises(InvalidSignature):
            judged(dealt, dealt.sign(few, b"message"), b"message")


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_every_wrong_share_is_found_and_no_other(suite: Suite, data: st.DataObject) -> None:
    dealt = people(suite, 3, 5)
    common, shares = dealt.signing([1, 3, 4], b"message")
    liars = data.draw(st.sets(st.sampled_from([1, 3, 4]), min_size=1))
    q = suite.group.order
    for liar in liars:
        shares[liar] = (shares[liar] + data.draw(st.sampled_from([1, q - 1]) | st.integers(1, q - 1))) % q
    for index in (1, 3, 4):
        if index in liars:
            with pytest.raises(WrongPartialError, match=f"holder {index}") as caught:
                verify_signature_share(suite, index, dealt.verification_share(index), shares[index], common)
            assert caught.value.culprits == (index,)
        else:
            verify_signature_share(suite, index, dealt.verification_share(index), shares[index], common)


@BOTH
def test_an_answer_to_something_else_is_wrong(suite: Suite) -> None:
    """Another message, another commitment list, another signer's share, the share of another key."""
    dealt, other = people(suite, 2, 3), people(suite, 2, 3, "other")
    common, shares = dealt.signing([1, 2], b"message")
    for wrong in (
        dealt.signing([1, 2], b"other message")[1][2],
        dealt.signing([1, 2], b"message", "other nonces")[1][2],
        dealt.signing([2, 3], b"message")[1][2],
        other.signing([1, 2], b"message")[1][2],
        shares[1],
        0,
    ):
        with pytest.raises(WrongPartialError) as caught:
            verify_signature_share(suite, 2, dealt.verification_share(2), wrong, common)
        assert caught.value.culprits == (2,)
        with pytest.raises(SignatureError):
            suite.verify(dealt.key, b"message", aggregate(suite, {1: shares[1], 2: wrong}, common))


@BOTH
def test_who_may_take_part(suite: Suite) -> None:
    dealt = people(suite, 2, 3)
    _, commitments = dealt.round_one([1, 2])
    first, second = commitments
    for bad in ([second, first], [], [first, first], [first, second, second]):
        with pytest.raises(ParameterError, match="ascending order"):
            begin(suite, dealt.key, bad, b"message")
    order = suite.group.order
    for bad in (
        [replace(first, index=0), second],
        [replace(first, index=-1), second],
        [first, replace(second, index=order)],
        [first, replace(second, index=order + 1)],
    ):
        with pytest.raises(ParameterError):
            begin(suite, dealt.key, bad, b"message")
    common, shares = dealt.signing([1, 2], b"message")
    with pytest.raises(ParameterError, match="no commitment of holder 3"):
        verify_signature_share(suite, 3, dealt.verification_share(3), shares[1], common)
    with pytest.raises(ParameterError, match="no commitment of holder 3"):
        sign(suite, 3, dealt.shares[3], dealt.round_one([3])[0][3], common)
    for some in ({}, {1: shares[1]}, {**shares, 3: 5}, {1: shares[1], 3: shares[2]}):
        with pytest.raises(ParameterError, match="not those of the holders"):
            aggregate(suite, some, common)


@BOTH
def test_a_commitment_that_is_no_point_names_its_maker(suite: Suite) -> None:
    dealt = people(suite, 2, 3)
    _, (first, second) = dealt.round_one([1, 2])
    for point in (*WRONG_POINTS[ALGORITHMS[suite.group.name]].values(), b"", first.hiding[:-1], first.hiding + b"\0"):
        for bad in (replace(second, hiding=point), replace(second, binding=point)):
            with pytest.raises(ParameterError, match="commitment of holder 2") as caught:
                begin(suite, dealt.key, [first, bad], b"message")
            assert caught.value.culprits == (2,)


@BOTH
def test_a_signer_wants_its_own_commitments(suite: Suite) -> None:
    dealt = people(suite, 2, 3)
    nonces, (mine, other) = dealt.round_one([1, 2])
    strange = dealt.round_one([1, 2], "strange")[1][0]
    for bad in (
        strange,
        replace(mine, hiding=strange.hiding),
        replace(mine, binding=strange.binding),
        replace(mine, hiding=mine.binding, binding=mine.hiding),
    ):
        common = begin(suite, dealt.key, [bad, other], b"message")
        with pytest.raises(ParameterError, match="not those to the nonces"):
            sign(suite, 1, dealt.shares[1], nonces[1], common)
        sign(suite, 2, dealt.shares[2], nonces[2], common)
    common = begin(suite, dealt.key, [mine, other], b"message")
    with pytest.raises(ParameterError, match="holder 2"):
        sign(suite, 2, dealt.shares[1], nonces[1], common)


@BOTH
def test_everything_public_enters_the_binding_factors(suite: Suite) -> None:
    dealt = people(suite, 2, 3)
    _, (first, second) = dealt.round_one([1, 2])
    strange = dealt.round_one([1, 2], "strange")[1][0]
    another = suite.group.encode(suite.group.generator)
    seen = [
        compute_binding_factors(suite, dealt.key, [first, second], b"m"),
        compute_binding_factors(suite, another, [first, second], b"m"),
        compute_binding_factors(suite, dealt.key, [first, second], b"n"),
        compute_binding_factors(suite, dealt.key, [strange, second], b"m"),
        compute_binding_factors(suite, dealt.key, [replace(first, hiding=strange.hiding), second], b"m"),
        compute_binding_factors(suite, dealt.key, [replace(first, binding=strange.binding), second], b"m"),
        compute_binding_factors(suite, dealt.key, [first, replace(second, index=3)], b"m"),
    ]
    assert len({value for some in seen for value in some.values()}) == 2 * len(seen)


@BOTH
def test_the_encoding_of_a_list(suite: Suite) -> None:
    _, commitments = people(suite, 2, 3).round_one([1, 3])
    one, three = ((number).to_bytes(suite.group.scalar_length, "little") for number in (1, 3))
    first, second = commitments
    expected = one + first.hiding + first.binding + three + second.hiding + second.binding
    assert encode_group_commitment_list(suite.group, commitments) == expected


@BOTH
def test_the_equation_of_a_signature_share(suite: Suite) -> None:
    """z = d + e rho + lambda s c, with Python's integers; and R = sum D + rho E."""
    dealt = people(suite, 3, 5)
    nonces, commitments = dealt.round_one([2, 4, 5])
    common = begin(suite, dealt.key, commitments, b"message")
    group, q = suite.group, suite.group.order
    factors = compute_binding_factors(suite, dealt.key, commitments, b"message")
    assert common.binding_factors == factors
    assert common.challenge == compute_challenge(suite, common.group_commitment, dealt.key, b"message")
    total = z = 0
    for index in (2, 4, 5):
        d, e, s = nonces[index].hiding, nonces[index].binding, dealt.shares[index]
        weight = derive_interpolating_value(group, index, (2, 4, 5))
        share = sign(suite, index, s, nonces[index], common)
        assert share == (d + e * factors[index] + weight * s * common.challenge) % q
        total, z = total + d + e * factors[index], z + share
    assert common.group_commitment == group.encode(group.multiply_base(total % q))
    shares = {index: sign(suite, index, dealt.shares[index], nonces[index], common) for index in (2, 4, 5)}
    assert aggregate(suite, shares, common) == common.group_commitment + (z % q).to_bytes(group.scalar_length, "little")


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_any_m_values_of_a_polynomial_give_it_anywhere(suite: Suite, data: st.DataObject) -> None:
    group, q = suite.group, suite.group.order
    coefficients = data.draw(st.lists(st.integers(0, q - 1), min_size=1, max_size=6))
    M = len(coefficients)
    places = st.integers(1, 20) | st.integers(1, q - 1)
    indices = data.draw(st.lists(places, min_size=M, max_size=M, unique=True))
    values = {index: evaluate(group, coefficients, index) for index in indices}
    for index, value in values.items():
        assert value == sum(c * pow(index, k, q) for k, c in enumerate(coefficients)) % q
    for at in (0, data.draw(st.integers(0, 30))):
        found = sum(derive_interpolating_value(group, index, indices, at) * value for index, value in values.items())
        assert found % q == evaluate(group, coefficients, at)


@BOTH
def test_every_subset_in_the_exponent(suite: Suite) -> None:
    dealt, group = people(suite, 3, 5), suite.group
    for indices in combinations(range(1, 6), 3):
        points = [dealt.verification_share(index) for index in indices]
        weights = [derive_interpolating_value(group, index, indices) for index in indices]
        assert group.encode(group.sum_of(weights, points)) == dealt.key
        for index, point in zip(indices, points, strict=True):
            assert group.equal(point, group.multiply_base(dealt.shares[index]))


@BOTH
def test_indices_that_are_refused(suite: Suite) -> None:
    q = suite.group.order
    for index, indices in (
        (1, []), (4, [1, 2, 3]), (1, [1, 1]), (0, [0]), (1, [1, 0]), (-1, [-1]), (2, [2, 3, 2]), (q, [q]),
        (1, [1, q + 1]), (1, [1, q]),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match="identifiers"):
            derive_interpolating_value(suite.group, index, indices)


def test_hashes_written_out() -> None:
    def sha512(data: bytes) -> bytes:
        return hashlib.sha512(data).digest()

    def shake256(data: bytes) -> bytes:
        return hashlib.shake_256(data).digest(114)

    for suite, context, challenge, H in (
        (ED25519_SHA512, b"FROST-ED25519-SHA512-v1", b"", sha512),
        (ED448_SHAKE256, b"FROST-ED448-SHAKE256-v1", b"SigEd448\0\0", shake256),
    ):
        for function, prefix in (
            (suite.binding, context + b"rho"),
            (suite.challenge, challenge),
            (suite.nonce, context + b"nonce"),
            (suite.dkg, context + b"dkg"),
        ):
            assert function(b"x") == int.from_bytes(H(prefix + b"x"), "little") % suite.group.order
        assert suite.message(b"x") == H(context + b"msgx")
        assert suite.commitments(b"x") == H(context + b"comx")
        encoded = (5).to_bytes(suite.group.scalar_length, "little")
        assert nonce_generate(suite, 5, b"r" * 32) == suite.nonce(b"r" * 32 + encoded)


@BOTH
def test_nonces_take_32_bytes_each_and_the_share(suite: Suite) -> None:
    for size in (0, 31, 33, 64):
        with pytest.raises(ParameterError, match="32 bytes of randomness"):
            nonce_generate(suite, 5, bytes(size))
    asked: list[int] = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return stream("nonces")(length)

    nonces, commitment = commit(suite, 1, 5, rng)
    assert asked == [32, 32]
    assert commit(suite, 1, 6, rng)[0] != nonces  # the same randomness, another share
    group = suite.group
    assert commitment.hiding == group.encode(group.multiply_base(nonces.hiding))
    assert commitment.binding == group.encode(group.multiply_base(nonces.binding))
    assert commit(suite, 1, 5, stream(1))[0].hiding != commit(suite, 1, 5, stream(1))[0].binding


def test_a_public_key_that_is_none() -> None:
    for key in (b"", bytes(31), b"\xff" * 57):
        with pytest.raises(SignatureError):
            ED25519_SHA512.verify(key, b"message", bytes(64))


def test_secrets_are_not_shown() -> None:
    assert "12345" not in repr(Nonces(12345, 12345))
    dealt = people(ED25519_SHA512, 2, 3)
    nonces, commitments = dealt.round_one([1, 2])
    strange = dealt.round_one([1, 2], "strange")[1]
    common = begin(dealt.suite, dealt.key, [strange[0], commitments[1]], b"message")
    with pytest.raises(KeyquorumError) as caught:
        sign(dealt.suite, 1, dealt.shares[1], nonces[1], common)
    assert all(str(secret) not in str(caught.value) for secret in (dealt.shares[1], nonces[1].hiding))
