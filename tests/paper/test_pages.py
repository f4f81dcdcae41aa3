"""Pages as paper: what stands on them, where it stands, and that two other readers see the same codes."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.making import Made
from keyquorum.escrow.shares import Sharing
from keyquorum.identity.words import spoken
from keyquorum.paper.codes import code
from keyquorum.paper.frames import Frame, encode, join, parts, short_id
from keyquorum.paper.pages import (
    Document,
    Sheet,
    form_pages,
    instruction_document,
    instruction_pages,
    key_document,
    key_pages,
    manifest_document,
    manifest_pages,
    share_pages,
)
from keyquorum.paper.sheet import Paper, grouped
from keyquorum.paper.typed import read_lines
from tests.paper.escrows import escrow
from tests.paper.pictures import MM, Seen, codes, codes_by_zbar, every_code, pictures, text, words

LONG = "Maximiliane Wilhelmine von und zu Hohenstein-Waldeck und Pyrmont"
CASES: dict[str, Callable[[], Made]] = {
    "plain": lambda: escrow("RSASHA256", 2048, sharing=Sharing(1, ((3, 7),)), holders=["Alice Ashworth", *"BCDEFG"]),
    "small": lambda: escrow("ED25519", zone="example."),
    "rehearsal": lambda: escrow("ECDSAP384SHA384", rehearsal=True, holders=["Čapek", "Ελένη", "Борис"]),
    "sites": lambda: escrow(
        "RSASHA512",
        4096,
        sharing=Sharing(2, ((3, 5), (3, 5), (3, 5))),
        names=["Amsterdam", LONG, "W" * 64],
        holders=[LONG] * 14 + ["王小明"],
        zone=".".join(letter * 61 for letter in "abcd") + ".",
        rehearsal=True,
    ),
    "sixteen": lambda: escrow("ED448", sharing=Sharing(1, ((16, 16),)), holders=["M" * 64] * 16),
    "experiment": lambda: escrow("ML-DSA-44"),
    "alone": lambda: escrow("ED25519", sharing=Sharing(1, ((1, 1),))),
}
FOLD = 8.0
MARGIN = 15.0


@cache
def made(case: str) -> Made:
    return CASES[case]()


@cache
def drawn(case: str, paper: Paper) -> dict[str, bytes]:
    """Draw every kind of page of a case: its last share's, and the public ones."""
    one = made(case)
    sheet, number = Sheet(one.manifest, one.cms, paper), len(one.shares)
    return {
        "share": share_pages(sheet, number, one.shares[-1].text),
        "form": form_pages(sheet, number),
        "key": key_pages(sheet),
        "manifest": manifest_pages(sheet),
        "instructions": instruction_pages(sheet),
    }


@cache
def shown(case: str, paper: Paper, kind: str) -> list[Image.Image]:
    return pictures(drawn(case, paper)[kind])


@cache
def seen(case: str, paper: Paper, kind: str) -> list[list[Seen]]:
    return [codes(picture) for picture in shown(case, paper, kind)]


def expected(case: str, kind: str) -> list[Frame]:
    one = made(case)
    record = one.manifest.record
    if kind == "share":
        share = one.shares[-1]
        return [Frame("S", record.rehearsal, one.manifest.id[:10], len(one.shares), 1, share.text)]
    if kind == "key":
        return parts("K", record.rehearsal, one.manifest.id, one.cms)
    return parts("M", record.rehearsal, one.manifest.id, one.manifest.envelope + b"\n")


EVERY: list[tuple[str, Paper]] = [
    ("plain", "A4"),
    ("small", "Letter"),
    ("rehearsal", "Letter"),
    ("sites", "A4"),
    ("sites", "Letter"),
    ("sixteen", "Letter"),
    ("experiment", "A4"),
]
each = pytest.mark.parametrize(("case", "paper"), EVERY)
CODED: list[tuple[str, Paper, str]] = [
    ("plain", "A4", "share"),
    ("plain", "A4", "key"),
    ("rehearsal", "Letter", "share"),
    ("rehearsal", "Letter", "key"),
    ("sites", "A4", "key"),
    ("sites", "Letter", "manifest"),
]


