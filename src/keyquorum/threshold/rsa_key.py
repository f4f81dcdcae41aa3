"""What a threshold RSA key is made of, the numbers it refuses, and what is raised to a power: the padded message.

Victor Shoup, "Practical Threshold Signatures", Eurocrypt 2000. Refused, each a bug in somebody's implementation once:
M < 2 (unless N = 1) or M > N; an even modulus or one of a length nobody deals; an e that is not prime, not above N or
beyond 64 bits (where libraries stop verifying); a message that is not below n or has a factor in common with it.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import factorial
from types import MappingProxyType
from typing import Any, Literal

import gmpy2
from gmpy2 import mpz

from keyquorum.errors import ParameterError
from keyquorum.maths.transcript import expand, fixed
from keyquorum.threshold.quorum_plan import check_quorum

SCHEME = "rsa"
KEY_BITS = (2048, 3072, 4096)
MOST_BITS = 4096
MOST_EXPONENT_BITS = 64
HIDING_BITS = 128
DEFAULT_EXPONENT = 65537
_BASE_MARGIN_BITS = 128
# EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): the hash, and the DER that stands before its value.
_HASHES: MappingProxyType[int, tuple[Callable[[bytes], Any], bytes]] = MappingProxyType({
    8: (hashlib.sha256, bytes.fromhex("3031300d060960864801650304020105000420")),
    10: (hashlib.sha512, bytes.fromhex("3051300d060960864801650304020305000440")),
})  # fmt: skip
ALGORITHMS = tuple(_HASHES)
"""The DNSSEC algorithms: 8 is RSASHA256, 10 RSASHA512 (RFC 5702)."""

Kind = Literal["new", "existing"]
"""Whether the factors are safe primes of our making (shares modulo p'q') or anybody's (shares over the integers)."""


