"""Rules on the bundles of a request as they stand: KSR-BUNDLE-UNIQUE, -KEYS, -POP, -COUNT, -CYCLE-DURATION."""

from collections.abc import Iterator

from keyquorum.dnssec.model import FLAG_ZONE, Bundle, Dnskey
from keyquorum.dnssec.times import format_duration
from keyquorum.dnssec.verify import verify_signature
from keyquorum.errors import SignatureError
from keyquorum.policy.keymaterial import describe, is_of_kind, tag
from keyquorum.policy.subject import Outcome, Subject, bundle_name, judged, not_applicable, shown

PLAIN = "a plain RRset, not a key signing request"
"""Why a rule has nothing to say of a request that is one RRset and a window of time."""

NO_IDS = "a request of BIND or Knot has no ids; its bundles are named after their times"

_SAME_TAG_LIMIT = 4  # Keys made to share a tag must not multiply the work (CVE-2023-50387); KQ-KEY-TAGS refuses two.


def unique(subject: Subject) -> Outcome:
    """KSR-BUNDLE-UNIQUE: no two bundles of this request, or of this and the previous response, have the same id."""
    if subject.request.is_plain:
        return not_applicable(PLAIN)
    if subject.request.times is not None:
        return not_applicable(NO_IDS)
    before = {bundle.id for bundle in subject.previous.bundles} if subject.previous is not None else set()
    findings = []
    first: dict[str, int] = {}
    for place, bundle in enumerate(subject.request.bundles, start=1):
        if first.setdefault(bundle.id, place) != place:
            findings.append((bundle_name(place, bundle), f"has the id of bundle {first[bundle.id]}"))
        if bundle.id in before:
            findings.append((bundle_name(place, bundle), "has the id of a bundle of the previous response"))
    return judged(findings, f"{len(first)} different ids")


def keys(subject: Subject) -> Outcome:
    """KSR-BUNDLE-KEYS: each bundle lists zone keys, one key to an identifier, of a kind the request itself states."""
    found = []
    named: dict[str, Dnskey] = {}
    for name, bundle in subject.bundles():
        found += [(name, what) for what in _faults_of_keys(subject, bundle, named)]
    return judged(found, "each key is a zone key, and each identifier means one key")


def _faults_of_keys(subject: Subject, bundle: Bundle, named: dict[str, Dnskey]) -> Iterator[str]:
    stated = subject.request.policy
    for published in bundle.keys:
        key, who = published.key, f"key tag {tag(published.key)}"
        first = named.setdefault(published.identifier, key) if published.identifier else key
        if first != key:
            yield f"{who} has the identifier {shown(published.identifier)}, which is that of key tag {tag(first)}"
        if subject.is_ours(key):
            continue
        if key.flags != FLAG_ZONE:
            yield f"{who} has flags {key.flags}, not {FLAG_ZONE}"
        if stated is not None and not any(is_of_kind(key, kind) for kind in stated.algorithms):
            yield f"{who} is of a kind ({describe(key)}) that the request's own policy does not state"


def possession(subject: Subject) -> Outcome:
    """KSR-BUNDLE-POP: each key asked for signed each bundle it stands in; the times of these proofs are not judged."""
    if not subject.request.proofs:
        why = "the format of the request carries no proofs of possession"
        if subject.policy.proofs_required:
            return judged([("request", f"{why}, and the policy demands them")], "")
        return not_applicable(why)
    found, proofs = [], 0
    for name, bundle in subject.bundles():
        found += [(name, what) for what in _faults_of_proofs(subject, bundle)]
        proofs += len(bundle.signatures)
    return judged(found, f"{proofs} proofs of possession are good")


def _faults_of_proofs(subject: Subject, bundle: Bundle) -> Iterator[str]:
    rrset = [published.key for published in bundle.keys]
    proven: set[Dnskey] = set()
    blamed: set[int] = set()
    for signature in bundle.signatures:
        named = (signature.key_tag, signature.algorithm)
        able = [key for key in rrset if (tag(key), key.algorithm) == named][:_SAME_TAG_LIMIT]
        if not able:
            yield f"a proof names key tag {named[0]} of algorithm {named[1]}, which the bundle does not list"
            continue
        good, why = [], ""
        for key in able:
            try:
                verify_signature(subject.request.zone, rrset, signature, key)
                good.append(key)
            except SignatureError as error:
                why = error.what
        proven.update(good)
        if not good:
            blamed.add(signature.key_tag)
            yield f"the proof of key tag {signature.key_tag} is bad: {why}"
    for published in subject.asked(bundle):
        if published.key not in proven and tag(published.key) not in blamed:
            yield f"key tag {tag(published.key)} gives no proof"


def count(subject: Subject) -> Outcome:
    """KSR-BUNDLE-COUNT: the request has as many bundles as the policy says."""
    wanted, have = subject.policy.bundle_count, len(subject.request.bundles)
    if subject.request.is_plain:
        return not_applicable(PLAIN)
    if wanted is None:
        return not_applicable("the policy sets no number of bundles")
    return judged([("request", f"has {have} bundles, not {wanted}")] if have != wanted else [], f"{have} bundles")


def cycle_duration(subject: Subject) -> Outcome:
    """KSR-BUNDLE-CYCLE-DURATION: the time from the first bundle's inception to the last one's is as the policy says."""
    bounds = subject.policy.cycle_duration
    if subject.request.is_plain:
        return not_applicable(PLAIN)
    if bounds is None:
        return not_applicable("the policy sets no duration of a cycle")
    duration = subject.request.bundles[-1].inception - subject.request.bundles[0].inception
    wrong = bounds.breach(duration)
    return judged([("request", f"the cycle is {wrong}")] if wrong else [], f"the cycle is {format_duration(duration)}")
