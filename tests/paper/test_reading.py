"""Pages back from files as scanners and phones make them."""

import io
import struct
import zlib
from contextlib import suppress
from functools import cache

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keyquorum.errors import KeyquorumError, LimitError, MalformedError
from keyquorum.paper.frames import Frame
from keyquorum.paper.pages import Sheet, key_pages, share_pages
from keyquorum.paper.pictures import PAGE_LIMIT
from keyquorum.paper.reading import read_file
from tests.paper.escrows import escrow
from tests.paper.rendered import rendered


@cache
def share_picture() -> Image.Image:
    made = escrow("ED25519")
    return rendered(share_pages(Sheet(made.manifest, made.cms), 1, made.shares[0].text))[0].picture


def saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def shares_in(data: bytes) -> list[list[Frame]]:
    return [[frame for frame in reading.frames if frame.kind == "S"] for reading in read_file(data, "scan")]


ONE_BIT = {"compression": "group4"}
FILES = {
    "png": lambda: saved(share_picture(), "PNG"),
    "1 bit": lambda: saved(share_picture().convert("1"), "PNG"),
    "palette": lambda: saved(share_picture().convert("P"), "PNG"),
    "transparent": lambda: saved(transparent(), "PNG"),
    "16 bit": lambda: saved(share_picture().convert("I").point(lambda value: value * 256).convert("I;16"), "PNG"),
    "jpeg": lambda: saved(share_picture().convert("RGB"), "JPEG", quality=60),
    "cmyk": lambda: saved(share_picture().convert("CMYK"), "JPEG", quality=80),
    "fax": lambda: saved(share_picture().convert("1"), "TIFF", **ONE_BIT),
    "upside down": lambda: saved(share_picture().transpose(Image.Transpose.ROTATE_180), "PNG"),
    "on its side": lambda: saved(share_picture().transpose(Image.Transpose.ROTATE_90), "JPEG"),
    "scan in pdf": lambda: saved(share_picture(), "PDF", resolution=300),
    "negative": lambda: saved(share_picture().point(lambda value: 255 - value), "PNG"),
}


def transparent() -> Image.Image:
    """Black ink on nothing."""
    page = Image.new("LA", share_picture().size)
    page.putalpha(share_picture().point(lambda value: 255 - value))
    return page


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file(name: str) -> None:
    (page,) = shares_in(FILES[name]())
    (frame,) = page
    assert frame.text == escrow("ED25519").shares[0].text


def test_many_pages_in_one_file() -> None:
    empty = Image.new("L", share_picture().size, 255)
    tiff = saved(share_picture(), "TIFF", save_all=True, append_images=[empty, share_picture()])
    assert [len(page) for page in shares_in(tiff)] == [1, 0, 1]
    assert [reading.where for reading in read_file(tiff, "all.tif")] == [f"all.tif, page {n}" for n in (1, 2, 3)]


def test_the_pages_of_a_key_as_they_were_made() -> None:
    made = escrow("RSASHA256", 2048)
    readings = read_file(key_pages(Sheet(made.manifest, made.cms)), "key.pdf")
    assert {frame.kind for reading in readings for frame in reading.frames} == {"K", "P"}
    assert not [trouble for reading in readings for trouble in reading.troubles]


def test_codes_that_are_none_of_ours_are_said_and_not_shown() -> None:
    code = io.BytesIO()
    segno.make_qr("SECRET OF SOMEBODY ELSE").save(code, kind="png", scale=8, border=8)
    (reading,) = read_file(code.getvalue(), "x.png")
    assert reading.frames == ()
    assert reading.troubles == ("1 QR code on it that is none of ours",)


def test_words_do_not_show() -> None:
    (reading,) = read_file(FILES["png"](), "scan.png")
    assert all(word not in repr(reading) for word in escrow("ED25519").shares[0].words if len(word) > 5)


def bomb() -> bytes:
    """A PNG that says it has 10^10 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", MalformedError),
        (b"%PDF-1.4 and nothing", MalformedError),
        (b"GIF89a", MalformedError),
        (bomb(), MalformedError),
        (bytes((1 << 27) + 1), LimitError),
    ],
    ids=["empty", "pdf", "gif", "bomb", "large"],
)
def test_refused(data: bytes, error: type[KeyquorumError]) -> None:
    with pytest.raises(error) as caught:
        read_file(data, "scan")
    assert "scan" in caught.value.where


def test_too_many_pages() -> None:
    dot = Image.new("1", (1, 1))
    tiff = saved(dot, "TIFF", save_all=True, append_images=[dot] * PAGE_LIMIT)
    with pytest.raises(LimitError, match="201 pages"):
        read_file(tiff, "scan.tif")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["png", "fax"]), st.data())
def test_damaged_files_end_in_our_errors_or_readings(name: str, draw: st.DataObject) -> None:
    data = bytearray(small()[name])
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    del data[draw.draw(st.integers(1, len(data))) :]
    with suppress(KeyquorumError):
        assert isinstance(read_file(bytes(data), "scan"), list)


@cache
def small() -> dict[str, bytes]:
    picture = share_picture().resize((124, 175))
    return {"png": saved(picture, "PNG"), "fax": saved(picture.convert("1"), "TIFF", **ONE_BIT)}
