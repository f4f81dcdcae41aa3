"""A FROST key with its holders, dealt by the functions of the two rounds alone; all randomness is seeded. For tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from keyquorum.maths.groups import Point, random_scalar
from keyquorum.threshold.frost_rounds import (
    Commitment,
    Nonces,
    Round,
    aggregate,
    begin,
    commit,
    commit_to,
    evaluate,
    sign,
    verification_share,
)
from keyquorum.threshold.frost_suite import Suite
from tests.maths.streams import stream


@dataclass(frozen=True)
class People:
    """N holders of which any M sign; ``shares`` by index."""

    suite: Suite
    commitments: tuple[bytes, ...]
    shares: Mapping[int, int]

    @property
    def key(self) -> bytes:
        return self.commitments[0]

    def verification_share(self, index: int) -> Point:
        group = self.suite.group
        return verification_share(group, [group.decode(one) for one in self.commitments], index)

    def round_one(self, signers: Iterable[int], seed: object = 0) -> tuple[dict[int, Nonces], list[Commitment]]:
        nonces, commitments = {}, []
        for index in sorted(signers):
            nonces[index], commitment = commit(self.suite, index, self.shares[index], stream(("nonce", seed, index)))
            commitments.append(commitment)
        return nonces, commitments

    def signing(self, signers: Iterable[int], message: bytes, seed: object = 0) -> tuple[Round, dict[int, int]]:
        """Give what everybody computes, and everybody's honest signature share."""
        nonces, commitments = self.round_one(signers, seed)
        common = begin(self.suite, self.key, commitments, message)
        return common, {
            index: sign(self.suite, index, self.shares[index], one, common) for index, one in nonces.items()
        }

    def sign(self, signers: Iterable[int], message: bytes, seed: object = 0) -> bytes:
        common, shares = self.signing(signers, message, seed)
        return aggregate(self.suite, shares, common)


@cache
def people(suite: Suite, threshold: int, holders: int, seed: object = 0) -> People:
    """Deal a key."""
    group, rng = suite.group, stream((suite.name, threshold, holders, seed))
    coefficients = [random_scalar(group, rng) for _ in range(threshold)]
    shares = {index: evaluate(group, coefficients, index) for index in range(1, holders + 1)}
    return People(suite, commit_to(group, coefficients), shares)
