"""What validators know, slot by slot: hand-made sequences with every moment computed by hand."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.schema import Act
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.trust import Knowledge, Trust, follow, query_interval

HOUR, DAY = 3600, 86400
TEN = 10 * DAY
A, B, C = (SlotKey(name, 8) for name in "ABC")
LETTERS = {letter: Act(letter) for letter in "PSR"}
TRUST = Trust(follows=True, propagation=DAY)


def slots(*rows: str, ttl: int = 2 * DAY, step: int = TEN) -> list[Slot]:
    """Give slots ten days apart; ``AS BP`` says that A signs and B is published."""
    return [
        Slot(
            str(place),
            place * step,
            place * step + 21 * DAY,
            ttl,
            tuple((SlotKey(word[0], 8), LETTERS[word[1]]) for word in row.split()),
            (),
        )
        for place, row in enumerate(rows)
    ]


def known(*rows: str, facts: int = 0, trust: Trust = TRUST, ttl: int = 2 * DAY) -> list[Knowledge]:
    return list(follow(slots(*rows, ttl=ttl), facts, trust))


def told(found: list[Knowledge]) -> list[str]:
    """Give for each slot who is trusted, in brackets where it is not accepted."""
    names = ["".join(sorted(key.name for key in one.trusted)) for one in found]
    return [name if one.accepted else f"({name})" for name, one in zip(names, found, strict=True)]


@pytest.mark.parametrize(
    ("ttl", "validity", "interval"),
    [
        (2 * DAY, 21 * DAY, DAY),
        (60 * DAY, 60 * DAY, 15 * DAY),
        (60 * DAY, 20 * DAY, 10 * DAY),
        (3600, 21 * DAY, HOUR),
        (2 * HOUR + 2, 21 * DAY, HOUR + 1),
        (2 * DAY, 3 * HOUR, HOUR + 1800),
        (2 * DAY, 60, HOUR),
    ],
)
def test_how_often_a_validator_looks(ttl: int, validity: int, interval: int) -> None:
    """RFC 5011 section 2.3: half the TTL or half the validity, at most 15 days, at least an hour."""
    assert query_interval(Slot("", 100, 100 + validity, ttl, (), ())) == interval


def test_a_roll() -> None:
    found = known("AS", "AS BP", "AS BP", "AS BP", "AS BP", "AP BS", "AR BS", "BS")
    # B stands from day 10 on, and 33 days later all trust it: in the slot that begins on day 40, told from day 50 on.
    assert told(found) == ["A", "A", "A", "A", "A", "AB", "AB", "B"]
    assert found[2].ready == {A: 33 * DAY, B: 43 * DAY}
    assert found[4].expected == {A: 0}
    assert found[5].expected == {A: 0, B: 40 * DAY}
    assert found[6].revoked == {}
    assert found[7].revoked == {A: (60 * DAY, 30 * DAY)}
    assert A not in found[7].expected


def test_too_early() -> None:
    found = known("AS", "AS BP", "AS BP", "AS BP", "AP BS", "AP BS", "AS BP")
    # On day 40 nobody can trust B; and what is signed by B alone teaches nobody anything.
    assert told(found) == ["A", "A", "A", "A", "(A)", "(A)", "A"]
    assert found[6].expected == {A: 0}


def test_the_hold_down_begins_anew_when_the_key_is_missing() -> None:
    assert told(known("AS", *["AS BP"] * 4, "BS"))[-1] == "AB"
    assert told(known("AS", "AS BP", "AS BP", "AS", "AS BP", "AS BP", "BS"))[-1] == "(A)"
    assert told(known("AS", "AS BP", "AS BP", "AS", *["AS BP"] * 4, "BS"))[-1] == "AB"
    # Once trusted, a key that is missing stays so.
    assert told(known("AS", *["AS BP"] * 4, "AS", "AS", "BS"))[-1] == "AB"


def test_the_moment_to_the_second() -> None:
    """B comes on day 10 and signs alone from day 50 on; so it must take 40 days at most."""
    for seconds, last in ((0, "AB"), (1, "(A)")):
        slow = replace(TRUST, hold_down=37 * DAY + seconds)
        assert told(known("AS", *["AS BP"] * 4, "BS", trust=slow))[-1] == last
    assert [slow.until_trusted(slots("AS")[0]) for slow in (TRUST, replace(TRUST, propagation=0))] == [
        33 * DAY,
        32 * DAY,
    ]


def test_when_the_first_may_trust_a_key() -> None:
    """A slot that ends on the very day of the hold-down's end teaches nobody; a second later it does."""
    for seconds, expected in ((0, {A: 0}), (-1, {A: 0, B: 40 * DAY - 1})):
        hold = replace(TRUST, hold_down=30 * DAY + seconds)
        found = known("AS", "AS BP", "AS BP", "AS BP", "AS", trust=hold)
        assert found[4].expected == expected
    # The last slot lasts until its signatures end.
    assert known("AS", "AS BP", "AS BP", "AS BP")[-1].expected == {A: 0}


