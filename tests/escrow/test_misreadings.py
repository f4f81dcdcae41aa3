"""Which word was probably meant."""

import random
from functools import cache

import pytest

from keyquorum.escrow import misreadings
from keyquorum.escrow.misreadings import ranked
from keyquorum.escrow.wordlist import WORDS


def distance(typed: str, word: str) -> int:
    """The same distance, by definition instead of by table; a beginning of four right letters is not looked at."""
    pairs = misreadings._PAIRS

    @cache
    def between(i: int, j: int) -> int:
        ways = [0] if i == j == 0 else []
        if i:
            doubled = i > 1 and typed[i - 2] == typed[i - 1]
            ways.append(between(i - 1, j) + (misreadings._DOUBLED_COST if doubled else misreadings._LENGTH_COST))
        if j:
            doubled = j > 1 and word[j - 2] == word[j - 1]
            ways.append(between(i, j - 1) + (misreadings._DOUBLED_COST if doubled else misreadings._LENGTH_COST))
        if i and j:
            ways.append(between(i - 1, j - 1) + misreadings._letter_cost(typed[i - 1], word[j - 1]))
        if i > 1 and j and pairs.get(typed[i - 2 : i]) == word[j - 1]:
            ways.append(between(i - 2, j - 1) + misreadings._PAIR_COST)
        if i and j > 1 and pairs.get(word[j - 2 : j]) == typed[i - 1]:
            ways.append(between(i - 1, j - 2) + misreadings._PAIR_COST)
        if i > 1 and j > 1 and typed[i - 2 : i] == word[j - 2 : j][::-1]:
            ways.append(between(i - 2, j - 2) + misreadings._TURNED_COST)
        return min(ways)

    return between(len(typed), len(word))


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("acaclemic", "academic"),
        ("c1ub", "club"),
        ("vvolf", "wolf"),
        ("rnuscle", "muscle"),
        ("dub", "club"),
        ("huksy", "husky"),
        ("bulgXXX", "bulge"),
        ("cluub", "club"),
        ("a?id", "acid"),
        ("5pirit", "spirit"),
        ("mu5cle", "muscle"),
        ("wo1f", "wolf"),
        ("aquatik", "aquatic"),
    ],
)
def test_what_eyes_hands_and_scanners_confuse(typed: str, word: str) -> None:
    assert WORDS[ranked(typed)[0][0]] == word


def test_every_word_is_ranked_once_and_a_word_is_nearest_to_itself() -> None:
    for word in WORDS[::50]:
        order = ranked(word)
        assert sorted(index for index, _ in order) == list(range(1024))
        assert order[0] == (WORDS.index(word), 0)
        assert [far for _, far in order] == sorted(far for _, far in order)


def test_the_distance_is_the_one_defined() -> None:
    chance = random.Random(1)
    letters = "abcdeilmnorstuvw?1"
    for _ in range(12):
        typed = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 10)))
        found = dict(ranked(typed))
        for index in chance.sample(range(1024), 60):
            if typed[:4] != WORDS[index][:4]:
                assert found[index] == distance(typed, WORDS[index]), (typed, WORDS[index])


def test_a_typed_word_of_any_length_is_ranked() -> None:
    assert len(ranked("x" * 4000)) == 1024
