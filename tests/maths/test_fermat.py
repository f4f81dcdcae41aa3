import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.maths import fermat
from keyquorum.maths.fermat import by_gmp, by_libcrypto, fermat_tests
from keyquorum.maths.libcrypto import Library
from tests.maths.libraries import loaded, without_pairs

KNOWN = {
    5: True,
    7: True,
    9: False,
    341: True,  # 11 * 31, the smallest pseudoprime to the base 2
    561: True,  # 3 * 11 * 17, a Carmichael number
    1 << 61 | 1: False,
    (1 << 61) - 1: True,
    (1 << 521) - 1: True,
    (1 << 523) - 1: True,  # composite, but passes, as every Mersenne number of prime exponent
    (1 << 1024) - 105: True,
    (1 << 1024) - 107: False,
    (1 << 1279) - 1: True,
}


def test_known_numbers_by_gmp() -> None:
    assert by_gmp(list(KNOWN)) == list(KNOWN.values())


@pytest.mark.parametrize("pairs", [True, False])
def test_known_numbers_by_libcrypto_alone_and_in_every_pair(pairs: bool) -> None:
    with by_libcrypto(Library(loaded()) if pairs else without_pairs()) as tests:
        for one, passes in KNOWN.items():
            assert tests([one]) == [passes]
            for other, other_passes in KNOWN.items():
                assert tests([one, other]) == [passes, other_passes]


@given(numbers=st.lists(st.integers(2, 1 << 1100).map(lambda number: 2 * number + 1), min_size=1, max_size=2))
@settings(deadline=None, max_examples=40)
def test_both_agree(numbers: list[int]) -> None:
    with fermat_tests() as tests:
        assert tests(numbers) == by_gmp(numbers) == [pow(2, number - 1, number) == 1 for number in numbers]


def test_gmp_tests_where_there_is_no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fermat, "library", lambda: None)
    with fermat_tests() as tests:
        assert tests is by_gmp


def test_libcrypto_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fermat, "library", lambda: Library(loaded()))
    with fermat_tests() as tests:
        assert tests is not by_gmp
    monkeypatch.setattr(fermat, "library", lambda: None)
    with fermat_tests() as tests:
        assert tests is by_gmp
