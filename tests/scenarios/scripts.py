"""Runs what a person does, written down as a script: commands, what is typed, what is seen.

A script is a text file in ``scripts/``, run from top to bottom in an empty directory. Its lines begin with

    #   a remark
    &   something that is there already, not by our commands: see ``SETTINGS``
    $   a command. ``keyquorum`` runs in this process; with answers, at a terminal of its own; all else in bash
    <   what is typed when the command asks ("^D" and "^C" are those keys; the keys of what follows no question are
        not pressed, so a question that does not come is a failure)
    >   a line that is seen, on standard output or standard error, after those above; * stands for anything
    !   a line that must not be seen
    ?   the exit status, if it is not 0
    =   NAME PATH: keep a value of the JSON seen as $NAME, for later commands

Whatever the script says, a command never shows a traceback, and an error is one paragraph on standard error.
"""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO, StringIO
from pathlib import Path
from types import MappingProxyType

import dns.name
import pytest

from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.slots import Material
from keyquorum.keystore.store import Keystore
from keyquorum.maths.work import HERE
from keyquorum.quorum.commitments import Order, prepare
from keyquorum.quorum.dealing import Custody, Ration, accept, deal, marks_of, open_share, read_share
from keyquorum.records.keys import CARD
from keyquorum.threshold.one_time import slots_of
from keyquorum.threshold.seam import Plan
from tests.data import data
from tests.escrow.villages import made_from
from tests.quorum.village import QUICK, zone_records
from tests.scenarios.papers import put_on_paper
from tests.scenarios.shell import PATIENCE, Seen, environment, run_here, run_in_bash
from tests.threshold.cases import seeded

SCRIPTS = Path(__file__).parent / "scripts"
PASSPHRASE = "correct horse"
_KEYS = {"^D": b"\x04", "^C": b"\x03"}
_ASKING = re.compile(rb"[^\n]: $")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class ScriptError(AssertionError):
    """What was seen is not what the script says."""


@dataclass
class Step:
    """One command, with what is typed and what is expected of it."""

    line: int
    command: str
    typed: list[str] = field(default_factory=list)
    expected: list[tuple[int, str]] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    status: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)


def play(script: Path, where: Path, monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Run ``script`` in the empty directory ``where``; raises ScriptError with the line and all that was seen."""
    monkeypatch.chdir(where)
    monkeypatch.setattr("sys.stdin", StringIO())
    variables: dict[str, str] = {}
    seen = []
    for step in read(script):
        if step.command.startswith("&"):
            name, *arguments = shlex.split(step.command[1:])
            SETTINGS[name](*arguments)
            continue
        one = _run(_expanded(step.command, variables), step.typed)
        seen.append(one)
        try:
            _check(step, one, variables)
            for name, path in step.kept:
                variables[name] = _picked(one.out, path)
        except ScriptError as error:
            raise ScriptError(f"{script.name}, line {step.line}: {step.command}\n{error}\nSeen:\n{one.text}") from None
    return seen


def read(script: Path) -> list[Step]:
    """Read a script."""
    steps: list[Step] = []
    for number, line in enumerate(script.read_text().splitlines(), 1):
        mark, text = line[:1], line[2:]
        if mark in "&$" and mark:
            steps.append(Step(number, f"&{text}" if mark == "&" else text))
        elif mark == "<":
            steps[-1].typed.append(text)
        elif mark == ">":
            steps[-1].expected.append((number, text))
        elif mark == "!":
            steps[-1].unwanted.append(text)
        elif mark == "?":
            steps[-1].status = int(text)
        elif mark == "=":
            name, path = text.split()
            steps[-1].kept.append((name, path))
        elif mark and mark != "#":
            raise ScriptError(f"{script.name}, line {number}: what is {line!r}?")
    return steps


def _run(command: str, typed: list[str]) -> Seen:
    if typed:
        return _at_a_terminal(command, typed)
    words = shlex.split(command)
    if words[:1] == ["keyquorum"] and not re.search(r"[|<>;*$&]", command):
        return run_here(words[1:])
    return run_in_bash(command)


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start one of our commands as a process of its own, without a terminal; what it says is thrown away."""
    command = [str(Path(sys.executable).parent / "keyquorum"), *arguments]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment())


