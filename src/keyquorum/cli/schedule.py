"""``keyquorum schedule``: the bundles of a quarter, and the plan of a KSK roll over years, drawn and judged."""

from collections.abc import Sequence
from pathlib import Path

import click
import dns.name
from dns.dnssectypes import Algorithm

from keyquorum.cli import terminal, timeline, timeline_svg
from keyquorum.cli.listing import show_report
from keyquorum.cli.options import FILE, absent, basis_of, json_option, moment
from keyquorum.dnssec.calendar import months_later, quarter_name
from keyquorum.dnssec.model import CURVE_KEY_LENGTHS, RSA_ALGORITHMS, KeyKind
from keyquorum.dnssec.rollover import MOST_QUARTERS, ROOT_8_TO_13, Plan, Quarter, Roll, plan_of
from keyquorum.dnssec.sizes import response_size
from keyquorum.dnssec.times import format_duration, format_time_for_people
from keyquorum.errors import UsageError
from keyquorum.keystore.files import write_public
from keyquorum.policy.profile import Policy
from keyquorum.policy.rules_plan import judge, ways_back
from keyquorum.policy.schedule import calendar_of
from keyquorum.records.fields import ZONE

_ALGORITHMS = (8, 10, 13, 14, 15, 16)
_KINDS = ", ".join(f"{Algorithm(number).name}{':BITS' * (number in RSA_ALGORITHMS)}" for number in _ALGORITHMS)
_CURVE_BITS = {13: 256, 14: 384, 15: 256, 16: 456}
_TTL = 3600
_QUARTERS = click.IntRange(0, MOST_QUARTERS)

policy_option = click.option(
    "--policy", type=FILE, help="A policy file, or a shipped one: root, tld, zone.  [default: root for the root]"
)


@click.group()
def schedule() -> None:
    """When to sign what: the bundles of a quarter, the plan of a roll."""


@schedule.command()
@policy_option
@click.option("--from", "start", metavar="DATE", required=True, help="When the quarter begins (2027-04-01).")
@click.option("--until", "end", metavar="DATE", help="When it ends.  [default: three months later]")
@json_option
def quarter(policy: Path | None, start: str, end: str | None, json_: bool) -> None:
    """Show the bundles of a quarter: when each is signed for, as a policy has it."""
    rules = _policy(policy, dns.name.root)
    begin = _date(start, "--from")
    until = _date(end, "--until") if end else months_later(begin, 3)
    bundles = calendar_of(rules).bundles(begin, until)
    served = [*(inception for inception, _ in bundles[1:]), until]
    if json_:
        terminal.as_json({
            "quarter": quarter_name(begin), "policy": rules.name, "from": begin, "until": until,
            "bundles": [{"inception": inception, "expiration": expiration, "served_until": last}
                        for (inception, expiration), last in zip(bundles, served, strict=True)],
        })  # fmt: skip
        return
    terminal.heading(f"{quarter_name(begin)}: {len(bundles)} bundles, by the policy {rules.name}")
    rows = [
        (
            str(number),
            format_time_for_people(inception),
            format_time_for_people(expiration),
            format_duration(last - inception),
            str(rules.keys_per_bundle[number - 1]) if len(rules.keys_per_bundle) == len(bundles) else "",
        )
        for number, ((inception, expiration), last) in enumerate(zip(bundles, served, strict=True), 1)
    ]
    terminal.listing(["", "inception", "expiration", "served for", "zone keys"], rows)
    shown = policy or rules.name
    terminal.next_step(f"ask for them in a request, and check it: keyquorum ksr check FILE --policy {shown}")


