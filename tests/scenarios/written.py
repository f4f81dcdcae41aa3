"""Watches a command, and says whether anything secret left memory: the checker over everything a process wrote.

``watch`` runs a command and all it starts under strace, answers its questions, and kills it where asked.
``Written.assert_nothing_of`` then looks for secrets, in every spelling, in all that was written to anything that is
not memory, a pipe between processes, or excepted by name; in the arguments and environment of every program started;
and in the names of files. What was written and removed again counts. It fails as well where it could not see.

A process that is not dumpable can only be watched by root.
"""

import fcntl
import os
import re
import select
import signal
import subprocess
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.written_secrets import Search
from tests.scenarios.written_trace import CALLS, OPTIONS, File, Program, Record, read_traces

PATIENCE = 120.0
"""Seconds that a command may take."""
ASKING = re.compile(rb"[^\n]: $")
"""How a question ends."""
_QUIET = 0.2  # seconds after which a command that has asked is taken to wait
_SEEN_BY_OTHERS = {"disk", "socket", "output", "terminal", "device", "kernel", "fifo"}

Answers = Sequence[str] | Callable[[str], str | None]
"""Lines to type, one a question; or what gives the line, from what was shown since the last, and None to wait."""
Kill = tuple[str, int] | float
"""When to kill: before the n-th such system call of a thread takes effect (from 1), or after so many seconds."""


@dataclass(frozen=True)
class Written:
    """What a command did. ``status`` is its exit status, or minus the signal; ``shown`` what a terminal showed."""

    status: int
    shown: bytes
    record: Record

    @property
    def files(self) -> Mapping[str, File]:
        """Everything it wrote to or opened to write, by name."""
        return self.record.files

    @property
    def programs(self) -> Sequence[Program]:
        """The programs that were started, itself first."""
        return self.record.programs

    @property
    def calls(self) -> Counter[str]:
        """How often its first thread made each watched system call: the moments at which it can be killed."""
        return self.record.calls

    @property
    def output(self) -> bytes:
        """What it said, on standard output and error, or to its terminal (what went by /dev/tty comes last)."""
        return b"".join(file.data for file in self.files.values() if file.kind in {"output", "terminal"})

    def on(self, kind: str) -> list[str]:
        """Give the names of the files of one kind (see ``File``)."""
        return sorted(path for path, file in self.files.items() if file.kind == kind)

    def assert_nothing_of(
        self, secrets: Mapping[str, bytes], *, except_under: Iterable[str | Path] = (), may_show: bool = False
    ) -> None:
        """Fail, naming secret and place, if anything of ``secrets`` left memory or nobody can say whether it did.

        ``except_under`` are directories, devices or named pipes where secrets may go (a token's own store, a
        printer); ``may_show`` allows the command's own output and terminals.
        """
        search = Search(secrets)
        allowed = tuple(str(path) for path in except_under)
        leaks = []
        for path, file in self.files.items():
            shown = may_show and file.kind in {"output", "terminal"}
            if file.kind in _SEEN_BY_OTHERS and not shown and not _is_under(path, allowed):
                leaks += [f"{name}: written to {path} ({file.kind})" for name in search.found_in(file.data)]
        for program in self.programs:
            called = program.arguments[0].decode(errors="replace")
            for what, texts in (("arguments", program.arguments), ("environment", program.environment)):
                leaks += [f"{name}: in the {what} of {called}" for name in search.found_in(b"\0".join(texts))]
        names = {text for _, text in self.record.names if not _is_under(os.fsdecode(text), allowed)}
        leaks += [f"{name}: in the name of a file" for name in search.found_in(b"\0".join(sorted(names)))]
        leaks += [f"unseen: {path} {why}" for path, why in self.record.blind if not _is_under(path, allowed)]
        assert not leaks, "\n".join(sorted(set(leaks)))


