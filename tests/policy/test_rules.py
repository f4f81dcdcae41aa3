"""Each rule is broken by at least one subject that is otherwise good; the exact set of rules that fail is expected.

Some rules are coupled: a key with flags 257 is neither a zone key nor the quorum's. Then both are listed.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from keyquorum.dnssec.model import Dnskey, KeyKind, PublishedKey, Terms
from keyquorum.errors import SignatureError
from keyquorum.policy.profile import AllowedKey, Bounds
from keyquorum.policy.rules import RULES, evaluate
from keyquorum.policy.subject import Outcome, Status, Subject
from tests.policy.good_request import (
    DAY,
    KSK,
    NEXT,
    NOW,
    OLD,
    OTHER,
    ROOT,
    START,
    TTL,
    ZSK_POLICY,
    Spoiler,
    answered,
    failures,
    good,
    good_previous,
    good_request,
    labelled,
    p256,
    plain,
    prime,
    proven,
    published,
    rsa,
    rsa_key,
    with_flags,
)

EXAMPLE = dns.name.from_text("example.")
spoil = Spoiler(good())
spoil_plain = Spoiler(plain())
TERMS = Terms(good().policy.ksk_ttl, good().policy.ksk_policy)
NOT_THE_TIMES = "response: the times of the KSK it is to state are not the policy's"
NOT_BOTH = "response: a policy of the KSK belongs to a key signing request, and only to one"
NOT_THE_KINDS = "response: the kinds of KSK it is to state are not those of the quorum's keys"
NO_KEY_THROUGHOUT = "request: no key stands in every bundle, so no key can sign the zone all the time"


def tag(key: Dnskey) -> str:
    return f"key tag {key.tag}"


def last(*keys: Dnskey, ttl: int = TTL) -> tuple[PublishedKey, ...]:
    """Give what the last bundle lists: NOW, and other keys than NEXT."""
    return labelled(NOW, *keys, ttl=ttl)


def test_the_good_one_passes_every_rule_and_says_what_was_found() -> None:
    results = evaluate(spoil(terms=TERMS)).results
    assert {result.status for result in results} == {Status.PASSED}
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
        "KSR-CHAIN-KEYS": f"the previous response was signed by {tag(KSK)}",
        "KSR-CHAIN-OVERLAP": "overlaps the previous response by P11D",
        "KQ-FOREIGN-KSK": "no key signing key but the quorum's",
        "KQ-KEY-TAGS": "the tags of each bundle are different",
        "KQ-ZSK-STRENGTH": "3 keys show no weakness",
        "KQ-TTL": "every TTL is 172800",
        "KQ-REVOKED": "no key is revoked",
        "KQ-ALGORITHMS": "algorithm 8 throughout",
        "KQ-TERMS": "the response will state what the policy does",
        "CLOCK": "judged at 2026-01-31 00:00:00 UTC",
    }
    assert [result.rule for result in results] == [rule.id for rule in RULES]


def test_the_plain_one_passes_what_applies_to_it() -> None:
    results = evaluate(plain()).results
    passed = {result.rule for result in results if result.status is Status.PASSED}
    assert passed == {
        "KSR-DOMAIN", "KSR-BUNDLE-KEYS", "KSR-POLICY-ALG", "KSR-POLICY-SIG-VALIDITY", "KSR-POLICY-SIG-HORIZON",
        "KQ-FOREIGN-KSK", "KQ-KEY-TAGS", "KQ-ZSK-STRENGTH", "KQ-TTL", "KQ-REVOKED", "KQ-ALGORITHMS", "CLOCK",
    }  # fmt: skip
    assert {result.detail for result in results if result.rule not in passed} == {
        "the request has no id",
        "a plain RRset, not a key signing request",
        "the format of the request carries no proofs of possession",
        "there is only one bundle",
        "nothing is said of a response yet",
    }
    assert {result.status for result in results if result.rule not in passed} == {Status.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (spoil(zones=frozenset({EXAMPLE})), "zone: . is asked for; the keys may sign example."),
        (spoil(zones=frozenset()), "zone: . is asked for; the keys may sign no zone"),
        (
            spoil(zones=frozenset(dns.name.from_text(f"{letter}.") for letter in "edcba")),
            "zone: . is asked for; the keys may sign a., b., c., d., e.",
        ),
        (
            spoil(zones=frozenset(dns.name.from_text(f"{letter}.") for letter in "gfedcba")),
            "zone: . is asked for; the keys may sign a., b., c., d., e. and 2 more",
        ),
    ],
)
def test_domain(subject: Subject, expected: str) -> None:
    assert failures(subject) == {"KSR-DOMAIN": expected}


def stated(**changes: object) -> Terms:
    """Give terms whose KSK policy differs from the policy's in ``changes``."""
    return Terms(TERMS.ttl, replace(good().policy.ksk_policy, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (replace(TERMS, ttl=86400), "response: its TTL is to be 86400; the policy says 172800"),
        (replace(TERMS, ttl=None), "response: its TTL is to be as received; the policy says 172800"),
        (replace(TERMS, ksk_policy=None), NOT_BOTH),
        (replace(TERMS, ksk_policy=ZSK_POLICY), NOT_THE_TIMES),
        (stated(algorithms=(KeyKind(8, 4096, 65537),)), NOT_THE_KINDS),
        (stated(algorithms=(KeyKind(8, 2048, 65537), KeyKind(13, 256))), NOT_THE_KINDS),
        (stated(publish_safety=1), NOT_THE_TIMES),
        (Terms(1, None), f"response: its TTL is to be 1; the policy says 172800; {NOT_BOTH}"),
    ],
)
def test_terms(terms: Terms, expected: str) -> None:
    assert failures(spoil(terms=terms)) == {"KQ-TERMS": expected}


