"""The dealer's presignatures: in the file of a share, checked by everybody, dealt again for later slots."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import (
    DealingError,
    KeyquorumError,
    MalformedError,
    NotYetError,
    ParameterError,
    RefusedError,
    ShareError,
    SignatureError,
    UsageError,
)
from keyquorum.identity.keys import seal
from keyquorum.maths.work import HERE
from keyquorum.quorum.commitments import OpenCommitments, check_commitments
from keyquorum.quorum.dealing import (
    ROWS_TAG,
    Custody,
    Dealing,
    Ration,
    accept,
    check_acceptances,
    check_tables,
    deal,
    marks_of,
    open_share,
    presign,
    read_share,
)
from keyquorum.records.keys import COMMITMENTS, SEALED_SHARE
from keyquorum.threshold.seam import Plan
from tests.quorum.village import (
    NOW,
    Matter,
    Quorum,
    accepted,
    answer,
    ask,
    combine,
    dealt,
    opened,
    villager,
    zone_records,
)
from tests.threshold.cases import seeded, undivided_key
from tests.threshold.stores import MemoryStore

NAMES = ("alice", "bob", "carol")
ZONES = tuple(map(dns.name.from_text, ("one.example.", "two.example.")))
SLOTS = 3
RITA = villager("rita")


@cache
def quorum(*requesters: str) -> Quorum:
    """A P-256 quorum of 2 of 3, with three slots for each of ``requesters`` (rita alone, if none are named)."""
    people = tuple(map(villager, NAMES))
    cards = tuple(villager(name).card for name in requesters or ("rita",))
    custody = Custody(ZONES, tuple(person.card for person in people), cards)
    rng, key = seeded("tables", requesters), undivided_key(13, seeded("tables"))
    ration = Ration(0, SLOTS, 2)
    dealing = deal(RITA.identity, RITA.card, custody, Plan(13, 0, 2, 3), NOW, rng, HERE, key=key, ration=ration)
    return accepted(dealing, people)


@cache
def more(first: int = SLOTS, count: int = 2) -> Dealing:
    """Presignatures dealt later."""
    return presigned(first, count)


def presigned(first: int = SLOTS, count: int = 2, **changes: Any) -> Dealing:
    given: dict[str, Any] = {
        "dealer": RITA.identity,
        "key": quorum().key,
        "undivided": undivided_key(13, seeded("tables")),
        "ration": Ration(first, count, 2),
        "new_file": BytesIO,
        "rng": seeded("more", first),
        "work": HERE,
    }
    return presign(**given | changes)


def matter() -> Matter:
    return zone_records("one.example.", "two.example.", algorithm=13)


def table_of(rows: Sequence[bytes], table: OpenCommitments, **changes: Any) -> OpenCommitments:
    """Give the dealer's table with other rows, properly signed."""
    digests = b"".join(hashlib.sha256(row).digest() for row in rows)
    record = replace(table.signed.record, digests=digests, **changes)
    return OpenCommitments(COMMITMENTS.sign(record, RITA.identity), list(rows))


def handed_out(
    dealing: Dealing, index: int, secrets: Sequence[bytes], tables: Sequence[OpenCommitments] | None = None
) -> Any:
    """Give what opens holder ``index``'s share with these secret rows and tables, as a dealer who checks nothing."""
    tables = dealing.tables if tables is None else tables
    key, holder = dealing.key, villager(NAMES[index - 1])
    info = ROWS_TAG + key.id + index.to_bytes(2, "big")
    record = replace(
        dealing.shares[index - 1].record,
        tables=tuple(table.signed for table in tables),
        sealed_rows=seal(holder.card.record.sealing_key, b"".join(secrets), info),
    )
    return open_share(SEALED_SHARE.sign(record, RITA.identity), holder.identity, tables)


def secrets_of(index: int) -> list[bytes]:
    return list(quorum().opened[index - 1].secrets[0])


# The file of a share


