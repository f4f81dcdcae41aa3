"""What time and scanners do to a page, simulated on 300 dpi gray pictures; the same seed gives the same damage.

First the paper suffers: a worn printer leaves streaks, ink fades, something is spilt, a part is gone, an edge is cut
off, it is folded. Then it is scanned or photographed: uneven light, perspective, rotation, blur, noise, JPEG. ``lost``
marks, in the coordinates of the undamaged page, where nobody can read anything any more; a person who has the paper in
hand can read the rest, whatever the scanner does.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.paper.optics import (
    WHITE,
    clouds,
    compressed,
    gradient,
    mesh,
    noisy,
    projection,
    ragged,
    random_bytes,
    shadow,
    softened,
    stain,
)

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""
SEVERITIES = ("light", "middle", "heavy")


@dataclass(frozen=True, slots=True)
class Page:
    """An undamaged page: its picture (mode L, 300 dpi), and where its codes and the words of its share stand."""

    picture: Image.Image
    codes: tuple[Box, ...]
    words: tuple[Box, ...] = ()


@dataclass(slots=True)
class Damaged:
    """A page as it comes out of the scanner, and where its paper is illegible."""

    page: Page
    picture: Image.Image
    lost: Image.Image

    def legible(self, box: Box) -> bool:
        """Whether all of ``box`` (in the undamaged page's pixels) can still be read on the paper."""
        return self.lost.crop(box).getextrema() == (0, 0)


Change = Callable[[Damaged, int, Random], None]
"""Takes the page, the severity (0, 1 or 2) and a source of choices; changes ``picture`` and ``lost``."""


def damaged(page: Page, damages: Iterable[tuple[str, int]], seed: str) -> Damaged:
    """Give ``page`` with damages (kind and severity 0 to 2), which happen in the order of KINDS."""
    result = Damaged(page, page.picture, Image.new("L", page.picture.size, 0))
    chosen = dict(damages)
    for kind, change in KINDS.items():
        if kind in chosen:
            change(result, chosen[kind], Random(f"{seed}/{kind}"))
    return result


def _streaks(it: Damaged, severity: int, rng: Random) -> None:
    """A worn drum: 3, 8 or 18 pale lines down the page, 1 to 6 pixels wide, and bands that are paler."""
    width, height = it.picture.size
    pale = Image.new("L", it.picture.size, 0)
    draw = ImageDraw.Draw(pale)
    period = rng.randint(250, 400)
    for top in range(rng.randrange(period), height, period):
        draw.rectangle((0, top, width, top + rng.randint(5, 25)), fill=rng.randint(20, (60, 90, 120)[severity]))
    for _ in range((3, 8, 18)[severity]):
        left = rng.randrange(width)
        draw.rectangle((left, 0, left + rng.randint(0, (2, 3, 5)[severity]), height), fill=rng.randint(150, WHITE))
    it.picture = ImageChops.add(it.picture, pale)


def _faded(it: Damaged, severity: int, rng: Random) -> None:
    """Ink that keeps 70 to 12 % of its contrast, unevenly, on paper that has darkened."""
    contrast = rng.uniform(*((0.5, 0.7), (0.25, 0.4), (0.12, 0.2))[severity])
    paper = rng.uniform(*((235, 250), (210, 235), (190, 220))[severity])
    faded = it.picture.point([round(paper * (1 - contrast * (1 - value / WHITE))) for value in range(256)])
    uneven = clouds(it.picture.size, rng, 12).point([225 + value * 30 // WHITE for value in range(256)])
    it.picture = ImageChops.multiply(faded, uneven)


def _blot(it: Damaged, severity: int, rng: Random) -> None:
    """A dark stain grown from drops: about 1, 3 or 8 % of the page."""
    area = rng.uniform(0.8, 1.2) * (0.01, 0.03, 0.08)[severity] * it.picture.width * it.picture.height
    mask = stain(it.picture.size, area, rng)
    it.picture = Image.composite(Image.new("L", it.picture.size, rng.randint(0, 70)), it.picture, softened(mask))
    it.lost = ImageChops.lighter(it.lost, mask)


def _gone(it: Damaged, severity: int, rng: Random) -> None:
    """5, 10 or 20 % of the page gone, burnt black or torn white: over a code's finder corner, or at a page's corner."""
    width, height = it.picture.size
    share, side = (0.05, 0.10, 0.20)[severity], rng.uniform(0.6, 1.6)
    across, down = math.sqrt(share * side) * width, math.sqrt(share / side) * height
    hole = Image.new("L", it.picture.size, 0)
    draw = ImageDraw.Draw(hole)
    place = rng.choice(("finder", "corner", "torn corner"))
    x, y = rng.choice((0, width)), rng.choice((0, height))
    if place == "torn corner":
        longer = math.sqrt(2)
        draw.polygon([(x, y), (_inward(x, across * longer), y), (x, _inward(y, down * longer))], fill=WHITE)
    else:
        if place == "finder" and it.page.codes:
            left, top, right, bottom = rng.choice(it.page.codes)
            x, y = rng.choice([(left, top), (right, top), (left, bottom)])
        x0 = min(max(x - across / 2, 0), width - across)
        y0 = min(max(y - down / 2, 0), height - down)
        draw.polygon(ragged((x0, y0, x0 + across, y0 + down), rng), fill=WHITE)
    it.picture = Image.composite(Image.new("L", it.picture.size, rng.choice((0, WHITE))), it.picture, hole)
    it.lost = ImageChops.lighter(it.lost, hole)


def _cut(it: Damaged, severity: int, rng: Random) -> None:
    """The picture ends 5, 10 or 20 % before one of the page's edges."""
    width, height = it.picture.size
    share = (0.05, 0.10, 0.20)[severity]
    x, y = round(width * share), round(height * share)
    ways = [(x, 0, width, height), (0, y, width, height), (0, 0, width - x, height), (0, 0, width, height - y)]
    kept = rng.choice(ways)
    gone = Image.new("L", it.picture.size, WHITE)
    gone.paste(0, kept)
    it.lost = ImageChops.lighter(it.lost, gone)
    it.picture = it.picture.crop(kept)


def _folded(it: Damaged, severity: int, rng: Random) -> None:
    """A fold in the middle or at a third, across or down: beyond it all is shifted and sheared by up to 3, 7 or 14
    pixels; a shadow lies along it, and on the crease the ink has come off in places."""
    across = rng.random() < 0.75
    picture = it.picture if across else it.picture.transpose(Image.Transpose.TRANSPOSE)
    width, height = picture.size
    crease = round(height * (rng.choice((1 / 3, 1 / 2, 2 / 3)) + rng.uniform(-0.03, 0.03)))
    most = (3, 7, 14)[severity]
    shift, shear, squeeze = rng.uniform(-most, most), rng.uniform(-most, most) / height, rng.uniform(0, most) / height
    moved = picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        (1, shear, shift - shear * crease, shear / 2, 1 + squeeze, -squeeze * crease),
        Image.Resampling.BILINEAR,
        fillcolor=WHITE,
    )
    picture = picture.copy()
    picture.paste(moved.crop((0, crease, width, height)), (0, crease))
    darkest, reach = (0.8, 0.6, 0.4)[severity], rng.randint(20, (60, 150, 400)[severity])
    picture = ImageChops.multiply(picture, shadow(picture.size, crease, darkest, reach))
    worn = ImageDraw.Draw(picture)
    for _ in range((0, 12, 40)[severity]):
        start = rng.randrange(width)
        worn.line((start, crease, start + rng.randint(5, 60), crease + rng.randint(-2, 2)), fill=WHITE, width=3)
    it.picture = picture if across else picture.transpose(Image.Transpose.TRANSPOSE)


def _curled(it: Damaged, severity: int, rng: Random) -> None:
    """Paper that does not lie flat: waves of up to 6, 15 or 30 pixels, as seen from above."""
    size = it.picture.size
    most, waves, phase = (6, 15, 30)[severity] * rng.uniform(0.6, 1), rng.uniform(0.5, 2), rng.uniform(0, math.tau)

    def seen(x: float, y: float) -> tuple[float, float]:
        wave = math.sin(phase + math.tau * waves * y / size[1] + 0.7 * x / size[0])
        return x + wave * most / 2, y + wave * most

    it.picture = it.picture.transform(
        size, Image.Transform.MESH, mesh(size, 24, seen), Image.Resampling.BILINEAR, fillcolor=WHITE
    )


def _light(it: Damaged, severity: int, rng: Random) -> None:
    """Light that falls off across the page to 75, 50 or 30 %."""
    it.picture = ImageChops.multiply(it.picture, gradient(it.picture.size, (0.75, 0.5, 0.3)[severity], rng))


def _phone(it: Damaged, severity: int, rng: Random) -> None:
    """A phone's photo on a dark table: corners moved in by up to 3, 6 or 10 %, uneven light, blur, noise, JPEG."""
    width, height = it.picture.size
    margin = (0.03, 0.06, 0.10)[severity]
    corners = [(0.0, 0.0), (0.0, float(height)), (float(width), float(height)), (float(width), 0.0)]
    moved = [
        (_inward(x, width * margin * rng.uniform(0.2, 1)), _inward(y, height * margin * rng.uniform(0.2, 1)))
        for x, y in corners
    ]
    picture = it.picture.transform(
        it.picture.size,
        Image.Transform.PERSPECTIVE,
        projection(moved, corners),
        Image.Resampling.BILINEAR,
        fillcolor=rng.randint(20, 90),
    )
    picture = ImageChops.multiply(picture, gradient(picture.size, (0.85, 0.7, 0.6)[severity], rng))
    picture = picture.filter(ImageFilter.GaussianBlur((0.5, 0.8, 1.1)[severity]))
    it.picture = compressed(noisy(picture, (4, 8, 12)[severity], rng), 80)


def _rotated(it: Damaged, severity: int, rng: Random) -> None:
    """Laid askew: up to 1.5, 5 or 12 degrees."""
    angle = rng.uniform(*((0.2, 1.5), (1.5, 5), (5, 12))[severity]) * rng.choice((-1, 1))
    around = rng.choice((WHITE, 230, 0))
    it.picture = it.picture.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=around)


def _turned(it: Damaged, severity: int, rng: Random) -> None:
    """Laid on its head, or (severity 1, 2) on one of its sides."""
    sides = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
    it.picture = it.picture.transpose(rng.choice(sides) if severity else Image.Transpose.ROTATE_180)


def _blurred(it: Damaged, severity: int, rng: Random) -> None:
    """Out of focus: a Gaussian of 0.8 to 3.2 pixels."""
    radius = rng.uniform(*((0.8, 1.3), (1.3, 2.2), (2.2, 3.2))[severity])
    it.picture = it.picture.filter(ImageFilter.GaussianBlur(radius))


def _noisy(it: Damaged, severity: int, rng: Random) -> None:
    """Gaussian noise with a standard deviation of about 15, 35 or 60 (of 255)."""
    it.picture = noisy(it.picture, rng.uniform(0.8, 1.2) * (15, 35, 60)[severity], rng)


def _specked(it: Damaged, severity: int, rng: Random) -> None:
    """Salt and pepper: 1, 4 or 10 % of the pixels."""
    share = (0.01, 0.04, 0.10)[severity]
    dust = random_bytes(it.picture.size, rng)
    few = [WHITE if value < math.sqrt(share) * 256 else 0 for value in range(256)]
    chosen = ImageChops.multiply(dust.point(few), random_bytes(it.picture.size, rng).point(few))
    # Which of them are black is decided by the parity of the first field.
    it.picture = Image.composite(dust.point([WHITE * (value & 1) for value in range(256)]), it.picture, chosen)


def _jpeg(it: Damaged, severity: int, rng: Random) -> None:
    """Compressed to a quality of 90 down to 30."""
    it.picture = compressed(it.picture, rng.randint(*((70, 90), (50, 70), (30, 50))[severity]))


def _inward(edge: float, amount: float) -> float:
    return amount if edge == 0 else edge - amount


KINDS: Mapping[str, Change] = MappingProxyType(
    {
        "streaks": _streaks,
        "faded": _faded,
        "blot": _blot,
        "part gone": _gone,
        "edge cut": _cut,
        "folded": _folded,
        "curled": _curled,
        "uneven light": _light,
        "phone": _phone,
        "rotated": _rotated,
        "turned": _turned,
        "blurred": _blurred,
        "noise": _noisy,
        "specks": _specked,
        "jpeg": _jpeg,
    }
)
"""Every kind of damage, in the order in which they happen."""
PAPER = ("streaks", "faded", "blot", "part gone", "edge cut", "folded")
CAPTURE = tuple(kind for kind in KINDS if kind not in PAPER)
