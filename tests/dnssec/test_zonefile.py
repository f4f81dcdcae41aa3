"""Zone files: what is read, what is skipped, what is refused and where; and what is written."""

import base64
import io
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace

import dns.name
import dns.rdatatype
import dns.zonefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec import zonefile
from keyquorum.dnssec.model import Bundle, Dnskey, ParentRrset, PublishedKey, ZoneRequest
from keyquorum.dnssec.zone_lines import LINE_LIMIT
from keyquorum.dnssec.zonefile import read_rrsets, write_rrset
from keyquorum.errors import LimitError, MalformedError
from tests.dnssec.ksr_vectors import good_request
from tests.dnssec.ours import only_ours
from tests.dnssec.strategies import names, rrsets, ttls

A, B = base64.b64encode(b"\x01" * 64).decode(), base64.b64encode(b"\x02" * 64).decode()


def read(text: str | bytes) -> list[ZoneRequest]:
    return list(read_rrsets(io.BytesIO(text.encode("latin-1") if isinstance(text, str) else text), 100, 200))


def shape(requests: list[ZoneRequest]) -> list[tuple[str, list[tuple[int, int, bytes]]]]:
    return [
        (one.zone.to_text(), [(key.ttl, key.key.flags, key.key.public_key[:1]) for key in one.bundles[0].keys])
        for one in requests
    ]


def test_the_plainest_file() -> None:
    (request,) = read(f"example. 3600 IN DNSKEY 256 3 13 {A}\nexample. 3600 IN DNSKEY 257 3 13 {B}\n")
    keys = (PublishedKey(Dnskey(256, 13, b"\x01" * 64), 3600), PublishedKey(Dnskey(257, 13, b"\x02" * 64), 3600))
    zone = dns.name.from_text("example.")
    assert request == ZoneRequest(zone, (Bundle("example.", 100, 200, keys),))


SAME = [
    f"EXAMPLE. 3600 IN DNSKEY 256 3 13 {A}",
    f"example. IN 3600 DNSKEY 256 3 13 {A}\r\n",
    f"example.\t1H\tdnskey\t256 3 ECDSAP256SHA256 {A} ; a comment (with parenthesis",
    f"$TTL 3600\nexample. DNSKEY 256 3 13 {A}",
    f"a.example. 60 NS ns.example.\n$TTL 3600\nexample. DNSKEY 256 3 13 {A}",
    f"$TTL 3600\na.example. 60 NS ns.example.\nexample. DNSKEY 256 3 13 {A}",
    f"$TTL 60\nexample. 3600 IN DNSKEY 256 3 13 {A}",
    f"$ORIGIN example.\n$ttl 1h\n@ IN DNSKEY 256 3 13 {A}",
    f"$ORIGIN com.\n$ORIGIN example.\n@ 3600 DNSKEY 256 3 13 {A}",
    f"$ORIGIN .\nexample 3600 DNSKEY 256 3 13 {A}",
    f"example. 3600 IN DNSKEY (256 3 13 ; flags\n {A[:30]}\n\n\t{A[30:]} ) ; done\n",
    f"example. 3600 IN DNSKEY 256 3 13 {A[:1]} {A[1:]}",
    f"( example. 3600 IN DNSKEY 256 3 13 {A} )",
    f"\n;nothing\n   \nexample. 3600 NS ns.example.\n    DNSKEY 256 3 13 {A}\n",
    f"$ORIGIN net.\nexample. 3600 NS ns\n$ORIGIN org.\n  3600 IN DNSKEY 256 3 13 {A}\n",
    f'x.example. 3600 IN TXT "a ; b ( \\" é" \\( unquoted\\;\nexample. DNSKEY 256 3 13 {A}\n',
    f"\\101xample. 3600 IN TXT x\n\\069xample. 3600 IN DNSKEY 256 3 13 {A}",
]


@pytest.mark.parametrize("text", SAME)
def test_ways_to_write_the_same(text: str) -> None:
    assert shape(read(text)) == [("example.", [(3600, 256, b"\x01")])]


def test_an_owner_keeps_the_origin_it_was_written_under() -> None:
    text = f"$TTL 60\n$ORIGIN net.\na NS ns\n$ORIGIN org.\n DNSKEY 256 3 13 {A}\na DNSKEY 256 3 13 {A}\n"
    assert [name for name, _ in shape(read(text))] == ["a.net.", "a.org."]


