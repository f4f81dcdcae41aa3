"""Anchors beside published keys: what still works, what is missing, revoked, or has no anchor."""

import io
from dataclasses import replace

import dns.name
import pytest

from keyquorum.dnssec.anchor_comparison import AnchorComparison, Standing, compare_anchors
from keyquorum.dnssec.anchors import Anchor, dnskey_rdata_text
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.zonefile import read_rrsets
from tests.dnssec.keys import pair

ROOT = dns.name.root
EXAMPLE = dns.name.from_text("example.")
OLD, NEW, ZSK = pair(13).key, pair(8).key, pair(13, 256).key
NOW = 1_800_000_000


def revoked(key: Dnskey) -> Dnskey:
    return replace(key, flags=key.flags | 0x80)


def compared(anchors: list[Anchor], *keys: Dnskey, zone: dns.name.Name = ROOT) -> AnchorComparison:
    text = "".join(f"{zone} 3600 IN DNSKEY {dnskey_rdata_text(key)}\n" for key in keys)
    return compare_anchors(anchors, read_rrsets(io.BytesIO(text.encode()), 0, 1), NOW)


def only_digest(anchor: Anchor) -> Anchor:
    return replace(anchor.with_digest("SHA-256"), key=None)


@pytest.fixture(params=["key", "digest", "both"])
def old(request: pytest.FixtureRequest) -> Anchor:
    anchor = Anchor(ROOT, OLD)
    return {"key": anchor, "digest": only_digest(anchor), "both": anchor.with_digest("SHA-384")}[request.param]


def standings(found: AnchorComparison) -> list[Standing]:
    return [one.standing for one in found.anchors]


def test_published(old: Anchor) -> None:
    found = compared([old], ZSK, OLD)
    assert standings(found) == [Standing.PUBLISHED]
    assert [(one.key, one.has_anchor) for one in found.keys] == [(OLD, True)]
    assert found.agrees
    assert found.unusable == ()
    assert found.zones == 1


def test_missing_and_without_anchor(old: Anchor) -> None:
    found = compared([old], ZSK, NEW)
    assert standings(found) == [Standing.MISSING]
    assert [(one.key, one.has_anchor) for one in found.keys] == [(NEW, False)]
    assert not found.agrees
    assert found.unusable == (ROOT,)
    both = compared([old, Anchor(ROOT, NEW)], ZSK, NEW)
    assert not both.agrees
    assert both.unusable == ()
    assert not compared([old], ZSK, OLD, NEW).agrees
    assert compared([old, Anchor(ROOT, NEW)], ZSK, OLD, NEW).agrees


def test_revoked(old: Anchor) -> None:
    found = compared([old], ZSK, revoked(OLD), NEW)
    assert standings(found) == [Standing.REVOKED]
    assert found.anchors[0].key == revoked(OLD)
    assert not found.agrees
    assert found.unusable == (ROOT,)
    # The anchor of the revoked key is gone from the file: all is as it should be.
    assert compared([Anchor(ROOT, NEW)], ZSK, revoked(OLD), NEW).agrees
    # Published both ways: validators that do not follow RFC 5011 still take it.
    for keys in ((OLD, revoked(OLD)), (revoked(OLD), OLD)):
        assert standings(compared([old], *keys)) == [Standing.PUBLISHED]


def test_an_anchor_that_is_itself_revoked(old: Anchor) -> None:
    found = compared([Anchor(ROOT, revoked(OLD)), old], OLD)
    assert standings(found) == [Standing.REVOKED, Standing.PUBLISHED]


def test_times(old: Anchor) -> None:
    future, past = replace(old, valid_from=NOW + 1), replace(old, valid_until=NOW)
    last, first = replace(old, valid_until=NOW + 1), replace(old, valid_from=NOW)
    assert [standings(compared([one], OLD)) for one in (future, past, last, first)] == [
        [Standing.NOT_YET], [Standing.NO_LONGER], [Standing.PUBLISHED], [Standing.PUBLISHED],
    ]  # fmt: skip
    # A key may be published before its anchor is valid, and has one; once the anchor is over it has none.
    assert compared([future, Anchor(ROOT, NEW)], OLD, NEW).agrees
    assert not compared([past, Anchor(ROOT, NEW)], OLD, NEW).agrees
    # And an anchor that is not yet or no longer valid need not be published.
    assert compared([future, past, Anchor(ROOT, NEW)], NEW).agrees
    assert compared([future, past], NEW).unusable == (ROOT,)
    assert not compared([last], NEW).agrees


def test_a_key_without_the_sep_flag_may_be_trusted_and_needs_no_anchor() -> None:
    assert compared([Anchor(ROOT, ZSK)], ZSK).agrees
    assert compared([Anchor(ROOT, OLD)], ZSK, OLD).agrees


def test_zones_are_kept_apart(old: Anchor) -> None:
    found = compared([old], OLD, zone=EXAMPLE)
    assert standings(found) == [Standing.MISSING]
    assert [(one.zone, one.has_anchor) for one in found.keys] == [(EXAMPLE, False)]
    two = compare_anchors(
        [old, Anchor(EXAMPLE, NEW)],
        read_rrsets(
            io.BytesIO(
                f". 1 DNSKEY {dnskey_rdata_text(OLD)}\nexample. 1 DNSKEY {dnskey_rdata_text(NEW)}\n".encode()
            ), 0, 1,
        ),
        NOW,
    )  # fmt: skip
    assert two.agrees
    assert two.zones == 2