@schedule.command()
@click.option("--zone", metavar="NAME", default=".", show_default=True, help="Whose KSK is rolled.")
@click.option("--old", metavar="KIND", default="RSASHA256:2048", show_default=True, help=f"The KSK there is: {_KINDS}.")
@click.option("--new", metavar="KIND", default="ECDSAP256SHA256", show_default=True, help="The KSK there is to be.")
@click.option("--old-name", default=ROOT_8_TO_13.old[0], show_default=True, help="What the old KSK is called.")
@click.option("--new-name", default=ROOT_8_TO_13.new[0], show_default=True, help="What the new KSK is called.")
@click.option("--zone-keys", metavar="KIND", help="The zone keys there are.  [default: as the old KSK]")
@click.option(
    "--meanwhile",
    metavar="KIND",
    help="Zone keys of the old algorithm while both stand.  [default: 1536 bits where RSA is left]",
)
@click.option("--from", "start", metavar="DATE", default="2027-04-01", show_default=True, help="When the plan begins.")
@click.option(
    "--ready", type=_QUARTERS, default=ROOT_8_TO_13.ready, show_default=True, help="Quarters before it shows."
)
@click.option(
    "--waiting", type=_QUARTERS, default=ROOT_8_TO_13.waiting, show_default=True, help="More quarters with both KSKs."
)
@click.option(
    "--holding", type=_QUARTERS, default=0, show_default=True, help="Quarters in which the old one could come back."
)
@click.option("--ttl", type=click.IntRange(0), help="Of the DNSKEY RRset.  [default: the policy's, or 3600]")
@click.option(
    "--zone-ttl", type=click.IntRange(0), default=ROOT_8_TO_13.zone_ttl, show_default=True, help="The zone's longest."
)
@policy_option
@click.option("--svg", type=FILE, help="Write the timeline as a picture, too.")
@json_option
def roll(
    zone: str,
    old: str,
    new: str,
    old_name: str,
    new_name: str,
    zone_keys: str | None,
    meanwhile: str | None,
    start: str,
    ready: int,
    waiting: int,
    holding: int,
    ttl: int | None,
    zone_ttl: int,
    policy: Path | None,
    svg: Path | None,
    json_: bool,
) -> int:
    """Plan the roll of a KSK, quarter by quarter, and judge the plan. Without options: the root's from 8 to 13.

    Exit status 1 if the plan breaks a rule.
    """
    if svg:
        absent(svg)
    name = ZONE.parse(zone.lower() if zone.endswith(".") else f"{zone.lower()}.", "--zone")
    rules = _policy(policy, name)
    before, after = _kind(old, "--old"), _kind(new, "--new")
    standing = _kind(zone_keys, "--zone-keys") if zone_keys else before
    plan = plan_of(
        Roll(
            zone=name,
            old=(old_name, before),
            new=(new_name, after),
            zone_keys=(standing, _meanwhile(meanwhile, standing, after), _side(standing, after)),
            start=_date(start, "--from"),
            calendar=calendar_of(rules),
            ttl=ttl if ttl is not None else _TTL if rules.ksk_ttl is None else rules.ksk_ttl,
            zone_ttl=zone_ttl,
            follows=rules.trust.follows,
            ready=ready,
            waiting=waiting,
            holding=holding,
        )
    )
    report, ways = judge(plan, rules.trust), ways_back(plan, rules.trust)
    if svg:
        write_public(svg, timeline_svg.draw(plan, ways).encode())
    if json_:
        terminal.as_json({**_document(plan, ways), "policy": rules.name, "rules": report.data()})
        return 0 if report.acceptable else 1
    _show(plan, ways, rules)
    show_report(report)
    if report.acceptable:
        terminal.next_step(
            "each quarter, ask for its response under its schema: keyquorum request new --key CURRENT --next NEXT "
            "--schema NAME"
        )
        return 0
    terminal.say()
    terminal.say(f"Not a plan to follow: {', '.join(result.rule for result in report.failed)}.", style="bold red")
    return 1