def test_a_whole_small_zone() -> None:
    text = f"""
$ORIGIN example.
$TTL 1d
@   IN SOA ns hostmaster ( 2026010100 ; serial
        1800 900 604800 300 )
    IN NS ns
    IN RRSIG SOA 13 1 86400 20260201000000 20260101000000 1 example. AAAA
    IN DNSKEY 256 3 13 {A}
    IN TXT "between the keys"
@   IN DNSKEY 257 3 13 {B}
    IN RRSIG DNSKEY 13 1 86400 20260201000000 20260101000000 1 example. AAAA
    IN CDNSKEY 257 3 13 {B}
    IN CDS 1 13 2 {"0a" * 16} {"0B" * 16}
ns  IN A 192.0.2.1
    IN TYPE65400 \\# 0
"""
    assert shape(read(text)) == [("example.", [(86400, 256, b"\x01"), (86400, 257, b"\x02")])]
    assert read(text)[0].bundles[0].for_parent == (
        ParentRrset(59, (bytes([0, 1, 13, 2]) + b"\x0a" * 16 + b"\x0b" * 16,), 86400),
        ParentRrset(60, (Dnskey(257, 13, b"\x02" * 64).wire(),), 86400),
    )


def test_records_for_the_parent_stand_before_or_after_the_keys_and_have_a_ttl_of_their_own() -> None:
    deletion = "example. 0 IN CDNSKEY 0 3 0 AA==\nexample. 60 IN CDS 0 0 0 00\n"
    wanted = (ParentRrset(59, (bytes(5),), 60), ParentRrset(60, (b"\0\0\x03\0\0",), 0))
    for text in (deletion + RECORD, RECORD + deletion, deletion + "a. 1 IN A 192.0.2.1\n" + RECORD):
        (request,) = read(text)
        assert request.bundles[0].for_parent == wanted


def test_many_zones_keep_their_order() -> None:
    text = "".join(f"{name}. 60 IN DNSKEY 256 3 13 {A}\n" for name in ("b", "a", "a.b", "c"))
    assert [name for name, _ in shape(read(text))] == ["b.", "a.", "a.b.", "c."]


