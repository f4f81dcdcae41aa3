"""RFC 9591's vectors and ZcashFoundation's for key generation, bit for bit, through public functions."""

from functools import partial

import pytest

from keyquorum.threshold.frost_dkg import check_round_one, check_share, finish, group_commitments, share_for
from keyquorum.threshold.frost_rounds import (
    aggregate,
    begin,
    binding_factor_inputs,
    commit,
    commit_to,
    evaluate,
    sign,
    verification_share,
    verify_signature_share,
)
from tests.threshold.vectors import generation, signing


def next_of(drawn: list[bytes], length: int) -> bytes:
    assert len(drawn[0]) == length
    return drawn.pop(0)


@pytest.mark.parametrize("name", ["rfc9591-frost-ed25519-sha512.json", "rfc9591-frost-ed448-shake256.json"])
def test_two_rounds(name: str) -> None:
    vector = signing(name)
    suite, group = vector.suite, vector.suite.group
    assert commit_to(group, vector.coefficients)[0] == vector.group_key
    for index, share in vector.shares.items():
        assert evaluate(group, vector.coefficients, index) == share
    nonces, commitments = {}, []
    for output in vector.round_one:
        drawn = [bytes.fromhex(output[f"{kind}_nonce_randomness"]) for kind in ("hiding", "binding")]
        index = output["identifier"]
        nonces[index], commitment = commit(suite, index, vector.shares[index], partial(next_of, drawn))
        for kind in ("hiding", "binding"):
            assert group.encode_scalar(getattr(nonces[index], kind)).hex() == output[f"{kind}_nonce"]
            assert getattr(commitment, kind).hex() == output[f"{kind}_nonce_commitment"]
        commitments.append(commitment)
    inputs = binding_factor_inputs(suite, vector.group_key, commitments, vector.message)
    common = begin(suite, vector.group_key, commitments, vector.message)
    for output in vector.round_one:
        assert inputs[output["identifier"]].hex() == output["binding_factor_input"]
        factor = common.binding_factors[output["identifier"]]
        assert group.encode_scalar(factor).hex() == output["binding_factor"]
    shares = {index: sign(suite, index, vector.shares[index], one, common) for index, one in nonces.items()}
    assert {index: group.encode_scalar(share) for index, share in shares.items()} == vector.round_two
    for index, share in shares.items():
        verify_signature_share(suite, index, group.multiply_base(vector.shares[index]), share, common)
    assert aggregate(suite, shares, common) == vector.signature
    suite.verify(vector.group_key, vector.message, vector.signature)


@pytest.mark.parametrize("name", ["zf-frost-ed25519-dkg.json"])
def test_distributed_key_generation(name: str) -> None:
    vector = generation(name)
    suite, group = vector.suite, vector.suite.group
    for index, published in vector.round_one.items():
        check_round_one(suite, index, vector.threshold, published)
        assert commit_to(group, vector.polynomials[index].coefficients) == published.commitments
    for (sender, receiver), value in vector.sent.items():
        assert share_for(suite, vector.polynomials[sender], receiver) == value
        check_share(suite, sender, vector.round_one[sender], receiver, value)
    key = group_commitments(suite, vector.round_one)
    assert key[0] == vector.group_key
    undivided = finish(suite, [one.coefficients[0] for one in vector.polynomials.values()])
    assert group.encode(group.multiply_base(undivided)) == vector.group_key
    points = [group.decode(one) for one in key]
    for index, share in vector.shares.items():
        got = [value for (_, receiver), value in vector.sent.items() if receiver == index]
        own = share_for(suite, vector.polynomials[index], index)
        assert finish(suite, [*got, own]) == share
        assert group.encode(verification_share(group, points, index)) == vector.verification_shares[index]
        assert group.encode(group.multiply_base(share)) == vector.verification_shares[index]
