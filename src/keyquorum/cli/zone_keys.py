"""A zone's own keys, wherever they are: PEM files, tokens, DNSKEY records; and what signs with them where one can.

Only zone signing keys: they are used here, and never kept or written.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.name
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keyquorum.cli.options import is_uri
from keyquorum.cli.private_keys import pem_key
from keyquorum.cli.world import naming, read_file
from keyquorum.dnssec.anchor_files import read_anchors
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.possession import Signer, signer_of, zsk_of
from keyquorum.errors import UsageError

if TYPE_CHECKING:
    from keyquorum.cli.token_keys import TokenKeys

_LIMIT = 1 << 20


class ZoneKeys:
    """Reads the keys of one zone; ``signers`` holds what signs with those of which the private key is at hand.

    ``rsa_algorithm`` is what an RSA key is for. Tokens stay open until ``stack`` is closed.
    """

    def __init__(
        self, zone: dns.name.Name, rsa_algorithm: int, stack: ExitStack, pin_file: Path | None, module: Path | None
    ) -> None:
        self.signers: dict[Dnskey, Signer] = {}
        self._zone = zone
        self._rsa_algorithm = rsa_algorithm
        self._token_options = (stack, pin_file, module)
        self._tokens: TokenKeys | None = None

    def read(self, sources: Sequence[str]) -> tuple[Dnskey, ...]:
        """Give the keys that ``sources`` name: URIs, and files with a PEM or with DNSKEY records."""
        return tuple(key for source in sources for key in self._read(source))

    def _read(self, source: str) -> Sequence[Dnskey]:
        if is_uri(source):
            return [self._in_token(source)]
        path = Path(source)
        data = read_file(path, _LIMIT, "zone's key")
        with naming(path):
            if b"-----BEGIN" not in data:
                return self._of_records(data)
            if b"PUBLIC KEY-----" in data:
                return [zsk_of(_public_key(data), self._rsa_algorithm)]
        private: Any = pem_key(path)
        with naming(path):
            key = zsk_of(private.public_key(), self._rsa_algorithm)
        self.signers[key] = signer_of(private, key)
        return [key]

    def _of_records(self, data: bytes) -> Sequence[Dnskey]:
        anchors = read_anchors(data)
        for one in anchors:
            if one.zone != self._zone:
                raise UsageError(f"this is a key of {one.zone}, not of {self._zone}")
        return [one.whole_key() for one in anchors]

    def _in_token(self, source: str) -> Dnskey:
        if self._tokens is None:
            from keyquorum.cli.token_keys import TokenKeys  # noqa: PLC0415

            self._tokens = TokenKeys(*self._token_options)
        key, sign = self._tokens.key(source, self._rsa_algorithm)
        self.signers[key] = sign
        return key


def _public_key(data: bytes) -> object:
    try:
        return load_pem_public_key(data)
    except ValueError:
        raise UsageError("this is not a public key in PEM") from None
