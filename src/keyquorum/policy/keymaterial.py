"""What a public key is made of: its kind, its tag, and whether it is weak in a way that can be seen from outside.

Sees: a modulus that is even, prime, or has a small factor; an exponent that is too small or even; a point that is not
on its curve. Two moduli that share a factor are found by ``shared_factors`` over all the keys at hand. Does not see
a modulus whose factors are merely badly chosen.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import gmpy2
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurve, EllipticCurvePublicKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

from keyquorum.dnssec.model import RSA_ALGORITHMS, Dnskey, KeyKind

SMALLEST_EXPONENT = 65537
"""Below it an RSA exponent is weak (FIPS 186-5 section A.1.1 demands at least 2^16 + 1)."""

LARGEST_EXPONENT_SHOWN = 1 << 64
"""An exponent of this size or more is told as huge, not in digits."""

SMALL_FACTOR_LIMIT = 1 << 13
"""A modulus with a prime factor below this is no RSA modulus."""

_SMALL_PRIMES = gmpy2.primorial(SMALL_FACTOR_LIMIT)
_CACHED_KEYS = 1024  # The same few keys come again in each bundle, and in each zone of a provider that shares them.
_CURVE_BITS = {13: 256, 14: 384, 15: 256, 16: 456}
_P448 = gmpy2.mpz(2) ** 448 - gmpy2.mpz(2) ** 224 - 1
_D448 = -39081


@lru_cache(maxsize=_CACHED_KEYS)
def tag(key: Dnskey) -> int:
    """Give the key tag (RFC 4034 appendix B); computing it anew for each bundle would cost more than the rules."""
    return key.tag


def describe(key: Dnskey) -> str:
    """Give what people are told of a key's kind: algorithm, and for RSA size and exponent."""
    if key.algorithm not in RSA_ALGORITHMS:
        return f"algorithm {key.algorithm}"
    exponent, modulus = key.rsa_numbers()
    size = f"algorithm {key.algorithm}, {modulus.bit_length()} bits"
    return f"{size}, exponent {exponent if exponent < LARGEST_EXPONENT_SHOWN else 'huge'}"


def kind_of(key: Dnskey) -> KeyKind:
    """Give the kind of a key, as a signature policy states it: algorithm, size in bits, and for RSA the exponent."""
    if key.algorithm not in RSA_ALGORITHMS:
        return KeyKind(key.algorithm, _CURVE_BITS[key.algorithm])
    exponent, modulus = key.rsa_numbers()
    return KeyKind(key.algorithm, modulus.bit_length(), exponent)


def is_of_kind(key: Dnskey, kind: KeyKind) -> bool:
    """Whether ``key`` has the algorithm of ``kind``, and for RSA its size and exponent (a curve has but one size)."""
    if key.algorithm != kind.algorithm or key.algorithm not in RSA_ALGORITHMS:
        return key.algorithm == kind.algorithm
    exponent, modulus = key.rsa_numbers()
    return (modulus.bit_length(), exponent) == (kind.bits, kind.exponent)


@lru_cache(maxsize=_CACHED_KEYS)
def weaknesses(key: Dnskey) -> tuple[str, ...]:
    """Give what is weak about one public key, in words; () if nothing is.

    The prime test is one strong probable-prime test to base 2: a prime never passes for composite, and a composite
    that passes for prime (none is known that was not built to) is refused. It costs one exponentiation.
    """
    if key.algorithm in RSA_ALGORITHMS:
        return _rsa_weaknesses(key)
    check = _POINT_CHECKS.get(key.algorithm)
    if check is None:
        return (f"algorithm {key.algorithm} is not one this software knows",)
    return () if check(key.public_key) else ("the public key is no point of the curve, or one of small order",)


def shared_factors(keys: Sequence[Dnskey]) -> tuple[tuple[Dnskey, Dnskey], ...]:
    """Give the pairs of different RSA keys whose moduli have a common factor.

    One product of all moduli, reduced by each, tells which are concerned; only these are then compared in pairs
    (Bernstein, "How to find the smooth parts of integers"; Heninger et al., "Mining your Ps and Qs", 2012).
    """
    rsa = {key.public_key: key for key in keys if key.algorithm in RSA_ALGORITHMS}
    values = [(key, gmpy2.mpz(key.rsa_numbers()[1])) for key in rsa.values()]
    product = gmpy2.mpz(1)
    for _, modulus in values:
        product *= modulus
    concerned = [(key, n) for key, n in values if gmpy2.gcd((product // n) % n, n) != 1]
    return tuple(
        (key, other)
        for place, (key, n) in enumerate(concerned)
        for other, m in concerned[place + 1 :]
        if gmpy2.gcd(n, m) != 1
    )


def _rsa_weaknesses(key: Dnskey) -> tuple[str, ...]:
    exponent, modulus = key.rsa_numbers()[0], gmpy2.mpz(key.rsa_numbers()[1])
    found = []
    if exponent < SMALLEST_EXPONENT:
        found.append(f"the exponent is {exponent}, below {SMALLEST_EXPONENT}")
    elif exponent % 2 == 0:
        found.append("the exponent is even")
    if modulus.is_even():
        found.append("the modulus is even")
    elif modulus <= SMALL_FACTOR_LIMIT or gmpy2.gcd(_SMALL_PRIMES % modulus, modulus) != 1:
        found.append(f"the modulus has a factor below {SMALL_FACTOR_LIMIT}")
    elif gmpy2.is_strong_prp(modulus, 2):
        found.append("the modulus is prime")
    elif gmpy2.is_square(modulus):
        found.append("the modulus is a square")
    return tuple(found)


def _is_on(curve: EllipticCurve) -> Callable[[bytes], bool]:
    def check(public_key: bytes) -> bool:
        try:
            EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + public_key)
        except ValueError:
            return False
        return True

    return check


def _is_on_ed448(public_key: bytes) -> bool:
    """Whether 57 bytes decode to a point of edwards448 (RFC 8032 section 5.2.3) whose order is not 1, 2 or 4."""
    if public_key[56] & 0x7F:
        return False
    y = gmpy2.mpz(int.from_bytes(public_key[:56], "little"))
    if y in {0, 1, _P448 - 1} or y >= _P448:
        return False
    # x^2 = (y^2 - 1) / (d y^2 - 1) has a root exactly if numerator times denominator is a square.
    return bool(gmpy2.jacobi((y * y - 1) * (_D448 * y * y - 1) % _P448, _P448) == 1)


_POINT_CHECKS: dict[int, Callable[[bytes], bool]] = {
    13: _is_on(SECP256R1()),
    14: _is_on(SECP384R1()),
    15: crypto_core_ed25519_is_valid_point,
    16: _is_on_ed448,
}
