"""``keyquorum request``: make a request of what is to be signed, and show one as everybody sees it."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.key_token import requested_key
from keyquorum.cli.listing import examination_document, show_examination, show_source
from keyquorum.cli.options import (
    FILE,
    GreedyCommand,
    absent,
    basis_of,
    format_of_ksr,
    is_uri,
    json_option,
    judging_options,
    moment,
    passphrase_option,
    person_at,
    read_record,
    token_options,
)
from keyquorum.cli.slots import give_out, show_slots, slot_facts, taken_slots
from keyquorum.dnssec.model import Terms
from keyquorum.dnssec.schema import SCHEMAS
from keyquorum.dnssec.times import format_duration, format_time_for_people
from keyquorum.errors import UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import new_file
from keyquorum.keystore.person import Person
from keyquorum.quorum.requesting import OpenRequest, make_request, open_request
from keyquorum.quorum.task import Examination, Task, examine, terms_of
from keyquorum.records.envelope import Signed
from keyquorum.records.files import header
from keyquorum.records.kinds import ACCEPTANCE, KEY_RECORD, Acceptance, KeyRecord, Source, Window
from keyquorum.threshold.one_time import number_of


@click.group()
def request() -> None:
    """What is to be signed: published, and checked by every holder."""


@request.command("new", cls=GreedyCommand)
@click.option(
    "--key",
    "keys",
    metavar="FILE|URI",
    multiple=True,
    required=True,
    help="A key that is to sign: its record, or a key in a token that you keep; repeatable.",
)
@token_options
@click.option("--identity", type=FILE, required=True, help="The requester's keystore.")
@click.option("--ksr", type=FILE, help="The key signing request (ICANN XML, or text of BIND or Knot), as received.")
@click.option("--until", metavar="TIME", help="The end of the period that BIND's request (dnssec-ksr -e) was made for.")
@click.option("--dnskey", type=FILE, help="A zone file with the DNSKEY RRset of one or many zones, as received.")
@click.option("--inception", metavar="TIME", help="From when the signatures are valid (with --dnskey).")
@click.option("--expiration", metavar="TIME", help="Until when the signatures are valid (with --dnskey).")
@click.option(
    "--schema",
    metavar="NAME",
    type=click.Choice(list(SCHEMAS)),
    default="normal",
    show_default=True,
    help="Who signs when.",
)
@click.option("--accepted", type=FILE, multiple=True, help="The holders' acceptances; files, or a directory with them.")
@click.option(
    "--commitments",
    type=FILE,
    multiple=True,
    help="Holders' commitments or the dealer's presignatures for you; files, or a directory.",
)
@click.option("--from-slot", type=int, help="Begin at this slot: after a restore, or where one was used already.")
@judging_options
@click.option("--out", type=FILE, required=True, help="Where to write the request.")
@passphrase_option
def new(
    keys: tuple[str, ...],
    pin_file: Path | None,
    module: Path | None,
    identity: Path,
    ksr: Path | None,
    until: str | None,
    dnskey: Path | None,
    inception: str | None,
    expiration: str | None,
    schema: str,
    accepted: tuple[Path, ...],
    commitments: tuple[Path, ...],
    from_slot: int | None,
    policy: Path | None,
    previous_skr: Path | None,
    at: str | None,
    overrules: tuple[str, ...],
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a request of a KSR or a DNSKEY RRset, after every rule was run over it."""
    if (ksr is None) == (dnskey is None):
        raise UsageError("say what is to be signed", do="Give --ksr FILE, or --dnskey FILE.")
    absent(out)
    source_file = ksr or dnskey
    assert source_file is not None  # noqa: S101
    window = _window(dnskey is not None, inception, expiration)
    written = {key: read_record(Path(key), KEY_RECORD) for key in keys if not is_uri(key)}
    acceptances = _acceptances(accepted)
    format_ = "zone"
    if ksr:
        with world.opened(ksr, "KSR") as file, world.naming(ksr):
            format_ = format_of_ksr(file.read(512))
    end = moment(until) if until else None
    basis = basis_of(format_, policy, previous_skr, at, overrules)
    with ExitStack() as stack:
        file = stack.enter_context(world.opened(source_file, "source"))
        requester = stack.enter_context(person_at(identity, passphrase_file))
        records, own = _keys(keys, written, requester, stack, pin_file, module)
        for one in own:
            acceptances.setdefault(one.record.key, []).append(one)
        length, digest = world.digest_of(file)
        source = Source(format=format_, length=length, sha256=digest)
        task = Task(file, 0, source, window, schema, terms_of(basis.policy, records, format_, end), records)
        with world.naming(source_file), world.work("Checking", "zones", size=length) as work:
            examination = examine(task, basis, world.Scratch(), work)
        show_examination(task, examination)
        with taken_slots(requester, records, examination, commitments, from_slot) as slots:
            used = {key: one.used for key, one in slots.items()}
            signed = make_request(task, examination, acceptances, basis, requester.identity, used)
            # Given out before the request leaves: no slot is ever in two requests.
            give_out(requester, slots)
            with new_file(out) as output:
                output.write(header(signed))
                file.seek(0)
                while chunk := file.read(1 << 18):
                    output.write(chunk)
                for key in records:
                    for row in slots[key.id].rows if key.id in slots else ():
                        output.write(row)
    show_source(source)
    show_slots(records, slots)
    terminal.say()
    terminal.facts({"request": f"{out} (public: publish it)", "request id": signed.id.hex()})
    yours = " Answer it yourself, with the key that you keep: keyquorum sign --token." if own else ""
    terminal.next_step(
        f"send {out} to every holder, read them the words above by phone, and have each run 'keyquorum sign'.{yours}"
    )


