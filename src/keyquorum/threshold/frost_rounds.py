"""The two rounds of FROST (RFC 9591 sections 4 and 5), as functions of their arguments; randomness is one of them.

Identifiers are the holders' indices. Points come encoded and are checked as they are read (``maths.groups``). Refused:
a list of commitments that is not in ascending order of different identifiers, or that lacks those to the signer's own
nonces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyquorum.errors import ParameterError, WrongPartialError
from keyquorum.maths.groups import Group, Point
from keyquorum.maths.randomness import Rng
from keyquorum.threshold.frost_suite import NONCE_RANDOMNESS, Suite


@dataclass(frozen=True, slots=True)
class Nonces:
    """A holder's secret of round one: the hiding and the binding nonce. They answer once."""

    hiding: int = field(repr=False)
    binding: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What holder ``index`` publishes of round one: its nonces times the generator, encoded."""

    index: int
    hiding: bytes
    binding: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """What everybody computes in round two: binding factors, group commitment, challenge, and interpolation.

    ``points`` are each holder's hiding commitment plus binding factor times binding commitment.
    """

    binding_factors: Mapping[int, int]
    points: Mapping[int, Point] = field(repr=False)
    group_commitment: bytes
    challenge: int
    weights: Mapping[int, int]


def nonce_generate(suite: Suite, secret: int, randomness: bytes) -> int:
    """Give a nonce of 32 bytes of ``randomness`` and the share it will be used with (section 4.1)."""
    if len(randomness) != NONCE_RANDOMNESS:
        raise ParameterError(f"a nonce takes {NONCE_RANDOMNESS} bytes of randomness, not {len(randomness)}")
    return suite.nonce(randomness + suite.group.encode_scalar(secret))


def commit(suite: Suite, index: int, secret: int, rng: Rng) -> tuple[Nonces, Commitment]:
    """Do round one: two nonces, the hiding one first, and what is published of them (section 5.1)."""
    group = suite.group
    nonces = Nonces(*(nonce_generate(suite, secret, rng(NONCE_RANDOMNESS)) for _ in range(2)))
    hiding, binding = (group.encode(group.multiply_base(nonce)) for nonce in (nonces.hiding, nonces.binding))
    return nonces, Commitment(index, hiding, binding)


def derive_interpolating_value(group: Group, index: int, indices: Sequence[int], at: int = 0) -> int:
    """Give the Lagrange coefficient of ``index`` among ``indices`` for the value ``at`` a point (section 4.2)."""
    wrong = index not in indices or len(set(indices)) != len(indices)
    if wrong or min(indices) < 1 or max(indices) >= group.order:
        raise ParameterError("the identifiers are not different, positive, and the one asked for among them")
    numerator = denominator = 1
    for other in indices:
        if other != index:
            numerator = numerator * (at - other) % group.order
            denominator = denominator * (index - other) % group.order
    return numerator * pow(denominator, -1, group.order) % group.order


def encode_group_commitment_list(group: Group, commitments: Sequence[Commitment]) -> bytes:
    """Give the list of commitments as it is hashed (section 4.3)."""
    return b"".join(group.encode_scalar(one.index) + one.hiding + one.binding for one in commitments)


def binding_factor_inputs(
    suite: Suite, group_key: bytes, commitments: Sequence[Commitment], message: bytes
) -> dict[int, bytes]:
    """Give what each holder's binding factor is the hash of (section 4.4)."""
    encoded = encode_group_commitment_list(suite.group, commitments)
    prefix = group_key + suite.message(message) + suite.commitments(encoded)
    return {one.index: prefix + suite.group.encode_scalar(one.index) for one in commitments}


def compute_binding_factors(
    suite: Suite, group_key: bytes, commitments: Sequence[Commitment], message: bytes
) -> dict[int, int]:
    """Give each holder's binding factor (section 4.4)."""
    inputs = binding_factor_inputs(suite, group_key, commitments, message)
    return {index: suite.binding(data) for index, data in inputs.items()}


def compute_challenge(suite: Suite, group_commitment: bytes, group_key: bytes, message: bytes) -> int:
    """Give the challenge (section 4.6)."""
    return suite.challenge(group_commitment + group_key + message)


