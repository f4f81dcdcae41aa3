"""``keyquorum ksr``: check a key signing request against the rules, without any quorum."""

from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.listing import show_report, show_source
from keyquorum.cli.options import FILE, basis_of, json_option, judging_options
from keyquorum.dnssec.icann import SIZE_LIMIT, read_ksr
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Subject
from keyquorum.records.kinds import Source


@click.group()
def ksr() -> None:
    """Key signing requests."""


@ksr.command()
@click.argument("file", type=FILE)
@judging_options
@json_option
def check(
    file: Path, policy: Path | None, previous_skr: Path | None, at: str | None, overrules: tuple[str, ...], json_: bool
) -> int:
    """Run every rule over the KSR in FILE. Exit status 1 if one failed."""
    basis = basis_of("icann", policy, previous_skr, at, overrules)
    data = world.read_file(file, SIZE_LIMIT, "KSR")
    with world.naming(file):
        request = read_ksr(data)
    digest = world.digest_of_bytes(data)
    subject = Subject(
        request=request,
        policy=basis.policy,
        ksks=(),
        zones=frozenset([request.zone]),
        previous=basis.previous,
        at=basis.at,
        now=basis.now,
        source_digest=digest,
    )
    report = evaluate(subject).apply_overrules(basis.overrules)
    if json_:
        terminal.as_json({"file": str(file), "sha256": digest.hex(), "id": request.id, "rules": report.data()})
        return 0 if report.acceptable else 1
    terminal.heading(f"KSR {request.id}, serial {request.serial}, of zone {request.zone}")
    rows = [
        (
            str(number),
            bundle.id,
            format_time_for_people(bundle.inception).removesuffix(" UTC"),
            format_time_for_people(bundle.expiration).removesuffix(" UTC"),
            " ".join(str(key.key.tag) for key in bundle.keys),
        )
        for number, bundle in enumerate(request.bundles, 1)
    ]
    terminal.listing(["", "bundle", "from", "until", "keys"], rows)
    show_report(report)
    show_source(Source(format="icann", length=len(data), sha256=digest))
    terminal.say()
    failed = ", ".join(result.rule for result in report.failed)
    if failed:
        terminal.say(f"Refused: {failed}.", style="bold red")
        return 1
    terminal.say("Nothing stands in the way of signing this.", style="green")
    return 0
