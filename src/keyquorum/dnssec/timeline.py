"""DNSKEY RRsets one after the other, as validators get to see them: which keys stand, which sign, from when until when.

The same view of a response that was given, of one that is planned, and of a plan for years in which keys are but names.
Nothing is verified here, and nothing judged.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.schema import Act, PlannedBundle


@dataclass(frozen=True, slots=True)
class SlotKey:
    """A key by what people call it, and by what it is: ``public_key`` is empty for one that is only planned.

    A key that is revoked is the same key. ``bits`` is 0 where nobody asks.
    """

    name: str
    algorithm: int
    bits: int = 0
    public_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Slot:
    """One DNSKEY RRset: served from ``start`` on, its signatures valid until ``expiration``, its TTL in seconds.

    ``ksks`` says of each KSK that stands in it what it does. ``zone_keys`` are the other keys in it, ``zone_signers``
    those that sign the zone's data meanwhile, where that is known.
    """

    name: str
    start: int
    expiration: int
    ttl: int
    ksks: tuple[tuple[SlotKey, Act], ...]
    zone_keys: tuple[SlotKey, ...]
    zone_signers: tuple[SlotKey, ...] = ()

    def act(self, key: SlotKey) -> Act:
        """Give what ``key`` does as a KSK."""
        return dict(self.ksks).get(key, Act.ABSENT)

    def who(self, *acts: Act) -> frozenset[SlotKey]:
        """Give the KSKs that do one of ``acts``."""
        return frozenset(key for key, act in self.ksks if act in acts)

    @property
    def algorithms(self) -> frozenset[int]:
        """The algorithms of all keys in the RRset."""
        return frozenset(key.algorithm for key in (*(key for key, _ in self.ksks), *self.zone_keys))

    @property
    def signing_algorithms(self) -> frozenset[int]:
        """The algorithms that the RRset is signed with."""
        return frozenset(key.algorithm for key in self.who(Act.SIGN, Act.REVOKE))


def planned_slot(name: str, bundle: PlannedBundle) -> Slot:
    """Give a planned bundle as a slot called ``name``."""
    start = bundle.inception if bundle.start is None else bundle.start
    return slot_of(name, start, bundle.expiration, bundle.ttl, (one.key for one in bundle.keys), bundle.signers)


def slot_of(
    name: str, start: int, expiration: int, ttl: int, keys: Iterable[Dnskey], signers: Collection[Dnskey]
) -> Slot:
    """Give the slot of an RRset of ``keys`` that ``signers`` signed.

    KSKs are those that sign and those with the SEP flag. A key with the REVOKE flag that does not sign is as good as
    absent: it revokes nothing (RFC 5011 section 2.1), and nobody verifies with it.
    """
    ksks, zone_keys = [], []
    for key in keys:
        if key.is_revoked:
            if key in signers:
                ksks.append((slot_key(key), Act.REVOKE))
        elif key in signers:
            ksks.append((slot_key(key), Act.SIGN))
        elif key.is_sep:
            ksks.append((slot_key(key), Act.PUBLISH))
        else:
            zone_keys.append(slot_key(key))
    return Slot(name, start, expiration, ttl, tuple(ksks), tuple(zone_keys))


def slot_key(key: Dnskey) -> SlotKey:
    """Give a DNSKEY as the key of a slot, named by the tag it has unrevoked."""
    return SlotKey(f"key tag {key.unrevoked().tag}", key.algorithm, public_key=key.public_key)
