"""The records of a key that its holders make together, share anew, or mend a share of: each round a signed document.

One protocol serves all three. *Dealers* each commit to a polynomial and send a value of it to each *receiver*. Where a
new key is generated, the holders are both. Where a key is shared anew, dealers are M holders of the old record, each
with a weighted share as constant term, and receivers the holders of the new one. Where a share is repaired, M others
are both, and then send what they got to whoever lost it.
"""

from dataclasses import dataclass
from itertools import chain

import dns.name

from keyquorum.errors import MalformedError
from keyquorum.records.envelope import Embedded, Kind, Signed
from keyquorum.records.fields import ID, TIME, Binary, Integer, ListOf, OrNull
from keyquorum.records.keys import CARD, KEY_RECORD, LABEL, ZONES, Card, KeyRecord, check_people
from keyquorum.records.parts import QUORUMS
from keyquorum.threshold.one_time import Quorum
from keyquorum.threshold.quorum_plan import MOST_HOLDERS

_INDEX = Integer(1, MOST_HOLDERS)
_INDEX_OR_NONE = Integer(0, MOST_HOLDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be made, for whom and by whom; signed by the organiser, who learns no secret by it.

    ``holders`` are the receivers, in the order of their indices. ``old`` is the key record that shares come from
    (None: a new key is made by its holders), ``dealers`` the indices in it of those who deal, and ``repairs`` the
    index in it of whoever lost a share (0: nobody; the key is shared anew).
    """

    signer: bytes
    created: int
    label: str
    zones: tuple[dns.name.Name, ...]
    algorithm: int
    threshold: int
    answers: int
    quorums: tuple[Quorum, ...]
    organiser: Signed[Card]
    holders: tuple[Signed[Card], ...]
    requesters: tuple[Signed[Card], ...]
    old: Signed[KeyRecord] | None
    dealers: tuple[int, ...]
    repairs: int

    def __post_init__(self) -> None:
        if self.organiser.record.signer != self.signer:
            raise MalformedError("the proposal is not signed by the organiser it names", where="organiser")
        check_people(self.organiser, self.holders, self.requesters)
        if (self.old is None) != (not self.dealers) or (self.repairs and self.old is None):
            raise MalformedError("dealers are those of an old key, and only of one", where="dealers")
        if self.old is not None:
            known = self.old.record.public.holders
            if self.dealers != tuple(sorted(set(self.dealers))) or self.dealers[-1] > known:
                raise MalformedError("the dealers are not different holders in ascending order", where="dealers")
            if self.repairs > known or self.repairs in self.dealers:
                raise MalformedError("whoever lost a share is not another holder of the key", where="repairs")

    def dealer_of(self, verification_key: bytes) -> int:
        """Give the index of the dealer who signs with ``verification_key``; 0 if there is none."""
        if self.old is None:
            return self.receiver_of(verification_key)
        index = self.old.record.index_of(verification_key)
        return index if index in self.dealers else 0

    def receiver_of(self, verification_key: bytes) -> int:
        """Give the index (from 1) of the receiver who signs with ``verification_key``; 0 if there is none."""
        keys = [card.record.signer for card in self.holders]
        return keys.index(verification_key) + 1 if verification_key in keys else 0

    def all_dealers(self) -> tuple[int, ...]:
        """Give the indices of all dealers."""
        return self.dealers or tuple(range(1, len(self.holders) + 1))

    def people(self) -> list[Signed[Card]]:
        """Give everybody who has a part in it: dealers, then receivers who are not dealers too."""
        old = [self.old.record.holders[index - 1] for index in self.dealers] if self.old is not None else []
        return list({card.record.signer: card for card in chain(old, self.holders)}.values())


KEY_PROPOSAL = Kind(
    "key-proposal",
    "proposal",
    Proposal,
    {
        "created": TIME,
        "label": LABEL,
        "zones": ZONES,
        "algorithm": Integer(15, 16),
        "threshold": _INDEX,
        "answers": _INDEX,
        "quorums": QUORUMS,
        "organiser": Embedded(CARD),
        "holders": ListOf(Embedded(CARD), 1, MOST_HOLDERS),
        "requesters": ListOf(Embedded(CARD), 1, MOST_HOLDERS),
        "old": OrNull(Embedded(KEY_RECORD)),
        "dealers": ListOf(_INDEX, 0, MOST_HOLDERS),
        "repairs": _INDEX_OR_NONE,
    },
    limit=1 << 25,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOneRecord:
    """Round one of one person: commitments and proof of a dealer (empty otherwise), and a receiver's key for this run.

    ``receiving_key`` is an X25519 key made for this run alone: if a dealer sends a wrong value, the private half proves
    it to everybody, and gives nothing else away, since the run ends there.
    """

    signer: bytes
    proposal: bytes
    commitments: tuple[bytes, ...]
    proof: bytes
    receiving_key: bytes


ROUND_ONE = Kind(
    "round-one",
    "round one",
    RoundOneRecord,
    {
        "proposal": ID,
        "commitments": ListOf(Binary(32, 57), 0, MOST_HOLDERS),
        "proof": Binary(0, 114),
        "receiving_key": Binary(0, 32),
    },
    limit=1 << 15,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTwoRecord:
    """Round two of one dealer: a value for each receiver, sealed, in their order.

    ``transcript`` is over the proposal and all of round one: dealers who saw something else sign something else.
    """

    signer: bytes
    proposal: bytes
    transcript: bytes
    sealed: tuple[bytes, ...]


ROUND_TWO = Kind(
    "round-two",
    "round two",
    RoundTwoRecord,
    {"proposal": ID, "transcript": ID, "sealed": ListOf(Binary(49, 256), 1, MOST_HOLDERS)},
    limit=1 << 16,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MendingRecord:
    """What one helper sends to whoever lost a share, sealed: its share of that share."""

    signer: bytes
    proposal: bytes
    transcript: bytes
    sealed: bytes


MENDING = Kind(
    "mending",
    "part of a repaired share",
    MendingRecord,
    {"proposal": ID, "transcript": ID, "sealed": Binary(49, 256)},
    limit=4096,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A receiver's word that ``dealer`` sent it a wrong value, with the private key that lets everybody see it."""

    signer: bytes
    proposal: bytes
    transcript: bytes
    dealer: int
    receiving_secret: bytes


COMPLAINT = Kind(
    "complaint",
    "complaint",
    Complaint,
    {"proposal": ID, "transcript": ID, "dealer": _INDEX, "receiving_secret": Binary(32, 32)},
    limit=4096,
)
