"""Looks for secrets in whatever was written: in all the spellings in which bytes and words may show.

Found: a piece of 31 bytes or more (or the first 16) as it is, reversed, in hexadecimal, base32, base64, decimal, as
Python or JSON would print it, in any case, with anything between its characters, in UTF-16; four words or more of a
share, also by their first four letters; all this also in gzip and zlib streams, in the text of PDF, and in the codes
on its pages and on PNG and JPEG pictures.
"""

import base64
import re
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO

import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from PIL import Image
from shamir_mnemonic.share import Share  # type: ignore[import-untyped]

_PIECE = 16
"""Bytes, and characters, of which a match is no chance."""
_WORDS_PIECE = 24
_HEADER_WORDS = 4
"""Words of a share that say which it is (SLIP-39: identifier, groups, thresholds): no secret."""
_NOT_LETTERS = bytes(code for code in range(256) if not chr(code).isalnum() or code > 127)
_DEEPEST = 3
_LONGEST_NUMBER = 1 << 10  # bytes; Python prints no longer numbers
_LARGEST = 1 << 28


def key_secrets(pkcs8: bytes, kek: bytes, shares: list[str]) -> dict[str, bytes]:
    """Give what is secret in an escrow: the parts of the private key, the key-encryption key, and each share.

    ``shares`` are texts of words, each a whole share of SLIP-39.
    """
    found = {"the key-encryption key": kek}
    key = load_der_private_key(pkcs8, None)
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp"):
            value: int = getattr(numbers, name)
            found[f"RSA {name}"] = value.to_bytes((value.bit_length() + 7) // 8, "big")
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        found["the EC scalar"] = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    elif isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        found["the EdDSA seed"] = key.private_bytes_raw()
    else:
        # ML-DSA: PKCS#8 of the seed alone, which ends it.
        found["the seed"] = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())[-32:]
    for number, words in enumerate(shares, 1):
        found[f"share {number}"] = words.encode()
        found[f"the value of share {number}"] = Share.from_mnemonic(words).value
    return found


class Search:
    """A search for some secrets, by name. A secret of fewer than 16 bytes (a PIN) is looked for only as it is."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._raw: dict[bytes, str] = {}
        self._text: dict[int, dict[bytes, str]] = {_PIECE: {}, _WORDS_PIECE: {}}
        self._short = {secret: name for name, secret in secrets.items() if len(secret) < _PIECE}
        for name, secret in secrets.items():
            if len(secret) < _PIECE:
                continue
            if re.fullmatch(rb"[a-z]+( [a-z]+){19,}", secret):
                self._words(name, secret.decode().split())
                continue
            for form in (secret, secret[::-1]):
                self._raw.update(dict.fromkeys(_pieces(form, _PIECE), name))
            for form in map(_squeezed, spellings(secret)):
                self._text[_PIECE].update(dict.fromkeys(_pieces(form, _PIECE), name))

    def _words(self, name: str, words: list[str]) -> None:
        for spelt in (words, [word[:4] for word in words]):
            for start in range(_HEADER_WORDS, len(spelt)):
                piece = "".join(spelt[start:]).encode()[:_WORDS_PIECE]
                if len(piece) == _WORDS_PIECE:
                    self._text[_WORDS_PIECE][piece] = name

    def found_in(self, content: bytes) -> set[str]:
        """Give the names of the secrets that show in ``content``."""
        found = set()
        for reading in readings(content):
            found |= {name for secret, name in self._short.items() if secret in reading}
            found |= _among(self._raw, reading, _PIECE)
            text = _squeezed(reading)
            for length, pieces in self._text.items():
                found |= _among(pieces, text, length)
        return found


def spellings(secret: bytes) -> Iterator[bytes]:
    """Give ``secret`` as text, in every alphabet and at every alignment; case and punctuation do not matter."""
    for form in (secret, secret[::-1]):
        yield form.hex().encode()
        if len(form) <= _LONGEST_NUMBER:
            yield str(int.from_bytes(form, "big")).encode()
        yield "".join(map(str, form)).encode()
        yield "".join(f"x{byte:02x}" for byte in form).encode()
        yield "".join(f"0x{byte:02x}" for byte in form).encode()
        yield repr(form)[2:-1].encode()
        for skip in range(5):
            yield base64.b32encode(form[skip : len(form) - (len(form) - skip) % 5])
            yield base64.b32hexencode(form[skip : len(form) - (len(form) - skip) % 5])
        for skip in range(3):
            yield base64.b64encode(form[skip : len(form) - (len(form) - skip) % 3])


def readings(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """Give ``content``, and what a program would read out of it: unpacked streams, the text and codes of pages."""
    yield content
    if depth == _DEEPEST:
        return
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08", content):
        if unpacked := _unpacked(memoryview(content)[match.start() :]):
            yield from readings(unpacked, depth + 1)
    for document in content.split(b"%PDF-")[1:]:
        yield from _of_document(b"%PDF-" + document)
    for match in re.finditer(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff", content):
        yield from _of_picture(content[match.start() :])


def _unpacked(stream: memoryview) -> bytes:
    try:
        return zlib.decompressobj(47).decompress(stream, _LARGEST)  # zlib or gzip, whichever it is
    except zlib.error:
        return b""


def _of_document(data: bytes) -> Iterator[bytes]:
    said = subprocess.run(["pdftotext", "-raw", "-", "-"], input=data, capture_output=True, check=False)
    yield said.stdout
    drawn = subprocess.run(["pdftoppm", "-r", "200", "-gray"], input=data, capture_output=True, check=False).stdout
    while drawn:  # one picture after the other
        with Image.open(BytesIO(drawn)) as page:
            page.load()
            yield from _codes(page)
            head = re.match(rb"P5\s+\d+\s+\d+\s+\d+\s", drawn)
            assert head is not None
            drawn = drawn[head.end() + page.width * page.height :]


def _of_picture(data: bytes) -> Iterator[bytes]:
    try:
        with Image.open(BytesIO(data)) as picture:
            yield from _codes(picture.convert("L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return


def _codes(picture: Image.Image) -> Iterator[bytes]:
    for code in zxingcpp.read_barcodes(picture):
        yield bytes(code.bytes)


def _pieces(form: bytes, length: int) -> Iterator[bytes]:
    """Cut ``form`` so that any stretch of 31 bytes or more of it holds a whole piece."""
    for start in (*range(0, len(form) - length, length), len(form) - length):
        if start >= 0:
            yield form[start : start + length]


def _among(pieces: dict[bytes, str], content: bytes, length: int) -> set[str]:
    if not pieces:
        return set()
    return {pieces[piece] for at in range(len(content)) if (piece := content[at : at + length]) in pieces}


def _squeezed(content: bytes) -> bytes:
    return content.translate(None, _NOT_LETTERS).lower()
