"""All four groups: the laws of a group, the textbook's affine formulas, and the library ``cryptography`` as judges."""

from collections.abc import Callable
from hashlib import sha512, shake_256
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import MalformedError, ParameterError
from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519
from keyquorum.maths.groups import Group, random_scalar
from keyquorum.maths.weierstrass import P256, P384
from tests.maths.streams import stream
from tests.maths.textbook import TEXTBOOKS, roots

GROUPS: tuple[Group, ...] = (ED25519, ED448, P256, P384)
EVERY = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
LENGTHS = {"Ed25519": (32, 32), "Ed448": (57, 57), "P-256": (32, 33), "P-384": (48, 49)}
EDGES = (0, 1, 2, 3, 8)


def scalars(group: Group) -> st.SearchStrategy[int]:
    """Give scalars, often those at an edge."""
    edges = [*EDGES, *(group.order - edge for edge in EDGES[1:]), group.order >> 1]
    return st.sampled_from(edges) | st.integers(0, group.order - 1)


def byteorder(group: Group) -> Literal["little", "big"]:
    return "little" if group.name.startswith("Ed") else "big"


@EVERY
def test_the_parameters_are_those_of_the_textbook(group: Group) -> None:
    book = TEXTBOOKS[group.name]
    assert group.order == book.order
    assert (group.scalar_length, group.point_length) == LENGTHS[group.name]
    assert group.encode(group.generator) == book.encode(book.generator)
    assert group.equal(group.multiply_base(1), group.generator)
    assert group.is_identity(group.identity)
    assert not group.is_identity(group.generator)


@EVERY
@given(st.data())
@settings(deadline=None, max_examples=6)
def test_every_operation_against_the_textbook(group: Group, data: st.DataObject) -> None:
    book = TEXTBOOKS[group.name]
    a, b, c = (data.draw(scalars(group)) for _ in range(3))
    expected = [book.multiply(scalar, book.generator) for scalar in (a, b)]
    first, second = group.multiply_base(a), group.multiply_base(b)
    third = group.multiply(c, first)
    found = [
        first,
        second,
        third,
        group.add(first, second),
        group.negate(second),
        group.sum_of([c, 1], [first, second]),
    ]
    expected.append(book.multiply(c, expected[0]))
    expected.append(book.add(*expected[:2]))
    expected.append(book.multiply(group.order - 1, expected[1]))
    expected.append(book.add(expected[2], expected[1]))
    if not group.is_identity(first):
        found.append(group.multiply_encoded(c, group.encode(first)))
        expected.append(expected[2])
    for point, pair in zip(found, expected, strict=True):
        assert group.is_identity(point) == (pair == book.zero)
        if pair == book.zero:
            assert group.equal(point, group.identity)
        else:
            assert group.encode(point) == book.encode(pair)
            assert group.equal(group.decode(group.encode(point)), point)


@EVERY
@given(st.data())
@settings(deadline=None, max_examples=15)
def test_the_laws_of_a_group(group: Group, data: st.DataObject) -> None:
    a, b, c = (data.draw(scalars(group)) for _ in range(3))
    first, second, third = (group.multiply_base(scalar) for scalar in (a, b, c))
    add, equal, zero = group.add, group.equal, group.identity
    assert equal(add(first, second), add(second, first))
    assert equal(add(add(first, second), third), add(first, add(second, third)))
    assert equal(add(first, zero), first)
    assert equal(add(zero, first), first)
    assert group.is_identity(add(first, group.negate(first)))
    assert equal(group.negate(group.negate(first)), first)
    assert equal(add(first, first), group.multiply(2, first))
    assert equal(group.multiply(c, add(first, second)), add(group.multiply(c, first), group.multiply(c, second)))
    assert equal(group.multiply(a, second), group.multiply_base(group.scalar_multiply(a, b)))
    assert equal(group.multiply(a, second), group.multiply(b, first))
    assert equal(group.multiply_base(group.scalar_add(a, b)), add(first, second))
    assert equal(group.multiply_base(group.scalar_multiply(group.order - 1, a)), group.negate(first))
    assert equal(first, second) == (a == b)
    dot = (a * b + b * c + c * a) % group.order
    assert equal(group.sum_of([a, b, c], [second, third, first]), group.multiply_base(dot))


