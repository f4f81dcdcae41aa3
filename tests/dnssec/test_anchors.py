import base64

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.icann import read_skr
from keyquorum.dnssec.model import Dnskey
from keyquorum.errors import UsageError
from tests.data import data
from tests.dnssec.keys import ALGORITHMS, pair

# As published by IANA in root-anchors.xml for the KSK of 2010 (tag 19036).
DS_2010 = ". IN DS 19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5"


def test_the_ds_of_the_roots_first_ksk() -> None:
    response = read_skr(data("ksr/skr-root-2017-q2-0.xml").read_bytes())
    (ksk,) = {one.key for one in response.bundles[0].keys if one.key.is_sep}
    assert ds_text(response.zone, ksk) == DS_2010


def test_rfc_6605_section_6_1() -> None:
    text = "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="
    key = Dnskey(257, 13, base64.b64decode(text))
    zone = dns.name.from_text("example.net.")
    digest = "B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17"
    assert ds_text(zone, key) == f"example.net. IN DS 55648 13 2 {digest}"
    assert dnskey_text(zone, key) == f"example.net. IN DNSKEY 257 3 13 {text}"


def test_sha_384_of_rfc_6605_section_6_2() -> None:
    text = (
        "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/"
        "mlVNgF6W/qTI37m40"
    )
    key = Dnskey(257, 14, base64.b64decode(text))
    digest = "72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0563A9B5F4D288405C3008A946DF983D6"
    assert ds_text(dns.name.from_text("example.net."), key, "SHA-384") == f"example.net. IN DS 10771 14 4 {digest}"


@pytest.mark.parametrize("digest", ["SHA-1", "sha-256", "GOST", ""])
def test_other_digests_are_refused(digest: str) -> None:
    with pytest.raises(UsageError):
        ds_text(dns.name.root, pair(13).key, digest)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_dnspython_reads_them_back(algorithm: int) -> None:
    key = pair(algorithm).key
    _, _, kind, *rdata = dnskey_text(dns.name.root, key).split()
    (record,) = dns.rrset.from_text(".", 0, "IN", kind, " ".join(rdata))
    assert record.to_wire() == key.wire()
