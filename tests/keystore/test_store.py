"""What a keystore keeps, gives and refuses."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyquorum.errors import (
    KeyquorumError,
    KeystoreError,
    StorageError,
    UsageError,
    WrongPassphraseError,
)
from keyquorum.keystore import Cost, Keystore
from tests.keystore.conftest import PASSPHRASE, reopened
from tests.keystore.seeded import seeded

DIGEST = b"d" * 32


def test_create_is_private_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "bob.keystore"
    for mask in (0, 0o777):
        old = os.umask(mask)
        try:
            Keystore.create(
                path, PASSPHRASE, "Bob Ünal", seeded(1), cost=Cost.TEST,
                secrets={("identity", "self"): b"seed"}, notes={("card", "self"): b"card"},
            )  # fmt: skip
        finally:
            os.umask(old)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]
        with Keystore.open(path, PASSPHRASE) as keystore:
            assert keystore.owner == "Bob Ünal"
            assert len(keystore.keystore_id) == 16
            assert keystore.get("identity", "self") == b"seed"
            assert keystore.notes("card") == {"self": b"card"}
        before = path.read_bytes()
        with pytest.raises(UsageError, match="exists already"):
            Keystore.create(path, PASSPHRASE, "Eve", seeded(2), cost=Cost.TEST)
        assert path.read_bytes() == before
        path.unlink()


def test_create_refuses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="empty"):
        Keystore.create(tmp_path / "a", b"", "alice", seeded(1), cost=Cost.TEST)
    for owner in ("", "x" * 1001, "\ud800", "a\0b"):
        with pytest.raises(UsageError, match="texts"):
            Keystore.create(tmp_path / "a", b"x", owner, seeded(1), cost=Cost.TEST)
    with pytest.raises(StorageError, match="No such file"):
        Keystore.create(tmp_path / "none" / "a", b"x", "alice", seeded(1), cost=Cost.TEST)
    assert list(tmp_path.iterdir()) == []


def test_same_randomness_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Keystore.create(tmp_path / name, PASSPHRASE, "x", seeded(3), cost=Cost.TEST, secrets={("k", "n"): b"s"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_put_get_replace_delete(keystore: Keystore, path: Path) -> None:
    keystore.put("share", "b", b"two")
    keystore.put("share", "a", b"")
    keystore.put("other", "a", b"x" * 100_000)
    with pytest.raises(KeystoreError, match="already"):
        keystore.put("share", "b", b"three")
    assert keystore.get("share", "b") == b"two"
    keystore.put("share", "b", b"three", replace=True)
    keystore.delete("other", "a")
    for missing in ("a", "zz"):
        with pytest.raises(KeystoreError, match="no secret other/"):
            keystore.get("other", missing)
        with pytest.raises(KeystoreError, match="no secret other/"):
            keystore.delete("other", missing)
    with reopened(keystore, path) as again:
        assert again.names("share") == ["a", "b"]
        assert again.names("other") == again.names("nothing") == []
        assert (again.get("share", "a"), again.get("share", "b")) == (b"", b"three")
    assert list(path.parent.iterdir()) == [path]


def test_notes(keystore: Keystore, path: Path) -> None:
    keystore.note("request", "2", b"second")
    keystore.note("request", "1", b"first")
    with pytest.raises(KeystoreError, match="already"):
        keystore.note("request", "1", b"other")
    keystore.note("request", "1", b"other", replace=True)
    with reopened(keystore, path) as again:
        assert list(again.notes("request").items()) == [("1", b"other"), ("2", b"second")]
        assert again.names("request") == []


def test_labels_and_sizes(keystore: Keystore) -> None:
    for label in ("", "x" * 1001, "ü" * 501, "\ud800", "a\0b"):
        for kind, name in ((label, "a"), ("a", label)):
            with pytest.raises(UsageError):
                keystore.put(kind, name, b"x")
            with pytest.raises(UsageError):
                keystore.get(kind, name)
            with pytest.raises(UsageError):
                keystore.note(kind, name, b"x")
    keystore.put("ü" * 500, "😀", b"x")
    assert keystore.names("ü" * 500) == ["😀"]
    with pytest.raises(UsageError, match="64 MiB"):
        keystore.put("a", "a", bytes((64 << 20) + 1))


def test_nothing_secret_is_readable(keystore: Keystore, path: Path) -> None:
    keystore.put("share", "a", b"very secret indeed")
    keystore.note("note", "a", b"history of requests")
    keystore.answer_once("share", "a", DIGEST, lambda _secret: b"the partial sig")
    raw = path.read_bytes()
    for text in (b"very secret", b"history of", b"the partial", PASSPHRASE):
        assert text not in raw
        assert text.decode() not in repr(keystore) + str(keystore)
    assert repr(keystore) == "<Keystore>"
    assert repr(keystore._vault) == "<Vault>"


def test_batch_is_all_or_nothing(keystore: Keystore, path: Path) -> None:
    with keystore.batch():
        keystore.put("share", "a", b"1")
        keystore.note("note", "a", b"1")
        with pytest.raises(KeystoreError, match="already"):
            keystore.put("share", "a", b"2")
        assert keystore.get("share", "a") == b"1"

    def interrupted() -> None:
        with keystore.batch():
            keystore.put("share", "b", b"1")
            keystore.delete("share", "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with pytest.raises(UsageError, match="batch is open"), keystore.batch(), keystore.batch():
        pass
    with pytest.raises(UsageError, match="inside a batch"), keystore.batch():
        keystore.answer_once("share", "a", DIGEST, bytes)
    keystore.put("share", "c", b"after")
    with reopened(keystore, path) as again:
        assert again.names("share") == ["a", "c"]
        assert again.notes("note") == {"a": b"1"}


def test_a_long_batch_touches_the_file_only_at_its_end(keystore: Keystore, path: Path) -> None:
    before = path.read_bytes()
    with keystore.batch():
        for number in range(40):  # twice SQLite's cache
            keystore.put("share", str(number), bytes(100_000))
        assert path.read_bytes() == before
    assert path.stat().st_size > 4_000_000
    assert len(reopened(keystore, path).names("share")) == 40


def test_change_passphrase(keystore: Keystore, path: Path) -> None:
    keystore.put("share", "a", b"1")
    raw = path.read_bytes()
    keystore.change_passphrase(b"other", cost=Cost(2, 16))
    keystore.put("share", "b", b"2")
    keystore.close()
    with pytest.raises(WrongPassphraseError, match="passphrase is wrong"):
        Keystore.open(path, PASSPHRASE)
    with Keystore.open(path, b"other") as again:
        assert again.names("share") == ["a", "b"]
        assert again.get("share", "a") == b"1"
        with pytest.raises(UsageError, match="empty"):
            again.change_passphrase(b"")
    path.write_bytes(raw)
    with Keystore.open(path, PASSPHRASE) as old:
        assert old.names("share") == ["a"]


LABELS = st.sampled_from(["a", "b", "c"])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), LABELS, st.binary(max_size=60), st.booleans()),
        st.tuples(st.just("note"), LABELS, st.binary(max_size=60), st.booleans()),
        st.tuples(st.just("delete"), LABELS),
        st.tuples(st.just("answer"), LABELS, st.sampled_from([b"1" * 32, b"2" * 32]), st.binary(max_size=9)),
        st.tuples(st.just("reopen")),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_behaves_as_dictionaries_do(operations: list[tuple[object, ...]], memory_path: Path) -> None:
    path = memory_path / "model"
    path.unlink(missing_ok=True)
    Keystore.create(path, PASSPHRASE, "m", seeded(4), cost=Cost.TEST)
    keystore = Keystore.open(path, PASSPHRASE, seeded(5))
    secrets: dict[str, bytes] = {}
    notes: dict[str, bytes] = {}
    answers: dict[str, tuple[bytes, bytes]] = {}
    for operation in operations:
        try:
            match operation:
                case ("put", str(name), bytes(value), bool(replace)):
                    may = name not in answers and (replace or name not in secrets)
                    keystore.put("k", name, value, replace=replace)
                    secrets[name] = value
                case ("note", str(name), bytes(value), bool(replace)):
                    may = replace or name not in notes
                    keystore.note("k", name, value, replace=replace)
                    notes[name] = value
                case ("delete", str(name)):
                    may = name in secrets
                    keystore.delete("k", name)
                    del secrets[name]
                case ("answer", str(name), bytes(digest), bytes(value)):
                    may = name in secrets or answers.get(name, (b"",))[0] == digest
                    got = keystore.answer_once("k", name, digest, lambda _secret, value=value: value)  # type: ignore[misc]
                    secrets.pop(name, None)
                    answers.setdefault(name, (digest, value))
                    assert answers[name] == (digest, got)
                case _:
                    may = True
                    keystore.close()
                    keystore = Keystore.open(path, PASSPHRASE, seeded(6))
        except KeyquorumError:
            assert not may
        else:
            assert may
        assert keystore.names("k") == sorted(secrets)
        assert keystore.used("k") == sorted(answers)
        assert {name: keystore.get("k", name) for name in secrets} == secrets
        assert keystore.notes("k") == notes
    keystore.close()
