"""What a holder is asked in a campaign of crashes: requests over the same slots, and a ledger of all that was released.

The keystore holds shares of a FROST and an ECDSA key, and one-time material. The questions: the same messages, in the
same and in another request; other messages; other slots that overlap; another commitment list. ``released`` answers by
the functions that ``keyquorum sign`` calls, in its order.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.slots import Material
from keyquorum.keystore.store import Keystore
from keyquorum.maths.work import HERE
from keyquorum.quorum import signing
from keyquorum.quorum.task import examine
from keyquorum.threshold.planned import quorums_of
from tests.quorum.village import Matter, Quorum, ask, dealt, opened, zone_records
from tests.threshold.cases import seeded

ALGORITHMS = (15, 13)
HOLDER = 1
PASSPHRASE = b"p"
Fact = tuple[str, str, int, str, str, str]
"""Released: key, quorum, slot; and digests of the message and of the commitment list, and the scalar."""


@dataclass(frozen=True)
class Question:
    """A request with one key, by what is peculiar about it."""

    name: str
    quorum: Quorum
    matter: Matter
    request: bytes = field(repr=False)


@cache
def questions() -> tuple[Question, ...]:
    """Give all that the holder is asked."""
    found = []
    for algorithm in ALGORITHMS:
        quorum = dealt(algorithm=algorithm, M=2, N=3)
        zones = ("one.example.", "two.example.")
        matter, turned = (zone_records(*names, algorithm=algorithm) for names in (zones, zones[::-1]))
        requests = {
            "first": (matter, ask(matter, quorum, start=0)),
            "the same messages in another request": (matter, ask(matter, quorum, start=0, at=matter.at + 60)),
            "other messages": (turned, ask(turned, quorum, start=0)),
            "slots that overlap": (matter, ask(matter, quorum, start=1)),
        }
        if algorithm == 15:
            requests["another commitment list"] = (matter, ask(matter, quorum, start=0, makers=(1, 2)))
        found += [Question(f"{algorithm}, {name}", quorum, *rest) for name, rest in requests.items()]
    return tuple(found)


@cache
def pristine(place: Path) -> bytes:
    """Give the holder's keystore, before anything was asked; ``place`` is for making it."""
    everything = {one.quorum.key.id: one.quorum for one in questions()}
    holder = next(iter(everything.values())).holders[HOLDER - 1]
    path = place / "pristine"
    Person.new(path, holder.name, PASSPHRASE, seeded("villager", holder.name), cost=Cost.TEST)
    with Keystore.open(path, PASSPHRASE) as store:
        person = Person(store)
        assert person.card.id == holder.card.id
        for quorum in everything.values():
            (made,) = [one for one in quorum.commitments() if one.signed.record.maker in {0, HOLDER}]
            rows = quorum.stores[HOLDER, ()].rows
            material = Material(made.signed, [rows[slot] for slot in made.signed.record.slots])
            person.keep_share(quorum.key, quorum.shares[HOLDER - 1], [material])
    return path.read_bytes()


def released(person: Person, question: Question) -> list[Fact]:
    """Answer as ``keyquorum sign`` does; gives what is out once the partial is."""
    request, basis = opened(question.request), question.matter.basis()
    examination = examine(request.task, basis, BytesIO, HERE)
    answered = signing.answer(
        request,
        examination,
        person.shares(),
        basis,
        person.identity,
        BytesIO,
        os.urandom,
        HERE,
        person.slots.of,
    )
    person.remember(request.signed.id, request.task.source.sha256, examination.request_ids, [])
    assert b"".join(answered.chunks())
    commitments = request.context(question.quorum.key).commitments
    assert commitments is not None
    quorums = quorums_of(question.quorum.key.record.public, commitments)  # type: ignore[arg-type]
    mine = [one for one in quorums if HOLDER in one]
    facts: list[Fact] = []
    streams = zip(examination.messages[0], commitments.rows, answered.values[0], strict=True)
    for slot, (message, row, value) in enumerate(streams, commitments.first):
        length = len(value) // len(mine)
        for place, one in enumerate(mine):
            scalar = value[place * length : (place + 1) * length]
            key = question.quorum.key.id.hex()[:16]
            facts.append((key, str(one), slot, _short(message), _short(row), scalar.hex()))
    return facts


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class Ledger:
    """Everything that was ever released from the one-time material of one keystore."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str, int], set[tuple[str, str, str]]] = defaultdict(set)

    def add(self, facts: Sequence[Fact]) -> None:
        """Write down what was released."""
        for key, quorum, slot, *answered in facts:
            message, commitments, scalar = answered
            self.answers[key, quorum, slot].add((message, commitments, scalar))

    def contradictions(self) -> list[str]:
        """Give the one-time values that answered twice differently; there must be none."""
        return [f"{place}: {len(answers)} answers" for place, answers in self.answers.items() if len(answers) > 1]
