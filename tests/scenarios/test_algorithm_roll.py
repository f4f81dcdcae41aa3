"""The root's roll from algorithm 8 to 13 is played through by two quorums, and resolvers go along with it.

Each quarter is answered under all rules, none of them overruled. At every change of the DNSKEY RRset unbound judges
the zone: told whom to trust, and as one that was told the old KSK once and has followed RFC 5011 ever since. What must
not work is seen not to.
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keyquorum.dnssec.anchors import ds_text
from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import slot_of
from keyquorum.errors import RefusedError
from tests.scenarios.algorithm_roll import (
    DAY,
    PAGE,
    PLAN,
    QUARTERS,
    ROOT,
    WAYS_BACK,
    Stand,
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


def known(follower: Follower) -> tuple[str, str]:
    """Give the states in which a follower has the old and the new KSK."""
    return follower.state(ksk(old())), follower.state(ksk(new()))


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


def test_resolvers_go_along(tmp_path: Path) -> None:
    """At every change, and around the ends of both hold-downs; what is seen is what the operator's page says."""
    told = [[ksk(old())], [ksk(new())], [ksk(old()), ksk(new())]]
    places = [tmp_path / name for name in ("old", "new", "both", "follows")]
    for place in places:
        place.mkdir()
    follower = Follower(places[3]).begin(ksk(old()))
    asked = [*map(Told, places, told), follower]
    joins, leaves = beginning("2028 Q2 slot 2"), beginning("2029 Q2 slot 2")
    near = {start + days * DAY for start in (joins, leaves) for days in (29, 31)}
    rows: list[tuple[str, str]] = []
    with ThreadPoolExecutor() as pool:
        for moment in sorted(near | {one.slot.start + HOUR for one in changes(line())}):
            one = at(line(), moment)
            zone = one.write(tmp_path / "root.zone")
            says = list(pool.map(lambda who, zone=zone, moment=moment: who.look(zone, moment), asked))
            signing = {
                key for planned, key in zip(PLAN.ksks, told[2], strict=True) if one.slot.act(planned) is Act.SIGN
            }
            # One that trusts a key which does not sign fails even if it trusts another, since it insists on both.
            assert says == [*(SECURE if signing.issuperset(keys) else BOGUS for keys in told), SECURE], one.slot.name
            old_state = "VALID" if moment < leaves else "REVOKED" if moment < leaves + 30 * DAY else ""
            new_state = "" if moment < joins else "ADDPEND" if moment < joins + 30 * DAY else "VALID"
            assert known(follower) == (old_state, new_state), one.slot.name
            row = _row(one, says, known(follower))
            if not rows or rows[-1][1] != row:
                rows.append((datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d"), row))
    assert rows == re.findall(r"^\| (\d{4}-\d\d-\d\d) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)


def _row(one: Stand, says: Sequence[Says], states: Sequence[str]) -> str:
    """Give a row of the table in the operator's page: the KSKs, the zone's signatures, what each resolver says."""
    acts = [one.slot.act(key).value for key in PLAN.ksks]
    signed = " and ".join(str(algorithm) for algorithm in sorted({key.algorithm for key in one.slot.zone_signers}))
    return " | ".join([*acts, signed, *(said.value for said in says), *(state or "-" for state in states)])


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
        assert known(who) == (state, ""), slot


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
    request = early.ask(overruled)
    with pytest.raises(RefusedError, match="KQ-5011-HOLDDOWN"):
        early.answer(request, new(), 2)
    served = [*stands("2028 Q2", late), *stands("2028 Q3", early.responses(request, overruled)[schema])]
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    for slot in ("2028 Q2 slot 9", "2028 Q3 slot 1"):
        assert follower.look(at(served, beginning(slot)).write(zone), beginning(slot)) is SECURE
        assert known(follower) == ("VALID", "ADDPEND")
    moment = beginning("2028 Q3 slot 2")
    assert follower.look(at(served, moment).write(zone), moment) is says
    assert Told(tmp_path, [ksk(new())]).look(zone, moment) is SECURE


def test_backing_out_while_that_is_possible(tmp_path: Path) -> None:
    """From the fifth slot on the response kept ready is served, and the next quarter knows nothing of the new KSK."""
    assert WAYS_BACK["2028 Q2"][4] == ()
    made = played()["2028 Q2"]
    published = made["join"].until(5, made["back-out"])
    after = Turn("2028 Q3", (old(),), ("normal",), published, ksr("2028 Q3", (8,)), policy("2028 Q1"))
    served = [*stands("2028 Q2", published), *stands("2028 Q3", after.responses(after.ask())["normal"])]
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    joins = beginning("2028 Q2 slot 2")
    for moment in sorted({joins + 29 * DAY, *(one.slot.start + HOUR for one in changes(served))}):
        one = at(served, moment)
        one.write(zone)
        stands_new = joins <= moment < beginning("2028 Q2 slot 5")
        assert Told(tmp_path, [ksk(old())]).look(zone, moment) is SECURE, one.slot.name
        assert follower.look(zone, moment) is SECURE, one.slot.name
        assert Told(tmp_path, [ksk(old()), ksk(new())]).look(zone, moment) is (SECURE if stands_new else BOGUS)
        assert known(follower) == ("VALID", "ADDPEND" if stands_new else ""), one.slot.name


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
    assert known(follower) == ("VALID", "VALID")
    (tmp_path / "lenient").mkdir()
    lenient, moment = follower.twin(tmp_path / "lenient", insist=False), beginning("2028 Q2 slot 6")
    at(served, moment).write(zone)
    assert follower.look(zone, moment) is BOGUS
    assert lenient.look(zone, moment) is SECURE
    assert known(lenient) == ("VALID", "MISSING")


def test_backing_out_of_the_revocation(tmp_path: Path) -> None:
    """Both sign again after the old KSK was seen revoked: nobody who follows trusts it again, and nobody needs it."""
    made = played()["2029 Q2"]
    served = stands("2029 Q2", made["leave-revoked"].until(3, made["double-sign"]))
    follower, zone = Follower(tmp_path).begin(ksk(old())), tmp_path / "root.zone"
    for moment in (beginning("2028 Q2 slot 2"), beginning("2028 Q3 slot 1"), beginning("2029 Q1 slot 1")):
        follower.look(at(line(), moment).write(zone), moment)
    for slot in ("2029 Q2 slot 2", "2029 Q2 slot 3"):
        assert follower.look(at(served, beginning(slot)).write(zone), beginning(slot)) is SECURE
        assert known(follower) == ("REVOKED", "VALID")
    assert Told(tmp_path, [ksk(old())]).look(zone, beginning("2029 Q2 slot 3")) is SECURE


@pytest.mark.parametrize("slot", ["2028 Q1 slot 2", "2028 Q3 slot 2", "2029 Q2 slot 2", "2029 Q3 slot 2"])
def test_ldns_accepts_the_zone(tmp_path: Path, slot: str) -> None:
    one, anchors = at(line(), beginning(slot)), tmp_path / "anchors.ds"
    trusted = old() if slot < "2029" else new()
    anchors.write_text(f"{ds_text(ROOT, ksk(trusted))}\n")
    ldns_verify_zone(one.write(tmp_path / "root.zone"), anchors, beginning(slot))
