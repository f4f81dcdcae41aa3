import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.dnssec.times import (
    format_duration,
    format_time,
    format_time_for_people,
    format_time_of_rrsig,
    parse_duration,
    parse_time,
)
from keyquorum.errors import MalformedError
from tests.dnssec.ours import only_ours
from tests.dnssec.strategies import seconds

APRIL = calendar.timegm((2017, 4, 1, 0, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "2017-04-01T00:00:00",
        "2017-04-01T00:00:00Z",
        "2017-04-01T00:00:00+00:00",
        "2017-04-01T00:00:00-00:00",  # In an example of RFC 7958, section 2.1.4.
        "2017-04-01T00:00:00.0",
        "2017-04-01T00:00:00.000Z",
        "2017-04-01T00:00:00.000000+00:00",
        "20170401000000",
    ],
)
def test_forms_of_a_time(text: str) -> None:
    assert parse_time(text) == APRIL


def test_how_times_are_written() -> None:
    assert format_time(APRIL) == "2017-04-01T00:00:00+00:00"
    assert format_time_for_people(APRIL) == "2017-04-01 00:00:00 UTC"
    assert format_time_of_rrsig(APRIL) == "20170401000000"
    assert parse_time("2106-02-07T06:28:15Z") == 2**32 - 1
    assert parse_time("1970-01-01T00:00:00Z") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1491004800",
        "2017-04-01",
        "2017-04-01 00:00:00",
        "2017-04-01T00:00:00+02:00",
        "2017-04-01T00:00:00z",
        "2017-04-01T00:00:00+0:00",
        "2017-04-01T00:00:00.",
        "2017-04-01T00:00:00.Z",
        "2017-04-01T00:00:00.5",
        "2017-04-01T00:00:00.001Z",
        "2017-04-01T00:00:00.0.0Z",
        "2017-04-01T00:00:00,000Z",
        "2017-04-01T00:00:00Z ",
        " 2017-04-01T00:00:00",
        "2017-04-01T00:00",
        "2017-4-01T00:00:000",
        "2017-02-29T00:00:00",
        "2017-04-31T00:00:00",
        "2017-04-01T24:00:00",
        "2016-12-31T23:59:60",
        "1969-12-31T23:59:59",
        "2106-02-07T06:28:16",
        "0000-01-01T00:00:00",
        "20170401 00000",
        "2017-04-01T00:00:0٠",
        "2017040100000٠",
        "+0170401000000",
        "2017-04-01T00:00:-1",
        "2017/04/01T00:00:00",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_time(text)


@given(seconds)
def test_times_round_trip(moment: int) -> None:
    assert parse_time(format_time(moment)) == moment
    assert parse_time(format_time(moment).removesuffix("+00:00")) == moment
    assert parse_time(format_time_of_rrsig(moment)) == moment


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P21D", 21 * 86400),
        ("PT0S", 0),
        ("P0D", 0),
        ("P5DT4M", 432240),
        ("PT1H5M", 3900),
        ("PT90S", 90),
        ("P1DT1H1M1S", 90061),
    ],
)
def test_durations(text: str, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "P1W",
        "-P1D",
        "P-1D",
        "P1.5D",
        "PT1M1H",
        "P1H",
        "PT1D",
        "1D",
        "P1",
        "P1D ",
        "pT1s",
        "P1D1D",
        "PT1S1S",
        "P٣D",
        "P99999999999D",
        "P49711D",
        "PT4294967296S",
        "P1D2",
        "PT5",
        "PTS",
    ],
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_duration(text)


@given(seconds)
def test_durations_round_trip(length: int) -> None:
    assert parse_duration(format_duration(length)) == length


def test_how_durations_are_written() -> None:
    assert [format_duration(length) for length in (0, 432240, 90061, 3600)] == ["PT0S", "P5DT4M", "P1DT1H1M1S", "PT1H"]


@given(st.text(max_size=30) | st.text("0123456789-:TZPDHMS+", max_size=30))
def test_only_our_errors(text: str) -> None:
    for moment in (only_ours(lambda: parse_time(text)), only_ours(lambda: parse_duration(text))):
        assert moment is None or 0 <= moment < 2**32


def test_an_error_says_where() -> None:
    with pytest.raises(MalformedError, match=r"^field 3: 'x' is not a time"):
        parse_time("x", where="field 3")
    with pytest.raises(MalformedError, match=r"^field 4: 'y' is not a duration"):
        parse_duration("y", where="field 4")
