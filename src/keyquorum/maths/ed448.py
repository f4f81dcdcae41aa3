"""The group of Ed448 (RFC 8032 section 5.2, RFC 9591 section 6.3), on PyCryptodome's points; 57 bytes an encoding.

PyCryptodome reads the identity, (0, -1) and points of mixed order without a word; here they are refused, as are
encodings that are not canonical and points off the curve.
"""

from dataclasses import dataclass

from Crypto.PublicKey.ECC import EccPoint
from Crypto.Signature import eddsa

from keyquorum.maths import constant_time
from keyquorum.maths.groups import decode_scalar, refused
from keyquorum.maths.pycryptodome import PointArithmetic

_LENGTH = 57
_PRIME = (1 << 448) - (1 << 224) - 1


@dataclass(frozen=True, slots=True)
class Ed448(PointArithmetic):
    """The group."""

    name: str = "Ed448"
    order: int = (1 << 446) - 13818066809895115352007386748515426880336692474882178609894547503885
    scalar_length: int = _LENGTH
    point_length: int = _LENGTH
    base: tuple[int, int] = (
        224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710,
        298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660,
    )

    def decode(self, data: bytes) -> EccPoint:
        """Read a point; raises ParameterError for anything but the canonical encoding of a usable one."""
        if len(data) != _LENGTH:
            raise refused(self, f"has {_LENGTH} bytes, not {len(data)}")
        try:
            point = eddsa.import_public_key(data).pointQ
        except ValueError:
            raise refused(self, "is not canonical, or not on the curve") from None
        if self.is_identity(point) or not self.is_identity(point * self.order) or self.encode(point) != data:
            raise refused(self, "is not canonical, or not in the group of prime order")
        return point

    def encode(self, point: EccPoint) -> bytes:
        """Write a point: y, and the sign of x in the last byte (RFC 8032 section 5.2.2)."""
        x, y = point.xy
        return (int(y) | (int(x) & 1) << 455).to_bytes(_LENGTH, "little")

    def encode_scalar(self, scalar: int) -> bytes:
        """Write a scalar, little-endian."""
        return constant_time.to_bytes(scalar, _LENGTH)

    def decode_scalar(self, data: bytes) -> int:
        """Read a scalar; raises MalformedError for another length or one that is not below the order."""
        return decode_scalar(self, data, "little")


ED448 = Ed448()
