"""What wrong words were: the right proposal, the only one, and never one without the fingerprint."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic.rs1024 import create_checksum  # type: ignore[import-untyped]

from keyquorum.escrow.candidates import Expected
from keyquorum.escrow.proposals import propose
from keyquorum.escrow.shares import Share, Sharing, split
from keyquorum.escrow.wordlist import ILLEGIBLE, WORDS, index_of, read_words
from tests.escrow.manifests import expected
from tests.threshold.cases import seeded

SHARES = split(bytes(range(32)), Sharing(1, ((3, 7),)), seeded("proposals"))
EXPECTED = [expected(share) for share in SHARES]
SHARE = SHARES[3]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def misspelt(word: str, chance: random.Random) -> str:
    """The word with one letter changed, added, left out or turned round with the next; no word of the list."""
    while True:
        place = chance.randrange(len(word) - 1)
        letter = chance.choice(LETTERS)
        typed = chance.choice(
            [
                word[:place] + letter + word[place + 1 :],
                word[:place] + letter + word[place:],
                word[:place] + word[place + 1 :],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            ]
        )
        if index_of(typed) is None:
            return typed


def another(word: str, chance: random.Random) -> str:
    return chance.choice([other for other in WORDS if other != word])


def check(typed: Sequence[str], share: Share, targets: Sequence[Expected] = EXPECTED) -> str:
    """Propose, and compare with the share: each wrong word is in the changes, and nothing else; gives the sentence."""
    proposal = propose(typed, targets)
    assert proposal is not None
    assert proposal.share == share
    if len(typed) == 33 and "left out" not in proposal.what:
        wrong = [place for place in range(33) if typed[place] != share.words[place]]
        assert proposal.changes == tuple((place + 1, share.words[place]) for place in wrong)
    assert not set(proposal.what.replace(",", "").replace(";", "").split()) & set(share.words[4:])
    assert not any(word in repr(proposal) for _, word in proposal.changes if word not in {"member", "group"})
    return proposal.what


@pytest.mark.parametrize("position", range(33))
def test_one_wrong_word_at_each_position(position: int) -> None:
    chance = random.Random(position)
    for kind in (another, another, misspelt, lambda *_: ILLEGIBLE):
        words = list(SHARE.words)
        words[position] = kind(words[position], chance)
        assert check(words, SHARE) == f"word {position + 1} is wrong"


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 12])
def test_misspelt_words(count: int) -> None:
    chance = random.Random(count)
    for share in SHARES[:3]:
        words = list(share.words)
        for place in chance.sample(range(33), count):
            words[place] = misspelt(words[place], chance)
        check(words, share)


@pytest.mark.parametrize("count", [2, 3])
def test_wrong_words_that_are_in_the_list(count: int) -> None:
    chance = random.Random(count)
    for share in SHARES:
        words = list(share.words)
        for place in chance.sample(range(33), count):
            words[place] = another(words[place], chance)
        check(words, share)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_illegible_words(count: int) -> None:
    chance = random.Random(count)
    for share in SHARES:
        words = list(share.words)
        for place in chance.sample(range(4, 33), count):
            words[place] = ILLEGIBLE
        check(words, share)


def test_the_first_four_words_are_known() -> None:
    words = [ILLEGIBLE] * 4 + list(SHARE.words[4:])
    assert check(words, SHARE) == "words 1, 2, 3 and 4 are wrong"
    for place in (7, 20, 31):
        words[place] = ILLEGIBLE
    assert check(words, SHARE) == "words 1, 2, 3, 4, 8, 21 and 32 are wrong"


@pytest.mark.parametrize(("misspellings", "others", "holes"), [(1, 0, 2), (2, 1, 0), (3, 0, 0), (5, 0, 0)])
def test_the_word_with_the_padding_among_them(misspellings: int, others: int, holes: int) -> None:
    """The fifth word can only be one of 64; it is solved for first, second or third, or guessed."""
    for share in SHARES[:3]:
        chance = random.Random(5)
        words = list(share.words)
        places = chance.sample(range(5, 33), misspellings + others + holes)
        for place in places[:misspellings]:
            words[place] = misspelt(words[place], chance)
        for place in places[misspellings : misspellings + others]:
            words[place] = another(words[place], chance)
        for place in (4, *places[misspellings + others :]):
            words[place] = ILLEGIBLE
        assert propose(words, [expected(share)], effort=8000) is not None
        words[4] = misspelt(share.words[4], chance)
        check(words, share)


@pytest.mark.parametrize(
    ("misspellings", "others", "holes"), [(1, 1, 0), (2, 1, 0), (2, 2, 0), (4, 1, 0), (1, 0, 3), (3, 0, 2), (1, 1, 1)]
)
def test_mixtures(misspellings: int, others: int, holes: int) -> None:
    for seed in range(3):
        chance = random.Random(seed)
        words = list(SHARE.words)
        places = chance.sample(range(33), misspellings + others + holes)
        for place in places[:misspellings]:
            words[place] = misspelt(words[place], chance)
        for place in places[misspellings : misspellings + others]:
            words[place] = another(words[place], chance)
        for place in places[misspellings + others :]:
            words[place] = ILLEGIBLE
        check(words, SHARE)


def test_any_two_words_swapped() -> None:
    chance = random.Random(1)
    for _ in range(25):
        first, second = sorted(chance.sample(range(33), 2))
        words = list(SHARE.words)
        words[first], words[second] = words[second], words[first]
        what = f"words {first + 1} and {second + 1} are swapped"
        assert check(words, SHARE) == what or second == first + 1


def test_a_word_in_another_place() -> None:
    for start, end in [(2, 20), (30, 5), (0, 32), (32, 0), (10, 14)]:
        words = list(SHARE.words)
        words.insert(end, words.pop(start))
        assert check(words, SHARE) == f"word {start + 1} was left out; of those typed, word {end + 1} is too many"


@pytest.mark.parametrize("position", [0, 3, 4, 17, 32])
def test_a_word_left_out(position: int) -> None:
    words = list(SHARE.words)
    del words[position]
    assert check(words, SHARE) == f"word {position + 1} was left out"
    words[10] = another(words[10], random.Random(1))
    place = 11 if position > 10 else 12
    assert check(words, SHARE) == f"word {position + 1} was left out; word {place} is wrong"


@pytest.mark.parametrize("position", [0, 3, 4, 17, 32])
def test_a_word_too_many(position: int) -> None:
    words = list(SHARE.words)
    words.insert(position, another("", random.Random(position)))
    assert check(words, SHARE) == f"of those typed, word {position + 1} is too many"
    doubled = list(SHARE.words)
    doubled.insert(position, doubled[position])
    proposal = propose(doubled, EXPECTED)
    assert proposal is not None
    assert proposal.changes == ()
    assert "is too many" in check(doubled, SHARE)


@pytest.mark.parametrize("places", [(2, 9), (11, 12, 13), (0, 1), (5, 18, 32)])
def test_several_left_out(places: tuple[int, ...]) -> None:
    words = [word for place, word in enumerate(SHARE.words) if place not in places]
    assert "were left out" in check(words, SHARE, [expected(SHARE)])


def test_two_too_many_and_a_word_in_two_halves() -> None:
    words = list(SHARE.words)
    words[20:20] = ["abandoned", "zzz"]
    assert check(words, SHARE) == "of those typed, words 21 and 22 are too many"
    long = next(place for place, word in enumerate(SHARE.words) if place > 4 and len(word) > 6)
    whole = SHARE.words[long]
    check([*SHARE.words[:long], whole[:3], whole[3:], *SHARE.words[long + 1 :]], SHARE)
    check([*SHARE.words[:8], SHARE.words[8] + SHARE.words[9], *SHARE.words[10:]], SHARE)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_proposed_is_always_what_was_expected(data: st.DataObject) -> None:
    """Whatever is typed, wherever it comes from."""
    words = list(data.draw(st.sampled_from(SHARES)).words)
    damage = st.lists(st.tuples(st.integers(0, 32), st.sampled_from([*WORDS, "?", "acide", "xx"])), max_size=6)
    for place, word in data.draw(damage):
        words[place] = word
    proposal = propose(read_words(" ".join(words)), EXPECTED, effort=20_000)
    assert proposal is None or proposal.share.fingerprint in {target.fingerprint for target in EXPECTED}


def test_nothing_is_proposed_without_a_fingerprint_that_fits() -> None:
    """A made-up share with one word changed: the checksum would correct it, the manifest does not know it."""
    values = [index_of(word) or 0 for word in SHARE.words]
    values[15] ^= 77
    values[30:] = create_checksum(values[:30], b"shamir")
    values[8] ^= 1
    assert propose([WORDS[value] for value in values], EXPECTED, effort=50_000) is None
    assert propose(SHARE.words[:32], [expected(SHARES[0])], effort=50_000) is None


def test_only_the_shares_expected_are_proposed() -> None:
    words = [*SHARE.words[:9], ILLEGIBLE, *SHARE.words[10:]]
    assert propose(words, [one for one in EXPECTED if one != expected(SHARE)], effort=50_000) is None
    assert propose(words, []) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda words, chance: [another(word, chance) for word in words],
        lambda words, chance: [misspelt(word, chance) if place > 12 else word for place, word in enumerate(words)],
        lambda words, _: words[:29],
        lambda words, _: words + words[:3],
        lambda _, __: [],
        lambda _, __: ["?"] * 33,
        lambda words, chance: ["zz", "zz", *[another(word, chance) for word in words[4:]], "zz", "zz", "zz"],
    ],
    ids=["garbage", "20 misspelt", "4 left out", "3 too many", "nothing", "all illegible", "garbage and one too many"],
)
def test_too_much_is_wrong(spoil: Callable[[list[str], random.Random], list[str]]) -> None:
    assert propose(read_words(" ".join(spoil(list(SHARE.words), random.Random(1)))), EXPECTED, effort=50_000) is None


def test_a_search_ends_after_so_many_steps() -> None:
    words = list(SHARE.words)
    for place in (5, 17, 30):
        words[place] = another(words[place], random.Random(place))
    assert propose(words, EXPECTED, effort=500) is None
    check(words, SHARE)


def test_of_many_shares_the_one_that_is_meant() -> None:
    many = split(bytes(32), Sharing(2, ((8, 16),) * 16), seeded("many"))
    targets = [expected(share) for share in many]
    chance = random.Random(4)
    for share in (many[0], many[130], many[255]):
        words = list(share.words)
        for place in (*chance.sample(range(4, 33), 2), 3):
            words[place] = another(words[place], chance)
        check(words, share, targets)
