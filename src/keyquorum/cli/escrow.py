"""``keyquorum escrow``: a key on paper, and back."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

# name -> module in cli/; imported only when used, since pages and pictures take long to load.
_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "create": ("escrow_create", "Make a key (or take one), and put it on paper in shares."),
        "check": ("escrow_check", "Check pages or typed words, each alone; nothing is rebuilt."),
        "recover": ("escrow_recover", "Bring the key back, into a token, a quorum, a new escrow, or a PEM."),
    }
)


class _Commands(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(f"keyquorum.cli.{_COMMANDS[name][0]}").command
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in _COMMANDS.items()])


@click.group(cls=_Commands)
def escrow() -> None:
    """A key on paper: encrypted, the key to it in shares, each on a page of its own."""
