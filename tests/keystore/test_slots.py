"""One-time material at rest: kept once, used once, dropped after a restore; slots given out once."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, KeystoreError, RefusedError
from keyquorum.keystore import Cost, Keystore
from keyquorum.keystore.person import Person
from keyquorum.keystore.slots import Material, Slots, Supply
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import COMMITMENTS, CommitmentRecord
from keyquorum.threshold.one_time import MOST_SLOTS, Use
from keyquorum.threshold.rsa import RsaShare
from tests.keystore.conftest import PASSPHRASE, reopened
from tests.keystore.seeded import seeded
from tests.records.people import BOB, DEALER, ECDSA_KEY, KEY

OTHER = bytes(31) + b"\1"
LANE = 1 << 24


def committed(first: int, count: int, seed: str = "", *, quorum: tuple[int, ...] = (), key: bytes = KEY.id) -> Material:
    """Give bob's material for ``count`` slots from ``first`` on."""
    record = CommitmentRecord(
        signer=BOB.verification_key,
        key=key,
        maker=2,
        quorum=quorum,
        first=first,
        row_length=8,
        digests=b"".join(digest(f"row {slot} {seed}") for slot in range(first, first + count)),
        a_year=10,
    )
    return Material(COMMITMENTS.sign(record, BOB), [secret(slot, seed) for slot in range(first, first + count)])


def table(first: int, count: int, seed: str = "", key: bytes = KEY.id) -> Material:
    """Give bob's part of a dealer's table."""
    made = committed(first, count, seed, key=key)
    record = replace(made.signed.record, signer=DEALER.verification_key, maker=0)
    marks = b"".join(digest(f"mark {slot} {seed}")[:16] for slot in record.slots)
    return Material(COMMITMENTS.sign(record, DEALER), made.secrets, marks)


def secret(slot: int, seed: str = "") -> bytes:
    return f"secret {slot} {seed}".encode()


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def use(slots: Slots, *numbers: int, what: str = "", quorum: tuple[int, ...] = ()) -> list[bytes]:
    """Answer with some slots; the answer is the secret itself."""
    uses = [Use(number, digest(f"{number} {what}")) for number in numbers]
    return list(slots.of(KEY.id, quorum).answer_all(uses, lambda given: [content for _, content in given]))


@pytest.fixture
def slots(keystore: Keystore) -> Slots:
    return Slots(keystore)


def test_what_is_kept_answers_once(keystore: Keystore, path: Path, slots: Slots) -> None:
    slots.keep_now(committed(5, 3))
    assert use(slots, 6, 5) == [secret(6), secret(5)]
    with pytest.raises(RefusedError, match=": slot 6 was used already, for something else"):
        use(slots, 7, 6, what="else")
    again = Slots(reopened(keystore, path))
    assert use(again, 5, 6, 7) == [secret(5), secret(6), secret(7)]
    with pytest.raises(RefusedError, match="nothing to answer slot 8 with"):
        use(again, 8)
    assert use(again, 5) == [secret(5)]
    again._store.close()


def test_a_fault_of_the_keystore_is_not_taken_for_a_slot_that_is_missing(slots: Slots) -> None:
    slots.keep_now(committed(0, 1))

    def greedy(_given: object) -> list[bytes]:
        use(slots, 0, what="else")
        return [b"second"]

    with pytest.raises(KeystoreError, match="once and for all"):
        slots.of(KEY.id, None).answer_all([Use(0, bytes(32))], greedy)


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(committed(0, 2))
    assert "marks" not in repr(table(0, 1))


def test_slots_of_keys_and_quorums_are_different_ones(slots: Slots) -> None:
    for number, quorum in enumerate(((), (1, 2), (2, 3))):
        slots.keep_now(committed(0, 2, str(number), quorum=quorum))
    slots.keep_now(committed(0, 2, "other key", key=OTHER))
    for number, quorum in enumerate(((), (1, 2), (2, 3))):
        assert use(slots, 1, quorum=quorum) == [secret(1, str(number))]
    assert slots.supplies(KEY.id) == {(0, quorum): Supply(2, 1, 10) for quorum in ((), (1, 2), (2, 3))}
    assert slots.supplies(OTHER) == {(0, ()): Supply(2, 2, 10)}
    assert slots.supplies(bytes(32)) == {}


