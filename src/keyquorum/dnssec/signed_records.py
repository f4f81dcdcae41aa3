"""Signed DNSKEY, CDS and CDNSKEY records of one zone as they come in, and the bundle they make.

Their data are read by dnspython, so that what we wrote is not judged by our own reading of it. Refused: a DNSKEY, CDS
or CDNSKEY RRset without any signature, a signature without its RRset, TTLs that differ, the same record twice.
"""

from collections.abc import Sequence

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.fields import decimal
from keyquorum.dnssec.model import CDNSKEY, CDS, PROTOCOL, Bundle, Dnskey, ParentRrset, PublishedKey, Signature
from keyquorum.dnssec.zone_lines import Record
from keyquorum.errors import LimitError, MalformedError

RECORD_LIMIT = 256
"""The most records of one zone and bundle, signatures among them."""

_SIGNED = {b"DNSKEY": int(dns.rdatatype.DNSKEY), b"CDS": CDS, b"CDNSKEY": CDNSKEY}


class SignedRecords:
    """What one owner has of the records that a KSK signs."""

    def __init__(self) -> None:
        self.keys: list[PublishedKey] = []
        self._rdatas: dict[int, list[tuple[bytes, int]]] = {}
        self._signatures: dict[int, list[Signature]] = {}

    def __bool__(self) -> bool:
        return bool(self.keys or self._rdatas or self._signatures)

    def take(self, record: Record, origin: dns.name.Name | None) -> bool:
        """Take one record; gives False, and does nothing, for one of another type; raises MalformedError."""
        tokens = record.tokens if record.indented else record.tokens[1:]
        ttl: int | None = None
        while tokens and (tokens[0].isdigit() or tokens[0].upper() == b"IN"):
            ttl = decimal(tokens[0].decode("ascii")) if tokens[0].isdigit() else ttl
            tokens = tokens[1:]
        kind = tokens[0].upper() if tokens else b""
        covered = kind if kind != b"RRSIG" else tokens[1].upper() if tokens[1:] else b""
        if covered not in _SIGNED:
            return False
        if ttl is None:
            raise MalformedError("a record without a TTL", do="Write the TTL of each record.")
        held = (self._rdatas, self._signatures)
        if len(self.keys) + sum(len(found) for one in held for found in one.values()) >= RECORD_LIMIT:
            raise LimitError(f"more than {RECORD_LIMIT} records of one zone")
        self._add(_read(kind, tokens[1:], origin), _SIGNED[covered], ttl)
        return True

    def bundle(self, name: str, start: int | None = None) -> Bundle:
        """Give all that was taken, as the bundle ``name``; its window is the time in which all signatures are valid."""
        dnskey = int(dns.rdatatype.DNSKEY)
        if not self._signatures.get(dnskey):
            raise MalformedError("the DNSKEY RRset has no signature beside it")
        if not self.keys:
            raise MalformedError("a signature of a DNSKEY RRset that does not stand beside it")
        if len({key.ttl for key in self.keys}) != 1:
            raise MalformedError("the DNSKEY records have different TTLs")
        signatures = [signature for found in self._signatures.values() for signature in found]
        return Bundle(
            id=name,
            inception=max(signature.inception for signature in signatures),
            expiration=min(signature.expiration for signature in signatures),
            keys=tuple(self.keys),
            signatures=tuple(self._signatures[dnskey]),
            for_parent=tuple(self._for_parent(kind) for kind in (CDS, CDNSKEY) if self._has(kind)),
            start=start,
        )

    def _has(self, kind: int) -> bool:
        return kind in self._rdatas or kind in self._signatures

    def _for_parent(self, kind: int) -> ParentRrset:
        name = "CDS" if kind == CDS else "CDNSKEY"
        signatures, rdatas = self._signatures.get(kind, []), self._rdatas.get(kind, [])
        if not signatures:
            raise MalformedError(f"the {name} RRset has no signature beside it")
        if not rdatas:
            raise MalformedError(f"a signature of a {name} RRset that does not stand beside it")
        if len({ttl for _, ttl in rdatas}) != 1:
            raise MalformedError(f"the {name} records have different TTLs")
        return ParentRrset(kind, tuple(rdata for rdata, _ in rdatas), rdatas[0][1], tuple(signatures))

    def _add(self, rdata: dns.rdata.Rdata, covered: int, ttl: int) -> None:
        if isinstance(rdata, RRSIG):
            self._signatures.setdefault(covered, []).append(_signature(rdata, ttl))
        elif isinstance(rdata, DNSKEY):
            if rdata.protocol != PROTOCOL:
                raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
            self.keys.append(PublishedKey(Dnskey(rdata.flags, rdata.algorithm, rdata.key), ttl))
        else:
            self._rdatas.setdefault(covered, []).append((rdata.to_wire() or b"", ttl))


def _read(kind: bytes, tokens: Sequence[bytes], origin: dns.name.Name | None) -> dns.rdata.Rdata:
    name = kind.decode("ascii")
    text = b" ".join(tokens).decode("ascii", "replace")
    try:
        return dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(name), text, origin or dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError, OverflowError) as error:
        raise MalformedError(f"not a {name} record ({type(error).__name__})") from None


def _signature(rdata: RRSIG, ttl: int) -> Signature:
    return Signature(
        algorithm=rdata.algorithm,
        labels=rdata.labels,
        original_ttl=rdata.original_ttl,
        expiration=rdata.expiration,
        inception=rdata.inception,
        key_tag=rdata.key_tag,
        signer=rdata.signer.canonicalize(),
        signature=rdata.signature,
        ttl=ttl,
    )
