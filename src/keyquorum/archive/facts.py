"""What a file is and says, as far as an archive keeps it: requests, partials, responses, and records of responses.

Everything is checked that can be by the file alone: signatures of records, the body that a header commits to, every
signature of a response (by two libraries). Refused: everything else, secrets before all; a response with a signature
that does not verify. By whose key a response is signed is not judged here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO

import dns.name

from keyquorum.archive.entries import Facts
from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr
from keyquorum.dnssec.model import Bundle
from keyquorum.dnssec.sources import detect_format, read_responses
from keyquorum.errors import KeyquorumError, MalformedError, RefusedError
from keyquorum.quorum.requesting import open_request
from keyquorum.quorum.verifying import verify_response
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, payload_type_of
from keyquorum.records.files import copy_checked, expect_end, read_header
from keyquorum.records.requests import PARTIAL, REQUEST, RESPONSE

HEAD_LENGTH = 4096
_LINE_LIMIT = max(kind.limit for kind in KINDS) + 2


class NotKeptError(RefusedError):
    """A file of a kind that an archive does not keep."""


def facts_of(stream: BinaryIO, sha256: bytes) -> Facts:
    """Read a file from its beginning; ``sha256`` is its SHA-256.

    Raises NotKeptError for what an archive does not keep, MalformedError, SignatureError or RefusedError for what it
    would keep if it were in order.
    """
    stream.seek(0)
    head = stream.read(HEAD_LENGTH)
    stream.seek(0)
    if head.startswith(b"{"):
        return _record(stream)
    if head.startswith(b"SQLite format 3\0"):
        raise NotKeptError("a keystore is secret and has no place in an archive")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _xml(stream, head, sha256)
    try:
        format_ = detect_format(head)
    except KeyquorumError as error:
        raise NotKeptError(error.what) from None
    if format_ != "zone" and b"KeySigningRequest" in head.partition(b"\n")[0]:
        raise NotKeptError("a request of BIND or Knot by itself; what is kept is the request to the quorum made of it")
    try:
        return _response(stream, format_)
    except MalformedError as error:
        if format_ != "zone":
            raise
        # Every text can be taken for a zone file, secrets too: nothing of it is told.
        raise NotKeptError(
            "no signed DNSKEY RRset can be read in it",
            where=error.where,
            do="If there is one: keyquorum verify says more.",
        ) from None


@dataclass(slots=True)
class _Sum:
    """What zones have in common: counted, and the time they enclose."""

    zones: int = 0
    bundles: int = 0
    signatures: int = 0
    ids: list[str] = field(default_factory=list)
    names: list[dns.name.Name] = field(default_factory=list)
    inception: int | None = None
    expiration: int | None = None

    def take(self, zone: dns.name.Name, id_: str, bundles: Iterable[Bundle], *, signed: bool) -> None:
        self.zones += 1
        # No more than one of each is needed to know whether there is but one.
        if len(self.names) < 2:
            self.names.append(zone)
            self.ids.append(id_)
        for bundle in bundles:
            self.bundles += 1
            if signed:
                self.signatures += sum(len(signatures) for _, signatures in bundle.signed_rrsets())
            first, last = bundle.inception, bundle.expiration
            self.inception = first if self.inception is None else min(self.inception, first)
            self.expiration = last if self.expiration is None else max(self.expiration, last)

    def facts(self, kind: str, **more: Any) -> Facts:
        if not self.zones:
            raise MalformedError("there is no zone in it")
        alone = self.zones == 1
        return Facts(
            kind=kind,
            id=self.ids[0] if alone else "",
            zones=self.zones,
            zone=self.names[0] if alone else None,
            bundles=self.bundles,
            signatures=self.signatures,
            inception=self.inception,
            expiration=self.expiration,
            **more,
        )


def _record(stream: BinaryIO) -> Facts:
    line = stream.readline(_LINE_LIMIT)
    stream.seek(0)
    try:
        claimed = payload_type_of(line.removesuffix(b"\n"), len(line))
    except MalformedError as error:
        raise NotKeptError(f"no record of ours ({error.what})") from None
    kind: Kind[Any] | None = next((one for one in KINDS if one.payload_type == claimed), None)
    read = _READERS.get(kind.name) if kind else None
    if read is None:
        what = f"a record of the kind {kind.name}" if kind else "a record of an unknown kind"
        raise NotKeptError(f"{what} has no place in an archive")
    return read(stream)


def _request(stream: BinaryIO) -> Facts:
    opened = open_request(stream)
    total = _Sum()
    for zone in opened.task.zones():
        total.take(zone.zone, zone.id, zone.bundles, signed=False)
    return total.facts("request", record=opened.signed.id, request=opened.signed.id, source=opened.task.source.sha256)


def _partial(stream: BinaryIO) -> Facts:
    signed = read_header(stream, PARTIAL)
    for answer in signed.record.answers:
        for _ in copy_checked(stream, answer.width * answer.count, answer.sha256, "the list of values"):
            pass
    expect_end(stream, "the partial")
    return Facts(kind="partial", record=signed.id, request=signed.record.request)


def _response_record(stream: BinaryIO) -> Facts:
    signed = RESPONSE.read(stream.read(RESPONSE.limit + 2))
    record = signed.record
    return Facts(
        kind="response-record",
        record=signed.id,
        request=record.request,
        outputs=tuple(one.sha256 for one in record.outputs),
        signatures=record.signatures,
    )


_READERS: Mapping[str, Callable[[BinaryIO], Facts]] = MappingProxyType(
    {REQUEST.name: _request, PARTIAL.name: _partial, RESPONSE.name: _response_record}
)


def _xml(stream: BinaryIO, head: bytes, sha256: bytes) -> Facts:
    if b"<KSR" not in head:
        raise NotKeptError("XML, and neither a KSR nor a SKR")
    data = stream.read(SIZE_LIMIT + 1)
    if b"<RequestBundle" not in data:
        stream.seek(0)
        return _response(stream, "icann")
    total, request = _Sum(), read_ksr(data)
    total.take(request.zone, request.id, request.bundles, signed=False)
    return total.facts("ksr", source=sha256)


def _response(stream: BinaryIO, format_: str) -> Facts:
    total = _Sum()
    for response in read_responses(format_, stream):
        for verdict in verify_response(response, lambda _zone, _key: True):
            if verdict.faults:
                raise RefusedError(
                    f"{'; '.join(verdict.faults)}",
                    where=f"{response.zone} {verdict.bundle.id}",
                    do="Only responses whose signatures verify are kept.",
                )
        total.take(response.zone, response.id, response.bundles, signed=True)
    return total.facts("response")
