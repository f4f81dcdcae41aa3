"""Numbers from a given source: in range, of every size, and with no more bytes read than said."""

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.maths.randomness import random_below, random_bits
from tests.threshold.cases import seeded


@given(st.binary(min_size=40, max_size=40), st.integers(0, 320))
def test_bits_are_the_leading_ones(source: bytes, bits: int) -> None:
    asked: list[int] = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return source[:length]

    expected = int.from_bytes(source, "big") >> (320 - bits)
    assert random_bits(rng, bits) == expected
    assert asked == [(bits + 7) // 8]


@given(st.integers(1, 1 << 300), st.integers())
def test_below_is_below(bound: int, seed: int) -> None:
    assert 0 <= random_below(seeded(seed), bound) < bound


def test_below_reads_the_same_whatever_comes() -> None:
    for bound in (255, 256, 3**100):
        for filling in (b"\x00", b"\xff"):
            asked: list[int] = []
            random_below(lambda length, asked=asked, filling=filling: asked.append(length) or filling * length, bound)  # type: ignore[misc]
            assert asked == [(bound.bit_length() + 128 + 7) // 8]


def test_below_reaches_everything_about_equally_often() -> None:
    rng = seeded("even")
    tally = Counter(random_below(rng, 6) for _ in range(6000))
    assert set(tally) == set(range(6))
    assert all(850 < times < 1150 for times in tally.values())


def test_successive_numbers_differ() -> None:
    numbers = count()
    rng = seeded("different")
    assert len({random_bits(rng, 128) for _ in zip(range(100), numbers, strict=False)}) == 100


@pytest.mark.parametrize("bound", [0, -1])
def test_there_is_nothing_below_zero(bound: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        random_below(bytes, bound)
