"""The public pages: the key's, with facts, shares, QR codes and typed text of key.cms, and the manifest's."""

from collections.abc import Iterator

from keyquorum.paper.canvas import Canvas, Document, document
from keyquorum.paper.code_pages import Area, columns, draw_codes, draw_typed
from keyquorum.paper.frames import parts
from keyquorum.paper.setting import Text, marked
from keyquorum.paper.sheet import Sheet, capital, counted, grouped
from keyquorum.paper.typed import blocks, lines

_SMALL = 7.5
_SMALL_LINE = 3.6
_LABEL = 22.0
_NUMBER = 10.0
_ABOVE = 0.8
_ROW = 2 * (_SMALL_LINE + _ABOVE)


def key_document(sheet: Sheet) -> Document:
    """Give the key's pages: who and what, the shares' fingerprints, and key.cms as QR codes and as text."""
    return document(sheet, "Key", lambda canvas: _draw_key(canvas, sheet))


def manifest_document(sheet: Sheet) -> Document:
    """Give the manifest's pages: escrow.json as QR codes."""
    return document(sheet, "Manifest", lambda canvas: _draw_manifest(canvas, sheet))


def _draw_key(canvas: Canvas, sheet: Sheet) -> None:
    canvas.begin(mark="right")
    canvas.at = _facts(canvas, sheet) + 6
    _shares(canvas, sheet)
    record = sheet.record
    frames = parts("K", record.rehearsal, sheet.manifest.id, sheet.cms)
    notes = (
        marked(
            f"`key.cms` is {len(sheet.cms)} bytes in {len(frames)} parts, each a QR code that stands twice on its "
            "page. One of the two is enough."
        ),
        marked(
            "What follows the last colon of each code is base32 (RFC 4648); put together in order it is that of "
            "`key.cms`. The instructions have the commands."
        ),
    )
    free = draw_codes(canvas, frames, "The encrypted key, key.cms, as QR codes", notes)
    draw_typed(canvas, blocks(sheet.cms), _areas(canvas, sheet, free))


def _areas(canvas: Canvas, sheet: Sheet, free: list[Area]) -> Iterator[Area]:
    """Give what is free on the page of an odd code, then pages of their own; a note stands before the first lines."""
    note = marked(
        f"*key.cms as text*, for when no code can be read: {len(sheet.cms)} bytes, {len(lines(sheet.cms))} lines. A "
        "line is its number, 4 check characters and the text. After 8 lines: the first 8 digits of the SHA-256 of "
        "their text. The letters are A to Z and 2 to 7; there is no 0, 1, 8 or 9."
    )
    if free:
        x, y, bottom = free[0]
        yield x, canvas.paragraph(x, y, canvas.column, note, size=8, line=3.8) + 2, bottom
        yield from free[1:]
    else:
        canvas.begin(mark="right")
        canvas.write_at(canvas.left, canvas.top, "The encrypted key, key.cms, as text", "sansB", 16, 7)
        below = canvas.paragraph(canvas.left, canvas.top + 10, canvas.column, note, size=8, line=3.8)
        areas = list(columns(canvas, canvas.top + 10))
        yield areas[0][0], below + 2, areas[0][2]
        yield from areas[1:]
    while True:
        canvas.begin(mark="right")
        canvas.write_at(canvas.left, canvas.top - 1, "key.cms as text, continued", "sansB", 8.5, 4)
        yield from columns(canvas, canvas.top + 5)


