"""Bytes that must not be seen: never in a repr or a log, never pickled or copied, overwritten when done with.

What Python cannot promise: ``reveal`` gives ``bytes``, and those cannot be overwritten. They go when nothing refers to
them, and their memory is whatever comes next. Locked memory and no core dumps (``machine``) are the answer to that.
"""

from typing import NoReturn, Self

from keyquorum.errors import UsageError


class Secret:
    """A copy of ``data`` that shows only its length. Leaving a ``with`` block overwrites it."""

    __slots__ = ("_data", "_wiped")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = bytearray(data)
        self._wiped = False

    def reveal(self) -> bytes:
        """Give the bytes, as a copy; raises UsageError after ``wipe``."""
        if self._wiped:
            raise UsageError("this secret was overwritten and is gone")
        return bytes(self._data)

    def wipe(self) -> None:
        """Overwrite the bytes with zeros; nothing more happens the second time."""
        self._data[:] = bytes(len(self._data))
        self._wiped = True

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self._data)} bytes{', overwritten' if self._wiped else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")
