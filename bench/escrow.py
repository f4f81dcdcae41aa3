"""Paper escrow, RSA-4096, 3 of 7: from no key to pages that were read back, and from pages to the key.

Beside the bare generation of such a key in the same run. That is a search of random length, so the mean of several is
taken, and the same mean stands for it in ``create``. Printing and scanning are other people's work: PDFium draws the
pages at 300 dpi in place of both; drawing is not counted, reading is.
"""

import io
import secrets
import statistics
from collections.abc import Iterator

import dns.name
import pypdfium2  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.measure import Options, Row, cpu, seconds
from keyquorum.escrow.keys import from_private_key
from keyquorum.escrow.making import Made, Order, make
from keyquorum.escrow.recovering import drill, prove, recover
from keyquorum.escrow.shares import Sharing, read_share
from keyquorum.identity.keys import Identity
from keyquorum.paper.frames import Frame, join
from keyquorum.paper.pages import Sheet, instruction_pages, key_pages, manifest_pages, share_pages
from keyquorum.paper.reading import read_file
from keyquorum.quorum.dealing import make_card

BITS, THRESHOLD, SHARES = 4096, 3, 7
RESOLUTION = 300


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    repeats = 3 if options.quick else 30
    bare = statistics.fmean(cpu(_bare_key)[0] for _ in range(repeats))
    private = _bare_key()
    making, (made, pdfs) = cpu(lambda: _make(private))
    pictures = {name: _drawn(pdf) for name, pdf in pdfs.items()}
    pages = sum(map(len, pictures.values()))
    reading, frames = cpu(lambda: [frame for name in pictures for frame in _read(pictures[name])])
    shares = {frame.number: read_share(frame.text) for frame in frames if frame.kind == "S"}
    drilling, _ = cpu(lambda: drill(made.manifest, made.cms, shares, secrets.token_bytes))
    back, _ = cpu(lambda: _recover(made, [*pictures["key"], *(pictures[f"share-{n}"][0] for n in (2, 5, 7))]))
    create = bare + making + reading + drilling
    what = f"RSA-{BITS}, {THRESHOLD} of {SHARES}"
    reference = f"{seconds(bare)} (reference: the bare key)"
    yield Row(f"escrow create, {what}, every page read back", seconds(create), reference, bare / create)
    yield Row(f"escrow recover, {what}, from pictures of pages", seconds(back), reference, bare / back)
    yield Row(f"escrow: making {pages} pages as PDF", seconds(making))
    yield Row(f"escrow: reading a page at {RESOLUTION} dpi, mean of {pages}", seconds(reading / pages))


def _bare_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=BITS)


def _make(private: rsa.RSAPrivateKey) -> tuple[Made, dict[str, bytes]]:
    maker = Identity(secrets.token_bytes(32), secrets.token_bytes(32))
    order = Order(
        zone=dns.name.root,
        sharing=Sharing(1, ((THRESHOLD, SHARES),)),
        group_names=("",),
        holders=("",) * SHARES,
        rehearsal=True,
        created=1_800_000_000,
        tool="keyquorum bench",
    )
    made = make(from_private_key(private, None), order, maker, make_card(maker, "bench"), secrets.token_bytes)
    sheet = Sheet(made.manifest, made.cms)
    pdfs = {f"share-{number}": share_pages(sheet, number, share.text) for number, share in enumerate(made.shares, 1)}
    public = {"key": key_pages(sheet), "manifest": manifest_pages(sheet), "instructions": instruction_pages(sheet)}
    return made, {**pdfs, **public}


def _drawn(pdf: bytes) -> list[bytes]:
    drawn = []
    for page in pypdfium2.PdfDocument(pdf):
        picture = io.BytesIO()
        page.render(scale=RESOLUTION / 72, grayscale=True).to_pil().save(picture, "PNG")
        drawn.append(picture.getvalue())
    return drawn


def _read(pictures: list[bytes]) -> list[Frame]:
    return [frame for data in pictures for page in read_file(data, "scan.png") for frame in page.frames]


def _recover(made: Made, pictures: list[bytes]) -> None:
    frames = _read(pictures)
    shares = [read_share(frame.text) for frame in frames if frame.kind == "S"]
    cms = join([frame for frame in frames if frame.kind == "K"])
    with recover(made.manifest, cms, shares) as key:
        prove(made.manifest, key, secrets.token_bytes)