def test_a_share_brings_its_tables() -> None:
    dealing = quorum("rita", "sam").dealing
    for index, name in enumerate(NAMES, 1):
        file = BytesIO(b"".join(dealing.share_file(index)))
        sealed, tables = read_share(file)
        assert sealed == dealing.shares[index - 1]
        assert [list(table.rows) for table in tables] == [list(table.rows) for table in dealing.tables]
        found = open_share(sealed, villager(name).identity, tables)
        assert [len(rows) for rows in found.secrets] == [SLOTS, SLOTS]
        assert {len(row) for rows in found.secrets for row in rows} == {2 * 2 * 32}
        assert "secrets" not in repr(found)
        assert accept(sealed, villager(name).identity, NOW).record.tables == tuple(table.signed.id for table in tables)
    assert [table.signed.record.first for table in dealing.tables] == [0, 1 << 24]


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_share_changed_cut_or_longer_anywhere(data: st.DataObject) -> None:
    file = b"".join(quorum().dealing.share_file(2))
    place = data.draw(st.integers(0, len(file) - 1) | st.integers(len(file) - 3000, len(file) - 1))
    changed = {
        "bit": file[:place] + bytes([file[place] ^ 1 << data.draw(st.integers(0, 7))]) + file[place + 1 :],
        "cut": file[:place],
        "more": file[:place] + b"\0" + file[place:],
    }[data.draw(st.sampled_from(["bit", "cut", "more"]))]
    with pytest.raises((MalformedError, SignatureError)):
        read_share(BytesIO(changed))


def test_tables_that_are_not_those_of_the_share() -> None:
    dealing = quorum().dealing
    for tables in ((), more().tables, (*dealing.tables, *more().tables)):
        with pytest.raises(UsageError, match="not those that the share names"):
            open_share(dealing.shares[0], villager("alice").identity, tables)


# The holder's secret rows


def test_an_honest_share_opens() -> None:
    assert handed_out(quorum().dealing, 1, secrets_of(1)).secrets == (secrets_of(1),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[:-1], "not one for each slot"),
        (lambda rows: [*rows, rows[0]], "not one for each slot"),
        (lambda rows: [*rows[:-1], rows[-1][:-1]], "not one for each slot"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "secrets of slot 0 do not belong"),
        (lambda rows: [*rows[:2], rows[1]], "secrets of slot 2 do not belong"),
        (lambda rows: [*rows[:2], bytes(len(rows[2]))], "secrets of slot 2 do not belong"),
        (lambda rows: [*rows[:1], b"\xff" * len(rows[1]), *rows[2:]], "secrets of slot 1 do not belong"),
        (lambda rows: [*rows[:1], rows[1][:-1] + bytes([rows[1][-1] ^ 1]), *rows[2:]], "secrets of slot 1 do not"),
    ],
    ids=["too few", "too many", "a byte short", "swapped", "repeated", "zero", "unreduced", "a bit"],
)
def test_secret_rows_that_do_not_fit(change: Any, says: str) -> None:
    with pytest.raises(ShareError, match=says):
        handed_out(quorum().dealing, 1, change(secrets_of(1)))


def test_secret_rows_of_another_holder_or_sealed_for_another_purpose() -> None:
    dealing = quorum().dealing
    with pytest.raises(ShareError, match="do not belong"):
        handed_out(dealing, 1, secrets_of(2))
    record = replace(dealing.shares[0].record, sealed_rows=dealing.shares[1].record.sealed_rows)
    with pytest.raises(KeyquorumError):
        open_share(SEALED_SHARE.sign(record, RITA.identity), villager("alice").identity, dealing.tables)
    record = replace(dealing.shares[0].record, sealed_rows=dealing.shares[0].record.sealed)
    with pytest.raises(KeyquorumError):
        open_share(SEALED_SHARE.sign(record, RITA.identity), villager("alice").identity, dealing.tables)


# What anybody checks


