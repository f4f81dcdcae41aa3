"""``keyquorum ksr new``: a request made from a zone's own keys, for the bundles that a policy and a day give."""

from contextlib import ExitStack
from pathlib import Path

import click
import dns.name

from keyquorum.cli import terminal, world
from keyquorum.cli.listing import show_bundles, show_report, show_source
from keyquorum.cli.options import (
    FILE,
    RSA,
    absent,
    basis_of,
    json_option,
    judging_options,
    moment,
    rsa_option,
    token_options,
)
from keyquorum.cli.world import RNG
from keyquorum.cli.zone_keys import ZoneKeys
from keyquorum.dnssec.calendar import months_later
from keyquorum.dnssec.fields import uuid_text
from keyquorum.dnssec.icann import read_ksr, write_ksr
from keyquorum.dnssec.model import ZoneRequest
from keyquorum.dnssec.possession import prove
from keyquorum.dnssec.times import format_time, parse_duration
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.errors import KeyquorumError, MalformedError, RefusedError, UsageError
from keyquorum.keystore.files import write_public
from keyquorum.policy.profile import Policy
from keyquorum.policy.report import Report
from keyquorum.policy.rules import evaluate
from keyquorum.policy.schedule import (
    DAY,
    Cast,
    Period,
    bundles_of,
    evenly,
    filling,
    plain_request,
    request_of,
    rhythm_of,
)
from keyquorum.policy.subject import Subject
from keyquorum.quorum.task import Basis
from keyquorum.records.fields import ZONE
from keyquorum.records.requests import Source

_PROOF_VALIDITY = 30 * DAY
_TTL = 3600


@click.command("new")
@click.option("--zone", metavar="NAME", required=True, help="Whose keys they are.")
@click.option(
    "--zsk", "current", metavar="KEY", multiple=True, required=True, help="A key that signs the zone all the time."
)
@click.option("--outgoing", metavar="KEY", multiple=True, help="A key that has signed it before, and is to go.")
@click.option("--incoming", metavar="KEY", multiple=True, help="A key that is to sign it afterwards.")
@click.option("--from", "start", metavar="TIME", required=True, help="When the first bundle begins (2027-01-01).")
@click.option(
    "--until", "end", metavar="TIME", help="When the period ends.  [default: on the first of a month, in three months]"
)
@click.option("--form", type=click.Choice(["icann", "zone"]), default="icann", show_default=True, help="KSR, or RRset.")
@click.option("--bundles", "count", type=click.IntRange(1, 1000), help="How many.  [default: the policy's, or 9]")
@click.option("--interval", metavar="DURATION", help="From one to the next.  [default: the policy's, or P10D]")
@click.option("--validity", metavar="DURATION", help="How long each is valid.  [default: the policy's, or P21D]")
@click.option("--ttl", type=click.IntRange(0, (1 << 31) - 1), help="Of all keys.  [default: the policy's, or 3600]")
@click.option("--id", "id_", metavar="ID", help="What the request is called, once and never again.  [default: random]")
@click.option("--serial", type=click.IntRange(0, (1 << 32) - 1), default=0, show_default=True, help="Of the request.")
@rsa_option
@token_options
@judging_options
@click.option("--out", type=FILE, required=True, help="Where to write the request.")
@json_option
def new(
    zone: str,
    current: tuple[str, ...],
    outgoing: tuple[str, ...],
    incoming: tuple[str, ...],
    start: str,
    end: str | None,
    form: str,
    count: int | None,
    interval: str | None,
    validity: str | None,
    ttl: int | None,
    id_: str | None,
    serial: int,
    algorithm: str,
    module: Path | None,
    pin_file: Path | None,
    policy: Path | None,
    previous_skr: Path | None,
    at: str | None,
    overrules: tuple[str, ...],
    out: Path,
    json_: bool,
) -> None:
    """Make a key signing request (or a plain RRset) of a zone's keys.

    KEY is a PEM file or a pkcs11: URI, with which each bundle is signed in proof of possession; a plain RRset takes
    public keys too, in PEM or as DNSKEY records. Every rule is run over it, and if one fails nothing is written.
    """
    absent(out)
    name = ZONE.parse(zone.lower() if zone.endswith(".") else f"{zone.lower()}.", "--zone")
    basis = basis_of(
        "icann" if form == "icann" and name == dns.name.root else "zone", policy, previous_skr, at, overrules
    )
    period = _period(
        basis.policy, start, end, (count, _duration("--interval", interval), _duration("--validity", validity))
    )
    seconds = ttl if ttl is not None else _TTL if basis.policy.ksk_ttl is None else basis.policy.ksk_ttl
    with ExitStack() as stack:
        keys = ZoneKeys(name, RSA[algorithm], stack, pin_file, module)
        cast = Cast(keys.read(current), keys.read(outgoing), keys.read(incoming))
        if form == "icann":
            request = _signed(name, basis, period, cast, seconds, keys, id_, serial)
            data = write_ksr(request)
            if read_ksr(data) != request:
                raise KeyquorumError("the request that was written is not the one that would be read")
        else:
            request = plain_request(name, period, cast, seconds)
            data = write_rrset(name, request.bundles[0]).encode("ascii")
    report = _judged(request, basis, world.digest_of_bytes(data))
    if report.acceptable:
        write_public(out, data)
    _tell(request, report, data, out, json_=json_)
    if not report.acceptable:
        failed = ", ".join(result.rule for result in report.failed)
        raise RefusedError(f"{failed} failed, and nothing was written", do="Change what is asked for, or the policy.")
    if not json_:
        _next(request, policy, out)


