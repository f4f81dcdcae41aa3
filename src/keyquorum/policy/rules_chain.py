"""Rules on what comes before: KQ-CHAIN, KSR-POLICY-SAFETY, KSR-CHAIN-KEYS, KSR-CHAIN-OVERLAP.

All are against the previous response, and KQ-CHAIN demands one, unless the request says that there is none.

A root's request lists which keys stand in the zone, not which sign it. The keys that sign it in a cycle are taken to be
those that stand in every bundle of that cycle; before and after it, a key stands in only a bundle or two.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from keyquorum.dnssec.model import Bundle, Dnskey, all_keys
from keyquorum.dnssec.verify import verify_signature
from keyquorum.errors import SignatureError
from keyquorum.policy.bounds import span
from keyquorum.policy.keymaterial import tag
from keyquorum.policy.rules_bundle import PLAIN
from keyquorum.policy.rules_policy import breaches, overlap_bounds
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable

NO_PREVIOUS = "no previous response"
SEVERAL_ZONES = "a source with several zones follows on no response"


def at_hand(subject: Subject) -> Outcome:
    """KQ-CHAIN: the previous response is at hand, or the request says that it is the first, and nothing speaks against.

    A request of several zones at once is plain RRsets, each judged by itself.
    """
    if not subject.alone:
        return not_applicable(SEVERAL_ZONES)
    previous = subject.previous
    known = ", ".join(str(tag(key)) for key in subject.ksks if key in subject.signed_before)
    if not subject.first:
        if previous is None:
            return judged(
                [("chain", "there is no previous response, and the request does not say it is the first")], ""
            )
        return judged([], "the previous response is at hand")
    found = []
    if known:
        found.append(("chain", f"the request says it is the first, and key tag {known} has answered others before"))
    if previous is not None and previous.zone == subject.request.zone:
        last = previous.bundles[-1]
        signers = [str(tag(key)) for key in _signers(subject, last, [published.key for published in last.keys])]
        if signers:
            told = f"the request says it is the first, and key tag {', '.join(signers)} signed the previous response"
            found.append(("chain", told))
    return judged(found, "the request says that its keys have signed nothing before, and nothing speaks against it")


def safety(subject: Subject) -> Outcome:
    """KSR-POLICY-SAFETY: a key stands long enough before it signs, and after it has stopped."""
    stated, previous = subject.request.policy, subject.previous
    if subject.request.times is not None:
        return not_applicable("a request of BIND or Knot says which keys stand in the zone, not which of them sign it")
    if stated is None:
        return not_applicable(PLAIN)
    if previous is None:
        return not_applicable(NO_PREVIOUS)
    publish = max(stated.publish_safety, subject.policy.publish_safety)
    retire = max(stated.retire_safety, subject.policy.retire_safety)
    now, before = _in_use(subject.request.bundles), _in_use(previous.bundles)
    start = subject.request.bundles[0].inception
    found = [] if now else [("request", "no key stands in every bundle, so no key can sign the zone all the time")]
    for key in (one for one in now if one not in before):
        stood = start - _standing_since(previous.bundles, key, start)
        if stood < publish:
            found.append((f"key tag {tag(key)}", f"stood for {span(stood)} before it signs, less than {span(publish)}"))
    for key in (one for one in before if one not in now):
        stays = _standing_until(subject.request.bundles, key, start) - start
        if stays < retire:
            found.append((f"key tag {tag(key)}", f"stays for {span(stays)} after it signed, less than {span(retire)}"))
    return judged(found, f"keys stand {span(publish)} before they sign and {span(retire)} after")


def chain_keys(subject: Subject) -> Outcome:
    """KSR-CHAIN-KEYS: the first bundle's keys stood in the previous response's last bundle, and our key signed that.

    In a request of BIND or Knot a key may come at any moment: there one of the keys must have stood in the bundle of
    the previous response that is served when the first one begins. So it is with a plain RRset.
    """
    previous = subject.previous
    if previous is None:
        return not_applicable(NO_PREVIOUS)
    found = []
    if previous.zone != subject.request.zone:
        found.append(("previous response", f"is for {previous.zone.to_text()}"))
    name, first = next(subject.bundles())
    last = _served_before(previous.bundles, first)
    before = [published.key for published in last.keys]
    new = [published.key for published in subject.asked(first) if published.key not in before]
    free = subject.request.times is not None or subject.request.is_plain
    if not free or len(new) == len(subject.asked(first)):
        found += [(name, f"key tag {tag(key)} is not in the last bundle of the previous response") for key in new]
    if not subject.ksks:
        return judged(found, "its keys stood in the previous response; no key of a quorum is given to look for")
    if subject.first:
        return judged(found, "its keys stood in the previous response; none of ours has signed anything before")
    signers = list(_signers(subject, last, before))
    if not signers:
        found.append(("previous response", "its last bundle is not signed by a key of this quorum"))
    return judged(
        found, f"the previous response was signed by {' and '.join(f'key tag {tag(key)}' for key in signers)}"
    )


def chain_overlap(subject: Subject) -> Outcome:
    """KSR-CHAIN-OVERLAP: the previous response ends as long after the first bundle begins as an overlap must last."""
    previous = subject.previous
    if previous is None:
        return not_applicable(NO_PREVIOUS)
    name, first = next(subject.bundles())
    both = previous.bundles[-1].expiration - first.inception
    if subject.request.is_plain:
        # One RRset, signed for a time that somebody chose: it may begin whenever they like, if nothing is left out.
        least = subject.policy.ksk_overlap.least
        return judged(
            [(name, f"overlaps the previous response by {span(both)}, less than {span(least)}")]
            if both < least
            else [],
            f"overlaps the previous response by {span(both)}",
        )
    found = [(name, f"overlaps the previous response by {wrong}") for wrong in breaches(overlap_bounds(subject), both)]
    return judged(found, f"overlaps the previous response by {span(both)}")


def _in_use(bundles: Sequence[Bundle]) -> list[Dnskey]:
    """Give the keys, KSKs left out, that stand in every bundle."""
    each = [{published.key for published in bundle.keys} for bundle in bundles]
    return [key for key in all_keys(bundles) if not key.is_sep and all(key in one for one in each)]


def _standing_since(bundles: Sequence[Bundle], key: Dnskey, never: int) -> int:
    """Give when ``key`` came, to stay until the end of ``bundles``."""
    times = [bundle.inception for bundle in takewhile(lambda bundle: _lists(bundle, key), reversed(bundles))]
    return times[-1] if times else never


def _standing_until(bundles: Sequence[Bundle], key: Dnskey, never: int) -> int:
    """Give when the first bundle without ``key`` begins."""
    return next((bundle.inception for bundle in bundles if not _lists(bundle, key)), never)


def _served_before(bundles: Sequence[Bundle], first: Bundle) -> Bundle:
    """Give the last of the ``bundles`` of the previous response or, where they say when they start, the one served
    when ``first`` starts."""
    if first.start is None:
        return bundles[-1]
    served = [one for one in bundles if (one.inception if one.start is None else one.start) <= first.start]
    return served[-1] if served else bundles[-1]


def _lists(bundle: Bundle, key: Dnskey) -> bool:
    return any(published.key == key for published in bundle.keys)


def _signers(subject: Subject, bundle: Bundle, rrset: list[Dnskey]) -> Iterator[Dnskey]:
    """Give the quorum's keys of which the previous bundle carries a good signature."""
    for key in subject.ksks:
        for signature in bundle.signatures:
            try:
                verify_signature(subject.request.zone, rrset, signature, key)
            except SignatureError:
                continue
            yield key
            break