@pytest.mark.parametrize(("case", "paper", "kind"), CODED)
def test_every_code_is_read_back_twice_in_opposite_corners(case: str, paper: Paper, kind: str) -> None:
    by_page = seen(case, paper, kind)
    wanted = expected(case, kind)
    assert sorted([one.frame.number for page in by_page for one in page]) == sorted(
        [frame.number for frame in wanted] * 2
    )
    for frame in wanted:
        pages = [page for page in by_page if frame in [one.frame for one in page]]
        assert len(pages) == 1
        first, second = (one for one in pages[0] if one.frame == frame)
        assert (first.x - 0.5) * (second.x - 0.5) < 0
        assert (first.y - 0.5) * (second.y - 0.5) < 0


@pytest.mark.parametrize(("case", "paper", "kind"), CODED)
def test_no_module_is_smaller_than_it_should_be(case: str, paper: Paper, kind: str) -> None:
    for page in seen(case, paper, kind):
        for one in page:
            drawn_code = code(encode(one.frame))
            assert drawn_code.version <= 30
            assert one.side / MM / drawn_code.modules >= (0.74 if kind == "share" else 0.62)


@pytest.mark.parametrize(("case", "paper", "kind"), CODED)
def test_zbar_reads_them_too(case: str, paper: Paper, kind: str, tmp_path: Path) -> None:
    found = [frame for picture in shown(case, paper, kind) for frame in codes_by_zbar(picture, tmp_path)]
    wanted = expected(case, kind)
    assert {frame.number for frame in found} == {frame.number for frame in wanted}
    assert all(frame in wanted for frame in found)


@pytest.mark.parametrize("document", [key_document, manifest_document, instruction_document])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_every_public_page_has_a_code_by_which_it_is_known(document: Callable[[Sheet], Document], paper: Paper) -> None:
    one = made("plain")
    drawn_ = document(Sheet(one.manifest, one.cms, paper))
    read = [{code.frame for code in every_code(picture)} for picture in pictures(drawn_.pdf)]
    assert all(read)
    marks = [frame for frames in read for frame in frames if frame.kind == "P"]
    assert marks == list(drawn_.marks)
    for number, frames in enumerate(read, 1):
        for frame in frames:
            if frame.kind == "P":
                assert (frame.number, frame.of, len(frames)) == (number, len(read), 1)
                assert frame.escrow == one.manifest.id[:10]


def cuts(picture: Image.Image) -> dict[str, tuple[float, float, float, float]]:
    """Give a fifth of the page at each edge and at each corner."""
    width, height = picture.size
    part = 0.2**0.5
    w, h = width * part, height * part
    return {
        "left": (0, 0, width * 0.2, height),
        "right": (width * 0.8, 0, width, height),
        "top": (0, 0, width, height * 0.2),
        "bottom": (0, height * 0.8, width, height),
        "upper left": (0, 0, w, h),
        "upper right": (width - w, 0, width, h),
        "lower left": (0, height - h, w, height),
        "lower right": (width - w, height - h, width, height),
    }


@pytest.mark.parametrize(("kind", "paper"), [("share", "Letter"), ("key", "A4")])
def test_a_fifth_of_the_page_gone_leaves_a_copy_of_each_code(kind: str, paper: Paper) -> None:
    for picture in pictures(drawn("plain", paper)[kind], 150):
        whole = {one.frame for one in codes(picture)}
        for name, box in cuts(picture).items():
            torn = picture.copy()
            ImageDraw.Draw(torn).rectangle(box, fill=255)
            assert {one.frame for one in codes(torn)} == whole, name


