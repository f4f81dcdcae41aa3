"""``keyquorum ksr``: make a key signing request, and check one against the rules, without any quorum."""

import io
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.chain import looked_up
from keyquorum.cli.ksr_new import new
from keyquorum.cli.listing import request_document, show_bundles, show_report, show_source
from keyquorum.cli.options import (
    FILE,
    archive_option,
    basis_of,
    format_of_ksr,
    json_option,
    judging_options,
    moment,
    read_record,
)
from keyquorum.dnssec.icann import SIZE_LIMIT
from keyquorum.dnssec.sources import read_source
from keyquorum.errors import UsageError
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Subject
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.task import times_of
from keyquorum.records.keys import KEY_RECORD
from keyquorum.records.requests import Source


@click.group()
def ksr() -> None:
    """Key signing requests."""


@ksr.command()
@click.argument("file", type=FILE)
@click.option("--key", "keys", type=FILE, multiple=True, help="A key that is to sign; repeatable.")
@click.option("--first", is_flag=True, help="The keys have signed nothing for the zone before: there is no chain yet.")
@click.option("--until", metavar="TIME", help="The end of the period that BIND's request (dnssec-ksr -e) was made for.")
@judging_options
@archive_option
@json_option
def check(
    file: Path,
    keys: tuple[Path, ...],
    first: bool,
    until: str | None,
    policy: Path | None,
    previous_skr: Path | None,
    archive: Path | None,
    at: str | None,
    overrules: tuple[str, ...],
    json_: bool,
) -> int:
    """Run every rule over the KSR in FILE (ICANN XML, or text of BIND or Knot). Exit status 1 if one failed."""
    data = world.read_file(file, SIZE_LIMIT, "KSR")
    with world.naming(file):
        format_ = format_of_ksr(data)
    basis = basis_of(format_, policy, previous_skr, at, overrules)
    times = times_of(basis.policy, format_, moment(until) if until else None)
    with world.naming(file):
        (request,) = read_source(format_, io.BytesIO(data), None, times)
    digest = world.digest_of_bytes(data)
    records = [read_record(path, KEY_RECORD) for path in keys]
    ksks = tuple(dnskey_of(one.record.public) for one in records)
    if archive is not None:
        if not ksks:
            raise UsageError("an archive knows what came before by who signed it", do="Give --key KEY.json too.")
        basis = looked_up(archive, basis, request, ksks, digest)
    subject = Subject(
        request=request,
        policy=basis.policy,
        ksks=ksks,
        zones=frozenset.intersection(frozenset([request.zone]), *(frozenset(one.record.zones) for one in records)),
        previous=basis.previous,
        at=basis.at,
        now=basis.now,
        seen=basis.seen,
        first=first,
        source_digest=digest,
    )
    report = evaluate(subject).apply_overrules(basis.overrules)
    source = Source(format=format_, length=len(data), sha256=digest)
    if json_:
        document = request_document(request, source, basis, report)
        terminal.as_json({"file": str(file), "keys": [one.id.hex() for one in records], "first": first, **document})
        return 0 if report.acceptable else 1
    named = f" {request.id}, serial {request.serial}," if request.id else ""
    terminal.heading(f"KSR{named} of zone {request.zone}")
    show_bundles(request)
    show_report(report)
    show_source(source)
    terminal.say()
    failed = ", ".join(result.rule for result in report.failed)
    if failed:
        terminal.say(f"Refused: {failed}.", style="bold red")
        return 1
    terminal.say("Nothing stands in the way of signing this.", style="green")
    return 0


ksr.add_command(new)
