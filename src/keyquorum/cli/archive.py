"""``keyquorum archive``: keep requests and responses, and ask what was asked, what is out there, what came before."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from keyquorum.archive.answers import about, issued_signatures
from keyquorum.archive.entries import Entry
from keyquorum.archive.facts import NotKeptError
from keyquorum.archive.store import Adder, Archive, adding
from keyquorum.cli import terminal, world
from keyquorum.cli.archive_facts import (
    SHOWN,
    entry_document,
    issued_document,
    related,
    show_entries,
    show_entry,
    show_head,
    show_issued,
)
from keyquorum.cli.options import FILE, json_option, moment
from keyquorum.cli.world import RNG
from keyquorum.errors import KeyquorumError, RefusedError, StorageError, UsageError
from keyquorum.records.fields import ZONE

Function = TypeVar("Function", bound=Callable[..., Any])
_MOST_FILES = 100_000


def archive_option(command: Function) -> Function:
    """Add the option that says which archive."""
    return click.option("--archive", "path", type=FILE, required=True, help="The archive's directory.")(command)


@click.group()
def archive() -> None:
    """Requests and responses seen so far, in a chain that shows when something in it was changed."""


@archive.command()
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="DIR|FILE...")
@archive_option
@click.option("--new", is_flag=True, help="Begin a new archive.")
@json_option
def add(files: tuple[Path, ...], path: Path, new: bool, json_: bool) -> int:
    """Add requests, partials, responses and records of responses; of a directory, those that are in it and below.

    Whatever is no such file is left out of a directory, and is an error by itself. Exit status 1 if something that was
    to be added could not be: a signature that does not verify, say.
    """
    if new:
        Archive.begin(path, world.now(), RNG)
    added: list[Entry] = []
    known: list[Entry] = []
    left: list[tuple[Path, KeyquorumError]] = []
    bad: list[tuple[Path, KeyquorumError]] = []
    with adding(path) as adder:
        unfinished = adder.dropped
        for file, alone in _files(files, path):
            try:
                with world.opened(file, "file") as stream:
                    entry, is_new = adder.add(stream, file.name, world.now())
                (added if is_new else known).append(entry)
            except StorageError:
                raise
            except NotKeptError as error:
                (bad if alone else left).append((file, error))
            except KeyquorumError as error:
                bad.append((file, error))
        # It goes with the first entry that is added, and only then.
        dropped = unfinished - adder.dropped
        head, reused = adder.head, list(_reused(adder, added))
    if json_:
        terminal.as_json(
            {
                "archive": str(path),
                "added": [entry_document(entry) for entry in added],
                "there_already": [entry.number for entry in known],
                "left_out": [{"file": str(file), "why": str(why)} for file, why in left],
                "not_added": [{"file": str(file), "why": str(why)} for file, why in bad],
                "reused_ids": reused,
                "head": head.hex(),
            }
        )
        return 1 if bad else 0
    if dropped:
        terminal.tell(f"{dropped} bytes of an entry that was never finished, and never acknowledged, are gone.")
    terminal.heading(f"Added to {path}")
    show_entries(added)
    for entry in known[:SHOWN]:
        terminal.say(f"  {entry.name} is there already: entry {entry.number}", style="dim")
    for file, why in left[:SHOWN]:
        terminal.say(f"  {file} is left out: {why.what}", style="dim")
    for sentence in reused:
        terminal.say(f"  {sentence}", style="bold red")
    for file, why in bad:
        terminal.say(f"  {file} is NOT added: {why}", style="bold red")
    show_head(head)
    terminal.next_step(
        f"write the head into the ceremony's log; later, keyquorum archive verify --archive {path} --head {head.hex()} "
        "tells whether this is still the same archive."
    )
    return 1 if bad else 0


@archive.command("list")
@archive_option
@click.option("--signatures", is_flag=True, help="Each signature that is out there, not each file.")
@click.option("--zone", metavar="NAME", help="Only what is of this zone.")
@click.option("--at", metavar="TIME", help="Only signatures that are valid at this time.")
@json_option
def list_command(path: Path, signatures: bool, zone: str | None, at: str | None, json_: bool) -> None:
    """List what is in the archive: files, or with --signatures which signatures are out there and who made them."""
    opened = Archive.open(path)
    name = None if zone is None else ZONE.parse(zone.lower() if zone.endswith(".") else f"{zone.lower()}.", "--zone")
    if at is not None and not signatures:
        raise UsageError("a time is one of signatures", where="--at", do="Give --signatures too.")
    if not signatures:
        entries = [one for one in opened.entries if name in {None, one.facts.zone}]
        if json_:
            terminal.as_json({"entries": [entry_document(one) for one in entries], "head": opened.chain.head.hex()})
            return
        terminal.heading(f"{len(entries):,} of {len(opened.entries):,} entries of {path}")
        show_entries(entries)
        return
    time = None if at is None else moment(at)
    with world.alone("Reading", "signatures") as work:
        found = []
        for one in issued_signatures(opened.entries, opened.file):
            work.advance(1)
            if name in {None, one.zone} and (time is None or one.inception <= time <= one.expiration):
                found.append(one)
    if json_:
        terminal.as_json({"signatures": [issued_document(one) for one in found]})
        return
    terminal.heading(f"{len(found):,} signatures that are out there")
    show_issued(found)


@archive.command()
@click.argument("what")
@archive_option
@json_option
def show(what: str, path: Path, json_: bool) -> None:
    """Show what the archive knows of WHAT: an entry's number, a KSR's id, the id or SHA-256 (hexadecimal) of a file.

    Exit status 1 if it knows nothing of it: an id that was never used.
    """
    opened = Archive.open(path)
    entries = about(opened.entries, what)
    if not entries:
        raise RefusedError(f"the archive knows nothing of {ascii(what)[1:-1][:80]}", where=str(path))
    if json_:
        terminal.as_json({"entries": [{**entry_document(one), "related": related(opened, one)} for one in entries]})
        return
    for entry in entries[:SHOWN]:
        show_entry(opened, entry)
    if len(entries) > SHOWN:
        terminal.say(f"... and {len(entries) - SHOWN:,} more entries", style="dim")


@archive.command()
@archive_option
@click.option("--head", metavar="HEX", help="A head that was written down before, which has to be in the archive.")
@json_option
def verify(path: Path, head: str | None, json_: bool) -> int:
    """Check the chain and every file in the archive. Exit status 1 if anything was changed, removed or moved."""
    opened = Archive.look(path)
    with world.alone("Checking", "files") as work:
        checked = opened.check(work.advance)
    faults = [fault.what for fault in checked.faults]
    since = None if head is None else _since(opened, head)
    if head is not None and since is None:
        faults.append(f"the head {head} is not in this archive: entries at its end were removed, or it is another one")
    if json_:
        terminal.as_json(
            {
                "archive": str(path),
                "good": not faults,
                "entries": len(opened.entries),
                "faults": faults,
                "unreadable": list(checked.unread),
                "unfinished_bytes": opened.chain.unfinished,
                "head": opened.chain.head.hex(),
                "added_since": since,
            }
        )
        return 1 if faults else 0
    terminal.heading(f"Archive {path}: {len(opened.entries):,} entries")
    for what in faults[:SHOWN]:
        terminal.say(f"  {what}", style="bold red")
    if len(faults) > SHOWN:
        terminal.say(f"  ... and {len(faults) - SHOWN:,} more", style="dim")
    if opened.chain.unfinished:
        terminal.say(f"  {opened.chain.unfinished} bytes at its end are of an entry that was never finished.")
    for number in checked.unread:
        terminal.say(f"  The file of entry {number} is what it was, but this version cannot read it.")
    if faults:
        terminal.say("Not good: this is not the archive that was written.", style="bold red")
        return 1
    terminal.say("Good: every entry names the one before it, and every file is what it was.", style="green")
    if since is not None:
        terminal.say(f"The head that you remember is in it; entries added since: {since}.", style="green")
    show_head(opened.chain.head)
    return 0


def _files(files: Sequence[Path], archive_: Path) -> Iterator[tuple[Path, bool]]:
    """Give the files to look at, and whether each was named by itself."""
    count = 0
    for path in files:
        if not path.is_dir():
            yield path, True
            continue
        for file in sorted(one for one in path.rglob("*") if one.is_file()):
            if archive_.resolve() in file.resolve().parents:
                continue
            count += 1
            if count > _MOST_FILES:
                raise UsageError(f"more than {_MOST_FILES:,} files", where=str(path), do="Name those that matter.")
            yield file, False


def _reused(adder: Adder, added: Sequence[Entry]) -> Iterator[str]:
    """Say which ids were used before, by another source."""
    for entry in added:
        facts = entry.facts
        for other in adder.entries[: entry.number - 1]:
            known = other.facts
            if facts.id and facts.source and known.id == facts.id and known.source not in {None, facts.source}:
                yield f"Entry {entry.number}: its id was used before, by another source: entry {other.number}."
                break


def _since(opened: Archive, head: str) -> int | None:
    """Give how many entries were added after ``head``; None if no entry has that id."""
    ids = [one.hex() for one in opened.chain.ids]
    wanted = head.strip().lower()
    return len(ids) - 1 - ids.index(wanted) if wanted in ids else None