def test_keeping_again_brings_nothing_back(slots: Slots) -> None:
    made = committed(0, 3)
    slots.keep_now(made)
    use(slots, 1)
    slots.keep_now(made)
    assert slots.supplies(KEY.id) == {(0, ()): Supply(3, 2, 10)}
    with pytest.raises(RefusedError, match="used already"):
        use(slots, 1, what="else")
    slots.drop(KEY.id)
    slots.keep_now(made)
    assert slots.supplies(KEY.id) == {(0, ()): Supply(3, 0, 10)}
    assert use(slots, 1) == [secret(1)]  # what was answered is answered again


@pytest.mark.parametrize(("first", "count"), [(10, 5), (8, 3), (14, 1), (5, 20), (12, 1)])
def test_a_slot_is_committed_to_once(slots: Slots, first: int, count: int) -> None:
    slots.keep_now(committed(10, 5))
    with pytest.raises(RefusedError, match="other commitments for slots 10 to 14") as caught:
        slots.keep_now(committed(first, count, "again"))
    assert "after these" in caught.value.do
    assert slots.supplies(KEY.id) == {(0, ()): Supply(5, 5, 10)}
    assert [use(slots, slot) for slot in range(10, 15)] == [[secret(slot)] for slot in range(10, 15)]


def test_what_cannot_be_kept_whole_is_not_kept(slots: Slots) -> None:
    made = committed(0, 3)
    for wrong in (made.secrets[:2], [*made.secrets, b"x"]):
        with pytest.raises(ValueError, match="zip"):
            slots.keep_now(Material(made.signed, wrong))
    assert slots.commitments(KEY.id) == []
    slots.keep_now(made)


def test_where_to_prepare_next(slots: Slots) -> None:
    assert slots.next_to_prepare(KEY.id, 0, None) == 0
    slots.keep_now(committed(0, 4))
    slots.keep_now(committed(10, 2))
    slots.keep_now(committed(LANE, 7))
    slots.keep_now(committed(0, 1, quorum=(1, 2)))
    use(slots, *range(4))
    assert slots.next_to_prepare(KEY.id, 0, None) == 12
    assert slots.next_to_prepare(KEY.id, 1, None) == 7
    assert slots.next_to_prepare(KEY.id, 2, None) == 0
    assert slots.next_to_prepare(KEY.id, 0, (1, 2)) == 1
    assert slots.next_to_prepare(OTHER, 0, None) == 0
    assert slots.supplies(KEY.id) == {
        (0, ()): Supply(6, 2, 10),
        (1, ()): Supply(7, 7, 10),
        (0, (1, 2)): Supply(1, 1, 10),
    }


def test_marks_of_all_tables_but_some(slots: Slots) -> None:
    one, two = table(0, 2), table(2, 1)
    slots.keep_now(one)
    slots.keep_now(two)
    slots.keep_now(table(0, 2, key=OTHER))
    assert set(slots.marks(KEY.id)) == {one.marks[:16], one.marks[16:], two.marks}
    assert list(slots.marks(KEY.id, [two.signed.id])) == [one.marks[:16], one.marks[16:]]
    assert list(slots.marks(bytes(32))) == []


# Giving out


def test_slots_are_given_out_once(keystore: Keystore, path: Path, slots: Slots) -> None:
    assert slots.next_to_give(KEY.id, None) == 0
    slots.give(KEY.id, None, 0, 9)
    slots.give(KEY.id, None, 12, 3)
    again = Slots(reopened(keystore, path))
    assert again.next_to_give(KEY.id, None) == 15
    for first, count in ((0, 9), (9, 3), (10, 20), (14, 1), (14, 5)):
        with pytest.raises(RefusedError, match="below 15 were given out before"):
            again.give(KEY.id, None, first, count)
    assert again.next_to_give(KEY.id, None) == 15
    assert (again.next_to_give(KEY.id, (1, 2)), again.next_to_give(OTHER, None)) == (0, 0)
    again._store.close()


def test_there_is_an_end_to_slots(slots: Slots) -> None:
    with pytest.raises(RefusedError, match="no slots from 16,777,216 on"):
        slots.give(KEY.id, None, MOST_SLOTS - 1, 2)
    slots.give(KEY.id, None, MOST_SLOTS - 1, 1)
    with pytest.raises(RefusedError):
        slots.give(KEY.id, None, MOST_SLOTS, 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5), st.booleans()), max_size=8))
