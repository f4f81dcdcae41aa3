"""Reading a private key that exists: from a PEM file, or out of a token that lets it go."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keyquorum.cli import terminal
from keyquorum.cli.options import is_uri
from keyquorum.cli.world import read_file
from keyquorum.errors import UsageError
from keyquorum.escrow.keys import EscrowKey, from_private_key
from keyquorum.machine.places import is_memory

_PEM_LIMIT = 1 << 20


def private_key_from(source: str, algorithm: str | None, *, rehearsal: bool = False) -> EscrowKey:
    """Give the key in a PEM file (its passphrase is asked for) or behind a ``pkcs11:`` URI."""
    if is_uri(source):
        from keyquorum.cli.escrow_token import key_out_of  # noqa: PLC0415

        return key_out_of(source, algorithm)
    path = Path(source)
    if not rehearsal and not is_memory(path):
        terminal.tell(
            f"{path} is on a disk: whoever gets the disk has the key, whatever is erased. Destroy it afterwards.",
            style="bold",
        )
    return from_private_key(pem_key(path), algorithm)


def undivided_key(source: str) -> object:
    """Give the key in a PEM file or behind a ``pkcs11:`` URI, of whatever kind: its scheme says what it takes."""
    if is_uri(source):
        from keyquorum.cli.escrow_token import key_out_of  # noqa: PLC0415

        return key_out_of(source, None).private_key()
    return pem_key(Path(source))


def pem_key(path: Path) -> object:
    """Give the private key in a PEM file; UsageError for anything else."""
    data = read_file(path, _PEM_LIMIT, "private key")
    try:
        return load_pem_private_key(data, None)
    except TypeError:
        secret = terminal.passphrase(None, str(path))
        try:
            return load_pem_private_key(data, secret)
        except ValueError:
            raise UsageError("the private key cannot be decrypted with this passphrase", where=str(path)) from None
    except ValueError:
        raise UsageError("this is not a private key in PEM", where=str(path)) from None
