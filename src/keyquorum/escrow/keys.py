"""The key pair that is escrowed: made here or brought along, held as PKCS#8, able to sign.

Refused, with the reason: kinds of key that DNSSEC has no use for, other curves, RSA of other lengths or exponents, keys
whose parts do not belong together. No signature leaves that does not verify.
"""

from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from keyquorum.dnssec.model import Dnskey
from keyquorum.errors import LimitError, MalformedError, ParameterError, RefusedError, SignatureError
from keyquorum.escrow.publickeys import (
    ALGORITHMS,
    CURVES,
    HASHES,
    KeyAlgorithm,
    PublicKey,
    algorithm_named,
    algorithm_of,
    checked,
    dnskey_of,
    size_of,
    spki_bytes,
    spki_of,
    unsupported,
    verify,
)
from keyquorum.escrow.secret import Secret
from keyquorum.maths.randomness import Rng, random_below

__all__ = [
    "ALGORITHMS", "EscrowKey", "KeyAlgorithm", "PrivateKey", "PublicKey", "dnskey_of", "from_pkcs8", "from_private_key",
    "generate", "spki_of", "verify",
]  # fmt: skip

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
)
EXPONENT = 65537
"""The public exponent of every RSA key made here."""
PKCS8_LIMIT = 1 << 13
"""Bytes. An RSA key of 4096 bits has about 2375; longer ones are read so far that their length can be named."""
_TRIAL = b"keyquorum/escrow/trial/v1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EscrowKey:
    """A key pair: ``public_key`` is the SubjectPublicKeyInfo (DER), ``pkcs8`` the private key (PKCS#8 DER, plain).

    ``bits`` is what ``publickeys.size_of`` says. Leaving a ``with`` block overwrites the private key. Shows its
    algorithm and key tag only.
    """

    algorithm: KeyAlgorithm
    bits: int
    public_key: bytes
    pkcs8: Secret

    def __repr__(self) -> str:
        dnskey = self.dnskey()
        return f"<EscrowKey {self.algorithm.name}{f', key tag {dnskey.tag}' if dnskey else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def dnskey(self) -> Dnskey | None:
        """Give the DNSKEY, flags 257; None for an algorithm without a number."""
        return dnskey_of(self.algorithm.name, self.public_key)

    def private_key(self) -> PrivateKey:
        """Give the private key as an object of ``cryptography``, whose memory ``wipe`` does not reach."""
        return _load(self.pkcs8.reveal(), checked_before=True)

    def sign(self, message: bytes) -> bytes:
        """Sign ``message`` as an RRSIG of this algorithm wants it (RFC 3110, RFC 6605 section 4, RFC 8080).

        The signature was verified by ``verify``; SignatureError if it does not. ECDSA draws no random number (RFC
        6979); ML-DSA does, from the operating system.
        """
        signature = _signature(self.private_key(), self.algorithm.name, message)
        try:
            verify(self.algorithm.name, self.public_key, message, signature)
        except SignatureError:
            raise SignatureError(
                "a signature that was just made does not verify, and was thrown away",
                do="The key's two halves do not belong together, or this machine computes wrongly: use another.",
            ) from None
        return signature

    def wipe(self) -> None:
        """Overwrite the private key; only the public half can be used afterwards."""
        self.pkcs8.wipe()


def generate(algorithm: str, bits: int | None, rng: Rng) -> EscrowKey:
    """Make a key pair; ``bits`` is 2048, 3072 or 4096 for RSA and None for the others.

    The scalar or seed of every other kind comes from ``rng``: ECDSA by FIPS 186-5 section A.2.1 with 128 extra bits,
    Ed25519 and Ed448 by RFC 8032 section 5, ML-DSA by FIPS 204 section 6.1. RSA primes come from the random numbers of
    ``cryptography``, seeded by the operating system: it takes none from outside, and a prime search of our own would
    trade a well-kept one for the dice. Raises ParameterError.
    """
    entry = algorithm_named(algorithm)
    if entry.bits:
        if bits not in entry.bits:
            raise ParameterError(
                f"an {algorithm} key of {bits} bits" if bits else f"the length of the {algorithm} key is missing",
                do=f"Choose {', '.join(map(str, entry.bits[:-1]))} or {entry.bits[-1]} bits.",
            )
        return from_private_key(rsa.generate_private_key(EXPONENT, bits), algorithm)
    if bits is not None:
        raise ParameterError(f"{algorithm} keys have one length only", do="Leave the length out.")
    return from_private_key(_drawn(algorithm, rng), algorithm)


def from_private_key(key: object, algorithm: str | None) -> EscrowKey:
    """Take a private key of ``cryptography``; ``algorithm`` None means the one it is for, RSASHA256 where it is RSA.

    Raises ParameterError for a key that is refused or not for ``algorithm``, MalformedError for one whose parts do not
    belong together.
    """
    if not isinstance(key, PrivateKey):
        raise unsupported(f"type {type(key).__name__}")
    name = algorithm_of(key.public_key()).name if algorithm is None else algorithm
    return from_pkcs8(_pkcs8(key), name)


def from_pkcs8(der: bytes, algorithm: str) -> EscrowKey:
    """Read a private key (PKCS#8, RFC 5958, not encrypted; DER) and try it out with one signature.

    Read as ``cryptography`` reads it, which knows older encodings too; what is kept is the PKCS#8 that it writes.
    Raises MalformedError for anything else or for parts that do not belong together, ParameterError for a key that is
    refused or not for ``algorithm``, RefusedError for an encrypted one.
    """
    entry = algorithm_named(algorithm)
    if len(der) > PKCS8_LIMIT:
        raise LimitError(f"{len(der)} bytes, and no private key has more than {PKCS8_LIMIT}", where="private key")
    private = _load(der)
    public = checked(entry, private.public_key())
    key = EscrowKey(entry, size_of(public), spki_bytes(public), Secret(_pkcs8(private)))
    key.sign(_TRIAL)
    return key


def _load(der: bytes, *, checked_before: bool = False) -> PrivateKey:
    """Read a private key; the costly check of an RSA key's numbers is left out for one that ``from_pkcs8`` wrote."""
    # No word of the library's errors goes on: some might quote what they read.
    try:
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=checked_before)
    except TypeError:
        raise RefusedError("the private key is encrypted", do="Decrypt it first.") from None
    except UnsupportedAlgorithm:
        raise unsupported("an unknown algorithm") from None
    except ValueError:
        raise MalformedError(
            "these bytes are not a private key in PKCS#8, or its parts do not belong together", where="private key"
        ) from None
    if not isinstance(key, PrivateKey):
        raise unsupported(f"type {type(key).__name__}")
    return key


def _pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _drawn(algorithm: str, rng: Rng) -> PrivateKey:
    """Give a private key made of bytes from ``rng``, of any kind but RSA."""
    match algorithm:
        case "ED25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(rng(32))
        case "ED448":
            return ed448.Ed448PrivateKey.from_private_bytes(rng(57))
        case "ML-DSA-44":
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(rng(32))
        case _:
            curve = CURVES[algorithm]
            return ec.derive_private_key(1 + random_below(rng, curve.group_order - 1), curve)


def _signature(key: PrivateKey, algorithm: str, message: bytes) -> bytes:
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), HASHES[algorithm])
        case ec.EllipticCurvePrivateKey():
            size = key.key_size // 8
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(HASHES[algorithm], deterministic_signing=True)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        case _:
            return key.sign(message)
