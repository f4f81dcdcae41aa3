"""docs/operator/emergency.md: its commands exist as they are written there, and each of them is rehearsed."""

import re
import shlex
from pathlib import Path

import click
import pytest

from keyquorum.cli.app import keyquorum
from tests.scenarios.scripts import SCRIPTS

PAGE = (Path(__file__).parents[2] / "docs" / "operator" / "emergency.md").read_text()
ROLLS = "".join((Path(__file__).parent / name).read_text() for name in ("test_hsm_to_quorum.py", "hsm_roll.py"))
VALUES = ("--schema", "--form")
"""Options of which the value is compared too."""


def spans() -> list[str]:
    """Give every command on the page: lines of a block, and code within a sentence."""
    blocks = [line.strip() for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    rest = re.sub(r"```\n.*?```", "", PAGE, flags=re.DOTALL)
    found = [*blocks, *(" ".join(code.split()) for code in re.findall(r"`([^`]*)`", rest))]
    return [one for one in found if one.startswith("keyquorum ")]


COMMANDS = spans()


def taken_apart(line: str) -> tuple[str, click.Command, set[str]]:
    """Give the name of a command, the command, and its options, with values where these matter."""
    words = shlex.split(line)[1:]
    command: click.Command = keyquorum
    name = []
    while isinstance(command, click.Group):
        name.append(words.pop(0))
        found = command.get_command(click.Context(command), name[-1])
        if found is None:
            raise KeyError(name[-1])
        command = found
    options = set()
    for place, word in enumerate(words):
        if word.startswith("--"):
            options.add(f"{word} {words[place + 1]}" if word in VALUES else word)
    return " ".join(name), command, options


def rehearsed() -> list[tuple[str, set[str]]]:
    """Give every command of every script."""
    found = []
    for script in SCRIPTS.glob("*.txt"):
        for line in script.read_text().splitlines():
            for part in re.findall(r"keyquorum [^|;&>]*", line) if line.startswith("$ ") else []:
                try:
                    name, _, options = taken_apart(part)
                except (KeyError, IndexError, ValueError):
                    continue  # what scripts type wrongly on purpose
                found.append((name, options))
    return found


REHEARSED = rehearsed()


def test_the_page_has_commands_in_every_section() -> None:
    sections = re.split(r"\n## ", PAGE)[1:]
    assert len(sections) == 5
    assert all("keyquorum " in section for section in sections)
    assert len(COMMANDS) > 25


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_of_ours(line: str) -> None:
    _, command, options = taken_apart(line)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {option.split()[0] for option in options} <= known


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_rehearsed(line: str) -> None:
    name, _, options = taken_apart(line)
    in_scripts = any(name == other and options <= others for other, others in REHEARSED)
    in_a_roll = all(option.split()[-1] in ROLLS for option in options)
    assert in_scripts or in_a_roll
