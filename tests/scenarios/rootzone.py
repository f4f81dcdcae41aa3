"""A small root zone of our own, for judges to look at: delegations, data, an NSEC chain, all signed by its own ZSKs.

The ZSKs are ordinary keys and dnspython signs with them. Only the DNSKEY RRset, CDS and CDNSKEY RRsets where there are
any, and their RRSIGs come from outside: they are what the tests are about. One ZSK an algorithm, because a zone must be
signed with every algorithm of its keys.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.transaction
import dns.zone
import dns.zonefile
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.dnssec.keys import Pair, pair

TTL = 86400
SIGNED_ELSEWHERE = (dns.rdatatype.DNSKEY, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY)
ZONE = """
. 86400 IN SOA a.nameservers.example. hostmaster.example. 2026010100 1800 900 604800 86400
. 86400 IN NS a.nameservers.example.
. 86400 IN TXT "the root of a test"
example. 86400 IN NS ns1.example.
example. 86400 IN DS 12345 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns1.example. 86400 IN A 192.0.2.1
unsigned. 86400 IN NS ns1.example.
text. 86400 IN TXT "something to ask for"
"""


@dataclass(frozen=True)
class RootZone:
    """The zone without its DNSKEY RRset, and the ZSKs that sign all the rest."""

    zsks: tuple[Pair, ...]

    def dnskeys(self) -> str:
        """Give the ZSKs' DNSKEY records as a zone file: what the zone's operator asks to have signed."""
        return "".join(f". {TTL} IN DNSKEY {_record(one).to_text()}\n" for one in self.zsks)

    def signed(self, dnskey_rrset: str, inception: int, expiration: int) -> str:
        """Give the whole zone: ``dnskey_rrset`` (signed elsewhere, as text) as it is, all else signed here."""
        apex = [
            rrset
            for rrset in dns.zonefile.read_rrsets(dnskey_rrset, rdclass=None, origin=dns.name.root, relativize=False)
            if rrset.rdtype in SIGNED_ELSEWHERE
        ]
        text = ZONE + "".join(rrset.to_text() + "\n" for rrset in apex)
        zone = dns.zone.from_text(text, origin=".", relativize=False, check_origin=True)
        keys = [(one.private, _record(one)) for one in self.zsks]

        def sign(txn: dns.transaction.Transaction, rrset: dns.rrset.RRset) -> None:
            if rrset.rdtype not in SIGNED_ELSEWHERE:
                dns.dnssec.default_rrset_signer(
                    txn,
                    rrset,
                    signer=dns.name.root,
                    ksks=[],
                    zsks=keys,
                    inception=inception,
                    expiration=expiration,
                )

        dns.dnssec.sign_zone(zone, keys=[], add_dnskey=False, rrset_signer=sign)
        out = io.StringIO()
        zone.to_file(out, relativize=False)
        # The records are in there, for the NSEC chain; given once more with their RRSIGs they are the same RRsets.
        outside = {f" IN {rdtype.name} " for rdtype in SIGNED_ELSEWHERE}
        rest = [line for line in out.getvalue().splitlines() if not any(words in line for words in outside)]
        return "\n".join([*rest, dnskey_rrset])


def root_zone(algorithms: Sequence[int] = (8,)) -> RootZone:
    """Make the zone with one ZSK for each of ``algorithms``."""
    return RootZone(tuple(pair(algorithm, 256) for algorithm in algorithms))


def _record(one: Pair) -> DNSKEY:
    key = one.key
    return DNSKEY(dns.rdataclass.IN, dns.rdatatype.DNSKEY, key.flags, 3, key.algorithm, key.public_key)
