"""What strace saw, read: everything that processes wrote, by which call, to what.

strace is asked for full text in hexadecimal, names of descriptors, and one file a thread, so nothing is ambiguous and
nothing is cut. Calls that carry data past it (shared mappings of files, io_uring, mounts) come out as ``blind``: who
reads the record must not say "nothing was written" while there are any.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg")
_COPIES = {"sendfile": (1, 0), "copy_file_range": (0, 1), "splice": (0, 1)}  # which descriptor is from, which to
_OPENS = ("open", "openat", "openat2", "creat")
_NAMES = (
    *_OPENS, "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "rename", "renameat",
    "renameat2", "setxattr", "lsetxattr", "fsetxattr", "unlink", "unlinkat",
)  # fmt: skip
_RUNS = ("execve", "execveat")
_PAST_US = ("io_uring_setup", "process_vm_writev", "vmsplice", "mount", "move_mount", "pivot_root", "chroot", "setns",
            "unshare", "ptrace")  # fmt: skip
_ALSO = ("mmap", "ioctl", "fsync", "fdatasync", "ftruncate")
CALLS = (*_WRITES, *_COPIES, *_NAMES, *_RUNS, *_PAST_US, *_ALSO)
"""The system calls that are watched, by strace's names."""
_LONGEST = 1 << 26
OPTIONS = (
    "-ff", "-ttt", "-yy", "-v", "-xx", "-s", str(_LONGEST), "-e", "signal=none", "--quiet=all",
    "-e", "trace=" + ",".join(f"?{name}" for name in CALLS),
)  # fmt: skip
"""What strace is run with, before ``-o``."""

