"""What the groups on PyCryptodome's points have in common: arithmetic of points and scalars, in its C code.

PyCryptodome from 4.0 on multiplies a point by a secret scalar in constant time, if it is given one of its own integers;
a Python integer it would write as short as it is. A public scalar takes less time. Its points belong to one process:
others get encodings.
"""

from collections.abc import Sequence
from functools import cache

from Crypto.Math.Numbers import Integer
from Crypto.PublicKey.ECC import EccPoint

from keyquorum.maths import constant_time


class PointArithmetic:
    """A group's arithmetic; the subclass says which curve, and how points are written."""

    __slots__ = ()

    name: str
    order: int
    scalar_length: int
    base: tuple[int, int]

    @property
    def identity(self) -> EccPoint:
        """The neutral element."""
        return self.generator.point_at_infinity()

    @property
    def generator(self) -> EccPoint:
        """The standard base point."""
        return _generator(self.name, self.base)

    def add(self, first: EccPoint, second: EccPoint) -> EccPoint:
        """Give the sum of two points."""
        return first + second

    def negate(self, point: EccPoint) -> EccPoint:
        """Give the negative of a point."""
        return -point

    def is_identity(self, point: EccPoint) -> bool:
        """Whether a point is the neutral element."""
        return bool(point.is_point_at_infinity())

    def equal(self, first: EccPoint, second: EccPoint) -> bool:
        """Whether two points are the same."""
        return bool(first == second)

    def multiply(self, scalar: int, point: EccPoint) -> EccPoint:
        """Give scalar times point, in constant time."""
        return _times(point, constant_time.integer(scalar, self.scalar_length))

    def multiply_base(self, scalar: int) -> EccPoint:
        """Give scalar times the generator, in constant time."""
        return _times(self.generator, constant_time.integer(scalar, self.scalar_length))

    def decode(self, data: bytes) -> EccPoint:
        """Read a point; the subclass says how."""
        raise AssertionError(f"nobody reads {len(data)} bytes here")

    def multiply_encoded(self, scalar: int, data: bytes) -> EccPoint:
        """Do ``decode`` and ``multiply`` at once; the scalar is public."""
        return _times(self.decode(data), Integer(scalar, public=True))

    def sum_of(self, scalars: Sequence[int], points: Sequence[EccPoint]) -> EccPoint:
        """Give the sum of scalar times point over all pairs."""
        total: EccPoint = self.identity.copy()
        for scalar, point in zip(scalars, points, strict=True):
            total += point if scalar == 1 else _times(point, Integer(scalar, public=True))
        return total

    def scalar_add(self, first: int, second: int) -> int:
        """Give the sum of two scalars."""
        return constant_time.add(first, second, self.order)

    def scalar_multiply(self, first: int, second: int) -> int:
        """Give the product of two scalars."""
        return constant_time.multiply(first, second, self.order)

    def scalar_invert(self, scalar: int) -> int:
        """Give the inverse of a scalar that is not 0."""
        return constant_time.invert(scalar, self.order)


def _times(point: EccPoint, scalar: Integer) -> EccPoint:
    return point * scalar  # type: ignore[operator]  # its annotations know of Python's integers only


@cache
def _generator(name: str, base: tuple[int, int]) -> EccPoint:
    return EccPoint(*base, curve=name)
