"""Reports: nothing that failed is lost, in merging or in overruling."""

import gc
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import UsageError
from keyquorum.policy.report import KEPT_FINDINGS, Report, Result, result_of
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Finding, Outcome, Status, judged, not_applicable
from tests.policy.good_request import good


def fails(*findings: tuple[str, str]) -> Outcome:
    return judged(findings, "fine")


PASSES = judged([], "fine")
OPEN = not_applicable("nothing to judge")


def report(zone: str, *outcomes: Outcome) -> Report:
    return Report(tuple(result_of(f"R{place}", outcome, zone) for place, outcome in enumerate(outcomes)))


def test_outcomes() -> None:
    assert (PASSES.status, PASSES.detail, PASSES.findings) == (Status.PASSED, "fine", ())
    assert (OPEN.status, OPEN.detail, OPEN.findings) == (Status.NOT_APPLICABLE, "nothing to judge", ())
    assert fails(("here", "wrong")) == Outcome(Status.FAILED, "", (Finding("here", "wrong"),))
    assert {status.value for status in Status} == {"passed", "failed", "overruled", "not applicable"}


def test_a_result() -> None:
    result = result_of("R", fails(("here", "wrong"), ("there", "bad")), "z.")
    assert (result.rule, result.status, result.zones, result.failing, result.found) == ("R", Status.FAILED, 1, 1, 2)
    assert result.detail == "here: wrong; there: bad"
    assert result.where == ("here", "there")
    assert [finding.zone for finding in result.findings] == ["z.", "z."]
    assert result.reason == ""
    for outcome in (PASSES, OPEN):
        result = result_of("R", outcome, "z.")
        assert (result.status, result.detail, result.failing, result.found) == (outcome.status, outcome.detail, 0, 0)
        assert result.where == ()


def test_a_result_of_nothing() -> None:
    assert (Result("R", Status.PASSED).found, Result("R", Status.PASSED).detail) == (0, "")


def test_many_findings_are_counted() -> None:
    all_kept = result_of("R", fails(*[(f"b{i}", "x") for i in range(10)]), "z.")
    assert all_kept.detail.endswith("b9: x")
    more = result_of("R", fails(*[(f"b{i}", "x") for i in range(12)]), "z.")
    assert more.found == 12
    assert len(more.findings) == KEPT_FINDINGS == 10
    assert more.detail.endswith("b9: x; and 2 more")


def test_failed_and_acceptable() -> None:
    mixed = report("z.", PASSES, fails(("a", "b")), OPEN, fails(("c", "d")))
    assert [result.rule for result in mixed.failed] == ["R1", "R3"]
    assert not mixed.acceptable
    assert report("z.", PASSES, OPEN).acceptable
    assert mixed.zones == 1
    assert Report(()).zones == 0


def test_overruling() -> None:
    mixed = report("z.", PASSES, fails(("a", "b")), OPEN, fails(("c", "d")))
    half = mixed.apply_overrules({"R1": " known since May "})
    assert [result.rule for result in half.failed] == ["R3"]
    assert half.results[1].status is Status.OVERRULED
    assert half.results[1].reason == "known since May"
    assert half.results[1].detail == "a: b; overruled because: known since May"
    assert half.results[1].failing == 1
    assert [half.results[place] for place in (0, 2, 3)] == [mixed.results[place] for place in (0, 2, 3)]
    assert half.apply_overrules({"R3": "x"}).acceptable
    assert mixed.apply_overrules({"R1": "x", "R3": "y"}).acceptable
    assert mixed.apply_overrules({}) == mixed


@pytest.mark.parametrize(
    ("overrules", "what", "do"),
    [
        ({"R9": "x"}, "there is no rule 'R9' to overrule", "The rules are: R0, R1, R2."),
        ({"r1": "x"}, "there is no rule 'r1' to overrule", "The rules are: R0, R1, R2."),
        ({"R1": ""}, "R1 is overruled without a reason", "Say why; the reason is kept."),
        ({"R1": " \n"}, "R1 is overruled without a reason", "Say why; the reason is kept."),
        ({"R0": "x"}, "R0 did not fail (passed), so it cannot be overruled", "Leave it out."),
        ({"R2": "x"}, "R2 did not fail (not applicable), so it cannot be overruled", "Leave it out."),
        ({"R1": "x", "R0": "x"}, "R0 did not fail (passed), so it cannot be overruled", "Leave it out."),
    ],
)
def test_overrules_that_are_refused(overrules: dict[str, str], what: str, do: str) -> None:
    with pytest.raises(UsageError) as caught:
        report("z.", PASSES, fails(("a", "b")), OPEN).apply_overrules(overrules)
    assert caught.value.what == what
    assert caught.value.do == do