RECORD = f"example. 3600 IN DNSKEY 256 3 13 {A}\n"
CDS_RECORD = f"example. 3600 IN CDS 1 13 2 {'00' * 32}\n"
REFUSED = {
    "empty": ("", "no DNSKEY"),
    "no DNSKEY": ("example. 3600 IN A 192.0.2.1\n", "no DNSKEY"),
    "another TTL": (RECORD + f"example. 3601 IN DNSKEY 257 3 13 {B}\n", "line 2: TTL 3601"),
    "the same key": (RECORD + RECORD, "line 2: the same DNSKEY again"),
    "zone again": (
        RECORD + RECORD.replace("example", "a") + RECORD.replace(A, B),
        "line 3: DNSKEY records of example.",
    ),
    "zone again in capitals": (
        RECORD + RECORD.replace("example", "a") + RECORD.replace("example", "EXAMPLE"),
        "line 3",
    ),
    "class CH": (RECORD.replace("IN", "CH"), "line 1: class 'CH'"),
    "class by number": (RECORD.replace("IN", "CLASS1"), "line 1: class 'CLASS1'"),
    "another record in HS": (RECORD + "a. 1 HS A 192.0.2.1\n", "line 2: class 'HS'"),
    "no TTL": (RECORD.replace("3600 ", ""), "line 1: a record without a TTL"),
    "TTL too large": (RECORD.replace("3600", "2147483648"), "line 1: '2147483648' is not a TTL"),
    "TTL in odd units": (RECORD.replace("3600", "1y"), "line 1: '1y' is not a TTL"),
    "TTL twice": (RECORD.replace("IN", "7200"), "line 1: a record without a type"),
    "$TTL wrong": ("$TTL soon\n" + RECORD, "line 1: 'soon' is not a TTL"),
    "$TTL alone": ("$TTL\n" + RECORD, "line 1: the directive '$TTL'"),
    "$INCLUDE": ("$INCLUDE /etc/passwd\n" + RECORD, "line 1: the directive '$INCLUDE'"),
    "$GENERATE": ("$GENERATE 1-9 a$ A 192.0.2.$\n" + RECORD, "line 1: the directive '$GENERATE'"),
    "$ORIGIN relative": ("$ORIGIN a\n" + RECORD, "line 1: 'a' is relative to nothing"),
    "$ORIGIN wrong": ("$ORIGIN a..\n" + RECORD, "line 1: 'a..' is not a domain name"),
    "owner relative": (RECORD.replace("example.", "example"), "line 1: 'example' is relative"),
    "owner @ without origin": (RECORD.replace("example.", "@"), "line 1: '@'"),
    "owner missing": (" " + RECORD.removeprefix("example."), "line 1: a record without an owner"),
    "owner not ASCII": (RECORD.replace("example", "é"), r"line 1: '\xe9.' is not a domain name in ASCII"),
    "owner quoted": (RECORD.replace("example.", '"example."'), "line 1: '\"example.\"' is not a domain name"),
    "type missing": ("example. 3600 IN\n" + RECORD, "line 1: a record without a type"),
    "owner only": ("example.\n" + RECORD, "line 1: a record without a type"),
    "type missing in a record of any kind": ("example. 3600 IN 192.0.2.1 A\n" + RECORD, "line 1: a record without"),
    "TYPE48": (RECORD.replace("DNSKEY", "TYPE48"), "line 1: a DNSKEY record in generic form"),
    "TYPE59": (RECORD.replace("DNSKEY", "TYPE59"), "line 1: a CDS record in generic form"),
    "TYPE60": (RECORD.replace("DNSKEY", "TYPE60"), "line 1: a CDNSKEY record in generic form"),
    "CDS alone": (CDS_RECORD, "example.: CDS or CDNSKEY records without DNSKEY records"),
    "CDS elsewhere": (CDS_RECORD + RECORD.replace("example", "a"), "example.: CDS or CDNSKEY records without"),
    "CDS apart": (RECORD + RECORD.replace("example", "a") + CDS_RECORD, "line 3: DNSKEY records of example."),
    "CDS twice": (RECORD + CDS_RECORD + CDS_RECORD, "line 3: the same CDS again"),
    "CDS with another TTL": (RECORD + CDS_RECORD + CDS_RECORD.replace("3600 IN CDS 1", "1 IN CDS 2"), "line 3: TTL 1,"),
    "CDS short": (CDS_RECORD.replace("00" * 32, ""), "line 1: a CDS record has key tag"),
    "CDS digest short": (CDS_RECORD.replace("00" * 32, "00" * 31), "line 1: a digest of type 2 does not have 31 bytes"),
    "CDS digest odd": (CDS_RECORD.replace("00" * 32, "0"), "line 1: the digest of a CDS record is not hexadecimal"),
    "CDS tag": (CDS_RECORD.replace("CDS 1", "CDS 65536"), "line 1: a number in a CDS record does not fit"),
    "CDS digest type": (CDS_RECORD.replace(" 2 ", " 256 "), "line 1: a number in a CDS record does not fit"),
    "CDS algorithm": (CDS_RECORD.replace(" 13 ", " 256 "), "line 1: a number in a CDS record does not fit"),
    "CDNSKEY protocol": (RECORD.replace("IN DNSKEY 256 3", "IN CDNSKEY 257 2"), "line 1: the protocol of a DNSKEY"),
    "generic data": ("example. 3600 IN DNSKEY \\# 4 01000308\n", "line 1:"),
    "fields missing": ("example. 3600 IN DNSKEY 256 3 13\n", "line 1: a DNSKEY record has flags"),
    "flags in hex": (RECORD.replace("256", "0x100"), "line 1: '0x100' is not a number"),
    "flags too large": (RECORD.replace("256", "65536"), "line 1: flags: 65536"),
    "protocol": (RECORD.replace(" 3 ", " 2 "), "line 1: the protocol of a DNSKEY is 3"),
    "algorithm too large": (RECORD.replace(" 13 ", " 256 "), "line 1: algorithm: 256"),
    "algorithm by a wrong name": (RECORD.replace(" 13 ", " RSA "), "line 1: 'RSA' is not an algorithm"),
    "algorithm with an odd digit": (RECORD.replace(" 13 ", " \xb2 "), "line 1:"),
    "key of another algorithm": (RECORD.replace(" 13 ", " 15 "), "of algorithm 15 has 32 bytes"),
    "key with a foreign letter": (RECORD.replace(A, "*" + A[1:]), "line 1: not base64"),
    "key without padding": (RECORD.replace(A, A.rstrip("=")), "line 1: not base64"),
    "quote left open": ('a. 1 IN TXT "open\n' + RECORD, "line 1: a quote is not closed"),
    "parenthesis left open": (RECORD + "a. 1 IN TXT ( x\n; )\n", "line 2: a parenthesis is never closed"),
    "parenthesis not opened": (RECORD + "a. 1 IN TXT x )\n", "line 2: parentheses that do not match"),
    "parenthesis in a parenthesis": (RECORD + "a. 1 IN TXT (\n(\n", "line 3: parentheses that do not match"),
    "control character": (RECORD + "a. 1 IN TXT \x07\n", "line 2: a control character"),
    "carriage return within": (RECORD + "a. 1 IN TXT x\r y\n", "line 2: a control character"),
    "form feed": (RECORD + "a. 1 IN\x0cTXT x\n", "line 2: a control character"),
    "NUL": (RECORD + "\x00\n", "line 2: a control character"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert type(caught.value) is MalformedError
    assert words in str(caught.value)


def test_limits() -> None:
    keys = "".join(
        f"example. 60 IN DNSKEY 256 3 200 {base64.b64encode(bytes([number])).decode()}\n" for number in range(65)
    )
    assert len(read("".join(keys.splitlines(keepends=True)[:64]))[0].bundles[0].keys) == 64
    for text, words in (
        (keys, "line 65: more than 64 DNSKEY"),
        (RECORD + "; " + "x" * LINE_LIMIT, "line 2: a line of more than"),
        (RECORD + "a. 1 IN TXT (" + "\n aaaaaaaaaaaaaaa" * 20_000 + ")", "line 2: a record of more than"),
    ):
        with pytest.raises(LimitError) as caught:
            read(text)
        assert words in str(caught.value)


def test_the_number_of_zones_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zonefile, "ZONE_LIMIT", 2)
    text = [f"{name}. 60 IN DNSKEY 256 3 13 {A}\n" for name in "abc"]
    assert len(read("".join(text[:2]))) == 2
    with pytest.raises(LimitError, match="line 3: more than 2 zones"):
        read("".join(text))


def test_a_longest_line_is_read() -> None:
    assert read(RECORD + ";" + "x" * (LINE_LIMIT - 2) + "\n" + RECORD.replace("example", "a"))


class Lines(io.BytesIO):
    """A zone file that is made as it is read, and only line by line."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        super().__init__()
        self.lines = iter(lines)

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size == LINE_LIMIT + 1
        return next(self.lines, b"")


def test_memory_does_not_grow_with_the_file() -> None:
    lines = (f"z{n // 2}. 60 IN DNSKEY {256 + n % 2} 3 13 {A}\n".encode() for n in range(10_000))
    tracemalloc.start()
    count = sum(1 for _ in read_rrsets(Lines(lines), 1, 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5000
    assert peak < 1 << 20


def test_zones_come_before_the_file_ends() -> None:
    lines = iter([RECORD.encode(), RECORD.replace("example", "a").encode(), b"\x00\n"])
    requests = read_rrsets(Lines(lines), 1, 2)
    assert next(requests).zone.to_text() == "example."
    assert next(lines) == b"\x00\n"


def test_a_window_that_is_none() -> None:
    with pytest.raises(MalformedError, match="does not end after it begins"):
        list(read_rrsets(io.BytesIO(RECORD.encode()), 200, 100))


def test_what_is_written() -> None:
    bundle = good_request("example.").bundles[0]
    lines = write_rrset(dns.name.from_text("example."), bundle).splitlines()
    keys, signatures = bundle.keys, bundle.signatures
    assert len(lines) == 4
    first = base64.b64encode(keys[0].key.public_key).decode()
    assert lines[0] == f"example. 172800 IN DNSKEY 256 3 8 {first} ; ZSK, key tag {keys[0].key.tag}"
    value = base64.b64encode(signatures[0].signature).decode()
    assert lines[2] == (
        f"example. 172800 IN RRSIG DNSKEY 8 1 172800 20260122000000 20260101000000 {signatures[0].key_tag} example. "
        f"{value} ; 2026-01-01 00:00:00 UTC to 2026-01-22 00:00:00 UTC"
    )


def test_ttls_that_differ_are_not_written() -> None:
    bundle = good_request().bundles[0]
    odd_key = replace(bundle, keys=(replace(bundle.keys[0], ttl=1), *bundle.keys[1:]))
    odd_signature = replace(bundle, signatures=(replace(bundle.signatures[0], ttl=1),))
    for wrong in (odd_key, odd_signature):
        with pytest.raises(MalformedError, match="one TTL"):
            write_rrset(dns.name.root, wrong)


@settings(deadline=None, max_examples=50)
@given(names, rrsets, ttls)
def test_what_is_written_is_read_by_us_and_by_dnspython(zone: dns.name.Name, keys: list[Dnskey], ttl: int) -> None:
    bundle = Bundle(zone.to_text(), 100, 200, tuple(PublishedKey(key, ttl) for key in keys))
    text = write_rrset(zone, bundle)
    assert read(text) == [ZoneRequest(zone, (bundle,))]
    (rrset,) = dns.zonefile.read_rrsets(text, rdclass=None, origin=dns.name.root, relativize=False)
    assert (rrset.name, rrset.ttl, rrset.rdtype) == (zone, ttl, dns.rdatatype.DNSKEY)
    assert sorted(record.to_wire() for record in rrset) == sorted(key.wire() for key in keys)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=120) | st.text('a. \t\n()";\\$INTLDSKEY0123=*@', max_size=120).map(str.encode))
def test_only_our_errors(document: bytes) -> None:
    only_ours(lambda: read(document))
    only_ours(lambda: read(RECORD.encode() + document))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(RECORD)), st.integers(0, 8), st.binary(max_size=6))
def test_a_changed_record_is_read_or_refused(start: int, length: int, piece: bytes) -> None:
    good = RECORD.encode()
    requests = only_ours(lambda: read(good[:start] + piece + good[start + length :]))
    for request in requests or []:
        assert read(write_rrset(request.zone, request.bundles[0])) == [request]
