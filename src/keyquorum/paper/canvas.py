"""A page to draw on: millimetres from the upper left, PDF/A-2b, the same bytes for the same input.

Every page has margins of 15 mm and two columns with 8 mm between them, which is where paper is folded lengthwise;
``fold`` is the band of 8 mm across the middle. Codes, words and typed text keep clear of both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import atan2, cos, hypot, sin
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.fonts import TTFFont

from keyquorum.paper.codes import QUIET, code
from keyquorum.paper.frames import ID_LENGTH, Frame, encode
from keyquorum.paper.outlines import outline
from keyquorum.paper.setting import Span, Style, Text, break_lines
from keyquorum.paper.sheet import Sheet

Side = Literal["left", "right"]
Font = Literal["sans", "sansB", "mono", "monoB"]
FONTS = Path(__file__).parent / "fonts"
_FILES: dict[Font, Path] = {
    "sans": FONTS / "IBMPlexSans-Regular.ttf",
    "sansB": FONTS / "IBMPlexSans-SemiBold.ttf",
    "mono": FONTS / "IBMPlexMono-Regular.ttf",
    "monoB": FONTS / "IBMPlexMono-SemiBold.ttf",
}
MARGIN = 15.0
FOLD = 8.0
HEAD = 8.0
"""Height of the line at the top of each page, with what is free below it."""
BODY = 9.0
LINE = 4.2
_POINT = 25.4 / 72
_CAPITALS = 0.698  # of the size: how high capitals are in both families
_STYLES: dict[Style, tuple[Font, float]] = {"plain": ("sans", 1), "bold": ("sansB", 1), "code": ("mono", 0.93)}
_GREY = 0.91
_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmp:CreateDate="{date}" xmp:ModifyDate="{date}" xmp:MetadataDate="{date}">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<xmp:CreatorTool>{tool}</xmp:CreatorTool>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


MARK = 16.0
"""The side of the code that says which page it is, in mm."""
_ABOVE_MARK = 3.0
DOCUMENT_OF = {"Key": "KEY", "Manifest": "MANIFEST", "Instructions": "HOWTO"}


class Canvas(FPDF):
    """The pages of one document about one escrow; ``at`` is the y where running text goes on.

    ``title`` stands in the head of each page, with the page's number of ``in_all``.
    """

    def __init__(self, sheet: Sheet, title: str, in_all: int) -> None:
        """Begin a document that has no page yet."""
        super().__init__(format=sheet.paper, unit="mm", enforce_compliance="PDF/A-2B")
        self._sheet, self._title, self._in_all = sheet, title, in_all
        self.set_auto_page_break(False)
        self.set_lang("en")
        self.set_creation_date(sheet.created)
        date = sheet.created.isoformat(timespec="seconds")
        self.set_xmp_metadata(_XMP.format(date=date, tool=escape(sheet.record.tool), title=escape(title)))
        for name, file in _FILES.items():
            self.add_font(name, "", file)
        self.left, self.right = MARGIN, self.w - MARGIN
        self.top, self.bottom = MARGIN + HEAD, self.h - MARGIN
        self.foot = self.bottom
        self.column = (self.w - FOLD) / 2 - MARGIN
        self.second = self.right - self.column
        self.fold = ((self.h - FOLD) / 2, (self.h + FOLD) / 2)
        self.at = self.top
        self.marks: list[Frame] = []
        self._marking: Side | None = None

    def begin(self, *, mark: Side | None = None) -> None:
        """Begin a page: its head and, in a rehearsal, what stands across it.

        With ``mark`` a small code in the lower corner on that side says which page it is, so that a page without other
        codes can be read back. On the right ``bottom`` is above it; on the left whoever draws keeps off.
        """
        self.add_page()
        self._marking = mark
        self.bottom = self.foot - (MARK + _ABOVE_MARK if mark == "right" else 0)
        page = f"{self._title} · page {self.page} of {self._in_all}"
        if self._sheet.record.rehearsal:
            self._write_across("REHEARSAL")
            self.set_fill_color(0)
            self.rect(self.left, MARGIN, self.right - self.left, 5.6, style="F")
            self.set_text_color(255)
            self.write_at(self.left + 2, MARGIN, "REHEARSAL. Made for practice: protects no key.", "sansB", 8.5, 5.6)
            self.write_at(
                self.right - 2, MARGIN, f"Escrow {self._sheet.id_text} · {page}", "sansB", 7.5, 5.6, right=True
            )
            self.set_text_color(0)
        else:
            self.write_at(self.left, MARGIN, f"Escrow {self._sheet.id_text}", "mono", 8, 4)
            self.write_at(self.right, MARGIN, page, "sans", 8, 4, right=True)
            self.rule(self.left, self.right, MARGIN + 5)
        if mark:
            self._mark(mark)
        self.at = self.top

    def _mark(self, side: Side) -> None:
        record = self._sheet.record
        document = DOCUMENT_OF[self._title]
        number, escrow = self.page, self._sheet.manifest.id[:ID_LENGTH]
        page = Frame("P", record.rehearsal, escrow, number, max(self._in_all, number), document)
        self.marks.append(page)
        y = self.foot - MARK
        self.draw_codes(encode(page), [(self.left if side == "left" else self.right - MARK, y)], MARK)

    def write_at(
        self, x: float, y: float, text: str, font: Font, size: float, height: float = LINE, *, right: bool = False
    ) -> None:
        """Write one line, in a box ``height`` high whose upper left corner (upper right, with ``right``) is x, y."""
        self.set_font(font, size=size)
        text = self._known(text)
        self.text(x - (self.get_string_width(text) if right else 0), y + (height + _CAPITALS * size * _POINT) / 2, text)

    def width_of(self, text: str, font: Font, size: float) -> float:
        """Give the width of a text in mm."""
        self.set_font(font, size=size)
        return self.get_string_width(self._known(text))

    def fitted(self, text: str, font: Font, size: float, width: float) -> str:
        """Give ``text``, cut and with three dots where it is wider than ``width``."""
        shown = text
        while shown and self.width_of(shown, font, size) > width:
            text = text[:-1].rstrip()
            shown = f"{text}..."
        return shown

    def _known(self, text: str) -> str:
        """Replace letters that the font lacks (it has Latin and Cyrillic, the sans Greek too): PDF/A wants no gaps."""
        cmap = self.current_font.cmap if isinstance(self.current_font, TTFFont) else {}
        return "".join(letter if ord(letter) in cmap else "?" for letter in text)

    def rule(self, x0: float, x1: float, y: float, thickness: float = 0.2) -> None:
        """Draw a horizontal line."""
        self.set_line_width(thickness)
        self.line(x0, y, x1, y)

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        text: Text,
        *,
        size: float = BODY,
        line: float = LINE,
        most: int | None = None,
    ) -> float:
        """Write ``text`` in lines; gives the y below. What ``most`` lines do not hold is left out, with three dots."""
        for pieces in self.lines_of(text, width, size=size, most=most):
            across = x
            for style, piece in pieces:
                font, font_size = _STYLES[style][0], size * _STYLES[style][1]
                self.write_at(across, y, piece, font, font_size, line)
                across += self.width_of(piece, font, font_size)
            y += line
        return y

    def lines_of(self, text: Text, width: float, *, size: float = BODY, most: int | None = None) -> list[list[Span]]:
        """Give the lines that ``paragraph`` writes."""
        lines = break_lines(
            text, width, lambda style, piece: self.width_of(piece, _STYLES[style][0], size * _STYLES[style][1])
        )
        if most is not None and len(lines) > most:
            style, piece = lines[most - 1][-1]
            lines[most - 1][-1] = (style, f"{piece[:-3]}...")
        return lines[:most]

    def facts(
        self,
        x: float,
        y: float,
        width: float,
        rows: Sequence[tuple[str, Text]],
        *,
        label: float,
        size: float = 7.5,
        line: float = 3.6,
        most: int | None = None,
    ) -> float:
        """Write names, in a column ``label`` wide, and what they are, ``most`` lines each; gives the y below."""
        for name, text in rows:
            self.write_at(x, y, name, "sansB", size, line)
            y = self.paragraph(x + label, y, width - label, text, size=size, line=line, most=most)
        return y

    def room(self, height: float) -> float:
        """Give the y where something ``height`` high can stand: below the fold or on a new page, if need be."""
        if self.at < self.fold[1] and self.at + height > self.fold[0]:
            self.at = self.fold[1]
        if self.at + height > self.bottom:
            self.begin(mark=self._marking)
        return self.at

    def draw_codes(self, text: str, places: Iterable[tuple[float, float]], side: float) -> None:
        """Draw one QR code at several places: its dark modules in a square of ``side``, the quiet zone made white."""
        if not self._in_all:  # pages are only counted
            return
        one = code(text)
        module = side / one.modules
        for x, y in places:
            if self._sheet.record.rehearsal:
                self.set_fill_color(255)
                quiet = QUIET * module
                self.rect(x - quiet, y - quiet, side + 2 * quiet, side + 2 * quiet, style="F")
            bars = [
                f"{(x + module * at) / _POINT:.3f} {(self.h - y - module * (row + 1)) / _POINT:.3f} "
                f"{module * length / _POINT:.3f} {module / _POINT:.3f} re"
                for at, row, length in one.bars
            ]
            self._out("\n".join(["q", "0 g", *bars, "f", "Q"]))

    def _write_across(self, text: str) -> None:
        """Write ``text`` in light grey from the upper left to the lower right, as outlines."""
        steps, width = outline(_FILES["sansB"], text)
        angle = -atan2(self.h, self.w)
        size = (hypot(self.w, self.h) - 5 * MARGIN) / width
        along, up = (self.w - size * width * cos(angle)) / 2, (self.h - size * width * sin(angle)) / 2
        drop = size * _CAPITALS / 2
        cosine, sine = cos(angle) * size / _POINT, sin(angle) * size / _POINT
        x, y = (along + drop * sin(angle)) / _POINT, (up - drop * cos(angle)) / _POINT
        drawn = [" ".join([*(f"{number:.4f}" for number in numbers), operator]) for operator, numbers in steps]
        matrix = f"{cosine:.4f} {sine:.4f} {-sine:.4f} {cosine:.4f} {x:.3f} {y:.3f} cm"
        self._out("\n".join(["q", f"{_GREY} g", matrix, *drawn, "f", "Q"]))


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF, and the codes on those of its pages that have no other."""

    pdf: bytes = field(repr=False)
    marks: tuple[Frame, ...]


def document(sheet: Sheet, title: str, draw: Callable[[Canvas], None]) -> Document:
    """Give what ``draw`` draws; it is drawn twice, as the number of pages stands on each of them."""
    with _canvas(sheet, title, 0) as counted:
        draw(counted)
    with _canvas(sheet, title, counted.page) as canvas:
        draw(canvas)
        return Document(bytes(canvas.output()), tuple(canvas.marks))


@contextmanager
def _canvas(sheet: Sheet, title: str, in_all: int) -> Iterator[Canvas]:
    """Give a canvas whose font files are closed in the end, which fpdf2 leaves open."""
    canvas = Canvas(sheet, title, in_all)
    try:
        yield canvas
    finally:
        for font in canvas.fonts.values():
            if isinstance(font, TTFFont):
                font.close()