def test_overruling_twice_is_refused() -> None:
    once = report("z.", fails(("a", "b"))).apply_overrules({"R0": "x"})
    with pytest.raises(UsageError, match=r"did not fail \(overruled\)"):
        once.apply_overrules({"R0": "y"})


def test_merging() -> None:
    merged = report("a.", PASSES, fails(("x", "1")), OPEN, OPEN).merge(
        report("b.", fails(("y", "2"), ("z", "3")), fails(("w", "4")), PASSES, OPEN)
    )
    assert [result.status for result in merged.results] == [
        Status.FAILED, Status.FAILED, Status.PASSED, Status.NOT_APPLICABLE
    ]  # fmt: skip
    assert [result.failing for result in merged.results] == [1, 2, 0, 0]
    assert [result.found for result in merged.results] == [2, 2, 0, 0]
    assert {result.zones for result in merged.results} == {2}
    assert merged.zones == 2
    assert [result.detail for result in merged.results] == [
        "in 1 of 2 zones; b.: y: 2; b.: z: 3",
        "in 2 of 2 zones; a.: x: 1; b.: w: 4",
        "fine",
        "nothing to judge",
    ]


def test_merging_sentences_that_differ() -> None:
    one, other = report("a.", judged([], "9 bundles")), report("b.", judged([], "8 bundles"))
    assert one.merge(other).results[0].detail == "passed (for reasons that differ by zone)"
    assert one.merge(one).results[0].detail == "9 bundles"


def test_what_does_not_merge() -> None:
    failed = report("a.", fails(("x", "1")))
    overruled = failed.apply_overrules({"R0": "x"})
    for one, other in ((failed, overruled), (overruled, failed)):
        with pytest.raises(UsageError, match="results of R0 and R0 do not merge") as caught:
            one.merge(other)
        assert caught.value.do == "Merge before overruling."
    with pytest.raises(UsageError, match="results of R0 and R1 do not merge"):
        failed.merge(Report((Result("R1", Status.PASSED),)))
    with pytest.raises(UsageError, match="these reports are not of the same rules") as caught:
        failed.merge(Report(()))
    assert caught.value.do == "Merge reports of one version only."


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=1, max_size=12), st.data())
def test_merging_counts_right_in_any_grouping(counts: list[int], data: st.DataObject) -> None:
    reports = [report(f"z{i}.", fails(*[(f"{i}-{j}", "x") for j in range(count)])) for i, count in enumerate(counts)]
    whole = reports[0]
    for one in reports[1:]:
        whole = whole.merge(one)
    while len(reports) > 1:
        place = data.draw(st.integers(0, len(reports) - 2))
        reports[place : place + 2] = [reports[place].merge(reports[place + 1])]
    assert reports == [whole]
    result = whole.results[0]
    assert (result.zones, result.found) == (len(counts), sum(counts))
    assert result.failing == sum(count > 0 for count in counts)
    assert len(result.findings) == min(10, sum(counts))
    assert result.status is (Status.FAILED if sum(counts) else Status.PASSED)


def test_merging_takes_the_memory_of_one() -> None:
    def merged(zones: int) -> int:
        tracemalloc.start()
        whole = report("first.", fails(("x", "1")))
        for place in range(zones):
            whole = whole.merge(report(f"z{place}.", fails(*[(f"b{one}", "x") for one in range(20)])))
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert whole.zones == zones + 1
        return kept

    merged(50)
    assert merged(1000) < 1.5 * merged(50)


def test_data_is_json() -> None:
    merged = report("a.", PASSES, fails(("x", "1"))).merge(report("b.", PASSES, fails(("y", "2"))))
    document = merged.apply_overrules({"R1": "known"}).data()
    assert json.loads(json.dumps(document)) == document
    assert document == {
        "acceptable": True,
        "zones": 2,
        "failed": [],
        "results": [
            {
                "rule": "R0",
                "status": "passed",
                "detail": "fine",
                "findings": [],
                "found": 0,
                "zones": 2,
                "failing": 0,
                "reason": "",
            },
            {
                "rule": "R1",
                "status": "overruled",
                "detail": "in 2 of 2 zones; a.: x: 1; b.: y: 2; overruled because: known",
                "findings": [
                    {"zone": "a.", "where": "x", "what": "1"},
                    {"zone": "b.", "where": "y", "what": "2"},
                ],
                "found": 2,
                "zones": 2,
                "failing": 2,
                "reason": "known",
            },
        ],
    }
    assert report("a.", fails(("x", "1"))).data()["failed"] == ["R0"]


def test_a_real_report_is_json() -> None:
    document = evaluate(good()).data()
    assert json.loads(json.dumps(document)) == document
