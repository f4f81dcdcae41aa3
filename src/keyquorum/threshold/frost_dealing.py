"""Dealing a FROST key, new or one that exists, and checking a share against Feldman's commitments.

The secret of an EdDSA key is the scalar that its seed is hashed to (RFC 8032 sections 5.1.5 and 5.2.5), modulo the
order; signatures by the quorum verify under the same public key. Refused: a private key that is not of the algorithm
asked for.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyquorum.errors import ParameterError, ShareError
from keyquorum.maths import constant_time
from keyquorum.maths.groups import random_scalar
from keyquorum.maths.randomness import Rng
from keyquorum.threshold.frost_key import FrostPublic, FrostShare, check_public, suite_of, verification_shares
from keyquorum.threshold.frost_rounds import commit_to, evaluate
from keyquorum.threshold.planned import index_of
from keyquorum.threshold.quorum_plan import make_plan
from keyquorum.threshold.seam import Plan, PrivateKey


def deal(key: PrivateKey | None, plan: Plan, rng: Rng) -> tuple[FrostPublic, tuple[FrostShare, ...]]:
    """Make a new key (``key`` None) or share an existing one; raises ParameterError for what is refused."""
    group = suite_of(plan.algorithm).group
    if plan.bits:
        raise ParameterError(f"a key of {group.name} has one size only", do="Leave out --bits.")
    quorums = make_plan(plan.threshold, plan.holders, plan.answers)
    secret = random_scalar(group, rng) if key is None else secret_scalar(key, plan.algorithm)
    coefficients = (secret, *(random_scalar(group, rng) for _ in range(plan.threshold - 1)))
    public = FrostPublic(
        plan.algorithm,
        plan.threshold,
        plan.holders,
        quorums.answers,
        quorums.quorums,
        commit_to(group, coefficients),
    )
    shares = [FrostShare(index, evaluate(group, coefficients, index)) for index in range(1, plan.holders + 1)]
    return public, tuple(shares)


def check_share(public: FrostPublic, index: int, share: FrostShare) -> None:
    """Check, as holder ``index``, that ``share`` lies on the committed polynomial; raises ShareError."""
    check_public(public)
    index_of(public, index)
    if share.index != index:
        raise _not_mine(index, f"it is the share of holder {share.index}")
    group = suite_of(public.algorithm).group
    if not 0 < share.value < group.order:
        raise _not_mine(index, "its size is not one that a dealer may choose")
    if not group.equal(group.multiply_base(share.value), verification_shares(public)[index - 1]):
        raise _not_mine(index, "it does not lie on the polynomial that was committed to")


def secret_scalar(key: PrivateKey, algorithm: int) -> int:
    """Give the secret scalar of an EdDSA private key, reduced; raises ParameterError for another kind of key."""
    group = suite_of(algorithm).group
    if isinstance(key, Ed25519PrivateKey) and group.name == "Ed25519":
        head = bytearray(hashlib.sha512(key.private_bytes_raw()).digest()[:32])
        head[0] &= 0xF8
        head[31] = head[31] & 0x7F | 0x40
    elif isinstance(key, Ed448PrivateKey) and group.name == "Ed448":
        head = bytearray(hashlib.shake_256(key.private_bytes_raw()).digest(114)[:57])
        head[0] &= 0xFC
        head[55] |= 0x80
        head[56] = 0
    else:
        raise ParameterError(
            f"the key is not an {group.name} private key", do=f"Give an {group.name} key, or choose its own algorithm."
        )
    scalar = constant_time.reduce(bytes(head), group.order)
    if group.encode(group.multiply_base(scalar)) != key.public_key().public_bytes_raw():
        raise ParameterError("the private key does not lead to its public key")
    return scalar


def _not_mine(index: int, what: str) -> ShareError:
    return ShareError(
        what, where=f"share of holder {index}", do="Do not accept it; ask the dealer for a share that checks."
    )
