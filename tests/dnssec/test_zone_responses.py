"""Signed RRsets read back: what we write is read, and what is not a signed RRset is refused."""

import io
from dataclasses import replace

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.model import Bundle, ZoneResponse
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.dnssec.zone_lines import LINE_LIMIT
from keyquorum.dnssec.zone_responses import read_signed_rrsets
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.errors import LimitError, MalformedError
from tests.dnssec.ksr_vectors import good_request
from tests.dnssec.ours import only_ours

ZONE = dns.name.from_text("example.")
GOOD = write_rrset(ZONE, good_request("example.").bundles[0])


def read(text: str | bytes) -> list[ZoneResponse]:
    return list(read_signed_rrsets(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def test_what_we_write_is_read_back() -> None:
    (response,) = read(GOOD)
    bundle = good_request("example.").bundles[0]
    assert response.zone == ZONE
    (read_bundle,) = response.bundles
    assert [one.key for one in read_bundle.keys] == [one.key for one in bundle.keys]
    assert [one.signature for one in read_bundle.signatures] == [one.signature for one in bundle.signatures]
    assert (read_bundle.inception, read_bundle.expiration) == (bundle.inception, bundle.expiration)


def test_records_for_the_parent_are_read_back() -> None:
    for kept in (with_parent(), replace(with_parent(), for_parent=with_parent().for_parent[1:])):
        (response,) = read(write_rrset(ZONE, kept))
        (bundle,) = response.bundles
        assert [(one.kind, one.rdatas, one.ttl) for one in bundle.for_parent] == [
            (one.kind, one.rdatas, one.ttl) for one in kept.for_parent
        ]
        assert [one.signatures[0].signature for one in bundle.for_parent] == [
            one.signatures[0].signature for one in kept.for_parent
        ]


def with_parent() -> Bundle:
    """A bundle with CDS and CDNSKEY records; the signatures over them end later and earlier than the others."""
    bundle = good_request("example.").bundles[0]
    late, early = (
        (replace(bundle.signatures[0], expiration=bundle.expiration + days * 86400, identifier=""),) for days in (1, -1)
    )
    rrsets = parent_rrsets(ZONE, [bundle.keys[0].key], ["CDNSKEY", "CDS SHA-256"], 60)
    return replace(
        bundle,
        for_parent=tuple(
            replace(rrset, signatures=tuple(replace(one, ttl=60) for one in made))
            for rrset, made in zip(rrsets, (late, early), strict=True)
        ),
    )


def test_the_window_is_that_in_which_all_signatures_are_valid() -> None:
    (response,) = read(write_rrset(ZONE, with_parent()))
    assert response.bundles[0].expiration == good_request("example.").bundles[0].expiration - 86400


def test_other_records_origins_and_more_zones() -> None:
    other = write_rrset(dns.name.from_text("b.example."), good_request("b.example.").bundles[0])
    relative = (
        "$TTL 60\n$ORIGIN example.\n" + GOOD.replace("example. 172800", "@ 172800") + "  60 IN TXT x\na A 192.0.2.1\n"
    )
    assert [one.zone.to_text() for one in read(relative + other)] == ["example.", "b.example."]


LINES = GOOD.splitlines(keepends=True)
REFUSED = {
    "empty": ("", "no DNSKEY record"),
    "no signature": ("".join(LINES[:2]), "has no signature"),
    "a signature elsewhere": (GOOD + "a.example. 60 IN A 192.0.2.1\n" + LINES[-1], "does not stand beside it"),
    "a zone again": (GOOD + "a.example. 60 IN A 192.0.2.1\n" + GOOD, "the zone was seen before"),
    "no keys": ("".join(LINES[2:]), "does not stand beside it"),
    "no owner": (" 60 IN TXT x\n", "line 1: a record without an owner"),
    "relative owner": ("example 60 IN TXT x\n", "relative to nothing"),
    "no TTL": (GOOD.replace("172800 IN DNSKEY", "IN DNSKEY", 1), "line 1: a record without a TTL"),
    "TTL with a zero": (GOOD.replace("172800", "0172800", 1), "line 1: '0172800' is not a number"),
    "endless TTL": (GOOD.replace("172800", "9" * 5000, 1), "is not a number"),
    "TTLs that differ": (GOOD.replace("172800", "60", 1), "different TTLs"),
    "protocol 2": (GOOD.replace("256 3 8", "256 2 8", 1), "line 1: the protocol of a DNSKEY is 3"),
    "no key": ("example. 60 IN DNSKEY 256 3\n", "line 1: not a DNSKEY record"),
    "no date": (GOOD.replace("20260122000000", "20261322000000", 1), "line 3: not a RRSIG record"),
}


PARENT = write_rrset(ZONE, with_parent()).splitlines(keepends=True)[-4:]
REFUSED |= {
    "CDS without a signature": (GOOD + PARENT[0], "the CDS RRset has no signature beside it"),
    "CDNSKEY without a signature": (GOOD + PARENT[2], "the CDNSKEY RRset has no signature beside it"),
    "a signature without its CDS": (GOOD + PARENT[1], "a signature of a CDS RRset that does not stand beside it"),
    "CDS alone": ("".join(PARENT), "the DNSKEY RRset has no signature"),
    "CDS TTLs": (GOOD + "".join(PARENT) + PARENT[0].replace(" 60 ", " 61 "), "the CDS records have different TTLs"),
    "CDS twice": (GOOD + "".join(PARENT) + PARENT[0], "holds the same record twice"),
    "CDS short": (GOOD + "example. 60 IN CDS 1 8 2 00\n", "line 5: not a CDS record"),
    "too much": (GOOD + PARENT[1] * 300, "line 257: more than 256 records of one zone"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert words in str(caught.value)


def test_limits_stay_limits() -> None:
    with pytest.raises(LimitError):
        read(GOOD + "; " + "x" * LINE_LIMIT)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.binary(max_size=8))
def test_only_our_errors(start: int, length: int, piece: bytes) -> None:
    good = GOOD.encode()
    only_ours(lambda: read(good[:start] + piece + good[start + length :]))
    only_ours(lambda: read(piece))
