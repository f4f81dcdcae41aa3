"""The kinds of key an escrow keeps, and all that is done with the public half: DNSKEY, SPKI, verification.

A public key is known by its SubjectPublicKeyInfo (RFC 5280, DER) and, where DNSSEC has a number for the algorithm, by
its DNSKEY. Refused: other algorithms and curves, RSA of other lengths or with an exponent that others do not verify, a
point that is not on its curve (Ed448 alone goes unchecked: nothing verifies under one that is not), any second
encoding of the same key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import dns.dnssec
import dns.rdataclass
import dns.rdatatype
import nacl.exceptions
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from dns.dnssecalgs import get_algorithm_cls
from dns.dnssecalgs.cryptography import CryptographyPublicKey
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from nacl.signing import VerifyKey

from keyquorum.dnssec.model import FLAG_SEP, FLAG_ZONE, PROTOCOL, Dnskey
from keyquorum.errors import LimitError, MalformedError, ParameterError, SignatureError
from keyquorum.maths.ed25519 import is_usable
from keyquorum.threshold.rsa_key import padded

PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
)
FLAGS = FLAG_ZONE | FLAG_SEP
"""The flags of an escrowed key's DNSKEY: 257, a KSK."""
SMALLEST_EXPONENT = 65537
MOST_EXPONENT_BITS = 64
SPKI_LIMIT = 4096
_WHERE = "public key"
_RSA_BITS = (2048, 3072, 4096)


@dataclass(frozen=True, slots=True)
class KeyAlgorithm:
    """A kind of key: ``number`` is DNSSEC's (None: it has none), ``bits`` the lengths an RSA modulus may have.

    ``experimental``: no DNSSEC validator, no token and no stock OpenSSL 3.0 knows it.
    """

    name: str
    number: int | None
    bits: tuple[int, ...] = ()
    experimental: bool = False


ALGORITHMS: Mapping[str, KeyAlgorithm] = MappingProxyType({
    algorithm.name: algorithm
    for algorithm in (
        KeyAlgorithm("RSASHA256", 8, _RSA_BITS),
        KeyAlgorithm("RSASHA512", 10, _RSA_BITS),
        KeyAlgorithm("ECDSAP256SHA256", 13),
        KeyAlgorithm("ECDSAP384SHA384", 14),
        KeyAlgorithm("ED25519", 15),
        KeyAlgorithm("ED448", 16),
        KeyAlgorithm("ML-DSA-44", None, experimental=True),
    )
})  # fmt: skip
"""By name: RFC 5702 (8, 10), RFC 6605 (13, 14), RFC 8080 (15, 16); ML-DSA-44 is FIPS 204."""

HASHES: Mapping[str, HashAlgorithm] = MappingProxyType(
    {"RSASHA256": SHA256(), "RSASHA512": SHA512(), "ECDSAP256SHA256": SHA256(), "ECDSAP384SHA384": SHA384()}
)
CURVES: Mapping[str, ec.EllipticCurve] = MappingProxyType(
    {"ECDSAP256SHA256": ec.SECP256R1(), "ECDSAP384SHA384": ec.SECP384R1()}
)
_FIXED: Mapping[str, tuple[type, int]] = MappingProxyType({
    "ED25519": (ed25519.Ed25519PublicKey, 256),
    "ED448": (ed448.Ed448PublicKey, 456),
    "ML-DSA-44": (mldsa.MLDSA44PublicKey, 8 * 1312),
})  # fmt: skip


def algorithm_named(name: str) -> KeyAlgorithm:
    """Give the algorithm of this name; raises ParameterError for a name that is not one of ours."""
    if name not in ALGORITHMS:
        raise unsupported("an unknown algorithm")
    return ALGORITHMS[name]


def algorithm_of(key: object) -> KeyAlgorithm:
    """Give the algorithm that a public key object is for, RSASHA256 where it is RSA; raises ParameterError if none."""
    for algorithm in ALGORITHMS.values():
        if _is_for(key, algorithm):
            return algorithm
    if isinstance(key, ec.EllipticCurvePublicKey):
        raise ParameterError(f"no DNSSEC algorithm uses the curve {key.curve.name}", do="Use P-256 or P-384.")
    raise unsupported(f"type {type(key).__name__}")


def unsupported(kind: str) -> ParameterError:
    """Give the error for a key or an algorithm that no escrow keeps."""
    return ParameterError(f"a key of {kind} cannot be escrowed", do=f"Choose one of {', '.join(ALGORITHMS)}.")


def checked(algorithm: KeyAlgorithm, key: object) -> PublicKey:
    """Give ``key``, a public key object, once it is found to be a good one for ``algorithm``; raises ParameterError."""
    if not isinstance(key, PublicKey) or not _is_for(key, algorithm):
        raise ParameterError(
            f"this is a key for {algorithm_of(key).name}, and one for {algorithm.name} was asked for",
            do="Name the algorithm that the key is for.",
        )
    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(algorithm, key.public_numbers())
    if isinstance(key, ed25519.Ed25519PublicKey) and not is_usable(key.public_bytes_raw()):
        raise ParameterError("the Ed25519 public key is no point of the curve, or one of small order")
    return key


