"""Pages of QR codes, two different ones on each, in the four quarters of the page.

Each code stands twice, in opposite quarters: what a cut along any edge, or the loss of any corner, takes of one code it
leaves of the other. No code is on a fold.
"""

from collections.abc import Iterable, Iterator, Sequence

from keyquorum.paper.canvas import Canvas
from keyquorum.paper.frames import Frame, encode
from keyquorum.paper.setting import Text
from keyquorum.paper.typed import Block

Area = tuple[float, float, float]
"""Where lines can be written: x, the upper y and the lower y."""
LABEL = 4.6
TYPED_LINE = 4.3
TYPED_SIZE = 10.0
_CHECK_SIZE = 8.0
_GAP = 1.6


def side_of_codes(canvas: Canvas) -> float:
    """Give the side of the codes in mm: a column, or what the lower half of the page leaves."""
    return min(canvas.column, canvas.bottom - canvas.fold[1] - LABEL - 2)


def draw_codes(canvas: Canvas, frames: Sequence[Frame], title: str, notes: tuple[Text, Text]) -> list[Area]:
    """Draw all codes, two on a page; gives what is free on the last page, where their number is odd."""
    areas: list[Area] = []
    for start in range(0, len(frames), 2):
        canvas.begin()
        pair, side = frames[start : start + 2], side_of_codes(canvas)
        upper, lower = canvas.top + 16, canvas.bottom - side
        canvas.write_at(canvas.left, canvas.top, title, "sansB", 16, 7)
        if len(pair) == 2:
            _draw_twice(canvas, pair[0], [(canvas.left, upper), (canvas.second, lower)], side)
            _draw_twice(canvas, pair[1], [(canvas.second, upper), (canvas.left, lower)], side)
            for x, note in zip((canvas.left, canvas.second), notes, strict=True):
                canvas.paragraph(x, canvas.fold[1] + 1, canvas.column, note, size=8, line=3.8)
        else:
            _draw_twice(canvas, pair[0], [(canvas.second, upper), (canvas.left, lower)], side)
            areas = [(canvas.left, upper - LABEL, canvas.fold[0]), (canvas.second, canvas.fold[1], canvas.bottom)]
    return areas


def _draw_twice(canvas: Canvas, frame: Frame, places: list[tuple[float, float]], side: float) -> None:
    canvas.draw_codes(encode(frame), places, side)
    for x, y in places:
        canvas.write_at(x, y - LABEL - 1.4, frame.name, "sansB", 8.5, LABEL)


def columns(canvas: Canvas, top: float) -> Iterator[Area]:
    """Give the areas of a page from ``top`` on: the left column above and below the fold, then the right one."""
    # What says which page it is stands at the foot of the right one.
    for x, bottom in ((canvas.left, canvas.foot), (canvas.second, canvas.bottom)):
        yield x, top, canvas.fold[0]
        yield x, canvas.fold[1], bottom


def draw_typed(canvas: Canvas, blocks: Iterable[Block], areas: Iterable[Area]) -> None:
    """Write the lines of typed text into ``areas``, and the check of each block behind it."""
    places = iter(areas)
    x, y, bottom = next(places)
    for block in blocks:
        for at, line in enumerate(block.lines):
            last = at == len(block.lines) - 1
            if y + TYPED_LINE * (1 + last) > bottom:
                x, y, bottom = next(places)
            canvas.write_at(x, y, str(line), "mono", TYPED_SIZE, TYPED_LINE)
            y += TYPED_LINE
        canvas.write_at(x, y - 0.3, str(block), "mono", _CHECK_SIZE, TYPED_LINE)
        y += TYPED_LINE + _GAP
