"""The SQLite file under a keystore: one owner at a time, and no change that is believed durable and is not.

SQLite's rollback journal makes each transaction whole or nothing. Two things are added. SQLite pays no heed when the
sync of a directory fails, so the directory is synced here, before a transaction touches the file (the journal must be
findable then) and after it (the journal must be gone). And after any failure of the disk this object is of no use any
more: the kernel reports a failed fsync once and then forgets it, so what this process sees proves nothing.

Refuses files that others may read, that are no keystores, that somebody else has open.
"""

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyquorum.errors import KeyquorumError, KeystoreBusyError, KeystoreError, StorageError, UsageError
from keyquorum.keystore.files import storage_error
from keyquorum.keystore.sealing import damaged

_SCHEMA = (
    "CREATE TABLE head (part INTEGER PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE entry (form TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, "
    "PRIMARY KEY (form, kind, name)) WITHOUT ROWID",
)
_SETTINGS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_spill = OFF",  # nothing reaches the file before COMMIT, and so before our sync of the directory
    "PRAGMA secure_delete = ON",
    "PRAGMA fullfsync = ON",
    "PRAGMA synchronous = FULL",  # EXTRA would add the sync of the directory that is done (and heeded) here
)
_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
_LOOK_AGAIN = 0.05  # seconds between two looks at a lock

Row = tuple[Any, ...]


def new_database(head: Sequence[bytes], entries: Sequence[tuple[str, str, str, bytes]]) -> bytes:
    """Give the bytes of a new database file; made in memory, so that no disk ever sees a half of it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.executemany("INSERT INTO head VALUES (?, ?)", enumerate(head))
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", entries)
        return connection.serialize()
    finally:
        connection.close()


class Database:
    """An open keystore file, locked against everybody else until ``close``."""

    def __init__(self, path: Path, wait: float) -> None:
        """Open, lock, recover from a crash, and check the structure of the file.

        ``wait`` is how many seconds to wait for the lock. Raises KeystoreError, KeystoreBusyError,
        DamagedKeystoreError, StorageError.
        """
        self.where = str(path)
        self._path = path
        self._failure = ""
        self._connection: sqlite3.Connection | None = None
        self._descriptors: list[int] = []
        self._process = os.getpid()
        try:
            self._connect(self._lock(wait))
        except OSError as error:
            self.close()
            raise storage_error(path, error) from error
        except BaseException:
            self.close()
            raise

    def run(self, statement: str, *values: object) -> list[Row]:
        """Run one statement and give its rows; raises as the constructor does, and UsageError once closed."""
        try:
            return self._live().execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._judged(error) from error
        except UnicodeDecodeError as error:  # in SQLite's own message, which quotes the damage
            raise damaged("its structure is broken", self.where) from error

    def begin(self) -> None:
        """Begin a transaction; nothing reaches the disk before ``commit``."""
        self.run("BEGIN EXCLUSIVE")

    def commit(self) -> None:
        """Make the transaction durable; when this returns it is. After any exception this object is of no use."""
        try:
            self._sync_directory()
            self.run("COMMIT")
            self._sync_directory()
        except BaseException as error:
            self._give_up(str(error) or type(error).__name__)
            raise

    def rollback(self) -> None:
        """Forget the transaction (which SQLite may have done already)."""
        if self._connection is not None and self._connection.in_transaction:
            self.run("ROLLBACK")

    def close(self) -> None:
        """Close the file and unlock it; never raises, may be called again."""
        if self._process != os.getpid():
            return  # in a forked child SQLite would undo, on disk, what the parent is doing
        self._give_up("closed")
        if self._descriptors:
            # A forked child that lives on holds copies of the descriptors; the lock has to go all the same.
            fcntl.flock(self._descriptors[0], fcntl.LOCK_UN)
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _live(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            raise UsageError("a keystore is used only by the process that opened it", where=self.where)
        if self._connection is None:
            if self._failure == "closed":
                raise UsageError("the keystore is closed", where=self.where)
            raise StorageError(
                f"the keystore was closed after a failure ({self._failure})", where=self.where, do="Open it again."
            )
        return self._connection

    def _give_up(self, why: str) -> None:
        """Let SQLite go; the lock stays until ``close``."""
        self._failure = self._failure or why
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _judged(self, error: sqlite3.DatabaseError) -> KeyquorumError:
        """Turn SQLite's error into ours; a failure of the disk ends the use of this object."""
        if isinstance(error, sqlite3.ProgrammingError):
            return UsageError(f"the keystore was used as SQLite does not allow: {error}", where=self.where)
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return self._busy()
        if code not in _DISK:
            return damaged(f"SQLite says: {error}", self.where)
        self._give_up(str(error))
        return StorageError(
            f"the disk failed ({error}); the last change is stored wholly or not at all",
            where=self.where,
            do="Make room or mend the disk, then open the keystore again and look.",
        )

    def _busy(self) -> KeystoreBusyError:
        return KeystoreBusyError(
            "somebody else has this keystore open", where=self.where, do="Wait until it is done, then try again."
        )

    def _lock(self, wait: float) -> Path:
        """Lock the file and look at what it is; gives its real path.

        flock, because a lock of this kind belongs to the open file and so also keeps out a second open in this
        process. It comes before SQLite opens the file and goes after, so SQLite's own locks never matter.
        """
        deadline = time.monotonic() + wait
        while not self._take(real := self._path.resolve(strict=True)):
            if time.monotonic() >= deadline:
                raise self._busy()
            time.sleep(_LOOK_AGAIN)
        descriptor = self._descriptors[0]
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeystoreError("this is no ordinary file", where=self.where, do="Give the name of a keystore.")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise KeystoreError(
                "others than its owner may use this keystore", where=self.where, do=f"Run: chmod 600 {self.where}"
            )
        start = os.pread(descriptor, 20, 0)
        if not start.startswith(b"SQLite format 3\0"):
            raise damaged("it is no keystore at all, or its first bytes were changed", self.where)
        if start[18:] != b"\1\1":  # else SQLite would take it for one with a write-ahead log, and make files
            raise damaged("its first bytes were changed", self.where)
        self._descriptors.append(os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return real

    def _take(self, real: Path) -> bool:
        """Try to lock the file at ``real``; false if somebody has it, or has just put another one in its place."""
        descriptor = os.open(real, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = os.path.samestat(os.fstat(descriptor), real.stat())
        except BlockingIOError:
            taken = False
        except OSError:
            os.close(descriptor)
            raise
        if taken:
            self._descriptors.append(descriptor)
        else:
            os.close(descriptor)
        return taken

    def _connect(self, real: Path) -> None:
        try:
            self._connection = sqlite3.connect(f"{real.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
        except sqlite3.DatabaseError as error:
            raise self._judged(error) from error
        for setting in _SETTINGS:
            self.run(setting)
        self.begin()  # plays back the journal of a crash
        found = self.run("SELECT sql FROM sqlite_schema ORDER BY rowid")
        if found != [(statement,) for statement in _SCHEMA]:
            raise damaged("its tables are not those of a keystore", self.where)
        report = self.run("PRAGMA integrity_check(1)")
        if report != [("ok",)]:
            raise damaged("its structure is broken", self.where)
        # A journal that SQLite leaves alone here was cut off before it mattered.
        real.with_name(f"{real.name}-journal").unlink(missing_ok=True)
        self.rollback()
        # Whatever was found here must not be undone by an older journal that comes back after a power cut.
        self._sync_directory()

    def _sync_directory(self) -> None:
        try:
            os.fsync(self._descriptors[1])
        except OSError as error:
            raise storage_error(self._path, error) from error
