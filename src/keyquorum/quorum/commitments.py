"""Files of commitments: the public rows of one-time material, made by holders or the dealer, and put into requests.

The header is signed by the maker and holds the SHA-256 of each row; so a request can carry the rows of its own slots
only, and anybody still knows whose they are. Refused: rows that are not the signed ones, commitments by somebody who
is not the maker they name, over another key, of another length, or for a requester that the key does not name.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from keyquorum.errors import MalformedError, NotYetError, ParameterError, RefusedError
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.quorum.spools import FixedStream, NewFile
from keyquorum.records.envelope import Signed
from keyquorum.records.files import expect_end, header, read_header
from keyquorum.records.keys import COMMITMENTS, MOST_ROW_LENGTH, MOST_ROWS, CommitmentRecord, KeyRecord
from keyquorum.records.requests import UsedSlots
from keyquorum.threshold.one_time import LANE_BITS, Maker, Quorum, lane_of, number_of, overlap
from keyquorum.threshold.register import one_time_scheme_of, scheme_of
from keyquorum.threshold.seam import Commitments, Stream


@dataclass(frozen=True, slots=True)
class OpenCommitments:
    """Commitments that were read, or just made: the signed header, and every row as it was signed."""

    signed: Signed[CommitmentRecord]
    rows: Stream

    def row_of(self, slot: int) -> bytes:
        """Give the row of one slot."""
        return next(islice(self.rows, slot - self.signed.record.first, None))

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes of the file."""
        yield header(self.signed)
        yield from self.rows


@dataclass(frozen=True, slots=True)
class Order:
    """For which slots, and for which quorum (None: all of the plan), material is to be made; ``a_year`` as planned."""

    slots: range
    quorum: Quorum | None
    a_year: int


def prepare(
    key: Signed[KeyRecord], share: object, holder: Identity, order: Order, new_file: NewFile, rng: Rng, work: Work
) -> tuple[OpenCommitments, list[bytes]]:
    """Make a holder's one-time material; gives the commitments, and the secret row of each slot.

    Raises RefusedError where holders of this key have nothing to prepare, or for somebody who is none.
    """
    record = key.record
    if scheme_of(record.public).one_time is not Maker.HOLDER:
        raise RefusedError(
            f"nothing is prepared for {record.label}: {_why_not(record)}", do="Answer requests as they come."
        )
    index = record.index_of(holder.verification_key)
    if index is None:
        raise RefusedError(f"you hold no share of {record.label}")
    secrets: list[bytes] = []
    made = make(key, index, share, holder, order, new_file, rng, work, secrets_of=lambda row: secrets.append(row[0]))
    return made, secrets


def make(
    key: Signed[KeyRecord],
    maker: int,
    secret: object,
    signer: Identity,
    order: Order,
    new_file: NewFile,
    rng: Rng,
    work: Work,
    *,
    secrets_of: Callable[[tuple[bytes, ...]], None],
) -> OpenCommitments:
    """Make one-time material slot by slot; ``secrets_of`` is told the secret rows of each."""
    public = key.record.public
    scheme = one_time_scheme_of(public)
    length = scheme.row_length(public, maker, order.quorum)
    _check_amount(order, length)
    rows = FixedStream(new_file(), length)
    digests = bytearray()
    for row in scheme.prepare(public, secret, order.slots, order.quorum, rng, work):
        rows.append(row.public)
        digests += hashlib.sha256(row.public).digest()
        secrets_of(row.secrets)
    record = CommitmentRecord(
        signer=signer.verification_key,
        key=key.id,
        maker=maker,
        quorum=order.quorum or (),
        first=order.slots.start,
        row_length=length,
        digests=bytes(digests),
        a_year=order.a_year,
    )
    return OpenCommitments(COMMITMENTS.sign(record, signer), rows)


def open_commitments(file: BinaryIO) -> OpenCommitments:
    """Read a file of commitments and compare every row with its SHA-256; raises MalformedError or SignatureError."""
    file.seek(0)
    signed: Signed[CommitmentRecord] = read_header(file, COMMITMENTS)
    opened = read_rows(file, signed)
    expect_end(file, "the file of commitments")
    return opened


