"""Options of ``escrow create`` and ``escrow recover --to-escrow``: how a key is shared, and how its pages are made."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import dns.name

from keyquorum import __version__
from keyquorum.cli import terminal, world
from keyquorum.cli.escrow_ceremony import Production
from keyquorum.cli.options import FILE, directory_at
from keyquorum.errors import UsageError
from keyquorum.escrow.making import Order
from keyquorum.escrow.shares import Sharing
from keyquorum.machine.live import ceremony_facts
from keyquorum.machine.memory import lock_memory
from keyquorum.machine.places import refuse_disk
from keyquorum.machine.swap import refuse_swap
from keyquorum.paper.sheet import Paper

Function = TypeVar("Function", bound=Callable[..., Any])


def sharing_options(command: Function) -> Function:
    """Add how many shares there are, of how many groups, and who has them."""
    for option in (
        click.option(
            "--share-holder",
            "share_holders",
            multiple=True,
            metavar="NAME",
            help="Who has share 1, 2, ...: one for each.",
        ),
        click.option("--group-threshold", type=int, help="How many of the groups are needed."),
        click.option("--group", "groups", multiple=True, metavar="NAME=M/N", help="A group of shares: a site, say."),
        click.option("--shares", type=int, help="N: how many shares there are."),
        click.option("--threshold", type=int, help="M: how many shares bring the key back."),
    ):
        command = option(command)
    return command


def page_options(command: Function) -> Function:
    """Add how pages are printed and read back."""
    for option in (
        click.option("--rehearsal", is_flag=True, help="Practice: any machine will do; the pages say so."),
        click.option("--scans", type=FILE, help="A directory in memory where the scans of the pages will appear."),
        click.option("--handwritten", is_flag=True, help="Print empty forms; the words are written by hand."),
        click.option(
            "--paper", type=click.Choice(["A4", "Letter"]), default="A4", show_default=True, help="The size of a sheet."
        ),
        click.option(
            "--print", "printers", multiple=True, metavar="PRINTER",
            help="A queue or a device; several take the shares in turn.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def sharing_of(
    threshold: int | None, shares: int | None, groups: Sequence[str], group_threshold: int | None
) -> tuple[Sharing, tuple[str, ...]]:
    """Give the sharing that the options ask for, and the names of its groups."""
    if groups and (threshold is not None or shares is not None):
        raise UsageError("--group and --threshold/--shares say different things", do="Give either.")
    if not groups:
        if threshold is None or shares is None:
            raise UsageError("how many shares there are to be is not said", do="Give --threshold M and --shares N.")
        if group_threshold is not None:
            raise UsageError("--group-threshold without --group", do="Name the groups: --group NAME=M/N.")
        return Sharing(1, ((threshold, shares),)), ("",)
    if group_threshold is None:
        raise UsageError("how many of the groups are needed is not said", do="Give --group-threshold K.")
    names, sizes = [], []
    for text in groups:
        name, _, numbers = text.rpartition("=")
        least, _, size = numbers.partition("/")
        if not (name and least.isdigit() and size.isdigit()):
            raise UsageError("this is no group", where=f"--group {text}", do="Write NAME=M/N, as in --group Oslo=2/3.")
        names.append(name)
        sizes.append((int(least), int(size)))
    return Sharing(group_threshold, tuple(sizes)), tuple(names)


def order_of(
    zone: dns.name.Name, sharing: Sharing, group_names: tuple[str, ...], holders: Sequence[str], *, rehearsal: bool
) -> Order:
    """Give what is to be made."""
    return Order(
        zone=zone,
        sharing=sharing,
        group_names=group_names,
        holders=tuple(holders) or ("",) * sharing.total,
        rehearsal=rehearsal,
        created=world.now(),
        tool=f"keyquorum {__version__}",
    )


def production_of(
    out: Path, printers: tuple[str, ...], paper: Paper, *, handwritten: bool, scans: Path | None, rehearsal: bool
) -> Production:
    """Give how pages are made; refuses places where a share would lie on a disk, before there is a key."""
    directory_at(out)
    production = Production(
        out=out, printers=printers, paper=paper, handwritten=handwritten, scans=scans, rehearsal=rehearsal
    )
    if scans is not None and not scans.is_dir():
        raise UsageError("there is no such directory", where=f"--scans {scans}", do="Make it first, in memory.")
    if not rehearsal:
        if production.secret_files:
            refuse_disk(out, "pages with shares")
        if scans is not None:
            refuse_disk(scans, "scans of pages with shares")
    return production


def prepare_machine(*, rehearsal: bool) -> None:
    """Make sure that nothing of this process reaches a disk, or say why it would; a rehearsal may do as it likes."""
    if rehearsal:
        terminal.tell("A rehearsal: this machine's memory, swap and disks are not looked at.", style="bold")
        return
    refuse_swap()
    lock_memory()
    terminal.heading("This machine")
    terminal.listing(
        ["what", "found", ""],
        [
            (name, found, terminal.verdict(good, "good" if good else "look at it"))
            for name, found, good in ceremony_facts()
        ],
    )
