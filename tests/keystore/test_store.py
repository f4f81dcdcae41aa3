"""What a keystore keeps, gives and refuses."""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyquorum.errors import (
    DamagedKeystoreError,
    KeyquorumError,
    KeystoreBusyError,
    KeystoreError,
    RefusedError,
    StorageError,
    UsageError,
    WrongPassphraseError,
)
from keyquorum.keystore import Cost, Keystore
from tests.keystore.seeded import seeded

PASSPHRASE = b"correct horse"
DIGEST = b"d" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "alice.keystore"
    Keystore.create(path, PASSPHRASE, "alice", seeded(1), cost=Cost.TEST)
    return path


@pytest.fixture
def keystore(path: Path) -> Iterator[Keystore]:
    with Keystore.open(path, PASSPHRASE) as keystore:
        yield keystore


def reopened(keystore: Keystore, path: Path) -> Keystore:
    keystore.close()
    return Keystore.open(path, PASSPHRASE)


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


def test_an_answer_is_given_once(keystore: Keystore, path: Path) -> None:
    keystore.put("nonce", "7", b"secret nonce")
    asked = []

    def make(secret: bytes) -> bytes:
        asked.append(secret)
        return b"answer"

    assert keystore.answer_once("nonce", "7", DIGEST, make) == b"answer"
    for _ in range(2):
        assert keystore.answer_once("nonce", "7", DIGEST, make) == b"answer"
        with pytest.raises(RefusedError, match="something else"):
            keystore.answer_once("nonce", "7", b"e" * 32, make)
        assert asked == [b"secret nonce"]
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.get("nonce", "7")
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.put("nonce", "7", b"again", replace=True)
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.delete("nonce", "7")
        assert (keystore.names("nonce"), keystore.used("nonce")) == ([], ["7"])
        keystore = reopened(keystore, path)
    keystore.close()


def test_an_answer_needs_a_secret_and_a_digest(keystore: Keystore) -> None:
    with pytest.raises(KeystoreError, match="no secret"):
        keystore.answer_once("nonce", "7", DIGEST, bytes)
    keystore.put("nonce", "7", b"x")
    with pytest.raises(UsageError, match="not 32"):
        keystore.answer_once("nonce", "7", b"short", bytes)
    with pytest.raises(ZeroDivisionError):
        keystore.answer_once("nonce", "7", DIGEST, lambda _secret: bytes(1 // 0))
    assert keystore.get("nonce", "7") == b"x"


def test_an_answer_made_while_another_is_made_is_not_given(keystore: Keystore) -> None:
    keystore.put("nonce", "7", b"x")

    def greedy(_secret: bytes) -> bytes:
        keystore.answer_once("nonce", "7", b"e" * 32, lambda _secret: b"first")
        return b"second"

    with pytest.raises(KeystoreError, match="once and for all"):
        keystore.answer_once("nonce", "7", DIGEST, greedy)
    assert keystore.answer_once("nonce", "7", b"e" * 32, bytes) == b"first"


def test_closed(keystore: Keystore) -> None:
    keystore.close()
    keystore.close()
    for call in (lambda: keystore.get("a", "b"), lambda: keystore.put("a", "b", b""), lambda: keystore.names("a")):
        with pytest.raises(UsageError, match="closed"):
            call()


def test_another_thread_is_refused(keystore: Keystore) -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            keystore.names("a")
        except KeyquorumError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [type(error) for error in raised] == [UsageError]
    assert keystore.names("a") == []


def test_locked_in_this_process(keystore: Keystore, path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    for other in (path, link):
        with pytest.raises(KeystoreBusyError):
            Keystore.open(other, PASSPHRASE)
    keystore.put("a", "b", b"still")
    keystore.close()
    with Keystore.open(link, PASSPHRASE) as again:
        assert again.get("a", "b") == b"still"
        again.put("a", "c", b"through the link")
    assert sorted(path.parent.iterdir()) == [path, link]


def in_child(work: object) -> int:
    """Run ``work`` in a forked child; give its exit status: what it returns, or 99."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            assert callable(work)
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_locked_for_another_process(keystore: Keystore, path: Path) -> None:
    def other() -> int:
        with pytest.raises(KeystoreBusyError):
            Keystore.open(path, PASSPHRASE)
        with pytest.raises(KeystoreBusyError):
            Keystore.open(path, PASSPHRASE, wait=0.1)
        with pytest.raises(UsageError, match="only by the process"):
            keystore.put("a", "b", b"from a fork")
        keystore.close()
        return 0

    with keystore.batch():
        keystore.put("a", "b", b"mine")
        assert in_child(other) == 0
    assert keystore.get("a", "b") == b"mine"
    with pytest.raises(KeystoreBusyError):
        Keystore.open(path, PASSPHRASE)


def test_the_lock_goes_though_a_forked_child_lives(keystore: Keystore, path: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    keystore.close()
    Keystore.open(path, PASSPHRASE).close()
    os.close(write)
    os.waitpid(child, 0)


def test_waits_for_the_lock(keystore: Keystore, path: Path) -> None:
    def other() -> int:
        with Keystore.open(path, PASSPHRASE, wait=10) as again:
            again.put("a", "b", b"x")
        return 7

    child = os.fork()
    if child == 0:
        os._exit(other())
    time.sleep(0.1)
    keystore.close()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    with Keystore.open(path, PASSPHRASE) as again:
        assert again.names("a") == ["b"]


def test_sqlite_itself_is_kept_out_of_a_change(keystore: Keystore, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(KeystoreBusyError):
        keystore.put("a", "b", b"x")
    other.rollback()
    other.close()
    keystore.put("a", "b", b"x")


def test_refuses_what_is_no_private_file(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(KeystoreError, match="chmod 600"):
        Keystore.open(path, PASSPHRASE)
    path.chmod(0o400)
    Keystore.open(path, PASSPHRASE).close() if os.geteuid() == 0 else None
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(KeystoreError, match="ordinary"):
        Keystore.open(fifo, PASSPHRASE)
    with pytest.raises(StorageError, match="Is a directory"):
        Keystore.open(tmp_path, PASSPHRASE)
    with pytest.raises(StorageError, match="No such file"):
        Keystore.open(tmp_path / "none", PASSPHRASE)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("at", range(1, 4))
def test_after_a_failed_sync_it_is_of_no_use(
    at: int, keystore: Keystore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fsync(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    if at == 3:
        keystore.put("share", "zero", b"0")
    with pytest.raises(StorageError, match="Input/output error"):
        keystore.put("share", "a", b"1")
    for call in (lambda: keystore.names("share"), lambda: keystore.put("share", "b", b"2")):
        with pytest.raises(StorageError, match=r"closed after a failure.*Open it again"):
            call()
    with pytest.raises(KeystoreBusyError):
        Keystore.open(path, PASSPHRASE)
    with reopened(keystore, path) as again:
        again.put("share", "b", b"2")
        assert "b" in again.names("share")


def test_open_fails_when_its_sync_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError):
            Keystore.open(path, PASSPHRASE)
    Keystore.open(path, PASSPHRASE).close()


def test_a_cold_journal_is_cleared_away(path: Path) -> None:
    journal = path.with_name("alice.keystore-journal")
    journal.write_bytes(bytes(512))
    Keystore.open(path, PASSPHRASE).close()
    assert list(path.parent.iterdir()) == [path]
    journal.mkdir()
    with pytest.raises((StorageError, DamagedKeystoreError)):
        Keystore.open(path, PASSPHRASE)


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
