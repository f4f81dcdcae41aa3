"""Runs in a child process on the watched disk (disk.c): works with a keystore and with files, and says what it does.

Marks: ``may STATE`` before a step (from now on this state is allowed, too), ``is STATE`` when a step has returned or
its result was seen (from now on only this one). After a failure of the disk it does what a person does: opens the
keystore again, looks, and repeats the step if it was not done.

    python -m tests.keystore.scenario LIBRARY OUT JOB     JOB: {"name": ..., "runs": [[kind, at, lasting, drop], ...]}
"""

import ctypes
import hashlib
import itertools
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from keyquorum.errors import StorageError, WrongPassphraseError
from keyquorum.keystore.files import new_file, write_public, write_secret
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.store import Keystore

State = dict[str, str]
KEYSTORE = "a.keystore"
FIRST, SECOND = "first passphrase", "second passphrase"
KINDS = ("share", "nonce", "request")
SYNC, WRITE, CREATE, UNLINK, TRUNCATE, NAME = range(6)


def digest_of(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def shown(value: bytes) -> str:
    return value.hex() if len(value) < 50 else hashlib.sha256(value).hexdigest()


def contents(keystore: Keystore) -> State:
    """Everything an open keystore holds, as far as its public functions tell."""
    state: State = {}
    for kind in KINDS:
        state |= {f"secret {kind}/{name}": shown(keystore.get(kind, name)) for name in keystore.names(kind)}
        state |= {f"note {kind}/{name}": shown(value) for name, value in keystore.notes(kind).items()}
        for name in keystore.used(kind):
            answer = keystore.answer_once(kind, name, digest_of(name), _never)
            state[f"answer {kind}/{name}"] = shown(answer)
    return state


def _never(_secret: bytes) -> bytes:
    raise AssertionError("an answer was made a second time")


def open_and_read(path: Path) -> State:
    """The state of a keystore file, whichever of the two passphrases opens it."""
    for passphrase in (FIRST, SECOND):
        try:
            with Keystore.open(path, passphrase.encode()) as keystore:
                return contents(keystore) | {"passphrase": passphrase}
        except WrongPassphraseError:
            continue
    raise AssertionError("neither passphrase opens it")


Step = Callable[[Keystore | None, State], State]
"""Does one thing to a keystore; with None for the keystore, only says what the state will be."""


def steps() -> list[Step]:
    chance = random.Random(7)
    big, counter = chance.randbytes(20_000), itertools.count()

    def put(kind: str, name: str, secret: bytes, replace: bool = False) -> Step:
        def step(keystore: Keystore | None, state: State) -> State:
            if keystore:
                keystore.put(kind, name, secret, replace=replace)
            return state | {f"secret {kind}/{name}": shown(secret)}

        return step

    def note(keystore: Keystore | None, state: State) -> State:
        if keystore:
            keystore.note("request", "one", b"answered")
        return state | {"note request/one": shown(b"answered")}

    def delete(keystore: Keystore | None, state: State) -> State:
        if keystore:
            keystore.delete("share", "big")
        return {key: value for key, value in state.items() if key != "secret share/big"}

    def batch(keystore: Keystore | None, state: State) -> State:
        if keystore:
            with keystore.batch():
                for number in range(12):
                    keystore.put("nonce", f"n{number}", bytes([number]) * 700)
                keystore.delete("share", "first")
                keystore.note("request", "two", b"prepared")
        new = {f"secret nonce/n{number}": shown(bytes([number]) * 700) for number in range(12)}
        kept = {key: value for key, value in state.items() if key != "secret share/first"}
        return kept | new | {"note request/two": shown(b"prepared")}

    def passphrase(keystore: Keystore | None, state: State) -> State:
        if keystore:
            keystore.change_passphrase(SECOND.encode())
        return state | {"passphrase": SECOND}

    def answer(name: str) -> Step:
        value = b""

        def step(keystore: Keystore | None, state: State) -> State:
            nonlocal value
            if keystore:
                got = keystore.answer_once("nonce", name, digest_of(name), lambda _secret: value)
                assert got == value
                assert keystore.answer_once("nonce", name, digest_of(name), _never) == got
            else:
                value = f"answer, attempt {next(counter)}".encode()
            kept = {key: value for key, value in state.items() if key != f"secret nonce/{name}"}
            return kept | {f"answer nonce/{name}": shown(value)}

        return step

    return [
        put("share", "first", b"one"), put("share", "big", big), note, put("share", "big", big[::-1], replace=True),
        batch, answer("n3"), passphrase, delete, answer("n4"), put("share", "last", b"last"),
    ]  # fmt: skip


class Watched:
    """The disk, as the scenario sees it."""

    def __init__(self, library: Path) -> None:
        self._calls = ctypes.CDLL(str(library))

    def start(self, directory: Path, record: Path, kind: int, at: int, lasting: int, drop: int) -> None:
        self._calls.disk_start(os.fsencode(directory), os.fsencode(record))
        self._calls.disk_drop(drop)
        if at:
            self._calls.disk_fail(kind, at, lasting)

    def heal(self) -> None:
        self._calls.disk_heal()

    def mark(self, word: str, state: State | None) -> None:
        self.say(f"{word} {json.dumps(state)}")

    def say(self, text: str) -> None:
        self._calls.disk_mark(text.encode())

    def drop(self, syncs: int) -> None:
        self._calls.disk_drop(syncs)

    def fail(self, kind: int, after: int) -> None:
        """Let the call of a kind fail that comes after so many more."""
        self._calls.disk_fail(kind, self._calls.disk_count(kind) + after, 0)

    def counts(self) -> list[int]:
        return [self._calls.disk_count(kind) for kind in range(6)]


def run_keystore(disk: Watched, directory: Path) -> int:
    """All steps; gives how many failures of the disk there were."""
    path, failures = directory / KEYSTORE, 0
    state: State = {"secret share/born": shown(b"born"), "passphrase": FIRST}
    disk.mark("is", None)
    disk.mark("may", state)
    while True:
        try:
            Keystore.create(
                path, FIRST.encode(), "alice", os.urandom, cost=Cost.TEST, secrets={("share", "born"): b"born"}
            )
            break
        except StorageError:
            failures += 1
            disk.heal()
    disk.mark("is", state)
    todo = steps()
    while todo:
        new = state
        try:
            with Keystore.open(path, state["passphrase"].encode()) as keystore:
                while todo:
                    new = todo[0](None, state)
                    disk.mark("may", new)
                    todo[0](keystore, state)
                    state = new
                    disk.mark("is", state)
                    del todo[0]
        except StorageError:
            failures += 1
            disk.heal()
            seen = open_and_read(path)
            assert seen in (state, new), f"neither old nor new: {seen}"
            if seen == new != state:
                del todo[0]
            state = seen
            disk.mark("is", state)
    return failures


def run_files(disk: Watched, directory: Path) -> int:
    """Secrets, public files, replaced ones and streamed ones; after a failure, again."""
    failures, state = 0, dict[str, str]()
    big = random.Random(8).randbytes(9_000)

    def stream() -> None:
        with new_file(directory / "stream") as out:
            for at in range(0, len(big), 1_000):
                out.write(big[at : at + 1_000])

    jobs: list[tuple[str, bytes, Callable[[], None]]] = [
        ("secret", b"secret", lambda: write_secret(directory / "secret", b"secret")),
        ("public", b"old", lambda: write_public(directory / "public", b"old")),
        ("stream", big, stream),
        ("public", big, lambda: write_public(directory / "public", [big[:5_000], big[5_000:]], overwrite=True)),
        ("public", b"new", lambda: write_public(directory / "public", b"new", overwrite=True)),
    ]
    disk.mark("is", state)
    for name, content, job in jobs:
        disk.mark("may", state | {name: shown(content)})
        while True:
            try:
                job()
                break
            except StorageError:
                failures += 1
                disk.heal()
                # What was there is there, and nothing half made.
                found = {path.name: shown(path.read_bytes()) for path in directory.iterdir()}
                assert found in (state, state | {name: shown(content)}), sorted(found)
        state = state | {name: shown(content)}
        disk.mark("is", state)
    return failures


def main() -> None:
    library, out, job = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    disk = Watched(library)
    run = {"keystore": run_keystore, "files": run_files}[job["name"]]
    results = []
    for number, (kind, at, lasting, drop) in enumerate(job["runs"]):
        directory, record = out / f"run-{number}", out / f"record-{number}"
        directory.mkdir()
        disk.start(directory, record, kind, at, lasting, drop)
        try:
            failures = run(disk, directory)
        except Exception as error:
            raise AssertionError(f"run {number} {(kind, at, lasting, drop)}") from error
        results.append({"failures": failures, "counts": disk.counts()})
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