def test_a_presignature_that_occurs_twice() -> None:
    """It passes every other check: two messages signed with it would give the key away."""
    (table,) = quorum().dealing.tables
    rows = list(table.rows)
    repeated = table_of([rows[0], rows[1], rows[0]], table)
    with pytest.raises(DealingError, match="slot 2: an R occurs a second time"):
        check_commitments(quorum().key, repeated, HERE)
    # In a second table, dealt later: found by who keeps what the first one held.
    later = table_of([rows[1], *list(more().tables[0].rows)[1:]], more().tables[0])
    check_commitments(quorum().key, later, HERE)
    check_tables(quorum().key, [later], HERE)
    marks = marks_of(quorum().key, table)
    seen = [marks[start : start + 16] for start in range(0, len(marks), 16)]
    assert len(set(seen)) == SLOTS * 3
    for tables, before in (([later], seen), ([table, later], ())):
        with pytest.raises(DealingError, match="occurs a second time, in this table or an earlier one"):
            check_tables(quorum().key, tables, HERE, before)
    check_tables(quorum().key, more().tables, HERE, seen)
    # R and -R have one x, and are as bad.
    other = bytes([rows[0][0] ^ 1])
    negative = table_of([other + rows[0][1:], *rows[1:]], table, first=SLOTS)
    assert marks_of(quorum().key, negative) == marks


def test_a_holder_finds_a_repeated_presignature_by_its_marks() -> None:
    (table,) = quorum().dealing.tables
    rows = list(more().tables[0].rows)
    later = table_of([rows[0], table.row_of(1)], more().tables[0])
    mine = [open_share(more().shares[0], villager("alice").identity, more().tables).secrets[0][0], secrets_of(1)[1]]
    handed_out(more(), 1, mine, [later])  # nothing else tells
    marks = marks_of(quorum().key, table)
    record = replace(
        more().shares[0].record,
        tables=(later.signed,),
        sealed_rows=seal(
            villager("alice").card.record.sealing_key,
            b"".join(mine),
            ROWS_TAG + quorum().key.id + (1).to_bytes(2, "big"),
        ),
    )
    sealed = SEALED_SHARE.sign(record, RITA.identity)
    seen = [marks[start : start + 16] for start in range(0, len(marks), 16)]
    with pytest.raises(DealingError, match="occurs a second time"):
        open_share(sealed, villager("alice").identity, [later], HERE, seen)


def test_two_tables_over_the_same_slots() -> None:
    (table,) = quorum().dealing.tables
    later = table_of(list(more().tables[0].rows), more().tables[0], first=2)
    with pytest.raises(DealingError, match="two tables are for the same slots"):
        check_tables(quorum().key, [table, later], HERE)
    with pytest.raises(DealingError, match="two tables are for the same slots"):
        check_tables(quorum().key, [table, table], HERE)


def test_an_r_that_is_not_the_one_the_shares_are_in() -> None:
    """No sum tells; each member of that quorum does, since its U and V are no multiples of this R."""
    (table,) = quorum().dealing.tables
    rows = list(table.rows)
    length = len(rows[0]) // 3  # quorums of 1 and 2, 1 and 3, 2 and 3
    other = rows[2][:33]
    wrong = table_of([rows[0], rows[1][:length] + other + rows[1][length + 33 :]], table)
    check_commitments(quorum().key, wrong, HERE)
    for index in (1, 3):
        with pytest.raises(ShareError, match="secrets of slot 1 do not belong"):
            handed_out(quorum().dealing, index, secrets_of(index)[:2], [wrong])
    handed_out(quorum().dealing, 2, secrets_of(2)[:2], [wrong])


@pytest.mark.parametrize("place", [33, 66, 99, 132, 167, 494], ids=str)
def test_a_presignature_that_does_not_belong_to_the_key(place: int) -> None:
    (table,) = quorum().dealing.tables
    rows = list(table.rows)
    wrong = rows[1][:place] + rows[2][place : place + 1] + rows[1][place + 1 :]
    if wrong == rows[1]:
        wrong = rows[1][:place] + bytes([rows[1][place] ^ 1]) + rows[1][place + 1 :]
    with pytest.raises(DealingError, match="presignatures of slot 1: "):
        check_commitments(quorum().key, table_of([rows[0], wrong, rows[2]], table), HERE)
    with pytest.raises(DealingError):
        handed_out(quorum().dealing, 1, secrets_of(1), [table_of([rows[0], wrong, rows[2]], table)])


def test_a_table_of_another_key() -> None:
    other = quorum("rita", "sam").dealing
    with pytest.raises(MalformedError, match="not one of the dealer for this key"):
        replace(quorum().dealing.shares[0].record, tables=(other.tables[0].signed,))
    with pytest.raises(RefusedError, match="for another key"):
        check_tables(quorum().key, other.tables, HERE)


# Dealt again


