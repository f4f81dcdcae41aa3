"""Printing by the real CUPS: a daemon of its own, with a printer on "USB" that is a script."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.machine.printers import print_pages

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("cupsd", path="/usr/sbin") or not shutil.which("lp"),
    reason="needs root and the Debian packages cups-daemon and cups-client",
)
PDF = b"%PDF-1.4 secret " + os.urandom(100_000)
FILES = """\
ServerRoot {0}
ServerBin {0}/bin
RequestRoot {0}/spool
TempDir {0}/spool/tmp
CacheDir {0}/cache
StateDir {0}/state
AccessLog {0}/log
ErrorLog {0}/log
PageLog {0}/log
SystemGroup root
User lp
Group lp
"""
DAEMON = """\
LogLevel warn
Listen {0}/socket
ErrorPolicy retry-job
<Policy default>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
<Location />
  Order allow,deny
</Location>
<Location /admin>
  Order allow,deny
</Location>
"""
# A backend is asked what it has without arguments; the page comes as a file or on standard input.
BACKEND = """#!/bin/sh
[ $# = 0 ] && {{ echo 'direct usb://Test/Printer "Test" "Test"'; exit 0; }}
[ -e {0}/broken ] && exit 4
cat "${{6:--}}" >>{0}/printed
"""


class Daemon:
    """A cupsd whose files are all in memory, with the queue ``test``."""

    def __init__(self, here: Path) -> None:
        self.here = here
        here.chmod(0o755)
        for part in ("bin/backend", "spool/tmp", "cache", "state"):
            (here / part).mkdir(parents=True)
        for theirs in Path("/usr/lib/cups").iterdir():
            if theirs.name != "backend":
                (here / "bin" / theirs.name).symlink_to(theirs)
        backend = here / "bin" / "backend" / "usb"
        backend.write_text(BACKEND.format(here))
        backend.chmod(0o700)
        (here / "cups-files.conf").write_text(FILES.format(here))
        self.settings = here / "cupsd.conf"
        self.settings.write_text(DAEMON.format(here) + "PreserveJobFiles No\n")
        self.process = subprocess.Popen(
            ["/usr/sbin/cupsd", "-f", "-c", self.settings, "-s", here / "cups-files.conf"], stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while subprocess.run(["lpstat", "-r"], capture_output=True, check=False).stdout[:20] != b"scheduler is running":
            assert time.monotonic() < end, (here / "log").read_text()
            time.sleep(0.05)
        queue = ["lpadmin", "-p", "test", "-E", "-v", "usb://Test/Printer", "-m", "raw"]
        subprocess.run(queue, check=True, capture_output=True)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def pages_kept(self) -> list[str]:
        return sorted(path.name for path in (self.here / "spool").glob("d*"))

    def print(self, patience: float = 30) -> None:
        print_pages(PDF, "test", "share 1 of 7", patience=patience, cups=self.here)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        monkeypatch.setenv("CUPS_SERVER", f"{path}/socket")
        running = Daemon(Path(path))
        try:
            yield running
        finally:
            running.end()


def test_pages_are_printed_and_not_kept(daemon: Daemon) -> None:
    daemon.print()
    assert (daemon.here / "printed").read_bytes() == PDF
    assert daemon.pages_kept() == []
    daemon.print()
    assert (daemon.here / "printed").read_bytes() == PDF * 2


def test_a_printer_that_is_off_gets_nothing_later(daemon: Daemon) -> None:
    (daemon.here / "broken").touch()
    with pytest.raises(KeyquorumError, match=r"was not printed in 1 seconds .*taken back"):
        daemon.print(patience=1)
    assert daemon.pages_kept() == []
    assert not (daemon.here / "printed").exists()


def test_a_daemon_keeps_pages_unless_it_is_told_not_to(daemon: Daemon) -> None:
    """So silence in its settings is refused."""
    daemon.settings.write_text(DAEMON.format(daemon.here))
    with pytest.raises(RefusedError, match="keeps pages"):
        daemon.print()
    daemon.process.send_signal(signal.SIGHUP)  # it reads its settings again
    end = time.monotonic() + 20
    while not (daemon.here / "printed").exists():
        assert time.monotonic() < end
        subprocess.run(["lp", "-d", "test", "-"], input=b"public", capture_output=True, check=False)
        time.sleep(0.2)
    time.sleep(0.2)
    assert daemon.pages_kept() != []
