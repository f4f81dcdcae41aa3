"""Printing by a device: every byte, or an error; and nothing into what is no printer."""

import errno
import os
import pty
import select
import stat
import threading
import time
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError, RefusedError, UsageError
from keyquorum.machine.printers import print_pages

PDF = b"%PDF-1.7 secret " + os.urandom(300_000)


class Reader(threading.Thread):
    """Reads a named pipe as a printer would: slowly, and not always to the end."""

    def __init__(self, path: Path, limit: int = 1 << 30) -> None:
        super().__init__()
        self.path, self.limit, self.seen = path, limit, b""
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self.descriptor, True)

    def run(self) -> None:
        while len(self.seen) < self.limit:
            select.select([self.descriptor], [], [])
            piece = os.read(self.descriptor, 7000)
            if not piece:
                break
            self.seen += piece
        os.close(self.descriptor)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "printer"
    os.mkfifo(path)
    return path


def test_a_device_gets_every_byte(pipe: Path) -> None:
    reader = Reader(pipe)
    reader.start()
    print_pages(PDF, str(pipe), "share 1 of 7")
    reader.join()
    assert reader.seen == PDF


def test_a_device_that_stops(pipe: Path) -> None:
    reader = Reader(pipe, limit=70_000)
    reader.start()
    with pytest.raises(KeyquorumError, match=r"took \d+ of 300016 bytes and no more \(Broken pipe\).*destroy it"):
        print_pages(PDF, str(pipe), "t")
    reader.join()


def test_a_device_that_takes_nothing_more(pipe: Path) -> None:
    reader = Reader(pipe)
    begun = time.monotonic()
    with pytest.raises(KeyquorumError, match=r"took 65536 of 300016 bytes and no more \(not ready for 0 seconds\)"):
        print_pages(PDF, str(pipe), "t", patience=0.2)
    assert 0.2 <= time.monotonic() - begun < 5
    os.close(reader.descriptor)


def test_the_last_byte_is_waited_for(pipe: Path) -> None:
    """The pipe holds all of it, and is full: nobody has begun to print."""
    reader = Reader(pipe)
    with pytest.raises(KeyquorumError, match="took 65536 of 65536 bytes and no more"):
        print_pages(PDF[:65536], str(pipe), "t", patience=0.2)
    reader.start()
    reader.join()
    assert reader.seen == PDF[:65536]


def test_a_printer_without_paper(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver of USB printers says it in this way."""

    def write(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    reader = Reader(pipe)
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(KeyquorumError, match=r"took 0 of 300016 bytes and no more \(out of paper\)"):
        print_pages(PDF, str(pipe), "t")
    os.close(reader.descriptor)


def test_a_device_that_is_off(pipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is it connected and switched on"):
        print_pages(PDF, str(pipe), "t")
    with pytest.raises(UsageError, match="No such file"):
        print_pages(PDF, str(tmp_path / "none"), "t")


def test_what_is_no_printer(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"as it was")
    master, terminal = pty.openpty()
    try:
        for path in (str(file), os.ttyname(terminal), "/dev/null", "/dev/full", "/dev/kmsg"):
            if os.access(path, os.W_OK):
                with pytest.raises(RefusedError, match="not a printer"):
                    print_pages(PDF, path, "t")
        assert not select.select([master], [], [], 0)[0]
    finally:
        os.close(master)
        os.close(terminal)
    assert file.read_bytes() == b"as it was"
    with pytest.raises(UsageError, match="directory"):
        print_pages(PDF, str(tmp_path), "t")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(("major", "printer"), [(6, True), (180, True), (5, False)])
def test_which_devices_are_printers(tmp_path: Path, major: int, printer: bool) -> None:
    """A node of a printer's kind with no printer behind it is a printer that is off."""
    node = tmp_path / "node"
    os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(major, 15 if printer else 2))
    with pytest.raises(UsageError if printer else KeyquorumError, match="switched on" if printer else "printer"):
        print_pages(PDF, str(node), "t")