def test_later_slots_are_used_once_everybody_accepted_them() -> None:
    before, dealing = quorum(), more()
    assert dealing.key == before.key
    people = [villager(name) for name in NAMES]
    pairs = list(zip(dealing.shares, people, strict=True))
    opened_ = [open_share(sealed, person.identity, dealing.tables) for sealed, person in pairs]
    again = [accept(sealed, person.identity, NOW) for sealed, person in pairs]
    assert [one.share for one in opened_] == list(before.shares)
    for some in (before.acceptances, [*before.acceptances, *again[:2]]):
        with pytest.raises(NotYetError, match="accepted these presignatures"):
            ask(matter(), before, came=dealing.tables, start=SLOTS, acceptances={before.key.id: some})
    both = {before.key.id: [*before.acceptances, *again]}
    request = ask(matter(), before, came=dealing.tables, start=SLOTS, acceptances=both)
    # Only those that are needed are in it, however many there are.
    (requested,) = opened(request).signed.record.keys
    assert requested.acceptances == tuple(again)
    stores: dict[tuple[int, tuple[int, ...]], MemoryStore] = {
        (index, ()): MemoryStore(enumerate(one.secrets[0], SLOTS)) for index, one in enumerate(opened_, 1)
    }
    after = replace(before, stores=stores)
    outcome = combine(request, [answer(request, matter(), after, index) for index in (2, 3)])
    assert outcome.good(before) == {2, 3}


def test_acceptances_that_name_the_tables() -> None:
    (table,) = quorum().dealing.tables
    chosen = check_acceptances(quorum().key, [*quorum().acceptances, *quorum().acceptances], [table.signed.id])
    assert chosen == quorum().acceptances
    with pytest.raises(NotYetError, match="missing alice, bob, carol"):
        check_acceptances(quorum().key, quorum().acceptances, [bytes(32)])


def never(_: int) -> bytes:
    raise AssertionError("it has begun")


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"dealer": villager("alice").identity}, RefusedError, "dealt by rita, and only its dealer"),
        ({"undivided": undivided_key(13, seeded("another"))}, ParameterError, "not the one of this key record"),
        ({"undivided": undivided_key(14, seeded("another"))}, ParameterError, "not a P-256 private key"),
        ({"undivided": undivided_key(15, seeded("another"))}, ParameterError, "not a P-256 private key"),
        ({"ration": Ration(0, 0, 2)}, ParameterError, "no range of 0 slots"),
        ({"ration": Ration(-1, 2, 2)}, ParameterError, "no range of 2 slots"),
        ({"ration": Ration((1 << 24) - 1, 2, 2)}, ParameterError, "no range of 2 slots"),
        ({"ration": Ration(0, 2, 0)}, ParameterError, "used in a year"),
        ({"ration": Ration(0, 65_537, 2)}, ParameterError, "65,537 rows of"),
        ({"ration": Ration(0, 1_000_000, 2)}, ParameterError, "more than the file of a share holds"),
    ],
    ids=[
        "not the dealer",
        "another key",
        "another curve",
        "another kind",
        "none",
        "below",
        "beyond",
        "rate",
        "rows",
        "all",
    ],
)
def test_what_is_not_begun(changes: dict[str, Any], error: type[KeyquorumError], says: str) -> None:
    with pytest.raises(error, match=says):
        presigned(rng=never, **changes)


@pytest.mark.parametrize("algorithm", [8, 15])
def test_other_keys_have_no_tables(algorithm: int) -> None:
    other = dealt(algorithm=algorithm)
    with pytest.raises(KeyquorumError) as caught:
        presigned(key=other.key, rng=never)
    assert caught.value.what


@pytest.mark.parametrize(("algorithm", "ration"), [(13, None), (15, Ration(0, 2, 2)), (8, Ration(0, 2, 2))])
def test_a_dealing_with_the_wrong_ration_does_not_begin(algorithm: int, ration: Ration | None) -> None:
    people = tuple(villager(name).card for name in NAMES)
    custody = Custody((dns.name.root,), people, (RITA.card,))
    with pytest.raises(UsageError, match="say how much" if ration is None else "no one-time material"):
        deal(RITA.identity, RITA.card, custody, Plan(algorithm, 0, 2, 3), NOW, never, HERE, ration=ration)
