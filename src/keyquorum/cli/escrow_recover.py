"""``keyquorum escrow recover``: the key back from paper, into whatever keeps it next."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from keyquorum.cli import terminal
from keyquorum.cli.escrow_ceremony import described
from keyquorum.cli.escrow_dialogue import confirmed, typed_words
from keyquorum.cli.escrow_files import frames_of, key_file, manifest_at, pages_at, words_in
from keyquorum.cli.escrow_options import page_options, prepare_machine, sharing_options
from keyquorum.cli.escrow_targets import Wishes, target_of
from keyquorum.cli.options import FILE, GreedyCommand, approve_option, passphrase_option
from keyquorum.cli.world import RNG
from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.escrow.checking import Collection, Finding, named
from keyquorum.escrow.recovering import check_envelope, prove, recover
from keyquorum.identity.words import spoken
from keyquorum.machine.places import refuse_disk
from keyquorum.paper.judging import Judge
from keyquorum.paper.readback import KEY, SHARE
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow, EscrowShare

_AT_A_TERMINAL = "Give the pages as files: --page FILE."


class _PagesCommand(GreedyCommand):
    greedy = ("--page",)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add where the key is to go."""
    for option in (
        click.option("--to-pem", type=FILE, help="Write the key, unencrypted, to a file in memory."),
        click.option("--to-escrow", type=FILE, help="Put the key on new paper; the directory for its files."),
        click.option(
            "--to-quorum", type=FILE, help="Deal the key to HOLDER...; the directory for key.json and shares."
        ),
        click.option("--to-token", metavar="URI", help="Load the key into a PKCS#11 token."),
        click.option("--requester", "requesters", type=FILE, multiple=True, help="--to-quorum: who may ask."),
        click.option("--answers", type=int, help="--to-quorum: R, how many answers always suffice."),
        click.option("--slots", type=int, help="--to-quorum: presignatures for each requester (ECDSA)."),
        click.option("--a-year", type=int, help="--to-quorum: how many of them will be used in a year."),
        click.option("--identity", type=FILE, help="--to-quorum, --to-escrow: keystore of the dealer or maker."),
        click.option("--label", default="", help="What the key is called in the token, or in responses."),
        click.option("--id", "key_id", metavar="HEX", help="--to-token: CKA_ID.  [default: the key tag]"),
        click.option("--extractable", is_flag=True, help="--to-token: let the key leave the token again, wrapped."),
        click.option("--pin-file", type=FILE, help="--to-token: read the user's PIN from a file."),
        click.option("--module", type=FILE, help="--to-token: the PKCS#11 module, if the URI does not say."),
    ):
        command = option(command)
    return command


@click.command("recover", cls=_PagesCommand)
@click.argument("holders", nargs=-1, type=FILE, metavar="[HOLDER...]")
@click.option("--escrow", "escrow_", type=FILE, required=True, help="escrow.json, or pictures of the manifest's pages.")
@click.option("--page", "pages", type=FILE, multiple=True, help="Scans of pages, or text files with typed words.")
@click.option("--cms", type=FILE, help="The encrypted key; otherwise beside escrow.json, or from the key's pages.")
@click.option("--maker", type=FILE, help="The card of whoever must have signed the manifest.")
@target_options
@sharing_options
@page_options
@approve_option
@passphrase_option
def command(
    escrow_: Path, pages: tuple[Path, ...], cms: Path | None, maker: Path | None, approve: str | None, **wishes: Any
) -> None:
    """Collect shares until there are enough, decrypt the key, compare it with the manifest, and hand it on.

    Shares come from --page files, or from one person after the other at the terminal. Nothing secret is written to a
    disk.
    """
    rehearsal: bool = wishes["rehearsal"]
    manifest, beside = manifest_at(escrow_, maker, rehearsal=rehearsal)
    record = manifest.record
    target = target_of(Wishes(**wishes), manifest)
    prepare_machine(rehearsal=rehearsal)
    _introduce(manifest)
    terminal.agree("Is this the id on the pages that you have (its words on the shares)?", manifest.id, approve)
    collection = Collection(manifest)
    judge = Judge(manifest, None)
    for path in pages:
        _take_file(path, collection, judge, rehearsal=rehearsal)
    envelope = key_file(cms, manifest) if cms else beside if beside is not None else judge.cms()
    check_envelope(manifest, envelope)
    if not collection.complete:
        _dialogue(collection, judge, rehearsal=rehearsal)
    shares = collection.chosen()
    with recover(manifest, envelope, shares) as key:
        prove(manifest, key, RNG)
        terminal.heading("The key is back")
        terminal.facts(
            [
                ("zone", record.zone.to_text()),
                ("algorithm", record.algorithm),
                ("DS", f"{record.ds or 'none'}"),
                ("compared", "its public part is the manifest's; it signed, and the signature verifies"),
            ]
        )
        target.take(key)
    terminal.heading("What this does not do")
    terminal.say(
        "Nothing was revoked. The shares that were used, those that were not, and every copy of the encrypted key open "
        f"this key as before: {described(record)}. Only a rollover to another key ends that, or the destruction of so "
        "many shares that too few are left. Put what was opened into new bags."
    )
    terminal.next_step(target.next_step())


