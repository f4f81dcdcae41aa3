"""Pages of format version 1, kept for ever: what was printed once is read, and gives the key, by whatever comes after.

Their files are made once (``tools/golden.py``) and never again after the first release; a change of them shows here.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from keyquorum.escrow.checking import FindingKind, examine
from keyquorum.escrow.recovering import drill, recover
from keyquorum.escrow.shares import read_share
from keyquorum.paper.frames import Frame, decode, encode, join, parts
from keyquorum.paper.reading import read_file
from keyquorum.paper.typed import blocks, read_lines
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from tests.threshold.cases import seeded

HERE = Path(__file__).parent / "golden" / "v1"
NAMES = ("ed25519", "rehearsal", "sites")
FILES = "164a48f665ee697127d514b0388ad5aea17bd2d79fd942f1693ebb17f5112ab8"
"""SHA-256 over names and contents of all files (``digest``)."""
each = pytest.mark.parametrize("name", NAMES)


@dataclass(frozen=True)
class Kept:
    """What is kept of one escrow beside its pages."""

    place: Path
    manifest: Signed[Escrow]
    cms: bytes
    private: bytes
    words: dict[int, str]
    codes: list[str]

    def pages(self, kind: str = "png") -> list[Path]:
        return sorted(self.place.glob(f"*.{kind}"))

    def codes_of(self, *pages: Path) -> set[str]:
        """Give the codes that stand on these pages, or on others of the same document."""
        found: set[str] = set()
        for page in pages:
            document, _, number = page.stem.partition("-")
            text = {"key": (":K:", ":KEY"), "manifest": (":M:", ":MANIFEST"), "share": (f":S:{self.id}:{number}:",) * 2}
            found |= {code for code in self.codes if text[document][0] in code or code.endswith(text[document][1])}
        return found

    @property
    def id(self) -> str:
        return self.codes[0].split(":")[2]


@cache
def kept(name: str) -> Kept:
    place = HERE / name
    private = load_pem_private_key((place / "private.pem").read_bytes(), None)
    rows = [row.split(" ", 1) for row in (place / "words.txt").read_text().splitlines()]
    return Kept(
        place=place,
        manifest=ESCROW.read((place / "escrow.json").read_bytes()),
        cms=(place / "key.cms").read_bytes(),
        private=private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        words={int(number): words for number, words in rows},
        codes=(place / "codes.txt").read_text().splitlines(),
    )


@cache
def read(page: Path) -> tuple[Frame, ...]:
    """Read a page by our reader."""
    readings = read_file(page.read_bytes(), page.name)
    assert not any(reading.troubles for reading in readings)
    return tuple(frame for reading in readings for frame in reading.frames)


def digest() -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in HERE.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content}  {path.relative_to(HERE).as_posix()}\n".encode())
    return whole.hexdigest()


def test_nothing_was_changed_or_lost() -> None:
    assert digest() == FILES


@each
def test_the_manifest_is_read_and_names_the_key(name: str) -> None:
    one = kept(name)
    record = one.manifest.record
    assert record.format == 1
    assert record.rehearsal == (name == "rehearsal")
    public = load_pem_public_key((one.place / "public.pem").read_bytes())
    assert load_pem_private_key((one.place / "private.pem").read_bytes(), None).public_key() == public
    for number, words in one.words.items():
        finding = examine(one.manifest, words, number=number)
        assert finding.kind is FindingKind.INTACT
    assert len(one.words) == len(record.shares)


@each
def test_our_reader_reads_every_page(name: str) -> None:
    one = kept(name)
    for page in one.pages():
        assert read(page), page.name
    assert {encode(frame) for page in one.pages() for frame in read(page)} == one.codes_of(*one.pages())


@each
def test_zbarimg_reads_every_code(name: str) -> None:
    one = kept(name)
    done = subprocess.run(["zbarimg", "--raw", "-q", *one.pages()], capture_output=True, text=True, check=False)
    assert {line for line in done.stdout.splitlines() if line.startswith("KQ1")} == one.codes_of(*one.pages())


def test_the_pdf_is_read_too() -> None:
    one = kept("ed25519")
    assert len(one.pages("pdf")) == 2
    for page in one.pages("pdf"):
        assert {encode(frame) for frame in read(page)} == one.codes_of(page)


def taken(one: Kept, kind: str) -> Iterator[Frame]:
    return (frame for page in one.pages() for frame in read(page) if frame.kind == kind)


@each
def test_the_pages_give_the_key(name: str) -> None:
    one = kept(name)
    manifest = ESCROW.read(join(list(taken(one, "M"))))
    assert manifest.id == one.manifest.id
    cms = join(list(taken(one, "K")))
    assert cms == one.cms
    shares = {frame.number: read_share(frame.text) for frame in taken(one, "S")}
    with recover(manifest, cms, list(shares.values())) as key:
        assert key.pkcs8.reveal() == one.private


@each
def test_words_and_typed_text_give_the_key(name: str) -> None:
    one = kept(name)
    typed = read_lines((one.place / "typed.txt").read_text(), one.manifest.record.envelope_length)
    assert typed.data() == one.cms
    assert (typed.corrections, typed.doubts) == ((), ())
    shares = {number: read_share(words) for number, words in one.words.items()}
    done = drill(one.manifest, typed.data(), shares, seeded("golden"))
    assert {number for numbers in done.sets for number in numbers} == set(one.words)


@each
def test_the_codes_are_read_and_written_as_they_were(name: str) -> None:
    one = kept(name)
    read_codes = [decode(code) for code in one.codes]
    assert [encode(frame) for frame in read_codes] == one.codes
    assert {frame.number: frame.text for frame in read_codes if frame.kind == "S"} == one.words
    record, identifier = one.manifest.record, one.manifest.id
    manifest = (one.place / "escrow.json").read_bytes()
    assert parts("K", record.rehearsal, identifier, one.cms) == [frame for frame in read_codes if frame.kind == "K"]
    assert parts("M", record.rehearsal, identifier, manifest) == [frame for frame in read_codes if frame.kind == "M"]
    rows = [str(row) for block in blocks(one.cms) for row in (*block.lines, block)]
    assert (one.place / "typed.txt").read_text().splitlines() == rows
