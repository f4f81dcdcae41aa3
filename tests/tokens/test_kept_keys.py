"""Keys that cannot leave a token, from 'key token' to a response: made inside SoftHSM, beside a quorum's and alone."""

import re
from pathlib import Path

import pytest

from keyquorum.cli.app import run
from tests.dnssec.keys import pair
from tests.tokens.keys import NUMBERS
from tests.tokens.softhsm import Soft, pkcs11_tool
from tests.tokens.table import KINDS, NOW, WINDOW, Capture, Table, made_inside


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyquorum.cli.terminal.WIDTH", 400)
    monkeypatch.setattr("keyquorum.cli.world.now", lambda: NOW)


@pytest.fixture
def table(tmp_path: Path, soft: Soft, capsys: Capture) -> Table:
    made = Table(tmp_path, soft, capsys)
    made.sit_down()
    return made


@pytest.mark.parametrize("algorithm", KINDS)
def test_every_algorithm_alone(table: Table, algorithm: int) -> None:
    name = next(name for name, number in NUMBERS.items() if number == algorithm)
    words = ("--algorithm", name) if algorithm == 10 else ()
    assert table.keep(made_inside(table.soft, algorithm), *words) == 0
    told = table.capture.readouterr().out
    assert "none: kept whole, in a token of hilda, who alone signs" in told
    assert "it signed a random message there" in told
    assert ("(CKA_NEVER_EXTRACTABLE)" in told) == (algorithm != 16)
    table.ask("kept", algorithm=algorithm)
    assert table.sign("hilda", table.soft.text(object="old")) == 0
    assert table.combine("hilda") == 0
    assert table.tags_that_signed() == [table.tag_of("kept")]


def test_beside_a_quorum_in_one_bundle(table: Table) -> None:
    uri = made_inside(table.soft, 8)
    assert table.keep(uri, "--label", "the old KSK") == 0
    table.deal()
    table.ask("kept", "new")
    assert run(["request", "show", str(table.file("request"))]) == 0
    assert re.search("current key +the old KSK, kept whole by hilda", table.capture.readouterr().out)
    assert run(["status", str(table.directory)]) == 3
    told = table.capture.readouterr().out
    assert "the old KSK, kept whole by hilda" in told
    assert (
        f"hilda: keyquorum sign {table.file('request')} --keystore {table.keystore('hilda')} --token URI --out" in told
    )
    # Without the token: what to give is said.
    assert table.sign("hilda") == 1
    assert "you keep the old KSK whole, and the token that has it is needed" in table.capture.readouterr().err
    assert table.sign("hilda", uri) == 0
    for name in ("alice", "carol"):
        assert table.sign(name) == 0
    assert table.combine("alice", "carol") == 3
    assert (
        "0 good answers for the old KSK, where 1 is needed. Not answered yet: hilda" in table.capture.readouterr().err
    )
    assert table.combine("hilda", "alice", "carol") == 0
    told = table.capture.readouterr().out
    assert "Answer for the old KSK, which nobody else can give" in told
    assert table.tags_that_signed() == sorted([table.tag_of("kept"), pair(8, number=5).key.tag])
    response, request = table.file("response"), table.file("request")
    for key in ("kept", "new"):
        words = ["--request", str(request), "--key", str(table.file(key) / "key.json"), "--at", "2026-03-01T12:00:00Z"]
        assert run(["verify", str(response), *words]) == 0


def test_a_keeper_with_a_share_answers_with_both_or_is_told_what_is_left(table: Table) -> None:
    uri = made_inside(table.soft, 8)
    assert table.keep(uri, keeper="alice") == 0
    table.deal()
    table.ask("kept", "new")
    assert table.sign("alice", out="share-only.partial") == 0
    assert "Not with old, which you keep whole: answer again, with --token." in table.capture.readouterr().err
    assert run(["status", str(table.directory)]) == 3
    told = table.capture.readouterr().out
    assert "1 more answer is needed for request, of alice; alice: keyquorum sign" in told
    assert "--token URI" in told
    assert table.sign("alice", uri) == 0
    assert table.sign("bob") == 0
    assert table.combine("alice", "bob") == 0
    assert table.tags_that_signed() == sorted([table.tag_of("kept"), pair(8, number=5).key.tag])


def test_another_key_in_the_token(table: Table) -> None:
    assert table.keep(made_inside(table.soft, 8)) == 0
    table.ask("kept")
    other = made_inside(table.soft, 8, "other", "02")
    assert table.sign("hilda", other) == 1
    told = table.capture.readouterr().err
    assert "the key in the token is another one, with key tag" in told
    assert f"what is asked for is old (key tag {table.tag_of('kept')})" in told
    assert table.sign("hilda", made_inside(table.soft, 13, "curve", "03")) == 1
    assert "the key in the token is another one" in table.capture.readouterr().err
    assert table.sign("bob", other) == 1
    assert (
        "the request asks for no signature with a key that you keep whole. Leave out --token."
        in table.capture.readouterr().err
    )
    assert table.sign("hilda", table.soft.text(object="nothing")) == 2
    assert not table.file("hilda.partial").exists()