def _at_a_terminal(command: str, typed: list[str]) -> Seen:
    """Run a command at a terminal of its own and type each answer when it asks."""
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started us in the background made it ignored
        os.execvpe("bash", ["bash", "-c", command], environment())
    waiting, shown, asked = list(typed), b"", 0
    end = time.monotonic() + PATIENCE
    try:
        while True:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                break
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    chunk = os.read(terminal, 1 << 16)
                except OSError:  # Linux says so at the end
                    break
                if not chunk:
                    break
                shown += chunk
            elif waiting and _ASKING.search(shown, asked):
                answer = waiting.pop(0)
                asked = len(shown)
                os.write(terminal, _KEYS.get(answer, answer.encode("utf-8", "surrogateescape") + b"\n"))
    finally:
        os.close(terminal)
        _, ended = os.waitpid(child, 0)
    text = _COLOURS.sub("", shown.decode("utf-8", "replace")).replace("\r\n", "\n").replace("\r", "\n")
    if waiting:
        raise ScriptError(f"never asked for: {waiting}\nSeen:\n{text}")
    return Seen(os.waitstatus_to_exitcode(ended), text)


def _check(step: Step, seen: Seen, variables: Mapping[str, str]) -> None:
    if seen.status != step.status:
        raise ScriptError(f"exit status {seen.status}, not {step.status}")
    lines = [" ".join(line.split()) for line in seen.text.splitlines()]
    if any(line.startswith("Traceback") for line in lines):
        raise ScriptError("a traceback")
    place = 0
    for number, wanted in step.expected:
        matching = (at for at in range(place, len(lines)) if fnmatchcase(lines[at], _pattern(wanted, variables)))
        found = next(matching, None)
        if found is None:
            raise ScriptError(f"line {number}: not seen (after what is above it): {wanted}")
        place = found + 1
    for unwanted in step.unwanted:
        if any(fnmatchcase(line, _pattern(unwanted, variables)) for line in lines):
            raise ScriptError(f"seen: {unwanted}")
    if seen.err.startswith("Error: ") and len(seen.err.splitlines()) != 1:
        raise ScriptError("the error is more than one paragraph")


def _pattern(text: str, variables: Mapping[str, str]) -> str:
    """Only * is special; [ and ? stand for themselves, and any number of blanks for one."""
    return " ".join(_expanded(text, variables).split()).replace("[", "[[]").replace("?", "[?]")


