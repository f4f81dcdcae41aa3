"""Plans: what is published and who signs, for the root's real request and for requests of our own."""

import io
from dataclasses import replace

import dns.name
import pytest

from keyquorum.dnssec.icann import read_ksr, read_skr
from keyquorum.dnssec.model import Dnskey, PublishedKey, ZoneRequest, ZoneResponse
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.dnssec.schema import SCHEMAS, Act, PlannedBundle, Schema, messages_of, plan, signed
from keyquorum.dnssec.signing_input import rrset_signing_input, signing_input
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.dnssec.zonefile import read_rrsets
from keyquorum.errors import MalformedError, RefusedError, SignatureError
from tests.data import data
from tests.dnssec.keys import pair
from tests.dnssec.ksr_vectors import good_request

NORMAL = SCHEMAS["normal"]
RSA, EC = (PublishedKey(pair(8).key, 60, "rsa ksk"), PublishedKey(pair(13).key, 60, "ec ksk"))


def planned(
    request: ZoneRequest, *ksks: PublishedKey, schema: Schema = NORMAL, ttl: int | None = None
) -> list[PlannedBundle]:
    return list(plan(schema, request, ksks, ttl))


def test_the_roots_plan_of_2017() -> None:
    """What the root's KSK signed in 2017 is what we would have signed: its own signatures verify over our bytes."""
    request = read_ksr(data("ksr/ksr-root-2017-q2-0.xml").read_bytes())
    response: ZoneResponse = read_skr(data("ksr/skr-root-2017-q2-0.xml").read_bytes())
    (ksk,) = [one for one in response.bundles[0].keys if one.key.is_sep]
    ours = planned(request, ksk, ttl=172800)
    assert len(ours) == 9
    for one, theirs in zip(ours, response.bundles, strict=True):
        assert (one.id, one.inception, one.expiration) == (theirs.id, theirs.inception, theirs.expiration)
        assert set(one.keys) == set(theirs.keys)
        assert one.signers == (ksk.key,)
        answer = signed(request.zone, one, {ksk.key: [theirs.signatures[0].signature]})
        assert answer.signatures == theirs.signatures
        verify_signature(request.zone, [key.key for key in answer.keys], answer.signatures[0], ksk.key)


def test_keys_are_sorted_by_tag_and_have_one_ttl() -> None:
    for one in planned(good_request(), RSA, EC, ttl=300):
        tags = [key.key.tag for key in one.keys]
        assert tags == sorted(tags)
        assert len(tags) == 4
        assert {key.ttl for key in one.keys} == {one.ttl} == {300}
        assert one.signers == (RSA.key, EC.key)
    assert {one.ttl for one in planned(good_request(), RSA)} == {172800}


def test_a_ksk_that_is_there_already_is_published_once_under_our_label() -> None:
    request = good_request()
    carrying = replace(
        request.bundles[0], keys=(replace(RSA, ttl=172800, identifier="theirs"), *request.bundles[0].keys)
    )
    (one,) = planned(replace(request, bundles=(carrying,)), RSA)
    assert [key.identifier for key in one.keys if key.key == RSA.key] == ["rsa ksk"]
    assert len(one.keys) == 3


def test_a_foreign_ksk_stays_for_policy_to_refuse() -> None:
    request = good_request()
    carrying = replace(request.bundles[0], keys=(replace(EC, ttl=172800), *request.bundles[0].keys))
    (one,) = planned(replace(request, bundles=(carrying,)), RSA)
    assert EC.key in {key.key for key in one.keys}
    assert one.signers == (RSA.key,)


def test_ttls_that_differ_need_one_that_is_given() -> None:
    request = good_request()
    odd = replace(request.bundles[0], keys=(replace(request.bundles[0].keys[0], ttl=1), *request.bundles[0].keys[1:]))
    with pytest.raises(RefusedError, match=r"different TTLs \(1, 172800\)"):
        planned(replace(request, bundles=(odd,)), RSA)
    assert planned(replace(request, bundles=(odd,)), RSA, ttl=300)[0].ttl == 300


def test_wrong_numbers_of_ksks_are_refused() -> None:
    with pytest.raises(RefusedError, match="not for 0 KSKs"):
        planned(good_request())
    with pytest.raises(RefusedError, match="twice"):
        planned(good_request(), RSA, replace(RSA, identifier="again"))


