"""What SEC 1 allows and we do not; x coordinates."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyquorum.errors import ParameterError
from keyquorum.maths.weierstrass import P256, P384, Weierstrass
from tests.maths.textbook import TEXTBOOKS, roots

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
BOTH = pytest.mark.parametrize("group", [P256, P384], ids=["P-256", "P-384"])


def has_y(group: Weierstrass, x: int) -> bool:
    book = TEXTBOOKS[group.name]
    return bool(roots((x**3 - 3 * x + book.d) % book.p, book.p))


@BOTH
def test_other_forms_are_refused(group: Weierstrass) -> None:
    public = ec.derive_private_key(77, CURVES[group.name]).public_key()
    long = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    others = [bytes([first]) + short[1:] for first in (0, 1, 4, 5, 6, 7, 0x82, 255)]
    for encoding in (long, b"\0", b"", bytes(len(short)), *others):
        with pytest.raises(ParameterError, match="begins with 2 or 3"):
            group.decode(encoding)
        with pytest.raises(ParameterError, match="begins with 2 or 3"):
            group.multiply_encoded(0, encoding)
    # The other parity is the inverse.
    assert group.equal(group.decode(bytes([short[0] ^ 1]) + short[1:]), group.negate(group.decode(short)))


@BOTH
def test_an_x_that_is_not_reduced(group: Weierstrass) -> None:
    # With a small x that has a y, x + p would be the same point once more.
    small = next(x for x in range(20) if has_y(group, x))
    group.decode(b"\2" + small.to_bytes(group.scalar_length, "big"))
    for x in (group.prime, group.prime + small, (1 << 8 * group.scalar_length) - 1):
        with pytest.raises(ParameterError, match="not canonical"):
            group.decode(b"\2" + x.to_bytes(group.scalar_length, "big"))


@BOTH
def test_an_x_without_a_y(group: Weierstrass) -> None:
    without = [x for x in range(20) if not has_y(group, x)]
    assert len(without) > 4
    for x in without:
        with pytest.raises(ParameterError, match="not on the curve"):
            group.decode(b"\3" + x.to_bytes(group.scalar_length, "big"))


@BOTH
def test_the_identity_has_no_encoding(group: Weierstrass) -> None:
    with pytest.raises(ParameterError, match="is the identity"):
        group.encode(group.identity)


@BOTH
def test_x_coordinates(group: Weierstrass) -> None:
    for scalar in (1, 2, 3, 12345, group.order - 1):
        expected = ec.derive_private_key(scalar, CURVES[group.name]).public_key().public_numbers().x
        assert group.x_of(group.multiply_base(scalar)) == expected
