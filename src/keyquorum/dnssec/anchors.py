"""Trust anchors: the keys a validator is given to start from, and their text as DS, DNSKEY, CDS and CDNSKEY records.

Refused: digests that nobody should start to trust (SHA-1) or that are not in the registry of RFC 4509 and RFC 6605;
the text of a whole key where only its digest is known. A revoked key (RFC 5011) is covered by no anchor.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from keyquorum.dnssec.model import PROTOCOL, Dnskey
from keyquorum.errors import RefusedError, UsageError

DIGESTS: Mapping[str, int] = MappingProxyType({"SHA-256": 2, "SHA-384": 4})
"""The digest types of a DS record that are accepted, by name."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted key of one zone, known in full (``key``), by its DS record (``ds``, as ``ds_text`` gives it), or both.

    ``digest`` is the type of the DS record's digest. ``valid_from`` and ``valid_until`` (seconds since 1970) bound the
    time in which it is to be trusted, where somebody has said so; ``id`` is what a file of anchors calls it.
    """

    zone: dns.name.Name
    key: Dnskey | None
    digest: str = ""
    ds: str = ""
    valid_from: int | None = None
    valid_until: int | None = None
    id: str = ""

    def covers(self, zone: dns.name.Name, key: Dnskey) -> bool:
        """Whether ``key`` of ``zone`` is the trusted key. Times are not judged; see ``holds_at``."""
        if zone != self.zone or key.is_revoked:
            return False
        return key == self.key if self.key else ds_text(zone, key, self.digest) == self.ds

    def holds_at(self, moment: int) -> bool:
        """Whether it is to be trusted at ``moment``, as far as it says (RFC 9718 section 2.2)."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_until is None or moment < self.valid_until
        )

    @property
    def tag(self) -> int:
        """The key tag."""
        return self.key.tag if self.key else int(self.ds.split()[3])

    @property
    def algorithm(self) -> int:
        """The number of the key's algorithm."""
        return int(self.key.algorithm) if self.key else int(self.ds.split()[4])

    def with_digest(self, digest: str) -> "Anchor":
        """Give the same anchor with a DS record of this digest type; RefusedError where the key itself is not known."""
        if self.ds and self.digest == digest:
            return self
        if self.key is None:
            raise RefusedError(
                f"of the key with tag {self.tag} only the {self.digest} digest is known, not the {digest} one",
                where=self.zone.to_text(),
                do="Give the key itself, as a DNSKEY record.",
            )
        return replace(self, digest=digest, ds=ds_text(self.zone, self.key, digest), id="")

    def whole_key(self) -> Dnskey:
        """Give the key; RefusedError where only its digest is known."""
        if self.key is None:
            raise RefusedError(
                f"of the key with tag {self.tag} only a digest is known",
                where=self.zone.to_text(),
                do="Give the key itself, as a DNSKEY record.",
            )
        return self.key


def ds_text(zone: dns.name.Name, key: Dnskey, digest: str = "SHA-256") -> str:
    """Give the DS record of ``key`` (RFC 4034 section 5) on one line: ``. IN DS 20326 8 2 E06D44...``.

    ``digest`` is ``SHA-256`` or ``SHA-384``; UsageError for another.
    """
    if digest not in DIGESTS:
        raise UsageError(f"DS digests are {' and '.join(DIGESTS)}, not {digest!a}")
    record = DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, key.flags, PROTOCOL, key.algorithm, key.public_key)
    ds = dns.dnssec.make_ds(zone, record, DSDigest(DIGESTS[digest]))
    return f"{zone.to_text()} IN DS {ds.key_tag} {ds.algorithm} {ds.digest_type} {ds.digest.hex().upper()}"


def dnskey_text(zone: dns.name.Name, key: Dnskey) -> str:
    """Give the DNSKEY record of ``key`` (RFC 4034 section 2.2) on one line, without a TTL."""
    return f"{zone.to_text()} IN DNSKEY {dnskey_rdata_text(key)}"


def cds_text(ds: str) -> str:
    """Give the CDS record that asks the parent for the DS record ``ds`` (RFC 7344 section 3.1), on one line."""
    owner, class_, _, *rdata = ds.split()
    return " ".join([owner, class_, "CDS", *rdata])


def cdnskey_text(zone: dns.name.Name, key: Dnskey) -> str:
    """Give the CDNSKEY record that asks the parent for a DS record of ``key`` (RFC 7344 section 3.2), on one line."""
    return f"{zone.to_text()} IN CDNSKEY {dnskey_rdata_text(key)}"


def dnskey_rdata_text(key: Dnskey) -> str:
    """Give flags, protocol, algorithm and key of a DNSKEY record as text."""
    return f"{key.flags} {PROTOCOL} {int(key.algorithm)} {base64.b64encode(key.public_key).decode('ascii')}"
