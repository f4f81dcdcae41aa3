"""Files of a header and a body: read as a stream, and complete, unchanged and unlengthened or refused."""

import hashlib
from io import BytesIO, RawIOBase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, LimitError, MalformedError, SignatureError
from keyquorum.records.files import CHUNK, copy_checked, expect_end, header, read_header
from keyquorum.records.keys import CARD
from keyquorum.records.requests import PARTIAL, REQUEST
from tests.records.people import ANSWERED, ASKED, CARDS

BODY = b"a file"
FILE = header(ASKED) + BODY


def read(data: bytes) -> bytes:
    """Read a request and its source, as all readers of such files do."""
    stream = BytesIO(data)
    source = read_header(stream, REQUEST).record.source
    body = b"".join(copy_checked(stream, source.length, source.sha256, "the source"))
    expect_end(stream, "the request")
    return body


def test_header_and_body() -> None:
    assert read(FILE) == BODY
    stream = BytesIO(FILE)
    assert read_header(stream, REQUEST) == ASKED
    assert stream.tell() == len(ASKED.envelope) + 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends within its header"),
        (ASKED.envelope[:100], "ends within its header"),
        (ASKED.envelope, "ends within its header"),
        (b"\n" + FILE, "not JSON"),
        (ASKED.envelope + b"\r\n" + BODY, "not in canonical form"),
        (ASKED.envelope + BODY, "ends within its header"),
        (header(ASKED) + BODY[:-1], "the source ends 1 bytes early"),
        (header(ASKED), "the source ends 6 bytes early"),
        (FILE + b"\n", "the request goes on after its end"),
        (header(ASKED) + b"\n" + BODY, "the source is not what the header was signed with"),
        (header(ASKED) + b"A file", "the source is not what the header was signed with"),
        (header(ANSWERED) + BODY, "partial.v1, where request.v1 is expected"),
    ],
)
def test_what_is_wrong_with_a_file(data: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        read(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_changed_anywhere_is_refused(draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(FILE) - 1))
    kind = draw.draw(st.sampled_from(["flip", "cut", "insert"]))
    if kind == "flip":
        changed = FILE[:place] + bytes([FILE[place] ^ 1 << draw.draw(st.integers(0, 7))]) + FILE[place + 1 :]
    elif kind == "cut":
        changed = FILE[:place]
    else:
        changed = FILE[:place] + draw.draw(st.binary(min_size=1, max_size=4)) + FILE[place:]
        if changed == FILE:  # pragma: no cover
            return
    with pytest.raises((MalformedError, SignatureError)):
        read(changed)


def test_a_header_is_read_no_further_than_its_limit() -> None:
    class Endless(RawIOBase):
        asked = 0

        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0
            self.asked += size
            return b"x" * size

    stream: Any = Endless()
    with pytest.raises(LimitError, match="the header is longer than 4096 bytes"):
        read_header(stream, CARD)
    assert stream.asked <= CARD.limit + 2
    with pytest.raises(LimitError, match="4097 bytes, where at most 4096"):
        read_header(BytesIO(b"x" * (CARD.limit + 1) + b"\n"), CARD)
    with pytest.raises(LimitError):
        read_header(BytesIO(b"x" * (CARD.limit + 1)), CARD)
    with pytest.raises(MalformedError, match="ends within its header") as caught:
        read_header(BytesIO(b"x" * CARD.limit), CARD)
    assert not isinstance(caught.value, LimitError)


def test_two_bodies_stand_one_after_the_other() -> None:
    bodies = [bytes(10), b"x" * (2 * CHUNK + 1), b""]
    stream = BytesIO(header(CARDS["bob"]) + b"".join(bodies))
    assert read_header(stream, CARD) == CARDS["bob"]
    for body in bodies:
        chunks = list(copy_checked(stream, len(body), hashlib.sha256(body).digest(), "the body"))
        assert b"".join(chunks) == body
        assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
    expect_end(stream, "the file")


def test_an_empty_body_is_checked_too() -> None:
    with pytest.raises(MalformedError, match="another SHA-256"):
        list(copy_checked(BytesIO(b""), 0, bytes(32), "the body"))


def test_no_error_but_ours(tmp_path: Any) -> None:
    path = tmp_path / "partial"
    path.write_bytes(header(ANSWERED))
    with path.open("rb") as file:
        assert read_header(file, PARTIAL) == ANSWERED
        with pytest.raises(KeyquorumError):
            read_header(file, PARTIAL)
