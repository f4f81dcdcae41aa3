"""KQ-CDS: whom the parent is told to trust."""

from dataclasses import replace

from keyquorum.dnssec.model import CDNSKEY, CDS, ParentRrset
from keyquorum.dnssec.parent_records import cds_rdata, parent_rrsets
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import failures, p256, plain
from tests.policy.spoilt import EXAMPLE, detail, spoil_plain, status, tag

KSK, STRANGER = plain().ksks[0], p256(9, flags=257)
ALL = ("CDNSKEY", "CDS SHA-256", "CDS SHA-384")


def saying(*rrsets: ParentRrset) -> Subject:
    return spoil_plain.bundle(1, prove=False, for_parent=rrsets)


def test_our_own() -> None:
    subject = saying(*parent_rrsets(EXAMPLE, [KSK], ALL, 60))
    assert failures(subject) == {}
    assert detail(subject, "KQ-CDS") == "3 records for the parent are of the quorum's keys"
    assert status(replace(subject, ksks=()), "KQ-CDS") is Status.NOT_APPLICABLE
    assert status(plain(), "KQ-CDS") is Status.NOT_APPLICABLE


def test_somebody_elses() -> None:
    found = failures(saying(*parent_rrsets(EXAMPLE, [KSK, STRANGER], ALL, 60)))
    assert set(found) == {"KQ-CDS"}
    assert found["KQ-CDS"].count("is not of a key of this quorum") == 3
    assert f"the record CDS {STRANGER.tag} 13 2 " in found["KQ-CDS"]
    # Our key with other flags, and our tag with another digest, are not our key.
    zone_key = replace(KSK, flags=256)
    assert set(failures(saying(ParentRrset(CDNSKEY, (zone_key.wire(),), 60)))) == {"KQ-CDS"}
    digest = cds_rdata(EXAMPLE, KSK, 2)
    assert set(failures(saying(ParentRrset(CDS, (digest[:-1] + bytes([digest[-1] ^ 1]),), 60)))) == {"KQ-CDS"}
    sha1 = digest[:3] + b"\x01" + digest[4:24]
    assert set(failures(saying(ParentRrset(CDS, (sha1,), 60)))) == {"KQ-CDS"}


def test_records_in_one_of_two_bundles() -> None:
    (bundle,) = saying(*parent_rrsets(EXAMPLE, [STRANGER], ALL[1:2], 60)).request.bundles
    for bundles in ((bundle, replace(bundle, for_parent=())), (replace(bundle, for_parent=()), bundle)):
        assert set(failures(spoil_plain.request(bundles=bundles))) == {"KQ-CDS"}


def test_cds_and_cdnskey_say_the_same() -> None:
    other = p256(8, flags=257)
    both = replace(plain(), ksks=(KSK, other))
    (cds,), (cdnskey,) = parent_rrsets(EXAMPLE, [KSK], ALL[1:2], 60), parent_rrsets(EXAMPLE, [other], ALL[:1], 60)
    bundle = replace(both.request.bundles[0], for_parent=(cds, cdnskey))
    assert failures(replace(both, request=replace(both.request, bundles=(bundle,)))) == {
        "KQ-CDS": "bundle 1: its CDS and its CDNSKEY records are not of the same keys"
    }
    assert tag(KSK) != tag(other)


def test_the_end_of_dnssec_is_let_pass_only_by_name() -> None:
    end = "would have the parent end DNSSEC for the zone"
    assert failures(saying(ParentRrset(CDS, (bytes(5),), 60), ParentRrset(CDNSKEY, (b"\0\0\x03\0\0",), 60))) == {
        "KQ-CDS": f"bundle 1: the record CDS 0 0 0 00 {end}; bundle 1: the record CDNSKEY 0 3 0 AA== {end}"
    }
