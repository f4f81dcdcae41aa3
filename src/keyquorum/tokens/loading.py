"""A key into a token, as a KSK has to stand there, and the proof that the token holds it.

First by C_CreateObject; where a token forbids that for private keys, encrypted (``wrapping``). Afterwards attributes
are read back and what the token made of them is told, the token signs a random message, and that signature is verified
here: only then is the key called loaded. On any failure all objects made are destroyed. Refused: a second object under
a label or id that is taken, unless it is this same key.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from pkcs11 import Attribute
from pkcs11.exceptions import (
    AttributeValueInvalid,
    DeviceMemory,
    DeviceRemoved,
    DomainParamsInvalid,
    PKCS11Error,
    SessionReadOnly,
    TokenWriteProtected,
    UserNotLoggedIn,
)

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.escrow.keys import EscrowKey
from keyquorum.maths.randomness import Rng
from keyquorum.tokens.answers import name_of, spoken
from keyquorum.tokens.objects import ObjectFacts, facts_of, found, read
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.signing import KEY_TYPES, hindrance, holds, prove
from keyquorum.tokens.templates import Placing, Template, private_templates, public_templates
from keyquorum.tokens.uri import TokenUri
from keyquorum.tokens.wrapping import wrap_in

CREATED = "C_CreateObject"
THERE_ALREADY = "it was there already"
_HOPELESS = (DeviceMemory, DeviceRemoved, SessionReadOnly, TokenWriteProtected, UserNotLoggedIn)
_USES = frozenset({"CKA_DECRYPT", "CKA_UNWRAP", "CKA_DERIVE"})


@dataclass(frozen=True, slots=True)
class Reading:
    """An attribute of the private key as it was asked for and as the token gives it (None: it does not say)."""

    name: str
    wanted: bool
    is_: bool | None

    @property
    def as_wanted(self) -> bool:
        """Whether it is as asked for; a use that the token says nothing of counts as not allowed."""
        return bool(self.is_) == self.wanted if self.name in _USES else self.is_ == self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A key that is in a token and has signed there: ``path`` says how it came in, ``readings`` how it stands.

    ``uri`` names the private key; ``label`` and ``id`` are the token's: of a key that was there already they may be
    others than asked for.
    """

    uri: TokenUri
    label: str
    id: bytes
    path: str
    readings: tuple[Reading, ...]

    @property
    def was_there(self) -> bool:
        """Whether the private key was in the token before."""
        return self.path == THERE_ALREADY

    @property
    def deviations(self) -> tuple[Reading, ...]:
        """The attributes that are not as they were asked for."""
        return tuple(reading for reading in self.readings if not reading.as_wanted)


def load(token: OpenToken, key: EscrowKey, placing: Placing, rng: Rng) -> Loaded:
    """Put ``key`` into ``token``, both halves, and have the token prove that it holds it.

    ``token`` is open for writing, its user logged in. The key that is there already is proved and not loaded again; a
    half that is missing is added. Raises RefusedError where the token lacks the algorithm, refuses the key or holds
    another one under this label or id; SignatureError where its signature does not verify. Nothing new is left then.
    """
    where, name = token.facts.name, key.algorithm.name
    why = hindrance(token, name, key.bits if key.algorithm.bits else 0)
    if why:
        raise RefusedError(why, where=where, do="Nothing was loaded.")
    private, public, placing = _standing(token, key, placing, rng)
    path = THERE_ALREADY
    with _undone(where) as made:
        if private is None:
            private, path = _private(token, key, placing, rng)
            made.append(private)
            _tighten(private, placing)
        if public is None:
            public = _created(token, list(public_templates(key, placing)))
            made.append(public)
        prove(token, private, name, key.public_key, rng)
        stands = facts_of(private)
        _check(stands, facts_of(public), key, where)
        readings = tuple(
            Reading(f"CKA_{attribute.name}", wanted, read(private, attribute))
            for attribute, wanted in placing.wanted().items()
        )
    uri = stands.uri(token.facts.uri)
    return Loaded(uri=uri, label=stands.label, id=stands.id, path=path, readings=readings)


