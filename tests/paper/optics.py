"""The means of the damage simulator: noise, light, projection, by Pillow alone and from seeded randomness."""

import io
import itertools
from collections.abc import Callable
from random import Random
from statistics import NormalDist

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WHITE = 255
Point = tuple[float, float]


def random_bytes(size: tuple[int, int], rng: Random) -> Image.Image:
    """Give a picture whose pixels are uniform in 0 to 255."""
    return Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))


def noisy(picture: Image.Image, deviation: float, rng: Random) -> Image.Image:
    """Add Gaussian noise (to 2.9 standard deviations and at most 127 either way)."""
    normal = NormalDist(128, deviation)
    table = [min(max(round(normal.inv_cdf((value + 0.5) / 256)), 0), WHITE) for value in range(256)]
    return ImageChops.add(picture, random_bytes(picture.size, rng).point(table), 1, -128)


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    """Give what is left of it after JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("L")


def clouds(size: tuple[int, int], rng: Random, cells: int) -> Image.Image:
    """Give soft random light and dark, ``cells`` of it across and down."""
    return random_bytes((cells, cells), rng).resize(size, Image.Resampling.BICUBIC)


def gradient(size: tuple[int, int], darkest: float, rng: Random) -> Image.Image:
    """Give a light that falls off from 1 at one edge or corner to ``darkest`` at the other, with a softer shadow."""
    rows = [[rng.uniform(0, 1) for _ in range(3)] for _ in range(3)]
    corner = rng.choice([(0, 0), (0, 2), (2, 0), (2, 2)])
    rows[corner[0]][corner[1]] = 0.0
    rows[2 - corner[0]][2 - corner[1]] = 1.0
    small = Image.new("L", (3, 3))
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            small.putpixel((x, y), round(WHITE * (darkest + (1 - darkest) * value)))
    return small.resize(size, Image.Resampling.BICUBIC)


def shadow(size: tuple[int, int], crease: int, darkest: float, reach: int) -> Image.Image:
    """Give a light with a dark line at row ``crease`` that fades within ``reach`` rows below and a quarter above."""
    column = Image.new("L", (1, size[1]), WHITE)
    for row in range(max(crease - reach // 4, 0), min(crease + reach, size[1])):
        away = (crease - row) / max(reach / 4, 1) if row < crease else (row - crease) / reach
        column.putpixel((0, row), round(WHITE * (darkest + (1 - darkest) * min(away, 1))))
    return column.resize(size)


def ragged(box: tuple[float, float, float, float], rng: Random) -> list[Point]:
    """Give the outline of ``box`` with an edge as torn or burnt paper has it, 25 pixels either way."""
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    outline = []
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        for step in range(24):
            x, y = x0 + (x1 - x0) * step / 24, y0 + (y1 - y0) * step / 24
            outline.append((x + rng.uniform(-25, 25), y + rng.uniform(-25, 25)))
    return outline


def stain(size: tuple[int, int], area: float, rng: Random) -> Image.Image:
    """Give a mask of drops that ran together, of about ``area`` pixels."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    x, y = rng.uniform(0.05, 0.95) * size[0], rng.uniform(0.05, 0.95) * size[1]
    covered = 0.0
    while covered < area:
        across = (area / 3.14) ** 0.5 * rng.uniform(0.15, 0.6)
        down = across * rng.uniform(0.6, 1.6)
        draw.ellipse((x - across, y - down, x + across, y + down), fill=WHITE)
        covered = mask.reduce(16).histogram()[WHITE] * 256
        x = min(max(x + rng.uniform(-1.1, 1.1) * across, 0), size[0])
        y = min(max(y + rng.uniform(-1.1, 1.1) * across, 0), size[1])
    return mask


def softened(mask: Image.Image) -> Image.Image:
    """Give ``mask`` with a soft edge of 4 pixels."""
    return mask.filter(ImageFilter.BoxBlur(4))


def mesh(
    size: tuple[int, int], cells: int, source: Callable[[float, float], Point]
) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Give what ``Image.transform`` wants for a map by ``source`` from the new picture to the old, cell by cell."""
    xs, ys = ([round(length * step / cells) for step in range(cells + 1)] for length in size)
    return [
        (
            (left, top, right, bottom),
            (*source(left, top), *source(left, bottom), *source(right, bottom), *source(right, top)),
        )
        for left, right in itertools.pairwise(xs)
        for top, bottom in itertools.pairwise(ys)
    ]


def projection(source: list[Point], target: list[Point]) -> list[float]:
    """Give the 8 coefficients with which ``Image.transform`` carries the points ``target`` to where ``source`` are.

    Both are four points in the same order; Pillow wants the map from the new picture to the old one.
    """
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for column in range(8):
        pivot = max(range(column, 8), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(8):
            if row != column:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[8] for row in rows]
