"""Tokens found by URI and opened by PIN: what is said where that does not work."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pkcs11 import KeyType, exceptions

from keyquorum.errors import KeyquorumError, NotYetError, RefusedError, UsageError
from keyquorum.tokens.answers import name_of, spoken
from keyquorum.tokens.modules import TokenFacts, find_token, matches, modules_for, tokens_of
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.session import PIN_LIMIT, open_token, random, read_pin
from keyquorum.tokens.uri import TokenUri, read_uri
from tests.tokens.conftest import Faults
from tests.tokens.softhsm import MODULE, PIN, Soft, finalise, initialise, softhsm


def wrong(_: TokenFacts) -> bytes:
    return b"9876"


def test_a_token_says_what_it_is(soft: Soft) -> None:
    ready, spare = tokens_of(soft.module)
    assert (ready.label, ready.manufacturer, ready.model, ready.state) == (
        "KSK",
        "SoftHSM project",
        "SoftHSM v2",
        "ready",
    )
    assert ready.name == f"token 'KSK' (SoftHSM v2, serial {ready.serial})"
    assert (spare.label, spare.state, spare.name) == ("", "not initialised", f"slot {spare.slot_id}")
    for facts in (ready, spare):
        assert find_token(facts.uri) == facts
        assert read_uri(facts.uri.text()) == facts.uri


@pytest.mark.parametrize(
    "attribute", [
        "token", "manufacturer", "serial", "model", "slot_id", "slot_description", "slot_manufacturer",
        "library_manufacturer", "library_description", "library_version",
    ]
)  # fmt: skip
def test_each_attribute_of_a_uri_counts(soft: Soft, attribute: str) -> None:
    facts = find_token(soft.uri)
    manufacturer, description, version = facts.library
    exact = TokenUri(
        token="KSK",
        manufacturer="SoftHSM project",
        serial=facts.serial,
        model="SoftHSM v2",
        slot_id=facts.slot_id,
        slot_description=facts.slot,
        slot_manufacturer=facts.slot_manufacturer,
        library_manufacturer=manufacturer,
        library_description=description,
        library_version=version,
    )
    assert matches(exact, facts)
    unsaid: dict[str, Any] = {attribute: None}
    other: dict[str, Any] = {attribute: 77 if attribute == "slot_id" else "other"}
    assert matches(replace(exact, **unsaid), facts)
    assert not matches(replace(exact, **other), facts)


def test_no_token_and_several(soft: Soft) -> None:
    initialise("ZSK")
    with pytest.raises(UsageError, match=r"no token matches: token '[KZ]SK' .*; token '[KZ]SK'") as caught:
        find_token(replace(soft.uri, token="KSk"))
    assert caught.value.exit_status == 2
    with pytest.raises(UsageError, match="3 tokens match"):
        find_token(TokenUri(module_path=str(soft.module)))
    initialise("KSK")
    finalise()
    with pytest.raises(UsageError, match=r"2 tokens match: token 'KSK' .*; token 'KSK'"):
        find_token(soft.uri)


def test_modules_by_their_names(soft: Soft, tmp_path: Path) -> None:
    del soft
    known = modules_for(TokenUri())
    assert MODULE in known
    assert len({path.resolve() for path in known}) == len(known)
    assert modules_for(TokenUri(), MODULE) == modules_for(TokenUri(module_path=str(MODULE))) == (MODULE,)
    assert MODULE in modules_for(TokenUri(module_name="softhsm2"))
    with pytest.raises(UsageError, match="two modules"):
        modules_for(TokenUri(module_path="/other.so"), MODULE)
    with pytest.raises(UsageError, match="no such PKCS#11 module"):
        modules_for(TokenUri(module_path="/other.so"))
    with pytest.raises(UsageError, match="no PKCS#11 module is called"):
        modules_for(TokenUri(module_name="soft[h]sm*"))
    no_module = tmp_path / "libno.so"
    no_module.write_bytes(b"nothing")
    with pytest.raises(UsageError, match="the PKCS#11 module cannot be used"):
        find_token(TokenUri(), no_module)


def test_one_module_by_two_names_is_started_once(soft: Soft) -> None:
    for name in (MODULE, MODULE.resolve()):
        assert find_token(replace(soft.uri, module_path=str(name))).label == "KSK"


def test_a_module_behind_another_cannot_be_started_beside_it(shim: Soft) -> None:
    find_token(shim.uri)
    with pytest.raises(UsageError, match="runs already, started by another one"):
        find_token(replace(shim.uri, module_path=str(MODULE)))


def test_a_wrong_pin(soft: Soft) -> None:
    with (
        pytest.raises(RefusedError, match=r"the PIN is wrong \(CKR_PIN_INCORRECT\)") as caught,
        open_token(soft.uri, wrong),
    ):
        pass
    assert "9876" not in str(caught.value)
    assert tokens_of(soft.module)[0].state == "wrong PIN entered before"
    with soft.open():
        pass
    assert tokens_of(soft.module)[0].state == "ready"


def test_the_last_try_is_said(shim: Soft, faults: Faults) -> None:
    faults("pin-last")
    assert find_token(shim.uri).state == "last try for the PIN"
    with pytest.raises(RefusedError, match="One more wrong PIN and the token locks it"), open_token(shim.uri, wrong):
        pass
    faults("pin-locked")
    with pytest.raises(RefusedError, match="the PIN is locked after too many"), open_token(shim.uri, wrong):
        pass


STATES = {
    "pin-low": "wrong PIN entered before",
    "pin-locked": "PIN locked",
    "pin-unset": "user PIN not set",
    "protected": "write-protected",
    "uninitialised": "not initialised",
}


@pytest.mark.parametrize("fault", STATES)
def test_the_state_of_a_token(shim: Soft, faults: Faults, fault: str) -> None:
    faults(fault)
    assert tokens_of(shim.module)[0].state == STATES[fault]


def test_a_token_that_takes_nothing(shim: Soft, faults: Faults) -> None:
    faults("protected")
    with pytest.raises(RefusedError, match="write-protected"), shim.open():
        pass
    with shim.open(writable=False):
        pass
    faults("uninitialised")
    with (
        pytest.raises(NotYetError, match="never initialised"),
        open_token(TokenUri(slot_id=tokens_of(shim.module)[0].slot_id, module_path=str(shim.module)), None),
    ):
        pass


def test_the_pin_comes_from_the_file_that_the_uri_names(soft: Soft) -> None:
    def not_asked(_: TokenFacts) -> bytes:
        raise AssertionError

    with open_token(replace(soft.uri, pin_source=str(soft.pin_file())), not_asked) as token:
        assert token.logged_in
    with (
        pytest.raises(RefusedError, match="PIN is wrong"),
        open_token(replace(soft.uri, pin_source=str(soft.pin_file(b"9876"))), not_asked),
    ):
        pass


@pytest.mark.parametrize("text", [b"1234", b"1234\n", b"1234\r\n", b"1234\nmore\n"])
def test_a_pin_file(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "pin"
    path.write_bytes(text)
    assert read_pin(path) == b"1234"


@pytest.mark.parametrize("text", [b"", b"\n1234", b"1" * (PIN_LIMIT + 1), None])
def test_no_pin_file(tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "pin"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(UsageError) as caught:
        read_pin(path)
    assert "111" not in str(caught.value)


def test_a_pin_that_is_no_text(soft: Soft) -> None:
    with pytest.raises(UsageError, match="not UTF-8"), open_token(soft.uri, lambda _: b"\xff\xfe"):
        pass


def test_without_a_login_private_objects_do_not_show(soft: Soft) -> None:
    with soft.open() as token:
        token.session.generate_key(KeyType.AES, 128, store=True, label="hidden")
        assert [one.label for one in objects_of(token)] == ["hidden"]
    with soft.open(login=False, writable=False) as token:
        assert objects_of(token) == ()


def test_random_numbers(soft: Soft) -> None:
    with soft.open(login=False, writable=False) as token:
        one, other = random(token, 32), random(token, 32)
        assert len(one) == len(other) == 32
        assert one != other
        for count in (0, 4097):
            with pytest.raises(UsageError):
                random(token, count)


@pytest.mark.parametrize(
    ("fault", "words"), [("no-random", "no random number generator"), ("zero-random", "gives no random numbers")]
)
def test_a_token_without_random_numbers(shim: Soft, faults: Faults, fault: str, words: str) -> None:
    faults(fault)
    with shim.open(login=False, writable=False) as token, pytest.raises(RefusedError, match=words):
        random(token, 32)


ANSWERS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, exceptions.PKCS11Error) and kind is not exceptions.PKCS11Error
]


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_every_answer_becomes_a_sentence_with_its_name(kind: type[exceptions.PKCS11Error]) -> None:
    error = spoken(kind(), "token 'KSK'")
    assert isinstance(error, KeyquorumError)
    assert error.where == "token 'KSK'"
    assert f"({name_of(kind())})" in error.what
    assert re.fullmatch(r"CKR_[A-Z0-9_]+", name_of(kind()))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (exceptions.PinLenRange, "CKR_PIN_LEN_RANGE"),
        (exceptions.RandomNoRNG, "CKR_RANDOM_NO_RNG"),
        (exceptions.SessionReadWriteSOExists, "CKR_SESSION_READ_WRITE_SO_EXISTS"),
        (exceptions.TokenNotRecognised, "CKR_TOKEN_NOT_RECOGNIZED"),
        (exceptions.FunctionCancelled, "CKR_FUNCTION_CANCELED"),
    ],
)
def test_answers_are_spelt_as_the_standard_spells_them(kind: type[exceptions.PKCS11Error], name: str) -> None:
    assert name_of(kind()) == name


def test_an_answer_without_a_name() -> None:
    assert (
        "Unmapped error code 0x80000001" in spoken(exceptions.PKCS11Error("Unmapped error code 0x80000001"), "t").what
    )


def test_two_tokens_in_one_module(tmp_path: Path) -> None:
    with softhsm(tmp_path, MODULE, "KSK", "ZSK") as one:
        other = replace(one, label="ZSK")
        with one.open() as first, other.open() as second:
            assert first.facts.serial != second.facts.serial
            assert repr(first) == f"<OpenToken {first.facts.name}>"
    assert PIN.decode() not in repr(first)