def read_rows(file: BinaryIO, signed: Signed[CommitmentRecord]) -> OpenCommitments:
    """Read the rows of ``signed`` from where ``file`` stands, and leave it after them."""
    record, offset = signed.record, file.tell()
    rows = FixedStream(file, record.row_length, record.count, offset)
    _compare(rows, record.slots, [signed])
    file.seek(offset + record.row_length * record.count)
    return OpenCommitments(signed, rows)


def check_maker(key: Signed[KeyRecord], signed: Signed[CommitmentRecord]) -> None:
    """Check that commitments are by whom they say, for ``key`` and a requester of it; raises RefusedError."""
    record, holders = signed.record, key.record.holders
    if record.key != key.id:
        raise RefusedError("commitments are for another key", do="Leave them out; each key has its own.")
    public = key.record.public
    scheme = one_time_scheme_of(public)
    maker = (
        key.record.dealer if record.maker == 0 else holders[record.maker - 1] if record.maker <= len(holders) else None
    )
    if (
        (record.maker == 0) != (scheme.one_time is Maker.DEALER)
        or maker is None
        or maker.record.signer != record.signer
    ):
        raise RefusedError("commitments are not signed by whose they say they are", do="Leave them out.")
    if lane_of(record.first) >= len(key.record.requesters):
        raise RefusedError("commitments are for a requester that the key record does not name", do="Leave them out.")
    if record.row_length != scheme.row_length(public, record.maker, record.quorum or None):
        raise RefusedError("commitments have another length than those of this key", do="Leave them out.")


