"""``keyquorum key``: deal a key to a quorum, show it, verify the dealer's work."""

from contextlib import ExitStack
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.dealing import (
    TABLE_ENDING,
    absent_in,
    after_dealing,
    dealt_steps,
    hand_out,
    ration_of,
    targets,
    write_shares,
    written,
)
from keyquorum.cli.key_facts import ALGORITHMS, key_document, show_key
from keyquorum.cli.key_token import token_command
from keyquorum.cli.options import (
    FILE,
    directory_at,
    json_option,
    make_directory,
    passphrase_option,
    person_at,
    read_header_of,
    read_record,
    zones_of,
)
from keyquorum.cli.private_keys import undivided_key
from keyquorum.cli.supplies import own_supplies, public_supplies, show_supplies, supply_document
from keyquorum.cli.world import RNG
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import RefusedError, UsageError
from keyquorum.quorum.commitments import open_commitments
from keyquorum.quorum.dealing import Custody, check_key, check_tables, dnskey_of, presign
from keyquorum.records.keys import CARD, COMMITMENTS, KEY_RECORD
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_for, scheme_of
from keyquorum.threshold.seam import Plan


@click.group()
def key() -> None:
    """Keys in the custody of a quorum."""


key.add_command(token_command)


@key.command("deal")
@click.argument("holders", nargs=-1, required=True, type=FILE, metavar="HOLDER...")
@click.option("--algorithm", required=True, type=click.Choice(list(ALGORITHMS)), help="The DNSSEC algorithm.")
@click.option("--bits", type=int, help="The size of a new RSA key; 2048 unless given.")
@click.option("--zone", metavar="NAME", help="The zone the key may sign.")
@click.option("--zones", type=FILE, help="A file with the zones the key may sign, one name a line.")
@click.option("--threshold", type=int, required=True, help="M: how many holders make a signature.")
@click.option("--identity", type=FILE, required=True, help="The dealer's keystore.")
@click.option("--requester", "requesters", type=FILE, multiple=True, help="Card of one who may ask.")  # fmt: skip
@click.option("--from", "source", metavar="PEM|URI", help="Share this existing key, instead of a new one.")
@click.option("--answers", type=int, help="R: how many holders' answers always suffice; at least M (not for RSA).")
@click.option("--slots", type=int, help="Presignatures to deal for each requester (ECDSA); 1440 unless given.")
@click.option("--a-year", type=int, help="How many of them will be used in a year; 72 unless given.")
@click.option("--label", default="", help="What the key is called in responses (keyIdentifier).")
@click.option("--out", type=FILE, required=True, help="The directory for key.json and one NAME.share a holder.")
@passphrase_option
def deal_command(
    holders: tuple[Path, ...],
    algorithm: str,
    bits: int | None,
    zone: str | None,
    zones: Path | None,
    threshold: int,
    identity: Path,
    requesters: tuple[Path, ...],
    source: str | None,
    answers: int | None,
    slots: int | None,
    a_year: int | None,
    label: str,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a key and hand each HOLDER (a card) a share, sealed to that holder.

    Any --threshold of the holders can sign; fewer learn nothing. The undivided key is never written anywhere.
    """
    names = zones_of(zone, zones)
    cards = tuple(read_record(path, CARD) for path in holders)
    targets(out, cards)
    asking = tuple(read_record(path, CARD) for path in requesters)
    number = ALGORITHMS[algorithm]
    ration = ration_of(number, slots, a_year)
    size = _bits(algorithm, bits, existing=source is not None)
    existing = undivided_key(source) if source else None
    with person_at(identity, passphrase_file) as dealer:
        custody = Custody(names, cards, asking or (dealer.card,), label)
        hand_out(dealer, custody, Plan(number, size, threshold, len(cards), answers), out, existing, ration)
    terminal.next_step(after_dealing(scheme_for(number).one_time, existing=existing is not None))


@key.command("presign")
@click.option("--key", "file", type=FILE, required=True, help="The key record.")
@click.option("--from", "source", metavar="PEM|URI", required=True, help="The key itself, as at the dealing.")
@click.option("--slots", type=int, help="Presignatures for each requester; 1440 unless given.")
@click.option("--a-year", type=int, help="How many of them will be used in a year; 72 unless given.")
@click.option("--from-slot", type=int, required=True, help="The first slot: after all that were ever dealt.")
@click.option("--identity", type=FILE, required=True, help="The dealer's keystore.")
@click.option("--out", type=FILE, required=True, help="The directory for the tables and one NAME.share a holder.")
@passphrase_option
def presign_command(
    file: Path,
    source: str,
    slots: int | None,
    a_year: int | None,
    from_slot: int,
    identity: Path,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Deal more presignatures for an ECDSA key, before those there are come to an end.

    Needs the key itself once more, at a ceremony like the one at which it was dealt.
    """
    signed = read_record(file, KEY_RECORD)
    record = signed.record
    directory_at(out)
    shares = [out / f"{card.record.name}.share" for card in record.holders]
    tables = [out / f"{card.record.name}{TABLE_ENDING}" for card in record.requesters]
    absent_in(out, [*shares, *tables])
    ration = ration_of(record.public.algorithm, slots, a_year, from_slot)
    if ration is None:
        raise RefusedError(
            f"the dealer makes no presignatures for {record.label}",
            do="Only ECDSA keys have them. Holders of a FROST key run 'keyquorum share prepare'.",
        )
    undivided = undivided_key(source)
    with person_at(identity, passphrase_file) as dealer:
        total = dealt_steps(ration, len(record.requesters), len(record.holders))
        with world.work("Making and checking", "slots", total=total) as work:
            dealing = presign(dealer.identity, signed, undivided, ration, world.Scratch(), RNG, work)
    make_directory(out)
    write_shares(dealing, shares, tables)
    written(shares, tables)
    terminal.next_step(
        "give each holder their own .share. Each runs 'keyquorum share accept'; a requester uses the new table, and "
        "the new acceptances, once all have. Put the key back to where it was, before a witness."
    )


@key.command()
@click.argument("file", type=FILE)
@click.option("--presignatures", type=FILE, multiple=True, help="Tables of the dealer's, or holders' commitments.")
@click.option("--keystore", type=FILE, help="Also say what is left in this keystore.")
@json_option
@passphrase_option
def show(
    file: Path, presignatures: tuple[Path, ...], keystore: Path | None, json_: bool, passphrase_file: Path | None
) -> None:
    """Show a key record: whose it is, for which zones, how it stands in the DNS, and how long its slots will last."""
    signed = read_record(file, KEY_RECORD)
    supplies = public_supplies(signed, [read_header_of(path, COMMITMENTS) for path in presignatures])
    if keystore is not None:
        with person_at(keystore, passphrase_file) as person:
            supplies += own_supplies(signed, person)
    if json_:
        terminal.as_json({**key_document(signed), "slots": [supply_document(one, world.now()) for one in supplies]})
        return
    show_key(signed)
    show_supplies(signed, supplies, world.now())
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
@click.option("--presignatures", type=FILE, multiple=True, help="The dealer's tables, all that there are.")
@json_option
def verify(file: Path, presignatures: tuple[Path, ...], json_: bool) -> None:
    """Check the dealer's work: everything about the dealing that anybody can check."""
    signed = read_record(file, KEY_RECORD)
    with world.naming(file):
        check_key(signed)
    dealt = scheme_of(signed.record.public).one_time is Maker.DEALER
    rows = 0
    if presignatures:
        with ExitStack() as stack:
            files = [stack.enter_context(world.opened(path, "table")) for path in presignatures]
            tables = []
            for path, stream in zip(presignatures, files, strict=True):
                with world.naming(path):
                    tables.append(open_commitments(stream))
            rows = sum(len(table.rows) for table in tables)
            with world.work("Checking", "slots", total=rows) as work:
                check_tables(signed, tables, work)
    if json_:
        terminal.as_json({**key_document(signed), "dealing": "checks", "slots_checked": rows})
        return
    show_key(signed)
    terminal.say()
    if dealt:
        public = signed.record.public
        terminal.say(
            f"The plan covers: any {public.answers} of {public.holders} answers complete a quorum.", style="green"
        )
        terminal.say(
            f"{rows:,} slots check: every presignature belongs to this key, and none occurs twice."
            if rows
            else "The presignatures were not looked at: give all tables with --presignatures.",
            style="green" if rows else "bold",
        )
    elif signed.record.kept:
        terminal.say("The public key is a good one. Nothing was dealt: who has the token alone signs, as before.")
    else:
        terminal.say("The dealing checks: the shares lie on one polynomial of the right degree, and make this key.")
    terminal.next_step(
        "make a request that it is to sign: keyquorum request new."
        if signed.record.kept
        else "each holder checks its own share with 'keyquorum share accept'."
    )


def _bits(algorithm: str, bits: int | None, *, existing: bool) -> int:
    """Give the size of the new key; 0 where there is nothing to choose."""
    if not algorithm.startswith("RSA"):
        if bits is not None:
            raise UsageError(f"{algorithm} has one size only", do="Leave out --bits.")
        return 0
    return 0 if existing else 2048 if bits is None else bits
