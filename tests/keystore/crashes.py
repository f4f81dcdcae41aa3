"""A holder who signs, is cut off at a random moment, and is asked again: the real path from the keystore to a partial.

A *life* opens the keystore and answers questions (``tests.keystore.questions``) in some order; what it answers is
released when the partial is complete, and not before. It ends by ``kill -9``, or by a power cut that leaves what it may
(``tests.keystore.disk``); or the disk fails on the way, and the holder opens the keystore again. After some such lives
everything is asked once more. Nothing one-time may ever have answered twice differently.

Runs in a process of its own, on the watched disk, and forks one for each life:

    python -m tests.keystore.crashes LIBRARY DIRECTORY '{"seed": 1, "cuts": 500, "kills": 500, "drop": 0}'
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keyquorum.errors import DamagedKeystoreError, RefusedError, StorageError
from keyquorum.keystore.person import Person
from keyquorum.keystore.store import Keystore
from keyquorum.threshold import planned
from tests.keystore.disk import Disk, Event, Files, read_record
from tests.keystore.questions import PASSPHRASE, Ledger, pristine, questions, released
from tests.keystore.scenario import SYNC, UNLINK, WRITE, Watched

ROOT = Path(__file__).parent.parent.parent
NAME = "alice.keystore"
DAMAGED = 3
"""How a life ends that finds a damaged keystore; none may."""
LIVES = 3
"""Lives that are cut off, at most, before everything is asked once more."""
Tell = Callable[[str], None]


def live(path: Path, order: Sequence[int], batch: int, tell: Tell, heal: Callable[[], None] = lambda: None) -> None:
    """Answer questions in some order, ``batch`` messages burnt at once; ``tell`` how it went, and what is released."""
    planned._BATCH = batch
    todo = list(order)
    while todo:
        try:
            with Keystore.open(path, PASSPHRASE) as store:
                person = Person(store)
                while todo:
                    question = questions()[todo[0]]
                    try:
                        facts = released(person, question)
                    except RefusedError as error:
                        if "used already" not in error.what:
                            raise
                        tell(json.dumps({"refused": todo[0]}))
                    else:
                        tell(json.dumps({"answered": todo[0], "facts": facts}))
                    del todo[0]
        except StorageError:
            tell(json.dumps({"failed": todo[0]}))
            heal()


def campaign(library: Path, place: Path, **job: int) -> dict[str, Any]:
    """Run a campaign in a process on the watched disk; gives what it counted, and what was wrong."""
    command = [sys.executable, "-m", "tests.keystore.crashes", str(library), str(place), json.dumps(job)]
    environment = os.environ | {"LD_PRELOAD": str(library)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Campaign:
    """Episodes: some lives that are cut off, and one that is not."""

    def __init__(self, disk: Watched, place: Path, job: dict[str, int]) -> None:
        self._disk, self._place, self._drop = disk, place, job.get("drop", 0)
        self._chance = random.Random(job["seed"])
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self, moments: int, way: str) -> None:
        """Go on until so many lives were cut off ``way``: "cut" or "killed"."""
        one_life = {"cut": self._cut, "killed": self._killed}[way]
        while self.counts[way] < moments:
            files, ledger, before = {NAME: pristine(self._place)}, Ledger(), set[int]()
            try:
                for _ in range(min(self._chance.randint(1, LIVES), moments - self.counts[way])):
                    files, told = one_life(files)
                    self.counts[way] += 1
                    before |= self._heard(told, ledger)
                self._ask_everything_again(files, ledger, before)
            except DamagedKeystoreError as error:
                self.wrong.append(f"damaged: {error}")
            self.wrong += ledger.contradictions()
            self.counts["episodes"] += 1
            self.counts["one-time values released"] += len(ledger.answers)

    def _heard(self, told: Sequence[str], ledger: Ledger) -> set[int]:
        answered = set()
        for line in map(json.loads, told):
            for word in ("answered", "refused", "failed"):
                self.counts[word] += word in line
            if "answered" in line:
                answered.add(line["answered"])
                ledger.add([tuple(fact) for fact in line["facts"]])
        return answered

    def _order(self) -> list[int]:
        order = [*range(len(questions())), *range(len(questions()))]
        self._chance.shuffle(order)
        return order[: self._chance.randint(2, 8)]

    def _ask_everything_again(self, files: Files, ledger: Ledger, before: set[int]) -> None:
        """Nobody cuts this one off: what was released is given again, and each key has answered something."""
        told: list[str] = []
        order = list(range(len(questions())))
        self._chance.shuffle(order)
        live(self._put(files) / NAME, order, 64, told.append)
        answered = self._heard(told, ledger)
        self.wrong += [f"not given again: {questions()[one].name}" for one in before - answered]
        for quorum in {one.quorum.key.id: one.quorum for one in questions()}.values():
            if not any(questions()[one].quorum is quorum for one in answered):
                self.wrong.append(f"nothing can be asked of {quorum.key.id.hex()[:16]} any more")

    def _put(self, files: Files) -> Path:
        directory = self._place / "disk"
        directory.mkdir(exist_ok=True)
        for old in directory.iterdir():
            old.unlink()
        for name, content in files.items():
            _write(directory / name, content)
        return directory

    def _killed(self, files: Files) -> tuple[Files, list[str]]:
        """One life on a real file system, killed after some while."""
        directory, order, batch = self._put(files), self._order(), self._chance.choice((1, 64))
        read, write = os.pipe()
        child = _forked(lambda: live(directory / NAME, order, batch, lambda line: _say(write, line)))
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            # Somewhere within the next answer, after so many.
            told = [pipe.readline() for _ in range(self._chance.randrange(len(order)))]
            time.sleep(self._chance.random() * 0.02)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            self.counts["killed when it was done"] += os.waitstatus_to_exitcode(status) == 0
            assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
            told += pipe.readlines()
        whole = [line.decode() for line in told if line.endswith(b"\n")]
        return {path.name: path.read_bytes() for path in directory.iterdir()}, whole

    def _cut(self, files: Files) -> tuple[Files, list[str]]:
        """One life on the watched disk, on which something may fail; then the power is cut, at one of its events."""
        record, order, batch = self._place / "record", self._order(), self._chance.choice((1, 64))
        failing, after = self._chance.choice((None, None, SYNC, WRITE, UNLINK)), self._chance.randint(1, 30)
        directory = self._put({})

        def child() -> None:
            self._disk.start(directory, record, 0, 0, 0, 0)
            for name, content in files.items():
                _write(directory / name, content)
            _sync(directory)
            self._disk.drop(self._drop)
            if failing is not None:
                self._disk.fail(failing, after)
            self._disk.say("begun")
            live(directory / NAME, order, batch, self._disk.say, self._disk.heal)

        _, status = os.waitpid(_forked(child), 0)
        if os.waitstatus_to_exitcode(status) == DAMAGED:
            raise DamagedKeystoreError("found by the holder", where="a life")
        assert os.waitstatus_to_exitcode(status) == 0
        events = read_record(record)
        begun = next(at for at, event in enumerate(events) if event.a == b"begun")
        moment = self._chance.randint(begun + 1, len(events))
        # A disk that syncs nothing, and loses it all, leaves a keystore that is whole, and old.
        share = 0.0 if self._drop else self._chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        told = [event.a.decode() for event in events[begun + 1 : moment] if event.op == "M"]
        return _replayed(events[:moment]).after_power_cut(lambda: self._chance.random() < share), told


def _replayed(events: Sequence[Event]) -> Disk:
    disk = Disk()
    for event in events:
        if event.op != "M":
            disk.apply(event)
    return disk


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except DamagedKeystoreError:
        os._exit(DAMAGED)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _say(pipe: int, line: str) -> None:
    os.write(pipe, line.encode() + b"\n")


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)
    os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def refused_at_once(place: Path) -> Iterator[str]:
    """Say which questions a keystore that was asked nothing before does not answer; there must be none."""
    for number, question in enumerate(questions()):
        told: list[str] = []
        _write(place / "asked", pristine(place))
        live(place / "asked", [number], 64, told.append)
        if "answered" not in told[0]:
            yield question.name


def main() -> None:
    library, place, job = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    assert not list(refused_at_once(place))
    campaign = Campaign(Watched(library), place, job)
    campaign.run(job.get("cuts", 0), "cut")
    campaign.run(job.get("kills", 0), "killed")
    sys.stdout.write(json.dumps({"counts": campaign.counts, "wrong": campaign.wrong}))


if __name__ == "__main__":
    main()
