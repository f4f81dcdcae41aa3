"""What the tests of the rules share: spoilt subjects, and words for what is told of them."""

import dns.name

from keyquorum.dnssec.model import Dnskey, PublishedKey, Terms
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import (
    NOW,
    TTL,
    Spoiler,
    good,
    labelled,
    plain,
)

EXAMPLE = dns.name.from_text("example.")
spoil = Spoiler(good())
spoil_plain = Spoiler(plain())
TERMS = Terms(good().policy.ksk_ttl, good().policy.ksk_policy)
NO_KEY_THROUGHOUT = "request: no key stands in every bundle, so no key can sign the zone all the time"


def tag(key: Dnskey) -> str:
    return f"key tag {key.tag}"


def last(*keys: Dnskey, ttl: int = TTL) -> tuple[PublishedKey, ...]:
    """Give what the last bundle lists: NOW, and other keys than NEXT."""
    return labelled(NOW, *keys, ttl=ttl)


def detail(subject: Subject, rule: str) -> str:
    return next(result.detail for result in evaluate(subject).results if result.rule == rule)


def status(subject: Subject, rule: str) -> Status:
    return next(result.status for result in evaluate(subject).results if result.rule == rule)