@request.command()
@click.argument("file", type=FILE)
@click.option("--policy", type=FILE, help="Judge by this policy; otherwise by the shipped one.")
@click.option("--previous-skr", type=FILE, help="The previous response, to check that the chain holds.")
@click.option("--at", metavar="TIME", help="Judge as of this time, not the clock's.")
@json_option
def show(file: Path, policy: Path | None, previous_skr: Path | None, at: str | None, json_: bool) -> None:
    """Show what the request in FILE asks to have signed, and what the rules say of it."""
    with world.opened(file, "request") as stream:
        with world.naming(file):
            opened = open_request(stream)
        task = opened.task
        basis = basis_of(task.source.format, policy, previous_skr, at, ())
        with world.naming(file), world.work("Checking", "zones", size=task.source.length) as work:
            examination = examine(task, basis, world.Scratch(), work)
        examination = _as_requester(opened, examination)
        if json_:
            terminal.as_json({**request_document(opened), **examination_document(task, examination)})
            return
        show_request(opened)
        show_examination(task, examination)
        read_aloud(task.source.sha256)


def _as_requester(opened: OpenRequest, examination: Examination) -> Examination:
    """Show as overruled what the requester overruled; a holder has to decide for itself all the same."""
    failed = {result.rule for result in examination.report.failed}
    overrules = {one.rule: one.reason for one in opened.signed.record.overrules if one.rule in failed}
    return replace(examination, report=examination.report.apply_overrules(overrules))


def show_request(opened: OpenRequest) -> None:
    """Show who asks, for which keys, and what they overruled."""
    record = opened.signed.record
    terminal.heading("Request")
    terminal.facts(
        [
            ("id", opened.signed.id.hex()),
            ("from", f"{opened.requester.record.name} ({spoken(opened.requester.id, 8)})"),
            ("judged at", format_time_for_people(record.at)),
            ("keys", ", ".join(key.record.label for key in opened.task.keys)),
            ("schema", f"{record.schema}: {SCHEMAS[record.schema].meaning}"),
            *_derivation(record.terms),
            *(fact for one in record.keys if one.slots for fact in slot_facts(one.key.record, one.slots)),
        ]
        + [("overruled", f"{overrule.rule}, because: {overrule.reason}") for overrule in record.overrules]
    )


def _derivation(terms: Terms) -> list[tuple[str, str]]:
    """Say how the bundles are derived, where the request says only when its keys change."""
    times = terms.times
    if times is None:
        return []
    validity, refresh, offset = map(format_duration, (times.validity, times.refresh, times.inception_offset))
    end = f", until {format_time_for_people(times.until)}" if times.until is not None else ""
    return [
        ("signatures", f"valid for {validity} (and {offset} before), made anew {refresh} before they end{end}"),
        ("for the parent", ", ".join(terms.parent_records) or "nothing"),
    ]


def read_aloud(digest: bytes) -> None:
    """End with what the requester reads aloud."""
    terminal.heading("Read aloud:")
    terminal.words(digest)


def request_document(opened: OpenRequest) -> dict[str, object]:
    """Give what is reported of a request's header."""
    record = opened.signed.record
    return {
        "id": opened.signed.id.hex(),
        "requester": opened.requester.record.name,
        "at": record.at,
        "keys": [key.id.hex() for key in opened.task.keys],
        "slots": [
            {"key": one.key.id.hex(), "first": number_of(one.slots.first), "count": one.slots.count}
            for one in record.keys
            if one.slots
        ],
        "overrules": [{"rule": o.rule, "reason": o.reason} for o in record.overrules],
    }


def _keys(
    sources: Sequence[str],
    written: Mapping[str, Signed[KeyRecord]],
    requester: Person,
    stack: ExitStack,
    pin_file: Path | None,
    module: Path | None,
) -> tuple[tuple[Signed[KeyRecord], ...], list[Signed[Acceptance]]]:
    """Give the records of all keys, and the acceptances of those in tokens; tokens are open until ``stack`` closes."""
    found, own = dict(written), []
    if len(written) < len(sources):
        from keyquorum.cli.token_keys import TokenKeys  # noqa: PLC0415

        tokens = TokenKeys(stack, pin_file, module)
        for source in sources:
            if source not in written:
                found[source], acceptance = requested_key(requester, tokens.find(source), tuple(written.values()))
                own.append(acceptance)
    return tuple(found[source] for source in sources), own


def _window(plain: bool, inception: str | None, expiration: str | None) -> Window | None:
    if not plain:
        if inception or expiration:
            raise UsageError("a KSR brings its own times", do="Leave out --inception and --expiration.")
        return None
    if not inception or not expiration:
        raise UsageError("a plain RRset has no times of its own", do="Give --inception TIME and --expiration TIME.")
    start, end = moment(inception), moment(expiration)
    if start >= end:
        raise UsageError("the signatures would end before they begin", do="Give an --expiration after --inception.")
    return Window(inception=start, expiration=end)


def _acceptances(paths: tuple[Path, ...]) -> dict[bytes, list[Signed[Acceptance]]]:
    files: list[Path] = []
    for path in paths:
        files.extend(sorted(path.glob("*.accepted.json")) if path.is_dir() else [path])
    found: dict[bytes, list[Signed[Acceptance]]] = {}
    for path in files:
        signed = read_record(path, ACCEPTANCE)
        found.setdefault(signed.record.key, []).append(signed)
    return found
