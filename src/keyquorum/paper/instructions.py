"""The instruction pages: how the key comes back with stock tools, all formats, and an example to try it with."""

from keyquorum.paper.canvas import LINE, Canvas, document
from keyquorum.paper.recipe import Step, Types, example_steps, steps
from keyquorum.paper.setting import marked
from keyquorum.paper.sheet import Sheet

_INDENT = 36.0
_CODE_SIZE = 8.0
_CODE_LINE = 3.9
_GAP = 1.8


def instruction_pages(sheet: Sheet) -> bytes:
    """Give the PDF of the instruction pages of this escrow; nothing in them is secret."""
    return document(sheet, "Instructions", lambda canvas: _draw(canvas, sheet))


def _draw(canvas: Canvas, sheet: Sheet) -> None:
    canvas.begin()
    canvas.write_at(canvas.left, canvas.top - 1, "How the key comes back", "sansB", 24, 10)
    zone = canvas.fitted(f"Zone {sheet.zone}, key tag {sheet.key_tag}", "sans", 11, canvas.right - canvas.left)
    canvas.write_at(canvas.left, canvas.top + 9.5, zone, "sans", 11, 5)
    canvas.at = canvas.top + 18.5
    canvas.at = canvas.paragraph(
        canvas.left + _INDENT,
        canvas.at,
        canvas.right - canvas.left - _INDENT,
        marked(
            "The private key was encrypted with a random secret of 256 bits; that is `key.cms`. The secret was split "
            f"into shares on paper: {sheet.needed} give it back, fewer say nothing about it. All of it is in public "
            "standard formats, and this is how it is put together again without the program that made it. Try it with "
            "the example on the last page first."
        ),
    )
    canvas.at += 3
    for step in steps(sheet):
        _step(canvas, step)
    canvas.begin()
    canvas.write_at(canvas.left, canvas.top - 1, "An example", "sansB", 16, 7)
    canvas.at = canvas.paragraph(
        canvas.left + _INDENT,
        canvas.top + 9,
        canvas.right - canvas.left - _INDENT,
        "A key that nobody uses, encrypted and shared in the same way. The steps are the same; type the text below "
        "into the file example.txt.",
    )
    canvas.at += 3
    for step in example_steps():
        _step(canvas, step)


def _step(canvas: Canvas, step: Step) -> None:
    """Write one step: its title in the margin, beside its first line."""
    x, width = canvas.left + _INDENT, canvas.right - canvas.left - _INDENT
    title: str | None = step.title
    for part in step.parts:
        if isinstance(part, Types):
            y = canvas.room(len(part.lines) * _CODE_LINE)
            _title(canvas, title, y)
            for line in part.lines:
                canvas.write_at(x, y, line, "mono", _CODE_SIZE, _CODE_LINE)
                y += _CODE_LINE
            canvas.at = y + _GAP
        else:
            text = marked(part.text)
            y = canvas.room(len(canvas.lines_of(text, width)) * LINE)
            _title(canvas, title, y)
            canvas.at = canvas.paragraph(x, y, width, text) + _GAP
        title = None
    canvas.at += 1.6


def _title(canvas: Canvas, title: str | None, y: float) -> None:
    if title:
        canvas.paragraph(canvas.left, y, _INDENT - 3, [("bold", title)])
