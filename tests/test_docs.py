"""The docs are true where a machine can tell: links lead somewhere, tests named exist, every command is described."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from keyquorum.cli.app import keyquorum

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
TEXT = "\n".join(page.read_text() for page in PAGES)
SOURCE = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Give every command with its full name, groups left out."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from commands(found, f"{name} {part}")
    else:
        yield name, command


COMMANDS = dict(commands(keyquorum, "keyquorum"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    inside = [link.split("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_files_that_are_named_exist() -> None:
    named = set(re.findall(r"\b((?:tests|src|docs|bench|tools)/[\w./-]*\w)", TEXT))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described(name: str) -> None:
    assert name in TEXT, f"no page says anything of '{name}'"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    options = [
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]
    assert [option for option in options if option not in TEXT] == []


def test_commands_in_the_docs_exist() -> None:
    """What a page tells a person to type is a command, with options it has."""
    groups = click.Context(keyquorum).command.list_commands(click.Context(keyquorum))  # type: ignore[attr-defined]
    lines = re.findall(r"(?:^|[`$ ])keyquorum ((?:[a-z]+ ?){1,2})([^`\n]*(?:\\\n[^`\n]*)*)", TEXT, re.MULTILINE)
    typed = [(words.split(), rest) for words, rest in lines if words.split()[0] in groups]
    assert len(typed) > 20
    for words, rest in typed:
        name = next((n for n in (f"keyquorum {' '.join(words[:2])}", f"keyquorum {words[0]}") if n in COMMANDS), None)
        if name is None:
            continue
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        used = re.findall(r"(?<![\w-])--[a-z-]+", rest.replace("\\\n", " "))
        assert [option for option in used if option not in known] == [], f"{name}: {rest}"


def test_every_domain_tag_is_in_the_table() -> None:
    table = (ROOT / "docs" / "auditor" / "mathematics.md").read_text()
    written = set(re.findall(r"keyquorum/[a-z]+/[a-z]+/v\d", SOURCE))
    uses = {f"keyquorum/rsa/{use}/v1" for use in re.findall(r'claim\.tag\("(\w+)"\)', SOURCE)}
    assert len(uses) == 4
    assert sorted(tag for tag in written | uses if f"`{tag}`" not in table) == []


def test_dependencies_are_explained() -> None:
    page = (ROOT / "docs" / "developer" / "dependencies.md").read_text()
    declared = (ROOT / "requirements" / "runtime.in").read_text()
    names = [re.split(r"[<>=]", line)[0] for line in declared.splitlines() if line and not line.startswith("#")]
    assert names
    assert [name for name in names if f"| {name} " not in page] == []
    project = (ROOT / "pyproject.toml").read_text()
    assert [
        line for line in declared.splitlines() if line and not line.startswith("#") and f'"{line}"' not in project
    ] == []
