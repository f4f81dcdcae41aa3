"""BIND's and Knot's text: their own files as they made them, what is refused and where, and what is written."""

import io
from collections.abc import Callable
from dataclasses import replace

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.bind_text import BIND, read_bind_request, read_bind_response, write_bind_response
from keyquorum.dnssec.change_points import BUNDLE_LIMIT, ChangePoint
from keyquorum.dnssec.knot_text import KNOT, read_knot_request, read_knot_response, write_knot_response
from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, SigningTimes, ZoneResponse
from keyquorum.dnssec.offline_text import (
    SIZE_LIMIT,
    Dialect,
    read_change_points,
    read_response,
    write_change_points,
    write_response,
)
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.errors import LimitError, MalformedError
from tests.dnssec.ksr_vectors import good_request
from tests.dnssec.ours import only_ours
from tests.dnssec.strategies import dnskeys, names, ttls
from tests.dnssec.test_zonefile import A, B

ZONE = dns.name.from_text("example.")
FIRST, SECOND = Dnskey(256, 13, b"\x01" * 64), Dnskey(256, 13, b"\x02" * 64)
# As dnssec-ksr of BIND 9.20.23 writes it, but for the keys.
FROM_BIND = f"""\
;; KeySigningRequest 1.0 20261127013902 (Fri Nov 27 01:39:02 2026)
example.\t\t3600\tIN\tDNSKEY\t256 3 13 {A[:56]} {A[56:]}
;; KeySigningRequest 1.0 20261226233402 (Sat Dec 26 23:34:02 2026)
example.\t\t3600\tIN\tDNSKEY\t256 3 13 {A[:56]} {A[56:]}
example.\t\t3600\tIN\tDNSKEY\t256 3 13 {B[:56]} {B[56:]}
;; KeySigningRequest 1.0 generated at Fri Nov 27 01:39:02 2026 by 9.20.23-1~deb13u1~bpo12+1-Debian
"""
# As keymgr of Knot 3.2.6 writes it, but for the keys.
FROM_KNOT = f"""\
;; KeySigningRequest 1.0 1795743542 (2026-11-27T01:39:02Z) =========
example.            \t3600 DNSKEY 256 3 13 (
\t\t\t\t{A[:40]}
\t\t\t\t{A[40:80]}
\t\t\t\t{A[80:]}
\t\t\t\t) ; ZSK, ECDSAP256SHA256 (256b), id = 64407
;; KeySigningRequest 1.0 1798328042 (2026-12-26T23:34:02Z) =========
example.            \t3600 DNSKEY 256 3 13 (
\t\t\t\t{A}
\t\t\t\t) ; ZSK, ECDSAP256SHA256 (256b), id = 64407
example.            \t3600 DNSKEY 256 3 13 (
\t\t\t\t{B}
\t\t\t\t) ; ZSK, ECDSAP256SHA256 (256b), id = 4406
;; KeySigningRequest 1.0 generated at 2026-11-27T01:39:02Z by Knot DNS 3.2.6
"""
POINTS = (
    ChangePoint(1795743542, (PublishedKey(FIRST, 3600),)),
    ChangePoint(1798328042, (PublishedKey(FIRST, 3600), PublishedKey(SECOND, 3600))),
)
MADE = [(BIND, FROM_BIND), (KNOT, FROM_KNOT)]


def read(text: str | bytes, dialect: Dialect = BIND) -> tuple[ChangePoint, ...]:
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return read_change_points(io.BytesIO(data), dialect)[1]


@pytest.mark.parametrize(("dialect", "text"), MADE, ids=["bind", "knot"])
def test_their_requests(dialect: Dialect, text: str) -> None:
    assert read_change_points(io.BytesIO(text.encode()), dialect) == (ZONE, POINTS)
    # Other comments, empty lines and ends of lines do not matter.
    odd = text.replace("\n;;", "\n; mine\n\n;;").replace("\n", "\r\n")
    assert read_change_points(io.BytesIO(odd.encode()), dialect) == (ZONE, POINTS)


