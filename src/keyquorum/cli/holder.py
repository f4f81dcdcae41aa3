"""``keyquorum holder``: make an identity, show a card."""

from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.options import FILE, directory_at, json_option, make_directory, passphrase_option, read_record
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import CARD, NAME, Card


@click.group()
def holder() -> None:
    """People: holders, dealers, requesters. Each has a card (public) and a keystore (secret)."""


@holder.command()
@click.argument("name")
@click.option("--out", type=FILE, required=True, help="The directory to write NAME.holder.json and NAME.keystore to.")
@passphrase_option
def new(name: str, out: Path, passphrase_file: Path | None) -> None:
    """Make an identity called NAME: a card to give to everybody, a keystore to give to nobody."""
    NAME.parse(name, "NAME")
    if "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} cannot be the name of a file", do="Leave out slashes and a leading dot.")
    directory_at(out)
    make_directory(out)
    card_file, keystore_file = out / f"{name}.holder.json", out / f"{name}.keystore"
    for path in (card_file, keystore_file):
        if path.exists():
            raise UsageError("this file is there already", where=str(path), do="Nothing is overwritten; choose a name.")
    secret = terminal.passphrase(passphrase_file, str(keystore_file), new=True)
    card = Person.new(keystore_file, name, secret, RNG)
    write_public(card_file, card.envelope + b"\n")
    show_card(card)
    terminal.facts({"card": f"{card_file} (public)", "keystore": f"{keystore_file} (secret; keep a copy elsewhere)"})
    terminal.next_step(f"give {card_file} to the dealer, and read the words above to the dealer by phone.")


@holder.command()
@click.argument("file", type=FILE)
@json_option
def show(file: Path, json_: bool) -> None:
    """Show the card in FILE, with the words its owner reads aloud."""
    card = read_record(file, CARD)
    if json_:
        terminal.as_json(card_document(card))
        return
    show_card(card)
    terminal.next_step(f"have {card.record.name} read these words to you by phone; only then is this card theirs.")


def show_card(card: Signed[Card]) -> None:
    """Show a card and its id in words."""
    terminal.heading(f"Card of {card.record.name}")
    terminal.facts({"id": card.id.hex()})
    terminal.words(card.id)


def card_document(card: Signed[Card]) -> dict[str, object]:
    """Give what is reported of a card."""
    return {
        "name": card.record.name,
        "id": card.id.hex(),
        "words": spoken(card.id),
        "verification_key": card.record.signer.hex(),
        "sealing_key": card.record.sealing_key.hex(),
    }
