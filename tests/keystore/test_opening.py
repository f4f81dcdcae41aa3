"""Opening, locking, and what ends the use of an open keystore."""

import errno
import fcntl
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from keyquorum.errors import (
    DamagedKeystoreError,
    KeyquorumError,
    KeystoreBusyError,
    KeystoreError,
    StorageError,
    UsageError,
)
from keyquorum.keystore import Cost, Keystore
from tests.keystore.conftest import PASSPHRASE, reopened
from tests.keystore.seeded import seeded


def test_damage_while_it_is_open(keystore: Keystore, path: Path) -> None:
    keystore.put("share", "a", b"1")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET sealed = zeroblob(50)")
    connection.commit()
    connection.close()
    with pytest.raises(DamagedKeystoreError, match="share/a is damaged"):
        keystore.get("share", "a")


def test_another_file_takes_its_place_while_it_is_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = path.with_name("new")
    Keystore.create(new, PASSPHRASE, "the new one", seeded(2), cost=Cost.TEST)
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if new.exists():
            new.replace(path)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(KeystoreBusyError):
        Keystore.open(path, PASSPHRASE)
    with Keystore.open(path, PASSPHRASE) as keystore:
        assert keystore.owner == "the new one"


def test_locks_are_not_to_be_had(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with pytest.raises(StorageError, match="No locks available"):
            Keystore.open(path, PASSPHRASE)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    Keystore.open(path, PASSPHRASE).close()


def test_sqlite_cannot_open_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqlite3.connect

    def connect(_uri: str, **options: object) -> sqlite3.Connection:
        return real("file:/nowhere/at/all?mode=rw", **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(StorageError, match="unable to open"):
        Keystore.open(path, PASSPHRASE)


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
    with pytest.raises(KeystoreBusyError):
        Keystore.open(path, PASSPHRASE, wait=0.1)
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
