"""What there is to keep: a request with its partials, response and record, made by a quorum; and quarters of responses.

Everything is bytes of files, made once a process.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from itertools import count
from typing import BinaryIO

import dns.name

from keyquorum.archive.entries import ENTRY, Entry, entry_id, line_of
from keyquorum.archive.facts import facts_of
from keyquorum.dnssec.icann import write_ksr, write_skr
from keyquorum.dnssec.model import Dnskey, ZoneRequest, ZoneResponse
from keyquorum.dnssec.possession import prove
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.policy.profile import profile
from keyquorum.policy.schedule import Cast, Rhythm, bundles_of, evenly, request_of
from keyquorum.records.requests import RESPONSE, Output, Response
from tests.policy import good_request as quarter
from tests.policy.good_request import DAY, KSK, ROOT, START, TTL
from tests.quorum.village import (
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    opened,
    root_request,
    sha256,
    skr,
    villager,
    zone_records,
)

RHYTHM = Rhythm(3, 10 * DAY, 21 * DAY)
EXAMPLE = dns.name.from_text("example.")
_NUMBERS = count(1)


@dataclass(frozen=True)
class Ceremony:
    """The files of one signing, in the order of their making; ``quorum`` signed."""

    quorum: Quorum
    source: bytes
    request: bytes
    partials: tuple[bytes, ...]
    response: bytes
    record: bytes

    @property
    def files(self) -> dict[str, bytes]:
        return {
            "ksr.xml": self.source, "request": self.request, "alice.partial": self.partials[0],
            "carol.partial": self.partials[1], "skr.xml": self.response, "skr.xml.response.json": self.record,
        }  # fmt: skip


@cache
def ceremony() -> Ceremony:
    """Alice and carol of three sign the root's request of 2017; the fault of bob's answer is in the record."""
    quorum, matter = dealt("existing", 2, 3), root_request()
    request = ask(matter, quorum)
    partials = tuple(answer(request, matter, quorum, index) for index in (1, 3))
    outcome = combine(request, partials)
    response = skr(outcome)
    rita = villager("rita").identity
    liar = replace(outcome.contributions[0], index=2, fault="wrong")
    record = Response(
        signer=rita.verification_key,
        request=opened(request).signed.id,
        format="icann",
        outputs=(Output(name="normal", sha256=sha256(response)),),
        signatures=9,
        contributions=(*outcome.contributions, liar),
    )
    return Ceremony(
        quorum, matter.source, request, partials, response, RESPONSE.sign(record, rita).envelope + b"\n"
    )  # fmt: skip


@cache
def zone_ceremony() -> tuple[bytes, bytes]:
    """Give a request over plain RRsets of two zones, and the answer as zone records."""
    quorum, matter = dealt("existing", 2, 3), zone_records("one.example.", "two.example.")
    request = ask(matter, quorum)
    outcome = combine(request, [answer(request, matter, quorum, index) for index in (1, 2)])
    text = "".join(write_rrset(one.zone, one.bundles[0]) for one in outcome.responses)
    return request, text.encode()


def quarter_request(start: int, name: str, current: Dnskey, *, zone: dns.name.Name = ROOT) -> ZoneRequest:
    """Give a short quarter's request, with proofs."""
    ids = iter(f"{name}-{number}" for number in range(RHYTHM.count))
    bundles = bundles_of(profile("zone"), evenly(RHYTHM, start), Cast((current,)), TTL, lambda: next(ids))
    signers = {current: quarter._SIGN[current.algorithm, current.public_key]}
    proven = [prove(zone, bundle, signers, START, START + DAY) for bundle in bundles]
    return request_of(zone, profile("zone"), proven, name, 1, START)


def quarter_response(
    start: int, name: str, current: Dnskey = quarter.NOW, ksk: Dnskey = KSK, *, zone: dns.name.Name = ROOT
) -> ZoneResponse:
    """Give the answer to it, by the KSK of these tests or another."""
    request = quarter_request(start, name, current, zone=zone)
    bundles = tuple(
        quarter.answered(zone, replace(bundle, keys=(*bundle.keys, quarter.published(ksk, "ksk"))), ksk)
        for bundle in request.bundles
    )
    policy = profile("root").ksk_policy
    return ZoneResponse(zone, bundles, name, 1, policy, request.policy)


def ksr(name: str, bundles: int = 1) -> bytes:
    """Give a small KSR."""
    request = quarter_request(START, name, quarter.NOW)
    return write_ksr(replace(request, bundles=request.bundles[:bundles]))


class Shelf:
    """Entries and their files in memory, as ``answers`` wants them."""

    def __init__(self, *files: bytes | ZoneResponse, names: Sequence[str] = ()) -> None:
        self.files: dict[bytes, bytes] = {}
        self.entries: list[Entry] = []
        previous = bytes(32)
        for number, file in enumerate(files, 1):
            data = write_skr(file) if isinstance(file, ZoneResponse) else file
            digest = sha256(data)
            self.files[digest] = data
            entry = Entry(
                number=number, previous=previous, added=START, name=names[number - 1] if names else f"file-{number}",
                length=len(data), sha256=digest, facts=facts_of(BytesIO(data), digest),
            )  # fmt: skip
            self.entries.append(entry)
            previous = entry_id(line_of(ENTRY, entry))

    @contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """Open the file of an entry."""
        yield BytesIO(self.files[entry.sha256])
