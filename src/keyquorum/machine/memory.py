"""Memory that stays in memory: nothing of this process is swapped out, dumped, or read by another of the same user.

``lock_memory`` comes after ``refuse_swap`` and before the first secret. It refuses to go on where a lock would hold
only until the process grows.
"""

import ctypes
import mmap
import os
import resource
from pathlib import Path

from keyquorum.errors import KeyquorumError
from keyquorum.machine.kernel import PROC, read

ROOM = 2 << 30
"""Bytes of address space that must still be free to grow into once memory is locked."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mlockall.argtypes = (ctypes.c_int,)
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4  # MCL_*, mlockall(2)
_GET_DUMPABLE, _SET_DUMPABLE = 3, 4  # PR_*, prctl(2)
_ADVICE = "Run this as root, or in a shell where 'ulimit -l unlimited' was done (LimitMEMLOCK=infinity in systemd)."


def lock_memory() -> None:
    """Lock all memory of this process, present and future, and switch off core dumps.

    May be called again. Pages are locked as they are first touched (MCL_ONFAULT): one that never was holds nothing,
    and locking the untouched part of every thread's stack would cost real memory. Where the limit on locked memory
    binds, a later thread, library or growing stack would fail, the last with SIGSEGV; so the limit is raised, and
    less than ``ROOM`` beneath it is refused here.

    Locks do not pass to a child: a worker process calls this for itself, first of all. A program that is started
    (``lp``) is not locked at all; only the absence of swap protects it.

    Raises KeyquorumError, with nothing locked; core dumps stay off even then. Source: mlockall(2), prctl(2), core(5).
    """
    _no_core_dumps()
    _raise_limit()
    if _libc.mlockall(_CURRENT | _FUTURE | _ON_FAULT) != 0:
        raise _refusal(os.strerror(ctypes.get_errno()))
    try:
        # Address space nobody may touch: it counts against the limit and costs no memory.
        mmap.mmap(-1, ROOM, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0).close()
    except OSError as error:
        _libc.munlockall()
        raise _refusal(f"the process could not grow by {ROOM >> 20} MiB") from error


def memory_is_locked(proc: Path = PROC) -> bool:
    """Tell whether this process has memory locked (VmLck). Raises KeyquorumError if ``proc`` is not there."""
    for line in read(proc / "self" / "status").splitlines():
        if line.startswith("VmLck:"):
            return int(line.split()[1]) > 0
    return False


def core_dumps_are_off() -> bool:
    """Tell whether the kernel would write no core dump of this process, to a file or to a program."""
    return resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) and _libc.prctl(_GET_DUMPABLE, 0, 0, 0, 0) == 0


def _no_core_dumps() -> None:
    # The limit alone does not stop a core_pattern that pipes into a program; being not dumpable does, and also keeps
    # other processes of the same user from attaching or reading this memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0 or not core_dumps_are_off():
        raise KeyquorumError("core dumps could not be switched off", do="This kernel is not fit for a secret.")


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    for limits in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, limits)
        except (OSError, ValueError):
            continue
        return


def _refusal(why: str) -> KeyquorumError:
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    limit = "" if soft == resource.RLIM_INFINITY else f"; the limit on locked memory is {soft >> 10} KiB"
    return KeyquorumError(f"memory cannot be locked ({why}{limit})", where="this process", do=_ADVICE)
