"""Streams in files: what a request is too large for to be held in memory.

The files come from the caller (``NewFile``: a fresh temporary file each time); only public values are ever spooled.
"""

import hashlib
from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import BinaryIO

NewFile = Callable[[], BinaryIO]
"""Gives a new, empty, readable and writable binary file; the caller cleans it up."""

CHUNK = 1 << 18


class Spool:
    """Byte strings of any length, appended to a file of its own and read back as often as needed."""

    __slots__ = ("_count", "_end", "_file")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._count = 0
        self._end = 0

    def __len__(self) -> int:
        return self._count

    def append(self, value: bytes) -> None:
        """Add one byte string of less than 4 GiB."""
        self._file.seek(self._end)
        self._file.write(len(value).to_bytes(4, "big") + value)
        self._end += 4 + len(value)
        self._count += 1

    def __iter__(self) -> Iterator[bytes]:
        position, buffer = 0, b""
        while position < self._end or buffer:
            start = 0
            while len(buffer) - start >= 4:
                stop = start + 4 + int.from_bytes(buffer[start : start + 4], "big")
                if stop > len(buffer):
                    break
                yield buffer[start + 4 : stop]
                start = stop
            self._file.seek(position)
            chunk = self._file.read(min(CHUNK, self._end - position))
            position += len(chunk)
            buffer = buffer[start:] + chunk


class FixedStream:
    """Byte strings of one width that stand one after the other in a file, from ``offset`` on."""

    __slots__ = ("_count", "_file", "_offset", "_width")

    def __init__(self, file: BinaryIO, width: int, count: int = 0, offset: int = 0) -> None:
        self._file = file
        self._width = width
        self._count = count
        self._offset = offset

    def __len__(self) -> int:
        return self._count

    def append(self, value: bytes) -> None:
        """Add one byte string, which must have the width."""
        if len(value) != self._width:
            raise ValueError("a value of another width")
        self._file.seek(self._offset + self._width * self._count)
        self._file.write(value)
        self._count += 1

    def __iter__(self) -> Iterator[bytes]:
        """Give the values; fewer if the file ends early, the last one perhaps too short."""
        group = max(1, CHUNK // self._width)
        for first in range(0, self._count, group):
            wanted = min(group, self._count - first)
            self._file.seek(self._offset + self._width * first)
            chunk = self._file.read(wanted * self._width)
            yield from (chunk[start : start + self._width] for start in range(0, len(chunk), self._width))
            if len(chunk) < wanted * self._width:
                return


class Section(RawIOBase):
    """A part of a file as a file of its own, at its own position; it hashes (SHA-256) what was read."""

    def __init__(self, file: BinaryIO, offset: int, length: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._left = length
        self._seen = hashlib.sha256()

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer
        """Read the next bytes into ``buffer``."""
        self._file.seek(self._offset)
        chunk = self._file.read(min(len(buffer), self._left))
        buffer[: len(chunk)] = chunk
        self._offset += len(chunk)
        self._left -= len(chunk)
        self._seen.update(chunk)
        return len(chunk)

    def digest(self) -> bytes:
        """Give the SHA-256 of what was read so far."""
        return self._seen.digest()
