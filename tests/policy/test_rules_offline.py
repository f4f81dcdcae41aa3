"""Requests of BIND and Knot: the rules run over their bundles alike; what cannot apply says why."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Terms
from keyquorum.policy.bounds import Bounds
from keyquorum.policy.profile import profile
from keyquorum.policy.rules import RULES, evaluate
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import DAY, START, answered, failures, labelled, p256, plain
from tests.policy.offline import FIRST, KSK, SECOND, THIRD, TIMES, ZONE, good_offline, offline
from tests.policy.rolling import planned
from tests.policy.spoilt import detail, status, tag

TERMS = Terms(None, None, TIMES, ("CDNSKEY", "CDS SHA-256"))


def asking(request: object, **changes: object) -> Subject:
    return replace(good_offline(), request=request, **changes)  # type: ignore[arg-type]


def policy(**changes: object) -> Subject:
    return replace(good_offline(), policy=replace(good_offline().policy, **changes))  # type: ignore[arg-type]


def test_what_applies_passes_and_the_rest_says_why() -> None:
    results = evaluate(planned(replace(good_offline(), terms=TERMS))).results
    assert {result.rule: result.detail for result in results if result.status is not Status.PASSED} == {
        "KSR-ID": "the request has no id",
        "KSR-BUNDLE-UNIQUE": "a request of BIND or Knot has no ids; its bundles are named after their times",
        "KSR-BUNDLE-POP": "the format of the request carries no proofs of possession",
        "KSR-BUNDLE-COUNT": "the policy sets no number of bundles",
        "KSR-BUNDLE-CYCLE-DURATION": "the policy sets no duration of a cycle",
        "KSR-POLICY-KEYS": "the policy sets no numbers of keys",
        "KSR-POLICY-BUNDLE-INTERVALS": "the policy sets no interval",
        "KSR-POLICY-SAFETY": "a request of BIND or Knot says which keys stand in the zone, not which of them sign it",
        "KQ-CDS": "the request has no CDS or CDNSKEY records",
        "KQ-KSK-LIFE": "the policy says of no KSK from when until when it signs",
    } | dict.fromkeys(
        ("KQ-5011-HOLDDOWN", "KQ-5011-REVOKE", "KQ-5011-REMOVE", "KQ-6840-ANCHORS"),
        "validators go by the DS records at the parent, the policy says",
    )
    assert {result.status for result in results} == {Status.PASSED, Status.NOT_APPLICABLE}
    assert len(results) == len(RULES)
    assert detail(good_offline(), "KSR-CHAIN-KEYS") == f"the previous response was signed by {tag(KSK)}"


def test_bounds_of_a_policy_apply_to_the_derived_bundles() -> None:
    assert len(good_offline().request.bundles) == 6
    assert failures(policy(bundle_count=3)) == {"KSR-BUNDLE-COUNT": "request: has 6 bundles, not 3"}
    assert failures(policy(cycle_duration=Bounds(0, DAY))) == {
        "KSR-BUNDLE-CYCLE-DURATION": "request: the cycle is P29D, more than P1D"
    }
    assert failures(policy(keys_in_all=3)) == {"KSR-POLICY-KEYS": "request: lists 2 different keys, not 3"}
    assert set(failures(policy(bundle_interval=Bounds(2 * DAY, 9 * DAY)))) == {"KSR-POLICY-BUNDLE-INTERVALS"}
    late = replace(good_offline(), at=START + 20 * DAY, now=START + 20 * DAY)
    assert failures(late)["KSR-POLICY-SIG-HORIZON"].startswith("bundle 1 (20260401000000): is in the past")
    # A bundle is valid for P14D and the offset, and overlaps the next one for at least P5D and the offset.
    ksk_policy = replace(good_offline().policy.ksk_policy, max_signature_validity=14 * DAY + 3599)
    assert set(failures(policy(ksk_policy=ksk_policy))) == {"KSR-POLICY-SIG-VALIDITY"}
    ksk_policy = replace(good_offline().policy.ksk_policy, min_validity_overlap=5 * DAY + 3601)
    assert set(failures(policy(ksk_policy=ksk_policy))) == {"KSR-POLICY-SIG-OVERLAP"}
    assert set(failures(policy(proofs_required=True))) == {"KSR-BUNDLE-POP"}


def test_the_chain() -> None:
    strangers = asking(offline((THIRD,), (SECOND, THIRD)))
    assert failures(strangers) == {
        "KSR-CHAIN-KEYS": f"bundle 1 (20260401000000): {tag(THIRD)} is not in the last bundle of the previous response"
    }
    assert failures(asking(offline((FIRST, SECOND), (SECOND,)))) == {}
    assert status(replace(good_offline(), previous=None, first=True), "KSR-CHAIN-KEYS") is Status.NOT_APPLICABLE
    assert status(replace(good_offline(), previous=None, first=True), "KSR-CHAIN-OVERLAP") is Status.NOT_APPLICABLE
    previous = good_offline().previous
    assert previous is not None
    gap = replace(previous, bundles=previous.bundles[:1])
    assert set(failures(replace(good_offline(), previous=gap))) == {"KSR-CHAIN-OVERLAP"}
    other = tuple(answered(ZONE, replace(one, signatures=()), SECOND) for one in previous.bundles)
    assert failures(replace(good_offline(), previous=replace(previous, bundles=other))) == {
        "KSR-CHAIN-KEYS": "previous response: its last bundle is not signed by a key of this quorum"
    }


def test_the_bundle_before_is_the_one_served_when_the_request_starts() -> None:
    """A request for a period that began already: later bundles of the previous response are not what it follows."""
    previous = good_offline().previous
    assert previous is not None
    last = previous.bundles[-1]
    beyond = answered(
        ZONE,
        replace(last, keys=labelled(KSK, THIRD, ttl=3600), start=START + 1, expiration=last.expiration + DAY),
        KSK,
    )
    longer = replace(previous, bundles=(*previous.bundles, beyond))
    assert failures(replace(good_offline(), previous=longer)) == {}
    at_once = replace(longer, bundles=(*previous.bundles, replace(beyond, start=START)))
    assert set(failures(replace(good_offline(), previous=at_once))) == {"KSR-CHAIN-KEYS"}
    # A response in a form that does not say when its bundles start: they do with their inception.
    unsaid = replace(longer, bundles=tuple(replace(one, start=None) for one in longer.bundles[:-1]))
    assert failures(replace(good_offline(), previous=unsaid)) == {}
    # All of it lies ahead: the last bundle is what there is.
    ahead = replace(longer, bundles=tuple(replace(one, start=START + DAY) for one in longer.bundles))
    assert set(failures(replace(good_offline(), previous=ahead))) == {"KSR-CHAIN-KEYS"}


NOT_THE_POLICYS = "response: the times its bundles are derived with are not the policy's"


@pytest.mark.parametrize(
    ("terms", "times", "records", "expected"),
    [
        (TERMS, None, None, ""),
        (TERMS, replace(TIMES, until=None), ("CDNSKEY", "CDS SHA-256"), ""),
        (replace(TERMS, parent_records=()), None, None, ""),
        (TERMS, replace(TIMES, until=None, refresh=1), None, NOT_THE_POLICYS),
        (TERMS, replace(TIMES, until=None, inception_offset=1), None, NOT_THE_POLICYS),
        (
            TERMS,
            None,
            (),
            "response: its records for the parent are to be CDNSKEY and CDS SHA-256; the policy says none",
        ),
        (
            replace(TERMS, parent_records=()),
            None,
            ("CDNSKEY",),
            "response: its records for the parent are to be none; the policy says CDNSKEY",
        ),
        (
            replace(TERMS, times=replace(TIMES, validity=15 * DAY)),
            None,
            None,
            "response: its bundles were not derived with the times that the terms state",
        ),
    ],
)
def test_terms(terms: Terms, times: object, records: object, expected: str) -> None:
    subject = replace(policy(times=times, parent_records=records), terms=terms)
    assert failures(subject) == ({"KQ-TERMS": expected} if expected else {})


def test_terms_of_other_requests() -> None:
    made = "response: records for the parent are made only for a request of BIND or Knot"
    derived = "response: its bundles were not derived with the times that the terms state"
    for terms, expected in (
        (Terms(None, None, None, ("CDNSKEY",)), made),
        (Terms(None, None, TIMES), derived),
    ):
        assert failures(replace(plain(), terms=terms)) == {"KQ-TERMS": expected}


def test_a_foreign_ksk_in_it() -> None:
    stranger = p256(5, flags=257)
    assert set(failures(asking(offline((FIRST, stranger), (SECOND,))))) == {"KSR-BUNDLE-KEYS", "KQ-FOREIGN-KSK"}


def test_what_bind_and_knot_ask_for_by_default_suits_a_top_level_domain() -> None:
    strict = replace(good_offline(), policy=profile("tld"))
    assert failures(strict) == {}
    stated = replace(profile("tld").ksk_policy, min_validity_overlap=10 * DAY)
    short = replace(strict, policy=replace(profile("tld"), ksk_policy=stated))
    assert set(failures(short)) == {"KSR-POLICY-SIG-OVERLAP"}
