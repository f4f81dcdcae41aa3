"""Records at a zone's apex that a KSK signs, out of presentation form: DNSKEY, CDS, CDNSKEY, and RRsets of them.

One record at a time, with what it inherits from those before: origin, owner, TTL. Records of other types are told by
their type alone; their data are not looked at. Refused: classes other than IN, ``$INCLUDE`` and other directives,
the generic form ``TYPE48``, TTLs that differ within an RRset (RFC 2181 section 5.2), the same record twice.
"""

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dns.dnssectypes
import dns.exception
import dns.name
import dns.rdatatype
import dns.ttl

from keyquorum.dnssec.fields import canonical_base64, decimal, domain, shown
from keyquorum.dnssec.model import CDNSKEY, CDS, PROTOCOL, TTL_LIMIT, Dnskey, ParentRrset, PublishedKey
from keyquorum.dnssec.zone_lines import Record
from keyquorum.errors import LimitError, MalformedError

RECORD_LIMIT = 64
"""The most records of one type that one zone may have here."""

DNSKEY = int(dns.rdatatype.DNSKEY)
_FOREIGN_CLASSES = frozenset({b"CH", b"CHAOS", b"HS", b"HESIOD", b"CS", b"NONE", b"ANY"})
_KINDS = {b"DNSKEY": DNSKEY, b"CDS": CDS, b"CDNSKEY": CDNSKEY}
_GENERIC = {b"TYPE%d" % number: name.decode("ascii") for name, number in _KINDS.items()}
# RFC 3658, RFC 4509, RFC 6605: bytes of a digest.
_DIGEST_LENGTHS = {1: 20, 2: 32, 4: 48}


@dataclass(frozen=True, slots=True)
class ApexRecord:
    """A DNSKEY record (``data`` is the key), or a CDS or CDNSKEY record (the RDATA); ``kind`` is the type."""

    owner: dns.name.Name
    kind: int
    ttl: int
    data: Dnskey | bytes


class RecordReader:
    """Reads records one after the other; keeps what one record leaves behind for the next."""

    def __init__(self) -> None:
        self.origin: dns.name.Name | None = None
        self.default_ttl: int | None = None
        self.last_ttl: int | None = None
        # The owner as written, and the origin it was written under; only owners of records that matter are read.
        self.owner: tuple[bytes, dns.name.Name | None] | None = None
        self.read_owner: tuple[bytes, dns.name.Name | None] | None = None
        self.name = dns.name.root

    def take(self, record: Record) -> ApexRecord | None:
        """Take one record or directive; gives None for what is no DNSKEY, CDS or CDNSKEY record; MalformedError."""
        tokens = record.tokens
        if tokens[0].startswith(b"$"):
            self._directive(tokens)
            return None
        position = 0
        if not record.indented:
            self.owner = (tokens[0], self.origin)
            position = 1
        explicit: int | None = None
        for token in tokens[position : position + 2]:
            upper = token.upper()
            if token[:1].isdigit() and explicit is None:
                explicit = self.last_ttl = _ttl(token)
            elif upper in _FOREIGN_CLASSES or upper.startswith(b"CLASS"):
                raise MalformedError(f"class {shown(_text(upper))}; only IN has DNSSEC")
            elif upper != b"IN":
                break
            position += 1
        name = tokens[position].upper() if position < len(tokens) else b""
        kind = _KINDS.get(name)
        if kind is None:
            _check_other(name)
            return None
        ttl = next((one for one in (explicit, self.default_ttl, self.last_ttl) if one is not None), None)
        if ttl is None:
            raise MalformedError("a record without a TTL", do="Give it one, or write $TTL above it.")
        fields = tokens[position + 1 :]
        if kind == CDS:
            return ApexRecord(self._owner(), kind, ttl, _cds(fields))
        key = _dnskey(fields)
        return ApexRecord(self._owner(), kind, ttl, key if kind == DNSKEY else key.wire())

    def _directive(self, tokens: list[bytes]) -> None:
        name = tokens[0].upper()
        if name not in {b"$ORIGIN", b"$TTL"} or len(tokens) != 2:
            raise MalformedError(
                f"the directive {shown(_text(tokens[0]))}; only $ORIGIN NAME and $TTL SECONDS are read"
            )
        if name == b"$TTL":
            self.default_ttl = _ttl(tokens[1])
        else:
            self.origin = domain(_text(tokens[1]), self.origin)

    def _owner(self) -> dns.name.Name:
        if self.owner is None:
            raise MalformedError("a record without an owner")
        if self.owner != self.read_owner:
            self.name = domain(_text(self.owner[0]), self.owner[1])
            self.read_owner = self.owner
        return self.name


