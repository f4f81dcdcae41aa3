"""KSR and SKR: the shape of the root's own, round trips of ours, and that nothing but our errors comes out.

``test_spellings`` goes through all the real files there are.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.icann import read_ksr, read_skr, write_ksr, write_skr
from keyquorum.dnssec.model import Dnskey, KeyKind, Signature, ZoneRequest, ZoneResponse
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import MalformedError, SignatureError
from tests.data import data
from tests.dnssec.ksr_vectors import POLICY, good_request
from tests.dnssec.ours import only_ours
from tests.dnssec.strategies import bundles, labels, names, policies, seconds

RESPONSES = ["skr-root-2017-q1-0.xml", "skr-root-2017-q2-0.xml"]
VERIFIERS = [verify_signature, verify_with_dnspython]
BAD = [("0a8f7774-3bd3-4702-a923-f1d73f653bd6", 46809), ("0a8f7774-3bd3-4702-a923-f1d73f653bd6", 41824)]


def real(name: str) -> bytes:
    return data(f"ksr/{name}").read_bytes()


def bad_signatures(
    document: ZoneRequest | ZoneResponse, check: Callable[[dns.name.Name, Any, Signature, Dnskey], None]
) -> tuple[int, list[tuple[str, int]]]:
    good, bad = 0, []
    for bundle in document.bundles:
        keys = [one.key for one in bundle.keys]
        for signature in bundle.signatures:
            (key,) = [key for key in keys if key.tag == signature.key_tag]
            try:
                check(document.zone, keys, signature, key)
                good += 1
            except SignatureError:
                bad.append((bundle.id, signature.key_tag))
    return good, bad


@pytest.mark.parametrize("name", RESPONSES)
def test_real_responses_are_written_byte_for_byte(name: str) -> None:
    response = read_skr(real(name))
    assert (response.zone, len(response.bundles)) == (dns.name.root, 9)
    assert write_skr(response) == real(name)


def test_the_real_request_of_2017_is_written_byte_for_byte() -> None:
    assert write_ksr(read_ksr(real("ksr-root-2017-q2-0.xml"))) == real("ksr-root-2017-q2-0.xml")


@pytest.mark.parametrize("check", VERIFIERS)
def test_the_two_bad_proofs_are_found(check: Callable[..., None]) -> None:
    assert bad_signatures(read_ksr(real("ksr-bad-signatures.xml")), check) == (9, BAD)


def test_faults_of_a_response() -> None:
    text = real("skr-root-2017-q2-0.xml").decode()
    for old, new, words in (
        ("</Response>", "<More/></Response>", "KSR/Response, line 3: the element More is unknown"),
        ("</Response>", "</Response><Response/>", "KSR, line 2: the element Response is unknown"),
        ("</ResponsePolicy>", "<More/></ResponsePolicy>", "KSR/Response/ResponsePolicy, line 4: the element More"),
        ("<Response>", '<Response more="x">', "the attribute more is unknown"),
        ("<KSK>", "<KSK><More/>", "KSK, line 5: the next element must be PublishSafety"),
        ("<Key ", '<Signer keyIdentifier="x"/><Key ', "the next element must be Key, and it is Signer"),
        ('keyTag="61045"', 'keyTag="61046"', "keyTag says 61046, and the tag of this key is 61045"),
    ):
        with pytest.raises(MalformedError) as caught:
            read_skr(text.replace(old, new, 1).encode())
        assert words in str(caught.value)


def test_what_a_real_request_says() -> None:
    request = read_ksr(real("ksr-root-2017-q2-0.xml"))
    assert request.id == "23e34059-7725-46a8-a7d2-662d657aab2b"
    assert request.serial == 1
    assert request.policy is not None
    assert request.policy.algorithms == (KeyKind(8, 2048, 65537),)
    assert request.policy.min_validity_overlap == 9 * 86400
    first = request.bundles[0]
    assert (first.inception, first.expiration) == (1_491_004_800, 1_492_819_200)
    assert [(one.key.tag, one.key.flags, one.ttl) for one in first.keys] == [(14796, 256, 172800), (61045, 256, 172800)]
    assert all(label.startswith("302e312c") for label in [one.identifier for one in first.keys])
    assert [one.identifier for one in first.signatures] == [one.identifier for one in first.keys]


def test_our_own_request_verifies_and_round_trips() -> None:
    for zone in (".", "example.", r"a\.b.\"\038<.example."):
        request = good_request(zone)
        for check in VERIFIERS:
            assert bad_signatures(request, check) == (4, [])
        assert read_ksr(write_ksr(request)) == request


def test_declaration_offsets_and_absent_identifiers_are_accepted() -> None:
    text = write_ksr(good_request()).decode()
    request = good_request()
    for said in ("", " encoding='UTF-8'", ' encoding="utf-8" standalone="no"', ' standalone="yes"'):
        assert read_ksr(f"<?xml version='1.0'{said}?>\n{text}\n".encode()) == request
    assert read_ksr(text.replace("T00:00:00<", "T00:00:00Z<").encode()) == request
    bare = read_ksr(text.replace(' keyIdentifier="zsk 8"', "", 1).encode())
    assert bare.bundles[0].keys[0].identifier == ""
    assert read_ksr(write_ksr(bare)) == bare


@settings(deadline=None, max_examples=50)
@given(
    names,
    st.lists(bundles(signers=True), min_size=1, max_size=3).map(tuple),
    labels,
    st.integers(0, 2**32 - 1),
    policies,
    st.none() | seconds,
)
def test_any_request_round_trips(zone: Any, made: Any, label: str, serial: int, policy: Any, timestamp: Any) -> None:
    request = ZoneRequest(zone, made, label, serial, policy, proofs=True, timestamp=timestamp)
    assert read_ksr(write_ksr(request)) == request


@settings(deadline=None, max_examples=50)
@given(
    names,
    st.lists(bundles(signers=False), min_size=1, max_size=3).map(tuple),
    labels,
    policies,
    policies,
    st.none() | seconds,
)
def test_any_response_round_trips(zone: Any, made: Any, label: str, ksk: Any, zsk: Any, timestamp: Any) -> None:
    response = ZoneResponse(zone, made, label, 0, ksk, zsk, timestamp)
    assert read_skr(write_skr(response)) == response


def test_what_the_form_has_no_place_for_is_not_written() -> None:
    request = good_request()
    first = request.bundles[0]
    odd_policy = replace(POLICY, algorithms=(KeyKind(253, 2048),))
    response = ZoneResponse(request.zone, request.bundles, "id", 1, POLICY, POLICY)
    for wrong in (
        replace(request, id=""),
        replace(request, policy=None),
        replace(request, proofs=False),
        replace(request, policy=odd_policy),
        replace(request, bundles=(replace(first, id=""),)),
        replace(request, bundles=(replace(first, signatures=()),)),
    ):
        with pytest.raises(MalformedError):
            write_ksr(wrong)
    for wrong_response in (
        replace(response, id=""),
        replace(response, ksk_policy=None),
        replace(response, zsk_policy=None),
        replace(response, bundles=(replace(first, signers=("k",)),)),
    ):
        with pytest.raises(MalformedError):
            write_skr(wrong_response)


def test_a_request_is_no_response() -> None:
    with pytest.raises(MalformedError, match="must be Response, and it is Request"):
        read_skr(write_ksr(good_request()))
    with pytest.raises(MalformedError, match="must be Request, and it is Response"):
        read_ksr(write_skr(ZoneResponse(dns.name.root, good_request().bundles, "id", 1, POLICY, POLICY)))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_changed_document_is_read_or_refused(drawn: st.DataObject) -> None:
    good = write_ksr(good_request())
    start = drawn.draw(st.integers(0, len(good)))
    end = start + drawn.draw(st.integers(0, 12))
    piece = drawn.draw(st.binary(max_size=6) | st.sampled_from([b"<", b">", b"&", b'"', b"</Key>", b"<Key>", b"&#0;"]))
    changed = good[:start] + piece + good[end:]
    read = only_ours(lambda: read_ksr(changed))
    if read is not None:
        assert read_ksr(write_ksr(read)) == read


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200) | st.text("<KSR/>=\"' &;ab!?[]-", max_size=60).map(str.encode))
def test_any_bytes_are_refused_with_our_errors(document: bytes) -> None:
    assert only_ours(lambda: read_ksr(document)) is None
    assert only_ours(lambda: read_skr(document)) is None