def begin(suite: Suite, group_key: bytes, commitments: Sequence[Commitment], message: bytes) -> Round:
    """Compute what round two is the same for everybody; raises ParameterError, with the culprit, for a wrong point."""
    group = suite.group
    indices = [one.index for one in commitments]
    if not indices or indices != sorted(set(indices)):
        raise ParameterError("the commitments do not stand in ascending order of different holders")
    factors = compute_binding_factors(suite, group_key, commitments, message)
    points = {}
    for one in commitments:
        try:
            hiding = group.decode(one.hiding)
            bound = group.multiply_encoded(factors[one.index], one.binding)
        except ParameterError as error:
            raise ParameterError(
                error.what, where=f"commitment of holder {one.index}", do=error.do, culprits=(one.index,)
            ) from None
        points[one.index] = group.add(hiding, bound)
    total = group.sum_of([1] * len(points), list(points.values()))
    commitment = group.encode(total)
    return Round(
        factors,
        points,
        commitment,
        compute_challenge(suite, commitment, group_key, message),
        {index: derive_interpolating_value(group, index, indices) for index in indices},
    )


def sign(suite: Suite, index: int, share: int, nonces: Nonces, common: Round) -> int:
    """Do round two: give holder ``index``'s signature share (section 5.2).

    Raises ParameterError for a list without the commitments to just these nonces, which a signer has to make sure of:
    hiding plus bound nonce, times the generator, is what everybody computed of what stands in the list.
    """
    group = suite.group
    if index not in common.weights:
        raise _stranger(index)
    bound = group.scalar_multiply(nonces.binding, common.binding_factors[index])
    nonce = group.scalar_add(nonces.hiding, bound)
    if not group.equal(group.multiply_base(nonce), common.points[index]):
        raise ParameterError(
            f"the commitments of holder {index} in the list are not those to the nonces kept for it",
            do="Have the request made with the commitments that you prepared last; ask where the others come from.",
        )
    public = common.weights[index] * common.challenge % group.order
    return group.scalar_add(nonce, group.scalar_multiply(public, share))


def verify_signature_share(suite: Suite, index: int, verification_share: Point, share: int, common: Round) -> None:
    """Check one signature share (section 5.4); raises WrongPartialError, which names the holder.

    Raises ParameterError for a holder who has no commitment in the list.
    """
    group = suite.group
    if index not in common.weights:
        raise _stranger(index)
    public = common.weights[index] * common.challenge % group.order
    expected = group.add(common.points[index], group.sum_of([public], [verification_share]))
    if not group.equal(group.multiply_base(share), expected):
        raise WrongPartialError(
            "the signature share does not verify", where=f"answer of holder {index}", culprits=(index,)
        )


def aggregate(suite: Suite, shares: Mapping[int, int], common: Round) -> bytes:
    """Give the signature of all shares (section 5.3); it is for the caller to verify it."""
    if shares.keys() != common.weights.keys():
        raise ParameterError("the signature shares are not those of the holders who committed")
    return common.group_commitment + suite.group.encode_scalar(sum(shares.values()) % suite.group.order)


def evaluate(group: Group, coefficients: Sequence[int], at: int) -> int:
    """Give the value at ``at`` of a secret polynomial (constant first)."""
    value = 0
    for coefficient in reversed(coefficients):
        value = group.scalar_add(group.scalar_multiply(value, at), coefficient)
    return value


def commit_to(group: Group, coefficients: Sequence[int]) -> tuple[bytes, ...]:
    """Give Feldman's commitments to a secret polynomial: each coefficient times the generator, encoded."""
    return tuple(group.encode(group.multiply_base(coefficient)) for coefficient in coefficients)


def verification_share(group: Group, commitments: Sequence[Point], index: int) -> Point:
    """Give the value at ``index`` of a committed polynomial, times the generator."""
    powers = [pow(index, power, group.order) for power in range(len(commitments))]
    return group.sum_of(powers, commitments)


def _stranger(index: int) -> ParameterError:
    return ParameterError(f"there is no commitment of holder {index} in the list")