def test_terms_of_a_plain_rrset() -> None:
    policy = plain().policy
    assert failures(replace(plain(), terms=Terms(policy.ksk_ttl, None))) == {}
    assert failures(replace(plain(), terms=Terms(1, policy.ksk_policy))) == {
        "KQ-TERMS": f"response: its TTL is to be 1; the policy says as received; {NOT_BOTH}"
    }


def test_terms_of_a_kind_of_key_the_policy_has_none_of() -> None:
    kinds = (KeyKind(8, 4096, 65537), KeyKind(13, 256))
    strange = spoil.ksk_policy(algorithms=kinds)
    what = f"{tag(KSK)}: is of a kind (algorithm 8, 2048 bits, exponent 65537) that the policy has no KSK of"
    assert failures(replace(strange, terms=TERMS)) == {"KQ-TERMS": what}
    assert failures(replace(spoil.ksk_policy(algorithms=(*kinds, KeyKind(8, 2048, 65537))), terms=TERMS)) == {}


def test_request_id() -> None:
    replayed = "request request-1: the previous response answered a request with this id"
    reused = "request request-1: a different request with this id was seen before"
    again = spoil.request(id="request-1")
    assert failures(again) == {"KSR-ID": f"{replayed}; {reused}"}
    assert failures(replace(again, seen=None)) == {"KSR-ID": replayed}
    assert failures(replace(again, source_digest=b"one")) == {"KSR-ID": replayed}
    assert failures(replace(again, previous=None)) == {"KSR-ID": reused}
    assert failures(replace(again, previous=None, source_digest=b"one")) == {}
    assert detail(spoil(seen={}), "KSR-ID") == "differs from the previous response and every other request seen before"
    assert detail(spoil(seen=None), "KSR-ID") == "differs from the previous response"
    assert detail(spoil(previous=None), "KSR-ID") == "differs from every other request seen before"
    assert detail(spoil(previous=None, seen=None), "KSR-ID") == "no previous response and no memory of earlier requests"
    assert failures(spoil.request(id="")) == {}
    long = spoil.request(id="x" * 101)
    assert failures(replace(long, seen={"x" * 101: b""})) == {"KSR-ID": reused.replace("request-1", "x" * 100 + "...")}
    long = spoil.request(id="x" * 100)
    assert failures(replace(long, seen={"x" * 100: b""})) == {"KSR-ID": reused.replace("request-1", "x" * 100)}


def detail(subject: Subject, rule: str) -> str:
    return next(result.detail for result in evaluate(subject).results if result.rule == rule)


@pytest.mark.parametrize(("off", "side"), [(DAY + 1, "after"), (-DAY - 1, "before")])
def test_clock(off: int, side: str) -> None:
    wrong = {"CLOCK": f"time: judged at 2026-01-31 00:00:00 UTC, 86401 s {side} the clock's {clock(off)}"}
    assert failures(spoil(now=good().at - off)) == wrong
    assert failures(spoil(now=good().at - off + (1 if off > 0 else -1))) == {}


def clock(off: int) -> str:
    return "2026-01-29 23:59:59 UTC" if off > 0 else "2026-02-01 00:00:01 UTC"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b-2", "bundle 3 (b-2): has the id of bundle 2"),
        ("a-9", "bundle 3 (a-9): has the id of a bundle of the previous response"),
        ("a-1", "bundle 3 (a-1): has the id of a bundle of the previous response"),
    ],
)
def test_bundle_ids(name: str, expected: str) -> None:
    assert failures(spoil.bundle(3, id=name)) == {"KSR-BUNDLE-UNIQUE": expected}


def test_bundle_ids_without_previous_response() -> None:
    assert failures(replace(spoil.bundle(3, id="a-9"), previous=None)) == {}
    assert detail(spoil(previous=None), "KSR-BUNDLE-UNIQUE") == "9 different ids"


def test_bundle_keys() -> None:
    clash = (*labelled(NOW), published(NEXT, "now"))
    assert failures(spoil.bundle(9, keys=clash)) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {tag(NEXT)} has the identifier now, which is that of {tag(NOW)}"
    }
    assert failures(spoil.bundle(9, keys=(published(NOW), published(NEXT)))) == {}
    odd = with_flags(NEXT, 258)
    assert failures(spoil.bundle(9, keys=last(odd))) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {tag(odd)} has flags 258, not 256"
    }
    no_zone_key = with_flags(NEXT, 0)
    assert failures(spoil.bundle(9, keys=last(no_zone_key))) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {tag(no_zone_key)} has flags 0, not 256",
        "KSR-BUNDLE-POP": f"bundle 9 (b-9): the proof of {tag(no_zone_key)} is bad: "
        "its key is not a zone key (flag 256 is not set)",
    }


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (rsa(7, bits=1024), "algorithm 8, 1024 bits, exponent 65537"),
        (rsa(7, exponent=65539), "algorithm 8, 2048 bits, exponent 65539"),
        (rsa(7, exponent=(1 << 64) - 59), "algorithm 8, 2048 bits, exponent 18446744073709551557"),
        (rsa(7, exponent=(1 << 64) + 1), "algorithm 8, 2048 bits, exponent huge"),
    ],
)
def test_the_kind_of_a_key(key: Dnskey, told: str) -> None:
    kinds = f"{tag(key)} is of a kind ({told}) that the request's own policy does not state"
    allowed = f"{tag(key)}: is of a kind ({told}) that the policy does not allow"
    assert failures(spoil.bundle(9, keys=last(key))) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {kinds}",
        "KSR-POLICY-ALG": allowed,
    }


