"""``keyquorum demo``: it does what it says, and the README goes on by hand from where it stops."""

import re
from pathlib import Path

import pytest

from keyquorum.cli.key_facts import ALGORITHMS
from keyquorum.dnssec.icann import read_ksr, read_skr
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.keys import KEY_RECORD
from tests.quorum.test_root_request import validated_by_dnspython
from tests.scenarios.scripts import play
from tests.scenarios.shell import Seen, run_here

README = Path(__file__).parent.parent.parent / "README.md"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seen]:
    where = tmp_path_factory.mktemp("demo") / "kept"
    return where, run_here(["demo", "--out", str(where)])


def test_dnspython_validates_what_it_signed(demo: tuple[Path, Seen]) -> None:
    where, seen = demo
    assert seen.status == 0
    assert not seen.err
    key = KEY_RECORD.read((where / "key.json").read_bytes())
    asked = read_ksr((where / "ksr-root-2017-q2.xml").read_bytes())
    answered = read_skr((where / "skr.xml").read_bytes())
    assert (answered.id, len(answered.bundles)) == (asked.id, 9)
    for wanted, got in zip(asked.bundles, answered.bundles, strict=True):
        assert (wanted.inception, wanted.expiration) == (got.inception, got.expiration)
        validated_by_dnspython(got, dnskey_of(key.record.public))


def test_it_names_the_liar_and_nobody_else(demo: tuple[Path, Seen]) -> None:
    lines = [" ".join(line.split()) for line in demo[1].out.splitlines()]
    judged = {
        name: mark for line in lines for name, mark in re.findall(r"^\d (\w+) (good|WRONG|has not answered)", line)
    }
    assert judged == {
        "alice": "good", "bob": "WRONG", "carol": "good", "dave": "good", "erin": "has not answered",
    }  # fmt: skip
    assert "Good: 9 bundles, every signature verified by two libraries." in lines


def test_every_file_it_names_is_there(demo: tuple[Path, Seen]) -> None:
    where, seen = demo
    told = seen.out.partition("All of it is in ")[2]
    assert told.startswith(str(where))
    names = re.findall(r"^  ([\w./-]+)", told, re.MULTILINE)
    assert {"key.json", "request", "skr.xml", "zone-records/", "anchor.ds"} <= set(names)
    for name in names:
        assert (where / name).exists(), name
    assert len(list((where / "zone-records").glob("*.zone"))) == 9


def test_the_commands_it_shows_are_commands(demo: tuple[Path, Seen]) -> None:
    shown = re.findall(r"^   \$ keyquorum (\w+)(?: (\w+))?", demo[1].out, re.MULTILINE)
    assert {first for first, _ in shown} == {"holder", "key", "share", "request", "sign", "combine", "verify"}


def test_it_does_not_write_into_a_directory_that_is_not_empty(demo: tuple[Path, Seen]) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo[0].rglob("*")}
    seen = run_here(["demo", "--out", str(demo[0])])
    assert (seen.status, seen.out) == (2, "")
    assert {path: path.stat().st_mtime_ns for path in demo[0].rglob("*")} == before


def test_the_readme_goes_on_from_there(
    demo: tuple[Path, Seen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = README.read_text().partition("Go on where it stopped")[2]
    block = re.search(r"\n\n((?:    .*\n)+)", text)
    assert block is not None
    commands = block[1].replace("\\\n", " ").splitlines()
    commands = [re.sub(r"\s+#.*", "", command).strip() for command in commands]
    assert commands[:2] == ['alias keyquorum="$PWD/run keyquorum"', "cd DIR"]
    script = tmp_path / "readme.txt"
    script.write_text("".join(f"$ {one}\n" + "< yes\n" * one.startswith("keyquorum sign") for one in commands[2:]))
    seen = play(script, demo[0], monkeypatch)
    assert len(seen) == len(commands) - 2
    assert (demo[0] / "again.xml").read_bytes() == (demo[0] / "skr.xml").read_bytes()
    told = [" ".join(line.split()) for one in seen for line in one.text.splitlines()]
    assert any(line.startswith("2 bob WRONG") for line in told)
    assert "5 erin good" in told


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "RSASHA256"])
def test_every_other_algorithm(algorithm: str, tmp_path: Path) -> None:
    where = tmp_path / "kept"
    seen = run_here(["demo", "--out", str(where), "--algorithm", algorithm])
    assert (seen.status, seen.err) == (0, "")
    assert f"{algorithm} ({ALGORITHMS[algorithm]})" in seen.out
    test_it_names_the_liar_and_nobody_else((where, seen))
    test_dnspython_validates_what_it_signed((where, seen))
