"""Rules on what validators can follow: KQ-5011-HOLDDOWN, -REVOKE, -REMOVE, KQ-7583-DS, KQ-6840-ANCHORS.

Each response that is asked for is judged as if it were published after the previous response: what that one published
and its KSKs verifiably signed is taken as known to the world. Without a previous response whoever signs the first
bundle is taken as trusted.
"""

from collections.abc import Iterator
from functools import lru_cache

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, Signature
from keyquorum.dnssec.timeline import Slot, planned_slot, slot_of
from keyquorum.dnssec.verify import verify_signature
from keyquorum.errors import SignatureError
from keyquorum.policy.keymaterial import tag
from keyquorum.policy.rollover_checks import Check, gone, missing_algorithms, returned, untrusted
from keyquorum.policy.rules_schema import NOTHING_PLANNED
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable

_CACHED_BUNDLES = 64
_DS = "validators go by the DS records at the parent, the policy says"
_FOLLOWS = "validators follow by RFC 5011, the policy says"


def hold_down(subject: Subject) -> Outcome:
    """KQ-5011-HOLDDOWN: every bundle is signed by a KSK that all validators trust by then, the hold-down being over."""
    return _judge(subject, untrusted, True, "every bundle is signed by a KSK that validators trust by then")


def revocation(subject: Subject) -> Outcome:
    """KQ-5011-REVOKE: a KSK that was revoked does not stand again."""
    return _judge(subject, returned, True, "no KSK comes back from being revoked")


def removal(subject: Subject) -> Outcome:
    """KQ-5011-REMOVE: a KSK goes only after it was revoked for long enough."""
    return _judge(subject, gone, True, "no KSK goes before validators know that it was revoked")


def anchors(subject: Subject) -> Outcome:
    """KQ-6840-ANCHORS: every bundle is signed with each algorithm of the KSKs that validators may trust by then."""
    return _judge(subject, missing_algorithms, True, "signed with each algorithm that validators may expect")


def parent(subject: Subject) -> Outcome:
    """KQ-7583-DS: every bundle is signed by a KSK whose DS records all validators can have by then."""
    return _judge(subject, untrusted, False, "every bundle is signed by a KSK whose DS records can be everywhere")


def _judge(subject: Subject, check: Check, follows: bool, detail: str) -> Outcome:
    trust = subject.policy.trust
    if trust.follows != follows:
        return not_applicable(_FOLLOWS if trust.follows else _DS)
    if not subject.responses:
        return not_applicable(NOTHING_PLANNED)
    return judged([one for slots, facts in _lines(subject) for one in check(slots, facts, trust)], detail)


def _lines(subject: Subject) -> Iterator[tuple[list[Slot], int]]:
    """Give for each response what validators see: the previous response up to it, and it; and how long the first is."""
    before = list(_previous(subject))
    for response in subject.responses:
        planned = [
            planned_slot(subject.place_in(response, name), bundle)
            for (name, _), bundle in zip(subject.bundles(), response.bundles, strict=True)
        ]
        facts = [slot for slot in before if slot.start < planned[0].start]
        yield [*facts, *planned], len(facts)


def _previous(subject: Subject) -> Iterator[Slot]:
    previous = subject.previous
    if previous is None or previous.zone != subject.request.zone:
        return
    for bundle in previous.bundles:
        keys = [published.key for published in bundle.keys]
        start = bundle.inception if bundle.start is None else bundle.start
        ttl = max(published.ttl for published in bundle.keys)
        yield slot_of("previous response", start, bundle.expiration, ttl, keys, _signers(previous.zone, bundle))


@lru_cache(maxsize=_CACHED_BUNDLES)
def _signers(zone: dns.name.Name, bundle: Bundle) -> frozenset[Dnskey]:
    """Give the KSKs of an answered bundle that verifiably signed it."""
    rrset = [published.key for published in bundle.keys]
    return frozenset(
        key
        for key in rrset
        for signature in bundle.signatures
        if key.is_sep
        and (tag(key), key.algorithm) == (signature.key_tag, signature.algorithm)
        and _verifies(zone, rrset, signature, key)
    )


def _verifies(zone: dns.name.Name, rrset: list[Dnskey], signature: Signature, key: Dnskey) -> bool:
    try:
        verify_signature(zone, rrset, signature, key)
    except SignatureError:
        return False
    return True
