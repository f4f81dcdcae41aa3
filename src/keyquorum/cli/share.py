"""``keyquorum share``: a holder accepts its share."""

from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import show_key
from keyquorum.cli.options import FILE, absent, approve_option, passphrase_option, person_at, read_record
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public
from keyquorum.quorum.dealing import accept, open_share
from keyquorum.records.kinds import SEALED_SHARE


@click.group()
def share() -> None:
    """A holder's share of a key."""


@share.command("accept")
@click.argument("file", type=FILE)
@click.option("--keystore", type=FILE, required=True, help="Your keystore; the share will be kept in it.")
@click.option("--out", type=FILE, required=True, help="Where to write the acceptance, NAME.accepted.json.")
@approve_option
@passphrase_option
def accept_command(file: Path, keystore: Path, out: Path, approve: str | None, passphrase_file: Path | None) -> None:
    """Check the share in FILE against the published dealing, keep it, and say so in an acceptance.

    Compare the words of the key id with what the dealer reads to you by phone.
    """
    absent(out)
    sealed = read_record(file, SEALED_SHARE)
    with person_at(keystore, passphrase_file) as person:
        with world.naming(file):
            part = open_share(sealed, person.identity)
        key = sealed.record.key
        show_key(key)
        terminal.heading(f"Dealer {key.record.dealer.record.name}, in words")
        terminal.words(key.record.dealer.id)
        terminal.say()
        terminal.say(
            f"Your share {sealed.record.index} of {key.record.public.holders} checks: it belongs to this dealing."
        )
        terminal.agree(f"Did the dealer read you this key id ({spoken(key.id, 3)} ...)?", key.id, approve)
        person.keep_share(sealed, part)
        acceptance = accept(sealed, person.identity, world.now())
        write_public(out, acceptance.envelope + b"\n")
    terminal.facts({"share": f"kept in {keystore}", "acceptance": f"{out} (public)"})
    terminal.next_step(f"send {out} to whoever makes requests. Destroy {file} once all holders have accepted.")
