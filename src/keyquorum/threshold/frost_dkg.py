"""Distributed key generation for FROST: everybody deals, nobody ever has the key. Functions of their arguments.

Pedersen's protocol with proofs of possession, as Komlo and Goldberg (FROST, SAC 2020, figure 1) and ZcashFoundation's
frost have it, whose bytes these are: in round one each holder commits to a polynomial of its own and proves that it
knows the constant term; in round two it gives each other holder the value at that holder's index. A holder's share is
the sum of what it got, the key the sum of the constant terms.

Refused, and the culprit named: commitments that are no points or too few, a proof that does not hold, a value that does
not lie on the committed polynomial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyquorum.errors import DealingError, MalformedError, ParameterError, ShareError
from keyquorum.maths.groups import Group, Point, random_scalar
from keyquorum.maths.randomness import Rng
from keyquorum.threshold.frost_rounds import commit_to, evaluate, verification_share
from keyquorum.threshold.frost_suite import Suite


@dataclass(frozen=True, slots=True)
class RoundOne:
    """What a holder publishes in round one: commitments (M points, encoded), and the proof: a point and a scalar."""

    commitments: tuple[bytes, ...]
    proof: bytes


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A holder's secret of round one: the coefficients, constant first."""

    coefficients: tuple[int, ...] = field(repr=False)


def random_polynomial(suite: Suite, threshold: int, rng: Rng) -> Polynomial:
    """Give a random polynomial of degree M-1."""
    return Polynomial(tuple(random_scalar(suite.group, rng) for _ in range(threshold)))


def round_one(suite: Suite, index: int, polynomial: Polynomial, rng: Rng) -> RoundOne:
    """Do round one for holder ``index``: commit, and prove knowledge of the constant term; one nonce of ``rng``."""
    group = suite.group
    commitments = commit_to(group, polynomial.coefficients)
    nonce = random_scalar(group, rng)
    R = group.encode(group.multiply_base(nonce))
    challenge = _challenge(suite, index, commitments[0], R)
    answer = group.scalar_add(nonce, group.scalar_multiply(challenge, polynomial.coefficients[0]))
    return RoundOne(commitments, R + group.encode_scalar(answer))


def check_round_one(suite: Suite, index: int, threshold: int, published: RoundOne) -> None:
    """Check what holder ``index`` published; raises DealingError, which names it."""
    group = suite.group
    if len(published.commitments) != threshold:
        raise _wrong(index, f"it commits to {len(published.commitments)} coefficients, not {threshold}")
    if len(published.proof) != group.point_length + group.scalar_length:
        raise _wrong(index, "its proof has another length")
    R = published.proof[: group.point_length]
    try:
        points = [group.decode(one) for one in published.commitments]
        nonce, answer = group.decode(R), group.decode_scalar(published.proof[group.point_length :])
    except (MalformedError, ParameterError) as error:
        raise _wrong(index, error.what) from None
    challenge = _challenge(suite, index, published.commitments[0], R)
    if not group.equal(group.multiply_base(answer), group.add(nonce, group.sum_of([challenge], points[:1]))):
        raise _wrong(index, "it does not prove that it knows its secret")


def share_for(suite: Suite, polynomial: Polynomial, index: int) -> int:
    """Give the value for holder ``index``: what is sent to it, and to nobody else, in round two."""
    return evaluate(suite.group, polynomial.coefficients, index)


def check_share(suite: Suite, dealer: int, published: RoundOne, index: int, share: int) -> None:
    """Check what holder ``dealer`` sent to holder ``index``; raises ShareError, which names the dealer."""
    group = suite.group
    expected = verification_share(group, decoded(group, published.commitments), index)
    if not 0 <= share < group.order or not group.equal(group.multiply_base(share), expected):
        raise ShareError(
            f"what holder {dealer} sent to holder {index} does not lie on the polynomial it committed to",
            where=f"holder {dealer}",
            do="Give the complaint to everybody; start anew without this holder.",
            culprits=(dealer,),
        )


def finish(suite: Suite, shares: Sequence[int]) -> int:
    """Give a holder's share of the key: the sum of all that was sent to it, its own value included."""
    total = 0
    for share in shares:
        total = suite.group.scalar_add(total, share)
    return total


def group_commitments(suite: Suite, published: Mapping[int, RoundOne]) -> tuple[bytes, ...]:
    """Give the commitments to the sum of all polynomials, of which the first is the public key.

    Raises DealingError where they come to nothing, which nobody achieves by accident.
    """
    group = suite.group
    columns = zip(*(decoded(group, one.commitments) for one in published.values()), strict=True)
    sums: list[Point] = [group.sum_of([1] * len(column), column) for column in columns]
    if any(group.is_identity(point) for point in sums):
        raise DealingError("the commitments of all holders cancel each other", do="Start anew.")
    return tuple(group.encode(point) for point in sums)


def decoded(group: Group, commitments: Sequence[bytes]) -> list[Point]:
    """Read commitments; raises ParameterError for what is no point."""
    return [group.decode(one) for one in commitments]


def _challenge(suite: Suite, index: int, commitment: bytes, R: bytes) -> int:
    return suite.dkg(suite.group.encode_scalar(index) + commitment + R)


def _wrong(index: int, what: str) -> DealingError:
    return DealingError(
        what,
        where=f"round one of holder {index}",
        do="Start anew without this holder, or have it done again.",
        culprits=(index,),
    )
