"""Keys that stay in tokens, and what signs with them: each token is opened once, however many of its keys are used."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute

from keyquorum.cli.token_facts import asked_pin
from keyquorum.cli.world import RNG
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.possession import Signer, zsk_of
from keyquorum.dnssec.verify import verify_message
from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.escrow.publickeys import ALGORITHMS
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.keeping import prove
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KeyRecord
from keyquorum.threshold.undivided import Device, UndividedPublic
from keyquorum.tokens.modules import find_token
from keyquorum.tokens.objects import ObjectFacts, facts_of, the_private_key
from keyquorum.tokens.session import OpenToken, open_facts
from keyquorum.tokens.signing import sign_checked
from keyquorum.tokens.trial import public_half
from keyquorum.tokens.uri import TokenUri, read_uri


@dataclass(frozen=True, slots=True)
class KeyInToken:
    """A private key in an open token, its facts, and its public key (DER; None where the token does not tell it)."""

    source: str
    token: OpenToken
    key: Any = field(repr=False)
    facts: ObjectFacts
    spki: bytes | None

    @property
    def uri(self) -> TokenUri:
        """The URI that names it."""
        return self.facts.uri(self.token.facts.uri)

    @property
    def standing(self) -> str:
        """What the token says of whether the key ever left it, or can."""
        flags = self.facts.flags
        if flags.get(Attribute.EXTRACTABLE):
            return "NOT for certain: the token says that the key can be taken out (CKA_EXTRACTABLE)"
        if flags.get(Attribute.NEVER_EXTRACTABLE) and flags.get(Attribute.LOCAL):
            return "the token says that it made the key, which could never be taken out (CKA_NEVER_EXTRACTABLE)"
        return "the token says that the key cannot be taken out; where else it is, no token knows"

    def dnskey(self, rsa_algorithm: int) -> Dnskey:
        """Give the key as a DNSKEY, flags 256; RefusedError where the token does not tell it, or DNSSEC has no such."""
        if self.spki is None:
            raise RefusedError(
                "the token does not tell the public key", where=self.source, do="Put its public key beside it."
            )
        return zsk_of(load_der_public_key(self.spki), rsa_algorithm)

    def public(self, rsa_algorithm: int) -> UndividedPublic:
        """Give the key as the public part of its record; raises as ``dnskey``."""
        key = self.dnskey(rsa_algorithm)
        return UndividedPublic(key.algorithm, key.public_key)

    def device(self, key: Dnskey) -> "TokenDevice":
        """Give what signs as ``key``."""
        return TokenDevice(self, key)


@dataclass(frozen=True, slots=True)
class TokenDevice:
    """Signs with a key in a token; every signature is verified to be one by ``key``."""

    held: KeyInToken
    key: Dnskey

    def sign(self, message: bytes) -> bytes:
        """Sign, as in an RRSIG; raises as ``tokens.signing.sign_checked``."""
        algorithm = next(entry.name for entry in ALGORITHMS.values() if entry.number == self.key.algorithm)

        def check(signature: bytes) -> None:
            verify_message(self.key, message, signature)

        return sign_checked(self.held.token, self.held.key, algorithm, message, check)


class TokenKeys:
    """Tokens that are open until ``stack`` is closed; the PIN of each is asked for once."""

    def __init__(self, stack: ExitStack, pin_file: Path | None, module: Path | None) -> None:
        self._stack = stack
        self._pin_file = pin_file
        self._module = module
        self._open: dict[str, OpenToken] = {}

    def find(self, source: str) -> KeyInToken:
        """Give the one private key that the URI ``source`` names; UsageError where no or several keys match."""
        uri = read_uri(source)
        facts = find_token(uri, self._module)
        name = facts.uri.text()
        if name not in self._open:
            opened = open_facts(facts, asked_pin(self._pin_file), pin_source=uri.pin_source)
            self._open[name] = self._stack.enter_context(opened)
        token = self._open[name]
        key = the_private_key(token, uri)
        public = public_half(token, key)
        return KeyInToken(source, token, key, facts_of(key), None if public is None else public.spki)

    def key(self, source: str, rsa_algorithm: int) -> tuple[Dnskey, Signer]:
        """Give the DNSKEY (flags 256) of the one private key that the URI ``source`` names, and what signs with it.

        Raises UsageError where no or several keys match, RefusedError where the token does not tell the public key.
        """
        held = self.find(source)
        key = held.dnskey(rsa_algorithm)
        return key, held.device(key).sign

    def devices(self, sources: Sequence[str], kept: Sequence[Signed[KeyRecord]]) -> dict[bytes, Device]:
        """Give what signs with those of the ``kept`` keys that the URIs name, by the id of the key record.

        Raises RefusedError for a URI of another key.
        """
        found: dict[bytes, Device] = {}
        for source in sources:
            held = self.find(source)
            fitting = {key.id: held.device(dnskey_of(key.record.public)) for key in kept if _has(held, key.record)}
            if not fitting:
                raise _stranger(held, kept)
            found.update(fitting)
        return found


def _has(held: KeyInToken, record: KeyRecord) -> bool:
    """Whether the key in the token is that of ``record``: by its public half, or else by a signature."""
    public = record.public
    if not isinstance(public, UndividedPublic):
        return False
    if held.spki is not None:
        return _as(held, public.algorithm) == public
    try:
        prove(public, held.device(dnskey_of(public)), RNG)
    except KeyquorumError:
        return False
    return True


def _as(held: KeyInToken, rsa_algorithm: int) -> UndividedPublic | None:
    try:
        return held.public(rsa_algorithm)
    except KeyquorumError:
        return None


def _stranger(held: KeyInToken, kept: Sequence[Signed[KeyRecord]]) -> RefusedError:
    if not kept:
        return RefusedError("the request asks for no signature with a key that you keep whole", do="Leave out --token.")
    wanted = ", ".join(f"{key.record.label} (key tag {dnskey_of(key.record.public).tag})" for key in kept)
    own = _as(held, kept[0].record.public.algorithm)
    tag = "" if own is None else f", with key tag {dnskey_of(own).tag}"
    return RefusedError(
        f"the key in the token is another one{tag}: what is asked for is {wanted}",
        where=held.source,
        do="Give the URI of the right key.",
    )