def _show(plan: Plan, ways: timeline.Ways, rules: Policy) -> None:
    old, new = plan.ksks
    terminal.heading(f"From {old.name} ({timeline.algorithm_name(old.algorithm)}) to "
                     f"{new.name} ({timeline.algorithm_name(new.algorithm)}), zone {plan.roll.zone}")  # fmt: skip
    trust = "follow the zone (RFC 5011)" if rules.trust.follows else "go by the DS records at the parent"
    terminal.facts({"policy": rules.name, "validators": trust})
    timeline.show(plan, ways)
    terminal.say()
    for line in timeline.LEGEND:
        terminal.say(f"  {line}", style="dim")
    terminal.heading("Quarter by quarter")
    rows = [
        (
            one.name,
            one.schema.name,
            one.back_out.name if one.back_out else "",
            _until(one, row),
            str(max(response_size(plan.roll.zone, slot) for slot in one.slots)),
            one.what,
        )
        for one, row in zip(plan.quarters, ways, strict=True)
    ]
    columns = ["quarter", "schema", "kept ready", "way back", "bytes", "what happens"]
    terminal.listing(columns, rows, right=["bytes"])


def _until(one: Quarter, row: Sequence[tuple[str, ...] | None]) -> str:
    if one.back_out is None:
        return ""
    broken = [place for place, rules in enumerate(row) if rules]
    if not broken:
        return "in every slot"
    return f"until slot {broken[0]}" if broken[0] else "breaks rules"


def _document(plan: Plan, ways: timeline.Ways) -> dict[str, object]:
    return {
        "zone": plan.roll.zone.to_text(),
        "ksks": [{"name": key.name, "algorithm": key.algorithm, "bits": key.bits} for key in plan.ksks],
        "quarters": [
            {
                "name": one.name,
                "what": one.what,
                "schema": one.schema.name,
                "back_out": one.back_out.name if one.back_out else None,
                "slots": [
                    {
                        "from": slot.start,
                        "expiration": slot.expiration,
                        "ksks": {key.name: act.name.lower() for key, act in slot.ksks},
                        "zone_keys": [key.name for key in slot.zone_keys],
                        "zone_signers": [key.name for key in slot.zone_signers],
                        "response_bytes": response_size(plan.roll.zone, slot),
                        "backing_out_breaks": broken if broken is None else list(broken),
                    }
                    for slot, broken in zip(one.slots, row, strict=True)
                ],
            }
            for one, row in zip(plan.quarters, ways, strict=True)
        ],
    }


def _policy(policy: Path | None, zone: dns.name.Name) -> Policy:
    return basis_of("icann" if zone == dns.name.root else "zone", policy, None, None, ()).policy


def _date(text: str, option: str) -> int:
    return moment(f"{text}T00:00:00" if len(text) == 10 else text, option)


def _kind(text: str, option: str) -> KeyKind:
    name, _, bits = text.partition(":")
    number = next((one for one in _ALGORITHMS if Algorithm(one).name == name.upper()), None)
    if number is None or (number in CURVE_KEY_LENGTHS and bits) or (bits and not (bits.isascii() and bits.isdigit())):
        raise UsageError(f"{text} is no kind of key", where=option, do=f"There are: {_KINDS}.")
    if number not in RSA_ALGORITHMS:
        return KeyKind(number, _CURVE_BITS[number])
    length = int(bits or 2048)
    if not 1024 <= length <= 4096 or length % 8:
        raise UsageError(f"an RSA key of {length} bits", where=option, do="1024 to 4096, in whole bytes.")
    return KeyKind(number, length, 65537)


def _meanwhile(text: str | None, standing: KeyKind, after: KeyKind) -> KeyKind:
    if text:
        return _kind(text, "--meanwhile")
    leaves = standing.algorithm in RSA_ALGORITHMS and after.algorithm != standing.algorithm
    return KeyKind(standing.algorithm, min(standing.bits, 1536), 65537) if leaves else standing


def _side(standing: KeyKind, after: KeyKind) -> KeyKind:
    """Give the zone keys of the new side: those there are, if the algorithm stays, else as the new KSK."""
    return standing if standing.algorithm == after.algorithm else after