@dataclass(frozen=True, slots=True)
class RsaPublic:
    """The public part of a dealt key: ``verification`` is V_1..V_N with V_i = v^(s_i); v follows from n and e."""

    algorithm: int
    threshold: int
    holders: int
    n: int
    e: int
    kind: Kind
    verification: tuple[int, ...]

    @property
    def bits(self) -> int:
        """The length of the modulus in bits."""
        return self.n.bit_length()

    @property
    def width(self) -> int:
        """The length of the modulus, and so of a value and of a signature, in bytes."""
        return (self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class RsaShare:
    """One holder's secret."""

    index: int
    value: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class RsaProof:
    """The proof for a whole answer: challenge and response."""

    c: int
    z: int


def check_numbers(public: RsaPublic, minimum_bits: int) -> None:
    """Refuse numbers that no honest dealer publishes, with nothing computed; raises ParameterError."""
    check_quorum(public.threshold, public.holders)
    check_algorithm(public.algorithm)
    if public.kind not in {"new", "existing"}:
        raise ParameterError("the kind of an RSA key is neither 'new' nor 'existing'")
    check_bits(public.bits, public.kind, minimum_bits)
    if public.n % 2 == 0:
        raise ParameterError("the modulus is even")
    check_exponent(public.e, public.holders)
    if len(public.verification) != public.holders:
        raise ParameterError(f"there are {len(public.verification)} verification values for {public.holders} holders")


def check_algorithm(algorithm: int) -> None:
    """Refuse a DNSSEC algorithm that is not one of ours; raises ParameterError."""
    if algorithm not in ALGORITHMS:
        raise ParameterError(f"DNSSEC algorithm {algorithm} is not RSA with SHA-256 (8) or SHA-512 (10)")


def check_bits(bits: int, kind: Kind, minimum_bits: int) -> None:
    """Refuse a modulus of the wrong length, one bit short included; raises ParameterError.

    ``minimum_bits`` is 2048, or less in a test, where every length from there to 2047 bits is welcome too.
    """
    usual = minimum_bits <= bits <= MOST_BITS
    if not usual or (kind == "new" and bits >= KEY_BITS[0] and bits not in KEY_BITS):
        lengths = ", ".join(map(str, KEY_BITS)) if kind == "new" else f"{minimum_bits} to {MOST_BITS}"
        raise ParameterError(f"the modulus has {bits} bits", do=f"A key of kind '{kind}' has {lengths}.")


def check_exponent(e: int, holders: int) -> None:
    """Refuse a public exponent that is not a prime above N, or beyond 64 bits; raises ParameterError."""
    if e <= max(2, holders) or e.bit_length() > MOST_EXPONENT_BITS or not gmpy2.is_prime(e):
        raise ParameterError(
            f"the public exponent is not an odd prime above the number of holders, {holders}, and below 2^64",
            do=f"Use {DEFAULT_EXPONENT}.",
        )


def share_limit(n: int, kind: Kind, threshold: int, holders: int) -> int:
    """Give what every share is below: n for a new key; more where it was shared over the integers."""
    if kind == "new":
        return n
    powers: int = sum(holders**degree for degree in range(threshold))
    return n * factorial(holders) * (1 + (powers << (HIDING_BITS + threshold)))


def share_bits(public: RsaPublic) -> int:
    """Give L, the public bound on the length of a share in bits."""
    return share_limit(public.n, public.kind, public.threshold, public.holders).bit_length()


@lru_cache(maxsize=64)
def verification_base(n: int, e: int) -> int:
    """Give v, a square that nobody chose: recomputed by everybody, never read from anywhere.

    A v chosen by the dealer would let the key record carry a forged signature. Raises ParameterError if the number
    v is the square of has a factor in common with n.
    """
    width = (n.bit_length() + 7) // 8
    w = expand("keyquorum/rsa/v/v1", n.bit_length() + _BASE_MARGIN_BITS, fixed(n, width), fixed(e, width))
    check_unit(w, n)
    v: int = pow(w, 2, n)
    return v


def padded(message: bytes, algorithm: int, width: int) -> int:
    """Give x, the message hashed and padded by EMSA-PKCS1-v1_5, as a number of at most ``width`` bytes.

    Raises ParameterError for a modulus too short to hold the hash.
    """
    function, prefix = _HASHES[algorithm]
    value = function(message).digest()
    filling = width - 3 - len(prefix) - len(value)
    if filling < 8:
        raise ParameterError(f"a modulus of {width} bytes is too short for the hash of algorithm {algorithm}")
    x: int = mpz.from_bytes(b"\x00\x01" + b"\xff" * filling + b"\x00" + prefix + value, "big")
    return x


def padded_all(messages: Iterable[bytes], public: RsaPublic) -> list[int]:
    """Give x of each message, all of them checked; raises ParameterError as ``check_messages`` does."""
    xs = [padded(message, public.algorithm, public.width) for message in messages]
    check_messages(xs, public.n)
    return xs


def check_messages(xs: Iterable[int], n: int) -> None:
    """Refuse an x that is not in 1..n-1 or has a factor in common with n; raises ParameterError."""
    modulus = mpz(n)
    product = mpz(1)
    for x in xs:
        if not 0 < x < modulus:
            raise ParameterError("a padded message is not below the modulus")
        product = product * x % modulus
    check_unit(product, n)


def check_unit(number: int, n: int) -> None:
    """Refuse a number with a factor in common with n; raises ParameterError."""
    if gmpy2.gcd(number, n) != 1:
        raise ParameterError(
            "a public number has a factor in common with the modulus",
            do="Never use this key again: its factors are known to whoever sees this.",
        )


def index_of(public: RsaPublic, index: int) -> int:
    """Give ``index`` if it is one of a holder; raises ParameterError otherwise."""
    if not 1 <= index <= public.holders:
        raise ParameterError(f"there is no holder {index}", do=f"Holders are numbered 1 to {public.holders}.")
    return index
