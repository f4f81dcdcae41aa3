"""``keyquorum escrow create``: make a key, or take one, and put it on paper."""

from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.escrow_ceremony import hold, watch_pages
from keyquorum.cli.escrow_options import (
    order_of,
    page_options,
    prepare_machine,
    production_of,
    sharing_of,
    sharing_options,
)
from keyquorum.cli.options import FILE, make_directory, passphrase_option, person_at
from keyquorum.cli.private_keys import private_key_from
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.escrow.entropy import Dice, mixed
from keyquorum.escrow.keys import ALGORITHMS, EscrowKey, generate
from keyquorum.escrow.making import make
from keyquorum.maths.randomness import Rng
from keyquorum.paper.sheet import Paper
from keyquorum.records.fields import ZONE

_TOKEN_BYTES = 64


@click.command("create")
@click.option("--algorithm", type=click.Choice(list(ALGORITHMS)), help="The DNSSEC algorithm; ML-DSA-44 is a trial.")
@click.option("--bits", type=int, help="The size of a new RSA key.  [default: 2048]")
@click.option("--zone", required=True, metavar="NAME", help="The zone whose key it is.")
@click.option("--from", "source", metavar="PEM|URI", help="Take this existing key, instead of a new one.")
@click.option("--identity", type=FILE, required=True, help="The maker's keystore, which signs the manifest.")
@click.option("--out", type=FILE, required=True, help="The directory for escrow.json, key.cms, and pages as files.")
@click.option("--dice", is_flag=True, help="Mix in rolls of dice.")
@click.option("--token-randomness", metavar="URI", help="Mix in a token's random numbers.")
@sharing_options
@page_options
@passphrase_option
def command(
    algorithm: str | None,
    bits: int | None,
    zone: str,
    source: str | None,
    identity: Path,
    out: Path,
    dice: bool,
    token_randomness: str | None,
    threshold: int | None,
    shares: int | None,
    groups: tuple[str, ...],
    group_threshold: int | None,
    share_holders: tuple[str, ...],
    printers: tuple[str, ...],
    paper: Paper,
    handwritten: bool,
    scans: Path | None,
    rehearsal: bool,
    passphrase_file: Path | None,
) -> None:
    """Make a key, encrypt it, split the key to it into shares, and print each on a page of its own.

    Every page is scanned or typed back, and the key is rebuilt from what was read, before anything is erased. Nothing
    secret is written to a disk: use a machine without disks and swap, or --rehearsal.
    """
    name = ZONE.parse(zone.lower() if zone.endswith(".") else f"{zone.lower()}.", "--zone")
    sharing, group_names = sharing_of(threshold, shares, groups, group_threshold)
    order = order_of(name, sharing, group_names, share_holders, rehearsal=rehearsal)
    production = production_of(out, printers, paper, handwritten=handwritten, scans=scans, rehearsal=rehearsal)
    if source is None and algorithm is None:
        raise UsageError("which kind of key is wanted is not said", do="Give --algorithm, or --from a key.")
    prepare_machine(rehearsal=rehearsal)
    with person_at(identity, passphrase_file) as maker:
        rng = _randomness(dice=dice, token=token_randomness)
        make_directory(out)
        with _key(algorithm, bits, source, rng, rehearsal=rehearsal) as key:
            made = make(key, order, maker.identity, maker.card, rng)
            if printers and not handwritten:
                terminal.tell(watch_pages(made.manifest.record), style="bold")
            hold(made, production, rng)
    terminal.next_step(
        "put each page into its bag, with a copy of the key's, manifest's and instruction pages; publish "
        f"{out}/escrow.json. Once a year, without the others: keyquorum escrow check --escrow {out}/escrow.json PAGE."
    )


def _key(algorithm: str | None, bits: int | None, source: str | None, rng: Rng, *, rehearsal: bool) -> EscrowKey:
    if source is not None:
        return private_key_from(source, algorithm, rehearsal=rehearsal)
    assert algorithm is not None  # noqa: S101
    if ALGORITHMS[algorithm].experimental:
        terminal.tell(
            f"{algorithm} is an experiment: it has no DNSSEC number, no token takes it, OpenSSL 3.0 cannot read it. "
            "Its escrow is as good as any other.",
            style="bold",
        )
    return generate(algorithm, bits or (2048 if ALGORITHMS[algorithm].bits else None), rng)


def _randomness(*, dice: bool, token: str | None) -> Rng:
    """Give the randomness of the operating system, with what else is asked for mixed in."""
    more = []
    if dice:
        more.append(_rolled())
    if token is not None:
        from keyquorum.cli.escrow_token import random_of  # noqa: PLC0415

        more.append(random_of(token, _TOKEN_BYTES))
    return mixed(RNG, *more) if more else RNG


def _rolled() -> bytes:
    terminal.clear()
    terminal.tell(
        "Roll a die at least 100 times and type the faces (1 to 6), as many on a line as you like; an empty line ends."
    )
    rolls = ""
    while line := terminal.ask(f"{sum(character in '123456' for character in rolls)} rolls so far"):
        rolls += line
    terminal.clear()
    return Dice(rolls).reveal()
