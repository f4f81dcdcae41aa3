"""The groups P-256 and P-384 (FIPS 186-5, SP 800-186) on PyCryptodome's points; points are written compressed (SEC 1).

Refused, when decoded: anything but 2 or 3 followed by an x below the prime that is on the curve. The groups have prime
order, so there is no more to check; the identity has no such encoding.
"""

from dataclasses import dataclass

import gmpy2
from Crypto.PublicKey.ECC import EccPoint

from keyquorum.maths import constant_time
from keyquorum.maths.groups import decode_scalar, refused
from keyquorum.maths.pycryptodome import PointArithmetic


@dataclass(frozen=True, slots=True)
class Weierstrass(PointArithmetic):
    """One of the groups: the curve y^2 = x^3 - 3x + ``b`` modulo ``prime``."""

    name: str
    order: int
    scalar_length: int
    base: tuple[int, int]
    prime: int
    b: int

    @property
    def point_length(self) -> int:
        """The length of an encoded point in bytes."""
        return 1 + self.scalar_length

    def decode(self, data: bytes) -> EccPoint:
        """Read a point; raises ParameterError for anything but the canonical encoding of a usable one."""
        if len(data) != self.point_length or data[0] not in {2, 3}:
            raise refused(self, f"has {self.point_length} bytes and begins with 2 or 3")
        x, prime = gmpy2.mpz.from_bytes(data[1:], "big"), self.prime
        if x >= prime:
            raise refused(self, "is not canonical")
        square = (x * x * x - 3 * x + self.b) % prime
        y = gmpy2.powmod(square, (prime + 1) // 4, prime)  # both primes are 3 mod 4
        if y * y % prime != square:
            raise refused(self, "is not on the curve")
        return EccPoint(int(x), int(y if y % 2 == data[0] % 2 else prime - y), curve=self.name)

    def encode(self, point: EccPoint) -> bytes:
        """Write a point; raises ParameterError for the identity, which has no such encoding."""
        if self.is_identity(point):
            raise refused(self, "is the identity")
        x, y = point.xy
        return bytes([2 + int(y) % 2]) + int(x).to_bytes(self.scalar_length, "big")

    def x_of(self, point: EccPoint) -> int:
        """Give the x coordinate of a point, not reduced by the order."""
        return int(point.x)

    def encode_scalar(self, scalar: int) -> bytes:
        """Write a scalar, big-endian."""
        return constant_time.to_bytes(scalar, self.scalar_length)[::-1]

    def decode_scalar(self, data: bytes) -> int:
        """Read a scalar; raises MalformedError for another length or one that is not below the order."""
        return decode_scalar(self, data, "big")


P256 = Weierstrass(
    name="P-256",
    order=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    scalar_length=32,
    base=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    prime=(1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
)
P384 = Weierstrass(
    name="P-384",
    order=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    scalar_length=48,
    base=(
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
    prime=(1 << 384) - (1 << 128) - (1 << 96) + (1 << 32) - 1,
    b=0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
)
