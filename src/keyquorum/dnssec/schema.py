"""Schemas: what each KSK does in each bundle of a signing, as data; and the plan that one request gives under one.

A plan is what everybody derives alike from a request: the keys published, what is said to the parent, who signs, when,
and from that the bytes to sign. Refused: KSKs that do not fill the roles of a schema, a request with fewer bundles than
the schema has steps, KSKs that are revoked already, TTLs within a bundle that differ where none is prescribed, records
for the parent both in the request and to be made. Foreign KSKs in a request are for ``policy`` to refuse.
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

ROLES = ("current", "next")
"""What a KSK can be in a signing."""


class Act(Enum):
    """What a KSK does in a bundle. A key that signs is published too; a revoked one is published so, and signs."""

    ABSENT = "-"
    PUBLISH = "P"
    SIGN = "S"
    REVOKE = "R"


@dataclass(frozen=True, slots=True)
class Schema:
    """What the KSKs of a signing do: ``bundles[i][r]`` is the act of role ``r`` in bundle ``i``.

    The last row holds for all later bundles. Several KSKs may have one role (one for each algorithm) and then do the
    same. With ``zone_keys_follow``, zone keys of an algorithm that no KSK of a bundle signs with are left out of it:
    a zone whose DNSKEY RRset has a key of an algorithm is signed with it throughout (RFC 4035 section 2.2).
    """

    name: str
    meaning: str
    roles: tuple[str, ...]
    bundles: tuple[tuple[Act, ...], ...]
    zone_keys_follow: bool = False

    def bind(self, ksks: int, roles: Sequence[str] | None = None) -> tuple[str, ...]:
        """Give the role of each of ``ksks`` KSKs: as ``roles`` says or, if None, in the order of the schema.

        All KSKs have the only role of a schema that has but one, whatever ``roles`` says. Raises RefusedError where a
        role stays empty, or is none of the schema's.
        """
        if len(self.roles) == 1 and ksks:
            return self.roles * ksks
        given = f"{ksks} KSK{'s' * (ksks != 1)}" if roles is None else f"KSKs as {' and '.join(roles)}"
        if roles is None:
            roles = self.roles
        if len(roles) != ksks or set(roles) != set(self.roles):
            raise RefusedError(
                f"the schema {self.name} is for KSKs as {' and '.join(self.roles)}, not for {given}",
                do="Give a KSK for each role: the current one with --key, the next with --next.",
            )
        return tuple(roles)

    def acts(self, bundle: int, roles: Sequence[str]) -> tuple[Act, ...]:
        """Give what KSKs with these ``roles`` do in bundle number ``bundle`` (from 0)."""
        row = dict(zip(self.roles, self.bundles[min(bundle, len(self.bundles) - 1)], strict=True))
        return tuple(row[role] for role in roles)


def _schema(name: str, rows: str, meaning: str, *, zone_keys_follow: bool = False) -> Schema:
    """Make a schema of ``rows``: a word for each bundle, in it a letter (``Act``) for each role."""
    bundles = tuple(tuple(Act(letter) for letter in row) for row in rows.split())
    return Schema(name, meaning, ROLES[: len(bundles[0])], bundles, zone_keys_follow)


SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        schema.name: schema
        for schema in (
            _schema("normal", "S", "every KSK is published and signs, in every bundle"),
            # The phases of a roll where validators follow by RFC 5011, as the root's ceremonies know them.
            _schema("pre-publish", "S- SP", "the next KSK is published from the second bundle on; the current signs"),
            _schema("publish-only", "SP", "the next KSK stays published and does not sign"),
            _schema("rollover", "SP PS", "from the second bundle on the next KSK signs, the current stays published"),
            _schema("hold", "PS", "the next KSK signs, the current stays published and could come back"),
            _schema(
                "revoke",
                "PS" + 7 * " RS" + " -S",
                "from the second to the eighth bundle the current KSK is revoked and signs with the next; then it goes",
            ),
            _schema("revoke-only", "RS", "the current KSK stays revoked and signs with the next"),
            _schema(
                "back-out",
                "S-",
                "the next KSK is withdrawn, and zone keys of its algorithm with it; the current signs alone",
                zone_keys_follow=True,
            ),
            # Both sign while both stand: rolls to another algorithm, and rolls by the DS records at the parent.
            _schema(
                "join",
                "S- SS",
                "from the second bundle on the next KSK is published and signs with the current",
                zone_keys_follow=True,
            ),
            _schema("double-sign", "SS", "both KSKs are published and sign", zone_keys_follow=True),
            _schema(
                "leave",
                "SS -S",
                "from the second bundle on the current KSK is gone, without being revoked; its DS went before",
                zone_keys_follow=True,
            ),
            _schema(
                "leave-revoked",
                "SS" + 7 * " RS" + " -S",
                "both sign; from the second to the eighth bundle the current KSK is revoked; then it goes",
                zone_keys_follow=True,
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class PlannedBundle:
    """One bundle as it will be answered: ``keys`` are all that are published, all with TTL ``ttl``, sorted by tag.

    ``for_parent`` are the CDS and CDNSKEY RRsets beside them. ``signers`` are the KSKs that sign each of the RRsets, as
    they are published (a revoked one with its flag), in the order in which they were given to ``plan``. ``start`` is as
    in ``Bundle``.
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

    def signer(self, ksk: Dnskey) -> Dnskey | None:
        """Give ``ksk`` in the form in which it signs this bundle, revoked or not; None if it does not sign."""
        return next((one for one in (ksk, ksk.revoked()) if one in self.signers), None)