def test_a_kind_stated_but_not_allowed_and_the_other_way() -> None:
    small = rsa(7, bits=1024)
    stated = replace(ZSK_POLICY, algorithms=(*ZSK_POLICY.algorithms, KeyKind(8, 1024, 65537)))
    subject = spoil.bundle(9, keys=last(small))
    subject = replace(subject, request=replace(subject.request, policy=stated))
    states = "request's policy: states algorithm 8, 1024 bits, exponent 65537, which the policy does not allow"
    kind = f"{tag(small)}: is of a kind (algorithm 8, 1024 bits, exponent 65537) that the policy does not allow"
    assert failures(subject) == {"KSR-POLICY-ALG": f"{states}; {kind}"}
    allowed = replace(subject, policy=replace(subject.policy, allowed_keys=(rsa_of(1024, 2048),)))
    assert failures(allowed) == {}
    assert set(failures(replace(allowed, request=replace(subject.request, policy=ZSK_POLICY)))) == {"KSR-BUNDLE-KEYS"}
    elliptic = spoil.stated(algorithms=(*ZSK_POLICY.algorithms, KeyKind(13, 256)))
    assert failures(elliptic) == {
        "KSR-POLICY-ALG": "request's policy: states algorithm 13, 256 bits, which the policy does not allow"
    }


def rsa_of(least: int, most: int, *exponents: int) -> AllowedKey:
    return AllowedKey(8, Bounds(least, most), exponents or (65537,))


@pytest.mark.parametrize(
    ("allowed", "good_enough"),
    [
        (rsa_of(2048, 2048), True),
        (rsa_of(2047, 2048), True),
        (rsa_of(2048, 2049), True),
        (rsa_of(2049, 2050), False),
        (rsa_of(2046, 2047), False),
        (rsa_of(2048, 2048, 3), False),
        (rsa_of(2048, 2048, 3, 65537), True),
        (AllowedKey(10, Bounds(2048, 2048), (65537,)), False),
        (AllowedKey(13, Bounds(0, 0), ()), False),
    ],
)
def test_allowed_keys(allowed: AllowedKey, good_enough: bool) -> None:
    failed = failures(spoil.policy(allowed_keys=(allowed,)))
    assert set(failed) == (set() if good_enough else {"KSR-POLICY-ALG"})
    # The kind that is stated and each of the three keys.
    assert all(text.count(";") == 3 for text in failed.values())
    assert failures(spoil.policy(allowed_keys=(AllowedKey(15, Bounds(0, 0), ()), allowed))) == failed


def test_allowed_keys_on_a_plain_rrset() -> None:
    zone_key = f"{tag(p256(2))}: is of a kind (algorithm 13) that the policy does not allow"
    other = f"{tag(p256(3))}: is of a kind (algorithm 13) that the policy does not allow"
    assert failures(spoil_plain.policy(allowed_keys=(rsa_of(2048, 2048),))) == {
        "KSR-POLICY-ALG": f"{zone_key}; {other}"
    }


def test_proofs_of_possession() -> None:
    bundles = good_request().bundles
    one, two = bundles[0].signatures
    bad = replace(one, signature=bytes([one.signature[0] ^ 1]) + one.signature[1:])
    wrong = "the signature is wrong for these keys and times"
    for signatures, expected in (
        ((bad, two), f"bundle 1 (b-1): the proof of {tag(OLD)} is bad: {wrong}"),
        ((two,), f"bundle 1 (b-1): {tag(OLD)} gives no proof"),
        ((), f"bundle 1 (b-1): {tag(OLD)} gives no proof; bundle 1 (b-1): {tag(NOW)} gives no proof"),
        ((one, bad, two), f"bundle 1 (b-1): the proof of {tag(OLD)} is bad: {wrong}"),
        (
            (replace(one, key_tag=1), two),
            "bundle 1 (b-1): a proof names key tag 1 of algorithm 8, which the bundle does not list; "
            f"bundle 1 (b-1): {tag(OLD)} gives no proof",
        ),
        (
            (replace(one, algorithm=10), two),
            f"bundle 1 (b-1): a proof names {tag(OLD)} of algorithm 10, which the bundle does not list; "
            f"bundle 1 (b-1): {tag(OLD)} gives no proof",
        ),
    ):
        assert failures(spoil.bundle(1, prove=False, signatures=signatures)) == {"KSR-BUNDLE-POP": expected}
    # A proof for another bundle, and two that change places.
    assert failures(spoil.bundle(2, prove=False, signatures=bundles[0].signatures[1:])) == {
        "KSR-BUNDLE-POP": f"bundle 2 (b-2): the proof of {tag(NOW)} is bad: {wrong}"
    }
    swapped = (replace(one, signature=two.signature), replace(two, signature=one.signature))
    assert failures(spoil.bundle(1, prove=False, signatures=swapped)) == {
        "KSR-BUNDLE-POP": "; ".join(f"bundle 1 (b-1): the proof of {tag(key)} is bad: {wrong}" for key in (OLD, NOW))
    }
    assert failures(spoil.bundle(1, prove=False, signatures=(one, two, two))) == {}
    assert detail(good(), "KSR-BUNDLE-POP") == "11 proofs of possession are good"


def test_proofs_that_a_policy_demands() -> None:
    text = "request: the format of the request carries no proofs of possession, and the policy demands them"
    assert failures(spoil.request(proofs=False)) == {"KSR-BUNDLE-POP": text}
    assert failures(spoil_plain.policy(proofs_required=True)) == {"KSR-BUNDLE-POP": text}
    assert failures(replace(spoil.request(proofs=False), policy=replace(good().policy, proofs_required=False))) == {}


def test_the_quorums_own_key_in_a_request_needs_no_proof_and_does_not_count() -> None:
    bundles = []
    for bundle in good_request().bundles:
        with_ksk = proven(ROOT, replace(bundle, keys=(*bundle.keys, *labelled(KSK))))
        bundles.append(replace(with_ksk, signatures=with_ksk.signatures[:-1]))
    assert failures(spoil.request(bundles=tuple(bundles))) == {}


