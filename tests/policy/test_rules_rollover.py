"""KQ-5011-*, KQ-6840-ANCHORS, KQ-7583-DS: whole rolls in which every rule passes, and what breaks each of them."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.trust import Trust
from keyquorum.policy.rules import RULES, evaluate
from keyquorum.policy.subject import Status
from tests.policy.good_request import DAY, ROOT, failures, good, proven
from tests.policy.rolling import EC, NEW, OLD, Rolling, planned, policy
from tests.policy.spoilt import detail, spoil_plain, status, tag

ROLLOVER_RULES = ("KQ-5011-HOLDDOWN", "KQ-5011-REVOKE", "KQ-5011-REMOVE", "KQ-6840-ANCHORS")
R, JOINING, B, E = "r" * 9, "r" + "b" * 8, "b" * 9, "e" * 9
DS = Trust(follows=False, propagation=DAY, parent=3 * DAY)


def after(*steps: tuple[str, tuple[Dnskey, ...], str], world: Rolling | None = None) -> Rolling:
    """Publish quarter after quarter; every rule passes each time."""
    world = world or Rolling()
    for rows, ksks, schema in steps:
        subject = world.subject(rows, ksks, schema)
        assert failures(subject) == {}, (world.quarter, schema)
        world = world.publish(subject)
    return world


NORMAL = (R, (OLD,), "normal")
PREPUBLISHED = (NORMAL, (R, (OLD, NEW), "pre-publish"))
ROLLED = (*PREPUBLISHED, (R, (OLD, NEW), "rollover"))
REVOKED = (*ROLLED, (R, (OLD, NEW), "revoke"))
JOINED = (NORMAL, (JOINING, (OLD, EC), "join"))
DOUBLE = (*JOINED, (B, (OLD, EC), "double-sign"))


def test_a_roll_of_the_root_passes_every_rule() -> None:
    world = after(*REVOKED, (R, (NEW,), "normal"))
    last = world.subject(R, (NEW,), "normal")
    assert {result.rule for result in evaluate(last).results if result.status is Status.NOT_APPLICABLE} == {
        "KSR-POLICY-KEYS", "KQ-CDS", "KQ-KSK-LIFE", "KQ-TERMS", "KQ-7583-DS",
    }  # fmt: skip
    assert len(evaluate(last).results) == len(RULES)


def test_a_roll_to_another_algorithm_passes_every_rule() -> None:
    after(*DOUBLE, (B, (OLD, EC), "leave-revoked"), (E, (EC,), "normal"), (E, (EC,), "normal"))


def test_a_roll_by_ds_records_passes_every_rule() -> None:
    for ksks, rows in (((OLD, NEW), (R, R, R, R)), ((OLD, EC), (R, JOINING, B, E))):
        steps = zip(rows, ("normal", "join", "leave", "normal"), strict=True)
        keys = {"normal": ksks[:1], "join": ksks, "leave": ksks}
        moves = [(row, keys[schema] if place < 3 else ksks[1:], schema) for place, (row, schema) in enumerate(steps)]
        # The zone's keys leave with the KSK: those of its algorithm are left out from the second bundle on.
        after(*moves, world=Rolling(policy(trust=DS)))


def test_extended_phases_pass_every_rule() -> None:
    both = (OLD, NEW)
    after(
        NORMAL, (R, both, "pre-publish"), (R, both, "publish-only"), (R, both, "rollover"), (R, both, "hold"),
        (R, both, "revoke"), (R, both, "revoke-only"), (R, (NEW,), "normal"),
    )  # fmt: skip


def test_backing_out_passes_every_rule() -> None:
    """Each phase of a roll with what is kept ready: both are judged, and either may be published."""
    both = (OLD, NEW)
    for steps, schema, back_out in (
        ((NORMAL,), "pre-publish", "back-out"),
        (PREPUBLISHED, "rollover", "publish-only"),
        (ROLLED, "revoke", "hold"),
        (ROLLED, "hold", "publish-only"),
    ):
        world = after(*steps)
        subject = world.subject(R, both, schema, back_out)
        assert failures(subject) == {}
        assert detail(subject, "KQ-SCHEMA").endswith(f"of {schema} and {back_out}")
        assert world.publish(subject, 1) == world.publish(world.subject(R, both, back_out))


def test_a_key_that_nobody_trusts_yet() -> None:
    """The next KSK signs alone in the quarter in which it first stands."""
    subject = after(NORMAL).subject(R, (OLD, NEW), "rollover")
    failed = failures(subject)
    assert set(failed) == {"KQ-5011-HOLDDOWN"}
    assert failed["KQ-5011-HOLDDOWN"].startswith(
        f"bundle 2 (1-1): is signed by {tag(NEW)}; not every validator trusts {tag(NEW)} before 2026-08-03 00:00:00 UTC"
    )
    # 2026-07-01 and 33 days: it propagates for one day, is seen within one, is held down for 30, seen again within one.
    # But from the second bundle on there is nothing that could be verified: it is never trusted.
    assert failed["KQ-5011-HOLDDOWN"].count("is signed by") == 8
    # Back-out passes, and the finding says which of the two it is about.
    failed = failures(after(NORMAL).subject(R, (OLD, NEW), "rollover", "publish-only"))
    assert failed["KQ-5011-HOLDDOWN"].startswith("rollover, bundle 2 (1-1): is signed by")


def test_the_hold_down_to_the_second() -> None:
    """Published from the second bundle of one quarter on (day 10), alone from the second of the next on (day 101)."""
    world = after(*PREPUBLISHED)
    for seconds, fails in ((0, False), (1, True)):
        # 92 days from 2026-07-11 to 2026-10-11, of which 3 are for propagation and two looks.
        changed = replace(world.policy.trust, hold_down=89 * DAY + seconds)
        subject = world.subject(R, (OLD, NEW), "rollover", policy=policy(trust=changed))
        assert set(failures(subject)) == ({"KQ-5011-HOLDDOWN"} if fails else set())


def test_the_longest_ttl_of_the_previous_response_counts() -> None:
    """An RRset has one TTL; a response that is not ours may have others, and a cache takes any of them."""
    world = after(*PREPUBLISHED)
    assert world.previous is not None
    subject = world.subject(R, (OLD, NEW), "rollover")
    for place in range(3):
        bundles = tuple(
            replace(one, keys=tuple(replace(k, ttl=90 * DAY) if n == place else k for n, k in enumerate(one.keys)))
            for one in world.previous.bundles
        )
        judged = replace(subject, previous=replace(world.previous, bundles=bundles))
        assert set(failures(judged)) == {"KQ-5011-HOLDDOWN"}


def test_without_a_previous_response_the_first_bundle_is_taken_as_trusted() -> None:
    subject = Rolling().subject(R, (OLD, NEW), "rollover")
    assert set(failures(subject)) == {"KQ-5011-HOLDDOWN"}
    assert failures(Rolling().subject(R, (OLD, NEW), "hold")) == {}


def test_who_is_trusted_after_a_response_that_both_signed() -> None:
    """Both signed as far back as can be seen, a quarter: by then each of them is trusted alone."""
    world = after(*DOUBLE)
    assert failures(world.subject(B, (OLD, EC), "double-sign")) == {}
    # If the quarter before had been too short for that, only both together would be.
    long = policy(trust=replace(world.policy.trust, hold_down=200 * DAY, remove_hold_down=0))
    assert failures(world.subject(B, (OLD, EC), "double-sign", policy=long)) == {}
    failed = failures(world.subject(B, (OLD, EC), "leave-revoked", policy=long))
    # The revocation is believed all the same: the key's own signature proves it.
    assert set(failed) == {"KQ-5011-HOLDDOWN"}
    assert failed["KQ-5011-HOLDDOWN"].startswith(f"bundle 2 (3-1): is signed by {tag(EC)}; not every validator")


def test_a_stranger_signs_after_the_previous_response() -> None:
    failed = failures(after(NORMAL).subject(R, (NEW,), "normal"))
    assert set(failed) == {"KSR-CHAIN-KEYS", "KQ-5011-HOLDDOWN", "KQ-5011-REMOVE"}
    assert failed["KQ-5011-HOLDDOWN"].startswith(
        f"bundle 1 (1-0): is signed by {tag(NEW)}, whom no validator has reason to trust; bundle 2"
    )
    assert failed["KQ-5011-REMOVE"] == (
        f"bundle 1 (1-0): {tag(OLD)} goes without having been revoked; validators that trust it go on doing so"
    )


def test_what_the_previous_response_only_claims() -> None:
    """A response whose signatures over the pre-publication do not verify shows nothing."""
    world = after(*PREPUBLISHED)
    assert world.previous is not None
    forged = [
        replace(one, signatures=tuple(replace(s, signature=b"\1" * 256) for s in one.signatures))
        if 0 < place < 8
        else one
        for place, one in enumerate(world.previous.bundles)
    ]
    subject = world.subject(R, (OLD, NEW), "rollover")
    assert failures(subject) == {}
    judged = replace(subject, previous=replace(world.previous, bundles=tuple(forged)))
    assert set(failures(judged)) == {"KQ-5011-HOLDDOWN"}


def test_a_previous_response_of_another_zone_says_nothing_of_this_one() -> None:
    world = after(*PREPUBLISHED)
    assert world.previous is not None
    elsewhere = replace(world.previous, zone=spoil_plain.base.request.zone)
    judged = replace(world.subject(R, (OLD, NEW), "rollover"), previous=elsewhere)
    assert set(failures(judged)) == {"KSR-CHAIN-KEYS", "KQ-5011-HOLDDOWN"}


def test_what_the_previous_response_has_beyond_the_beginning_is_no_fact() -> None:
    """A response for the same quarter, signed by the next KSK alone: it would be a fact only if it came before."""
    world = after(NORMAL)
    other = world.publish(world.subject(R, (OLD, NEW), "hold")).previous
    assert world.previous is not None
    assert other is not None
    both = replace(world.previous, bundles=(*world.previous.bundles, *other.bundles))
    subject = replace(world.subject(R, (OLD, NEW), "hold"), previous=both)
    assert {"KQ-5011-HOLDDOWN"} <= set(failures(subject))
    early = replace(subject, previous=replace(both, bundles=both.bundles[:10]))
    assert {"KQ-5011-HOLDDOWN"} <= set(failures(early))


def test_signatures_of_others_beside_the_good_one() -> None:
    """A forged signature, or one of a key with the same tag, hides nothing of what stands behind it."""
    world = after(*PREPUBLISHED)
    assert world.previous is not None
    bundles = tuple(
        replace(one, signatures=(replace(one.signatures[0], signature=b"\1" * 256), *one.signatures))
        for one in world.previous.bundles
    )
    subject = world.subject(R, (OLD, NEW), "rollover")
    assert failures(replace(subject, previous=replace(world.previous, bundles=bundles))) == {}


def test_a_key_comes_back_from_being_revoked() -> None:
    subject = after(*REVOKED).subject(R, (OLD, NEW), "hold")
    told = f"{tag(OLD)} stands again as if it had not been revoked 2027-01-11 00:00:00 UTC"
    assert failures(subject) == {
        "KQ-5011-REVOKE": "; ".join(f"bundle {place} (4-{place - 1}): {told}" for place in range(1, 10))
    }


def test_a_key_goes_without_being_revoked() -> None:
    goes = f"{tag(OLD)} goes without having been revoked; validators that trust it go on doing so"
    assert failures(after(*ROLLED).subject(R, (NEW,), "normal")) == {"KQ-5011-REMOVE": f"bundle 1 (3-0): {goes}"}
    assert failures(after(*ROLLED).subject(R, (OLD, NEW), "leave")) == {"KQ-5011-REMOVE": f"bundle 2 (3-1): {goes}"}


def test_a_key_goes_before_its_revocation_was_seen() -> None:
    world = after(*ROLLED)
    # The quarter has 90 days: revoked on day 10, gone on day 79.
    for seconds, told in ((0, ""), (1, "less than P69DT1S")):
        changed = policy(trust=replace(world.policy.trust, remove_hold_down=69 * DAY + seconds))
        found = failures(world.subject(R, (OLD, NEW), "revoke", policy=changed))
        goes = f"bundle 9 (3-8): {tag(OLD)} goes after P69D as revoked, {told}"
        assert found == ({"KQ-5011-REMOVE": goes} if told else {})
    slow = policy(trust=replace(world.policy.trust, remove_hold_down=0, propagation=69 * DAY))
    assert failures(world.subject(R, (OLD, NEW), "revoke", policy=slow))["KQ-5011-REMOVE"] == (
        f"bundle 9 (3-8): {tag(OLD)} goes after P69D as revoked, less than P70D"
    )


def test_a_key_that_nobody_trusts_yet_may_go() -> None:
    """Published and withdrawn within the hold-down, nobody has begun to trust it."""
    world = after(NORMAL)
    subject = world.subject(R, (OLD, NEW), "pre-publish")
    bundles = list(subject.responses[0].bundles)
    withdrawn = planned(subject, "back-out").responses[0].bundles
    for stays, fails in ((4, False), (5, True)):
        # Published from day 10 on; on day 40 the first validator may trust it.
        mixed = replace(subject.responses[0], bundles=(*bundles[:stays], *withdrawn[stays:]))
        failed = failures(replace(subject, responses=(mixed,)))
        assert set(failed) == ({"KQ-5011-REMOVE"} if fails else set())


def test_an_algorithm_that_validators_expect() -> None:
    """The ECDSA KSK was withdrawn late in the quarter before: validators trust it, and miss its algorithm."""
    world = after(*JOINED)
    joined = world.subject(B, (OLD, EC), "double-sign", "back-out")
    published, backed_out = (world.publish(joined, place).previous for place in (0, 1))
    assert published is not None
    assert backed_out is not None
    previous = replace(published, bundles=(*published.bundles[:6], *backed_out.bundles[6:]))
    failed = failures(Rolling(world.policy, 3, previous).subject(R, (OLD,), "normal"))
    assert set(failed) == {"KQ-6840-ANCHORS"}
    assert failed["KQ-6840-ANCHORS"].startswith(
        f"bundle 1 (3-0): is not signed with algorithm 13, and validators may trust {tag(EC)} since 2026-10-01"
    )
    assert failed["KQ-6840-ANCHORS"].count("is not signed with algorithm 13") == 9
    # Withdrawn at the beginning of a request, it goes without being revoked as well.
    failed = failures(after(*DOUBLE).subject(B, (OLD, EC), "back-out"))
    assert set(failed) == {"KQ-6840-ANCHORS", "KQ-5011-REMOVE"}


def test_ds_records_that_cannot_be_everywhere_yet() -> None:
    """Joined on day 10 of one quarter, alone from day 10 of the next on: 92 days, less a day and the TTL of two."""
    world = after(NORMAL, (R, (OLD, NEW), "join"), world=Rolling(policy(trust=DS)))
    for seconds, fails in ((0, False), (1, True)):
        slow = policy(trust=replace(DS, parent=89 * DAY + seconds))
        failed = failures(world.subject(R, (OLD, NEW), "leave", policy=slow))
        assert set(failed) == ({"KQ-7583-DS"} if fails else set())
    assert failed["KQ-7583-DS"].startswith(f"bundle 2 (2-1): is signed by {tag(NEW)}; not every validator trusts")


@pytest.mark.parametrize("rule", [*ROLLOVER_RULES, "KQ-7583-DS"])
def test_what_does_not_apply(rule: str) -> None:
    assert status(good(), rule) is Status.NOT_APPLICABLE
    follows = planned(good())
    goes_by_ds = planned(replace(good(), policy=replace(good().policy, trust=DS)))
    applies, not_so = (goes_by_ds, follows) if rule == "KQ-7583-DS" else (follows, goes_by_ds)
    assert status(applies, rule) is Status.PASSED
    assert status(not_so, rule) is Status.NOT_APPLICABLE
    assert detail(replace(applies, responses=()), rule) == "no response is planned yet"
    assert "the policy says" in detail(not_so, rule)


def test_zone_keys_that_sign_the_keys_are_nobodys_anchor() -> None:
    """Some signers sign the DNSKEY RRset with zone keys too; validators do not configure these."""
    world = after(NORMAL)
    assert world.previous is not None
    bundles = tuple(
        replace(one, signatures=one.signatures + proven(ROOT, one).signatures) for one in world.previous.bundles
    )
    subject = replace(world.subject(R, (NEW,), "normal"), previous=replace(world.previous, bundles=bundles))
    assert failures(subject)["KQ-5011-HOLDDOWN"].startswith(
        f"bundle 1 (1-0): is signed by {tag(NEW)}, whom no validator has reason to trust"
    )
    assert failures(planned(replace(subject, ksks=(OLD,)))) == {}
