"""Power cuts at every point, and a disk that fails at every point: what was acknowledged is there, nothing is half."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError
from tests.keystore.conftest import Run
from tests.keystore.disk import Event, Files, power_cuts, read_record
from tests.keystore.scenario import CREATE, KEYSTORE, NAME, SYNC, UNLINK, WRITE, open_and_read, shown

Judge = Callable[[Path, Files], object]


def allowed(marks: list[str]) -> list[object]:
    """The last state that was acknowledged, and all that were begun since."""
    states: list[object] = []
    for mark in marks:
        word, _, state = mark.partition(" ")
        states = [json.loads(state)] if word == "is" else [*states, json.loads(state)]
    return states


def keystore_state(place: Path, files: Files) -> object:
    """Put the files back, open the keystore as a person would, read everything."""
    assert all(name.startswith(KEYSTORE) for name in files)
    if KEYSTORE not in files:
        return None
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    for name, content in files.items():
        path = place / name
        path.touch(mode=0o600)
        path.write_bytes(content)
    state = open_and_read(place / KEYSTORE)
    assert not (place / f"{KEYSTORE}-journal").exists()
    return state


def files_state(_place: Path, files: Files) -> object:
    return {name: shown(content) for name, content in files.items() if ".unfinished-" not in name}


def violations(states: Iterator[tuple[list[str], Files]], judge: Judge, place: Path) -> tuple[int, list[str]]:
    """Judge each state; gives how many different ones there were, and what is wrong."""
    wrong = []
    seen: dict[tuple[tuple[str, bytes], ...], object] = {}
    judged: set[tuple[object, ...]] = set()
    for marks, files in states:
        key = tuple(sorted(files.items()))
        if (len(marks), key) in judged:
            continue
        judged.add((len(marks), key))
        if key not in seen:
            try:
                seen[key] = judge(place, files)
            except (KeyquorumError, AssertionError) as error:
                seen[key] = f"{type(error).__name__}: {error}"
        may = allowed(marks)
        if marks and seen[key] not in may:
            wrong.append(f"after {marks[-1][:60]}: {str(seen[key])[:200]}")
    return len(judged), wrong


JUDGES: dict[str, Judge] = {"keystore": keystore_state, "files": files_state}
SUBSETS = {"keystore": 5, "files": 30}
WINDOW, STRIDE = 72, 12


def record(memory_path: Path, number: int) -> list[Event]:
    return read_record(memory_path / f"record-{number}")


@pytest.mark.parametrize("name", JUDGES)
def test_power_cut_anywhere(name: str, watched: Run, memory_path: Path) -> None:
    (result,) = watched(name, [(SYNC, 0, 0, 0)])
    assert result["failures"] == 0
    events = record(memory_path, 0)
    assert {event.op for event in events} >= set("MCWFDR")  # the disk really is watched
    count, wrong = violations(power_cuts(events, 1, SUBSETS[name]), JUDGES[name], memory_path / "place")
    print(f"{count} states")
    assert not wrong
    assert count > 100


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("drop", [1, 2], ids=["files", "directories"])
def test_the_judge_notices_syncs_that_do_nothing(name: str, drop: int, watched: Run, memory_path: Path) -> None:
    watched(name, [(SYNC, 0, 0, drop)])
    _, wrong = violations(power_cuts(record(memory_path, 0), 2, 2), JUDGES[name], memory_path / "place")
    assert wrong


FAILURES = {"sync": SYNC, "write": WRITE, "create": CREATE, "name": NAME, "unlink": UNLINK}
CASES = [(name, failure) for name in JUDGES for failure in FAILURES if (name, failure) != ("files", "unlink")]


@pytest.mark.parametrize(("name", "failure"), CASES)
def test_the_disk_fails_anywhere_and_then_the_power(name: str, failure: str, watched: Run, memory_path: Path) -> None:
    kind = FAILURES[failure]
    (whole,) = watched(name, [(SYNC, 0, 0, 0)])
    calls = whole["counts"][kind]
    # Once, or until somebody has made room; of the many writes, each in one of the two ways.
    runs = [
        (kind, at, lasting, 0) for at in range(1, calls + 1) for lasting in (0, 1) if kind != WRITE or at % 2 == lasting
    ]
    (memory_path / "record-0").unlink()
    for path in (memory_path / "run-0").iterdir():
        path.unlink()
    (memory_path / "run-0").rmdir()
    results = watched(name, runs)
    total = 0
    for number, (result, run) in enumerate(zip(results, runs, strict=True)):
        events = record(memory_path, number)
        # Soon after the failure: while it is being undone, and when the work goes on.
        start = next(at for at, event in enumerate(events) if event.op == "X")
        after = range(start + number % STRIDE, start + WINDOW, STRIDE)
        states = power_cuts(events, number, 1, after)
        count, wrong = violations(states, JUDGES[name], memory_path / "place")
        assert not wrong, run
        total += count
        if kind in {WRITE, CREATE, NAME}:
            assert result["failures"], run  # nothing of the kind fails unnoticed
    print(f"{total} states after {len(runs)} failures")