ROLL = Schema(
    "roll",
    "a new KSK is published in the second bundle and signs from the third",
    ("old", "new"),
    ((Act.SIGN, Act.ABSENT), (Act.SIGN, Act.PUBLISH), (Act.PUBLISH, Act.SIGN)),
)


def test_a_schema_is_data() -> None:
    ours = planned(good_request(bundles=4), RSA, EC, schema=ROLL)
    published = [[key.identifier for key in one.keys if key.identifier.endswith("ksk")] for one in ours]
    assert [sorted(names) for names in published] == [["rsa ksk"], *[["ec ksk", "rsa ksk"]] * 3]
    assert [one.signers for one in ours] == [(RSA.key,), (RSA.key,), (EC.key,), (EC.key,)]
    for ksks in ([RSA], [RSA, EC, PublishedKey(pair(15).key, 60)]):
        with pytest.raises(RefusedError, match=f"for KSKs as old and new, not for {len(ksks)} KSK"):
            planned(good_request(bundles=4), *ksks, schema=ROLL)


def test_every_schema_of_the_table_is_in_order() -> None:
    for name, schema in SCHEMAS.items():
        assert name == schema.name
        assert schema.meaning
        assert schema.bundles
        assert all(len(row) == len(schema.roles) for row in schema.bundles)
        # Somebody always signs who is not revoked.
        assert all(Act.SIGN in row for row in schema.bundles)
    with pytest.raises(TypeError):
        SCHEMAS["other"] = NORMAL  # type: ignore[index]


def test_the_message_is_the_signing_input_of_the_plan() -> None:
    zone = dns.name.from_text("example.")
    (one, _) = planned(good_request("example."), RSA, EC)
    keys: list[Dnskey] = [key.key for key in one.keys]
    for ksk in (RSA.key, EC.key):
        (message,) = messages_of(zone, one, ksk)
        assert message == signing_input(
            zone,
            keys,
            172800,
            algorithm=ksk.algorithm,
            key_tag=ksk.tag,
            inception=one.inception,
            expiration=one.expiration,
        )


def test_an_answer_needs_exactly_the_signatures_planned() -> None:
    zone = dns.name.root
    (one, _) = planned(good_request(), RSA, EC)
    others: list[dict[Dnskey, list[bytes]]] = [
        {},
        {RSA.key: [b"s"]},
        {RSA.key: [b"s"], EC.key: [b"s", b"s"]},
        {RSA.key: [b"s"], EC.key: [b"s"], pair(15).key: [b"s"]},
    ]
    for values in others:
        with pytest.raises(MalformedError):
            signed(zone, one, values)
    answer = signed(zone, one, {RSA.key: [b"r"], EC.key: [b"e"]})
    assert [(made.identifier, made.signature, made.ttl) for made in answer.signatures] == [
        ("rsa ksk", b"r", 172800),
        ("ec ksk", b"e", 172800),
    ]


def test_a_plain_rrset_is_planned_too() -> None:
    text = b"example. 60 IN DNSKEY 256 3 15 " + b"A" * 43 + b"=\n"
    (request,) = read_rrsets(io.BytesIO(text), 100, 200)
    (one,) = planned(request, EC)
    assert (one.id, one.inception, one.expiration, one.ttl, len(one.keys)) == ("example.", 100, 200, 60, 2)


PARENTS = ("CDNSKEY", "CDS SHA-256")


def test_records_for_the_parent_are_made_of_every_ksk_that_signs() -> None:
    zone = dns.name.from_text("example.")
    ours = list(plan(ROLL, good_request("example.", bundles=4), [RSA, EC], 300, PARENTS))
    for one, ksk in zip(ours, (RSA.key, RSA.key, EC.key, EC.key), strict=True):
        assert one.for_parent == parent_rrsets(zone, [ksk], PARENTS, 300)
        assert len(messages_of(zone, one, ksk)) == 3
    both = next(plan(NORMAL, good_request("example."), [RSA, EC], None, PARENTS))
    assert both.for_parent == parent_rrsets(zone, [RSA.key, EC.key], PARENTS, 172800)


