"""The public manifest of an escrow: which key is in it, who holds which share, and how each share is known.

Everything in it may be shown to anybody. Its id (the SHA-256 of the canonical document) is the escrow's id and stands
on every page, so that page and manifest cannot be taken from two different escrows.
"""

from dataclasses import dataclass

import dns.name

from keyquorum.errors import MalformedError
from keyquorum.records.envelope import Embedded, Kind, Signed
from keyquorum.records.fields import ID, TIME, ZONE, Binary, Choice, Integer, ListOf, Object, OrNull, Text
from keyquorum.records.keys import CARD, Card

FORMAT = 1
"""The version of the pages' format; pages of every version stay readable for ever."""
MOST_SHARES = 256
MOST_MEMBERS = 16
ALGORITHM_NAMES = (
    "RSASHA256",
    "RSASHA512",
    "ECDSAP256SHA256",
    "ECDSAP384SHA384",
    "ED25519",
    "ED448",
    "ML-DSA-44",
)
_PEOPLE_NAME = Text(64, empty=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowGroup:
    """A group of shares (a site, say): any ``threshold`` of its ``size`` (1 to 16) make the group's part."""

    name: str
    threshold: int
    size: int

    def __post_init__(self) -> None:
        if self.threshold > self.size or (self.threshold == 1 and self.size > 1):
            raise MalformedError(f"{self.threshold} of {self.size} is not a threshold", where="threshold")


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowShare:
    """One share: its ``number`` on paper (from 1), its place in SLIP-39 (from 0), its fingerprint, and who has it.

    ``fingerprint`` is the SHA-256 of the 33 lower-case words with single spaces. ``holder`` is empty where not said.
    """

    number: int
    group: int
    member: int
    fingerprint: bytes
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrow:
    """An escrow as its maker made it; signed by the maker.

    ``public_key`` is the SubjectPublicKeyInfo (DER); ``dnskey`` and ``ds`` are the records in presentation form (None
    for an algorithm without a DNSSEC number). ``envelope`` is the SHA-256 of key.cms, ``envelope_length`` its length in
    bytes, ``recipient`` the key identifier in it. ``identifier`` is SLIP-39's. ``created`` is in seconds since 1970.
    ``custody`` is ``real`` or ``rehearsal``; ``tool`` is the program and version that made it.
    """

    signer: bytes
    created: int
    tool: str
    format: int
    custody: str
    zone: dns.name.Name
    algorithm: str
    public_key: bytes
    dnskey: str | None
    ds: str | None
    envelope: bytes
    envelope_length: int
    recipient: bytes
    identifier: int
    group_threshold: int
    groups: tuple[EscrowGroup, ...]
    shares: tuple[EscrowShare, ...]
    maker: Signed[Card]

    def __post_init__(self) -> None:
        if self.maker.record.signer != self.signer:
            raise MalformedError("the manifest is not signed by the maker it names", where="maker")
        if (self.dnskey is None) != (self.ds is None):
            raise MalformedError("there is a DNSKEY without a DS, or a DS without a DNSKEY", where="ds")
        if self.group_threshold > len(self.groups):
            raise MalformedError(f"{self.group_threshold} of {len(self.groups)} groups", where="group_threshold")
        places = [
            (group, member) for group, members in enumerate(self.groups) for member in range(members.size)
        ]  # fmt: skip
        if [(share.group, share.member) for share in self.shares] != places:
            raise MalformedError("the shares are not those of the groups, in their order", where="shares")
        if [share.number for share in self.shares] != list(range(1, len(places) + 1)):
            raise MalformedError("the shares are not numbered from 1 on", where="shares")
        if len({share.fingerprint for share in self.shares}) != len(places):
            raise MalformedError("two shares have the same fingerprint", where="shares")

    @property
    def rehearsal(self) -> bool:
        """Whether this was made for practice; no command takes it for real."""
        return self.custody == "rehearsal"

    def share_with(self, fingerprint: bytes) -> EscrowShare | None:
        """Give the share with this fingerprint; None if there is none."""
        return next((share for share in self.shares if share.fingerprint == fingerprint), None)


ESCROW = Kind(
    "escrow",
    "escrow manifest",
    Escrow,
    {
        "created": TIME,
        "tool": Text(100),
        "format": Integer(1, FORMAT),
        "custody": Choice(("real", "rehearsal")),
        "zone": ZONE,
        "algorithm": Choice(ALGORITHM_NAMES),
        "public_key": Binary(32, 4096),
        "dnskey": OrNull(Text(4096, ascii_only=True)),
        "ds": OrNull(Text(1024, ascii_only=True)),
        "envelope": ID,
        "envelope_length": Integer(1, 1 << 16),
        "recipient": Binary(16, 20),
        "identifier": Integer(0, (1 << 15) - 1),
        "group_threshold": Integer(1, MOST_MEMBERS),
        "groups": ListOf(
            Object(
                EscrowGroup,
                {"name": _PEOPLE_NAME, "threshold": Integer(1, MOST_MEMBERS), "size": Integer(1, MOST_MEMBERS)},
            ),
            1,
            MOST_MEMBERS,
        ),
        "shares": ListOf(
            Object(
                EscrowShare,
                {
                    "number": Integer(1, MOST_SHARES),
                    "group": Integer(0, MOST_MEMBERS - 1),
                    "member": Integer(0, MOST_MEMBERS - 1),
                    "fingerprint": ID,
                    "holder": _PEOPLE_NAME,
                },
            ),
            1,
            MOST_SHARES,
        ),
        "maker": Embedded(CARD),
    },
    limit=1 << 18,
)
