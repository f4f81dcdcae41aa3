"""Objects out of a token for good: destroyed by name or all of them, the token initialised anew where asked.

What is to go is listed first and has an id, so that a person (or a script) agrees to just that; what is left is listed
afterwards, as the user sees it and as anybody sees it. What PKCS#11 cannot prove stands in ``UNPROVED``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pkcs11.exceptions import PKCS11Error, SessionExists

from keyquorum.errors import RefusedError, UsageError
from keyquorum.tokens.answers import name_of, spoken
from keyquorum.tokens.cryptoki import init_token
from keyquorum.tokens.modules import TokenFacts, facts_now, tokens_of
from keyquorum.tokens.objects import ObjectFacts, found, objects_of
from keyquorum.tokens.session import OpenToken, open_facts
from keyquorum.tokens.uri import TokenUri

UNPROVED = (
    "that the memory which held the key was overwritten: flash memory keeps old pages until it reuses them",
    "that there is no backup, clone or replica of the token, and no key blob on a host that the vendor's software "
    "brings back",
    "that the token tells of every object it has: hidden and other users' objects do not show",
    "that its audit log, if it keeps one, says what was done here: read it with the vendor's program",
)
"""What no PKCS#11 call can show about a wiped token."""


@dataclass(frozen=True, slots=True)
class Wiped:
    """What was destroyed, and what the token did not destroy, each with its answer."""

    destroyed: tuple[ObjectFacts, ...]
    kept: tuple[tuple[ObjectFacts, str], ...]


def to_wipe(token: OpenToken, uri: TokenUri, *, everything: bool = False) -> tuple[ObjectFacts, ...]:
    """Give the objects that ``uri`` names; all of the token's, if ``everything``.

    Raises UsageError where ``uri`` names no objects and not everything is meant, or names some and everything is, or
    where none match.
    """
    if uri.names_objects == everything:
        raise UsageError(
            "the URI names objects, and everything is to go" if everything else "the URI names no objects",
            where=token.facts.name,
            do="Name them (object=, id=, type=), or say --all, and not both.",
        )
    objects = objects_of(token, uri)
    if not objects and not everything:
        raise UsageError("no object matches the URI", where=token.facts.name, do="See 'keyquorum token inspect'.")
    return objects


def wipe_id(facts: TokenFacts, objects: Sequence[ObjectFacts], *, reinitialise: bool = False) -> bytes:
    """Give the id (SHA-256) of a wipe: of this token, these objects, and whether it is initialised anew.

    Of the text ``{"objects":[[kind,label,id,SPKI's SHA-256]...],"reinitialise":...,"serial":...,"token":...}``, sorted,
    without blanks.
    """
    listed = sorted(
        [one.kind, one.label, one.id.hex(), hashlib.sha256(one.spki).hexdigest() if one.spki else ""] for one in objects
    )
    document = {"objects": listed, "reinitialise": reinitialise, "serial": facts.serial, "token": facts.label}
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).digest()


def wipe(token: OpenToken, objects: Sequence[ObjectFacts]) -> Wiped:
    """Destroy ``objects``, which ``to_wipe`` gave in this session; goes on where the token refuses one."""
    destroyed, kept = [], []
    current = {one.handle: one for one in found(token, TokenUri())}
    for facts in objects:
        try:
            current[facts.handle].destroy()
        except KeyError:
            kept.append((facts, "it is gone already"))
        except PKCS11Error as error:
            kept.append((facts, name_of(error)))
        else:
            destroyed.append(facts)
    return Wiped(tuple(destroyed), tuple(kept))


def left_without_login(facts: TokenFacts) -> tuple[ObjectFacts, ...]:
    """Give what anybody sees in the token."""
    with open_facts(facts_now(facts), None) as token:
        return objects_of(token)


def reinitialise(facts: TokenFacts, so_pin: bytes | None, label: str | None = None) -> TokenFacts:
    """Initialise the token anew (C_InitToken): every object and the user PIN go; gives what it says of itself then.

    ``so_pin`` is its security officer's PIN, None where the token has a PIN pad. No session may be open, of any
    program. Raises RefusedError where the token refuses.
    """
    try:
        init_token(facts.module, facts.slot_id, so_pin, facts.label if label is None else label)
    except SessionExists as error:
        raise RefusedError(
            f"a session is open on the token ({name_of(error)})",
            where=facts.name,
            do="The token was not initialised anew. Stop the programs that use it (a name server, say).",
        ) from None
    except PKCS11Error as error:
        told = spoken(error, facts.name)
        told.what = told.what.replace("the PIN", "the security officer's PIN")
        told.do = f"The token was not initialised anew. {told.do}"
        raise told from None
    for now in tokens_of(facts.module):
        if now.slot_id == facts.slot_id:
            return now
    raise RefusedError("the token shows no more after C_InitToken", where=facts.name)
