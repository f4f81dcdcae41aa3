"""From a plan to a key in custody: deal, look at what was dealt, accept.

The dealer's work is never taken on trust: ``check_key`` is what anybody can check, ``open_share`` what each holder
checks of its own share before it says so in an acceptance. No request is answered before every holder has.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO

import dns.name

from keyquorum.dnssec.model import FLAG_SEP, FLAG_ZONE, Dnskey, PublishedKey
from keyquorum.errors import (
    DealingError,
    MalformedError,
    NotYetError,
    ParameterError,
    RefusedError,
    ShareError,
    UsageError,
)
from keyquorum.identity.keys import Identity, seal
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import HERE, Work
from keyquorum.quorum.commitments import OpenCommitments, Order, check_commitments, make, read_rows
from keyquorum.quorum.spools import NewFile
from keyquorum.records.canonical import dumps, loads
from keyquorum.records.envelope import Signed
from keyquorum.records.files import expect_end, header, read_header
from keyquorum.records.keys import (
    ACCEPTANCE,
    CARD,
    KEY_RECORD,
    LABEL,
    SEALED_SHARE,
    ZONES,
    Acceptance,
    Card,
    KeyRecord,
    SealedShare,
    check_people,
)
from keyquorum.records.parts import SHARE
from keyquorum.threshold.one_time import Maker, overlap, slots_of
from keyquorum.threshold.quorum_plan import MOST_HOLDERS
from keyquorum.threshold.register import one_time_scheme_of, scheme_for, scheme_of
from keyquorum.threshold.seam import MemorySpool, Plan, PrivateKey, PublicPart
from keyquorum.threshold.undivided import UndividedPublic

SHARE_TAG = b"keyquorum/share/seal/v1"
ROWS_TAG = b"keyquorum/rows/seal/v1"
_SHARE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Custody:
    """Whom a key is for: the zones it may sign, its holders in the order of their indices, and who may ask."""

    zones: tuple[dns.name.Name, ...]
    holders: tuple[Signed[Card], ...]
    requesters: tuple[Signed[Card], ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ration:
    """How much one-time material a dealer makes for each requester: from which running number on, and how many slots.

    ``a_year`` is how many of them are expected to be used in a year.
    """

    first: int
    count: int
    a_year: int


@dataclass(frozen=True, slots=True)
class Dealing:
    """What a dealer hands out: the public key record, for each holder a share sealed to it, and public tables.

    ``tables`` are the dealer's commitments, one for each requester, where the dealer makes one-time material. The file
    of a share holds them too, after its header.
    """

    key: Signed[KeyRecord]
    shares: tuple[Signed[SealedShare], ...]
    tables: tuple[OpenCommitments, ...] = ()

    def share_file(self, index: int) -> Iterator[bytes]:
        """Give the bytes of the file for holder ``index``."""
        yield header(self.shares[index - 1])
        for table in self.tables:
            yield from table.rows


def make_card(identity: Identity, name: str) -> Signed[Card]:
    """Give the card that says who ``identity`` is."""
    card = Card(signer=identity.verification_key, name=name, sealing_key=identity.sealing_public_key)
    return CARD.sign(card, identity)


def deal(
    dealer: Identity,
    card: Signed[Card],
    custody: Custody,
    plan: Plan,
    created: int,
    rng: Rng,
    work: Work,
    *,
    key: PrivateKey | None = None,
    ration: Ration | None = None,
    new_file: NewFile = BytesIO,
) -> Dealing:
    """Make a new key (or share ``key``) as ``plan`` says, and hand it to ``custody``; signed by ``dealer``.

    ``ration`` is how much one-time material there is to be, where the dealer makes it. What was made is checked as its
    receivers will, before it is returned. Raises ParameterError for what the scheme refuses.
    """
    if plan.holders != len(custody.holders):
        raise ParameterError(f"{plan.holders} shares for {len(custody.holders)} holders")
    if plan.holders > MOST_HOLDERS:
        raise ParameterError(f"{plan.holders} holders are more than the {MOST_HOLDERS} a key record can name")
    check_custody(custody, card)
    scheme = scheme_for(plan.algorithm)
    if (ration is not None) != (scheme.one_time is Maker.DEALER):
        raise UsageError(
            f"with DNSSEC algorithm {plan.algorithm} the dealer makes "
            + ("one-time material: say how much" if ration is None else "no one-time material"),
            do="Give --slots N." if ration is None else "Leave out --slots.",
        )
    public, shares, undivided = scheme.deal(key, plan, rng, work)
    scheme.check_dealing(public)
    record = KeyRecord(
        signer=dealer.verification_key,
        created=created,
        label=custody.label or f"quorum-{dnskey_of(public).tag}",
        zones=custody.zones,
        public=public,
        dealer=card,
        holders=custody.holders,
        requesters=custody.requesters,
    )
    signed = KEY_RECORD.sign(record, dealer)
    for index, share in enumerate(shares, 1):
        scheme.check_share(public, index, share)
    tables, secrets = _tables(signed, dealer, undivided, ration, new_file, rng, work)
    return Dealing(signed, _sealed(signed, dealer, shares, tables, secrets), tables)


def presign(
    dealer: Identity,
    key: Signed[KeyRecord],
    undivided: PrivateKey,
    ration: Ration,
    new_file: NewFile,
    rng: Rng,
    work: Work,
) -> Dealing:
    """Make more one-time material for a key whose dealer makes it; signed by ``dealer``, who has the key again.

    Raises RefusedError for another dealer than the key's, ParameterError for another private key.
    """
    record = key.record
    scheme = one_time_scheme_of(record.public)
    if scheme.one_time is not Maker.DEALER:
        raise RefusedError(
            f"the holders of {record.label} make their one-time material themselves",
            do="Each runs 'keyquorum share prepare'.",
        )
    if record.signer != dealer.verification_key:
        raise RefusedError(
            f"{record.label} was dealt by {record.dealer.record.name}, and only its dealer can presign for it",
            do="Use that identity; or deal the key anew: key deal --from.",
        )
    shares = scheme.shares_again(record.public)
    tables, secrets = _tables(key, dealer, undivided, ration, new_file, rng, work)
    return Dealing(key, _sealed(key, dealer, shares, tables, secrets), tables)


def _tables(
    key: Signed[KeyRecord],
    dealer: Identity,
    undivided: PrivateKey,
    ration: Ration | None,
    new_file: NewFile,
    rng: Rng,
    work: Work,
) -> tuple[tuple[OpenCommitments, ...], list[list[bytes]]]:
    """Make the dealer's tables, one for each requester, and every holder's secret rows; all checked."""
    public = key.record.public
    secrets: list[list[bytes]] = [[] for _ in key.record.holders]
    if ration is None:
        return (), secrets
    _check_amount(key, ration)

    def hand_out(rows: tuple[bytes, ...]) -> None:
        for one, row in zip(secrets, rows, strict=True):
            one.append(row)

    tables = []
    for lane in range(len(key.record.requesters)):
        order = Order(slots_of(lane, ration.first, ration.count), None, ration.a_year)
        table = make(key, 0, undivided, dealer, order, new_file, rng, work, secrets_of=hand_out)
        tables.append(table)
    check_tables(key, tables, work)
    scheme = one_time_scheme_of(public)
    for index, rows in enumerate(secrets, 1):
        for place, table in enumerate(tables):
            start = ration.count * place
            mine = rows[start : start + ration.count]
            scheme.check_secret_rows(public, index, table.signed.record.slots, table.rows, MemorySpool(mine), work)
    return tuple(tables), secrets


def _check_amount(key: Signed[KeyRecord], ration: Ration) -> None:
    """Refuse, before it is made, what no file of a share can say; raises ParameterError."""
    record = key.record
    scheme = one_time_scheme_of(record.public)
    longest = max(scheme.secret_length(record.public, index) for index in range(1, len(record.holders) + 1))
    # In the header of the file a secret row is in base64 twice, and the digest of a public one three times.
    most = (SEALED_SHARE.limit - 2 * len(key.envelope)) // (2 * longest + 80) // len(record.requesters)
    if ration.count > most:
        raise ParameterError(
            f"{ration.count:,} slots for each requester are more than the file of a share holds",
            do=f"Deal at most {most:,} at a time, and more later: keyquorum key presign.",
        )


def _sealed(
    key: Signed[KeyRecord],
    dealer: Identity,
    shares: Sequence[object],
    tables: Sequence[OpenCommitments],
    secrets: Sequence[Sequence[bytes]],
) -> tuple[Signed[SealedShare], ...]:
    """Seal to each holder what is theirs."""
    sealed = []
    for index, (holder, share, rows) in enumerate(zip(key.record.holders, shares, secrets, strict=True), 1):
        to = holder.record.sealing_key
        part = SealedShare(
            signer=dealer.verification_key,
            key=key,
            index=index,
            sealed=seal(to, dumps(SHARE.dump(share)), _info(SHARE_TAG, key.id, index)),
            tables=tuple(table.signed for table in tables),
            sealed_rows=seal(to, b"".join(rows), _info(ROWS_TAG, key.id, index)) if tables else b"",
        )
        sealed.append(SEALED_SHARE.sign(part, dealer))
    return tuple(sealed)


@lru_cache(maxsize=64)
def check_key(key: Signed[KeyRecord]) -> None:
    """Check all of a key record that anybody can check; raises DealingError or ParameterError (the dealer's fault)."""
    if key.record.kept != isinstance(key.record.public, UndividedPublic):
        raise DealingError(
            "the key record says of a key that is kept whole that it was shared out, or the other way round",
            where="key record",
            do="Do not accept it; ask whoever made it.",
        )
    scheme_of(key.record.public).check_dealing(key.record.public)


@dataclass(frozen=True, slots=True)
class Opened:
    """A holder's share as it was opened and checked, and the secret rows that came with it, by table."""

    sealed: Signed[SealedShare]
    share: object = field(repr=False)
    tables: tuple[OpenCommitments, ...]
    secrets: tuple[Sequence[bytes], ...] = field(repr=False)


def read_share(file: BinaryIO) -> tuple[Signed[SealedShare], tuple[OpenCommitments, ...]]:
    """Read the file of a share: header and tables; raises MalformedError or SignatureError."""
    file.seek(0)
    sealed: Signed[SealedShare] = read_header(file, SEALED_SHARE)
    tables = tuple(read_rows(file, table) for table in sealed.record.tables)
    expect_end(file, "the share")
    return sealed, tables


def open_share(
    sealed: Signed[SealedShare],
    identity: Identity,
    tables: Sequence[OpenCommitments] = (),
    work: Work = HERE,
    marks: Iterable[bytes] = (),
) -> Opened:
    """Open and check one holder's share, and the dealer's tables with it.

    ``marks`` gives what must not occur again in the tables, of those that were accepted before. Raises RefusedError if
    it is not for this holder, DealingError or ShareError if the dealer's work does not check.
    """
    part = sealed.record
    record = part.key.record
    index = record.index_of(identity.verification_key)
    if index != part.index:
        named = record.holders[part.index - 1].record.name
        raise RefusedError(
            f"this share is for holder {part.index}, {named}, not for you", do="Hand it on to them, unopened."
        )
    check_key(part.key)
    public = record.public
    share = parse_share(identity.unseal(part.sealed, _info(SHARE_TAG, part.key.id, index)))
    scheme_of(public).check_share(public, index, share)
    if [table.signed.id for table in tables] != [table.id for table in part.tables]:
        raise UsageError("the tables are not those that the share names")
    if not tables:
        return Opened(sealed, share, (), ())
    check_tables(part.key, tables, work, marks)
    plain = identity.unseal(part.sealed_rows, _info(ROWS_TAG, part.key.id, index))
    scheme = one_time_scheme_of(public)
    length = scheme.secret_length(public, index)
    slots = sum(len(table.rows) for table in tables)
    if len(plain) != length * slots:
        raise ShareError("the secret rows are not one for each slot", where=f"share of holder {index}")
    rows = [plain[start : start + length] for start in range(0, len(plain), length)]
    secrets = []
    for table in tables:
        mine, rows = rows[: len(table.rows)], rows[len(table.rows) :]
        scheme.check_secret_rows(public, index, table.signed.record.slots, table.rows, MemorySpool(mine), work)
        secrets.append(mine)
    return Opened(sealed, share, tuple(tables), tuple(secrets))


def marks_of(key: Signed[KeyRecord], table: OpenCommitments) -> bytes:
    """Give what must never occur in another table of this key, 16 bytes each."""
    scheme = one_time_scheme_of(key.record.public)
    return b"".join(mark for row in table.rows for mark in scheme.marks(key.record.public, row))


def check_tables(
    key: Signed[KeyRecord], tables: Sequence[OpenCommitments], work: Work, marks: Iterable[bytes] = ()
) -> None:
    """Check the dealer's tables as anybody can, and that nothing occurs twice in all of them and in ``marks``.

    Raises RefusedError or DealingError.
    """
    scheme = one_time_scheme_of(key.record.public)
    seen = set(marks)
    for place, table in enumerate(tables):
        record = table.signed.record
        if any(overlap(record.slots, other.signed.record.slots) for other in tables[:place]):
            raise DealingError("two tables are for the same slots", do="Ask the dealer which of them is meant.")
        check_commitments(key, table, work)
        for row in table.rows:
            for mark in scheme.marks(key.record.public, row):
                if mark in seen:
                    raise DealingError(
                        "a presignature occurs a second time, in this table or an earlier one",
                        where="table",
                        do="Do not accept it: two signatures with it give the key away. Ask the dealer to deal again.",
                    )
                seen.add(mark)


def parse_share(plain: bytes) -> object:
    """Read a share as it is kept in a keystore."""
    return SHARE.parse(loads(plain, _SHARE_LIMIT), "share")


def write_share(share: object) -> bytes:
    """Write a share as it is kept in a keystore."""
    return dumps(SHARE.dump(share))


def accept(sealed: Signed[SealedShare], identity: Identity, accepted: int) -> Signed[Acceptance]:
    """Say that the share, and every table with it, was checked and is kept; call it only once that is true."""
    share = sealed.record
    return accept_key(share.key, identity, accepted, tuple(table.id for table in share.tables))


def accept_key(
    key: Signed[KeyRecord], identity: Identity, accepted: int, tables: tuple[bytes, ...] = ()
) -> Signed[Acceptance]:
    """Say that a share of ``key``, however it came, was checked and is kept; RefusedError for who holds none."""
    index = key.record.index_of(identity.verification_key)
    if index is None:
        raise RefusedError(f"you hold no share of {key.record.label}")
    acceptance = Acceptance(signer=identity.verification_key, key=key.id, index=index, accepted=accepted, tables=tables)
    return ACCEPTANCE.sign(acceptance, identity)


def check_acceptances(
    key: Signed[KeyRecord], acceptances: Sequence[Signed[Acceptance]], tables: Collection[bytes] = ()
) -> tuple[Signed[Acceptance], ...]:
    """Check that every holder of ``key`` has accepted its share, and the ``tables`` (ids) that are to be used.

    Gives one acceptance of each that says so, in their order. Raises NotYetError naming those who have not.

    An acceptance of another key or by a stranger raises RefusedError.
    """
    record = key.record
    accepted: dict[int, Signed[Acceptance]] = {}
    for signed in acceptances:
        acceptance = signed.record
        if acceptance.key != key.id:
            raise RefusedError(
                "an acceptance is of another key", do="Leave it out; each key has acceptances of its own."
            )
        if record.index_of(acceptance.signer) != acceptance.index:
            raise RefusedError(f"an acceptance for share {acceptance.index} is not signed by the holder of that share")
        if set(tables) <= set(acceptance.tables):
            accepted.setdefault(acceptance.index, signed)
    missing = [card.record.name for index, card in enumerate(record.holders, 1) if index not in accepted]
    if missing:
        raise NotYetError(
            f"not every holder has accepted {'these presignatures' if tables else 'a share'} of {record.label}: "
            f"missing {', '.join(missing)}",
            do="Each runs 'keyquorum share accept' and sends NAME.accepted.json.",
        )
    return tuple(accepted[index] for index in sorted(accepted))


def dnskey_of(public: PublicPart) -> Dnskey:
    """Give the DNSKEY of a dealt key: a zone key with the SEP flag (257)."""
    return Dnskey(FLAG_ZONE | FLAG_SEP, public.algorithm, scheme_of(public).dnskey(public))


def fingerprint_of(public: PublicPart) -> bytes:
    """Give the SHA-256 of a key's DNSKEY data: the same in every record of the key, however often it is shared anew."""
    return hashlib.sha256(dnskey_of(public).wire()).digest()


def published(key: KeyRecord, ttl: int) -> PublishedKey:
    """Give the key as it stands in a bundle, under its label."""
    return PublishedKey(dnskey_of(key.public), ttl, key.label)


def check_custody(custody: Custody, dealer: Signed[Card]) -> None:
    """Refuse what a key record cannot say or nobody can be sealed to, before a search that may take hours.

    Raises MalformedError.
    """
    check_people(dealer, custody.holders, custody.requesters)
    ZONES.parse(ZONES.dump(custody.zones), "zones")
    LABEL.parse(custody.label or "-", "label")
    for holder in custody.holders:
        try:
            seal(holder.record.sealing_key, b"", b"")
        except MalformedError as error:
            raise MalformedError(error.what, where=f"the card of {holder.record.name}", do="Ask for another.") from None


def _info(tag: bytes, key_id: bytes, index: int) -> bytes:
    return tag + key_id + index.to_bytes(2, "big")