def plan(
    schema: Schema,
    request: ZoneRequest,
    ksks: Sequence[PublishedKey],
    ttl: int | None,
    parent_records: Sequence[str] = (),
    roles: Sequence[str] | None = None,
) -> Iterator[PlannedBundle]:
    """Plan the answer to ``request`` with our ``ksks`` under ``schema``, bundle by bundle.

    ``roles`` says for each KSK which role it has (None: in the order of the schema). ``ttl`` in seconds is what every
    DNSKEY record gets (the root: 172800); None takes the request's, which then must agree. Records for the parent are
    the request's own, as they are, or those ``parent_records`` (as in ``Terms``) of every KSK that signs and is not
    revoked. A KSK that the request carries already, in whatever form, stands as the schema says and nowhere else, under
    our label. Keys are in the order of the root's software of today: by key tag. Raises RefusedError, MalformedError.
    """
    if len({ksk.key.unrevoked() for ksk in ksks}) != len(ksks):
        raise RefusedError("the same KSK is given twice")
    if any(ksk.key.is_revoked for ksk in ksks):
        raise RefusedError("a KSK is given as revoked", do="Give it as it was before; the schema says when it is.")
    bound = schema.bind(len(ksks), roles)
    if len(request.bundles) < len(schema.bundles):
        raise RefusedError(
            f"the schema {schema.name} takes {len(schema.bundles)} bundles, and the request has {len(request.bundles)}",
            do="Choose one that does the same in every bundle.",
        )
    known = {form for ksk in ksks for form in (ksk.key, ksk.key.revoked())}
    for number, bundle in enumerate(request.bundles):
        acts = schema.acts(number, bound)
        ours = [_standing(ksk, act) for ksk, act in zip(ksks, acts, strict=True) if act is not Act.ABSENT]
        signers = tuple(
            _standing(ksk, act).key for ksk, act in zip(ksks, acts, strict=True) if act in {Act.SIGN, Act.REVOKE}
        )
        others = [one for one in bundle.keys if one.key not in known]
        if schema.zone_keys_follow:
            algorithms = {signer.algorithm for signer in signers}
            others = [one for one in others if one.key.algorithm in algorithms]
        common = _common_ttl(bundle) if ttl is None else ttl
        if bundle.for_parent and parent_records:
            raise RefusedError("the request has CDS or CDNSKEY records, and others are to be made", where=bundle.id)
        lasting = [signer for signer in signers if not signer.is_revoked]
        yield PlannedBundle(
            id=bundle.id,
            inception=bundle.inception,
            expiration=bundle.expiration,
            ttl=common,
            keys=tuple(
                PublishedKey(one.key, common, one.identifier)
                for one in sorted([*ours, *others], key=lambda one: (one.key.tag, one.key.wire()))
            ),
            signers=signers,
            for_parent=bundle.for_parent or parent_rrsets(request.zone, lasting, parent_records, common),
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


def _standing(ksk: PublishedKey, act: Act) -> PublishedKey:
    """Give a KSK as it stands in a bundle."""
    return replace(ksk, key=ksk.key.revoked()) if act is Act.REVOKE else ksk


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
