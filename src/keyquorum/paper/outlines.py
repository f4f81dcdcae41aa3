"""Large letters as outlines: what is written across a rehearsal's pages must not come out when their text is copied."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.pens.basePen import BasePen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

Step = tuple[str, tuple[float, ...]]
"""A PDF path operator (m, l, c, h) and its numbers, in units of the letters' size, y upwards."""


class _Pen(BasePen):  # type: ignore[misc]
    def __init__(self, glyphs: Any, scale: float) -> None:
        super().__init__(glyphs)
        self.steps: list[Step] = []
        self.at = 0.0
        self._scale = scale

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        self.steps.append((operator, tuple(v * self._scale for x, y in points for v in (x + self.at, y))))

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add("l", pt)

    def _curveToOne(self, pt1: Any, pt2: Any, pt3: Any) -> None:  # noqa: N802
        self._add("c", pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802
        self._add("h")


@lru_cache(maxsize=4)
def outline(font: Path, text: str) -> tuple[tuple[Step, ...], float]:
    """Give the outline of ``text`` from the origin of its baseline on, and its width; both for size 1."""
    with TTFont(font) as file:
        scale = 1 / file["head"].unitsPerEm
        glyphs, names = file.getGlyphSet(), file.getBestCmap()
        pen = _Pen(glyphs, scale)
        for letter in text:
            glyph = glyphs[names[ord(letter)]]
            glyph.draw(pen)
            pen.at += glyph.width
    return tuple(pen.steps), pen.at * scale
