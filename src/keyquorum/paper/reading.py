"""Pages back from pictures: the codes on each page of a scan or photo, and what else is to be said of it.

Everything stays in memory: no library is given a file name, and nothing is written. What is read here may be anybody's:
whether it is of the right escrow, and intact, is for ``judging`` and ``readback`` to say.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from keyquorum.errors import MalformedError
from keyquorum.paper.frames import Frame, decode
from keyquorum.paper.ladder import Codes, codes_in
from keyquorum.paper.pictures import FILE_LIMIT, pictures_in

__all__ = ["FILE_LIMIT", "Reading", "read_file"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of one page.

    ``where`` names it: ``scan.pdf, page 2``. ``frames`` are its codes, each once (secret where one is a share's);
    ``troubles`` are sentences about the rest, with nothing secret in them.
    """

    where: str
    frames: tuple[Frame, ...] = field(repr=False)
    troubles: tuple[str, ...] = ()


def read_file(data: bytes, name: str) -> list[Reading]:
    """Read the codes on every page of a PDF, PNG, JPEG or TIFF; ``name`` is what to call it.

    A page on which nothing is found is a Reading without frames. Raises MalformedError for a file that is none of
    these, or is damaged, and LimitError for one that is too large (``pictures``).
    """
    known: dict[Frame, None] = {}
    readings = []

    def enough(texts: Collection[str]) -> bool:
        return _complete(_frames(texts)[0], known)

    for picture in pictures_in(data, name):
        codes = codes_in(picture, enough)
        frames, strangers = _frames(codes.texts)
        known.update(dict.fromkeys(frames))
        readings.append(Reading(picture.where, tuple(frames), tuple(_troubles(frames, strangers, codes))))
    return readings


def _frames(texts: Iterable[str]) -> tuple[list[Frame], int]:
    """Give the frames among the texts of codes, in a fixed order, and how many of the texts are none."""
    frames: dict[Frame, None] = {}
    strangers = 0
    for text in texts:
        try:
            frames[decode(text)] = None
        except MalformedError:
            strangers += 1
    return sorted(frames, key=lambda frame: (frame.kind, frame.number, frame.text)), strangers


def _complete(frames: Iterable[Frame], known: Collection[Frame]) -> bool:
    """Whether a page has nothing more to give: a share, or all parts of something are there, some on other pages."""
    things = {(frame.kind, frame.rehearsal, frame.escrow, frame.of) for frame in frames if frame.kind != "P"}
    if any(kind == "S" for kind, *_ in things):
        return True
    have = {*frames, *known}
    return bool(things) and all(
        len({frame.number for frame in have if (frame.kind, frame.rehearsal, frame.escrow, frame.of) == thing})
        == thing[3]
        for thing in things
    )


def _troubles(frames: Collection[Frame], strangers: int, codes: Codes) -> Iterable[str]:
    if strangers:
        yield f"{strangers} QR code{'s' * (strangers > 1)} on it that {'are' if strangers > 1 else 'is'} none of ours"
    if len({frame.escrow for frame in frames}) > 1:
        yield "codes of different escrows"
    if len({frame.rehearsal for frame in frames}) > 1:
        yield "codes of a rehearsal and of the real thing"
    if len({(frame.kind, frame.escrow, frame.rehearsal, frame.number, frame.of) for frame in frames}) < len(frames):
        yield "two codes that should be the same differ"
    if codes.unread:
        yield "part of it looks like a QR code and could not be read"
