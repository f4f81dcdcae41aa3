"""How many bytes a DNSKEY response takes on the wire: what decides whether it fits a UDP packet.

For keys that are but planned, by algorithm and size. RSA keys have the exponent 65537.
"""

import dns.name

from keyquorum.dnssec.model import CURVE_KEY_LENGTHS, RSA_ALGORITHMS
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey

UDP_PAYLOAD = 1232
"""What a UDP response may have without being cut into fragments anywhere: 1280 bytes less the headers of IPv6, UDP."""

_HEADER, _QUESTION, _OPT = 12, 4, 11
_RECORD = 10  # type, class, TTL and length of a record, after its owner
_RRSIG = 18  # the fields of an RRSIG before the signer's name
# RFC 6605 section 4, RFC 8080 section 4: bytes of a signature.
_SIGNATURES = {13: 64, 14: 96, 15: 64, 16: 114}


def response_size(zone: dns.name.Name, slot: Slot) -> int:
    """Give the size of the answer to a query for the DNSKEY RRset of ``slot``, with its signatures and EDNS."""
    records = [dnskey_size(key) for key in (*(key for key, _ in slot.ksks), *slot.zone_keys)]
    records += [rrsig_size(zone, key) for key in slot.who(Act.SIGN, Act.REVOKE)]
    # Owners are pointers to the question's name, where that is longer than one.
    owner = min(len(zone.to_digestable()), 2)
    return _HEADER + len(zone.to_digestable()) + _QUESTION + _OPT + sum(owner + size for size in records)


def dnskey_size(key: SlotKey) -> int:
    """Give the size of a DNSKEY record without its owner (RFC 4034 section 2, RFC 3110, 6605, 8080)."""
    rsa = key.algorithm in RSA_ALGORITHMS
    return _RECORD + 4 + (4 + key.bits // 8 if rsa else CURVE_KEY_LENGTHS[key.algorithm])


def rrsig_size(zone: dns.name.Name, key: SlotKey) -> int:
    """Give the size of an RRSIG record by ``key`` without its owner (RFC 4034 section 3)."""
    signature = key.bits // 8 if key.algorithm in RSA_ALGORITHMS else _SIGNATURES[key.algorithm]
    return _RECORD + _RRSIG + len(zone.to_digestable()) + signature