def test_a_token_that_does_not_tell_the_public_key_signs_and_makes_no_record(table: Table) -> None:
    uri = made_inside(table.soft, 13)
    assert table.keep(uri) == 0
    pkcs11_tool(table.soft, "--delete-object", "--type", "pubkey", "--label", "old")
    assert table.keep(uri, out="again") == 1
    assert "the token does not tell the public key. Put its public key beside it" in table.capture.readouterr().err
    table.ask("kept", algorithm=13)
    other = made_inside(table.soft, 13, "other", "02")
    pkcs11_tool(table.soft, "--delete-object", "--type", "pubkey", "--label", "other")
    assert table.sign("hilda", other) == 1
    assert "the key in the token is another one: what is asked for is old" in table.capture.readouterr().err
    assert table.sign("hilda", uri) == 0
    assert table.combine("hilda") == 0


def test_what_is_shown_of_it(table: Table) -> None:
    uri = made_inside(table.soft, 15)
    assert table.keep(uri, zone=".") == 0
    key = str(table.file("kept") / "key.json")
    table.capture.readouterr()
    assert run(["key", "show", key]) == 0
    told = table.capture.readouterr().out
    assert "keeper     hilda" in told
    assert "holder 1" not in told
    assert "by hilda, who says so" in told
    assert run(["key", "verify", key]) == 0
    assert "The public key is a good one. Nothing was dealt" in table.capture.readouterr().out
    assert run(["verify", key]) == 0
    assert "signed by its keeper" in table.capture.readouterr().out
    document = table.reported("key", "show", key)
    assert (document["origin"], document["threshold"], document["label"]) == ("kept", 1, "old")
    assert run(["key", "ds", key]) == run(["key", "dnskey", key]) == 0
    assert f". IN DS {document['key_tag']} 15 2 " in table.capture.readouterr().out
    accepted = table.file("kept") / "hilda.accepted.json"
    accepted.rename(table.file("elsewhere"))
    table.file("elsewhere").unlink()
    assert run(["status", str(table.file("kept"))]) == 3
    assert "put hilda.accepted.json into" in table.capture.readouterr().out


def test_nothing_is_written_over_and_used_wrongly(table: Table) -> None:
    uri = made_inside(table.soft, 15)
    assert table.keep(uri) == 0
    assert table.keep(uri) == 2
    assert "there already" in table.capture.readouterr().err
    assert table.keep(table.soft.text(object="nothing"), out="x") == 2
    assert table.keep(uri, "--label", "x" * 65, out="x") == 1
    assert "label" in table.capture.readouterr().err
    assert not table.file("x").exists()


def test_a_key_that_can_be_taken_out_is_said_to_be_no_secret_of_the_token(table: Table) -> None:
    pkcs11_tool(table.soft, "--keypairgen", "--key-type", "rsa:2048", "--label", "loose", "--id", "09", "--extractable")
    assert table.keep(table.soft.text(object="loose")) == 0
    assert "NOT for certain: the token says that the key can be taken out" in table.capture.readouterr().out


def asked_with(table: Table, *words: str | Path, out: str = "request") -> int:
    """Have rita ask for the zone's RRset to be signed, as ``Table.ask`` did, with other keys."""
    source = ("--identity", table.keystore("rita"), "--dnskey", table.file("zone"), *WINDOW, "--first")
    pin = ("--pin-file", table.soft.pin_file())
    return table.typed("request", "new", *words, *source, *pin, "--out", table.file(out))


def test_a_uri_as_a_key_of_a_request(table: Table) -> None:
    uri = made_inside(table.soft, 8)
    table.deal()
    table.ask("new").unlink()
    new = ("--key", table.file("new") / "key.json", "--accepted", table.file("new"))
    assert asked_with(table, "--key", uri) == 2
    assert (
        "nothing says which zones the key in the token may sign. Make its record first"
        in table.capture.readouterr().err
    )
    assert asked_with(table, "--key", uri, *new) == 0
    assert "Answer it yourself, with the key that you keep: keyquorum sign --token." in table.capture.readouterr().out
    assert table.sign("rita", uri) == 0
    for name in ("bob", "carol"):
        assert table.sign(name) == 0
    assert table.combine("rita", "bob", "carol") == 0
    assert len(table.tags_that_signed()) == 2
    # The next request has the same record of it, whatever the token calls it.
    assert asked_with(table, *new, "--key", uri, out="again") == 0
    first, again = (table.reported("request", "show", table.file(name))["keys"] for name in ("request", "again"))
    assert first == again[::-1]


def test_a_uri_stands_for_the_record_that_was_made_of_it(table: Table) -> None:
    uri = made_inside(table.soft, 8)
    assert table.keep(uri, "--label", "by hand", keeper="rita") == 0
    table.deal()
    table.ask("new").unlink()
    new = ("--key", table.file("new") / "key.json", "--accepted", table.file("new"))
    assert asked_with(table, "--key", uri, *new) == 0
    made = table.reported("key", "show", table.file("kept") / "key.json")["id"]
    assert table.reported("request", "show", table.file("request"))["keys"][0]["id"] == made
