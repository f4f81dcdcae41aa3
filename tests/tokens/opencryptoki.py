"""opencryptoki's software token, in a world of its own: the machine's configuration and tokens are neither read nor
touched.

Its places are fixed (/etc/opencryptoki, /var/lib/opencryptoki, /run), so a shell in mount and IPC namespaces of its own
covers them with empty memory, starts pkcsslotd there and sets the token up; commands are run in those namespaces. All
of it ends when the shell's input does. Needs root.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PIN = "23456789"
SO_PIN = "76543210"
SETUP = f"""
set -e
mount --make-rprivate /
for place in /var/lib/opencryptoki /etc/opencryptoki /run; do mount -t tmpfs -o mode=755 tmpfs $place; done
mkdir -p /var/lib/opencryptoki/swtok/TOK_OBJ /run/lock/opencryptoki/swtok
chgrp -R pkcs11 /var/lib/opencryptoki /run/lock/opencryptoki
chmod -R 770 /var/lib/opencryptoki /run/lock/opencryptoki
printf 'version opencryptoki-3.8\\nslot 0\\n{{\\nstdll = libpkcs11_sw.so\\n}}\\n' > /etc/opencryptoki/opencryptoki.conf
pkcsslotd
trap 'kill $(cat /run/pkcsslotd.pid)' EXIT
for i in $(seq 100); do pkcsconf -t && break; sleep 0.05; done
printf '87654321\\nOCK\\n' | pkcsconf -I -c 0
pkcsconf -c 0 -P -S 87654321 -n {SO_PIN}
pkcsconf -c 0 -u -S {SO_PIN} -n 12345678
pkcsconf -c 0 -p -U 12345678 -n {PIN}
echo set up >&3
cat
"""


@dataclass(frozen=True)
class Opencryptoki:
    """The token ``OCK``; ``module`` is opencryptoki's library."""

    holder: int
    module: Path

    def keyquorum(self, *words: str | Path, faults: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``keyquorum token`` where the token is."""
        command = ["nsenter", "-t", str(self.holder), "-m", "-i", sys.executable, "-m", "keyquorum", "token"]
        environment = {**os.environ, "SHIM_FAULTS": faults, "COLUMNS": "200"}
        return subprocess.run(
            [*command, *map(str, words)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )


@contextmanager
def opencryptoki(directory: Path) -> Iterator[Opencryptoki]:
    """Give opencryptoki's software token, freshly set up; skips where it cannot be."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    modules = list(Path("/usr/lib").glob("*/opencryptoki/libopencryptoki.so.0"))
    if shutil.which("pkcsslotd", path=path) is None or not modules:
        pytest.skip("opencryptoki is not installed (package opencryptoki)")
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "-i", "true"], check=False).returncode != 0:
        pytest.skip("opencryptoki's token needs root, and namespaces of its own")
    log, (ready, told) = directory / "opencryptoki.log", os.pipe()
    with log.open("wb") as out:
        shell = subprocess.Popen(
            ["unshare", "-m", "-i", "bash", "-c", f"exec 3>&{told}\n{SETUP}"],
            stdin=subprocess.PIPE, stdout=out, stderr=out, pass_fds=(told,), env={**os.environ, "PATH": path},
        )  # fmt: skip
    os.close(told)
    try:
        with os.fdopen(ready, "rb") as pipe:
            assert pipe.read(6) == b"set up", log.read_text()
        yield Opencryptoki(shell.pid, modules[0])
    finally:
        assert shell.stdin is not None
        shell.stdin.close()
        shell.wait(10)
