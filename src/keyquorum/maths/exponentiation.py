"""Modular exponentiation with a secret exponent, in time that does not depend on the exponent's bits.

By libcrypto where it is there, else by GMP; the choice is made in ``secret_powers`` and nowhere else.

What is public all the same, with either: the modulus, the bases, and the length of the exponent in whole 64-bit
words. Neither library offers a way to fix the number of words, so an exponent whose leading word happens to be zero is
seen to be short. An exponent chosen at random below a bound is so with a chance of about 2^-64, or 2^-k where the
bound's own leading word has only k bits: a scheme whose shares are much shorter than their bound must not rely on
this. Converting from and to Python's integers takes time that depends on their lengths only; the integers themselves
stay in Python's memory until it is used again.

Refused: an even modulus or one below 3, and a negative exponent.
"""

from collections.abc import Callable, Sequence

import gmpy2

from keyquorum.errors import ParameterError
from keyquorum.maths.libcrypto import Library, Numbers, library

Powers = Callable[[Sequence[int], int, int], list[int]]


def secret_power(base: int, exponent: int, modulus: int) -> int:
    """Give base^exponent mod modulus in time that does not depend on the bits of ``exponent``.

    ``base`` may be any integer; it is reduced first. Raises ParameterError for an even modulus, a modulus below 3 or
    a negative exponent.
    """
    return secret_powers([base], exponent, modulus)[0]


def secret_powers(bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
    """Give the powers of several bases, as ``secret_power`` would one by one; what they share is prepared once."""
    found = library()
    return (
        powers_by_gmp(bases, exponent, modulus)
        if found is None
        else powers_by_libcrypto(found)(bases, exponent, modulus)
    )


def powers_by_gmp(bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
    """Do the work of ``secret_powers`` by GMP's mpn_sec_powm."""
    _check(exponent, modulus)
    if exponent == 0:  # mpn_sec_powm takes none
        return [1] * len(bases)
    secret, odd = gmpy2.mpz(exponent), gmpy2.mpz(modulus)
    return [int(gmpy2.powmod_sec(base % odd, secret, odd)) for base in bases]


def powers_by_libcrypto(found: Library) -> Powers:
    """Give the function that does the work of ``secret_powers`` by libcrypto's BN_mod_exp_mont_consttime."""

    def powers(bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
        _check(exponent, modulus)
        length = (modulus.bit_length() + 7) // 8
        answers = []
        with Numbers(found) as numbers:
            odd, secret = numbers.number(modulus), numbers.number(exponent)
            context = numbers.montgomery()
            numbers.prepare(context, odd)
            slots = [(numbers.number(), numbers.number(), secret, odd, context) for _ in range(min(2, len(bases)))]
            for at in range(0, len(bases), 2):
                chunk = bases[at : at + 2]
                for slot, base in zip(slots, chunk, strict=False):
                    numbers.set(slot[1], base % modulus)
                if len(chunk) == 2:
                    numbers.two_powers(slots[0], slots[1])
                else:
                    numbers.power(*slots[0])
                answers += [numbers.get(slot[0], length) for slot, _ in zip(slots, chunk, strict=False)]
        return answers

    return powers


def _check(exponent: int, modulus: int) -> None:
    if modulus < 3 or modulus % 2 == 0:
        raise ParameterError(
            "the modulus must be odd and at least 3",
            where="modular exponentiation",
            do="Check the key record it comes from.",
        )
    if exponent < 0:
        raise ParameterError(
            "the exponent must not be negative",
            where="modular exponentiation",
            do="Reduce it by the order of the group first.",
        )
