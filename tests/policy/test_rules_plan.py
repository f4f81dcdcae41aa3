"""Rules over plans: every pair of algorithms passes, each rule is broken by a plan that is good but for it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from keyquorum.dnssec.model import KeyKind
from keyquorum.dnssec.rollover import ROOT_8_TO_13, Plan, Roll, plan_of
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.trust import Trust
from keyquorum.policy.profile import profile
from keyquorum.policy.rules import RULES
from keyquorum.policy.rules_plan import PLAN_RULES, Line, judge, ways_back
from keyquorum.policy.subject import Status

DAY = 86400
FOLLOW, DS = profile("root").trust, Trust(follows=False, propagation=DAY, parent=3 * DAY)
KINDS = {
    8: KeyKind(8, 2048, 65537), 10: KeyKind(10, 2048, 65537), 13: KeyKind(13, 256), 14: KeyKind(14, 384),
    15: KeyKind(15, 256), 16: KeyKind(16, 456),
}  # fmt: skip
ROOT = plan_of(ROOT_8_TO_13)


def roll(old: int, new: int, *, follows: bool = True) -> Roll:
    zone_keys = (KINDS[old], KINDS[old], KINDS[new])
    return replace(
        ROOT_8_TO_13, old=("old", KINDS[old]), new=("new", KINDS[new]), zone_keys=zone_keys, follows=follows, ready=1,
        waiting=1, holding=int(old == new and follows),
    )  # fmt: skip


def failed(plan: Plan, trust: Trust = FOLLOW) -> dict[str, str]:
    return {result.rule: result.detail for result in judge(plan, trust).failed}


@pytest.mark.parametrize("old", KINDS)
@pytest.mark.parametrize("new", KINDS)
def test_every_pair_of_algorithms(old: int, new: int) -> None:
    assert failed(plan_of(roll(old, new))) == {}
    assert failed(plan_of(roll(old, new, follows=False)), DS) == {}


def test_the_roots_plan_passes_every_rule() -> None:
    results = judge(ROOT, FOLLOW).results
    assert [result.rule for result in results] == [rule.id for rule in PLAN_RULES]
    assert {result.rule for result in results if result.status is not Status.PASSED} == {"KQ-7583-DS"}
    assert {result.detail for result in results} == {"in all 90 slots", "validators follow by RFC 5011"}
    by_ds = judge(plan_of(roll(8, 13, follows=False)), DS).results
    assert {result.rule for result in by_ds if result.status is Status.NOT_APPLICABLE} == {
        "KQ-5011-HOLDDOWN", "KQ-5011-REVOKE", "KQ-5011-REMOVE", "KQ-6840-ANCHORS",
    }  # fmt: skip
    assert {result.detail for result in by_ds} == {"in all 54 slots", "validators go by DS records"}


def changed(quarter: str, places: range, change: Callable[[Slot], Slot], plan: Plan = ROOT) -> Plan:
    """Change some slots of a quarter (from 1, as people count them)."""
    quarters = [
        replace(one, slots=tuple(change(slot) if place in places else slot for place, slot in enumerate(one.slots, 1)))
        if one.name == quarter
        else one
        for one in plan.quarters
    ]
    return replace(plan, quarters=tuple(quarters))


def acting(**acts: Act) -> Callable[[Slot], Slot]:
    """Have the old or the new KSK do something else."""
    keys = dict(zip(("old", "new"), ROOT.ksks, strict=True))

    def change(slot: Slot) -> Slot:
        done = dict(slot.ksks) | {keys[who]: act for who, act in acts.items()}
        return replace(slot, ksks=tuple((key, act) for key, act in done.items() if act is not Act.ABSENT))

    return change


def zone_signed_with(*algorithms: int) -> Callable[[Slot], Slot]:
    return lambda slot: replace(slot, zone_signers=tuple(k for k in slot.zone_signers if k.algorithm in algorithms))


def standing(*names: str) -> Callable[[Slot], Slot]:
    return lambda slot: replace(slot, zone_keys=tuple(key for key in slot.zone_keys if key.name in names))


def with_ttl(plan: Plan, ttl: int) -> Plan:
    quarters = (replace(one, slots=tuple(replace(slot, ttl=ttl) for slot in one.slots)) for one in plan.quarters)
    return replace(plan, quarters=tuple(quarters))


ALL = range(1, 10)
SAME = plan_of(roll(8, 8))


def test_algorithms() -> None:
    late = changed("2028 Q2", range(2, 3), standing("ZSK 8 of 2028 Q2"))
    found = failed(late)
    assert found.pop("KQ-ALGORITHMS") == (
        "2028 Q2 slot 2: has keys of algorithm 8 and 13 and zone keys of 8, and is signed with 8 and 13"
    )
    # The zone signs with a key of that algorithm that does not stand.
    assert set(found) == {"KQ-7583-ZSK"}
    silent = changed("2028 Q2", range(2, 3), acting(new=Act.PUBLISH))
    assert failed(silent) == {
        "KQ-ALGORITHMS": "2028 Q2 slot 2: has keys of algorithm 8 and 13 and zone keys of 8 and 13, "
        "and is signed with 8"
    }


def test_hold_down() -> None:
    """The old KSK stops signing in the quarter in which the new one joins."""
    early = plan_of(roll(8, 8))
    published, rolled = early.quarters[1], early.quarters[3]
    quarters = (early.quarters[0], replace(published, slots=tuple(
        replace(slot, ksks=other.ksks) if place else slot
        for place, (slot, other) in enumerate(zip(published.slots, rolled.slots, strict=True))
    )), *early.quarters[2:])  # fmt: skip
    found = failed(replace(early, quarters=quarters))
    assert set(found) == {"KQ-5011-HOLDDOWN"}
    assert found["KQ-5011-HOLDDOWN"].startswith(
        "2027 Q3 slot 2: is signed by new, whom no validator has reason to trust"
    )


def test_revoked_and_back() -> None:
    back = changed("2029 Q2", range(9, 10), acting(old=Act.SIGN))
    found = failed(back)
    assert found["KQ-5011-REVOKE"] == (
        "2029 Q2 slot 9: KSK-2024 stands again as if it had not been revoked 2029-04-11 00:00:00 UTC"
    )
    # It brings its algorithm back, for which nothing else is prepared.
    assert set(found) == {"KQ-5011-REVOKE", "KQ-ALGORITHMS", "KQ-6781-ZONE", "KQ-7583-ZSK"}
    # Within an algorithm that is all.
    old = SAME.ksks[0]
    stands = changed("2028 Q3", range(9, 10), lambda slot: replace(slot, ksks=((old, Act.PUBLISH), *slot.ksks)), SAME)
    assert set(failed(stands)) == {"KQ-5011-REVOKE"}


def test_gone_too_soon() -> None:
    unrevoked = changed("2028 Q3", range(2, 10), lambda slot: replace(
        slot, ksks=tuple(one for one in slot.ksks if one[1] is Act.SIGN)
    ), plan=SAME)  # fmt: skip
    assert failed(unrevoked) == {
        "KQ-5011-REMOVE": "2028 Q3 slot 2: old goes without having been revoked; "
        "validators that trust it go on doing so"
    }
    # That quarter has 92 days: revoked on day 10, gone on day 81.
    assert failed(SAME, replace(FOLLOW, remove_hold_down=71 * DAY)) == {}
    assert failed(SAME, replace(FOLLOW, remove_hold_down=71 * DAY + 1)) == {
        "KQ-5011-REMOVE": "2028 Q3 slot 9: old goes after P71D as revoked, less than P71DT1S"
    }


def test_an_algorithm_of_an_anchor() -> None:
    silent = changed("2028 Q4", range(5, 6), acting(new=Act.PUBLISH))
    found = failed(silent)
    assert set(found) == {"KQ-6840-ANCHORS", "KQ-ALGORITHMS"}
    assert found["KQ-6840-ANCHORS"] == (
        "2028 Q4 slot 5: is not signed with algorithm 13, and validators may trust KSK-2027 "
        "since 2028-05-11 00:00:00 UTC"
    )


def test_ds_records() -> None:
    plan = plan_of(replace(roll(8, 13, follows=False), waiting=0))
    assert failed(plan, DS) == {}
    found = failed(plan, replace(DS, parent=90 * DAY))
    assert set(found) == {"KQ-7583-DS"}
    assert found["KQ-7583-DS"].startswith("2028 Q1 slot 2: is signed by new; not every validator trusts new before")


def test_zone_signatures() -> None:
    """Of each algorithm: a week before the first key of it comes, until three days after the last one goes."""
    told = (
        "the zone is not signed with algorithm {} while a cache may have a key of it, "
        "or signatures from before one came"
    )
    for quarter, place, algorithm in (("2028 Q3", 5, 13), ("2028 Q3", 5, 8), ("2028 Q2", 1, 13), ("2029 Q2", 9, 8)):
        rest = {8, 13} - {algorithm}
        plan = changed(quarter, range(place, place + 1), zone_signed_with(*rest))
        assert failed(plan) == {"KQ-6781-ZONE": f"{quarter} slot {place}: {told.format(algorithm)}"}
    # In the slot before that, and in the quarter after, it need not be any more.
    assert failed(changed("2028 Q1", ALL, zone_signed_with(8))) == {}


def test_zone_signatures_to_the_second() -> None:
    """The new keys come on day 10 of the quarter; nine days of TTL and one to propagate reach back to its beginning."""
    for seconds, fails in ((0, False), (1, True)):
        plan = replace(ROOT, roll=replace(ROOT.roll, zone_ttl=9 * DAY + seconds))
        late = changed("2028 Q1", range(9, 10), zone_signed_with(8), plan=plan)
        assert ("KQ-6781-ZONE" in failed(late)) == fails
    for days, fails in ((10, False), (11, True)):
        # The old keys go eleven days before the quarter ends; a cache keeps them for a day and the TTL.
        assert ("KQ-6781-ZONE" in failed(with_ttl(ROOT, days * DAY))) == fails


def test_zone_keys_come_too_late() -> None:
    now = ("ZSK 8 of 2027 Q3", "ZSK 8 of 2027 Q2")
    missing = changed("2027 Q2", range(9, 10), standing("ZSK 8 of 2027 Q2"))
    assert failed(missing) == {
        "KQ-7583-ZSK": "2027 Q3 slot 1: ZSK 8 of 2027 Q3 signs the zone after it stood for PT0S, less than P3D"
    }
    assert failed(changed("2027 Q3", range(5, 6), standing())) == {
        "KQ-ALGORITHMS": "2027 Q3 slot 5: has keys of algorithm 8 and zone keys of none, and is signed with 8",
        "KQ-7583-ZSK": "2027 Q3 slot 5: ZSK 8 of 2027 Q3 signs the zone and does not stand in it; "
        "2027 Q3 slot 6: ZSK 8 of 2027 Q3 signs the zone after it stood for PT0S, less than P3D",
    }
    assert failed(changed("2027 Q3", range(1, 2), standing(*now))) == {}


def test_how_long_a_zone_key_stands_before_it_signs() -> None:
    """It comes eleven days before; with a TTL of ten days and a day for propagation it is just in time."""
    for days, fails in ((10, False), (11, True)):
        assert set(failed(with_ttl(SAME, days * DAY))) == ({"KQ-7583-ZSK"} if fails else set())


def test_whose_ttl_a_new_zone_key_waits_for() -> None:
    """That of the RRset that it was not in: caches keep that one."""
    last_of = {9: set(), 8: {"KQ-7583-ZSK"}, 7: set()}
    for place, found in last_of.items():
        plan = changed("2027 Q2", range(place, place + 1), lambda slot: replace(slot, ttl=11 * DAY))
        assert set(failed(plan)) == found


def test_a_zone_key_that_never_changes() -> None:
    """It stands from before the plan until after it."""
    key = SlotKey("ZSK", 8, 2048)
    for first, found in ((0, set()), (1, {"KQ-ALGORITHMS", "KQ-7583-ZSK"})):
        places = count()
        quarters = [
            tuple(replace(slot, zone_keys=(key,) * (next(places) >= first), zone_signers=(key,)) for slot in one.slots)
            for one in SAME.quarters
        ]
        plan = tuple(replace(one, slots=slots) for one, slots in zip(SAME.quarters, quarters, strict=True))
        assert set(failed(replace(SAME, quarters=plan))) == found


def test_zone_keys_go_too_soon() -> None:
    gone = changed("2027 Q3", range(1, 2), standing("ZSK 8 of 2027 Q3"))
    assert failed(gone) == {
        "KQ-7583-ZSK": "2027 Q3 slot 1: ZSK 8 of 2027 Q2 is gone while a cache may have signatures of it"
    }
    for seconds, fails in ((0, False), (1, True)):
        # It stands for another slot of ten days: a day for propagation, the rest for the TTL of what it signed.
        plan = replace(SAME, roll=replace(SAME.roll, zone_ttl=9 * DAY + seconds))
        assert set(failed(plan)) == ({"KQ-7583-ZSK"} if fails else set())


def test_what_is_in_the_world_is_not_judged() -> None:
    late = changed("2028 Q2", range(2, 3), standing("ZSK 8 of 2028 Q2"))
    place = 4 * 9 + 1
    for facts, found in ((place, {"KQ-ALGORITHMS"}), (place + 1, set())):
        line = Line(late.slots, facts, FOLLOW, late.roll.zone_ttl)
        assert {rule.id for rule in PLAN_RULES if rule.id == "KQ-ALGORITHMS" and any(rule.find(line))} == found


def test_when_a_slot_ends() -> None:
    slots = ROOT.slots[-3:]
    line = Line(slots, 0, FOLLOW, 0)
    assert [line.end(place) for place in range(3)] == [slots[1].start, slots[2].start, slots[2].expiration]


def test_ways_back() -> None:
    ways = ways_back(ROOT, FOLLOW)
    expected = ("KQ-5011-REMOVE", "KQ-6840-ANCHORS")
    assert ways[:4] == ((None,) * 9,) * 4
    # The new KSK can be withdrawn without a trace until the first validator may trust it: 30 days after slot 2 began.
    assert ways[4] == ((),) * 5 + (expected,) * 4
    assert ways[5:8] == ((expected,) * 9,) * 3
    # The old one can be kept until it was published as revoked, in slot 2.
    assert ways[8] == ((), (), *[("KQ-5011-REVOKE",)] * 7)
    assert ways[9] == (None,) * 9


def test_ways_back_of_other_rolls() -> None:
    same = ways_back(SAME, FOLLOW)
    assert [row[0] for row in same] == [None, (), None, (), (), (), None]
    assert [row[8] for row in same] == [None, ("KQ-5011-REMOVE",), None, (), (), ("KQ-5011-REVOKE",), None]
    by_ds = ways_back(plan_of(roll(8, 13, follows=False)), DS)
    assert by_ds[2] == ((),) * 9
    assert by_ds[3] == (None,) * 9


def test_the_rules_of_plans_are_those_of_requests_and_two_more() -> None:
    demands = {rule.id: (rule.demands, rule.source) for rule in RULES}
    shared = [rule for rule in PLAN_RULES if rule.id in demands]
    assert all((rule.demands, rule.source) == demands[rule.id] for rule in shared)
    assert [rule.id for rule in PLAN_RULES if rule.id not in demands] == ["KQ-6781-ZONE", "KQ-7583-ZSK"]
    assert isinstance(ROOT.ksks[0], SlotKey)
