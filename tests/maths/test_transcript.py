"""H and expand against hashlib written out; no two different lists of inputs look alike."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.maths.transcript import Transcript, digest, expand, fixed

inputs = st.lists(st.binary(max_size=20), max_size=5)


def test_a_known_digest() -> None:
    by_hand = (
        b"\x00\x00\x00\x00\x00\x00\x00\x03tag"
        b"\x00\x00\x00\x00\x00\x00\x00\x02ab"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x01c"
    )
    assert digest("tag", b"ab", b"", b"c") == hashlib.sha512(by_hand).digest()


@given(inputs, inputs)
def test_different_inputs_give_different_digests(first: list[bytes], second: list[bytes]) -> None:
    assert (digest("t", *first) == digest("t", *second)) == (first == second)


@given(inputs, st.integers(0, 5))
def test_one_at_a_time_is_all_at_once(values: list[bytes], at: int) -> None:
    transcript = Transcript("t", *values[:at])
    transcript.add_all(iter(values[at:]))
    assert transcript.digest() == digest("t", *values)


@pytest.mark.parametrize("bits", [1, 7, 8, 511, 512, 513, 1024, 2176])
def test_expand_is_the_digests_in_counter_mode(bits: int) -> None:
    blocks = b"".join(digest("t", b"x", bytes([0, 0, 0, counter])) for counter in range(5))
    assert expand("t", bits, b"x") == int.from_bytes(blocks, "big") >> (len(blocks) * 8 - bits)
    assert expand("t", bits, b"x") < 1 << bits


def test_expand_depends_on_everything() -> None:
    values = {expand(tag, 512, *parts) for tag in "ab" for parts in ((b"x",), (b"y",), (b"x", b""), (b"", b"x"))}
    assert len(values) == 8


def test_integers_of_fixed_length() -> None:
    assert fixed(258, 4) == b"\x00\x00\x01\x02"
    for bad in (-1, 1 << 32):
        with pytest.raises(OverflowError):
            fixed(bad, 4)


def test_a_tag_is_ascii() -> None:
    with pytest.raises(UnicodeEncodeError):
        digest("schlüssel")
