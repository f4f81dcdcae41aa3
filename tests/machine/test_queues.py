"""Printing by a queue of CUPS, played here: nothing secret in arguments, environment or spool, and no other machine."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError, RefusedError, UsageError
from keyquorum.machine.printers import print_pages

PDF = b"%PDF-1.7 secret " + os.urandom(300_000)
# What stands for lp, lpstat and cancel: it keeps a record of each call, and answers from a file.
CUPS = (
    f"#!{sys.executable} -IS"
    + """
import json, os, sys
from pathlib import Path
here, name = Path(__file__).parent, Path(__file__).name
answers = json.loads((here / "answers").read_text())
data = sys.stdin.buffer.read() if name == "lp" else b""
with (here / "calls").open("a") as calls:
    print(json.dumps([name, sys.argv[1:], dict(os.environ), data.hex()]), file=calls)
key = " ".join([name, *sys.argv[1:]])
if name == "lpstat":
    key = "lpstat -v" if "-v" in sys.argv else sys.argv[sys.argv.index("-W") + 1]
if name == "lp":
    key = "lp"
answer = answers.get(key, "")
if isinstance(answer, list):
    answer = answer.pop(0) if len(answer) > 1 else answer[0]
    answers[key] = answers[key][1:] or answers[key]
    (here / "answers").write_text(json.dumps(answers))
if answer.startswith("!"):
    sys.exit(answer[1:])