def test_number_of_bundles() -> None:
    assert failures(spoil.policy(bundle_count=8)) == {"KSR-BUNDLE-COUNT": "request: has 9 bundles, not 8"}
    assert failures(spoil.policy(bundle_count=10)) == {"KSR-BUNDLE-COUNT": "request: has 9 bundles, not 10"}
    assert detail(good(), "KSR-BUNDLE-COUNT") == "9 bundles"
    assert detail(spoil.policy(bundle_count=None), "KSR-BUNDLE-COUNT") == "the policy sets no number of bundles"
    short = spoil.request(bundles=good_request().bundles[:8])
    assert failures(short) == {
        "KSR-BUNDLE-COUNT": "request: has 8 bundles, not 9",
        "KSR-BUNDLE-CYCLE-DURATION": "request: the cycle is P70D, less than P79D",
        "KSR-POLICY-KEYS": "request: has 8 bundles; the policy gives numbers of keys for 9; "
        "request: lists 2 different keys, not 3",
    }


def test_numbers_of_keys() -> None:
    counts = (2, 1, 1, 1, 1, 1, 1, 1, 2)
    assert detail(good(), "KSR-POLICY-KEYS") == f"3 different keys, in the bundles {list(counts)}"
    assert failures(spoil.policy(keys_in_all=2)) == {"KSR-POLICY-KEYS": "request: lists 3 different keys, not 2"}
    assert failures(spoil.policy(keys_in_all=None)) == {}
    assert failures(spoil.policy(keys_per_bundle=())) == {}
    assert failures(spoil.policy(keys_per_bundle=(), keys_in_all=4)) == {
        "KSR-POLICY-KEYS": "request: lists 3 different keys, not 4"
    }
    neither = spoil.policy(keys_per_bundle=(), keys_in_all=None)
    assert detail(neither, "KSR-POLICY-KEYS") == "the policy sets no numbers of keys"
    assert status(neither, "KSR-POLICY-KEYS") is Status.NOT_APPLICABLE
    for place in range(9):
        more = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
        text = f"bundle {place + 1} (b-{place + 1}): lists {counts[place]} keys, not {counts[place] + 1}"
        assert failures(spoil.policy(keys_per_bundle=more)) == {"KSR-POLICY-KEYS": text}
    assert failures(spoil.bundle(5, keys=labelled(NOW, OLD))) == {
        "KSR-POLICY-KEYS": "bundle 5 (b-5): lists 2 keys, not 1"
    }
    assert failures(spoil.bundle(9, keys=last(NEXT, OTHER))) == {
        "KSR-POLICY-KEYS": "bundle 9 (b-9): lists 3 keys, not 2; request: lists 4 different keys, not 3"
    }


def status(subject: Subject, rule: str) -> Status:
    return next(result.status for result in evaluate(subject).results if result.rule == rule)


Make = Callable[[int, int], Subject]
"""Makes a subject from the least and the most that are accepted."""


def policy_bounds(field: str) -> Make:
    return lambda least, most: spoil.policy(**{field: Bounds(least, most)})


def stated_bounds(kind: str) -> Make:
    return lambda least, most: spoil.stated(**{f"min_{kind}": least, f"max_{kind}": most})


def ksk_bounds(kind: str) -> Make:
    return lambda least, most: spoil.ksk_policy(**{f"min_{kind}": least, f"max_{kind}": most})


OVERLAPS = {
    "KSR-POLICY-SIG-OVERLAP": [f"bundle {place} (b-{place}): overlaps the one before by" for place in range(2, 10)],
    "KSR-CHAIN-OVERLAP": ["bundle 1 (b-1): overlaps the previous response by"],
}
VALIDITIES = {"KSR-POLICY-SIG-VALIDITY": [f"bundle {place} (b-{place}): is valid for" for place in range(1, 10)]}


@pytest.mark.parametrize(
    ("make", "exact", "texts", "who"),
    [
        (policy_bounds("cycle_duration"), 80 * DAY, {"KSR-BUNDLE-CYCLE-DURATION": ["request: the cycle is"]}, ""),
        (
            policy_bounds("bundle_interval"),
            10 * DAY,
            {
                "KSR-POLICY-BUNDLE-INTERVALS": [
                    f"bundle {place} (b-{place}): begins after the one before by" for place in range(2, 10)
                ]
            },
            "",
        ),
        (stated_bounds("validity_overlap"), 11 * DAY, OVERLAPS, " (the request states)"),
        (ksk_bounds("validity_overlap"), 11 * DAY, OVERLAPS, " (the policy states)"),
        (stated_bounds("signature_validity"), 21 * DAY, VALIDITIES, " (the request states)"),
        (ksk_bounds("signature_validity"), 21 * DAY, VALIDITIES, " (the policy states)"),
    ],
)
def test_bounds(make: Make, exact: int, texts: dict[str, list[str]], who: str) -> None:
    days = f"P{exact // DAY}D"
    assert failures(make(exact, exact)) == {}
    assert failures(make(exact - 1, exact)) == {}
    assert failures(make(exact, exact + 1)) == {}
    for least, most, said in (
        (exact + 1, exact + 1, f"{days}, less than {days}T1S{who}"),
        (exact - 1, exact - 1, f"{days}, more than P{exact // DAY - 1}DT23H59M59S{who}"),
    ):
        expected = {rule: "; ".join(f"{text} {said}" for text in lines) for rule, lines in texts.items()}
        assert failures(make(least, most)) == expected


def test_bounds_that_a_policy_leaves_open() -> None:
    for field, rule, why in (
        ("cycle_duration", "KSR-BUNDLE-CYCLE-DURATION", "the policy sets no duration of a cycle"),
        ("bundle_interval", "KSR-POLICY-BUNDLE-INTERVALS", "the policy sets no interval"),
    ):
        subject = spoil.policy(**{field: None})
        assert failures(subject) == {}
        assert status(subject, rule) is Status.NOT_APPLICABLE
        assert detail(subject, rule) == why
    lone = replace(spoil.request(bundles=good_request().bundles[:1]), previous=None)
    assert detail(lone, "KSR-POLICY-BUNDLE-INTERVALS") == "there is only one bundle"
    assert detail(lone, "KSR-POLICY-SIG-OVERLAP") == "there is only one bundle"
    assert detail(good(), "KSR-BUNDLE-CYCLE-DURATION") == "the cycle is P80D"


