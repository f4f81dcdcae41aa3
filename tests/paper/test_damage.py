"""A small sample of the campaign of ``tools/damage.py``: every page is recovered."""

from itertools import product
from random import Random

import pytest
from PIL import ImageChops

from tests.paper.damage import CAPTURE, KINDS, PAPER, damaged
from tests.paper.recovery import CASES, COPY, LADDER, LOST, PLAIN, PROPOSED, WORDS, Case, Fate, by_words, fate, original
from tools.damage import Task, report, tasks

SHARE, KEY = CASES[:2]
SINGLE = [Task(CASES[place % len(CASES)], (kind,), 2, "sample") for place, kind in enumerate(KINDS)]
MIXED = [task for task in tasks(400, "sample") if len(task.kinds) > 1 and task.severity][:21]


@pytest.mark.parametrize("task", [*SINGLE, *MIXED], ids=str)
def test_recovered(task: Task) -> None:
    assert fate(task.case, [(kind, task.severity) for kind in task.kinds], task.seed).outcome != LOST


HARD_SHARE = ("faded", "noise", "blurred")
HARD_KEY = ("edge cut", "blot", "phone")


@pytest.mark.parametrize(
    ("case", "kinds", "seed", "outcome"),
    [
        (SHARE, ("jpeg",), "1", PLAIN),
        (KEY, HARD_KEY, "0", LADDER),
        (SHARE, HARD_SHARE, "3", WORDS),
        (SHARE, HARD_SHARE, "1", PROPOSED),
        (KEY, HARD_KEY, "2", COPY),
        (SHARE, ("part gone", "edge cut", "noise"), "0", LOST),
    ],
    ids=str,
)
def test_each_way_of_recovery_and_its_end(case: Case, kinds: tuple[str, ...], seed: str, outcome: str) -> None:
    assert fate(case, [(kind, 2) for kind in kinds], seed).outcome == outcome


def test_words_alone_bring_back_what_a_picture_cannot() -> None:
    """Up to three words that nobody can read any more, and slips of whoever types."""
    whole = original(SHARE)
    outcomes = []
    for seed in range(12):
        spoilt = damaged(whole.page, [("blot", 0)], str(seed))
        if sum(not spoilt.legible(box) for box in whole.page.words) <= 3:
            outcomes.append(by_words(spoilt, whole.made, Random(seed))[0])
    assert len(outcomes) > 5
    assert set(outcomes) == {WORDS, PROPOSED}


def test_what_is_lost_is_called_lost() -> None:
    whole = original(SHARE)
    spoilt = damaged(whole.page, [("blot", 0)], "lost")
    spoilt.lost.paste(255, (0, 0, *spoilt.lost.size))
    assert by_words(spoilt, whole.made, Random(1)) == (LOST, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_the_same_each_time_and_worse_than_nothing(kind: str) -> None:
    page = original(SHARE).page
    one, again, other = (damaged(page, [(kind, 1)], seed) for seed in ("1", "1", "2"))
    assert one.picture.tobytes() == again.picture.tobytes()
    assert one.lost.tobytes() == again.lost.tobytes()
    assert one.picture.size != page.picture.size or ImageChops.difference(one.picture, page.picture).getbbox()
    if kind != "turned":
        assert one.picture.tobytes() != other.picture.tobytes()
    assert (one.lost.getbbox() is not None) == (kind in {"blot", "part gone", "edge cut"})


def test_the_campaign_has_every_kind_of_damage_in_every_severity_on_every_page() -> None:
    campaign = list(tasks(720, "1"))
    single = [(task.kinds[0], task.severity, task.case) for task in campaign if len(task.kinds) == 1]
    assert len(single) == 360
    assert set(single) == set(product(KINDS, range(3), CASES))
    mixed = [task for task in campaign if len(task.kinds) > 1]
    assert {kind for task in mixed for kind in task.kinds} == {*PAPER, *CAPTURE}
    assert {(task.severity, task.case) for task in mixed} == set(product(range(3), CASES))


def test_the_report_counts() -> None:
    task = Task(SHARE, ("blot",), 2, "1")
    text = report([(task, Fate(PLAIN, 0.5)), (task, Fate(PROPOSED, 2.5, 3))])
    assert "| blot |  |  | 1 plain, 1 proposals |" in text
    assert "| all | 2 | 1 | 0 | 0 | 1 | 0 | 0 |" in text
    assert "longest 2.50. Words to confirm, by page: 3." in text
