"""Swap: memory that the kernel writes to a disk. A machine that has some is no place for a secret.

Compressed swap in memory (zram) is memory, unless it was given a disk to write back to (``backing_dev``).
"""

import os
import re
from pathlib import Path

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.machine.kernel import PROC, SYS, read, read_if_there, unescaped


def swap_devices(*, proc: Path = PROC, sys: Path = SYS) -> list[str]:
    """Give the disks and files that memory is swapped to, as /proc/swaps names them; [] if there are none.

    zram without a backing device is not among them. ``proc`` and ``sys`` are where those file systems are. Raises
    KeyquorumError if the kernel does not say. Source: proc(5), Documentation/admin-guide/blockdev/zram.rst of Linux.
    """
    if not (proc / "swaps").exists() and (proc / "self").exists():
        return []  # a kernel built without swap
    lines = read(proc / "swaps").splitlines()[1:]
    names = [unescaped(line.split()[0]) for line in lines if line.strip()]
    return [name for name in names if not _is_memory(name, sys)]


def refuse_swap(*, proc: Path = PROC, sys: Path = SYS) -> None:
    """Raise RefusedError, naming the devices, if memory may be swapped to a disk; KeyquorumError if nobody can tell."""
    if devices := swap_devices(proc=proc, sys=sys):
        raise RefusedError(
            f"swap is on ({', '.join(devices)}): the kernel may write secrets there",
            where="this machine",
            do="As root: swapoff -a. Then start again.",
        )


def hibernation(*, sys: Path = SYS) -> str:
    """Give the device (major:minor) this machine would write its memory to when it hibernates; "" if there is none.

    Locked pages are written then like any other. Raises KeyquorumError. Source:
    Documentation/admin-guide/pm/sleep-states.rst of Linux.
    """
    states = read_if_there(sys / "power" / "state").split()
    device = read_if_there(sys / "power" / "resume")
    return device if "disk" in states and device != "0:0" else ""


def _is_memory(name: str, sys: Path) -> bool:
    try:
        device = Path(name).stat().st_rdev
        block = (sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}").resolve(strict=True)
        # No such file: a kernel that cannot write back.
        return re.fullmatch(r"zram\d+", block.name) is not None and read_if_there(block / "backing_dev") in {"", "none"}
    except (OSError, KeyquorumError):
        return False
