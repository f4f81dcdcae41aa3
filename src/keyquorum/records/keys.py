"""Records of keys and people: who somebody is, a key in custody, its shares and one-time material, acceptances.

Commitments and a sealed share are the header of a file that may have a body after it (``records.files``); all others
are a file each.
A record that exists is well-formed and its signature verified; whether its signer is one to listen to, and whether a
dealing checks, is for ``quorum``.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import dns.name

from keyquorum.errors import MalformedError
from keyquorum.records.envelope import Embedded, Kind, Signed
from keyquorum.records.fields import (
    ID,
    KEY,
    TIME,
    ZONE,
    Binary,
    Choice,
    Integer,
    ListOf,
    Object,
    OrNull,
    Text,
)
from keyquorum.records.parts import PUBLIC
from keyquorum.threshold.one_time import MOST_LANES, MOST_SLOTS, lane_of
from keyquorum.threshold.quorum_plan import MOST_HOLDERS
from keyquorum.threshold.seam import PublicPart

MOST_ZONES = 100_000
MOST_ROWS = 65_536
"""Slots in one file of commitments."""
MOST_ROW_LENGTH = 1 << 20
MOST_TABLES = MOST_LANES
NAME = Text(64)
LABEL = Text(64, ascii_only=True)
"""What a key is called; it stands in KSRs and SKRs, which take printable ASCII only."""
ZONES = ListOf(ZONE, 1, MOST_ZONES, distinct=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Who somebody is: a name, the key they sign with (``signer``), and the key others seal to."""

    signer: bytes
    name: str
    sealing_key: bytes

    def __post_init__(self) -> None:
        # Files are called after people (NAME.share), and a card comes from a stranger.
        if self.name.startswith(".") or "/" in self.name or "\\" in self.name:
            raise MalformedError("a name has a slash, a backslash, or a dot at its beginning", where="name")


