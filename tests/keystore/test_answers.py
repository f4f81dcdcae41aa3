"""One-time material answers once."""

import sqlite3
from pathlib import Path

import pytest

from keyquorum.errors import (
    KeystoreError,
    RefusedError,
    UsageError,
)
from keyquorum.keystore import Keystore
from tests.keystore.conftest import reopened

DIGEST = b"d" * 32


def test_an_answer_is_given_once(keystore: Keystore, path: Path) -> None:
    keystore.put("nonce", "7", b"secret nonce")
    asked = []

    def make(secret: bytes) -> bytes:
        asked.append(secret)
        return b"answer"

    assert keystore.answer_once("nonce", "7", DIGEST, make) == b"answer"
    for _ in range(2):
        assert keystore.answer_once("nonce", "7", DIGEST, make) == b"answer"
        with pytest.raises(RefusedError, match="something else"):
            keystore.answer_once("nonce", "7", b"e" * 32, make)
        assert asked == [b"secret nonce"]
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.get("nonce", "7")
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.put("nonce", "7", b"again", replace=True)
        with pytest.raises(KeystoreError, match="once and for all"):
            keystore.delete("nonce", "7")
        assert (keystore.names("nonce"), keystore.used("nonce")) == ([], ["7"])
        keystore = reopened(keystore, path)
    keystore.close()


def test_what_was_used_is_gone_from_the_file(keystore: Keystore, path: Path) -> None:
    keystore.put("nonce", "7", bytes(700))
    connection = sqlite3.connect(path)
    ((sealed,),) = connection.execute("SELECT sealed FROM entry WHERE name = '7'").fetchall()
    connection.close()
    assert sealed in path.read_bytes()
    keystore.answer_once("nonce", "7", DIGEST, lambda _secret: b"answer")
    raw = path.read_bytes()
    assert not [at for at in range(0, len(sealed), 100) if sealed[at : at + 12] in raw]


def test_an_answer_needs_a_secret_and_a_digest(keystore: Keystore) -> None:
    with pytest.raises(KeystoreError, match="no secret"):
        keystore.answer_once("nonce", "7", DIGEST, bytes)
    keystore.put("nonce", "7", b"x")
    with pytest.raises(UsageError, match="not 32"):
        keystore.answer_once("nonce", "7", b"short", bytes)
    with pytest.raises(ZeroDivisionError):
        keystore.answer_once("nonce", "7", DIGEST, lambda _secret: bytes(1 // 0))
    assert keystore.get("nonce", "7") == b"x"


def test_an_answer_made_while_another_is_made_is_not_given(keystore: Keystore) -> None:
    keystore.put("nonce", "7", b"x")

    def greedy(_secret: bytes) -> bytes:
        keystore.answer_once("nonce", "7", b"e" * 32, lambda _secret: b"first")
        return b"second"

    with pytest.raises(KeystoreError, match="once and for all"):
        keystore.answer_once("nonce", "7", DIGEST, greedy)
    assert keystore.answer_once("nonce", "7", b"e" * 32, bytes) == b"first"
