"""One-time material never answers twice differently, whenever a signer is cut off: a sample of ``./run crash``."""

from pathlib import Path
from typing import Any

from tests.keystore.crashes import campaign
from tests.keystore.questions import Ledger

CUTS, KILLS = 12, 12


def test_cut_off_while_signing_and_asked_again(disk_library: Path, memory_path: Path) -> None:
    result = campaign(disk_library, memory_path, seed=1, cuts=CUTS, kills=KILLS)
    assert not result["wrong"]
    counts = result["counts"]
    assert (counts["cut"], counts["killed"]) == (CUTS, KILLS)
    assert counts["answered"] > CUTS + KILLS  # not everything was refused, and not everything answered
    assert counts["refused"] > CUTS + KILLS
    assert counts["failed"] > 0


def test_the_judge_notices_a_disk_that_does_not_sync(disk_library: Path, memory_path: Path) -> None:
    result = campaign(disk_library, memory_path, seed=1, cuts=15, drop=3)
    assert any("2 answers" in one for one in result["wrong"])


def test_the_ledger() -> None:
    ledger = Ledger()
    fact = ("key", "(1, 2)", 0, "message", "list", "scalar")
    ledger.add([fact, ("key", "(1, 2)", 1, "other", "list", "more"), ("key", "(1, 3)", 0, "message", "list", "else")])
    ledger.add([fact])
    assert ledger.contradictions() == []
    for place, other in ((3, "another message"), (4, "another list"), (5, "another scalar")):
        judged = Ledger()
        judged.add([fact])
        changed: list[Any] = list(fact)
        changed[place] = other
        judged.add([tuple(changed)])
        assert judged.contradictions() == ["('key', '(1, 2)', 0): 2 answers"]
