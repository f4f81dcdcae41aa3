"""Escrows to put on paper in these tests: made from a fixed stream, so that pages come out the same every time."""

import hashlib
from collections.abc import Sequence
from functools import cache

import dns.name

from keyquorum.escrow.keys import EscrowKey, generate
from keyquorum.escrow.making import Made, Order, make
from keyquorum.escrow.shares import Sharing
from keyquorum.maths.randomness import Rng
from tests.records.people import CARDS, PEOPLE


def stream(seed: str) -> Rng:
    """Give bytes that follow from ``seed``."""
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(length)

    return draw


@cache
def key(algorithm: str, bits: int | None = None) -> EscrowKey:
    """Give one key of each kind, the same within a run."""
    return generate(algorithm, bits, stream(f"{algorithm} {bits}"))


def escrow(
    algorithm: str = "ED25519",
    bits: int | None = None,
    *,
    sharing: Sharing | None = None,
    names: Sequence[str] | None = None,
    holders: Sequence[str] | None = None,
    rehearsal: bool = False,
    zone: str = ".",
) -> Made:
    """Make an escrow of a key of this algorithm."""
    sharing = sharing or Sharing(1, ((2, 3),))
    order = Order(
        zone=dns.name.from_text(zone),
        sharing=sharing,
        group_names=tuple(names or [""] * len(sharing.groups)),
        holders=tuple(holders or [""] * sharing.total),
        rehearsal=rehearsal,
        created=1_767_225_600,
        tool="keyquorum 0.1.0",
    )
    return make(key(algorithm, bits), order, PEOPLE["rita"], CARDS["rita"], stream("escrow"))