def test_requests_become_bundles() -> None:
    times = SigningTimes(40 * 86400, 5 * 86400, 3600)
    bind = read_bind_request(io.BytesIO(FROM_BIND.encode()), replace(times, until=1798328043))
    knot = read_knot_request(io.BytesIO(FROM_KNOT.encode()), times)
    assert bind.bundles == knot.bundles
    assert [one.id for one in bind.bundles] == ["20261127013902", "20261226233402"]
    assert (bind.is_plain, bind.proofs, bind.policy, knot.times) == (False, False, None, times)
    with pytest.raises(MalformedError, match="says itself when its period ends"):
        read_knot_request(io.BytesIO(FROM_KNOT.encode()), replace(times, until=1798328043))


LINES = FROM_BIND.splitlines(keepends=True)
LAST = LINES[-1]
REFUSED: dict[str, tuple[str, str]] = {
    "empty": ("", "the last line is missing"),
    "no last line": ("".join(LINES[:-1]), "the last line is missing (';; KeySigningRequest 1.0 generated ...')"),
    "only the last line": (LAST, "nothing in it but its last line"),
    "something after it": (FROM_BIND + LINES[1], "line 7: something follows the last line"),
    "another after it": (FROM_BIND + LINES[0], "line 7: something follows the last line"),
    "a record first": (LINES[1] + FROM_BIND, "line 1: a record before the first line"),
    "a response": (FROM_BIND.replace("KeySigningRequest", "SignedKeyResponse"), "line 1: a line that begins with ';;'"),
    "another word": (FROM_BIND.replace("KeySigningRequest", "Hello", 1), "line 1: a line that begins with ';;' and is"),
    "only ;;": (";;\n" + FROM_BIND, "line 1: a line that begins with ';;'"),
    "version": (FROM_BIND.replace(" 1.0 ", " 1.1 ", 1), "line 1: version '1.1'; only 1.0 is known"),
    "no version": (FROM_BIND.replace(" 1.0 20261127013902 (Fri Nov 27 01:39:02 2026)", "", 1), "line 1: version none"),
    "no moment": (FROM_BIND.replace("20261127013902 (Fri Nov 27 01:39:02 2026)", ""), "line 1: '' is not a moment"),
    "13 digits": (FROM_BIND.replace("20261127013902", "2026112701390", 1), "line 1: '2026112701390' is not a moment"),
    "no such day": (FROM_BIND.replace("20261127013902", "20261131013902", 1), "line 1: '20261131013902' is no moment"),
    "letters": (FROM_BIND.replace("20261127013902", "2026112701390x", 1), "line 1: '2026112701390x' is not a time"),
    "seconds": (FROM_BIND.replace("20261127013902", "1795743542", 1), "line 1: '1795743542' is not a moment"),
    "backwards": (FROM_BIND.replace("20261127013902", "20261226233403", 1), "line 3: its moment is not after that of"),
    "twice": (FROM_BIND.replace("20261127013902", "20261226233402", 1), "line 3: its moment is not after that of line"),
    "no records": (LINES[0] + "".join(LINES[2:]), "line 2: no records below line 1"),
    "no records at the end": ("".join(LINES[:3]) + LAST, "line 4: no records below line 3"),
    "another zone": (FROM_BIND.replace("example.", "a.example.", 1), "line 4: a record of example. among those of a."),
    "another zone below": ("".join(LINES[:4]) + LINES[4].replace("example", "b") + LAST, "line 5: a record of b."),
    "a relative name": (FROM_BIND.replace("example.", "example", 1), "line 2: 'example' is relative to nothing"),
    "no name": (FROM_BIND.replace("example.", " ", 1), "line 2: a record that does not begin with the name"),
    "a directive": ("".join(LINES[:2]) + "$TTL 3600\n" + "".join(LINES[2:]), "line 3: a record that does not begin"),
    "another type": ("".join(LINES[:2]) + "example. 1 IN A 192.0.2.1\n" + LAST, "line 3: not a DNSKEY record"),
    "CDS": ("".join(LINES[:2]) + "example. 1 IN CDS 0 0 0 00\n" + LAST, "line 3: not a DNSKEY record"),
    "RRSIG": ("".join(LINES[:2]) + "example. 1 IN RRSIG DNSKEY\n" + LAST, "line 3: not a DNSKEY record"),
    "the same key": ("".join(LINES[:2]) + LINES[1] + LAST, "line 3: the same DNSKEY again"),
    "another TTL": ("".join(LINES[:4]) + LINES[4].replace("3600", "60") + LAST, "line 5: TTL 60"),
    "a bad key": (FROM_BIND.replace(" 3 13 ", " 3 15 ", 1), "line 2: a public key of algorithm 15 has 32 bytes"),
    "a control character": (FROM_BIND.replace("(Fri", "\x1b[2J"), "line 1: a control character"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("20261127013902", "line 1: 20261127013902 is not a moment in seconds since 1970 that DNSSEC can express"),
        ("4294967296", "line 1: 4294967296 is not a moment"), ("01795743542", "line 1: '01795743542' is not a number"),
        ("-1", "line 1: '-1' is not a number"), ("1e9", "line 1: '1e9' is not a number"), ("", "line 1: '(2026"),
    ],
)  # fmt: skip
def test_moments_that_knot_does_not_write(moment: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(FROM_KNOT.replace("1795743542", moment, 1), KNOT)
    assert words in str(caught.value)


def test_limits() -> None:
    many = "".join(f";; KeySigningRequest 1.0 {number + 1}\n{LINES[1]}" for number in range(BUNDLE_LIMIT + 1))
    assert len(read(many.rpartition(";;")[0] + LAST, KNOT)) == BUNDLE_LIMIT
    with pytest.raises(LimitError, match=f"line {2 * BUNDLE_LIMIT + 1}: more than 1000 moments"):
        read(many + LAST, KNOT)
    with pytest.raises(LimitError, match="larger than 16 MiB"):
        read(b";" * (SIZE_LIMIT + 1))


def answer(start: int | None = 1795743542, parent: bool = True) -> Bundle:
    """A bundle of a response; the signatures are none."""
    bundle = good_request("example.").bundles[0]
    rrsig = replace(bundle.signatures[0], identifier="")
    for_parent = tuple(
        replace(rrset, signatures=(replace(rrsig, ttl=60),))
        for rrset in parent_rrsets(ZONE, [FIRST], ["CDNSKEY", "CDS SHA-256"], 60)
        if parent
    )
    return Bundle(
        id="20261127013902" if start else "any",
        inception=bundle.inception,
        expiration=bundle.expiration,
        keys=tuple(replace(one, identifier="") for one in bundle.keys),
        signatures=(rrsig,),
        for_parent=for_parent,
        start=start,
    )


LATER = replace(answer(1795743543), id="20261127013903")
RESPONSE = ZoneResponse(ZONE, (answer(), LATER))
WRITERS: list[tuple[Callable[[ZoneResponse], bytes], Callable[[io.BytesIO], ZoneResponse], bytes, bytes]] = [
    (
        write_bind_response,
        read_bind_response,
        b";; SignedKeyResponse 1.0 20261127013902 (Fri Nov 27 01:39:02 2026)\n",
        b";; SignedKeyResponse 1.0 20261127013903 (Fri Nov 27 01:39:03 2026)\n",
    ),
    (
        write_knot_response,
        read_knot_response,
        b";; SignedKeyResponse 1.0 1795743542 (2026-11-27T01:39:02Z) =========\n",
        b";; SignedKeyResponse 1.0 1795743543 (2026-11-27T01:39:03Z) =========\n",
    ),
]


@pytest.mark.parametrize(("write", "read_back", "first", "second"), WRITERS, ids=["bind", "knot"])
def test_responses(
    write: Callable[[ZoneResponse], bytes],
    read_back: Callable[[io.BytesIO], ZoneResponse],
    first: bytes,
    second: bytes,
) -> None:
    data = write(RESPONSE)
    lines = data.splitlines(keepends=True)
    assert [line for line in lines if line.startswith(b";")] == [
        first,
        second,
        b";; SignedKeyResponse 1.0 generated by keyquorum\n",
    ]
    kinds = [line.split()[3] for line in lines[1:] if not line.startswith(b";")]
    assert kinds == [b"DNSKEY", b"DNSKEY", b"RRSIG", b"CDS", b"RRSIG", b"CDNSKEY", b"RRSIG"] * 2
    assert read_back(io.BytesIO(data)) == RESPONSE
    without = ZoneResponse(ZONE, (answer(parent=False),))
    assert read_back(io.BytesIO(write(without))) == without


def test_a_response_to_another_request_is_served_from_its_inception_on() -> None:
    bundle = answer(None)
    (back,) = read_bind_response(io.BytesIO(write_bind_response(ZoneResponse(ZONE, (bundle,))))).bundles
    assert back.start == bundle.inception
    with pytest.raises(MalformedError, match="do not follow each other in time"):
        write_response(ZoneResponse(ZONE, (answer(), answer())), BIND)
    odd = replace(bundle, signatures=(replace(bundle.signatures[0], ttl=1),))
    with pytest.raises(MalformedError, match="have one TTL"):
        write_response(ZoneResponse(ZONE, (odd,)), BIND)


GOOD = write_bind_response(RESPONSE).decode()
ROWS = GOOD.splitlines(keepends=True)
REFUSED_RESPONSES = {
    "a request": (FROM_BIND, "line 1: a line that begins with ';;' and is not ';; SignedKeyResponse 1.0 ...'"),
    "cut off": ("".join(ROWS[:-1]), "the last line is missing"),
    "cut off by a bundle": ("".join(ROWS[: len(ROWS) // 2]), "the last line is missing"),
    "another type": ("".join(ROWS[:8]) + "example. 1 IN TXT x\n" + ROWS[-1], "line 9: not a DNSKEY, CDS or CDNSKEY"),
    "RRSIG of another type": (
        "".join(ROWS[:8]) + ROWS[3].replace("RRSIG DNSKEY", "RRSIG SOA") + ROWS[-1],
        "line 9: not a DNSKEY, CDS or CDNSKEY",
    ),
    "another zone": (GOOD.replace("example.", "b.", 1), "line 3: a record of example. among those of b."),
    "a relative zone": (GOOD.replace("example.", "b", 1), "line 2: 'b' is relative to nothing"),
    "not signed": ("".join(ROWS[:3] + ROWS[4:]), "line 1: the DNSKEY RRset has no signature"),
    "CDS not signed": ("".join(ROWS[:5] + ROWS[6:]), "line 1: the CDS RRset has no signature"),
    "not signed below": ("".join(ROWS[:11] + ROWS[12:]), "line 9: the DNSKEY RRset has no signature"),
    "no TTL": (GOOD.replace("172800 IN DNSKEY", "IN DNSKEY", 1), "line 2: a record without a TTL"),
    "not a key": (GOOD.replace("IN DNSKEY 256 3", "IN DNSKEY 256", 1), "line 2: not a DNSKEY record"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED_RESPONSES.values(), ids=REFUSED_RESPONSES.keys())
def test_refused_responses(text: str, words: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_response(io.BytesIO(text.encode()), BIND)
    assert words in str(caught.value)


@given(
    names,
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.lists(dnskeys, min_size=1, max_size=3, unique=True), ttls),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one[0],
    ),
    st.sampled_from([BIND, KNOT]),
)
def test_what_is_written_is_read_back(
    zone: dns.name.Name, drawn: list[tuple[int, list[Dnskey], int]], dialect: Dialect
) -> None:
    points = tuple(
        ChangePoint(at, tuple(PublishedKey(key, ttl) for key in keys))
        for at, keys, ttl in sorted(drawn, key=lambda one: one[0])
    )
    data = write_change_points(zone, points, dialect)
    try:
        found = read_change_points(io.BytesIO(data), dialect)
    except MalformedError:
        # A name that is no name in ASCII text for the readers of ours is refused, not read as another.
        assert not zone.to_text().isprintable() or '"' in zone.to_text() or " " in zone.to_text()
        return
    assert found == (zone, points)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(MADE), st.integers(0, len(FROM_KNOT)), st.integers(0, 12), st.binary(max_size=8))
def test_only_our_errors(made: tuple[Dialect, str], start: int, length: int, piece: bytes) -> None:
    dialect, text = made
    good = text.encode()
    only_ours(lambda: read(good[:start] + piece + good[start + length :], dialect))
    only_ours(lambda: read(piece, dialect))
    answered = write_response(RESPONSE, dialect)
    only_ours(lambda: read_response(io.BytesIO(answered[:start] + piece + answered[start + length :]), dialect))
