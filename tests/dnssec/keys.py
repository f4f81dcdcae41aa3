"""Ordinary keys for tests, made and used by ``cryptography`` and dnspython alone: nothing of ours signs here."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import dns.dnssec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from dns.dnssectypes import Algorithm

from keyquorum.dnssec.model import Dnskey

ALGORITHMS = (8, 10, 13, 14, 15, 16)


@dataclass(frozen=True)
class Pair:
    """A private key as ``cryptography`` holds it, and its DNSKEY."""

    private: Any
    key: Dnskey

    def sign(self, message: bytes) -> bytes:
        """Sign as an RRSIG of this key's algorithm wants it."""
        if self.key.algorithm in {8, 10}:
            digest = hashes.SHA256() if self.key.algorithm == 8 else hashes.SHA512()
            return bytes(self.private.sign(message, padding.PKCS1v15(), digest))
        if self.key.algorithm in {13, 14}:
            size, chosen = (32, hashes.SHA256()) if self.key.algorithm == 13 else (48, hashes.SHA384())
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(chosen)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return bytes(self.private.sign(message))


@cache
def pair(algorithm: int, flags: int = 257, number: int = 0, bits: int = 2048) -> Pair:
    """Make the key pair ``number`` of its kind; the same one each time within a test run."""
    del number
    private: Any
    match algorithm:
        case 5 | 7 | 8 | 10:
            private = rsa.generate_private_key(65537, bits)
        case 13:
            private = ec.generate_private_key(ec.SECP256R1())
        case 14:
            private = ec.generate_private_key(ec.SECP384R1())
        case 15:
            private = ed25519.Ed25519PrivateKey.generate()
        case _:
            private = ed448.Ed448PrivateKey.generate()
    record = dns.dnssec.make_dnskey(private.public_key(), Algorithm(algorithm), flags)
    return Pair(private, Dnskey(flags, algorithm, record.key))
