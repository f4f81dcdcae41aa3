"""A KSK that cannot leave its HSM rolls to a quorum's, six quarters long, and unbound validates in every slot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.dnssec.model import Bundle, Dnskey
from tests.scenarios.hsm_roll import PLAN, Case, Roll
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
    just_old, just_new = [({old}, {old})], [({new}, {new})]
    both, turned = [({old, new}, {old})], [({old, new}, {new})]
    leaving = [({revoked, new}, {revoked, new})]
    expected = (
        {"normal": 9 * just_old},
        {"pre-publish": just_old + 8 * both, "back-out": 9 * just_old},
        {"publish-only": 9 * both},
        {"rollover": both + 8 * turned, "publish-only": 9 * both},
        {"revoke": turned + 7 * leaving + just_new, "hold": 9 * turned},
        {"normal": 9 * just_new},
    )
    # The key that does not sign (yet, or any more) is not enough to validate from.
    not_enough: tuple[dict[int, str], ...] = ({}, {9: "N"}, {}, {1: "N", 2: "O"}, {1: "O", 2: "O", 9: "O"}, {1: "O"})
    for number, quarter in enumerate(PLAN):
        responses = roll.quarter(number)
        found = {
            schema: [(standing(bundle), signers(bundle)) for bundle in response.bundles]
            for schema, response in responses.items()
        }
        assert found == expected[number]
        cases = [Case(slot, trusted) for slot, trusted in enumerate(quarter.trusted.split(), 1)]
        wrong = [Case(slot, trusted, good=False) for slot, trusted in not_enough[number].items()]
        assert len(cases) == 9
        roll.judge(number, responses[quarter.schema], cases + wrong)
        if quarter.ready:
            roll.judge(number, responses[quarter.ready], cases[2:3])


def test_who_has_nothing_to_sign_is_told_so(roll: Roll) -> None:
    for number in (0, 1):
        roll.quarter(number)
    table, request = roll.table, roll.table.file("request-1")
    table.capture.readouterr()
    words = ("--keystore", table.keystore("alice"), "--previous-skr", roll.made[0], "--out", table.file("none"))
    assert table.typed("sign", request, *words) == 1
    assert "asks no signature of new, which you hold a share of" in table.capture.readouterr().err
    assert table.run("status", table.directory) == 0
