"""The text of one QR code: what it is a part of, and the part.

    KQ1:S:<ID>:<number>:<33 words>        a share
    KQ1:K:<ID>:<i>/<n>:<base32>           part i of n of key.cms
    KQ1:M:<ID>:<i>/<n>:<base32>           part i of n of escrow.json, the manifest

A rehearsal begins with ``KQ1R``. ``<ID>`` is the base32 (RFC 4648) of the first 10 bytes of the escrow's id. All of it
is in QR's alphanumeric set (ISO/IEC 18004 section 7.4.4: digits, capitals, blank and ``$%*+-./:``), which every decoder
reads alike. Every part but a share is a multiple of 5 bytes, so that base32 needs no padding and the parts in their
order, one after the other, are the base32 of the whole.

Refused: anything that this file would not write itself, to the character.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from keyquorum.errors import LimitError, MalformedError, NotYetError
from keyquorum.records.escrow import MOST_SHARES

FrameKind = Literal["S", "K", "M", "P"]
DOCUMENTS = {"KEY": "the key's pages", "MANIFEST": "the manifest's pages", "HOWTO": "the instructions"}
"""What a page without another code can be of."""
SHARE_WORDS = 33
ID_LENGTH = 10
"""Bytes of the escrow's id that stand in a frame and, in base32, on each page."""
PART_LENGTH = 870
"""Bytes in the longest part: with its head, in base32, what a QR code of version 30 holds at level Q (1,429)."""
MOST_PARTS = 999
MOST_CHARACTERS = 1429
_BLOCK = 5  # bytes, which are 8 characters of base32
_NAMES = {"S": "share", "K": "key.cms", "M": "escrow.json", "P": "page"}
_FRAME = re.compile(
    r"KQ1(?P<rehearsal>R?):(?P<kind>[SKMP]):(?P<id>[A-Z2-7]{16}):"
    r"(?P<number>[1-9][0-9]{0,2})(?:/(?P<of>[1-9][0-9]{0,2}))?:(?P<text>[A-Z2-7 ]+)"
)
_WORDS = re.compile(rf"[a-z]{{4,8}}(?: [a-z]{{4,8}}){{{SHARE_WORDS - 1}}}")
_BASE32 = re.compile(r"(?:[A-Z2-7]{8})+")


@dataclass(frozen=True, slots=True)
class Frame:
    """One QR code's content. ``text`` of a share (kind S) is its 33 lower-case words, of a part (K, M) its base32, of a
    page that has no other code (P) one of ``DOCUMENTS``.

    ``escrow`` is the first 10 bytes of the escrow's id; ``number`` counts from 1; ``of`` is how many parts there are (1
    for a share, whose number is its own). Making one that cannot be raises MalformedError. ``repr`` hides the text.
    """

    kind: FrameKind
    rehearsal: bool
    escrow: bytes
    number: int
    of: int
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.kind not in _NAMES or len(self.escrow) != ID_LENGTH:
            raise MalformedError("there is no such frame")
        if self.kind == "S":
            if self.of != 1 or not 1 <= self.number <= MOST_SHARES:
                raise MalformedError(f"share {self.number} cannot be", where="share")
            if not _WORDS.fullmatch(self.text):
                raise MalformedError(f"a share is {SHARE_WORDS} words", where=f"share {self.number}")
            return
        if not 1 <= self.number <= self.of <= MOST_PARTS:
            raise MalformedError(f"part {self.number} of {self.of} cannot be", where=_NAMES[self.kind])
        if self.kind == "P":
            if self.text not in DOCUMENTS:
                raise MalformedError("this is a page of nothing that there is", where="page")
            return
        if not _BASE32.fullmatch(self.text):
            raise MalformedError("this is not base32 in groups of 8 characters", where=self.name)

    @property
    def name(self) -> str:
        """What the frame is, for people: ``share 3`` or ``key.cms, part 2 of 3``."""
        title = _NAMES[self.kind]
        if self.kind == "P":
            return f"page {self.number} of {self.of} of {DOCUMENTS[self.text]}"
        return f"{title} {self.number}" if self.kind == "S" else f"{title}, part {self.number} of {self.of}"

    @property
    def data(self) -> bytes:
        """The bytes of a part; for a share or a page, of its text."""
        return self.text.encode() if self.kind in {"S", "P"} else base64.b32decode(self.text)