def test_a_request_that_states_less_than_it_may_is_held_to_what_it_states_and_to_the_policy() -> None:
    # The peers compare validity with the maximum twice: a bundle between minimum and maximum must pass.
    assert failures(spoil.stated(min_signature_validity=1, max_signature_validity=22 * DAY)) == {}
    short = spoil.bundle(5, expiration=good_request().bundles[4].expiration - 1)
    wide = replace(ZSK_POLICY, min_signature_validity=DAY, min_validity_overlap=DAY)
    assert failures(replace(short, request=replace(short.request, policy=wide))) == {
        "KSR-POLICY-SIG-VALIDITY": "bundle 5 (b-5): is valid for P20DT23H59M59S, less than P21D (the policy states)"
    }


def test_a_gap_and_bundles_out_of_order() -> None:
    bundles = good_request().bundles
    swapped = spoil.request(bundles=(*bundles[:3], bundles[4], bundles[3], *bundles[5:]))
    failed = failures(swapped)
    assert set(failed) == {"KSR-POLICY-SIG-OVERLAP", "KSR-POLICY-BUNDLE-INTERVALS"}
    assert (
        "bundle 5 (b-4): begins after the one before by -P10D, less than P9D" in failed["KSR-POLICY-BUNDLE-INTERVALS"]
    )
    gap = spoil.bundle(5, expiration=bundles[5].inception - DAY)
    between = "bundle 6 (b-6): overlaps the one before by -P1D, less than P9D"
    short = "bundle 5 (b-5): is valid for P9D, less than P21D"
    assert failures(gap) == {
        "KSR-POLICY-SIG-OVERLAP": f"{between} (the request states); {between} (the policy states)",
        "KSR-POLICY-SIG-VALIDITY": f"{short} (the request states); {short} (the policy states)",
    }


def test_horizon() -> None:
    end = good_request().bundles[-1].expiration
    edge = end - 180 * DAY
    assert failures(spoil(at=edge, now=edge)) == {}
    assert failures(spoil(at=edge - 1, now=edge)) == {
        "KSR-POLICY-SIG-HORIZON": "bundle 9 (b-9): ends P180DT1S from now, more than P180D"
    }
    first = good_request().bundles[0].expiration
    assert failures(spoil(at=first - 1, now=first)) == {}
    assert failures(spoil(at=first, now=first)) == {
        "KSR-POLICY-SIG-HORIZON": "bundle 1 (b-1): is in the past: it ended 2026-04-22 00:00:00 UTC"
    }
    assert set(failures(spoil_plain(at=plain().at + 14 * DAY, now=plain().at + 14 * DAY))) == {"KSR-POLICY-SIG-HORIZON"}
    assert detail(good(), "KSR-POLICY-SIG-HORIZON") == "every bundle ends within P180D"


def test_safety_before_a_key_signs() -> None:
    stood = f"{tag(NOW)}: stood for P10D before it signs, less than P10DT1S"
    assert failures(spoil.stated(publish_safety=10 * DAY + 1)) == {"KSR-POLICY-SAFETY": stood}
    assert failures(spoil.policy(publish_safety=10 * DAY + 1)) == {"KSR-POLICY-SAFETY": stood}
    # What the request states does not lower what the policy demands, and the other way round.
    assert failures(replace(spoil.stated(publish_safety=0), policy=spoil.policy(publish_safety=0).policy)) == {}
    late = spoil.previous_bundle(9, keys=labelled(OLD, KSK))
    assert failures(late) == {
        "KSR-POLICY-SAFETY": f"{tag(NOW)}: stood for PT0S before it signs, less than P10D",
        "KSR-CHAIN-KEYS": f"bundle 1 (b-1): {tag(NOW)} is not in the last bundle of the previous response",
    }
    # Standing earlier, but with a break, does not count; standing in the two last bundles does.
    bundles = list(good_previous().bundles)
    bundles[6] = replace(bundles[6], keys=labelled(OLD, NOW, KSK))
    assert failures(spoil.previous(bundles=tuple(bundles))) == {}
    longer = spoil.stated(publish_safety=10 * DAY + 1).request
    assert failures(replace(spoil.previous(bundles=tuple(bundles)), request=longer)) == {"KSR-POLICY-SAFETY": stood}
    bundles[7] = replace(bundles[7], keys=labelled(OLD, NOW, KSK))
    long = replace(spoil.previous(bundles=tuple(bundles)), request=spoil.stated(publish_safety=30 * DAY).request)
    assert failures(long) == {}
    long = replace(long, request=spoil.stated(publish_safety=30 * DAY + 1).request)
    assert failures(long) == {"KSR-POLICY-SAFETY": f"{tag(NOW)}: stood for P30D before it signs, less than P30DT1S"}


def test_safety_after_a_key_signed() -> None:
    stays = f"{tag(OLD)}: stays for P10D after it signed, less than P10DT1S"
    assert failures(spoil.stated(retire_safety=10 * DAY + 1)) == {"KSR-POLICY-SAFETY": stays}
    assert failures(spoil.policy(retire_safety=10 * DAY + 1)) == {"KSR-POLICY-SAFETY": stays}
    assert failures(replace(spoil.stated(retire_safety=0), policy=spoil.policy(retire_safety=0).policy)) == {}
    gone = spoil.bundle(1, keys=labelled(NOW))
    assert failures(gone) == {
        "KSR-POLICY-KEYS": "bundle 1 (b-1): lists 1 keys, not 2; request: lists 2 different keys, not 3",
        "KSR-POLICY-SAFETY": f"{tag(OLD)}: stays for PT0S after it signed, less than P10D",
    }
    # A key that comes back later was gone in between.
    back = spoil.bundles({2: {"keys": labelled(OLD, NOW)}, 4: {"keys": labelled(OLD, NOW)}})
    back = replace(back, request=replace(back.request, policy=replace(ZSK_POLICY, retire_safety=20 * DAY)))
    assert set(failures(back)) == {"KSR-POLICY-KEYS"}
    back = replace(back, request=replace(back.request, policy=replace(ZSK_POLICY, retire_safety=20 * DAY + 1)))
    assert failures(back)["KSR-POLICY-SAFETY"] == f"{tag(OLD)}: stays for P20D after it signed, less than P20DT1S"


