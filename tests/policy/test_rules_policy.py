"""KSR-POLICY-*: kinds of key, numbers of keys and times, on both sides of every bound."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey, KeyKind
from keyquorum.policy.bounds import Bounds
from keyquorum.policy.profile import AllowedKey
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import (
    DAY,
    NEXT,
    NOW,
    OLD,
    OTHER,
    ZSK_POLICY,
    failures,
    good,
    good_request,
    labelled,
    p256,
    plain,
    rsa,
)
from tests.policy.spoilt import detail, last, spoil, spoil_plain, status, tag


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


def test_numbers_of_keys() -> None:
    counts = (2, 1, 1, 1, 1, 1, 1, 1, 2)
    assert detail(good(), "KSR-POLICY-KEYS") == f"3 different keys, in the bundles {list(counts)}"
    assert failures(spoil.policy(keys_in_all=2)) == {"KSR-POLICY-KEYS": "request: lists 3 different keys, not 2"}
    assert failures(spoil.policy(keys_in_all=None)) == {}
    told = failures(spoil.policy(keys_in_all=None, keys_per_bundle=(2, 1, 1, 1, 1, 1, 1, 1, 1)))
    assert told == {"KSR-POLICY-KEYS": "bundle 9 (b-9): lists 2 keys, not 1"}
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
    lone = replace(spoil.request(bundles=good_request().bundles[:1]), previous=None, first=True)
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
