"""``keyquorum anchor``: trust anchors for validators and parents, and whether a zone still publishes their keys."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click
from rich.text import Text

from keyquorum.cli import terminal, world
from keyquorum.cli.options import FILE, absent, json_option, moment, read_record
from keyquorum.dnssec.anchor_comparison import (
    AnchorComparison,
    AnchorStanding,
    KeyStanding,
    Standing,
    compare_anchors,
)
from keyquorum.dnssec.anchor_files import FORMS, Anchor, read_anchors, write_anchors
from keyquorum.dnssec.anchors import DIGESTS
from keyquorum.dnssec.times import format_time, format_time_for_people
from keyquorum.dnssec.zonefile import read_rrsets
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.checking import check_manifest
from keyquorum.escrow.publickeys import dnskey_of as escrowed_dnskey
from keyquorum.keystore.files import write_public
from keyquorum.quorum.dealing import check_key, dnskey_of
from keyquorum.records.envelope import payload_type_of
from keyquorum.records.escrow import ESCROW
from keyquorum.records.fields import ZONE
from keyquorum.records.keys import KEY_RECORD

_LIMIT = 1 << 24
_SHOWN = 40
Found = TypeVar("Found")
_GOOD = {Standing.PUBLISHED, Standing.NOT_YET, Standing.NO_LONGER}


@click.group()
def anchor() -> None:
    """Trust anchors: DS, DNSKEY, CDS and CDNSKEY records, and the XML of the root's anchors."""


@anchor.command()
@click.option(
    "--key",
    "keys",
    type=FILE,
    multiple=True,
    required=True,
    help="A key record, an escrow's manifest, or anchors in any form; repeatable.",
)
@click.option("--form", type=click.Choice(FORMS), default="ds", show_default=True, help="How they are written.")
@click.option("--zone", metavar="NAME", help="Only the anchors of this zone.")
@click.option(
    "--digest", "digests", type=click.Choice(list(DIGESTS)), multiple=True, help="Of DS, CDS, XML; repeatable."
)
@click.option("--valid-from", "from_", metavar="[TAG=]TIME", multiple=True, help="XML: from when on it is valid.")
@click.option("--valid-until", "until", metavar="[TAG=]TIME", multiple=True, help="XML: until when it is valid.")
@click.option("--id", "id_", metavar="ID", default="", help="XML: the id of the file.  [default: made of the content]")
@click.option("--source", metavar="URL", default="", help="XML: where the file can be had.")
@click.option("--at", metavar="TIME", help="Leave out what is no longer valid at this time, not at the clock's.")
@click.option("--out", type=FILE, required=True, help="Where to write them.")
@json_option
def write(
    keys: tuple[Path, ...],
    form: str,
    zone: str | None,
    digests: tuple[str, ...],
    from_: tuple[str, ...],
    until: tuple[str, ...],
    id_: str,
    source: str,
    at: str | None,
    out: Path,
    json_: bool,
) -> None:
    """Write the trust anchors of keys, for validators (ds, dnskey, xml) or for the parent (cds, cdnskey).

    A TIME for the key with TAG holds for that key; one without is for the keys that nobody has said a time of. Anchors
    that are no longer valid are only written in XML, which says so.
    """
    absent(out)
    anchors = [one for path in keys for one in _anchors_in(path)]
    if zone is not None:
        name = ZONE.parse(zone.lower() if zone.endswith(".") else f"{zone.lower()}.", "--zone")
        anchors = [one for one in anchors if one.zone == name]
        if not anchors:
            raise UsageError(f"none of these keys is one of {name}", where="--zone")
    firsts = _times(anchors, "--valid-from", from_, [one.valid_from for one in anchors])
    lasts = _times(anchors, "--valid-until", until, [one.valid_until for one in anchors])
    anchors = [
        replace(one, valid_from=first, valid_until=last)
        for one, first, last in zip(anchors, firsts, lasts, strict=True)
    ]
    if form not in {"xml", "xml-7958"}:
        anchors = _not_over(anchors, moment(at))
    data = write_anchors(anchors, form, digests, id_=id_, source=source)
    # What nobody could read back is not handed out.
    read_anchors(data)
    write_public(out, data)
    if json_:
        terminal.as_json({"out": str(out), "form": form, "anchors": [_anchor_document(one) for one in anchors]})
        return
    terminal.heading(f"Anchors, as {form}")
    terminal.listing(
        ["zone", "key tag", "algorithm", "valid from", "until"],
        [(one.zone.to_text(), str(one.tag), str(one.algorithm), *_validity(one)) for one in anchors[:_SHOWN]],
    )
    _and_more(len(anchors), "anchors")
    terminal.facts({"written to": f"{out} (public)"})
    if form in {"cds", "cdnskey"}:
        terminal.next_step(f"put {out} into the zone, signed like the rest of it; the parent does the rest (RFC 7344).")
    else:
        terminal.next_step(f"keyquorum anchor compare {out} ZONEFILE, then hand {out} to whoever runs validators.")


