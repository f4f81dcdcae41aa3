"""Escrows to test with, made from seeded randomness."""

import dns.name

from keyquorum.escrow.keys import EscrowKey, generate
from keyquorum.escrow.making import Made, Order, make
from keyquorum.escrow.shares import Sharing
from tests.records.people import CARDS, PEOPLE
from tests.threshold.cases import seeded

MAKER = PEOPLE["rita"]
NAMES = ("Alice", "Bob", "Carol", "Dave", "Eve", "Frank", "Grace")


def order(
    sharing: Sharing, *, zone: str = ".", rehearsal: bool = False, holders: tuple[str, ...] | None = None
) -> Order:
    """Give an order for the shares of ``sharing``."""
    names = tuple(f"Site {number}" for number in range(1, len(sharing.groups) + 1))
    return Order(
        zone=dns.name.from_text(zone),
        sharing=sharing,
        group_names=names if len(names) > 1 else ("",),
        holders=(*NAMES, *("",) * sharing.total)[: sharing.total] if holders is None else holders,
        rehearsal=rehearsal,
        created=1_800_000_000,
        tool="keyquorum test",
    )


def made_from(
    algorithm: str = "ED25519",
    threshold: int = 2,
    size: int = 3,
    *,
    seed: int = 1,
    rehearsal: bool = False,
    zone: str = ".",
) -> tuple[EscrowKey, Made]:
    """Give a key and its escrow, M of N."""
    rng = seeded(seed)
    key = generate(algorithm, 2048 if algorithm.startswith("RSA") else None, rng)
    return key, escrowed(key, Sharing(1, ((threshold, size),)), seed=seed, rehearsal=rehearsal, zone=zone)


def escrowed(key: EscrowKey, sharing: Sharing, *, seed: int = 1, rehearsal: bool = False, zone: str = ".") -> Made:
    """Put ``key`` into an escrow."""
    return make(key, order(sharing, rehearsal=rehearsal, zone=zone), MAKER, CARDS["rita"], seeded(seed))
