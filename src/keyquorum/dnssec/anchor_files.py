"""Files of trust anchors, read and written: DS, DNSKEY, CDS and CDNSKEY records, or the XML of the root's anchors.

Records are in presentation form, one a line, as a validator is given them. Refused: other record types, digests by
SHA-1, a CDS or CDNSKEY that asks for the removal of the DS (RFC 8078 section 4), a file with none of them; revoked keys
are not written, and neither are whole keys of which only a digest is known.
"""

from collections.abc import Iterable, Sequence

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.dnskeybase import DNSKEYBase
from dns.rdtypes.dsbase import DSBase

from keyquorum.dnssec.anchor_xml import read_anchor_xml, write_anchor_xml
from keyquorum.dnssec.anchors import DIGESTS, Anchor, cdnskey_text, cds_text, dnskey_text
from keyquorum.dnssec.model import PROTOCOL, Dnskey
from keyquorum.errors import MalformedError, RefusedError

__all__ = ["FORMS", "Anchor", "read_anchors", "write_anchors"]

FORMS = ("ds", "dnskey", "cds", "cdnskey", "xml", "xml-7958")
"""The forms in which anchors are written."""

_RECORDS = frozenset({"DS", "DNSKEY", "CDS", "CDNSKEY"})
_NAMES = {number: name for name, number in DIGESTS.items()}


def read_anchors(data: bytes) -> list[Anchor]:
    """Read anchors in any of the forms; raises MalformedError (LimitError) with the line."""
    if data.lstrip(b" \t\r\n").startswith(b"<"):
        return list(read_anchor_xml(data).anchors)
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


def write_anchors(
    anchors: Sequence[Anchor], form: str, digests: Sequence[str] = (), *, id_: str = "", source: str = ""
) -> bytes:
    """Write ``anchors`` in one of ``FORMS``; what is the same in that form is written once.

    ``digests`` are the types of DS, CDS and XML digests; without any, each anchor's own, or SHA-256. ``id_`` and
    ``source`` are the attributes of the XML (``write_anchor_xml``). Raises RefusedError.
    """
    for anchor in anchors:
        if anchor.key and anchor.key.is_revoked:
            raise RefusedError(
                f"the key with tag {anchor.tag} is revoked; nobody may trust it again (RFC 5011 section 2.1)",
                where=anchor.zone.to_text(),
            )
    if form in {"dnskey", "cdnskey"}:
        text = dnskey_text if form == "dnskey" else cdnskey_text
        return _lines(text(anchor.zone, anchor.whole_key()) for anchor in anchors)
    digested = [
        anchor.with_digest(digest) for anchor in anchors for digest in digests or [anchor.digest or next(iter(DIGESTS))]
    ]
    if form in {"ds", "cds"}:
        return _lines(one.ds if form == "ds" else cds_text(one.ds) for one in digested)
    distinct = list({one.ds: one for one in digested}.values())
    return write_anchor_xml(distinct, id_, source, public_keys=form == "xml")


def _lines(records: Iterable[str]) -> bytes:
    return "".join(f"{record}\n" for record in dict.fromkeys(records)).encode("ascii")


def _anchor(words: list[str]) -> Anchor:
    zone = dns.name.from_text(words[0]).canonicalize()
    rest = [word for word in words[1:4] if not (word.isdigit() or word.upper() == "IN")][:1]
    kind = rest[0].upper() if rest else ""
    if kind not in _RECORDS:
        raise MalformedError("a DS or DNSKEY record is expected")
    data = words[[word.upper() for word in words].index(kind, 1) + 1 :]
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), " ".join(data))
    assert isinstance(rdata, DNSKEYBase | DSBase)  # noqa: S101
    if rdata.algorithm == 0:
        raise MalformedError("it asks the parent to remove the DS (RFC 8078 section 4), and is no anchor")
    if isinstance(rdata, DNSKEYBase):
        if rdata.protocol != PROTOCOL:
            raise MalformedError("the protocol of a DNSKEY is 3 (RFC 4034 section 2.1.2)")
        return Anchor(zone, Dnskey(rdata.flags, rdata.algorithm, rdata.key))
    if rdata.digest_type not in _NAMES:
        raise MalformedError(f"DS digest type {int(rdata.digest_type)}; SHA-256 (2) and SHA-384 (4) are accepted")
    text = f"{zone.to_text()} IN DS {rdata.key_tag} {int(rdata.algorithm)} {int(rdata.digest_type)} "
    return Anchor(zone, None, _NAMES[int(rdata.digest_type)], text + rdata.digest.hex().upper())
