"""Gray pictures of pages, out of PDF, PNG, JPEG and TIFF; in memory only, nothing is written anywhere.

What a file claims about itself is checked before anything is unpacked: bytes, pages, pixels. Refused: any other format,
and a file that the libraries stumble over, whatever they stumble with.
"""

import io
import math
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_names  # type: ignore[import-untyped]
from PIL import Image, ImageChops

from keyquorum.errors import KeyquorumError, LimitError, MalformedError

FILE_LIMIT = 1 << 27
"""Bytes of a file: a page scanned at 600 dpi in colour, not compressed, is 104 MB."""
PAGE_LIMIT = 200
PIXEL_LIMIT = 80_000_000
"""Pixels of one picture: A4 at 600 dpi has 35 million, a photo of a good phone 50."""
DPI = 300
_POINTS = 72  # per inch, in PDF
_LONG_SIDE = 3508
"""Pixels of the long side of A4 at 300 dpi, which suffice."""
_MOST_LONG = 5000
"""Pictures with a longer side are first made smaller."""
_FORMATS = ("PNG", "JPEG", "TIFF")
_DEPTH = 8
_ADVICE = "Scan or photograph the page again, and save it as PDF, PNG, JPEG or TIFF."

View = Callable[[], Image.Image | None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One page: ``gray`` is its picture (mode L), ``views`` are other pictures of it, made when they are called for.

    A view may be None where there is nothing more to see. ``where`` names file and page.
    """

    where: str
    gray: Image.Image = field(repr=False)
    views: tuple[View, ...] = field(default=(), repr=False)


def pictures_in(data: bytes, name: str) -> Iterator[Picture]:
    """Give the pages in a file, one after the other; ``name`` is what to call the file.

    Raises LimitError for more than 128 MiB, 200 pages or 80 million pixels in a picture, MalformedError for what is not
    PDF, PNG, JPEG or TIFF, or is damaged.
    """
    if len(data) > FILE_LIMIT:
        raise LimitError(f"the file is larger than {FILE_LIMIT >> 20} MiB", where=name, do=_ADVICE)
    pages = _pdf_pages if b"%PDF-" in data[:1024] else _frames
    with closing(pages(data, name)) as found:
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # What Pillow has to say about odd metadata is nothing to us.
                    picture = next(found, None)
            except KeyquorumError:
                raise
            except Exception as error:
                # Decoders of pictures raise whatever a damaged file leads them to.
                raise MalformedError("this picture is damaged, or of another kind", where=name, do=_ADVICE) from error
            if picture is None:
                return
            yield picture


def _frames(data: bytes, name: str) -> Generator[Picture]:
    """Give the pages of a TIFF, or the one picture of a PNG or JPEG."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        count = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
        _check_count(count, name)
        for number in range(count):
            image.seek(number)
            where = _page(name, number, count)
            _check_size(image.size, where)
            yield _picture(where, _upright(image))


def _pdf_pages(data: bytes, name: str) -> Generator[Picture]:
    document = pypdfium2.PdfDocument(data)
    try:
        _check_count(len(document), name)
        for number in range(len(document)):
            where = _page(name, number, len(document))
            page = document[number]
            images = list(page.get_objects(filter=[pdfium_names.FPDF_PAGEOBJ_IMAGE], max_depth=_DEPTH))
            for image in images:
                _check_size(image.get_px_size(), where)
            yield Picture(where, _rendered(page, where), tuple(view for image in images for view in _embedded(image)))
            page.close()
    finally:
        document.close()


def _rendered(page: Any, where: str) -> Image.Image:
    """Draw a page at 300 dpi, or fewer where it is larger than any paper."""
    width, height = page.get_size()
    if not (width > 0 and height > 0 and math.isfinite(width * height)):
        raise MalformedError("the page has no size", where=where, do=_ADVICE)
    scale = min(DPI / _POINTS, 2 * _LONG_SIDE / max(width, height))
    bitmap = page.render(scale=scale, grayscale=True, no_smoothtext=False)
    picture: Image.Image = bitmap.to_pil().convert("L").copy()
    bitmap.close()
    return _reduced(picture)


def _embedded(image: Any) -> Iterator[View]:
    """Give the views of a scan within a PDF, as it was before it was drawn."""

    def seen() -> Image.Image:
        bitmap = image.get_bitmap()
        picture: Image.Image = bitmap.to_pil().copy()
        bitmap.close()
        return picture

    if min(image.get_px_size()) >= 100:
        yield lambda: _reduced(_gray(seen()))
        yield lambda: _lightest(seen())


def _picture(where: str, image: Image.Image) -> Picture:
    gray = _gray(image)
    reduced = _reduced(gray)
    full = (lambda: gray,) if reduced is not gray else ()
    return Picture(where, reduced, (lambda: _lightest(image), *full))


def _upright(image: Image.Image) -> Image.Image:
    """Give one frame in a mode that has white paper: no palette, no transparency, 8 bits."""
    if image.has_transparency_data:
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    if image.mode in {"L", "RGB"}:
        return image.copy()
    if image.mode == "F" or image.mode.startswith("I"):
        wide = image.convert("F")
        low, high = wide.getextrema()
        scale = 255 / (high - low) if high > low else 0  # type: ignore[operator]
        return wide.point(lambda value: value * scale - low * scale).convert("L")  # type: ignore[operator]
    return image.convert("L" if image.mode == "1" else "RGB")


def _gray(image: Image.Image) -> Image.Image:
    return image if image.mode == "L" else image.convert("L")


def _lightest(image: Image.Image) -> Image.Image | None:
    """Give the lightest of red, green and blue: black ink stays, coloured stains, stamps and pens go."""
    if image.mode != "RGB":
        return None
    red, green, blue = image.split()
    if ImageChops.difference(red, blue).getextrema()[1] < 32:  # type: ignore[operator]
        return None
    return _reduced(ImageChops.lighter(ImageChops.lighter(red, green), blue))


def _reduced(picture: Image.Image) -> Image.Image:
    longer = max(picture.size)
    if longer <= _MOST_LONG:
        return picture
    if longer >= 2 * _LONG_SIDE:
        return picture.reduce(longer // _LONG_SIDE)
    return picture.resize([side * _LONG_SIDE // longer for side in picture.size], Image.Resampling.BOX)


def _page(name: str, number: int, count: int) -> str:
    return f"{name}, page {number + 1}" if count > 1 else name


def _check_count(count: int, name: str) -> None:
    if not count:
        raise MalformedError("there is no page in it", where=name, do=_ADVICE)
    if count > PAGE_LIMIT:
        raise LimitError(f"{count} pages are more than {PAGE_LIMIT}", where=name, do="Give them in several files.")


def _check_size(size: tuple[int, int], where: str) -> None:
    if size[0] * size[1] > PIXEL_LIMIT:
        raise LimitError(
            f"{size[0]} by {size[1]} pixels are more than {PIXEL_LIMIT // 1_000_000} million",
            where=where,
            do="Scan at 300 dpi; 600 are the most.",
        )
