"""CDS and CDNSKEY records: dnspython makes the same, and each is told whose it is."""

from dataclasses import replace

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from dns.dnssectypes import DSDigest

from keyquorum.dnssec.icann import write_ksr
from keyquorum.dnssec.model import CDNSKEY, CDS, PARENT_RECORDS, ParentRrset, Terms
from keyquorum.dnssec.parent_records import cds_rdata, is_deletion, parent_rdata_text, parent_rrsets, spoken_of
from keyquorum.errors import MalformedError
from tests.dnssec.keys import ALGORITHMS, pair
from tests.dnssec.ksr_vectors import good_request

ZONE = dns.name.from_text("example.")
ONE, OTHER = pair(13).key, pair(15).key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_dnspython_makes_the_same(algorithm: int) -> None:
    key = pair(algorithm).key
    rdata = dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.CDNSKEY, key.wire(), 0, len(key.wire()))
    for number, digest in ((2, DSDigest.SHA256), (4, DSDigest.SHA384)):
        theirs = dns.dnssec.make_cds(ZONE, rdata, digest)
        assert cds_rdata(ZONE, key, number) == theirs.to_wire()
        (rrset,) = parent_rrsets(ZONE, [key], [f"CDS SHA-{256 if number == 2 else 384}"], 60)
        assert parent_rdata_text(rrset, rrset.rdatas[0]).lower() == theirs.to_text().lower()
    assert parent_rdata_text(ParentRrset(CDNSKEY, (key.wire(),), 60), key.wire()) == rdata.to_text(chunksize=0)


def test_the_rrsets() -> None:
    cds, cdnskey = parent_rrsets(ZONE, [ONE, OTHER], reversed(PARENT_RECORDS), 60)
    assert (cds.kind, cds.ttl, cdnskey.kind, cdnskey.ttl) == (CDS, 60, CDNSKEY, 60)
    assert cds.rdatas == tuple(cds_rdata(ZONE, key, digest) for digest in (2, 4) for key in (ONE, OTHER))
    assert cdnskey.rdatas == (ONE.wire(), OTHER.wire())
    assert parent_rrsets(ZONE, [ONE], (), 60) == ()
    assert [spoken_of(ZONE, cds, rdata, [OTHER, ONE]) for rdata in cds.rdatas] == [ONE, OTHER, ONE, OTHER]
    assert [spoken_of(ZONE, cdnskey, rdata, [ONE]) for rdata in cdnskey.rdatas] == [ONE, None]
    assert spoken_of(dns.name.root, cds, cds.rdatas[0], [ONE]) is None


def test_deletions() -> None:
    cds, cdnskey = ParentRrset(CDS, (bytes(5),), 60), ParentRrset(CDNSKEY, (b"\0\0\x03\0\0",), 60)
    assert is_deletion(cds, cds.rdatas[0])
    assert is_deletion(cdnskey, cdnskey.rdatas[0])
    assert not is_deletion(cds, cds_rdata(ZONE, ONE, 2))
    assert not is_deletion(cdnskey, ONE.wire())
    assert [parent_rdata_text(one, one.rdatas[0]) for one in (cds, cdnskey)] == ["0 0 0 00", "0 3 0 AA=="]


def test_models_refuse() -> None:
    cds, cdnskey = parent_rrsets(ZONE, [ONE], PARENT_RECORDS, 60)
    bundle = good_request().bundles[0]
    for wrong in ((cds, cds), (cdnskey, cds)):
        with pytest.raises(MalformedError, match="in this order"):
            replace(bundle, for_parent=wrong)
    for kind, rdatas, ttl in (
        (48, (ONE.wire(),), 60),
        (CDS, (), 60),
        (CDS, (bytes(5), bytes(5)), 60),
        (CDS, (bytes(4),), 60),
        (CDS, (bytes(1 << 16),), 60),
        (CDS, (bytes(5),), -1),
    ):
        with pytest.raises(MalformedError):
            ParentRrset(kind, rdatas, ttl)
    for start in (-1, 1 << 32):
        with pytest.raises(MalformedError):
            replace(bundle, start=start)
    for names in (("CDS SHA-1",), ("CDNSKEY", "CDNSKEY")):
        with pytest.raises(MalformedError, match="records for the parent are some of"):
            Terms(None, None, None, names)
    made = replace(bundle, for_parent=(cds,))
    with pytest.raises(MalformedError, match="has no place for CDS"):
        write_ksr(replace(good_request(), bundles=(made,)))
