"""One-time material: what a FROST or ECDSA answer uses up, and the rule that each piece of it answers once.

A *slot* is the material for one message: for every quorum of the plan a nonce (FROST, made by each holder) or a
presignature (ECDSA, made by the dealer). It has *rows*: a public one of each maker, which requests carry, and a secret
one of each holder. A slot's number is the place of the requester it belongs to, above 24 bits, and a running number:
so requesters cannot give out the same slot twice, whatever happens to their files.

The burn rule: the secret row leaves its store only together with its burn, and the burn is bound to a digest of *all*
that the answer depends on. Three answers to one message under different commitment lists give a FROST share away; two
answers with one presignature the ECDSA key. Refused: slots outside a lane, lanes beyond the requesters there can be.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keyquorum.errors import ParameterError

LANE_BITS = 24
MOST_SLOTS = 1 << LANE_BITS
"""Slots of one requester."""
MOST_LANES = 64
MARK_LENGTH = 16
"""Bytes by which what must never occur twice is told apart."""

Quorum = tuple[int, ...]
"""M holders by index, ascending."""


class Maker(enum.Enum):
    """Who makes one-time material."""

    NOBODY = "nobody"
    HOLDER = "holder"
    DEALER = "dealer"


def slots_of(lane: int, first: int, count: int) -> range:
    """Give ``count`` slots of the requester at place ``lane`` (from 0), from running number ``first`` (from 0) on.

    Raises ParameterError for numbers that no slot has.
    """
    if not 0 <= lane < MOST_LANES or first < 0 or count < 1 or first + count > MOST_SLOTS:
        raise ParameterError(
            f"there is no range of {count:,} slots from slot {first:,} on for requester {lane + 1}",
            do=f"A requester has slots 0 to {MOST_SLOTS - 1}, and there are at most {MOST_LANES} requesters.",
        )
    start = (lane << LANE_BITS) + first
    return range(start, start + count)


def lane_of(slot: int) -> int:
    """Give the place of the requester a slot belongs to."""
    return slot >> LANE_BITS


def number_of(slot: int) -> int:
    """Give the running number of a slot within its lane."""
    return slot & (MOST_SLOTS - 1)


def told(slots: range) -> str:
    """Say which slots of one requester these are, by their running numbers: ``slot 7``, ``slots 7 to 9``."""
    first, last = number_of(slots.start), number_of(slots.stop - 1)
    return f"slot {first:,}" if first == last else f"slots {first:,} to {last:,}"


def overlap(one: range, other: range) -> bool:
    """Whether two ranges of slots have any in common."""
    return one.start < other.stop and other.start < one.stop


@dataclass(frozen=True, slots=True)
class Row:
    """The material of one slot: what is published of it, and the secret of each who keeps one, by index order."""

    public: bytes
    secrets: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Use:
    """One slot about to be used up, and the digest (32 bytes) of everything that its answer depends on."""

    slot: int
    digest: bytes


Make = Callable[[Sequence[tuple[int, bytes]]], Sequence[bytes]]
"""Makes answers of secret rows, each given with its position among the uses."""


class OneTimeStore(Protocol):
    """The one-time material of one holder for one key."""

    def answer_all(self, uses: Sequence[Use], make: Make) -> Sequence[bytes]:
        """Use up slots and give an answer for each, once all are durably burnt.

        A slot that was used with the same digest gives the bytes it gave then, and is not made again. Raises
        RefusedError, and nothing is used up, if any was used with another one or is not there.
        """
        ...
