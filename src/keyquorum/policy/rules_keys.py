"""Rules of our own on keys and TTLs, for every format alike: the KQ rules."""

from collections.abc import Iterator
from dataclasses import replace

from keyquorum.dnssec.model import Dnskey, Terms, all_keys
from keyquorum.dnssec.parent_records import is_deletion, parent_rdata_text, spoken_of
from keyquorum.policy.keymaterial import describe, is_of_kind, kind_of, shared_factors, tag, weaknesses
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable, shown

_FOREIGN = "is not of a key of this quorum (or has a digest that is none of SHA-256 and SHA-384)"


def foreign_ksk(subject: Subject) -> Outcome:
    """KQ-FOREIGN-KSK: every key with the SEP flag is one of the quorum's; to sign another hands the zone away."""
    ours = {(key.algorithm, key.public_key) for key in subject.ksks}
    found = [
        (name, f"key tag {tag(published.key)} has flags {published.key.flags} and is not a key of this quorum")
        for name, bundle in subject.bundles()
        for published in bundle.keys
        if published.key.is_sep and (published.key.algorithm, published.key.public_key) not in ours
    ]
    return judged(found, "no key signing key but the quorum's")


def key_tags(subject: Subject) -> Outcome:
    """KQ-KEY-TAGS: no two keys of a bundle, with those of the quorum that join it, revoked or not, have one tag."""
    found = []
    for place, (name, bundle) in enumerate(subject.bundles()):
        planned = [one.key for response in subject.responses for one in response.bundles[place].keys]
        seen: dict[int, Dnskey] = {}
        for key in dict.fromkeys([*subject.ksks, *planned, *(published.key for published in bundle.keys)]):
            if seen.setdefault(tag(key), key) != key:
                found.append((name, f"two different keys have the tag {tag(key)}"))
    return judged(found, "the tags of each bundle are different")


def strength(subject: Subject) -> Outcome:
    """KQ-ZSK-STRENGTH: no key asked for is weak in a way that can be seen from its public part."""
    listed = all_keys(subject.request.bundles)
    asked = [key for key in listed if not subject.is_ours(key)]
    found = [(f"key tag {tag(key)}", weakness) for key in asked for weakness in weaknesses(key)]
    before = all_keys(subject.previous.bundles) if subject.previous is not None else ()
    for one, other in shared_factors([*asked, *subject.ksks, *before]):
        if one in asked:
            found.append((f"key tag {tag(one)}", f"its modulus shares a factor with that of key tag {tag(other)}"))
    return judged(found, f"no weakness in {len(asked)} key{'s' * (len(asked) != 1)}")


def ttl(subject: Subject) -> Outcome:
    """KQ-TTL: all records of a bundle have one TTL, and it is the policy's where the policy states one."""
    wanted, found = subject.policy.ksk_ttl, []
    for name, bundle in subject.bundles():
        ttls = {published.ttl for published in bundle.keys}
        for signature in bundle.signatures:
            ttls |= {signature.ttl, signature.original_ttl}
        if len(ttls) > 1:
            found.append((name, f"has records of different TTLs: {', '.join(map(str, sorted(ttls)))}"))
        elif wanted is not None and ttls != {wanted}:
            found.append((name, f"has the TTL {ttls.pop()}, not {wanted}"))
    return judged(found, "one TTL in each bundle" if wanted is None else f"every TTL is {wanted}")


def records_for_parent(subject: Subject) -> Outcome:
    """KQ-CDS: CDS and CDNSKEY records are of the quorum's keys alone, and say the same (RFC 7344 section 4)."""
    zone, found, judged_records = subject.request.zone, [], 0
    if not any(bundle.for_parent for bundle in subject.request.bundles):
        return not_applicable("the request has no CDS or CDNSKEY records")
    if not subject.ksks:
        return not_applicable("no key of a quorum is given to compare with")
    for name, bundle in subject.bundles():
        named = []
        for rrset in bundle.for_parent:
            keys = [(rdata, spoken_of(zone, rrset, rdata, subject.ksks)) for rdata in rrset.rdatas]
            named.append({key for _, key in keys})
            judged_records += len(keys)
            for rdata in (rdata for rdata, key in keys if key is None):
                record = parent_rdata_text(rrset, rdata)
                what = "would have the parent end DNSSEC for the zone" if is_deletion(rrset, rdata) else _FOREIGN
                found.append((name, f"the record {rrset.name} {shown(record)} {what}"))
        if len(named) > 1 and named[0] != named[1]:
            found.append((name, "its CDS and its CDNSKEY records are not of the same keys"))
    return judged(found, f"{judged_records} records for the parent are of the quorum's keys")


def terms(subject: Subject) -> Outcome:
    """KQ-TERMS: what the response will state besides the signatures is what the policy and the quorum's keys are."""
    if subject.terms is None:
        return not_applicable("nothing is said of a response yet")
    policy, stated, found = subject.policy, subject.terms.ksk_policy, []
    for key in subject.ksks:
        if not any(is_of_kind(key, kind) for kind in policy.ksk_policy.algorithms):
            found.append((f"key tag {tag(key)}", f"is of a kind ({describe(key)}) that the policy has no KSK of"))
    if subject.terms.ttl != policy.ksk_ttl:
        ours = "as received" if policy.ksk_ttl is None else str(policy.ksk_ttl)
        theirs = "as received" if subject.terms.ttl is None else str(subject.terms.ttl)
        found.append(("response", f"its TTL is to be {theirs}; the policy says {ours}"))
    if (stated is None) != (subject.request.policy is None):
        found.append(("response", "a policy of the KSK belongs to a key signing request, and only to one"))
    elif stated is not None:
        if {*stated.algorithms} != {kind_of(key) for key in subject.ksks}:
            found.append(("response", "the kinds of KSK it is to state are not those of the quorum's keys"))
        if replace(stated, algorithms=policy.ksk_policy.algorithms) != policy.ksk_policy:
            found.append(("response", "the times of the KSK it is to state are not the policy's"))
    found += [("response", what) for what in _faults_of_derivation(subject, subject.terms)]
    return judged(found, "the response will state what the policy does")


def _faults_of_derivation(subject: Subject, terms: Terms) -> Iterator[str]:
    """Give what is wrong with how the bundles are derived from changes of keys, and with the records to be made."""
    policy, times = subject.policy, terms.times
    if times != subject.request.times:
        yield "its bundles were not derived with the times that the terms state"
    if times is None:
        if terms.parent_records:
            yield "records for the parent are made only for a request of BIND or Knot"
        return
    if policy.times not in {None, replace(times, until=None)}:
        yield "the times its bundles are derived with are not the policy's"
    if policy.parent_records not in {None, terms.parent_records}:
        theirs, ours = (" and ".join(some) or "none" for some in (terms.parent_records, policy.parent_records or ()))
        yield f"its records for the parent are to be {theirs}; the policy says {ours}"
