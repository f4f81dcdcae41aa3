"""One-time material at rest: each secret row answers once; and which slots a requester has given out.

A row is a secret of its own, named by its slot; when it answers, the answer and the digest of what was answered durably
take its place (``Keystore.answer_all``). The commitments that the rows belong to are notes, so that it is known from
where on to prepare more, even when every row is used. Refused: commitments over slots that this keystore has some for
already.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from keyquorum.errors import RefusedError
from keyquorum.keystore.store import Keystore
from keyquorum.records.envelope import Signed
from keyquorum.records.kinds import COMMITMENTS, CommitmentRecord
from keyquorum.threshold.one_time import MARK_LENGTH, MOST_SLOTS, Make, Quorum, Use, lane_of, number_of, overlap

_MATERIAL = "commitments"
_MARKS = "commitment-marks"
_GIVEN = "slots-given"
_CAME = "commitments-seen"
_RESTORED = "restored"


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
        return self._store.answer_all(self._kind, [(_name(use.slot), use.digest) for use in uses], make)


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
                    f"this keystore has made or accepted other commitments for slots {_numbers(other.record.slots)}",
                    do="A slot is committed to once. Begin after these.",
                )
        kind = _kind(record.key, record.quorum)
        for slot, secret in zip(record.slots, material.secrets, strict=True):
            self._store.put(kind, _name(slot), secret)
        self._store.note(_MATERIAL, f"{kind}/{_name(record.first)}", material.signed.envelope)
        self._store.note(_MARKS, f"{record.key.hex()}/{material.signed.id.hex()}", material.marks)

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

    def next_to_prepare(self, key: bytes, lane: int, quorum: Quorum | None) -> int:
        """Give the running number of the first slot after all that there are commitments for."""
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
            unused = set(self._store.names(_kind(key, record.quorum)))
            left = sum(_name(slot) in unused for slot in record.slots)
            before = found.get((lane_of(record.first), record.quorum), Supply(0, 0, 1))
            found[lane_of(record.first), record.quorum] = Supply(
                before.made + record.count, before.left + left, record.a_year
            )
        return found

    def next_to_give(self, key: bytes, quorum: Quorum | None) -> int:
        """Give the running number of the first slot that this requester has not given out."""
        return int(self._store.notes(_GIVEN).get(_kind(key, quorum or ()), b"0"))

    def give(self, key: bytes, quorum: Quorum | None, up_to: int) -> None:
        """Remember that the slots below running number ``up_to`` are given out; never goes back."""
        if not self.next_to_give(key, quorum) < up_to <= MOST_SLOTS:
            raise RefusedError(
                f"slot {up_to - 1} was given out before", do="Have the holders prepare more, or begin at a later slot."
            )
        with self._store.batch():
            self._store.note(_GIVEN, _kind(key, quorum or ()), str(up_to).encode(), replace=True)
            self._store.note(_RESTORED, _kind(key, quorum or ()), b"no", replace=True)

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
                raise RefusedError(
                    f"holder {record.maker} committed a second time to slots {_numbers(range(start, start + count))}",
                    do=f"Have it prepare from slot {number_of(start + count)} on "
                    "(keyquorum share prepare --from-slot), and ask why.",
                )
        name = f"{place}{record.first}+{record.count}"
        self._store.note(_CAME, name, signed.id, replace=True)

    def drop(self, key: bytes | None = None) -> int:
        """Delete every row that has not been used, of one key (an id) or all; gives how many there were."""
        kinds = {name.rpartition("/")[0] for name in self._store.notes(_MATERIAL)}
        count = 0
        with self._store.batch():
            for kind in sorted(kinds):
                if key is None or kind.startswith(f"slot/{key.hex()}/"):
                    for name in self._store.names(kind):
                        self._store.delete(kind, name)
                        count += 1
        return count

    def drop_all_after_restore(self) -> int:
        """Delete every row that has not been used, and forget which slots were given out; gives how many there were.

        What an older copy of this keystore holds may have been used since it was copied.
        """
        count = self.drop()
        with self._store.batch():
            for name in self._store.notes(_GIVEN):
                self._store.note(_RESTORED, name, b"yes", replace=True)
        return count

    def restored(self, key: bytes, quorum: Quorum | None) -> bool:
        """Whether the slots given out with this key are those of an older copy, so that nobody knows the next one."""
        return self._store.notes(_RESTORED).get(_kind(key, quorum or ())) == b"yes"


def _kind(key: bytes, quorum: Quorum) -> str:
    return f"slot/{key.hex()}/{'-'.join(map(str, quorum)) or 'plan'}"


def _name(slot: int) -> str:
    return f"{slot:010d}"


def _numbers(slots: range) -> str:
    return f"{number_of(slots.start):,} to {number_of(slots.stop - 1):,}"
