"""Rules that stop a request and an answer to it, what overruling takes, and what a holder goes by."""

from dataclasses import replace
from io import BytesIO

import pytest

from keyquorum.dnssec.icann import read_ksr
from keyquorum.dnssec.model import ZoneResponse
from keyquorum.dnssec.responses import NamedSchema
from keyquorum.errors import (
    KeyquorumError,
    RefusedError,
    UsageError,
)
from keyquorum.maths.work import HERE
from keyquorum.policy.subject import Status
from keyquorum.quorum import signing
from keyquorum.records.requests import PARTIAL, REQUEST, Partial, Request
from tests.quorum.test_requests import ONE, forged, small, split
from tests.quorum.village import (
    NOW,
    WINDOW,
    Matter,
    answer,
    ask,
    combine,
    dealt,
    examined,
    opened,
    plain,
    root_request,
    sha256,
    villager,
    zone_records,
)
from tests.threshold.cases import seeded


def test_a_zone_that_the_key_may_not_sign() -> None:
    for matter in (zone_records(ONE, "other.example."), zone_records("other.example.")):
        with pytest.raises(RefusedError, match="KSR-DOMAIN") as caught:
            ask(matter, dealt())
        assert "other.example." in str(caught.value)


def test_a_zone_that_only_one_of_two_keys_may_sign() -> None:
    narrow = dealt("existing", zones=("two.example.",))
    with pytest.raises(RefusedError, match="KSR-DOMAIN"):
        ask(zone_records(ONE), dealt(), narrow)


def broken() -> Matter:
    """Two rules fail: the TTL within is fine, but the signatures would be valid for too long, and too far away."""
    matter = zone_records(ONE)
    window = replace(WINDOW, expiration=NOW + 200 * 86400)
    return Matter(matter.source, "zone", window, NOW)


BROKEN = {"KSR-POLICY-SIG-VALIDITY", "KSR-POLICY-SIG-HORIZON"}
REASONS = {rule: f"agreed in ticket {number}" for number, rule in enumerate(sorted(BROKEN), 42)}


def test_failed_rules_stop_the_request_and_all_are_named() -> None:
    quorum = dealt()
    failed = {result.rule for result in examined(broken(), [quorum]).report.failed}
    assert failed == BROKEN
    with pytest.raises(RefusedError, match="2 rules failed") as caught:
        ask(broken(), quorum)
    assert all(rule in str(caught.value) for rule in BROKEN)
    one = {"KSR-POLICY-SIG-HORIZON": "agreed"}
    with pytest.raises(RefusedError, match="1 rule failed: KSR-POLICY-SIG-VALIDITY"):
        ask(broken(), quorum, overrules=one)


def test_an_overruled_request_passes_and_keeps_what_was_overruled_and_why() -> None:
    quorum = dealt()
    request = ask(broken(), quorum, overrules=REASONS)
    record: Request = opened(request).signed.record
    assert {(one.rule, one.reason) for one in record.overrules} == set(REASONS.items())
    report = examined(broken(), [quorum], overrules=REASONS).report
    assert {result.rule for result in report.results if result.status is Status.OVERRULED} == BROKEN


def test_a_holder_has_to_overrule_for_itself() -> None:
    quorum = dealt()
    request = ask(broken(), quorum, overrules=REASONS)
    with pytest.raises(RefusedError, match="2 rules failed"):
        answer(request, broken(), quorum, 1)
    partials = [answer(request, broken(), quorum, index, overrules=REASONS) for index in (1, 2, 3)]
    header: Partial = PARTIAL.read(partials[0].partition(b"\n")[0]).record
    assert {(one.rule, one.reason) for one in header.overrules} == set(REASONS.items())
    assert combine(request, partials).good(quorum) == {1, 2, 3}


