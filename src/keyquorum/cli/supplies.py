"""How much one-time material there is for a key, how long it will last, and the word of warning when it will not."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from keyquorum.cli import terminal
from keyquorum.dnssec.times import format_time
from keyquorum.keystore.person import Person
from keyquorum.quorum.commitments import check_maker
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import CommitmentRecord, KeyRecord
from keyquorum.threshold.one_time import Maker, lane_of
from keyquorum.threshold.register import scheme_of

_YEAR = 31_556_952
_SHORT_YEARS = {Maker.DEALER: 2, Maker.HOLDER: 0.25}
"""Less than so many years left is said out loud: a ceremony takes longer to arrange than a command at home."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """One supply of slots: whose, for which requester, how many there are or are left, and the planned use a year."""

    whose: str
    requester: str
    slots: int
    of: int | None
    a_year: int
    maker: Maker

    def lasts_until(self, now: int) -> int:
        """Give the year in which the slots end at the planned rate."""
        return int(format_time(min(now + self.slots * _YEAR // self.a_year, (1 << 32) - 1))[:4])

    def short(self) -> bool:
        """Whether it is time to make more."""
        return self.slots / self.a_year < _SHORT_YEARS[self.maker]


def public_supplies(key: Signed[KeyRecord], commitments: Sequence[Signed[CommitmentRecord]]) -> list[Supplied]:
    """Give what is in commitments that are public; raises RefusedError for those that are not of this key."""
    record = key.record
    found = []
    for signed in commitments:
        check_maker(key, signed)
        one = signed.record
        whose = record.holders[one.maker - 1].record.name if one.maker else "dealt"
        requester = record.requesters[lane_of(one.first)].record.name
        found.append(Supplied(whose, requester, one.count, None, one.a_year, _maker(record)))
    return found


def own_supplies(key: Signed[KeyRecord], person: Person) -> list[Supplied]:
    """Give what is left in a keystore."""
    record = key.record
    found = []
    for (lane, quorum), supply in sorted(person.slots.supplies(key.id).items()):
        whose = "yours" + (f", for {names_of(record, quorum)}" if quorum else "")
        requester = record.requesters[lane].record.name
        found.append(Supplied(whose, requester, supply.left, supply.made, supply.a_year, _maker(record)))
    return found


def show_supplies(key: Signed[KeyRecord], supplies: Sequence[Supplied], now: int) -> None:
    """Show how many slots there are; say so where they end soon."""
    maker = _maker(key.record)
    if maker is Maker.NOBODY:
        return
    terminal.heading("Slots: one signature each")
    if not supplies:
        option = "--presignatures FILE" if maker is Maker.DEALER else "--presignatures NAME.commitments.json"
        terminal.say(f"Give {option}, or --keystore, to be told how many there are and how long they will last.")
        return
    terminal.listing(
        ["whose", "requester", "slots", "a year", "last until"],
        [
            (
                one.whose,
                one.requester,
                f"{one.slots:,}" + (f" left of {one.of:,}" if one.of is not None else ""),
                f"{one.a_year:,}",
                Text(str(one.lasts_until(now)), style="bold red" if one.short() else ""),
            )
            for one in supplies
        ],
    )
    if any(one.short() for one in supplies):
        warn(maker)


def warn(maker: Maker) -> None:
    """Say that more has to be made soon."""
    terminal.tell(
        "The slots come to an end soon. "
        + (
            "Have more presignatures dealt from the escrowed key, at a ceremony: keyquorum key presign."
            if maker is Maker.DEALER
            else "Have the holders make more: keyquorum share prepare."
        ),
        style="bold",
    )


def supply_document(one: Supplied, now: int) -> dict[str, object]:
    """Give what is reported of a supply."""
    return {
        "whose": one.whose,
        "requester": one.requester,
        "slots": one.slots,
        "of": one.of,
        "a_year": one.a_year,
        "last_until": one.lasts_until(now),
        "short": one.short(),
    }


def names_of(record: KeyRecord, quorum: Sequence[int]) -> str:
    """Give the names of the holders of a quorum."""
    return ", ".join(record.holders[index - 1].record.name for index in quorum)


def _maker(record: KeyRecord) -> Maker:
    return scheme_of(record.public).one_time
