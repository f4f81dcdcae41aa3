"""QR codes out of a picture of a page: as it is first, then ever harder, as long as something is left that may be one.

Each rung is a way to look at the picture again; the order is that of what they found for their time on a few hundred
damaged pages, and a rung that found nothing the others had not found is not here. Once the picture as it is has been
read, only the part that still looks like a code is looked at, with what was read painted over. Nothing here depends on
a clock: the same picture always gives the same codes. A code that was read is right (its Reed-Solomon code says so), or
it is none of ours.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from keyquorum.paper.finders import repaired
from keyquorum.paper.pictures import Picture

Box = tuple[int, int, int, int]
Quad = tuple[tuple[float, float], ...]

_CELL = 9
"""A page is searched for what may be a code in cells of 9 by 9 dots, of which it is 98 long: 3 mm of A4."""
_DOTS = 877
_CELLS = 5
"""So many cells each way have to look like one: 15 mm, more than a page's mark and less than a code."""
_LEAST_DARK, _MOST_DARK = 0.25, 0.8
_LEAST_CONTRAST = 0.07
"""Of the paper's lightness; less is noise."""
_MARGIN = 5
"""Cells around what looks like a code that are looked at with it."""
_SMALL = 6_000_000
"""Pixels up to which a picture is enlarged."""


@dataclass(slots=True)
class Codes:
    """What was found: the texts of codes (secret where one is a share's), and whether something is left unread."""

    texts: dict[str, None] = field(default_factory=dict, repr=False)
    unread: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """A picture to be decoded, where it begins in the page's, and how many of the page's pixels one of its is."""

    image: Image.Image
    binarizer: zxingcpp.Binarizer = zxingcpp.Binarizer.LocalAverage
    origin: tuple[int, int] = (0, 0)
    scale: float = 1


def codes_in(picture: Picture, enough: Callable[[Collection[str]], bool]) -> Codes:
    """Find the QR codes on a page; ``enough`` says whether those found so far are all that is wanted."""
    codes = Codes()
    gray = picture.gray
    quads = _read(_Look(gray), codes)
    left = None if enough(codes.texts) else _unread(_without(gray, quads))
    if left is None:
        return codes

    def rest() -> Image.Image:
        return _without(gray, quads).crop(left)

    for look in chain(_rungs(rest, left[:2]), _views(picture)):
        if enough(codes.texts):
            return codes
        found = _read(look, codes)
        quads += found
        if found and not _unread(_without(gray, quads)):
            return codes
    codes.unread = not enough(codes.texts)
    return codes


def _read(look: _Look, codes: Codes) -> list[Quad]:
    """Decode what can be; gives the corners of each code in the page's pixels."""
    found = zxingcpp.read_barcodes(
        look.image,
        # No constant of this module: where the interpreter ends without freeing it, it is called a leak on stderr.
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        binarizer=look.binarizer,
        text_mode=zxingcpp.TextMode.Plain,
    )
    codes.texts |= dict.fromkeys(code.text for code in found)
    return [_quad(code.position, look) for code in found]


def _quad(place: Any, look: _Look) -> Quad:
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    x, y = look.origin
    return tuple((x + corner.x * look.scale, y + corner.y * look.scale) for corner in corners)


