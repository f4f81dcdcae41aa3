"""The groups as a textbook has them: affine formulas, Python integers, nothing shared with the product. A judge."""

from dataclasses import dataclass

Pair = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity of a Weierstrass curve."""


@dataclass(frozen=True)
class Textbook:
    """Edwards: a x^2 + y^2 = 1 + d x^2 y^2; Weierstrass: y^2 = x^3 + a x + b, with d the b and ``edwards`` False."""

    edwards: bool
    p: int
    a: int
    d: int
    order: int
    cofactor: int
    generator: Pair
    length: int

    @property
    def zero(self) -> Pair:
        return (0, 1) if self.edwards else None

    def on_curve(self, point: Pair) -> bool:
        if point is None:
            return not self.edwards
        x, y = point
        if self.edwards:
            return (self.a * x * x + y * y - 1 - self.d * x * x * y * y) % self.p == 0
        return (y * y - x**3 - self.a * x - self.d) % self.p == 0

    def add(self, first: Pair, second: Pair) -> Pair:
        if first is None:
            return second
        if second is None:
            return first
        (x1, y1), (x2, y2) = first, second
        if self.edwards:
            product = self.d * x1 * x2 * y1 * y2
            return (
                (x1 * y2 + y1 * x2) * pow(1 + product, -1, self.p) % self.p,
                (y1 * y2 - self.a * x1 * x2) * pow(1 - product, -1, self.p) % self.p,
            )
        if x1 == x2:
            if (y1 + y2) % self.p == 0:
                return None
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, scalar: int, point: Pair) -> Pair:
        total = self.zero
        for digit in f"{scalar:b}":
            total = self.add(total, total)
            if digit == "1":
                total = self.add(total, point)
        return total

    def encode(self, point: Pair) -> bytes:
        assert point is not None
        x, y = point
        if self.edwards:
            return (y + ((x & 1) << (8 * self.length - 1))).to_bytes(self.length, "little")
        return bytes([2 + (y & 1)]) + x.to_bytes(self.length - 1, "big")

    def with_y(self, y: int) -> list[Pair]:
        """Give the points of an Edwards curve with that y, by trying the roots of x^2."""
        x2 = (1 - y * y) * pow(self.a - self.d * y * y, -1, self.p) % self.p
        return [(x, y) for x in roots(x2, self.p)]


def roots(square: int, p: int) -> set[int]:
    """Give all square roots modulo p (Tonelli and Shanks)."""
    if square == 0:
        return {0}
    if pow(square, (p - 1) // 2, p) != 1:
        return set()
    odd, twos = p - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    non_square = next(n for n in range(2, 100) if pow(n, (p - 1) // 2, p) == p - 1)
    power, root, rest = pow(non_square, odd, p), pow(square, (odd + 1) // 2, p), pow(square, odd, p)
    while rest != 1:
        steps, probe = 0, rest
        while probe != 1:
            probe, steps = probe * probe % p, steps + 1
        factor = pow(power, 1 << (twos - steps - 1), p)
        root, power = root * factor % p, factor * factor % p
        rest, twos = rest * power % p, steps
    return {root, p - root}


_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1
_P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_P384 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF

TEXTBOOKS = {
    "Ed25519": Textbook(
        True,
        _P25519,
        -1,
        37095705934669439343138083508754565189542113879843219016388785533085940283555,
        2**252 + 27742317777372353535851937790883648493,
        8,
        (
            15112221349535400772501151409588531511454012693041857206046113283949847762202,
            46316835694926478169428394003475163141307993866256225615783033603165251855960,
        ),
        32,
    ),
    "Ed448": Textbook(
        True,
        _P448,
        1,
        -39081,
        2**446 - 13818066809895115352007386748515426880336692474882178609894547503885,
        4,
        (
            224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710,
            298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660,
        ),
        57,
    ),
    "P-256": Textbook(
        False,
        _P256,
        -3,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        115792089210356248762697446949407573529996955224135760342422259061068512044369,
        1,
        (
            0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        ),
        33,
    ),
    "P-384": Textbook(
        False,
        _P384,
        -3,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        39402006196394479212279040100143613805079739270465446667946905279627659399113263569398956308152294913554433653942643,
        1,
        (
            0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
            0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        ),
        49,
    ),
}
