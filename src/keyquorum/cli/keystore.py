"""``keyquorum keystore``: what has to be said when a keystore was put back from a copy."""

from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.options import FILE, passphrase_option, person_at


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
        count = person.slots.drop()
    terminal.say(f"{count:,} slots destroyed; shares and identity are kept.")
    terminal.next_step(
        "tell the requesters. With Ed25519 and Ed448 keys run 'keyquorum share prepare --from-slot N' beyond all that "
        "you ever prepared; with ECDSA keys others answer until new presignatures are dealt (keyquorum key presign)."
    )