def _without(gray: Image.Image, quads: Collection[Quad]) -> Image.Image:
    """Give a picture in which the codes that were read are painted over."""
    rest = gray.copy()
    draw = ImageDraw.Draw(rest)
    for quad in quads:
        draw.polygon(quad, fill=255, outline=255, width=_CELL * _dot(gray) // 2)
    return rest


def _dot(gray: Image.Image) -> int:
    return max(round(max(gray.size) / _DOTS), 1)


def _unread(gray: Image.Image) -> Box | None:
    """Give the part of a picture that looks like codes, and neither like text nor like a blot."""
    dot = _dot(gray)
    cell = _CELL * dot
    found = _code_like(gray, dot).filter(ImageFilter.MinFilter(_CELLS)).getbbox()
    if found is None:
        return None
    around = _CELLS // 2 + _MARGIN
    left, top = max(found[0] - around, 0), max(found[1] - around, 0)
    right, bottom = found[2] + around, found[3] + around
    return left * cell, top * cell, min(right * cell, gray.width), min(bottom * cell, gray.height)


def _code_like(gray: Image.Image, dot: int) -> Image.Image:
    """Mark (255) the cells about half of which is ink, measured by the lightest and darkest around; text has less."""
    if min(gray.size) < _CELL * dot:
        return Image.new("L", (1, 1), 0)
    paper, ink = _paper_and_ink(gray)
    dots = ink.reduce(dot).filter(ImageFilter.MedianFilter(3))
    least, most = (_extreme(dots, rank) for rank in (ImageFilter.MinFilter(3), ImageFilter.MaxFilter(3)))
    marks = []
    for low, high, middle, white in zip(
        least.tobytes(),
        most.tobytes(),
        _like(ink.reduce(_CELL * dot), least).tobytes(),
        _like(paper, least).tobytes(),
        strict=True,
    ):
        contrast = high - low
        code = contrast > _LEAST_CONTRAST * white and _LEAST_DARK * contrast < middle - low < _MOST_DARK * contrast
        marks.append(255 if code else 0)
    return Image.frombytes("L", least.size, bytes(marks))


def _extreme(dots: Image.Image, rank: ImageFilter.RankFilter) -> Image.Image:
    """Give the least or the most of each cell and those around it."""
    for _ in range(2):
        dots = dots.filter(rank)
        dots = dots.resize((-(-dots.width // 3), -(-dots.height // 3)), Image.Resampling.NEAREST)
    return dots.filter(rank)


def _like(image: Image.Image, other: Image.Image) -> Image.Image:
    """Give ``image`` in the size of ``other``, from which it differs by rounding, or by its scale."""
    return image if image.size == other.size else image.resize(other.size, Image.Resampling.NEAREST)


def _rungs(rest: Callable[[], Image.Image], origin: tuple[int, int]) -> Iterator[_Look]:
    """Give ways to look at a part of a page; ``rest`` gives it without what was read so far, ``origin`` its corner."""
    gray = rest()

    def look(image: Image.Image, binarizer: zxingcpp.Binarizer = zxingcpp.Binarizer.LocalAverage) -> _Look:
        return _Look(image, binarizer, origin, gray.width / image.width)

    half = gray.reduce(2)
    yield look(_sharp(half, 2, 200))
    smooth = gray.filter(ImageFilter.BoxBlur(2))
    yield look(smooth)
    yield look(gray, zxingcpp.Binarizer.GlobalHistogram)
    clear = _sharp(smooth, 6, 300)
    yield look(clear)
    if gray.width * gray.height <= _SMALL:
        yield look(_enlarged(gray))
    for image, (x, y) in repaired(rest()):
        yield _Look(image, origin=(origin[0] + x, origin[1] + y))
    yield look(gray.filter(ImageFilter.GaussianBlur(2)))
    yield look(_sharp(gray, 6, 300))
    yield look(_flat(gray.filter(ImageFilter.BoxBlur(1))), zxingcpp.Binarizer.GlobalHistogram)
    yield look(_enlarged(_sharp(half, 2, 200)))
    clean = gray.filter(ImageFilter.MedianFilter(3))
    yield look(clean.filter(ImageFilter.BoxBlur(1)))
    yield look(_flat(clean))
    yield look(_enlarged(_sharp(clean, 4, 200)))
    for image, (x, y) in repaired(_sharp(rest().filter(ImageFilter.BoxBlur(2)), 6, 300)):
        yield _Look(image, origin=(origin[0] + x, origin[1] + y))


def _views(picture: Picture) -> Iterator[_Look]:
    """Give the other views of a page: its colours, or the scan as it was."""
    for view in picture.views:
        image = view()
        if image is not None:
            scale = picture.gray.width / image.width
            yield _Look(image, scale=scale)
            yield _Look(image.filter(ImageFilter.BoxBlur(2)), scale=scale)


def _flat(gray: Image.Image) -> Image.Image:
    """Take shadows and uneven light out: what is left is how much darker a pixel is than the paper around it."""
    return ImageOps.autocontrast(ImageOps.invert(_paper_and_ink(gray)[1]), cutoff=1)


def _paper_and_ink(gray: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Give how light the paper is (16 pixels in one), and how much darker than it each pixel is."""
    paper = gray.reduce(16).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.BoxBlur(3))
    return paper, ImageChops.subtract(paper.resize(gray.size, Image.Resampling.BILINEAR), gray)


def _sharp(image: Image.Image, radius: float, percent: int) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius, percent, 0))


def _enlarged(image: Image.Image) -> Image.Image:
    return image.resize((2 * image.width, 2 * image.height), Image.Resampling.BICUBIC)
