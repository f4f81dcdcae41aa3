"""The root's own requests: 2017-q2 passes, the spoilt one names its bundles, 2010 shows what overruling is for."""

from calendar import timegm
from dataclasses import replace

import dns.name
import pytest

from keyquorum.dnssec.icann import read_ksr, read_skr
from keyquorum.dnssec.model import Dnskey, Terms, ZoneRequest, ZoneResponse
from keyquorum.policy.profile import profile
from keyquorum.policy.rules import RULES, evaluate
from keyquorum.policy.subject import Status, Subject
from tests.data import data
from tests.policy.good_request import failures
from tests.policy.rolling import planned

DO_NOT_APPLY = {"KQ-CDS", "KQ-KSK-LIFE", "KQ-7583-DS"}
NEEDS_PREVIOUS = {"KSR-POLICY-SAFETY", "KSR-CHAIN-KEYS", "KSR-CHAIN-OVERLAP"}


def request(name: str) -> ZoneRequest:
    return read_ksr(data(f"ksr/{name}").read_bytes())


def response(name: str) -> ZoneResponse:
    return read_skr(data(f"ksr/{name}").read_bytes())


def root_ksk() -> Dnskey:
    """The root's KSK of 2010 to 2018."""
    last = response("skr-root-2017-q1-0.xml").bundles[-1]
    return next(published.key for published in last.keys if published.key.tag == 19036)


def subject(name: str, day: tuple[int, int, int], *, ksks: tuple[Dnskey, ...] = ()) -> Subject:
    at = timegm((*day, 12, 0, 0))
    root = profile("root")
    terms = Terms(root.ksk_ttl, root.ksk_policy)
    return Subject(request(name), root, ksks, frozenset({dns.name.root}), None, at, at, terms=terms, first=True)


def statuses(subject: Subject) -> dict[str, Status]:
    return {result.rule: result.status for result in evaluate(subject).results}


def test_2017_q2_after_its_predecessor_passes_every_rule() -> None:
    judged = subject("ksr-root-2017-q2-0.xml", (2017, 2, 7), ksks=(root_ksk(),))
    judged = planned(replace(judged, previous=response("skr-root-2017-q1-0.xml"), seen={}, first=False))
    passed = {rule.id: Status.PASSED for rule in RULES}
    assert statuses(judged) == passed | dict.fromkeys(DO_NOT_APPLY, Status.NOT_APPLICABLE)


def test_2017_q2_for_a_quorum_that_did_not_sign_the_predecessor() -> None:
    quorum = replace(root_ksk(), public_key=b"\3\1\0\1" + b"\xc5" * 256)
    judged = replace(
        subject("ksr-root-2017-q2-0.xml", (2017, 2, 7), ksks=(quorum,)),
        previous=response("skr-root-2017-q1-0.xml"),
        first=False,
    )
    assert failures(judged) == {
        "KSR-CHAIN-KEYS": "previous response: its last bundle is not signed by a key of this quorum"
    }
    assert failures(replace(judged, ksks=(quorum, root_ksk()))) == {}
    # Nor can any validator follow.
    assert set(failures(planned(judged))) == {"KSR-CHAIN-KEYS", "KQ-5011-HOLDDOWN", "KQ-5011-REMOVE"}


def test_2017_q2_as_the_first_signing_of_a_quorum() -> None:
    quorum = replace(root_ksk(), public_key=b"\3\1\0\1" + b"\xc5" * 256)
    judged = statuses(planned(subject("ksr-root-2017-q2-0.xml", (2017, 2, 7), ksks=(quorum,))))
    left_out = {rule for rule, status in judged.items() if status is Status.NOT_APPLICABLE}
    assert left_out == NEEDS_PREVIOUS | DO_NOT_APPLY | {"KSR-ID"}
    assert {rule for rule, status in judged.items() if status is Status.PASSED} == set(judged) - left_out


def test_2017_q2_does_not_follow_itself() -> None:
    judged = subject("ksr-root-2017-q2-0.xml", (2017, 2, 7), ksks=(root_ksk(),))
    failed = failures(replace(judged, previous=response("skr-root-2017-q2-0.xml"), first=False))
    assert set(failed) == {"KSR-ID", "KSR-BUNDLE-UNIQUE", "KSR-CHAIN-KEYS", "KSR-CHAIN-OVERLAP"}


def test_the_spoilt_request_names_bundle_and_key() -> None:
    failed = failures(subject("ksr-bad-signatures.xml", (2017, 11, 7), ksks=(root_ksk(),)))
    first = "bundle 1 (0a8f7774-3bd3-4702-a923-f1d73f653bd6): the proof of key tag"
    wrong = "is bad: the signature is wrong for these keys and times"
    assert failed == {"KSR-BUNDLE-POP": f"{first} 46809 {wrong}; {first} 41824 {wrong}"}


def test_2010_q1() -> None:
    judged = subject("ksr-root-2010-q1-0.xml", (2009, 12, 27), ksks=(root_ksk(),))
    failed = failures(judged)
    # It states keys with exponent 3 and lists keys of 1024 bits with 65537.
    assert set(failed) == {
        "KSR-BUNDLE-KEYS",
        "KSR-POLICY-ALG",
        "KSR-POLICY-SIG-OVERLAP",
        "KSR-POLICY-SIG-VALIDITY",
    }
    second = "bundle 2 (086ce566-8cb9-4d8d-a99e-169789686ba7)"
    assert (
        f"{second}: overlaps the one before by P4DT23H59M59S, less than P5D (the request states)"
        in (failed["KSR-POLICY-SIG-OVERLAP"])
    )
    assert (
        f"{second}: is valid for P14DT23H59M59S, less than P15D (the request states)"
        in (failed["KSR-POLICY-SIG-VALIDITY"])
    )
    assert "states algorithm 8, 1024 bits, exponent 3" in failed["KSR-POLICY-ALG"]
    report = evaluate(judged)
    assert not report.acceptable
    assert report.apply_overrules(dict.fromkeys(failed, "as published in 2010")).acceptable


@pytest.mark.parametrize("name", ["ksr-root-2017-q2-0.xml", "ksr-bad-signatures.xml", "ksr-root-2010-q1-0.xml"])
def test_judged_years_later_every_bundle_is_over(name: str) -> None:
    failed = failures(subject(name, (2026, 1, 1)))
    assert failed["KSR-POLICY-SIG-HORIZON"].count("is in the past") == 9
