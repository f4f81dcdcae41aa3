"""A holder's secrets in one file.

Three forms of entry, each with a kind and a name: a *secret*; a *note* (history: authenticated like everything, and
sealed too, since that costs nothing); and the *answer* that a secret leaves behind when it was used for the one time
it may be. Every change is one transaction and is durable when the call returns. Opening checks a keyed digest over
all entries: nothing can be missing, added, or put back from an older copy by itself (only the whole file can be old).

Refuses to replace anything unasked, to bring back what was used, and to go on after the disk failed.

Python cannot wipe ``bytes``: what was read stays in memory until it is overwritten by chance. Let a process that has
read secrets end soon.
"""

import hmac
import secrets as system
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from keyquorum.errors import DamagedKeystoreError, KeystoreError, RefusedError, UsageError
from keyquorum.keystore.database import Database, new_database
from keyquorum.keystore.files import write_secret
from keyquorum.keystore.sealing import Cost, Header, Total, Vault, damaged, new_vault, unlock
from keyquorum.maths.randomness import Rng

_SECRET, _NOTE, _ANSWER = "secret", "note", "answer"
_HEADER, _TOTAL = 0, 1  # the parts of the table ``head``
_DIGEST = 32
_LONGEST_LABEL = 1000
_LONGEST_ENTRY = 1 << 26


