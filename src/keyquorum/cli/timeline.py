"""A plan of a roll as rows of letters over its slots, at the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass

from dns.dnssectypes import Algorithm
from rich.text import Text

from keyquorum.cli import terminal
from keyquorum.dnssec.rollover import Plan
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot

Ways = tuple[tuple[tuple[str, ...] | None, ...], ...]
"""Of each quarter and slot: the rules that backing out breaks; None where nothing is kept ready (``ways_back``)."""

LEGEND = (
    "A letter a slot: S signs, P is published, R is revoked and signs. Zone keys: how many stand.",
    "Way back, by the response kept ready from that slot on: \N{CHECK MARK} there is one, ! it breaks a rule.",
)
ABSENT = "\N{MIDDLE DOT}"
_STYLES = {"S": "bold", "P": "cyan", "R": "bold red", "2": "bold", "\N{CHECK MARK}": "green", "!": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a timeline: what it is about, and a letter for each slot."""

    label: str
    letters: str


def rows(plan: Plan, ways: Ways) -> Iterator[Row]:
    """Give the rows of ``plan``: KSKs, then by algorithm zone keys and what the zone is signed with, and the way back.

    Letters: S signs, P is published, R is revoked and signs; how many zone keys stand; a check mark where there is a
    way back, an exclamation mark where it breaks a rule; a dot for nothing.
    """
    slots = plan.slots
    for key in plan.ksks:
        acts = "".join(slot.act(key).value for slot in slots).replace(Act.ABSENT.value, ABSENT)
        yield Row(f"{key.name} {algorithm_name(key.algorithm)}", acts)
    algorithms = list(dict.fromkeys(key.algorithm for key in plan.ksks))
    for algorithm in algorithms:
        yield Row(f"zone keys {algorithm_name(algorithm)}", "".join(_standing(slot, algorithm) for slot in slots))
    for algorithm in algorithms:
        signed = "".join("S" if _signs(slot, algorithm) else ABSENT for slot in slots)
        yield Row(f"zone by {algorithm_name(algorithm)}", signed)
    yield Row("way back", "".join(_way(broken) for row in ways for broken in row))


def show(plan: Plan, ways: Ways) -> None:
    """Write ``plan`` as letters to the terminal, as many quarters beside each other as fit."""
    length = len(plan.quarters[0].slots)
    lines = list(rows(plan, ways))
    label = max(len(row.label) for row in lines)
    column = max(length, *(len(quarter.name) for quarter in plan.quarters)) + 2
    together = max(1, (terminal.WIDTH - label - 4) // column)
    for first in range(0, len(plan.quarters), together):
        chosen = plan.quarters[first : first + together]
        terminal.say()
        terminal.listing(
            ["", *(quarter.name for quarter in chosen)],
            [
                (row.label, *(_coloured(row.letters[place * length : (place + 1) * length])
                              for place in range(first, first + len(chosen))))
                for row in lines
            ],
        )  # fmt: skip


def algorithm_name(number: int) -> str:
    """Give an algorithm's mnemonic."""
    return Algorithm(number).name


def _coloured(letters: str) -> Text:
    text = Text()
    for letter in letters:
        text.append(letter, style=_STYLES.get(letter, ""))
    return text


def _standing(slot: Slot, algorithm: int) -> str:
    count = sum(key.algorithm == algorithm for key in slot.zone_keys)
    return str(count) if count else ABSENT


def _signs(slot: Slot, algorithm: int) -> bool:
    return any(key.algorithm == algorithm for key in slot.zone_signers)


def _way(broken: tuple[str, ...] | None) -> str:
    if broken is None:
        return ABSENT
    return "!" if broken else "\N{CHECK MARK}"
