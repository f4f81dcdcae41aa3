"""Single fields as text: numbers, base64, labels, domain names; one spelling each, so that equal data are equal texts.

Refused: signs, leading zeros, white space, base64 with unused bits set or without its padding, names outside ASCII
(an internationalized name is written in its xn-- form).
"""

import base64
import binascii

import dns.exception
import dns.name

from keyquorum.errors import MalformedError

_NO_SPACE = dict.fromkeys(map(ord, " \t\r\n"))


def shown(text: object) -> str:
    """Quote the beginning of a foreign text so that it cannot do anything to a terminal."""
    whole = str(text)
    return ascii(whole[:60]) + ("..." if len(whole) > 60 else "")


def decimal(text: str) -> int:
    """Read a number in decimal: digits, no sign, no leading zero, at most 20 of them; MalformedError else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or (text[0] == "0" and text != "0"):
        raise MalformedError(f"{shown(text)} is not a number in plain decimal")
    return int(text)


def canonical_base64(text: str) -> bytes:
    """Read base64 (RFC 4648 section 4) in its one canonical form, not empty; MalformedError else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode("ascii") != text:
        raise MalformedError("not base64 in its canonical form (padded, no white space, unused bits zero)")
    return data


def spaced_base64(text: str) -> bytes:
    """Read base64 that is canonical but for white space, which is no part of it (xsd:base64Binary); MalformedError."""
    return canonical_base64(text.translate(_NO_SPACE))


def printable(text: str) -> str:
    """Read what somebody calls a thing: printable ASCII, not empty; MalformedError else."""
    if not text or not (text.isascii() and text.isprintable()):
        raise MalformedError("empty, or not printable ASCII")
    return text


def uuid_text(data: bytes, version: int) -> str:
    """Write 16 bytes as a UUID (RFC 9562): ``version`` 4 for random bytes, 8 for anything else; 6 bits are lost."""
    number = int.from_bytes(data[:16], "big")
    number = (number & ~(0xF << 76) & ~(0x3 << 62)) | version << 76 | 0x2 << 62
    text = f"{number:032x}"
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def domain(text: str, origin: dns.name.Name | None = dns.name.root) -> dns.name.Name:
    """Read a domain name as in a zone file (RFC 1035 section 5.1), made absolute with ``origin`` and in lower case.

    ``@`` is the origin. Raises MalformedError, also for a relative name where there is no origin.
    """
    if not (text.isascii() and text.isprintable()) or " " in text or '"' in text.replace('\\"', ""):
        raise MalformedError(f"{shown(text)} is not a domain name in ASCII")
    try:
        # An empty text would be the origin.
        name = dns.name.from_text(text, origin) if text else None
    except (dns.exception.DNSException, ValueError):
        name = None
    if name is None:
        raise MalformedError(f"{shown(text)} is not a domain name")
    if not name.is_absolute():
        raise MalformedError(f"{shown(text)} is relative to nothing", do="Write the whole name with its last dot.")
    return name.canonicalize()