def test_what_did_not_fail_cannot_be_overruled() -> None:
    for overrules, words in (
        ({"KSR-DOMAIN": "to be sure"}, "did not fail"),
        ({"NO-SUCH-RULE": "because"}, "no rule 'NO-SUCH-RULE'"),
        ({"CLOCK": "just in case"}, "did not fail"),
        (REASONS | {"KSR-POLICY-SIG-HORIZON": " "}, "without a reason"),
    ):
        with pytest.raises(UsageError, match=words):
            ask(broken() if "KSR-POLICY-SIG-HORIZON" in overrules else zone_records(ONE), dealt(), overrules=overrules)


def test_a_request_of_another_day() -> None:
    quorum, matter = dealt(), zone_records(ONE)
    with pytest.raises(RefusedError, match="CLOCK"):
        ask(matter, quorum, now=NOW + 2 * 86400)
    request = ask(matter, quorum)
    with pytest.raises(RefusedError, match="CLOCK"):
        answer(request, matter, quorum, 1, now=NOW - 90000)


def test_a_holder_judges_by_its_own_policy() -> None:
    quorum, matter, request = small()
    policy = matter.basis().policy
    strict = replace(policy, ksk_policy=replace(policy.ksk_policy, max_signature_validity=2 * 86400))
    with pytest.raises(RefusedError, match="KSR-POLICY-SIG-VALIDITY"):
        answer(request, matter, quorum, 1, policy=strict)
    header: Partial = PARTIAL.read(answer(request, matter, quorum, 1).partition(b"\n")[0]).record
    assert header.policy == matter.basis().policy_digest
    assert header.request == opened(request).signed.id
    assert header.at == NOW


def test_terms_that_are_not_the_holders() -> None:
    quorum, matter = dealt(), root_request()
    request = forged(ask(matter, quorum), lambda document: document["terms"].update(ttl=1))
    with pytest.raises(RefusedError, match="KQ-TERMS"):
        answer(request, matter, quorum, 1)


def test_a_request_id_seen_before_with_another_source() -> None:
    quorum, matter = dealt(), root_request()
    request = ask(matter, quorum)
    name = read_ksr(matter.source).id
    answer(request, matter, quorum, 1, seen={})
    answer(request, matter, quorum, 1, seen={name: sha256(matter.source)})
    with pytest.raises(RefusedError, match="KSR-ID"):
        answer(request, matter, quorum, 1, seen={name: sha256(b"another")})


def test_the_previous_response_answered_this_very_request() -> None:
    quorum, matter = dealt(), root_request()
    request = ask(matter, quorum)
    partials = [answer(request, matter, quorum, index) for index in (1, 2, 3)]
    (previous,) = combine(request, partials).responses
    assert isinstance(previous, ZoneResponse)
    with pytest.raises(RefusedError, match="KSR-ID"):
        ask(matter, quorum, previous=previous)


# Answering


def test_whoever_has_no_share_cannot_answer() -> None:
    _, matter, request = small()
    judged = matter.basis()
    examination = examined(matter, [dealt()])
    for name, shares in (("alice", {}), ("mallory", {dealt().key.id: dealt().shares[0]}), ("alice", {b"x": 1})):
        with pytest.raises(RefusedError, match="no share"):
            signing.answer(
                opened(request), examination, shares, judged, villager(name).identity, BytesIO, seeded(), HERE
            )


def test_the_same_randomness_makes_the_same_answer() -> None:
    quorum, matter, request = small()
    first, second = (answer(request, matter, quorum, 2) for _ in range(2))
    assert first == second


def test_a_request_made_for_one_key_says_so() -> None:
    quorum, matter, request = small()
    signed = REQUEST.read(split(request)[0])
    assert [one.key.id for one in signed.record.keys] == [quorum.key.id]
    assert signed.record.source.sha256 == sha256(matter.source)
    assert signed.record.source.length == len(matter.source)
    assert (signed.record.at, signed.record.first, signed.record.previous) == (NOW, True, None)
    assert signed.record.responses == (NamedSchema("normal", "normal"),)
    assert signed.record.window == WINDOW


def test_an_empty_zone_file() -> None:
    for source in (b"", b"; nothing\n", b"\n"):
        with pytest.raises(KeyquorumError):
            ask(plain(source), dealt())
