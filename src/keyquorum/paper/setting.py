"""Setting text in lines: words in three styles, broken at blanks where the line is full, never hyphenated."""

import re
from collections.abc import Callable, Sequence
from typing import Literal

Style = Literal["plain", "bold", "code"]
Span = tuple[Style, str]
Text = str | Sequence[Span]
"""Plain text, or pieces of it with their styles."""
Measure = Callable[[Style, str], float]
_MARKS = re.compile(r"`([^`]+)`|\*([^*]+)\*")


def marked(text: str) -> list[Span]:
    """Read our own texts, where `` `this` `` is code and ``*this*`` bold. Not for names that others chose."""
    spans: list[Span] = []
    at = 0
    for found in _MARKS.finditer(text):
        spans += [("plain", text[at : found.start()]), ("code", found[1] or ""), ("bold", found[2] or "")]
        at = found.end()
    return [span for span in [*spans, ("plain", text[at:])] if span[1]]


def break_lines(text: Text, width: float, measure: Measure) -> list[list[Span]]:
    """Break ``text`` into lines at most ``width`` wide; a word that is wider alone is cut.

    ``measure`` gives the width of a piece in a style.
    """
    lines: list[list[Span]] = []
    line: list[Span] = []
    for word in _words([("plain", text)] if isinstance(text, str) else text):
        for part in _cut(word, width, measure):
            style = part[0][0] if line and line[-1][0] == part[0][0] else "plain"
            longer: list[Span] = _joined([*line, (style, " "), *part]) if line else part
            if line and _width(longer, measure) > width:
                lines.append(line)
                line = part
            else:
                line = longer
    return [*lines, line]


def _words(spans: Sequence[Span]) -> list[list[Span]]:
    words: list[list[Span]] = [[]]
    for style, text in spans:
        for index, part in enumerate(text.split(" ")):
            if index:
                words.append([])
            if part:
                words[-1].append((style, part))
    return [word for word in words if word]


def _cut(word: list[Span], width: float, measure: Measure) -> list[list[Span]]:
    if _width(word, measure) <= width:
        return [word]
    parts: list[list[Span]] = [[]]
    for style, text in word:
        for letter in text:
            longer = _joined([*parts[-1], (style, letter)])
            if parts[-1] and _width(longer, measure) > width:
                parts.append([(style, letter)])
            else:
                parts[-1] = longer
    return parts


def _width(pieces: list[Span], measure: Measure) -> float:
    return sum(measure(style, text) for style, text in pieces)


def _joined(pieces: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for style, text in pieces:
        if joined and joined[-1][0] == style:
            joined[-1] = (style, joined[-1][1] + text)
        else:
            joined.append((style, text))
    return joined
