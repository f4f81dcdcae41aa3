"""The chain: whatever is done to a line, the entry it was done to is named."""

import base64
import json
from dataclasses import replace
from itertools import pairwise

import dns.name
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.archive.entries import (
    BEGINNING,
    ENTRY,
    KINDS,
    Beginning,
    Chain,
    Entry,
    Facts,
    entry_id,
    line_of,
    read_chain,
)
from keyquorum.errors import KeyquorumError
from tests.quorum.village import sha256

COUNT = 6
FACTS = Facts(
    kind="response", id="an id", zones=1, zone=dns.name.from_text("example."), bundles=9, signatures=9,
    inception=1, expiration=2,
)  # fmt: skip


def chained(count: int = COUNT) -> list[bytes]:
    """Give the lines of a chain: a beginning and ``count`` entries."""
    lines = [line_of(BEGINNING, Beginning(added=7, archive=bytes(16)))]
    for number in range(1, count + 1):
        entry = Entry(
            number=number, previous=entry_id(lines[-1]), added=7 + number, name=f"file {number}", length=number,
            sha256=sha256(b"%d" % number), facts=replace(FACTS, id=f"id {number}"),
        )  # fmt: skip
        lines.append(line_of(ENTRY, entry))
    return lines


LINES = chained()


def read(lines: list[bytes]) -> Chain:
    return read_chain(b"".join(line + b"\n" for line in lines))


def named(lines: list[bytes]) -> list[int]:
    return [fault.number for fault in read(lines).faults]


def edited(number: int, **changes: object) -> bytes:
    """Give the line of an entry with its JSON changed, in canonical form still."""
    document = json.loads(LINES[number])
    for name, value in changes.items():
        (document["facts"] if name in document["facts"] else document)[name] = value
    return bytes(rfc8785.dumps(document))


def with_line(number: int, line: bytes) -> list[bytes]:
    return [*LINES[:number], line, *LINES[number + 1 :]]


def test_a_chain_as_it_was_written() -> None:
    chain = read(LINES)
    assert chain.faults == ()
    assert [entry.number for entry in chain.entries] == [1, 2, 3, 4, 5, 6]
    assert chain.beginning == Beginning(added=7, archive=bytes(16))
    assert chain.ids == tuple(sha256(line) for line in LINES)
    assert chain.head == sha256(LINES[-1])
    assert (chain.length, chain.unfinished) == (sum(map(len, LINES)) + 7, 0)
    assert all(json.loads(line)["previous"] == base64.urlsafe_b64encode(sha256(before)).decode()
               for before, line in pairwise(LINES))  # fmt: skip
    assert read([LINES[0]]).entries == ()
    assert read([LINES[0]]).faults == ()


@pytest.mark.parametrize("number", range(COUNT))
def test_a_changed_entry_is_named(number: int) -> None:
    """Any but the last one, of which only the head tells."""
    change = {"added": 99} if number == 0 else {"id": "another id"}
    assert named(with_line(number, edited(number, **change) if number else _other_beginning())) == [number]
    assert named(LINES) == []


def _other_beginning() -> bytes:
    return line_of(BEGINNING, Beginning(added=8, archive=bytes(16)))


def test_the_last_entry_changes_the_head() -> None:
    lines = with_line(COUNT, edited(COUNT, id="another id"))
    assert read(lines).faults == ()
    assert read(lines).head != read(LINES).head


@pytest.mark.parametrize("number", range(2, COUNT + 1))
def test_a_changed_link_is_named(number: int) -> None:
    no_link = base64.urlsafe_b64encode(bytes(32)).decode()
    fault = read(with_line(number, edited(number, previous=no_link))).faults
    if number < COUNT:
        assert [one.number for one in fault] == [number]
        assert fault[0].what == f"entry {number} was changed"
    else:
        # The last one is vouched for by nobody: it may be this one or the one before.
        assert [one.what for one in fault] == [
            f"entry {number - 1} or entry {number} was changed: they do not fit together"
        ]


@pytest.mark.parametrize("number", range(1, COUNT))
def test_a_missing_entry_is_named(number: int) -> None:
    faults = read([*LINES[:number], *LINES[number + 1 :]]).faults
    assert [fault.what for fault in faults] == [f"entry {number} is missing"]
    two = [line for place, line in enumerate(LINES) if place not in {1, number + 1}]
    missing = {1, number + 1} - {COUNT}
    assert {fault.number for fault in read(two).faults} == missing


@pytest.mark.parametrize("number", range(1, COUNT))
def test_missing_at_the_end_is_for_the_head_to_tell(number: int) -> None:
    short = read(LINES[: number + 1])
    assert short.faults == ()
    assert short.head in read(LINES).ids
    assert read(LINES).head not in short.ids


@pytest.mark.parametrize("number", range(1, COUNT + 1))
@pytest.mark.parametrize("to", range(1, COUNT + 1))
def test_a_moved_entry_is_named(number: int, to: int) -> None:
    if number == to:
        return
    lines = [line for place, line in enumerate(LINES) if place != number]
    lines.insert(to, LINES[number])
    found = named(lines)
    # Two neighbours that changed places: either was moved.
    assert found == [number] or (abs(number - to) == 1 and found == [to])


