import base64
import uuid

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.dnssec.fields import canonical_base64, decimal, domain, printable, shown, uuid_text
from keyquorum.errors import MalformedError
from tests.dnssec.ours import only_ours
from tests.dnssec.strategies import names


@pytest.mark.parametrize("text", ["", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "0x1", "٣", "²", "1" * 21, "1_0"])
def test_numbers_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        decimal(text)


def test_numbers() -> None:
    assert [decimal(text) for text in ("0", "7", "65537", "9" * 20)] == [0, 7, 65537, int("9" * 20)]


@pytest.mark.parametrize(
    "text",
    ["", "A", "AA", "AAA", "AA=", "AB==", "AAB=", "AA==AA==", " AA==", "AA==\n", "A A==", "AA-_", "é===", "===="],
)
def test_base64_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        canonical_base64(text)


@given(st.binary(min_size=1, max_size=20))
def test_base64_round_trips(data: bytes) -> None:
    assert canonical_base64(base64.b64encode(data).decode()) == data


@given(names)
def test_names_round_trip(name: dns.name.Name) -> None:
    assert domain(name.to_text(), None) == name


def test_names() -> None:
    origin = dns.name.from_text("Example.")
    assert domain("EXAMPLE.com") == dns.name.from_text("example.com.")
    assert domain("a", origin).to_text() == "a.example."
    assert domain("@", origin).to_text() == "example."
    assert domain(".", None) == dns.name.root


@pytest.mark.parametrize("text", ["", "a b.", "é.", "a..b.", "\\999.", "a\x00.", "x" * 64 + ".", ".a", '"a".', "\\"])
def test_names_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        domain(text)


def test_a_relative_name_without_origin_is_refused() -> None:
    with pytest.raises(MalformedError, match="relative"):
        domain("a", None)


@given(st.text(max_size=80))
def test_only_our_errors(text: str) -> None:
    only_ours(lambda: decimal(text))
    only_ours(lambda: canonical_base64(text))
    only_ours(lambda: domain(text))


def test_foreign_text_is_quoted_and_cut() -> None:
    assert shown("\x1b[2Jé") == r"'\x1b[2J\xe9'"
    assert len(shown("x" * 1000)) < 70


@given(st.binary(min_size=16, max_size=32))
def test_uuids_are_those_of_the_library(data: bytes) -> None:
    assert uuid_text(data, 4) == str(uuid.UUID(bytes=data[:16], version=4))
    assert uuid.UUID(uuid_text(data, 8)).variant == uuid.RFC_4122
    assert uuid_text(data, 8)[14] == "8"


@pytest.mark.parametrize("text", ["", "é", "a\tb", "\x7f"])
def test_labels_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        printable(text)
    assert printable("a b") == "a b"
