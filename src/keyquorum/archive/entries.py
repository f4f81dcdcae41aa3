"""The chain of an archive: a text file with one entry a line, each of which names the one before by its SHA-256.

A line is canonical JSON (RFC 8785); its SHA-256 (without the line break) is the entry's id, and the last one's is the
head, which stands for everything in the archive. The first line, number 0, begins the archive. Whatever is changed,
left out, added or moved later does not fit its neighbours, and is named. What nobody can see from the chain alone is
that entries are missing at its end, or that all of it was written anew: for that, somebody has to remember a head.
"""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import dns.name

from keyquorum.dnssec.responses import MOST_RESPONSES
from keyquorum.errors import MalformedError
from keyquorum.records.canonical import Json, dumps, kind_of, loads
from keyquorum.records.fields import (
    ID,
    TIME,
    ZONE,
    Binary,
    Choice,
    Integer,
    ListOf,
    Object,
    OrNull,
    Schema,
    Text,
    wrong,
)

LINE_LIMIT = 1 << 14
KINDS = ("ksr", "request", "partial", "response", "response-record")
"""What an archive keeps: a bare KSR, a request of ours, a holder's answer, a response, and who answered how."""

_MOST = (1 << 53) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one file says: everything here can be made anew from the file.

    ``record`` is the id of a record of ours; ``request`` that of the request it belongs to; ``source`` the SHA-256 of
    what is asked to be signed; ``outputs`` those of the responses a response record speaks of. ``id`` is a KSR's
    ("" where there is none), ``zone`` the zone where there is but one. ``inception`` and ``expiration`` enclose all
    bundles.
    """

    kind: str
    record: bytes | None = None
    request: bytes | None = None
    source: bytes | None = None
    outputs: tuple[bytes, ...] = ()
    id: str = ""
    zones: int = 0
    zone: dns.name.Name | None = None
    bundles: int = 0
    signatures: int = 0
    inception: int | None = None
    expiration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file that was seen: what it was called, its length and SHA-256, and its facts. ``added`` is the clock's."""

    number: int
    previous: bytes
    added: int
    name: str
    length: int
    sha256: bytes
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The first line: when the archive was begun, and a random number that tells it from every other."""

    added: int
    archive: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done to an archive: ``number`` is the entry (0: its beginning), ``what`` a sentence on it."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What a chain file holds: entries in their order, what is wrong with it, and the ids of its lines.

    ``length`` is where the last whole line ends; what stands after it (``unfinished`` bytes) was being written when
    the power failed, and was never acknowledged.
    """

    beginning: Beginning | None
    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    ids: tuple[bytes, ...]
    length: int
    unfinished: int

    @property
    def head(self) -> bytes:
        """The id of the last line; empty where there is none."""
        return self.ids[-1] if self.ids else b""


class _Label:
    """Printable ASCII, as the id of a KSR is, blanks at its ends included."""

    def parse(self, value: Json, path: str) -> str:
        """Read a label."""
        if not isinstance(value, str):
            wrong(path, f"text is expected, not {kind_of(value)}")
        if len(value) > 1024 or not (value.isascii() and value.isprintable()):
            wrong(path, "at most 1024 characters of printable ASCII are expected")
        return value

    def dump(self, value: str) -> Json:
        """Write a label."""
        return value

    def schema(self) -> Schema:
        """Describe a label."""
        return {"type": "string", "maxLength": 1024, "pattern": "^[ -~]*$"}


_COUNT = Integer(0, _MOST)
_FACTS: Object[Facts] = Object(
    Facts,
    {
        "kind": Choice(KINDS),
        "record": OrNull(ID),
        "request": OrNull(ID),
        "source": OrNull(ID),
        "outputs": ListOf(ID, 0, MOST_RESPONSES, distinct=True),
        "id": _Label(),
        "zones": _COUNT,
        "zone": OrNull(ZONE),
        "bundles": _COUNT,
        "signatures": _COUNT,
        "inception": OrNull(TIME),
        "expiration": OrNull(TIME),
    },
)
ENTRY: Object[Entry] = Object(
    Entry,
    {
        "number": Integer(1, _MOST),
        "previous": ID,
        "added": TIME,
        "name": Text(255),
        "length": Integer(1, _MOST),
        "sha256": ID,
        "facts": _FACTS,
    },
    {"type": "keyquorum/archive-entry", "version": 1},
)
BEGINNING: Object[Beginning] = Object(
    Beginning,
    {"added": TIME, "archive": Binary(16, 16)},
    {"type": "keyquorum/archive", "version": 1},
)


