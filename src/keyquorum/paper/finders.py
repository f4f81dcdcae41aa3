"""QR codes that have lost one of their three finder patterns: it is drawn anew where it must have been.

A finder pattern (ISO/IEC 18004 section 6.3.3.1) is dark, light, dark, light and dark in the ratio 1:1:3:1:1 along every
line through its middle. Error correction does not cover it: no decoder begins without all three, however whole the rest
is. Two of them leave six places for the third: on either side of either of them, if they stand along one edge of the
code, or at the other two corners, if they stand across it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import dist

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from keyquorum.paper.codes import MOST_VERSION

_STEP = 3
"""Every third row and column is looked at; a module of a scan at 300 dpi is 6 pixels or more."""
_MOST = 12
"""So many finder patterns are taken, those met most often first; a page of ours has 12."""
_LEAST_MET = 2
_RUNS = re.compile(rb"\x00+|\xff+")
_SMALLEST, _LARGEST = 3.0, 36.0
_BETWEEN = (21 - 7, 17 + 4 * MOST_VERSION - 7)
"""Modules between the middles of two finder patterns of one code, of version 1 and of the largest."""
_CELL = 32

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Finder:
    """A finder pattern: its middle, the size of a module, both in pixels, and how many lines met it."""

    x: float
    y: float
    module: float
    met: int


def finders(gray: Image.Image) -> list[Finder]:
    """Find the finder patterns in a picture (mode L), those that are most certain first."""
    dark = _dark(gray)
    across = _lines(dark)
    down: dict[tuple[int, int], list[tuple[float, float, float]]] = defaultdict(list)
    for y, x, module in _lines(dark.transpose(Image.Transpose.TRANSPOSE)):
        down[int(x) // _CELL, int(y) // _CELL].append((x, y, module))
    groups: list[list[tuple[float, float, float]]] = []
    for x, y, module in across:
        for cell in _around(int(x) // _CELL, int(y) // _CELL):
            for x_down, y_down, module_down in down.get(cell, ()):
                near = abs(x - x_down) < 1.2 * module and abs(y - y_down) < 1.2 * module
                if near and 0.7 < module / module_down < 1.4:
                    _put(groups, (x, y_down, (module + module_down) / 2))
    found = []
    for group in groups:
        if len(group) >= _LEAST_MET:
            x, y, module = (sum(values) / len(group) for values in zip(*group, strict=True))
            found.append(Finder(x, y, module, len(group)))
    return sorted(found, key=lambda finder: -finder.met)[:_MOST]


def repaired(gray: Image.Image) -> Iterator[tuple[Image.Image, tuple[int, int]]]:
    """Give cuttings of what may be a code, with a finder pattern drawn where one may be missing, and where each begins.

    There are at most 396, mostly 50 to 150.
    """
    for one, other in combinations(finders(gray), 2):
        if not 0.75 < one.module / other.module < 1.33:
            continue
        module = (one.module + other.module) / 2
        for corners in _corners(one, other):
            x, y = corners[0]
            side = dist(corners[0], corners[1])
            if not _BETWEEN[0] * 0.9 <= side / module <= _BETWEEN[1] * 1.1:
                continue
            if not (0 <= x < gray.width and 0 <= y < gray.height):
                continue
            xs, ys = zip(*corners, strict=True)
            quiet = 8 * module
            left, top = max(int(min(xs) - quiet), 0), max(int(min(ys) - quiet), 0)
            right, bottom = min(int(max(xs) + quiet), gray.width), min(int(max(ys) + quiet), gray.height)
            picture = gray.crop((left, top, right, bottom))
            along = ((corners[1][0] - x) / side, (corners[1][1] - y) / side)
            _draw(picture, (x - left, y - top), module, along)
            yield picture, (left, top)


def _dark(gray: Image.Image) -> Image.Image:
    """Give what is darker than its neighbourhood: 255 there, 0 elsewhere."""
    smooth = gray.filter(ImageFilter.BoxBlur(1))
    around = smooth.reduce(8).filter(ImageFilter.BoxBlur(6)).resize(smooth.size, Image.Resampling.BILINEAR)
    return ImageChops.subtract(around, smooth).point([255 if value > 6 else 0 for value in range(256)])


def _lines(dark: Image.Image) -> list[tuple[float, float, float]]:
    """Find 1:1:3:1:1 along the rows; gives middle, row and size of a module of each."""
    width, height = dark.size
    data = dark.tobytes()
    found = []
    for row in range(0, height, _STEP):
        start = row * width
        lengths = [len(run) for run in _RUNS.findall(data, start, start + width)]
        first = 0 if data[start] else 1
        begin = sum(lengths[:first])
        for index in range(first, len(lengths) - 4, 2):
            a, b, c, d, e = lengths[index : index + 5]
            module = (a + b + c + d + e) / 7
            if _SMALLEST <= module <= _LARGEST and abs(c - 3 * module) < module:
                most = 0.55 * module
                if all(abs(run - module) < most for run in (a, b, d, e)):
                    found.append((begin + 3.5 * module, float(row), module))
            begin += a + b
    return found


def _around(column: int, row: int) -> Iterator[tuple[int, int]]:
    return ((column + across, row + down) for across in (-1, 0, 1) for down in (-1, 0, 1))


def _put(groups: list[list[tuple[float, float, float]]], point: tuple[float, float, float]) -> None:
    """Put a point to those within two modules of it."""
    x, y, module = point
    for group in groups:
        if abs(group[0][0] - x) < 2 * module and abs(group[0][1] - y) < 2 * module:
            group.append(point)
            return
    groups.append([point])


def _corners(one: Finder, other: Finder) -> Iterator[Sequence[Point]]:
    """Give squares with two finder patterns at corners; the first corner is where the third may be missing.

    The second corner is a neighbour of the first.
    """
    a, b = (one.x, one.y), (other.x, other.y)
    dx, dy = b[0] - a[0], b[1] - a[1]
    for x, y in ((-dy, dx), (dy, -dx)):
        c, d = (a[0] + x, a[1] + y), (b[0] + x, b[1] + y)
        yield c, a, b, d
        yield d, b, a, c
        middle = (a[0] + dx / 2, a[1] + dy / 2)
        yield (middle[0] + x / 2, middle[1] + y / 2), a, b, (middle[0] - x / 2, middle[1] - y / 2)


def _draw(picture: Image.Image, middle: Point, module: float, along: Point) -> None:
    """Draw a finder pattern and the light modules around it; ``along`` is the direction of one of its edges."""
    draw = ImageDraw.Draw(picture)
    for modules, shade in ((9, 255), (7, 0), (5, 255), (3, 0)):
        reach = modules * module / 2
        corners = [
            (middle[0] + reach * (u * along[0] - v * along[1]), middle[1] + reach * (u * along[1] + v * along[0]))
            for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        draw.polygon(corners, fill=shade)
