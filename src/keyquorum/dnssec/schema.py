"""Schemas: what each KSK does in each bundle of a signing, as data; and the plan that one request gives under one.

A plan is what everybody derives alike from a request: the keys published, what is said to the parent, who signs, when,
and from that the bytes to sign. Refused: too few KSKs for a schema, KSKs that are not zone keys, TTLs within a bundle
that differ where none is prescribed, records for the parent both in the request and to be made. Foreign KSKs in a
request are for ``policy`` to refuse.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

import dns.name
import dns.rdatatype

from keyquorum.dnssec.model import Bundle, Dnskey, ParentRrset, PublishedKey, Signature, ZoneRequest
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.dnssec.signing_input import label_count, rrset_signing_input
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

    ``for_parent`` are the CDS and CDNSKEY RRsets beside them. ``signers`` are the KSKs that sign each of the RRsets, in
    the order in which they were given to ``plan``. ``start`` is as in ``Bundle``.
    """

    id: str
    inception: int
    expiration: int
    ttl: int
    keys: tuple[PublishedKey, ...]
    signers: tuple[Dnskey, ...]
    for_parent: tuple[ParentRrset, ...] = ()
    start: int | None = None

    @property
    def signed_rrsets(self) -> int:
        """How many RRsets every signer signs: so many messages and signatures there are of each."""
        return 1 + len(self.for_parent)


def plan(
    schema: Schema,
    request: ZoneRequest,
    ksks: Sequence[PublishedKey],
    ttl: int | None,
    parent_records: Sequence[str] = (),
) -> Iterator[PlannedBundle]:
    """Plan the answer to ``request`` with our ``ksks`` under ``schema``, bundle by bundle.

    ``ttl`` in seconds is what every DNSKEY record gets (the root: 172800); None takes the request's, which then must
    agree. Records for the parent are the request's own, as they are, or those ``parent_records`` (as in ``Terms``) of
    every KSK that signs. A KSK that the request carries already is published once, under our label. Keys are in the
    order of the root's software of today: by key tag. Raises RefusedError, MalformedError.
    """
    if len({ksk.key for ksk in ksks}) != len(ksks):
        raise RefusedError("the same KSK is given twice")
    for number, bundle in enumerate(request.bundles):
        acts = schema.acts(number, len(ksks))
        ours = [ksk for ksk, act in zip(ksks, acts, strict=True) if act is not Act.ABSENT]
        known = {ksk.key for ksk in ours}
        published = [*ours, *(one for one in bundle.keys if one.key not in known)]
        common = _common_ttl(bundle) if ttl is None else ttl
        signers = tuple(ksk.key for ksk, act in zip(ksks, acts, strict=True) if act is Act.SIGN)
        if bundle.for_parent and parent_records:
            raise RefusedError("the request has CDS or CDNSKEY records, and others are to be made", where=bundle.id)
        made = parent_rrsets(request.zone, signers, parent_records, common)
        yield PlannedBundle(
            id=bundle.id,
            inception=bundle.inception,
            expiration=bundle.expiration,
            ttl=common,
            keys=tuple(
                PublishedKey(one.key, common, one.identifier)
                for one in sorted(published, key=lambda one: (one.key.tag, one.key.wire()))
            ),
            signers=signers,
            for_parent=bundle.for_parent or made,
            start=bundle.start,
        )


def messages_of(zone: dns.name.Name, planned: PlannedBundle, signer: Dnskey) -> tuple[bytes, ...]:
    """Give what ``signer`` signs for one planned bundle (RFC 4034 section 3.1.8.1): the bytes for each RRset.

    The DNSKEY RRset is the first; those for the parent follow in the order of the plan.
    """
    rrsets = [(int(dns.rdatatype.DNSKEY), tuple(one.key.wire() for one in planned.keys), planned.ttl)]
    rrsets += [(rrset.kind, rrset.rdatas, rrset.ttl) for rrset in planned.for_parent]
    return tuple(
        rrset_signing_input(
            zone,
            kind,
            rdatas,
            ttl,
            algorithm=signer.algorithm,
            key_tag=signer.tag,
            inception=planned.inception,
            expiration=planned.expiration,
        )
        for kind, rdatas, ttl in rrsets
    )


def signed(zone: dns.name.Name, planned: PlannedBundle, values: Mapping[Dnskey, Sequence[bytes]]) -> Bundle:
    """Give the answer to one planned bundle: ``values`` holds the signatures of each signer over its messages.

    Nothing is verified here. Raises MalformedError where a signature is missing, or is too many, or somebody else's.
    """
    if set(values) != set(planned.signers) or any(len(made) != planned.signed_rrsets for made in values.values()):
        raise MalformedError("the signatures are not those of the signers planned", where=planned.id)
    rrsigs = [
        tuple(_rrsig(zone, planned, signer, ttl, values[signer][place]) for signer in planned.signers)
        for place, ttl in enumerate([planned.ttl, *(rrset.ttl for rrset in planned.for_parent)])
    ]
    return Bundle(
        id=planned.id,
        inception=planned.inception,
        expiration=planned.expiration,
        keys=planned.keys,
        signatures=rrsigs[0],
        for_parent=tuple(
            replace(rrset, signatures=made) for rrset, made in zip(planned.for_parent, rrsigs[1:], strict=True)
        ),
        start=planned.start,
    )


def _rrsig(zone: dns.name.Name, planned: PlannedBundle, signer: Dnskey, ttl: int, value: bytes) -> Signature:
    return Signature(
        algorithm=signer.algorithm,
        labels=label_count(zone),
        original_ttl=ttl,
        expiration=planned.expiration,
        inception=planned.inception,
        key_tag=signer.tag,
        signer=zone,
        signature=value,
        ttl=ttl,
        identifier=next(one.identifier for one in planned.keys if one.key == signer),
    )


def _common_ttl(bundle: Bundle) -> int:
    ttls = {published.ttl for published in bundle.keys}
    if len(ttls) != 1:
        raise RefusedError(
            f"the keys of a bundle have different TTLs ({', '.join(map(str, sorted(ttls)))})",
            where=bundle.id,
            do="Give the TTL that all of them shall have.",
        )
    return ttls.pop()
