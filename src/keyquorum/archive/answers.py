"""What an archive answers: was this id ever used, what came before, what is out there and who made it.

Pure: over entries, and a function that opens the file of one. What comes out is what rules and people need; a response
counts as the one before only if a key that is asked for has signed it, which is verified here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

import dns.name

from keyquorum.archive.entries import Entry
from keyquorum.dnssec.model import Bundle, Dnskey, Signature, ZoneResponse
from keyquorum.dnssec.sources import detect_format, read_responses
from keyquorum.dnssec.verify import verify_signature
from keyquorum.errors import RefusedError, SignatureError
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.envelope import Signed
from keyquorum.records.files import read_header
from keyquorum.records.keys import KeyRecord
from keyquorum.records.requests import PARTIAL, REQUEST, RESPONSE, Request

OpenFile = Callable[[Entry], AbstractContextManager[BinaryIO]]
"""Opens the file of an entry, after its SHA-256 was checked."""


@dataclass(frozen=True, slots=True)
class Previous:
    """The response that came before: ``entry`` is its number, ``sha256`` that of the file it stands in."""

    response: ZoneResponse
    sha256: bytes
    entry: int


@dataclass(frozen=True, slots=True)
class Makers:
    """Whose partials a signature was made of, by name: ``used`` as a response record says, or None where none does.

    ``answered`` are those whose partials for the request are in the archive.
    """

    used: tuple[str, ...] | None
    answered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """One signature that is out there: over the RRset ``covers`` of ``zone``, by ``key``, valid in that time.

    ``key`` is None where the bundle holds no key with the signature's tag. ``entry`` is the response it stands in.
    """

    entry: int
    zone: dns.name.Name
    covers: str
    tag: int
    algorithm: int
    key: Dnskey | None
    inception: int
    expiration: int
    makers: Makers


def seen_ids(entries: Iterable[Entry]) -> dict[str, bytes]:
    """Give the id of every KSR seen, with the SHA-256 of the source that it first came in: ``Basis.seen``.

    Of an id that is known from a response only, nobody knows the source: b"", which no source has.
    """
    seen: dict[str, bytes] = {}
    answered: dict[str, bytes] = {}
    for entry in entries:
        facts = entry.facts
        if facts.id and facts.source is not None:
            seen.setdefault(facts.id, facts.source)
        elif facts.id:
            answered[facts.id] = b""
    return answered | seen


def previous_response(
    entries: Sequence[Entry], open_file: OpenFile, zone: dns.name.Name, keys: Iterable[Dnskey], before: int
) -> Previous | None:
    """Give the last response for ``zone`` that begins before ``before`` and is signed by one of ``keys``.

    ``before`` is when the first bundle of the request at hand begins, so that neither an answer to the same request nor
    a later one is taken. None: there was none, and this is the first signing of these keys. RefusedError where there
    are two that say different things (as a normal response and one for backing out do): somebody has to say which of
    them was published.
    """
    wanted = tuple(keys)
    best: list[Previous] = []
    for entry in entries:
        facts = entry.facts
        if facts.kind != "response" or (facts.zone is not None and facts.zone != zone):
            continue
        if facts.inception is None or facts.inception >= before:
            continue
        with open_file(entry) as stream:
            response = next((one for one in _responses(stream) if one.zone == zone), None)
        if response is None or _begins(response) >= before or not _signed_by(response, wanted):
            continue
        found = Previous(response, entry.sha256, entry.number)
        if not best or _begins(response) > _begins(best[0].response):
            best = [found]
        elif _begins(response) == _begins(best[0].response):
            best.append(found)
    if len({_content(one.response) for one in best}) > 1:
        numbers = " and ".join(str(one.entry) for one in best)
        raise RefusedError(
            f"the responses in entries {numbers} are for the same time and say different things",
            where=zone.to_text(),
            do="Find out which one was published, and give that one: --previous-skr FILE.",
        )
    return best[-1] if best else None


def issued_signatures(entries: Sequence[Entry], open_file: OpenFile) -> Iterator[Issued]:
    """Give every signature that stands in a response, response by response in the order they were added."""
    contributors = _Contributors(entries, open_file)
    for entry in entries:
        if entry.facts.kind != "response":
            continue
        with open_file(entry) as stream:
            for response in _responses(stream):
                for bundle in response.bundles:
                    yield from _issued(entry, response, bundle, contributors)


def about(entries: Sequence[Entry], what: str) -> tuple[Entry, ...]:
    """Give the entries that ``what`` names: a number, the id of a KSR, or 8 digits or more of a hexadecimal id.

    Hexadecimal ids are those of records and requests, and the SHA-256 of files and sources.
    """
    wanted = what.lower()
    hexadecimal = len(wanted) >= 8 and all(mark in "0123456789abcdef" for mark in wanted)
    found = []
    for entry in entries:
        facts = entry.facts
        ids = (entry.sha256, facts.record, facts.request, facts.source, *facts.outputs)
        named = hexadecimal and any(one is not None and one.hex().startswith(wanted) for one in ids)
        if named or what in {str(entry.number), facts.id or None}:
            found.append(entry)
    return tuple(found)


class _Contributors:
    """Who made the signatures of a response, from the requests, partials and response records in an archive."""

    def __init__(self, entries: Sequence[Entry], open_file: OpenFile) -> None:
        self._open = open_file
        self._requests = {entry.facts.record: entry for entry in entries if entry.facts.kind == "request"}
        self._records = {
            output: entry
            for entry in entries
            if entry.facts.kind == "response-record"
            for output in entry.facts.outputs
        }
        self._partials: dict[bytes | None, list[Entry]] = {}
        for entry in entries:
            if entry.facts.kind == "partial":
                self._partials.setdefault(entry.facts.request, []).append(entry)
        self._by_id = {entry.facts.id: entry for entry in self._requests.values() if entry.facts.id}
        self._known: dict[tuple[int, Dnskey], Makers] = {}

    def of(self, response: Entry, key: Dnskey) -> Makers:
        """Give the makers of the signatures by ``key`` in a response."""
        if (response.number, key) not in self._known:
            self._known[response.number, key] = self._find(response, key)
        return self._known[response.number, key]

    def _find(self, response: Entry, key: Dnskey) -> Makers:
        record_entry = self._records.get(response.sha256)
        request_entry = (
            self._requests.get(record_entry.facts.request)
            if record_entry is not None
            else self._by_id.get(response.facts.id)
        )
        if request_entry is None:
            return Makers(None, ())
        with self._open(request_entry) as stream:
            request: Request = read_header(stream, REQUEST).record
        keys = [one.key for one in request.keys if dnskey_of(one.key.record.public) == key]
        used = None
        if record_entry is not None:
            with self._open(record_entry) as stream:
                told = RESPONSE.read(stream.read(RESPONSE.limit + 2)).record.contributions
            used = tuple(
                one.record.holders[each.index - 1].record.name
                for one in keys
                for each in told
                if each.key == one.id and not each.fault and each.index <= len(one.record.holders)
            )
        return Makers(used, self._answered(request_entry, keys))

    def _answered(self, request: Entry, keys: Sequence[Signed[KeyRecord]]) -> tuple[str, ...]:
        names = []
        for entry in self._partials.get(request.facts.record, []):
            with self._open(entry) as stream:
                signer = read_header(stream, PARTIAL).record.signer
            for key in keys:
                index = key.record.index_of(signer)
                if index is not None:
                    names.append(key.record.holders[index - 1].record.name)
        return tuple(dict.fromkeys(names))


def _issued(entry: Entry, response: ZoneResponse, bundle: Bundle, contributors: _Contributors) -> Iterator[Issued]:
    for over, signatures in bundle.signed_rrsets():
        for signature in signatures:
            key = _signer(bundle, signature)
            yield Issued(
                entry=entry.number,
                zone=response.zone,
                covers=over.name if over else "DNSKEY",
                tag=signature.key_tag,
                algorithm=signature.algorithm,
                key=key,
                inception=signature.inception,
                expiration=signature.expiration,
                makers=contributors.of(entry, key) if key is not None else Makers(None, ()),
            )


def _signer(bundle: Bundle, signature: Signature) -> Dnskey | None:
    named = (signature.key_tag, signature.algorithm)
    return next((one.key for one in bundle.keys if (one.key.tag, one.key.algorithm) == named), None)


def _responses(stream: BinaryIO) -> Iterator[ZoneResponse]:
    head = stream.read(512)
    stream.seek(0)
    return read_responses(detect_format(head), stream)


def _begins(response: ZoneResponse) -> int:
    return min(bundle.inception for bundle in response.bundles)


def _signed_by(response: ZoneResponse, keys: Sequence[Dnskey]) -> bool:
    """Whether one of ``keys`` has signed the last bundle, which is what the next request follows on."""
    last = max(response.bundles, key=lambda bundle: bundle.inception)
    rrset = [published.key for published in last.keys]
    for key in keys:
        for signature in last.signatures:
            try:
                verify_signature(response.zone, rrset, signature, key)
            except SignatureError:
                continue
            return True
    return False


def _content(response: ZoneResponse) -> tuple[object, ...]:
    """Give what two responses have to agree in to be the same for whoever follows on them: all but the signatures.

    Who signed counts: two responses of a roll may hold the same keys, and differ in that.
    """
    return tuple(
        (
            bundle.inception,
            bundle.expiration,
            frozenset(one.key for one in bundle.keys),
            frozenset((one.key_tag, one.algorithm) for one in bundle.signatures),
        )
        for bundle in response.bundles
    )
