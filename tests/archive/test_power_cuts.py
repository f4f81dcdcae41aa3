"""Power cuts at every point, and a disk that fails at every point: what was acknowledged is there, nothing is half."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from keyquorum.archive.store import CHAIN, Archive, adding
from keyquorum.errors import KeyquorumError
from tests.archive.scenario import ksr, sha256, state_of
from tests.keystore.conftest import Run
from tests.keystore.disk import Files, power_cuts, read_record
from tests.keystore.scenario import CREATE, NAME, SYNC, WRITE
from tests.keystore.test_power_cuts import allowed

NEXT = ksr("after the power cut", 2)


def found(place: Path, files: Files) -> object:
    """Put the files back, look at everything, and see that one can go on."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "files").mkdir(parents=True)
    for name, content in files.items():
        (place / name).write_bytes(content)
    if CHAIN not in files:
        Archive.begin(place, 1, bytes) if not any((place / "files").iterdir()) else None
        return None
    state = state_of(place)
    assert state is not None
    with adding(place) as adder:
        adder.add(BytesIO(NEXT), "next", 3)
    assert [entry.sha256.hex() for entry in Archive.open(place).entries] == [*state, sha256(NEXT)]
    return state


def violations(states: Iterator[tuple[list[str], Files]], place: Path) -> tuple[int, list[str]]:
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
                seen[key] = found(place, files)
            except (KeyquorumError, AssertionError) as error:
                seen[key] = f"{type(error).__name__}: {error}"
        if marks and seen[key] not in allowed(marks):
            wrong.append(f"after {marks[-1][:60]}: {str(seen[key])[:200]}")
    return len(judged), wrong


def test_power_cut_anywhere(watched: Run, memory_path: Path) -> None:
    (result,) = watched([(SYNC, 0, 0, 0)])
    assert result["failures"] == 0
    events = read_record(memory_path / "record-0")
    assert {event.op for event in events} >= set("MCWFDR")
    count, wrong = violations(power_cuts(events, 1, 12), memory_path / "place")
    print(f"{count} states")
    assert not wrong
    assert count > 40


@pytest.mark.parametrize("drop", [1, 2], ids=["files", "directories"])
def test_the_judge_notices_syncs_that_do_nothing(drop: int, watched: Run, memory_path: Path) -> None:
    watched([(SYNC, 0, 0, drop)])
    _, wrong = violations(power_cuts(read_record(memory_path / "record-0"), 2, 8), memory_path / "place")
    assert wrong


FAILURES = {"sync": SYNC, "write": WRITE, "create": CREATE, "name": NAME}
STRIDE = 4


@pytest.mark.parametrize("failure", FAILURES)
def test_the_disk_fails_anywhere_and_then_the_power(failure: str, watched: Run, memory_path: Path) -> None:
    kind = FAILURES[failure]
    (whole,) = watched([(SYNC, 0, 0, 0)])
    runs = [(kind, at, lasting, 0) for at in range(1, whole["counts"][kind] + 1) for lasting in (0, 1)]
    (memory_path / "record-0").unlink()
    shutil.rmtree(memory_path / "run-0")
    total = 0
    for number, (result, run) in enumerate(zip(watched(runs), runs, strict=True)):
        events = read_record(memory_path / f"record-{number}")
        start = next(at for at, event in enumerate(events) if event.op == "X")
        after = range(start + number % STRIDE, min(start + 30, len(events)), STRIDE)
        count, wrong = violations(power_cuts(events, number, 1, after), memory_path / "place")
        assert not wrong, run
        assert result["failures"], run  # nothing of the kind fails unnoticed
        total += count
    print(f"{total} states after {len(runs)} failures")
