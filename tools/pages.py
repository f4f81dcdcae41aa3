"""Draw the pages of example escrows, to look at them, and docs/pictures/share-page.png.

    python -m tools.pages DIRECTORY

Prints first how much paper a key of each kind takes. Then draws every kind of page, on both sizes of paper, real and
rehearsed, with short and long names, as PDF and as PNG. The keys are nobody's: all randomness follows from fixed words
(but for RSA, whose keys differ from run to run).
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.name
import pypdfium2  # type: ignore[import-untyped]
from PIL import Image

from keyquorum import __version__
from keyquorum.escrow.keys import generate
from keyquorum.escrow.making import Made, Order, make
from keyquorum.escrow.shares import Sharing
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.paper.codes import code
from keyquorum.paper.frames import encode, parts
from keyquorum.paper.pages import Sheet, form_pages, instruction_pages, key_pages, manifest_pages, share_pages
from keyquorum.paper.sheet import PAPERS
from keyquorum.paper.typed import lines
from keyquorum.records.keys import CARD, Card

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "share-page.png"
PICTURE_DPI = 86
LOOKING_DPI = 90
_LONG = "Maximiliane Wilhelmine von und zu Hohenstein-Waldeck und Pyrmont"
_KINDS: tuple[tuple[str, int | None], ...] = (
    ("RSASHA256", 2048),
    ("RSASHA256", 3072),
    ("RSASHA256", 4096),
    ("ECDSAP256SHA256", None),
    ("ECDSAP384SHA384", None),
    ("ED25519", None),
    ("ED448", None),
    ("ML-DSA-44", None),
)
_CUSTODIANS = (
    "Ada Byron",
    "Alan Turing",
    "Emmy Noether",
    "Grace Hopper",
    "Évariste Galois",
    "Ольга Ладыженская",
    "Π. Χ.",
)


def main() -> None:
    """Draw everything into the directory that the command line names."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    _print_sizes()
    for name, made in _escrows():
        for paper in PAPERS:
            for kind, pdf in _pages(Sheet(made.manifest, made.cms, paper), made):
                path = out / f"{name}-{paper}-{kind}.pdf"
                path.write_bytes(pdf)
                for number, picture in enumerate(_pictures(pdf, LOOKING_DPI), 1):
                    picture.save(path.with_name(f"{path.stem}-{number}.png"))
    made = dict(_escrows())["rehearsal"]
    (picture,) = _pictures(share_pages(Sheet(made.manifest, made.cms), 3, made.shares[2].text), PICTURE_DPI)
    picture.quantize(16).save(PICTURE, optimize=True)


def _print_sizes() -> None:
    """Print a table: key.cms, its codes and lines, the module in mm and the pages of an escrow 3-of-7 on A4."""
    print("algorithm             key.cms  codes  version  module  lines  key  manifest  instructions")
    for algorithm, bits in _KINDS:
        made = _made(algorithm, bits, dns.name.root, Sharing(1, ((3, 7),)), ("",), _CUSTODIANS)
        sheet = Sheet(made.manifest, made.cms)
        frames = parts("K", False, made.manifest.id, made.cms)
        one = code(encode(frames[0]))
        pages = [len(_pictures(draw(sheet), 10)) for draw in (key_pages, manifest_pages, instruction_pages)]
        name = f"{algorithm} {bits or ''}".strip()
        print(
            f"{name:20} {len(made.cms):8} {len(frames):6} {one.version:8} {86 / one.modules:7.2f}"
            f" {len(lines(made.cms)):6} {pages[0]:4} {pages[1]:9} {pages[2]:13}"
        )


def _escrows() -> Iterator[tuple[str, Made]]:
    root, sites = dns.name.root, Sharing(2, ((2, 3), (2, 3), (3, 5)))
    yield "rehearsal", _made("ECDSAP256SHA256", None, root, Sharing(1, ((3, 7),)), ("",), _CUSTODIANS, rehearsal=True)
    yield "real", _made("RSASHA256", 2048, root, Sharing(1, ((3, 7),)), ("",), _CUSTODIANS)
    yield "small", _made("ED25519", None, dns.name.from_text("example."), Sharing(1, ((2, 3),)), ("",), ("",) * 3)
    zone = dns.name.from_text(".".join(letter * 61 for letter in "abcd") + ".")
    yield "large", _made("RSASHA512", 4096, zone, sites, ("Amsterdam", _LONG, "Tokyo"), (_LONG,) * 11)


def _made(
    algorithm: str,
    bits: int | None,
    zone: dns.name.Name,
    sharing: Sharing,
    groups: tuple[str, ...],
    holders: tuple[str, ...],
    *,
    rehearsal: bool = False,
) -> Made:
    rng = _stream(algorithm)
    maker = Identity(rng(32), rng(32))
    card = CARD.sign(
        Card(signer=maker.verification_key, name="Charles Babbage", sealing_key=maker.sealing_public_key), maker
    )
    order = Order(
        zone=zone,
        sharing=sharing,
        group_names=groups,
        holders=holders,
        rehearsal=rehearsal,
        created=1_798_761_600,
        tool=f"keyquorum {__version__}",
    )
    return make(generate(algorithm, bits, rng), order, maker, card, rng)


def _pages(sheet: Sheet, made: Made) -> Iterator[tuple[str, bytes]]:
    yield "share", share_pages(sheet, 3, made.shares[2].text)
    yield "form", form_pages(sheet, 3)
    yield "key", key_pages(sheet)
    yield "manifest", manifest_pages(sheet)
    yield "instructions", instruction_pages(sheet)


def _pictures(pdf: bytes, dpi: int) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()


def _stream(seed: str) -> Rng:
    """Give bytes that follow from ``seed``."""
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"keyquorum example pages {seed} {count}".encode()).digest(length)

    return draw


if __name__ == "__main__":
    main()
