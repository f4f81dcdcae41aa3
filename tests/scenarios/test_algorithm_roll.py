"""The root's roll from algorithm 8 to 13 is played through by two quorums, and resolvers go along with it.

Each quarter is answered under all rules, none of them overruled. At every change of the DNSKEY RRset unbound judges
the zone: told whom to trust, and as one that was told the old KSK once and has followed RFC 5011 ever since. What must
not work is seen not to.
"""

from pathlib import Path

import pytest

from keyquorum.dnssec.anchors import ds_text
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import slot_of
from keyquorum.errors import RefusedError
from tests.scenarios.algorithm_roll import (
    DAY,
    PLAN,
    QUARTERS,
    ROOT,
    WAYS_BACK,
    Turn,
    at,
    changes,
    ksk,
    ksr,
    line,
    new,
    old,
    played,
    policy,
    stands,
    turn,
)
from tests.scenarios.judges import ldns_verify_zone
from tests.scenarios.resolvers import Follower, Says, Told

HOUR = 3600
SECURE, BOGUS, INSECURE = Says.SECURE, Says.BOGUS, Says.INSECURE


def beginning(slot: str) -> int:
    """Give the moment an hour after a slot begins, as ``2028 Q2 slot 2``."""
    return next(one.slot.start for one in line() if one.slot.name == slot) + HOUR


def test_each_quarter_is_answered_as_planned() -> None:
    made = played()
    kept = {"2028 Q2": ["back-out"], "2029 Q2": ["double-sign"]}
    for name, quarter in QUARTERS.items():
        assert list(made[name]) == [quarter.schema.name, *kept.get(name, [])]
    for one in line():
        keys = [published.key for published in one.bundle.keys]
        made_by = {(signature.key_tag, signature.algorithm) for signature in one.bundle.signatures}
        signers = [key for key in keys if (key.tag, key.algorithm) in made_by]
        seen = slot_of(one.slot.name, one.bundle.inception, one.bundle.expiration, one.slot.ttl, keys, signers)
        assert (seen.start, seen.expiration) == (one.slot.start, one.slot.expiration)
        assert {key.algorithm: act for key, act in seen.ksks} == {key.algorithm: act for key, act in one.slot.ksks}
        assert len(seen.zone_keys) == len(one.slot.zone_keys)


def test_resolvers_that_are_told(tmp_path: Path) -> None:
    """One that trusts only KSKs that sign validates; one that trusts another too does not, as it insists on both."""
    keys = list(zip(PLAN.ksks, (ksk(old()), ksk(new())), strict=True))
    for one in changes(line()):
        zone, moment = one.write(tmp_path / "root.zone"), one.slot.start + HOUR
        signing = {key for planned, key in keys if one.slot.act(planned) is Act.SIGN}
        for told in ([ksk(old())], [ksk(new())], [ksk(old()), ksk(new())]):
            expected = SECURE if signing.issuperset(told) else BOGUS
            assert Told(tmp_path, told).look(zone, moment) is expected, (one.slot.name, told)


def test_a_resolver_that_follows(tmp_path: Path) -> None:
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    joins, leaves = beginning("2028 Q2 slot 2"), beginning("2029 Q2 slot 2")
    near = {start + days * DAY for start in (joins, leaves) for days in (29, 31)}
    for moment in sorted(near | {one.slot.start + HOUR for one in changes(line())}):
        one = at(line(), moment)
        assert follower.look(one.write(zone), moment) is SECURE, one.slot.name
        expected = (
            "VALID" if moment < leaves else "REVOKED" if moment < leaves + 30 * DAY else "",
            "" if moment < joins else "ADDPEND" if moment < joins + 30 * DAY else "VALID",
        )
        print(one.slot.name, expected, (follower.state(ksk(old())), follower.state(ksk(new()))))
        assert (follower.state(ksk(old())), follower.state(ksk(new()))) == expected, one.slot.name


def test_a_resolver_that_was_off(tmp_path: Path) -> None:
    """Back while the old KSK stands revoked, it trusts nobody and validates nothing; back later, it refuses all."""
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    moment = beginning("2028 Q1 slot 9")
    assert follower.look(at(line(), moment).write(zone), moment) is SECURE
    (tmp_path / "early").mkdir()
    early = follower.twin(tmp_path / "early")
    for slot, who, says, state in (
        ("2029 Q2 slot 2", early, INSECURE, "REVOKED"),
        ("2029 Q2 slot 9", follower, BOGUS, "VALID"),
        ("2029 Q3 slot 2", early, INSECURE, "REVOKED"),
        ("2029 Q3 slot 2", follower, BOGUS, "VALID"),
    ):
        moment = beginning(slot)
        assert who.look(at(line(), moment).write(zone), moment) is says, slot
        assert (who.state(ksk(old())), who.state(ksk(new()))) == (state, ""), slot


