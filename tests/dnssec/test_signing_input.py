"""The bytes to sign are those that dnspython computes, for any RRset."""

from typing import Any

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.errors import MalformedError
from tests.dnssec.strategies import names, rrsets, seconds, ttls

KEYS = [Dnskey(256, 13, b"\x02" * 64), Dnskey(257, 13, b"\x01" * 64)]
FIELDS: dict[str, Any] = {"algorithm": 13, "key_tag": 1, "inception": 1, "expiration": 2}


@given(names, rrsets, ttls, st.integers(0, 255), st.integers(0, 65535), seconds, seconds)
def test_dnspython_computes_the_same(
    zone: dns.name.Name, keys: list[Dnskey], ttl: int, algorithm: int, tag: int, inception: int, expiration: int
) -> None:
    ours = signing_input(zone, keys, ttl, algorithm=algorithm, key_tag=tag, inception=inception, expiration=expiration)
    records = [DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, k.flags, 3, k.algorithm, k.public_key) for k in keys]
    rrsig = RRSIG(
        dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, algorithm, label_count(zone), ttl, expiration,
        inception, tag, zone, b"",
    )  # fmt: skip
    assert ours == dns.dnssec._make_rrsig_signature_data((zone, dns.rdataset.from_rdata_list(ttl, records)), rrsig)


def test_order_and_case_do_not_matter() -> None:
    upper, lower = dns.name.from_text("EXAMPLE."), dns.name.from_text("example.")
    assert signing_input(upper, KEYS, 60, **FIELDS) == signing_input(lower, reversed(KEYS), 60, **FIELDS)


def test_labels() -> None:
    texts = {".": 0, "example.": 1, "a.example.": 2, "*.example.": 1, "*.": 0, r"\*.example.": 1}
    assert {text: label_count(dns.name.from_text(text)) for text in texts} == texts


@pytest.mark.parametrize("keys", [[], [KEYS[0], KEYS[0]]], ids=["none", "twice"])
def test_what_is_no_set_is_refused(keys: list[Dnskey]) -> None:
    with pytest.raises(MalformedError):
        signing_input(dns.name.root, keys, 60, **FIELDS)


@pytest.mark.parametrize(
    "change",
    [
        {"ttl": 1 << 31},
        {"ttl": -1},
        {"algorithm": 256},
        {"key_tag": 1 << 16},
        {"inception": -1},
        {"expiration": 1 << 32},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(MalformedError):
        signing_input(dns.name.root, KEYS, **{"ttl": 60, **FIELDS, **change})
