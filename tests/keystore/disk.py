"""What would be left after a power cut: replays the record of the watched disk (disk.c) into the states it allows.

The model is harsher than file systems are. A write that no successful fsync of its file followed survives by sectors
of 512 bytes, each kept or lost by itself. A name that was made, moved or removed survives by itself too, until the
directory is synced. A write before a *failed* fsync may be lost for ever: a later fsync does not bring it back.
"""

import random
import struct
import subprocess
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("<cQQII")
Keep = Callable[[], bool]
Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Event:
    """One record of disk.c."""

    op: str
    inode: int
    offset: int
    a: bytes
    b: bytes


def build(place: Path) -> Path:
    """Compile disk.c; gives the library to be preloaded."""
    library = place / "disk.so"
    source = Path(__file__).with_name("disk.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def read_record(path: Path) -> list[Event]:
    data = path.read_bytes()
    events = []
    at = 0
    while at < len(data):
        op, inode, offset, la, lb = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        events.append(Event(op.decode(), inode, offset, data[at : at + la], data[at + la : at + la + lb]))
        at += la + lb
    return events


@dataclass(slots=True)
class _Operation:
    event: Event
    durable: bool = False
    doomed: bool = False  # a failed fsync has come over it


@dataclass(slots=True)
class Disk:
    """Everything that was done so far, and what of it a power cut can no longer take away."""

    contents: dict[tuple[int, int], list[_Operation]] = field(default_factory=dict)
    names: list[tuple[_Operation, tuple[int, int]]] = field(default_factory=list)
    births: dict[int, int] = field(default_factory=dict)  # inode numbers are used again: how often so far

    def apply(self, event: Event) -> None:
        if event.op == "C":
            self.births[event.inode] = self.births.get(event.inode, 0) + 1
        identity = (event.inode, self.births.get(event.inode, 0))
        match event.op:
            case "C" | "R" | "L" | "U":
                self.names.append((_Operation(event), identity))
            case "W" | "T":
                self.contents.setdefault(identity, []).append(_Operation(event))
            case "F" | "f":
                for operation in self.contents.get(identity, []):
                    if not operation.durable and not operation.doomed:
                        operation.durable, operation.doomed = event.op == "F", event.op == "f"
            case "D":
                for operation, _ in self.names:
                    if operation.event.a.rpartition(b"/")[0] == event.a:
                        operation.durable = True

    def after_power_cut(self, keep: Keep) -> Files:
        """Give one state of the directory; ``keep`` decides on each thing that may be lost."""
        names: dict[str, tuple[int, int]] = {}
        for operation, identity in self.names:
            if not (operation.durable or keep()):
                continue
            name = operation.event.a.decode()
            match operation.event.op:
                case "U":
                    names.pop(name, None)
                case "R":
                    names.pop(name, None)
                    names[operation.event.b.decode()] = identity
                case _:
                    names[name] = identity
        return {name: self._content(identity, keep) for name, identity in names.items()}

    def _content(self, identity: tuple[int, int], keep: Keep) -> bytes:
        content = bytearray()
        for operation in self.contents.get(identity, []):
            event = operation.event
            if event.op == "T":
                if operation.durable or keep():
                    del content[event.offset :]
                    content.extend(bytes(event.offset - len(content)))
                continue
            for start, piece in _sectors(event):
                if operation.durable or keep():
                    content.extend(bytes(max(0, start - len(content))))
                    content[start : start + len(piece)] = piece
        return bytes(content)


def _sectors(event: Event) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(event.a):
        length = SECTOR - (event.offset + at) % SECTOR
        yield event.offset + at, event.a[at : at + length]
        at += length


def power_cuts(
    events: list[Event], seed: int, subsets: int, after: Container[int] | None = None
) -> Iterator[tuple[list[str], Files]]:
    """Give states after a power cut, with the marks made before it.

    After each event (or those numbered in ``after``): nothing unsynced kept, everything kept, and ``subsets`` random
    choices.
    """
    chance = random.Random(seed)
    disk = Disk()
    marks: list[str] = []
    for number, event in enumerate(events):
        if event.op == "M":
            marks.append(event.a.decode())
        else:
            disk.apply(event)
        if after is not None and number not in after:
            continue
        for share in (0.0, 1.0, *(chance.choice((0.2, 0.5, 0.8)) for _ in range(subsets))):
            yield list(marks), disk.after_power_cut(lambda share=share: chance.random() < share)  # type: ignore[misc]
