"""Tokens beside an escrow: a recovered key goes into one, an existing key comes out of one, or random numbers do."""

from pathlib import Path
from typing import TYPE_CHECKING

from keyquorum.cli import terminal
from keyquorum.cli.world import RNG
from keyquorum.dnssec.model import RSA_ALGORITHMS
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.keys import EscrowKey, dnskey_of
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow
from keyquorum.tokens.extracting import read_private_key
from keyquorum.tokens.loading import Loaded, load
from keyquorum.tokens.modules import TokenFacts, find_token
from keyquorum.tokens.session import AskPin, open_token, random, read_pin
from keyquorum.tokens.signing import hindrance
from keyquorum.tokens.templates import Placing
from keyquorum.tokens.uri import read_uri

if TYPE_CHECKING:
    from keyquorum.cli.escrow_targets import Wishes


def asked_pin(pin_file: Path | None) -> AskPin:
    """Give what asks for a user's PIN, or reads it from a file."""

    def ask(facts: TokenFacts) -> bytes:
        return read_pin(pin_file) if pin_file else terminal.passphrase(None, f"token {facts.name} (the user's PIN)")

    return ask


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
        assert wishes.to_token is not None  # noqa: S101
        record = manifest.record
        self._uri = read_uri(wishes.to_token)
        if self._uri.names_objects:
            raise UsageError(
                "the URI names an object", where="--to-token", do="Name the token only; --label and --id name the key."
            )
        dnskey = dnskey_of(record.algorithm, record.public_key)
        if dnskey is None:
            raise RefusedError(f"no token takes a key of {record.algorithm}", do="Choose another place for the key.")
        zone = record.zone.to_text(omit_final_dot=True) or "root"
        self._placing = Placing(
            label=wishes.label or f"{zone}-ksk-{dnskey.tag}",
            id=_identifier(wishes.key_id) if wishes.key_id else dnskey.tag.to_bytes(2, "big"),
            extractable=wishes.extractable,
        )
        self._pin, self._module = asked_pin(wishes.pin_file), wishes.module
        # Whether the token will do is found out before anybody opens a bag.
        facts = find_token(self._uri, self._module)
        bits = dnskey.rsa_numbers()[1].bit_length() if dnskey.algorithm in RSA_ALGORITHMS else 0
        with open_token(self._uri, None, module=self._module) as token:
            why = hindrance(token, record.algorithm, bits)
        if why:
            raise RefusedError(why, where=facts.name, do="Choose another token; nothing was loaded.")
        self._loaded: Loaded | None = None

    def take(self, key: EscrowKey) -> None:
        """Load the key."""
        with open_token(self._uri, self._pin, module=self._module, writable=True) as token:
            self._loaded = loaded = load(token, key, self._placing, RNG)
        terminal.heading("In the token")
        terminal.facts(
            [
                ("key", loaded.uri.text()),
                ("label, id", f"{loaded.label}, {loaded.id.hex()}"),
                ("came in by", loaded.path),
                ("signed", "in the token; the signature verifies outside, under the manifest's public key"),
            ]
        )
        for reading in loaded.deviations:
            terminal.say(
                f"  Not as asked for: {reading.name} is {reading.is_}, not {reading.wanted}.", style="bold red"
            )

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        assert self._loaded is not None  # noqa: S101
        return (
            "make the token's backup as its vendor says and test the key where it will work: keyquorum token "
            f"test '{self._loaded.uri.text()}'. A token that only carried the key is wiped: keyquorum token wipe URI."
        )


def _identifier(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("an id is hexadecimal", where=f"--id {text}", do="For example --id 4f66.") from None
