"""Pages as others see them: pictures by poppler, codes by two readers, text by pdftotext."""

import io
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from keyquorum.paper.frames import Frame, decode
from tests.paper.rendered import read_plainly

DPI = 300
MM = DPI / 25.4


def pictures(pdf: bytes, dpi: int = DPI) -> list[Image.Image]:
    """Render each page in grey."""
    done = subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", "-"], input=pdf, capture_output=True, check=True)
    stream = io.BytesIO(done.stdout)
    pages: list[Image.Image] = []
    while stream.tell() < len(done.stdout):
        start = stream.tell()
        fields = [stream.readline() for _ in range(3)]
        width, height = map(int, fields[1].split())
        stream.seek(start)
        pages.append(Image.open(io.BytesIO(stream.read(sum(map(len, fields)) + width * height))))
    return pages


@dataclass(frozen=True)
class Seen:
    """One code on a picture: what it holds, its centre as fractions of the page, its side in pixels."""

    frame: Frame
    x: float
    y: float
    side: float


def codes(picture: Image.Image) -> list[Seen]:
    """Read the codes with zxing-cpp, but those that only say which page it is."""
    return [one for one in every_code(picture) if one.frame.kind != "P"]


def every_code(picture: Image.Image) -> list[Seen]:
    """Read the codes with zxing-cpp."""
    seen = []
    for found in read_plainly(picture):
        at = found.position
        points = (at.top_left, at.top_right, at.bottom_left, at.bottom_right)
        x = sum(point.x for point in points) / 4 / picture.width
        y = sum(point.y for point in points) / 4 / picture.height
        seen.append(Seen(decode(found.text), x, y, at.top_right.x - at.top_left.x))
    return seen


def codes_by_zbar(picture: Image.Image, directory: Path) -> list[Frame]:
    """Read the codes with zbarimg, as the instructions say."""
    path = directory / "page.png"
    picture.save(path)
    done = subprocess.run(["zbarimg", "--raw", "-q", path], capture_output=True, text=True, check=False)
    # Now and then zbar takes some of a code's dots for a bar code of another kind; the instructions have them left out.
    lines = [line for line in done.stdout.splitlines() if line.startswith("KQ1")]
    return [frame for frame in map(decode, lines) if frame.kind != "P"]


def text(pdf: bytes, *options: str) -> str:
    """Give the text of a PDF, in its layout."""
    done = subprocess.run(
        ["pdftotext", *(options or ("-layout",)), "-", "-"], input=pdf, capture_output=True, check=True
    )
    return done.stdout.decode()


Box = tuple[str, float, float, float, float]


def words(pdf: bytes) -> list[tuple[float, float, list[Box]]]:
    """Give of each page its width and height in mm and its words, as (word, left, upper, right, lower)."""
    document = ET.fromstring(text(pdf, "-bbox"))
    space = "{http://www.w3.org/1999/xhtml}"
    scale = 25.4 / 72
    pages = []
    for page in document.iter(f"{space}page"):
        boxes = [
            (word.text or "", *(float(word.attrib[side]) * scale for side in ("xMin", "yMin", "xMax", "yMax")))
            for word in page.iter(f"{space}word")
        ]
        pages.append((float(page.attrib["width"]) * scale, float(page.attrib["height"]) * scale, boxes))
    return pages  # type: ignore[return-value]


def commands(layout: str) -> list[str]:
    """Give the commands in a page's text: lines that begin with ``$ ``, without it, and those they go on in."""
    found: list[str] = []
    goes_on = False
    for line in layout.splitlines():
        if goes_on:
            found[-1] += f"\n{line}"
        elif line.strip().startswith("$ "):
            found.append(line.strip()[2:])
        else:
            continue
        goes_on = line.endswith("\\")
    return found
