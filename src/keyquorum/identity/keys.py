"""Who signs, and for whom something is sealed: an Ed25519 key and an X25519 key per person.

Sealing is HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305). The ephemeral key of
a sealing is drawn by the library from the operating system: the one randomness that is not an argument (see
docs/adr/0004-sealing.md).
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from nacl.bindings import crypto_core_ed25519_is_valid_point

from keyquorum.errors import MalformedError, RefusedError, SignatureError

KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Identity:
    """One person's private keys, 32 bytes each; ``repr`` shows the public halves only."""

    signing_seed: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.signing_seed) != KEY_LENGTH or len(self.sealing_key) != KEY_LENGTH:
            raise MalformedError("an identity is two keys of 32 bytes each")

    @property
    def verification_key(self) -> bytes:
        """The public Ed25519 key (32 bytes) that others know this person's signatures by."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed).public_key().public_bytes_raw()

    @property
    def sealing_public_key(self) -> bytes:
        """The public X25519 key (32 bytes) that others seal to."""
        return sealing_public_key_of(self.sealing_key)

    def sign(self, message: bytes) -> bytes:
        """Give the Ed25519 signature (64 bytes) of ``message``."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed).sign(message)

    def unseal(self, sealed: bytes, info: bytes) -> bytes:
        """Open what ``seal`` made for this person under the same ``info``; raises RefusedError otherwise."""
        return unseal(self.sealing_key, sealed, info)


def verify(verification_key: bytes, message: bytes, signature: bytes) -> None:
    """Verify an Ed25519 signature (RFC 8032); raises SignatureError.

    Refused, beyond what the RFC asks: a key outside the group of prime order. For some of those one signature fits many
    messages, so that a signer could deny what they signed.
    """
    if len(verification_key) != KEY_LENGTH or not crypto_core_ed25519_is_valid_point(verification_key):
        raise SignatureError("the key is not a usable Ed25519 public key")
    try:
        Ed25519PublicKey.from_public_bytes(verification_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureError("the signature does not verify") from None


def sealing_public_key_of(sealing_key: bytes) -> bytes:
    """Give the public half of an X25519 key (32 bytes each)."""
    return X25519PrivateKey.from_private_bytes(sealing_key).public_key().public_bytes_raw()


def unseal(sealing_key: bytes, sealed: bytes, info: bytes) -> bytes:
    """Open what ``seal`` made for the public half of a key under the same ``info``; RefusedError otherwise."""
    try:
        return _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(sealing_key), info=info)
    except (InvalidTag, ValueError):
        raise RefusedError(
            "this cannot be opened with your key",
            do="It was sealed to another person or was changed on the way; ask for a new one.",
        ) from None


def seal(sealing_public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Encrypt ``plaintext`` to one person (enc || ciphertext, 48 bytes longer); ``info`` must be given to open it.

    Raises MalformedError for a public key that is not one (wrong length, low order).
    """
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(sealing_public_key), info=info)
    except ValueError:
        raise MalformedError("this is not a usable X25519 public key", where="sealing_key") from None
