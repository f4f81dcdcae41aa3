"""Reading an escrow back: its manifest, its encrypted key, and pictures of its pages."""

import re
from collections.abc import Sequence
from pathlib import Path

from keyquorum.cli import terminal
from keyquorum.cli.options import read_record
from keyquorum.cli.world import naming, read_file
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.checking import check_manifest
from keyquorum.machine.places import refuse_disk
from keyquorum.paper.frames import Frame
from keyquorum.paper.judging import manifest_in
from keyquorum.paper.readback import SHARE
from keyquorum.paper.reading import FILE_LIMIT, Reading
from keyquorum.paper.reading import read_file as read_pictures
from keyquorum.paper.typed import read_lines
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from keyquorum.records.keys import CARD

_CMS_LIMIT = 1 << 16
_TEXT_LIMIT = 1 << 15
_LINE = re.compile(r"(?m)^\s*[0-9]{1,3}[ .)]+(?:[A-Z2-7a-z01890]{2,5} +){3,}")


def manifest_at(path: Path, maker: Path | None, *, rehearsal: bool | None) -> tuple[Signed[Escrow], bytes | None]:
    """Give a manifest (a file, its directory, or pictures of its pages), and key.cms where it lies beside it.

    ``maker`` is the card of whoever must have signed it. ``rehearsal`` says which kind is wanted; None takes both.
    """
    if path.is_dir():
        path = path / "escrow.json"
    head = read_file(path, FILE_LIMIT, "manifest")
    with naming(path):
        if head.startswith(b"{"):
            manifest = ESCROW.read(head)
        else:
            manifest = manifest_in([frame for page in read_pictures(head, path.name) for frame in page.frames])
        signer = read_record(maker, CARD).record.signer if maker else None
        check_manifest(manifest, signer)
        if rehearsal is not None and manifest.record.rehearsal != rehearsal:
            raise RefusedError(
                "this is a rehearsal, and is not taken for real" if not rehearsal else "this is real, and no rehearsal",
                do="Give --rehearsal to practise with it." if not rehearsal else "Leave --rehearsal out.",
            )
    beside = path.parent / "key.cms"
    return manifest, read_file(beside, _CMS_LIMIT, "encrypted key") if beside.is_file() else None


def pages_at(path: Path, *, secret_place: bool) -> list[Reading]:
    """Give what can be read of the pages in one file; with ``secret_place`` no share may lie on a disk."""
    pages = read_pictures(read_file(path, FILE_LIMIT, "page"), str(path))
    if secret_place and any(frame.kind == SHARE for page in pages for frame in page.frames):
        refuse_disk(path, "a scan of a share")
    return pages


def words_in(path: Path) -> str | None:
    """Give the words typed into a text file; None if it is a picture."""
    data = read_file(path, FILE_LIMIT, "page")
    if len(data) > _TEXT_LIMIT or not data.strip():
        return None
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    plain = all(character.isprintable() or character.isspace() for character in text)
    return text if plain and not text.startswith("%PDF") else None


def frames_of(pages: Sequence[Reading]) -> list[Frame]:
    """Give all codes of some pages."""
    return [frame for page in pages for frame in page.frames]


def is_typed_key(text: str) -> bool:
    """Say whether typed text is the key's numbered lines, and not the words of a share."""
    return _LINE.search(text) is not None


def typed_key(text: str, manifest: Signed[Escrow], where: str) -> bytes:
    """Give the encrypted key from its typed lines; each line that is taken for another is shown.

    Raises MalformedError or NotYetError naming the lines that are wrong or missing; the manifest's SHA-256 decides
    afterwards (``recovering.check_envelope``).
    """
    typed = read_lines(text, manifest.record.envelope_length)
    for correction in typed.corrections:
        terminal.tell(f"{where}: {correction}")
    for doubt in typed.doubts:
        terminal.tell(f"{where}: {doubt}")
    return typed.data()


def key_file(path: Path, manifest: Signed[Escrow]) -> bytes:
    """Give an encrypted key from a file: key.cms, or its typed lines."""
    if not path.is_file():
        raise UsageError("there is no such file", where=str(path), do="Give key.cms, or scans of the key's pages.")
    data = read_file(path, _CMS_LIMIT, "encrypted key")
    if data.isascii() and is_typed_key(text := data.decode("ascii")):
        return typed_key(text, manifest, str(path))
    return data
