"""What is shown and reported of an archive: entries, signatures that are out there, and the head."""

from collections.abc import Sequence

from rich.text import Text

from keyquorum.archive.answers import Issued, issued_signatures
from keyquorum.archive.entries import Entry
from keyquorum.archive.store import Archive
from keyquorum.cli import terminal
from keyquorum.dnssec.times import format_time, format_time_for_people

_SHORT = 8
SHOWN = 40
"""How many entries, or signatures, are shown; the rest are counted."""


def show_entries(entries: Sequence[Entry]) -> None:
    """Show entries in a table, the last ones where there are many."""
    if not entries:
        terminal.say("  nothing")
        return
    rows = [
        (
            str(one.number),
            format_time_for_people(one.added)[:10],
            one.facts.kind.removeprefix("response-"),
            _zone(one),
            one.facts.id if len(one.facts.id) <= _SHORT else f"{one.facts.id[:_SHORT]}...",
            *_times(one),
            one.name,
        )
        for one in entries[-SHOWN:]
    ]
    if len(entries) > SHOWN:
        terminal.say(f"  {len(entries) - SHOWN:,} more entries, and then:", style="dim")
    terminal.listing(["", "added", "what", "zone", "id", "from", "until", "file"], rows, right=[""])


def show_entry(opened: Archive, entry: Entry) -> None:
    """Show all that is known of an entry; of a response, each signature."""
    facts = entry.facts
    terminal.heading(f"Entry {entry.number}: {facts.kind}")
    rows = [
        ("file", f"{entry.name}, {entry.length:,} bytes"),
        ("added", format_time_for_people(entry.added)),
        ("SHA-256", entry.sha256.hex()),
        ("zone", _zone(entry)),
        ("id", facts.id),
        ("record id", facts.record.hex() if facts.record else ""),
        ("request id", facts.request.hex() if facts.request else ""),
        ("source's SHA-256", facts.source.hex() if facts.source else ""),
        ("SHA-256 of what came out", " ".join(output.hex() for output in facts.outputs)),
        ("bundles", f"{facts.bundles:,}" if facts.bundles else ""),
        ("signatures", f"{facts.signatures:,}" if facts.signatures else ""),
        ("from, until", " to ".join(_times(entry)) if facts.inception is not None else ""),
        ("belongs to", ", ".join(f"entry {number}" for number in related(opened, entry)[:SHOWN])),
    ]
    terminal.facts((name, value) for name, value in rows if value)
    if facts.kind == "response":
        # Of the responses this one alone is read.
        needed = [one for one in opened.entries if one.facts.kind != "response" or one is entry]
        show_issued(list(issued_signatures(needed, opened.file)))


def show_issued(found: Sequence[Issued]) -> None:
    """Show signatures, and whose partials they were made of."""
    rows = [
        (
            one.zone.to_text(),
            one.covers,
            format_time_for_people(one.inception)[:16],
            format_time_for_people(one.expiration)[:16],
            str(one.tag),
            _makers(one),
            str(one.entry),
        )
        for one in found[:SHOWN]
    ]
    columns = ["zone", "RRset", "from", "until", "by key", "made of the partials of", "entry"]
    terminal.listing(columns, rows, right=["entry"])
    if len(found) > SHOWN:
        terminal.say(f"  ... and {len(found) - SHOWN:,} more signatures", style="dim")


def _makers(one: Issued) -> Text | str:
    makers = one.makers
    if makers.used is not None:
        return ", ".join(makers.used) or Text("nobody", style="bold red")
    if makers.answered:
        return Text(f"not recorded; answered: {', '.join(makers.answered)}", style="dim")
    return Text("not recorded", style="dim")


def show_head(head: bytes) -> None:
    """Show what stands for the whole archive, to be written down."""
    terminal.heading("The head of the archive in words, for the ceremony's log")
    terminal.words(head)
    terminal.facts({"head": head.hex()})


def related(opened: Archive, entry: Entry) -> list[int]:
    """Give the numbers of the entries that belong to the same request, source or response."""

    def ids(one: Entry) -> set[bytes]:
        facts = one.facts
        own = {one.sha256} if facts.kind in {"ksr", "response"} else set()
        return own | {known for known in (facts.request, facts.source, *facts.outputs) if known is not None}

    mine, name = ids(entry), entry.facts.id
    return [
        one.number
        for one in opened.entries
        if one.number != entry.number and (ids(one) & mine or (name and one.facts.id == name))
    ]


def _zone(one: Entry) -> str:
    if one.facts.zone is not None:
        return one.facts.zone.to_text()
    return f"{one.facts.zones:,} zones" if one.facts.zones else ""


def _times(one: Entry) -> tuple[str, str]:
    first, last = one.facts.inception, one.facts.expiration
    if first is None or last is None:
        return "", ""
    return format_time_for_people(first)[:10], format_time_for_people(last)[:10]


def entry_document(one: Entry) -> dict[str, object]:
    """Give what is reported of an entry."""
    facts = one.facts
    return {
        "number": one.number,
        "added": format_time(one.added),
        "kind": facts.kind,
        "file": one.name,
        "length": one.length,
        "sha256": one.sha256.hex(),
        "record": facts.record.hex() if facts.record else None,
        "request": facts.request.hex() if facts.request else None,
        "source": facts.source.hex() if facts.source else None,
        "outputs": [output.hex() for output in facts.outputs],
        "id": facts.id,
        "zones": facts.zones,
        "zone": facts.zone.to_text() if facts.zone else None,
        "bundles": facts.bundles,
        "signatures": facts.signatures,
        "inception": facts.inception,
        "expiration": facts.expiration,
    }


def issued_document(one: Issued) -> dict[str, object]:
    """Give what is reported of a signature."""
    return {
        "entry": one.entry,
        "zone": one.zone.to_text(),
        "rrset": one.covers,
        "key_tag": one.tag,
        "algorithm": one.algorithm,
        "inception": one.inception,
        "expiration": one.expiration,
        "made_of": None if one.makers.used is None else list(one.makers.used),
        "answered": list(one.makers.answered),
    }
