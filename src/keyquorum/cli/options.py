"""Options that several commands share, and how they are read."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import dns.name

from keyquorum.cli import terminal, world
from keyquorum.cli.world import naming, read_file
from keyquorum.dnssec.icann import SIZE_LIMIT
from keyquorum.dnssec.sources import detect_format, read_one_response
from keyquorum.dnssec.times import parse_time
from keyquorum.errors import MalformedError, UsageError
from keyquorum.keystore.person import Person
from keyquorum.keystore.store import Keystore
from keyquorum.policy.profile import PROFILES, profile_source, read_policy
from keyquorum.quorum.task import Basis
from keyquorum.records.envelope import Kind, Signed, payload_type_of
from keyquorum.records.fields import ZONE
from keyquorum.records.files import read_header

Function = TypeVar("Function", bound=Callable[..., Any])
FILE = click.Path(path_type=Path)

passphrase_option = click.option(
    "--passphrase-file", type=FILE, help="Read the passphrase from the first line of a file."
)
json_option = click.option("--json", "json_", is_flag=True, help="Report for machines.")
at_option = click.option("--at", metavar="TIME", help="Judge as of this time (2027-01-31T12:00:00Z), not the clock's.")
overrule_option = click.option(
    "--overrule", "overrules", multiple=True, metavar="RULE=REASON", help="Let a failed rule pass, and say why."
)
RSA = {"RSASHA256": 8, "RSASHA512": 10}
rsa_option = click.option(
    "--algorithm", type=click.Choice(list(RSA)), default="RSASHA256", show_default=True, help="Of RSA keys."
)
previous_option = click.option(
    "--previous-skr", type=FILE, help="The previous response, on which this request has to follow."
)
archive_option = click.option(
    "--archive", type=FILE, help="Your archive: what came before is looked up there, and what is made is added to it."
)
approve_option = click.option(
    "--approve", metavar="ID", help="Agree in advance, by naming the id (hexadecimal) agreed to."
)


def judging_options(command: Function) -> Function:
    """Add what a request is judged by: policy, previous response, time, overrules."""
    for option in (
        overrule_option,
        at_option,
        previous_option,
        click.option("--policy", type=FILE, help="A policy file, or a shipped one: root, tld, zone."),
    ):
        command = option(command)
    return command


def token_options(command: Function) -> Function:
    """Add how tokens are opened: their module, and their PIN."""
    for option in (
        click.option("--module", type=FILE, help="The PKCS#11 module (a .so file), if the URI does not say."),
        click.option("--pin-file", type=FILE, help="Read the token's PIN from the first line of a file."),
    ):
        command = option(command)
    return command


class GreedyCommand(click.Command):
    """A command whose repeatable options take several values in one go: ``--accepted *.json``."""

    greedy: tuple[str, ...] = ("--accepted", "--commitments", "--seen")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn ``--accepted a b`` into ``--accepted a --accepted b``."""
        expanded: list[str] = []
        current = ""
        for argument in args:
            if argument.startswith("-"):
                current = argument if argument in self.greedy else ""
            elif current and expanded[-1] != current:
                expanded.append(current)
            expanded.append(argument)
        return super().parse_args(ctx, expanded)


def is_uri(source: str) -> bool:
    """Whether a key is named by the URI of its token, not by a file."""
    return source.startswith("pkcs11:")


def moment(text: str | None, option: str = "--at") -> int:
    """Give the time that ``option`` names, else the clock's."""
    if text is None:
        return world.now()
    try:
        return parse_time(text)
    except MalformedError as error:
        raise UsageError(error.what, where=option, do="For example 2027-01-31T12:00:00Z.") from None


def read_record(path: Path, kind: Kind[Any]) -> Signed[Any]:
    """Read one record from a file; errors name the file."""
    data = read_file(path, kind.limit + 1, kind.title)
    with naming(path):
        return kind.read(data)


def read_header_of(path: Path, kind: Kind[Any]) -> Signed[Any]:
    """Read the header of a file that has a body after it; errors name the file."""
    with world.opened(path, kind.title) as file, naming(path):
        return read_header(file, kind)


def read_records(paths: Sequence[Path], kinds: Sequence[Kind[Any]]) -> dict[str, list[Signed[Any]]]:
    """Read files that each hold one record of any of ``kinds``; gives them by the name of their kind."""
    found: dict[str, list[Signed[Any]]] = {kind.name: [] for kind in kinds}
    by_type = {kind.payload_type: kind for kind in kinds}
    for path in paths:
        data = read_file(path, max(kind.limit for kind in kinds) + 1, "record")
        with naming(path):
            kind = by_type.get(payload_type_of(data.removesuffix(b"\n"), len(data)))
            if kind is None:
                expected = ", ".join(kind.title for kind in kinds)
                raise UsageError("this is not a file of this step", do=f"It takes: {expected}.")
            found[kind.name].append(kind.read(data))
    return found


