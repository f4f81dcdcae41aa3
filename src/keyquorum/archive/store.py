"""An archive on disk: a directory with a file ``chain``, and a directory ``files`` where each is called by its SHA-256.

What is added is durable when the call returns, and nothing that stands there is ever written over: files get their
names when they are whole, and then one line is appended to the chain, its line break last, after the line itself is on
the disk. So a power cut leaves the line or a piece without a line break, which is told from everything else and goes
with the next entry. One process adds at a time; any number may read.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from keyquorum.archive.entries import BEGINNING, ENTRY, Beginning, Chain, Entry, Facts, Fault, line_of, read_chain
from keyquorum.archive.facts import facts_of
from keyquorum.errors import DamagedArchiveError, KeyquorumError, StorageError, UsageError
from keyquorum.keystore.files import new_file, storage_error, write_public
from keyquorum.maths.randomness import Rng
from keyquorum.records.files import CHUNK

CHAIN = "chain"
FILES = "files"
CHAIN_LIMIT = 1 << 30


class Archive:
    """An archive as it was when it was opened: its entries, and the files they are of."""

    def __init__(self, path: Path, chain: Chain) -> None:
        self.path = path
        self.chain = chain

    @staticmethod
    def begin(path: Path, now: int, rng: Rng) -> None:
        """Make a new, empty archive; raises UsageError if something is there already, StorageError."""
        try:
            path.mkdir(exist_ok=True)
            (path / FILES).mkdir(exist_ok=True)
            # What an attempt may have left that was stopped half-way is no obstacle.
            left = [one.name for one in path.iterdir() if not one.name.startswith(f"{CHAIN}.unfinished-")]
            if left != [FILES] or any((path / FILES).iterdir()):
                raise UsageError("this directory is not empty", where=str(path), do="Give the name of a new one.")
            _sync(path.parent)
        except OSError as error:
            raise storage_error(path, error) from error
        line = line_of(BEGINNING, Beginning(added=now, archive=rng(16)))
        write_public(path / CHAIN, line + b"\n")

    @classmethod
    def look(cls, path: Path) -> "Archive":
        """Open an archive whatever was done to it; UsageError if there is none."""
        try:
            with (path / CHAIN).open("rb") as file:
                return cls(path, read_chain(_read(file, path)))
        except OSError as error:
            raise _absent(path, error) from None

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """Open an archive; DamagedArchiveError, naming the entries, if its chain was tampered with."""
        archive = cls.look(path)
        archive.refuse_faults()
        return archive

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, the oldest first."""
        return self.chain.entries

    def refuse_faults(self) -> None:
        """Raise DamagedArchiveError if the chain was tampered with."""
        if self.chain.faults:
            raise DamagedArchiveError(
                "; ".join(fault.what for fault in self.chain.faults[:5]),
                where=str(self.path),
                do="Look at all of it: keyquorum archive verify. Take a copy that is whole, and find out who did this.",
            )

    @contextmanager
    def file(self, entry: Entry) -> Iterator[BinaryIO]:
        """Open the file of an entry, at its beginning, once it is seen to be that; DamagedArchiveError if it is not."""
        where = self.path / FILES / entry.sha256.hex()
        try:
            with where.open("rb") as stream:
                if _digest(stream) != entry.sha256:
                    raise DamagedArchiveError(f"the file of entry {entry.number} was changed", where=str(where))
                stream.seek(0)
                yield stream
        except FileNotFoundError:
            raise DamagedArchiveError(f"the file of entry {entry.number} is missing", where=str(where)) from None

    def check(self, advance: Callable[[int], None]) -> "Checked":
        """Look at the chain and at every file; ``advance`` is told of each file that is done."""
        faults, unread = list(self.chain.faults), []
        for entry in self.entries:
            try:
                with self.file(entry) as stream:
                    said = _facts_or_none(stream, entry.sha256)
                    length = stream.seek(0, os.SEEK_END)
            except DamagedArchiveError as error:
                faults.append(Fault(entry.number, error.what))
                continue
            finally:
                advance(1)
            if length != entry.length or said not in {None, entry.facts}:
                faults.append(Fault(entry.number, f"entry {entry.number} does not say what its file says"))
            elif said is None:
                unread.append(entry.number)
        return Checked(tuple(sorted(faults, key=lambda fault: fault.number)), tuple(unread))


@dataclass(frozen=True, slots=True)
class Checked:
    """All that is wrong with an archive; and the numbers of ``unread`` entries.

    Their files are what they were, but this version cannot read them (any more), which is no fault of the archive.
    """

    faults: tuple[Fault, ...]
    unread: tuple[int, ...]


