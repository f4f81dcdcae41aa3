"""``keyquorum request``: make a request of what is to be signed, and show one as everybody sees it."""

from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.chain import judged_by, keep
from keyquorum.cli.key_token import requested_keys
from keyquorum.cli.listing import examination_document, show_examination, show_source
from keyquorum.cli.options import (
    FILE,
    GreedyCommand,
    absent,
    archive_option,
    basis_of,
    format_of_ksr,
    is_uri,
    json_option,
    judging_options,
    moment,
    passphrase_option,
    person_at,
    previous_option,
    read_record,
    token_options,
)
from keyquorum.cli.slots import give_out, show_slots, slot_facts, taken_slots
from keyquorum.dnssec.icann import SIZE_LIMIT
from keyquorum.dnssec.model import Terms
from keyquorum.dnssec.responses import NamedSchema, check_wanted
from keyquorum.dnssec.schema import ROLES, SCHEMAS
from keyquorum.dnssec.sources import read_source
from keyquorum.dnssec.times import format_duration, format_time_for_people
from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import new_file
from keyquorum.quorum.requesting import OpenRequest, make_request, open_request
from keyquorum.quorum.task import Examination, Task, examine, terms_of
from keyquorum.records.envelope import Signed
from keyquorum.records.files import header
from keyquorum.records.keys import ACCEPTANCE, KEY_RECORD, Acceptance, KeyRecord
from keyquorum.records.requests import Request, Source, Window
from keyquorum.threshold.one_time import number_of

_FIRST = "none: these keys have signed nothing for the zone before, the request says"


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
    help="A key that is to sign, the current one: its record, or a key in a token that you keep; repeatable.",
)
@click.option(
    "--next",
    "next_keys",
    metavar="FILE|URI",
    multiple=True,
    help="A key that comes next, in a schema that has one; repeatable.",
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
    "schemas",
    metavar="[NAME=]SCHEMA",
    multiple=True,
    default=("normal",),
    show_default=True,
    help=f"Who signs when ({', '.join(SCHEMAS)}); once for each response that is to be made, which it names.",
)
@click.option(
    "--first", is_flag=True, help="These keys have signed nothing for the zone before: there is no chain yet."
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
@archive_option
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
    next_keys: tuple[str, ...],
    schemas: tuple[str, ...],
    first: bool,
    accepted: tuple[Path, ...],
    commitments: tuple[Path, ...],
    from_slot: int | None,
    policy: Path | None,
    previous_skr: Path | None,
    archive: Path | None,
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
    responses = _responses(schemas)
    sources = (*keys, *next_keys)
    written = {source: read_record(Path(source), KEY_RECORD) for source in sources if not is_uri(source)}
    roles = (ROLES[0],) * len(keys) + (ROLES[1],) * len(next_keys)
    acceptances = _acceptances(accepted)
    format_ = _format_of(ksr)
    end = moment(until) if until else None
    basis = basis_of(format_, policy, previous_skr, at, overrules)
    with ExitStack() as stack:
        file = stack.enter_context(world.opened(source_file, "source"))
        if window:
            # A file that is something else is not read to its end to know what its SHA-256 would have been.
            with world.naming(source_file):
                next(read_source(format_, file, (window.inception, window.expiration)))
        requester = stack.enter_context(person_at(identity, passphrase_file))
        records, own = requested_keys(sources, written, requester, stack, pin_file, module)
        for one in own:
            acceptances.setdefault(one.record.key, []).append(one)
        length, digest = world.digest_of(file)
        source = Source(format=format_, length=length, sha256=digest)
        terms = terms_of(basis.policy, records, format_, end)
        task = Task(file, 0, source, window, responses, terms, records, roles, first)
        with world.naming(source_file):
            basis = judged_by(archive, basis, task)
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
                for row in chain.from_iterable(slots[key.id].rows for key in records if key.id in slots):
                    output.write(row)
    show_source(source)
    show_slots(records, slots)
    terminal.say()
    kept = keep(archive, out)
    terminal.facts({"request": f"{out} (public: publish it)", "request id": signed.id.hex(), **kept})
    yours = " Answer it yourself, with the key that you keep: keyquorum sign --token." if own else ""
    terminal.next_step(
        f"send {out} to every holder, read them the words above by phone, and have each run 'keyquorum sign'.{yours}"
    )


@request.command()
@click.argument("file", type=FILE)
@click.option("--policy", type=FILE, help="Judge by this policy; otherwise by the shipped one.")
@previous_option
@archive_option
@click.option("--at", metavar="TIME", help="Judge as of this time, not the clock's.")
@json_option
def show(
    file: Path, policy: Path | None, previous_skr: Path | None, archive: Path | None, at: str | None, json_: bool
) -> None:
    """Show what the request in FILE asks to have signed, and what the rules say of it."""
    with world.opened(file, "request") as stream:
        with world.naming(file):
            opened = open_request(stream)
        task = opened.task
        basis = basis_of(task.source.format, policy, previous_skr, at, ())
        with world.naming(file):
            basis = judged_by(archive, basis, task)
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
            *((f"{one.role} key", _named(one.key.record)) for one in record.keys),
            *((_called(record, one), f"{one.schema}: {SCHEMAS[one.schema].meaning}") for one in record.responses),
            ("chain", _FIRST if record.first else "follows on a response that was made with these keys"),
            *_derivation(record.terms),
            *(fact for one in record.keys if one.slots for fact in slot_facts(one.key.record, one.slots)),
        ]
        + [("overruled", f"{overrule.rule}, because: {overrule.reason}") for overrule in record.overrules]
    )


def _named(record: KeyRecord) -> str:
    return f"{record.label}, kept whole by {record.dealer.record.name}" if record.kept else record.label


def _called(record: Request, response: NamedSchema) -> str:
    return f"response {response.name}" if len(record.responses) > 1 else "schema"


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
        "keys": [{"id": one.key.id.hex(), "label": one.key.record.label, "role": one.role} for one in record.keys],
        "responses": [{"name": one.name, "schema": one.schema} for one in record.responses],
        "first": record.first,
        "slots": [
            {"key": one.key.id.hex(), "first": number_of(one.slots.first), "count": one.slots.count}
            for one in record.keys
            if one.slots
        ],
        "overrules": [{"rule": o.rule, "reason": o.reason} for o in record.overrules],
    }


def _format_of(ksr: Path | None) -> str:
    """Tell the format of what is to be signed, where it is no longer than one of its kind may be."""
    if ksr is None:
        return "zone"
    head = world.read_file(ksr, SIZE_LIMIT, "KSR")
    with world.naming(ksr):
        return format_of_ksr(head)


def _responses(given: tuple[str, ...]) -> tuple[NamedSchema, ...]:
    """Read ``SCHEMA`` or ``NAME=SCHEMA``, for each response."""
    try:
        pairs = [text.rpartition("=") for text in given]
        wanted = tuple(NamedSchema(name if separator else schema, schema) for name, separator, schema in pairs)
        check_wanted(wanted)
    except KeyquorumError as error:
        raise UsageError(error.what, where="--schema", do=error.do) from None
    return wanted


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
