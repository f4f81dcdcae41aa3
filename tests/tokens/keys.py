"""Keys to load: one of each algorithm, the same within a test run, and what verifies their signatures."""

import subprocess
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.escrow.keys import EscrowKey, from_private_key
from keyquorum.tokens.templates import Placing
from tests.dnssec.keys import pair

NUMBERS = {
    "RSASHA256": 8,
    "RSASHA512": 10,
    "ECDSAP256SHA256": 13,
    "ECDSAP384SHA384": 14,
    "ED25519": 15,
    "ED448": 16,
}
PLACING = Placing(label="root-2026", id=b"\x4f\x66")


@cache
def key(algorithm: str, number: int = 0) -> EscrowKey:
    """Give the key ``number`` of ``algorithm``, made by ``cryptography``."""
    return from_private_key(pair(NUMBERS[algorithm], number=number).private, algorithm)


def pem(path: Path, one: EscrowKey) -> Path:
    """Write a key as a PEM file."""
    path.write_bytes(one.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def openssl_accepts(spki: bytes, message: Path, signature: Path, *options: str, directory: Path) -> bool:
    """Whether the openssl program verifies a signature under this public key."""
    public = directory / "public.der"
    public.write_bytes(spki)
    command: list[str | Path] = ["openssl", "dgst", *options, "-keyform", "DER", "-verify", public]
    command += ["-signature", signature, message]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
