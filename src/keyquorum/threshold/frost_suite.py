"""The two ciphersuites of RFC 9591 whose signatures are EdDSA's: FROST(Ed25519, SHA-512) and FROST(Ed448, SHAKE256).

H1 to H5 are sections 6.1 and 6.3 of the RFC; ``dkg`` is the hash that ZcashFoundation's frost uses in distributed key
generation, which the RFC leaves open. FROST(P-256) makes Schnorr signatures, for which DNSSEC has no use, and is not
here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keyquorum.errors import SignatureError
from keyquorum.maths import constant_time
from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519
from keyquorum.maths.groups import Group

NONCE_RANDOMNESS = 32
"""Bytes of randomness that go into one nonce (RFC 9591 section 4.1)."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One ciphersuite: the group, the hash, and what is hashed before everything else."""

    name: str
    group: Group
    context: bytes
    challenge_prefix: bytes
    hash: Callable[[bytes], bytes]
    verify_by: Callable[[bytes], Ed25519PublicKey | Ed448PublicKey]

    def binding(self, data: bytes) -> int:
        """H1: a binding factor."""
        return self._scalar(self.context + b"rho" + data)

    def challenge(self, data: bytes) -> int:
        """H2: the challenge, as in RFC 8032."""
        return self._scalar(self.challenge_prefix + data)

    def nonce(self, data: bytes) -> int:
        """H3: a nonce."""
        return constant_time.reduce(self.hash(self.context + b"nonce" + data), self.group.order)

    def message(self, data: bytes) -> bytes:
        """H4: the hash of a message."""
        return self.hash(self.context + b"msg" + data)

    def commitments(self, data: bytes) -> bytes:
        """H5: the hash of an encoded list of commitments."""
        return self.hash(self.context + b"com" + data)

    def dkg(self, data: bytes) -> int:
        """Give the challenge of a proof of possession in distributed key generation."""
        return self._scalar(self.context + b"dkg" + data)

    def verify(self, key: bytes, message: bytes, signature: bytes) -> None:
        """Verify an EdDSA signature by ``cryptography``; raises SignatureError."""
        try:
            self.verify_by(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise SignatureError("the signature does not verify") from None

    def _scalar(self, data: bytes) -> int:
        return int.from_bytes(self.hash(data), "little") % self.group.order


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def _shake256(data: bytes) -> bytes:
    return hashlib.shake_256(data).digest(114)


ED25519_SHA512 = Suite(
    "FROST(Ed25519, SHA-512)",
    ED25519,
    b"FROST-ED25519-SHA512-v1",
    b"",
    _sha512,
    Ed25519PublicKey.from_public_bytes,
)
ED448_SHAKE256 = Suite(
    "FROST(Ed448, SHAKE256)",
    ED448,
    b"FROST-ED448-SHAKE256-v1",
    b"SigEd448\x00\x00",
    _shake256,
    Ed448PublicKey.from_public_bytes,
)