def test_a_ttl_that_is_longer_than_the_hold_down() -> None:
    slot = slots("AS", ttl=40 * DAY)[0]
    # It is looked at every 10.5 days: half of what the signatures last.
    assert TRUST.until_expected(slot) == 40 * DAY
    assert TRUST.until_trusted(slot) == DAY + 21 * DAY + 40 * DAY


def test_how_long_a_revoked_key_stands() -> None:
    slot = slots("AS")[0]
    assert TRUST.until_removable(slot) == 30 * DAY
    assert replace(TRUST, remove_hold_down=DAY).until_removable(slot) == 2 * DAY


def test_a_revoked_key_is_never_trusted_again() -> None:
    found = known("AS", *["AS BP"] * 4, "AR BS", "AS BS", *["AS BP"] * 4)
    assert told(found)[5:] == ["AB", "B", "(B)", "(B)", "(B)", "(B)"]
    assert A in found[-1].revoked
    assert A not in found[-1].ready


def test_revoked_by_nobody_else() -> None:
    """A set that only the revoked key signs is nobody's; but whoever trusted it does so no more."""
    found = known("AS", "AR", "AS")
    assert told(found) == ["A", "(A)", "()"]
    assert found[2].revoked == {A: (10 * DAY, 30 * DAY)}
    assert found[2].expected == {}


def test_revoked_beside_a_key_that_is_not_trusted_yet() -> None:
    found = known("AS", "AS BS", "AR BS", "AS BS", "BS")
    assert told(found) == ["A", "A", "(A)", "()", "()"]
    assert found[4].revoked == {A: (20 * DAY, 30 * DAY)}
    # A stranger that revokes itself concerns nobody.
    assert known("AS", "BR", "AS")[2].revoked == {}


def test_what_is_in_the_world_is_accepted() -> None:
    assert told(known("AS", "BS", "BS")) == ["A", "(A)", "(A)"]
    assert told(known("AS", "BS", "BS", facts=2)) == ["A", "AB", "AB"]
    assert told(known("AS", "BS", "CS", facts=2)) == ["A", "AB", "(AB)"]
    # Facts that nobody is known to have signed say nothing.
    assert told(known("AS", "AP BP", "BS", facts=2)) == ["A", "(A)", "(A)"]
    assert told(known("AP", "AS")) == ["()", "()"]
    assert told(known("AP", "AS", facts=2)) == ["()", "A"]


def test_two_who_sign_and_nobody_knows_whom_validators_trust() -> None:
    """Only what both sign is accepted, until one of them has stood for long enough by itself."""
    assert told(known("AS BS", "AS BS", "AS", "BS")) == ["", "", "()", "()"]
    assert told(known("AS BS", "AS BS CS", "AS BS")) == ["", "", ""]
    found = known(*["AS BS"] * 4, "AS", "BS", facts=1)
    assert told(found) == ["", "", "", "", "AB", "AB"]
    assert found[0].expected == {A: 0, B: 0}


def test_ds_records_at_the_parent() -> None:
    """A day to propagate, two for the TTL, seventeen for the parent: trusted in the slot that begins on day 20."""
    trust = Trust(follows=False, propagation=DAY, parent=17 * DAY)
    assert told(known("AS", "AS BS", "AS BS", "BS", trust=trust)) == ["A", "A", "A", "AB"]
    slower = replace(trust, parent=17 * DAY + 1)
    assert told(known("AS", "AS BS", "AS BS", "BS", trust=slower)) == ["A", "A", "A", "(A)"]


def test_a_second_signer_of_a_fact_is_not_trusted_for_that() -> None:
    found = known("AS", "AS BS", "AS BS", facts=2)
    assert told(found) == ["A", "A", "A"]
    assert found[2].expected == {A: 0}


def test_what_is_left_out_is_the_slowest() -> None:
    assert Trust(True, DAY) == TRUST == Trust(True, DAY, 30 * DAY, 30 * DAY, 0)


def test_nothing_at_all() -> None:
    assert known() == []
