"""Keys of every kind an escrow keeps, and the stock openssl command as their judge."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keyquorum.escrow.keys import EscrowKey, from_private_key, generate
from tests.maths.streams import stream

KINDS: tuple[tuple[str, int | None], ...] = (
    ("RSASHA256", 2048),
    ("RSASHA256", 3072),
    ("RSASHA256", 4096),
    ("RSASHA512", 2048),
    ("ECDSAP256SHA256", None),
    ("ECDSAP384SHA384", None),
    ("ED25519", None),
    ("ED448", None),
    ("ML-DSA-44", None),
)
"""Algorithm and length of each kind of key."""
every_kind = pytest.mark.parametrize(("algorithm", "bits"), KINDS)
every_small_kind = pytest.mark.parametrize(("algorithm", "bits"), [kind for kind in KINDS if kind[1] in {None, 2048}])
KEK = bytes(range(100, 132))


@cache
def key(algorithm: str, bits: int | None = None) -> EscrowKey:
    """Give a key of its kind, the same each time within a test run; of RSA there is one a length."""
    if algorithm == "RSASHA512":
        return from_private_key(key("RSASHA256", bits).private_key(), algorithm)
    return generate(algorithm, bits, stream(algorithm))


def some_rsa() -> rsa.RSAPrivateNumbers:
    """Give the numbers of an RSA key of 2048 bits."""
    private = key("RSASHA256", 2048).private_key()
    assert isinstance(private, rsa.RSAPrivateKey)
    return private.private_numbers()


def openssl(directory: Path, arguments: Sequence[str], status: int = 0) -> bytes:
    """Run the stock openssl command in ``directory`` and give what it wrote; any other exit status fails the test."""
    program = shutil.which("openssl") or pytest.skip("openssl is not installed (package openssl)")
    run = subprocess.run([program, *arguments], cwd=directory, check=False, capture_output=True)
    assert run.returncode == status, run.stderr.decode()
    return run.stdout


def openssl_version(directory: Path) -> tuple[int, int]:
    """Give the stock openssl's version."""
    found = re.match(rb"OpenSSL (\d+)\.(\d+)", openssl(directory, ["version"]))
    assert found
    return int(found[1]), int(found[2])
