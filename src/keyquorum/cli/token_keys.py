"""Zone signing keys in tokens: each token is opened once, however many of its keys are used."""

from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_public_key

from keyquorum.cli.token_facts import asked_pin
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.possession import Signer, zsk_of
from keyquorum.dnssec.verify import verify_message
from keyquorum.errors import RefusedError
from keyquorum.escrow.publickeys import ALGORITHMS
from keyquorum.tokens.modules import find_token
from keyquorum.tokens.objects import the_private_key
from keyquorum.tokens.session import OpenToken, open_facts
from keyquorum.tokens.signing import sign_checked
from keyquorum.tokens.trial import public_half
from keyquorum.tokens.uri import read_uri


class TokenKeys:
    """Tokens that are open until ``stack`` is closed; the PIN of each is asked for once."""

    def __init__(self, stack: ExitStack, pin_file: Path | None, module: Path | None) -> None:
        self._stack = stack
        self._pin_file = pin_file
        self._module = module
        self._open: dict[str, OpenToken] = {}

    def key(self, source: str, rsa_algorithm: int) -> tuple[Dnskey, Signer]:
        """Give the DNSKEY (flags 256) of the one private key that the URI ``source`` names, and what signs with it.

        Raises UsageError where no or several keys match, RefusedError where the token does not tell the public key.
        """
        uri = read_uri(source)
        facts = find_token(uri, self._module)
        name = facts.uri.text()
        if name not in self._open:
            opened = open_facts(facts, asked_pin(self._pin_file), pin_source=uri.pin_source)
            self._open[name] = self._stack.enter_context(opened)
        token = self._open[name]
        one = the_private_key(token, uri)
        public = public_half(token, one)
        if public is None or public.spki is None:
            raise RefusedError(
                "the token does not tell the public key", where=source, do="Put its public key beside it."
            )
        key = zsk_of(load_der_public_key(public.spki), rsa_algorithm)
        algorithm = next(entry.name for entry in ALGORITHMS.values() if entry.number == key.algorithm)

        def sign(message: bytes) -> bytes:
            return sign_checked(token, one, algorithm, message, lambda value: verify_message(key, message, value))

        return key, sign
