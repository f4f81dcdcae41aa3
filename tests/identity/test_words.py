"""Ids read aloud are the published list of words, and nothing can be left out or swapped unheard."""

import hashlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keyquorum.identity.words import lines, spoken, words

# The example of the list's authors (P. Zimmermann's PGPfone manual), a key's fingerprint and how it is read.
PUBLISHED = bytes.fromhex("E58294F2E9A227486E8B061B31CC528FD7FA3F19")
PUBLISHED_WORDS = (
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa "
    "afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
)
# Single entries of the published table: byte, word at an even position, word at an odd one.
TABLE = {
    0x00: ("aardvark", "adroitness"),
    0x01: ("absurd", "adviser"),
    0x7F: ("lockup", "integrate"),
    0x80: ("merit", "intention"),
    0xFE: ("woodlark", "yesteryear"),
    0xFF: ("Zulu", "Yucatan"),
}
# The SHA-256 of the whole table (both words of 00, of 01, ..., with blanks between), from somebody else's copy of it.
DIGEST = "e2c00da33e504434c2ee6bd169207c7508b9f672c0cdd50d78cc6af3d37f99a6"
EVEN = words(bytes(byte for value in range(256) for byte in (value, 0)))[0::2]
ODD = words(bytes(byte for value in range(256) for byte in (0, value)))[1::2]


def test_the_published_example() -> None:
    assert spoken(PUBLISHED) == PUBLISHED_WORDS
    assert words(PUBLISHED) == PUBLISHED_WORDS.split()


def test_entries_of_the_published_table() -> None:
    assert {byte: (EVEN[byte], ODD[byte]) for byte in TABLE} == TABLE


def test_the_whole_table_is_the_published_one() -> None:
    table = " ".join(f"{even} {odd}" for even, odd in zip(EVEN, ODD, strict=True))
    assert hashlib.sha256(table.encode()).hexdigest() == DIGEST


def test_every_word_is_there_once_and_none_is_in_both_lists() -> None:
    assert len({word.lower() for word in EVEN + ODD}) == 512


def test_the_lists_are_in_the_order_of_the_alphabet_as_published() -> None:
    assert all(one.lower() < other.lower() for one, other in pairwise(EVEN))
    assert [pair for pair in pairwise(ODD) if pair[0].lower() >= pair[1].lower()] == [("applicant", "Apollo")]


@given(st.binary(max_size=40))
def test_words_say_exactly_the_bytes(data: bytes) -> None:
    spelled = words(data)
    assert bytes((ODD if place % 2 else EVEN).index(word) for place, word in enumerate(spelled)) == data
    assert spoken(data).split() == spelled


@given(st.binary(min_size=2, max_size=40), st.data())
def test_a_word_left_out_or_swapped_with_its_neighbour_is_heard(data: bytes, draw: st.DataObject) -> None:
    spelled = words(data)
    place = draw.draw(st.integers(0, len(spelled) - 2))
    without = spelled[:place] + spelled[place + 1 :]
    swapped = [*spelled[:place], spelled[place + 1], spelled[place], *spelled[place + 2 :]]
    for heard in (without, swapped):
        assert any(word not in (ODD if at % 2 else EVEN) for at, word in enumerate(heard))


def test_a_short_form_is_the_beginning() -> None:
    assert spoken(PUBLISHED, 3) == "topmost Istanbul Pluto"
    assert spoken(b"") == ""


def test_lines_hold_the_same_words_numbered_and_aligned() -> None:
    shown = lines(PUBLISHED, 4)
    assert [line.split()[0] for line in shown] == ["1", "2", "3", "4", "5"]
    assert [word for line in shown for word in line.split()[1:]] == PUBLISHED_WORDS.split()
    starts = [[line.index(word) for word in line.split()[1:]] for line in shown]
    assert all(row == starts[0] for row in starts)
    assert all(line == line.rstrip() for line in shown)
    assert len(lines(PUBLISHED[:5], 4)) == 2
    assert lines(b"") == []
