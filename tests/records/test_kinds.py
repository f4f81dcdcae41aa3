"""What records know beyond their fields: who holds which share, and that people are not taken for each other."""

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest

from keyquorum.errors import MalformedError
from keyquorum.identity.keys import Identity
from keyquorum.maths.work import Work
from keyquorum.quorum.dealing import Custody, deal
from keyquorum.records.keys import CARD, KEY_RECORD, SEALED_SHARE, Card, KeyRecord, check_people
from keyquorum.threshold.seam import Plan
from tests.records.people import ALICE, CARDS, CAROL, DEALER, KEY, MADE, PEOPLE, SHARE, card, identity


def test_holders_are_known_by_their_keys() -> None:
    record = KEY.record
    assert record.index_of(ALICE.verification_key) == 1
    assert record.index_of(CAROL.verification_key) == 3
    assert record.index_of(DEALER.verification_key) is None
    assert record.index_of(bytes(32)) is None


def test_a_person_may_have_several_roles() -> None:
    rita = CARDS["rita"]
    check_people(rita, [rita, CARDS["bob"]], [rita, CARDS["bob"]])
    record = dataclasses.replace(KEY.record, holders=(CARDS["alice"], CARDS["bob"], rita))
    assert KEY_RECORD.sign(record, DEALER).record.index_of(DEALER.verification_key) == 3


@pytest.mark.parametrize("name", ["RITA", "rıta", "ｒita"])
def test_names_that_look_alike(name: str) -> None:
    # The dotless i is a letter of its own: what looks alike to the eye alone cannot be listed.
    people = [card(name, identity("somebody else"))]
    if name == "rıta":
        check_people(CARDS["rita"], people, [CARDS["rita"]])
        return
    with pytest.raises(MalformedError, match="two different people have the same name"):
        check_people(CARDS["rita"], people, [CARDS["rita"]])


def never(*_: Any) -> Any:
    """Stand for randomness and work that nothing should have come to."""
    raise AssertionError("the search has begun")


def test_a_dealing_that_cannot_be_written_down_does_not_begin() -> None:
    def start(**changes: Any) -> None:
        fields = {field.name: getattr(KEY.record, field.name) for field in dataclasses.fields(KeyRecord)}
        given = {name: fields[name] for name in ("zones", "holders", "requesters", "label")} | changes
        deal(DEALER, CARDS["rita"], Custody(**given), Plan(8, 2048, 2, len(given["holders"])), 0, never, Work())

    with pytest.raises(AssertionError, match="the search has begun"):
        start()
    alice, bob, carol = (CARDS[name] for name in ("alice", "bob", "carol"))
    nobody = Card(signer=PEOPLE["dave"].verification_key, name="dave", sealing_key=bytes(32))
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("holders", {"holders": (alice, bob, alice)}),
        ("holders", {"holders": (alice, bob, card("alice", CAROL))}),
        ("requesters", {"requesters": (carol, carol)}),
        ("zones", {"zones": ()}),
        ("zones", {"zones": KEY.record.zones * 2}),
        ("label", {"label": "clé"}),
        ("label", {"label": "x" * 65}),
        ("the card of dave", {"holders": (alice, bob, CARD.sign(nobody, PEOPLE["dave"]))}),
    ]
    for where, changes in wrong:
        with pytest.raises(MalformedError) as caught:
            start(**changes)
        assert caught.value.where == where


def test_names_of_files_cannot_come_out_of_a_card() -> None:
    person: Identity = ALICE
    for name in ("../../etc/x", "a/b", "a\\b", ".", "..", ".bashrc"):
        with pytest.raises(MalformedError, match="slash, a backslash, or a dot"):
            card(name, person)
    assert json.loads(card("a.b c", person).envelope)


def test_secret_rows_come_with_their_tables() -> None:
    record = SHARE.record
    with pytest.raises(MalformedError, match="without their tables"):
        SEALED_SHARE.sign(replace(record, sealed_rows=b"x"), DEALER)
    with pytest.raises(MalformedError, match="not one of the dealer"):
        SEALED_SHARE.sign(replace(record, sealed_rows=b"x", tables=(MADE,)), DEALER)
