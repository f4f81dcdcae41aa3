"""Somebody who has the pages of an escrow, stock tools, and nothing of ours; this file imports nothing of keyquorum.

What is printed is taken out of the PDF by pdftotext, and the commands are typed as they stand, in their order, into one
session of bash at a terminal. On its PATH are the system's programs and ``shamir`` of shamir-mnemonic.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

PATIENCE = 60.0
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
ASKS = "Enter a recovery share: "
_PROMPT = "[bash] "
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TITLE = re.compile(r"(\S.*?)\s{3,}(\S.*)")
_HEX = r"((?:[0-9a-f]{4}\s)+)"


def printed(pdf: Path, *options: str) -> str:
    """Give the text of a PDF."""
    done = subprocess.run(["pdftotext", *options, str(pdf), "-"], check=True, capture_output=True, text=True)
    return done.stdout


def commands(text: str) -> list[str]:
    """Give what begins with ``$ ``, without that, and with the lines it goes on in; blanks before these are kept."""
    found: list[str] = []
    goes_on = False
    for line in text.splitlines():
        if goes_on:
            found[-1] += f"\n{line}"
        elif line.strip().startswith("$ "):
            found.append(line.strip()[2:])
        else:
            continue
        goes_on = line.endswith("\\")
    return found


@dataclass
class Step:
    """A step of the instructions: what stands beside its title."""

    lines: list[str] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        """What is to be typed."""
        return commands("\n".join(self.lines))

    def after(self, words: str) -> str:
        """Give the hexadecimal digits that are the line after the one that has ``words``."""
        found = re.search(rf"{words}.*\s+([0-9a-f]{{64}})\b", "\n".join(self.lines))
        assert found
        return found[1]


def steps(instructions: Path) -> dict[str, Step]:
    """Part the instructions at the titles in their margin."""
    found: dict[str, Step] = {}
    now = Step()
    for line in printed(instructions, "-layout").replace("\f", "").splitlines():
        if re.search(r"page \d+ of \d+", line):
            continue
        if title := _TITLE.fullmatch(line):
            now = found.setdefault(re.sub(r"\s+", " ", title[1]), Step())
            line = title[2]  # noqa: PLW2901
        now.lines.append(line)
    return found


class Terminal:
    """A session of bash, as somebody sits at it; ``typed`` is every command that was typed."""

    def __init__(self, programs: Path) -> None:
        self.typed: list[str] = []
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            modes = termios.tcgetattr(0)
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(0, termios.TCSANOW, modes)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 1000, 0, 0))
            environment = {"PATH": f"{programs}:{SYSTEM}", "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
            environment |= {"PS1": _PROMPT, "PS2": ""}
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], environment)
        self._until(_PROMPT)

    @property
    def directory(self) -> Path:
        """Where the session is."""
        return Path(f"/proc/{self._pid}/cwd").readlink()

    def type(self, command: str, answers: Sequence[str] = (), asks: str = "") -> str:
        """Type a command, and each answer when it is asked for; gives what the screen shows of it."""
        self.typed.append(command)
        self._send(command)
        shown = ""
        for answer in answers:
            shown += self._until(asks)
            self._send(answer)
        return shown + self._until(_PROMPT)

    def close(self) -> None:
        """Hang up."""
        os.close(self._terminal)
        os.waitpid(self._pid, 0)

    def _send(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def _until(self, end: str) -> str:
        shown, limit = b"", time.monotonic() + PATIENCE
        while not shown.endswith(end.encode()):
            assert time.monotonic() < limit, f"waited for {end!r} in vain; there is {shown.decode()!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                shown += os.read(self._terminal, 1 << 16)
        text = _COLOURS.sub("", shown.decode()).replace("\r\n", "\n")
        return text.removesuffix(end)


@contextmanager
def sitting_down() -> Iterator[Terminal]:
    """Give a session; what it leaves in memory is removed in the end."""
    with tempfile.TemporaryDirectory() as programs:
        shamir = shutil.which("shamir", path=str(Path(sys.executable).parent))
        assert shamir, "shamir-mnemonic is not installed with its command"
        (Path(programs) / "shamir").symlink_to(shamir)
        terminal = Terminal(Path(programs))
        left = None
        try:
            yield terminal
            left = terminal.directory
        finally:
            left = left or terminal.directory
            terminal.close()
            if left.parent == Path("/dev/shm"):
                shutil.rmtree(left)


class Outsider:
    """Follows the instructions of the pages in ``papers`` (share-N.pdf, key.pdf, instructions.pdf), step by step."""

    def __init__(self, papers: Path, terminal: Terminal) -> None:
        self.papers, self.terminal = papers, terminal
        self.steps = steps(papers / "instructions.pdf")
        self.key = printed(papers / "key.pdf", "-raw")
        self.follow("What it takes")
        self.directory = terminal.directory
        """Where the files are."""

    def step(self, beginning: str) -> Step:
        """Give the one step whose title begins so."""
        (title,) = [title for title in self.steps if title.startswith(beginning)]
        return self.steps[title]

    def follow(self, beginning: str) -> str:
        """Type all commands of the step whose title begins so; gives what the screen shows."""
        return "".join(self.terminal.type(command) for command in self.step(beginning).commands)

    def check(self, words: str) -> str:
        """Check a share whose words are typed; gives what is printed."""
        read, print_, _ = self.step("1 ").commands
        assert self.terminal.type(read, [words]) == ""
        return self.terminal.type(print_).split()[0]

    def check_picture(self, number: int) -> tuple[str, str]:
        """Check a share from a picture of its page; gives what is printed, and the words."""
        self.scan(f"share-{number}.pdf", "share", "-singlefile")
        _, print_, take = self.step("1 ").commands
        self.terminal.type(take)
        return self.terminal.type(print_).split()[0], self.terminal.type('echo "$words"').strip()

    def recover(self, shares: Sequence[str]) -> str:
        """Bring the master secret back and keep it in ``secret``; gives it."""
        start, read = self.step("2 ").commands
        shown = self.terminal.type(start, shares, ASKS)
        found = re.search(r"^Your master secret is: ([0-9a-f]{64})$", shown, re.MULTILINE)
        assert found, shown
        self.terminal.type(read, [found[1]])
        return found[1]

    def key_from_codes(self) -> None:
        """Make key.cms from pictures of the key's pages."""
        self.scan("key.pdf", "key")
        self.follow("3 From QR codes")

    def key_from_text(self) -> list[str]:
        """Make key.cms from typed text; gives what is printed for each 8 lines."""
        lines = re.findall(r"^\d{3} [A-Z2-7]{4}(?: [A-Z2-7]{1,5})+$", self.key, re.MULTILINE)
        (self.directory / "typed.txt").write_text("\n".join(lines) + "\n")
        return self.follow("3 or from text").split()

    def scan(self, page: str, name: str, *options: str) -> None:
        """Put pictures of a document's pages into the directory."""
        arguments = ["-r", "300", "-gray", *options, str(self.papers / page), str(self.directory / name)]
        subprocess.run(["pdftoppm", *arguments], check=True)
        for scan in self.directory.glob("*.pgm"):  # much quicker than pdftoppm's own PNG
            Image.open(scan).save(scan.with_suffix(".png"), compress_level=1)
            scan.unlink()

    def words(self, number: int) -> str:
        """Read the words off a share's page, in their order."""
        text, at, words = printed(self.papers / f"share-{number}.pdf", "-raw"), 0, []
        for place in range(1, 34):
            found = re.compile(rf"\b{place} ([a-z]{{4,8}})\b").search(text, at)
            assert found, f"share {number} has no word {place}"
            words.append(found[1])
            at = found.end()
        return " ".join(words)

    def fingerprints(self, number: int) -> set[str]:
        """Read a share's fingerprint off its own page and off the key's."""
        page = printed(self.papers / f"share-{number}.pdf", "-raw")
        own = re.search(rf"Fingerprint {_HEX}SHA-256 of the 33 words {_HEX}", page)
        listed = re.search(rf"^{number} {_HEX}", self.key, re.MULTILINE)
        assert own
        assert listed
        return {_together(own[1] + own[2]), _together(listed[1])}

    def value(self, name: str) -> str:
        """Read a SHA-256 off the first of the key's pages."""
        found = re.search(rf"^SHA-256 of {name}\n{_HEX}", self.key, re.MULTILINE)
        assert found
        return _together(found[1])

    def dnskey(self) -> str:
        """Read the key in the DNSKEY off the first of the key's pages."""
        found = re.search(r"^DNSKEY\n\S+ IN DNSKEY 257 3 \d+\s([A-Za-z0-9+/=\s]+)\nNeeded", self.key, re.MULTILINE)
        assert found
        return _together(found[1])

    def checks(self) -> list[str]:
        """Read off the key's pages what stands behind each 8 lines."""
        return re.findall(r"^\d{3}-\d{3} = ([0-9a-f]{8})$", self.key, re.MULTILINE)


def _together(text: str) -> str:
    return "".join(text.split())
