"""``keyquorum ksr check --json``: a machine is told all that a person is shown, and what it was judged by."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from keyquorum.dnssec.icann import write_ksr, write_skr
from keyquorum.dnssec.times import format_time, format_time_for_people
from keyquorum.policy.profile import profile_source
from keyquorum.policy.rules import RULES
from tests.policy.good_request import KSK, NEXT, good, good_previous, good_request
from tests.policy.spoilt import last, spoil
from tests.quorum.test_offline_request import offline
from tests.scenarios.shell import run_here


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A request with two things wrong in its last bundle, and the response before it."""
    monkeypatch.chdir(tmp_path)
    asked = spoil.bundle(9, keys=last(NEXT, ttl=60)).request
    asked = replace(asked, bundles=(replace(asked.bundles[0], signers=("Kone",)), *asked.bundles[1:]))
    (tmp_path / "ksr.xml").write_bytes(write_ksr(asked))
    (tmp_path / "previous.xml").write_bytes(write_skr(replace(good_previous(), ksk_policy=good().policy.ksk_policy)))
    return tmp_path


JUDGED = ("--at", format_time(good().at), "--previous-skr", "previous.xml", "--overrule", "CLOCK=a test")


def test_a_machine_is_told_what_a_person_is_shown(files: Path) -> None:
    shown = run_here(["ksr", "check", "ksr.xml", *JUDGED])
    seen = run_here(["ksr", "check", "ksr.xml", *JUDGED, "--json"])
    assert shown.status == seen.status == 1
    told, table = json.loads(seen.out), " ".join(shown.out.split())
    results = {one["rule"]: one for one in told["rules"]["results"]}
    assert list(results) == [rule.id for rule in RULES]
    marks = {"failed": "FAILED", "not applicable": "not applicable"}
    for rule, one in results.items():
        assert f"{rule} {marks.get(one['status'], one['status'])}" in table
        assert one["detail"]
        assert bool(one["findings"]) == (one["status"] in {"failed", "overruled"})
    assert results["CLOCK"]["reason"] == "a test"
    assert results["KQ-TTL"]["findings"][0]["zone"] == "."
    assert results["KQ-TTL"]["findings"][0]["where"].startswith("bundle 9")
    assert told["rules"]["failed"] == ["KQ-TTL"]
    assert "Refused: KQ-TTL." in table
    for bundle in told["bundles"]:
        tags = " ".join(str(key["tag"]) for key in bundle["keys"])
        times = (format_time_for_people(bundle[edge]).removesuffix(" UTC") for edge in ("inception", "expiration"))
        assert " ".join([bundle["id"], *times, tags]) in table
        assert sorted(bundle["proofs"]) == sorted(key["tag"] for key in bundle["keys"])
    assert set(told["source"]["words"].split()) <= set(table.split())
    assert (told["source"]["sha256"], str(told["source"]["length"])) == (
        digest((files / "ksr.xml").read_bytes()),
        str((files / "ksr.xml").stat().st_size),
    )


def test_what_it_was_judged_by(files: Path) -> None:
    told = json.loads(run_here(["ksr", "check", "ksr.xml", *JUDGED, "--json"]).out)
    request = good_request()
    assert {name: told[name] for name in ("file", "zone", "id", "serial", "at", "first", "keys")} == {
        "file": "ksr.xml", "zone": ".", "id": request.id, "serial": request.serial, "at": good().at, "first": False,
        "keys": [],
    }  # fmt: skip
    assert isinstance(told["now"], int)
    assert told["policy"] == {"sha256": digest(profile_source("root"))}
    assert told["previous"] == {
        "id": "request-1", "zone": ".", "sha256": digest((files / "previous.xml").read_bytes()),
    }  # fmt: skip
    assert (told["bundles"][0]["signers"], told["bundles"][1]["signers"]) == (["Kone"], [])
    assert told["bundles"][8]["keys"][1] == {
        "tag": NEXT.tag, "algorithm": 8, "flags": 256, "ttl": 60, "identifier": "next",
    }  # fmt: skip
    assert KSK.tag not in [key["tag"] for bundle in told["bundles"] for key in bundle["keys"]]


def test_a_request_of_bind_says_from_when_on_a_bundle_is_served(files: Path) -> None:
    matter = offline("bind")
    (files / "bind.ksr").write_bytes(matter.source)
    assert matter.until is not None
    arguments = ["bind.ksr", "--first", "--until", format_time(matter.until), "--at", format_time(matter.at), "--json"]
    told = json.loads(run_here(["ksr", "check", *arguments]).out)
    assert (told["source"]["format"], told["id"], told["first"], told["previous"]) == ("bind", "", True, None)
    assert [one["start"] - one["inception"] for one in told["bundles"]] == [3600] * len(told["bundles"])
