"""The ceremony that puts a key on paper: print, have every page read back, rehearse the recovery, publish.

The manifest is printed and published only after the drill, and the key is erased only after every page was read back.
A run that stops before leaves no manifest, and pages without one are no escrow: it is void, and says so.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.escrow_dialogue import alone, show_words, typed_words
from keyquorum.cli.options import absent
from keyquorum.cli.world import naming, read_file
from keyquorum.errors import KeyquorumError, NotYetError, RefusedError
from keyquorum.escrow.checking import named
from keyquorum.escrow.making import Made
from keyquorum.escrow.recovering import drill
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public, write_secret
from keyquorum.machine.places import refuse_disk
from keyquorum.machine.printers import print_pages
from keyquorum.maths.randomness import Rng
from keyquorum.paper.frames import parts
from keyquorum.paper.judging import manifest_codes
from keyquorum.paper.pages import Sheet, form_pages, instruction_document, key_document, manifest_document, share_pages
from keyquorum.paper.readback import KEY, ReadBack
from keyquorum.paper.reading import FILE_LIMIT
from keyquorum.paper.reading import read_file as read_pictures
from keyquorum.paper.sheet import Paper
from keyquorum.records.escrow import Escrow, EscrowShare

_SECOND = 1.0
_MOST_SHOWN = 20
_PUBLIC_PAGES = ("key.pdf", "manifest.pdf", "instructions.pdf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """How pages get onto paper and back: to printers in turn, or into the directory ``out``; ``scans`` is watched."""

    out: Path
    printers: tuple[str, ...]
    paper: Paper
    handwritten: bool
    scans: Path | None
    rehearsal: bool

    @property
    def secret_files(self) -> bool:
        """Whether pages with shares are written as files."""
        return not self.printers and not self.handwritten

    def files_of(self, record: Escrow) -> list[Path]:
        """Give every file that will be written to ``out``."""
        pages = [] if self.printers else [*_PUBLIC_PAGES, *(_share_file(share) for share in record.shares)]
        return [self.out / name for name in ["key.cms", "escrow.json", *pages]]


def hold(made: Made, production: Production, rng: Rng) -> None:
    """Hold the ceremony for what was ``made``; when it returns, every page was read back and the manifest published.

    Any error before that makes the run void: nothing of it is left in ``out``.
    """
    record = made.manifest.record
    absent(*production.files_of(record))
    sheet = Sheet(made.manifest, made.cms, production.paper)
    reading = ReadBack(made.manifest)
    _introduce(made)
    with _void_unless_done(record, production):
        for share in record.shares:
            pages = form_pages(sheet, share.number) if production.handwritten else _share_pages(made, sheet, share)
            _deliver(_share_file(share), pages, production, share)
        key = key_document(sheet)
        _deliver("key.pdf", key.pdf, production)
        reading.expect(key.marks)
        reading.expect(parts(KEY, record.rehearsal, made.manifest.id, made.cms))
        if production.handwritten:
            _write_by_hand(made, reading)
        _collect(reading, record, production)
        _rehearse(made, reading, rng)
        for name, document in (
            ("manifest.pdf", manifest_document(sheet)),
            ("instructions.pdf", instruction_document(sheet)),
        ):
            _deliver(name, document.pdf, production)
            reading.expect(document.marks)
        reading.expect(manifest_codes(made.manifest))
        _collect(reading, record, production)
    # From here on the paper is an escrow, whatever becomes of these files: they stand on its pages too.
    write_public(production.out / "key.cms", reading.data(KEY))
    write_public(production.out / "escrow.json", made.manifest.envelope + b"\n")
    _published(made, production)


def watch_pages(record: Escrow) -> str:
    """Say what a printer that saw too much could do."""
    least = min(sum(sorted(group.threshold for group in record.groups)[: record.group_threshold]), len(record.shares))
    return f"A printer that sees {least} shares and the key's page has the key."


def _introduce(made: Made) -> None:
    record = made.manifest.record
    terminal.heading("The escrow")
    terminal.facts(
        [
            ("zone", record.zone.to_text()),
            ("algorithm", record.algorithm),
            ("DS", record.ds or "none: there is no DNSSEC number for this algorithm"),
            ("shares", described(record)),
            ("custody", "a rehearsal: no command takes it for real" if record.rehearsal else "real"),
            ("escrow id", made.manifest.id.hex()),
        ]
    )
    terminal.heading("Escrow id, in words; the first eight stand on each share and on the key's first page")
    terminal.words(made.manifest.id)


def described(record: Escrow) -> str:
    """Say in words how many shares are needed."""
    if len(record.groups) == 1:
        return f"any {record.groups[0].threshold} of {record.groups[0].size}"
    each = ", ".join(
        f"{group.threshold} of {group.size} at {group.name or f'group {number}'}"
        for number, group in enumerate(record.groups, 1)
    )
    return f"any {record.group_threshold} of {len(record.groups)} groups: {each}"


def _share_pages(made: Made, sheet: Sheet, share: EscrowShare) -> bytes:
    return share_pages(sheet, share.number, made.shares[share.number - 1].text)


def _deliver(name: str, pages: bytes, production: Production, share: EscrowShare | None = None) -> None:
    """Print one job, or write it as a file: for its owner only where it holds a share."""
    if production.printers:
        printer = production.printers[(share.number - 1) % len(production.printers) if share else 0]
        print_pages(pages, printer, f"keyquorum {name}")
        terminal.tell(f"Printed on {printer}: {named(share) if share else name}")
        return
    path = production.out / name
    if share and production.secret_files:
        write_secret(path, pages)
        terminal.tell(f"To be printed: {path}, {named(share)}: secret, in memory only")
    else:
        write_public(path, pages)
        terminal.tell(f"To be printed: {path}{f', the form of {named(share)}' if share else ''}")


def _write_by_hand(made: Made, reading: ReadBack) -> None:
    """Show each custodian the words, clear them, and have them typed back from the paper."""
    for share in made.manifest.record.shares:
        words = made.shares[share.number - 1].words
        who = share.holder or f"Custodian {share.number}"
        alone(who, f"you will write the words of share {share.number} on its form.")
        while share.number in reading.missing_shares():
            show_words(f"Share {share.number}: write these on the form", words)
            terminal.ask("Written, and compared? Press Enter, and the words are gone")
            terminal.clear()
            try:
                reading.take_words(share.number, typed_words(f"share {share.number} from your form"))
            except KeyquorumError as error:
                terminal.clear()
                terminal.complain(error)
                terminal.ask(f"{who}: correct the form; the words are shown once more. Press Enter")
        terminal.clear()
        terminal.tell(f"S{named(share)[1:]}: the form is right. Put it into its bag now.")


def _collect(reading: ReadBack, record: Escrow, production: Production) -> None:
    """Read pages until none is missing."""
    if production.scans:
        _collect_from(production.scans, reading, record, production)
    while reading.missing_shares() or reading.missing_parts():
        _show_missing(reading, record)
        answer = terminal.ask(
            "The file of a scan, or 'words N' to type share N, or 'void' to give up",
            hint="Give --scans DIR, where the scans of the pages appear.",
        )
        try:
            if answer == "void":
                raise click.Abort
            if answer.startswith("words ") and answer[6:].strip().isdigit():
                number = int(answer[6:])
                terminal.clear()
                try:
                    taken = reading.take_words(number, typed_words(f"share {number}"))
                finally:
                    terminal.clear()
                terminal.tell(f"Read back: {taken}")
            elif answer:
                _take_file(Path(answer), reading, production)
        except KeyquorumError as error:
            terminal.complain(error)


def _collect_from(directory: Path, reading: ReadBack, record: Escrow, production: Production) -> None:
    """Watch a directory for scans until none is missing."""
    seen: dict[Path, tuple[int, int]] = {}
    _show_missing(reading, record)
    while reading.missing_shares() or reading.missing_parts():
        for path in sorted(directory.iterdir()):
            state = path.stat()
            mark = state.st_size, state.st_mtime_ns
            # A file that is still growing is read when it has stopped.
            if not path.is_file() or seen.get(path) == (-1, mark[1]) or path.name.startswith("."):
                continue
            if seen.get(path) != mark:
                seen[path] = mark
                continue
            seen[path] = (-1, mark[1])
            try:
                _take_file(path, reading, production)
            except KeyquorumError as error:
                terminal.complain(error)
        time.sleep(_SECOND / 4)


def _take_file(path: Path, reading: ReadBack, production: Production) -> None:
    """Read one scan: a file with a share's picture is a share, so it must not lie on a disk either."""
    if not production.rehearsal:
        refuse_disk(path, "a scan")
        if path.resolve().parent == production.out.resolve():
            raise RefusedError(
                "this is the page as it was made, not a scan of the paper", where=str(path), do="Print it and scan it."
            )
    data = read_file(path, FILE_LIMIT, "scan")
    with naming(path):
        found = 0
        for picture in read_pictures(data, path.name):
            for trouble in picture.troubles:
                terminal.tell(f"{picture.where}: {trouble}")
            for frame in picture.frames:
                terminal.tell(f"{picture.where}: {reading.take(frame)}")
                found += 1
        if not found:
            raise NotYetError(
                "no code could be read on this picture",
                do="Scan again at 300 dpi, flat and evenly lit; a share's words can be typed instead.",
            )


