"""The search of the checker finds a secret in each spelling, packed, printed or drawn, and nothing by chance."""

import base64
import gzip
import hashlib
import json
import random
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fpdf import FPDF
from shamir_mnemonic import shamir  # type: ignore[import-untyped]

from tests.scenarios.written_secrets import Search, key_secrets

SECRET = hashlib.sha256(b"what leaks").digest()
SECRETS = {"it": SECRET}
KEK = hashlib.sha256(b"kek").digest()
WORDS: list[str] = shamir.generate_mnemonics(1, [(2, 3)], KEK, extendable=False)[0]
SHARE = WORDS[1].split()
ALL_SHARES = Search({f"share {number}": words.encode() for number, words in enumerate(WORDS, 1)})


def wrapped(text: bytes, width: int = 64) -> bytes:
    return b"\n".join(text[at : at + width] for at in range(0, len(text), width))


SPELLINGS = {
    "raw": SECRET, "reversed": SECRET[::-1], "its beginning": SECRET[:16], "a part": SECRET[1:],
    "hex": SECRET.hex().encode(), "HEX": SECRET.hex().upper().encode(), "with colons": SECRET.hex(":").encode(),
    "hex of its beginning": SECRET[:16].hex().encode(), "hex, reversed": SECRET[::-1].hex().encode(),
    "decimal": str(int.from_bytes(SECRET, "big")).encode(), "repr": repr(SECRET).encode(),
    "little-endian": str(int.from_bytes(SECRET, "little")).encode(), "JSON": json.dumps(list(SECRET)).encode(),
    "C": ", ".join(f"0x{one:02x}" for one in SECRET).encode(), "repr of another": repr(bytearray(SECRET)).encode(),
    **{f"base64 at {at}": base64.b64encode(bytes(at) + SECRET) for at in range(3)},
    "base64url": base64.urlsafe_b64encode(b"ab" + SECRET), "base64 of its beginning": base64.b64encode(SECRET[:16]),
    "PEM": wrapped(base64.b64encode(b"abcdefghijklmnopqrstuvw" + SECRET)),
    **{f"base32 at {at}": base64.b32encode(bytes(at) + SECRET).lower() for at in range(5)},
    "base32 in groups": wrapped(base64.b32encode(SECRET), 5), "UTF-16": SECRET.hex().encode("utf-16-le"),
    "gzip": gzip.compress(b"before" + SECRET), "zlib": zlib.compress(b"x" * 99 + SECRET.hex().encode()),
    "twice packed": zlib.compress(gzip.compress(SECRET)),
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_found(spelling: str) -> None:
    search = Search(SECRETS)
    assert search.found_in(b"before " + SPELLINGS[spelling] + b" after") == {"it"}


def test_nothing_is_found_in_chance() -> None:
    search = Search(SECRETS | key_secrets(pkcs8_of(ed25519.Ed25519PrivateKey.generate()), KEK, WORDS))
    assert not search.found_in(random.Random(1).randbytes(1 << 19))
    assert not search.found_in(random.Random(1).randbytes(1 << 18).hex().encode())


TEXTS = {
    "as it is": " ".join(SHARE), "a column": "\n".join(SHARE).upper(), "one word": "".join(SHARE),
    "a code": "KQ1:S:ABC:2:" + " ".join(SHARE).upper(), "the end": " ".join(SHARE[8:]),
    "a part": " ".join(SHARE[20:26]), "a list": json.dumps(SHARE),
    "four letters of each": " ".join(word[:4] for word in SHARE),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_words_are_found(text: str, encoding: str) -> None:
    assert ALL_SHARES.found_in(TEXTS[text].encode(encoding)) == {"share 2"}


def test_words_that_are_no_secret_are_not() -> None:
    wordlist = Path(shamir.__file__).with_name("wordlist.txt").read_bytes()
    assert not ALL_SHARES.found_in(wordlist)
    assert not ALL_SHARES.found_in(" ".join(SHARE[:4]).encode())


def page() -> bytes:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=10)
    for number, word in enumerate(SHARE):
        document.text(20 + 40 * (number % 4), 20 + 6 * (number // 4), word)
    return bytes(document.output())


def code(kind: str) -> bytes:
    out = BytesIO()
    segno.make_qr("KQ1:S:X:2:" + " ".join(SHARE).upper(), error="q").save(out, kind=kind, scale=4)
    return out.getvalue()


def test_pages_and_pictures_are_read() -> None:
    for document in (page(), code("pdf"), code("png")):
        assert b"".join(map(str.encode, SHARE)) not in document
        assert ALL_SHARES.found_in(b"before" + document + b"after") == {"share 2"}
    assert ALL_SHARES.found_in(page() + code("pdf")) == {"share 2"}


def pkcs8_of(key: object) -> bytes:
    made: bytes = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return made


KEYS: dict[str, Callable[[], object]] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
}


def public_of(key: object) -> bytes:
    public = key.public_key()  # type: ignore[attr-defined]
    made: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return made


@pytest.mark.parametrize("name", KEYS)
def test_what_is_secret_in_an_escrow(name: str) -> None:
    key = KEYS[name]()
    pkcs8 = pkcs8_of(key)
    secrets = key_secrets(pkcs8, KEK, WORDS)
    search = Search(secrets)
    shares = {f"{what}share {number}" for what in ("", "the value of ") for number in (1, 2, 3)}
    of_key = set(secrets) - shares - {"the key-encryption key"}
    assert len(of_key) == (6 if name == "RSA" else 1)
    for form in (pkcs8, base64.encodebytes(pkcs8), pkcs8.hex(":").encode()):
        assert search.found_in(form) == of_key
    assert not search.found_in(public_of(key))
