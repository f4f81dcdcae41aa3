"""kill -9 at random moments, on a real file system."""

import os
import random
import signal
import time
from io import BytesIO
from pathlib import Path

from keyquorum.archive.store import CHAIN, Archive, adding
from tests.archive.scenario import ksr, sha256

KILLS = 25


def work(path: Path, round_number: int, pipe: int) -> None:
    """Add without end; say through the pipe what has been acknowledged."""
    number = 0
    while True:
        with adding(path) as adder:
            for _ in range(3):
                file = ksr(f"{round_number}-{number}", number % 300 + 1)
                adder.add(BytesIO(file), "a file", 1)
                os.write(pipe, f"{sha256(file)}\n".encode())
                number += 1


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(5)
    path = tmp_path / "archive"
    Archive.begin(path, 1, os.urandom)
    acknowledged: list[str] = []
    unfinished = 0
    for round_number in range(KILLS):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                work(path, round_number, write)
            finally:
                os._exit(1)
        os.close(write)
        said = os.read(read, 1 << 16)  # it has begun
        time.sleep(chance.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        while more := os.read(read, 1 << 16):
            said += more
        os.close(read)
        acknowledged += said.decode().split()
        archive = Archive.open(path)
        unfinished += bool(archive.chain.unfinished)
        there = [entry.sha256.hex() for entry in archive.entries]
        assert [one for one in acknowledged if one not in set(there)] == []
        # Added, but killed before it said so: one at most in each round.
        assert len(there) - len(acknowledged) <= round_number + 1
        assert len(set(there)) == len(there)
    checked = Archive.open(path).check(lambda _: None)
    assert (checked.faults, checked.unread) == ((), ())
    assert len(acknowledged) >= KILLS
    assert sorted(one.name for one in path.iterdir()) == [CHAIN, "files"]
    print(f"{len(acknowledged)} added, {unfinished} times an unfinished entry was left")
