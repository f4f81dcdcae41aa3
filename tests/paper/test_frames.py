"""The text of a QR code: one spelling, nothing else is taken, and the parts come together in any order."""

import base64
import re
import string
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import LimitError, MalformedError, NotYetError
from keyquorum.paper.frames import MOST_CHARACTERS, PART_LENGTH, Frame, decode, encode, join, parts, short_id

ID = bytes(range(10))
WORDS = " ".join(["academic"] * 33)
SHARE = Frame("S", False, ID, 3, 1, WORDS)
PART = Frame("K", True, ID, 2, 3, "ABCDEFGH")

words = st.lists(st.text(string.ascii_lowercase, min_size=4, max_size=8), min_size=33, max_size=33).map(" ".join)
ids = st.binary(min_size=10, max_size=10)
shares = st.builds(Frame, st.just("S"), st.booleans(), ids, st.integers(1, 256), st.just(1), words)


@st.composite
def pieces(draw: st.DrawFn) -> Frame:
    of = draw(st.integers(1, 999))
    data = draw(st.binary(min_size=1, max_size=PART_LENGTH // 5)) * 5
    kind: Any = draw(st.sampled_from(["K", "M"]))
    text = base64.b32encode(data).decode()
    return Frame(kind, draw(st.booleans()), draw(ids), draw(st.integers(1, of)), of, text)


def test_the_spelling() -> None:
    assert encode(SHARE) == "KQ1:S:AAAQEAYEAUDAOCAJ:3:" + WORDS.upper()
    assert encode(PART) == "KQ1R:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGH"
    assert short_id(ID + bytes(22)) == "AAAQEAYEAUDAOCAJ"


@given(shares | pieces())
def test_round_trip(frame: Frame) -> None:
    text = encode(frame)
    assert decode(text) == frame
    assert re.fullmatch(r"[0-9A-Z $%*+\-./:]+", text)


@given(st.text(max_size=60) | st.from_regex(r"KQ1R?:[SKM]:[A-Z2-7]{15,17}:[0-9/]{0,5}:[A-Z2-7 ]{0,40}", fullmatch=True))
def test_whatever_is_taken_is_spelt_as_we_spell_it(text: str) -> None:
    try:
        frame = decode(text)
    except MalformedError:
        return
    assert encode(frame) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGHI",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFG=",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2/3:",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:02/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:4/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:0/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2/3:abcdefgh",
        "kq1:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGH",
        "KQ2:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGH",
        "KQ1:X:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCA1:2/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:\u0662/3:ABCDEFGH",
        "KQ1:K:AAAQEAYEAUDAOCAJ:2/3:ABCDEFGH\n",
        "KQ1:S:AAAQEAYEAUDAOCAJ:1/1:" + WORDS.upper(),
        "KQ1:S:AAAQEAYEAUDAOCAJ:257:" + WORDS.upper(),
        "KQ1:S:AAAQEAYEAUDAOCAJ:1:" + WORDS.upper().replace(" ", "  "),
        "KQ1:S:AAAQEAYEAUDAOCAJ:1:" + " ".join(["ACADEMIC"] * 32),
        "KQ1:S:AAAQEAYEAUDAOCAJ:1:" + " ".join(["ACADEMIC"] * 34),
        "KQ1:S:AAAQEAYEAUDAOCAJ:1:" + WORDS.upper() + " ",
        "KQ1:S:AAAQEAYEAUDAOCAJ:1:" + "AC7DEMIC" + WORDS.upper()[8:],
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        decode(text)


def test_the_size_is_looked_at_first() -> None:
    with pytest.raises(LimitError):
        decode("A" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize(
    "given_",
    [
        ("S", False, ID[:9], 1, 1, WORDS),
        ("S", False, ID, 1, 2, WORDS),
        ("S", False, ID, 0, 1, WORDS),
        ("S", False, ID, 1, 1, WORDS.upper()),
        ("Z", False, ID, 1, 1, WORDS),
        ("K", False, ID, 2, 1, "ABCDEFGH"),
        ("K", False, ID, 1, 1000, "ABCDEFGH"),
        ("K", False, ID, 1, 1, "ABCDEFG"),
    ],
)
def test_a_frame_that_exists_is_well_formed(given_: Any) -> None:
    with pytest.raises(MalformedError):
        Frame(*given_)


def test_words_are_not_shown() -> None:
    assert "academic" not in repr(SHARE)
    with pytest.raises(MalformedError) as caught:
        decode(encode(SHARE) + " ACADEMIC")
    assert "academic" not in str(caught.value).lower()


@given(st.sampled_from(["K", "M"]), st.integers(1, 1200), st.randoms(use_true_random=False))
def test_cut_shuffled_and_joined(kind: Any, fives: int, random: Any) -> None:
    data = random.randbytes(5 * fives - 1) + b"."
    frames = parts(kind, False, ID, data)
    assert {frame.of for frame in frames} == {len(frames)}
    assert max(len(frame.data) for frame in frames) <= PART_LENGTH
    assert base64.b32decode("".join(frame.text for frame in frames)) == data
    assert all(len(encode(frame)) <= MOST_CHARACTERS for frame in frames)
    mixed = frames + frames[:1]
    random.shuffle(mixed)
    assert join(mixed) == data


@given(st.integers(1, 4000))
def test_a_manifest_of_any_length_comes_back(length: int) -> None:
    data = b"{" * length
    assert join(parts("M", True, ID, data)) == data


def test_an_envelope_is_a_multiple_of_five_bytes() -> None:
    for length in (0, 1, 299):
        with pytest.raises(MalformedError, match="multiple of 5"):
            parts("K", False, ID, bytes(length))


def test_the_longest_part_fits_version_30_at_level_q() -> None:
    longest = encode(Frame("M", True, ID, 999, 999, base64.b32encode(bytes(PART_LENGTH)).decode()))
    assert len(longest) <= MOST_CHARACTERS
    assert segno.make_qr(longest, error="q", mode="alphanumeric", boost_error=False).version == 30
    with pytest.raises(segno.DataOverflowError):
        segno.make_qr(longest + "ABCDEFGH", error="q", mode="alphanumeric", boost_error=False, version=30)


def test_what_is_missing_is_named() -> None:
    frames = parts("K", False, ID, bytes(3000))
    with pytest.raises(NotYetError, match=r"of 4 parts, 2, 4 are missing"):
        join([frames[0], frames[2]])
    with pytest.raises(NotYetError, match=r"2 is missing"):
        join([frames[0], frames[2], frames[3]])
    with pytest.raises(NotYetError):
        join([])


def test_contradictions_are_refused() -> None:
    frames = parts("K", False, ID, bytes(1500))
    other = parts("K", False, ID, b"x" * 1500)
    with pytest.raises(MalformedError, match="twice, and differently"):
        join([*frames, other[0]])
    with pytest.raises(MalformedError, match="different escrows"):
        join([frames[0], parts("K", False, ID[::-1], bytes(1500))[1]])
    with pytest.raises(MalformedError, match="different escrows"):
        join([frames[0], parts("K", True, ID, bytes(1500))[1]])
    with pytest.raises(MalformedError, match="one thing"):
        join([frames[0], parts("M", False, ID, bytes(1500))[1]])
    with pytest.raises(MalformedError, match="one thing"):
        join([frames[0], parts("K", False, ID, bytes(2500))[2]])
    with pytest.raises(MalformedError, match="one thing"):
        join([SHARE])
