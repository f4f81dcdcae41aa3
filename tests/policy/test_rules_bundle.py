"""KSR-BUNDLE-*: subjects that break them and are otherwise good, with the exact set of rules that fail."""

from dataclasses import replace

import pytest

from keyquorum.errors import SignatureError
from tests.policy.good_request import (
    KSK,
    NEXT,
    NOW,
    OLD,
    ROOT,
    failures,
    good,
    good_request,
    labelled,
    proven,
    published,
    with_flags,
)
from tests.policy.spoilt import detail, last, spoil, spoil_plain, tag


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
    assert failures(replace(spoil.bundle(3, id="a-9"), previous=None, first=True)) == {}
    assert detail(spoil(previous=None, first=True), "KSR-BUNDLE-UNIQUE") == "9 different ids"


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
