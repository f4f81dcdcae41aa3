"""Groups of prime order in which shares and signatures live: Ed25519, Ed448, P-256, P-384; one interface for all.

Points come in as their standard encodings and are checked once, when decoded: canonical, on the curve, in the group of
prime order, and not the identity. Scalars are integers from 0 to the order, exclusive. Multiplying a point by one, and
arithmetic of scalars, take time that does not depend on them, as far as the library of each group goes: libsodium for
Ed25519, PyCryptodome for the others (``docs/auditor/timing.md`` has what was measured).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from keyquorum.errors import MalformedError, ParameterError
from keyquorum.maths import constant_time
from keyquorum.maths.randomness import Rng

Point = Any
"""An element of a group, in the form its library has."""


class Group(Protocol):
    """A group of prime order with a generator."""

    @property
    def name(self) -> str:
        """What the group is called: ``Ed25519``, ``Ed448``, ``P-256``, ``P-384``."""
        ...

    @property
    def order(self) -> int:
        """The order, a prime."""
        ...

    @property
    def scalar_length(self) -> int:
        """The length of an encoded scalar in bytes."""
        ...

    @property
    def point_length(self) -> int:
        """The length of an encoded point in bytes."""
        ...

    @property
    def identity(self) -> Point:
        """The neutral element."""
        ...

    @property
    def generator(self) -> Point:
        """The standard base point."""
        ...

    def decode(self, data: bytes) -> Point:
        """Read a point; raises ParameterError for anything but the canonical encoding of a usable one."""
        ...

    def encode(self, point: Point) -> bytes:
        """Write a point (RFC 8032; SEC 1 compressed)."""
        ...

    def add(self, first: Point, second: Point) -> Point:
        """Give the sum of two points."""
        ...

    def negate(self, point: Point) -> Point:
        """Give the negative of a point."""
        ...

    def is_identity(self, point: Point) -> bool:
        """Whether a point is the neutral element."""
        ...

    def equal(self, first: Point, second: Point) -> bool:
        """Whether two points are the same."""
        ...

    def multiply(self, scalar: int, point: Point) -> Point:
        """Give scalar times point; the scalar may be secret."""
        ...

    def multiply_base(self, scalar: int) -> Point:
        """Give scalar times the generator; the scalar may be secret."""
        ...

    def multiply_encoded(self, scalar: int, data: bytes) -> Point:
        """Do ``decode`` and ``multiply`` at once; the scalar is public."""
        ...

    def sum_of(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        """Give the sum of scalar times point over all pairs; the scalars are public."""
        ...

    def scalar_add(self, first: int, second: int) -> int:
        """Give the sum of two scalars."""
        ...

    def scalar_multiply(self, first: int, second: int) -> int:
        """Give the product of two scalars."""
        ...

    def scalar_invert(self, scalar: int) -> int:
        """Give the inverse of a scalar that is not 0."""
        ...

    def encode_scalar(self, scalar: int) -> bytes:
        """Write a scalar (little-endian for the Edwards curves, as in RFC 9591; big-endian for the others)."""
        ...

    def decode_scalar(self, data: bytes) -> int:
        """Read a scalar; raises MalformedError for another length or one that is not below the order."""
        ...


def random_scalar(group: Group, rng: Rng) -> int:
    """Give a uniform scalar from 1 on, within 2^-128; reads 16 bytes more than a scalar has."""
    return 1 + constant_time.reduce(rng(group.scalar_length + 16), group.order - 1)


def refused(group: Group, what: str) -> ParameterError:
    """Give the error for a point that ``decode`` refuses."""
    return ParameterError(f"a point of {group.name} {what}", do="Leave out what it came from; its maker lies or erred.")


def decode_scalar(group: Group, data: bytes, order: str) -> int:
    """Read a scalar of ``group`` in the byte ``order`` given; raises MalformedError as ``Group.decode_scalar``."""
    if len(data) != group.scalar_length:
        raise MalformedError(f"a scalar of {group.name} has {group.scalar_length} bytes, not {len(data)}")
    scalar = constant_time.from_bytes(data if order == "little" else data[::-1])
    if scalar >= group.order:
        raise MalformedError(f"a scalar of {group.name} is not below the order")
    return scalar
