"""Commitments: made by whom they say, chosen for a request, and refused where they are not what was signed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

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
    SignatureError,
)
from keyquorum.maths.work import HERE
from keyquorum.quorum.commitments import (
    OpenCommitments,
    Order,
    check_commitments,
    check_maker,
    gather,
    open_commitments,
    prepare,
)
from keyquorum.quorum.dealing import accept_key
from keyquorum.records.keys import COMMITMENTS, KEY_RECORD, MOST_ROWS
from keyquorum.threshold.one_time import lane_of, number_of, slots_of
from tests.quorum.village import (
    NOW,
    Matter,
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    opened,
    resigned,
    villager,
    zone_records,
)
from tests.threshold.cases import seeded
from tests.threshold.stores import MemoryStore

ONE, TWO = "one.example.", "two.example."


def frost(algorithm: int = 15, M: int = 2, N: int = 3) -> Quorum:
    """A FROST quorum whose holders have prepared nothing yet, for rita (requester 1) and sam (requester 2)."""
    plain = dealt(algorithm=algorithm, M=M, N=N)
    record = replace(plain.key.record, requesters=(villager("rita").card, villager("sam").card))
    key = KEY_RECORD.sign(record, villager("rita").identity)
    accepted = tuple(accept_key(key, holder.identity, NOW) for holder in plain.holders)
    return replace(plain, dealing=replace(plain.dealing, key=key), acceptances=accepted, stores={}, given=[0])


def made(
    quorum: Quorum, index: int, first: int, count: int, *, lane: int = 0, only: tuple[int, ...] = (), seed: object = 0
) -> OpenCommitments:
    """Have a holder prepare, and keep its nonces."""
    order = Order(slots_of(lane, first, count), only or None, 72)
    holder, rng = quorum.holders[index - 1].identity, seeded("made", index, lane, first, only, seed)
    commitments, secrets = prepare(quorum.key, quorum.shares[index - 1], holder, order, BytesIO, rng, HERE)
    store = quorum.stores.setdefault((index, only), MemoryStore(()))
    store.rows |= dict(zip(order.slots, secrets, strict=True))
    return commitments


def forged(quorum: Quorum, one: OpenCommitments, signer: str = "", /, **changes: Any) -> OpenCommitments:
    """Give commitments with another header, signed by whoever is named (or by whom they were)."""
    identity = villager(signer or quorum.holders[one.signed.record.maker - 1].name).identity
    record = replace(one.signed.record, signer=identity.verification_key, **changes)
    return OpenCommitments(COMMITMENTS.sign(record, identity), one.rows)


def with_rows(quorum: Quorum, one: OpenCommitments, rows: Sequence[bytes]) -> OpenCommitments:
    """Give commitments to other rows."""
    digests = b"".join(hashlib.sha256(row).digest() for row in rows)
    return replace(forged(quorum, one, digests=digests), rows=rows)


def file_of(one: OpenCommitments) -> bytes:
    return b"".join(one.chunks())


def matter(*zones: str) -> Matter:
    return zone_records(*(zones or (ONE, TWO)), algorithm=15)


# Making them


def test_what_is_made_is_read() -> None:
    quorum = frost()
    one = made(quorum, 2, 5, 3)
    read = open_commitments(BytesIO(file_of(one)))
    assert read.signed == one.signed
    assert list(read.rows) == list(one.rows) == [read.row_of(slot) for slot in (5, 6, 7)]
    record = read.signed.record
    assert (record.maker, record.quorum, record.slots, record.count) == (2, (), range(5, 8), 3)
    assert record.row_length == 2 * 2 * 32  # two quorums of the plan with bob in them, two points each
    check_commitments(quorum.key, read, HERE)


def test_nonces_are_new_in_every_slot() -> None:
    quorum = frost()
    one = made(quorum, 1, 0, 20)
    points = [row[start : start + 32] for row in one.rows for start in range(0, len(row), 32)]
    assert len(set(points)) == len(points) == 20 * 4
    assert "rows" not in repr(quorum.stores[1, ()])


def never(_: int) -> bytes:
    raise AssertionError("it has begun")


def begin(quorum: Quorum, name: str, index: int, order: Order) -> None:
    prepare(quorum.key, quorum.shares[index - 1], villager(name).identity, order, BytesIO, never, HERE)


def test_what_cannot_be_prepared_is_not_begun() -> None:
    quorum = frost()
    good = Order(slots_of(0, 0, 2), None, 72)
    with pytest.raises(AssertionError, match="it has begun"):
        begin(quorum, "alice", 1, good)
    with pytest.raises(RefusedError, match="you hold no share of"):
        begin(quorum, "rita", 1, good)
    with pytest.raises(ParameterError, match="rows of 128 bytes are more than"):
        begin(quorum, "alice", 1, Order(slots_of(0, 0, MOST_ROWS + 1), None, 72))
    for a_year in (0, -1, MOST_ROWS + 1):
        with pytest.raises(ParameterError, match="used in a year"):
            begin(quorum, "alice", 1, replace(good, a_year=a_year))
    for only in ((2, 3), (1,), (1, 2, 3), (2, 1), (1, 1), (1, 4), (0, 1)):
        with pytest.raises(ParameterError):
            begin(quorum, "alice", 1, replace(good, quorum=only))


@pytest.mark.parametrize(
    ("algorithm", "why"), [(8, "its answers need nothing"), (13, "its presignatures are the dealer's")]
)
def test_holders_of_other_keys_prepare_nothing(algorithm: int, why: str) -> None:
    quorum = dealt(algorithm=algorithm)
    with pytest.raises(RefusedError, match=f": {why}"):
        begin(quorum, "alice", 1, Order(slots_of(0, 0, 2), None, 72))


# Reading them


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_file_changed_cut_or_longer_anywhere(data: st.DataObject) -> None:
    file = file_of(made(frost(), 1, 0, 3))
    place = data.draw(st.integers(0, len(file) - 1))
    changed = {
        "bit": file[:place] + bytes([file[place] ^ 1 << data.draw(st.integers(0, 7))]) + file[place + 1 :],
        "cut": file[:place],
        "more": file[:place] + b"\0" + file[place:],
    }[data.draw(st.sampled_from(["bit", "cut", "more"]))]
    with pytest.raises((MalformedError, SignatureError)):
        open_commitments(BytesIO(changed))


def test_rows_in_another_order() -> None:
    one = made(frost(), 1, 0, 3)
    rows = list(one.rows)
    swapped = replace(one, rows=[rows[1], rows[0], rows[2]])
    with pytest.raises(MalformedError, match="slot 0 are not those that were signed"):
        open_commitments(BytesIO(file_of(swapped)))
    with pytest.raises(MalformedError, match="end after 2 of 3 slots"):
        open_commitments(BytesIO(file_of(replace(one, rows=rows[:2]))))
    with pytest.raises(MalformedError, match="goes on after its end"):
        open_commitments(BytesIO(file_of(replace(one, rows=[*rows, rows[2]]))))


# Whose they are


def test_commitments_by_somebody_else_than_they_say() -> None:
    quorum = frost()
    one = made(quorum, 2, 0, 3)
    check_maker(quorum.key, one.signed)
    for signer, maker in (("alice", 2), ("rita", 2), ("mallory", 2), ("bob", 1), ("bob", 3), ("bob", 4), ("bob", 64)):
        with pytest.raises(RefusedError, match="not signed by whose they say they are"):
            check_maker(quorum.key, forged(quorum, one, signer, maker=maker).signed)
    # The dealer makes none for a key of this kind, whoever signs.
    for signer in ("rita", "bob"):
        with pytest.raises(RefusedError, match="not signed by whose they say they are"):
            check_maker(quorum.key, forged(quorum, one, signer, maker=0).signed)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"key": bytes(32)}, RefusedError, "for another key"),
        ({"first": 2 << 24}, RefusedError, "for a requester that the key record does not name"),
        ({"row_length": 127}, RefusedError, "another length"),
        ({"row_length": 256}, RefusedError, "another length"),
        ({"quorum": (2, 3)}, RefusedError, "another length"),
        ({"quorum": (1, 3)}, ParameterError, "holder 2 is not in the quorum"),
        ({"quorum": (1, 2, 3)}, ParameterError, "a quorum has 2 different holders"),
        ({"quorum": (2, 9)}, ParameterError, "there is no holder 9"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_commitments_that_do_not_fit_the_key(changes: dict[str, Any], error: type[KeyquorumError], says: str) -> None:
    quorum = frost()
    one = forged(quorum, made(quorum, 2, 0, 3), **changes)
    with pytest.raises(error, match=says):
        check_maker(quorum.key, one.signed)
    with pytest.raises(error, match=says):
        gather(quorum.key, [made(quorum, 1, 0, 3), one], 0, 0, 1)


def test_commitments_of_holders_where_the_dealer_makes_them() -> None:
    quorum = dealt(algorithm=13)
    (table,) = quorum.dealing.tables
    check_commitments(quorum.key, table, HERE)
    for signer, maker in (("alice", 1), ("rita", 1), ("alice", 0)):
        with pytest.raises(RefusedError, match="not signed by whose they say they are"):
            check_maker(quorum.key, forged(quorum, table, signer, maker=maker).signed)
    with pytest.raises(ParameterError, match="for all of the plan"):
        check_maker(quorum.key, forged(quorum, table, "rita", quorum=(1, 2, 3)).signed)


@pytest.mark.parametrize(
    "point",
    [bytes(32), b"\1" + bytes(31), b"\xff" * 32, bytes(31) + b"\x80"],
    ids=["order 4", "identity", "high", "sign"],
)
def test_commitments_that_are_no_points(point: bytes) -> None:
    quorum = frost()
    one = made(quorum, 2, 7, 3)
    rows = list(one.rows)
    rows[1] = rows[1][:32] + point + rows[1][64:]
    wrong = open_commitments(BytesIO(file_of(with_rows(quorum, one, rows))))
    with pytest.raises(DealingError, match="holder 2 for slot 8 are not all points") as caught:
        check_commitments(quorum.key, wrong, HERE)
    assert caught.value.culprits == (2,)


# Choosing slots


def slots_in(quorum: Quorum, came: Sequence[OpenCommitments], start: int, count: int, lane: int = 0) -> Any:
    """Give first slot, makers, and who has none."""
    found = gather(quorum.key, came, lane, start, count)
    used = found.used
    assert used.count == count == len(list(found.rows))
    assert lane_of(used.first) == lane
    return number_of(used.first), [one.record.maker for one in used.commitments], found.missing


def test_slots_are_taken_where_most_holders_have_some() -> None:
    quorum = frost()
    alice, bob, carol = made(quorum, 1, 0, 10), made(quorum, 2, 0, 10), made(quorum, 3, 4, 4)
    assert slots_in(quorum, [alice, bob], 0, 2) == (0, [1, 2], (3,))
    assert slots_in(quorum, [carol, alice, bob], 0, 2) == (4, [1, 2, 3], ())
    assert slots_in(quorum, [bob, carol, alice, bob], 5, 3) == (5, [1, 2, 3], ())
    assert slots_in(quorum, [alice, bob, carol], 7, 2) == (7, [1, 2], (3,))
    assert slots_in(quorum, [alice, bob, carol], 0, 10) == (0, [1, 2], (3,))


def test_slots_of_one_request_come_from_one_file_of_each() -> None:
    quorum = frost()
    came = [made(quorum, index, first, 5) for index in (1, 2, 3) for first in (0, 5)]
    assert slots_in(quorum, came, 0, 5) == (0, [1, 2, 3], ())
    assert slots_in(quorum, came, 3, 2) == (3, [1, 2, 3], ())
    assert slots_in(quorum, came, 3, 3) == (5, [1, 2, 3], ())
    with pytest.raises(NotYetError, match="6 slots from slot 0 on"):
        gather(quorum.key, came, 0, 0, 6)


def test_rows_stand_by_maker_whatever_came_first() -> None:
    quorum = frost()
    carol, alice, bob = (made(quorum, index, 0, 3) for index in (3, 1, 2))
    found = gather(quorum.key, [carol, alice, bob], 0, 1, 2)
    wanted = [b"".join(one.row_of(slot) for one in (alice, bob, carol)) for slot in (1, 2)]
    assert list(found.rows) == wanted
    assert {len(row) for row in wanted} == {found.used.row_length}


@pytest.mark.parametrize(
    ("makers", "missing"), [((), "alice, bob, carol"), ((2,), "alice, carol")], ids=["nobody", "one of two"]
)
def test_holders_whose_commitments_are_missing_are_named(makers: tuple[int, ...], missing: str) -> None:
    quorum = frost()
    with pytest.raises(NotYetError, match=rf"missing {missing}\. ") as caught:
        gather(quorum.key, [made(quorum, index, 0, 3) for index in makers], 0, 0, 2)
    assert caught.value.exit_status == 3
    assert "share prepare" in caught.value.do


def test_slots_that_are_used_up() -> None:
    quorum = frost()
    came = [made(quorum, index, 0, 3) for index in (1, 2, 3)]
    with pytest.raises(NotYetError, match="1 slot from slot 3 on: missing alice, bob, carol"):
        gather(quorum.key, came, 0, 3, 1)
    ecdsa = dealt(algorithm=13)
    with pytest.raises(NotYetError, match="for 1 slot from slot 48 on") as caught:
        gather(ecdsa.key, ecdsa.dealing.tables, 0, 48, 1)
    assert "key presign" in caught.value.do
    with pytest.raises(NotYetError, match="no presignatures"):
        gather(ecdsa.key, [], 0, 0, 1)


def test_whoever_commits_twice_is_named() -> None:
    quorum = frost()
    alice, bob = made(quorum, 1, 0, 5), made(quorum, 2, 0, 5)
    again = made(quorum, 2, 4, 5, seed=1)
    assert slots_in(quorum, [alice, bob, bob], 0, 1) == (0, [1, 2], (3,))
    with pytest.raises(RefusedError, match="bob committed twice to the same slots"):
        gather(quorum.key, [alice, bob, again], 0, 0, 1)
    # The same numbers of another requester are other slots.
    assert slots_in(quorum, [alice, bob, made(quorum, 2, 4, 5, lane=1)], 0, 1) == (0, [1, 2], (3,))
    ecdsa = dealt(algorithm=13)
    (table,) = ecdsa.dealing.tables
    other = forged(ecdsa, table, "rita", a_year=73)
    with pytest.raises(RefusedError, match="the dealer committed twice"):
        gather(ecdsa.key, [table, other], 0, 0, 1)


def test_for_all_of_the_plan_or_for_one_quorum() -> None:
    quorum = frost()
    came = [made(quorum, 1, 0, 5), made(quorum, 2, 0, 5, only=(1, 2))]
    with pytest.raises(RefusedError, match="some commitments are for all of the plan and some for one quorum"):
        gather(quorum.key, came, 0, 0, 1)
    with pytest.raises(RefusedError, match="some commitments are for all of the plan"):
        gather(quorum.key, [made(quorum, 1, 0, 5, only=(1, 3)), came[1]], 0, 0, 1)


# Two requesters


def test_requesters_have_slots_of_their_own() -> None:
    quorum = frost()
    mine = [made(quorum, index, 0, 4) for index in (1, 2, 3)]
    with pytest.raises(NotYetError):
        gather(quorum.key, mine, 1, 0, 1)
    sams = [made(quorum, index, 0, 4, lane=1) for index in (1, 2, 3)]
    first = ask(matter(), quorum, came=[*mine, *sams], start=0)
    second = ask(matter(), quorum, came=[*mine, *sams], start=0, lane=1, requester="sam")
    used = [opened(request).commitments[quorum.key.id].first for request in (first, second)]
    assert used == [0, 1 << 24]
    for request in (first, second):
        outcome = combine(request, [answer(request, matter(), quorum, index) for index in (1, 3)])
        assert outcome.good(quorum) == {1, 3}


def test_a_request_over_another_requesters_slots() -> None:
    quorum = frost()
    sams = [made(quorum, index, 0, 4, lane=1) for index in (1, 2, 3)]
    with pytest.raises(RefusedError, match="slots of another requester"):
        opened(ask(matter(), quorum, came=sams, start=0, lane=1))


# Requests


def edited(request: bytes, edit: Any) -> bytes:
    head, _, rest = request.partition(b"\n")
    return resigned(head, villager("rita").identity, edit) + b"\n" + rest


def test_a_request_with_fewer_slots_than_messages() -> None:
    """Refused before anything is used up, and by everybody."""
    quorum = frost()
    came = [made(quorum, index, 0, 4) for index in (1, 2, 3)]
    request = ask(matter(), quorum, came=came, start=0)

    def shorten(document: Any) -> None:
        document["keys"][0]["slots"]["count"] = 1

    length = sum(one.signed.record.row_length for one in came)
    short = edited(request, shorten)[:-length]
    assert len(opened(short).commitments[quorum.key.id].rows) == 1
    with pytest.raises(MalformedError, match="for 2 messages"):
        answer(short, matter(), quorum, 1)
    assert not quorum.stores[1, ()].answers
    outcome = combine(request, [answer(request, matter(), quorum, index) for index in (1, 2)])
    assert outcome.good(quorum) == {1, 2}


def test_slots_for_a_key_that_has_none_and_none_for_one_that_has() -> None:
    rsa, quorum = dealt(), frost()
    used = quorum.request_slots(1, came=[made(quorum, index, 0, 4) for index in (1, 2, 3)], start=0)
    assert used is not None
    slots: Any = {
        "first": 0,
        "count": 1,
        "commitments": [json.loads(one.envelope) for one in used.used.commitments],
    }
    request = ask(zone_records(ONE), rsa)
    with pytest.raises(MalformedError, match="which needs none"):
        opened(edited(request, lambda document: document["keys"][0].update(slots=slots)))
    request = ask(matter(), quorum, came=[made(quorum, index, 9, 4) for index in (1, 2, 3)], start=9)
    with pytest.raises(NotYetError, match="brings no commitments for"):
        opened(edited(request, lambda document: document["keys"][0].update(slots=None)))


def test_commitments_in_a_request_that_are_not_the_makers() -> None:
    quorum = frost()
    came = [made(quorum, index, 0, 4) for index in (1, 2, 3)]
    request = ask(matter(), quorum, came=came, start=0)
    false = forged(quorum, came[1], "mallory")

    def put_in(document: Any) -> None:
        document["keys"][0]["slots"]["commitments"][1] = json.loads(false.signed.envelope)

    with pytest.raises(RefusedError, match="not signed by whose they say they are"):
        opened(edited(request, put_in))


# One quorum alone: the ordinary two rounds


@pytest.mark.parametrize("only", [(1, 3, 4), (2, 4, 5)])
@pytest.mark.parametrize("algorithm", [15, 16])
def test_two_rounds_for_one_quorum(algorithm: int, only: tuple[int, ...]) -> None:
    quorum = frost(algorithm, 3, 5)
    came = [made(quorum, index, 0, 2, only=only) for index in only]
    asked = zone_records(ONE, TWO, algorithm=algorithm)
    request = ask(asked, quorum, came=came, start=0)
    commitments = opened(request).commitments[quorum.key.id]
    assert (commitments.makers, commitments.quorum) == (only, only)
    for index in set(range(1, 6)) - set(only):
        with pytest.raises(RefusedError, match="you are not in"):
            answer(request, asked, quorum, index)
    partials = [answer(request, asked, quorum, index) for index in only]
    with pytest.raises(KeyquorumError, match="2 good answers"):
        combine(request, partials[:2])
    outcome = combine(request, partials)
    assert outcome.good(quorum) == set(only)
    assert len(outcome.signatures[quorum.key.id]) == 2


def test_one_quorum_waits_for_all_of_its_members() -> None:
    quorum = frost()
    came = [made(quorum, 3, 0, 2, only=(2, 3))]
    with pytest.raises(NotYetError, match=r"missing bob\. "):
        gather(quorum.key, came, 0, 0, 2)
    assert slots_in(quorum, [*came, made(quorum, 2, 1, 2, only=(2, 3))], 0, 1) == (1, [2, 3], ())


def test_slots_of_one_quorum_and_of_the_plan_do_not_burn_each_other() -> None:
    quorum = frost()
    planned = ask(matter(), quorum, came=[made(quorum, index, 0, 2) for index in (1, 2, 3)], start=0)
    alone = ask(matter(), quorum, came=[made(quorum, index, 0, 2, only=(1, 2)) for index in (1, 2)], start=0)
    for request in (planned, alone, planned):
        outcome = combine(request, [answer(request, matter(), quorum, index) for index in (1, 2)])
        assert outcome.good(quorum) == {1, 2}
