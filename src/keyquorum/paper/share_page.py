"""A share's page, which is secret, and its form to be filled in by hand, which is not.

The words stand in the middle, the QR code in two opposite corners, so that one whole copy is left when a fifth of the
page is lost at any corner or edge. Nothing that matters is on a fold.
"""

from keyquorum.identity.words import spoken
from keyquorum.paper.canvas import Canvas, Font, document
from keyquorum.paper.frames import ID_LENGTH, SHARE_WORDS, Frame, encode
from keyquorum.paper.setting import Text, marked
from keyquorum.paper.sheet import Sheet, capital, counted, grouped

Fact = tuple[str, Text]

CODE_SIDE = 52.0
"""The side of a share's QR code in mm; with its 61 to 69 modules, 0.75 mm or more each."""
_COLUMNS = 4
_ROWS_ABOVE = 5
_ROWS = -(-SHARE_WORDS // _COLUMNS)
_SMALL = 7.5
_SMALL_LINE = 3.5
_LABEL = 15.0
_COMMAND_LINE = 3.4
_COMMANDS = 4.6 + 8 * _COMMAND_LINE
_QUIET = 3.5
_FIELDS = ("Custodian", "Date", "Tamper-evident bag, number", "Container", "Signature", "Signature of a witness")


def share_pages(sheet: Sheet, number: int, words: str) -> bytes:
    """Give the PDF of share ``number`` (from 1), one page; secret. ``words`` are its 33, with single blanks.

    Raises RefusedError if they are not this share's, UsageError if there is no such share.
    """
    sheet.check_words(number, words)
    frame = Frame("S", sheet.record.rehearsal, sheet.manifest.id[:ID_LENGTH], number, 1, words)
    return document(sheet, _title(sheet, number), lambda canvas: _draw(canvas, sheet, number, frame)).pdf


def form_pages(sheet: Sheet, number: int) -> bytes:
    """Give the PDF of the form for share ``number``: the same page with empty boxes; nothing in it is secret."""
    sheet.share(number)
    return document(sheet, _title(sheet, number), lambda canvas: _draw(canvas, sheet, number, None)).pdf


def _title(sheet: Sheet, number: int) -> str:
    return f"Share {number} of {len(sheet.record.shares)}"


def _draw(canvas: Canvas, sheet: Sheet, number: int, frame: Frame | None) -> None:
    canvas.begin()
    row = 7.1 if frame else 9.0
    _introduce(canvas, sheet, number, printed=frame is not None)
    mine, common = _facts(sheet, number)
    if frame:
        _facts_above(canvas, mine, common, canvas.fold[0] - _ROWS_ABOVE * row - 2.5)
        corners = [(canvas.right - CODE_SIDE, canvas.top + 1.2), (canvas.left, canvas.bottom - CODE_SIDE)]
        canvas.draw_codes(encode(frame), corners, CODE_SIDE)
    else:
        canvas.facts(
            canvas.second, canvas.top + 10.3, canvas.column, [*mine, *common], label=_LABEL, line=_SMALL_LINE, most=2
        )
    _words(canvas, frame.text.split(" ") if frame else [""] * SHARE_WORDS, row)
    below = canvas.fold[1] + (_ROWS - _ROWS_ABOVE) * row
    _fingerprint(canvas, sheet.share(number).fingerprint, below - row, row)
    # What is free above the lower code goes between the words and the commands.
    free = canvas.bottom - CODE_SIDE - _QUIET - _COMMANDS - below
    _commands(canvas, sheet, below + min(max(free, 5.0), 8.0))
    _fields(canvas)


def _introduce(canvas: Canvas, sheet: Sheet, number: int, *, printed: bool) -> None:
    x, width = canvas.left, canvas.column
    canvas.write_at(x, canvas.top - 1, _title(sheet, number), "sansB", 24, 10)
    zone = canvas.fitted(f"Zone {sheet.zone}, key tag {sheet.key_tag}", "sans", 11, width)
    canvas.write_at(x, canvas.top + 9.5, zone, "sans", 11, 5)
    y = canvas.paragraph(x, canvas.top + 17.5, width, marked(_what_it_is(sheet, number)))
    canvas.paragraph(
        x,
        y + 1.8,
        width,
        marked(
            ("*Secret.* Both square codes hold the words. " if printed else "*Secret* once it has its words. ")
            + "Keep it sealed, dry and dark, away from the other shares; no copy, photograph or scan but in a "
            "ceremony. The instructions, on their own pages, say how to check it and how the key comes back."
        ),
    )


def _what_it_is(sheet: Sheet, number: int) -> str:
    record, share = sheet.record, sheet.share(number)
    key = "the encrypted private key, `key.cms`, on the key's pages"
    if len(record.shares) == 1:
        return f"The secret that opens {key}. There is no other share of it."
    needed = capital(sheet.needed)
    says = f"One of {len(record.shares)} shares of a secret. {needed} open {key}; fewer say nothing about it."
    if len(record.groups) == 1:
        return says
    group = record.groups[share.group]
    return f"{says} Of its group it takes {counted(group.threshold, group.size, 'share')}."


def _facts(sheet: Sheet, number: int) -> tuple[list[Fact], list[Fact]]:
    """Give what there is to say of key and share, and of the escrow."""
    share = sheet.share(number)
    mine: list[Fact] = [("Key", sheet.algorithm), ("DS", [("code", sheet.ds)])]
    if len(sheet.record.groups) > 1:
        mine.append(("Group", sheet.group(share.group)))
    if share.holder:
        mine.append(("Holder", share.holder))
    common: list[Fact] = [
        ("Escrow", [("code", sheet.id_text)]),
        ("in words", sheet.id_words),
        ("Made", f"{sheet.created:%Y-%m-%d} by {sheet.maker}"),
        ("in words", sheet.maker_words),
    ]
    return mine, common


def _facts_above(canvas: Canvas, mine: list[Fact], common: list[Fact], bottom: float) -> None:
    """Write the facts in two columns that end at ``bottom``; long names are cut (the key's page has all of them)."""
    y = bottom - 5 * _SMALL_LINE
    cut: list[Fact] = [
        (name, canvas.fitted(text, "sans", _SMALL, canvas.column - _LABEL) if isinstance(text, str) else text)
        for name, text in mine
    ]
    canvas.facts(canvas.left, y, canvas.column, cut, label=_LABEL, line=_SMALL_LINE, most=2)
    canvas.facts(canvas.second, y, canvas.column, common, label=_LABEL, line=_SMALL_LINE, most=2)


def _words(canvas: Canvas, words: list[str], row: float) -> None:
    """Draw the boxes, five rows of them above the fold and the rest below."""
    cell = canvas.column / 2
    canvas.set_line_width(0.15)
    for number, word in enumerate(words, 1):
        down, across = divmod(number - 1, _COLUMNS)
        x = (canvas.left, canvas.second)[across // 2] + across % 2 * cell
        y = canvas.fold[0] - (_ROWS_ABOVE - down) * row
        if down >= _ROWS_ABOVE:
            y = canvas.fold[1] + (down - _ROWS_ABOVE) * row
        canvas.rect(x, y, cell, row)
        canvas.write_at(x + 5.6, y, str(number), "sans", 7, row, right=True)
        canvas.write_at(x + 8, y, word, "mono", 14, row)


def _fingerprint(canvas: Canvas, fingerprint: bytes, y: float, row: float) -> None:
    """Write the fingerprint beside the last word, and its first four bytes as words."""
    digits = fingerprint.hex()
    labels = ("Fingerprint", "SHA-256 of the 33 words", "4 bytes of it in words")
    values: tuple[tuple[str, Font, float], ...] = (
        (grouped(digits[:32]), "mono", 9),
        (grouped(digits[32:]), "mono", 9),
        (spoken(fingerprint, 4), "sans", _SMALL),
    )
    y += row / 2 - 2.0
    for at, (label, value) in enumerate(zip(labels, values, strict=True)):
        canvas.write_at(canvas.left + canvas.column / 2 + 3, y, label, "sans" if at else "sansB", _SMALL, 3.6)
        canvas.write_at(canvas.second, y, *value, 3.6)
        y += 3.6


def _commands(canvas: Canvas, sheet: Sheet, y: float) -> None:
    canvas.write_at(canvas.left, y, "How the key comes back, in short", "sansB", 9, 4)
    y += 4.6
    rows = (
        ("$ read -r words", "# type the 33 words, small, one blank between two"),
        ("$ printf '%s' \"$words\" | sha256sum", "# this share is intact if that is its fingerprint"),
        ("$ shamir recover", "# type the shares that are needed; it prints the master secret"),
        ("$ read -r secret", "# type the master secret"),
        ("$ openssl cms -decrypt -inform DER -in key.cms \\", ""),
        ('    -secretkey "$secret" -secretkeyid \\', ""),
        (f"    {sheet.record.recipient.hex()} \\", ""),
        ("    -out key.der || rm -f key.der", "# the private key, or an error and no file"),
    )
    for command, remark in rows:
        canvas.write_at(canvas.left, y, command, "mono", _SMALL, _SMALL_LINE)
        canvas.write_at(canvas.second, y, remark, "sans", _SMALL, _SMALL_LINE)
        y += _COMMAND_LINE


def _fields(canvas: Canvas) -> None:
    """Draw lines to write on, at the lower right."""
    pitch, label = 8.2, 2.8
    for above, name in enumerate(reversed(_FIELDS)):
        y = canvas.bottom - above * pitch - label
        canvas.rule(canvas.second, canvas.right, y, 0.15)
        canvas.write_at(canvas.second, y + 0.3, name, "sans", 6.5, label)
