"""Schemas: what each KSK does in each bundle of a signing, as data; and the plan that one request gives under one.

A plan is what everybody derives alike from a request: the keys published, who signs, when, and from that the bytes to
sign. Refused: too few KSKs for a schema, KSKs that are not zone keys, TTLs within a bundle that differ where none is
prescribed. Foreign KSKs in a request are for ``policy`` to refuse.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, Signature, ZoneRequest
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.errors import MalformedError, RefusedError


class Act(Enum):
    """What a KSK does in a bundle; a key that signs is published too (revoking will be an act of its own)."""

    ABSENT = "absent"
    PUBLISH = "publish"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Schema:
    """What the KSKs of a signing do: ``bundles[i][r]`` is the act of role ``r`` in bundle ``i``.

    The last row holds for all later bundles. KSKs are given in the order of ``roles``; where ``repeats`` is set, more
    KSKs than roles all take the last role (one KSK per algorithm, each doing the same).
    """

    name: str
    meaning: str
    roles: tuple[str, ...]
    bundles: tuple[tuple[Act, ...], ...]
    repeats: bool = False

    def acts(self, bundle: int, ksks: int) -> tuple[Act, ...]:
        """Give the acts of ``ksks`` KSKs in bundle number ``bundle`` (from 0); RefusedError for a wrong number."""
        if ksks < len(self.roles) or (ksks > len(self.roles) and not self.repeats):
            raise RefusedError(
                f"the schema {self.name} works with {len(self.roles)} KSK ({', '.join(self.roles)}), not with {ksks}"
            )
        row = self.bundles[min(bundle, len(self.bundles) - 1)]
        return row + row[-1:] * (ksks - len(self.roles))


SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        schema.name: schema
        for schema in (
            Schema(
                name="normal",
                meaning="every KSK is published and signs, in every bundle",
                roles=("current",),
                bundles=((Act.SIGN,),),
                repeats=True,
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class PlannedBundle:
    """One bundle as it will be answered: ``keys`` are all that are published, all with TTL ``ttl``, sorted by tag.

    ``signers`` are the KSKs that sign it, in the order in which they were given to ``plan``.
    """

    id: str
    inception: int
    expiration: int
    ttl: int
    keys: tuple[PublishedKey, ...]
    signers: tuple[Dnskey, ...]


def plan(
    schema: Schema, request: ZoneRequest, ksks: Sequence[PublishedKey], ttl: int | None
) -> Iterator[PlannedBundle]:
    """Plan the answer to ``request`` with our ``ksks`` under ``schema``, bundle by bundle.

    ``ttl`` in seconds is what every record gets (the root: 172800); None takes the request's, which then must agree.
    A KSK that the request carries already is published once, under our label. Keys are in the order of the root's
    software of today: by key tag. Raises RefusedError, MalformedError.
    """
    if len({ksk.key for ksk in ksks}) != len(ksks):
        raise RefusedError("the same KSK is given twice")
    for number, bundle in enumerate(request.bundles):
        acts = schema.acts(number, len(ksks))
        ours = [ksk for ksk, act in zip(ksks, acts, strict=True) if act is not Act.ABSENT]
        known = {ksk.key for ksk in ours}
        published = [*ours, *(one for one in bundle.keys if one.key not in known)]
        common = _common_ttl(bundle) if ttl is None else ttl
        yield PlannedBundle(
            id=bundle.id,
            inception=bundle.inception,
            expiration=bundle.expiration,
            ttl=common,
            keys=tuple(
                PublishedKey(one.key, common, one.identifier)
                for one in sorted(published, key=lambda one: (one.key.tag, one.key.wire()))
            ),
            signers=tuple(ksk.key for ksk, act in zip(ksks, acts, strict=True) if act is Act.SIGN),
        )


def message(zone: dns.name.Name, planned: PlannedBundle, signer: Dnskey) -> bytes:
    """Give the bytes that ``signer`` signs for one planned bundle (RFC 4034 section 3.1.8.1)."""
    return signing_input(
        zone,
        (one.key for one in planned.keys),
        planned.ttl,
        algorithm=signer.algorithm,
        key_tag=signer.tag,
        inception=planned.inception,
        expiration=planned.expiration,
    )


def signed(zone: dns.name.Name, planned: PlannedBundle, values: Mapping[Dnskey, bytes]) -> Bundle:
    """Give the answer to one planned bundle: ``values`` holds the signature of each signer over its ``message``.

    Nothing is verified here. Raises MalformedError where a signer's value is missing or somebody else's is given.
    """
    if set(values) != set(planned.signers):
        raise MalformedError("the signatures are not those of the signers planned", where=planned.id)
    labels = {one.key: one.identifier for one in planned.keys}
    signatures = tuple(
        Signature(
            algorithm=signer.algorithm,
            labels=label_count(zone),
            original_ttl=planned.ttl,
            expiration=planned.expiration,
            inception=planned.inception,
            key_tag=signer.tag,
            signer=zone,
            signature=values[signer],
            ttl=planned.ttl,
            identifier=labels[signer],
        )
        for signer in planned.signers
    )
    return Bundle(planned.id, planned.inception, planned.expiration, planned.keys, signatures)


def _common_ttl(bundle: Bundle) -> int:
    ttls = {published.ttl for published in bundle.keys}
    if len(ttls) != 1:
        raise RefusedError(
            f"the keys of a bundle have different TTLs ({', '.join(map(str, sorted(ttls)))})",
            where=bundle.id,
            do="Give the TTL that all of them shall have.",
        )
    return ttls.pop()
