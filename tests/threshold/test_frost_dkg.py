"""Key generation without a dealer, as functions: any M of N sign, whoever says something wrong is named."""

from dataclasses import dataclass, replace

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import DealingError, ParameterError, ShareError
from keyquorum.threshold.frost_dkg import (
    Polynomial,
    RoundOne,
    check_round_one,
    check_share,
    finish,
    group_commitments,
    random_polynomial,
    round_one,
    share_for,
)
from keyquorum.threshold.frost_suite import ED448_SHAKE256, ED25519_SHA512, Suite
from tests.maths.streams import stream
from tests.threshold.frost_people import People
from tests.threshold.points import WRONG_POINTS

ALGORITHMS = {"Ed25519": 15, "Ed448": 16}
BOTH = pytest.mark.parametrize("suite", [ED25519_SHA512, ED448_SHAKE256], ids=["ed25519", "ed448"])


@dataclass(frozen=True)
class Begun:
    """Everybody's round one, by index."""

    polynomials: dict[int, Polynomial]
    published: dict[int, RoundOne]


def begun(suite: Suite, M: int, N: int, seed: object = 0) -> Begun:
    rngs = {index: stream((seed, index)) for index in range(1, N + 1)}
    polynomials = {index: random_polynomial(suite, M, rng) for index, rng in rngs.items()}
    return Begun(polynomials, {index: round_one(suite, index, polynomials[index], rng) for index, rng in rngs.items()})


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=10)
def test_any_m_of_n_sign_with_the_key_and_fewer_do_not(suite: Suite, data: st.DataObject) -> None:
    N = data.draw(st.integers(2, 5))
    M = data.draw(st.integers(2, N))
    made = begun(suite, M, N, data.draw(st.integers()))
    shares = {}
    for index in made.polynomials:
        sent = {dealer: share_for(suite, one, index) for dealer, one in made.polynomials.items()}
        for dealer, share in sent.items():
            check_round_one(suite, dealer, M, made.published[dealer])
            check_share(suite, dealer, made.published[dealer], index, share)
        shares[index] = finish(suite, list(sent.values()))
    holders = People(suite, group_commitments(suite, made.published), shares)
    group = suite.group
    whole = sum(one.coefficients[0] for one in made.polynomials.values()) % group.order
    assert group.encode(group.multiply_base(whole)) == holders.key
    for index, share in shares.items():
        assert group.equal(holders.verification_share(index), group.multiply_base(share))
    order = data.draw(st.permutations(range(1, N + 1)))
    key = suite.verify_by(holders.key)
    key.verify(holders.sign(order[:M], b"message"), b"message")
    with pytest.raises(InvalidSignature):
        key.verify(holders.sign(order[: M - 1], b"message"), b"message")


def plus_one(suite: Suite, point: bytes) -> bytes:
    group = suite.group
    return group.encode(group.add(group.decode(point), group.generator))


@BOTH
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_commitment_names_its_maker(suite: Suite, place: int) -> None:
    """A changed constant has no proof; any other fits no share."""
    made = begun(suite, 3, 3)
    changed = list(made.published[2].commitments)
    changed[place] = plus_one(suite, changed[place])
    said = replace(made.published[2], commitments=tuple(changed))
    if place == 0:
        with pytest.raises(DealingError, match="round one of holder 2: it does not prove") as caught:
            check_round_one(suite, 2, 3, said)
        assert caught.value.culprits == (2,)
    else:
        check_round_one(suite, 2, 3, said)
    for index in (1, 2, 3):
        with pytest.raises(ShareError) as refusal:
            check_share(suite, 2, said, index, share_for(suite, made.polynomials[2], index))
        assert refusal.value.culprits == (2,)


@BOTH
def test_a_wrong_proof_names_its_maker(suite: Suite) -> None:
    group, made = suite.group, begun(suite, 2, 3)
    good = made.published[2]
    R, z = good.proof[: group.point_length], good.proof[group.point_length :]
    answer = group.decode_scalar(z)
    wrong_points = [WRONG_POINTS[ALGORITHMS[group.name]][kind] for kind in ("identity", "order 4", "mixed order")]
    for proof, what in (
        (R + group.encode_scalar((answer + 1) % group.order), "does not prove"),
        (R + group.encode_scalar(0), "does not prove"),
        (plus_one(suite, R) + z, "does not prove"),
        (begun(suite, 2, 3, "other").published[2].proof, "does not prove"),
        (R + (answer + group.order).to_bytes(group.scalar_length, "little"), "not below the order"),
        *((point + z, f"a point of {group.name}") for point in wrong_points),
        (b"", "another length"),
        (R, "another length"),
        (good.proof + b"\0", "another length"),
    ):
        with pytest.raises(DealingError, match=f"round one of holder 2: .*{what}") as caught:
            check_round_one(suite, 2, 2, replace(good, proof=proof))
        assert caught.value.culprits == (2,)


