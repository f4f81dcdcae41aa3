"""Printers: secret pages go to one on this machine, by way of memory only, and nothing is left in the machine.

Two ways. A device file is written directly; the printer must understand PDF by itself. A queue of CUPS turns PDF into
what the printer understands, and keeps the page in its spool while it does; so the spool must be in memory, the pages
must be deleted once they are printed, and the queue must lead to a printer at this machine. A queue that leads
elsewhere sends the pages, mostly in clear, to another computer, which keeps its own copy: it is refused.

What came out of the printer is not judged here: each page is read back. What the printer itself remembers, nobody
can judge.
"""

import errno
import ipaddress
import os
import re
import select
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from keyquorum.errors import KeyquorumError, RefusedError, UsageError
from keyquorum.machine.places import is_memory, mount_of

PATIENCE = 300.0
"""Seconds that a device may take no byte, or a job may stay in its queue."""

_CUPS = Path("/etc/cups")
_SOCKET = "/run/cups/cups.sock"
_QUEUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,126}", re.ASCII)
_MAJORS = frozenset({6, 180})  # /dev/lp*, /dev/usb/lp*: Documentation/admin-guide/devices.txt of Linux
_AT_THIS_MACHINE = re.compile(r"(?:usb|parallel|serial|hp:/(?:usb|par)/).*", re.ASCII)
# One page of the PDF is one side of paper, at its true size: the codes are measured in millimetres.
_OPTIONS = ("job-sheets=none", "number-up=1", "sides=one-sided", "print-scaling=none")
_HALF = "Whatever came out, destroy it as a share; then print the page again."


def print_pages(pdf: bytes, printer: str, title: str, *, patience: float = PATIENCE, cups: Path = _CUPS) -> None:
    """Print ``pdf`` (one sheet a page) and wait until the printer, or the daemon that feeds it, has taken all of it.

    ``printer`` is the path of a device ("/dev/usb/lp0"; a named pipe will do) or the name of a CUPS queue. ``title``
    is public: it shows in argv, queue and log of CUPS. ``patience`` is in seconds; ``cups`` is where CUPS is
    configured; the environment's CUPS_SERVER is heeded if it is a socket's path. The programs that CUPS starts hold
    the page in memory that is not locked: only the absence of swap protects it.

    Raises UsageError (no such printer), RefusedError (a printer that secrets do not go to), KeyquorumError (it was
    not printed, or not wholly).
    """
    if printer.startswith("/"):
        _write_to(Path(printer), pdf, patience)
    else:
        _queue(pdf, printer, title, patience, cups)


def _write_to(device: Path, pdf: bytes, patience: float) -> None:
    where = str(device)
    try:
        # Not blocking: a pipe that nobody reads and a printer that is off are told at once.
        descriptor = os.open(device, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"the printer cannot be opened ({error.strerror})", where=where, do="Is it connected and switched on?"
        ) from error
    try:
        _check_device(descriptor, where)
        _write_all(descriptor, pdf, where, patience)
    finally:
        os.close(descriptor)


def _check_device(descriptor: int, where: str) -> None:
    facts = os.fstat(descriptor)
    printer = stat.S_ISCHR(facts.st_mode) and os.major(facts.st_rdev) in _MAJORS
    if not printer and not stat.S_ISFIFO(facts.st_mode):
        raise RefusedError(
            "this is not a printer", where=where, do="Name a device such as /dev/usb/lp0, or a queue of CUPS."
        )


def _write_all(descriptor: int, pdf: bytes, where: str, patience: float) -> None:
    rest, why = memoryview(pdf), ""
    try:
        # Ready once more after the last byte: the driver of USB printers (usblp) drops what is under way at a close.
        while _ready(descriptor, patience):
            if not rest:
                return
            rest = rest[os.write(descriptor, rest) :]
        why = f"not ready for {patience:.0f} seconds"
    except OSError as error:
        why = "out of paper" if error.errno == errno.ENOSPC else str(error.strerror)
    done = f"{len(pdf) - len(rest)} of {len(pdf)} bytes"
    raise KeyquorumError(f"the printer took {done} and no more ({why})", where=where, do=_HALF)


def _ready(descriptor: int, patience: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(patience * 1000))


def _queue(pdf: bytes, queue: str, title: str, patience: float, cups: Path) -> None:
    if not _QUEUE.fullmatch(queue):
        raise UsageError(
            f"{queue[:40]!r} is no name of a printer", do="Name a queue of CUPS (see 'lpstat -v') or a device in /dev."
        )
    _refuse_spool(cups)
    _refuse_elsewhere(queue)
    options = [word for option in _OPTIONS for word in ("-o", option)]
    public = re.sub(r"[^ -~]", "?", title)[:100]
    said = _run("lp", "-d", queue, "-n", "1", "-t", public, *options, "-", data=pdf)
    job = re.search(rf"{re.escape(queue)}-\d+", said, re.IGNORECASE)
    if job is None:
        raise KeyquorumError("CUPS does not say what became of the page", where=queue, do="See 'lpstat -o'.")
    _wait(queue, job[0], patience)


