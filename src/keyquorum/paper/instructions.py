"""The instruction pages: how the key comes back with stock tools, all formats, and an example to try it with."""

from keyquorum.paper.canvas import LINE, MARK, Canvas, Document, document
from keyquorum.paper.example import example_steps
from keyquorum.paper.recipe import Says, Step, Types, steps
from keyquorum.paper.setting import marked
from keyquorum.paper.sheet import Sheet

_INDENT = 36.0
_CODE_SIZE = 8.0
_CODE_LINE = 3.9
_GAP = 1.8
_TITLE = MARK + 9.0
"""What a step's title needs below it: the code that says which page it is stands in its column."""


def instruction_document(sheet: Sheet) -> Document:
    """Give the instruction pages of this escrow; nothing in them is secret."""
    return document(sheet, "Instructions", lambda canvas: _draw(canvas, sheet))


def _draw(canvas: Canvas, sheet: Sheet) -> None:
    canvas.begin(mark="left")
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
            f"into shares on paper: it takes {sheet.needed} to get it back, and fewer say nothing about it. All of it "
            "is in public standard formats, and this is how it is put together again without the program that made "
            "it. Try it with the example on the last page first."
        ),
    )
    canvas.at += 3
    for step in steps(sheet):
        _step(canvas, step)
    canvas.begin(mark="left")
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
    """Write one step, its title in the margin; what introduces commands stays with them."""
    x, width = canvas.left + _INDENT, canvas.right - canvas.left - _INDENT
    for at, part in enumerate(step.parts):
        together: list[Says | Types] = [*step.parts[at : at + 2]] if isinstance(part, Says) else [part]
        if not isinstance(together[-1], Types):
            together = [part]
        height = sum(_height(canvas, one, width) for one in together) - _GAP
        y = canvas.room(max(height, _TITLE) if at == 0 else height)
        if at == 0:
            canvas.write_at(canvas.left, y, step.title, "sansB", 9)
        if isinstance(part, Types):
            for number, line in enumerate(part.lines):
                canvas.write_at(x, y + number * _CODE_LINE, line, "mono", _CODE_SIZE, _CODE_LINE)
        else:
            canvas.paragraph(x, y, width, marked(part.text))
        canvas.at = y + _height(canvas, part, width)
    canvas.at += 1.6


def _height(canvas: Canvas, part: Says | Types, width: float) -> float:
    if isinstance(part, Types):
        return len(part.lines) * _CODE_LINE + _GAP
    return len(canvas.lines_of(marked(part.text), width)) * LINE + _GAP
