"""KQ-*: foreign, weak, revoked and colliding keys, TTLs, algorithms, terms."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey, KeyKind, Terms
from tests.policy.good_request import (
    KSK,
    NEXT,
    NOW,
    OLD,
    TTL,
    ZSK_POLICY,
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
from tests.policy.spoilt import EXAMPLE, TERMS, detail, last, spoil, spoil_plain, tag

NOT_THE_TIMES = "response: the times of the KSK it is to state are not the policy's"
NOT_BOTH = "response: a policy of the KSK belongs to a key signing request, and only to one"
NOT_THE_KINDS = "response: the kinds of KSK it is to state are not those of the quorum's keys"


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
    for form in (weak, weak.revoked()):
        listing = spoil.bundle(9, prove=False, keys=last(NEXT, form))
        assert "KQ-ZSK-STRENGTH" not in failures(replace(listing, ksks=(weak,)))
        assert failures(listing)["KQ-ZSK-STRENGTH"] == f"{tag(form)}: the modulus is prime"


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
    assert (
        detail(spoil(ksks=(), previous=None, first=True), "KQ-ALGORITHMS")
        == "no key of a quorum is given to compare with"
    )
    # A key that signs both itself and the zone.
    assert failures(spoil_plain.bundle(1, prove=False, keys=labelled(*plain().ksks, ttl=3600))) == {}
