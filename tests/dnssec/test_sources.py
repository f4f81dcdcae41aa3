import io

import pytest

from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr, write_ksr
from keyquorum.dnssec.sources import FORMATS, detect_format, read_source
from keyquorum.errors import LimitError, MalformedError, RefusedError, UsageError
from tests.dnssec.ksr_vectors import good_request
from tests.dnssec.test_zonefile import RECORD

KSR = write_ksr(good_request())


def test_both_formats() -> None:
    assert list(read_source("icann", io.BytesIO(KSR), None)) == [read_ksr(KSR)]
    (request,) = read_source("zone", io.BytesIO(RECORD.encode()), (100, 200))
    assert (request.bundles[0].inception, request.bundles[0].expiration) == (100, 200)
    assert not request.proofs


def test_a_window_belongs_to_the_format() -> None:
    with pytest.raises(UsageError, match="comes with its own times"):
        read_source("icann", io.BytesIO(KSR), (100, 200))
    with pytest.raises(UsageError, match="comes without its own times"):
        read_source("zone", io.BytesIO(RECORD.encode()), None)


def test_unknown_formats_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="icann, zone"):
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
        (b"KeySigningRequest. 60 IN DNSKEY", "zone"),
    ],
)  # fmt: skip
def test_formats_are_told_apart(head: bytes, name: str) -> None:
    assert detect_format(head) == name


@pytest.mark.parametrize(
    "head",
    [
        b";; KeySigningRequest 1.0 20260101000000 (Thu Jan  1 00:00:00 2026)\nexample. 60 IN DNSKEY",
        b";; SignedKeyResponse 1.0 20260101000000\n",
        b"\n;; KeySigningRequest 1.1 1767225600 =====\n",
    ],
)
def test_offline_ksk_requests_are_not_taken_for_zone_files(head: bytes) -> None:
    with pytest.raises(RefusedError, match="BIND or Knot"):
        detect_format(head)


def test_a_byte_order_mark_is_refused_in_the_end() -> None:
    with pytest.raises(MalformedError):
        list(read_source("icann", io.BytesIO(b"\xef\xbb\xbf<html/>"), None))