def test_all_of_it_backwards() -> None:
    assert len(named([LINES[0], *reversed(LINES[1:])])) == COUNT - 1


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_an_entry_that_stands_there_twice_is_named(number: int) -> None:
    assert number in named([*LINES[: number + 1], LINES[number], *LINES[number + 1 :]])
    assert number in named([*LINES, LINES[number]])


@pytest.mark.parametrize("number", range(1, COUNT))
def test_an_entry_that_was_put_in_is_named(number: int) -> None:
    foreign = chained(9)[number]
    forged = bytes(rfc8785.dumps(json.loads(foreign) | {"name": "forged", "number": number}))
    assert number in named([*LINES[:number], forged, *LINES[number:]])
    assert number in named(with_line(number, forged))


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"noise", b"\xff", LINES[3] + b" ", LINES[3].replace(b'"number":3', b'"number": 3'),
     LINES[3].replace(b'"version":1', b'"version":2'), LINES[3].replace(b'"kind":"response"', b'"kind":"rumour"'),
     LINES[3].replace(b"file 3", b"file\\u0000"), LINES[3].replace(b'"id":"id 3"', b'"id":"\\u00e9"'),
     LINES[3].replace(b'"id":"id 3"', b'"id":3'), LINES[3].replace(b'"id":"id 3"', b'"id":"' + b"i" * 1025 + b'"'),
     LINES[0], b"[" * 5000, b'{"a":"' + b"x" * (1 << 14) + b'"}'],
)  # fmt: skip
def test_a_line_that_is_no_entry_is_named(line: bytes) -> None:
    faults = read(with_line(3, line)).faults
    assert [fault.number for fault in faults] == [3]
    assert faults[0].what.startswith("the line of entry 3 is no entry any more (")


@pytest.mark.parametrize("line", [b"", b"{}", LINES[1], LINES[0] + b" "])
def test_a_beginning_that_is_none(line: bytes) -> None:
    faults = read(with_line(0, line)).faults
    assert faults[0].number == 0
    assert "the beginning of the archive was changed" in faults[0].what


@pytest.mark.parametrize("data", [b"", b"half a line", LINES[0]])
def test_no_whole_line(data: bytes) -> None:
    chain = read_chain(data)
    assert [fault.number for fault in chain.faults] == [0]
    assert (chain.length, chain.unfinished, chain.head) == (0, len(data), b"")


@pytest.mark.parametrize("tail", [b"x", LINES[6][:50], LINES[6], b"\0" * 600])
def test_what_was_being_written(tail: bytes) -> None:
    chain = read_chain(b"".join(line + b"\n" for line in LINES[:6]) + tail)
    assert chain.faults == ()
    assert len(chain.entries) == 5
    assert chain.unfinished == len(tail)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_change_of_the_middle_is_noticed(drawn: st.DataObject) -> None:
    """One bit or one piece, anywhere before the last line: never unnoticed, never an exception."""
    data = b"".join(line + b"\n" for line in LINES)
    end = len(data) - len(LINES[-1]) - 1
    start = drawn.draw(st.integers(0, end - 1))
    piece = drawn.draw(st.binary(min_size=1, max_size=3))
    changed = data[:start] + piece + data[start + len(piece) :]
    if changed[:end] != data[:end]:
        chain = read_chain(changed)
        assert chain.faults
        assert all(fault.what.isprintable() for fault in chain.faults)


_OUTPUTS = st.lists(st.binary(min_size=32, max_size=32), max_size=2, unique=True).map(tuple)
_IDS = st.none() | st.binary(min_size=32, max_size=32)
_MOMENTS = st.none() | st.integers(0, 2**32 - 1)
_LABELS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(
    st.builds(
        Facts, kind=st.sampled_from(KINDS), record=_IDS, request=_IDS, source=_IDS, outputs=_OUTPUTS, id=_LABELS,
        zones=st.integers(0, 2**53 - 1), zone=st.sampled_from([None, dns.name.root, dns.name.from_text("a.b.")]),
        bundles=st.integers(0, 9), signatures=st.integers(0, 9), inception=_MOMENTS, expiration=_MOMENTS,
    ),
    st.integers(1, 2**53 - 1),
)  # fmt: skip
def test_an_entry_is_read_as_it_was_written(facts: Facts, number: int) -> None:
    entry = Entry(
        number=number, previous=bytes(32), added=1, name="a file", length=1, sha256=bytes(32), facts=facts
    )  # fmt: skip
    line = line_of(ENTRY, entry)
    assert b"\n" not in line
    assert ENTRY.parse(json.loads(line), "$") == entry


def test_what_cannot_be_written() -> None:
    with pytest.raises(KeyquorumError):
        ENTRY.parse(json.loads(line_of(ENTRY, read(LINES).entries[0])) | {"name": "a\nb"}, "$")
