"""Files of trust anchors: what we write is read, what a validator should not trust is refused."""

from dataclasses import replace

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.anchor_files import FORMS, Anchor, read_anchors, write_anchors
from keyquorum.dnssec.anchors import cdnskey_text, cds_text, dnskey_text, ds_text
from keyquorum.errors import MalformedError, RefusedError
from tests.dnssec.keys import ALGORITHMS, pair
from tests.dnssec.ours import only_ours
from tests.dnssec.root_anchors import DNSKEYS, DS, published

ROOT = dns.name.root
KEY, OTHER = pair(13).key, pair(13, number=1).key


@pytest.mark.parametrize(
    "text",
    [ds_text(ROOT, KEY), ds_text(ROOT, KEY, "SHA-384"), dnskey_text(ROOT, KEY),
     cds_text(ds_text(ROOT, KEY)), cdnskey_text(ROOT, KEY),
     ds_text(ROOT, KEY).replace("IN", "3600 IN"),
     "\n; a comment\n" + ds_text(ROOT, KEY).replace("IN DS", "ds") + " ; the key\n"],
)  # fmt: skip
def test_an_anchor_covers_its_key_and_no_other(text: str) -> None:
    (anchor,) = read_anchors(text.encode())
    assert anchor.covers(ROOT, KEY)
    assert not anchor.covers(ROOT, OTHER)
    assert not anchor.covers(dns.name.from_text("example."), KEY)


