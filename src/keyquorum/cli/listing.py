"""What a person sees before anything is signed: the source, each bundle, keys that come and go, each rule's result."""

from collections.abc import Iterator, Sequence

import dns.name
from rich.text import Text

from keyquorum.cli import terminal
from keyquorum.dnssec.model import Dnskey, ParentRrset, ZoneRequest
from keyquorum.dnssec.schema import PlannedBundle
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.identity.words import spoken
from keyquorum.policy.report import Report
from keyquorum.policy.subject import Status
from keyquorum.quorum.task import Basis, Examination, Shown, Task
from keyquorum.records.requests import Source

_MARKS = {
    Status.PASSED: ("passed", "green"),
    Status.FAILED: ("FAILED", "bold red"),
    Status.OVERRULED: ("overruled", "yellow"),
    Status.NOT_APPLICABLE: ("not applicable", "dim"),
}


def show_examination(task: Task, examination: Examination) -> None:
    """Show everything that was found out about a task."""
    ksks = {ksk.key: ksk.identifier for ksk in task.ksks()}
    zones = f"{examination.zones:,} zone{'s' * (examination.zones != 1)}"
    bundles = f"{examination.bundles:,} bundle{'s' * (examination.bundles != 1)}"
    terminal.heading(f"To be signed: {zones}, {bundles}")
    for ksk, label in ksks.items():
        terminal.facts({"by key": f"{label}, tag {ksk.tag}, algorithm {ksk.algorithm}"})
    for response in task.responses:
        shown = [one for one in examination.shown if one.response == response.name]
        if len(task.responses) > 1:
            terminal.heading(f"Response {response.name}, under the schema {response.schema}")
        terminal.listing(["zone", "from", "until", "TTL", "keys", "change"], list(_bundle_rows(shown)), right=["TTL"])
        if said := list(_parent_rows(shown)):
            terminal.say("  Said to the parent in these bundles:")
            terminal.listing(["zone", "from", "record", "content"], said)
    left = examination.bundles * len(task.responses) - len(examination.shown)
    if left:
        terminal.say(f"  ... and {left:,} more bundles", style="dim")
    terminal.say("  Keys by tag; KSKs stand in brackets, and those that sign have a star; R is revoked.", style="dim")
    show_report(examination.report)


def show_bundles(request: ZoneRequest) -> None:
    """Show each bundle of a request, with the tags of its keys."""
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


def show_report(report: Report) -> None:
    """Show each rule with its result."""
    terminal.heading("Rules")
    rows = []
    for result in report.results:
        mark, style = _MARKS[result.status]
        rows.append((result.rule, Text(mark, style=style), result.detail))
    terminal.listing(["rule", "result", "what was found"], rows)


def show_source(source: Source) -> None:
    """Show the SHA-256 of the source in words, to be compared by phone."""
    terminal.heading("The source's SHA-256 in words, as the requester reads it aloud")
    terminal.words(source.sha256)
    terminal.facts({"SHA-256": source.sha256.hex(), "length": f"{source.length:,} bytes"})


def examination_document(task: Task, examination: Examination) -> dict[str, object]:
    """Give what is reported of an examination."""
    return {
        "source": _source_document(task.source),
        "zones": examination.zones,
        "bundles": examination.bundles,
        "first_bundles": [
            {
                "zone": one.zone.to_text(),
                "response": one.response,
                "id": bundle.id,
                "inception": bundle.inception,
                "expiration": bundle.expiration,
                "ttl": bundle.ttl,
                "keys": [key.key.tag for key in bundle.keys],
                "signers": [signer.tag for signer in bundle.signers],
                "for_parent": [{"type": rrset.name, "records": sorted(rrset.texts())} for rrset in bundle.for_parent],
            }
            for one in examination.shown
            for bundle in [one.bundle]
        ],
        "rules": examination.report.data(),
    }


