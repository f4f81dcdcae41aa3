"""Typed lines: what people and OCR do to them, and that it is put right, named, or refused; never taken silently."""

import base64
import hashlib
import random
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import LimitError, MalformedError, NotYetError
from keyquorum.paper.linecode import ALPHABET
from keyquorum.paper.typed import MOST_BYTES, MOST_TEXT, blocks, lines, read_lines

SAMPLE = random.Random(1).randbytes(430)  # 688 characters: 27 lines and a last one of 13
ROWS = [str(line) for line in lines(SAMPLE)]
lengths = st.integers(1, 400).map(lambda fives: 5 * fives)


def page(data: bytes) -> str:
    """Give the printed lines and block checks, as they stand one under the other."""
    return "\n".join("\n".join([*map(str, block.lines), str(block)]) for block in blocks(data))


def test_how_a_line_looks() -> None:
    rows = [str(line) for line in lines(bytes(range(20)))]
    assert rows == ["001 V3GB AAAQE AYEAU DAOCA JBIFQ YDIOB", "002 KI2O 4IBCE QT"]
    assert str(blocks(SAMPLE)[3]).startswith("025-028 = ")


@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_round_trip(seed: bytes, known: bool) -> None:
    data = seed * 5
    read = read_lines(page(data), len(data) if known else None)
    assert read.data() == data
    assert not read.corrections
    assert not read.doubts