@contextmanager
def _undone(where: str) -> Iterator[list[Any]]:
    """Collect objects made; on any failure they are destroyed, and what the token answered becomes our error."""
    made: list[Any] = []
    try:
        yield made
    except BaseException as error:
        for one in reversed(made):
            try:
                one.destroy()
            except PKCS11Error as answer:
                why = error.what if isinstance(error, KeyquorumError) else type(error).__name__
                raise RefusedError(
                    f"the load failed ({why}), and the token does not destroy what it made ({name_of(answer)})",
                    where=where,
                    do="Look with 'keyquorum token inspect' and destroy it with 'keyquorum token wipe'.",
                ) from error
        if isinstance(error, PKCS11Error):
            raise spoken(error, where) from None
        raise


def _standing(token: OpenToken, key: EscrowKey, placing: Placing, rng: Rng) -> tuple[Any, Any, Placing]:
    """Find the halves of ``key`` that the token has, and where they stand; refuse label and id of another object."""
    name, spki = key.algorithm.name, key.public_key
    publics = _with_facts(found(token, TokenUri(type="public"), KEY_TYPE=KEY_TYPES[name]))
    named = [(facts.label, facts.id) for _, facts in publics if facts.spki == spki]
    named.append((placing.label, placing.id))
    private = None
    for one, facts in _with_facts(found(token, TokenUri(type="private"), KEY_TYPE=KEY_TYPES[name])):
        near = any(facts.label == label or facts.id == id_ for label, id_ in named)
        if (facts.spki == spki or near) and holds(token, one, name, spki, rng):
            private = one
            placing = replace(placing, label=facts.label or placing.label, id=facts.id or placing.id)
            break
    own = [
        one for one, facts in publics if facts.spki == spki and (facts.label, facts.id) == (placing.label, placing.id)
    ]
    ours = {half.handle for half in (private, *own[:1]) if half is not None}
    for one in [*found(token, TokenUri(object=placing.label)), *found(token, TokenUri(id=placing.id))]:
        facts = facts_of(one)
        if one.handle not in ours and facts.kind in {"public", "private", "secret-key"}:
            raise RefusedError(
                f"the token has another object by this label or id: {facts.name}",
                where=token.facts.name,
                do="Choose another label and id, or wipe that object first. Nothing was loaded.",
            )
    return private, own[0] if own else None, placing


def _with_facts(objects: Iterable[Any]) -> list[tuple[Any, ObjectFacts]]:
    return [(one, facts_of(one)) for one in objects]


def _private(token: OpenToken, key: EscrowKey, placing: Placing, rng: Rng) -> tuple[Any, str]:
    """Make the private key object, in the clear or encrypted; give it, and how."""
    try:
        return _created(token, list(private_templates(key, placing))), CREATED
    except _HOPELESS as error:
        raise spoken(error, token.facts.name) from None
    except PKCS11Error as error:
        refusal = name_of(error)
    try:
        return wrap_in(token, key.pkcs8.reveal(), KEY_TYPES[key.algorithm.name], placing.template(), rng)
    except RefusedError as error:
        raise RefusedError(
            f"the token takes the private key neither in the clear ({CREATED}: {refusal}) nor encrypted: {error.what}",
            where=token.facts.name,
            do="Ask its vendor how an existing key is brought in. Nothing was loaded.",
        ) from None


def _tighten(private: Any, placing: Placing) -> None:
    """Set what a token did not heed and may still take: both attributes can be changed in this direction only."""
    for attribute, safe in ((Attribute.SENSITIVE, True), (Attribute.EXTRACTABLE, False)):
        if placing.wanted()[attribute] is safe and read(private, attribute) is not safe:
            with suppress(PKCS11Error):
                private[attribute] = safe


def _created(token: OpenToken, templates: list[Template]) -> Any:
    """Create an object by the first of ``templates`` whose way of writing the curve the token takes."""
    for template in templates[:-1]:
        with suppress(AttributeValueInvalid, DomainParamsInvalid):
            return token.session.create_object(template)
    return token.session.create_object(templates[-1])


def _check(private: ObjectFacts, public: ObjectFacts, key: EscrowKey, where: str) -> None:
    """Refuse what makes a load worthless, whatever was asked for."""
    if public.spki != key.public_key:
        raise RefusedError("the token gives back another public key than it was given", where=where)
    for facts in (private, public):
        if facts.flags.get(Attribute.TOKEN) is False:
            raise RefusedError(f"the token does not keep the {facts.name} (CKA_TOKEN is false)", where=where)
