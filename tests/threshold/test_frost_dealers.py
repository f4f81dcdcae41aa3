"""A dealer of a FROST key who lies, in every way we know: anybody finds out, or the holder whose share it is."""

from dataclasses import replace

import pytest

from keyquorum.errors import DealingError, ParameterError, ShareError
from keyquorum.threshold.frost import FrostScheme
from keyquorum.threshold.frost_key import FrostPublic, FrostShare, suite_of
from keyquorum.threshold.frost_rounds import commit_to, evaluate
from tests.threshold.cases import dealt_by
from tests.threshold.points import WRONG_POINTS

each = pytest.mark.parametrize("algorithm", [15, 16], ids=["ed25519", "ed448"])
VICTIM = 2


def frost(algorithm: int, M: int = 3, N: int = 5) -> tuple[FrostScheme, FrostPublic, tuple[FrostShare, ...]]:
    dealt = dealt_by(algorithm, M, N)
    return FrostScheme(), dealt.public, dealt.shares


def refuse_share(scheme: FrostScheme, public: FrostPublic, index: int, share: FrostShare, match: str) -> None:
    with pytest.raises(ShareError, match=match) as caught:
        scheme.check_share(public, index, share)
    assert f"holder {index}" in str(caught.value)


@each
@pytest.mark.parametrize("place", [0, 1, 2])
def test_commitments_to_another_polynomial_fit_nobodys_share(algorithm: int, place: int) -> None:
    scheme, public, shares = frost(algorithm)
    group = suite_of(algorithm).group
    commitments = list(public.commitments)
    commitments[place] = group.encode(group.add(group.decode(commitments[place]), group.generator))
    lying = replace(public, commitments=tuple(commitments))
    scheme.check_dealing(lying)  # what is committed to is a polynomial; only shares can tell
    for index, share in enumerate(shares, 1):
        refuse_share(scheme, lying, index, share, "does not lie")


@each
@pytest.mark.parametrize("change", [1, -1, 1 << 200])
def test_one_wrong_share_is_found_by_its_holder_alone(algorithm: int, change: int) -> None:
    scheme, public, shares = frost(algorithm)
    order = suite_of(algorithm).group.order
    for index, share in enumerate(shares, 1):
        scheme.check_share(public, index, share)
    refuse_share(scheme, public, VICTIM, FrostShare(VICTIM, (shares[VICTIM - 1].value + change) % order), "not lie")


@each
def test_shares_of_a_size_that_none_has_or_of_another_holder(algorithm: int) -> None:
    scheme, public, shares = frost(algorithm)
    order, mine = suite_of(algorithm).group.order, shares[VICTIM - 1].value
    for value in (0, order, mine + order, mine - order, -mine):
        refuse_share(scheme, public, VICTIM, FrostShare(VICTIM, value), "size")
    refuse_share(scheme, public, VICTIM, shares[0], "share of holder 1")
    refuse_share(scheme, public, VICTIM, FrostShare(VICTIM, shares[0].value), "not lie")


@each
def test_commitments_of_another_number(algorithm: int) -> None:
    """One more lets M holders be one too few; one less lets fewer than M have the key."""
    scheme, public, _ = frost(algorithm)
    for commitments in ((), public.commitments[:2], (*public.commitments, public.group_key)):
        with pytest.raises((DealingError, ParameterError)):
            scheme.check_dealing(replace(public, commitments=commitments))


@each
@pytest.mark.parametrize("place", [0, 2])
def test_commitments_that_are_no_points(algorithm: int, place: int) -> None:
    scheme, public, _ = frost(algorithm)
    for point in (*WRONG_POINTS[algorithm].values(), b"", public.group_key[:-1]):
        commitments = list(public.commitments)
        commitments[place] = point
        with pytest.raises(ParameterError, match="a point of"):
            scheme.check_dealing(replace(public, commitments=tuple(commitments)))


@each
def test_a_polynomial_that_is_zero_for_a_holder(algorithm: int) -> None:
    scheme, public, _ = frost(algorithm)
    group = suite_of(algorithm).group
    coefficients = [5 * VICTIM, group.order - 5 - VICTIM, 1]  # (X - 5) (X - VICTIM)
    assert evaluate(group, coefficients, VICTIM) == 0
    with pytest.raises(DealingError, match=f"holder {VICTIM} is nothing"):
        scheme.check_dealing(replace(public, commitments=commit_to(group, coefficients)))


@pytest.mark.parametrize("algorithm", [13, 15])
def test_a_plan_that_does_not_cover(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 3, 5)
    quorums = dealt.public.quorums
    for wrong in ((), quorums[1:], quorums[::-1], (*quorums, quorums[-1]), (*quorums[:-1], (1, 2, 6))):
        with pytest.raises(DealingError, match="plan"):
            dealt.scheme.check_dealing(replace(dealt.public, quorums=wrong))
    for changes in ({"threshold": 1}, {"threshold": 6}, {"answers": 2}, {"answers": 6}, {"holders": 6}):
        with pytest.raises((DealingError, ParameterError)):
            dealt.scheme.check_dealing(replace(dealt.public, **changes))