@anchor.command()
@click.argument("anchors", type=FILE, metavar="ANCHOR")
@click.argument("zonefile", type=FILE)
@click.option("--at", metavar="TIME", help="Judge as of this time, not the clock's.")
@json_option
def compare(anchors: Path, zonefile: Path, at: str | None, json_: bool) -> int:
    """Compare the anchors in ANCHOR with the DNSKEY records in ZONEFILE, which is a zone file or the output of dig.

    Exit status 1 if they differ: a valid anchor is not published or revoked, or a key with the SEP flag has no anchor.
    """
    time = moment(at)
    given = _anchors_in(anchors)
    with world.opened(zonefile, "zone file") as stream, world.naming(zonefile):
        # No window is needed where nothing is to be signed.
        found = compare_anchors(given, read_rrsets(stream, 0, 1), time)
    if json_:
        terminal.as_json(_comparison_document(found, time))
    else:
        _show_comparison(found, anchors, zonefile)
    return 0 if found.agrees else 1


def _anchors_in(path: Path) -> list[Anchor]:
    """Give the anchors that a file holds or that its keys would be."""
    data = world.read_file(path, _LIMIT, "key or anchor")
    with world.naming(path):
        if not data.startswith(b"{"):
            return read_anchors(data)
        claimed = payload_type_of(data.removesuffix(b"\n"), _LIMIT)
        if claimed == KEY_RECORD.payload_type:
            key = read_record(path, KEY_RECORD)
            check_key(key)
            return [Anchor(zone, dnskey_of(key.record.public)) for zone in key.record.zones]
        if claimed == ESCROW.payload_type:
            manifest = read_record(path, ESCROW)
            check_manifest(manifest)
            escrow = manifest.record
            if escrow.rehearsal:
                raise RefusedError("the escrow is a rehearsal, and its key is to be trusted by nobody")
            dnskey = escrowed_dnskey(escrow.algorithm, escrow.public_key)
            if dnskey is None:
                raise RefusedError(f"there is no DNSKEY record for a key of {escrow.algorithm}")
            return [Anchor(escrow.zone, dnskey)]
    raise UsageError(
        "this record is no key",
        where=str(path),
        do="Give a key record, the manifest of an escrow, or a file of anchors.",
    )


def _times(
    anchors: Sequence[Anchor], option: str, given: Sequence[str], known: Sequence[int | None]
) -> list[int | None]:
    """Give for each of ``anchors`` the time that ``given`` states (``[TAG=]TIME``), or that is ``known``."""
    general: int | None = None
    by_tag: dict[int, int] = {}
    for text in given:
        tag, equals, time = text.rpartition("=")
        at = moment(time, f"{option} {text}")
        if not equals:
            general = at
        elif tag.isdecimal() and any(one.tag == int(tag) for one in anchors):
            by_tag[int(tag)] = at
        else:
            tags = ", ".join(str(one.tag) for one in anchors[:_SHOWN])
            raise UsageError(f"no key has the tag {tag}", where=f"{option} {text}", do=f"There are: {tags}.")
    return [by_tag.get(one.tag, general if time is None else time) for one, time in zip(anchors, known, strict=True)]


def _not_over(anchors: Sequence[Anchor], at: int) -> list[Anchor]:
    """Give the anchors that are valid at ``at`` or later, and name the others; UsageError if none is left."""
    left = [one for one in anchors if one.valid_until is None or at < one.valid_until]
    for one in anchors:
        if one not in left:
            terminal.tell(f"Left out: the key of {one.zone} with tag {one.tag} is no longer valid.")
    if not left:
        raise UsageError("none of these anchors is valid any more")
    return left


