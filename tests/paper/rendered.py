"""Pages of ours as 300 dpi pictures, with the places of their codes and words, for the damage simulator."""

import re
from collections.abc import Sequence
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as names  # type: ignore[import-untyped]
import zxingcpp
from PIL import Image

from tests.paper.damage import Box, Page

SCALE = 300 / 72
_AROUND = 3  # pixels around a word that have to be there


def rendered(pdf: bytes, words: Sequence[str] = ()) -> list[Page]:
    """Give the pages of ``pdf``; with ``words``, those of a share, also where each of them stands on its page."""
    document = pypdfium2.PdfDocument(pdf)
    pages = []
    for page in document:
        picture = page.render(scale=SCALE, grayscale=True).to_pil().convert("L").copy()
        pages.append(Page(picture, tuple(map(_corners, read_plainly(picture))), _words(page, words)))
    document.close()
    return pages


def read_plainly(picture: Image.Image) -> list[zxingcpp.Barcode]:
    """Give the QR codes that zxing-cpp reads with nothing done to the picture."""
    return zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))


def _corners(found: Any) -> Box:
    place = found.position
    points = (place.top_left, place.top_right, place.bottom_left, place.bottom_right)
    xs, ys = [point.x for point in points], [point.y for point in points]
    return min(xs), min(ys), max(xs), max(ys)


def _words(page: Any, words: Sequence[str]) -> tuple[Box, ...]:
    """Find each word behind its number in the text of the page."""
    text = page.get_textpage()
    characters = "".join(chr(names.FPDFText_GetUnicode(text, index)) for index in range(text.count_chars()))
    height = page.get_height()
    boxes = []
    for number, word in enumerate(words, 1):
        found = re.search(rf"(?<![0-9]){number}\s+({word})(?![a-z])", characters)
        assert found, f"word {number} does not stand behind its number"
        sides = [text.get_charbox(index) for index in range(*found.span(1))]
        boxes.append(
            (
                int(min(side[0] for side in sides) * SCALE) - _AROUND,
                int((height - max(side[3] for side in sides)) * SCALE) - _AROUND,
                int(max(side[2] for side in sides) * SCALE) + _AROUND,
                int((height - min(side[1] for side in sides)) * SCALE) + _AROUND,
            )
        )
    return tuple(boxes)
