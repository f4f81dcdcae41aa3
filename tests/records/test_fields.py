"""Single codecs, where the records in use do not come to their edges."""

from typing import Any

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import MalformedError
from keyquorum.records.canonical import INTEGER_LIMIT
from keyquorum.records.fields import ZONE, BigInteger, Binary, Integer, ListOf, OrNull, Text
from tests.records.people import base64url


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 12, 2048])
def test_big_integers_up_to_the_bit(bits: int) -> None:
    codec = BigInteger(bits)
    for number in {0, 1, (1 << bits) - 1, 1 << bits - 1}:
        assert codec.parse(codec.dump(number), "$") == number
    with pytest.raises(MalformedError):
        codec.parse(codec.dump(1 << bits), "$")


@given(st.integers(0, 1 << 300))
def test_a_big_integer_is_its_shortest_big_endian_form(number: int) -> None:
    shortest = number.to_bytes(max(1, -(-number.bit_length() // 8)), "big")
    assert BigInteger(301).dump(number) == base64url(shortest)
    with pytest.raises(MalformedError, match="leading zero bytes"):
        BigInteger(400).parse(base64url(b"\0" + shortest), "$")


@given(st.binary(max_size=40), st.text(st.sampled_from("AB-_+/=\n aé"), max_size=8))
def test_bytes_have_one_spelling(data: bytes, noise: str) -> None:
    codec = Binary(0, 40)
    assert codec.dump(data) == base64url(data)
    assert codec.parse(base64url(data), "$") == data
    for other in (noise, base64url(data) + noise, noise + base64url(data)):
        try:
            value = codec.parse(other, "$")
        except MalformedError:
            continue
        assert base64url(value) == other


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab.\\012³²٣é。-\U0001f600") | st.characters(), max_size=12))
def test_zone_names_are_read_in_one_spelling_or_refused(text: str) -> None:
    try:
        name = ZONE.parse(text, "$")
    except MalformedError:
        return
    assert name.is_absolute()
    assert name == name.canonicalize()
    assert ZONE.dump(name) == text == str(name)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
def test_any_lower_case_name_is_written_and_read(labels: list[bytes]) -> None:
    name = dns.name.Name([*labels, b""]).canonicalize()
    if len(name.to_text()) <= 1024 and name.to_text().isprintable():
        assert ZONE.parse(ZONE.dump(name), "$") == name


def test_whole_numbers_and_truth_are_different_things() -> None:
    values: list[Any] = [True, False, "1", None]
    for value in values:
        with pytest.raises(MalformedError):
            Integer().parse(value, "$")
    assert Integer().parse(INTEGER_LIMIT, "$") == INTEGER_LIMIT
    assert ListOf(OrNull(Integer()), 0, 3, distinct=True).parse([0, None, 1], "$") == (0, None, 1)


@given(st.text(max_size=20))
def test_text_is_on_one_line_and_moves_no_cursor(text: str) -> None:
    try:
        value = Text(10, empty=True).parse(text, "$")
    except MalformedError:
        assert not text.isprintable() or text != text.strip() or len(text) > 10
    else:
        assert value == text
        assert not set(value) & {chr(code) for code in [*range(32), *range(127, 160), 0x2028, 0x202E, 0xFEFF]}
