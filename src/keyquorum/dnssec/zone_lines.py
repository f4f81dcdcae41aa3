"""The lines of a zone file (RFC 1035 section 5.1): comments gone, parentheses joined, split into tokens.

Streamed: memory holds one record. Refused: lines and records longer than any DNSKEY needs, control characters, quotes
and parentheses that do not close. Tokens keep their escapes and quotes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from keyquorum.errors import LimitError, MalformedError

LINE_LIMIT = 1 << 17
RECORD_LIMIT = 1 << 18
_CONTROLS = bytes(code for code in (*range(32), 127) if code != 9)
_SPECIAL = frozenset(b'()"\\')


@dataclass(frozen=True, slots=True)
class Record:
    """One logical line: the number of its first line (from 1), whether it begins with white space, its tokens."""

    line: int
    indented: bool
    tokens: list[bytes]


def records(stream: BinaryIO, *, marks: bool = False) -> Iterator[Record]:
    """Read ``stream`` record by record, those without tokens left out; raises MalformedError, LimitError.

    With ``marks``, a comment line that begins with ``;;`` is given too: ``;;`` is its first token.
    """
    number = 0
    while raw := stream.readline(LINE_LIMIT + 1):
        number += 1
        first, text = number, _cleaned(raw, number)
        if marks and text.startswith(b";;"):
            tokens = [b";;", *text[2:].split()]
        elif _SPECIAL.isdisjoint(text):
            tokens = text.partition(b";")[0].split()
        else:
            tokens, size = [], len(text)
            depth = _tokenize(text, 0, number, tokens)
            while depth:
                raw = stream.readline(LINE_LIMIT + 1)
                number += 1
                if not raw:
                    raise MalformedError("a parenthesis is never closed", where=f"line {first}")
                size += len(raw)
                if size > RECORD_LIMIT:
                    raise LimitError(f"a record of more than {RECORD_LIMIT} bytes", where=f"line {first}")
                depth = _tokenize(_cleaned(raw, number), depth, number, tokens)
        if tokens:
            yield Record(first, text[:1] in {b" ", b"\t"}, tokens)


def _cleaned(raw: bytes, number: int) -> bytes:
    if len(raw) > LINE_LIMIT:
        raise LimitError(f"a line of more than {LINE_LIMIT} bytes", where=f"line {number}")
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    if text.translate(None, _CONTROLS) != text:
        raise MalformedError("a control character", where=f"line {number}")
    return text


def _tokenize(text: bytes, depth: int, number: int, tokens: list[bytes]) -> int:
    """Append the tokens of one line to ``tokens`` and give the depth of parentheses after it."""
    where = f"line {number}"
    start, position = -1, 0
    quoted = False

    def end(stop: int) -> None:
        if start >= 0:
            tokens.append(text[start:stop])

    while position < len(text):
        char = text[position : position + 1]
        if char == b"\\":
            start = position if start < 0 else start
            position += 1
        elif char == b'"':
            start = position if start < 0 else start
            quoted = not quoted
        elif quoted:
            pass
        elif char in b" \t();":
            end(position)
            start = -1
            if char == b";":
                break
            depth += (char == b"(") - (char == b")")
            if not 0 <= depth <= 1:
                raise MalformedError("parentheses that do not match", where=where)
        elif start < 0:
            start = position
        position += 1
    if quoted:
        raise MalformedError("a quote is not closed on its line", where=where)
    end(len(text))
    return depth