_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)")
_ENDED = re.compile(r"\) += (\?|-?\d+|0x[0-9a-f]+)[^=]*$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_DESCRIPTOR = re.compile(r"(?<![\w.])\d+<((?:\\x[0-9a-f]{2})+|[A-Z][\w-]*:\[.*?\])((?:<(?:char|block) \d+:\d+>)?)>")
_MEMORY = {"tmpfs", "ramfs"}
_KERNEL = {"proc", "sysfs", "cgroupfs", "cgroup2fs", "securityfs", "debugfs"}


@dataclass
class File:
    """Something written to: ``data`` in the order of writing, as it was given, whatever was later removed.

    ``kind`` is memory, disk, pipe, fifo, socket, terminal, device, kernel or output (what the command itself says).
    """

    path: str
    kind: str
    data: bytes = b""


@dataclass(frozen=True)
class Program:
    """A program that was started, or was to be."""

    arguments: tuple[bytes, ...]
    environment: tuple[bytes, ...]


@dataclass
class Record:
    """Everything that was seen; ``calls`` counts the calls of the first thread, ``names`` are texts that name files."""

    files: dict[str, File] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    names: list[tuple[str, bytes]] = field(default_factory=list)
    blind: list[tuple[str, str]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)


def read_traces(traces: list[Path], output: str) -> Record:
    """Read the files that strace wrote, the first thread's first; ``output`` is the name of the command's own pipe."""
    lines = sorted(
        (float(match[1]), number, match[2], match[3])
        for number, trace in enumerate(traces)
        for match in map(_LINE.match, trace.read_text().splitlines())
        if match
    )
    reader = _Reader(output)
    for _, number, call, rest in lines:
        reader.read(call, rest)
        if number == 0:
            reader.record.calls[call] += 1
    for trace in traces:
        if "core dumped" in trace.read_text()[-200:]:
            reader.record.blind.append(("", "a core was dumped"))
    return reader.record


class _Reader:
    def __init__(self, output: str) -> None:
        self.record = Record()
        self._output = output
        self._changeable: set[str] = set()  # opened for reading and writing
        self._mapped: set[str] = set()

    def read(self, call: str, rest: str) -> None:
        ended = _ENDED.search(rest)
        result = ended[1] if ended else "?"
        failed = result.startswith("-")
        arguments = rest[: ended.start()] if ended else rest
        if call in _RUNS:
            self._run(arguments)
        elif call in _PAST_US:
            self._blind("", f"{call} was called")
        elif call in _NAMES:
            self.record.names += [(call, text) for text in self._strings(arguments)]
            if call in _OPENS and not failed and re.search(r"O_(WRONLY|RDWR|CREAT)|creat", f"{call} {arguments}"):
                for path, device in _descriptors(rest[ended.start() :] if ended else ""):
                    self._file(path, device)
                    if "O_RDWR" in arguments:
                        self._changeable.add(path)
        elif failed:
            return
        elif call in _WRITES:
            self._write(call, arguments, result)
        elif call in _COPIES:
            self._copy(call, arguments)
        elif call == "mmap":
            self._map(arguments)
        elif call == "ioctl" and "FICLONE" in arguments:
            for path, device in _descriptors(arguments)[:1]:
                self._unseen(path, device, "a file was cloned into it")

    def _run(self, arguments: str) -> None:
        _, *lists = re.split(r"\[", arguments)
        if len(lists) != 2:
            self._blind("", "arguments of a program could not be read")
            return
        self.record.programs.append(Program(tuple(self._strings(lists[0])), tuple(self._strings(lists[1]))))

    def _write(self, call: str, arguments: str, result: str) -> None:
        found = _descriptors(arguments)
        if not found:
            self._blind("", f"{call}: where to, nobody knows")
            return
        path, device = found[0]
        if path.startswith("NETLINK:"):
            return  # to the kernel, to ask for addresses
        data = b"".join(self._strings(arguments))
        if call in {"write", "pwrite64", "writev", "pwritev", "pwritev2"} and result != "?":
            if int(result) > len(data):
                self._unseen(path, device, "what was written could not be read; be root")
            data = data[: int(result)]
        elif not data and result not in {"?", "0"}:
            self._unseen(path, device, "what was sent could not be read; be root")
        self._file(path, device).data += data

    def _copy(self, call: str, arguments: str) -> None:
        found = _descriptors(arguments)
        source, target = (found[at] for at in _COPIES[call])
        known = self.record.files.get(source[0])
        data = known.data if known else b""
        place = Path(source[0])
        if place.is_file():
            data += place.read_bytes()
        elif source[0] in self._mapped:
            data = b""
        if not data:
            self._unseen(*target, f"{call} from {source[0]}, which is gone")
        self._file(*target).data += data

    def _map(self, arguments: str) -> None:
        if "MAP_SHARED" not in arguments:
            return
        for path, device in _descriptors(arguments):
            if "PROT_WRITE" in arguments or path in self._changeable:
                self._mapped.add(path)
                self._unseen(path, device, "it was mapped shared and writable")

    def _unseen(self, path: str, device: str, why: str) -> None:
        if self._file(path, device).kind not in {"memory", "pipe"}:
            self._blind(path, why)

    def _blind(self, path: str, why: str) -> None:
        self.record.blind.append((path, why))

    def _file(self, path: str, device: str) -> File:
        if path not in self.record.files:
            kind = "output" if path == self._output else _kind(path, device)
            self.record.files[path] = File(path, kind)
        return self.record.files[path]

    def _strings(self, text: str) -> Iterator[bytes]:
        for match in _STRING.finditer(text):
            if match[2]:
                self._blind("", "a text was cut")
            yield bytes.fromhex(match[1].replace("\\x", ""))


def _descriptors(text: str) -> list[tuple[str, str]]:
    """Give the names of the descriptors among arguments, and what kind of device each is."""
    found = []
    for match in _DESCRIPTOR.finditer(text):
        name = match[1]
        if name.startswith("\\x"):
            name = bytes.fromhex(name.replace("\\x", "")).decode(errors="surrogateescape")
        found.append((name, match[2]))
    return found


def _kind(path: str, device: str) -> str:
    if not path.startswith("/"):
        return "pipe" if path.startswith(("pipe:", "anon_inode:")) else "socket"
    if device:
        major = int(device.split()[1].partition(":")[0])
        if "block" in device:
            return "disk"
        if device == "<char 1:3>":
            return "pipe"  # /dev/null
        return "terminal" if major in {4, 5} or 136 <= major <= 143 else "device"
    if path.startswith("/memfd:"):
        return "memory"
    place = Path(path)
    if place.is_fifo():
        return "fifo"
    return file_system(place)


def file_system(path: Path) -> str:
    """Give memory, kernel or disk, by what stat(1) says of the nearest directory that is still there."""
    place = path
    while not place.exists():
        place = place.parent
    said = subprocess.run(["stat", "-f", "-c", "%T", place], capture_output=True, text=True, check=True).stdout.strip()
    return "memory" if said in _MEMORY else "kernel" if said in _KERNEL else "disk"
