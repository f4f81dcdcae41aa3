"""Sizes of responses: against messages that dnspython writes, and the root's as they are known."""

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdataclass import IN
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.model import CURVE_KEY_LENGTHS
from keyquorum.dnssec.rollover import ROOT_8_TO_13, plan_of
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.sizes import UDP_PAYLOAD, dnskey_size, response_size, rrsig_size
from keyquorum.dnssec.timeline import Slot, SlotKey

KSKS = {8: SlotKey("k8", 8, 2048), 10: SlotKey("k10", 10, 4096), 13: SlotKey("k13", 13), 14: SlotKey("k14", 14),
        15: SlotKey("k15", 15), 16: SlotKey("k16", 16)}  # fmt: skip
SIGNATURES = {13: 64, 14: 96, 15: 64, 16: 114}


def public(key: SlotKey, fill: int) -> bytes:
    if key.bits:
        return b"\3\1\0\1" + bytes([128 | fill]) * (key.bits // 8)
    return bytes([fill]) * CURVE_KEY_LENGTHS[key.algorithm]


def written(zone: dns.name.Name, slot: Slot) -> int:
    """Let dnspython write the response."""
    query = dns.message.make_query(zone, "DNSKEY", want_dnssec=True, payload=1232)
    response = dns.message.make_response(query, our_payload=1232)
    keys = [*(key for key, _ in slot.ksks), *slot.zone_keys]
    records = [DNSKEY(IN, dns.rdatatype.DNSKEY, 257, 3, key.algorithm, public(key, n)) for n, key in enumerate(keys)]
    response.answer.append(dns.rrset.from_rdata_list(zone, slot.ttl, records))
    signatures = []
    for tag, key in enumerate(sorted(slot.who(Act.SIGN, Act.REVOKE), key=lambda key: key.name)):
        length = key.bits // 8 or SIGNATURES[key.algorithm]
        signatures.append(
            RRSIG(IN, dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, key.algorithm, 0, 0, 2, 1, tag, zone, bytes(length))
        )
    if signatures:
        response.answer.append(dns.rrset.from_rdata_list(zone, slot.ttl, signatures))
    return len(response.to_wire(max_size=4096))


@pytest.mark.parametrize("zone", [".", "example.", "a.b.example."])
@pytest.mark.parametrize("algorithm", KSKS)
def test_as_dnspython_writes_it(zone: str, algorithm: int) -> None:
    name = dns.name.from_text(zone)
    other = KSKS[13 if algorithm != 13 else 8]
    for acts in ((Act.SIGN, Act.SIGN), (Act.REVOKE, Act.SIGN), (Act.SIGN, Act.PUBLISH)):
        zone_key = SlotKey("z", 8, 1536)
        slot = Slot("s", 0, 1, 60, ((KSKS[algorithm], acts[0]), (other, acts[1])), (zone_key, KSKS[15]))
        assert response_size(name, slot) == written(name, slot)
    assert response_size(name, Slot("s", 0, 1, 60, (), (KSKS[algorithm],))) == written(
        name, Slot("s", 0, 1, 60, (), (KSKS[algorithm],))
    )


def test_the_roots_responses() -> None:
    """864 bytes are what the root has answered with since 2016; 1425 was the most in the roll of 2018."""
    rsa, new, zone_key = SlotKey("a", 8, 2048), SlotKey("b", 8, 2048), SlotKey("z", 8, 2048)
    root = dns.name.root
    assert response_size(root, Slot("s", 0, 1, 60, ((rsa, Act.SIGN),), (zone_key,))) == 864
    assert response_size(root, Slot("s", 0, 1, 60, ((rsa, Act.REVOKE), (new, Act.SIGN)), (zone_key,))) == 1425
    sizes = [response_size(root, slot) for slot in plan_of(ROOT_8_TO_13).slots]
    assert max(sizes) == 1342
    # With both algorithms it fits a UDP packet but for the two slots of a quarter in which zone keys change.
    assert {place % 9 for place, size in enumerate(sizes) if size > UDP_PAYLOAD} == {0, 8}


def test_an_answer_with_three_signed_sets() -> None:
    """A name that the root does not have: three RRsets, each signed twice, and what their signatures alone take."""
    root = dns.name.root
    both = [
        3 * sum(rrsig_size(root, key) + 1 for key in (SlotKey("z", 8, bits), SlotKey("e", 13))) for bits in (2048, 1536)
    ]
    assert both == [1140, 948]
    assert dnskey_size(SlotKey("z", 8, 1536)) == 10 + 4 + 4 + 192