@each
def test_the_share_is_one_page_with_its_words_and_facts(case: str, paper: Paper) -> None:
    one = made(case)
    number, share = len(one.shares), one.shares[-1]
    page = drawn(case, paper)["share"]
    assert len(words(page)) == 1
    said = text(page)
    fingerprint = share.fingerprint.hex()
    for piece in (
        f"Share {number} of {number}",
        grouped(short_id(one.manifest.id)),
        grouped(fingerprint[:32]),
        grouped(fingerprint[32:]),
        spoken(share.fingerprint, 4),
        one.manifest.record.recipient.hex(),
        one.manifest.record.algorithm,
        "rita",
        "Tamper-evident bag",
    ):
        assert piece in said
    boxes = [box for box in words(page)[0][2] if box[0] in share.words and box[4] - box[2] > 4]
    in_order = sorted(boxes, key=lambda box: (round(box[2]), box[1]))
    assert [box[0] for box in in_order] == list(share.words)


@each
def test_the_form_has_no_word_and_no_code_but_the_fingerprint(case: str, paper: Paper) -> None:
    share = made(case).shares[-1]
    form = drawn(case, paper)["form"]
    said = text(form)
    assert not set(share.words[3:]) & set(said.split()) - {"words", "group", "library"}
    assert grouped(share.fingerprint.hex()[:32]) in said
    assert codes(pictures(form)[0]) == []
    assert len(words(form)) == 1


@each
def test_typed_text_comes_back_from_the_page(case: str, paper: Paper) -> None:
    one = made(case)
    for options in (("-layout",), ("-raw",)):
        read = read_lines(text(drawn(case, paper)["key"], *options), len(one.cms))
        assert read.data() == one.cms
        assert not read.corrections
        assert not read.doubts


@each
def test_the_key_pages_name_every_share(case: str, paper: Paper) -> None:
    one = made(case)
    said = text(drawn(case, paper)["key"])
    for share in one.shares:
        assert grouped(share.fingerprint.hex()[:32]) in said
    assert grouped(one.manifest.record.envelope.hex())[:30] in said
    if one.manifest.record.dnskey:
        assert one.manifest.record.dnskey.split()[-1] in "".join(text(drawn(case, paper)["key"], "-raw").split())


def test_the_manifest_comes_back_from_its_pages() -> None:
    frames = [one.frame for page in seen("sites", "Letter", "manifest") for one in page]
    assert join(frames) == made("sites").manifest.envelope


@each
def test_nothing_runs_over_a_margin_or_over_something_else(case: str, paper: Paper) -> None:
    for kind, pdf in drawn(case, paper).items():
        for number, (width, height, boxes) in enumerate(words(pdf), 1):
            for word, left, upper, right, lower in boxes:
                assert left >= MARGIN - 0.2, (kind, number, word)
                assert right <= width - MARGIN + 0.2, (kind, number, word)
                assert upper >= MARGIN - 1, (kind, number, word)
                assert lower <= height - MARGIN + 1.2, (kind, number, word)
            boxes.sort(key=lambda box: box[2])
            for at, one in enumerate(boxes):
                for other in boxes[at + 1 :]:
                    if other[2] > one[4]:
                        break
                    assert not overlap(one, other), (kind, number, one, other)


def overlap(one: tuple[str, float, float, float, float], other: tuple[str, float, float, float, float]) -> bool:
    """Whether two words lie on each other; the boxes of fonts are higher than their letters."""
    across = min(one[3], other[3]) - max(one[1], other[1])
    down = min(one[4], other[4]) - max(one[2], other[2])
    return across > 0.2 and down > 0.4 * min(one[4] - one[2], other[4] - other[2])