print(answer)
"""
)
DONE = (
    "test-7   root  1024   Tue Nov 24 03:03:53 2026\n\tStatus: \n\tAlerts: processing-to-stop-point\n\tqueued for test"
)
PRINTING = DONE.replace("processing-to-stop-point", "job-printing")
OTHER = DONE.replace("test-7 ", "test-70")
GOOD = {
    "lpstat -v": "device for test: usb://HP/LaserJet?serial=1",
    "lp": "request id is test-7 (1 file(s))",
    "not-completed": [PRINTING, OTHER],
    "completed": DONE,
}


class Cups:
    """Commands on a PATH of their own, and settings of CUPS."""

    def __init__(self, here: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.settings = here, here / "etc"
        self.settings.mkdir()
        for name in ("lp", "lpstat", "cancel"):
            (here / name).write_text(CUPS)
            (here / name).chmod(0o755)
        self.spool = memory / "spool"
        self.files(f"# RequestRoot /nowhere\nRequestRoot {self.spool}\n")
        self.daemon("LogLevel warn\npreservejobfiles No\n")
        self.answers({})
        monkeypatch.setenv("PATH", f"{here}:{os.environ['PATH']}")
        monkeypatch.setenv("TELLTALE", "x")
        monkeypatch.delenv("CUPS_SERVER", raising=False)

    def files(self, text: str) -> None:
        (self.settings / "cups-files.conf").write_text(text)

    def daemon(self, text: str) -> None:
        (self.settings / "cupsd.conf").write_text(text)

    def answers(self, other: dict[str, object]) -> None:
        (self.here / "answers").write_text(json.dumps(GOOD | other))

    def calls(self) -> list[tuple[str, list[str], dict[str, str], bytes]]:
        file = self.here / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(name, words, env, bytes.fromhex(data)) for name, words, env, data in map(json.loads, lines)]

    def print(self, queue: str = "test", patience: float = 20) -> None:
        print_pages(PDF, queue, "Anteil 1 \u2013 geheim?", patience=patience, cups=self.settings)


@pytest.fixture
def cups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cups]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        yield Cups(tmp_path, Path(memory), monkeypatch)


def test_a_queue_gets_every_byte_by_way_of_a_pipe(cups: Cups) -> None:
    cups.print()
    calls = cups.calls()
    (words, data), = [(words, data) for name, words, _, data in calls if name == "lp"]  # fmt: skip
    assert data == PDF
    assert words[:6] == ["-d", "test", "-n", "1", "-t", "Anteil 1 ? geheim?"]
    assert words[-1] == "-"
    assert {"job-sheets=none", "number-up=1", "sides=one-sided", "print-scaling=none"} < set(words)
    for _, words, environment, _ in calls:
        assert "secret" not in " ".join(words)
        assert set(environment) - {"LC_CTYPE", "PWD", "SHLVL", "_"} == {"PATH", "LC_ALL", "CUPS_SERVER"}
        assert environment["CUPS_SERVER"] == "/run/cups/cups.sock"
    assert [words[2] for name, words, _, _ in calls if name == "lpstat" and "-W" in words] == [
        "not-completed", "not-completed", "completed",
    ]  # fmt: skip


@pytest.mark.parametrize(("server", "used"), [("/tmp/a.sock", "/tmp/a.sock"), ("far.example", "/run/cups/cups.sock")])
def test_only_a_daemon_of_this_machine_is_asked(
    cups: Cups, monkeypatch: pytest.MonkeyPatch, server: str, used: str
) -> None:
    monkeypatch.setenv("CUPS_SERVER", server)
    cups.print()
    assert {environment["CUPS_SERVER"] for _, _, environment, _ in cups.calls()} == {used}


@pytest.mark.parametrize("name", ["", "-d", "a b", "a/b", "a#b", "x" * 128, "a\nb", "drucker\u00e4", "a@host", "$(id)"])
def test_what_is_no_name_of_a_queue(cups: Cups, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a printer"):
        cups.print(name)
    assert not cups.calls()


def test_a_spool_on_a_disk_is_refused(cups: Cups, tmp_path: Path) -> None:
    if tmp_path.stat().st_dev == Path("/dev/shm").stat().st_dev:
        pytest.skip("everything here is in memory")
    for text in (
        f"RequestRoot {tmp_path}/spool\n", f"RequestRoot {cups.spool}\nTempDir {tmp_path}/t\n", "RequestRoot spool\n",
        f'REQUESTROOT "{tmp_path}/spool"\n', f"ServerRoot {tmp_path}\nRequestRoot spool\nTempDir {cups.spool}\n",
    ):  # fmt: skip
        cups.files(text)
        with pytest.raises(RefusedError, match=r"would keep the page on /.*mount -t tmpfs"):
            cups.print()
    assert not cups.calls()


@pytest.mark.parametrize("text", ["", "PreserveJobFiles 1d\n", "PreserveJobFiles Yes\n", "#PreserveJobFiles No\n"])
def test_a_daemon_that_keeps_pages_is_refused(cups: Cups, text: str) -> None:
    cups.daemon(text)
    with pytest.raises(RefusedError, match="cupsctl PreserveJobFiles=No"):
        cups.print()
    assert not cups.calls()


@pytest.mark.parametrize(
    "device",
    [
        "ipp://printer.example/ipp", "ipps://192.0.2.1:631/ipp/print", "socket://192.0.2.1", "lpd://host/queue",
        "dnssd://HP%20LaserJet._ipp._tcp.local/", "implicitclass://test/", "smb://host/p", "cups-pdf:/",
        "hp:/net/HP?ip=1",
        "file:///dev/null", "", "http://localhost.example:631/x", "ipp:///nowhere",
    ],
)  # fmt: skip
def test_a_queue_that_leads_elsewhere_is_refused(cups: Cups, device: str) -> None:
    cups.answers({"lpstat -v": f"device for test: {device}"})
    with pytest.raises(RefusedError, match="not to a printer that is plugged into this machine"):
        cups.print()
    assert {name for name, *_ in cups.calls()} == {"lpstat"}


@pytest.mark.parametrize(
    "device",
    ["usb://A/B", "hp:/usb/HP?serial=1", "hp:/par/HP?device=/dev/lp0", "parallel:/dev/lp0",
     "serial:/dev/ttyS0?baud=9600",
     "ipp://localhost:60000/ipp/print", "ipp://127.0.0.1/ipp", "ipps://[::1]:60000/ipp/print"],
)  # fmt: skip
def test_a_queue_that_leads_to_a_printer_here(cups: Cups, device: str) -> None:
    cups.answers({"lpstat -v": f"device for test: {device}"})
    cups.print()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"lp": "!lp: Error - The printer or class does not exist."}, "'lp' refuses: lp: Error - The printer or class"),
        ({"lpstat -v": "!lpstat: Invalid destination name"}, "'lpstat' refuses"),
        ({"lp": "thank you"}, "does not say what became of the page"),
        ({"completed": DONE.replace("processing-to-stop-point", "aborted-by-system")}, r"not printed \(aborted-by"),
        ({"completed": DONE.replace("processing-to-stop-point", "job-canceled-by-user")}, "destroy it as a share"),
    ],
)  # fmt: skip
def test_a_queue_that_does_not_print(cups: Cups, answers: dict[str, object], said: str) -> None:
    cups.answers(answers)
    with pytest.raises(KeyquorumError, match=said):
        cups.print()


def test_a_job_that_does_not_end_is_taken_back(cups: Cups) -> None:
    cups.answers({"not-completed": PRINTING.replace("job-printing", "printer-stopped")})
    with pytest.raises(KeyquorumError, match=r"not printed in 0 seconds \(printer-stopped\); it was taken back"):
        cups.print(patience=0.3)
    assert cups.calls()[-1][:2] == ("cancel", ["-x", "test-7"])


def test_without_cups(cups: Cups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="there is no command 'lpstat'"):
        cups.print()