def _expanded(command: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$([A-Z]+)", lambda match: variables.get(match[1], match[0]), command)


def _picked(text: str, path: str) -> str:
    value = json.loads(text)
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return str(value)


def _people(*names: str) -> None:
    """NAMES: keystores that are quick to open, the cards, and a file ``passphrase``."""
    Path("passphrase").write_text(f"{PASSPHRASE}\n")
    for name in names:
        card = Person.new(Path(f"{name}.keystore"), name, PASSPHRASE.encode(), seeded("script", name), cost=Cost.TEST)
        Path(f"{name}.holder.json").write_bytes(card.envelope + b"\n")


def _dealt(zone: str, threshold: str, *names: str, algorithm: int = 8, slots: int = 20) -> None:
    """ZONE M NAMES: a key dealt by rita, who may ask, to people who are there: key.json and the shares."""
    cards = tuple(CARD.read(Path(f"{name}.holder.json").read_bytes()) for name in names)
    with Keystore.open(Path("rita.keystore"), PASSPHRASE.encode()) as store:
        rita = Person(store)
    custody = Custody((dns.name.from_text(zone),), cards, (rita.card,), "the-key")
    plan = Plan(algorithm, 2048 if algorithm < 13 else 0, int(threshold), len(names))
    rng, ration = seeded("village", QUICK[0]), Ration(0, slots, 72) if algorithm in {13, 14} else None
    dealing = deal(rita.identity, rita.card, custody, plan, int(time.time()), rng, HERE, ration=ration)
    Path("key.json").write_bytes(dealing.key.envelope + b"\n")
    for index, name in enumerate(names, 1):
        Path(f"{name}.share").write_bytes(b"".join(dealing.share_file(index)))
    for table in dealing.tables:
        Path("rita.presignatures").write_bytes(b"".join(table.chunks()))


def _dealt_by(algorithm: str, zone: str, threshold: str, *names: str) -> None:
    """ALGORITHM ZONE M NAMES: the same by another algorithm; with 20 slots of presignatures, where there are any."""
    _dealt(zone, threshold, *names, algorithm=int(algorithm))


def _prepared(slots: str, *names: str) -> None:
    """N NAMES: these have prepared N slots more, for rita's requests: NAME.commitments.json."""
    for name in names:
        with Keystore.open(Path(f"{name}.keystore"), PASSPHRASE.encode()) as store:
            person = Person(store)
            (key,) = person.keys().values()
            first = person.slots.next_to_prepare(key.id, 0, None)
            order = Order(slots_of(0, first or 0, int(slots)), None, 72)
            share = person.shares()[key.id]
            made, secrets = prepare(key, share, person.identity, order, BytesIO, seeded(name, first), HERE)
            person.slots.keep_now(Material(made.signed, secrets))
        Path(f"{name}.commitments.json").write_bytes(b"".join(made.chunks()))


def _accepted(*names: str) -> None:
    """NAMES: these have accepted their shares."""
    for name in names:
        with (
            Keystore.open(Path(f"{name}.keystore"), PASSPHRASE.encode()) as store,
            Path(f"{name}.share").open("rb") as file,
        ):
            person = Person(store)
            sealed, tables = read_share(file)
            opened = open_share(sealed, person.identity, tables)
            key = sealed.record.key
            materials = [
                Material(one.signed, rows, marks_of(key, one)) for one, rows in zip(tables, opened.secrets, strict=True)
            ]
            person.keep_share(key, opened.share, materials)
            acceptance = accept(sealed, person.identity, int(time.time()))
        Path(f"{name}.accepted.json").write_bytes(acceptance.envelope + b"\n")


def _zone(file: str, *zones: str) -> None:
    """FILE ZONES: a zone file with one DNSKEY for each zone."""
    Path(file).write_bytes(zone_records(*zones).source)


def _zone_by(algorithm: str, file: str, *zones: str) -> None:
    """ALGORITHM FILE ZONES: the same with a key of another algorithm."""
    Path(file).write_bytes(zone_records(*zones, algorithm=int(algorithm)).source)


def _ksr(file: str, name: str) -> None:
    """FILE NAME: one of the real requests."""
    Path(file).write_bytes(data(f"ksr/{name}").read_bytes())


def _times() -> None:
    """A file ``window`` with options: from a minute ago for twenty days."""
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + shift)) for shift in (-60, 20 * 86400)]
    Path("window").write_text(f"--inception {stamps[0]} --expiration {stamps[1]}\n")


def _escrowed(algorithm: str, threshold: str, size: str, seed: str = "1") -> None:
    """ALGORITHM M N: a rehearsed escrow of a key for one.example: its files, pages as PDF, and words as text."""
    _, made = made_from(algorithm, int(threshold), int(size), seed=int(seed), rehearsal=True, zone="one.example.")
    put_on_paper(made, Path.cwd(), prefix="" if seed == "1" else f"other-{seed}-")


def _token(label: str) -> None:
    """LABEL: a SoftHSM with one token in ./tokens, its PIN in a file ``pin``."""
    Path("tokens").mkdir()
    Path("softhsm2.conf").write_text(f"directories.tokendir = {Path.cwd()}/tokens\n")
    Path("pin").write_text("1234\n")
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "5678"]
    environment = dict(os.environ) | {"SOFTHSM2_CONF": f"{Path.cwd()}/softhsm2.conf"}
    subprocess.run(command, check=True, capture_output=True, env=environment)


SETTINGS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "people": _people,
        "dealt": _dealt,
        "dealt-by": _dealt_by,
        "accepted": _accepted,
        "prepared": _prepared,
        "zone": _zone,
        "zone-by": _zone_by,
        "ksr": _ksr,
        "times": _times,
        "escrowed": _escrowed,
        "token": _token,
    }
)
"""What ``&`` can put there."""
