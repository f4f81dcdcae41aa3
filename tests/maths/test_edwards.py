"""Encodings that decode on the curve and are refused all the same: small order, mixed order, not canonical."""

from collections.abc import Iterator
from itertools import product

import nacl.bindings
import pytest

from keyquorum.errors import KeyquorumError, ParameterError
from keyquorum.maths import ed25519
from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519
from keyquorum.maths.groups import Group
from keyquorum.threshold.frost_dkg import check_round_one, random_polynomial, round_one
from keyquorum.threshold.frost_suite import ED25519_SHA512
from tests.maths.streams import stream
from tests.maths.textbook import TEXTBOOKS, Pair

BOTH = pytest.mark.parametrize("group", [ED25519, ED448], ids=lambda group: group.name)
_P448 = 2**448 - 2**224 - 1

# Every encoding of a point of small order on edwards25519, as in "Taming the many EdDSAs" (eprint 2020/1244, appendix
# C) and libsodium's list: the points themselves, and second encodings of them.
SMALL_25519 = [
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "00" * 32,
    "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
SECOND_25519 = [
    "01" + "00" * 30 + "80",
    "ec" + "ff" * 31,
    "ee" + "ff" * 30 + "7f",
    "ee" + "ff" * 31,
    "ed" + "ff" * 30 + "7f",
    "ed" + "ff" * 31,
]
SMALL_448 = ["01" + "00" * 56, (_P448 - 1).to_bytes(57, "little").hex(), "00" * 57, "00" * 56 + "80"]
SECOND_448 = [
    number.to_bytes(57, "little").hex()
    for number in (
        1 | 1 << 455,
        (_P448 - 1) | 1 << 455,
        _P448,
        _P448 | 1 << 455,
        _P448 + 1,
        (_P448 + 1) | 1 << 455,
        # A bit between y and the sign, which belongs to neither.
        1 << 448 | 5,
        1 << 454 | 5,
    )
]


def refused(group: Group, encoding: bytes) -> None:
    """Expect a refusal by each of the two ways in, whatever the point is to be multiplied by."""
    with pytest.raises(ParameterError, match=f"a point of {group.name} "):
        group.decode(encoding)
    for scalar in (0, 1, 2, 4, 8, group.order - 1):
        with pytest.raises(ParameterError, match=f"a point of {group.name} "):
            group.multiply_encoded(scalar, encoding)


@pytest.mark.parametrize("encoding", SMALL_25519 + SECOND_25519)
def test_small_order_of_ed25519(encoding: str) -> None:
    refused(ED25519, bytes.fromhex(encoding))


@pytest.mark.parametrize("encoding", SMALL_448 + SECOND_448)
def test_small_order_of_ed448(encoding: str) -> None:
    refused(ED448, bytes.fromhex(encoding))


def torsion(name: str) -> list[Pair]:
    """Give all points of small order, found by the textbook; the identity is the first."""
    book = TEXTBOOKS[name]
    for y in range(2, 100):
        for point in book.with_y(y):
            small = book.multiply(book.order, point)
            multiples = [book.multiply(k, small) for k in range(book.cofactor)]
            if len(set(multiples)) == book.cofactor:
                return multiples
    raise AssertionError


@pytest.mark.parametrize(("name", "listed"), [("Ed25519", SMALL_25519), ("Ed448", SMALL_448)])
def test_the_lists_hold_every_point_of_small_order(name: str, listed: list[str]) -> None:
    assert {TEXTBOOKS[name].encode(point).hex() for point in torsion(name)} == set(listed)


@BOTH
def test_mixed_order(group: Group) -> None:
    """A point of the group plus one of small order, each."""
    book = TEXTBOOKS[group.name]
    for scalar, part in product((1, 77), torsion(group.name)[1:]):
        mixed = book.add(book.multiply(scalar, book.generator), part)
        assert book.on_curve(mixed)
        refused(group, book.encode(mixed))


@BOTH
def test_a_y_without_an_x(group: Group) -> None:
    book = TEXTBOOKS[group.name]
    without = [y for y in range(2, 30) if not book.with_y(y)]
    assert len(without) > 5
    for y in without:
        refused(group, y.to_bytes(book.length, "little"))


@BOTH
def test_a_y_that_is_not_reduced(group: Group) -> None:
    """The few y below 2^255 (2^448) whose reduction is the y of a point of the curve: second encodings, all of them."""
    book = TEXTBOOKS[group.name]
    y = next(y for y in range(2, 19) if book.with_y(y))
    for sign in (0, 1 << 8 * book.length - 1):
        refused(group, (y + book.p | sign).to_bytes(book.length, "little"))


@pytest.fixture
def asked_again() -> Iterator[None]:
    """Let libsodium be asked again in this test, and after it."""
    ed25519.check_libsodium.cache_clear()
    yield
    ed25519.check_libsodium.cache_clear()


@pytest.mark.usefixtures("asked_again")
def test_a_libsodium_that_takes_points_of_mixed_order_is_not_worked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2025-69277: where the part of small order is (0, -1), the check of older versions passed."""
    book = TEXTBOOKS["Ed25519"]
    assert book.encode(book.add(book.generator, (0, book.p - 1))) == ed25519._MIXED
    assert not nacl.bindings.crypto_core_ed25519_is_valid_point(ed25519._MIXED)
    point = ED25519.generator
    published = round_one(ED25519_SHA512, 1, random_polynomial(ED25519_SHA512, 2, stream(0)), stream(1))
    ed25519.check_libsodium.cache_clear()
    monkeypatch.setattr(nacl.bindings, "crypto_core_ed25519_is_valid_point", lambda _: True)
    for action in (
        lambda: ED25519.decode(point),
        lambda: ED25519.multiply(2, point),
        lambda: ED25519.multiply_encoded(2, point),
        lambda: ED25519.sum_of([2], [point]),
        lambda: check_round_one(ED25519_SHA512, 1, 2, published),
    ):
        with pytest.raises(KeyquorumError, match="CVE-2025-69277") as caught:
            action()
        assert type(caught.value) is KeyquorumError  # nobody is accused of it
        assert caught.value.culprits == ()


@pytest.mark.usefixtures("asked_again")
def test_libsodium_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    check = nacl.bindings.crypto_core_ed25519_is_valid_point

    def counted(data: bytes) -> bool:
        asked.append(data)
        return check(data)

    monkeypatch.setattr(nacl.bindings, "crypto_core_ed25519_is_valid_point", counted)
    for _ in range(3):
        ED25519.decode(ED25519.generator)
    assert asked == [ed25519._MIXED, *[ED25519.generator] * 3]