def test_blocks_by_stock_tools() -> None:
    for block in blocks(SAMPLE):
        command = "cut -d' ' -f3- | tr -d ' \\n' | sha256sum | cut -c1-8"
        typed = "".join(f"{line}\n" for line in block.lines)
        done = subprocess.run(["sh", "-c", command], input=typed, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == block.check
    command = "cut -d' ' -f3- | tr -d ' \\n' | base32 -d"
    whole = subprocess.run(["sh", "-c", command], input="\n".join(ROWS).encode(), capture_output=True, check=True)
    assert whole.stdout == SAMPLE


def spoilt(row: str, at: int, letter: str) -> str:
    return row[:at] + letter + row[at + 1 :]


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_two_wrong_characters_in_many_lines(stream: random.Random) -> None:
    rows = []
    for row in ROWS[::4]:
        one, two = stream.sample([at for at in range(4, len(row)) if row[at] != " "], 2)
        rows.append(spoilt(spoilt(row, one, stream.choice(ALPHABET)), two, stream.choice(ALPHABET)))
    rows += [row for at, row in enumerate(ROWS) if at % 4]
    read = read_lines("\n".join(rows), len(SAMPLE))
    assert read.data() == SAMPLE
    assert {str(correction.now) for correction in read.corrections} == set(ROWS) - (set(ROWS) & set(rows))


def test_ocr_confusions_and_small_letters() -> None:
    confused = []
    for row in ROWS:
        letters = list(row[4:])
        for old, new in (("O", "0"), ("B", "8")):
            letters = [new if letter == old else letter for letter in letters]
        text = "".join(letters)
        text = re.sub("[IL]", "1", text, count=2)
        confused.append(row[:3].replace("0", "O") + " " + text.lower())
    read = read_lines("\n".join(confused), len(SAMPLE))
    assert read.data() == SAMPLE
    assert read.corrections


def test_unreadable_characters() -> None:
    row = spoilt(spoilt(spoilt(spoilt(ROWS[4], 5, "?"), 10, "#"), 11, "9"), 30, "?")
    read = read_lines("\n".join([*ROWS[:4], row, *ROWS[5:]]))
    assert read.data() == SAMPLE
    assert [correction.now.number for correction in read.corrections] == [5]
    assert "line 5" in str(read.corrections[0])


@pytest.mark.parametrize("at", range(4, 38))
def test_a_character_left_out_or_typed_twice(at: int) -> None:
    row = ROWS[9]
    if row[at] == " ":
        return
    for bad in (row[:at] + row[at + 1 :], row[:at] + row[at] + row[at:]):
        read = read_lines("\n".join([*ROWS[:9], bad, *ROWS[10:]]), len(SAMPLE))
        assert read.data() == SAMPLE
        assert [str(correction.now) for correction in read.corrections] == [row]


def test_a_line_too_wrong_is_named() -> None:
    bad = "010 AAAA BBBBB CCCCC DDDDD EEEEE ?????"
    read = read_lines("\n".join([*ROWS[:9], bad, *ROWS[10:]]), len(SAMPLE))
    assert len(read.unreadable) == 1
    assert not read.missing
    with pytest.raises(MalformedError, match="line 10 cannot be read"):
        read.data()
    again = read_lines("\n".join([bad, *ROWS]), len(SAMPLE))  # typed again beside it
    assert again.data() == SAMPLE


def test_missing_lines_are_named() -> None:
    read = read_lines("\n".join([*ROWS[:2], ROWS[3], *ROWS[8:]]), len(SAMPLE))
    assert read.missing == (3, 5, 6, 7, 8)
    with pytest.raises(NotYetError, match="3, 5-8"):
        read.data()
    assert read_lines("\n".join(ROWS[:-1]), len(SAMPLE)).missing == (28,)
    with pytest.raises(NotYetError, match="all"):
        read_lines("").data()
    with pytest.raises(MalformedError, match="lines after it"):  # without the length the end is not known
        read_lines("\n".join(ROWS[:-1])).data()


def test_swapped_lines_are_put_in_their_places() -> None:
    swapped = [*ROWS[:3], "004" + ROWS[4][3:], "005" + ROWS[3][3:], *ROWS[5:]]
    read = read_lines("\n".join(swapped), len(SAMPLE))
    assert read.data() == SAMPLE
    assert [correction.now.number for correction in read.corrections] == [5, 4]
    assert read_lines("\n".join(reversed(ROWS)), len(SAMPLE)).data() == SAMPLE


def test_one_line_twice() -> None:
    assert read_lines("\n".join(ROWS + ROWS[:3]), len(SAMPLE)).data() == SAMPLE
    other = str(lines(bytes(430))[2])
    with pytest.raises(MalformedError, match="line 3 is there twice"):
        read_lines("\n".join([*ROWS, other]), len(SAMPLE)).data()


def test_a_block_check_that_does_not_match_is_a_doubt() -> None:
    text = page(SAMPLE)
    wrong = re.sub(r"009-016 = .", "009-016 = g", text)
    read = read_lines(wrong, len(SAMPLE))
    assert read.doubts == (f"lines 9 to 16 do not have the check g{str(blocks(SAMPLE)[1])[11:]}",)
    assert read.data() == SAMPLE
    forged = text.replace(ROWS[9], str(lines(bytes(430))[9]))  # a good line of another text
    assert read_lines(forged, len(SAMPLE)).doubts[0].startswith("lines 9 to 16")


def test_two_columns_beside_each_other_and_headings() -> None:
    rows = page(SAMPLE).split("\n")
    half = (len(rows) + 1) // 2
    left, right = rows[:half], [*rows[half:], ""]
    beside = [f"   {one:40}    {two}" for one, two in zip(left, right, strict=False)]
    text = "\n".join(["3 sheets, of which this is 2", "Typed text of key.cms", "", "2 of 4 pages", *beside, "page 2"])
    read = read_lines(text, len(SAMPLE))
    assert read.data() == SAMPLE
    assert not read.corrections
    assert not read.doubts


@settings(max_examples=150)
@given(st.text(alphabet=ALPHABET + "0189 -=.?\n", max_size=300) | st.text(max_size=80), st.none() | lengths)
def test_any_text_is_answered(text: str, length: int | None) -> None:
    read = read_lines(text, length)
    try:
        data = read.data()
    except (MalformedError, NotYetError):
        return
    assert base64.b32encode(data).decode() == "".join(read.lines[number] for number in sorted(read.lines))


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_wrong_bytes_never_pass_without_a_word(stream: random.Random) -> None:
    """Up to four wrong characters in one line: the right bytes, or something is said."""
    at = stream.randrange(len(ROWS))
    row = ROWS[at]
    for place in stream.sample([place for place in range(4, len(row)) if row[place] != " "], stream.randint(1, 4)):
        row = spoilt(row, place, stream.choice(ALPHABET))
    read = read_lines("\n".join([*ROWS[:at], row, *ROWS[at + 1 :]]), len(SAMPLE))
    if row != ROWS[at]:
        assert read.corrections or read.unreadable
    else:
        assert hashlib.sha256(read.data()).digest() == hashlib.sha256(SAMPLE).digest()


def test_limits() -> None:
    with pytest.raises(LimitError):
        read_lines("A" * (MOST_TEXT + 1))
    with pytest.raises(LimitError):
        lines(bytes(MOST_BYTES + 5))
    with pytest.raises(MalformedError, match="multiple of 5"):
        lines(bytes(6))
    with pytest.raises(MalformedError, match="multiple of 5"):
        lines(b"")
    most = bytes(MOST_BYTES // 5 * 5)
    assert read_lines("\n".join(map(str, lines(most))), len(most)).data() == most
