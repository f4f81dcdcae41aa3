"""Several responses to one request, each under a name: the one to publish, and those kept ready for backing out.

What everybody derives alike: the bundles of each response and, for each KSK, the bytes it signs, in an order that
depends on nothing else. Bytes that two responses have in common are signed once. Refused: two responses under one name,
responses that nobody could tell apart because they are the same, names that are not fit for a file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, ZoneRequest
from keyquorum.dnssec.schema import ROLES, SCHEMAS, Act, PlannedBundle, Schema, messages_of, plan, signed
from keyquorum.errors import MalformedError, RefusedError

MOST_RESPONSES = 8
"""How many responses one request may ask for."""

NAME_LIMIT = 40
"""How long the name of a response may be."""

NAME_PATTERN = "[a-z0-9][a-z0-9-]*"
"""What the name of a response looks like, as a regular expression."""


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """A response that is asked for: what people call it (``normal``, ``back-out``), and the schema it is made under.

    MalformedError for a name that is not 1 to 40 small letters, digits and hyphens, a letter or digit first.
    """

    name: str
    schema: str

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class PlannedResponse:
    """One response as it will be given: its name, its schema, its bundles."""

    name: str
    schema: Schema
    bundles: tuple[PlannedBundle, ...]


@dataclass(frozen=True, slots=True)
class Derivation:
    """All that is made of one zone's request: its responses in the order asked for, and what each KSK signs for them.

    ``messages[k]`` are the bytes for KSK number k: response by response, bundle by bundle, RRset by RRset, each only
    where it comes first. Signatures are given back in the same order, to ``answers``.
    """

    zone: dns.name.Name
    ksks: tuple[Dnskey, ...]
    responses: tuple[PlannedResponse, ...]
    messages: tuple[tuple[bytes, ...], ...]

    def answers(self, values: Sequence[Sequence[bytes]]) -> tuple[tuple[str, tuple[Bundle, ...]], ...]:
        """Give each response's name and answered bundles; ``values[k]`` are the signatures over ``messages[k]``.

        Nothing is verified here. Raises MalformedError where there are not as many signatures as messages.
        """
        if [len(made) for made in values] != [len(asked) for asked in self.messages]:
            raise MalformedError("there are not as many signatures as messages", where=self.zone.to_text())
        made = [dict(zip(asked, given, strict=True)) for asked, given in zip(self.messages, values, strict=True)]
        return tuple(
            (response.name, tuple(signed(self.zone, bundle, self._values(bundle, made)) for bundle in response.bundles))
            for response in self.responses
        )

    def _values(self, bundle: PlannedBundle, made: Sequence[Mapping[bytes, bytes]]) -> dict[Dnskey, tuple[bytes, ...]]:
        values = {}
        for ksk, by_message in zip(self.ksks, made, strict=True):
            signer = bundle.signer(ksk)
            if signer is not None:
                values[signer] = tuple(by_message[one] for one in messages_of(self.zone, bundle, signer))
        return values


def derive(
    wanted: Sequence[NamedSchema],
    request: ZoneRequest,
    ksks: Sequence[PublishedKey],
    ttl: int | None,
    parent_records: Sequence[str] = (),
    roles: Sequence[str] | None = None,
) -> Derivation:
    """Derive the responses ``wanted`` of ``request``; the other arguments are those of ``schema.plan``.

    Raises RefusedError, MalformedError.
    """
    check_wanted(wanted)
    responses = []
    for one in wanted:
        schema = SCHEMAS[one.schema]
        responses.append(
            PlannedResponse(one.name, schema, tuple(plan(schema, request, ksks, ttl, parent_records, roles)))
        )
    for place, response in enumerate(responses):
        for other in responses[:place]:
            if response.bundles == other.bundles:
                raise RefusedError(
                    f"the responses {other.name} and {response.name} are the same; nobody could tell them apart",
                    where=request.zone.to_text(),
                )
    keys = tuple(ksk.key for ksk in ksks)
    return Derivation(
        request.zone,
        keys,
        tuple(responses),
        tuple(tuple(dict.fromkeys(_messages(request.zone, responses, key))) for key in keys),
    )


def check_wanted(wanted: Sequence[NamedSchema]) -> None:
    """Refuse no response, too many, two under one name, and a schema that there is not (RefusedError)."""
    if not 0 < len(wanted) <= MOST_RESPONSES:
        raise RefusedError(f"a request asks for 1 to {MOST_RESPONSES} responses, not for {len(wanted)}")
    names = [one.name for one in wanted]
    if len(set(names)) != len(names):
        raise RefusedError(f"two responses have one name: {', '.join(names)}")
    for one in wanted:
        if one.schema not in SCHEMAS:
            raise RefusedError(f"there is no schema {one.schema!r}", do=f"There are: {', '.join(SCHEMAS)}.")


def signing_roles(wanted: Sequence[NamedSchema]) -> frozenset[str]:
    """Give the roles whose KSKs sign in at least one bundle of the responses ``wanted``; others are only published."""
    found: set[str] = set()
    for one in wanted:
        schema = SCHEMAS[one.schema]
        for place, role in enumerate(schema.roles):
            if any(row[place] in {Act.SIGN, Act.REVOKE} for row in schema.bundles):
                # The only role of a schema is everybody's.
                found |= {role} if len(schema.roles) > 1 else set(ROLES)
    return frozenset(found)


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a response (MalformedError)."""
    if len(name) > NAME_LIMIT or re.fullmatch(NAME_PATTERN, name) is None:
        raise MalformedError(
            f"the name of a response is 1 to {NAME_LIMIT} small letters, digits and hyphens, as in back-out",
            where="name",
        )


def file_name(base: str, name: str) -> str:
    """Give the name of the file for the response ``name``: ``skr.xml`` becomes ``skr.back-out.xml``."""
    stem, _, suffix = base.rpartition(".")
    return f"{stem}.{name}.{suffix}" if stem else f"{base}.{name}"


def _messages(zone: dns.name.Name, responses: Sequence[PlannedResponse], key: Dnskey) -> list[bytes]:
    found: list[bytes] = []
    for response in responses:
        for bundle in response.bundles:
            signer = bundle.signer(key)
            if signer is not None:
                found += messages_of(zone, bundle, signer)
    return found
