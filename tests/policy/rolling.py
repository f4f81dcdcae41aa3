"""Quarters of the root while its KSK is rolled: requests with real proofs, judged, answered with real signatures.

Each quarter's request is judged after the answer to the one before it, under the schemas that are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from keyquorum.dnssec.calendar import Calendar, months_later
from keyquorum.dnssec.model import Bundle, Dnskey, KeyKind, PublishedKey, ZoneRequest, ZoneResponse
from keyquorum.dnssec.responses import Derivation, NamedSchema, derive
from keyquorum.policy.bounds import Bounds
from keyquorum.policy.profile import AllowedKey, Policy, profile
from keyquorum.policy.subject import Subject
from tests.policy.good_request import DAY, ROOT, START, ZSK_POLICY, p256, proven, published, rsa, sign

CALENDAR = Calendar(9, 9 * DAY, 11 * DAY, 21 * DAY)
OLD, NEW, EC = rsa(1, flags=257), rsa(7, flags=257), p256(1, flags=257)
BOTH = (KeyKind(8, 2048, 65537), KeyKind(13, 256))


def policy(**changes: object) -> Policy:
    """Give the root's policy, with room for another algorithm and for any number of zone keys."""
    root = profile("root")
    room = replace(
        root,
        keys_per_bundle=(),
        keys_in_all=None,
        allowed_keys=(*root.allowed_keys, AllowedKey(13, Bounds(0, 0), ())),
        ksk_policy=replace(root.ksk_policy, algorithms=BOTH),
    )
    return replace(room, **changes)  # type: ignore[arg-type]


def zone_key(quarter: int, algorithm: int) -> Dnskey:
    """Give the zone key of a quarter."""
    return rsa(100 + quarter) if algorithm == 8 else p256(100 + quarter)


@cache
def request(quarter: int, rows: str) -> ZoneRequest:
    """Give the request of a quarter (0 is the first); ``rows`` says which algorithms' zone keys each bundle lists.

    A letter a bundle: r RSA, e ECDSA, b both. As at the root, the key of the quarter before stands in the first bundle
    still, that of the next quarter in the last one already.
    """
    start, end = months_later(START, 3 * quarter), months_later(START, 3 * quarter + 3)
    bundles = []
    for place, (letter, times) in enumerate(zip(rows, CALENDAR.bundles(start, end), strict=True)):
        quarters = {0: (quarter - 1, quarter), 8: (quarter, quarter + 1)}.get(place, (quarter,))
        algorithms = {"r": (8,), "e": (13,), "b": (8, 13)}[letter]
        keys = [published(zone_key(one, algorithm)) for one in quarters for algorithm in algorithms]
        bundles.append(proven(ROOT, Bundle(f"{quarter}-{place}", *times, tuple(keys))))
    stated = replace(ZSK_POLICY, algorithms=BOTH)
    return ZoneRequest(ROOT, tuple(bundles), id=f"request-{quarter}", serial=1, policy=stated, proofs=True)


@dataclass
class Rolling:
    """The quarters so far: ``previous`` is the answer that was published last."""

    policy: Policy = field(default_factory=policy)
    quarter: int = 0
    previous: ZoneResponse | None = None

    def subject(self, rows: str, ksks: Sequence[Dnskey], *schemas: str, **changes: object) -> Subject:
        """Give the next quarter's request, to be answered under ``schemas``; the first is the one to publish."""
        asked = request(self.quarter, rows)
        judged_at = asked.bundles[0].inception - 30 * DAY
        subject = Subject(
            request=asked,
            policy=self.policy,
            ksks=tuple(ksks),
            zones=frozenset({ROOT}),
            previous=self.previous,
            first=self.previous is None,
            at=judged_at,
            now=judged_at,
            seen={},
        )
        return planned(replace(subject, **changes), *schemas)  # type: ignore[arg-type]

    def publish(self, subject: Subject, place: int = 0) -> "Rolling":
        """Answer ``subject`` and give the world after its response number ``place``."""
        derivation = derivation_of(subject, *[(one.name, one.schema.name) for one in subject.responses])
        _, bundles = answers(derivation)[place]
        response = ZoneResponse(ROOT, bundles, id=subject.request.id, serial=1, zsk_policy=subject.request.policy)
        return Rolling(self.policy, self.quarter + 1, response)


def planned(subject: Subject, *schemas: str, roles: Sequence[str] | None = None) -> Subject:
    """Give ``subject`` with responses under ``schemas`` (normal if there are none), each under the schema's name."""
    derivation = derivation_of(subject, *[(name, name) for name in schemas or ("normal",)], roles=roles)
    return replace(subject, responses=derivation.responses)


def derivation_of(subject: Subject, *wanted: tuple[str, str], roles: Sequence[str] | None = None) -> Derivation:
    ksks = [PublishedKey(key, 0, "") for key in subject.ksks]
    named = [NamedSchema(name, schema) for name, schema in wanted]
    return derive(named, subject.request, ksks, subject.policy.ksk_ttl, roles=roles)


def answers(derivation: Derivation) -> tuple[tuple[str, tuple[Bundle, ...]], ...]:
    made = [
        [sign(key, message) for message in messages]
        for key, messages in zip(derivation.ksks, derivation.messages, strict=True)
    ]
    return derivation.answers(made)