def test_each_rrset_is_signed_by_each_signer_and_verifies() -> None:
    zone = dns.name.from_text("example.")
    pairs = [pair(8), pair(13)]
    one = next(plan(NORMAL, good_request("example."), [RSA, EC], 60, PARENTS))
    values = {ksk.key: [ksk.sign(message) for message in messages_of(zone, one, ksk.key)] for ksk in pairs}
    answer = signed(zone, one, values)
    keys = [key.key for key in answer.keys]
    rrsets = list(answer.signed_rrsets())
    assert [over.name if over else "DNSKEY" for over, _ in rrsets] == ["DNSKEY", "CDS", "CDNSKEY"]
    for over, signatures in rrsets:
        for ksk, signature in zip(pairs, signatures, strict=True):
            verify_signature(zone, keys, signature, ksk.key, over)
            verify_with_dnspython(zone, keys, signature, ksk.key, over)
    # A signature over one RRset is none over another.
    (_, keyset), (cds, over_cds), _ = rrsets
    for signature, over, what in ((keyset[0], cds, "RRSIG CDS by key"), (over_cds[0], None, "RRSIG DNSKEY by key")):
        for verify in (verify_signature, verify_with_dnspython):
            with pytest.raises(SignatureError, match=what):
                verify(zone, keys, signature, pairs[0].key, over)


def test_a_revoked_key_signs_the_keys_and_nothing_for_the_parent() -> None:
    """RFC 5011 section 2.1; dnspython holds to it, and so does BIND, whose requests have CDS and CDNSKEY records."""
    zone = dns.name.from_text("example.")
    old, new = pair(8), pair(13)
    revoked = old.key.revoked()
    one = next(plan(SCHEMAS["revoke-only"], good_request("example."), [RSA, EC], 60, PARENTS))
    assert one.signers == (revoked, new.key)
    assert one.for_parent == parent_rrsets(zone, [new.key], PARENTS, 60)
    values = {
        signer: [ksk.sign(message) for message in messages_of(zone, one, signer)]
        for ksk, signer in ((old, revoked), (new, new.key))
    }
    assert [len(made) for made in values.values()] == [1, 3]
    answer = signed(zone, one, values)
    keys = [key.key for key in answer.keys]
    assert [[rrsig.key_tag for rrsig in rrsigs] for _, rrsigs in answer.signed_rrsets()] == [
        [revoked.tag, new.key.tag], [new.key.tag], [new.key.tag],
    ]  # fmt: skip
    for over, rrsigs in answer.signed_rrsets():
        for rrsig in rrsigs:
            signer = revoked if rrsig.key_tag == revoked.tag else new.key
            verify_signature(zone, keys, rrsig, signer, over)
            verify_with_dnspython(zone, keys, rrsig, signer, over)
    with pytest.raises(MalformedError, match="not those of the signers planned"):
        signed(zone, one, {**values, revoked: [b"x"] * 3})
    # One made all the same is good arithmetic, and not believed.
    cds, first = answer.for_parent[0], answer.signatures[0]
    made = old.sign(
        rrset_signing_input(
            zone, cds.kind, cds.rdatas, cds.ttl, algorithm=8, key_tag=revoked.tag, inception=first.inception,
            expiration=first.expiration,
        )
    )  # fmt: skip
    with pytest.raises(SignatureError, match="its key is revoked and good for the DNSKEY RRset alone"):
        verify_signature(zone, keys, replace(first, signature=made), revoked, cds)
    with pytest.raises(SignatureError, match="dnspython"):
        verify_with_dnspython(zone, keys, replace(first, signature=made), revoked, cds)


def test_records_for_the_parent_in_the_request_are_signed_as_they_are() -> None:
    zone = dns.name.from_text("example.")
    cds, _ = parent_rrsets(zone, [EC.key], PARENTS, 5)
    request = good_request("example.", bundles=1)
    carrying = replace(request, bundles=(replace(request.bundles[0], for_parent=(cds,)),))
    (one,) = planned(carrying, EC)
    assert one.for_parent == (cds,)
    answer = signed(zone, one, {EC.key: [b"keys", b"cds"]})
    assert answer.for_parent == (
        replace(cds, signatures=(replace(answer.signatures[0], signature=b"cds", original_ttl=5, ttl=5),)),
    )
    with pytest.raises(RefusedError, match="others are to be made"):
        list(plan(NORMAL, carrying, [EC], None, PARENTS))


def test_the_start_of_a_bundle_goes_through() -> None:
    request = good_request(bundles=1)
    (one,) = planned(replace(request, bundles=(replace(request.bundles[0], start=5),)), EC)
    assert one.start == 5
    assert signed(request.zone, one, {EC.key: [b"s"]}).start == 5