@pytest.mark.parametrize(("case", "paper"), [("plain", "A4"), ("small", "Letter"), ("sixteen", "Letter")])
def test_margins_and_folds_are_white(case: str, paper: Paper) -> None:
    for kind, pdf in drawn(case, paper).items():
        for picture in pictures(pdf, 60):
            mm = 60 / 25.4
            width, height = picture.width / mm, picture.height / mm
            bands = {
                "left": (0, 0, MARGIN - 0.5, height),
                "right": (width - MARGIN + 0.5, 0, width, height),
                "top": (0, 0, width, MARGIN - 0.5),
                "bottom": (0, height - MARGIN + 0.6, width, height),
                "across": (0, height / 2 - FOLD / 2 + 0.3, width, height / 2 + FOLD / 2 - 0.3),
            }
            if kind != "instructions":  # running text crosses the fold lengthwise; codes, words and typed lines do not
                bands["down"] = (width / 2 - FOLD / 2 + 0.4, 32, width / 2 + FOLD / 2 - 0.4, height)
            for name, box in bands.items():
                part = picture.crop((round(box[0] * mm), round(box[1] * mm), round(box[2] * mm), round(box[3] * mm)))
                assert part.getextrema() == (255, 255), (kind, name)


@each
def test_a_rehearsal_says_so_on_every_page_and_nothing_else_does(case: str, paper: Paper) -> None:
    rehearsal = made(case).manifest.record.rehearsal
    for pdf in drawn(case, paper).values():
        for page in text(pdf).split("\f")[:-1]:
            assert ("REHEARSAL. Made for practice" in page) == rehearsal
    for picture in pictures(drawn(case, paper)["share"], 60):
        grey = picture.histogram()[232]
        assert (grey > 0.02 * picture.width * picture.height) == rehearsal


def test_what_stands_across_a_rehearsal_is_no_text() -> None:
    assert text(drawn("rehearsal", "A4")["share"]).count("REHEARSAL") == 1


@each
def test_pdf_is_well_formed_with_its_fonts_in_it(case: str, paper: Paper, tmp_path: Path) -> None:
    for kind, pdf in drawn(case, paper).items():
        path = tmp_path / f"{kind}.pdf"
        path.write_bytes(pdf)
        subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)
        listed = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
        assert listed
        assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in listed)  # embedded, subset, to Unicode
        assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in pdf
        assert subprocess.run(["pdfimages", "-list", path], check=True, capture_output=True).stdout.count(b"\n") == 2
        size = (210, 297) if paper == "A4" else (215.9, 279.4)
        assert all((round(w, 1), round(h, 1)) == size for w, h, _ in words(pdf))


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("plain", "One of 7 shares of a secret. Any 3 of 7 shares open"),
        ("sixteen", "One of 16 shares of a secret. All 16 shares open"),
        ("sites", "Any 2 of 3 groups open"),
        ("sites", "Of its group it takes any 3 of 5 shares."),
        ("alone", "There is no other share of it."),
    ],
)
def test_how_many_are_needed(case: str, said: str) -> None:
    assert said in " ".join(text(drawn(case, "A4")["share"], "-raw").split())


def test_the_same_input_gives_the_same_bytes() -> None:
    program = (
        "import hashlib; from tests.paper import test_pages as t; "
        "print([hashlib.sha256(pdf).hexdigest() for pdf in t.drawn('small', 'A4').values()])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(runs) == 1


def test_refused() -> None:
    one, other = made("plain"), made("small")
    with pytest.raises(RefusedError, match="not the one that the manifest names"):
        Sheet(one.manifest, other.cms)
    with pytest.raises(RefusedError, match="not the one that the manifest names"):
        Sheet(one.manifest, one.cms[:-1] + b"\0")
    with pytest.raises(UsageError, match="A4 or Letter"):
        Sheet(one.manifest, one.cms, "A5")  # type: ignore[arg-type]
    sheet = Sheet(one.manifest, one.cms)
    with pytest.raises(RefusedError, match="not the words of share 1") as caught:
        share_pages(sheet, 1, one.shares[1].text)
    assert one.shares[1].words[8] not in str(caught.value)
    for number in (0, 8):
        with pytest.raises(UsageError, match=f"no share {number}"):
            form_pages(sheet, number)
