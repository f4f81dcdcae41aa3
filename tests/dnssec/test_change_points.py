"""From change points to bundles: as BIND and Knot do it, to the second; and that nothing of the period is left out."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.dnssec import bind_text, knot_text
from keyquorum.dnssec.change_points import BUNDLE_LIMIT, ChangePoint, bundles_of
from keyquorum.dnssec.model import PublishedKey, SigningTimes
from keyquorum.errors import LimitError, MalformedError
from tests.dnssec.keys import pair

DAY = 86400
KEYS = tuple(PublishedKey(pair(13, 256, number).key, 3600) for number in range(3))


def points(*moments: int) -> list[ChangePoint]:
    return [ChangePoint(at, (KEYS[place % 3],)) for place, at in enumerate(moments)]


def moment(text: str) -> int:
    return int(datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())


# What BIND 9.20.23 (dnssec-ksr sign, its default policy, -e 20270225013902) and Knot 3.2.6 (keymgr sign-ksr, a refresh
# of two hours) made of these change points.
BIND_POINTS = ["20261127013902", "20261226233402", "20270106024402", "20270125233402", "20270205024402"]
BIND_BUNDLES = """20261127013902 20261206013902 20261215013902 20261224013902 20261226233402 20270104233402
    20270106024402 20270115024402 20270124024402 20270125233402 20270203233402
    20270205024402 20270214024402 20270223024402""".split()
KNOT_POINTS = [1795743564, 1798335563, 1798339163, 1798342763, 1800931163, 1800934763, 1800938363, 1803519564]
KNOT_BUNDLES = [
    1795743564, 1796945964, 1798148364, 1798335563, 1798339163, 1798342763, 1799545163, 1800747563, 1800931163,
    1800934763, 1800938363, 1802140763, 1803343163, 1803519564,
]  # fmt: skip


def test_as_bind_does() -> None:
    times = SigningTimes(14 * DAY, 5 * DAY, 3600, until=moment("20270225013902"))
    made = bundles_of(points(*map(moment, BIND_POINTS)), times)
    assert [one.id for one in made] == BIND_BUNDLES
    first = made[0]
    assert (first.start, first.inception, first.expiration) == (
        moment("20261127013902"),
        moment("20261127003902"),
        moment("20261211013902"),
    )
    assert SigningTimes(14 * DAY, 5 * DAY, 3600) == bind_text.TIMES


def test_as_knot_does() -> None:
    made = bundles_of(points(*KNOT_POINTS), SigningTimes(14 * DAY, 7200, 5400))
    assert [one.start for one in made] == KNOT_BUNDLES
    assert (made[0].inception, made[0].expiration) == (moment("20261127000924"), moment("20261211013924"))
    assert (knot_text.TIMES.validity, knot_text.TIMES.inception_offset) == (14 * DAY, 5400)


def test_the_ends_of_a_span() -> None:
    def starts(until: int | None, *moments: int) -> list[int | None]:
        return [one.start for one in bundles_of(points(*moments), SigningTimes(20, 10, 0, until))]

    assert starts(None, 100) == [100]
    assert starts(109, 100) == [100]
    assert starts(110, 100) == [100, 110]
    assert starts(100, 100) == [100]
    # A change of keys at the moment at which signatures would be made anew takes its place.
    assert starts(None, 100, 110) == [100, 110]
    assert starts(None, 100, 111) == [100, 110, 111]
    assert [one.keys for one in bundles_of(points(100, 111), SigningTimes(20, 10, 0))] == [
        (KEYS[0],),
        (KEYS[0],),
        (KEYS[1],),
    ]


def test_refused() -> None:
    times = SigningTimes(20, 10, 0)
    for wrong, words in (
        ([], "without a change point"),
        (points(100, 100), "come after"),
        (points(100, 99), "1970-01-01 00:01:39 UTC come after those of 1970-01-01 00:01:40 UTC"),
    ):
        with pytest.raises(MalformedError, match=words):
            bundles_of(wrong, times)
    with pytest.raises(MalformedError, match="to end 1970-01-01 00:01:39 UTC, before the last change"):
        bundles_of(points(10, 100), SigningTimes(20, 10, 0, until=99))
    assert len(bundles_of(points(100), SigningTimes(20, 10, 0, until=100 + 10 * (BUNDLE_LIMIT - 1)))) == BUNDLE_LIMIT
    with pytest.raises(LimitError, match="more than 1000 bundles"):
        bundles_of(points(100), SigningTimes(20, 10, 0, until=100 + 10 * BUNDLE_LIMIT))
    with pytest.raises(LimitError):
        bundles_of(points(0), SigningTimes(2, 1, 0, until=2**32 - 1))
    with pytest.raises(MalformedError, match="outside 32-bit time"):
        bundles_of(points(100), SigningTimes(20, 10, 101))
    with pytest.raises(MalformedError, match="outside 32-bit time"):
        bundles_of(points(2**32 - 20), SigningTimes(20, 10, 0))


def test_times_that_make_no_sense() -> None:
    for wrong in ((10, 10, 0), (0, 0, 0), (2**32, 1, 0), (10, -1, 0), (10, 1, -1), (10, 1, 2**32)):
        with pytest.raises(MalformedError):
            SigningTimes(*wrong)
    with pytest.raises(MalformedError):
        SigningTimes(10, 1, 0, until=2**32)


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=6),
    st.integers(3, 100),
    st.integers(0, 100),
    st.integers(0, 50),
    st.integers(0, 200),
)
def test_every_moment_of_the_period_is_covered_by_its_own_keys(
    gaps: list[int], step: int, refresh: int, offset: int, rest: int
) -> None:
    moments = [1000 + sum(gaps[:place]) for place in range(len(gaps))]
    asked = points(*moments)
    until = moments[-1] + rest
    made = bundles_of(asked, SigningTimes(step + refresh, refresh, offset, until))
    assert [one.start for one in made] == sorted({one.start for one in made if one.start is not None})
    for earlier, later in pairwise(made):
        assert earlier.start is not None
        assert later.start is not None
        assert later.start - earlier.start <= step
        assert earlier.expiration - later.inception >= refresh + offset
    for now in range(1000, until + 1, 7):
        served = [one for one in made if (one.start or 0) <= now][-1]
        assert served.inception <= now < served.expiration
        assert served.keys == [one for one in asked if one.at <= now][-1].keys
    assert made[-1].expiration > until + refresh
