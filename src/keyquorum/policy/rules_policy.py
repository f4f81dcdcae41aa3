"""KSR-POLICY-KEYS, -ALG, -SIG-OVERLAP, -SIG-VALIDITY, -SIG-HORIZON, -BUNDLE-INTERVALS: numbers, kinds and times.

Where a request states a bound of its own, both that and the holder's policy must be kept: a request does not choose
what it is judged by.
"""

from collections.abc import Iterator
from itertools import pairwise

from keyquorum.dnssec.model import all_keys
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.policy.bounds import Bounds, span
from keyquorum.policy.keymaterial import describe, tag
from keyquorum.policy.rules_bundle import PLAIN
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable

ONE_BUNDLE = "there is only one bundle"


def numbers_of_keys(subject: Subject) -> Outcome:
    """KSR-POLICY-KEYS: each bundle lists as many keys as the policy says for its place, and so does the request."""
    per_bundle, in_all = subject.policy.keys_per_bundle, subject.policy.keys_in_all
    if subject.request.is_plain:
        return not_applicable(PLAIN)
    if not per_bundle and in_all is None:
        return not_applicable("the policy sets no numbers of keys")
    asked = [len(subject.asked(bundle)) for _, bundle in subject.bundles()]
    found = []
    if per_bundle and len(per_bundle) != len(asked):
        found.append(("request", f"has {len(asked)} bundles; the policy gives numbers of keys for {len(per_bundle)}"))
    for (name, _), have, wanted in zip(subject.bundles(), asked, per_bundle, strict=False):
        if have != wanted:
            found.append((name, f"lists {have} keys, not {wanted}"))
    different = sum(not subject.is_ours(key) for key in all_keys(subject.request.bundles))
    if in_all not in {None, different}:
        found.append(("request", f"lists {different} different keys, not {in_all}"))
    return judged(found, f"{different} different keys, in the bundles {asked}")


def algorithms(subject: Subject) -> Outcome:
    """KSR-POLICY-ALG: each kind of key the request states, and each key it lists, is one the policy allows."""
    allowed = subject.policy.allowed_keys
    found = []
    for kind in subject.request.policy.algorithms if subject.request.policy is not None else ():
        if not any(one.covers(kind) for one in allowed):
            what = f"algorithm {kind.algorithm}, {kind.bits} bits" + (
                f", exponent {kind.exponent}" * bool(kind.exponent)
            )
            found.append(("request's policy", f"states {what}, which the policy does not allow"))
    for key in all_keys(subject.request.bundles):
        if not subject.is_ours(key) and not any(one.allows(key) for one in allowed):
            found.append((f"key tag {tag(key)}", f"is of a kind ({describe(key)}) that the policy does not allow"))
    return judged(found, "every kind of key is allowed")


def overlap(subject: Subject) -> Outcome:
    """KSR-POLICY-SIG-OVERLAP: each bundle ends as long after the next begins as request and policy state."""
    if len(subject.request.bundles) == 1:
        return not_applicable(ONE_BUNDLE)
    bounds = overlap_bounds(subject)
    found = []
    for (_, earlier), (name, later) in pairwise(subject.bundles()):
        both = earlier.expiration - later.inception
        found += [(name, f"overlaps the one before by {wrong}") for wrong in breaches(bounds, both)]
    return judged(found, "every overlap is within bounds")


def validity(subject: Subject) -> Outcome:
    """KSR-POLICY-SIG-VALIDITY: each bundle is valid for as long as the request and the policy state."""
    bounds = [("the policy", subject.policy.ksk_validity)]
    stated = subject.request.policy
    if stated is not None:
        bounds.insert(0, ("the request", Bounds(stated.min_signature_validity, stated.max_signature_validity)))
    found = []
    for name, bundle in subject.bundles():
        found += [(name, f"is valid for {wrong}") for wrong in breaches(bounds, bundle.expiration - bundle.inception)]
    return judged(found, "every bundle is valid for as long as stated")


def horizon(subject: Subject) -> Outcome:
    """KSR-POLICY-SIG-HORIZON: no bundle is over, and none ends later than the policy's horizon from now."""
    found = []
    for name, bundle in subject.bundles():
        ahead = bundle.expiration - subject.at
        if ahead <= 0:
            found.append((name, f"is in the past: it ended {format_time_for_people(bundle.expiration)}"))
        elif ahead > subject.policy.horizon:
            found.append((name, f"ends {span(ahead)} from now, more than {span(subject.policy.horizon)}"))
    return judged(found, f"every bundle ends within {span(subject.policy.horizon)}")


def intervals(subject: Subject) -> Outcome:
    """KSR-POLICY-BUNDLE-INTERVALS: each bundle begins as long after the one before as the policy says."""
    bounds = subject.policy.bundle_interval
    if subject.request.is_plain:
        return not_applicable(PLAIN)
    if bounds is None:
        return not_applicable("the policy sets no interval")
    if len(subject.request.bundles) == 1:
        return not_applicable(ONE_BUNDLE)
    found = []
    for (_, earlier), (name, later) in pairwise(subject.bundles()):
        wrong = bounds.breach(later.inception - earlier.inception)
        found += [(name, f"begins after the one before by {wrong}")] if wrong else []
    return judged(found, "every interval is within bounds")


def overlap_bounds(subject: Subject) -> list[tuple[str, Bounds]]:
    """Give the bounds an overlap must keep, each with who states it."""
    stated = subject.request.policy
    own = [("the request", Bounds(stated.min_validity_overlap, stated.max_validity_overlap))] if stated else []
    return [*own, ("the policy", subject.policy.ksk_overlap)]


def breaches(bounds: list[tuple[str, Bounds]], seconds: int) -> Iterator[str]:
    """Give how a duration leaves any of ``bounds``, with who states it."""
    for who, bound in bounds:
        wrong = bound.breach(seconds)
        if wrong:
            yield f"{wrong} ({who} states)"
