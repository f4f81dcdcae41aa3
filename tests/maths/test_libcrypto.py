import ctypes
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

import pytest

from keyquorum.errors import KeyquorumError
from keyquorum.maths.libcrypto import Library, Numbers, library
from tests.maths.libraries import imitation, loaded, without_pairs

FREED_BY = {
    "BN_new": "BN_clear_free",
    "BN_CTX_new": "BN_CTX_free",
    "BN_MONT_CTX_new": "BN_MONT_CTX_free",
}


@pytest.fixture
def _afresh() -> Iterator[None]:
    library.cache_clear()
    yield
    library.cache_clear()


@pytest.mark.usefixtures("_afresh")
def test_there_may_be_no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert library() is None


@pytest.mark.usefixtures("_afresh")
def test_a_libcrypto_that_lacks_a_function_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def poor(_name: str) -> Any:
        poor = imitation(0x30000010)
        del poor.BN_bn2binpad
        return poor

    monkeypatch.setattr(ctypes, "CDLL", poor)
    assert library() is None


@pytest.mark.usefixtures("_afresh")
def test_the_older_one_is_second_choice_and_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def old_only(name: str) -> Any:
        asked.append(name)
        if name == "libcrypto.so.3":
            raise OSError(name)
        old = imitation(0x1010117F)
        del old.BN_mod_exp_mont_consttime_x2
        return old

    monkeypatch.setattr(ctypes, "CDLL", old_only)
    found = library()
    assert found is not None
    assert not found.pairs
    assert library() is found
    assert asked == ["libcrypto.so.3", "libcrypto.so.1.1"]


@pytest.mark.parametrize(("version", "pairs"), [(0x30000030, True), (0x30000040, False), (0x30000050, True)])
def test_the_pairwise_function_of_3_0_4_is_not_used(version: int, pairs: bool) -> None:
    assert Library(imitation(version)).pairs is pairs


@pytest.mark.parametrize("value", [0, 1, 255, 256, (1 << 4096) - 1])
def test_numbers_come_back_as_they_went(value: int) -> None:
    with Numbers(without_pairs()) as numbers:
        handle = numbers.number(12345)
        numbers.set(handle, value)
        assert numbers.get(handle, 512) == value
        assert numbers.is_one(handle) is (value == 1)


def test_a_number_too_long_for_its_place_is_an_error() -> None:
    with Numbers(without_pairs()) as numbers, pytest.raises(KeyquorumError):
        numbers.get(numbers.number(1 << 64), 8)


def test_a_failure_names_its_codes_and_empties_the_queue() -> None:
    using = without_pairs()
    with Numbers(using) as numbers:
        even = numbers.number(1234567890)
        with pytest.raises(KeyquorumError, match=r"error codes: [0-9A-F]{8}") as failure:
            numbers.power(numbers.number(), numbers.number(2), numbers.number(5), even, numbers.montgomery())
    assert "1234567890" not in str(failure.value)
    assert using["ERR_get_error"]() == 0


def test_every_code_of_a_failure_is_taken_from_the_queue() -> None:
    queue = [0x0180006C, 0x01, 0]
    failing = Library(imitation(0x30000010, BN_new=lambda: None, ERR_get_error=lambda: queue.pop(0)))
    with Numbers(failing) as numbers, pytest.raises(KeyquorumError, match="error codes: 0180006C, 00000001"):
        numbers.number()
    assert not queue


def test_a_failure_without_a_code_is_a_failure() -> None:
    silent = Library(imitation(0x30000010, BN_new=lambda: None, ERR_get_error=lambda: 0))
    with Numbers(silent) as numbers, pytest.raises(KeyquorumError, match="error codes: none"):
        numbers.number()


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_freed_once(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    using = Library(loaded())
    made: Counter[tuple[str, int]] = Counter()
    freed: Counter[tuple[str, int]] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            answer = function(*arguments)
            if name in FREED_BY:
                made[FREED_BY[name], answer] += 1
            elif name in FREED_BY.values():
                freed[name, arguments[0]] += 1
            return answer

        return call

    counted = {name: counting(name, function) for name, function in using._functions.items()}
    monkeypatch.setattr(using, "_functions", counted)
    with suppress(KeyquorumError), Numbers(using) as numbers:
        number = numbers.number(1 << 64)
        numbers.montgomery()
        assert not freed
        if fails:
            numbers.get(number, 8)
    assert made.total() == 3
    assert freed == made


@pytest.mark.parametrize("bits", [64, 1024])
def test_two_powers_are_two_powers(bits: int) -> None:
    moduli = (1 << bits) - 105, (1 << bits) - 17
    for using in (Library(loaded()), without_pairs()):
        with Numbers(using) as numbers:
            tuples, expected = [], []
            for modulus, base, exponent in zip(
                moduli, (moduli[0] - 2, moduli[1] - 3), ((1 << bits) - 5, 77), strict=True
            ):
                context, odd = numbers.montgomery(), numbers.number(modulus)
                numbers.prepare(context, odd)
                tuples.append((numbers.number(), numbers.number(base), numbers.number(exponent), odd, context))
                expected.append(pow(base, exponent, modulus))
            numbers.two_powers(*tuples)
            assert [numbers.get(result, bits // 8) for result, *_ in tuples] == expected
