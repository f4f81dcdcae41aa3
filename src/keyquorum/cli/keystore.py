"""``keyquorum keystore``: what has to be said when a keystore was put back from a copy."""

from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.options import FILE, approve_option, passphrase_option, person_at, read_record
from keyquorum.records.keys import KEY_RECORD


@click.group()
def keystore() -> None:
    """Your keystore."""


@keystore.command()
@click.option("--keystore", "path", type=FILE, required=True, help="The keystore that was put back.")
@passphrase_option
def restored(path: Path, passphrase_file: Path | None) -> None:
    """Say that this keystore was put back from a copy; do so before anything else is done with it.

    Whatever one-time material it holds may have answered since the copy was made, so all of it is destroyed: nonces
    (Ed25519, Ed448) are prepared anew, presignatures (ECDSA) dealt anew. Shares and identity stay.
    """
    with person_at(path, passphrase_file) as person:
        count = person.slots.restored()
    terminal.say(f"{count:,} slot{'s' * (count != 1)} destroyed; shares and identity are kept.")
    terminal.next_step(
        "tell the requesters. With Ed25519 and Ed448 keys run 'keyquorum share prepare --from-slot N' beyond all that "
        "you ever prepared; with ECDSA keys others answer until new presignatures are dealt (keyquorum key presign)."
    )


@keystore.command()
@click.option("--keystore", "path", type=FILE, required=True, help="Your keystore.")
@click.option("--key", "file", type=FILE, required=True, help="The record of the key whose share is to be destroyed.")
@approve_option
@passphrase_option
def forget(path: Path, file: Path, approve: str | None, passphrase_file: Path | None) -> None:
    """Destroy a share and all its one-time material: after a key was shared anew, or when you leave.

    Copies of the keystore made before still hold them; destroy those too.
    """
    key = read_record(file, KEY_RECORD)
    with person_at(path, passphrase_file) as person:
        terminal.agree(f"Destroy your share of {key.record.label}, for ever?", key.id, approve)
        person.forget(key)
    terminal.say(f"Your share of {key.record.label} is destroyed in {path}.")
    terminal.next_step("destroy every copy of this keystore that was made before, and say so to the organiser.")
