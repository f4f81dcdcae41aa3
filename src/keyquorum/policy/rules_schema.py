"""Rules on what a schema makes of a request: KQ-SCHEMA, KQ-REVOKED, KQ-ALGORITHMS, KQ-KSK-LIFE.

Every response that is asked for is judged, each under its name; a request that is looked at by itself plans none, and
is then judged as if every key of the quorum signed every bundle.
"""

from collections.abc import Iterator

from keyquorum.dnssec.model import Bundle, Dnskey
from keyquorum.dnssec.schema import PlannedBundle
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.policy.keymaterial import tag
from keyquorum.policy.profile import KskLife
from keyquorum.policy.subject import Outcome, Subject, judged, not_applicable

NOTHING_PLANNED = "no response is planned yet"


def schema(subject: Subject) -> Outcome:
    """KQ-SCHEMA: a key of the quorum that a bundle lists itself stands there as the schema has it.

    Otherwise the zone would serve another RRset than the one that is signed.
    """
    if not subject.responses:
        return not_applicable(NOTHING_PLANNED)
    forms = {form for key in subject.ksks for form in (key, key.revoked())}
    found = []
    for where, bundle, planned in _planned(subject):
        standing = {one.key for one in planned.keys}
        for published in bundle.keys:
            if published.key in forms and published.key not in standing:
                how = "revoked" if published.key.is_revoked else "not revoked"
                found.append((where, f"lists key tag {tag(published.key)}, {how}, which does not stand there so"))
    told = " and ".join(
        one.name if one.name == one.schema.name else f"{one.name} ({one.schema.name})" for one in subject.responses
    )
    return judged(found, f"nothing in the request is against the schema of {told}")


def revoked(subject: Subject) -> Outcome:
    """KQ-REVOKED: a key is revoked only where the schema has it so, and is signed by itself and by another KSK."""
    found = []
    count = 0
    for name, bundle, plans in _bundles(subject):
        ours = {signer for planned in plans for signer in planned.signers}
        for published in bundle.keys:
            if published.key.is_revoked and published.key not in ours:
                found.append((name, f"key tag {tag(published.key)} is revoked (flags {published.key.flags})"))
    for where, _, planned in _planned(subject):
        keys = [one.key for one in planned.keys if one.key.is_revoked and subject.is_ours(one.key)]
        lasting = [signer for signer in planned.signers if not signer.is_revoked]
        count += len(keys)
        for key in keys:
            if key not in planned.signers or not lasting:
                found.append((where, f"key tag {tag(key)} is revoked, and not signed by itself and another KSK"))
    return judged(found, f"revoked as the schema says, {count} times" if count else "no key is revoked")


def algorithms_agree(subject: Subject) -> Outcome:
    """KQ-ALGORITHMS: each bundle is signed with the algorithms of all its keys, and zone keys have them all."""
    if not subject.ksks:
        return not_applicable("no key of a quorum is given to compare with")
    found: list[tuple[str, str]] = []
    used: set[int] = set()
    for where, keys, signing in _keys_and_signers(subject):
        asked = {key.algorithm for key in keys if not subject.is_ours(key)}
        standing = {key.algorithm for key in keys}
        used |= signing
        if asked and asked != signing:
            found.append((where, f"lists keys of algorithm {_told(asked)}; the quorum signs with {_told(signing)}"))
        elif standing != signing:
            found.append((where, f"has keys of algorithm {_told(standing)}; the quorum signs with {_told(signing)}"))
    for where, bundle, planned in _planned(subject):
        left = {one.key for one in planned.keys}
        asked_for = {one.key for one in subject.asked(bundle)}
        if asked_for and not left & asked_for:
            found.append((where, "is left without a zone key: none is of an algorithm that it is signed with"))
    return judged(found, f"algorithm {_told(used)} throughout")


def ksk_life(subject: Subject) -> Outcome:
    """KQ-KSK-LIFE: no signature of a KSK begins before the KSK's life or ends after it, as the policy states it."""
    lives = {(life.tag, life.algorithm): life for life in subject.policy.ksk_lives}
    if not lives:
        return not_applicable("the policy says of no KSK from when until when it signs")
    if not subject.responses:
        return not_applicable(NOTHING_PLANNED)
    found = []
    for where, _, planned in _planned(subject):
        for signer in planned.signers:
            name = tag(signer.unrevoked())
            what = _outside(planned, lives.get((name, signer.algorithm)))
            if what:
                found.append((where, f"key tag {name} {what}"))
    return judged(found, "every KSK signs within its life")


def _outside(planned: PlannedBundle, life: KskLife | None) -> str:
    if life is None:
        return "signs, and the policy says nothing of its life"
    if planned.inception < life.since:
        return (
            f"signs from {format_time_for_people(planned.inception)} on, "
            f"and its life begins {format_time_for_people(life.since)}"
        )
    if planned.expiration > life.until:
        return (
            f"signs until {format_time_for_people(planned.expiration)}, "
            f"and its life ends {format_time_for_people(life.until)}"
        )
    return ""


def _told(algorithms: set[int]) -> str:
    return " and ".join(map(str, sorted(algorithms)))


def _bundles(subject: Subject) -> Iterator[tuple[str, Bundle, list[PlannedBundle]]]:
    """Give each bundle of the request, with what each response makes of it."""
    for place, (name, bundle) in enumerate(subject.bundles()):
        yield name, bundle, [response.bundles[place] for response in subject.responses]


def _planned(subject: Subject) -> Iterator[tuple[str, Bundle, PlannedBundle]]:
    """Give each planned bundle of each response, where it is, and the bundle of the request it is made of."""
    for response in subject.responses:
        for (name, bundle), planned in zip(subject.bundles(), response.bundles, strict=True):
            yield subject.place_in(response, name), bundle, planned


def _keys_and_signers(subject: Subject) -> Iterator[tuple[str, list[Dnskey], set[int]]]:
    """Give of each bundle to be signed its keys and the algorithms of its signers."""
    if subject.responses:
        for where, _, planned in _planned(subject):
            yield where, [one.key for one in planned.keys], {signer.algorithm for signer in planned.signers}
        return
    signing = {key.algorithm for key in subject.ksks}
    for name, bundle in subject.bundles():
        yield name, [*subject.ksks, *(one.key for one in subject.asked(bundle))], signing