def line_of(codec: Object[Any], value: Entry | Beginning) -> bytes:
    """Give the line of an entry or a beginning, without its line break."""
    return dumps(codec.dump(value))


def entry_id(line: bytes) -> bytes:
    """Give the id of a line."""
    return hashlib.sha256(line).digest()


def read_chain(data: bytes) -> Chain:
    """Read a chain file and name everything that is wrong with it; nothing is raised."""
    length = data.rfind(b"\n") + 1
    lines = data[:length].split(b"\n")[:-1]
    beginning, faults = _beginning(lines[:1])
    if not lines:
        return Chain(None, (), tuple(faults), (), 0, len(data))
    read: list[tuple[Entry, bytes]] = []
    unreadable = set()
    for place, line in enumerate(lines[1:], 1):
        try:
            read.append((ENTRY.parse(_json(line), "$"), entry_id(line)))
        except MalformedError as error:
            unreadable.add(place)
            faults.append(Fault(place, f"the line of entry {place} is no entry any more ({error})"))
    entries = tuple(entry for entry, _ in read)
    faults += _misplaced([entry.number for entry in entries], unreadable)
    faults += _misfits([(0, b"", entry_id(lines[0])), *((one.number, one.previous, id_) for one, id_ in read)])
    faults.sort(key=lambda fault: fault.number)
    ids = tuple(entry_id(line) for line in lines)
    return Chain(beginning, entries, tuple(faults), ids, length, len(data) - length)


def _beginning(lines: Sequence[bytes]) -> tuple[Beginning | None, list[Fault]]:
    try:
        return BEGINNING.parse(_json(lines[0]), "$"), []
    except IndexError:
        return None, [Fault(0, "the archive has no beginning: its file is empty or was cut off")]
    except MalformedError as error:
        return None, [Fault(0, f"the beginning of the archive was changed ({error})")]


def _json(line: bytes) -> Json:
    return loads(line, LINE_LIMIT)


def _misplaced(numbers: Sequence[int], unreadable: Set[int]) -> Iterator[Fault]:
    """Name entries that are missing, that stand there twice, and that stand where they do not belong."""
    counted = Counter(numbers)
    for number in range(1, max(counted, default=0)):
        if number not in counted and number not in unreadable:
            yield Fault(number, f"entry {number} is missing")
    for number, count in counted.items():
        if count > 1:
            yield Fault(number, f"entry {number} stands there {count} times")
    for number in sorted(set(numbers) - _longest_run(numbers)):
        yield Fault(number, f"entry {number} was moved")


def _longest_run(numbers: Sequence[int]) -> set[int]:
    """Give the most numbers that stand in ascending order: those that do not belong to them were moved."""
    ends: list[int] = []  # the place of the smallest number that ends a run of this length
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        at = bisect_left(ends, number, key=lambda end: numbers[end])
        before.append(ends[at - 1] if at else None)
        ends[at : at + 1] = [place]
    run = set()
    place_ = ends[-1] if ends else None
    while place_ is not None:
        run.add(numbers[place_])
        place_ = before[place_]
    return run


def _misfits(links: Sequence[tuple[int, bytes, bytes]]) -> Iterator[Fault]:
    """Name the entries that their successors do not know any more; a link is a number, the id before, and its own."""
    ids = {number: id_ for number, _, id_ in links}
    named = {number: previous for number, previous, _ in links}
    broken = {number for number in ids if number - 1 in ids and named[number] != ids[number - 1]}
    for number in sorted(broken):
        if number + 1 in broken:
            # Neither neighbour fits it.
            yield Fault(number, f"entry {number} was changed")
        elif number - 1 not in broken:
            before = f"entry {number - 1}" if number > 1 else "the beginning"
            if number + 1 in ids:
                yield Fault(number - 1, f"{before} was changed: entry {number} names another one")
            else:
                yield Fault(number - 1, f"{before} or entry {number} was changed: they do not fit together")
