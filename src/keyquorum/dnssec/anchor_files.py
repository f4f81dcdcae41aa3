"""Trust anchors read from a file of DS or DNSKEY records in presentation form, as a validator is given them.

Refused: other record types, digests by SHA-1, a file with neither.
"""

from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from keyquorum.dnssec.anchors import ds_text
from keyquorum.dnssec.model import PROTOCOL, Dnskey
from keyquorum.errors import MalformedError

_DIGESTS = {2: "SHA-256", 4: "SHA-384"}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted key of one zone, known in full or by its DS record (the text that ``ds_text`` gives)."""

    zone: dns.name.Name
    key: Dnskey | None
    digest: str
    ds: str

    def covers(self, zone: dns.name.Name, key: Dnskey) -> bool:
        """Whether ``key`` of ``zone`` is the trusted key."""
        if zone != self.zone:
            return False
        return key == self.key if self.key else ds_text(zone, key, self.digest) == self.ds


def read_anchors(data: bytes) -> list[Anchor]:
    """Read DS and DNSKEY records, one a line, comments after ``;``; raises MalformedError with the line."""
    anchors = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        words = line.split(";", 1)[0].split()
        if words:
            try:
                anchors.append(_anchor(words))
            except (MalformedError, dns.exception.DNSException, ValueError) as error:
                what = error.what if isinstance(error, MalformedError) else f"not a record ({type(error).__name__})"
                raise MalformedError(what, where=f"line {number}") from None
    if not anchors:
        raise MalformedError("no DS or DNSKEY record in it")
    return anchors


def _anchor(words: list[str]) -> Anchor:
    zone = dns.name.from_text(words[0]).canonicalize()
    rest = [word for word in words[1:4] if not (word.isdigit() or word.upper() == "IN")][:1]
    kind = rest[0].upper() if rest else ""
    if kind not in {"DS", "DNSKEY"}:
        raise MalformedError("a DS or DNSKEY record is expected")
    data = words[[word.upper() for word in words].index(kind, 1) + 1 :]
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), " ".join(data))
    if isinstance(rdata, DNSKEY):
        if rdata.protocol != PROTOCOL:
            raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
        return Anchor(zone, Dnskey(rdata.flags, rdata.algorithm, rdata.key), "", "")
    assert isinstance(rdata, DS)  # noqa: S101
    if rdata.digest_type not in _DIGESTS:
        raise MalformedError(f"DS digest type {int(rdata.digest_type)}; SHA-256 (2) and SHA-384 (4) are accepted")
    text = f"{zone.to_text()} IN DS {rdata.key_tag} {int(rdata.algorithm)} {int(rdata.digest_type)} "
    return Anchor(zone, None, _DIGESTS[int(rdata.digest_type)], text + rdata.digest.hex().upper())
