"""KSR-DOMAIN, KSR-ID and CLOCK: subjects that break them and are otherwise good."""

from dataclasses import replace

import dns.name
import pytest

from keyquorum.policy.subject import Subject
from tests.policy.good_request import (
    DAY,
    failures,
    good,
)
from tests.policy.spoilt import EXAMPLE, detail, spoil


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (spoil(zones=frozenset({EXAMPLE})), "zone: . is asked for; the keys may sign example."),
        (spoil(zones=frozenset()), "zone: . is asked for; the keys may sign no zone"),
        (
            spoil(zones=frozenset(dns.name.from_text(f"{letter}.") for letter in "edcba")),
            "zone: . is asked for; the keys may sign a., b., c., d., e.",
        ),
        (
            spoil(zones=frozenset(dns.name.from_text(f"{letter}.") for letter in "gfedcba")),
            "zone: . is asked for; the keys may sign a., b., c., d., e. and 2 more",
        ),
    ],
)
def test_domain(subject: Subject, expected: str) -> None:
    assert failures(subject) == {"KSR-DOMAIN": expected}


def test_request_id() -> None:
    replayed = "request request-1: the previous response answered a request with this id"
    reused = "request request-1: a different request with this id was seen before"
    again = spoil.request(id="request-1")
    assert failures(again) == {"KSR-ID": f"{replayed}; {reused}"}
    assert failures(replace(again, seen=None)) == {"KSR-ID": replayed}
    assert failures(replace(again, source_digest=b"one")) == {"KSR-ID": replayed}
    assert failures(replace(again, previous=None, first=True)) == {"KSR-ID": reused}
    assert failures(replace(again, previous=None, first=True, source_digest=b"one")) == {}
    assert detail(spoil(seen={}), "KSR-ID") == "differs from the previous response and every other request seen before"
    assert detail(spoil(seen=None), "KSR-ID") == "differs from the previous response"
    assert detail(spoil(previous=None, first=True), "KSR-ID") == "differs from every other request seen before"
    assert (
        detail(spoil(previous=None, seen=None, first=True), "KSR-ID")
        == "no previous response and no memory of earlier requests"
    )
    assert failures(spoil.request(id="")) == {}
    long = spoil.request(id="x" * 101)
    assert failures(replace(long, seen={"x" * 101: b""})) == {"KSR-ID": reused.replace("request-1", "x" * 100 + "...")}
    long = spoil.request(id="x" * 100)
    assert failures(replace(long, seen={"x" * 100: b""})) == {"KSR-ID": reused.replace("request-1", "x" * 100)}


@pytest.mark.parametrize(("off", "side"), [(DAY + 1, "after"), (-DAY - 1, "before")])
def test_clock(off: int, side: str) -> None:
    wrong = {"CLOCK": f"time: judged at 2026-01-31 00:00:00 UTC, 86401 s {side} the clock's {clock(off)}"}
    assert failures(spoil(now=good().at - off)) == wrong
    assert failures(spoil(now=good().at - off + (1 if off > 0 else -1))) == {}


def clock(off: int) -> str:
    return "2026-01-29 23:59:59 UTC" if off > 0 else "2026-02-01 00:00:01 UTC"


def test_a_clock_that_is_far_off() -> None:
    assert "863999 s before" in failures(spoil(now=good().at + 10 * DAY - 1))["CLOCK"]
    assert "10 days before" in failures(spoil(now=good().at + 10 * DAY))["CLOCK"]
    assert "1,000 days after" in failures(spoil(now=good().at - 1000 * DAY))["CLOCK"]
