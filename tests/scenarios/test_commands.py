"""The contract of the command line: which commands and options there are, and that each explains itself."""

import click
import pytest

from keyquorum.cli.app import keyquorum
from tests.scenarios.shell import run_here

JUDGING = {"--policy", "--previous-skr", "--at", "--overrule"}
SHARING = {"--threshold", "--shares", "--group", "--group-threshold", "--share-holder"}
PAGES = {"--print", "--paper", "--handwritten", "--scans", "--rehearsal"}
TOKEN = {"--module", "--pin-file"}
COMMANDS = {
    "demo": {"--algorithm", "--out"},
    "status": {"--json"},
    "holder new": {"--out", "--passphrase-file"},
    "holder show": {"--json"},
    "key deal": {
        "--algorithm", "--bits", "--zone", "--zones", "--threshold", "--identity", "--requester", "--from", "--label",
        "--out", "--passphrase-file", "--answers", "--slots", "--a-year",
    },
    "key presign": {
        "--key", "--from", "--slots", "--a-year", "--from-slot", "--identity", "--out", "--passphrase-file",
    },
    "key token": {
        "--zone", "--zones", "--identity", "--requester", "--label", "--algorithm", "--out", "--passphrase-file",
    } | TOKEN,
    "key show": {"--json", "--presignatures", "--keystore", "--passphrase-file"},
    "key dnskey": set(),
    "key ds": {"--digest"},
    "key verify": {"--json", "--presignatures"},
    "share accept": {"--keystore", "--out", "--approve", "--passphrase-file", "--new-table"},
    "share prepare": {
        "--keystore", "--slots", "--key", "--requester", "--only", "--from-slot", "--a-year", "--out",
        "--passphrase-file",
    },
    "share refresh": {"--key", "--by", "--identity", "--out", "--passphrase-file"},
    "share reshare": {
        "--key", "--by", "--threshold", "--answers", "--requester", "--identity", "--out", "--passphrase-file",
    },
    "share repair": {"--key", "--by", "--for", "--identity", "--out", "--passphrase-file"},
    "dkg start": {
        "--algorithm", "--zone", "--zones", "--threshold", "--answers", "--identity", "--requester", "--label", "--out",
        "--passphrase-file",
    },
    "dkg answer": {"--keystore", "--out", "--approve", "--passphrase-file"},
    "dkg finish": {"--identity", "--keystore", "--key", "--out", "--approve", "--passphrase-file"},
    "dkg judge": set(),
    "keystore restored": {"--keystore", "--passphrase-file"},
    "keystore forget": {"--keystore", "--key", "--approve", "--passphrase-file"},
    "request new": {
        "--key", "--identity", "--ksr", "--dnskey", "--inception", "--expiration", "--schema", "--accepted", "--out",
        "--passphrase-file", "--commitments", "--from-slot", "--until", "--next", "--first", "--archive",
    } | TOKEN | JUDGING,
    "request show": {"--policy", "--previous-skr", "--archive", "--at", "--json"},
    "sign": {
        "--keystore", "--out", "--approve", "--passphrase-file", "--seen", "--archive", "--token",
    } | TOKEN | JUDGING,
    "combine": {"--out", "--format", "--identity", "--json", "--passphrase-file", "--archive"},
    "verify": {"--key", "--request", "--anchor", "--at", "--json"},
    "anchor write": {
        "--key", "--form", "--zone", "--digest", "--valid-from", "--valid-until", "--id", "--source", "--at", "--out",
        "--json",
    },
    "anchor compare": {"--at", "--json"},
    "schedule quarter": {"--policy", "--from", "--until", "--json"},
    "schedule roll": {
        "--zone", "--old", "--new", "--old-name", "--new-name", "--zone-keys", "--meanwhile", "--from", "--ready",
        "--waiting", "--holding", "--ttl", "--zone-ttl", "--policy", "--svg", "--json",
    },
    "archive add": {"--archive", "--new", "--json"},
    "archive list": {"--archive", "--signatures", "--zone", "--at", "--json"},
    "archive show": {"--archive", "--json"},
    "archive verify": {"--archive", "--head", "--json"},
    "ksr new": {
        "--zone", "--zsk", "--outgoing", "--incoming", "--from", "--until", "--form", "--bundles", "--interval",
        "--validity", "--ttl", "--id", "--serial", "--algorithm", "--out", "--json",
    } | TOKEN | JUDGING,
    "ksr check": {"--json", "--until", "--key", "--first", "--archive"} | JUDGING,
    "escrow create": {
        "--algorithm", "--bits", "--zone", "--from", "--identity", "--out", "--dice", "--token-randomness",
        "--passphrase-file",
    } | SHARING | PAGES,
    "escrow check": {"--escrow", "--maker", "--words", "--share", "--json"},
    "escrow recover": {
        "--escrow", "--page", "--cms", "--maker", "--to-pem", "--to-escrow", "--to-quorum", "--to-token", "--requester",
        "--answers", "--slots", "--a-year",
        "--identity", "--label", "--id", "--extractable", "--pin-file", "--module", "--approve", "--passphrase-file",
    } | SHARING | PAGES,
    "token list": {"--module", "--json"},
    "token inspect": {"--without-login", "--json"} | TOKEN,
    "token load": {"--key", "--algorithm", "--zone", "--label", "--id", "--extractable", "--json"} | TOKEN,
    "token test": {"--dnskey", "--json"} | TOKEN,
    "token wipe": {
        "--all", "--reinitialise", "--so-pin-file", "--without-login", "--approve", "--json",
    } | TOKEN,
}  # fmt: skip


def command(name: str) -> click.Command:
    found: click.Command = keyquorum
    for word in name.split():
        assert isinstance(found, click.Group)
        context = click.Context(found)
        below = found.get_command(context, word)
        assert below is not None, name
        found = below
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_options(name: str) -> None:
    options = {
        option for one in command(name).params if isinstance(one, click.Option) for option in one.opts if option != "-h"
    }
    assert options == COMMANDS[name]
    assert all(one.help for one in command(name).params if isinstance(one, click.Option) and one.name != "help")


def test_there_are_no_other_commands() -> None:
    found = set()
    for name in keyquorum.list_commands(click.Context(keyquorum)):
        one = command(name)
        below = one.list_commands(click.Context(one)) if isinstance(one, click.Group) else []
        found |= {f"{name} {word}" for word in below} or {name}
    assert found == COMMANDS.keys()


@pytest.mark.parametrize(
    "name",
    ["", "holder", "key", "share", "request", "ksr", "escrow", "token", "dkg", "keystore", "schedule", *COMMANDS],
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(name: str, option: str) -> None:
    seen = run_here([*name.split(), option])
    assert seen.status == 0
    assert not seen.err
    assert seen.out.startswith(f"Usage: {' '.join(['keyquorum', *name.split()])} ")
    assert all(len(line) <= 100 for line in seen.out.splitlines())
    for word in COMMANDS.get(name, ()):
        assert word in seen.out


def test_help_of_everything_says_what_exit_statuses_mean() -> None:
    out = " ".join(run_here(["--help"]).out.split())
    assert "0 done; 1 the answer is no; 2 used wrongly; 3 not yet" in out
    assert all(f" {name.split()[0]} " in out for name in COMMANDS)


def test_version() -> None:
    seen = run_here(["--version"])
    assert seen.status == 0
    assert seen.out.startswith("keyquorum ")
