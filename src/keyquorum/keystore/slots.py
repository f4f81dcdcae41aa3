"""One-time material at rest: each secret row answers once; and which slots a requester has given out.

A row is a secret of its own, named by its slot; when it answers, the answer and the digest of what was answered durably
take its place (``Keystore.answer_all``). The commitments that the rows belong to are notes, so that it is known from
where on to prepare more, even when every row is used. Refused: commitments over slots that this keystore has some for
already; after a restore, to guess what was done since the copy was made.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from keyquorum.errors import KeystoreError, RefusedError
from keyquorum.keystore.store import Keystore
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import COMMITMENTS, CommitmentRecord
from keyquorum.threshold.one_time import MARK_LENGTH, MOST_SLOTS, Make, Quorum, Use, lane_of, number_of, overlap, told

_MATERIAL = "commitments"
_MARKS = "commitment-marks"
_GIVEN = "slots-given"
_CAME = "commitments-seen"
_KNOWN = "commitments-known"
_RESTORED = "restored"
_TIMES = "times"


@dataclass(frozen=True, slots=True)
class Material:
    """Commitments, and a holder's secret row of each of their slots, in order.

    ``marks`` are what must never occur in another table of the same key (16 bytes each), where the dealer made them.
    """

    signed: Signed[CommitmentRecord]
    secrets: Sequence[bytes] = field(repr=False)
    marks: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Supply:
    """How much there is of a key's material for one requester: slots made so far, and those left.

    ``a_year`` is how many slots a year were expected to be used.
    """

    made: int
    left: int
    a_year: int


class OneKey:
    """The one-time material of one holder for one key and one quorum (or all of the plan)."""

    def __init__(self, store: Keystore, kind: str) -> None:
        self._store = store
        self._kind = kind

    def answer_all(self, uses: Sequence[Use], make: Make) -> Sequence[bytes]:
        """Use up slots, as ``threshold.one_time.OneTimeStore`` says."""
        try:
            return self._store.answer_all(self._kind, [(_name(use.slot), use.digest) for use in uses], make)
        except RefusedError as error:
            for use in uses:
                error.what = error.what.replace(f"{self._kind}/{_name(use.slot)}", f"slot {number_of(use.slot):,}")
            raise
        except KeystoreError:
            known = {*self._store.names(self._kind), *self._store.used(self._kind)}
            missing = [number_of(use.slot) for use in uses if _name(use.slot) not in known]
            if not missing:
                raise
            raise RefusedError(
                f"your keystore has nothing to answer slot {missing[0]:,} with: it was never made here, or destroyed",
                do="Others can answer this request. Tell the requester, and have more for the next ones.",
            ) from None


class Slots:
    """The one-time material in an open keystore."""

    def __init__(self, store: Keystore) -> None:
        self._store = store

    def of(self, key: bytes, quorum: Quorum | None) -> OneKey:
        """Give the material for answering with ``key`` (an id) in one quorum, or those of the plan."""
        return OneKey(self._store, _kind(key, quorum or ()))

    def keep(self, material: Material) -> None:
        """Keep secret rows with their commitments; the same ones again change nothing.

        Raises RefusedError where there are other ones for any of the slots.
        """
        record = material.signed.record
        for other in self.commitments(record.key):
            if other.id == material.signed.id:
                return
            if other.record.quorum == record.quorum and overlap(other.record.slots, record.slots):
                raise RefusedError(
                    f"this keystore has made or accepted other commitments for {told(other.record.slots)}",
                    do="A slot is committed to once. Begin after these.",
                )
        kind = _kind(record.key, record.quorum)
        for slot, secret in zip(record.slots, material.secrets, strict=True):
            self._store.put(kind, _name(slot), secret)
        self._store.note(_MATERIAL, f"{kind}/{_name(record.first)}", material.signed.envelope)
        self._note_marks(material)
        known = f"{kind}/{lane_of(record.first)}"
        self._store.note(_KNOWN, known, str(self._restorations()).encode(), replace=True)

    def keep_dealt(self, material: Material, new: Collection[bytes] = ()) -> None:
        """Keep a dealer's table; after a restore only its marks, unless it is one of ``new`` (ids), dealt since.

        The same table may have been kept, and its rows used, after the copy was made that is now this keystore.
        """
        signed = material.signed
        known = any(one.id == signed.id for one in self.commitments(signed.record.key))
        if self.was_restored() and not known and signed.id not in new:
            self._note_marks(material)
        else:
            self.keep(material)

    def retired(self, table: Signed[CommitmentRecord]) -> bool:
        """Whether a table's rows are not here because of a restore: destroyed then, or not kept since."""
        return self.was_restored() and not self.unused(table.record)

    def keep_now(self, material: Material) -> None:
        """Do what ``keep`` does, as one change that is durable when this returns."""
        with self._store.batch():
            self.keep(material)

    def commitments(self, key: bytes) -> list[Signed[CommitmentRecord]]:
        """Give all commitments of a key that material was kept for."""
        return [
            COMMITMENTS.read(data)
            for name, data in self._store.notes(_MATERIAL).items()
            if name.startswith(f"slot/{key.hex()}/")
        ]

    def marks(self, key: bytes, besides: Collection[bytes] = ()) -> Iterator[bytes]:
        """Give the marks of all tables of a key, ``besides`` those with these ids."""
        for name, marks in self._store.notes(_MARKS).items():
            of, _, table = name.partition("/")
            if of == key.hex() and bytes.fromhex(table) not in besides:
                yield from (marks[start : start + MARK_LENGTH] for start in range(0, len(marks), MARK_LENGTH))

    def next_to_prepare(self, key: bytes, lane: int, quorum: Quorum | None) -> int | None:
        """Give the running number of the first slot after all that there are commitments for.

        None after a restore, until more was kept: nobody here knows what was prepared since the copy was made.
        """
        known = self._store.notes(_KNOWN).get(f"{_kind(key, quorum or ())}/{lane}", b"0")
        if int(known) < self._restorations():
            return None
        ends = [
            number_of(one.record.slots[-1]) + 1
            for one in self.commitments(key)
            if one.record.quorum == (quorum or ()) and lane_of(one.record.first) == lane
        ]
        return max(ends, default=0)

    def supplies(self, key: bytes) -> dict[tuple[int, Quorum], Supply]:
        """Give how much material there is, by the requester's place and the quorum (empty: all of the plan)."""
        found: dict[tuple[int, Quorum], Supply] = {}
        for one in self.commitments(key):
            record = one.record
            place = lane_of(record.first), record.quorum
            before = found.get(place, Supply(0, 0, 1))
            found[place] = Supply(before.made + record.count, before.left + self.unused(record), record.a_year)
        return found

    def unused(self, record: CommitmentRecord) -> int:
        """Give how many slots of these commitments there are rows for."""
        there = set(self._store.names(_kind(record.key, record.quorum)))
        return sum(_name(slot) in there for slot in record.slots)

    def next_to_give(self, key: bytes, quorum: Quorum | None) -> int | None:
        """Give the running number of the first slot that this requester has not given out.

        None after a restore, until one was given out: nobody here knows which were since the copy was made.
        """
        up_to, restorations = self._given(key, quorum)
        return None if restorations < self._restorations() else up_to

    def give(self, key: bytes, quorum: Quorum | None, first: int, count: int) -> None:
        """Remember that ``count`` slots from running number ``first`` on are given out, and with them all below.

        Raises RefusedError, and remembers nothing, if any of them was given out before.
        """
        before, _ = self._given(key, quorum)
        if first < before:
            raise RefusedError(
                f"slots below {before:,} were given out before",
                do="Begin after them; have the holders prepare more if there are none.",
            )
        if first + count > MOST_SLOTS:
            raise RefusedError(f"there are no slots from {MOST_SLOTS:,} on", do="Name another requester in a new key.")
        mark = f"{first + count} {self._restorations()}".encode()
        self._store.note(_GIVEN, _kind(key, quorum or ()), mark, replace=True)

    def remember(self, signed: Signed[CommitmentRecord]) -> None:
        """Remember commitments that were used in a request.

        Raises RefusedError if others by the same maker for any of these slots were used before: whoever commits twice
        has lost or copied a keystore, or lies.
        """
        record = signed.record
        place = f"{_kind(record.key, record.quorum)}/{record.maker}/"
        for name, data in self._store.notes(_CAME).items():
            if not name.startswith(place):
                continue
            start, count = (int(part) for part in name.removeprefix(place).split("+"))
            if data != signed.id and overlap(range(start, start + count), record.slots):
                maker = f"holder {record.maker}" if record.maker else "the dealer"
                raise RefusedError(
                    f"{maker} committed a second time to {told(range(start, start + count))}",
                    do=f"Use the table there was, and ask why; new ones begin at slot {number_of(start + count)}."
                    if record.maker == 0
                    else f"Have it prepare from slot {number_of(start + count)} on "
                    "(keyquorum share prepare --from-slot), and ask why.",
                )
        name = f"{place}{record.first}+{record.count}"
        self._store.note(_CAME, name, signed.id, replace=True)

    def drop(self, key: bytes) -> int:
        """Delete every row of a key (an id) that has not been used; gives how many there were."""
        with self._store.batch():
            return self._delete(key)

    def restored(self) -> int:
        """Delete every row that has not been used, of all keys, after a restore; gives how many there were.

        What an older copy of this keystore holds may have been used since it was copied, and what it does not hold may
        have been made since: so from now on it does not say which slots come next, until it is told.
        """
        with self._store.batch():
            times = str(self._restorations() + 1).encode()
            self._store.note(_RESTORED, _TIMES, times, replace=True)
            return self._delete(None)

    def was_restored(self) -> bool:
        """Whether this keystore was ever put back from a copy."""
        return self._restorations() > 0

    def _restorations(self) -> int:
        return int(self._store.notes(_RESTORED).get(_TIMES, b"0"))

    def _given(self, key: bytes, quorum: Quorum | None) -> tuple[int, int]:
        """Give up to where slots are given out, and how often the keystore had been restored by then."""
        up_to, restorations = self._store.notes(_GIVEN).get(_kind(key, quorum or ()), b"0 0").split()
        return int(up_to), int(restorations)

    def _note_marks(self, material: Material) -> None:
        name = f"{material.signed.record.key.hex()}/{material.signed.id.hex()}"
        self._store.note(_MARKS, name, material.marks, replace=True)

    def _delete(self, key: bytes | None) -> int:
        kinds = {name.rpartition("/")[0] for name in self._store.notes(_MATERIAL)}
        count = 0
        for kind in sorted(kinds):
            if key is None or kind.startswith(f"slot/{key.hex()}/"):
                for name in self._store.names(kind):
                    self._store.delete(kind, name)
                    count += 1
        return count


def _kind(key: bytes, quorum: Quorum) -> str:
    return f"slot/{key.hex()}/{'-'.join(map(str, quorum)) or 'plan'}"


def _name(slot: int) -> str:
    return f"{slot:010d}"
