"""Plans of a roll: the root's in every slot, others by their shape, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import dns.name
import pytest

from keyquorum.dnssec.calendar import Calendar
from keyquorum.dnssec.model import KeyKind
from keyquorum.dnssec.rollover import MOST_QUARTERS, ROOT_8_TO_13, Plan, Quarter, Roll, plan_of
from keyquorum.dnssec.schema import Act
from keyquorum.errors import RefusedError

RSA, SMALL, EC = KeyKind(8, 2048, 65537), KeyKind(8, 1536, 65537), KeyKind(13, 256)
ROOT = plan_of(ROOT_8_TO_13)
SAME = replace(ROOT_8_TO_13, new=("KSK-2027", RSA), zone_keys=(RSA, RSA, RSA), ready=1, waiting=1, holding=1)
DS = replace(SAME, follows=False, holding=0)
DS_TO_EC = replace(ROOT_8_TO_13, follows=False, ready=0, waiting=0)


def letters(plan: Plan, quarter: Quarter, *, backed_out: bool = False) -> tuple[str, str]:
    slots = quarter.backed_out if backed_out else quarter.slots
    old, new = ("".join(slot.act(key).value for slot in slots) for key in plan.ksks)
    return old, new


def zone_keys(quarter: Quarter) -> list[str]:
    """Give the zone keys of each slot: algorithm, size, quarter."""
    return [
        " ".join(f"{key.name[4:]}/{key.bits}".replace(" of ", ":") for key in slot.zone_keys) for slot in quarter.slots
    ]


S, N = "S" * 9, "-" * 9


def test_what_the_root_rolls() -> None:
    assert (
        Roll(
            zone=dns.name.root,
            old=("KSK-2024", RSA),
            new=("KSK-2027", EC),
            zone_keys=(RSA, SMALL, EC),
            start=1806537600,
            calendar=Calendar(9, 777600, 950400, 1814400),
            ttl=172800,
            zone_ttl=518400,
            follows=True,
            ready=3,
            waiting=3,
            holding=0,
        )
        == ROOT_8_TO_13
    )


def test_the_root_from_8_to_13() -> None:
    assert [quarter.name for quarter in ROOT.quarters] == [
        "2027 Q2", "2027 Q3", "2027 Q4", "2028 Q1", "2028 Q2", "2028 Q3", "2028 Q4", "2029 Q1", "2029 Q2", "2029 Q3",
    ]  # fmt: skip
    assert [quarter.schema.name for quarter in ROOT.quarters] == [
        "normal", "normal", "normal", "normal", "join", "double-sign", "double-sign", "double-sign", "leave-revoked",
        "normal",
    ]  # fmt: skip
    assert [quarter.back_out.name if quarter.back_out else "" for quarter in ROOT.quarters] == [
        "", "", "", "", "back-out", "back-out", "back-out", "back-out", "double-sign", "",
    ]  # fmt: skip
    assert [letters(ROOT, quarter) for quarter in ROOT.quarters] == [
        *[(S, N)] * 4, (S, "-SSSSSSSS"), *[(S, S)] * 3, ("SRRRRRRR-", S), (N, S),
    ]  # fmt: skip
    assert [letters(ROOT, quarter, backed_out=True) for quarter in ROOT.quarters] == [
        *[("", "")] * 4, *[(S, N)] * 4, (S, S), ("", ""),
    ]  # fmt: skip
    assert [key.name for key in ROOT.ksks] == ["KSK-2024", "KSK-2027"]
    assert ROOT.slots[0].name == "2027 Q2 slot 1"
    first = ROOT.slots[0]
    assert (first.start, first.ttl) == (int(datetime(2027, 4, 1, tzinfo=UTC).timestamp()), 172800)
    assert first.expiration - first.start == 21 * 86400
    assert first.ksks == ((ROOT.ksks[0], Act.SIGN),)
    assert len(ROOT.slots) == 90


def test_the_roots_zone_keys() -> None:
    quarters = {quarter.name: quarter for quarter in ROOT.quarters}
    assert zone_keys(quarters["2027 Q2"]) == [
        "8:2027 Q1/2048 8:2027 Q2/2048", *["8:2027 Q2/2048"] * 7, "8:2027 Q2/2048 8:2027 Q3/2048",
    ]  # fmt: skip
    # 1536 bits from the quarter on in which both algorithms sign the zone.
    assert zone_keys(quarters["2027 Q4"])[8] == "8:2027 Q4/2048 8:2028 Q1/1536"
    assert zone_keys(quarters["2028 Q1"])[1] == "8:2028 Q1/1536"
    assert zone_keys(quarters["2028 Q2"]) == [
        "8:2028 Q1/1536 8:2028 Q2/1536",
        *["8:2028 Q2/1536 13:2028 Q2/256"] * 7,
        "8:2028 Q2/1536 8:2028 Q3/1536 13:2028 Q2/256 13:2028 Q3/256",
    ]
    assert zone_keys(quarters["2029 Q2"])[7:] == ["8:2029 Q2/1536 13:2029 Q2/256", "13:2029 Q2/256 13:2029 Q3/256"]
    assert zone_keys(quarters["2029 Q3"])[0] == "13:2029 Q2/256 13:2029 Q3/256"
    signers = {
        name: {key.name for slot in quarter.slots for key in slot.zone_signers} for name, quarter in quarters.items()
    }
    # The first key of the new algorithm signs a quarter before it is published, and then is.
    assert signers["2027 Q4"] == {"ZSK 8 of 2027 Q4"}
    assert signers["2028 Q1"] == {"ZSK 8 of 2028 Q1", "ZSK 13 of 2028 Q2"}
    assert signers["2028 Q2"] == {"ZSK 8 of 2028 Q2", "ZSK 13 of 2028 Q2"}
    assert signers["2029 Q2"] == {"ZSK 8 of 2029 Q2", "ZSK 13 of 2029 Q2"}
    assert signers["2029 Q3"] == {"ZSK 13 of 2029 Q3"}
    # Backed out, the zone keys of the new algorithm are withdrawn with the KSK, and those of the old one stay.
    assert {key.algorithm for slot in quarters["2028 Q3"].backed_out for key in slot.zone_keys} == {8}
    assert [f"{key.name[4:]}/{key.bits}" for key in quarters["2029 Q2"].backed_out[8].zone_keys] == [
        "8 of 2029 Q2/1536", "8 of 2029 Q3/1536", "13 of 2029 Q2/256", "13 of 2029 Q3/256",
    ]  # fmt: skip


def test_a_roll_within_an_algorithm() -> None:
    plan = plan_of(SAME)
    assert [(quarter.schema.name, quarter.back_out.name if quarter.back_out else "") for quarter in plan.quarters] == [
        ("normal", ""), ("pre-publish", "back-out"), ("publish-only", ""), ("rollover", "publish-only"),
        ("hold", "publish-only"), ("revoke", "hold"), ("normal", ""),
    ]  # fmt: skip
    assert [letters(plan, quarter)[1] for quarter in plan.quarters] == [
        N, "-PPPPPPPP", "P" * 9, "PSSSSSSSS", S, S, S,
    ]  # fmt: skip
    assert {key.bits for slot in plan.slots for key in slot.zone_keys} == {2048}
    assert [zone_keys(quarter)[0] for quarter in plan.quarters[:2]] == [
        "8:2027 Q1/2048 8:2027 Q2/2048", "8:2027 Q2/2048 8:2027 Q3/2048",
    ]  # fmt: skip
    unused = plan_of(replace(SAME, zone_keys=(RSA, SMALL, RSA)))
    assert {key.bits for slot in unused.slots for key in slot.zone_keys} == {2048}
    assert all(len(slot.zone_signers) == 1 for slot in plan.slots)


def test_rolls_by_ds_records() -> None:
    same = plan_of(DS)
    assert [(quarter.schema.name, quarter.back_out.name if quarter.back_out else "") for quarter in same.quarters] == [
        ("normal", ""), ("join", "back-out"), ("double-sign", ""), ("leave", "double-sign"), ("normal", ""),
    ]  # fmt: skip
    assert same.quarters[2].what.endswith("the parent changes the DS records")
    assert ROOT.quarters[5].what == "both KSKs sign"
    plan = plan_of(DS_TO_EC)
    assert [(quarter.schema.name, quarter.back_out.name if quarter.back_out else "") for quarter in plan.quarters] == [
        ("normal", ""), ("join", "back-out"), ("leave", "double-sign"), ("normal", ""),
    ]  # fmt: skip
    assert letters(plan, plan.quarters[2]) == ("S--------", S)
    assert {key.algorithm for key in plan.quarters[2].slots[1].zone_keys} == {13}
    assert {key.algorithm for key in plan.quarters[2].slots[8].zone_signers} == {8, 13}


def test_backing_out_of_a_quarter() -> None:
    slots, facts = ROOT.backed_out(4, 3)
    assert facts == 4 * 9 + 3
    assert slots[:facts] == ROOT.slots[:facts]
    assert slots[facts:] == ROOT.quarters[4].backed_out[3:]
    assert len(slots) == 5 * 9


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"zone_keys": (RSA, RSA, RSA)}, "zone keys have the algorithms of the KSKs"),
        ({"zone_keys": (EC, RSA, EC)}, "zone keys have the algorithms of the KSKs"),
        ({"new": ("KSK-2024", EC)}, "both KSKs have one name"),
        ({"new": ("", EC)}, "1 to 40 printable ASCII characters"),
        ({"new": ("n" * 41, EC)}, "1 to 40 printable ASCII characters"),
        ({"old": ("KSK\x1b[2J", RSA)}, "1 to 40 printable ASCII characters"),
        ({"old": ("KSK\u00e9", RSA)}, "1 to 40 printable ASCII characters"),
        ({"ready": -1}, "a phase lasts from none to 40 quarters"),
        ({"holding": -1}, "a phase lasts from none to 40 quarters"),
        (
            {"new": ("new", RSA), "zone_keys": (RSA, RSA, RSA), "ready": 20, "waiting": 20, "holding": 1},
            "a phase lasts",
        ),
        ({"waiting": MOST_QUARTERS - 2}, "a phase lasts from none to 40 quarters"),
        ({"holding": 1}, "it is not held after that"),
        ({"start": int(datetime(2027, 1, 29, tzinfo=UTC).timestamp())}, "not every month has that day"),
    ],
)
def test_what_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        replace(ROOT_8_TO_13, **changes)  # type: ignore[arg-type]


def test_the_longest_plan() -> None:
    assert len(plan_of(replace(SAME, ready=MOST_QUARTERS, waiting=0, holding=0)).quarters) == MOST_QUARTERS + 4
    together = replace(SAME, ready=MOST_QUARTERS - 3, waiting=2, holding=1, old=("o", RSA), new=("n" * 40, RSA))
    assert len(plan_of(together).quarters) == MOST_QUARTERS + 4
    # The last day that every month has.
    late = replace(SAME, start=int(datetime(2027, 1, 28, tzinfo=UTC).timestamp()))
    assert plan_of(late).quarters[1].slots[0].start == int(datetime(2027, 4, 28, tzinfo=UTC).timestamp())


def test_a_calendar_that_does_not_fill_the_quarter() -> None:
    with pytest.raises(RefusedError, match="do not fill"):
        plan_of(replace(ROOT_8_TO_13, calendar=Calendar(5, 86400, 2 * 86400, 21 * 86400)))


def test_a_zone_with_other_bundles() -> None:
    weekly = Calendar(13, 6 * 86400, 8 * 86400, 21 * 86400)
    zone = dns.name.from_text("example.")
    plan = plan_of(replace(DS, zone=zone, calendar=weekly, ttl=3600, zone_ttl=86400))
    assert {len(quarter.slots) for quarter in plan.quarters} == {13}
    assert letters(plan, plan.quarters[1])[1] == "-" + "S" * 12