def _introduce(manifest: Signed[Escrow]) -> None:
    record = manifest.record
    terminal.heading("Escrow" + (" (a rehearsal)" if record.rehearsal else ""))
    terminal.facts(
        [
            ("zone", record.zone.to_text()),
            ("algorithm", record.algorithm),
            ("DS", record.ds or "none"),
            ("needed", described(record)),
            ("made by", f"{record.maker.record.name}: {spoken(record.maker.id, 8)}"),
            ("escrow id", manifest.id.hex()),
        ]
    )
    terminal.heading("Escrow id, in words; the first eight stand on each share and on the key's first page")
    terminal.words(manifest.id)


def _take_file(path: Path, collection: Collection, judge: Judge, *, rehearsal: bool) -> list[EscrowShare]:
    """Take the shares and the parts of the key in one file; raises RefusedError for one that does not belong."""
    text = words_in(path)
    if text is not None:
        if not rehearsal:
            refuse_disk(path, "typed words of a share")
        return [_add(collection, judge.words(text).finding, str(path))]
    taken = []
    pages = pages_at(path, secret_place=not rehearsal)
    for frame in frames_of(pages):
        if frame.kind == SHARE and collection.complete:
            terminal.tell(f"{path}: there are enough shares; this one is not used.")
        elif frame.kind == SHARE:
            taken.append(_add(collection, judge.share(frame).finding, str(path)))
    for verdict in judge.frames([frame for frame in frames_of(pages) if frame.kind == KEY]):
        terminal.tell(f"{path}: {verdict.what}")
        if verdict.good is False:
            raise RefusedError(verdict.what, where=str(path), do=verdict.do)
    return taken


def _add(collection: Collection, finding: Finding | None, where: str) -> EscrowShare:
    """Add one share; raises RefusedError, which names it, if it is not one or was added before."""
    assert finding is not None  # noqa: S101
    try:
        share = collection.add(finding)
    except KeyquorumError as error:
        error.where = where
        raise
    terminal.tell(
        f"S{named(share)[1:]} is intact; its fingerprint begins: {spoken(share.fingerprint, 4)}. {collection.progress}."
    )
    return share


def _dialogue(collection: Collection, judge: Judge, *, rehearsal: bool) -> None:
    """Collect what is missing, from one person after the other; the screen is cleared between them."""
    if not terminal.at_terminal():
        collection.chosen()  # says what is missing
    while not collection.complete:
        terminal.tell(f"\n{collection.progress}.", style="bold")
        answer = terminal.ask(
            "Next person: the file of a scan, or 'words' to type a share's words, or 'stop'", hint=_AT_A_TERMINAL
        )
        if answer == "stop":
            raise click.Abort
        try:
            if answer == "words":
                finding = _typed(judge)
                _confirm_pages([_add(collection, finding, "the typed words")])
            elif answer:
                _confirm_pages(_take_file(Path(answer), collection, judge, rehearsal=rehearsal))
        except KeyquorumError as error:
            terminal.complain(error)


def _typed(judge: Judge) -> Finding:
    terminal.clear()
    try:
        finding = judge.words(typed_words("the share")).finding
    finally:
        terminal.clear()
    assert finding is not None  # noqa: S101
    if finding.proposal is None:
        return finding
    if not confirmed(finding.proposal):
        raise RefusedError("the words on the page are not those of the manifest", do="Type them again, or use another.")
    return finding.corrected()


def _confirm_pages(shares: list[EscrowShare]) -> None:
    """Have the words of each fingerprint compared with the page, and clear the screen for the next person."""
    for share in shares:
        words = spoken(share.fingerprint, 4)
        terminal.ask(f"Compare with the page of {named(share)}, beside its fingerprint: {words}. Press Enter")
    if shares:
        terminal.clear()
