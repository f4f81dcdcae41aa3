"""Tokens beside an escrow: a recovered key goes into one, an existing key comes out of one, or random numbers do."""

from typing import TYPE_CHECKING

from keyquorum.cli import terminal
from keyquorum.cli.token_facts import asked_pin, identifier, show_loaded
from keyquorum.cli.world import RNG
from keyquorum.dnssec.model import RSA_ALGORITHMS
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.keys import EscrowKey, dnskey_of
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow
from keyquorum.tokens.extracting import read_private_key
from keyquorum.tokens.loading import Loaded, load
from keyquorum.tokens.modules import find_token
from keyquorum.tokens.session import open_token, random
from keyquorum.tokens.signing import hindrance
from keyquorum.tokens.templates import placing_of
from keyquorum.tokens.uri import read_uri

if TYPE_CHECKING:
    from keyquorum.cli.escrow_targets import Wishes


def random_of(uri: str, count: int) -> bytes:
    """Give ``count`` random bytes of the token that ``uri`` names."""
    with open_token(read_uri(uri), None) as token:
        return random(token, count)


def key_out_of(uri: str, algorithm: str | None) -> EscrowKey:
    """Give the private key that ``uri`` names, where its token lets it go; RefusedError where it does not."""
    where = read_uri(uri)
    with open_token(where, asked_pin(None), writable=True) as token:
        key, how = read_private_key(token, where, algorithm, RNG)
    terminal.tell(f"The key came out of its token by {how}, and the token signs as it does. It is still in there too.")
    return key


class ToToken:
    """The key in a PKCS#11 token: loaded, read back, used once, and the signature verified outside."""

    def __init__(self, wishes: "Wishes", manifest: Signed[Escrow]) -> None:
        """Find the token, and refuse one that will not take the key, before anybody opens a bag."""
        assert wishes.to_token is not None  # noqa: S101
        record = manifest.record
        dnskey = dnskey_of(record.algorithm, record.public_key)
        if dnskey is None:
            raise RefusedError(f"no token takes a key of {record.algorithm}", do="Choose another place for the key.")
        self._uri = read_uri(wishes.to_token)
        self._label, self._id, self._extractable = wishes.label or None, identifier(wishes.key_id), wishes.extractable
        self._zone = record.zone.to_text(omit_final_dot=True) if record.zone.labels[:-1] else "root"
        self._pin, self._module = asked_pin(wishes.pin_file), wishes.module
        facts = find_token(self._uri, self._module)
        bits = dnskey.rsa_numbers()[1].bit_length() if dnskey.algorithm in RSA_ALGORITHMS else 0
        with open_token(self._uri.token_only(), None, module=self._module) as token:
            why = hindrance(token, record.algorithm, bits)
        if why:
            raise RefusedError(why, where=facts.name, do="Choose another token; nothing was loaded.")
        self._loaded: Loaded | None = None

    def take(self, key: EscrowKey) -> None:
        """Load the key; RefusedError, with the key in the token, where an attribute is not as it was asked for."""
        placing = placing_of(
            key, self._uri, label=self._label, id_=self._id, zone=self._zone, extractable=self._extractable
        )
        with open_token(self._uri.token_only(), self._pin, module=self._module, writable=True) as token:
            self._loaded = load(token, key, placing, RNG)
        show_loaded(self._loaded)
        if self._loaded.deviations:
            raise RefusedError(
                "the key is in the token and signs, but not with the attributes asked for (see above)",
                where=token.facts.name,
                do="Find out why the token changed them, and wipe the key if that will not do: keyquorum token wipe.",
            )

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        if self._loaded is None:
            raise UsageError("no key was loaded")
        return (
            "make the token's backup as its vendor says and test the key where it will work: keyquorum token test "
            f"'{self._loaded.uri.text()}'. A token that only carried the key is wiped: keyquorum token wipe URI."
        )
