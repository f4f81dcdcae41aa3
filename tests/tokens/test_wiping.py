"""Objects out of a token: what is to go is named first, what is left is listed afterwards."""

from dataclasses import replace

import pytest
from pkcs11 import KeyType
from pkcs11.exceptions import PKCS11Error, SlotIDInvalid

from keyquorum.errors import RefusedError, UsageError
from keyquorum.tokens.cryptoki import _check, init_token
from keyquorum.tokens.loading import load
from keyquorum.tokens.modules import find_token
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.templates import Placing
from keyquorum.tokens.uri import TokenUri
from keyquorum.tokens.wiping import left_without_login, reinitialise, to_wipe, wipe, wipe_id
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import key
from tests.tokens.softhsm import SO_PIN, Soft, pkcs11_tool


@pytest.fixture
def two(shim: Soft) -> Soft:
    """A token with two keys, a and b."""
    with shim.open() as token:
        for number, label in enumerate("ab"):
            load(token, key("ED25519", number), Placing(label=label, id=label.encode()), seeded(1))
    return shim


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        (TokenUri(object="a"), ["b", "b"]),
        (TokenUri(id=b"b"), ["a", "a"]),
        (TokenUri(object="a", type="private"), ["a", "b", "b"]),
        (TokenUri(type="public"), ["a", "b"]),
    ],
)
def test_what_the_uri_names_goes(two: Soft, uri: TokenUri, left: list[str]) -> None:
    with two.open() as token:
        done = wipe(token, to_wipe(token, uri))
        assert sorted(one.label for one in objects_of(token)) == left
    assert len(done.destroyed) == 4 - len(left)
    assert done.kept == ()
    listed = pkcs11_tool(two, "--list-objects")
    assert sorted(line.split()[-1] for line in listed.splitlines() if "label:" in line) == left
    seen = left_without_login(find_token(two.uri))
    assert [one.kind for one in seen] == ["public"] * sum(one.kind == "public" for one in seen)


def test_everything_goes_where_that_is_said(two: Soft) -> None:
    with two.open() as token:
        token.session.generate_key(KeyType.AES, 128, store=True, label="c")
        done = wipe(token, to_wipe(token, TokenUri(), everything=True))
        assert objects_of(token) == ()
    assert len(done.destroyed) == 5
    assert left_without_login(find_token(two.uri)) == ()


def test_what_is_to_go_must_be_said(two: Soft) -> None:
    with two.open() as token:
        with pytest.raises(UsageError, match="the URI names no objects"):
            to_wipe(token, TokenUri())
        with pytest.raises(UsageError, match="names objects, and everything is to go"):
            to_wipe(token, TokenUri(object="a"), everything=True)
        with pytest.raises(UsageError, match="no object matches"):
            to_wipe(token, TokenUri(object="c"))


def test_what_the_token_keeps_is_said(two: Soft, faults: Faults) -> None:
    with two.open() as token:
        objects = to_wipe(token, TokenUri(object="a"))
        faults("no-destroy")
        done = wipe(token, objects)
        faults()
        wipe(token, objects[:1])
        again = wipe(token, objects)
    assert done.destroyed == ()
    assert [(one.label, "0x1b" in why) for one, why in done.kept] == [("a", True)] * 2
    assert again.kept == ((objects[0], "it is gone already"),)


def test_the_id_is_of_just_this(two: Soft) -> None:
    facts = find_token(two.uri)
    with two.open() as token:
        a, b = (to_wipe(token, TokenUri(object=label)) for label in "ab")
        both = to_wipe(token, TokenUri(), everything=True)
    ids = {
        wipe_id(facts, a),
        wipe_id(facts, b),
        wipe_id(facts, both),
        wipe_id(facts, a[:1]),
        wipe_id(facts, a, reinitialise=True),
        wipe_id(replace(facts, serial="0"), a),
        wipe_id(replace(facts, label="0"), a),
        wipe_id(facts, [replace(one, spki=None) for one in a]),
    }
    assert len(ids) == 8
    assert wipe_id(facts, both[::-1]) == wipe_id(facts, both)
    assert {len(one) for one in ids} == {32}


def test_a_token_initialised_anew(two: Soft) -> None:
    before = find_token(two.uri)
    after = reinitialise(before, SO_PIN)
    assert (after.label, after.initialised, after.pin_set) == ("KSK", True, False)
    assert after.state == "user PIN not set"
    assert left_without_login(after) == ()
    assert reinitialise(after, SO_PIN, "other").label == "other"


def test_a_wrong_officers_pin(two: Soft) -> None:
    with pytest.raises(RefusedError, match=r"the security officer's PIN is wrong \(CKR_PIN_INCORRECT\)") as caught:
        reinitialise(find_token(two.uri), b"1234")
    assert "was not initialised anew" in caught.value.do
    assert len(left_without_login(find_token(two.uri))) == 2


def test_no_session_may_be_open(two: Soft) -> None:
    with two.open(), pytest.raises(RefusedError, match="a session is open on the token"):
        reinitialise(find_token(two.uri), SO_PIN)
    assert len(left_without_login(find_token(two.uri))) == 2


def test_what_c_inittoken_answers(two: Soft) -> None:
    find_token(two.uri)
    with pytest.raises(SlotIDInvalid):
        init_token(two.module, 4711, SO_PIN, "KSK")
    with pytest.raises(PKCS11Error, match="CK_RV 0x80000001"):
        _check(0x80000001)
