"""One QR code (ISO/IEC 18004) as rectangles: vectors print sharply at any resolution.

Alphanumeric mode, level Q or, where it costs nothing, H; version 30 at most, so that half the width of a page gives
each module more than half a millimetre.
"""

from dataclasses import dataclass

import segno

from keyquorum.errors import LimitError

QUIET = 4
"""Modules around a code that stay white."""
MOST_VERSION = 30


@dataclass(frozen=True, slots=True)
class Code:
    """A code of ``modules`` by ``modules``; ``bars`` are its dark parts as (x, y, length), one module high."""

    version: int
    modules: int
    bars: tuple[tuple[int, int, int], ...]


def code(text: str) -> Code:
    """Draw ``text``, which is in QR's alphanumeric set; raises LimitError if version 30 does not hold it."""
    made = segno.make_qr(text, error="q", mode="alphanumeric", boost_error=True)
    version = int(made.version)
    if version > MOST_VERSION:
        raise LimitError(f"{len(text)} characters are too many for a QR code of version {MOST_VERSION}")
    bars = []
    for y, row in enumerate(made.matrix):
        start = None
        for x, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                bars.append((start, y, x - start))
                start = None
    return Code(version, len(made.matrix), tuple(bars))