def test_no_slot_is_ever_given_out_twice(asked: list[tuple[int, int, bool]]) -> None:
    slots, given_out = Slots(_Notes()), set[int]()
    for first, count, restored in asked:
        if restored:
            slots.restored()
        try:
            slots.give(KEY.id, None, first, count)
        except RefusedError:
            continue
        fresh = set(range(first, first + count))
        assert not fresh & given_out
        given_out |= fresh
        assert slots.next_to_give(KEY.id, None) == first + count == max(given_out) + 1


class _Notes(Keystore):
    """As much of a keystore as giving out needs, in memory: the file itself is tested elsewhere."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def note(self, kind: str, name: str, value: bytes, *, replace: bool = False) -> None:
        assert replace
        self._kept[kind, name] = value

    def notes(self, kind: str) -> dict[str, bytes]:
        return {name: value for (one, name), value in self._kept.items() if one == kind}

    def batch(self) -> "Iterator[None]":  # type: ignore[override]
        return _Nothing()  # type: ignore[return-value]


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


# Commitments that others made


def test_a_second_commitment_by_a_maker_is_noticed(keystore: Keystore, path: Path, slots: Slots) -> None:
    first, other_maker = committed(0, 5).signed, table(0, 5).signed
    for signed in (first, first, other_maker, committed(5, 5).signed, committed(0, 5, quorum=(1, 2)).signed):
        slots.remember(signed)
    again = Slots(reopened(keystore, path))
    for start, count in ((0, 5), (4, 1), (2, 9), (9, 1)):
        with pytest.raises(RefusedError, match="holder 2 committed a second time") as caught:
            again.remember(committed(start, count, "again").signed)
        assert "--from-slot" in caught.value.do
    with pytest.raises(RefusedError, match="the dealer committed a second time"):
        again.remember(table(4, 1, "again").signed)
    again.remember(committed(10, 1, "again").signed)
    again.remember(committed(0, 5, "again", key=OTHER).signed)
    again.remember(first)
    again._store.close()


# After a restore


def test_after_a_restore_nothing_that_was_there_answers(keystore: Keystore, path: Path, slots: Slots) -> None:
    slots.keep_now(committed(0, 4))
    slots.keep_now(committed(0, 3, quorum=(1, 2)))
    slots.keep_now(committed(0, 2, key=OTHER))
    use(slots, 0)
    assert not slots.was_restored()
    assert slots.restored() == 8
    again = Slots(reopened(keystore, path))
    assert again.was_restored()
    for number in range(1, 4):
        with pytest.raises(RefusedError, match=f"nothing to answer slot {number} with"):
            use(again, number)
    assert use(again, 0) == [secret(0)]
    again.keep_now(committed(0, 4))
    assert again.supplies(KEY.id) == {(0, ()): Supply(4, 0, 10), (0, (1, 2)): Supply(3, 0, 10)}
    assert again.restored() == 0
    again._store.close()


def test_dropping_one_key_leaves_the_others(slots: Slots) -> None:
    slots.keep_now(committed(0, 4))
    slots.keep_now(committed(0, 2, key=OTHER))
    assert slots.drop(KEY.id) == 4
    assert slots.supplies(OTHER) == {(0, ()): Supply(2, 2, 10)}
    assert not slots.was_restored()


def test_after_a_restore_nobody_knows_what_comes_next(slots: Slots) -> None:
    """The copy may be older than every commitment and every request."""
    slots.give(KEY.id, None, 0, 3)
    slots.keep_now(committed(0, 4))
    slots.restored()
    for key, quorum in ((KEY.id, None), (OTHER, None), (KEY.id, (1, 2))):
        assert slots.next_to_give(key, quorum) is None
        assert slots.next_to_prepare(key, 0, quorum) is None
    with pytest.raises(RefusedError, match="below 3"):
        slots.give(KEY.id, None, 2, 9)
    slots.give(KEY.id, None, 20, 1)
    slots.keep_now(committed(30, 2))
    assert (slots.next_to_give(KEY.id, None), slots.next_to_prepare(KEY.id, 0, None)) == (21, 32)
    assert slots.next_to_give(OTHER, None) is None
    assert slots.next_to_prepare(KEY.id, 1, None) is None
    slots.restored()
    assert slots.next_to_give(KEY.id, None) is slots.next_to_prepare(KEY.id, 0, None) is None


def test_a_table_that_may_have_been_used_is_not_taken_after_a_restore(tmp_path: Path) -> None:
    """A copy from before the share was accepted, the share accepted anew: its presignatures may have answered."""
    path, copy = tmp_path / "bob.keystore", tmp_path / "copy"
    Person.new(path, "bob", PASSPHRASE, seeded(3), cost=Cost.TEST)
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    dealt = table(0, 3, key=ECDSA_KEY.id)
    share = RsaShare(2, 5)
    with Keystore.open(path, PASSPHRASE) as store:
        person = Person(store)
        person.keep_share(ECDSA_KEY, share, [dealt])
        assert not person.slots.retired(dealt.signed)
    with Keystore.open(copy, PASSPHRASE) as store:
        person = Person(store)
        person.slots.restored()
        for _ in range(2):
            person.keep_share(ECDSA_KEY, share, [dealt])
            assert person.slots.retired(dealt.signed)
            assert person.slots.supplies(ECDSA_KEY.id) == {}
            assert len(list(person.slots.marks(ECDSA_KEY.id))) == 3
        later = table(3, 2, key=ECDSA_KEY.id)
        person.keep_share(ECDSA_KEY, share, [dealt, later], [later.signed.id])
        assert person.slots.supplies(ECDSA_KEY.id) == {(0, ()): Supply(2, 2, 10)}
        assert not person.slots.retired(later.signed)
        assert len(list(person.slots.marks(ECDSA_KEY.id))) == 5


def test_a_table_that_was_kept_before_a_restore_stays_destroyed(tmp_path: Path) -> None:
    path = tmp_path / "bob.keystore"
    Person.new(path, "bob", PASSPHRASE, seeded(3), cost=Cost.TEST)
    dealt = table(0, 3, key=ECDSA_KEY.id)
    with Keystore.open(path, PASSPHRASE) as store:
        person = Person(store)
        person.keep_share(ECDSA_KEY, RsaShare(2, 5), [dealt])
        assert person.slots.restored() == 3
        person.keep_share(ECDSA_KEY, RsaShare(2, 5), [dealt], [dealt.signed.id])
        assert person.slots.supplies(ECDSA_KEY.id) == {(0, ()): Supply(3, 0, 10)}
        assert person.slots.retired(dealt.signed)


def test_share_and_tables_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "bob.keystore"
    Person.new(path, "bob", PASSPHRASE, seeded(3), cost=Cost.TEST)
    good, overlapping = table(0, 3, key=ECDSA_KEY.id), table(2, 2, "other", key=ECDSA_KEY.id)
    with Keystore.open(path, PASSPHRASE) as store:
        person = Person(store)
        with pytest.raises(RefusedError, match="other commitments for slots 0 to 2"):
            person.keep_share(ECDSA_KEY, RsaShare(2, 5), [good, overlapping])
    with Keystore.open(path, PASSPHRASE) as store:
        person = Person(store)
        assert (person.shares(), person.slots.commitments(ECDSA_KEY.id)) == ({}, [])
        person.keep_share(ECDSA_KEY, RsaShare(2, 5), [good])
        with pytest.raises(RefusedError, match="another share"):
            person.keep_share(ECDSA_KEY, RsaShare(2, 6), [good])
        person.forget(ECDSA_KEY)
        with pytest.raises(KeyquorumError, match="no share"):
            person.forget(ECDSA_KEY)
        assert person.slots.unused(good.signed.record) == 0
        person.keep_share(ECDSA_KEY, RsaShare(2, 5), [good])
        assert person.slots.unused(good.signed.record) == 0


def signed_ids(found: list[Signed[CommitmentRecord]]) -> set[bytes]:
    return {one.id for one in found}


def test_commitments_are_those_of_the_key(slots: Slots) -> None:
    kept = [committed(0, 2), committed(2, 2), committed(0, 2, quorum=(1, 2))]
    for one in [*kept, committed(0, 2, key=OTHER)]:
        slots.keep_now(one)
    assert signed_ids(slots.commitments(KEY.id)) == {one.signed.id for one in kept}
