"""A session with the one token that a URI names, logged in by its user's PIN or not at all.

The PIN comes from the token's own PIN pad where it has one, else from the file that the URI's ``pin-source`` names,
else from the caller; it is handed on and not kept. Sessions end with the ``with`` block, logged out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, CertificateType, KeyType, Mechanism, ObjectClass
from pkcs11.attributes import AttributeMapper, handle_bytes, handle_ulong
from pkcs11.exceptions import PinIncorrect, PinLocked, PKCS11Error
from pkcs11.types import PROTECTED_AUTH

from keyquorum.errors import KeyquorumError, NotYetError, RefusedError, UsageError
from keyquorum.tokens.answers import speaking_of, spoken
from keyquorum.tokens.modules import TokenFacts, facts_now, find_token, token_at
from keyquorum.tokens.uri import TokenUri

PIN_LIMIT = 256
AskPin = Callable[[TokenFacts], bytes]
"""Asks a person for the PIN of the token it is given; called once for each login."""


class OpenToken:
    """A token with an open session: ``facts`` as they were at opening, ``mechanisms`` by number, ``writable``."""

    def __init__(self, facts: TokenFacts, session: Any, mechanisms: frozenset[int], *, writable: bool, user: bool):
        self.facts = facts
        self.session: pkcs11.Session = session
        self.mechanisms = mechanisms
        self.writable = writable
        self.logged_in = user

    def __repr__(self) -> str:
        return f"<OpenToken {self.facts.name}>"

    def can(self, mechanism: Mechanism) -> bool:
        """Whether the token lists ``mechanism``."""
        return int(mechanism) in self.mechanisms

    def sizes(self, mechanism: Mechanism) -> tuple[int, int] | None:
        """Give the least and largest key size that the token states for ``mechanism``; None where it states none."""
        with suppress(PKCS11Error):
            info = self.session.token.slot.get_mechanism_info(mechanism)
            return info.min_key_length or 0, info.max_key_length or 0
        return None


@contextmanager
def open_token(
    uri: TokenUri, pin: AskPin | None, *, module: Path | None = None, writable: bool = False
) -> Iterator[OpenToken]:
    """Open a session with the token that ``uri`` names, logged in as its user if ``pin`` is given.

    ``module`` is the PKCS#11 module where the URI names none. Raises UsageError where no or several tokens match,
    RefusedError where the token refuses (a wrong or locked PIN, write protection), NotYetError where it was never
    initialised.
    """
    with open_facts(find_token(uri, module), pin, pin_source=uri.pin_source, writable=writable) as token:
        yield token


@contextmanager
def open_facts(
    facts: TokenFacts, pin: AskPin | None, *, pin_source: str | None = None, writable: bool = False
) -> Iterator[OpenToken]:
    """Open a session with a token that was found before; as ``open_token`` for the rest."""
    if not facts.initialised:
        raise NotYetError("the token was never initialised", where=facts.name, do="Use the vendor's program for that.")
    if writable and facts.write_protected:
        raise RefusedError("the token is write-protected", where=facts.name, do="Take the protection off first.")
    token = token_at(facts)
    login: dict[str, Any] = {}
    if pin is not None and (facts.login_required or facts.pin_set):
        login["user_pin"] = PROTECTED_AUTH if facts.pin_pad else _pin(facts, pin, pin_source)
    try:
        session = token.open(rw=writable, attribute_mapper=_Mapper(), **login)
        mechanisms = frozenset(int(one) for one in token.slot.get_mechanisms())
    except (PinIncorrect, PinLocked) as error:
        raise _wrong_pin(error, facts) from None
    except PKCS11Error as error:
        raise spoken(error, facts.name) from None
    finally:
        login.clear()
    try:
        yield OpenToken(facts, session, mechanisms, writable=writable, user=pin is not None)
    finally:
        with suppress(PKCS11Error):
            session.close()


def read_pin(path: Path) -> bytes:
    """Give the first line of a PIN file; raises UsageError."""
    try:
        with path.open("rb") as file:
            line = file.read(PIN_LIMIT + 2).split(b"\n", 1)[0].removesuffix(b"\r")
    except OSError as error:
        raise UsageError(f"the PIN file cannot be read ({error.strerror})", where=str(path)) from None
    if not 0 < len(line) <= PIN_LIMIT:
        raise UsageError(f"a PIN of 1 to {PIN_LIMIT} bytes is expected in the first line", where=str(path))
    return line


def pin_text(pin: bytes, where: str) -> str:
    """Give a PIN as PKCS#11 wants it, UTF-8 text; raises UsageError."""
    try:
        return pin.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the PIN is not UTF-8", where=where) from None


def random(token: OpenToken, count: int) -> bytes:
    """Give ``count`` bytes (1 to 4096) of the token's random number generator; RefusedError where it has none.

    Nothing says how good they are: mix them with others (``escrow.entropy.mixed``).
    """
    if not 1 <= count <= 4096:
        raise UsageError(f"{count} random bytes cannot be asked for", where=token.facts.name)
    with speaking_of(token.facts.name):
        data = token.session.generate_random(8 * count)
    if len(data) != count or (count >= 16 and len(set(data)) == 1):
        raise RefusedError("the token's random number generator gives no random numbers", where=token.facts.name)
    return data


def _pin(facts: TokenFacts, ask: AskPin, source: str | None) -> str:
    return pin_text(read_pin(Path(source)) if source is not None else ask(facts), facts.name)


def _wrong_pin(error: PKCS11Error, facts: TokenFacts) -> KeyquorumError:
    told = spoken(error, facts.name)
    with suppress(KeyquorumError):
        now = facts_now(facts)
        if now.pin_locked:
            return spoken(PinLocked(), facts.name)
        if now.pin_last_try:
            told.do = "One more wrong PIN and the token locks it. Do not guess."
    return told


def _or_number(kind: type) -> tuple[Any, Any]:
    """Read a number as ``kind`` where that knows it, else leave it one: vendors have numbers of their own."""

    def unpack(data: bytes) -> Any:
        number = handle_ulong[1](data)
        try:
            return kind(number)
        except ValueError:
            return number

    return lambda value: handle_ulong[0](int(value)), unpack


class _Mapper(AttributeMapper):
    """Attributes as python-pkcs11 reads them, except that what another vendor wrote never stops a listing."""

    def __init__(self) -> None:
        super().__init__()
        for attribute, kind in (
            (Attribute.CLASS, ObjectClass),
            (Attribute.KEY_TYPE, KeyType),
            (Attribute.CERTIFICATE_TYPE, CertificateType),
            (Attribute.KEY_GEN_MECHANISM, Mechanism),
        ):
            self.register_handler(attribute, *_or_number(kind))
        self.register_handler(Attribute.LABEL, lambda text: text.encode("utf-8"), _text)
        self.register_handler(Attribute.START_DATE, *handle_bytes)
        self.register_handler(Attribute.END_DATE, *handle_bytes)


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")
