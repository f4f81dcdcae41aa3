"""Words as people type them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import LimitError, MalformedError
from keyquorum.escrow.wordlist import ILLEGIBLE, TEXT_LIMIT, WORD_COUNT, WORDS, index_of, read_words

SHARE_WORDS = st.lists(st.sampled_from(WORDS), min_size=WORD_COUNT, max_size=WORD_COUNT)
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.upper, str.title, str.lower])
NUMBERS = ("{}.", "{})", "{}:", "({})", "{}", "{}.)")


def test_a_word_is_known_by_its_first_four_letters_and_any_more_that_are_right() -> None:
    assert len(WORDS) == 1024
    for index, word in enumerate(WORDS):
        for length in range(4, len(word) + 1):
            assert index_of(word[:length]) == index
        assert index_of(word[:3]) is None
        assert index_of(word + "x") is None


@pytest.mark.parametrize("word", ["acadenic", "acadx", "", "aca", "1234", "academics"])
def test_other_words_are_not_in_the_list(word: str) -> None:
    assert index_of(word) is None


@given(words=SHARE_WORDS, data=st.data())
def test_case_space_and_short_forms_do_not_matter(words: list[str], data: st.DataObject) -> None:
    blanks = st.sampled_from([" ", "\n", "\r\n", "\t", "  \n ", " ", " "])
    typed = "".join(
        data.draw(blanks)
        + data.draw(CASES)(word[: data.draw(st.integers(4, 8))])
        + data.draw(st.sampled_from(["", ",", ".", ";"]))
        for word in words
    )
    assert read_words(typed) == tuple(words)


@given(words=SHARE_WORDS, order=st.permutations(range(WORD_COUNT)), form=st.sampled_from(NUMBERS), glued=st.booleans())
def test_numbers_say_where_each_word_stands(words: list[str], order: list[int], form: str, glued: bool) -> None:
    blank = "" if glued and form != "{}" else " "
    assert read_words(" ".join(form.format(place + 1) + blank + words[place] for place in order)) == tuple(words)


def test_a_number_without_a_word_is_an_illegible_word() -> None:
    words = list(WORDS[:WORD_COUNT])
    boxes = [f"{number}. {word}" for number, word in enumerate(words, 1)]
    for empty in (0, 7, 32):
        expected = tuple(ILLEGIBLE if place == empty else word for place, word in enumerate(words))
        left = [f"{empty + 1}." if place == empty else box for place, box in enumerate(boxes)]
        assert read_words(" ".join(left)) == expected
        assert read_words(" ".join(box for place, box in enumerate(boxes) if place != empty)) == expected


@pytest.mark.parametrize("mark", ["?", "???", "*", "__", "[?]", "(?)"])
def test_what_nobody_can_read_can_be_marked(mark: str) -> None:
    assert read_words(f"academic {mark} acid") == ("academic", ILLEGIBLE, "acid")
    assert read_words(f"1. academic 2. {mark} 3. acid")[:3] == ("academic", ILLEGIBLE, "acid")


def test_where_only_some_words_have_numbers_the_order_is_as_typed() -> None:
    assert read_words("2. academic acid 1. acne") == ("academic", "acid", "acne")
    assert read_words("1. 2. academic acid 4.") == (ILLEGIBLE, "academic", "acid", ILLEGIBLE)


def test_borders_are_passed_over_and_other_words_stay_as_typed() -> None:
    assert read_words("| academic | acide | 'acne' 2027 44.") == ("academic", "acide", "acne", "2027", "44")


def test_a_number_that_stands_twice_is_refused_without_a_word() -> None:
    with pytest.raises(MalformedError, match="two words have the number 2") as caught:
        read_words("1. academic 2. acid 2. acne")
    assert not any(word in str(caught.value) for word in ("academic", "acid", "acne"))


def test_ligatures_of_printed_pages_are_letters() -> None:
    assert read_words("ﬁction ﬂip") == ("fiction", "flip")


def test_too_much_text_is_not_read() -> None:
    assert read_words("a" * TEXT_LIMIT) == ("a" * TEXT_LIMIT,)
    with pytest.raises(LimitError):
        read_words("a" * (TEXT_LIMIT + 1))


@given(st.text(max_size=300))
def test_any_text_gives_words_or_our_errors(text: str) -> None:
    try:
        words = read_words(text)
    except MalformedError:
        return
    assert all(word == word.strip() for word in words)
