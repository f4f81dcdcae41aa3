"""The root's real request of 2017-q2, signed by quorums: what comes out is judged by dnspython and ``cryptography``."""

from itertools import combinations

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.icann import read_ksr, read_skr
from keyquorum.dnssec.model import Bundle, Dnskey
from keyquorum.dnssec.times import format_time
from keyquorum.errors import MalformedError, RefusedError
from keyquorum.policy.rules import RULES
from keyquorum.policy.subject import Status
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.requesting import refuse_failures
from tests.data import data
from tests.quorum.village import (
    JUDGED_AT,
    Matter,
    answer,
    ask,
    combine,
    dealt,
    examined,
    opened,
    root_request,
    skr,
    undivided,
)
from tests.threshold.cases import HASHES


def validated_by_dnspython(bundle: Bundle, ksk: Dnskey) -> bytes:
    """Have dnspython validate the bundle in the middle of its time with ``ksk`` alone; gives the signature."""
    records = [
        DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, one.key.flags, 3, one.key.algorithm, one.key.public_key)
        for one in bundle.keys
    ]
    (one,) = bundle.signatures
    rrsig = RRSIG(
        dns.rdataclass.IN,
        dns.rdatatype.RRSIG,
        dns.rdatatype.DNSKEY,
        one.algorithm,
        one.labels,
        one.original_ttl,
        one.expiration,
        one.inception,
        one.key_tag,
        one.signer,
        one.signature,
    )
    trusted = DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, ksk.flags, 3, ksk.algorithm, ksk.public_key)
    ttl = bundle.keys[0].ttl
    dns.dnssec.validate(
        dns.rrset.from_rdata_list(dns.name.root, ttl, records),
        dns.rrset.from_rdata_list(dns.name.root, ttl, [rrsig]),
        {dns.name.root: dns.rrset.from_rdata_list(dns.name.root, ttl, [trusted])},
        now=(bundle.inception + bundle.expiration) / 2,
    )
    return one.signature


@pytest.mark.parametrize("algorithm", [8, 10])
@pytest.mark.parametrize("kind", ["new", "existing"])
def test_all_nine_bundles(kind: str, algorithm: int) -> None:
    quorum = dealt(kind, 3, 5, algorithm)
    matter = root_request()
    overrules = (
        {} if algorithm == 8 else dict.fromkeys(("KQ-ALGORITHMS", "KQ-TERMS"), "the quorum's own algorithm is 10")
    )
    request = ask(matter, quorum, overrules=overrules)
    partials = {i: answer(request, matter, quorum, i, overrules=overrules) for i in (1, 2, 3, 5)}
    outcome = combine(request, [partials[i] for i in (1, 3, 5)])
    assert outcome.good(quorum) == {1, 3, 5}
    assert not outcome.liars(quorum)

    response = read_skr(skr(outcome))
    asked = read_ksr(matter.source)
    ksk = dnskey_of(quorum.key.record.public)
    assert (response.id, response.serial, len(response.bundles)) == (asked.id, asked.serial, 9)
    signatures = [validated_by_dnspython(bundle, ksk) for bundle in response.bundles]
    for wanted, got in zip(asked.bundles, response.bundles, strict=True):
        assert (wanted.id, wanted.inception, wanted.expiration) == (got.id, got.inception, got.expiration)
        assert {one.key for one in got.keys} == {one.key for one in wanted.keys} | {ksk}

    if kind == "existing":
        whole = undivided()
        messages = examined(matter, [quorum]).messages[0]
        assert signatures == [whole.sign(text, padding.PKCS1v15(), HASHES[algorithm]) for text in messages]
    others = combine(request, [partials[i] for i in (2, 3, 1)])
    assert skr(others) == skr(outcome)


@pytest.mark.parametrize("M", [1, 2, 3, 4])
def test_every_subset_makes_the_signature_of_the_undivided_key(M: int) -> None:
    N = 1 if M == 1 else 4
    quorum = dealt("existing", M, N)
    matter = root_request()
    request = ask(matter, quorum)
    partials = {index: answer(request, matter, quorum, index) for index in range(1, N + 1)}
    messages = examined(matter, [quorum]).messages[0]
    wanted = [undivided().sign(text, padding.PKCS1v15(), HASHES[8]) for text in messages]
    for chosen in combinations(partials, M):
        assert combine(request, [partials[index] for index in chosen]).signatures[quorum.key.id] == wanted


def test_what_a_holder_sees_is_all_of_it() -> None:
    quorum = dealt()
    matter = root_request()
    seen = examined(matter, [quorum])
    assert (seen.zones, seen.bundles, len(seen.shown)) == (1, 9, 9)
    assert [rule.id for rule in RULES] == [result.rule for result in seen.report.results]
    assert seen.report.acceptable
    assert seen.request_ids == (read_ksr(matter.source).id,)
    ksk = dnskey_of(quorum.key.record.public)
    assert all(one.bundle.signers == (ksk,) for one in seen.shown)


def test_what_everybody_derives_is_what_the_requester_derived() -> None:
    quorum = dealt()
    matter = root_request()
    request = opened(ask(matter, quorum))
    assert request.requester.record.name == "rita"
    assert request.task.source.sha256 == matter.task([quorum]).source.sha256
    assert list(request.task.zones()) == [read_ksr(matter.source)]
    assert list(request.task.zones()) == [read_ksr(matter.source)]


def test_the_real_request_with_wrong_proofs_is_refused_bundle_and_rule_named() -> None:
    quorum = dealt()
    matter = Matter(data("ksr/ksr-bad-signatures.xml").read_bytes())
    bad = read_ksr(matter.source)
    matter = Matter(matter.source, at=bad.bundles[0].inception - 30 * 86400)
    seen = examined(matter, [quorum])
    (result,) = [one for one in seen.report.results if one.rule == "KSR-BUNDLE-POP"]
    assert result.status is Status.FAILED
    spoilt = {bundle.id for bundle in bad.bundles if any(bundle.id in place for place in result.where)}
    assert spoilt
    with pytest.raises(RefusedError, match="KSR-BUNDLE-POP") as caught:
        ask(matter, quorum)
    assert all(name in str(caught.value) for name in spoilt)
    assert "--overrule" in caught.value.do
    with pytest.raises(RefusedError, match="KSR-BUNDLE-POP"):
        refuse_failures(seen)


def test_a_source_without_anything_to_sign() -> None:
    quorum = dealt()
    with pytest.raises(MalformedError):
        ask(Matter(b"<KSR/>"), quorum)


def test_the_day_it_is_judged_at_stands_in_the_request() -> None:
    quorum = dealt()
    request = opened(ask(root_request(), quorum))
    assert format_time(request.signed.record.at) == format_time(JUDGED_AT)
