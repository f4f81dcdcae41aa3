"""``keyquorum sign``: a holder looks at a request and answers it."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.chain import judged_by, keep
from keyquorum.cli.listing import show_examination, show_source
from keyquorum.cli.options import (
    FILE,
    GreedyCommand,
    absent,
    approve_option,
    archive_option,
    basis_of,
    judging_options,
    passphrase_option,
    person_at,
    read_header_of,
    token_options,
)
from keyquorum.cli.request import show_request
from keyquorum.cli.world import RNG
from keyquorum.errors import RefusedError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import new_file
from keyquorum.keystore.person import Person
from keyquorum.quorum.dealing import fingerprint_of
from keyquorum.quorum.keeping import kept_by
from keyquorum.quorum.requesting import open_request, refuse_failures
from keyquorum.quorum.signing import answer, asked_of
from keyquorum.quorum.task import examine
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KeyRecord
from keyquorum.records.requests import PARTIAL


@click.command(cls=GreedyCommand)
@click.argument("request", type=FILE)
@click.option("--keystore", type=FILE, required=True, help="Your keystore, with your accepted share.")
@click.option("--out", type=FILE, required=True, help="Where to write your partial.")
@click.option("--token", "tokens", metavar="URI", multiple=True, help="A key that you keep whole, in its token.")
@token_options
@click.option("--seen", type=FILE, multiple=True, help="Partials published before: were yours made by this keystore?")
@judging_options
@archive_option
@approve_option
@passphrase_option
def sign(
    request: Path,
    keystore: Path,
    out: Path,
    tokens: tuple[str, ...],
    pin_file: Path | None,
    module: Path | None,
    seen: tuple[Path, ...],
    policy: Path | None,
    previous_skr: Path | None,
    archive: Path | None,
    at: str | None,
    overrules: tuple[str, ...],
    approve: str | None,
    passphrase_file: Path | None,
) -> None:
    """Check all of REQUEST with your own rules, and answer it with a partial signature once you agree.

    Nothing the requester says is taken on trust: bundles and signing input are derived from the source on this machine.
    """
    absent(out)
    with ExitStack() as stack:
        file = stack.enter_context(world.opened(request, "request"))
        person = stack.enter_context(person_at(keystore, passphrase_file))
        refuse_copies(person, seen)
        with world.naming(request):
            opened = open_request(file)
        whole = kept_by(opened, person.identity)
        devices = _devices(stack, tokens, whole, pin_file, module)
        shares = {**person.shares(), **devices}
        asked_of(opened, shares, person.identity)
        task = opened.task
        basis = basis_of(task.source.format, policy, previous_skr, at, overrules, person)
        with world.naming(request):
            basis = judged_by(archive, basis, task)
        with world.naming(request), world.work("Checking", "zones", size=task.source.length) as work:
            examination = examine(task, basis, world.Scratch(), work)
        show_request(opened)
        show_examination(task, examination)
        show_source(task.source)
        refuse_failures(examination)
        terminal.agree(
            f"Did {opened.requester.record.name} read you these words ({spoken(task.source.sha256, 3)} ...), and is "
            "this to be signed?",
            opened.signed.id,
            approve,
        )
        total = sum(len(messages) for messages in examination.messages)
        with world.work("Signing", "messages", size=task.source.length, total=total) as work:
            answered = answer(
                opened,
                examination,
                shares,
                basis,
                person.identity,
                world.Scratch(),
                RNG,
                work,
                person.slots.of,
            )
        # Remembered before it leaves: an answer that is out is never forgotten.
        used = {one.key for one in answered.signed.record.answers}
        keys = [fingerprint_of(key.record.public) for key in task.keys if key.id in used]
        person.remember(opened.signed.id, task.source.sha256, examination.request_ids, keys)
        with new_file(out) as output:
            for chunk in answered.chunks():
                output.write(chunk)
    terminal.say()
    kept = keep(archive, request, out)
    terminal.facts({"partial": f"{out} (public)", "partial id": answered.signed.id.hex(), **kept})
    left = [key.record.label for key in whole if key.id not in devices]
    if left:
        terminal.tell(f"Not with {' and '.join(left)}, which you keep whole: answer again, with --token.", style="bold")
    terminal.next_step(f"publish {out}. Anybody who has {request} and enough partials runs 'keyquorum combine'.")


def _devices(
    stack: ExitStack,
    tokens: Sequence[str],
    kept: Sequence[Signed[KeyRecord]],
    pin_file: Path | None,
    module: Path | None,
) -> Mapping[bytes, object]:
    """Give what signs with the ``kept`` keys that are in ``tokens`` (URIs), which are open until ``stack`` closes."""
    if not tokens:
        return {}
    from keyquorum.cli.token_keys import TokenKeys  # noqa: PLC0415

    return TokenKeys(stack, pin_file, module).devices(tokens, kept)


def refuse_copies(person: Person, seen: Sequence[Path]) -> None:
    """Refuse to sign if any of the published partials is this person's and was not made by this keystore."""
    answered = person.answered()
    for path in seen:
        partial = read_header_of(path, PARTIAL)
        if partial.record.signer == person.identity.verification_key and partial.record.request not in answered:
            raise RefusedError(
                "this partial is signed with your identity, but not made by this keystore: there is another copy of it",
                where=str(path),
                do="Do not sign. Find the copy, keep the one that made the partial, and if this is an older one, run "
                "'keyquorum keystore restored' first: one-time material must not answer twice.",
            )