def _refuse_spool(cups: Path) -> None:
    files = _settings(cups / "cups-files.conf")
    root = cups / files.get("serverroot", "")
    spool = root / files.get("requestroot", "/var/spool/cups")
    for place in (spool, root / files.get("tempdir", str(spool / "tmp"))):
        if not is_memory(place):
            raise RefusedError(
                f"CUPS would keep the page on {mount_of(place)} while it prints it",
                where=str(place),
                do=f"As root: mount -t tmpfs tmpfs {spool}; then restart CUPS. Or name the printer's device in /dev.",
            )
    keeps = _settings(cups / "cupsd.conf").get("preservejobfiles", "1d")
    if keeps.lower() not in {"no", "off", "false", "0"}:
        raise RefusedError(
            f"CUPS keeps pages after they are printed (PreserveJobFiles {keeps})",
            where=str(cups / "cupsd.conf"),
            do="Run: cupsctl PreserveJobFiles=No. Then print again.",
        )


def _settings(file: Path) -> dict[str, str]:
    """Give the directives of a configuration file, names in lower case; {} if there is none (all is as by default)."""
    try:
        text = file.read_text(errors="surrogateescape") if file.exists() else ""
    except OSError as error:
        raise KeyquorumError(
            f"the printing system's settings cannot be read ({error.strerror})", where=str(file), do="Be root."
        ) from error
    lines = (line.split(None, 1) for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {words[0].lower(): words[1].strip().strip('"') for words in lines if len(words) == 2}


def _refuse_elsewhere(queue: str) -> None:
    said = _run("lpstat", "-v", queue)
    found = re.search(r": +(\S+)$", said.strip())
    device = found[1] if found else "nowhere known"
    parts = urlsplit(device)
    here = parts.scheme in {"ipp", "ipps"} and _is_this_machine(parts.hostname or "")  # USB printers by ipp-usb
    if not here and not _AT_THIS_MACHINE.fullmatch(device):
        raise RefusedError(
            f"this queue leads to {device}, not to a printer that is plugged into this machine",
            where=queue,
            do="Name a queue of a printer on USB (see 'lpstat -v'), or its device in /dev.",
        )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wait(queue: str, job: str, patience: float) -> None:
    end = time.monotonic() + patience
    while alerts := _alerts(queue, job, "not-completed"):
        if time.monotonic() > end:
            _run("cancel", "-x", job)
            raise KeyquorumError(
                f"the page was not printed in {patience:.0f} seconds ({alerts}); it was taken back",
                where=queue,
                do=_HALF,
            )
        time.sleep(0.2)
    alerts = _alerts(queue, job, "completed")
    if re.search(r"abort|cancel|error|unprintable", alerts):
        raise KeyquorumError(f"the page was not printed ({alerts})", where=queue, do=_HALF)


def _alerts(queue: str, job: str, which: str) -> str:
    """Give what CUPS says of one job among those completed or not; "" if it is not among them."""
    said = _run("lpstat", "-l", "-W", which, "-o", queue)
    found = re.search(rf"^{re.escape(job)}\s.*\n((?:[ \t].*\n?)*)", said, re.MULTILINE | re.IGNORECASE)
    if not found:
        return ""
    alerts = re.search(r"Alerts: *(.*)", found[1])
    return (alerts[1].strip() if alerts else "") or "no reason given"


def _run(command: str, *arguments: str, data: bytes = b"") -> str:
    """Run a command of CUPS, in English, against the daemon of this machine; gives what it said."""
    server = os.environ.get("CUPS_SERVER", "")
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "CUPS_SERVER": server if server.startswith("/") else _SOCKET,
    }
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the queue's name is checked, the rest is ours
            [command, *arguments], input=data, capture_output=True, check=False, env=environment, timeout=60
        )
    except FileNotFoundError as error:
        raise UsageError(f"there is no command '{command}'", do="Install CUPS, or name a device in /dev.") from error
    except subprocess.TimeoutExpired:
        raise KeyquorumError(f"'{command}' did not answer in a minute", do=f"Is CUPS running? {_HALF}") from None
    if done.returncode != 0:
        words = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise UsageError(f"'{command}' refuses: {words}", do="See 'lpstat -v' for the printers there are.")
    return done.stdout.decode(errors="replace")
