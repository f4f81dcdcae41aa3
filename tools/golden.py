"""Make the golden pages of format version 1: three small escrows, as they are on paper and as they must be read.

    python -m tools.golden DIRECTORY        makes them, into DIRECTORY/v1 beside each private.pem
    python -m tools.golden DIRECTORY --anew the same over those that are there, which is for the time before a release

tests/paper/golden is the DIRECTORY of the repository. From the first release on what stands in v1 is never made again:
it is how pages that lie in safes look. The private keys are published examples and an input; all else follows from
them, but for the pictures, which are poppler's.
"""

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import dns.name
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from PIL import Image

from keyquorum.escrow.keys import from_private_key
from keyquorum.escrow.making import Made, Order, make
from keyquorum.escrow.shares import Sharing
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.paper.frames import Frame, encode, parts
from keyquorum.paper.pages import Sheet, key_document, manifest_document, share_pages
from keyquorum.paper.typed import blocks
from keyquorum.records.keys import CARD, Card

DPI = 200
CREATED = 1_798_761_600


@dataclass(frozen=True)
class Golden:
    """One escrow; ``shown`` are the numbers of the shares whose pages are kept, enough of them."""

    name: str
    algorithm: str
    zone: str
    sharing: Sharing
    groups: tuple[str, ...]
    holders: tuple[str, ...]
    shown: tuple[int, ...]
    paper: Literal["A4", "Letter"]
    rehearsal: bool = False


ESCROWS = (
    Golden("ed25519", "ED25519", ".", Sharing(1, ((2, 3),)), ("",), ("Ada Byron", "Alan Turing", ""), (1, 3), "A4"),
    Golden(
        "sites",
        "RSASHA256",
        "example.",
        Sharing(2, ((2, 3), (2, 2))),
        ("Amsterdam", "Tokyo"),
        ("Ada Byron", "Alan Turing", "Emmy Noether", "Évariste Galois", "Ольга Ладыженская"),
        (1, 3, 4, 5),
        "Letter",
    ),
    Golden("rehearsal", "ECDSAP256SHA256", ".", Sharing(1, ((2, 2),)), ("",), ("", ""), (1, 2), "A4", rehearsal=True),
)


def main() -> None:
    """Make all of them."""
    if len(sys.argv) not in {2, 3} or sys.argv[2:] not in ([], ["--anew"]):
        sys.exit(__doc__)
    for golden in ESCROWS:
        place = Path(sys.argv[1]) / "v1" / golden.name
        old = [path for path in place.iterdir() if path.name != "private.pem"]
        if old and not sys.argv[2:]:
            sys.exit(f"{place} is there, and stays as it is (--anew before a release)")
        for path in old:
            path.unlink()
        private = (place / "private.pem").read_bytes()
        for name, content in files(golden, private):
            (place / name).write_bytes(content)


def files(golden: Golden, private: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the name and the content of each file of one escrow; ``private`` is the key in PEM."""
    made = _made(golden, private)
    sheet = Sheet(made.manifest, made.cms, golden.paper)
    public = load_pem_private_key(private, None).public_key()
    yield "public.pem", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "escrow.json", made.manifest.envelope + b"\n"
    yield "key.cms", made.cms
    yield "words.txt", _lines(f"{number} {share.text}" for number, share in enumerate(made.shares, 1))
    yield "typed.txt", _lines(str(row) for block in blocks(made.cms) for row in (*block.lines, block))
    key, manifest = key_document(sheet), manifest_document(sheet)
    yield "codes.txt", _lines(encode(frame) for frame in [*_frames(made), *key.marks, *manifest.marks])
    pages = {"key": key.pdf, "manifest": manifest.pdf}
    pages |= {f"share-{number}": share_pages(sheet, number, made.shares[number - 1].text) for number in golden.shown}
    for name, pdf in pages.items():
        for number, picture in enumerate(_pictures(pdf, 4 if golden.rehearsal else 2), 1):
            yield f"{name}.png" if name.startswith("share") else f"{name}-{number}.png", picture
    if golden is ESCROWS[0]:
        yield "share-1.pdf", pages["share-1"]
        yield "key.pdf", pages["key"]


def _frames(made: Made) -> list[Frame]:
    """Give the content of each code of an escrow: its shares, key.cms, the manifest."""
    record, identifier = made.manifest.record, made.manifest.id
    shares = [
        Frame("S", record.rehearsal, identifier[:10], number, 1, share.text)
        for number, share in enumerate(made.shares, 1)
    ]
    manifest = made.manifest.envelope + b"\n"
    return [
        *shares,
        *parts("K", record.rehearsal, identifier, made.cms),
        *parts("M", record.rehearsal, identifier, manifest),
    ]


def _made(golden: Golden, private: bytes) -> Made:
    rng = _stream(golden.name)
    maker = Identity(rng(32), rng(32))
    card = Card(signer=maker.verification_key, name="Charles Babbage", sealing_key=maker.sealing_public_key)
    order = Order(
        zone=dns.name.from_text(golden.zone),
        sharing=golden.sharing,
        group_names=golden.groups,
        holders=golden.holders,
        rehearsal=golden.rehearsal,
        created=CREATED,
        tool="keyquorum golden pages",
    )
    key = from_private_key(load_pem_private_key(private, None), golden.algorithm)
    return make(key, order, maker, CARD.sign(card, maker), rng)


def _lines(rows: Iterator[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def _pictures(pdf: bytes, greys: int) -> Iterator[bytes]:
    """Give each page as PNG in this many greys; with two of them as from a scanner for documents."""
    with TemporaryDirectory() as place:
        subprocess.run(["pdftoppm", "-r", str(DPI), "-gray", "-", f"{place}/page"], input=pdf, check=True)
        for page in sorted(Path(place).iterdir()):
            out = io.BytesIO()
            picture: Image.Image = Image.open(page)
            picture = picture.quantize(greys) if greys > 2 else picture.convert("1", dither=Image.Dither.NONE)
            picture.save(out, "PNG", optimize=True)
            yield out.getvalue()


def _stream(seed: str) -> Rng:
    """Give bytes that follow from ``seed``."""
    number = count(1)
    return lambda length: hashlib.shake_256(f"keyquorum golden pages {seed} {next(number)}".encode()).digest(length)


if __name__ == "__main__":
    main()