@pytest.mark.parametrize(
    ("schema", "rules", "says"),
    [
        ("leave-revoked", {"KQ-5011-HOLDDOWN"}, INSECURE),
        ("leave", {"KQ-5011-HOLDDOWN", "KQ-5011-REMOVE", "KQ-6840-ANCHORS"}, BOGUS),
    ],
)
def test_the_new_key_alone_too_early(tmp_path: Path, schema: str, rules: set[str], says: Says) -> None:
    """The new KSK joins in the last bundle only, and the next request takes the old one away 21 days after that."""
    made = played()["2028 Q2"]
    late = made["back-out"].until(9, made["join"])
    early = turn("2028 Q3", late, schema)
    assert early.failed() == rules
    with pytest.raises(RefusedError, match="KQ-5011-HOLDDOWN"):
        early.ask()
    overruled = dict.fromkeys(rules, "to see what happens")
    request = early.ask(**overruled)
    with pytest.raises(RefusedError, match="KQ-5011-HOLDDOWN"):
        early.answer(request, new(), 2)
    served = [*stands("2028 Q2", late), *stands("2028 Q3", early.responses(**overruled)[schema])]
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    for slot in ("2028 Q2 slot 9", "2028 Q3 slot 1"):
        assert follower.look(at(served, beginning(slot)).write(zone), beginning(slot)) is SECURE
        assert (follower.state(ksk(old())), follower.state(ksk(new()))) == ("VALID", "ADDPEND")
    moment = beginning("2028 Q3 slot 2")
    at(served, moment).write(zone)
    print(follower.look(zone, moment), follower.state(ksk(old())), follower.state(ksk(new())))
    assert follower.look(zone, moment) is says
    assert Told(tmp_path, [ksk(new())]).look(zone, moment) is SECURE


def test_backing_out_while_that_is_possible(tmp_path: Path) -> None:
    """From the fifth slot on the response kept ready is served, and the next quarter knows nothing of the new KSK."""
    assert WAYS_BACK["2028 Q2"][4] == ()
    made = played()["2028 Q2"]
    published = made["join"].until(5, made["back-out"])
    after = Turn("2028 Q3", (old(),), ("normal",), published, ksr("2028 Q3", (8,)), policy("2028 Q1"))
    served = [*stands("2028 Q2", published), *stands("2028 Q3", after.responses()["normal"])]
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    joins = beginning("2028 Q2 slot 2")
    for moment in sorted({joins + 29 * DAY, *(one.slot.start + HOUR for one in changes(served))}):
        one = at(served, moment)
        one.write(zone)
        assert Told(tmp_path, [ksk(old())]).look(zone, moment) is SECURE, one.slot.name
        assert follower.look(zone, moment) is SECURE, one.slot.name
        stands_new = joins <= moment < beginning("2028 Q2 slot 5")
        print(one.slot.name, follower.state(ksk(new())))
        assert follower.state(ksk(new())) == ("ADDPEND" if stands_new else ""), one.slot.name


def test_backing_out_too_late(tmp_path: Path) -> None:
    """One slot later followers trust the new KSK: those that insist on its algorithm fail, the others keep it."""
    assert WAYS_BACK["2028 Q2"][5] == ("KQ-5011-REMOVE", "KQ-6840-ANCHORS")
    made = played()["2028 Q2"]
    assert turn("2028 Q3", made["join"], "double-sign", "back-out").failed() == {"KQ-5011-REMOVE", "KQ-6840-ANCHORS"}
    served = stands("2028 Q2", made["join"].until(6, made["back-out"]))
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    joins = beginning("2028 Q2 slot 2")
    for moment in (joins, joins + 29 * DAY, joins + 31 * DAY):
        assert follower.look(at(served, moment).write(zone), moment) is SECURE
    assert follower.state(ksk(new())) == "VALID"
    (tmp_path / "lenient").mkdir()
    lenient, moment = follower.twin(tmp_path / "lenient", insist=False), beginning("2028 Q2 slot 6")
    at(served, moment).write(zone)
    assert follower.look(zone, moment) is BOGUS
    assert lenient.look(zone, moment) is SECURE
    print(lenient.state(ksk(new())), follower.state(ksk(new())))
    assert lenient.state(ksk(new())) == "MISSING"


def test_backing_out_of_the_revocation(tmp_path: Path) -> None:
    """Both sign again after the old KSK was seen revoked: nobody who follows trusts it again, and nobody needs it."""
    made = played()["2029 Q2"]
    served = stands("2029 Q2", made["leave-revoked"].until(3, made["double-sign"]))
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    for moment in (beginning("2028 Q2 slot 2"), beginning("2028 Q3 slot 1"), beginning("2029 Q1 slot 1")):
        follower.look(at(line(), moment).write(zone), moment)
    for slot in ("2029 Q2 slot 2", "2029 Q2 slot 3"):
        assert follower.look(at(served, beginning(slot)).write(zone), beginning(slot)) is SECURE
        print(slot, follower.state(ksk(old())))
        assert (follower.state(ksk(old())), follower.state(ksk(new()))) == ("REVOKED", "VALID")
    assert Told(tmp_path, [ksk(old())]).look(zone, beginning("2029 Q2 slot 3")) is SECURE


@pytest.mark.parametrize("slot", ["2028 Q1 slot 2", "2028 Q3 slot 2", "2029 Q2 slot 2", "2029 Q3 slot 2"])
def test_ldns_accepts_the_zone(tmp_path: Path, slot: str) -> None:
    one, anchors = at(line(), beginning(slot)), tmp_path / "anchors.ds"
    trusted = old() if slot < "2029" else new()
    anchors.write_text(f"{ds_text(ROOT, ksk(trusted))}\n")
    ldns_verify_zone(one.write(tmp_path / "root.zone"), anchors, beginning(slot))