def request_document(request: ZoneRequest, source: Source, basis: Basis, report: Report) -> dict[str, object]:
    """Give what is reported of a KSR that was judged by ``basis``: all that a person is shown, and by what."""
    previous = basis.previous
    return {
        "source": _source_document(source),
        "zone": request.zone.to_text(),
        "id": request.id,
        "serial": request.serial,
        "at": basis.at,
        "now": basis.now,
        "policy": {"sha256": basis.policy_digest.hex()},
        "previous": None
        if previous is None or basis.previous_digest is None
        else {"id": previous.id, "zone": previous.zone.to_text(), "sha256": basis.previous_digest.hex()},
        "bundles": [
            {
                "id": bundle.id,
                "inception": bundle.inception,
                "expiration": bundle.expiration,
                "start": bundle.start,
                "keys": [
                    {
                        "tag": one.key.tag,
                        "algorithm": one.key.algorithm,
                        "flags": one.key.flags,
                        "ttl": one.ttl,
                        "identifier": one.identifier,
                    }
                    for one in bundle.keys
                ],
                "proofs": [one.key_tag for one in bundle.signatures],
                "signers": list(bundle.signers),
            }
            for bundle in request.bundles
        ],
        "rules": report.data(),
    }


def _source_document(source: Source) -> dict[str, object]:
    return {
        "format": source.format,
        "length": source.length,
        "sha256": source.sha256.hex(),
        "words": spoken(source.sha256),
    }


def _bundle_rows(shown: Sequence[Shown]) -> Iterator[tuple[str, ...]]:
    last: Shown | None = None
    for one in shown:
        before = last.bundle if last is not None and last.zone == one.zone else None
        bundle = one.bundle
        yield (
            "" if before else one.zone.to_text(),
            format_time_for_people(bundle.inception).removesuffix(" UTC"),
            format_time_for_people(bundle.expiration).removesuffix(" UTC"),
            str(bundle.ttl),
            " ".join(_tag(key.key, bundle) for key in bundle.keys),
            _change(before, bundle) if before else "",
        )
        last = one


def _parent_rows(shown: Sequence[Shown]) -> Iterator[tuple[str, ...]]:
    """Give the CDS and CDNSKEY records of the bundles, where they are not those of the bundle before."""
    last: tuple[dns.name.Name, tuple[ParentRrset, ...]] | None = None
    for one in shown:
        now = (one.zone, one.bundle.for_parent)
        if now == last or ((last is None or last[0] != one.zone) and not one.bundle.for_parent):
            continue
        start = (one.zone.to_text(), format_time_for_people(one.bundle.inception).removesuffix(" UTC"))
        records = [(rrset.name, text) for rrset in one.bundle.for_parent for text in _told(rrset, one.bundle)]
        for number, record in enumerate(records or [("none", "nothing is said from here on")]):
            yield (*(("", "") if number else start), *record)
        last = now


def _told(rrset: ParentRrset, bundle: PlannedBundle) -> list[str]:
    """Give each record in a few words; a key that stands in the bundle is named by its tag."""
    tags = {published.key.wire(): published.key.tag for published in bundle.keys}
    pairs = zip(rrset.rdatas, rrset.texts(), strict=True)
    return sorted(f"the key with tag {tags[rdata]}" if rdata in tags else text for rdata, text in pairs)


def _change(before: PlannedBundle, after: PlannedBundle) -> str:
    old, new = {key.key for key in before.keys}, {key.key for key in after.keys}
    gone = [f"-{key.tag}" for key in sorted(old - new, key=lambda key: key.tag)]
    come = [f"+{key.tag}" for key in sorted(new - old, key=lambda key: key.tag)]
    return " ".join(come + gone)


def _tag(key: Dnskey, bundle: PlannedBundle) -> str:
    text = f"{key.tag}{'R' * key.is_revoked}{'*' * (key in bundle.signers)}"
    return f"[{text}]" if key.is_sep else text