CARD = Kind("holder-card", "holder card", Card, {"name": NAME, "sealing_key": KEY}, limit=4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a key came into custody: ``dealt`` by one person, ``generated`` by its holders, or ``reshared`` by others.

    Or, of a key that one person has whole, in a token, that it is ``kept`` there. ``transcript`` is what all who took
    part signed, and ``old`` the id of the key record that was shared anew.
    """

    how: str = "dealt"
    transcript: bytes | None = None
    old: bytes | None = None

    def __post_init__(self) -> None:
        alone = self.how in {"dealt", "kept"}
        if (self.transcript is None) != alone or (self.old is None) != (self.how != "reshared"):
            raise MalformedError("the origin names what it has not, or not what it has", where="how")


ORIGIN = Object(
    Origin,
    {"how": Choice(("dealt", "generated", "reshared", "kept")), "transcript": OrNull(ID), "old": OrNull(ID)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key in the custody of a quorum, as its dealer made it; signed by the dealer.

    ``holders[i-1]`` has share i. Requests over ``zones`` are accepted from ``requesters`` only. ``label`` is what the
    key is called in a response (keyIdentifier). ``created`` is in seconds since 1970. Where nobody dealt, the "dealer"
    is who organised it, and ``origin`` says so. A key that is kept whole has one holder, who made the record.
    """

    signer: bytes
    created: int
    label: str
    zones: tuple[dns.name.Name, ...]
    public: PublicPart
    dealer: Signed[Card]
    holders: tuple[Signed[Card], ...]
    requesters: tuple[Signed[Card], ...]
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        if self.dealer.record.signer != self.signer:
            raise MalformedError("the record is not signed by the dealer it names", where="dealer")
        if len(self.holders) != self.public.holders:
            raise MalformedError("the number of holders is not that of the shares", where="holders")
        if self.kept and [card.record.signer for card in self.holders] != [self.signer]:
            raise MalformedError("the holder of a key that is kept whole is not who made the record", where="holders")
        check_people(self.dealer, self.holders, self.requesters)

    @property
    def kept(self) -> bool:
        """Whether one person, its keeper, has the key whole, in a token."""
        return self.origin.how == "kept"

    def index_of(self, verification_key: bytes) -> int | None:
        """Give the index (from 1) of the holder who signs with ``verification_key``; None if there is none."""
        for index, card in enumerate(self.holders, 1):
            if card.record.signer == verification_key:
                return index
        return None


KEY_RECORD = Kind(
    "key-record",
    "key record",
    KeyRecord,
    {
        "created": TIME,
        "label": LABEL,
        "zones": ZONES,
        "public": PUBLIC,
        "dealer": Embedded(CARD),
        "holders": ListOf(Embedded(CARD), 1, MOST_HOLDERS),
        "requesters": ListOf(Embedded(CARD), 1, MOST_HOLDERS),
        "origin": ORIGIN,
    },
    limit=1 << 24,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRecord:
    """The header of a file of commitments: the public rows of one-time material, slot after slot, each by its SHA-256.

    ``maker`` is the holder who made them, or 0 for the dealer; ``quorum`` is the only quorum they are for (empty: all
    of the key's plan). The rows belong to slots ``first``, ``first`` + 1 and so on, all of one requester. ``a_year`` is
    how many slots the maker expects to be used in a year.
    """

    signer: bytes
    key: bytes
    maker: int
    quorum: tuple[int, ...]
    first: int
    row_length: int
    digests: bytes
    a_year: int

    def __post_init__(self) -> None:
        if len(self.digests) % 32:
            raise MalformedError("the digests are not 32 bytes each", where="digests")
        last = self.first + self.count - 1
        if lane_of(self.first) != lane_of(last) or lane_of(last) >= MOST_LANES:
            raise MalformedError("the slots are not those of one requester", where="first")
        if list(self.quorum) != sorted(set(self.quorum)):
            raise MalformedError("the holders of a quorum stand there in ascending order, each once", where="quorum")

    @property
    def count(self) -> int:
        """How many slots there are."""
        return len(self.digests) // 32

    @property
    def slots(self) -> range:
        """The slots."""
        return range(self.first, self.first + self.count)

    def digest_of(self, slot: int) -> bytes:
        """Give the SHA-256 of the row of one of the slots."""
        start = 32 * (slot - self.first)
        return self.digests[start : start + 32]


COMMITMENTS = Kind(
    "commitments",
    "commitments",
    CommitmentRecord,
    {
        "key": ID,
        "maker": Integer(0, MOST_HOLDERS),
        "quorum": ListOf(Integer(1, MOST_HOLDERS), 0, MOST_HOLDERS),
        "first": Integer(0, MOST_LANES * MOST_SLOTS - 1),
        "row_length": Integer(1, MOST_ROW_LENGTH),
        "digests": Binary(32, 32 * MOST_ROWS),
        "a_year": Integer(1, MOST_ROWS),
    },
    limit=1 << 23,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedShare:
    """The header of what one holder gets, signed by the dealer: a share, sealed to that holder, of a key.

    ``tables`` are the dealer's commitments, where the dealer makes the one-time material: their rows follow, table
    after table, and the holder's secret rows are sealed in ``sealed_rows`` (empty where there are none).
    """

    signer: bytes
    key: Signed[KeyRecord]
    index: int
    sealed: bytes
    tables: tuple[Signed[CommitmentRecord], ...] = ()
    sealed_rows: bytes = b""

    def __post_init__(self) -> None:
        if self.key.record.signer != self.signer:
            raise MalformedError("the share is not signed by the dealer of its key", where="signer")
        if self.index > len(self.key.record.holders):
            raise MalformedError("there is no holder with this index", where="index")
        if bool(self.tables) != bool(self.sealed_rows):
            raise MalformedError("secret rows stand there without their tables, or tables without", where="tables")
        for place, table in enumerate(self.tables):
            record = table.record
            if (record.signer, record.key, record.maker) != (self.signer, self.key.id, 0) or record.quorum:
                raise MalformedError("the table is not one of the dealer for this key", where=f"tables[{place}]")


SEALED_SHARE = Kind(
    "sealed-share",
    "sealed share",
    SealedShare,
    {
        "key": Embedded(KEY_RECORD),
        "index": Integer(1, MOST_HOLDERS),
        "sealed": Binary(49, 1 << 20),
        "tables": ListOf(Embedded(COMMITMENTS), 0, MOST_TABLES),
        "sealed_rows": Binary(0, 1 << 25),
    },
    limit=1 << 26,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A holder's word that its share was checked against the key record ``key`` (an id) and is kept.

    ``tables`` are the ids of the dealer's commitments that were checked and are kept with it.
    """

    signer: bytes
    key: bytes
    index: int
    accepted: int
    tables: tuple[bytes, ...] = ()


ACCEPTANCE = Kind(
    "acceptance",
    "acceptance",
    Acceptance,
    {
        "key": ID,
        "index": Integer(1, MOST_HOLDERS),
        "accepted": TIME,
        "tables": ListOf(ID, 0, MOST_TABLES, distinct=True),
    },
    limit=1 << 14,
)


def check_people(dealer: Signed[Card], holders: Sequence[Signed[Card]], requesters: Sequence[Signed[Card]]) -> None:
    """Refuse people whom others could take for each other; raises MalformedError.

    Nobody stands in one role twice, and one name is one person in all roles; names that differ in capitals or in the
    encoding of the same letters are one name.
    """
    known: dict[str, bytes] = {}
    for role, cards in (("dealer", [dealer]), ("holders", holders), ("requesters", requesters)):
        if len({card.record.signer for card in cards}) != len(cards):
            raise MalformedError("the same person stands there twice", where=role)
        for card in cards:
            name = unicodedata.normalize("NFKC", card.record.name).casefold()
            if known.setdefault(name, card.record.signer) != card.record.signer:
                raise MalformedError("two different people have the same name", where=role)
