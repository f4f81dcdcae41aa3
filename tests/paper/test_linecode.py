"""The Reed-Solomon code of a typed line: its definition, and every mistake within its reach."""

import random
import string
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.paper.linecode import ALPHABET, GENERATOR, LENGTH, check, correct

texts = st.text(ALPHABET, min_size=1, max_size=25)
numbers = st.integers(1, 999)


def product(a: int, b: int) -> int:
    """Multiply in GF(32), by the definition: shift, add, reduce by x^5 + x^2 + 1."""
    result = 0
    for bit in range(5):
        if b >> bit & 1:
            result ^= a << bit
    for bit in range(9, 4, -1):
        if result >> bit & 1:
            result ^= 0b100101 << (bit - 5)
    return result


def value(word: list[int], point: int) -> int:
    result = 0
    for symbol in word:
        result = product(result, point) ^ symbol
    return result


@given(numbers, texts)
def test_a_codeword_vanishes_at_the_four_roots(number: int, text: str) -> None:
    word = [*divmod(number, 32), *(ALPHABET.index(letter) for letter in text.ljust(25, "A") + check(number, text))]
    point = 1
    assert len(word) == LENGTH
    for _ in range(4):
        point = product(point, 2)
        assert value(word, point) == 0


def test_the_polynomial() -> None:
    assert GENERATOR == [1, 30, 6, 9, 17]
    assert string.ascii_uppercase + "234567" == ALPHABET


@given(numbers, texts, st.data())
def test_two_wrong_characters_are_put_right(number: int, text: str, data: st.DataObject) -> None:
    given_ = check(number, text)
    word = list(text + given_)
    for at in data.draw(st.sets(st.integers(0, len(word) - 1), max_size=2)):
        word[at] = data.draw(st.sampled_from(ALPHABET))
    changed = "".join(word)
    assert correct(number, changed[:-4], changed[-4:], []) == (number, text, given_)


@given(numbers, texts, st.data())
def test_four_unreadable_ones_or_two_and_a_wrong_one(number: int, text: str, data: st.DataObject) -> None:
    given_ = check(number, text)
    word = list(text + given_)
    wrong = data.draw(st.integers(0, 1))
    places = data.draw(st.sets(st.integers(0, len(word) - 1), max_size=4 - wrong))
    lost = sorted(places)[: 4 - 2 * wrong]
    for at in [*lost, *sorted(places)[len(lost) : len(lost) + wrong]]:
        word[at] = data.draw(st.sampled_from(ALPHABET))
    changed = "".join(word)
    assert correct(number, changed[:-4], changed[-4:], lost) == (number, text, given_)


@given(numbers, numbers, texts)
def test_the_number_is_under_the_check(number: int, other: int, text: str) -> None:
    given_ = check(number, text)
    assert correct(other, text, given_, []) == (number, text, given_)
    if number != other:
        assert given_ != check(other, text)


def test_any_two_lines_differ_in_five_places() -> None:
    """The distance of the code: a sample of changes in up to four places never gives another codeword."""
    stream = random.Random(5)
    text = "".join(stream.choices(ALPHABET, k=25))
    given_ = check(7, text)
    for places in stream.sample(list(combinations(range(29), 4)), 300):
        word = list(text + given_)
        for at in places:
            word[at] = stream.choice(ALPHABET.replace(word[at], ""))
        assert check(7, "".join(word[:25])) != "".join(word[25:])


def test_a_line_far_off_is_mostly_left_alone() -> None:
    stream = random.Random(6)
    taken = sum(
        correct(3, "".join(stream.choices(ALPHABET, k=25)), "".join(stream.choices(ALPHABET, k=4)), []) is not None
        for _ in range(100)
    )
    assert taken < 60  # spheres of radius two fill 43 % of the space: the hash of the whole decides


def test_there_is_no_line_1000() -> None:
    with pytest.raises(ValueError, match="1000"):
        check(1000, "A")