class ApexRrsets:
    """The RRsets of one zone as they come in, record by record."""

    def __init__(self) -> None:
        self.keys: list[PublishedKey] = []
        self._rdatas: dict[int, list[bytes]] = {}
        self._ttls: dict[int, int] = {}

    def add(self, record: ApexRecord) -> None:
        """Add one record; raises MalformedError where it does not fit the ones before."""
        data = record.data
        name = "DNSKEY" if isinstance(data, Dnskey) else "CDS" if record.kind == CDS else "CDNSKEY"
        seen = len(self.keys) if isinstance(data, Dnskey) else len(self._rdatas.get(record.kind, ()))
        if seen == RECORD_LIMIT:
            raise LimitError(f"more than {RECORD_LIMIT} {name} records of one zone")
        ttl = self._ttls.setdefault(record.kind, record.ttl)
        if ttl != record.ttl:
            raise MalformedError(f"TTL {record.ttl}, where the record before has {ttl} (RFC 2181 section 5.2)")
        if isinstance(data, Dnskey):
            if any(data == other.key for other in self.keys):
                raise MalformedError("the same DNSKEY again")
            self.keys.append(PublishedKey(data, ttl))
            return
        rdatas = self._rdatas.setdefault(record.kind, [])
        if data in rdatas:
            raise MalformedError(f"the same {name} again")
        rdatas.append(data)

    def for_parent(self) -> tuple[ParentRrset, ...]:
        """Give the CDS and the CDNSKEY RRset, where there are any."""
        return tuple(ParentRrset(kind, tuple(self._rdatas[kind]), self._ttls[kind]) for kind in sorted(self._rdatas))


@contextmanager
def on_line(line: int) -> Iterator[None]:
    """Say in any MalformedError from within that it happened on ``line``."""
    try:
        yield
    except MalformedError as error:
        raise type(error)(error.what, where=error.where or f"line {line}", do=error.do) from None


def _check_other(name: bytes) -> None:
    if name in _GENERIC:
        raise MalformedError(
            f"a {_GENERIC[name]} record in generic form", do=f"Write it as {_GENERIC[name]} (RFC 4034, RFC 7344)."
        )
    if not name[:1].isalpha():
        raise MalformedError("a record without a type")


def _dnskey(tokens: list[bytes]) -> Dnskey:
    if len(tokens) < 4:
        raise MalformedError("a DNSKEY record has flags, protocol, algorithm and key")
    flags, protocol, algorithm = (_text(token) for token in tokens[:3])
    if decimal(protocol) != PROTOCOL:
        raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
    return Dnskey(decimal(flags), _algorithm(algorithm), canonical_base64(_text(b"".join(tokens[3:]))))


def _cds(tokens: list[bytes]) -> bytes:
    if len(tokens) < 4:
        raise MalformedError("a CDS record has key tag, algorithm, digest type and digest")
    tag, algorithm, kind = decimal(_text(tokens[0])), _algorithm(_text(tokens[1])), decimal(_text(tokens[2]))
    try:
        digest = binascii.unhexlify(b"".join(tokens[3:]))
    except ValueError:
        raise MalformedError("the digest of a CDS record is not hexadecimal") from None
    if tag >= 1 << 16 or algorithm >= 1 << 8 or kind >= 1 << 8:
        raise MalformedError("a number in a CDS record does not fit its field")
    if not digest or len(digest) != _DIGEST_LENGTHS.get(kind, len(digest)):
        raise MalformedError(f"a digest of type {kind} does not have {len(digest)} bytes")
    return tag.to_bytes(2, "big") + bytes([algorithm, kind]) + digest


def _algorithm(text: str) -> int:
    if text.isdigit():
        return decimal(text)
    try:
        return int(dns.dnssectypes.Algorithm[text.upper()])
    except KeyError:
        raise MalformedError(f"{shown(text)} is not an algorithm of DNSSEC") from None


def _ttl(token: bytes) -> int:
    try:
        ttl = dns.ttl.from_text(_text(token))
    except (dns.exception.DNSException, ValueError):
        ttl = -1
    if not 0 <= ttl < TTL_LIMIT:
        raise MalformedError(f"{shown(_text(token))} is not a TTL")
    return ttl


def _text(token: bytes) -> str:
    return token.decode("latin-1")