def _period(policy: Policy, start: str, end: str | None, asked: tuple[int | None, int | None, int | None]) -> Period:
    """Give the bundles' times; ``asked`` are number, distance and validity of bundles, where somebody says so."""
    count, interval, validity = asked
    begin = _day("--from", start)
    if count is None and interval is None and (end is not None or format_time(begin).startswith("01T00:00:00", 8)):
        return filling(policy, begin, months_later(begin, 3) if end is None else _day("--until", end), validity)
    if end is not None:
        raise UsageError("bundles that fill a period have no distance of their own", where="--until")
    return evenly(rhythm_of(policy, count, interval, validity), begin)


def _day(option: str, text: str) -> int:
    return moment(f"{text}T00:00:00" if len(text) == 10 else text, option)


def _signed(
    zone: dns.name.Name,
    basis: Basis,
    period: Period,
    cast: Cast,
    ttl: int,
    keys: ZoneKeys,
    id_: str | None,
    serial: int,
) -> ZoneRequest:
    """Give a request that its keys have signed."""
    for key in (*cast.outgoing, *cast.current, *cast.incoming):
        if key not in keys.signers:
            raise UsageError(
                f"only the public part of key {key.tag} is given, and a KSR has a proof by each of its keys",
                do="Give its PEM file or the URI of its token, or make a plain RRset: --form zone.",
            )
    bundles = bundles_of(basis.policy, period, cast, ttl, _random_id)
    with terminal.counting("Signing", "bundles", len(bundles)) as advance:
        proven = []
        for bundle in bundles:
            proven.append(prove(zone, bundle, keys.signers, basis.at, basis.at + _PROOF_VALIDITY))
            advance(1)
    return request_of(zone, basis.policy, proven, id_ or _random_id(), serial, basis.at)


def _judged(request: ZoneRequest, basis: Basis, digest: bytes) -> Report:
    subject = Subject(
        request=request,
        policy=basis.policy,
        ksks=(),
        zones=frozenset([request.zone]),
        previous=basis.previous,
        at=basis.at,
        now=basis.now,
        source_digest=digest,
        # Who asks a quorum for an answer has to show what came before, not who asks for a request.
        first=basis.previous is None,
    )
    return evaluate(subject).apply_overrules(basis.overrules)


def _tell(request: ZoneRequest, report: Report, data: bytes, out: Path, *, json_: bool) -> None:
    digest = world.digest_of_bytes(data)
    if json_:
        document = {"out": str(out), "sha256": digest.hex(), "id": request.id, "rules": report.data()}
        terminal.as_json({**document, "written": report.acceptable})
        return
    what = f"KSR {request.id}, serial {request.serial}," if request.id else "DNSKEY RRset"
    terminal.heading(f"{what} of zone {request.zone}")
    show_bundles(request)
    terminal.facts({"TTL": str(request.bundles[0].keys[0].ttl)})
    show_report(report)
    if report.acceptable:
        show_source(Source(format="icann" if request.id else "zone", length=len(data), sha256=digest))
        terminal.facts({"request": f"{out} (public)"})


def _next(request: ZoneRequest, policy: Path | None, out: Path) -> None:
    named = f" --policy {policy}" if policy else " --policy zone" * (bool(request.id) and request.zone != dns.name.root)
    send = f"send {out} to whoever makes requests to the quorum: keyquorum request new"
    if request.id:
        terminal.next_step(f"{send} --ksr {out}{named}. Anybody can look: keyquorum ksr check {out}{named}.")
        return
    bundle = request.bundles[0]
    first, last = (format_time(time).replace("+00:00", "Z") for time in (bundle.inception, bundle.expiration))
    terminal.next_step(f"{send} --dnskey {out} --inception {first} --expiration {last}{named}.")


def _random_id() -> str:
    return uuid_text(RNG(16), 4)


def _duration(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except MalformedError as error:
        raise UsageError(error.what, where=option, do=error.do) from None
    if not seconds:
        raise UsageError("a duration of nothing", where=option, do="Write for example P10D.")
    return seconds
