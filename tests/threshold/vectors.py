"""Reads vectors of FROST in the JSON shapes of RFC 9591's draft repository and of ZcashFoundation's frost."""

import json
from dataclasses import dataclass
from typing import Any

from keyquorum.threshold.frost_dkg import Polynomial, RoundOne
from keyquorum.threshold.frost_suite import ED448_SHAKE256, ED25519_SHA512, Suite
from tests.data import data

SUITES = {suite.name: suite for suite in (ED25519_SHA512, ED448_SHAKE256)}


@dataclass(frozen=True)
class Signing:
    """One run of the two rounds."""

    suite: Suite
    group_key: bytes
    message: bytes
    coefficients: tuple[int, ...]
    shares: dict[int, int]
    round_one: tuple[dict[str, Any], ...]
    round_two: dict[int, bytes]
    signature: bytes


@dataclass(frozen=True)
class Generation:
    """One run of distributed key generation."""

    suite: Suite
    threshold: int
    group_key: bytes
    polynomials: dict[int, Polynomial]
    round_one: dict[int, RoundOne]
    sent: dict[tuple[int, int], int]
    """By sender and receiver."""
    shares: dict[int, int]
    verification_shares: dict[int, bytes]


def signing(name: str) -> Signing:
    """Read a vector of RFC 9591's shape."""
    document = json.loads(data(f"vectors/{name}").read_text())
    suite = SUITES[document["config"]["name"]]
    scalar = suite.group.decode_scalar
    inputs = document["inputs"]
    secret = scalar(bytes.fromhex(inputs["group_secret_key"]))
    return Signing(
        suite,
        bytes.fromhex(inputs["group_public_key"]),
        bytes.fromhex(inputs["message"]),
        (secret, *(scalar(bytes.fromhex(one)) for one in inputs["share_polynomial_coefficients"])),
        {one["identifier"]: scalar(bytes.fromhex(one["participant_share"])) for one in inputs["participant_shares"]},
        tuple(document["round_one_outputs"]["outputs"]),
        {one["identifier"]: bytes.fromhex(one["sig_share"]) for one in document["round_two_outputs"]["outputs"]},
        bytes.fromhex(document["final_output"]["sig"]),
    )


def generation(name: str) -> Generation:
    """Read a vector of ZcashFoundation's shape; ``signing_shares[j]`` under i is what j sent to i."""
    document = json.loads(data(f"vectors/{name}").read_text())
    suite = SUITES[document["config"]["name"]]
    scalar = suite.group.decode_scalar
    inputs = document["inputs"]
    holders = {int(index): one for index, one in inputs.items() if index.isdecimal()}
    coefficients = ("signing_key", "coefficient")
    return Generation(
        suite,
        document["config"]["MIN_PARTICIPANTS"],
        bytes.fromhex(inputs["verifying_key"]),
        {i: Polynomial(tuple(scalar(bytes.fromhex(one[c])) for c in coefficients)) for i, one in holders.items()},
        {
            i: RoundOne(
                tuple(bytes.fromhex(point) for point in one["vss_commitments"]),
                bytes.fromhex(one["proof_of_knowledge"]),
            )
            for i, one in holders.items()
        },
        {
            (int(sender), receiver): scalar(bytes.fromhex(value))
            for receiver, one in holders.items()
            for sender, value in one["signing_shares"].items()
        },
        {i: scalar(bytes.fromhex(one["signing_share"])) for i, one in holders.items()},
        {i: bytes.fromhex(one["verifying_share"]) for i, one in holders.items()},
    )