def _show_comparison(found: AnchorComparison, anchors: Path, zonefile: Path) -> None:
    terminal.heading(f"Anchors in {anchors.name}")
    terminal.listing(
        ["zone", "key tag", "algorithm", "valid from", "until", "its key"],
        [_anchor_row(one) for one in _worst_first(found.anchors, lambda one: one.standing in _GOOD)],
    )
    _and_more(len(found.anchors), "anchors")
    terminal.heading(f"Keys with the SEP flag in {zonefile.name}")
    terminal.listing(
        ["zone", "key tag", "algorithm", "flags", "anchor"],
        [_key_row(one) for one in _worst_first(found.keys, lambda one: one.has_anchor or one.key.is_revoked)],
    )
    _and_more(len(found.keys), "keys")
    terminal.say()
    for zone in found.unusable[:_SHOWN]:
        terminal.say(f"With these anchors nothing of {zone} can be validated now.", style="bold red")
    if found.agrees:
        terminal.say("The anchors are those of the keys that are published.", style="green")
        terminal.next_step(f"see that such a key signs: keyquorum verify {zonefile} --anchor {anchors}.")
        return
    missing = sum(one.standing is Standing.MISSING for one in found.anchors)
    revoked = sum(one.standing is Standing.REVOKED for one in found.anchors)
    bare = sum(not (one.has_anchor or one.key.is_revoked) for one in found.keys)
    told = f"valid anchors not published: {missing}; revoked: {revoked}; keys without an anchor: {bare}"
    terminal.say(f"Not the same: {told}.", style="bold red")


def _worst_first(found: Sequence[Found], good: Callable[[Found], bool]) -> list[Found]:
    """Give the first of ``found``, those that are not ``good`` before the others where not all can be shown."""
    return sorted(found, key=good)[:_SHOWN] if len(found) > _SHOWN else list(found)


def _anchor_row(one: AnchorStanding) -> tuple[str | Text, ...]:
    anchor_ = one.anchor
    there = "" if one.key is None else ", revoked" if one.key.is_revoked else ", published"
    outside = one.standing in {Standing.NOT_YET, Standing.NO_LONGER}
    mark = terminal.verdict(one.standing in _GOOD, one.standing.value + there * outside)
    return anchor_.zone.to_text(), str(anchor_.tag), str(anchor_.algorithm), *_validity(anchor_), mark


def _key_row(one: KeyStanding) -> tuple[str | Text, ...]:
    good = one.has_anchor is not one.key.is_revoked
    if one.key.is_revoked:
        told = "none; it is revoked" if good else "there is one, and it is revoked"
    else:
        told = "there is one" if good else "NONE"
    mark = terminal.verdict(good, told)
    return one.zone.to_text(), str(one.key.tag), str(one.key.algorithm), str(one.key.flags), mark


def _validity(anchor_: Anchor) -> tuple[str, str]:
    times = (anchor_.valid_from, anchor_.valid_until)
    first, last = ("" if time is None else format_time_for_people(time).removesuffix(" UTC") for time in times)
    return first, last


def _and_more(count: int, what: str) -> None:
    if count > _SHOWN:
        terminal.say(f"  ... and {count - _SHOWN:,} more {what}", style="dim")


def _anchor_document(one: Anchor) -> dict[str, object]:
    return {
        "zone": one.zone.to_text(),
        "key_tag": one.tag,
        "algorithm": one.algorithm,
        "valid_from": None if one.valid_from is None else format_time(one.valid_from),
        "valid_until": None if one.valid_until is None else format_time(one.valid_until),
    }


def _comparison_document(found: AnchorComparison, at: int) -> dict[str, object]:
    return {
        "at": format_time(at),
        "agrees": found.agrees,
        "zones": found.zones,
        "unusable": [zone.to_text() for zone in found.unusable],
        "anchors": [
            {
                **_anchor_document(one.anchor),
                "standing": one.standing.value,
                "published_flags": one.key.flags if one.key else None,
            }
            for one in found.anchors
        ],
        "sep_keys": [
            {
                "zone": one.zone.to_text(),
                "key_tag": one.key.tag,
                "algorithm": one.key.algorithm,
                "flags": one.key.flags,
                "has_anchor": one.has_anchor,
            }
            for one in found.keys
        ],
    }
