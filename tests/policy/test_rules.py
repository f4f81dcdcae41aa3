"""All rules together: each is run, none is taken for passed, a good request passes them all."""

from dataclasses import replace
from pathlib import Path

import pytest

from keyquorum.policy.profile import KskLife
from keyquorum.policy.rules import RULES, evaluate
from keyquorum.policy.subject import Outcome, Status, Subject
from tests.policy.good_request import (
    KSK,
    good,
    plain,
)
from tests.policy.rolling import planned
from tests.policy.spoilt import TERMS, spoil, tag


def test_the_good_one_passes_every_rule_and_says_what_was_found() -> None:
    lives = (KskLife(KSK.tag, 8, 0, 2**32 - 1),)
    results = evaluate(planned(replace(spoil(terms=TERMS), policy=spoil.policy(ksk_lives=lives).policy))).results
    # The root's form has no place for the records that KQ-CDS judges, and the root has no parent.
    not_applicable = {result.rule for result in results if result.status is not Status.PASSED}
    assert not_applicable == {"KQ-CDS", "KQ-7583-DS"}
    assert {result.rule: result.detail for result in results} == {
        "KSR-DOMAIN": "the keys may sign .",
        "KSR-ID": "differs from the previous response and every other request seen before",
        "KSR-BUNDLE-UNIQUE": "9 different ids",
        "KSR-BUNDLE-KEYS": "each key is a zone key, and each identifier means one key",
        "KSR-BUNDLE-POP": "11 proofs of possession are good",
        "KSR-BUNDLE-COUNT": "9 bundles",
        "KSR-BUNDLE-CYCLE-DURATION": "the cycle is P80D",
        "KSR-POLICY-KEYS": "3 different keys, in the bundles [2, 1, 1, 1, 1, 1, 1, 1, 2]",
        "KSR-POLICY-ALG": "every kind of key is allowed",
        "KSR-POLICY-SIG-OVERLAP": "every overlap is within bounds",
        "KSR-POLICY-SIG-VALIDITY": "every bundle is valid for as long as stated",
        "KSR-POLICY-SIG-HORIZON": "every bundle ends within P180D",
        "KSR-POLICY-BUNDLE-INTERVALS": "every interval is within bounds",
        "KSR-POLICY-SAFETY": "keys stand P10D before they sign and P10D after",
        "KQ-CHAIN": "the previous response is at hand",
        "KSR-CHAIN-KEYS": f"the previous response was signed by {tag(KSK)}",
        "KSR-CHAIN-OVERLAP": "overlaps the previous response by P11D",
        "KQ-FOREIGN-KSK": "no key signing key but the quorum's",
        "KQ-KEY-TAGS": "the tags of each bundle are different",
        "KQ-ZSK-STRENGTH": "no weakness in 3 keys",
        "KQ-TTL": "every TTL is 172800",
        "KQ-CDS": "the request has no CDS or CDNSKEY records",
        "KQ-SCHEMA": "nothing in the request is against the schema of normal",
        "KQ-REVOKED": "no key is revoked",
        "KQ-ALGORITHMS": "algorithm 8 throughout",
        "KQ-KSK-LIFE": "every KSK signs within its life",
        "KQ-TERMS": "the response will state what the policy does",
        "KQ-5011-HOLDDOWN": "every bundle is signed by a KSK that validators trust by then",
        "KQ-5011-REVOKE": "no KSK comes back from being revoked",
        "KQ-5011-REMOVE": "no KSK goes before validators know that it was revoked",
        "KQ-6840-ANCHORS": "signed with each algorithm that validators may expect",
        "KQ-7583-DS": "validators follow by RFC 5011, the policy says",
        "CLOCK": "judged at 2026-01-31 00:00:00 UTC",
    }
    assert [result.rule for result in results] == [rule.id for rule in RULES]


def test_the_plain_one_passes_what_applies_to_it() -> None:
    results = evaluate(planned(plain())).results
    passed = {result.rule for result in results if result.status is Status.PASSED}
    assert passed == {
        "KSR-DOMAIN", "KSR-BUNDLE-KEYS", "KSR-POLICY-ALG", "KSR-POLICY-SIG-VALIDITY", "KSR-POLICY-SIG-HORIZON",
        "KQ-CHAIN", "KQ-FOREIGN-KSK", "KQ-KEY-TAGS", "KQ-ZSK-STRENGTH", "KQ-TTL", "KQ-SCHEMA", "KQ-REVOKED",
        "KQ-ALGORITHMS", "KQ-7583-DS", "CLOCK",
    }  # fmt: skip
    assert {result.detail for result in results if result.rule not in passed} == {
        "the request has no id",
        "a plain RRset, not a key signing request",
        "no previous response",
        "the format of the request carries no proofs of possession",
        "there is only one bundle",
        "the request has no CDS or CDNSKEY records",
        "nothing is said of a response yet",
        "the policy says of no KSK from when until when it signs",
        "validators go by the DS records at the parent, the policy says",
    }
    assert {result.status for result in results if result.rule not in passed} == {Status.NOT_APPLICABLE}


def test_a_rule_that_crashes_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_subject: Subject) -> Outcome:
        raise ZeroDivisionError

    broken = (*RULES[:3], replace(RULES[3], check=crash), *RULES[4:])
    monkeypatch.setattr("keyquorum.policy.rules.RULES", broken)
    with pytest.raises(ZeroDivisionError):
        evaluate(good())


def test_every_rule_is_broken_somewhere_beside_this_file() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_rules_*.py"))
    assert [rule.id for rule in RULES if f'"{rule.id}"' not in text] == []