def _show_missing(reading: ReadBack, record: Escrow) -> None:
    by_number = {share.number: share for share in record.shares}
    shares = [named(by_number[number]) for number in reading.missing_shares()]
    terminal.tell()
    terminal.tell(
        f"{len(record.shares) - len(shares)} of {len(record.shares)} shares read back. Missing:", style="bold"
    )
    missing = shares + reading.missing_parts()
    for name in missing[:_MOST_SHOWN]:
        terminal.tell(f"  {name}")
    if len(missing) > _MOST_SHOWN:
        terminal.tell(f"  and {len(missing) - _MOST_SHOWN} more")


def _rehearse(made: Made, reading: ReadBack, rng: Rng) -> None:
    done = drill(made.manifest, reading.data(KEY), reading.shares, rng)
    terminal.heading("Drill, with what was read back")
    terminal.listing(
        ["shares", "result"],
        [
            (", ".join(map(str, numbers)), terminal.verdict(good=True, text="key rebuilt, signed, verified"))
            for numbers in done.sets
        ],
    )


@contextmanager
def _void_unless_done(record: Escrow, production: Production) -> Iterator[None]:
    """Leave no file with a share behind, however the block ends; and nothing at all if it is void."""
    shares = [production.out / _share_file(share) for share in record.shares]
    everything = production.files_of(record)
    try:
        yield
    except BaseException:
        _erase(everything)
        terminal.tell(
            "\nThis run is void: it has no manifest, so its pages are no escrow. Destroy every page that was printed.",
            style="bold",
        )
        raise
    if not production.rehearsal and production.secret_files:
        _erase(shares)


def _erase(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _share_file(share: EscrowShare) -> str:
    return f"share-{share.number}.pdf"


def _published(made: Made, production: Production) -> None:
    """End the ceremony: what there is now, and what is to be done with it."""
    record = made.manifest.record
    terminal.heading("Written")
    terminal.facts(
        [
            ("manifest", f"{production.out / 'escrow.json'} (public)"),
            ("encrypted key", f"{production.out / 'key.cms'} (reveals nothing alone; copy it freely)"),
        ]
    )
    terminal.heading("Whom the shares are for")
    terminal.listing(
        ["share", "holder", "fingerprint, first words"],
        [(str(share.number), share.holder or "-", spoken(share.fingerprint, 4)) for share in record.shares],
    )
