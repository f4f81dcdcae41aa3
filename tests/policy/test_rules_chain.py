"""KSR-POLICY-SAFETY and KSR-CHAIN-*: what ties a request to the previous response."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import ZoneResponse
from keyquorum.policy.bounds import span
from keyquorum.policy.profile import profile
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import (
    DAY,
    KSK,
    NOW,
    OLD,
    OTHER,
    ROOT,
    START,
    ZSK_POLICY,
    answered,
    failures,
    good,
    good_previous,
    labelled,
    p256,
    plain,
    rsa,
)
from tests.policy.spoilt import EXAMPLE, NO_KEY_THROUGHOUT, detail, spoil, spoil_plain, status, tag

LEAST = profile("zone").ksk_overlap.least
PLAIN = "a plain RRset, not a key signing request"


def plain_previous() -> ZoneResponse:
    """The answer to the same RRset, a week earlier."""
    bundle = plain().request.bundles[0]
    earlier = replace(bundle, inception=START - 7 * DAY, expiration=START + 7 * DAY)
    return ZoneResponse(EXAMPLE, (answered(EXAMPLE, earlier, p256(1, flags=257)),))


def signed_again(**changes: object) -> ZoneResponse:
    """The same with something changed before it was signed."""
    bundle = replace(plain_previous().bundles[0], signatures=(), **changes)  # type: ignore[arg-type]
    return replace(plain_previous(), bundles=(answered(EXAMPLE, bundle, p256(1, flags=257)),))


def follows(**changes: object) -> Subject:
    """The plain RRset, after a response."""
    return spoil_plain(**{"previous": plain_previous(), "first": False, **changes})


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
    subject = spoil(previous=None, first=True)
    assert status(subject, rule) is Status.NOT_APPLICABLE
    assert detail(subject, rule) == "no previous response"


def test_a_plain_rrset_after_a_response() -> None:
    assert detail(spoil_plain(previous=plain_previous()), "KSR-POLICY-SAFETY") == PLAIN
    assert failures(follows()) == {}
    short = signed_again(expiration=START + LEAST - 1)
    assert failures(follows(previous=short)) == {
        "KSR-CHAIN-OVERLAP": f"bundle 1: overlaps the previous response by {span(LEAST - 1)}, less than {span(LEAST)}"
    }
    assert failures(follows(previous=signed_again(expiration=START + LEAST))) == {}
    assert failures(follows(previous=signed_again(expiration=START + 300 * DAY))) == {}
    # One of its keys must have stood before; new ones may come at any time.
    kept = labelled(p256(1, flags=257), p256(3), p256(8), ttl=3600)
    assert failures(follows(previous=signed_again(keys=kept))) == {}
    strangers = labelled(p256(1, flags=257), p256(8), ttl=3600)
    assert set(failures(follows(previous=signed_again(keys=strangers)))) == {"KSR-CHAIN-KEYS"}
    # The signature of a stranger is none of ours.
    other = answered(EXAMPLE, replace(plain_previous().bundles[0], signatures=()), p256(9, flags=257))
    assert set(failures(follows(previous=replace(plain_previous(), bundles=(other,))))) == {"KSR-CHAIN-KEYS"}


def test_the_chain_is_demanded() -> None:
    says = "the request says that its keys have signed nothing before, and nothing speaks against it"
    assert detail(good(), "KQ-CHAIN") == "the previous response is at hand"
    assert failures(spoil(previous=None)) == {
        "KQ-CHAIN": "chain: there is no previous response, and the request does not say it is the first"
    }
    assert failures(spoil(previous=None, first=True)) == {}
    assert detail(spoil(previous=None, first=True), "KQ-CHAIN") == says
    # It says so against what is known.
    assert failures(spoil(previous=None, first=True, signed_before=frozenset({KSK, OTHER}))) == {
        "KQ-CHAIN": f"chain: the request says it is the first, and {tag(KSK)} has answered others before"
    }
    assert failures(spoil(previous=None, first=True, signed_before=frozenset({OTHER}))) == {}
    assert failures(spoil(first=True)) == {
        "KQ-CHAIN": f"chain: the request says it is the first, and {tag(KSK)} signed the previous response"
    }
    # Somebody else signed the previous response: a quorum takes over.
    other_ksk = rsa(8, flags=257)
    assert failures(spoil(ksks=(other_ksk,), first=True)) == {}
    elsewhere = spoil(first=True, previous=replace(good_previous(), zone=EXAMPLE))
    assert set(failures(elsewhere)) == {"KSR-CHAIN-KEYS"}
    # Many zones at once follow on nothing.
    for first in (False, True):
        many = spoil_plain(alone=False, first=first, signed_before=frozenset({p256(1, flags=257)}))
        assert failures(many) == {}
        assert detail(many, "KQ-CHAIN") == "a source with several zones follows on no response"


def test_chain_of_keys() -> None:
    assert detail(good(), "KSR-CHAIN-KEYS") == f"the previous response was signed by {tag(KSK)}"
    # Looked at without a quorum, it is not asked who signed.
    nobody = "its keys stood in the previous response; no key of a quorum is given to look for"
    assert detail(spoil(ksks=()), "KSR-CHAIN-KEYS") == nobody
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
