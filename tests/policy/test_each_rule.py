"""For every rule a request that breaks it, with the exact set of rules that fail: mostly that one alone.

Each is judged as a holder judges it, with what would be signed. The table is complete: a rule without a request that
breaks it fails here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.dnssec.trust import Trust
from keyquorum.policy.bounds import Bounds
from keyquorum.policy.profile import KskLife
from keyquorum.policy.rules import RULES
from keyquorum.policy.subject import Subject
from tests.policy.good_request import (
    DAY,
    KSK,
    NEXT,
    NOW,
    ROOT,
    START,
    answered,
    failures,
    good,
    good_previous,
    good_request,
    labelled,
    p256,
    plain,
    prime,
    published,
    rsa_key,
    with_flags,
)
from tests.policy.rolling import EC, NEW, OLD, Rolling, planned, policy
from tests.policy.spoilt import EXAMPLE, TERMS, last, spoil, spoil_plain

FIRST, SECOND = plain().ksks[0], p256(9, flags=257)
DS = Trust(follows=False, propagation=DAY, parent=90 * DAY)
R, JOINING, B = "r" * 9, "r" + "b" * 8, "b" * 9


def after(*steps: tuple[str, tuple[Dnskey, ...], str], world: Rolling | None = None) -> Rolling:
    world = world or Rolling()
    for rows, ksks, schema in steps:
        world = world.publish(world.subject(rows, ksks, schema))
    return world


def bad_proof() -> Subject:
    (proof,) = good_request().bundles[1].signatures
    return spoil.bundle(2, prove=False, signatures=(replace(proof, signature=b"\1" * 256),))


def short_overlap() -> Subject:
    end = good_previous().bundles[-1]
    short = answered(ROOT, replace(end, expiration=START + 9 * DAY - 1))
    return spoil.previous(bundles=(*good_previous().bundles[:-1], short))


def two_with_one_tag() -> Subject:
    by_tag: dict[int, Dnskey] = {}
    pairs = ((first, key) for key in map(p256, range(2000)) for first in [by_tag.setdefault(key.tag, key)])
    one, other = next((first, key) for first, key in pairs if first != key)
    return spoil_plain.bundle(1, prove=False, keys=labelled(FIRST, one, other, ttl=3600))


def prime_modulus() -> Subject:
    key = rsa_key(65537, prime(43, 2048), prime(43, 2048) - 1)
    return spoil.bundle(9, keys=last(key))


def algorithm_withdrawn() -> Subject:
    """In the quarter before, the response kept ready took the place of the other one from the seventh bundle on."""
    world = after((R, (OLD,), "normal"), (JOINING, (OLD, EC), "join"))
    asked = world.subject(B, (OLD, EC), "double-sign", "back-out")
    as_planned, backed_out = (world.publish(asked, place).previous for place in (0, 1))
    assert as_planned is not None
    assert backed_out is not None
    mixed = replace(as_planned, bundles=(*as_planned.bundles[:6], *backed_out.bundles[6:]))
    return Rolling(world.policy, 3, mixed).subject(R, (OLD,), "normal")


def rolled(*schemas: str) -> Rolling:
    return after((R, (OLD,), "normal"), *((R, (OLD, NEW), schema) for schema in schemas))


BROKEN: Mapping[str, Callable[[], Subject]] = {
    "KSR-DOMAIN": lambda: spoil(zones=frozenset({EXAMPLE})),
    "KSR-ID": lambda: spoil(seen={"request-2": b"another"}),
    "KSR-BUNDLE-UNIQUE": lambda: spoil.bundle(3, id="b-2"),
    "KSR-BUNDLE-KEYS": lambda: spoil.bundle(9, keys=(*labelled(NOW), published(NEXT, "now"))),
    "KSR-BUNDLE-POP": bad_proof,
    "KSR-BUNDLE-COUNT": lambda: spoil.policy(bundle_count=8),
    "KSR-BUNDLE-CYCLE-DURATION": lambda: spoil.policy(cycle_duration=Bounds(0, 79 * DAY)),
    "KSR-POLICY-KEYS": lambda: spoil.policy(keys_in_all=4),
    "KSR-POLICY-ALG": lambda: spoil.policy(allowed_keys=()),
    "KSR-POLICY-SIG-OVERLAP": lambda: replace(
        spoil.stated(min_validity_overlap=11 * DAY + 1), previous=None, first=True
    ),
    "KSR-POLICY-SIG-VALIDITY": lambda: spoil.stated(min_signature_validity=21 * DAY + 1),
    "KSR-POLICY-SIG-HORIZON": lambda: spoil.policy(horizon=161 * DAY - 1),
    "KSR-POLICY-BUNDLE-INTERVALS": lambda: spoil.policy(bundle_interval=Bounds(9 * DAY, 10 * DAY - 1)),
    "KQ-CHAIN": lambda: spoil(previous=None),
    "KSR-POLICY-SAFETY": lambda: spoil.stated(publish_safety=10 * DAY + 1),
    "KSR-CHAIN-KEYS": lambda: spoil.previous(zone=EXAMPLE),
    "KSR-CHAIN-OVERLAP": short_overlap,
    "KQ-FOREIGN-KSK": lambda: spoil.bundle(9, keys=last(with_flags(NEXT, 257))),
    "KQ-KEY-TAGS": two_with_one_tag,
    "KQ-ZSK-STRENGTH": prime_modulus,
    "KQ-TTL": lambda: spoil.bundle(9, keys=last(NEXT, ttl=60)),
    "KQ-CDS": lambda: spoil_plain.bundle(
        1, prove=False, for_parent=parent_rrsets(EXAMPLE, [SECOND], ("CDS SHA-256",), 60)
    ),
    "KQ-SCHEMA": lambda: planned(
        replace(
            spoil_plain.bundle(1, prove=False, keys=labelled(FIRST, SECOND, p256(2), ttl=3600)), ksks=(FIRST, SECOND)
        ),
        "back-out",
    ),
    "KQ-REVOKED": lambda: spoil_plain.bundle(1, prove=False, keys=labelled(FIRST.revoked(), p256(2), ttl=3600)),
    "KQ-ALGORITHMS": lambda: Rolling().subject("rr" + "b" * 7, (OLD, EC), "join"),
    "KQ-KSK-LIFE": lambda: spoil.policy(ksk_lives=(KskLife(KSK.tag, 8, START + 1, 2**32 - 1),)),
    "KQ-TERMS": lambda: spoil(terms=replace(TERMS, ttl=60)),
    "KQ-5011-HOLDDOWN": lambda: rolled().subject(R, (OLD, NEW), "rollover"),
    "KQ-5011-REVOKE": lambda: rolled("pre-publish", "rollover", "revoke").subject(R, (OLD, NEW), "hold"),
    "KQ-5011-REMOVE": lambda: rolled("pre-publish", "rollover").subject(R, (NEW,), "normal"),
    "KQ-6840-ANCHORS": algorithm_withdrawn,
    "KQ-7583-DS": lambda: after(
        (R, (OLD,), "normal"), (R, (OLD, NEW), "join"), world=Rolling(policy(trust=DS))
    ).subject(R, (OLD, NEW), "leave"),
    "CLOCK": lambda: spoil(now=good().now + DAY + 1),
}
"""A subject that breaks the rule; a plan of what is signed is added where it has none."""

COUPLED: Mapping[str, frozenset[str]] = {
    # A key with the SEP flag is not a zone key either.
    "KQ-FOREIGN-KSK": frozenset({"KSR-BUNDLE-KEYS"}),
    # It is not revoked in what is signed.
    "KQ-REVOKED": frozenset({"KQ-SCHEMA"}),
}
"""What fails besides, and why."""


def test_the_table_has_every_rule() -> None:
    assert list(BROKEN) == [rule.id for rule in RULES]
    assert COUPLED.keys() <= BROKEN.keys()


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_alone(rule: str) -> None:
    subject = BROKEN[rule]()
    subject = subject if subject.responses else planned(subject)
    assert set(failures(subject)) == {rule} | COUPLED.get(rule, frozenset())


def test_what_they_are_made_of_is_good() -> None:
    for subject in (good(), plain()):
        assert failures(planned(subject)) == {}
