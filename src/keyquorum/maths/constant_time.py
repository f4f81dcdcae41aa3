"""Secret integers: to bytes and back, and modulo a public number, in time that does not depend on them.

Arithmetic is PyCryptodome's ``Integer`` (4.0 or newer), which works on all words of the public bound. Python's integers
tell their length in bits by the time they take to be written, and their leading zero bytes by the time to be read; with
a one above the longest, all have the same length. What is left: Python keeps an integer in digits of 30 bits, and one
whose highest digit is zero has one less (a scalar of Ed25519 once in 2^13 times, of others more rarely); and what was
kept stays in memory until that is used again. docs/auditor/timing.md has the figures.

Refused: a number that is negative or longer than said, and the inverse of 0.
"""

from functools import cache

from Crypto.Math.Numbers import Integer

from keyquorum.errors import ParameterError


def to_bytes(secret: int, length: int) -> bytes:
    """Write an integer of at most ``length`` bytes, little-endian; raises ParameterError for any other."""
    if secret < 0 or secret >> 8 * length:
        raise ParameterError(f"a number is negative, or longer than {length} bytes")
    return (secret + (1 << 8 * length)).to_bytes(length + 1, "little")[:length]


def from_bytes(data: bytes) -> int:
    """Read an integer, little-endian."""
    return int.from_bytes(data + b"\x01", "little") - (1 << 8 * len(data))


def reduce(data: bytes, modulus: int) -> int:
    """Give the integer in ``data``, little-endian, modulo ``modulus``."""
    return _out(Integer.from_bytes(data, "little") % _modulus(modulus), modulus)


def add(first: int, second: int, modulus: int) -> int:
    """Give first + second modulo ``modulus``; neither is longer than it."""
    return _out((_in(first, modulus) + _in(second, modulus)) % _modulus(modulus), modulus)


def multiply(first: int, second: int, modulus: int) -> int:
    """Give first * second modulo ``modulus``; neither is longer than it."""
    return _out(_in(first, modulus) * _in(second, modulus) % _modulus(modulus), modulus)


def invert(secret: int, prime: int) -> int:
    """Give 1 / secret modulo a prime; raises ParameterError for 0."""
    if secret == 0:
        raise ParameterError("the scalar 0 has no inverse")
    return _out(_in(secret, prime).inverse(_modulus(prime)), prime)


def integer(secret: int, length: int) -> Integer:
    """Give a secret as PyCryptodome's integer, whose bound is ``length`` bytes whatever it is."""
    return Integer.from_bytes(to_bytes(secret, length), "little")


@cache
def _modulus(modulus: int) -> Integer:
    return Integer(modulus, public=True)


def _length(modulus: int) -> int:
    return (modulus.bit_length() + 7) // 8


def _in(secret: int, modulus: int) -> Integer:
    return integer(secret, _length(modulus))


def _out(result: Integer, modulus: int) -> int:
    return from_bytes(result.to_bytes(_length(modulus), "little"))
