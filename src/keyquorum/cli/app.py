"""The commands there are, found by name and imported only when used; and how an error ends one."""

import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType

import click

from keyquorum.errors import KeyquorumError

# name -> (module in cli/, attribute): an explicit table, no entry points.
_COMMANDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "demo": ("demo", "demo", "The main job, start to end, on embedded defaults."),
        "status": ("status", "status", "What is here, what is missing, what to type next."),
        "holder": ("holder", "holder", "People: make an identity, show a card."),
        "key": ("key", "key", "Keys in custody: deal, show, verify."),
        "share": ("share", "share", "A holder's share: accept it, prepare for it, pass it on."),
        "dkg": ("dkg", "dkg", "A key that its holders make together, in rounds of files."),
        "keystore": ("keystore", "keystore", "Your keystore: after it was restored."),
        "request": ("request", "request", "What is to be signed: make a request, show it."),
        "sign": ("sign", "sign", "Answer a request with a partial signature."),
        "combine": ("combine", "combine_command", "Make signatures of partials; name who answered wrongly."),
        "verify": ("verify", "verify", "Verify a response, a key record, a partial, a request."),
        "escrow": ("escrow", "escrow", "A key on paper: create, check pages, recover."),
        "token": ("token", "token", "Keys in PKCS#11 tokens: list, inspect, load, test, wipe."),
        "anchor": ("anchor", "anchor", "Trust anchors: write them, compare them with a zone."),
        "schedule": ("schedule", "schedule", "When to sign what: a quarter's bundles, the plan of a roll."),
        "ksr": ("ksr", "ksr", "Key signing requests: make one, check one against the rules."),
        "archive": ("archive", "archive", "Requests and responses seen: keep them, ask about them."),
    }
)


class _Commands(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[name]
        command = getattr(importlib.import_module(f"keyquorum.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, _, short) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="keyquorum", message="%(prog)s %(version)s")
def keyquorum() -> None:
    """Keep one DNSSEC key for decades, by several people, on no vendor's terms.

    Exit status: 0 done; 1 the answer is no; 2 used wrongly; 3 not yet, something of others is missing.
    """


def run(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status; an error of ours becomes one paragraph on standard error."""
    from keyquorum.cli.terminal import complain  # noqa: PLC0415

    try:
        result = keyquorum.main(args=arguments, prog_name="keyquorum", standalone_mode=False)
    except KeyquorumError as error:
        complain(error)
        return error.exit_status
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        sys.stderr.write("\nStopped; nothing was written.\n")
        return 1
    except click.ClickException as error:
        error.show()
        return 2
    return result if isinstance(result, int) else 0