def test_safety_of_a_key_that_goes_on_signing() -> None:
    same = tuple(answered(ROOT, replace(bundle, keys=labelled(NOW, KSK))) for bundle in good_previous().bundles[:-1])
    whole = (*same, answered(ROOT, replace(good_previous().bundles[-1], keys=labelled(NOW, OLD, KSK))))
    subject = spoil.previous(bundles=whole)
    huge = spoil.policy(publish_safety=400 * DAY, retire_safety=400 * DAY).policy
    assert failures(replace(subject, policy=huge)) == {}


def test_safety_needs_a_key_that_stands_throughout() -> None:
    emergency = spoil.bundle(5, keys=labelled(OLD))
    assert failures(emergency) == {"KSR-POLICY-SAFETY": NO_KEY_THROUGHOUT}


@pytest.mark.parametrize("rule", ["KSR-POLICY-SAFETY", "KSR-CHAIN-KEYS", "KSR-CHAIN-OVERLAP"])
def test_what_cannot_be_judged_without_a_previous_response(rule: str) -> None:
    subject = spoil(previous=None)
    assert status(subject, rule) is Status.NOT_APPLICABLE
    assert detail(subject, rule) == "no previous response"
    assert detail(spoil_plain(previous=good_previous()), rule) == "a plain RRset, not a key signing request"


def test_chain_of_keys() -> None:
    assert detail(good(), "KSR-CHAIN-KEYS") == f"the previous response was signed by {tag(KSK)}"
    unsigned = "previous response: its last bundle is not signed by a key of this quorum"
    stranger = spoil.bundle(1, keys=labelled(OTHER, NOW))
    assert failures(stranger) == {
        "KSR-POLICY-SAFETY": f"{tag(OLD)}: stays for PT0S after it signed, less than P10D",
        "KSR-CHAIN-KEYS": f"bundle 1 (b-1): {tag(OTHER)} is not in the last bundle of the previous response",
    }
    other_ksk = rsa(8, flags=257)
    assert failures(spoil(ksks=(other_ksk,))) == {"KSR-CHAIN-KEYS": unsigned}
    assert failures(spoil(ksks=(other_ksk, KSK))) == {}
    assert failures(spoil(ksks=(KSK, other_ksk))) == {}
    both = spoil.previous_bundle(9, ksk=other_ksk, keys=labelled(OLD, NOW, KSK, other_ksk))
    assert failures(both) == {"KSR-CHAIN-KEYS": unsigned}
    end = good_previous().bundles[-1]
    bundles = good_previous().bundles[:-1]
    forged = replace(end, signatures=(replace(end.signatures[0], signature=b"\1" * 256),))
    assert failures(spoil.previous(bundles=(*bundles, forged))) == {"KSR-CHAIN-KEYS": unsigned}
    stretched = replace(end, keys=(*end.keys, *labelled(OTHER)))
    assert failures(spoil.previous(bundles=(*bundles, stretched))) == {"KSR-CHAIN-KEYS": unsigned}
    # One good signature is enough, whatever stands beside it and in whatever order.
    mixed = replace(end, signatures=(*forged.signatures, *end.signatures, *end.signatures))
    assert failures(spoil.previous(bundles=(*bundles, mixed))) == {}
    assert detail(spoil.previous(bundles=(*bundles, mixed)), "KSR-CHAIN-KEYS").endswith(f"signed by {tag(KSK)}")


def test_two_keys_of_the_quorum_signed_the_previous_response() -> None:
    second = rsa(8, flags=257)
    end = replace(good_previous().bundles[-1], keys=labelled(OLD, NOW, KSK, second))
    twice = replace(end, signatures=answered(ROOT, end).signatures + answered(ROOT, end, second).signatures)
    subject = replace(spoil.previous(bundles=(*good_previous().bundles[:-1], twice)), ksks=(KSK, second))
    assert detail(subject, "KSR-CHAIN-KEYS") == f"the previous response was signed by {tag(KSK)} and {tag(second)}"


def test_a_previous_response_of_another_zone() -> None:
    subject = spoil.previous(zone=EXAMPLE)
    assert failures(subject) == {"KSR-CHAIN-KEYS": "previous response: is for example."}


def test_chain_overlap() -> None:
    assert detail(good(), "KSR-CHAIN-OVERLAP") == "overlaps the previous response by P11D"
    end = good_previous().bundles[-1]
    for expiration, fails in ((START + 9 * DAY, False), (START + 9 * DAY - 1, True), (START + 12 * DAY, False)):
        moved = answered(ROOT, replace(end, expiration=expiration))
        subject = spoil.previous(bundles=(*good_previous().bundles[:-1], moved))
        assert set(failures(subject)) == ({"KSR-CHAIN-OVERLAP"} if fails else set())
    late = spoil.previous(
        bundles=(*good_previous().bundles[:-1], answered(ROOT, replace(end, expiration=START + 13 * DAY)))
    )
    assert failures(late) == {
        "KSR-CHAIN-OVERLAP": "bundle 1 (b-1): overlaps the previous response by P13D, "
        "more than P12D (the request states)"
    }