def basis_of(
    format_: str,
    policy: Path | None,
    previous_skr: Path | None,
    at: str | None,
    overrules: Sequence[str],
    person: Person | None = None,
) -> Basis:
    """Read what a task is judged by from the files and words given, and from what ``person`` remembers."""
    source = _policy_source(policy, "root" if format_ == "icann" else "zone")
    with naming(policy or Path("the shipped policy")):
        rules = read_policy(source)
    previous = previous_digest = None
    if previous_skr:
        data = read_file(previous_skr, SIZE_LIMIT, "previous response")
        with naming(previous_skr):
            previous = read_one_response(data)
        previous_digest = hashlib.sha256(data).digest()
    return Basis(
        policy=rules,
        policy_digest=hashlib.sha256(source).digest(),
        previous=previous,
        previous_digest=previous_digest,
        at=moment(at),
        now=world.now(),
        seen=person.seen() if person else None,
        answered=person.answered_with() if person else {},
        overrules=_overrules(overrules),
    )


def _policy_source(policy: Path | None, shipped: str) -> bytes:
    """Give the text of a policy: a shipped one by its name, whatever files there are, or a file."""
    if policy is None or str(policy) in PROFILES:
        return profile_source(str(policy or shipped))
    return read_file(policy, 1 << 20, "policy")


def format_of_ksr(head: bytes) -> str:
    """Tell the format of a key signing request from its first bytes; MalformedError for a zone file."""
    found = detect_format(head[:512])
    if found == "zone":
        raise MalformedError("this is no key signing request", do="A zone file is given with --dnskey.")
    return found


def absent(*paths: Path) -> None:
    """Refuse to write over any of ``paths``, before anything is asked or computed."""
    for path in paths:
        if os.path.lexists(path):
            raise UsageError(
                "this is there already, and nothing is overwritten",
                where=str(path),
                do="Give another name, or move it away first.",
            )
        if not path.parent.is_dir():
            raise UsageError("there is no such directory", where=str(path.parent), do="Make it first.")


def directory_at(path: Path) -> None:
    """Refuse what cannot become a directory to write to, before anything is asked or computed; nothing is made yet."""
    if os.path.lexists(path) and not path.is_dir():
        raise UsageError("this is no directory", where=str(path), do="Give a directory for --out.")


def make_directory(path: Path) -> None:
    """Make the directory ``path``, and those above it, unless it is there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the directory cannot be made ({error.strerror})", where=str(path)) from None


@contextmanager
def person_at(path: Path, passphrase_file: Path | None) -> Iterator[Person]:
    """Open a keystore as the person it belongs to, asking for the passphrase if need be."""
    if not path.exists():
        raise UsageError(
            "there is no such keystore", where=str(path), do="Make one: keyquorum holder new NAME --out DIR."
        )
    secret = terminal.passphrase(passphrase_file, str(path))
    with Keystore.open(path, secret) as store:
        yield Person(store)


def zones_of(zone: str | None, zones: Path | None) -> tuple[dns.name.Name, ...]:
    """Give the zones that --zone or --zones names; raises UsageError for neither, both, or none."""
    if (zone is None) == (zones is None):
        raise UsageError("say which zones the key may sign", do="Give --zone NAME, or --zones FILE.")
    if zone is not None:
        return (_zone(zone, "--zone"),)
    lines = read_file(zones, 1 << 26, "list of zones").decode("utf-8", "replace").splitlines() if zones else []
    named = [(number, line.split("#", 1)[0].strip()) for number, line in enumerate(lines, 1)]
    found = tuple(dict.fromkeys(_zone(text, f"{zones}, line {number}") for number, text in named if text))
    if not found:
        raise UsageError("the list of zones is empty", where=str(zones))
    return found


def _zone(text: str, where: str) -> dns.name.Name:
    return ZONE.parse(text.lower() if text.endswith(".") else f"{text.lower()}.", where)


def _overrules(given: Sequence[str]) -> dict[str, str]:
    overrules = {}
    for text in given:
        rule, separator, reason = text.partition("=")
        if not separator or not reason.strip():
            raise UsageError(f"--overrule {rule} gives no reason", do="Write --overrule RULE=REASON.")
        overrules[rule.strip()] = reason.strip()
    return overrules
