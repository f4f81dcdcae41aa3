"""A KSK that cannot leave its HSM rolls to a quorum's, six quarters long, and unbound validates in every slot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.dnssec.model import Bundle, Dnskey
from tests.scenarios.hsm_roll import PLAN, Roll
from tests.tokens.softhsm import MODULE, softhsm
from tests.tokens.table import Capture, Table, made_inside


@pytest.fixture
def roll(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Roll]:
    with softhsm(tmp_path, MODULE) as soft:
        table = Table(tmp_path, soft, capsys)
        table.sit_down()
        uri = made_inside(soft, 8)
        assert table.keep(uri, zone=".") == 0
        table.deal(".")
        yield Roll(table, uri, monkeypatch)


def signers(bundle: Bundle) -> set[Dnskey]:
    """Give whose signatures are in a bundle; that they are theirs was verified when they were combined."""
    tags = {signature.key_tag for signature in bundle.signatures}
    return {one.key for one in bundle.keys if one.key.tag in tags}


def standing(bundle: Bundle) -> set[Dnskey]:
    return {one.key for one in bundle.keys if one.key.is_sep}


def test_quarter_by_quarter(roll: Roll) -> None:
    old, new = roll.key("O"), roll.key("N")
    revoked = old.revoked()
    # What stands and what signs, slot by slot.
    just_old = [({old}, {old})]
    both, turned = [({old, new}, {old})], [({old, new}, {new})]
    just_new = [({new}, {new})]
    leaving = [({revoked, new}, {revoked, new})]
    expected = (
        9 * just_old,
        just_old + 8 * both,
        9 * both,
        both + 8 * turned,
        turned + 7 * leaving + just_new,
        9 * just_new,
    )
    # The key that does not sign (yet, or any more) is not enough to validate from.
    not_enough: tuple[dict[int, str], ...] = ({}, {9: "N"}, {}, {1: "N", 2: "O"}, {1: "O", 2: "O", 9: "O"}, {1: "O"})
    for number in range(len(PLAN)):
        response = roll.quarter(number)
        assert [(standing(bundle), signers(bundle)) for bundle in response.bundles] == expected[number]
        roll.judge(number, response, but=not_enough[number])
