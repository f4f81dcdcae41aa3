"""Several sources as one: against HKDF by hand, and against sources that fail; dice, and what is not dice."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, LimitError, MalformedError, NotYetError, RefusedError, UsageError
from keyquorum.escrow.entropy import FRESH, LEAST_ROLLS, Dice, mixed
from tests.maths.streams import stream

ROLLS = "".join(str(1 + byte % 6) for byte in hashlib.shake_256(b"dice").digest(120))
SOURCES = st.lists(st.binary(min_size=1, max_size=80), max_size=4)


def hkdf(function: Callable[..., Any], material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF as RFC 5869 section 2 writes it."""
    key, block, output = hmac.digest(salt, material, function), b"", b""
    for number in range(1, 256):
        block = hmac.digest(key, block + info + bytes([number]), function)
        output += block
    return output[:length]


def eight(number: int) -> bytes:
    return number.to_bytes(8, "big")


def test_the_hand_written_hkdf_is_the_rfcs() -> None:
    # RFC 5869 appendix A.1.
    output = hkdf(hashlib.sha256, b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert output.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


@settings(deadline=None)
@given(SOURCES, st.lists(st.integers(0, 300), min_size=1, max_size=3))
def test_it_is_hkdf_over_everything(more: list[bytes], lengths: list[int]) -> None:
    rng, again = mixed(stream("os"), *more), stream("os")
    for call, length in enumerate(lengths, 1):
        sources = [again(max(64, length)), *more]
        material = b"".join(eight(len(source)) + source for source in sources)
        info = eight(call) + eight(length)
        assert rng(length) == hkdf(hashlib.sha512, material, b"keyquorum/escrow/entropy/v1", info, length)


def test_a_known_answer() -> None:
    rng = mixed(lambda length: bytes(range(length)), b"123456", b"token")
    assert rng(32).hex() == "625a9337cfb4dcce734ef2d9ecfc9e07b390ee982ec818471d5e91350f8d8b76"
    assert rng(32).hex() == "7040a5f9c6bda9c5597c4269eb1d0f1754b73f5b3985583ac56a537bed2c81d9"


@pytest.mark.parametrize("length", [0, 1, 32, 57, 64, 65, 1000, 16320])
def test_fresh_bytes_for_every_call(length: int) -> None:
    asked = []

    def counting(wanted: int) -> bytes:
        asked.append(wanted)
        return bytes(wanted)

    rng = mixed(counting, b"dice")
    assert len(rng(length)) == len(rng(length)) == length
    assert asked == [max(length, FRESH)] * 2


def test_a_source_that_stands_still_still_gives_new_bytes() -> None:
    rng = mixed(bytes, b"dice")
    drawn = [rng(32) for _ in range(10)] + [rng(33)[:32]]
    assert len(set(drawn)) == len(drawn)


@settings(max_examples=50, deadline=None)
@given(SOURCES.filter(bool), st.data())
def test_every_byte_of_every_source_counts(more: list[bytes], draw: st.DataObject) -> None:
    which = draw.draw(st.integers(0, len(more) - 1))
    place = draw.draw(st.integers(0, len(more[which]) - 1))
    changed = [bytearray(source) for source in more]
    changed[which][place] ^= 1 << draw.draw(st.integers(0, 7))
    expected = mixed(bytes, *more)(32)
    assert mixed(bytes, *map(bytes, changed))(32) != expected
    assert mixed(bytes, *more, b"\0")(32) != expected
    assert mixed(lambda length: b"\1" + bytes(length - 1), *more)(32) != expected


def test_where_one_source_ends_counts() -> None:
    different = [(b"12", b"3"), (b"1", b"23"), (b"123",), (b"3", b"12")]
    assert len({mixed(bytes, *more)(32) for more in different}) == len(different)


@pytest.mark.parametrize("more", [(b"",), (b"dice", b"")])
def test_an_empty_source_is_refused(more: tuple[bytes, ...]) -> None:
    with pytest.raises(UsageError, match="gave nothing"):
        mixed(bytes, *more)


def test_a_source_that_falls_short_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer bytes"):
        mixed(lambda length: bytes(length - 1))(32)


def test_more_than_hkdf_gives_is_refused() -> None:
    with pytest.raises(UsageError, match="16321"):
        mixed(bytes)(16321)


def test_dice() -> None:
    dice = Dice(ROLLS)
    assert dice.reveal().decode() == ROLLS
    assert len(dice) == 120
    assert Dice(" 12 3\n" * 3 + "\t".join(ROLLS) + "\r\n").reveal().decode() == "123" * 3 + ROLLS
    assert repr(dice) == str(dice) == "<Dice, 120 bytes>"
    dice.wipe()
    with pytest.raises(UsageError):
        dice.reveal()


def test_exactly_enough_rolls_are_enough() -> None:
    assert 6**LEAST_ROLLS > 2**256
    assert len(Dice(ROLLS[:LEAST_ROLLS])) == LEAST_ROLLS


@pytest.mark.parametrize(("rolls", "missing"), [("", 100), ("5", 99), (ROLLS[:99], 1)])
def test_too_few_rolls(rolls: str, missing: int) -> None:
    with pytest.raises(NotYetError, match=f"Roll {missing} more"):
        Dice(rolls)


@pytest.mark.parametrize(
    "wrong", ["0", "7", "x", ",", "-", "\0", "\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT ONE}"]
)
def test_what_is_no_roll(wrong: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Dice(f"12 3{wrong}{ROLLS}")
    assert str(caught.value) == "dice, roll 4: not a number from 1 to 6"


def test_too_much() -> None:
    with pytest.raises(LimitError):
        Dice("1 2 3 4 5 6\n" * 2000)


STUCK = {
    "one face": "4" * 100,
    "one face mostly": "4" * 61 + ROLLS[:59].replace("4", "5"),
    "two by turns": "12" * 50,
    "counting": "123456" * 17,
    "one series twice": ROLLS[:50] * 2,
    "one series twice and a little": ROLLS[:45] * 2 + ROLLS[:13],
}


@pytest.mark.parametrize("rolls", STUCK.values(), ids=list(STUCK))
def test_rolls_no_die_gave(rolls: str) -> None:
    with pytest.raises(RefusedError, match="not the rolls of an honest die"):
        Dice(rolls)


def test_half_of_the_rolls_may_be_one_face() -> None:
    assert len(Dice("4" * 50 + ROLLS[:50].replace("4", "5"))) == 100


@settings(deadline=None)
@given(st.text("123456", min_size=1, max_size=300), st.text(max_size=4), st.integers(0, 300))
def test_no_error_repeats_a_roll(rolls: str, between: str, place: int) -> None:
    """Nothing of an error but places and counts depends on the rolls."""
    try:
        dice = Dice(rolls[:place] + between + rolls[place:])
    except KeyquorumError as error:
        said = str(error)
    else:
        assert re.fullmatch("[1-6]{100,}", dice.reveal().decode())
        return
    assert max((len(digits) for digits in re.findall("[1-6]+", said)), default=0) <= 3
    assert said.isprintable()
