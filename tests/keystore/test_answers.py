"""One-time material answers once."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, KeystoreError, RefusedError, UsageError
from keyquorum.keystore import Cost, Keystore
from tests.keystore.conftest import reopened
from tests.keystore.seeded import seeded

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


def telling(secrets: Sequence[tuple[int, bytes]], more: int = 0) -> list[bytes]:
    """The answer that tells everything: position and secret."""
    return [b"%d:%s" % (place + more, secret) for place, secret in secrets]


def uses(*names: str, digest: bytes = DIGEST) -> list[tuple[str, bytes]]:
    return [(name, digest) for name in names]


@pytest.fixture
def ten(keystore: Keystore) -> Keystore:
    """A keystore with ten nonces."""
    with keystore.batch():
        for number in range(10):
            keystore.put("nonce", str(number), b"secret %d" % number)
    return keystore


def test_many_answers_at_once(ten: Keystore, path: Path) -> None:
    assert ten.answer_all("nonce", [], telling) == []
    assert ten.answer_all("nonce", uses("3", "1", "2"), telling) == [b"0:secret 3", b"1:secret 1", b"2:secret 2"]
    assert (ten.names("nonce"), ten.used("nonce")) == (list("0456789"), list("123"))
    with reopened(ten, path) as again:
        # In any order, alone or together: what was stored, and nothing is made.
        assert again.answer_all("nonce", uses("1", "3"), _never) == [b"1:secret 1", b"0:secret 3"]
        assert again.answer_once("nonce", "2", DIGEST, _never) == b"2:secret 2"


def test_stored_answers_and_new_ones_together(ten: Keystore) -> None:
    ten.answer_all("nonce", uses("4", "6"), telling)
    seen: list[tuple[int, bytes]] = []

    def make(secrets: Sequence[tuple[int, bytes]]) -> list[bytes]:
        seen.extend(secrets)
        return telling(secrets)

    asked = uses("6", "5", "4", "7")
    assert ten.answer_all("nonce", asked, make) == [b"1:secret 6", b"1:secret 5", b"0:secret 4", b"3:secret 7"]
    assert seen == [(1, b"secret 5"), (3, b"secret 7")]
    assert ten.used("nonce") == list("4567")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ([*uses("1", "2"), ("0", b"e" * 32), *uses("3")], RefusedError),
        ([("0", b"e" * 32), *uses("1")], RefusedError),
        (uses("1", "none", "2"), KeystoreError),
        (uses("1", "2", "1"), UsageError),
        ([("1", DIGEST), ("1", b"e" * 32)], UsageError),
        ([*uses("1"), ("2", b"short")], UsageError),
    ],
    ids=["used otherwise", "first used otherwise", "missing", "twice", "twice otherwise", "no digest"],
)
def test_all_or_nothing(ten: Keystore, path: Path, asked: list[tuple[str, bytes]], error: type[KeyquorumError]) -> None:
    ten.answer_all("nonce", uses("0"), telling)
    with pytest.raises(error):
        ten.answer_all("nonce", asked, _never)
    with reopened(ten, path) as again:
        assert (again.names("nonce"), again.used("nonce")) == (list("123456789"), ["0"])
        assert again.answer_all("nonce", uses("1", "2"), telling) == [b"0:secret 1", b"1:secret 2"]


def test_answers_that_cannot_be_made_use_nothing_up(ten: Keystore, path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        ten.answer_all("nonce", uses("1", "2"), lambda secrets: [bytes(1 // 0) for _ in secrets])
    for wrong in (lambda _: [b"one"], lambda _: [b"one", b"two", b"three"]):
        with pytest.raises(ValueError, match="zip"):
            ten.answer_all("nonce", uses("1", "2"), wrong)
    with pytest.raises(UsageError, match="inside a batch"), ten.batch():
        ten.answer_all("nonce", uses("1"), telling)
    with reopened(ten, path) as again:
        assert (again.names("nonce"), again.used("nonce")) == (list("0123456789"), [])


def test_the_answers_of_one_kind_are_not_those_of_another(ten: Keystore) -> None:
    ten.put("other", "1", b"another secret")
    ten.answer_all("nonce", uses("1"), telling)
    assert ten.answer_all("other", uses("1", digest=b"e" * 32), telling) == [b"0:another secret"]


NAMES = [str(number) for number in range(6)]
ASKED = st.lists(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([b"1" * 32, b"2" * 32])), max_size=4), max_size=8
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=ASKED)
def test_no_secret_answers_twice_differently(asked: list[list[tuple[str, bytes]]], memory_path: Path) -> None:
    """Whatever is asked for: all answers to one secret are to one digest, and one answer."""
    path = memory_path / "answers"
    path.unlink(missing_ok=True)
    secrets = {("nonce", name): name.encode() for name in NAMES}
    Keystore.create(path, b"p", "m", seeded(4), cost=Cost.TEST, secrets=secrets)
    released: dict[str, tuple[bytes, bytes]] = {}
    with Keystore.open(path, b"p") as keystore:
        for number, wanted in enumerate(asked):
            may = len({name for name, _ in wanted}) == len(wanted) and all(
                released.get(name, (digest,))[0] == digest for name, digest in wanted
            )
            try:
                answers = keystore.answer_all("nonce", wanted, partial(telling, more=10 * number))
            except (RefusedError, UsageError):
                assert not may
                continue
            assert may
            for (name, digest), answer in zip(wanted, answers, strict=True):
                assert released.setdefault(name, (digest, answer)) == (digest, answer)
        assert keystore.used("nonce") == sorted(released)


def _never(_secrets: object) -> Any:
    raise AssertionError("an answer was made")
