"""The checker over everything a process writes finds each way of leaking, and says where it cannot see."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.leaks import HARMLESS, START, UNSEEN, WAYS
from tests.scenarios.written import Answers, Kill, Written, watch

SECRET = hashlib.sha256(b"what leaks").digest()
SECRETS = {"it": SECRET}
KEK = hashlib.sha256(b"kek").digest()


@pytest.fixture
def memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A directory that is on no tmpfs; /tmp often is."""
    said = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True)
    if said.stdout.strip() == "tmpfs":
        pytest.skip("everything here is in memory")
    return tmp_path


def leak(
    code: str,
    disk: Path,
    memory: Path,
    *,
    kill: Kill | None = None,
    answers: Answers | None = None,
    patience: float = 60,
) -> Written:
    command: list[str | Path] = [sys.executable, "-c", START + code, memory]
    return watch(command, cwd=disk, kill=kill, answers=answers, patience=patience)


@pytest.mark.parametrize("way", WAYS)
def test_a_leak_is_found(way: str, disk: Path, memory: Path) -> None:
    written = leak(WAYS[way], disk, memory)
    with pytest.raises(AssertionError, match=r"^it: "):
        written.assert_nothing_of(SECRETS)
    written.assert_nothing_of({"another": KEK})


@pytest.mark.parametrize("way", UNSEEN)
def test_what_cannot_be_seen_is_a_failure(way: str, disk: Path, memory: Path) -> None:
    with pytest.raises(AssertionError, match=r"^unseen: "):
        leak(UNSEEN[way], disk, memory).assert_nothing_of({})


@pytest.mark.parametrize("way", HARMLESS)
def test_what_is_harmless_passes(way: str, disk: Path, memory: Path) -> None:
    written = leak(HARMLESS[way], disk, memory)
    assert written.status == 0, written.shown
    written.assert_nothing_of(SECRETS)


def test_a_short_secret_is_looked_for_as_it_is(disk: Path, memory: Path) -> None:
    written = leak("subprocess.run(['true', '--pin', '73219']); print(len('73219'))", disk, memory)
    with pytest.raises(AssertionError, match="the PIN: in the arguments of true"):
        written.assert_nothing_of({"the PIN": b"73219"})


def test_exceptions(disk: Path, memory: Path) -> None:
    (disk / "token").mkdir()
    written = leak("put(secret, 'token/object'); print(secret.hex())", disk, memory)
    with pytest.raises(AssertionError, match=r"token/object \(disk\)"):
        written.assert_nothing_of(SECRETS, may_show=True)
    with pytest.raises(AssertionError, match=r"\(output\)"):
        written.assert_nothing_of(SECRETS, except_under=[disk / "token"])
    with pytest.raises(AssertionError, match=r"token/object"):
        written.assert_nothing_of(SECRETS, except_under=[disk / "tok"], may_show=True)
    written.assert_nothing_of(SECRETS, except_under=[disk / "token"], may_show=True)


def test_what_was_written_is_reported(disk: Path, memory: Path) -> None:
    written = leak("put(b'one'); put(b'two'); (memory / 'm').touch(); print('said')", disk, memory)
    assert written.status == 0
    assert written.files[str(disk / "out")].data == b"onetwo"
    assert written.on("disk") == [str(disk / "out")]
    assert written.on("memory") == [str(memory / "m")]
    assert written.output == written.shown == b"said\n"
    assert written.programs[0].arguments[0] == sys.executable.encode()


def test_killed_before_a_call(disk: Path, memory: Path) -> None:
    """At each write in turn: none of it, or whole pieces."""
    code = "[put(bytes([65 + one]) * 10) for one in range(5)]"
    whole = leak(code, disk, memory)
    (disk / "out").unlink()
    assert whole.calls["write"] == 5
    for number in range(1, 6):
        killed = leak(code, disk, memory, kill=("write", number))
        assert killed.status == -9
        assert (disk / "out").read_bytes() == b"".join(bytes([65 + one]) * 10 for one in range(number - 1))
        (disk / "out").unlink()


def test_killed_before_a_name_is_given(disk: Path, memory: Path) -> None:
    killed = leak("put(secret, 'a'); os.rename('a', 'b')", disk, memory, kill=("rename", 1))
    assert killed.status == -9
    assert (disk / "a").exists()
    with pytest.raises(AssertionError, match="it: written"):
        killed.assert_nothing_of(SECRETS)


def test_killed_after_a_time(disk: Path, memory: Path) -> None:
    code = "put(b'begun'); print('x', flush=True); import time; time.sleep(30); put(b'ended')"
    killed = leak(code, disk, memory, kill=1.0)
    assert killed.status == -9
    assert (disk / "out").read_bytes() == b"begun"


def test_answers_are_typed(disk: Path, memory: Path) -> None:
    code = "import getpass; put(input('Name: ').encode()); put(getpass.getpass('PIN: ').encode()); print('done')"
    written = leak(code, disk, memory, answers=["joe", "1234"])
    assert (disk / "out").read_bytes() == b"joe1234"
    assert written.status == 0
    assert b"1234" not in written.shown
    assert b"joe" in written.shown
    assert b"joe" not in written.output, "what a terminal echoes was not written by anybody"
    assert b"done\n" in written.output
    seen: list[str] = []

    def answer(shown: str) -> str:
        seen.append(shown)
        return str(len(seen))

    leak(code, disk, memory, answers=answer)
    assert (disk / "out").read_bytes().endswith(b"12")
    assert [one.split("\n")[-1] for one in seen] == ["Name: ", "PIN: "]
    with pytest.raises(AssertionError, match="never asked for"):
        leak("input('Name: ')", disk, memory, answers=["a", "b"])


def test_what_does_not_end(disk: Path, memory: Path) -> None:
    with pytest.raises(TimeoutError, match="still here"):
        leak("print('still here', flush=True); import time; time.sleep(60)", disk, memory, patience=2)


def test_what_is_read_from_standard_input(disk: Path) -> None:
    written = watch(["tee", "copy"], cwd=disk, stdin=b"x" * 300_000)
    assert written.files[str(disk / "copy")].data == b"x" * 300_000
    assert written.output == written.shown


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_process_that_is_not_dumpable_is_seen(disk: Path, memory: Path) -> None:
    lock = "from keyquorum.machine.memory import lock_memory; lock_memory();"
    with pytest.raises(AssertionError, match=r"^it: written to .*/out"):
        leak(f"{lock} put(secret)", disk, memory).assert_nothing_of(SECRETS)


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(AssertionError, match=r"strace did not run it|No such file"):
        watch(["/nowhere/at/all"])
