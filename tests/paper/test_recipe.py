"""The instructions, followed: commands and text taken out of the PDF, run by bash with stock tools only."""

import hashlib
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from keyquorum.escrow.making import Made
from keyquorum.escrow.shares import combine
from keyquorum.paper.example import CMS, NEEDED, RECIPIENT, SECRET, SHARES
from keyquorum.paper.pages import Sheet, instruction_pages, key_pages
from keyquorum.paper.recipe import Types, steps
from keyquorum.paper.sheet import Paper
from keyquorum.paper.typed import read_lines
from tests.paper.escrows import escrow
from tests.paper.pictures import commands, text, words

ALGORITHMS = [
    ("RSASHA256", 2048),
    ("ECDSAP256SHA256", None),
    ("ECDSAP384SHA384", None),
    ("ED25519", None),
    ("ED448", None),
]


def bash(script: str, directory: Path, *, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script as it stands in an empty directory."""
    tools = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": tools, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/")},
    )


def pages_of(made: Made, paper: Paper = "A4") -> str:
    """Give the text of the instructions, up to the example."""
    return text(instruction_pages(Sheet(made.manifest, made.cms, paper))).split("An example")[0]


def command(found: list[str], part: str) -> str:
    (one,) = [line for line in found if part in line]
    return one


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("rehearsal", [False, True])
def test_the_text_of_the_page_has_each_command_as_it_was_meant(paper: Paper, rehearsal: bool) -> None:
    made = escrow("RSASHA256", 2048, rehearsal=rehearsal)
    meant = [
        line
        for step in steps(Sheet(made.manifest, made.cms, paper))
        for part in step.parts
        if isinstance(part, Types)
        for line in part.lines
    ]
    blocks = re.split(r"\n(?=\$ )", "\n".join(meant))
    wanted = [re.sub(r"\n +", "\n", block[2:]) for block in blocks if block.startswith("$ ")]
    wanted = [block if "\\\n" in block else block.split("\n")[0] for block in wanted]
    found = [re.sub(r"\n +", "\n", one) for one in commands(pages_of(made, paper))]
    assert found == wanted
    assert not any("  " in line.strip() for line in meant)  # pdftotext drops the second blank


@pytest.mark.parametrize(("algorithm", "bits"), ALGORITHMS)
def test_from_typed_text_to_the_key(algorithm: str, bits: int | None, tmp_path: Path) -> None:
    made = escrow(algorithm, bits)
    instructions, key = pages_of(made), text(key_pages(Sheet(made.manifest, made.cms)), "-raw")
    found = commands(instructions)
    typed = re.findall(r"\d{3} [A-Z2-7]{4}(?: [A-Z2-7]{1,5}){1,5}(?=\s|$)", key)
    (tmp_path / "typed.txt").write_text("\n".join(sorted(typed)) + "\n")
    bash(command(found, "typed.txt | tr"), tmp_path)
    assert (tmp_path / "key.cms").read_bytes() == made.cms
    checks = bash(command(found, "for n in"), tmp_path).stdout.split()
    assert checks == re.findall(r"= ([0-9a-f]{8})", key)
    assert bash(command(found, "sha256sum -c"), tmp_path).stdout == "key.cms: OK\n"

    with combine(made.shares[1:]) as secret:
        given = secret.reveal().hex()
    opened = bash(f"read -r secret\n{command(found, 'cms -decrypt')}", tmp_path, typed=f"{given}\n")
    assert (opened.returncode, opened.stdout, opened.stderr) == (0, "", "")
    public = bash(command(found, "-outform DER | sha256sum"), tmp_path).stdout.split()[0]
    assert public in instructions
    dnskey = bash(command(found, "base64 -w0"), tmp_path).stdout
    assert made.manifest.record.dnskey is not None
    assert dnskey == made.manifest.record.dnskey.split()[-1]
    assert bash(command(found, "-out key.pem"), tmp_path).returncode == 0
    assert "PRIVATE KEY" in (tmp_path / "key.pem").read_text()


def test_a_changed_file_leaves_no_plaintext(tmp_path: Path) -> None:
    made = escrow("RSASHA256", 2048)
    found = commands(pages_of(made))
    changed = bytearray(made.cms)
    changed[len(changed) // 2] ^= 1
    (tmp_path / "key.cms").write_bytes(changed)
    assert "FAILED" in bash(command(found, "sha256sum -c"), tmp_path).stdout
    with combine(made.shares[:2]) as secret:
        given = secret.reveal().hex()
    opened = bash(f"read -r secret\n{command(found, 'cms -decrypt')}", tmp_path, typed=f"{given}\n")
    assert opened.stdout == "FAILED\n"
    assert not (tmp_path / "key.der").exists()
    bare = command(found, "cms -decrypt").split("||")[0]
    bash(f"read -r secret\n{bare}", tmp_path, typed=f"{given}\n")
    assert (tmp_path / "key.der").stat().st_size > 0  # the trap that the page warns of


def test_a_share_is_checked_by_its_fingerprint(tmp_path: Path) -> None:
    made = escrow("ED25519")
    found = commands(pages_of(made))
    script = "\n".join(found[found.index("read -r words") :][:2])
    printed = bash(script, tmp_path, typed=f"{made.shares[0].text}\n").stdout.split()[0]
    assert printed == made.shares[0].fingerprint.hex()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_example(paper: Paper, tmp_path: Path) -> None:
    made = escrow("ED25519")
    example = text(instruction_pages(Sheet(made.manifest, made.cms, paper))).split("An example")[1]
    told = re.sub(r"\s+", " ", example)
    shares = re.findall(r"Share \d: ((?:[a-z]+ ){33})((?:[0-9a-f]{4} ?){16})", told)
    assert [words.strip() for words, _ in shares] == list(SHARES)
    for said, fingerprint in shares:
        digest = bash("read -r words; printf '%s' \"$words\" | sha256sum", tmp_path, typed=said.strip() + "\n").stdout
        assert digest.split()[0] == fingerprint.replace(" ", "")
    for pair in combinations(range(3), NEEDED):
        answer = bash("shamir recover", tmp_path, typed="".join(f"{SHARES[at]}\n" for at in pair)).stdout
        assert f"Your master secret is: {SECRET}" in answer
    assert SECRET in example
    assert read_lines(example, len(CMS)).data() == CMS
    typed = [line.strip() for line in example.splitlines() if re.match(r"\s+\d{3} [A-Z2-7]{4} ", line)]
    (tmp_path / "example.txt").write_text("\n".join(typed) + "\n")
    script = "read -r secret\n" + "\n".join(commands(example))
    done = bash(script, tmp_path, typed=f"{SECRET}\n")
    assert done.stdout.split()[0] in example.split("must print")[1]
    assert RECIPIENT in script
    # Nothing up anybody's sleeve: both halves follow from these words.
    assert hashlib.sha256(b"keyquorum example secret").hexdigest() == SECRET
    assert (tmp_path / "example.der").read_bytes().endswith(hashlib.sha256(b"keyquorum example key").digest())


def test_every_title_fits_beside_its_step() -> None:
    made = escrow("ED25519")
    (_, _, boxes), *_ = words(instruction_pages(Sheet(made.manifest, made.cms)))
    assert max(box[3] for box in boxes if box[1] < 40 and box[2] > 40) < 15 + 36
