"""What ``./run timing`` measures: operations on a secret, each with the forms that the secret has in the product.

A *case* has the secret as bytes, makes it ready (not timed: as the product has it before the operation), and does the
operation (timed). The secret is either always the same or a fresh random one. Three values are tried as the same one:
``typical`` (chosen at random once), ``sparse`` (the same length, two bits set) and ``short`` (64 bits shorter, which a
random one is once in 2^64).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import gmpy2

from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519
from keyquorum.maths.exponentiation import Powers, powers_by_gmp, powers_by_libcrypto
from keyquorum.maths.groups import Group
from keyquorum.maths.libcrypto import library
from keyquorum.maths.weierstrass import P256, P384
from keyquorum.maths.work import HERE
from keyquorum.threshold import ecdsa
from keyquorum.threshold.ecdsa_key import suite_of
from keyquorum.threshold.frost_key import SUITES
from keyquorum.threshold.frost_rounds import Commitment, Nonces, begin, evaluate, sign
from keyquorum.threshold.seam import Plan

GROUPS: tuple[Group, ...] = (ED25519, ED448, P256, P384)
SHORTER = 64
KINDS = ("typical", "sparse", "short")
MODULUS_BITS = 2048
COEFFICIENTS = 3


@dataclass(frozen=True)
class Case:
    """One operation: ``random(rng)`` gives a secret as bytes, ``same[kind]`` the one that is always the same."""

    name: str
    random: Callable[[], bytes]
    same: dict[str, bytes]
    ready: Callable[[bytes], Any]
    run: Callable[[Any], object]


def stream(seed: object) -> Callable[[int], bytes]:
    """Give bytes that look random."""
    number = count()
    return lambda length: hashlib.shake_128(repr((seed, next(number))).encode()).digest(length)


def cases() -> Iterator[Case]:
    """Give everything that is measured; first two that show what the measuring is worth."""
    yield from _controls()
    yield from _powers()
    for group in GROUPS:
        yield from _group(group)
    for algorithm, suite in SUITES.items():
        yield from _frost(algorithm, suite.group)
    for algorithm in (13, 14):
        yield _ecdsa(algorithm)
    for group in GROUPS:
        yield _scalars(f"{group.name}: Feldman evaluation", group, COEFFICIENTS, lambda group, c: evaluate(group, c, 5))


def _controls() -> Iterator[Case]:
    """Something that does not look at the secret, and something that does."""
    rng = stream("control")
    prime = (1 << 521) - 1
    same = {kind: _one(kind, 1 << 512) for kind in KINDS}
    secret = partial(rng, 64)
    from_bytes = partial(int.from_bytes, byteorder="big")
    yield Case("control: SHA-512", secret, same, bytes, lambda data: hashlib.sha512(data).digest())
    yield Case("control: Python's pow", secret, same, from_bytes, lambda exponent: pow(3, exponent, prime))


def _one(kind: str, bound: int, *, order: str = "big") -> bytes:
    """Give the secret of a kind that is always the same, below ``bound``."""
    length = (bound.bit_length() + 7) // 8
    typical = int.from_bytes(hashlib.shake_128(b"typical").digest(length + 16), "big") % bound
    number = {
        "typical": typical | 1 << (bound.bit_length() - 2),
        "sparse": 1 | 1 << (bound.bit_length() - 2),
        "short": typical % (1 << (bound.bit_length() - SHORTER)),
    }[kind] % bound
    return number.to_bytes(length, "little" if order == "little" else "big")


def _powers() -> Iterator[Case]:
    rng = stream("power")
    modulus = int.from_bytes(rng(MODULUS_BITS // 8), "big") | 1 | 1 << (MODULUS_BITS - 1)
    base = int.from_bytes(rng(MODULUS_BITS // 8), "big") % modulus
    same = {kind: _one(kind, modulus) for kind in KINDS}

    def random() -> bytes:
        wide = int.from_bytes(rng(MODULUS_BITS // 8 + 16), "big")
        return (wide % modulus).to_bytes(MODULUS_BITS // 8, "big")

    ways: dict[str, Powers] = {"GMP": powers_by_gmp}
    if (found := library()) is not None:
        ways["libcrypto"] = powers_by_libcrypto(found)
    for name, powers in ways.items():

        def run(exponent: int, powers: Any = powers) -> object:
            return powers([base], exponent, modulus)

        yield Case(f"RSA-{MODULUS_BITS}: power by {name}", random, same, partial(int.from_bytes, byteorder="big"), run)


def _scalars(name: str, group: Group, number: int, run: Callable[[Group, list[int]], object]) -> Case:
    """Give a case whose secret is some scalars."""
    rng = stream(name)

    def random() -> bytes:
        return b"".join(
            group.encode_scalar(int.from_bytes(rng(group.scalar_length + 16), "little") % group.order)
            for _ in range(number)
        )

    def ready(data: bytes) -> list[int]:
        length = group.scalar_length
        return [group.decode_scalar(data[start : start + length]) for start in range(0, len(data), length)]

    numbers = {kind: int.from_bytes(_one(kind, group.order), "big") for kind in KINDS}
    same = {kind: group.encode_scalar(one) * number for kind, one in numbers.items()}
    return Case(name, random, same, ready, lambda scalars: run(group, scalars))


def _group(group: Group) -> Iterator[Case]:
    other = int.from_bytes(stream(group.name)(group.scalar_length), "little") % group.order
    point = group.multiply_base(other)
    operations: dict[str, Callable[[Group, list[int]], object]] = {
        "multiply": lambda group, secret: group.multiply(secret[0], point),
        "multiply_base": lambda group, secret: group.multiply_base(secret[0]),
        "scalar_add": lambda group, secret: group.scalar_add(secret[0], other),
        "scalar_multiply": lambda group, secret: group.scalar_multiply(secret[0], other),
        "scalar_invert": lambda group, secret: group.scalar_invert(secret[0]),
        "encode_scalar": lambda group, secret: group.encode_scalar(secret[0]),
    }
    for name, run in operations.items():
        yield _scalars(f"{group.name}: {name}", group, 1, run)


def _frost(algorithm: int, group: Group) -> Iterator[Case]:
    """Round two of 2 holders, with a secret share; and with secret nonces."""
    suite, rng = SUITES[algorithm], stream(("frost", algorithm))
    numbers = [1 + int.from_bytes(rng(group.scalar_length + 16), "little") % (group.order - 1) for _ in range(4)]
    points = [group.encode(group.multiply_base(number)) for number in numbers]
    common = begin(suite, points[0], [Commitment(1, *points[:2]), Commitment(2, *points[2:])], b"message")
    nonces = Nonces(numbers[0], numbers[1])
    share = numbers[3]
    yield _scalars(
        f"{group.name}: FROST round two, share",
        group,
        1,
        lambda _, secret: sign(suite, 1, secret[0], nonces, common),
    )
    case = _scalars(f"{group.name}: FROST round two, nonces", group, 2, lambda _, secret: secret)
    decode = case.ready

    def ready(data: bytes) -> Any:
        hiding, binding = decode(data)
        bound = group.multiply_base((hiding + binding * common.binding_factors[1]) % group.order)
        return Nonces(hiding, binding), replace(common, points={**common.points, 1: bound})

    yield replace(case, ready=ready, run=lambda one: sign(suite, 1, share, one[0], one[1]))


def _ecdsa(algorithm: int) -> Case:
    """A partial of 2 holders, with secret u and v as they come out of the keystore."""
    scheme, rng = ecdsa.EcdsaScheme(), stream(("ecdsa", algorithm))
    public, _, key = scheme.deal(None, Plan(algorithm, 0, 2, 2), rng, HERE)
    row = next(scheme.prepare(public, key, range(1), None, rng, HERE)).public
    arithmetic = ecdsa.EcdsaArithmetic(public, public.quorums)
    group = suite_of(algorithm).group
    case = _scalars(f"{group.name}: ECDSA partial", group, 2, lambda _, secret: secret)
    return replace(case, ready=bytes, run=lambda secret: ecdsa._answer(arithmetic, 1, b"message", row, secret))


def versions() -> str:
    """Say which libraries were measured."""
    return f"GMP {gmpy2.mp_version().split()[-1]}"
