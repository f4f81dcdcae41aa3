"""Bundles of a period: the root's real quarters, and what does not fit."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.dnssec.calendar import Calendar, months_later, quarter_name
from keyquorum.dnssec.icann import read_ksr, read_skr
from keyquorum.errors import RefusedError
from tests.data import data

DAY = 86400
ROOT = Calendar(9, 9 * DAY, 11 * DAY, 21 * DAY)


def moment(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def test_the_roots_real_quarters() -> None:
    """A quarter of 91 days, and one of 90, whose last bundle comes a day early."""
    request = read_ksr(data("ksr/ksr-root-2017-q2-0.xml").read_bytes())
    asked = tuple((bundle.inception, bundle.expiration) for bundle in request.bundles)
    assert ROOT.bundles(moment(2017, 4), moment(2017, 7)) == asked
    before = read_skr(data("ksr/skr-root-2017-q1-0.xml").read_bytes())
    given_ = tuple((bundle.inception, bundle.expiration) for bundle in before.bundles)
    assert ROOT.bundles(moment(2017, 1), moment(2017, 4)) == given_


@given(st.integers(0, 4 * 130))
def test_every_quarter_is_filled_as_the_root_demands(number: int) -> None:
    start = months_later(0, 3 * number)
    end = months_later(start, 3)
    bundles = ROOT.bundles(start, end)
    starts = [begin for begin, _ in bundles]
    steps = [later - earlier for earlier, later in pairwise(starts)]
    assert starts[0] == start
    assert steps[:7] == [10 * DAY] * 7
    assert 9 * DAY <= steps[7] <= 11 * DAY
    assert end - starts[-1] == 11 * DAY
    assert 79 * DAY <= starts[-1] - starts[0] <= 81 * DAY
    assert all(expiration - inception == 21 * DAY for inception, expiration in bundles)


@pytest.mark.parametrize(
    ("calendar", "days", "told"),
    [
        (ROOT, 87, "9 bundles of P9D to P11D do not fill P87D"),
        (ROOT, 93, "9 bundles of P9D to P11D do not fill P93D"),
        (ROOT, -1, "do not fill PT0S"),
        (Calendar(1, 0, 10 * DAY, 20 * DAY), 11, "1 bundles of PT0S to P10D do not fill P11D"),
        (Calendar(9, 9 * DAY, 11 * DAY, 11 * DAY - 1), 90, "signatures of P10DT23H59M59S end before a bundle of P11D"),
    ],
)
def test_what_does_not_fit(calendar: Calendar, days: int, told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        calendar.bundles(moment(2027, 1), moment(2027, 1) + days * DAY)
    assert told in str(caught.value)


def test_other_calendars() -> None:
    start = moment(2027, 1)
    lasts = {days: days - (ROOT.bundles(start, start + days * DAY)[-1][0] - start) // DAY for days in range(88, 93)}
    assert lasts == {88: 9, 89: 10, 90: 11, 91: 11, 92: 11}
    assert Calendar(1, 0, 10 * DAY, 20 * DAY).bundles(start, start + 10 * DAY) == ((start, start + 20 * DAY),)
    with pytest.raises(RefusedError, match="do not fill P9DT23H"):
        Calendar(1, 10 * DAY, 10 * DAY, 20 * DAY).bundles(start, start + 10 * DAY - 3600)
    weekly = Calendar(4, 7 * DAY, 7 * DAY, 7 * DAY)
    assert [begin - start for begin, _ in weekly.bundles(start, start + 28 * DAY)] == [0, 7 * DAY, 14 * DAY, 21 * DAY]


def test_the_end_of_time() -> None:
    with pytest.raises(RefusedError, match="outside 32-bit time"):
        ROOT.bundles(moment(2105, 11), moment(2106, 2))
    with pytest.raises(RefusedError, match="outside 32-bit time"):
        months_later(moment(2106, 1), 3)


def test_the_last_second_there_is() -> None:
    one = Calendar(1, 1, 10, 20)
    assert one.bundles(2**32 - 21, 2**32 - 11) == ((2**32 - 21, 2**32 - 1),)
    with pytest.raises(RefusedError, match="outside 32-bit time"):
        one.bundles(2**32 - 20, 2**32 - 10)
    end = 2**32 - 31 * DAY  # January has 31 days
    assert months_later(end - 1, 1) == 2**32 - 1
    with pytest.raises(RefusedError, match="outside 32-bit time"):
        months_later(end, 1)


def test_months_later() -> None:
    assert months_later(moment(2027, 11, 28), 3) == moment(2028, 2, 28)
    assert months_later(moment(2027, 1) + 3601, 12) == moment(2028, 1) + 3601
    assert months_later(moment(2027, 12), 1) == moment(2028, 1)
    assert months_later(moment(2027, 10), 2) == moment(2027, 12)
    with pytest.raises(RefusedError, match="there is no day 30 3 months later"):
        months_later(moment(2026, 11, 30), 3)


def test_names_of_quarters() -> None:
    assert [quarter_name(moment(2027, month)) for month in (1, 3, 4, 6, 7, 9, 10, 12)] == [
        "2027 Q1", "2027 Q1", "2027 Q2", "2027 Q2", "2027 Q3", "2027 Q3", "2027 Q4", "2027 Q4",
    ]  # fmt: skip