def test_a_foreign_key_signing_key() -> None:
    foreign = with_flags(NEXT, 257)
    assert failures(spoil.bundle(9, keys=last(foreign))) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {tag(foreign)} has flags 257, not 256",
        "KQ-FOREIGN-KSK": f"bundle 9 (b-9): {tag(foreign)} has flags 257 and is not a key of this quorum",
    }
    stranger = p256(4, flags=257)
    keys = (*plain().request.bundles[0].keys, published(stranger, ttl=3600))
    assert set(failures(spoil_plain.bundle(1, prove=False, keys=keys))) == {"KSR-BUNDLE-KEYS", "KQ-FOREIGN-KSK"}


def test_a_key_with_our_numbers_but_another_algorithm_is_foreign() -> None:
    keys = (*plain().request.bundles[0].keys, published(rsa(1, flags=257, algorithm=10), ttl=3600))
    subject = replace(spoil_plain.bundle(1, prove=False, keys=keys), ksks=(p256(1, flags=257), KSK))
    assert "KQ-FOREIGN-KSK" in failures(subject)


def test_a_revoked_key() -> None:
    revoked = with_flags(NEXT, 256 | 128)
    assert failures(spoil.bundle(9, keys=last(revoked))) == {
        "KSR-BUNDLE-KEYS": f"bundle 9 (b-9): {tag(revoked)} has flags 384, not 256",
        "KQ-REVOKED": f"bundle 9 (b-9): {tag(revoked)} is revoked (flags 384)",
    }
    ours = p256(1, flags=385)
    keys = (*plain().request.bundles[0].keys, published(ours, ttl=3600))
    assert failures(spoil_plain.bundle(1, prove=False, keys=keys)) == {
        "KSR-BUNDLE-KEYS": f"bundle 1: {tag(ours)} has flags 385, not 256",
        "KQ-REVOKED": f"bundle 1: {tag(ours)} is revoked (flags 385)",
    }


def test_two_keys_with_one_tag() -> None:
    by_tag: dict[int, Dnskey] = {}
    one, other = next(
        (first, key) for key in map(p256, range(2000)) for first in [by_tag.setdefault(key.tag, key)] if first != key
    )
    ksk = plain().ksks[0]
    keys = labelled(ksk, one, other, ttl=3600)
    assert failures(spoil_plain.bundle(1, prove=False, keys=keys)) == {
        "KQ-KEY-TAGS": f"bundle 1: two different keys have the tag {one.tag}"
    }
    # In two bundles they do not meet; and the quorum's key counts even where the request does not list it.
    first = replace(plain().request.bundles[0], keys=labelled(ksk, one, ttl=3600))
    second = replace(first, keys=labelled(ksk, other, ttl=3600))
    assert failures(spoil_plain.request(bundles=(first, second))) == {}
    unlisted = spoil_plain.bundle(1, prove=False, keys=labelled(one, ttl=3600))
    assert failures(replace(unlisted, ksks=(other,))) == {
        "KQ-KEY-TAGS": f"bundle 1: two different keys have the tag {one.tag}"
    }
    # A proof is tried against each key of the tag: neither key is blamed for the other.
    proofs = proven(EXAMPLE, replace(plain().request.bundles[0], keys=labelled(one, other, ttl=3600)))
    subject = spoil_plain.request(bundles=(proofs,), proofs=True)
    assert set(failures(subject)) == {"KQ-KEY-TAGS"}
    lone = replace(proofs, signatures=proofs.signatures[:1])
    assert failures(spoil_plain.request(bundles=(lone,), proofs=True))["KSR-BUNDLE-POP"] == (
        f"bundle 1: {tag(other)} gives no proof"
    )


P, Q = prime(40, 1024), prime(41, 1024)
WEAK = {
    "the exponent is 3, below 65537": rsa(20, exponent=3),
    "the modulus is prime": rsa_key(65537, prime(43, 2048), prime(43, 2048) - 1),
    "the modulus is a square": rsa_key(65537, P * P, P * (P - 1)),
    "the modulus has a factor below 8192": rsa_key(65537, prime(44, 2038) * 1031, (prime(44, 2038) - 1) * 1030),
}


@pytest.mark.parametrize("weakness", WEAK)
def test_a_weak_zone_key(weakness: str) -> None:
    key = WEAK[weakness]
    failed = failures(spoil.bundle(9, keys=last(key)))
    assert failed.pop("KQ-ZSK-STRENGTH") == f"{tag(key)}: {weakness}"
    wrong_kind = weakness.startswith("the exponent")
    assert set(failed) == ({"KSR-BUNDLE-KEYS", "KSR-POLICY-ALG"} if wrong_kind else set())


def test_an_even_modulus_cannot_even_give_a_proof() -> None:
    half = prime(45, 2047)
    key = rsa_key(65537, 2 * half, half - 1)
    failed = failures(spoil.bundle(9, keys=last(key)))
    assert set(failed) == {"KQ-ZSK-STRENGTH", "KSR-BUNDLE-POP"}
    assert failed["KQ-ZSK-STRENGTH"] == f"{tag(key)}: the modulus is even"


def test_moduli_that_share_a_factor() -> None:
    one, other = (rsa_key(65537, P * prime(seed, 1024), (P - 1) * (prime(seed, 1024) - 1)) for seed in (50, 51))
    shares = "its modulus shares a factor with that of"
    both = spoil.bundle(9, keys=last(one, other))
    assert failures(both)["KQ-ZSK-STRENGTH"] == f"{tag(one)}: {shares} {tag(other)}"
    alone = spoil.bundle(9, keys=last(one))
    assert failures(alone) == {}
    old_ksk = with_flags(other, 257)
    assert failures(replace(alone, ksks=(KSK, old_ksk))) == {"KQ-ZSK-STRENGTH": f"{tag(one)}: {shares} {tag(old_ksk)}"}
    bundles = (replace(good_previous().bundles[0], keys=labelled(other, OLD, KSK)), *good_previous().bundles[1:])
    assert failures(replace(alone, previous=replace(good_previous(), bundles=bundles))) == {
        "KQ-ZSK-STRENGTH": f"{tag(one)}: {shares} {tag(other)}"
    }
    # Two keys of the past that share a factor are nothing this request can be refused for.
    bundles = (replace(good_previous().bundles[0], keys=labelled(one, other, OLD, KSK)), *good_previous().bundles[1:])
    assert failures(spoil(previous=replace(good_previous(), bundles=bundles))) == {}


