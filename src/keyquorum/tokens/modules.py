"""PKCS#11 modules (a vendor's shared library each) and the tokens that they show.

A module is code that runs with our rights: only paths that a person named and the few places below are loaded, never
what the environment names. A module is started once in a process and stays until its end.
"""

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Slot, Token, TokenFlag
from pkcs11.exceptions import PKCS11Error, TokenNotPresent, TokenNotRecognised

from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.tokens.answers import name_of, speaking_of
from keyquorum.tokens.uri import TokenUri

KNOWN = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/*/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib/*/opencryptoki/libopencryptoki.so.0",
    "/usr/lib64/opencryptoki/libopencryptoki.so.0",
)
"""Where modules are looked for when nobody names one: SoftHSM's and opencryptoki's, as distributions place them."""
NAMED = ("/usr/lib", "/usr/lib/*", "/usr/lib64", "/usr/lib*/pkcs11", "/usr/lib/*/pkcs11", "/usr/lib*/softhsm")
"""Where a ``module-name`` is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What a token says of itself without a login, and the module and slot it is in.

    ``pin_locked``, ``pin_last_try`` and ``pin_failed`` (a wrong PIN since the last login) are of the user's PIN, and
    only as true as the token keeps them.
    """

    module: Path
    slot_id: int
    slot: str
    slot_manufacturer: str
    label: str
    manufacturer: str
    model: str
    serial: str
    hardware: str
    firmware: str
    library: tuple[str, str, str]
    initialised: bool
    login_required: bool
    pin_set: bool
    pin_pad: bool
    pin_failed: bool
    pin_last_try: bool
    pin_locked: bool
    write_protected: bool
    has_random: bool

    @property
    def uri(self) -> TokenUri:
        """The URI that names this token and module, without objects and without a PIN."""
        if not self.initialised:
            return TokenUri(slot_id=self.slot_id, module_path=str(self.module))
        return TokenUri(token=self.label, serial=self.serial, module_path=str(self.module))

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        return f"token '{self.label}' ({self.model}, serial {self.serial})" if self.label else f"slot {self.slot_id}"

    @property
    def state(self) -> str:
        """What stands in the way of using it, in words, else ``ready``."""
        if not self.initialised:
            return "not initialised"
        hindrances = (
            (self.pin_locked, "PIN locked"),
            (self.pin_last_try, "last try for the PIN"),
            (self.pin_failed and not self.pin_last_try, "wrong PIN entered before"),
            (not self.pin_set and not self.pin_pad, "user PIN not set"),
            (self.write_protected, "write-protected"),
        )
        return ", ".join(text for is_so, text in hindrances if is_so) or "ready"


def modules_for(uri: TokenUri, module: Path | None = None) -> tuple[Path, ...]:
    """Give the modules to look into: the one named (``module``, else by the URI), else those at known places.

    Raises UsageError where there is none.
    """
    if module is not None and uri.module_path is not None and Path(uri.module_path).resolve() != module.resolve():
        raise UsageError("--module and module-path name two modules", do="Give one of them.")
    path = module or (Path(uri.module_path) if uri.module_path else None)
    if path is not None:
        if not path.is_file():
            raise UsageError("there is no such PKCS#11 module", where=str(path), do="Ask its vendor where it is.")
        return (path.absolute(),)
    if uri.module_name is not None:
        name = glob.escape(uri.module_name)
        patterns = [f"{place}/{prefix}{name}.so" for place in NAMED for prefix in ("", "lib")]
        what = f"no PKCS#11 module is called {uri.module_name}"
    else:
        patterns, what = list(KNOWN), "no PKCS#11 module is at any of the places known"
    found = _existing(patterns)
    if not found:
        raise UsageError(what, do="Name it: --module FILE, or module-path in the URI.")
    return found


def tokens_of(path: Path) -> tuple[TokenFacts, ...]:
    """Give the tokens that the module at ``path`` shows, by slot; raises UsageError if the module cannot be used."""
    library = _loaded(path)
    with speaking_of(str(path)):
        return tuple(_facts(path, library, token) for token in _tokens(library))


def find_token(uri: TokenUri, module: Path | None = None) -> TokenFacts:
    """Give the one token that ``uri`` names; raises UsageError, which lists tokens, where none or several match."""
    seen: list[TokenFacts] = []
    troubles: list[KeyquorumError] = []
    paths = modules_for(uri, module)
    for path in paths:
        try:
            seen.extend(tokens_of(path))
        except KeyquorumError as error:
            troubles.append(error)
    if troubles and len(troubles) == len(paths):
        raise troubles[0]
    found = [facts for facts in seen if matches(uri, facts)]
    if len(found) == 1:
        return found[0]
    if not found:
        usable = [facts for facts in seen if facts.initialised]
        more = "".join(f"; {error.where}: {error.what}" for error in troubles)
        raise UsageError(
            f"no token matches{_listed(usable)}{more}", where=uri.token_only().text(), do="Correct the URI."
        )
    raise UsageError(
        f"{len(found)} tokens match{_listed(found)}", where=uri.token_only().text(), do="Add serial=, or slot-id=."
    )


