"""What pages are made of: codes as bars, lines of text, outlines."""

import re

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import LimitError
from keyquorum.paper.canvas import FONTS
from keyquorum.paper.codes import MOST_VERSION, code
from keyquorum.paper.frames import MOST_CHARACTERS
from keyquorum.paper.outlines import outline
from keyquorum.paper.setting import break_lines, marked


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=400))
def test_the_bars_are_the_dark_modules(content: str) -> None:
    one = code(content)
    modules = {(x + along, y) for x, y, length in one.bars for along in range(length)}
    matrix = segno.make_qr(content, error="q", mode="alphanumeric").matrix
    assert modules == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert sum(length for _, _, length in one.bars) == len(modules)
    assert one.modules == 17 + 4 * one.version


def test_the_level_is_q_at_least_and_the_version_30_at_most() -> None:
    assert code("A" * MOST_CHARACTERS).version == MOST_VERSION
    with pytest.raises(LimitError, match="version 30"):
        code("A" * (MOST_CHARACTERS + 1))


plain_words = st.lists(st.text("abcxyz.,", min_size=1, max_size=30), min_size=1, max_size=40)


@given(plain_words, st.integers(5, 60))
def test_lines_hold_the_text_and_no_more_than_fits(given_: list[str], width: int) -> None:
    lines = break_lines(" ".join(given_), width, lambda _, text: len(text))
    said = ["".join(text for _, text in line) for line in lines]
    assert all(len(line) <= width for line in said)
    assert "".join(said).replace(" ", "") == "".join(given_)
    if max(map(len, given_)) <= width:
        assert " ".join(said) == " ".join(given_)


def test_styles() -> None:
    assert marked("Run `ls -l` *now*.") == [
        ("plain", "Run "), ("code", "ls -l"), ("plain", " "), ("bold", "now"), ("plain", "."),
    ]  # fmt: skip
    (line,) = break_lines(marked("Run `ls -l` *now*."), 99, lambda _, text: len(text))
    assert line == [("plain", "Run "), ("code", "ls -l"), ("plain", " "), ("bold", "now"), ("plain", ".")]
    assert break_lines("a*b`c`", 99, lambda _, text: len(text)) == [[("plain", "a*b`c`")]]  # a name is never marked
    assert break_lines("", 99, lambda _, text: len(text)) == [[]]


def test_outlines() -> None:
    steps, width = outline(FONTS / "IBMPlexSans-SemiBold.ttf", "REHEARSAL")
    assert {operator for operator, _ in steps} == {"m", "l", "c", "h"}
    assert 5 < width < 7
    assert all(len(numbers) == {"m": 2, "l": 2, "c": 6, "h": 0}[operator] for operator, numbers in steps)


def test_the_licence_goes_with_the_fonts() -> None:
    licence = (FONTS / "LICENSE-IBM-Plex.txt").read_text()
    assert re.search(r"SIL OPEN FONT LICENSE Version 1.1", licence)
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 1_500_000