def check_commitments(key: Signed[KeyRecord], opened: OpenCommitments, work: Work) -> None:
    """Check all of a file of commitments that anybody can check; raises RefusedError or DealingError."""
    check_maker(key, opened.signed)
    record = opened.signed.record
    public = key.record.public
    scheme = one_time_scheme_of(public)
    scheme.check_rows(public, record.maker, record.slots, record.quorum or None, opened.rows, work)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The slots for one key of a request, the rows that go into its body, and who has no commitments for them."""

    used: UsedSlots
    rows: Iterator[bytes]
    missing: tuple[int, ...]


def gather(key: Signed[KeyRecord], came: Sequence[OpenCommitments], lane: int, start: int, count: int) -> Gathered:
    """Choose ``count`` slots of the requester at place ``lane``, from running number ``start`` on, and their rows.

    The slots for which most holders have commitments are taken, the earliest of these. Raises RefusedError for
    commitments that ``check_maker`` refuses or that contradict each other, NotYetError where no quorum's are there.
    """
    for one in came:
        check_maker(key, one.signed)
    unique = list({one.signed.id: one for one in came}.values())
    public = key.record.public
    scheme = scheme_of(public)
    mine = [one for one in unique if lane_of(one.signed.record.first) == lane]
    if len({one.signed.record.quorum for one in mine}) > 1:
        raise RefusedError(
            "some commitments are for all of the plan and some for one quorum", do="Give either these or those."
        )
    _refuse_twice(key, mine)
    holders = range(1, public.holders + 1)
    best: tuple[OpenCommitments, ...] = ()
    chosen = 0
    for first in sorted({start, *(number_of(one.signed.record.first) for one in mine)}):
        slot = (lane << LANE_BITS) + first
        covering = [
            one for one in mine if slot in one.signed.record.slots and slot + count - 1 in one.signed.record.slots
        ]
        if first >= start and len(covering) > len(best):
            best, chosen = tuple(sorted(covering, key=lambda one: one.signed.record.maker)), slot
    makers = {one.signed.record.maker for one in best}
    quorum = best[0].signed.record.quorum if best else ()
    needed = [set(quorum)] if quorum else [set(one) for one in public.plan.quorums]  # type: ignore[attr-defined]
    if scheme.one_time is Maker.DEALER:
        missing: tuple[int, ...] = ()
        enough = bool(best)
    else:
        missing = tuple(index for index in quorum or holders if index not in makers)
        enough = any(one <= makers for one in needed)
    if not enough:
        raise _none_left(key.record, missing, start, count)
    used = UsedSlots(first=chosen, count=count, commitments=tuple(one.signed for one in best))
    return Gathered(used, _joined(best, range(chosen, chosen + count)), missing)


def used_commitments(used: UsedSlots, rows: Stream) -> Commitments:
    """Give what a scheme gets of the slots of a request."""
    records = [one.record for one in used.commitments]
    makers = tuple(record.maker for record in records if record.maker)
    return Commitments(used.first, makers, records[0].quorum or None, rows)


def read_used(file: BinaryIO, key: Signed[KeyRecord], used: UsedSlots, requester: int) -> Commitments:
    """Read the rows of a request from where ``file`` stands, and leave it after them.

    ``requester`` is the place (from 0) of who signed the request. Raises RefusedError for slots of somebody else or
    commitments that are not of this key, MalformedError for rows that are not those committed to.
    """
    for one in used.commitments:
        check_maker(key, one)
    if lane_of(used.first) != requester:
        raise RefusedError("the request uses up slots of another requester", do="Do not sign; tell both of them.")
    offset, length = file.tell(), used.row_length
    rows = FixedStream(file, length, used.count, offset)
    _compare(rows, range(used.first, used.first + used.count), used.commitments)
    file.seek(offset + length * used.count)
    return used_commitments(used, rows)


def _compare(rows: Stream, slots: range, signed: Sequence[Signed[CommitmentRecord]]) -> None:
    """Compare each row, made of one piece of each of ``signed``, with what was signed."""
    count = 0
    for slot, row in zip(slots, rows, strict=False):
        start = 0
        for one in signed:
            piece = row[start : start + one.record.row_length]
            start += one.record.row_length
            if hashlib.sha256(piece).digest() != one.record.digest_of(slot):
                raise MalformedError(
                    f"the commitments for slot {number_of(slot):,} are not those that were signed",
                    do="The file was cut off or changed; get a complete copy.",
                )
        count += 1
    if count != len(slots):
        raise MalformedError(
            f"the commitments end after {count} of {len(slots)} slots", do="The file was cut off; get a complete copy."
        )


def _joined(came: Sequence[OpenCommitments], slots: range) -> Iterator[bytes]:
    streams = [islice(one.rows, slots.start - one.signed.record.first, None) for one in came]
    for _slot, *pieces in zip(slots, *streams, strict=False):
        yield b"".join(pieces)


def _refuse_twice(key: Signed[KeyRecord], came: Sequence[OpenCommitments]) -> None:
    for place, one in enumerate(came):
        for other in came[:place]:
            record, before = one.signed.record, other.signed.record
            if record.maker == before.maker and overlap(record.slots, before.slots):
                name = key.record.holders[record.maker - 1].record.name if record.maker else "the dealer"
                raise RefusedError(
                    f"{name} committed twice to the same slots", do="Ask why; leave out what was made later."
                )


def _check_amount(order: Order, length: int) -> None:
    """Refuse, before it is made, what no file of commitments can say."""
    if len(order.slots) > MOST_ROWS or length > MOST_ROW_LENGTH:
        raise ParameterError(
            f"{len(order.slots):,} rows of {length:,} bytes are more than a file of commitments holds",
            do=f"Make at most {MOST_ROWS:,} slots at a time, with a plan whose rows have at most {MOST_ROW_LENGTH:,}.",
        )
    if not 1 <= order.a_year <= MOST_ROWS:
        raise ParameterError(
            f"the slots used in a year are a number from 1 to {MOST_ROWS:,}", do="Give another --a-year."
        )


def _none_left(record: KeyRecord, missing: Sequence[int], start: int, count: int) -> NotYetError:
    where = f"{count:,} slot{'s' * (count != 1)} from slot {start:,} on"
    if scheme_of(record.public).one_time is Maker.DEALER:
        return NotYetError(
            f"there are no presignatures of {record.label} for {where}",
            do="Give the dealer's table for you with --commitments, or have more dealt: keyquorum key presign.",
        )
    names = ", ".join(record.holders[index - 1].record.name for index in missing)
    return NotYetError(
        f"no quorum of {record.label} has commitments for {where}: missing {names}",
        do="Holders run 'keyquorum share prepare' and send NAME.commitments.json; give all with --commitments.",
    )


def _why_not(record: KeyRecord) -> str:
    dealt = scheme_of(record.public).one_time is Maker.DEALER
    return "its presignatures are the dealer's" if dealt else "its answers need nothing in advance"
