"""Files of trust anchors: what we write is read, what a validator should not trust is refused."""

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.anchor_files import read_anchors
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import MalformedError
from tests.dnssec.keys import pair
from tests.dnssec.ours import only_ours

ROOT = dns.name.root
KEY, OTHER = pair(13).key, pair(13, number=1).key


@pytest.mark.parametrize(
    "text",
    [ds_text(ROOT, KEY), ds_text(ROOT, KEY, "SHA-384"), dnskey_text(ROOT, KEY),
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
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_anchors(text.encode())
    assert words in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_only_our_errors(drawn: st.DataObject) -> None:
    good = drawn.draw(st.sampled_from([ds_text(ROOT, KEY), dnskey_text(ROOT, KEY)])).encode()
    start = drawn.draw(st.integers(0, len(good)))
    piece = drawn.draw(st.binary(max_size=8) | st.text(max_size=4).map(str.encode))
    only_ours(lambda: read_anchors(good[:start] + piece + good[start + drawn.draw(st.integers(0, 8)) :]))
    only_ours(lambda: read_anchors(piece))
