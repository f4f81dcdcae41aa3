"""root-anchors.xml: what IANA publishes is read, what we write is what the RFCs' schemas say, faults are refused."""

from dataclasses import replace

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from keyquorum.dnssec.anchor_xml import ANCHOR_LIMIT, read_anchor_xml, write_anchor_xml
from keyquorum.dnssec.anchors import Anchor
from keyquorum.errors import LimitError, MalformedError, RefusedError
from tests.dnssec.keys import ALGORITHMS, pair
from tests.dnssec.ours import only_ours
from tests.dnssec.root_anchors import DS, KSK_2017, SOURCE, published, schema
from tests.dnssec.strategies import labels, names

ROOT = dns.name.root
GOOD = published()


def anchor(algorithm: int = 13, digest: str = "SHA-256", number: int = 0, **changes: object) -> Anchor:
    key = pair(algorithm, number=number).key
    return replace(Anchor(ROOT, key, valid_from=1_700_000_000).with_digest(digest), **changes)  # type: ignore[arg-type]


def test_what_iana_publishes() -> None:
    read = read_anchor_xml(GOOD.encode())
    assert (read.id, read.source) == ("0C05FDD6-422C-4910-8ED6-430ED15E11C2", SOURCE)
    assert [one.ds for one in read.anchors] == list(DS.values())
    assert [one.id for one in read.anchors] == ["Kjqmt7v", "Klajeyz", "Kmyv6jo"]
    assert [(one.valid_from, one.valid_until) for one in read.anchors] == [
        (1279152000, 1547164800), (1485993600, None), (1721260800, None),
    ]  # fmt: skip
    assert [one.key and one.key.tag for one in read.anchors] == [None, 20326, 38696]
    old = read_anchor_xml(published(keys=False).encode())
    assert [one.ds for one in old.anchors] == list(DS.values())
    assert not any(one.key for one in old.anchors)


@pytest.mark.parametrize("keys", [True, False])
def test_written_anew_it_is_the_same_and_fits_the_schemas(keys: bool) -> None:
    text = published(keys=keys)
    read = read_anchor_xml(text.encode())
    written = write_anchor_xml(read.anchors, read.id, read.source, public_keys=keys)
    assert read_anchor_xml(written) == read
    assert [line.strip() for line in written.decode().splitlines()] == text.splitlines()
    schema(keys=keys).assertValid(etree.fromstring(written))
    assert schema(keys=False).validate(etree.fromstring(written)) is not keys
    assert not schema(keys=True).validate(etree.fromstring(written.replace(b"<KeyTag>", b"<KeyTag>-")))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("digest", ["SHA-256", "SHA-384"])
def test_every_algorithm_and_digest(algorithm: int, digest: str) -> None:
    ours = anchor(algorithm, digest, id="Kours", valid_until=1_800_000_000)
    for keys in (True, False):
        written = write_anchor_xml([ours], "", "", public_keys=keys)
        schema(keys=keys).assertValid(etree.fromstring(written))
        assert read_anchor_xml(written).anchors == (ours if keys else replace(ours, key=None),)


def test_white_space_around_and_within_values() -> None:
    spaced = GOOD.replace("<Zone>.<", "<Zone> .\n<").replace(">20326<", ">\n 20326\t<")
    spaced = spaced.replace(KSK_2017, f"\n{KSK_2017[:70]}\n  {KSK_2017[70:]}\n")
    spaced = spaced.replace(DS[20326].split()[-1], f"\n{DS[20326].split()[-1].lower()}\n")
    assert read_anchor_xml(spaced.encode()) == read_anchor_xml(GOOD.encode())


def test_comments_mean_nothing() -> None:
    """IANA may write some (RFC 9718 section 2): above all, beside an anchor, between its fields, below all."""
    commented = f"{GOOD}<!-- more: <https://www.iana.org/dnssec/> -->\n"
    commented = commented.replace("<TrustAnchor ", "<!-- see the web site -->\n<TrustAnchor ")
    commented = commented.replace("<KeyTag>20326", "<!-- valid --><KeyTag>20326").replace(
        "<Flags>", "<!-- -->\n<Flags>"
    )
    assert read_anchor_xml(commented.encode()) == read_anchor_xml(GOOD.encode())