def matches(uri: TokenUri, facts: TokenFacts) -> bool:
    """Whether ``uri`` names this token: every attribute it gives of a token is equal (RFC 7512 section 2.3)."""
    library_manufacturer, library_description, library_version = facts.library
    pairs = (
        (uri.token, facts.label),
        (uri.manufacturer, facts.manufacturer),
        (uri.serial, facts.serial),
        (uri.model, facts.model),
        (uri.slot_id, facts.slot_id),
        (uri.slot_description, facts.slot),
        (uri.slot_manufacturer, facts.slot_manufacturer),
        (uri.library_manufacturer, library_manufacturer),
        (uri.library_description, library_description),
        (uri.library_version, library_version),
    )
    return all(wanted is None or wanted == is_ for wanted, is_ in pairs)


def token_at(facts: TokenFacts) -> Token:
    """Give python-pkcs11's token for ``facts``; UsageError if another token is in the slot by now."""
    library = _loaded(facts.module)
    with speaking_of(facts.name):
        for token in _tokens(library):
            now = _facts(facts.module, library, token)
            if (now.slot_id, now.serial, now.label) == (facts.slot_id, facts.serial, facts.label):
                return token
    raise UsageError("the token is gone", where=facts.name)


def facts_now(facts: TokenFacts) -> TokenFacts:
    """Give what the token in the slot of ``facts`` says of itself now (PIN counters change); UsageError if gone."""
    return _facts(facts.module, _loaded(facts.module), token_at(facts))


def _loaded(path: Path) -> Any:
    try:
        # By one name each: a library that is started a second time, by another name, refuses.
        return pkcs11.lib(str(path.resolve()))
    except PKCS11Error as error:
        if "already initialized" in str(error):
            what, do = "the PKCS#11 module runs already, started by another one", "Name one module for both."
        else:
            what = f"the PKCS#11 module cannot be used ({name_of(error)})"
            do = (
                "See that it is its vendor's library for this machine, and that its service runs (opencryptoki: "
                "pkcsslotd) and its configuration can be read."
            )
        raise UsageError(what, where=str(path), do=do) from None


def _tokens(library: Any) -> Iterable[Token]:
    slots: list[Slot] = library.get_slots()
    for slot in slots:
        try:
            yield slot.get_token()
        except (TokenNotPresent, TokenNotRecognised):
            continue


def _facts(path: Path, library: Any, token: Token) -> TokenFacts:
    flags, slot = token.flags, token.slot
    return TokenFacts(
        module=path,
        slot_id=slot.slot_id,
        slot=slot.slot_description,
        slot_manufacturer=slot.manufacturer_id,
        label=token.label,
        manufacturer=token.manufacturer_id,
        model=token.model,
        serial=token.serial.rstrip(b"\0").decode("utf-8", "replace"),
        hardware=_version(token.hardware_version),
        firmware=_version(token.firmware_version),
        library=(library.manufacturer_id, library.library_description, _version(library.library_version)),
        initialised=bool(flags & TokenFlag.TOKEN_INITIALIZED),
        login_required=bool(flags & TokenFlag.LOGIN_REQUIRED),
        pin_set=bool(flags & TokenFlag.USER_PIN_INITIALIZED),
        pin_pad=bool(flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH),
        pin_failed=bool(flags & TokenFlag.USER_PIN_COUNT_LOW),
        pin_last_try=bool(flags & TokenFlag.USER_PIN_FINAL_TRY),
        pin_locked=bool(flags & TokenFlag.USER_PIN_LOCKED),
        write_protected=bool(flags & TokenFlag.WRITE_PROTECTED),
        has_random=bool(flags & TokenFlag.RNG),
    )


def _version(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)


def _existing(patterns: Iterable[str]) -> tuple[Path, ...]:
    """Give the files that match, each once, by the first name it has."""
    paths = [Path(path) for pattern in patterns for path in sorted(glob.glob(pattern))]  # noqa: PTH207
    names = {path.resolve(): path for path in reversed(paths) if path.is_file()}
    return tuple(path for path in paths if names.get(path.resolve()) == path)


def _listed(tokens: Iterable[TokenFacts]) -> str:
    text = "; ".join(f"{facts.name}, slot {facts.slot_id}, {facts.module}" for facts in tokens)
    return f": {text}" if text else ", and there is no token at all"
