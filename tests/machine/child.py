"""Runs Python code in a process of its own, with fewer rights or other mounts than ours."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = os.geteuid() == 0
_IPC_LOCK = 14  # capabilities(7)
_RIGHTS = "-ipc_lock,-sys_resource"


def _may_lock() -> bool:
    status = Path("/proc/self/status").read_text()
    rights = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
    return bool(rights >> _IPC_LOCK & 1) or resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY


locks = pytest.mark.skipif(not _may_lock(), reason="needs root, or ulimit -l unlimited")
root = pytest.mark.skipif(not ROOT, reason="needs root")


def run(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in our Python; ``before`` is a command that starts it (setpriv, prlimit, unshare)."""
    return subprocess.run(
        [*before, sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def without_rights(memlock: str) -> tuple[str, ...]:
    """Give a command that starts another with ``memlock`` bytes of locked memory and no right to have more."""
    drop = ("setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}") if ROOT else ()
    return ("prlimit", f"--memlock={memlock}:{memlock}", *drop)
