"""Products of powers against Python's pow, however they are made."""

from collections.abc import Iterable, Iterator, Sequence
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.maths import multiexp
from keyquorum.maths.multiexp import power_product, small_power_product

MODULUS = (1 << 127) - 1
pairs = st.lists(st.tuples(st.integers(0, MODULUS * 2), st.integers(0, (1 << 128) - 1)), max_size=12)


def by_pow(terms: Sequence[tuple[int, int]], modulus: int) -> int:
    return prod(pow(base, exponent, modulus) for base, exponent in terms) % modulus


@given(pairs, st.integers(0, 5000), st.integers(1, 1 << 70))
@settings(deadline=None, max_examples=100)
def test_power_product(terms: list[tuple[int, int]], count: int, modulus: int) -> None:
    # Whatever count is announced: few go by Straus, many into buckets, with windows of every size.
    bases, exponents = [base for base, _ in terms], [exponent for _, exponent in terms]
    assert power_product(bases, exponents, modulus, bits=128, count=count) == by_pow(terms, modulus)


@pytest.mark.parametrize("bits", [1, 2, 7, 8, 13, 64, 128, 131])
@pytest.mark.parametrize("count", [0, 1, 5, 60, 300, 2000])
def test_every_length_of_exponent(bits: int, count: int) -> None:
    terms = [(3 + j * j, ((1 << bits) - 1) * (j + 1) % (1 << bits)) for j in range(count)]
    terms += [(5, (1 << bits) - 1), (7, 1), (11, 0)]
    got = power_product((base for base, _ in terms), (e for _, e in terms), MODULUS, bits=bits, count=count)
    assert got == by_pow(terms, MODULUS)


def test_known_products() -> None:
    assert power_product([2, 3, 5], [10, 4, 1], 10**9 + 7, bits=128, count=3) == 1024 * 81 * 5
    assert power_product([2, 3, 5], [10, 4, 1], 10**9 + 7, bits=128, count=5000) == 1024 * 81 * 5
    assert small_power_product([2, 3, 5], [10, 4, 1], 1000) == 1024 * 81 * 5 % 1000
    assert power_product([], [], 97, bits=128, count=0) == 1
    assert power_product([], [], 1, bits=128, count=0) == 0
    assert small_power_product([], [], 97) == 1


@pytest.mark.parametrize("count", [1, 5000])
def test_exponents_that_are_refused(count: int) -> None:
    for bad in (-1, 1 << 16):
        with pytest.raises(ValueError, match="16 bits"):
            power_product([2, 3], [1, bad], 97, bits=16, count=count)
    with pytest.raises(ValueError, match="shorter"):
        power_product([2, 3], [1], 97, bits=16, count=count)
    with pytest.raises(ValueError, match="negative"):
        small_power_product([2, 3], [1, -1], 97)
    with pytest.raises(ValueError, match="shorter"):
        small_power_product([2, 3], [1], 97)


@given(st.lists(st.tuples(st.integers(0, 1 << 70), st.integers(0, 1 << 40)), max_size=6), st.integers(1, 1 << 64))
def test_small_power_product(terms: list[tuple[int, int]], modulus: int) -> None:
    bases, exponents = [base for base, _ in terms], [exponent for _, exponent in terms]
    assert small_power_product(bases, exponents, modulus) == by_pow(terms, modulus)


def test_a_stream_is_read_once_and_not_kept() -> None:
    alive = 0
    most = 0

    class Base(int):
        def __new__(cls, value: int) -> "Base":
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, value)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def bases() -> Iterator[int]:
        for j in range(1000):
            yield Base(j + 2)

    power_product(bases(), (3 for _ in range(1000)), MODULUS, bits=128, count=1000)
    assert most < 100


def test_the_way_is_chosen_by_cost() -> None:
    assert multiexp._straus_cost(128, 9) < min(multiexp._bucket_cost(128, 9, window) for window in range(1, 11))
    assert multiexp._straus_cost(128, 1000) > multiexp._bucket_cost(128, 1000, 7)


@pytest.mark.parametrize(
    ("bits", "count", "window"), [(128, 73, 0), (128, 74, 4), (128, 1000, 7), (128, 20_000, 10), (8, 1000, 8)]
)
def test_many_go_into_buckets_of_the_cheapest_window(
    bits: int, count: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []

    def into_buckets(_pairs: Iterable[tuple[int, int]], _modulus: int, _bits: int, width: int) -> int:
        chosen.append(width)
        return 0

    monkeypatch.setattr(multiexp, "_by_buckets", into_buckets)
    power_product([2], [1], MODULUS, bits=bits, count=count)
    assert chosen == [window] * (window > 0)  # 0: by Straus


def test_the_cost_is_the_number_of_multiplications(monkeypatch: pytest.MonkeyPatch) -> None:
    done = 0

    class Counted(int):
        def __mul__(self, other: int) -> "Counted":
            nonlocal done
            done += 1
            return Counted(int(self) * int(other))

        def __mod__(self, modulus: int) -> "Counted":
            return Counted(int(self) % modulus)

    monkeypatch.setattr(multiexp, "mpz", Counted)
    terms = [(Counted(3 + j), (1 << 128) - 1 - j) for j in range(6)]
    assert multiexp._by_straus(terms, MODULUS, 128) == by_pow(terms, MODULUS)
    assert done == multiexp._straus_cost(128, 6)
    done = 0
    terms = [(Counted(3 + j), (1 << 128) - 1) for j in range(20)]
    assert multiexp._by_buckets(terms, MODULUS, 128, 4) == by_pow(terms, MODULUS)
    assert multiexp._bucket_cost(128, 20, 4) - 2 * 32 == done  # two a row for bucket 0, which stays empty
