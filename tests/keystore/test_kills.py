"""kill -9 at random moments, on a real file system."""

import os
import random
import signal
import time
from pathlib import Path

from keyquorum.keystore import Cost, Keystore
from tests.keystore.seeded import seeded

PASSPHRASE = b"p"
KILLS = 30


def work(path: Path, round_number: int, pipe: int) -> None:
    """Change the keystore without end; say through the pipe what has been acknowledged."""
    with Keystore.open(path, PASSPHRASE) as keystore:
        number = 0
        while True:
            name = f"{round_number}-{number}"
            keystore.put("nonce", name, bytes(number % 9000))
            with keystore.batch():
                keystore.note("request", name, b"1")
                keystore.note("request", name + "'", b"2")
            answer = keystore.answer_once("nonce", name, name.encode().ljust(32), lambda _secret: os.urandom(8))
            os.write(pipe, f"{name} {answer.hex()}\n".encode())
            number += 1


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(5)
    path = tmp_path / "k"
    Keystore.create(path, PASSPHRASE, "alice", seeded(1), cost=Cost.TEST)
    answers: dict[str, bytes] = {}
    for round_number in range(KILLS):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                work(path, round_number, write)
            finally:
                os._exit(1)
        os.close(write)
        acknowledged = os.read(read, 1 << 16)  # it has begun
        time.sleep(chance.random() * 0.03)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        while more := os.read(read, 1 << 16):
            acknowledged += more
        os.close(read)
        for line in acknowledged.decode().splitlines():
            name, answer = line.split()
            answers[name] = bytes.fromhex(answer)
        with Keystore.open(path, PASSPHRASE) as keystore:
            notes, used = keystore.notes("request"), keystore.used("nonce")
            assert set(answers) <= set(used)
            assert len(used) - len(answers) <= round_number + 1  # stored, but killed before it said so
            assert {name for name in notes if not name.endswith("'")} == {
                name[:-1] for name in notes if name[-1] == "'"
            }
            assert not set(keystore.names("nonce")) & set(used)
            for name, given in answers.items():
                assert keystore.answer_once("nonce", name, name.encode().ljust(32), bytes) == given
    assert len(answers) >= KILLS
    assert list(tmp_path.iterdir()) == [path]


def test_killed_while_a_keystore_is_made(tmp_path: Path) -> None:
    chance = random.Random(6)
    made = 0
    for number in range(KILLS):
        path = tmp_path / str(number)
        child = os.fork()
        if child == 0:
            try:
                Keystore.create(path, PASSPHRASE, "alice", seeded(1), cost=Cost.TEST, secrets={("a", "b"): b"c"})
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.004)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if path.exists():
            made += 1
            with Keystore.open(path, PASSPHRASE) as keystore:
                assert keystore.get("a", "b") == b"c"
        left = {entry.name for entry in tmp_path.iterdir() if entry.name.startswith(f"{number}.") or entry == path}
        assert left <= {path.name, f"{number}.unfinished-1"}
    assert made < KILLS