def _facts(canvas: Canvas, sheet: Sheet) -> float:
    """Write the head of the first page; gives the y below it."""
    record, x = sheet.record, canvas.left
    canvas.write_at(x, canvas.top - 1, "The encrypted key", "sansB", 24, 10)
    zone = canvas.fitted(f"Zone {sheet.zone}, key tag {sheet.key_tag}", "sans", 11, canvas.column)
    canvas.write_at(x, canvas.top + 9.5, zone, "sans", 11, 5)
    y = canvas.paragraph(
        x,
        canvas.top + 17.5,
        canvas.column,
        marked(
            f"*Public.* `key.cms` is the private key, encrypted. It opens with the master secret of {sheet.needed} and "
            "says nothing without it. Copy it freely, and keep a copy of these pages and of the instructions with "
            "every share."
        ),
    )
    digest, public = (grouped(data.hex()) for data in (sheet.cms_digest, sheet.public_digest))
    rows: list[tuple[str, Text]] = [
        ("Zone", sheet.zone),
        ("Key", sheet.algorithm),
        ("DS", [("code", sheet.ds)]),
        ("Escrow", [("code", sheet.id_text)]),
        ("in words", sheet.id_words),
        ("Made", f"{sheet.created:%Y-%m-%d} by {sheet.maker}, with {record.tool}"),
        ("maker in words", sheet.maker_words),
    ]
    left = canvas.facts(x, y + 3, canvas.column, rows, label=_LABEL)
    y = canvas.top + 10.5
    long: list[tuple[str, Text]] = [
        ("SHA-256 of key.cms", [("code", digest)]),
        ("SHA-256 of the public key", [("code", public)]),
        ("DNSKEY", [("code", record.dnskey)] if record.dnskey else sheet.ds),
    ]
    for name, text in long:
        canvas.write_at(canvas.second, y, name, "sansB", _SMALL, _SMALL_LINE)
        y = canvas.paragraph(canvas.second, y + _SMALL_LINE, canvas.column, text, size=_SMALL, line=_SMALL_LINE) + 2
    return max(left, y)


def _shares(canvas: Canvas, sheet: Sheet) -> None:
    """Write the shares: number and fingerprint on the left, who has it on the right."""
    record = sheet.record
    several = len(record.groups) > 1
    y = canvas.room(8 + _ROW)
    canvas.write_at(canvas.left, y, f"Needed: {sheet.needed}", "sansB", 10, 5)
    canvas.at = y + (8 if several else 6.5)
    for number, group in enumerate(record.groups):
        if several:
            y = canvas.room(7 + _ROW)
            says = counted(group.threshold, group.size, "share")
            canvas.write_at(canvas.left, y, f"{capital(says)} of", "sansB", 9, 4)
            name = canvas.fitted(sheet.group(number), "sansB", 9, canvas.column)
            canvas.write_at(canvas.second, y, name, "sansB", 9, 4)
            canvas.at = y + 5.5
        for share in record.shares:
            if share.group != number:
                continue
            y = canvas.room(_ROW)
            canvas.rule(canvas.left, canvas.left + canvas.column, y, 0.1)
            canvas.rule(canvas.second, canvas.right, y, 0.1)
            y += _ABOVE
            canvas.write_at(canvas.left, y, str(share.number), "sansB", 9, _SMALL_LINE)
            x, digits = canvas.left + _NUMBER, share.fingerprint.hex()
            canvas.write_at(x, y, grouped(digits[:32]), "mono", _SMALL, _SMALL_LINE)
            canvas.write_at(x, y + _SMALL_LINE, grouped(digits[32:]), "mono", _SMALL, _SMALL_LINE)
            canvas.paragraph(canvas.second, y, canvas.column, share.holder, size=8.5, line=_SMALL_LINE, most=2)
            canvas.at = y - _ABOVE + _ROW
        canvas.at += 4


def _draw_manifest(canvas: Canvas, sheet: Sheet) -> None:
    data = sheet.manifest.envelope + b"\n"
    frames = parts("M", sheet.record.rehearsal, sheet.manifest.id, data)
    notes = (
        marked(
            f"*Public.* `escrow.json` is {len(data)} bytes in {len(frames)} parts, each a QR code that stands twice on "
            f"its page. It says which key this is and how each share is known, signed by {_plain(sheet.maker)}."
        ),
        marked(
            "It is not needed to get the key back: the key's pages have its facts. What follows the last colon of each "
            "code is base32 (RFC 4648); put together in order it is that of the file."
        ),
    )
    free = draw_codes(canvas, frames, "The manifest, escrow.json, as QR codes", notes)
    for (x, y, _), note in zip(free, notes, strict=False):
        canvas.paragraph(x, y, canvas.column, note, size=8, line=3.8)


def _plain(name: str) -> str:
    return name.replace("`", "'").replace("*", "'")
