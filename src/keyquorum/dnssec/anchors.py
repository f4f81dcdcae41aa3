"""Trust anchors as text: the DS and DNSKEY record that a validator is given.

Refused: digests that nobody should start to trust (SHA-1) or that are not in the registry of RFC 4509 and RFC 6605.
"""

import base64

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from keyquorum.dnssec.model import PROTOCOL, Dnskey
from keyquorum.errors import UsageError

_DIGESTS = {"SHA-256": DSDigest.SHA256, "SHA-384": DSDigest.SHA384}


def ds_text(zone: dns.name.Name, key: Dnskey, digest: str = "SHA-256") -> str:
    """Give the DS record of ``key`` (RFC 4034 section 5) on one line: ``. IN DS 20326 8 2 E06D44...``.

    ``digest`` is ``SHA-256`` or ``SHA-384``; UsageError for another.
    """
    if digest not in _DIGESTS:
        raise UsageError(f"DS digests are {' and '.join(_DIGESTS)}, not {digest!a}")
    record = DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, key.flags, PROTOCOL, key.algorithm, key.public_key)
    ds = dns.dnssec.make_ds(zone, record, _DIGESTS[digest])
    return f"{zone.to_text()} IN DS {ds.key_tag} {ds.algorithm} {ds.digest_type} {ds.digest.hex().upper()}"


def dnskey_text(zone: dns.name.Name, key: Dnskey) -> str:
    """Give the DNSKEY record of ``key`` (RFC 4034 section 2.2) on one line, without a TTL."""
    return f"{zone.to_text()} IN DNSKEY {dnskey_rdata_text(key)}"


def dnskey_rdata_text(key: Dnskey) -> str:
    """Give flags, protocol, algorithm and key of a DNSKEY record as text."""
    return f"{key.flags} {PROTOCOL} {int(key.algorithm)} {base64.b64encode(key.public_key).decode('ascii')}"