def test_the_times_of_an_example_of_rfc_7958() -> None:
    text = GOOD.replace("00:00:00+00:00", "00:00:00-00:00")
    assert read_anchor_xml(text.encode()) == read_anchor_xml(GOOD.encode())
    schema(keys=True).assertValid(etree.fromstring(text.encode()))


FAULTS = [
    ("no id", ' id="0C05FDD6-422C-4910-8ED6-430ED15E11C2"', "", "the attribute id is missing"),
    ("no source", f' source="{SOURCE}"', "", "the attribute source is missing"),
    ("source with a control", f'source="{SOURCE}"', 'source="&#9;"', "the attribute source"),
    ("no zone", "<Zone>.</Zone>", "", "must be Zone, and it is KeyDigest"),
    ("two zones", "<Zone>.</Zone>", "<Zone>.</Zone><Zone>a.</Zone>", "must be KeyDigest, and it is Zone"),
    ("no valid zone", "<Zone>.<", "<Zone>a..b<", "TrustAnchor/Zone, line 3: 'a..b' is not a domain name"),
    ("another zone", "<Zone>.<", "<Zone>example.<", "not those of the PublicKey"),
    ("comment in a value", ">20326<", ">203<!-- ours -->26<", "a comment within a value"),
    ("DTD", "<TrustAnchor ", "<!DOCTYPE TrustAnchor><TrustAnchor ", "a DTD or CDATA section"),
    ("no id of a digest", ' id="Klajeyz"', "", "KeyDigest[2], line 10: the attribute id is missing"),
    ("an id twice", "Kjqmt7v", "Klajeyz", "two KeyDigests have the same id"),
    ("no validFrom", ' validFrom="2017-02-02T00:00:00+00:00"', "", "the attribute validFrom is missing"),
    ("validFrom in another zone", "2017-02-02T00:00:00+00:00", "2017-02-02T00:00:00+02:00", "the attribute validFrom"),
    ("validUntil before", "2019-01-11", "2010-01-11", "KeyDigest[1 Kjqmt7v], line 4: validUntil is not after"),
    ("validUntil at once", "2019-01-11", "2010-07-15", "validUntil is not after validFrom"),
    ("no tag", "<KeyTag>20326</KeyTag>", "", "must be KeyTag, and it is Algorithm"),
    ("another tag", ">20326<", ">20327<", "KeyTag and Digest are not those of the PublicKey"),
    ("a tag too large", ">19036<", ">65536<", "are no DS record"),
    ("a tag in words", ">19036<", ">1e3<", "KeyTag, line 5: '1e3' is not a number"),
    ("algorithm 0", "<Algorithm>8", "<Algorithm>0", "are no DS record"),
    ("algorithm 256", "<Algorithm>8", "<Algorithm>256", "are no DS record"),
    ("SHA-1", "<DigestType>2", "<DigestType>1", "DS digest type 1; SHA-256 (2) and SHA-384 (4)"),
    ("a digest too short", "49AAC11D", "", "a SHA-256 Digest of 28 bytes"),
    ("another digest", "E06D44B8", "E06D44B9", "KeyTag and Digest are not those of the PublicKey"),
    ("a digest not in hex", "49AAC11D", "x9AAC11D", "is not hexadecimal"),
    ("white space in a digest", "49AAC11D", "49AAC1 1D", "is not hexadecimal"),
    ("half a byte", "49AAC11D", "9AAC11D", "is not hexadecimal"),
    ("another key", "AwEAAaz/tAm8", "AwEAAaz/tAm9", "not those of the PublicKey"),
    ("a key not in base64", "AwEAAaz/tAm8", "AwEAAaz/tAm*", "PublicKey, line 15: not base64"),
    ("a key of nothing", KSK_2017, "", "PublicKey, line 15: not base64"),
    ("no flags", "<Flags>257</Flags>", "", "must be Flags, and it is missing"),
    ("other flags", "<Flags>257", "<Flags>256", "not those of the PublicKey"),
    ("flags too large", "<Flags>257", "<Flags>65536", "flags: 65536"),
    ("flags without a key", f"<PublicKey>{KSK_2017}</PublicKey>", "", "the element Flags is unknown"),
    ("something after the key", "<Flags>257</Flags>", "<Flags>257</Flags><Note/>", "the element Note is unknown"),
    ("something after the anchors", "</TrustAnchor>", "<Note/></TrustAnchor>", "the element Note is unknown"),
    ("text", "<Zone>", "hello<Zone>", "there is text"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_one_fault_is_refused(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(MalformedError) as caught:
        read_anchor_xml(GOOD.replace(old, new, 1).encode())
    assert words in str(caught.value)


def test_another_document() -> None:
    with pytest.raises(MalformedError, match="the document is a TrustAnchors, not a TrustAnchor"):
        read_anchor_xml(GOOD.replace("TrustAnchor", "TrustAnchors").encode())


def test_no_anchor_and_too_many() -> None:
    start, end = GOOD.index("<KeyDigest"), GOOD.index("</TrustAnchor>")
    with pytest.raises(MalformedError, match="must be KeyDigest, and it is missing"):
        read_anchor_xml((GOOD[:start] + GOOD[end:]).encode())
    with pytest.raises(LimitError, match=f"more than {ANCHOR_LIMIT}"):
        read_anchor_xml((GOOD[:start] + GOOD[start:end] * 34 + GOOD[end:]).encode())


def test_ids_come_of_the_content() -> None:
    first, second = anchor(), anchor(number=1)
    written = write_anchor_xml([first, second], "", "", public_keys=True)
    assert written == write_anchor_xml([first, second], "", "", public_keys=True)
    read = read_anchor_xml(written)
    assert len({read.id, read_anchor_xml(write_anchor_xml([second, first], "", "", public_keys=True)).id}) == 2
    assert read.id[14] == "8"
    # Two files put together may use one id twice; the second gets another.
    same = [replace(first, id="K1"), replace(second, id="K1")]
    assert [one.id for one in read_anchor_xml(write_anchor_xml(same, "", "", public_keys=True)).anchors] == [
        "K1", read.anchors[1].id,
    ]  # fmt: skip


def test_not_written() -> None:
    with pytest.raises(RefusedError, match="from when on the key with tag"):
        write_anchor_xml([anchor(valid_from=None)], "", "", public_keys=True)
    with pytest.raises(RefusedError, match="valid until before"):
        write_anchor_xml([anchor(valid_until=1_700_000_000)], "", "", public_keys=True)
    with pytest.raises(RefusedError, match="of one zone"):
        write_anchor_xml([anchor(), anchor(zone=dns.name.from_text("example."))], "", "", public_keys=True)
    with pytest.raises(RefusedError, match="of one zone"):
        write_anchor_xml([], "", "", public_keys=True)
    with pytest.raises(RefusedError, match="holds 100 at most"):
        write_anchor_xml([anchor()] * (ANCHOR_LIMIT + 1), "", "", public_keys=True)
    with pytest.raises(MalformedError, match="printable"):
        write_anchor_xml([anchor()], "", "http://exämple/", public_keys=True)


@settings(deadline=None, max_examples=60)
@given(
    names,
    labels,
    labels | st.just(""),
    st.lists(
        st.tuples(st.integers(0, 5), labels, st.integers(0, 2**31), st.integers(1, 2**31) | st.none()),
        min_size=1,
        max_size=3,
        unique_by=(lambda one: one[0], lambda one: one[1]),
    ),
)
def test_round_trip(zone: dns.name.Name, id_: str, source: str, drawn: list[tuple[int, str, int, int | None]]) -> None:
    anchors = tuple(
        replace(
            Anchor(zone, pair(13, number=number).key).with_digest("SHA-384"),
            valid_from=start, valid_until=None if span is None else start + span, id=name,
        )
        for number, name, start, span in drawn
    )  # fmt: skip
    read = read_anchor_xml(write_anchor_xml(anchors, id_, source, public_keys=True))
    assert (read.id, read.source, read.anchors) == (id_, source, anchors)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_only_our_errors(drawn: st.DataObject) -> None:
    good = GOOD.encode()
    start = drawn.draw(st.integers(0, len(good)))
    piece = drawn.draw(st.binary(max_size=8) | st.sampled_from([b"<", b"&#1;", b"</Digest>", b'"', b"<Flags>"]))
    only_ours(lambda: read_anchor_xml(good[:start] + piece + good[start + drawn.draw(st.integers(0, 40)) :]))
