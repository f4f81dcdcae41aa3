"""What to type next, for ``keyquorum status``: what is missing first, as a command that works as it stands."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from keyquorum.cli.dealing import SLOTS_A_YEAR
from keyquorum.cli.status_found import Answers, Found, KeyState, ProposalState
from keyquorum.records.keys import ACCEPTANCE, CARD, COMMITMENTS, SEALED_SHARE
from keyquorum.threshold.one_time import Maker, number_of

Step = tuple[str, bool]
"""What to type, and whether it is others who have to."""


def next_step(
    directory: Path,
    found: Found,
    keys: Sequence[KeyState],
    proposals: Sequence[ProposalState],
    requests: Sequence[tuple[Path, list[Answers]]],
) -> Step:
    """Say what to type next, and whether something of others is missing."""
    gone = {key.signed.record.origin.old for key in keys}
    current = [key for key in keys if key.signed.id not in gone]
    missing = chain(
        *(_proposal(directory, found, proposal, keys) for proposal in proposals),
        *(_accept(directory, found, key) for key in current),
        *(_sign(directory, found, path, answers) for path, answers in requests),
        *(_material(directory, found, keys, key) for key in current if not requests),
    )
    if (step := next(missing, None)) is not None:
        return step
    if not keys:
        return _deal(directory, found)
    if not requests:
        return _request(directory, found, max(current, key=lambda key: key.signed.record.created))
    path, answers = requests[-1]
    response = directory / "response"
    # Several responses have their names behind the dot; a record of what came out is none.
    made = [response, *sorted(directory.glob("response.*"))]
    there = next((one for one in made if one.exists() and one.suffix != ".json"), None)
    if there is not None:
        return f"keyquorum verify {_quoted(there)} --request {_quoted(path)}", False
    files = _all(file for one in answers for file in one.files)
    return f"keyquorum combine {_quoted(path)} {files} --out {_quoted(response)}", False


def _deal(directory: Path, found: Found) -> Step:
    if not found.of(CARD):
        return f"keyquorum holder new NAME --out {_quoted(directory)}", True
    cards = _all(path for path, _ in found.of(CARD))
    return (
        "keyquorum key deal --algorithm RSASHA256 --zone ZONE --threshold M --identity KEYSTORE "
        f"--out {_quoted(directory)} {cards}",
        False,
    )


def _request(directory: Path, found: Found, key: KeyState) -> Step:
    accepted = _directories(directory, (path for path, _ in found.of(ACCEPTANCE)))
    commitments = _directories(directory, (path for path, _ in found.of(COMMITMENTS)))
    return (
        f"keyquorum request new --key {_quoted(key.path)} --identity KEYSTORE --ksr KSR.xml --first "
        + f"--accepted {accepted} "
        + (f"--commitments {commitments} " if key.maker is not Maker.NOBODY else "")
        + f"--out {_quoted(directory / 'request')}",
        False,
    )


def _accept(directory: Path, found: Found, key: KeyState) -> Iterator[Step]:
    if not key.waiting or key.signed.record.origin.how not in {"dealt", "kept"}:
        return
    name = key.waiting[0]
    if key.signed.record.kept:
        yield f"put {name}.accepted.json into {directory}: written with {key.path.name} by 'keyquorum key token'", True
        return
    # The newest first: after more was dealt there are two files for each holder.
    shares = [
        file
        for file, one in reversed(found.of(SEALED_SHARE))
        if one.record.key.id == key.signed.id and key.names[one.record.index - 1] == name
    ]
    last = {one.signed.id for one in key.slots if one.signed.record.maker == 0 and one.left}
    shares.sort(key=lambda file: last.isdisjoint(_tables(found, file)))
    share = shares[0] if shares else Path(f"{name}.share")
    out = _free(share.parent if shares else directory, name, ".accepted.json")
    yield (
        f"{_count(key.waiting, 'acceptance')} missing for {key.path.name}; {name}: keyquorum share accept "
        f"{_quoted(share)} --keystore {_keystore(name, found)} --out {_quoted(out)}",
        True,
    )


def _tables(found: Found, share: Path) -> set[bytes]:
    return {table.id for file, one in found.of(SEALED_SHARE) if file == share for table in one.record.tables}


def _material(directory: Path, found: Found, keys: Sequence[KeyState], key: KeyState) -> Iterator[Step]:
    """Have slots made where no requester has any for a whole quorum."""
    record = key.signed.record
    if any(key.can_be_asked(lane) for lane in range(len(record.requesters))):
        return
    if key.maker is Maker.DEALER:
        dealt = [one for one in key.slots if one.signed.record.maker == 0]
        if not dealt:
            name = record.requesters[0].record.name
            yield f"put the dealer's table into {directory}: {name}.presignatures, written with the shares", True
            return
        first = max(number_of(one.signed.record.slots[-1]) for one in dealt) + 1
        out = _quoted(_free(directory, "more", ""))
        yield (
            f"no presignatures are left for {key.path.name}; the dealer: keyquorum key presign "
            f"--key {_quoted(key.path)} --from PEM --from-slot {first} --identity KEYSTORE --out {out}",
            True,
        )
        return
    without = [name for index, name in enumerate(key.names, 1) if not key.left(index, 0)]
    name, several = without[0], len(record.requesters) > 1
    yield (
        f"commitments of {', '.join(without)} are missing for {key.path.name} (any {record.public.answers} holders' "
        f"will do); {name}: keyquorum share prepare --keystore {_keystore(name, found)} "
        + (f"--key {_quoted(key.path)} " if len(keys) > 1 else "")
        + (f"--requester {shlex.quote(record.requesters[0].record.name)} " if several else "")
        + f"--slots {SLOTS_A_YEAR} --out {_quoted(_free(directory, name, '.commitments.json'))}",
        True,
    )


def _sign(directory: Path, found: Found, path: Path, answers: Sequence[Answers]) -> Iterator[Step]:
    keepers = {one.keeper for one in answers}
    for one in answers:
        if one.more and one.of:
            name = one.of[0]
            yield (
                f"{one.more} more answer{'s are' if one.more > 1 else ' is'} needed for {path.name}, of "
                f"{', '.join(one.of)}; {name}: keyquorum sign {_quoted(path)} --keystore {_keystore(name, found)} "
                f"{'--token URI ' * (name in keepers)}--out {_quoted(_free(directory, name, '.partial'))}",
                True,
            )


def _proposal(directory: Path, found: Found, state: ProposalState, keys: Sequence[KeyState]) -> Iterator[Step]:
    """Say how a key is made or shared anew by its holders, or a share repaired: rounds one and two, then finish."""
    proposal, everything = _quoted(state.path), _all(state.files)
    for number, missing in ((1, state.first), (2, state.second)):
        if missing:
            files = f"{everything} " if number == 2 else ""
            out = _free(directory, missing[0], f".round{number}")
            yield (
                f"round {number} of {', '.join(missing)} is missing for {state.path.name}; {missing[0]}: keyquorum dkg "
                f"answer {proposal} {files}--keystore {_keystore(missing[0], found)} --out {_quoted(out)}",
                True,
            )
            return
    if state.mending:
        name = state.mending[0]
        yield (
            f"a part of the share is missing of {', '.join(state.mending)}; {name}: keyquorum dkg finish {proposal} "
            f"{everything} --keystore {_keystore(name, found)} --out {_quoted(_free(directory, name, '.mending'))}",
            True,
        )
        return
    if state.signed.record.repairs:
        return
    if state.key is None:
        organiser = state.signed.record.organiser.record.name
        yield (
            f"{organiser}: keyquorum dkg finish {proposal} {everything} --identity {_keystore(organiser, found)} "
            f"--out {_quoted(_free(directory, 'key', '.json'))}",
            False,
        )
        return
    waiting = next(key.waiting for key in keys if key.path == state.key)
    if waiting:
        name = waiting[0]
        yield (
            f"{_count(waiting, 'acceptance')} missing for {state.key.name}; {name}: keyquorum dkg finish {proposal} "
            f"{everything} --keystore {_keystore(name, found)} --key {_quoted(state.key)} "
            f"--out {_quoted(_free(directory, name, '.accepted.json'))}",
            True,
        )


def _count(names: Sequence[str], what: str) -> str:
    return f"{len(names)} {what}{'s are' if len(names) > 1 else ' is'}"


def _free(directory: Path, name: str, ending: str) -> Path:
    """Give a file that is not there yet: ``NAME.partial``, or ``NAME-2.partial`` and so on."""
    path, number = directory / f"{name}{ending}", 1
    while path.exists():
        number += 1
        path = directory / f"{name}-{number}{ending}"
    return path


def _directories(directory: Path, files: Iterable[Path]) -> str:
    return _all(file.parent for file in files) or _quoted(directory)


def _all(paths: Iterable[Path]) -> str:
    return " ".join(dict.fromkeys(_quoted(path) for path in paths))


def _keystore(name: str, found: Found) -> str:
    """Give where the keystore of ``name`` is, or is likely to be."""
    return _quoted(next((path for path in found.keystores if path.stem == name), Path(f"{name}.keystore")))


def _quoted(path: Path) -> str:
    """Give a path as it can be typed."""
    return shlex.quote(str(path))
