import io
from dataclasses import replace

import dns.name
import pytest

from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr, write_ksr
from keyquorum.dnssec.model import SigningTimes, ZoneResponse
from keyquorum.dnssec.sources import FORMATS, detect_format, read_one_response, read_responses, read_source
from keyquorum.errors import LimitError, MalformedError, RefusedError, UsageError
from tests.dnssec.ksr_vectors import good_request
from tests.dnssec.test_offline_text import FROM_BIND, FROM_KNOT, RESPONSE
from tests.dnssec.test_zonefile import RECORD

KSR = write_ksr(good_request())
ROOT = dns.name.root


BIND_KSR, KNOT_KSR = FROM_BIND.encode(), FROM_KNOT.encode()
TIMES = SigningTimes(40 * 86400, 5 * 86400, 3600)
UNTIL = replace(TIMES, until=1798328042)


def test_every_format() -> None:
    assert list(FORMATS) == ["icann", "zone", "bind", "knot"]
    assert list(read_source("icann", io.BytesIO(KSR), None)) == [read_ksr(KSR)]
    (request,) = read_source("zone", io.BytesIO(RECORD.encode()), (100, 200))
    assert (request.bundles[0].inception, request.bundles[0].expiration) == (100, 200)
    assert not request.proofs
    (bind,), (knot,) = (
        read_source("bind", io.BytesIO(BIND_KSR), None, UNTIL), read_source("knot", io.BytesIO(KNOT_KSR), None, TIMES)
    )  # fmt: skip
    assert bind == replace(knot, times=UNTIL)


CHANGES = "only the times at which its keys change"
NOT_THE_TIMES: list[tuple[str, tuple[int, int] | None, SigningTimes | None, str]] = [
    ("icann", (100, 200), None, "comes with its own times. Give no inception and expiration."),
    ("icann", None, TIMES, "comes with its own times. Give no signing times."),
    ("zone", None, None, "comes with no times. Give inception and expiration."),
    ("zone", (100, 200), TIMES, "comes with no times. Give no signing times."),
    ("bind", None, None, f"comes with {CHANGES}. Say for how long signatures are valid."),
    ("bind", (100, 200), UNTIL, f"comes with {CHANGES}. Give no inception and expiration."),
    ("bind", None, TIMES, f"comes with {CHANGES}. Give the end of the period it was made for (--until)."),
    ("knot", None, None, f"comes with {CHANGES}, and the end of its period. Say for how long"),
    ("knot", None, UNTIL, f"comes with {CHANGES}, and the end of its period. Give no end of the period."),
]


@pytest.mark.parametrize(("name", "window", "times", "words"), NOT_THE_TIMES)
def test_times_belong_to_the_format(
    name: str, window: tuple[int, int] | None, times: SigningTimes | None, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_source(name, io.BytesIO(b""), window, times)
    assert words in str(caught.value)


def test_responses_are_read_as_they_are_written() -> None:
    for name, head in (("bind", b";; SignedKeyResponse 1.0 2026"), ("knot", b";; SignedKeyResponse 1.0 17")):
        data = FORMATS[name].write(RESPONSE)
        assert data.startswith(head)
        assert detect_format(data[:200]) == name
        assert list(read_responses(name, io.BytesIO(data))) == [RESPONSE]
        assert read_one_response(data) == RESPONSE
    stated = good_request()
    skr = ZoneResponse(ROOT, stated.bundles, "a", 1, stated.policy, stated.policy)
    skr = replace(skr, bundles=tuple(replace(bundle, signers=()) for bundle in skr.bundles))
    assert read_one_response(FORMATS["icann"].write(skr)) == skr
    one = replace(RESPONSE, bundles=RESPONSE.bundles[:1])
    zone = FORMATS["zone"].write(one)
    (back,) = read_one_response(zone).bundles
    assert (back.keys, back.for_parent) == (one.bundles[0].keys, one.bundles[0].for_parent)
    with pytest.raises(MalformedError, match="a zone file holds one bundle"):
        FORMATS["zone"].write(RESPONSE)
    with pytest.raises(MalformedError, match="several zones"):
        read_one_response(zone + zone.replace(b"example.", b"b.example."))


def test_unknown_formats_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="icann, zone, bind, knot"):
        read_source("xml\n", io.BytesIO(KSR), None)


def test_the_table_cannot_be_added_to() -> None:
    with pytest.raises(TypeError):
        FORMATS["other"] = FORMATS["zone"]  # type: ignore[index]


class Huge(io.BytesIO):
    """A document of a gigabyte that counts how much of it is asked for."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "everything was asked for"
        self.asked += size
        return b" " * min(size, 1 << 30)


def test_no_more_than_the_limit_is_read() -> None:
    stream = Huge()
    with pytest.raises(LimitError):
        list(read_source("icann", stream, None))
    assert stream.asked == SIZE_LIMIT + 1


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (KSR[:200], "icann"), (b'<?xml version="1.0"?>', "icann"), (b"\n <KSR", "icann"),
        (b"\xef\xbb\xbf<KSR", "icann"),
        (RECORD.encode()[:200], "zone"), (b"; a comment\n<", "zone"), (b"$TTL 60\n", "zone"), (b"", "zone"),
        (b"; mine\n; KeySigningRequest\n", "zone"),
        (b"KeySigningRequest. 60 IN DNSKEY", "zone"), (b";; KeySigningRequestor\n", "zone"), (b";;\n", "zone"),
        (BIND_KSR[:200], "bind"), (KNOT_KSR[:200], "knot"),
        (b";; SignedKeyResponse 1.0 20260101000000\n", "bind"),
        (b"\n;; KeySigningRequest 1.1 1767225600 =====\n", "knot"),
    ],
)  # fmt: skip
def test_formats_are_told_apart(head: bytes, name: str) -> None:
    assert detect_format(head) == name


@pytest.mark.parametrize(
    "head",
    [b";; KeySigningRequest 1.0 soon\n", b";; SignedKeyResponse 1.0", b";; KeySigningRequest 1.0 generated at\n"],
)
def test_offline_ksk_text_without_a_time_is_not_taken_for_a_zone_file(head: bytes) -> None:
    with pytest.raises(RefusedError, match="BIND or Knot"):
        detect_format(head)


def test_a_byte_order_mark_is_refused_in_the_end() -> None:
    with pytest.raises(MalformedError):
        list(read_source("icann", io.BytesIO(b"\xef\xbb\xbf<html/>"), None))