@EVERY
def test_sums_at_the_edges(group: Group) -> None:
    point = group.multiply_base(5)
    assert group.is_identity(group.sum_of([], []))
    assert group.is_identity(group.sum_of([0, 3], [point, group.identity]))
    assert group.is_identity(group.sum_of([1, 1, 7], [point, group.negate(point), group.identity]))
    assert group.equal(group.sum_of([1, 1], [point, point]), group.multiply_base(10))
    assert group.equal(group.sum_of([1, 1, 1], [point, group.negate(point), point]), point)
    assert group.equal(group.sum_of([1, 1], [group.identity, point]), point)
    assert group.is_identity(group.multiply(0, point))
    assert group.is_identity(group.multiply(7, group.identity))
    assert group.is_identity(group.negate(group.identity))
    # Points are values: nothing of this has changed one.
    assert group.equal(point, group.multiply_base(5))
    assert group.is_identity(group.identity)
    assert group.encode(group.generator) == TEXTBOOKS[group.name].encode(TEXTBOOKS[group.name].generator)
    with pytest.raises(ValueError, match="argument 2 is"):
        group.sum_of([1], [point, point])


@EVERY
@given(st.data())
@settings(deadline=None, max_examples=50)
def test_scalars_against_integers(group: Group, data: st.DataObject) -> None:
    a, b = (data.draw(scalars(group)) for _ in range(2))
    q = group.order
    assert group.scalar_add(a, b) == (a + b) % q
    assert group.scalar_multiply(a, b) == a * b % q
    if a:
        assert group.scalar_invert(a) == pow(a, -1, q)
    assert group.encode_scalar(a) == a.to_bytes(group.scalar_length, byteorder(group))
    assert group.decode_scalar(group.encode_scalar(a)) == a


@EVERY
def test_scalars_that_are_refused(group: Group) -> None:
    q, length = group.order, group.scalar_length
    for scalar in (-1, -q, 1 << 8 * length):
        calls: tuple[Callable[[int], object], ...] = (
            group.encode_scalar,
            group.multiply_base,
            lambda bad: group.multiply(bad, group.generator),
            lambda bad: group.scalar_add(1, bad),
            lambda bad: group.scalar_multiply(bad, 1),
            group.scalar_invert,
        )
        for call in calls:
            with pytest.raises(ParameterError):
                call(scalar)
    for scalar in (q, q + 1, (1 << 8 * length) - 1):
        with pytest.raises(MalformedError, match="not below the order"):
            group.decode_scalar(scalar.to_bytes(length, byteorder(group)))
    for size in (0, length - 1, length + 1):
        with pytest.raises(MalformedError, match=f"{length} bytes, not {size}"):
            group.decode_scalar(bytes(size))
    with pytest.raises(ParameterError, match="no inverse"):
        group.scalar_invert(0)


@EVERY
def test_a_scalar_that_is_not_reduced_never_gives_a_wrong_point(group: Group) -> None:
    """It is refused, or stands for what it is modulo the order."""
    q, book = group.order, TEXTBOOKS[group.name]
    for scalar in (q, q + 1, 2 * q, 2 * q - 3, (1 << q.bit_length()) + 5, (1 << 8 * group.scalar_length) - 1):
        expected = book.multiply(scalar % q, book.generator)
        for call in (
            group.multiply_base,
            lambda number: group.multiply(number, group.generator),
            lambda number: group.sum_of([number], [group.generator]),
            lambda number: group.multiply_encoded(number, group.encode(group.generator)),
        ):
            try:
                found = call(scalar)
            except ParameterError:
                continue
            if expected == book.zero:
                assert group.is_identity(found)
            else:
                assert group.encode(found) == book.encode(expected)


