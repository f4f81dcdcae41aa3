"""How findings name several keys, and in which order they come."""

from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.trust import Trust
from keyquorum.policy.rollover_checks import gone, missing_algorithms, names, returned, untrusted

DAY = 86400
TRUST = Trust(follows=True, propagation=DAY)
A, B, C = SlotKey("A", 8), SlotKey("B", 13), SlotKey("C", 15)


def slots(*rows: str) -> list[Slot]:
    keys = {key.name: key for key in (A, B, C)}
    return [
        Slot(
            f"slot {place}", place * 10 * DAY, place * 10 * DAY + 21 * DAY, 2 * DAY,
            tuple((keys[word[0]], Act(word[1])) for word in row.split()), (),
        )
        for place, row in enumerate(rows)
    ]  # fmt: skip


def test_names_are_in_order() -> None:
    assert names({C, A, B}) == "A and B and C"
    assert names([SlotKey("A", 13), SlotKey("A", 8)]) == "A and A"
    assert names([]) == ""


def test_several_keys_in_one_finding() -> None:
    found = list(untrusted(slots("AS", "CS BS", "CS BS"), 1, TRUST))
    assert found == [
        (f"slot {place}", "is signed by B and C, whom no validator has reason to trust") for place in (1, 2)
    ]
    found = list(untrusted(slots("AS", "AS CP", "AS BP CP", "CS BS"), 1, TRUST))
    # The one that is trusted first is named: C came a slot before B.
    assert found == [("slot 3", "is signed by B and C; not every validator trusts C before 1970-02-13 00:00:00 UTC")]
    assert list(untrusted(slots("AS", "AR"), 1, TRUST)) == [("slot 1", "is signed by no KSK but one that is revoked")]


def test_one_finding_for_each_key() -> None:
    rows = ["AS", *["AS BP CP"] * 4, "AR BR CS", "AS BP CS", "CS"]
    since = "1970-02-20 00:00:00 UTC"
    assert list(returned(slots(*rows), 1, TRUST)) == [
        ("slot 6", f"A stands again as if it had not been revoked {since}"),
        ("slot 6", f"B stands again as if it had not been revoked {since}"),
    ]
    assert list(gone(slots(*rows), 1, TRUST)) == [
        ("slot 7", "A goes after P20D as revoked, less than P30D"),
        ("slot 7", "B goes after P20D as revoked, less than P30D"),
    ]


def test_algorithms_are_told_key_by_key() -> None:
    rows = ["AS", *["AS BS CS"] * 5, "AS BP CP", "AS"]
    told = "is not signed with algorithm {}, and validators may trust {} since 1970-02-10 00:00:00 UTC"
    assert list(missing_algorithms(slots(*rows), 1, TRUST)) == [
        (f"slot {place}", told.format(number, name)) for place in (6, 7) for number, name in ((13, "B"), (15, "C"))
    ]


def test_what_is_in_the_world_is_not_judged() -> None:
    rows = slots("AS", "BS", "CS", "CS")
    assert [name for name, _ in untrusted(rows, 1, TRUST)] == ["slot 1", "slot 2", "slot 3"]
    assert [name for name, _ in untrusted(rows, 2, TRUST)] == ["slot 2", "slot 3"]
    assert list(untrusted(rows, 4, TRUST)) == []
    assert [name for name, _ in gone(rows, 0, TRUST)] == ["slot 1"]
    assert [name for name, _ in gone(rows, 2, TRUST)] == ["slot 2"]
    assert list(gone(rows, 3, TRUST)) == []
