"""Files with a header and a body: one signed record on the first line, then bytes that it commits to.

A request is a header and the source as it was received; a partial a header and the values. The body is read as a
stream, so a file of any length takes constant memory. Refused: a body that is shorter or longer than the header says,
or whose SHA-256 is another.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from keyquorum.errors import LimitError, MalformedError
from keyquorum.records.envelope import Kind, Signed

CHUNK = 1 << 16


def read_header(stream: BinaryIO, kind: Kind[Any]) -> Signed[Any]:
    """Read the header from the beginning of ``stream``, which is then positioned at the body."""
    line = stream.readline(kind.limit + 2)
    if not line.endswith(b"\n"):
        if len(line) > kind.limit:
            raise LimitError(f"{kind.title}: the header is longer than {kind.limit} bytes")
        raise MalformedError(
            f"{kind.title}: the file ends within its header", do="It was cut off; get a complete copy."
        )
    return kind.read(line)


def header(signed: Signed[Any]) -> bytes:
    """Give the header line of a file."""
    return signed.envelope + b"\n"


def copy_checked(stream: BinaryIO, length: int, sha256: bytes, what: str) -> Iterator[bytes]:
    """Give the next ``length`` bytes of ``stream`` in chunks; MalformedError at the end if they are not ``sha256``.

    ``what`` names the bytes in errors.
    """
    seen = hashlib.sha256()
    left = length
    while left:
        chunk = stream.read(min(CHUNK, left))
        if not chunk:
            raise MalformedError(f"{what} ends {left} bytes early", do="The file was cut off; get a complete copy.")
        seen.update(chunk)
        left -= len(chunk)
        yield chunk
    if seen.digest() != sha256:
        raise MalformedError(
            f"{what} is not what the header was signed with (another SHA-256)",
            do="It was changed after it was signed; get the original.",
        )


def expect_end(stream: BinaryIO, what: str) -> None:
    """Raise MalformedError unless ``stream`` is at its end."""
    if stream.read(1):
        raise MalformedError(f"{what} goes on after its end", do="Something was appended; get the original.")