class Adder:
    """An archive that is locked by this process, to be added to."""

    def __init__(self, path: Path, descriptor: int, archive: Archive) -> None:
        self._path = path
        self._descriptor = descriptor
        self._length = archive.chain.length
        self._head = archive.chain.head
        self.entries = list(archive.entries)
        self.dropped = archive.chain.unfinished
        self._broken = ""

    @property
    def head(self) -> bytes:
        """The id of the last entry."""
        return self._head

    def add(self, stream: BinaryIO, name: str, now: int) -> tuple[Entry, bool]:
        """Keep the file in ``stream``, called ``name``, and give its entry; false: it was there already.

        Raises as ``facts_of`` for what is not kept, StorageError where the disk does not take it.
        """
        if self._broken:
            raise StorageError(f"the disk failed before ({self._broken})", where=str(self._path), do="Begin again.")
        stream.seek(0)
        sha256 = _digest(stream)
        known = next((entry for entry in self.entries if entry.sha256 == sha256), None)
        if known is not None:
            return known, False
        length = stream.seek(0, os.SEEK_END)
        if not length:
            raise UsageError("an empty file")
        facts = facts_of(stream, sha256)
        self._keep(stream, sha256)
        entry = Entry(
            number=len(self.entries) + 1,
            previous=self._head,
            added=now,
            name=_printable(name),
            length=length,
            sha256=sha256,
            facts=facts,
        )
        self._append(line_of(ENTRY, entry))
        self.entries.append(entry)
        return entry, True

    def _keep(self, stream: BinaryIO, sha256: bytes) -> None:
        """Copy the file to its place, unless an earlier attempt has done that."""
        place = self._path / FILES / sha256.hex()
        if place.exists():
            with place.open("rb") as there:
                if _digest(there) == sha256:
                    # Its name may not have been on the disk when the power failed.
                    os.fsync(there.fileno())
                    _sync(place.parent)
                    return
            raise DamagedArchiveError("a file of the archive was changed", where=str(place), do="Move it away.")
        stream.seek(0)
        seen = hashlib.sha256()
        with new_file(place) as out:
            while chunk := stream.read(CHUNK):
                seen.update(chunk)
                out.write(chunk)
            if seen.digest() != sha256:
                raise UsageError("the file changed while it was read", do="Copy it to a disk of your own.")

    def _append(self, line: bytes) -> None:
        try:
            if self.dropped:
                os.ftruncate(self._descriptor, self._length)
                self.dropped = 0
            os.lseek(self._descriptor, self._length, os.SEEK_SET)
            for piece in (line, b"\n"):
                _write(self._descriptor, piece)
                os.fsync(self._descriptor)
        except OSError as error:
            self._broken = error.strerror or type(error).__name__
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
                os.fsync(self._descriptor)
            raise storage_error(self._path / CHAIN, error) from error
        self._length += len(line) + 1
        self._head = hashlib.sha256(line).digest()


@contextmanager
def adding(path: Path) -> Iterator[Adder]:
    """Open an archive to be added to, locked against everybody else; raises as ``Archive.open``, StorageError."""
    chain = path / CHAIN
    try:
        descriptor = os.open(chain, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise _absent(path, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("somebody else is adding to this archive", where=str(path), do="Wait, then try.") from None
        with open(descriptor, "rb", closefd=False) as file:
            archive = Archive(path, read_chain(_read(file, path)))
        archive.refuse_faults()
        # What was read may be what another process could not sync; and the name may be newer than the last sync.
        try:
            os.fsync(descriptor)
            _sync(path)
        except OSError as error:
            raise storage_error(chain, error) from error
        yield Adder(path, descriptor, archive)
    finally:
        os.close(descriptor)


def _facts_or_none(stream: BinaryIO, sha256: bytes) -> Facts | None:
    try:
        return facts_of(stream, sha256)
    except KeyquorumError:
        return None


def _read(file: BinaryIO, path: Path) -> bytes:
    data = file.read(CHAIN_LIMIT + 1)
    if len(data) > CHAIN_LIMIT:
        raise DamagedArchiveError(f"its chain is longer than {CHAIN_LIMIT >> 20} MiB", where=str(path))
    return data


def _absent(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"there is no archive here ({error.strerror})", where=str(path), do="Begin one: keyquorum archive add --new."
    )


def _digest(stream: BinaryIO) -> bytes:
    seen = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        seen.update(chunk)
    return seen.digest()


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _printable(name: str) -> str:
    """Give the name of a file fit for a line: what would not print, and what would not fit, is gone."""
    return "".join(mark if mark.isprintable() else "?" for mark in name)[:255].strip() or "?"
