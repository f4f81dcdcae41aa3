"""The group of Ed25519 (RFC 8032, RFC 9591 section 6.1), by libsodium; its points are their own encodings, 32 bytes.

Refused, when decoded: encodings that are not canonical, points off the curve, of small or mixed order, the identity.
Refused altogether: to work with a libsodium that takes points of mixed order (CVE-2025-69277: PyNaCl before 1.6.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import nacl.bindings as sodium

from keyquorum.errors import KeyquorumError, ParameterError
from keyquorum.maths import constant_time
from keyquorum.maths.groups import decode_scalar, refused

_LENGTH = 32
_ORDER = (1 << 252) + 27742317777372353535851937790883648493
_IDENTITY = (1).to_bytes(_LENGTH, "little")
# The generator plus the point (0, -1), which is of order 2: (-x, -y). Older checks of the order looked at x alone.
_MIXED = bytes.fromhex("95" + "99" * 31)


@dataclass(frozen=True, slots=True)
class Ed25519:
    """The group."""

    name: str = "Ed25519"
    order: int = _ORDER
    scalar_length: int = _LENGTH
    point_length: int = _LENGTH
    identity: bytes = _IDENTITY
    generator: bytes = bytes.fromhex("58" + "66" * 31)

    def decode(self, data: bytes) -> bytes:
        """Read a point; raises ParameterError for anything but the canonical encoding of a usable one."""
        if len(data) != _LENGTH:
            raise refused(self, f"has {_LENGTH} bytes, not {len(data)}")
        if not is_usable(data):
            raise refused(self, "is not canonical, not on the curve, or not in the group of prime order")
        return data

    def encode(self, point: bytes) -> bytes:
        """Write a point."""
        return point

    def add(self, first: bytes, second: bytes) -> bytes:
        """Give the sum of two points."""
        return sodium.crypto_core_ed25519_add(first, second)

    def negate(self, point: bytes) -> bytes:
        """Give the negative of a point."""
        return sodium.crypto_core_ed25519_sub(_IDENTITY, point)

    def is_identity(self, point: bytes) -> bool:
        """Whether a point is the neutral element."""
        return point == _IDENTITY

    def equal(self, first: bytes, second: bytes) -> bool:
        """Whether two points are the same."""
        return first == second

    def multiply(self, scalar: int, point: bytes) -> bytes:
        """Give scalar times point; libsodium's constant-time multiplication."""
        check_libsodium()
        if scalar == 0 or point == _IDENTITY:  # libsodium takes neither; a secret is 0 with no chance worth naming
            return _IDENTITY
        try:
            return sodium.crypto_scalarmult_ed25519_noclamp(_bytes(scalar), point)
        except RuntimeError:
            raise refused(self, "is not in the group of prime order") from None

    def multiply_base(self, scalar: int) -> bytes:
        """Give scalar times the generator; libsodium's constant-time multiplication."""
        if scalar == 0:
            return _IDENTITY
        return sodium.crypto_scalarmult_ed25519_base_noclamp(_bytes(scalar))

    def multiply_encoded(self, scalar: int, data: bytes) -> bytes:
        """Do ``decode`` and ``multiply`` at once: libsodium checks the point as it multiplies."""
        if len(data) != _LENGTH or scalar == 0:
            return self.multiply(scalar, self.decode(data))
        return self.multiply(scalar, data) if data != _IDENTITY else self.decode(data)

    def sum_of(self, scalars: Sequence[int], points: Sequence[bytes]) -> bytes:
        """Give the sum of scalar times point over all pairs."""
        total = _IDENTITY
        for scalar, point in zip(scalars, points, strict=True):
            total = sodium.crypto_core_ed25519_add(total, point if scalar == 1 else self.multiply(scalar, point))
        return total

    def scalar_add(self, first: int, second: int) -> int:
        """Give the sum of two scalars, by libsodium."""
        return _number(sodium.crypto_core_ed25519_scalar_add(_bytes(first), _bytes(second)))

    def scalar_multiply(self, first: int, second: int) -> int:
        """Give the product of two scalars, by libsodium."""
        return _number(sodium.crypto_core_ed25519_scalar_mul(_bytes(first), _bytes(second)))

    def scalar_invert(self, scalar: int) -> int:
        """Give the inverse of a scalar that is not 0, by libsodium."""
        if scalar == 0:
            raise ParameterError("the scalar 0 has no inverse")
        return _number(sodium.crypto_core_ed25519_scalar_invert(_bytes(scalar)))

    def encode_scalar(self, scalar: int) -> bytes:
        """Write a scalar, little-endian."""
        return _bytes(scalar)

    def decode_scalar(self, data: bytes) -> int:
        """Read a scalar; raises MalformedError for another length or one that is not below the order."""
        return decode_scalar(self, data, "little")


ED25519 = Ed25519()


def is_usable(data: bytes) -> bool:
    """Tell whether 32 bytes are the canonical encoding of a point of prime order; raises as ``check_libsodium``."""
    check_libsodium()
    return sodium.crypto_core_ed25519_is_valid_point(data)


@cache
def check_libsodium() -> None:
    """Ask libsodium, once in a process, about a point of mixed order; raises KeyquorumError where it is taken."""
    if sodium.crypto_core_ed25519_is_valid_point(_MIXED):
        raise KeyquorumError(
            "the libsodium of this machine takes points of Ed25519 that are not in the group of prime order",
            where="maths.ed25519",
            do="Install PyNaCl 1.6.2 or newer, with the libsodium that it brings along (CVE-2025-69277).",
        )


def _bytes(scalar: int) -> bytes:
    if scalar >= _ORDER:  # libsodium would ignore its topmost bit, or fail; the first digit of 30 bits tells
        raise ParameterError("a scalar of Ed25519 is not below the order")
    return constant_time.to_bytes(scalar, _LENGTH)


def _number(data: bytes) -> int:
    return constant_time.from_bytes(data)
