"""KQ-SCHEMA, KQ-REVOKED, KQ-ALGORITHMS, KQ-KEY-TAGS, KQ-KSK-LIFE over what is planned: each broken alone."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey
from keyquorum.policy.profile import KskLife
from keyquorum.policy.subject import Status, Subject
from tests.policy.good_request import DAY, KSK, START, failures, good, labelled, p256, plain
from tests.policy.rolling import EC, NEW, OLD, Rolling, planned
from tests.policy.spoilt import detail, spoil, spoil_plain, status, tag

FIRST, SECOND = plain().ksks[0], p256(9, flags=257)
TWO = replace(plain(), ksks=(FIRST, SECOND))


def listing(*keys: Dnskey) -> Subject:
    """Give a plain RRset of these keys, with two KSKs at hand."""
    subject = spoil_plain.bundle(1, prove=False, keys=labelled(*keys, p256(2), ttl=3600))
    return replace(subject, ksks=(FIRST, SECOND))


def test_the_good_ones_pass_with_what_is_planned() -> None:
    assert failures(planned(good())) == {}
    assert failures(planned(plain())) == {}
    assert detail(planned(good()), "KQ-SCHEMA") == "nothing in the request is against the schema of normal"
    assert status(good(), "KQ-SCHEMA") is Status.NOT_APPLICABLE
    assert detail(good(), "KQ-SCHEMA") == "no response is planned yet"


def test_our_key_in_another_form_than_the_schemas() -> None:
    """A zone file that has our KSK in its RRset would be served with it, whatever we sign."""
    assert failures(planned(listing(FIRST, SECOND), "double-sign")) == {}
    assert failures(planned(listing(FIRST), "double-sign")) == {}
    assert failures(planned(listing(FIRST, SECOND), "back-out")) == {
        "KQ-SCHEMA": f"bundle 1: lists {tag(SECOND)}, not revoked, which does not stand there so"
    }
    assert failures(planned(listing(FIRST, SECOND), "revoke-only")) == {
        "KQ-SCHEMA": f"bundle 1: lists {tag(FIRST)}, not revoked, which does not stand there so"
    }
    assert failures(planned(listing(FIRST.revoked(), SECOND), "revoke-only")) == {}


def test_a_key_that_is_revoked_against_the_schema() -> None:
    revoked = FIRST.revoked()
    assert failures(planned(listing(revoked, SECOND), "double-sign")) == {
        "KQ-REVOKED": f"bundle 1: {tag(revoked)} is revoked (flags 385)",
        "KQ-SCHEMA": f"bundle 1: lists {tag(revoked)}, revoked, which does not stand there so",
    }
    assert detail(planned(TWO, "revoke-only"), "KQ-REVOKED") == "revoked as the schema says, 1 times"
    # Two responses: what one has revoked is there, what the other has not is named with it.
    both = planned(listing(revoked, SECOND), "revoke-only", "double-sign")
    failed = failures(both)
    assert "KQ-REVOKED" not in failed
    assert failed["KQ-SCHEMA"].startswith(f"double-sign, bundle 1: lists {tag(revoked)}, revoked")


def test_a_revoked_key_signs_with_another() -> None:
    """No schema has it otherwise; should one ever, this rule says so."""
    subject = replace(spoil_plain.bundle(1, keys=labelled(p256(2), ttl=3600), prove=False), ksks=TWO.ksks)
    (response,) = planned(subject, "revoke-only").responses
    (bundle,) = response.bundles
    told = f"bundle 1: {tag(FIRST.revoked())} is revoked, and not signed by itself and another KSK"
    for signers in ((SECOND,), (FIRST.revoked(),)):
        odd = replace(response, bundles=(replace(bundle, signers=signers),))
        failed = failures(replace(subject, responses=(odd,)))
        assert failed["KQ-REVOKED"] == told
        # Where nobody but the revoked key signs, nobody is trusted either.
        assert set(failed) - {"KQ-REVOKED"} == ({"KQ-7583-DS"} if SECOND not in signers else set())


def test_algorithms_of_what_is_planned() -> None:
    world = Rolling()
    ksks = (OLD, EC)
    assert failures(world.subject("r" + "b" * 8, ksks, "join")) == {}
    assert detail(world.subject("r" + "b" * 8, ksks, "join"), "KQ-ALGORITHMS") == "algorithm 8 and 13 throughout"
    # The zone keys of the new algorithm come too late.
    failed = failures(world.subject("rr" + "b" * 7, ksks, "join"))
    assert failed == {"KQ-ALGORITHMS": "bundle 2 (0-1): lists keys of algorithm 8; the quorum signs with 8 and 13"}
    # A KSK of another algorithm is published before it signs, as one does with a KSK of the same.
    failed = failures(world.subject("r" * 9, ksks, "pre-publish"))
    assert set(failed) == {"KQ-ALGORITHMS", "KQ-6840-ANCHORS"}
    assert failed["KQ-ALGORITHMS"].startswith(
        "bundle 2 (0-1): has keys of algorithm 8 and 13; the quorum signs with 8; bundle 3"
    )
    # Two responses: what is wrong with the one that is kept ready is told under its name.
    failed = failures(world.subject("rr" + "b" * 7, ksks, "back-out", "join"))
    assert failed["KQ-ALGORITHMS"].startswith("join, bundle 2 (0-1): lists keys of algorithm 8; ")
    # Nor may zone keys stay when the KSK of their algorithm has gone.
    failed = failures(world.subject("b" * 9, (OLD,), "normal"))
    assert set(failed) == {"KQ-ALGORITHMS"}
    assert failed["KQ-ALGORITHMS"].startswith(
        "bundle 1 (0-0): lists keys of algorithm 8 and 13; the quorum signs with 8"
    )


def test_no_zone_key_is_left() -> None:
    subject = Rolling().subject("r" * 9, (EC, OLD), "back-out")
    failed = failures(subject)
    left = "is left without a zone key: none is of an algorithm that it is signed with"
    assert failed == {"KQ-ALGORITHMS": "; ".join(f"bundle {place} (0-{place - 1}): {left}" for place in range(1, 10))}
    # A key that signs both itself and the zone needs no other.
    alone = spoil_plain.bundle(1, prove=False, keys=labelled(FIRST, ttl=3600))
    assert failures(planned(alone)) == {}


def test_the_tag_of_a_key_once_it_is_revoked() -> None:
    """The REVOKE flag changes the tag: it may then be that of another key."""
    taken = FIRST.revoked().tag
    stranger = next(key for key in map(p256, range(100, 400_000)) if key.tag == taken)
    subject = spoil_plain.bundle(1, prove=False, keys=labelled(stranger, ttl=3600))
    subject = replace(subject, ksks=(FIRST, SECOND))
    assert failures(planned(subject, "double-sign")) == {}
    assert failures(planned(subject, "revoke-only")) == {
        "KQ-KEY-TAGS": f"bundle 1: two different keys have the tag {taken}"
    }


END = good().request.bundles[-1].expiration


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (START, END, ""),
        (
            START + 1,
            END,
            f"bundle 1 (b-1): {tag(KSK)} signs from 2026-04-01 00:00:00 UTC on, "
            "and its life begins 2026-04-01 00:00:01 UTC",
        ),
        (
            START,
            END - 1,
            f"bundle 9 (b-9): {tag(KSK)} signs until 2026-07-11 00:00:00 UTC, "
            "and its life ends 2026-07-10 23:59:59 UTC",
        ),
    ],
)
def test_the_life_of_a_ksk(since: int, until: int, expected: str) -> None:
    subject = planned(spoil.policy(ksk_lives=(KskLife(KSK.tag, 8, since, until),)))
    assert failures(subject) == ({"KQ-KSK-LIFE": expected} if expected else {})


def test_a_ksk_of_whose_life_nothing_is_said() -> None:
    for life in (KskLife(KSK.tag, 10, 0, END), KskLife(KSK.tag ^ 1, 8, 0, END)):
        failed = failures(planned(spoil.policy(ksk_lives=(life,))))
        assert set(failed) == {"KQ-KSK-LIFE"}
        assert failed["KQ-KSK-LIFE"].startswith(
            f"bundle 1 (b-1): {tag(KSK)} signs, and the policy says nothing of its life; bundle 2"
        )
    life = KskLife(KSK.tag, 8, START, END)
    assert detail(planned(spoil.policy(ksk_lives=(life,))), "KQ-KSK-LIFE") == "every KSK signs within its life"
    assert detail(spoil.policy(ksk_lives=(life,)), "KQ-KSK-LIFE") == "no response is planned yet"
    said = "the policy says of no KSK from when until when it signs"
    assert detail(planned(good()), "KQ-KSK-LIFE") == said


def test_the_life_of_a_key_that_is_revoked_is_that_of_the_key() -> None:
    lives = tuple(KskLife(key.tag, 8, 0, 2**32 - 1) for key in (OLD, NEW))
    world = Rolling(replace(Rolling().policy, ksk_lives=lives))
    failed = failures(world.subject("r" * 9, (OLD, NEW), "revoke-only"))
    assert "KQ-KSK-LIFE" not in failed
    short = (KskLife(OLD.tag, 8, 0, START + 21 * DAY), lives[1])
    world = Rolling(replace(world.policy, ksk_lives=short))
    failed = failures(world.subject("r" * 9, (OLD, NEW), "rollover"))
    # Published it still is, but it signs only the first bundle.
    assert "KQ-KSK-LIFE" not in failed