class Keystore:
    """An open keystore. Use it as a context manager: it is locked until it is closed."""

    __slots__ = ("_batch", "_database", "_header", "_total", "_vault")

    def __init__(self, database: Database, header: Header, vault: Vault) -> None:
        """Not for callers: use ``Keystore.open``."""
        self._database = database
        self._header = header
        self._vault = vault
        self._batch = False
        self._total = Total()

    @staticmethod
    def create(
        path: Path,
        passphrase: bytes,
        owner: str,
        rng: Rng,
        *,
        cost: Cost = Cost.DEFAULT,
        secrets: Mapping[tuple[str, str], bytes] | None = None,
        notes: Mapping[tuple[str, str], bytes] | None = None,
    ) -> None:
        """Make a keystore file; it is there, whole and durable, or not at all.

        ``secrets`` and ``notes``, by kind and name, are in it from the beginning.

        ``owner`` is a public label. The passphrase is bytes, taken as they are: whoever asks a person for it decides
        on an encoding and normal form, always the same. Raises UsageError if the file exists, StorageError.
        """
        _check_label(owner)
        vault = new_vault(rng)
        header = vault.lock(passphrase, owner, cost)
        total = Total()
        rows = []
        for form, entries in ((_SECRET, secrets), (_NOTE, notes)):
            for (kind, name), content in (entries or {}).items():
                _check(kind, name, content)
                sealed = vault.seal(form, kind, name, content)
                total = total.plus(vault.mark(form, kind, name, sealed))
                rows.append((form, kind, name, sealed))
        write_secret(path, new_database((header.encode(), vault.seal_total(total)), rows))

    @classmethod
    def open(cls, path: Path, passphrase: bytes, rng: Rng = system.token_bytes, *, wait: float = 0.0) -> "Keystore":
        """Open a keystore, alone; check all of it.

        ``wait`` is how many seconds to wait for another process to close it. Raises WrongPassphraseError,
        DamagedKeystoreError, KeystoreBusyError, KeystoreError (permissions, version), StorageError.
        """
        database = Database(Path(path), wait)
        try:
            head: dict[int, object] = dict(database.run("SELECT part, value FROM head"))
            header = Header.decode(head.get(_HEADER), database.where)
            keystore = cls(database, header, unlock(header, passphrase, rng, database.where))
            keystore._verify(head.get(_TOTAL))
        except BaseException:
            database.close()
            raise
        return keystore

    def __enter__(self) -> "Keystore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Keystore>"

    def close(self) -> None:
        """Close and unlock; may be called again."""
        self._database.close()

    @property
    def owner(self) -> str:
        """The public label given at creation."""
        return self._header.owner

    @property
    def keystore_id(self) -> bytes:
        """16 random bytes that name this keystore, and all copies of it."""
        return self._header.keystore_id

    def put(self, kind: str, name: str, secret: bytes, *, replace: bool = False) -> None:
        """Store a secret. Raises KeystoreError if there is one already (unless ``replace``), or one that was used."""
        _check(kind, name, secret)
        with self._change():
            self._refuse_used(kind, name)
            self._store(_SECRET, kind, name, secret, replace=replace)

    def get(self, kind: str, name: str) -> bytes:
        """Give a secret; raises KeystoreError if there is none."""
        found = self._read(_SECRET, kind, name)
        if found is None:
            self._refuse_used(kind, name)
            raise KeystoreError(f"there is no secret {kind}/{name} in this keystore", where=self._database.where)
        return found

    def delete(self, kind: str, name: str) -> None:
        """Delete a secret; raises KeystoreError if there is none."""
        with self._change():
            self.get(kind, name)
            self._remove(_SECRET, kind, name)

    def names(self, kind: str) -> list[str]:
        """Give the names of all secrets of a kind, sorted."""
        return self._names(_SECRET, kind)

    def note(self, kind: str, name: str, value: bytes, *, replace: bool = False) -> None:
        """Store a note; raises KeystoreError if there is one already (unless ``replace``)."""
        _check(kind, name, value)
        with self._change():
            self._store(_NOTE, kind, name, value, replace=replace)

    def notes(self, kind: str) -> dict[str, bytes]:
        """Give all notes of a kind by name, sorted."""
        return {name: self._read(_NOTE, kind, name) or b"" for name in self._names(_NOTE, kind)}

    def answer_once(self, kind: str, name: str, digest: bytes, make: Callable[[bytes], bytes]) -> bytes:
        """Use a secret for the only time: ``answer_all`` for one."""
        return self.answer_all(kind, [(name, digest)], lambda secrets: [make(secrets[0][1])])[0]

    def answer_all(
        self,
        kind: str,
        uses: Sequence[tuple[str, bytes]],
        make: Callable[[Sequence[tuple[int, bytes]]], Sequence[bytes]],
    ) -> list[bytes]:
        """Use secrets for the only time: give what ``make`` makes of them once it durably stands in their place.

        ``uses`` are pairs of name and digest (32 bytes), the digest over everything the answer depends on; ``make``
        gets the secrets to be used, each with its position in ``uses``. A secret that was used under the same digest
        gives the stored bytes, and ``make`` never sees it. With another digest RefusedError is raised, and none is
        used. Raises KeystoreError if there never was such a secret, StorageError if the answers could not be stored:
        then they must not, and cannot, leave.
        """
        if any(len(digest) != _DIGEST for _, digest in uses):
            raise UsageError(f"a digest has not {_DIGEST} bytes")
        if len({name for name, _ in uses}) != len(uses):
            raise UsageError("a secret stands twice among those to be used")
        if self._batch:
            raise UsageError("an answer leaves only when it is stored; inside a batch it would not be yet")
        answers = {at: stored for at, use in enumerate(uses) if (stored := self._stored(kind, *use)) is not None}
        secrets = [(at, self.get(kind, name)) for at, (name, _) in enumerate(uses) if at not in answers]
        if not secrets:
            return [answers[at] for at in range(len(uses))]
        made = make(secrets)
        with self._change():
            for (at, _), answer in zip(secrets, made, strict=True):
                name, digest = uses[at]
                self.get(kind, name)  # ``make`` may have used it up behind our back
                self._remove(_SECRET, kind, name)
                self._store(_ANSWER, kind, name, digest + answer, replace=False)
                answers[at] = answer
        return [answers[at] for at in range(len(uses))]

    def used(self, kind: str) -> list[str]:
        """Give the names of all secrets of a kind that were used and have left an answer, sorted."""
        return self._names(_ANSWER, kind)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make all changes in the block one transaction, durable when the block ends; an exception undoes them all."""
        if self._batch:
            raise UsageError("a batch is open already")
        with self._change():
            self._batch = True
            try:
                yield
            finally:
                self._batch = False

    def change_passphrase(self, passphrase: bytes, *, cost: Cost | None = None) -> None:
        """Wrap the data key under another passphrase (and cost, if given).

        Copies of the file made before still open with the old one, and hold the same data key.
        """
        header = self._vault.lock(passphrase, self.owner, cost or self._header.cost)
        with self._change():
            self._database.run("UPDATE head SET value = ? WHERE part = ?", header.encode(), _HEADER)
        self._header = header

    def _verify(self, sealed_total: object) -> None:
        """Compare the digest over all entries; name the entry that is damaged, where one is."""
        where = self._database.where
        expected = self._vault.unseal_total(sealed_total, where)
        rows = self._database.run("SELECT form, kind, name, sealed FROM entry")
        for form, kind, name, sealed in rows:
            if not (isinstance(form, str) and isinstance(kind, str) and isinstance(name, str)):
                raise damaged("an entry has no proper name", where)
            if not isinstance(sealed, bytes):
                raise damaged(f"the {form} {kind}/{name} is damaged", where)
            self._total = self._total.plus(self._vault.mark(form, kind, name, sealed))
        if self._total == expected:
            return
        try:
            for row in rows:
                self._vault.unseal(*row)
        except DamagedKeystoreError as error:
            raise damaged(error.what, where) from None
        raise damaged("an entry is missing, or was put back from an older copy", where)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction, unless a batch is one already."""
        if self._batch:
            yield
            return
        before = self._total
        try:
            self._database.begin()
            yield
            self._database.run("UPDATE head SET value = ? WHERE part = ?", self._vault.seal_total(self._total), _TOTAL)
        except BaseException:
            self._total = before
            self._database.rollback()
            raise
        self._database.commit()

    def _store(self, form: str, kind: str, name: str, content: bytes, *, replace: bool) -> None:
        if self._sealed(form, kind, name) is not None:
            if not replace:
                raise KeystoreError(
                    f"there is a {form} {kind}/{name} in this keystore already, and it is not replaced",
                    where=self._database.where,
                )
            self._remove(form, kind, name)
        sealed = self._vault.seal(form, kind, name, content)
        self._database.run("INSERT INTO entry VALUES (?, ?, ?, ?)", form, kind, name, sealed)
        self._total = self._total.plus(self._vault.mark(form, kind, name, sealed))

    def _remove(self, form: str, kind: str, name: str) -> None:
        statement = "DELETE FROM entry WHERE form = ? AND kind = ? AND name = ? RETURNING sealed"
        for (sealed,) in self._database.run(statement, form, kind, name):
            self._total = self._total.minus(self._vault.mark(form, kind, name, sealed))

    def _sealed(self, form: str, kind: str, name: str) -> bytes | None:
        rows = self._database.run("SELECT sealed FROM entry WHERE form = ? AND kind = ? AND name = ?", form, kind, name)
        return rows[0][0] if rows else None

    def _read(self, form: str, kind: str, name: str) -> bytes | None:
        _check(kind, name)
        sealed = self._sealed(form, kind, name)
        if sealed is None:
            return None
        try:
            return self._vault.unseal(form, kind, name, sealed)
        except DamagedKeystoreError as error:
            raise damaged(error.what, self._database.where) from None

    def _stored(self, kind: str, name: str, digest: bytes) -> bytes | None:
        """Give the answer that a secret left, None if it was not used; RefusedError if it was for something else."""
        stored = self._read(_ANSWER, kind, name)
        if stored is None:
            return None
        if hmac.compare_digest(stored[:_DIGEST], digest):
            return stored[_DIGEST:]
        raise RefusedError(
            f"{kind}/{name} was used already, for something else; a second answer would give the secret away",
            where=self._database.where,
            do="Have the request made anew with material that was not used.",
        )

    def _names(self, form: str, kind: str) -> list[str]:
        rows = self._database.run("SELECT name FROM entry WHERE form = ? AND kind = ? ORDER BY name", form, kind)
        return [name for (name,) in rows]

    def _refuse_used(self, kind: str, name: str) -> None:
        if self._sealed(_ANSWER, kind, name) is not None:
            raise KeystoreError(
                f"{kind}/{name} was used, once and for all, and only its answer is left", where=self._database.where
            )


def _check(kind: str, name: str, content: bytes = b"") -> None:
    _check_label(kind)
    _check_label(name)
    if len(content) > _LONGEST_ENTRY:
        raise UsageError(f"an entry has at most {_LONGEST_ENTRY >> 20} MiB")


def _check_label(label: str) -> None:
    try:
        length = len(label.encode())
    except UnicodeEncodeError:
        length = 0
    if not 1 <= length <= _LONGEST_LABEL or "\0" in label:
        raise UsageError(f"owners, kinds and names are texts of 1 to {_LONGEST_LABEL} bytes")
