from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import ParameterError
from keyquorum.maths import exponentiation
from keyquorum.maths.exponentiation import Powers, powers_by_gmp, powers_by_libcrypto, secret_power, secret_powers
from keyquorum.maths.libcrypto import library
from tests.maths.libraries import without_pairs

IMPLEMENTATIONS: dict[str, Powers] = {"chosen": secret_powers, "gmp": powers_by_gmp}
if (found := library()) is not None:
    IMPLEMENTATIONS["libcrypto"] = powers_by_libcrypto(found)
    IMPLEMENTATIONS["libcrypto, one by one"] = powers_by_libcrypto(without_pairs())

implementations = pytest.mark.parametrize("powers", IMPLEMENTATIONS.values(), ids=list(IMPLEMENTATIONS))
SIZES = [512, 1024, 1536, 2047, 2048, 3072, 4096]


def odd(bits: int) -> st.SearchStrategy[int]:
    return st.integers(1 << (bits - 1), (1 << bits) - 1).map(lambda number: number | 1)


@implementations
@pytest.mark.parametrize("bits", SIZES)
@given(data=st.data())
@settings(deadline=None, max_examples=5)
def test_powers_are_those_of_python(powers: Powers, bits: int, data: st.DataObject) -> None:
    modulus = data.draw(odd(bits))
    exponent = data.draw(st.integers(0, 1 << bits))
    bases = data.draw(st.lists(st.integers(0, modulus - 1), max_size=3))
    assert powers(bases, exponent, modulus) == [pow(base, exponent, modulus) for base in bases]


@implementations
@given(
    modulus=st.integers(1, 1 << 130).map(lambda number: 2 * number + 1),
    exponent=st.integers(0, 1 << 400),
    bases=st.lists(st.integers(-(1 << 300), 1 << 300), max_size=5),
)
@settings(deadline=None, max_examples=50)
def test_any_base_any_length_of_exponent(powers: Powers, modulus: int, exponent: int, bases: list[int]) -> None:
    assert powers(bases, exponent, modulus) == [pow(base, exponent, modulus) for base in bases]


@implementations
@pytest.mark.parametrize("modulus", [3, 5, (1 << 64) + 1, (1 << 1024) - 1, (1 << 2048) - 1, (1 << 2047) + 1])
@pytest.mark.parametrize("exponent", [0, 1, 2, 1 << 64, (1 << 2048) - 1, 1 << 3000], ids=lambda value: hex(value)[:8])
def test_edges(powers: Powers, modulus: int, exponent: int) -> None:
    bases = [0, 1, 2, modulus - 1, modulus, modulus + 1, -1]
    assert powers(bases, exponent, modulus) == [pow(base, exponent, modulus) for base in bases]


@implementations
def test_no_bases_no_powers(powers: Powers) -> None:
    assert powers([], 5, 7) == []


@implementations
@pytest.mark.parametrize("modulus", [-7, 0, 1, 2, 4, 1 << 1024])
def test_refuses_a_modulus_that_is_even_or_too_small(powers: Powers, modulus: int) -> None:
    with pytest.raises(ParameterError, match="modulus"):
        powers([2], 5, modulus)


@implementations
@pytest.mark.parametrize(("exponent", "modulus"), [(-1234567, 7), (1234567, 8)])
def test_a_refusal_does_not_tell_the_exponent(powers: Powers, exponent: int, modulus: int) -> None:
    with pytest.raises(ParameterError) as refusal:
        powers([2], exponent, modulus)
    assert "1234567" not in str(refusal.value)


def test_one_power_is_one_of_several() -> None:
    assert secret_power(3, 1000, 1001) == pow(3, 1000, 1001)


def test_gmp_does_the_work_where_there_is_no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def by_gmp(bases: list[int], exponent: int, modulus: int) -> list[int]:
        asked.append(bases)
        return powers_by_gmp(bases, exponent, modulus)

    monkeypatch.setattr(exponentiation, "powers_by_gmp", by_gmp)
    monkeypatch.setattr(exponentiation, "library", lambda: None)
    assert secret_powers([3], 4, 7) == [4]
    assert asked == [[3]]


@pytest.mark.skipif(library() is None, reason="no libcrypto here")
def test_libcrypto_does_the_work_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponentiation, "powers_by_gmp", None)
    assert secret_powers([3], 4, 7) == [4]


def test_threads_do_not_disturb_each_other() -> None:
    modulus = (1 << 1024) - 105
    jobs = [([base, base + 1], (1 << 1000) + base) for base in range(2, 42)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: secret_powers(job[0], job[1], modulus), jobs))
    assert answers == [[pow(base, exponent, modulus) for base in bases] for bases, exponent in jobs]
