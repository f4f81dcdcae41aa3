"""The table of all rules, in order, and their evaluation: every rule is run, whatever the others said.

A rule that raises is a fault of ours and stops the evaluation; it is never taken for passed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keyquorum.policy import (
    rules_bundle,
    rules_chain,
    rules_identity,
    rules_keys,
    rules_policy,
    rules_rollover,
    rules_schema,
)
from keyquorum.policy.report import Report, result_of
from keyquorum.policy.subject import Outcome, Subject

_DPS = "DNSSEC Practice Statement for the Root Zone KSK Operator"
_KSR = "rules of the root's key signing ceremonies (iana-org/dnssec-keytools)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, what it demands in a sentence, where that comes from, and the function that judges.

    ``remedy`` is what to do where it fails and nothing need be wrong with the source.
    """

    id: str
    demands: str
    source: str
    check: Callable[[Subject], Outcome]
    remedy: str = ""


RULES = (
    Rule("KSR-DOMAIN", "The zone is one that the keys may sign.", _KSR, rules_identity.domain),
    Rule(
        "KSR-ID",
        "The id of the request was never seen before with other content, and is not that of the previous response.",
        _KSR,
        rules_identity.request_id,
    ),
    Rule("KSR-BUNDLE-UNIQUE", "No two bundles have the same id.", _KSR, rules_bundle.unique),
    Rule(
        "KSR-BUNDLE-KEYS",
        "Every key asked for is a zone key (flags 256) of a kind the request states, and an identifier means one key.",
        f"{_KSR}; RFC 4034 section 2.1.1",
        rules_bundle.keys,
    ),
    Rule(
        "KSR-BUNDLE-POP",
        "Every key asked for has signed every bundle it stands in, which proves that somebody holds its private part.",
        _KSR,
        rules_bundle.possession,
    ),
    Rule("KSR-BUNDLE-COUNT", "The request has as many bundles as the policy says.", _KSR, rules_bundle.count),
    Rule(
        "KSR-BUNDLE-CYCLE-DURATION",
        "From the first bundle's inception to the last one's it is as long as the policy says.",
        _KSR,
        rules_bundle.cycle_duration,
    ),
    Rule(
        "KSR-POLICY-KEYS",
        "Each bundle, and the request as a whole, lists as many keys as the policy says.",
        _KSR,
        rules_policy.numbers_of_keys,
    ),
    Rule(
        "KSR-POLICY-ALG",
        "Every key asked for, and every kind of key the request states, is of a kind the policy allows.",
        f"{_KSR}; RFC 8624 section 3.1",
        rules_policy.algorithms,
    ),
    Rule(
        "KSR-POLICY-SIG-OVERLAP",
        "Bundles that follow each other overlap for as long as the request and the policy state.",
        _KSR,
        rules_policy.overlap,
    ),
    Rule(
        "KSR-POLICY-SIG-VALIDITY",
        "Each bundle is valid for as long as the request and the policy state.",
        f"{_KSR}; {_DPS}, section 5.1.4",
        rules_policy.validity,
    ),
    Rule(
        "KSR-POLICY-SIG-HORIZON",
        "No bundle is already over, and none ends beyond the policy's horizon.",
        f"{_KSR}; {_DPS}, section 5.1.4",
        rules_policy.horizon,
    ),
    Rule(
        "KSR-POLICY-BUNDLE-INTERVALS",
        "Each bundle begins as long after the one before as the policy says.",
        _KSR,
        rules_policy.intervals,
    ),
    Rule(
        "KQ-CHAIN",
        "The previous response is at hand, or the request says that its keys have signed nothing before.",
        "keyquorum",
        rules_chain.at_hand,
        "Give the previous response (--previous-skr FILE, or --archive DIR); a requester whose keys sign for the first "
        "time says --first.",
    ),
    Rule(
        "KSR-POLICY-SAFETY",
        "A key stands in the zone long enough before it begins to sign, and after it has stopped.",
        f"{_KSR}; RFC 6781 section 4.1.1.1; RFC 7583 section 3.2.1",
        rules_chain.safety,
    ),
    Rule(
        "KSR-CHAIN-KEYS",
        "The keys of the first bundle stood in the previous response's last one, which a key of this quorum signed.",
        _KSR,
        rules_chain.chain_keys,
    ),
    Rule(
        "KSR-CHAIN-OVERLAP",
        "The previous response overlaps the first bundle for as long as the request and the policy state.",
        _KSR,
        rules_chain.chain_overlap,
    ),
    Rule(
        "KQ-FOREIGN-KSK",
        "No key signing key (SEP flag) is listed but the quorum's own.",
        "keyquorum; RFC 4034 section 2.1.1",
        rules_keys.foreign_ksk,
    ),
    Rule(
        "KQ-KEY-TAGS",
        "No two keys that stand together have the same tag.",
        "keyquorum; RFC 4034 section 8; CVE-2023-50387",
        rules_keys.key_tags,
    ),
    Rule(
        "KQ-ZSK-STRENGTH",
        "No key asked for shows a weakness: modulus, exponent, shared factors, point on the curve.",
        "keyquorum; FIPS 186-5 sections A.1 and D.1; RFC 8032 section 5",
        rules_keys.strength,
    ),
    Rule(
        "KQ-TTL",
        "All records of a bundle have one TTL, the policy's where it states one.",
        "keyquorum; RFC 2181 section 5.2; RFC 4034 section 3.1.4",
        rules_keys.ttl,
    ),
    Rule(
        "KQ-CDS",
        "CDS and CDNSKEY records in the request are of the quorum's keys alone, and say the same.",
        "keyquorum; RFC 7344 sections 4 and 4.1; RFC 8078 section 4",
        rules_keys.records_for_parent,
    ),
    Rule(
        "KQ-SCHEMA",
        "A key of the quorum that the request lists stands there as the schema of each response has it.",
        "keyquorum",
        rules_schema.schema,
    ),
    Rule(
        "KQ-REVOKED",
        "A key is revoked only where the schema has it so, and is then signed by itself and by another KSK.",
        "keyquorum; RFC 5011 section 2.1",
        rules_schema.revoked,
    ),
    Rule(
        "KQ-ALGORITHMS",
        "Each bundle is signed with the algorithms of its keys, no more and no fewer, and its zone keys have them all.",
        "keyquorum; RFC 4035 section 2.2; RFC 6840 section 5.11",
        rules_schema.algorithms_agree,
    ),
    Rule(
        "KQ-KSK-LIFE",
        "No signature of a KSK begins before the KSK's life or ends after it, where the policy states it.",
        "keyquorum",
        rules_schema.ksk_life,
    ),
    Rule(
        "KQ-TERMS",
        "The TTL and the KSK's policy that the request has the response state are those of the policy.",
        "keyquorum",
        rules_keys.terms,
    ),
    Rule(
        "KQ-5011-HOLDDOWN",
        "Every bundle is signed by a KSK that all validators trust by then: the hold-down is over.",
        "keyquorum; RFC 5011 sections 2.2 and 2.4.1; RFC 7583 section 3.3.4",
        rules_rollover.hold_down,
    ),
    Rule(
        "KQ-5011-REVOKE",
        "A KSK that was revoked does not stand again.",
        "keyquorum; RFC 5011 sections 2.1 and 4",
        rules_rollover.revocation,
    ),
    Rule(
        "KQ-5011-REMOVE",
        "A KSK that validators may trust goes only after it was revoked, and stood so for long enough.",
        "keyquorum; RFC 5011 sections 2.1 and 2.4.2; RFC 7583 section 3.3.4",
        rules_rollover.removal,
    ),
    Rule(
        "KQ-6840-ANCHORS",
        "Every bundle is signed with each algorithm of the KSKs that validators may trust by then.",
        "keyquorum; RFC 6840 section 5.11",
        rules_rollover.anchors,
    ),
    Rule(
        "KQ-7583-DS",
        "Every bundle is signed by a KSK whose DS records all validators can have by then.",
        "keyquorum; RFC 7583 section 3.3.1; RFC 6781 section 4.1.2",
        rules_rollover.parent,
    ),
    Rule("CLOCK", "The time to judge at is within a day of the clock.", "keyquorum", rules_identity.clock),
)
"""Every rule, in the order they are run and shown. Nothing can be added from outside."""


def evaluate(subject: Subject) -> Report:
    """Run every rule on ``subject`` and give all results, in the order of the table.

    What a rule raises comes through: a rule that crashed has not been passed.
    """
    zone = subject.request.zone.to_text()
    return Report(tuple(result_of(rule.id, rule.check(subject), zone) for rule in RULES))