@EVERY
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_decoding_takes_what_the_textbook_takes(group: Group, data: st.DataObject) -> None:
    """Arbitrary bytes, and encodings with a bit or two changed."""
    book = TEXTBOOKS[group.name]
    point = group.encode(group.multiply_base(data.draw(st.integers(1, 100))))
    flips = data.draw(st.lists(st.integers(0, 8 * len(point) - 1), max_size=2))
    raw = data.draw(st.binary(min_size=len(point), max_size=len(point)) | st.just(point))
    number = int.from_bytes(raw, "little")
    for flip in flips:
        number ^= 1 << flip
    encoding = number.to_bytes(len(point), "little")
    if book.edwards:
        y = number % (1 << (8 * len(point) - 1))
        candidates = book.with_y(y) if y < book.p else []
    else:
        x = int.from_bytes(encoding[1:], "big")
        ys = roots((x**3 + book.a * x + book.d) % book.p, book.p) if x < book.p else set()
        candidates = [(x, y) for y in ys]
    valid = [
        pair for pair in candidates
        if book.encode(pair) == encoding and book.multiply(book.order, pair) == book.zero != pair
    ]  # fmt: skip
    if valid:
        assert group.encode(group.decode(encoding)) == encoding
        assert group.encode(group.multiply_encoded(1, encoding)) == encoding
    else:
        for scalar in (0, 1, 77):
            with pytest.raises(ParameterError, match=f"a point of {group.name} "):
                group.multiply_encoded(scalar, encoding)
        with pytest.raises(ParameterError, match=f"a point of {group.name} "):
            group.decode(encoding)


@EVERY
def test_points_of_the_wrong_length(group: Group) -> None:
    for size in (0, group.point_length - 1, group.point_length + 1, 65, 97):
        for scalar in (0, 1, 5):
            with pytest.raises(ParameterError, match=f"{group.point_length} bytes"):
                group.multiply_encoded(scalar, bytes(size))
        with pytest.raises(ParameterError, match=f"{group.point_length} bytes"):
            group.decode(bytes(size))


@EVERY
def test_a_random_scalar_is_reduced_from_16_bytes_more(group: Group) -> None:
    asked: list[int] = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return stream(group.name)(length)

    found = random_scalar(group, rng)
    wide = stream(group.name)(group.scalar_length + 16)
    assert asked == [group.scalar_length + 16]
    assert found == 1 + int.from_bytes(wide, "little") % (group.order - 1)


@EVERY
@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_random_scalar_is_never_zero(group: Group, byte: bytes) -> None:
    assert 1 <= random_scalar(group, lambda length: byte * length) < group.order
    wide = (group.order - 1).to_bytes(group.scalar_length + 16, "little")
    assert random_scalar(group, lambda _: wide) == 1


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=57, max_size=57))
@settings(deadline=None, max_examples=15)
def test_edwards_public_keys_against_cryptography(seed: bytes, long_seed: bytes) -> None:
    """The scalar of RFC 8032 taken from the seed leads to the public key of the library."""
    scalar = bytearray(sha512(seed).digest()[:32])
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    number = int.from_bytes(scalar, "little") % ED25519.order
    assert ED25519.encode(ED25519.multiply_base(number)) == public
    assert ED25519.encode(ED25519.decode(public)) == public

    scalar = bytearray(shake_256(long_seed).digest(114)[:57])
    scalar[0] &= 252
    scalar[55] |= 128
    scalar[56] = 0
    public = ed448.Ed448PrivateKey.from_private_bytes(long_seed).public_key().public_bytes_raw()
    number = int.from_bytes(scalar, "little") % ED448.order
    assert ED448.encode(ED448.multiply_base(number)) == public
    assert ED448.encode(ED448.decode(public)) == public


@pytest.mark.parametrize(("group", "curve"), [(P256, ec.SECP256R1()), (P384, ec.SECP384R1())], ids=["P-256", "P-384"])
@given(st.data())
@settings(deadline=None, max_examples=15)
def test_the_p_curves_against_cryptography(group: Group, curve: ec.EllipticCurve, data: st.DataObject) -> None:
    a, b = (data.draw(scalars(group).filter(bool)) for _ in range(2))
    mine, other = ec.derive_private_key(a, curve), ec.derive_private_key(b, curve).public_key()
    public = mine.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert group.encode(group.multiply_base(a)) == public
    point = group.decode(other.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    assert group.encode(group.multiply(a, point))[1:] == mine.exchange(ec.ECDH(), other)