def size_of(key: PublicKey) -> int:
    """Give the bits of a modulus (RSA), of a coordinate (the curves), or of the whole public key (ML-DSA)."""
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key.key_size
    return _FIXED[algorithm_of(key).name][1]


def spki_bytes(key: PublicKey) -> bytes:
    """Give the SubjectPublicKeyInfo (DER) of a public key object."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def dnskey_of(algorithm: str, spki: bytes) -> Dnskey | None:
    """Give the DNSKEY, flags 257, of a public key; None for an algorithm without a number.

    Raises MalformedError for anything but one public key in DER, ParameterError for a key that is refused.
    """
    entry = algorithm_named(algorithm)
    key = _read(entry, spki)
    if entry.number is None:
        return None
    return Dnskey(FLAGS, entry.number, dns.dnssec.make_dnskey(key, entry.number, FLAGS).key)


def spki_of(dnskey: Dnskey) -> tuple[str, bytes]:
    """Give the algorithm's name and the SubjectPublicKeyInfo of a DNSKEY, whatever its flags.

    Raises MalformedError for numbers that are no key, ParameterError for a key or an algorithm that is refused.
    """
    entry = next((one for one in ALGORITHMS.values() if one.number == dnskey.algorithm), None)
    if entry is None:
        raise unsupported(f"DNSSEC algorithm {dnskey.algorithm}")
    record = DNSKEY(
        dns.rdataclass.IN, dns.rdatatype.DNSKEY, dnskey.flags, PROTOCOL, dnskey.algorithm, dnskey.public_key
    )
    try:
        key = get_algorithm_cls(dnskey.algorithm).public_cls.from_dnskey(record)
    except (ValueError, UnsupportedAlgorithm):
        raise _malformed(entry) from None
    return entry.name, spki_bytes(checked(entry, key.key if isinstance(key, CryptographyPublicKey) else key))


def verify(algorithm: str, spki: bytes, message: bytes, signature: bytes) -> None:
    """Verify a signature in the form it has in an RRSIG; raises SignatureError, or as ``dnskey_of`` for the key.

    RSA (PKCS #1 v1.5) is verified by ``cryptography`` and by our own arithmetic, Ed25519 by ``cryptography`` and by
    libsodium, the others by ``cryptography`` alone, which also made the signature of an escrowed key.
    """
    entry = algorithm_named(algorithm)
    key = _read(entry, spki)
    try:
        _verify(entry, key, message, signature)
    except (InvalidSignature, nacl.exceptions.BadSignatureError, ValueError):
        raise SignatureError(f"the signature does not verify with this {entry.name} key") from None


def _is_for(key: object, algorithm: KeyAlgorithm) -> bool:
    if algorithm.name in CURVES:
        return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == CURVES[algorithm.name].name
    return isinstance(key, rsa.RSAPublicKey if algorithm.bits else _FIXED[algorithm.name][0])


def _check_rsa(algorithm: KeyAlgorithm, numbers: rsa.RSAPublicNumbers) -> None:
    bits = numbers.n.bit_length()
    if bits not in algorithm.bits:
        raise ParameterError(
            f"the modulus has {bits} bits", do=f"A key has one of {', '.join(map(str, algorithm.bits))}."
        )
    if numbers.n % 2 == 0:
        raise ParameterError("the modulus is even")
    if numbers.e < SMALLEST_EXPONENT or numbers.e.bit_length() > MOST_EXPONENT_BITS:
        raise ParameterError(
            f"the public exponent is not between {SMALLEST_EXPONENT} and 2^{MOST_EXPONENT_BITS}",
            do="Make a key with 65537; not everybody verifies what another signs.",
        )


def _read(algorithm: KeyAlgorithm, spki: bytes) -> PublicKey:
    if len(spki) > SPKI_LIMIT:
        raise LimitError(f"{len(spki)} bytes, and no public key has more than {SPKI_LIMIT}", where=_WHERE)
    try:
        key = checked(algorithm, load_der_public_key(spki))
    except (ValueError, UnsupportedAlgorithm):
        raise _malformed(algorithm) from None
    if spki_bytes(key) != spki:
        raise MalformedError(f"another encoding of a {algorithm.name} key than the one that is used", where=_WHERE)
    return key


def _malformed(algorithm: KeyAlgorithm) -> MalformedError:
    return MalformedError(f"these bytes are not a {algorithm.name} public key", where=_WHERE)


def _verify(algorithm: KeyAlgorithm, key: PublicKey, message: bytes, signature: bytes) -> None:
    """Raise one of several libraries' errors unless ``signature`` is right."""
    match key:
        case rsa.RSAPublicKey():
            key.verify(signature, message, padding.PKCS1v15(), HASHES[algorithm.name])
            n, e, width = key.public_numbers().n, key.public_numbers().e, (key.key_size + 7) // 8
            if pow(int.from_bytes(signature, "big"), e, n) != padded(message, algorithm.number or 0, width):
                raise InvalidSignature
        case ec.EllipticCurvePublicKey():
            half = key.key_size // 8
            if len(signature) != 2 * half:
                raise InvalidSignature
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(HASHES[algorithm.name]))
        case ed25519.Ed25519PublicKey():
            key.verify(signature, message)
            VerifyKey(key.public_bytes_raw()).verify(message, signature)
        case _:
            key.verify(signature, message)
