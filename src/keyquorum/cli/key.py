"""``keyquorum key``: deal a key to a quorum, show it, verify the dealer's work."""

from pathlib import Path

import click
import dns.name
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dns.dnssectypes import Algorithm

from keyquorum.cli import terminal, world
from keyquorum.cli.options import (
    FILE,
    directory_at,
    json_option,
    make_directory,
    passphrase_option,
    person_at,
    read_record,
)
from keyquorum.cli.world import RNG, read_file
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.errors import UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public
from keyquorum.maths.safeprimes import expected_candidates
from keyquorum.quorum.dealing import Custody, check_key, deal, dnskey_of
from keyquorum.records.envelope import Signed
from keyquorum.records.fields import ZONE
from keyquorum.records.kinds import CARD, KEY_RECORD, KeyRecord
from keyquorum.threshold.register import SCHEMES
from keyquorum.threshold.seam import Plan

ALGORITHMS = {Algorithm(number).name: number for number in SCHEMES}
"""The names of the algorithms there are schemes for, as in the registry of DNSSEC algorithms."""


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
@click.option("--from", "source", metavar="PEM", help="Share this existing key, instead of a new one.")
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
    directory_at(out)
    names = _zones(zone, zones)
    cards = tuple(read_record(path, CARD) for path in holders)
    targets = [out / "key.json", *(out / f"{card.record.name}.share" for card in cards)]
    for path in targets:
        if path.exists():
            raise UsageError("this file is there already", where=str(path), do="Deal into an empty directory.")
    existing = _private_key(Path(source)) if source else None
    with person_at(identity, passphrase_file) as dealer:
        asking = tuple(read_record(path, CARD) for path in requesters) or (dealer.card,)
        plan = Plan(ALGORITHMS[algorithm], 0 if existing else bits, threshold, len(cards))
        custody = Custody(names, cards, asking, label)
        with world.work(_search(bits) if existing is None else "Sharing the key", "tried") as work:
            dealing = deal(dealer.identity, dealer.card, custody, plan, world.now(), RNG, work, key=existing)
    make_directory(out)
    for path, record in zip(targets[1:], dealing.shares, strict=True):
        write_public(path, record.envelope + b"\n")
    write_public(targets[0], dealing.key.envelope + b"\n")
    show_key(dealing.key)
    terminal.heading("Written")
    terminal.facts(
        [("key.json", f"{targets[0]} (public: publish it)")]
        + [(path.name, f"{path} (sealed to its holder)") for path in targets[1:]]
    )
    terminal.next_step(
        "give each holder key.json and their own .share, and read them the words of the key id by phone. Each runs "
        "'keyquorum share accept'. No request can be made before all have accepted."
        + (" Keep the existing key where it is until then." if existing else "")
    )


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


def show_key(signed: Signed[KeyRecord]) -> None:
    """Show a key record."""
    record = signed.record
    public = record.public
    zones = [zone.to_text() for zone in record.zones]
    shown = ", ".join(zones[:5]) + (f" and {len(zones) - 5:,} more" if len(zones) > 5 else "")
    wire = dnskey_of(public)
    terminal.heading(f"Key {record.label}")
    terminal.facts(
        [
            ("zone" if len(zones) == 1 else "zones", shown),
            ("algorithm", f"{_algorithm_name(public.algorithm)} ({public.algorithm}), key tag {wire.tag}"),
            ("quorum", f"any {public.threshold} of {public.holders}"),
            ("dealt", f"{format_time_for_people(record.created)} by {record.dealer.record.name}"),
            ("DS", ds_text(record.zones[0], wire)),
        ]
    )
    terminal.heading("People, with the first words of their cards")
    rows = [(f"holder {index}", card) for index, card in enumerate(record.holders, 1)]
    rows += [("dealer", record.dealer)] + [("requester", card) for card in record.requesters]
    terminal.listing(["part", "name", "words"], [(part, card.record.name, spoken(card.id, 8)) for part, card in rows])
    terminal.heading("Key id, in words")
    terminal.words(signed.id)
    terminal.facts({"id": signed.id.hex()})


def key_document(signed: Signed[KeyRecord]) -> dict[str, object]:
    """Give what is reported of a key record."""
    record = signed.record
    wire = dnskey_of(record.public)
    people = {"holders": record.holders, "requesters": record.requesters, "dealer": (record.dealer,)}
    return {
        "id": signed.id.hex(),
        "words": spoken(signed.id),
        "label": record.label,
        "zones": [zone.to_text() for zone in record.zones],
        "algorithm": record.public.algorithm,
        "key_tag": wire.tag,
        "threshold": record.public.threshold,
        "created": record.created,
        "dnskey": dnskey_text(record.zones[0], wire),
        "ds": ds_text(record.zones[0], wire),
        **{part: [{"name": c.record.name, "id": c.id.hex()} for c in cards] for part, cards in people.items()},
    }


def _search(bits: int) -> str:
    """Say what the search for primes is to be compared with: it has no memory, so nobody knows how much is left."""
    if bits < 128:
        return "Two safe primes"
    return f"Two safe primes; expect about {2 * expected_candidates(bits // 2):,.0f} candidates:"


def _algorithm_name(number: int) -> str:
    return next(name for name, known in ALGORITHMS.items() if known == number)


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


def _private_key(path: Path) -> object:
    if str(path).startswith("pkcs11:"):
        raise UsageError("keys in tokens cannot be shared yet", where="--from", do="Give a PEM file.")
    data = read_file(path, 1 << 20, "private key")
    try:
        return load_pem_private_key(data, None)
    except TypeError:
        secret = terminal.passphrase(None, str(path))
        try:
            return load_pem_private_key(data, secret)
        except ValueError:
            raise UsageError("the private key cannot be decrypted with this passphrase", where=str(path)) from None
    except ValueError:
        raise UsageError("this is not a private key in PEM", where=str(path)) from None
