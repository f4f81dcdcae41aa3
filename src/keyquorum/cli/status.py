"""``keyquorum status``: what is in a directory, what is missing, what to type next."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.text import Text

from keyquorum.cli import terminal, world
from keyquorum.cli.options import FILE, json_option
from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, payload_type_of
from keyquorum.records.escrow import Escrow
from keyquorum.records.files import read_header
from keyquorum.records.kinds import (
    ACCEPTANCE,
    CARD,
    KEY_RECORD,
    PARTIAL,
    REQUEST,
    SEALED_SHARE,
    Acceptance,
    Card,
    KeyRecord,
    Partial,
    Request,
    SealedShare,
)


@dataclass(slots=True)
class _Found:
    """The records in a directory, by kind, each with its file; and the files that could not be read."""

    records: dict[str, list[tuple[Path, Signed[Any]]]] = field(default_factory=dict)
    keystores: list[Path] = field(default_factory=list)
    bad: list[tuple[Path, str]] = field(default_factory=list)

    def of(self, kind: Kind[Any]) -> list[tuple[Path, Signed[Any]]]:
        return self.records.get(kind.name, [])


@click.command()
@click.argument("directory", type=FILE, metavar="DIR")
@json_option
def status(directory: Path, json_: bool) -> int:
    """Say what is in DIR, what is missing, and what to type next. Exit status 3 while something is missing."""
    if not directory.is_dir():
        raise UsageError("this is not a directory", where=str(directory))
    found = _look(directory)
    keys: list[tuple[Path, Signed[KeyRecord]]] = found.of(KEY_RECORD)
    states = [_key_state(signed, found) for _, signed in keys]
    requests: list[tuple[Path, Signed[Request]]] = found.of(REQUEST)
    asked = [_request_state(signed, found) for _, signed in requests]
    step, missing = _next(directory, found, states, asked)
    if json_:
        terminal.as_json(_document(found, keys, states, asked, step, missing))
        return 3 if missing else 0
    _show_files(directory, found)
    for (path, signed), waiting in zip(keys, states, strict=True):
        terminal.heading(f"Key {signed.record.label} ({path.name}), tag {dnskey_of(signed.record.public).tag}")
        names = [card.record.name for card in signed.record.holders]
        terminal.listing(
            ["share", "holder", "accepted"],
            [(str(i), name, _yes(name not in waiting)) for i, name in enumerate(names, 1)],
        )
    for (path, _), state in zip(requests, asked, strict=True):
        terminal.heading(f"Request {path.name}")
        terminal.listing(
            ["key", "answered by", "needed", "not yet"],
            [(one.label, ", ".join(one.answered) or "nobody", str(one.needed), ", ".join(one.open)) for one in state],
        )
    terminal.next_step(step)
    return 3 if missing else 0


@dataclass(frozen=True, slots=True)
class _Answers:
    label: str
    needed: int
    answered: tuple[str, ...]
    open: tuple[str, ...]
    files: tuple[Path, ...]


def _look(directory: Path) -> _Found:
    found = _Found()
    for path in sorted(Path(folder) / name for folder, _, names in os.walk(directory) for name in names):
        if not path.is_file() or path.is_symlink():
            continue
        if path.suffix == ".keystore":
            found.keystores.append(path)
            continue
        try:
            with world.opened(path, "file") as file:
                kind = _kind(file)
                if kind is not None:
                    file.seek(0)
                    found.records.setdefault(kind.name, []).append((path, read_header(file, kind)))
        except KeyquorumError as error:
            found.bad.append((path, error.what))
    return found


def _kind(file: BinaryIO) -> Kind[Any] | None:
    """Tell what kind of record begins here; None if it is none, UsageError if it is one we do not know."""
    head = file.readline(max(kind.limit for kind in KINDS) + 2)
    if not head.startswith(b'{"payload"'):
        return None
    claimed = payload_type_of(head.removesuffix(b"\n"), len(head))
    for kind in KINDS:
        if kind.payload_type == claimed:
            return kind
    raise UsageError("a kind of record that this version does not know")


def _key_state(signed: Signed[KeyRecord], found: _Found) -> set[str]:
    """Give the names of the holders whose acceptance is not here."""
    accepted = {
        one.record.index
        for _, one in found.of(ACCEPTANCE)
        if isinstance(one.record, Acceptance) and one.record.key == signed.id
    }
    return {card.record.name for index, card in enumerate(signed.record.holders, 1) if index not in accepted}


def _request_state(signed: Signed[Request], found: _Found) -> list[_Answers]:
    partials: list[tuple[Path, Signed[Partial]]] = [
        (file, one) for file, one in found.of(PARTIAL) if one.record.request == signed.id
    ]
    states = []
    for requested in signed.record.keys:
        record = requested.key.record
        names = {card.record.signer: card.record.name for card in record.holders}
        answered = {one.record.signer: file for file, one in partials if one.record.signer in names}
        states.append(
            _Answers(
                record.label,
                record.public.threshold,
                tuple(name for signer, name in names.items() if signer in answered),
                tuple(name for signer, name in names.items() if signer not in answered),
                tuple(answered.values()),
            )
        )
    return states


def _next(directory: Path, found: _Found, states: list[set[str]], asked: list[list[_Answers]]) -> tuple[str, bool]:
    """Say what to type next, and whether something of others is missing."""
    keys, requests = found.of(KEY_RECORD), found.of(REQUEST)
    if not found.of(CARD) and not keys:
        return f"keyquorum holder new NAME --out {directory}", True
    if not keys:
        cards = " ".join(_quoted(path) for path, _ in found.of(CARD))
        return (
            "keyquorum key deal --algorithm RSASHA256 --zone ZONE --threshold M --identity KEYSTORE "
            f"--out {_quoted(directory)} {cards}",
            False,
        )
    for (path, signed), missing in zip(keys, states, strict=True):
        if missing:
            shares: dict[str, Path] = {
                one.record.key.record.holders[one.record.index - 1].record.name: file
                for file, one in found.of(SEALED_SHARE)
                if one.record.key.id == signed.id
            }
            name = min(missing)
            file = shares.get(name, Path(f"{name}.share"))
            return (
                f"{len(missing)} acceptance{'s are' if len(missing) > 1 else ' is'} missing for {path.name}; {name}: "
                f"keyquorum share accept {_quoted(file)} --keystore {_keystore(name, found)} "
                f"--out {_quoted(directory / f'{name}.accepted.json')}",
                True,
            )
    if not requests:
        path = keys[0][0]
        return (
            f"keyquorum request new --key {_quoted(path)} --identity KEYSTORE --ksr KSR.xml "
            f"--accepted {_quoted(directory)} --out {_quoted(directory / 'request')}",
            False,
        )
    for (path, _), answers in zip(requests, asked, strict=True):
        for one in answers:
            if len(one.answered) < one.needed:
                count = one.needed - len(one.answered)
                name = one.open[0]
                return (
                    f"{count} more answer{'s are' if count > 1 else ' is'} needed for {path.name}, of "
                    f"{', '.join(one.open)}; {name}: keyquorum sign {_quoted(path)} "
                    f"--keystore {_keystore(name, found)} --out {_quoted(directory / f'{name}.partial')}",
                    True,
                )
    path, answers = requests[-1][0], asked[-1]
    response = directory / "response"
    if response.exists():
        return f"keyquorum verify {_quoted(response)} --request {_quoted(path)}", False
    files = " ".join(dict.fromkeys(_quoted(file) for one in answers for file in one.files))
    return f"keyquorum combine {_quoted(path)} {files} --out {_quoted(response)}", False


def _keystore(name: str, found: _Found) -> str:
    """Give where the keystore of ``name`` is, or is likely to be."""
    return _quoted(next((path for path in found.keystores if path.stem == name), Path(f"{name}.keystore")))


def _quoted(path: Path) -> str:
    """Give a path as it can be typed."""
    return shlex.quote(str(path))


def _show_files(directory: Path, found: _Found) -> None:
    terminal.heading(f"In {directory}")
    rows: list[tuple[str | Text, ...]] = []
    for kind in KINDS:
        rows.extend((kind.title, str(path.relative_to(directory)), _about(signed)) for path, signed in found.of(kind))
    rows.extend(("keystore", str(path.relative_to(directory)), "secret") for path in found.keystores)
    rows.extend(
        (Text("unreadable", style="bold red"), str(path.relative_to(directory)), why) for path, why in found.bad
    )
    terminal.listing(["what", "file", "about"], rows)


def _about(signed: Signed[Any]) -> str:
    match signed.record:
        case Card() as card:
            return card.name
        case KeyRecord() as record:
            return f"{record.label}, any {record.public.threshold} of {record.public.holders}"
        case SealedShare() as share:
            return f"share {share.index} of {share.key.record.label}"
        case Acceptance() as acceptance:
            return f"share {acceptance.index}"
        case Request() as request:
            return f"{request.source.length:,} bytes of {request.source.format}"
        case Escrow() as escrow:
            rehearsal = ", a rehearsal" if escrow.rehearsal else ""
            return f"{escrow.algorithm} of {escrow.zone.to_text()}, {len(escrow.shares)} shares{rehearsal}"
        case Partial() as partial:
            return f"{sum(answer.count for answer in partial.answers):,} values"
        case _:
            return ""


def _yes(done: bool) -> Text:
    return Text("yes", style="green") if done else Text("not yet", style="yellow")


def _document(
    found: _Found,
    keys: list[tuple[Path, Signed[KeyRecord]]],
    states: list[set[str]],
    asked: list[list[_Answers]],
    step: str,
    missing: bool,
) -> dict[str, object]:
    return {
        "files": {kind.name: [str(path) for path, _ in found.of(kind)] for kind in KINDS},
        "unreadable": [{"file": str(path), "why": why} for path, why in found.bad],
        "keys": [
            {"file": str(path), "id": signed.id.hex(), "not_accepted": sorted(state)}
            for (path, signed), state in zip(keys, states, strict=True)
        ],
        "requests": [
            [{"key": one.label, "needed": one.needed, "answered": list(one.answered)} for one in state]
            for state in asked
        ],
        "next": step,
        "waiting": missing,
    }
