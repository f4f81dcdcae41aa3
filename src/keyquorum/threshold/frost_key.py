"""What a FROST key is made of: the public part, a share, and the two suites with their DNSSEC algorithms.

Refused: points that are not canonical, on the curve, in the group of prime order and different from the identity; a
plan that does not cover, as ``quorum_plan.check_plan`` says.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from keyquorum.errors import DealingError, ParameterError
from keyquorum.maths.groups import Group, Point
from keyquorum.threshold.frost_rounds import verification_share
from keyquorum.threshold.frost_suite import ED448_SHAKE256, ED25519_SHA512, Suite
from keyquorum.threshold.one_time import Quorum
from keyquorum.threshold.quorum_plan import QuorumPlan, check_plan

SCHEME = "frost"
SUITES: MappingProxyType[int, Suite] = MappingProxyType({15: ED25519_SHA512, 16: ED448_SHAKE256})
"""DNSSEC algorithm (RFC 8080) -> ciphersuite of RFC 9591."""


@dataclass(frozen=True, slots=True)
class FrostPublic:
    """The public part of a key: ``commitments`` to the coefficients of the dealer's polynomial (M points, encoded).

    The first of them is the public key. ``quorums`` are those of the plan, of which any ``answers`` holders complete
    one.
    """

    algorithm: int
    threshold: int
    holders: int
    answers: int
    quorums: tuple[Quorum, ...]
    commitments: tuple[bytes, ...]

    @property
    def plan(self) -> QuorumPlan:
        """The plan of quorums."""
        return QuorumPlan(self.threshold, self.holders, self.answers, self.quorums)

    @property
    def group_key(self) -> bytes:
        """The public key, encoded (RFC 8032)."""
        return self.commitments[0]


@dataclass(frozen=True, slots=True)
class FrostShare:
    """One holder's secret: a scalar."""

    index: int
    value: int = field(repr=False)


def suite_of(algorithm: int) -> Suite:
    """Give the suite of a DNSSEC algorithm; raises ParameterError for one that is not EdDSA."""
    try:
        return SUITES[algorithm]
    except KeyError:
        raise ParameterError(f"DNSSEC algorithm {algorithm} is not Ed25519 (15) or Ed448 (16)") from None


@lru_cache(maxsize=64)
def check_public(public: FrostPublic) -> None:
    """Check all of a public part that anybody can check; raises ParameterError or DealingError."""
    group = suite_of(public.algorithm).group
    check_plan(public.plan)
    if len(public.commitments) != public.threshold:
        raise DealingError(
            f"there are {len(public.commitments)} commitments, where the threshold is {public.threshold}",
            where="key record",
            do="Do not accept it; ask the dealer to deal again.",
        )
    for index in range(1, public.holders + 1):
        if group.is_identity(verification_shares(public)[index - 1]):
            raise DealingError(
                f"the share of holder {index} is nothing", where="key record", do="Ask the dealer to deal again."
            )


@lru_cache(maxsize=64)
def verification_shares(public: FrostPublic) -> tuple[Point, ...]:
    """Give each holder's share times the generator, by index; raises ParameterError for points that are none."""
    group: Group = suite_of(public.algorithm).group
    points = [group.decode(data) for data in public.commitments]
    return tuple(verification_share(group, points, index) for index in range(1, public.holders + 1))