def watch(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    answers: Answers | None = None,
    kill: Kill | None = None,
    patience: float = PATIENCE,
) -> Written:
    """Run ``command`` and see what it writes. With ``answers`` it has a terminal of its own, else pipes.

    Raises TimeoutError after ``patience`` seconds, AssertionError if answers are left over or strace fails.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        here = Path(directory)
        (here / "stdin").write_bytes(stdin)
        start = ["strace", *_options(kill), "-o", str(here / "t"), "--", *map(str, command)]
        ours, theirs = os.openpty() if answers is not None else os.pipe()
        pipe = f"pipe:[{os.fstat(theirs).st_ino}]"
        with (here / "stdin").open("rb") as file, subprocess.Popen(
            start, stdin=file if answers is None else theirs, stdout=theirs, stderr=theirs, cwd=cwd,
            env=None if env is None else dict(env), preexec_fn=os.setsid if answers is None else _own_terminal,  # noqa: PLW1509
        ) as process:  # fmt: skip
            os.close(theirs)
            try:
                shown = _follow(process, ours, here, answers, kill, time.monotonic() + patience)
            finally:
                _end(process, here)
                os.close(ours)
        record = read_traces(_threads(here), pipe)
    assert record.programs, f"strace did not run it: {shown.decode(errors='replace')}"
    return Written(process.returncode, shown, record)


def _follow(
    process: subprocess.Popen[bytes], screen: int, here: Path, answers: Answers | None, kill: Kill | None, end: float
) -> bytes:
    """Read what is shown until all is over, type answers, kill when it is time; gives what was shown."""
    waiting = list(answers) if isinstance(answers, Sequence) else []
    shown, asked, killing = b"", 0, kill if isinstance(kill, float) else None
    begun: float | None = None
    while True:
        if time.monotonic() > end:
            raise TimeoutError(f"no end of it; seen: {shown.decode(errors='replace')}")
        if killing is not None and (threads := _threads(here)):
            begun = begun or time.monotonic()
            if time.monotonic() >= begun + killing:
                with suppress(ProcessLookupError):
                    os.kill(int(threads[0].suffix[1:]), signal.SIGKILL)
                killing = None
        if select.select([screen], [], [], _QUIET if killing is None else 0.001)[0]:
            try:
                chunk = os.read(screen, 1 << 16)
            except OSError:  # Linux says so at the end of a terminal
                chunk = b""
            if not chunk:
                break
            shown += chunk
        elif answers is not None and ASKING.search(shown, asked):
            if callable(answers):
                line = answers(shown[asked:].decode(errors="replace"))
            else:
                line = waiting.pop(0) if waiting else None
            if line is not None:
                asked = len(shown)
                os.write(screen, line.encode() + b"\n")
    process.wait(max(0.1, end - time.monotonic()))
    assert not waiting or kill is not None, f"never asked for: {waiting}; seen: {shown.decode(errors='replace')}"
    return shown


def _options(kill: Kill | None) -> list[str]:
    if not isinstance(kill, tuple):
        return ["--seccomp-bpf", *OPTIONS]
    call, number = kill
    assert call in CALLS, call
    # The call fails, so that it has no effect. With --seccomp-bpf strace 6.1 injects the error but not the signal.
    return [*OPTIONS, "-e", f"inject={call}:error=EIO:signal=SIGKILL:when={number}"]


def _threads(here: Path) -> list[Path]:
    """Give what strace writes, a file for each thread, the first one's first."""
    found = []
    for path in here.glob("t.*"):
        with path.open() as file:
            if stamp := file.read(17):
                found.append((stamp, int(path.suffix[1:]), path))
    return [path for _, _, path in sorted(found)]


def _end(process: subprocess.Popen[bytes], here: Path) -> None:
    """Kill what is left, if anything is."""
    if process.poll() is None:
        for path in _threads(here):
            with suppress(ProcessLookupError):
                os.kill(int(path.suffix[1:]), signal.SIGKILL)
        process.kill()


def _own_terminal() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started us in the background made it ignored
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _is_under(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)
