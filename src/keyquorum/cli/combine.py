"""``keyquorum combine``: make signatures of partials, and name who answered wrongly."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.text import Text

from keyquorum.cli import terminal, world
from keyquorum.cli.chain import keep
from keyquorum.cli.options import FILE, absent, json_option, passphrase_option, person_at
from keyquorum.dnssec.responses import file_name
from keyquorum.dnssec.sources import FORMATS
from keyquorum.errors import KeyquorumError, NotEnoughError, UsageError
from keyquorum.keystore.files import NewFile, new_file, write_public
from keyquorum.quorum.combining import Combined, combine, receive_all, responses, write_output
from keyquorum.quorum.requesting import OpenRequest, open_request
from keyquorum.quorum.task import Task, derive_messages
from keyquorum.records.requests import RESPONSE, Contribution, Output, Response


@click.command("combine")
@click.argument("request", type=FILE)
@click.argument("partials", type=FILE, nargs=-1, required=True, metavar="PARTIAL...")
@click.option("--out", type=FILE, required=True, help="Where to write the response.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), help="Otherwise the form the request came in.")
@click.option("--identity", type=FILE, help="Also write OUT.response.json, who answered how, signed by this keystore.")
@click.option("--archive", type=FILE, help="Add request, partials and what comes out to this archive.")
@json_option
@passphrase_option
def combine_command(
    request: Path,
    partials: tuple[Path, ...],
    out: Path,
    format_: str | None,
    identity: Path | None,
    archive: Path | None,
    json_: bool,
    passphrase_file: Path | None,
) -> None:
    """Combine PARTIALs, of any M holders, into the response to REQUEST.

    Where the request asks for several responses, the name of each goes into that of its file: skr.back-out.xml. Needs
    no secret. Every signature is verified by two libraries before it is written.
    """
    record_file = out.with_name(out.name + ".response.json")
    paths = tuple({os.path.realpath(path): path for path in partials}.values())
    with world.opened(request, "request") as file:
        with world.naming(request):
            opened = open_request(file)
        task = opened.task
        outs = _outs(out, task)
        absent(*outs.values(), *([record_file] if identity else []))
        format_ = format_ or task.source.format
        if format_ == "icann" and task.source.format != "icann":
            raise UsageError("only a KSR can be answered as a SKR", do="Use another --format.")
        with world.alone("Reading", "zones") as work:
            messages = derive_messages(task, world.Scratch(), work)
        total = sum(map(len, messages))
        with ExitStack() as stack:
            files = [stack.enter_context(world.opened(path, "partial")) for path in paths]
            came = receive_all(files, opened)
            unreadable = [(paths[position], why) for position, why in came.unreadable]
            with world.work("Combining", "messages", size=task.source.length, total=total, cheap=True) as work:
                try:
                    combined = combine(opened, messages, came.good, came.faults, world.Scratch(), work)
                except NotEnoughError as error:
                    told = [f"{_name(opened, one)}: {one.fault}." for one in came.faults]
                    told += [f"Not used, {path.name}: {why}." for path, why in unreadable]
                    error.do = " ".join([error.do, *told])
                    raise
        with world.work("Verifying", "zones", size=task.source.length, cheap=True) as work:
            digests = _write(outs, write_output(format_, responses(task, combined.signatures, work)))
    if identity:
        with person_at(identity, passphrase_file) as person:
            response = Response(
                signer=person.identity.verification_key,
                request=opened.signed.id,
                format=format_,
                outputs=tuple(Output(name=name, sha256=digest) for name, digest in digests.items()),
                signatures=total,
                contributions=combined.contributions,
            )
            record = RESPONSE.sign(response, person.identity)
            write_public(record_file, record.envelope + b"\n")
    kept = keep(archive, request, *paths, *outs.values(), *([record_file] if identity else []))
    if json_:
        terminal.as_json({**_document(opened, combined, unreadable, outs, total), **kept})
        return
    _show(opened, combined, came.faults, unreadable)
    terminal.say()
    terminal.say(
        f"{total:,} signature{'s' * (total != 1)}, each verified by cryptography and by dnspython.", style="green"
    )
    terminal.facts(kept)
    if len(outs) == 1:
        terminal.facts({"response": str(out)})
        terminal.next_step(f"keyquorum verify {out} --request {request}, and hand {out} to whoever runs the zone.")
        return
    terminal.facts({f"response {one.name}": f"{outs[one.name]} (schema {one.schema})" for one in task.responses})
    first = outs[task.responses[0].name]
    terminal.next_step(
        f"keyquorum verify {first} --request {request} (and so for each). Only one of them is to be published: "
        "hand them over by their names, and write down which it was."
    )


def _outs(out: Path, task: Task) -> dict[str, Path]:
    """Give where each response goes, by its name, which is in the name of the file where there are several."""
    if len(task.responses) == 1:
        return {task.responses[0].name: out}
    return {one.name: out.with_name(file_name(out.name, one.name)) for one in task.responses}


def _write(outs: Mapping[str, Path], chunks: Iterator[tuple[str, str, bytes]]) -> dict[str, bytes]:
    """Write each response, as one file or (if its parts have names) as a directory of files; give their SHA-256.

    No file appears before all of them are whole.
    """
    digests = {name: hashlib.sha256() for name in outs}
    parts: dict[Path, list[bytes]] = {}
    with ExitStack() as stack:
        files: dict[str, NewFile] = {}
        for name, part, data in chunks:
            digests[name].update(data)
            if part:
                parts.setdefault(outs[name] / part, []).append(data)
                continue
            if name not in files:
                files[name] = stack.enter_context(new_file(outs[name]))
            files[name].write(data)
    for path, pieces in parts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_public(path, pieces)
    return {name: digest.digest() for name, digest in digests.items()}


def _show(
    opened: OpenRequest,
    combined: Combined,
    unusable: Sequence[Contribution],
    unreadable: Sequence[tuple[Path, KeyquorumError]],
) -> None:
    """Say who answered how; a file that was cut off or is for another request need not be its signer's doing."""
    signing = opened.task.signing()
    for key in opened.task.keys:
        record = key.record
        if key.id not in signing:
            terminal.heading(f"{record.label} signs nothing in this request")
            continue
        enough = "which nobody else can give" if record.kept else f"of which any {record.public.threshold} suffice"
        terminal.heading(f"Answer{'s' * (not record.kept)} for {record.label}, {enough}")
        told = {one.index: one for one in combined.contributions if one.key == key.id}
        rows = []
        for index, card in enumerate(record.holders, 1):
            one = told.get(index)
            wrong = "not usable" if one in unusable else "WRONG"
            mark = "has not answered" if one is None else "good" if not one.fault else wrong
            style = "dim" if one is None else "green" if not one.fault else "bold red"
            rows.append((str(index), card.record.name, Text(mark, style=style), one.fault if one else ""))
        terminal.listing(["share", "keeper" if record.kept else "holder", "answer", "how it is known"], rows)
    for path, error in unreadable:
        terminal.say(f"  {path.name}: not used, its maker is not known: {error}", style="red")


def _name(opened: OpenRequest, one: Contribution) -> str:
    record = next(key.record for key in opened.task.keys if key.id == one.key)
    return record.holders[one.index - 1].record.name


def _document(
    opened: OpenRequest,
    combined: Combined,
    unreadable: Sequence[tuple[Path, KeyquorumError]],
    outs: Mapping[str, Path],
    total: int,
) -> dict[str, object]:
    return {
        "request": opened.signed.id.hex(),
        "responses": [{"name": name, "file": str(path)} for name, path in outs.items()],
        "signatures": total,
        "answers": [
            {
                "key": one.key.hex(),
                "share": one.index,
                "holder": _name(opened, one),
                "partial": one.partial.hex(),
                "fault": one.fault,
            }
            for one in combined.contributions
        ],
        "unreadable": [{"file": str(path), "why": str(error)} for path, error in unreadable],
    }
