"""A key that is kept whole, behind the seam: what its device signs comes out, whatever else it gives never does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import NotEnoughError, ParameterError, ShareError, SignatureError, UsageError, WrongPartialError
from keyquorum.maths.weierstrass import P256
from keyquorum.maths.work import HERE, Work
from keyquorum.threshold.register import scheme_named, scheme_of
from keyquorum.threshold.rsa import RsaShare
from keyquorum.threshold.seam import Answer, MemorySpool, Plan
from keyquorum.threshold.undivided import ALGORITHMS, UndividedPublic, UndividedScheme
from tests.dnssec.keys import Pair, pair
from tests.threshold.cases import CONTEXT, HASHES, Dealt, messages, seeded, verify_by_library
from tests.threshold.lies import HARMFUL, PROOFS, EndlessStream, Lie, ShortStream
from tests.threshold.points import WRONG_POINTS
from tests.threshold.stores import MemoryStore

SCHEME = UndividedScheme()
each = pytest.mark.parametrize("algorithm", ALGORITHMS)


def public_of(one: Pair) -> UndividedPublic:
    return UndividedPublic(one.key.algorithm, one.key.public_key)


def kept(algorithm: int) -> Dealt:
    """Give a key that is kept whole; what signs with it is its only "share"."""
    one = pair(algorithm)

    def verify(text: bytes, signature: bytes) -> None:
        if algorithm in HASHES:
            one.private.public_key().verify(signature, text, padding.PKCS1v15(), HASHES[algorithm])
        else:
            verify_by_library(algorithm, one.key.public_key, text, signature, one.private.public_key())

    return Dealt(SCHEME, public_of(one), (one,), one.sign, verify)


@dataclass(frozen=True)
class Faulty:
    """A device that does something to every signature."""

    key: Pair
    change: Callable[[bytes], bytes]

    def sign(self, message: bytes) -> bytes:
        return self.change(self.key.sign(message))


def sign(public: UndividedPublic, device: Any, texts: list[bytes], **more: Any) -> list[bytes]:
    values = MemorySpool()
    asked = {"store": None, "values": values, **more}
    SCHEME.sign(public, device, messages=texts, context=CONTEXT, rng=seeded("none"), work=HERE, **asked)
    return values


@each
def test_what_the_device_signs_comes_out(algorithm: int) -> None:
    dealt = kept(algorithm)
    texts = messages(5)
    answers = dealt.answers([1], texts)
    assert {len(value) for value in answers[1].values} == {SCHEME.width(dealt.public, 1, CONTEXT)}
    SCHEME.check_dealing(dealt.public)
    SCHEME.check_share(dealt.public, 1, dealt.shares[0])
    SCHEME.check(dealt.public, 1, texts, answers[1], CONTEXT, HERE)
    with ThreadPoolExecutor(2) as executor:
        for work in (HERE, Work(executor, 2)):
            signatures, outcome = dealt.combine(texts, answers, work)
            assert signatures == answers[1].values
            assert outcome.good == {1}
            assert not outcome.liars
    assert SCHEME.dnskey(dealt.public) == pair(algorithm).key.public_key


def test_it_stands_in_the_register_by_its_public_part_alone() -> None:
    for algorithm in ALGORITHMS:
        assert scheme_of(public_of(pair(algorithm))) == SCHEME == scheme_named("undivided")
    public = public_of(pair(13))
    assert (public.threshold, public.holders, public.answers) == (1, 1, 1)


@each
@pytest.mark.parametrize("change", [
    lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]),
    lambda signature: signature[:-1],
    lambda signature: signature + b"\x00",
    lambda signature: bytes(len(signature)),
    lambda _: b"",
])  # fmt: skip
def test_a_faulty_device_is_told_and_gives_nothing_away(algorithm: int, change: Callable[[bytes], bytes]) -> None:
    values = MemorySpool()
    with pytest.raises(SignatureError, match="message 1 is not a signature with this key") as caught:
        sign(public_of(pair(algorithm)), Faulty(pair(algorithm), change), messages(2), values=values)
    assert caught.value.culprits == (1,)
    assert not values


@pytest.mark.parametrize("algorithm", [13, 14])
def test_numbers_that_are_right_and_too_long_are_no_signature(algorithm: int) -> None:
    def padded(signature: bytes) -> bytes:
        half = len(signature) // 2
        return b"\x00" + signature[:half] + b"\x00" + signature[half:]

    with pytest.raises(SignatureError, match="a signature has"):
        sign(public_of(pair(algorithm)), Faulty(pair(algorithm), padded), messages(1))


@each
def test_a_device_with_another_key(algorithm: int) -> None:
    with pytest.raises(SignatureError, match="another key"):
        sign(public_of(pair(algorithm)), pair(algorithm, number=1), messages(1))


LIES = {name: lie for name, lie in (*HARMFUL.items(), *PROOFS.items()) if name != "another holder's answer"}


@each
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_whatever_is_wrong_with_an_answer_names_the_keeper(algorithm: int, lie: Lie) -> None:
    dealt = kept(algorithm)
    texts = messages(3)
    answer = lie(dealt, 1, texts)
    with pytest.raises(WrongPartialError) as caught:
        SCHEME.check(dealt.public, 1, texts, answer, CONTEXT, HERE)
    assert caught.value.culprits == (1,)
    emitted: list[bytes] = []
    with pytest.raises(NotEnoughError, match="answer of the keeper is wrong") as refused:
        SCHEME.combine(dealt.public, texts, {1: answer}, CONTEXT, emitted.append, HERE)
    assert refused.value.culprits == (1,)
    for text, signature in zip(texts, emitted, strict=False):
        dealt.verify(text, signature)


def test_what_is_wrong_is_said() -> None:
    dealt = kept(15)
    texts = messages(3)
    values = list(dealt.answer(1, texts).values)
    for wrong, told in (
        (EndlessStream(values), "it holds more than 3 values"),
        (values[:2], "it holds 2 values for 3 messages"),
        ([values[0], values[2], values[1]], "its signature over message 2 is missing, or does not verify"),
    ):
        with pytest.raises(WrongPartialError, match=told):
            SCHEME.check(dealt.public, 1, texts, Answer(wrong, None), CONTEXT, HERE)


@given(st.sampled_from([8, 13, 15]), st.integers(0, 2), st.data())
@settings(deadline=None, max_examples=60)
def test_any_change_of_any_signature_is_found(algorithm: int, place: int, data: st.DataObject) -> None:
    dealt = kept(algorithm)
    texts = messages(3)
    values = list(dealt.answer(1, texts).values)
    byte = data.draw(st.integers(0, len(values[place]) - 1))
    change = data.draw(st.integers(1, 255))
    values[place] = b"".join(
        bytes([one ^ change]) if number == byte else bytes([one]) for number, one in enumerate(values[place])
    )
    with pytest.raises(WrongPartialError, match=f"message {place + 1} "):
        SCHEME.check(dealt.public, 1, texts, Answer(values, None), CONTEXT, HERE)


def test_the_keeper_has_not_answered() -> None:
    with pytest.raises(NotEnoughError, match="has not answered") as caught:
        kept(15).combine(messages(1), {})
    assert caught.value.culprits == ()


@pytest.mark.parametrize("index", [0, 2, -1])
def test_there_is_one_holder(index: int) -> None:
    dealt = kept(15)
    answer = dealt.answer(1, messages(1))
    for wrong in (
        lambda: SCHEME.width(dealt.public, index, CONTEXT),
        lambda: SCHEME.check(dealt.public, index, messages(1), answer, CONTEXT, HERE),
        lambda: SCHEME.check_share(dealt.public, index, dealt.shares[0]),
        lambda: SCHEME.combine(dealt.public, messages(1), {index: answer}, CONTEXT, print, HERE),
    ):
        with pytest.raises(ParameterError, match="its keeper"):
            wrong()


def test_it_is_not_dealt() -> None:
    with pytest.raises(ParameterError, match="keyquorum key token"):
        SCHEME.deal(None, Plan(8, 2048, 1, 1), seeded(0), HERE)


def test_used_wrongly() -> None:
    public, device = public_of(pair(15)), pair(15)
    with pytest.raises(UsageError, match="without one-time material"):
        sign(public, device, messages(1), store=MemoryStore([]))
    with pytest.raises(UsageError, match="not empty"):
        sign(public, device, messages(1), values=MemorySpool([b""]))
    with pytest.raises(UsageError, match="no message"):
        sign(public, device, [])
    with pytest.raises(UsageError, match="holds 1, but says 2"):
        sign(public, device, ShortStream(messages(2), 1))
    with pytest.raises(ShareError, match="nothing that signs"):
        sign(public, RsaShare(1, 2), messages(1))
    with pytest.raises(ParameterError, match="not one of a key that is kept whole"):
        SCHEME.dnskey(replace(public).dnskey)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", [0, 5, 7, 12, 17])
def test_other_algorithms(algorithm: int) -> None:
    with pytest.raises(ParameterError, match="8, 10, 13, 14, 15, 16"):
        SCHEME.check_dealing(UndividedPublic(algorithm, pair(8).key.public_key))


def rsa(exponent: int, modulus: int, *, length: int | None = None) -> bytes:
    data = exponent.to_bytes(max(1, (exponent.bit_length() + 7) // 8), "big")
    head = len(data) if length is None else length
    return bytes([head]) + data + modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")


N = pair(8).key.rsa_numbers()[1]


@pytest.mark.parametrize(
    ("dnskey", "why"),
    [
        (rsa(65537, pair(8, number=2, bits=1024).key.rsa_numbers()[1]), "1024 bits"),
        (rsa(65537, (1 << 4100) + 1), "4101 bits"),
        (rsa(65537, N + 1), "even"),
        (rsa(3, N), "from 65537"),
        (rsa(65538, N), "from 65537"),
        (rsa((1 << 64) + 1, N), "RFC 3110"),
        (rsa(65537, N, length=0), "RFC 3110"),
        (b"\x00\x00\x03\x01\x00\x01" + N.to_bytes(256, "big"), "RFC 3110"),
        (b"\x04\x00\x01\x00\x01" + N.to_bytes(256, "big"), "RFC 3110"),
        (b"\x03\x01\x00\x01\x00" + N.to_bytes(256, "big"), "RFC 3110"),
        (b"\x03\x01\x00\x01", "RFC 3110"),
        (b"\x03", "RFC 3110"),
        (b"", "RFC 3110"),
    ],
)
def test_rsa_keys_that_are_refused(dnskey: bytes, why: str) -> None:
    for algorithm in (8, 10):
        with pytest.raises(ParameterError, match=why):
            SCHEME.check_dealing(UndividedPublic(algorithm, dnskey))


@pytest.mark.parametrize("algorithm", [15, 16])
def test_points_that_are_refused(algorithm: int) -> None:
    for wrong in (*WRONG_POINTS[algorithm].values(), b"", pair(algorithm).key.public_key + b"\x00"):
        with pytest.raises(ParameterError):
            SCHEME.check_dealing(UndividedPublic(algorithm, wrong))


@pytest.mark.parametrize("algorithm", [13, 14])
def test_ecdsa_points_that_are_refused(algorithm: int) -> None:
    good = pair(algorithm).key.public_key
    half = len(good) // 2
    y = int.from_bytes(good[half:], "big")
    for wrong in (
        b"",
        good[:-1],
        good + b"\x00",
        bytes(len(good)),
        good[:half] + (y ^ 2).to_bytes(half, "big"),
        b"\xff" * len(good),
        good[:half] + (y + P256.prime).to_bytes(half + 1, "big")[-half:],
    ):
        with pytest.raises(ParameterError):
            SCHEME.check_dealing(UndividedPublic(algorithm, wrong))
