"""The public key of a key that is kept whole: as it stands in a DNSKEY record, checked, and what verifies with it.

Nobody here made the key, so whatever can be seen from outside is looked at. Refused: algorithms other than 8, 10, 13,
14, 15 and 16; a second form of the same key; RSA of other than 2048 to 4096 bits, an even modulus, an exponent that is
even, below 65537 or beyond 64 bits; a point that is not on its curve or not in the group of prime order.
"""

from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from keyquorum.errors import ParameterError, SignatureError
from keyquorum.threshold import ecdsa_key, frost_key
from keyquorum.threshold.rsa_key import DEFAULT_EXPONENT, KEY_BITS, MOST_EXPONENT_BITS, check_bits

SCHEME = "undivided"
MOST_BYTES = 1 + MOST_EXPONENT_BITS // 8 + KEY_BITS[-1] // 8
"""The length of the longest public key."""

_RSA_HASHES: dict[int, hashes.HashAlgorithm] = {8: hashes.SHA256(), 10: hashes.SHA512()}
ALGORITHMS = (*_RSA_HASHES, *ecdsa_key.SUITES, *frost_key.SUITES)
"""The DNSSEC algorithms that there are such keys of."""


@dataclass(frozen=True, slots=True)
class UndividedPublic:
    """The public part of a key that one person, its keeper, has whole: ``dnskey`` is the key as in a DNSKEY record."""

    algorithm: int
    dnskey: bytes

    @property
    def threshold(self) -> int:
        """M: the keeper alone makes a signature."""
        return 1

    @property
    def holders(self) -> int:
        """N: there is nobody but the keeper."""
        return 1

    @property
    def answers(self) -> int:
        """R: the keeper's answer suffices."""
        return 1


@lru_cache(maxsize=64)
def check_public(public: UndividedPublic) -> None:
    """Check all of a public key that anybody can check; raises ParameterError."""
    if public.algorithm in _RSA_HASHES:
        _check_rsa(public.dnskey)
    elif public.algorithm in ecdsa_key.SUITES:
        _check_point(public)
    elif public.algorithm in frost_key.SUITES:
        frost_key.suite_of(public.algorithm).group.decode(public.dnskey)
    else:
        raise ParameterError(
            f"no key of DNSSEC algorithm {public.algorithm} is taken",
            do=f"There are: {', '.join(map(str, ALGORITHMS))}.",
        )


def signature_length(public: UndividedPublic) -> int:
    """Give the length in bytes of a signature as in an RRSIG (RFC 3110, 6605, 8080)."""
    if public.algorithm in _RSA_HASHES:
        return (_numbers(public.dnskey)[1].bit_length() + 7) // 8
    # ECDSA: r and s, each as long as a coordinate; EdDSA: a point and a scalar, each as long as the key.
    return len(public.dnskey) if public.algorithm in ecdsa_key.SUITES else 2 * len(public.dnskey)


def verify(public: UndividedPublic, message: bytes, signature: bytes) -> None:
    """Verify a signature as it stands in an RRSIG, by ``cryptography``; raises SignatureError."""
    if len(signature) != signature_length(public):
        raise SignatureError(f"a signature has {signature_length(public)} bytes, not {len(signature)}")
    if public.algorithm in ecdsa_key.SUITES:
        ecdsa_key.suite_of(public.algorithm).verify(b"\x04" + public.dnskey, message, signature)
    elif public.algorithm in frost_key.SUITES:
        frost_key.suite_of(public.algorithm).verify(public.dnskey, message, signature)
    else:
        try:
            _rsa_judge(public.dnskey).verify(signature, message, PKCS1v15(), _RSA_HASHES[public.algorithm])
        except InvalidSignature:
            raise SignatureError("the signature does not verify") from None


def _check_rsa(dnskey: bytes) -> None:
    exponent, modulus = _numbers(dnskey)
    check_bits(modulus.bit_length(), "existing", KEY_BITS[0])
    if modulus % 2 == 0:
        raise ParameterError("the modulus is even")
    if exponent < DEFAULT_EXPONENT or exponent % 2 == 0:
        raise ParameterError(f"the public exponent is not an odd number from {DEFAULT_EXPONENT} to 2^64")


def _check_point(public: UndividedPublic) -> None:
    group = ecdsa_key.suite_of(public.algorithm).group
    if len(public.dnskey) != 2 * group.scalar_length:
        raise ParameterError(f"a key of {group.name} has {2 * group.scalar_length} bytes, not {len(public.dnskey)}")
    x, y = public.dnskey[: group.scalar_length], public.dnskey[group.scalar_length :]
    point = group.decode(bytes([2 + y[-1] % 2]) + x)
    if int(point.xy[1]) != int.from_bytes(y, "big"):
        raise ParameterError(f"the public key is no point of {group.name}")


def _numbers(dnskey: bytes) -> tuple[int, int]:
    """Read exponent and modulus in the only form that RFC 3110 section 2 has for them; raises ParameterError."""
    length = dnskey[0] if dnskey else 0
    exponent, modulus = dnskey[1 : 1 + length], dnskey[1 + length :]
    if not 0 < length <= MOST_EXPONENT_BITS // 8 or not modulus or not exponent[0] or not modulus[0]:
        raise ParameterError("the public key is not an RSA key in the form of RFC 3110, with an exponent below 2^64")
    return int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")


@lru_cache(maxsize=8)
def _rsa_judge(dnskey: bytes) -> RSAPublicKey:
    return RSAPublicNumbers(*_numbers(dnskey)).public_key()
