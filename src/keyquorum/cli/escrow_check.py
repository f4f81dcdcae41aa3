"""``keyquorum escrow check``: pages or typed words, each alone, against the manifest; nothing is rebuilt."""

from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from keyquorum.cli import terminal
from keyquorum.cli.escrow_dialogue import confirmed, typed_words
from keyquorum.cli.escrow_files import is_typed_key, manifest_at, pages_at, typed_key, words_in
from keyquorum.cli.options import FILE, json_option
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.errors import KeyquorumError, MalformedError, UsageError
from keyquorum.identity.words import spoken
from keyquorum.machine.places import is_memory
from keyquorum.paper.judging import Judge, Verdict
from keyquorum.paper.readback import SHARE
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow

Row = tuple[str, Verdict]


@click.command("check")
@click.argument("pages", nargs=-1, type=FILE, metavar="PAGE...")
@click.option("--escrow", "escrow_", type=FILE, required=True, help="escrow.json, or pictures of the manifest's pages.")
@click.option("--maker", type=FILE, help="The card of whoever must have signed the manifest.")
@click.option("--words", is_flag=True, help="Type the words of a share at the terminal.")
@click.option("--share", "number", type=int, help="Which share the typed words are said to be.")
@json_option
def command(
    pages: tuple[Path, ...], escrow_: Path, maker: Path | None, words: bool, number: int | None, json_: bool
) -> int:
    """Check each PAGE by itself: a scan or photo (PDF, PNG, JPEG, TIFF), or a text file with typed words.

    Exit status 0 if all are intact, 1 if one is not, 3 if something is still missing to tell.
    """
    if not pages and not words:
        raise UsageError("there is nothing to check", do="Give the pages' files, or --words to type a share's words.")
    manifest, cms = manifest_at(escrow_, maker, rehearsal=None)
    judge = Judge(manifest, cms)
    rows: list[Row] = []
    for path in pages:
        rows += _file(judge, manifest, path, number)
    if words:
        rows.append(("typed", _typed(judge, number)))
    rows = _named_twice(rows)
    if json_:
        terminal.as_json(_document(manifest, rows))
    else:
        _show(manifest, escrow_, rows)
    if any(verdict.good is False for _, verdict in rows):
        return 1
    return 3 if any(verdict.good is None for _, verdict in rows) else 0


def _file(judge: Judge, manifest: Signed[Escrow], path: Path, number: int | None) -> list[Row]:
    text = words_in(path)
    if text is not None and is_typed_key(text):
        try:
            return [(str(path), judge.key(typed_key(text, manifest, str(path))))]
        except KeyquorumError as error:
            return [(str(path), Verdict(error.what, good=False, do=error.do))]
    if text is not None:
        return [(str(path), judge.words(text, number))]
    rows: list[Row] = []
    try:
        pages = pages_at(path, secret_place=False)
    except MalformedError as error:
        return [(str(path), Verdict(error.what, good=False, do=error.do))]
    for page in pages:
        verdicts = judge.frames(page.frames)
        if not page.frames:
            verdicts.append(Verdict("no code could be read", good=None, do="Scan again, or type its words: --words."))
        rows += [(page.where, verdict) for verdict in verdicts]
        rows += [(page.where, Verdict(trouble, good=None)) for trouble in page.troubles]
        if any(frame.kind == SHARE for frame in page.frames) and not is_memory(path) and not manifest.record.rehearsal:
            terminal.tell(
                f"{page.where}: this scan of a share lies on a disk. Destroy the disk when you are done, and scan to "
                "memory (/dev/shm) the next time.",
                style="bold",
            )
    return rows


def _typed(judge: Judge, number: int | None) -> Verdict:
    """Judge words typed at the terminal; what they probably should be is confirmed word by word."""
    title = f"share {number}" if number else "the share"
    try:
        verdict = judge.words(typed_words(title), number)
    finally:
        terminal.clear()
    finding = verdict.finding
    if finding is None or finding.proposal is None:
        return verdict
    if confirmed(finding.proposal):
        return replace(verdict, what=f"{verdict.what}; typed wrongly, the page is right", good=True)
    return replace(verdict, do="The page and the manifest differ: look whether the page was changed.")


def _named_twice(rows: list[Row]) -> list[Row]:
    """Say of a share that was given before that it is the same one again."""
    seen: dict[bytes, str] = {}
    checked = []
    for where, verdict in rows:
        finding = verdict.finding
        if finding is not None and finding.intact and finding.share is not None:
            first = seen.setdefault(finding.share.fingerprint, where)
            if first != where:
                verdict = replace(verdict, what=f"{verdict.what}; the same share as in {first}")  # noqa: PLW2901
        checked.append((where, verdict))
    return checked


def _show(manifest: Signed[Escrow], path: Path, rows: list[Row]) -> None:
    record = manifest.record
    terminal.heading(f"Escrow of the key of {record.zone.to_text()}" + (" (a rehearsal)" if record.rehearsal else ""))
    terminal.facts(
        [
            ("algorithm", record.algorithm),
            ("DS", record.ds or "none"),
            ("made", f"{format_time_for_people(record.created)} by {record.maker.record.name}, {record.tool}"),
            ("maker", spoken(record.maker.id, 8)),
            ("escrow id", f"{manifest.id.hex()}"),
            ("in words", f"{spoken(manifest.id, 8)} ...  (compare with the page)"),
        ]
    )
    terminal.heading("Pages")
    terminal.listing(
        ["page", "what it is", ""], [(where, verdict.what, _word(verdict.good)) for where, verdict in rows]
    )
    for where, verdict in rows:
        if verdict.do and not verdict.good:
            terminal.say(f"\n  {where}: {verdict.do}")
    good = all(verdict.good for _, verdict in rows)
    terminal.next_step(
        "put each page into a new bag, and write the bag's number into the log."
        if good
        else f"look at the pages named above; nothing else of {path} is affected."
    )


def _word(good: bool | None) -> Text:
    if good is None:
        return Text("cannot tell", "yellow")
    return terminal.verdict(good, "intact" if good else "NOT intact")


def _document(manifest: Signed[Escrow], rows: list[Row]) -> dict[str, object]:
    """Give the report; it holds no word of a share."""
    return {
        "escrow": manifest.id.hex(),
        "rehearsal": manifest.record.rehearsal,
        "zone": manifest.record.zone.to_text(),
        "pages": [
            {
                "page": where,
                "what": verdict.what,
                "intact": verdict.good,
                "do": verdict.do,
                "share": verdict.finding.number if verdict.finding else None,
            }
            for where, verdict in rows
        ],
    }
