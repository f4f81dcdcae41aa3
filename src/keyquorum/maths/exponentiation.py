"""Modular exponentiation with a secret exponent, in constant time."""

from collections.abc import Sequence

import gmpy2


def secret_power(base: int, exponent: int, modulus: int) -> int:
    """Give base^exponent mod modulus in time that does not depend on the bits of ``exponent`` (odd modulus)."""
    return int(gmpy2.powmod_sec(base, exponent, modulus))


def secret_powers(bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
    """Give the powers of several bases, as ``secret_power`` would one by one."""
    return [secret_power(base, exponent, modulus) for base in bases]
