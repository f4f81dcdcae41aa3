"""``keyquorum key``: deal a key to a quorum, show it, verify the dealer's work."""

from pathlib import Path

import click
import dns.name

from keyquorum.cli import terminal, world
from keyquorum.cli.dealing import after_dealing, hand_out, targets
from keyquorum.cli.key_facts import ALGORITHMS, key_document, show_key
from keyquorum.cli.options import FILE, json_option, passphrase_option, person_at, read_record
from keyquorum.cli.private_keys import undivided_key
from keyquorum.cli.world import read_file
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import UsageError
from keyquorum.quorum.dealing import Custody, check_key, dnskey_of
from keyquorum.records.fields import ZONE
from keyquorum.records.kinds import CARD, KEY_RECORD
from keyquorum.threshold.seam import Plan


@click.group()
def key() -> None:
    """Keys in the custody of a quorum."""


@key.command("deal")
@click.argument("holders", nargs=-1, required=True, type=FILE, metavar="HOLDER...")
@click.option("--algorithm", required=True, type=click.Choice(list(ALGORITHMS)), help="The DNSSEC algorithm.")
@click.option("--bits", type=int, default=2048, show_default=True, help="The size of a new RSA key.")
@click.option("--zone", metavar="NAME", help="The zone the key may sign.")
@click.option("--zones", type=FILE, help="A file with the zones the key may sign, one name a line.")
@click.option("--threshold", type=int, required=True, help="M: how many holders make a signature.")
@click.option("--identity", type=FILE, required=True, help="The dealer's keystore.")
@click.option("--requester", "requesters", type=FILE, multiple=True, help="Card of one who may ask.")  # fmt: skip
@click.option("--from", "source", metavar="PEM|URI", help="Share this existing key, instead of a new one.")
@click.option("--label", default="", help="What the key is called in responses (keyIdentifier).")
@click.option("--out", type=FILE, required=True, help="The directory for key.json and one NAME.share a holder.")
@passphrase_option
def deal_command(
    holders: tuple[Path, ...],
    algorithm: str,
    bits: int,
    zone: str | None,
    zones: Path | None,
    threshold: int,
    identity: Path,
    requesters: tuple[Path, ...],
    source: str | None,
    label: str,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a key and hand each HOLDER (a card) a share, sealed to that holder.

    Any --threshold of the holders can sign; fewer learn nothing. The undivided key is never written anywhere.
    """
    names = _zones(zone, zones)
    cards = tuple(read_record(path, CARD) for path in holders)
    targets(out, cards)
    asking = tuple(read_record(path, CARD) for path in requesters)
    existing = undivided_key(source) if source else None
    with person_at(identity, passphrase_file) as dealer:
        custody = Custody(names, cards, asking or (dealer.card,), label)
        plan = Plan(ALGORITHMS[algorithm], 0 if existing else bits, threshold, len(cards))
        hand_out(dealer, custody, plan, out, existing)
    terminal.next_step(after_dealing(existing=existing is not None))


@key.command()
@click.argument("file", type=FILE)
@json_option
def show(file: Path, json_: bool) -> None:
    """Show a key record: whose it is, for which zones, and how it stands in the DNS."""
    signed = read_record(file, KEY_RECORD)
    if json_:
        terminal.as_json(key_document(signed))
        return
    show_key(signed)
    terminal.next_step(f"check the dealer's work: keyquorum key verify {file}")


@key.command()
@click.argument("file", type=FILE)
def dnskey(file: Path) -> None:
    """Write the DNSKEY record, one for each zone of the key."""
    record = read_record(file, KEY_RECORD).record
    for zone in record.zones:
        click.echo(dnskey_text(zone, dnskey_of(record.public)))


@key.command()
@click.argument("file", type=FILE)
@click.option(
    "--digest",
    type=click.Choice(["SHA-256", "SHA-384"]),
    default="SHA-256",
    show_default=True,
    help="The digest in it.",
)
def ds(file: Path, digest: str) -> None:
    """Write the DS record, one for each zone of the key."""
    record = read_record(file, KEY_RECORD).record
    for zone in record.zones:
        click.echo(ds_text(zone, dnskey_of(record.public), digest))


@key.command()
@click.argument("file", type=FILE)
@json_option
def verify(file: Path, json_: bool) -> None:
    """Check the dealer's work: everything about the dealing that anybody can check."""
    signed = read_record(file, KEY_RECORD)
    with world.naming(file):
        check_key(signed)
    if json_:
        terminal.as_json({**key_document(signed), "dealing": "checks"})
        return
    show_key(signed)
    terminal.say()
    terminal.say("The dealing checks: the shares lie on one polynomial of the right degree, and make this key.")
    terminal.next_step("each holder checks its own share with 'keyquorum share accept'.")


def _zones(zone: str | None, zones: Path | None) -> tuple[dns.name.Name, ...]:
    if (zone is None) == (zones is None):
        raise UsageError("say which zones the key may sign", do="Give --zone NAME, or --zones FILE.")
    if zone is not None:
        return (_zone(zone, "--zone"),)
    lines = read_file(zones, 1 << 26, "list of zones").decode("utf-8", "replace").splitlines() if zones else []
    named = [(number, line.split("#", 1)[0].strip()) for number, line in enumerate(lines, 1)]
    found = tuple(dict.fromkeys(_zone(text, f"{zones}, line {number}") for number, text in named if text))
    if not found:
        raise UsageError("the list of zones is empty", where=str(zones))
    return found


def _zone(text: str, where: str) -> dns.name.Name:
    return ZONE.parse(text.lower() if text.endswith(".") else f"{text.lower()}.", where)