def test_one_modulus_under_two_exponents_shares_all_its_factors() -> None:
    twin = rsa_key(65539, NOW.rsa_numbers()[1], 1)
    failed = failures(spoil.bundle(9, prove=False, keys=last(twin)))
    assert failed["KQ-ZSK-STRENGTH"] == f"{tag(NOW)}: its modulus shares a factor with that of {tag(twin)}"


def test_a_point_that_is_not_on_the_curve() -> None:
    off = replace(p256(2), public_key=p256(2).public_key[:-1] + bytes([p256(2).public_key[-1] ^ 1]))
    keys = labelled(plain().ksks[0], off, ttl=3600)
    assert failures(spoil_plain.bundle(1, prove=False, keys=keys)) == {
        "KQ-ZSK-STRENGTH": f"{tag(off)}: the public key is no point of the curve, or one of small order"
    }


def test_the_quorums_own_key_is_not_judged_again() -> None:
    weak = with_flags(WEAK["the modulus is prime"], 257)
    assert "KQ-ZSK-STRENGTH" not in failures(spoil(ksks=(weak,)))


def test_ttls() -> None:
    mixed = (published(NOW, "now"), published(NEXT, "next", TTL - 1))
    signed = spoil.bundle(9, keys=mixed)
    assert failures(signed) == {"KQ-TTL": "bundle 9 (b-9): has records of different TTLs: 172799, 172800"}
    assert failures(spoil.bundle(9, keys=last(NEXT, ttl=TTL - 1))) == {
        "KQ-TTL": "bundle 9 (b-9): has the TTL 172799, not 172800"
    }
    assert failures(spoil.policy(ksk_ttl=TTL + 1))["KQ-TTL"].startswith(
        "bundle 1 (b-1): has the TTL 172800, not 172801"
    )
    assert failures(spoil.policy(ksk_ttl=None)) == {}
    assert detail(good(), "KQ-TTL") == "every TTL is 172800"
    assert detail(spoil.policy(ksk_ttl=None), "KQ-TTL") == "one TTL in each bundle"
    assert failures(spoil.policy(ksk_ttl=0))["KQ-TTL"].startswith("bundle 1 (b-1): has the TTL 172800, not 0")


@pytest.mark.parametrize("field", ["ttl", "original_ttl"])
def test_the_ttl_of_a_proof(field: str) -> None:
    proof = good_request().bundles[1].signatures[0]
    subject = spoil.bundle(
        2,
        prove=False,
        signatures=(replace(proof, **{field: 60}),),  # type: ignore[arg-type]
    )
    failed = failures(subject)
    assert failed["KQ-TTL"] == "bundle 2 (b-2): has records of different TTLs: 60, 172800"
    assert set(failed) == {"KQ-TTL"} | ({"KSR-BUNDLE-POP"} if field == "original_ttl" else set())


def test_algorithms_that_do_not_agree() -> None:
    subject = spoil(ksks=(KSK, p256(1, flags=257)))
    told = "; ".join(
        f"bundle {place} (b-{place}): lists keys of algorithm 8; the quorum signs with 8 and 13"
        for place in range(1, 10)
    )
    assert failures(subject) == {"KQ-ALGORITHMS": told}
    more = (*plain().request.bundles[0].keys, published(rsa(3), ttl=3600))
    mixed = spoil_plain.bundle(1, prove=False, keys=more)
    assert failures(mixed) == {"KQ-ALGORITHMS": "bundle 1: lists keys of algorithm 8 and 13; the quorum signs with 13"}
    agreed = replace(mixed, ksks=(*plain().ksks, KSK))
    assert failures(agreed) == {}
    assert detail(agreed, "KQ-ALGORITHMS") == "algorithm 8 and 13 throughout"
    assert detail(spoil(ksks=(), previous=None), "KQ-ALGORITHMS") == "no key of a quorum is given to compare with"
    # A key that signs both itself and the zone.
    assert failures(spoil_plain.bundle(1, prove=False, keys=labelled(*plain().ksks, ttl=3600))) == {}


def test_a_rule_that_crashes_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_subject: Subject) -> Outcome:
        raise ZeroDivisionError

    broken = (*RULES[:3], replace(RULES[3], check=crash), *RULES[4:])
    monkeypatch.setattr("keyquorum.policy.rules.RULES", broken)
    with pytest.raises(ZeroDivisionError):
        evaluate(good())


def test_keys_made_to_share_a_tag_do_not_multiply_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    head, words = NOW.public_key[:-40], [NOW.public_key[-40:][place : place + 2] for place in range(0, 40, 2)]
    # The tag is a sum of 16-bit words: it does not notice when two of them change places.
    same = [replace(NOW, public_key=head + b"".join(words[turn:] + words[:turn])) for turn in range(6)]
    assert len({key.tag for key in same}) == 1
    tried = []

    def verify(*arguments: object) -> None:
        tried.append(arguments)
        raise SignatureError("no")

    monkeypatch.setattr("keyquorum.policy.rules_bundle.verify_signature", verify)
    proof = good_request().bundles[8].signatures[0]
    keys = tuple(published(key) for key in same)
    subject = spoil_plain.bundle(1, prove=False, keys=keys, signatures=(replace(proof, key_tag=NOW.tag),))
    failed = failures(replace(subject, request=replace(subject.request, proofs=True)))
    assert failed["KSR-BUNDLE-POP"] == f"bundle 1: the proof of {tag(NOW)} is bad: no"
    assert len(tried) == 4


def test_every_rule_is_broken_somewhere_in_this_file() -> None:
    text = Path(__file__).read_text()
    assert [rule.id for rule in RULES if f'"{rule.id}"' not in text] == []
