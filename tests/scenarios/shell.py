"""Bash, in which ``keyquorum`` is a function that has our command run in this process: the same, but at once.

Starting an interpreter takes longer than most commands do. In pieces of script that change what a process may do, run
something in the background or set its environment, ``keyquorum`` is the program itself.
"""

import os
import re
import select
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from keyquorum.cli.app import run

PATIENCE = 60.0
"""Seconds that a command may take; far more than any does."""

_OF_ITS_OWN = re.compile(r"\b(ulimit|umask|kill|exec)\b|(^|[;&|(]|\b(do|export)\s)\s*[A-Z_\d]+=|(?<![&>])&(?![&>])")
_FUNCTION = r"""
keyquorum() {
    local place status
    place=$(mktemp -d "$ASKED/XXXXXX") && mkfifo "$place/status" || return 99
    printf '%s\0' "$PWD" "$@" > "$place/words"
    printf '%s\n' "$place" > "$ASKED/waiting"
    read -r status < "$place/status"
    cat "$place/err" >&2
    cat "$place/out"
    return "$status"
}
"""


@dataclass(frozen=True)
class Seen:
    """What came of a command; ``text`` is all that was seen, ``out`` and ``err`` by themselves where they are known."""

    status: int
    text: str
    out: str = ""
    err: str = ""


def run_here(arguments: list[str]) -> Seen:
    """Run one of our commands in this process, without a terminal."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run(arguments)
    return Seen(status, out.getvalue() + err.getvalue(), out.getvalue(), err.getvalue())


def run_in_bash(command: str) -> Seen:
    """Run a piece of script, without a terminal."""
    bash = ["bash", "-o", "pipefail", "-c"]
    if _OF_ITS_OWN.search(command) or "keyquorum" not in command:
        done = subprocess.run(
            [*bash, command],
            capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, env=environment(),
        )  # fmt: skip
        return Seen(done.returncode, done.stdout + done.stderr, done.stdout, done.stderr)
    with (
        tempfile.TemporaryDirectory() as asked,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        os.mkfifo(f"{asked}/waiting")
        waiting = os.open(f"{asked}/waiting", os.O_RDWR | os.O_NONBLOCK)
        try:
            process = subprocess.Popen(
                [*bash, _FUNCTION + command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment() | {"ASKED": asked},
            )  # fmt: skip
            try:
                _serve(process, waiting)
            finally:
                process.kill()
                process.wait()
        finally:
            os.close(waiting)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read())
    return Seen(process.returncode, said[0] + said[1], said[0], said[1])


def environment() -> dict[str, str]:
    """Give an environment in which ``keyquorum`` is ours and a terminal is a plain one."""
    bin_ = str(Path(sys.executable).parent)
    return dict(os.environ) | {"PATH": f"{bin_}:{os.environ['PATH']}", "TERM": "xterm", "COLUMNS": "100"}


def _serve(process: subprocess.Popen[bytes], waiting: int) -> None:
    """Run what ``process`` asks for until it ends."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None:
        assert time.monotonic() < end, "the piece of script takes too long"
        if select.select([waiting], [], [], 0.005)[0]:
            for place in os.read(waiting, 1 << 12).decode().splitlines():
                _answer(Path(place))


def _answer(place: Path) -> None:
    where, *words = (place / "words").read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
    before = Path.cwd()
    os.chdir(where)
    try:
        seen = run_here(words)
    finally:
        os.chdir(before)
    (place / "out").write_text(seen.out, "utf-8", "surrogateescape")
    (place / "err").write_text(seen.err, "utf-8", "surrogateescape")
    (place / "status").write_text(f"{seen.status}\n")