def test_several() -> None:
    text = f"{ds_text(ROOT, KEY)}\n{dnskey_text(dns.name.from_text('EXAMPLE.'), OTHER)}\n"
    assert [anchor.zone.to_text() for anchor in read_anchors(text.encode())] == [".", "example."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no DS or DNSKEY"),
        (ds_text(ROOT, KEY) + "\n. IN NS a.\n", "line 2: a DS or DNSKEY record is expected"),
        (".", "line 1: a DS or DNSKEY record is expected"),
        (". IN DS 19036 8 1 " + "00" * 20, "line 1: DS digest type 1"),
        (". IN DS 19036 8 2 00", "line 1: not a record"),
        ("a..b. IN DS 19036 8 2 " + "00" * 32, "line 1: not a record"),
        (". IN DNSKEY 257 3 13 AAAA", "line 1: a public key of algorithm 13 has 64 bytes"),
        (dnskey_text(ROOT, KEY).replace("257 3", "257 2"), "line 1: the protocol of a DNSKEY is 3"),
        (". IN CDS 0 0 0 00", "line 1: it asks the parent to remove the DS"),
        (". IN CDNSKEY 0 3 0 AA==", "line 1: it asks the parent to remove the DS"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_anchors(text.encode())
    assert words in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_only_our_errors(drawn: st.DataObject) -> None:
    texts = [ds_text(ROOT, KEY), dnskey_text(ROOT, KEY), cds_text(ds_text(ROOT, KEY)), cdnskey_text(ROOT, KEY)]
    good = drawn.draw(st.sampled_from(texts)).encode()
    start = drawn.draw(st.integers(0, len(good)))
    piece = drawn.draw(st.binary(max_size=8) | st.text(max_size=4).map(str.encode))
    only_ours(lambda: read_anchors(good[:start] + piece + good[start + drawn.draw(st.integers(0, 8)) :]))
    only_ours(lambda: read_anchors(piece))


def test_the_xml_of_the_root_is_read_too() -> None:
    for text in (published(), "\n " + published(keys=False).partition("\n")[2]):
        anchors = read_anchors(text.encode())
        assert [anchor.ds for anchor in anchors] == list(DS.values())
        (ours,) = [one.key for one in read_anchors(DNSKEYS.encode()) if one.key and one.key.tag == 20326]
        assert [anchor.covers(ROOT, ours) for anchor in anchors] == [False, True, False]


def test_a_revoked_key_is_covered_by_no_anchor() -> None:
    revoked = replace(KEY, flags=KEY.flags | 0x80)
    for anchor in read_anchors(f"{dnskey_text(ROOT, revoked)}\n{ds_text(ROOT, revoked)}\n".encode()):
        assert not anchor.covers(ROOT, revoked)
        assert not anchor.covers(ROOT, KEY)


def test_times() -> None:
    anchor = Anchor(ROOT, KEY, valid_from=10, valid_until=20)
    assert [moment for moment in range(8, 23) if anchor.holds_at(moment)] == list(range(10, 20))
    assert all(Anchor(ROOT, KEY).holds_at(moment) for moment in (0, 2**32 - 1))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_back(algorithm: int, form: str) -> None:
    key = pair(algorithm).key
    written = write_anchors([Anchor(ROOT, key, valid_from=1)], form, ["SHA-256", "SHA-384"], source="http://x/")
    anchors = read_anchors(written)
    assert len(anchors) == (1 if "dnskey" in form else 2)
    assert all(anchor.covers(ROOT, key) and anchor.tag == key.tag for anchor in anchors)
    assert all(anchor.algorithm == algorithm for anchor in anchors)
    assert not any(anchor.covers(ROOT, pair(algorithm, number=1).key) for anchor in anchors)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_dnspython_makes_the_same_cds_and_cdnskey(algorithm: int) -> None:
    key = pair(algorithm).key
    dnskey = dns.rdata.from_text("IN", "DNSKEY", dnskey_text(ROOT, key).partition("DNSKEY ")[2])
    assert isinstance(dnskey, DNSKEY)
    rdataset = dns.rdataset.from_rdata(0, dnskey)
    (theirs,) = dns.dnssec.dnskey_rdataset_to_cdnskey_rdataset(rdataset)
    ours = write_anchors([Anchor(ROOT, key)], "cdnskey").decode()
    assert dns.rdata.from_text("IN", "CDNSKEY", ours.partition("CDNSKEY ")[2]).to_wire() == theirs.to_wire()
    for digest in ("SHA-256", "SHA-384"):
        (their_cds,) = dns.dnssec.dnskey_rdataset_to_cds_rdataset(ROOT, rdataset, digest.replace("-", ""))
        our_cds = write_anchors([Anchor(ROOT, key)], "cds", [digest]).decode()
        assert dns.rdata.from_text("IN", "CDS", our_cds.partition("CDS ")[2]) == their_cds


def test_each_record_once_and_digests_as_they_are() -> None:
    anchors = read_anchors(f"{ds_text(ROOT, KEY, 'SHA-384')}\n{dnskey_text(ROOT, OTHER)}\n".encode())
    expected = f"{ds_text(ROOT, KEY, 'SHA-384')}\n{ds_text(ROOT, OTHER)}\n"
    assert write_anchors([*anchors, *anchors], "ds").decode() == expected
    (known,) = read_anchors(ds_text(ROOT, KEY, "SHA-384").encode())
    assert write_anchors([known], "ds", ["SHA-384"]).decode() == ds_text(ROOT, KEY, "SHA-384") + "\n"


def test_not_written() -> None:
    revoked = replace(KEY, flags=KEY.flags | 0x80)
    for form in FORMS:
        with pytest.raises(RefusedError, match="is revoked; nobody may trust it again"):
            write_anchors([Anchor(ROOT, OTHER, valid_from=1), Anchor(ROOT, revoked, valid_from=1)], form)
    (known,) = read_anchors(ds_text(ROOT, KEY).encode())
    for form in ("dnskey", "cdnskey"):
        with pytest.raises(RefusedError, match=f"of the key with tag {KEY.tag} only a digest is known"):
            write_anchors([known], form)
    with pytest.raises(RefusedError, match="only the SHA-256 digest is known, not the SHA-384 one"):
        write_anchors([known], "ds", ["SHA-384"])
