"""Places: which paths are memory, which are a disk.

Memory is tmpfs or ramfs, and an overlay whose upper directory is there (the root of a live system). Everything else,
and whatever cannot be told, counts as a disk. tmpfs can be swapped out: ``refuse_swap`` comes first.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.machine.kernel import PROC, read, unescaped

_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
# What lasts although it is on no block device of this machine.
_LASTING = frozenset({"zfs", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "afs", "vboxsf", "fuse"})
_OVERLAYS = 4  # an overlay on an overlay, and so on: deeper than anybody builds


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo (proc_pid_mountinfo(5)); ``options`` are those of the file system itself."""

    number: int
    point: str
    kind: str
    source: str
    options: tuple[str, ...]
    writable: bool

    def __str__(self) -> str:
        return f"{self.point} ({self.kind} on {self.source})"

    def option(self, name: str) -> str:
        """Give the value of ``name=value``; "" if it is not there."""
        return next((text.removeprefix(f"{name}=") for text in self.options if text.startswith(f"{name}=")), "")


def is_memory(path: Path) -> bool:
    """Tell whether what is written to ``path`` stays in memory.

    Symbolic links are followed. A path that does not exist yet is judged by the nearest one above it that does. A
    device, pipe or socket is not memory wherever its name stands; nor is anything that cannot be looked at.
    """
    try:
        return _is_memory(_nearest(path), mounts(), _OVERLAYS)
    except (OSError, RuntimeError, ValueError, KeyquorumError):  # links in a circle, a NUL byte
        return False


def refuse_disk(path: Path, what: str) -> None:
    """Raise RefusedError if ``path`` is not memory; ``what`` is what lies there, or was to ("a scan of a share")."""
    if not is_memory(path):
        try:
            found = f"this is {mount_of(path)}"
        except KeyquorumError as error:
            found = error.what
        raise RefusedError(
            f"a disk is no place for {what}, and {found}",
            where=str(path),
            do="Name a directory in memory, for example a new one under /dev/shm.",
        )


def mount_of(path: Path) -> Mount:
    """Give the mount that ``path``, or the nearest one above it that exists, is on. Raises KeyquorumError."""
    try:
        return _mount_of(_nearest(path), mounts())
    except (OSError, RuntimeError, ValueError) as error:
        raise KeyquorumError("nobody can tell what file system this is on", where=str(path)) from error


def disks_in_use(*, proc: Path = PROC) -> list[Mount]:
    """Give the mounts that can be written to and outlast the power: on block devices, by FUSE, on other machines.

    ``proc`` is where that file system is. Raises KeyquorumError if it cannot be read.
    """
    no_device = set(re.findall(r"^nodev\t(\S+)$", read(proc / "filesystems"), re.MULTILINE))
    return [
        mount
        for mount in mounts(proc=proc)
        if mount.writable and (mount.kind not in no_device or mount.kind in _LASTING)
    ]


def mounts(*, proc: Path = PROC) -> list[Mount]:
    """Give all mounts this process sees, in the kernel's order. Raises KeyquorumError if ``proc`` cannot be read."""
    found = []
    for line in read(proc / "self" / "mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, source, options) = before.split(" "), after.split(" ")
        of_system = tuple(map(unescaped, options.split(",")))
        writable = "rw" in fields[5].split(",") and "rw" in of_system
        found.append(Mount(int(fields[0]), unescaped(fields[4]), kind, unescaped(source), of_system, writable))
    return found


def _nearest(path: Path) -> Path:
    place = Path(path).resolve()
    while not place.exists():
        place = place.parent
    return place


def _is_memory(place: Path, all_mounts: list[Mount], overlays: int) -> bool:
    mode = place.stat().st_mode
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return False
    mount = _mount_of(place, all_mounts)
    if mount.kind != "overlay":
        return mount.kind in _MEMORY
    # What an overlay is given to keep goes to its upper directory. That path is as whoever mounted it saw it: it is
    # believed only where it leads, here, to a file system of the same size.
    upper = Path(mount.option("upperdir"))
    if not overlays or not upper.is_absolute() or not upper.is_dir() or _size(upper) != _size(place):
        return False
    return _is_memory(upper.resolve(), all_mounts, overlays - 1)


def _mount_of(place: Path, all_mounts: list[Mount]) -> Mount:
    """Ask the kernel which mount ``place`` is on: st_dev does not tell for overlays and subvolumes."""
    descriptor = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        facts = read(PROC / "self" / "fdinfo" / str(descriptor))
    finally:
        os.close(descriptor)
    number = re.search(r"^mnt_id:\t(\d+)$", facts, re.MULTILINE)
    for mount in all_mounts:
        if number and mount.number == int(number[1]):
            return mount
    raise KeyquorumError("nobody can tell what file system this is on", where=str(place))


def _size(place: Path) -> tuple[int, int, int]:
    facts = os.statvfs(place)
    return facts.f_frsize, facts.f_blocks, facts.f_files
