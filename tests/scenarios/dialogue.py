"""A person at a terminal who looks at the screen before typing: answers depend on what was shown."""

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 120.0
CLEARED = "\x1b[2J\x1b[3J\x1b[H"
_ASKING = re.compile(rb"[^\n]: $")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Person = Callable[[str], str]
"""Told what was shown since the last answer (colours taken out); gives what is typed."""


@dataclass(frozen=True)
class Talk:
    """What came of it: the exit status, and all that the terminal was sent, colours taken out."""

    status: int
    screen: str

    @property
    def left(self) -> str:
        """What can still be seen, scrolling back included."""
        return self.screen.rsplit(CLEARED, 1)[-1]


def talk(arguments: Sequence[str], person: Person) -> Talk:
    """Run ``keyquorum`` with ``arguments`` at a terminal of its own; ``person`` answers whenever it asks."""
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        environment = dict(os.environ) | {"TERM": "xterm", "COLUMNS": "100"}
        os.execve(str(Path(sys.executable).parent / "keyquorum"), ["keyquorum", *arguments], environment)
    shown, answered = b"", 0
    end = time.monotonic() + PATIENCE
    try:
        while True:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                break
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    chunk = os.read(terminal, 1 << 16)
                except OSError:  # Linux says so at the end
                    break
                if not chunk:
                    break
                shown += chunk
            elif _ASKING.search(shown, answered):
                new = _text(shown[answered:])
                answered = len(shown)
                os.write(terminal, person(new).encode() + b"\n")
    finally:
        os.close(terminal)
        _, ended = os.waitpid(child, 0)
    return Talk(os.waitstatus_to_exitcode(ended), _text(shown))


def _text(shown: bytes) -> str:
    return _COLOURS.sub("", shown.decode("utf-8", "replace")).replace("\r\n", "\n")
