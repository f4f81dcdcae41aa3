"""The words of the instruction pages: the way from shares and pages to the private key, with stock tools only.

A command begins with ``$ ``; where a line ends with a backslash it goes on in the next, which begins with blanks.
Nothing else stands on its line, and no blank in it is doubled, as programs that take text out of a PDF drop one.
Copied from the page's text, or typed from it, the commands run as they stand: a test does that.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keyquorum.errors import MalformedError
from keyquorum.paper.frames import short_id
from keyquorum.paper.sheet import Sheet
from keyquorum.paper.typed import BLOCK, lines

_POINT_LENGTHS: Final = {"ECDSAP256SHA256": 64, "ECDSAP384SHA384": 96, "ED25519": 32, "ED448": 57}
"""Bytes of the public key in a DNSKEY, which are also the last ones of a SubjectPublicKeyInfo (RFC 6605, RFC 8080)."""


@dataclass(frozen=True, slots=True)
class Says:
    """A paragraph; `` `code` `` and ``*bold*`` are marked."""

    text: str


@dataclass(frozen=True, slots=True)
class Types:
    """Commands, or other lines that are kept as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A heading, in the margin, and what there is to read and to type."""

    title: str
    parts: tuple[Says | Types, ...]


def steps(sheet: Sheet) -> tuple[Step, ...]:
    """Give the steps for this escrow."""
    return (
        _needed(sheet),
        _check(sheet),
        _secret(sheet),
        _codes(sheet),
        _text(sheet),
        _compare(sheet),
        _decrypt(sheet),
        _confirm(sheet),
        _afterwards(),
        _formats(sheet),
    )


def _needed(sheet: Sheet) -> Step:
    newer = "3.5" if sheet.record.algorithm == "ML-DSA-44" else "3.0"
    return Step(
        "What it takes",
        (
            Says(
                f"Shares of this escrow, {_shares_needed(sheet)}; the pages of the encrypted key, in any copy; a "
                "computer that nobody else uses and that is on no network again, started from a medium that can be "
                "destroyed, without swap."
            ),
            Says(
                f"On it: bash, GNU coreutils, OpenSSL {newer} or newer, and a program for SLIP-39 such as `shamir` "
                "(the Python package `shamir-mnemonic[cli]`). To read QR codes from pictures: `zbarimg` of zbar-tools, "
                "or any other reader; without one, key.cms is typed."
            ),
            Says(
                "Lines that begin with $ are typed as they stand, without the $, in one session of bash; a line that "
                "ends with \\ goes on in the next. Files are kept in memory:"
            ),
            Types(('$ cd "$(mktemp -d -p /dev/shm)"',)),
        ),
    )


def _shares_needed(sheet: Sheet) -> str:
    if len(sheet.record.groups) == 1:
        return sheet.needed
    return f"{sheet.needed}, of each as many as stand with it on the first of the key's pages"


def _check(sheet: Sheet) -> Step:
    return Step(
        "1  Check each share",
        (
            Says("Type its 33 words in their order, in small letters, with one blank between two, and Enter:"),
            Types(("$ read -r words", "$ printf '%s' \"$words\" | sha256sum")),
            Says(
                "That prints the share's fingerprint, as it stands on its page and on the first of the key's pages. If "
                "it prints another, a word is wrong; look for it before going on."
            ),
            Says("From a picture of its page, `share.png` in this directory, instead of the first line:"),
            Types((
                f"$ words=$(zbarimg --raw -q share.png | grep '^{_mark(sheet, 'S')}' | \\",
                "    head -n 1 | cut -d: -f5 | tr A-Z a-z)",
            )),
            Says('Then `echo "$words"` shows them.'),
        ),
    )  # fmt: skip


def _mark(sheet: Sheet, kind: str) -> str:
    """Give how each QR code of this kind begins."""
    return f"KQ1{'R' * sheet.record.rehearsal}:{kind}:{short_id(sheet.manifest.id)}:"


def _secret(sheet: Sheet) -> Step:
    record = sheet.record
    groups = "one group" if len(record.groups) == 1 else f"{record.group_threshold} of {len(record.groups)} groups"
    return Step(
        "2  The master secret",
        (
            Says("Start the program and type the words of one share after another:"),
            Types(("$ shamir recover",)),
            Says("When there are enough it prints `Your master secret is:` and 64 digits. Type these after"),
            Types(("$ read -r secret",)),
            Says(
                f"For other programs: SLIP-39, 256 bits, no passphrase, not extendable, iteration exponent 0, "
                f"{groups}, identifier {record.identifier}."
            ),
        ),
    )


def _codes(sheet: Sheet) -> Step:
    return Step(
        "3  From QR codes",
        (
            Says("Put pictures of the key's pages, scanned at 300 dpi, into this directory as `key-1.png` and so on."),
            Types((
                "$ zbarimg --raw -q key-*.png > codes.txt",
                f"$ grep '^{_mark(sheet, 'K')}' codes.txt | \\",
                "    sort -t: -k4,4n -u | cut -d: -f5 | tr -d '\\n' | base32 -d > key.cms",
            )),
            Says(
                "What `zbarimg` says of D-Bus means nothing. With another reader, write the text of each code into "
                "`codes.txt`, one a line."
            ),
        ),
    )  # fmt: skip


def _text(sheet: Sheet) -> Step:
    count = len(lines(sheet.cms))
    return Step(
        "3  or from text",
        (
            Says(
                f"Type the {count} numbered lines of key.cms as text, with number and check characters and in "
                "capitals, into the file `typed.txt`; in order, and nothing else."
            ),
            Types((
                "$ cut -d' ' -f3- typed.txt | tr -d ' \\n' | base32 -d > key.cms",
                f"$ for n in $(seq 1 {BLOCK} {count}); do sed -n \"$n,$((n+{BLOCK - 1}))p\" typed.txt | \\",
                "    cut -d' ' -f3- | tr -d ' \\n' | sha256sum | cut -c1-8; done",
            )),
            Says(f"The second prints for each {BLOCK} lines what stands behind them on the page."),
        ),
    )  # fmt: skip


def _compare(sheet: Sheet) -> Step:
    return Step(
        "4  Is it whole?",
        (
            Says("Compare with what was made:"),
            Types(("$ printf '%s *key.cms\\n' \\", f"    {sheet.cms_digest.hex()} | sha256sum -c")),
            Says("must print `key.cms: OK`. If it does not, stop: a code was misread, or this is not its escrow."),
        ),
    )


def _decrypt(sheet: Sheet) -> Step:
    return Step(
        "5  Decrypt",
        (
            Says("Without a message, that makes the file `key.der`:"),
            Types((
                '$ openssl cms -decrypt -inform DER -in key.cms -secretkey "$secret" \\',
                f"    -secretkeyid {sheet.record.recipient.hex()} \\",
                "    -out key.der || { rm -f key.der; echo FAILED; }",
            )),
            Says(
                "*Two traps.* On a file that was changed OpenSSL reports an error and "
                "still leaves what it decrypted, right or wrong; hence the `rm`. And while it runs, the secret stands "
                "in the list of processes."
            ),
        ),
    )  # fmt: skip


def _confirm(sheet: Sheet) -> Step:
    parts: list[Says | Types] = [
        Says("Its public half tells."),
        Types(("$ openssl pkey -inform DER -in key.der -pubout -outform DER | sha256sum",)),
        Says("must print the SHA-256 of the public key:"),
        Types((sheet.public_digest.hex(),)),
    ]
    if sheet.record.dnskey:
        parts += [Types(_dnskey_commands(sheet)), Says("prints the key in the DNSKEY, which is on the key's pages.")]
    return Step("6  Is it the key?", tuple(parts))


def _dnskey_commands(sheet: Sheet) -> tuple[str, ...]:
    """Give the commands that print the key of the DNSKEY in base64."""
    length = _POINT_LENGTHS.get(sheet.record.algorithm)
    if length:
        return (f"$ openssl pkey -inform DER -in key.der -pubout -outform DER | tail -c {length} | base64 -w0",)
    exponent = _exponent(sheet.record.public_key)
    octets = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    escapes = "".join(f"\\{octet:03o}" for octet in bytes([len(octets)]) + octets)  # RFC 3110 section 2
    return (
        f"$ {{ printf '{escapes}'; \\",
        "    openssl rsa -inform DER -in key.der -noout -modulus | cut -d= -f2 | \\",
        "    basenc -d --base16; } | base64 -w0",
    )


def _exponent(public_key: bytes) -> int:
    key = load_der_public_key(public_key)
    if not isinstance(key, RSAPublicKey):
        raise MalformedError("the manifest's public key is not an RSA key", where="public_key")
    return key.public_numbers().e


def _afterwards() -> Step:
    return Step(
        "7  Then",
        (
            Says(
                "`key.der` is the private key, not encrypted, as PKCS #8; what wants PEM takes `key.pem` of the next "
                "line. Load it where it is to live, sign with it there, verify the signature, and switch this computer "
                "off: everything was in memory."
            ),
            Types(("$ openssl pkey -inform DER -in key.der -out key.pem",)),
            Says(
                "That revokes nothing: whoever has enough of these shares and a copy of key.cms has the key, also "
                "after it was split again. Only rolling the zone over to another key, or destroying shares, ends that."
            ),
        ),
    )


def _formats(sheet: Sheet) -> Step:
    return Step(
        "Formats",
        (
            Says(
                "*Share:* SLIP-0039, 33 words of 10 bits; the last three are its checksum. *Fingerprint:* SHA-256 of "
                "the words in small letters with single blanks, no line break. *key.cms:* CMS AuthEnvelopedData (RFC "
                "5083) in DER, AES-256-GCM (RFC 5084), its key wrapped with AES-256 key wrap (RFC 3394) under the "
                f"master secret for the recipient {sheet.record.recipient.hex()}; in it, PKCS #8 (RFC 5958)."
            ),
            Says(
                "*QR codes,* in capitals: `KQ1:K:ID:i/n:BASE32` is part i of n of key.cms, `KQ1:M:ID:i/n:BASE32` of "
                "the manifest escrow.json (line breaks fill up its end), `KQ1:S:ID:NUMBER:WORDS` a share; a rehearsal "
                "has `KQ1R`. Base32 is that of RFC 4648. ID is the base32 of the first 10 bytes of the escrow's id, "
                "the SHA-256 of the manifest's document."
            ),
            Says(
                "*Typed lines:* number, 4 check characters, 25 characters of base32. The check characters are those of "
                "a Reed-Solomon code over GF(32), x^5+x^2+1, whose generator has the roots a, a^2, a^3, a^4 for a = x, "
                "of the number (divided by 32, and the remainder), the text (A fills up the last line) and the check; "
                "two wrong characters in a line can be put right."
            ),
        ),
    )