def encode(frame: Frame) -> str:
    """Give the text of the QR code, at most 1,429 characters for what ``parts`` made."""
    number = f"{frame.number}" if frame.kind == "S" else f"{frame.number}/{frame.of}"
    return f"KQ1{'R' * frame.rehearsal}:{frame.kind}:{short_id(frame.escrow)}:{number}:{frame.text.upper()}"


def decode(text: str) -> Frame:
    """Read the text of a QR code; raises LimitError or MalformedError, which never repeat it."""
    if len(text) > MOST_CHARACTERS:
        raise LimitError(f"the QR code holds more than {MOST_CHARACTERS} characters; it is not one of ours")
    found = _FRAME.fullmatch(text)
    if found is None or (found["kind"] == "S") != (found["of"] is None):
        raise MalformedError("the QR code is not one of an escrow's pages (they begin with KQ1)")
    kind = cast(FrameKind, found["kind"])
    return Frame(
        kind=kind,
        rehearsal=bool(found["rehearsal"]),
        escrow=base64.b32decode(found["id"]),
        number=int(found["number"]),
        of=int(found["of"] or 1),
        text=found["text"].lower() if kind == "S" else found["text"],
    )


def short_id(escrow_id: bytes) -> str:
    """Give the 16 characters that stand for an escrow's id (32 bytes, or its first 10) in frames and on pages."""
    return base64.b32encode(escrow_id[:ID_LENGTH]).decode()


def parts(kind: Literal["K", "M"], rehearsal: bool, escrow_id: bytes, data: bytes) -> list[Frame]:
    """Cut ``data`` into frames of about equal size; ``escrow_id`` is the escrow's id (32 bytes, or its first 10).

    The manifest is first padded with line breaks to a multiple of 5 bytes. key.cms is a multiple of 5 bytes as it is
    made (``escrow.envelope``); raises MalformedError otherwise.
    """
    if kind == "M":
        data += b"\n" * (-len(data) % _BLOCK)
    if not data or len(data) % _BLOCK:
        raise MalformedError(f"{len(data)} bytes are not a multiple of {_BLOCK}", where=_NAMES[kind])
    count = -(-len(data) // PART_LENGTH)
    size = -(-len(data) // (count * _BLOCK)) * _BLOCK
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return [
        Frame(kind, rehearsal, escrow_id[:ID_LENGTH], number, len(pieces), base64.b32encode(piece).decode())
        for number, piece in enumerate(pieces, 1)
    ]


def join(frames: Sequence[Frame]) -> bytes:
    """Put the parts of key.cms or of the manifest together, in any order; the same part twice does no harm.

    The manifest comes without the line breaks at its end. Raises NotYetError, which names the parts that are missing,
    and MalformedError where the frames contradict each other.
    """
    if not frames:
        raise NotYetError("there is no part yet", do="Read the QR codes of the key's pages.")
    first = frames[0]
    title = _NAMES[first.kind]
    if any((frame.kind, frame.of) != (first.kind, first.of) for frame in frames) or first.kind in {"S", "P"}:
        raise MalformedError("these are not the parts of one thing", where=title)
    if any((frame.escrow, frame.rehearsal) != (first.escrow, first.rehearsal) for frame in frames):
        raise MalformedError("these parts are of different escrows", where=title, do="Sort the pages by escrow id.")
    found: dict[int, str] = {}
    for frame in frames:
        if found.setdefault(frame.number, frame.text) != frame.text:
            raise MalformedError("this part was read twice, and differently", where=frame.name)
    missing = [str(number) for number in range(1, first.of + 1) if number not in found]
    if missing:
        raise NotYetError(
            f"of {first.of} parts, {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            where=title,
            do="Each stands twice on the key's pages, far apart; look for the other one.",
        )
    data = base64.b32decode("".join(found[number] for number in range(1, first.of + 1)))
    return data.rstrip(b"\n") if first.kind == "M" else data
