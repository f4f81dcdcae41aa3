"""The slots of a request: read from commitments, chosen, given out once, and what is left of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from keyquorum.cli import terminal, world
from keyquorum.cli.supplies import names_of, warn
from keyquorum.errors import RefusedError, UsageError
from keyquorum.keystore.person import Person
from keyquorum.quorum.commitments import Gathered, OpenCommitments, gather, open_commitments
from keyquorum.quorum.requesting import place_of
from keyquorum.quorum.task import Examination
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KeyRecord
from keyquorum.records.requests import UsedSlots
from keyquorum.threshold.one_time import Maker, lane_of, number_of, told
from keyquorum.threshold.register import scheme_of

_ENDINGS = ("*.commitments.json", "*.presignatures")
_SHORT = {Maker.DEALER: 2.0, Maker.HOLDER: 0.25}


@contextmanager
def taken_slots(
    requester: Person,
    keys: Sequence[Signed[KeyRecord]],
    examination: Examination,
    paths: Sequence[Path],
    from_slot: int | None,
) -> Iterator[dict[bytes, Gathered]]:
    """Choose the slots for each key that needs some; their rows can be read while the block lasts."""
    needing = [
        key
        for key, messages in zip(keys, examination.messages, strict=True)
        if messages and scheme_of(key.record.public).one_time is not Maker.NOBODY
    ]
    if paths and not needing:
        raise UsageError("none of the keys uses up commitments", do="Leave out --commitments.")
    if from_slot is not None and len(needing) != 1:
        raise UsageError("--from-slot is for a request with one key that has slots", do="Leave it out.")
    with ExitStack() as stack:
        came: dict[bytes, list[OpenCommitments]] = {}
        known = {key.id for key in needing}
        for path, named in _files(paths):
            stream = stack.enter_context(world.opened(path, "commitments"))
            with world.naming(path):
                opened = open_commitments(stream)
                if named and opened.signed.record.key not in known:
                    raise UsageError("these commitments are for another key", do="Leave them out.")
            came.setdefault(opened.signed.record.key, []).append(opened)
        taken = {}
        for key, messages in zip(keys, examination.messages, strict=True):
            if key.id in known:
                lane = place_of(key, requester.identity.verification_key)
                mine = came.get(key.id, [])
                quorums = [one.signed.record.quorum for one in mine if lane_of(one.signed.record.first) == lane]
                next_ = requester.slots.next_to_give(key.id, quorums[0] or None if quorums else None)
                start = next_ if from_slot is None else from_slot
                if start is None:
                    raise RefusedError(
                        f"your keystore was restored, and does not know which slots of {key.record.label} it gave out",
                        do="Say from which one on: --from-slot N, after every slot in a request that you ever made.",
                    )
                taken[key.id] = gather(key, mine, lane, start, len(messages))
        yield taken


def give_out(requester: Person, slots: Mapping[bytes, Gathered]) -> None:
    """Remember the slots as given out, and whose commitments they are; raises RefusedError for any given out before."""
    for key, one in slots.items():
        quorum = one.used.commitments[0].record.quorum or None
        for signed in one.used.commitments:
            requester.slots.remember(signed)
        requester.slots.give(key, quorum, number_of(one.used.first), one.used.count)


def show_slots(keys: Sequence[Signed[KeyRecord]], slots: Mapping[bytes, Gathered]) -> None:
    """Show which slots the request uses up, who cannot answer it, and what is left."""
    for key in keys:
        one = slots.get(key.id)
        if one is None:
            continue
        record, used = key.record, one.used
        left = min(signed.record.slots[-1] for signed in used.commitments) - (used.first + used.count - 1)
        terminal.heading(f"Slots of {record.label}: one signature each")
        terminal.facts([*slot_facts(record, used), ("left", f"{left:,}")])
        maker = scheme_of(record.public).one_time
        if left < _SHORT[maker] * used.commitments[0].record.a_year:
            warn(maker)


def slot_facts(record: KeyRecord, used: UsedSlots) -> list[tuple[str, str]]:
    """Say which slots a request uses up, and who has to answer it, or cannot; in words that leave room for an id."""
    facts = [("uses up", told(range(used.first, used.first + used.count)))]
    quorum = used.commitments[0].record.quorum
    if quorum:
        facts.append(("quorum", f"{names_of(record, quorum)}: all must answer"))
    makers = {signed.record.maker for signed in used.commitments}
    missing = [index for index in quorum or range(1, len(record.holders) + 1) if index not in makers]
    if missing and 0 not in makers:
        facts.append(("left out", f"{names_of(record, missing)}: no commitments for these slots"))
    return facts


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Give each file, and whether it was named: a directory may hold commitments for other keys too."""
    for path in paths:
        if path.is_dir():
            yield from ((found, False) for ending in _ENDINGS for found in sorted(path.glob(ending)))
        else:
            yield path, True
