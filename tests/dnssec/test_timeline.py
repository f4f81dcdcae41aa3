"""Slots of real bundles: who is a KSK, who signs, what a revoked key is."""

from dataclasses import replace

from keyquorum.dnssec.model import PublishedKey
from keyquorum.dnssec.schema import SCHEMAS, Act, plan
from keyquorum.dnssec.timeline import SlotKey, planned_slot, slot_key, slot_of
from tests.dnssec.keys import pair
from tests.dnssec.ksr_vectors import good_request

OLD, EC = pair(8).key, pair(13).key
ZONE_KEYS = {slot_key(pair(8, 256, bits=1024).key), slot_key(pair(13, 256).key)}
REQUEST = good_request(bundles=9)


def test_planned_bundles() -> None:
    ksks = [PublishedKey(OLD, 60), PublishedKey(EC, 60)]
    planned = list(plan(SCHEMAS["leave-revoked"], REQUEST, ksks, 300))
    slots = [planned_slot(f"slot {place}", bundle) for place, bundle in enumerate(planned)]
    assert slots[0].name == "slot 0"
    assert (slots[1].start, slots[1].expiration, slots[1].ttl) == (
        planned[1].inception,
        planned[1].expiration,
        300,
    )
    assert "".join(slot.act(slot_key(OLD)).value for slot in slots) == "SRRRRRRR-"
    assert "".join(slot.act(slot_key(EC)).value for slot in slots) == "SSSSSSSSS"
    assert set(slots[0].zone_keys) == ZONE_KEYS
    assert [slot.algorithms for slot in (slots[1], slots[8])] == [{8, 13}, {13}]
    assert [slot.signing_algorithms for slot in (slots[1], slots[8])] == [{8, 13}, {13}]
    assert slots[1].who(Act.SIGN) == {slot_key(EC)}
    assert slots[1].who(Act.SIGN, Act.REVOKE) == {slot_key(OLD), slot_key(EC)}
    served = replace(planned[0], start=planned[0].inception + 3600)
    assert planned_slot("", served).start == planned[0].inception + 3600


def test_a_revoked_key_is_the_same_key() -> None:
    assert slot_key(OLD.revoked()) == slot_key(OLD) == SlotKey(f"key tag {OLD.tag}", 8, 0, OLD.public_key)
    assert slot_key(replace(OLD, flags=256)) != slot_key(OLD)


def test_who_does_what() -> None:
    zone_key = pair(13, 256).key
    slot = slot_of("s", 1, 2, 3, [OLD, EC.revoked(), zone_key], [OLD, EC.revoked()])
    assert dict(slot.ksks) == {slot_key(OLD): Act.SIGN, slot_key(EC): Act.REVOKE}
    assert slot.zone_keys == (slot_key(zone_key),)
    # A KSK that does not sign is published; one that is revoked and does not sign is nothing.
    slot = slot_of("s", 1, 2, 3, [OLD, EC.revoked(), zone_key], [])
    assert slot.ksks == ((slot_key(OLD), Act.PUBLISH),)
    # A key without the SEP flag that signs the RRset is a KSK there.
    assert slot_of("s", 1, 2, 3, [zone_key], [zone_key]).ksks == ((slot_key(zone_key), Act.SIGN),)
    assert slot.zone_signers == ()
