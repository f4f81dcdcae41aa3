"""``keyquorum schedule``: quarters, plans, their picture; and the page that shows the root's plan."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from keyquorum.cli.app import run
from keyquorum.cli.timeline import rows
from keyquorum.cli.timeline_svg import draw
from keyquorum.dnssec.rollover import ROOT_8_TO_13, plan_of
from keyquorum.dnssec.schema import SCHEMAS
from keyquorum.dnssec.times import parse_time
from keyquorum.policy.profile import profile
from keyquorum.policy.rules_plan import ways_back
from tools import timeline

PAGE = timeline.PAGE.read_text("utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert run(["schedule", *arguments]) == status
    seen = capsys.readouterr()
    return seen.out if status < 2 else seen.err


def test_a_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "quarter", "--from", "2027-01-01")
    assert "2027 Q1: 9 bundles, by the policy root" in out
    assert [line.split() for line in out.splitlines() if line.startswith("  9 ")] == [
        ["9", "2027-03-21", "00:00:00", "UTC", "2027-04-11", "00:00:00", "UTC", "P11D", "2"]
    ]
    assert "keyquorum ksr check FILE --policy root" in out


def test_a_quarter_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "quarter", "--from", "2027-04-01", "--json"))
    assert (found["quarter"], found["policy"], len(found["bundles"])) == ("2027 Q2", "root", 9)
    assert found["bundles"][0] == {
        "inception": parse_time("2027-04-01T00:00:00"),
        "expiration": parse_time("2027-04-22T00:00:00"),
        "served_until": parse_time("2027-04-11T00:00:00"),
    }
    assert found["bundles"][8]["served_until"] == found["until"] == parse_time("2027-07-01T00:00:00")
    longer = json.loads(told(capsys, "quarter", "--from", "2027-04-01", "--until", "2027-07-02T00:00:00Z", "--json"))
    assert longer["bundles"][8]["inception"] == found["bundles"][8]["inception"] + 86400


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["quarter", "--from", "2027-13-01"], "Error: --from: '2027-13-01T00:00:00' is no moment"),
        (["quarter", "--from", "soon"], "Error: --from: 'soon' is not a time"),
        (["quarter", "--from", "2027-04-01", "--until", "later"], "Error: --until: 'later' is not a time"),
        (["roll", "--old", "RSASHA1"], "Error: --old: RSASHA1 is no kind of key"),
        (["roll", "--new", "ED25519:256"], "Error: --new: ED25519:256 is no kind of key"),
        (["roll", "--new", "RSASHA256:two"], "Error: --new: RSASHA256:two is no kind of key"),
        (["roll", "--zone-keys", "RSASHA256:512"], "Error: --zone-keys: an RSA key of 512 bits"),
        (["roll", "--meanwhile", "RSASHA256:2047"], "Error: --meanwhile: an RSA key of 2047 bits"),
    ],
)
def test_what_is_used_wrongly(capsys: pytest.CaptureFixture[str], arguments: list[str], error: str) -> None:
    assert told(capsys, *arguments, status=2).startswith(error)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["quarter", "--from", "2027-04-01", "--until", "2027-05-01"], "9 bundles of P9D to P11D do not fill P30D"),
        (["roll", "--old-name", "K", "--new-name", "K"], "both KSKs have one name"),
        (["roll", "--new-name", "\x1b[2J"], "a KSK has a name of 1 to 40 printable ASCII characters"),
        (["roll", "--holding", "1"], "where both KSKs sign until the old one goes, it is not held after that"),
        (["roll", "--from", "2027-03-31"], "not every month has that day"),
        (["roll", "--zone-keys", "ED25519"], "zone keys have the algorithms of the KSKs that they stand with"),
    ],
)
def test_what_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], error: str) -> None:
    assert run(["schedule", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"Error: {error}")


def test_the_roots_roll_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "roll", "--json"))
    assert found["rules"]["acceptable"]
    assert [key["name"] for key in found["ksks"]] == ["KSK-2024", "KSK-2027"]
    joining = found["quarters"][4]
    assert (joining["name"], joining["schema"], joining["back_out"]) == ("2028 Q2", "join", "back-out")
    second = joining["slots"][1]
    assert second == {
        "from": parse_time("2028-04-11T00:00:00"),
        "expiration": parse_time("2028-05-02T00:00:00"),
        "ksks": {"KSK-2024": "sign", "KSK-2027": "sign"},
        "zone_keys": ["ZSK 8 of 2028 Q2", "ZSK 13 of 2028 Q2"],
        "zone_signers": ["ZSK 8 of 2028 Q2", "ZSK 13 of 2028 Q2"],
        "response_bytes": 1052,
        "backing_out_breaks": [],
    }
    assert joining["slots"][8]["backing_out_breaks"] == ["KQ-5011-REMOVE", "KQ-6840-ANCHORS"]
    assert found["quarters"][0]["slots"][0]["backing_out_breaks"] is None
    assert found["quarters"][8]["slots"][1]["ksks"] == {"KSK-2024": "revoke", "KSK-2027": "sign"}


def test_other_rolls(capsys: pytest.CaptureFixture[str]) -> None:
    same = told(capsys, "roll", "--new", "RSASHA256", "--ready", "1", "--waiting", "2", "--holding", "1")
    assert "SRRRRRRR" not in same
    assert "PRRRRRRR" in same
    assert "until slot 2" in same
    by_ds = told(capsys, "roll", "--zone", "example", "--new", "ed25519", "--ready", "0", "--waiting", "0")
    assert "go by the DS records at the parent" in by_ds
    assert "in every slot" in by_ds
    assert "leave" in by_ds
    long = json.loads(told(capsys, "roll", "--zone-keys", "RSASHA256:4096", "--meanwhile", "RSASHA256:3072", "--json"))
    sizes = [quarter["slots"][4]["response_bytes"] for quarter in long["quarters"]]
    assert sizes[0] == 864 + (4096 - 2048) // 8
    assert sizes[3] == 864 + (3072 - 2048) // 8
    to_rsa = json.loads(told(capsys, "roll", "--old", "ED448", "--new", "RSASHA512:4096", "--json"))
    assert [key["bits"] for key in to_rsa["ksks"]] == [456, 4096]


def test_a_plan_that_breaks_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "roll", "--zone-ttl", "864001", status=1)
    assert "Not a plan to follow: KQ-7583-ZSK." in out
    found = json.loads(told(capsys, "roll", "--zone-ttl", "864001", "--json", status=1))
    assert found["rules"]["failed"] == ["KQ-7583-ZSK"]


def test_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.svg"
    told(capsys, "roll", "--svg", str(path))
    assert path.read_text("utf-8") == timeline.PICTURE.read_text("utf-8") == timeline.picture()
    told(capsys, "roll", "--svg", str(path), status=2)


def test_what_is_in_the_picture() -> None:
    root = etree.fromstring(timeline.picture().encode())
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "defs", "pattern", "path", "rect", "line", "text",
    }  # fmt: skip
    # Nothing is fetched from anywhere, and nothing lies outside.
    assert not [name for element in root.iter() for name in element.attrib if "href" in name]
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", "0")) + float(box.get("width", "0")) <= width
        assert float(box.get("y", "0")) + float(box.get("height", "0")) <= height
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("signs") == 3
    assert {"2027 Q2", "2029 Q3", "join", "leave-revoked", "1342", "864", "1536 bits", "breaks rules"} <= set(texts)


def test_names_in_the_picture_are_text() -> None:
    plan = plan_of(replace(ROOT_8_TO_13, old=("<b>&\"'", ROOT_8_TO_13.old[1])))
    root = etree.fromstring(draw(plan, ways_back(plan, profile("root").trust)).encode())
    assert "<b>&\"'" in [text.text for text in root.iter(f"{SVG}text")]


def test_rows_are_as_long_as_the_plan() -> None:
    plan = plan_of(ROOT_8_TO_13)
    lines = list(rows(plan, ways_back(plan, profile("root").trust)))
    assert {len(row.letters) for row in lines} == {90}
    assert lines[0].letters[72:81] == "SRRRRRRR\N{MIDDLE DOT}"
    assert lines[-1].letters[36:45] == "\N{CHECK MARK}" * 5 + "!" * 4


def test_the_page_shows_the_plan_as_it_is() -> None:
    assert f"```\n$ keyquorum schedule roll\n{timeline.terminal()}\n```\n" in PAGE


def test_the_page_has_every_schema_as_it_is() -> None:
    for name, schema in SCHEMAS.items():
        columns = ["".join(row[role].value for row in schema.bundles) for role in range(len(schema.roles))]
        shown = [f"`{column}`" for column in columns]
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        cells = [cell.strip() for cell in line.split("|")[2:4]]
        assert cells == (shown if len(shown) == 2 else [*shown, ""])
