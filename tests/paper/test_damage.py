"""A small sample of the campaign of ``tools/damage.py``: every page is recovered."""

from random import Random

import pytest

from tests.paper.damage import KINDS, damaged
from tools.damage import CASES, LOST, PICTURE, PROPOSED, WORDS, Task, by_words, page_of, report, run, tasks

SAMPLE = list(tasks(40, "sample"))


@pytest.mark.parametrize("task", SAMPLE, ids=lambda task: f"{task.case[0]}-{task.heading}")
def test_recovered(task: Task) -> None:
    assert run(task).outcome != LOST


def test_the_campaign_has_every_kind_of_damage_in_every_strength() -> None:
    single = {task.damages[0] for task in tasks(2000, "1") if len(task.damages) == 1}
    assert single == {(kind, severity) for kind in KINDS for severity in range(3)}
    assert {task.case for task in tasks(2000, "1")} == set(CASES)


def test_words_alone_bring_back_what_a_picture_cannot() -> None:
    """Up to three words that nobody can read any more, and slips of whoever types."""
    page, made = page_of(CASES[0])
    outcomes = []
    for seed in range(12):
        spoilt = damaged(page, [("blot", 0)], str(seed))
        if sum(not spoilt.legible(box) for box in page.words) <= 3:
            outcomes.append(by_words(spoilt, made, Random(seed)))
    assert len(outcomes) > 5
    assert set(outcomes) == {WORDS, PROPOSED}


def test_what_is_lost_is_called_lost() -> None:
    page, made = page_of(CASES[0])
    everything = [(kind, 2) for kind in ("blot", "part gone", "edge cut")]
    spoilt = damaged(page, everything, "lost")
    spoilt.lost.paste(255, (0, 0, *spoilt.lost.size))
    assert by_words(spoilt, made, Random(1)) == LOST
    results = [run(task) for task in SAMPLE[:2]]
    assert "| all | 2 | 2 | - | - | - |" in report(results)
    assert {result.outcome for result in results} == {PICTURE}