@BOTH
def test_commitments_that_are_no_points_or_of_another_number(suite: Suite) -> None:
    made = begun(suite, 2, 3)
    good = made.published[1]
    for count in (0, 1, 3):
        commitments = (*good.commitments, good.commitments[0])[:count]
        with pytest.raises(DealingError, match=f"commits to {count} coefficients, not 2") as caught:
            check_round_one(suite, 1, 2, replace(good, commitments=commitments))
        assert caught.value.culprits == (1,)
    for point in (*WRONG_POINTS[ALGORITHMS[suite.group.name]].values(), b"", good.commitments[0][:-1]):
        for commitments in ((point, good.commitments[1]), (good.commitments[0], point)):
            said = replace(good, commitments=commitments)
            with pytest.raises(DealingError, match=f"holder 1: a point of {suite.group.name}") as caught:
                check_round_one(suite, 1, 2, said)
            assert caught.value.culprits == (1,)
            with pytest.raises(ParameterError, match="a point of"):
                check_share(suite, 1, said, 2, 5)


@BOTH
def test_what_another_holder_said_is_no_proof_of_ones_own(suite: Suite) -> None:
    """The proof is for the index too."""
    made = begun(suite, 2, 3)
    check_round_one(suite, 1, 2, made.published[1])
    for index in (2, 3):
        with pytest.raises(DealingError, match="does not prove") as caught:
            check_round_one(suite, index, 2, made.published[1])
        assert caught.value.culprits == (index,)


@BOTH
def test_whoever_cancels_the_others_out_cannot_prove_that_it_knows_a_constant(suite: Suite) -> None:
    """The rogue key: commitments chosen last so that the key is the rogue's own."""
    group, made = suite.group, begun(suite, 2, 3)
    mine = made.published[3].commitments
    others = group.sum_of([1, 1], [group.decode(made.published[index].commitments[0]) for index in (1, 2)])
    constant = group.encode(group.add(group.decode(mine[0]), group.negate(others)))
    rogue = replace(made.published[3], commitments=(constant, mine[1]))
    assert group_commitments(suite, {**made.published, 3: rogue})[0] == mine[0]
    with pytest.raises(DealingError, match="does not prove") as caught:
        check_round_one(suite, 3, 2, rogue)
    assert caught.value.culprits == (3,)


@BOTH
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_a_wrong_value_names_its_maker(suite: Suite, data: st.DataObject) -> None:
    made, q = begun(suite, 2, 3), suite.group.order
    dealer, receiver = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    right = share_for(suite, made.polynomials[dealer], receiver)
    check_share(suite, dealer, made.published[dealer], receiver, right)
    edges = [0, (right + 1) % q, q - right, right + q, right - q, -1, q, 1 << 512]
    edges.append(share_for(suite, made.polynomials[dealer], receiver + 1))
    edges.append(share_for(suite, made.polynomials[dealer % 3 + 1], receiver))
    wrong = data.draw(st.sampled_from(edges) | st.integers(0, q - 1).filter(lambda value: value != right))
    with pytest.raises(ShareError, match=f"holder {dealer} sent to holder {receiver} does not lie") as caught:
        check_share(suite, dealer, made.published[dealer], receiver, wrong)
    assert caught.value.culprits == (dealer,)


@BOTH
def test_contributions_that_cancel_out(suite: Suite) -> None:
    """Two who work together can prove that they know opposite constants; the key would be nothing."""
    order = suite.group.order
    polynomials = {1: Polynomial((5, 6)), 2: Polynomial((order - 5, 7))}
    published = {index: round_one(suite, index, one, stream(index)) for index, one in polynomials.items()}
    for index, one in published.items():
        check_round_one(suite, index, 2, one)
    with pytest.raises(DealingError, match="cancel each other"):
        group_commitments(suite, published)


@BOTH
def test_a_polynomial_has_m_random_coefficients(suite: Suite) -> None:
    for M in (2, 5):
        coefficients = random_polynomial(suite, M, stream(3)).coefficients
        assert len(set(coefficients)) == M
        assert all(0 < one < suite.group.order for one in coefficients)
        assert coefficients != random_polynomial(suite, M, stream(4)).coefficients
    assert str(coefficients[0]) not in repr(random_polynomial(suite, 5, stream(3)))


@BOTH
def test_two_proofs_of_one_constant_share_no_nonce(suite: Suite) -> None:
    polynomial = random_polynomial(suite, 2, stream(5))
    first, second = (round_one(suite, 1, polynomial, stream(seed)) for seed in (6, 7))
    assert first.commitments == second.commitments
    length = suite.group.point_length
    assert first.proof[:length] != second.proof[:length]
    check_round_one(suite, 1, 2, first)
    check_round_one(suite, 1, 2, second)
