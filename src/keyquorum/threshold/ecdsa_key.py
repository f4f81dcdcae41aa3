"""What an ECDSA key in the custody of a quorum is made of: the public point, the plan, and no long-term share.

All that holders have is in presignatures (``ecdsa_presigning``): additive shares of 1/k and of x/k, for one quorum and
one slot each. Refused: a point that is not on the curve, a plan that does not cover.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keyquorum.errors import ParameterError, SignatureError
from keyquorum.maths.groups import Point
from keyquorum.maths.weierstrass import P256, P384, Weierstrass
from keyquorum.threshold.one_time import Quorum
from keyquorum.threshold.quorum_plan import QuorumPlan, check_plan

SCHEME = "ecdsa"


@dataclass(frozen=True, slots=True)
class Suite:
    """One algorithm of RFC 6605: the group, the hash that goes with it, and the library's names for both."""

    group: Weierstrass
    hash: Callable[[bytes], Any]
    curve: ec.EllipticCurve
    judge: hashes.HashAlgorithm

    def digest(self, message: bytes) -> bytes:
        """Hash a message; the digest is as long as the order of the group."""
        digest: bytes = self.hash(message).digest()
        return digest

    def verify(self, point: bytes, message: bytes, signature: bytes) -> None:
        """Verify r || s (RFC 6605 section 4) by ``cryptography``; raises SignatureError."""
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        key = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, point)
        try:
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(self.judge))
        except InvalidSignature:
            raise SignatureError("the signature does not verify") from None


SUITES: MappingProxyType[int, Suite] = MappingProxyType(
    {
        13: Suite(P256, hashlib.sha256, ec.SECP256R1(), hashes.SHA256()),
        14: Suite(P384, hashlib.sha384, ec.SECP384R1(), hashes.SHA384()),
    }
)
"""DNSSEC algorithm (RFC 6605) -> curve and hash."""


@dataclass(frozen=True, slots=True)
class EcdsaPublic:
    """The public part of a key: ``point`` is X, compressed. ``quorums`` are those of the plan.

    Any ``answers`` holders complete one of them.
    """

    algorithm: int
    threshold: int
    holders: int
    answers: int
    quorums: tuple[Quorum, ...]
    point: bytes

    @property
    def plan(self) -> QuorumPlan:
        """The plan of quorums."""
        return QuorumPlan(self.threshold, self.holders, self.answers, self.quorums)


@dataclass(frozen=True, slots=True)
class EcdsaShare:
    """One holder's part in the key itself: nothing but its index, since all secrets are in presignatures."""

    index: int


def suite_of(algorithm: int) -> Suite:
    """Give the suite of a DNSSEC algorithm; raises ParameterError for one that is not ECDSA."""
    try:
        return SUITES[algorithm]
    except KeyError:
        raise ParameterError(f"DNSSEC algorithm {algorithm} is not ECDSA with P-256 (13) or P-384 (14)") from None


@lru_cache(maxsize=64)
def check_public(public: EcdsaPublic) -> None:
    """Check all of a public part that anybody can check; raises ParameterError or DealingError."""
    key_point(public)
    check_plan(public.plan)


@lru_cache(maxsize=64)
def key_point(public: EcdsaPublic) -> Point:
    """Give X; raises ParameterError for a point that is none."""
    return suite_of(public.algorithm).group.decode(public.point)
