"""A secret shows its length and nothing else, goes nowhere by accident, and is gone when told to go."""

import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from keyquorum.errors import UsageError
from keyquorum.escrow.secret import Secret

BYTES = b"hidden by the hedge"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_gives_what_it_was_given(kind: Callable[[bytes], Any]) -> None:
    secret = Secret(kind(BYTES))
    assert secret.reveal() == secret.reveal() == BYTES
    assert len(secret) == len(BYTES)


def test_is_a_copy() -> None:
    theirs = bytearray(BYTES)
    secret = Secret(theirs)
    theirs[0] ^= 1
    assert secret.reveal() == BYTES
    secret.wipe()
    assert theirs[1:] == BYTES[1:]


def test_wiping_overwrites_and_ends_it() -> None:
    secret = Secret(BYTES)
    secret.wipe()
    secret.wipe()
    assert secret._data == bytes(len(BYTES))
    with pytest.raises(UsageError, match="overwritten"):
        secret.reveal()
    assert repr(secret) == "<Secret, 19 bytes, overwritten>"


def test_leaving_the_block_wipes() -> None:
    with Secret(BYTES) as secret:
        assert secret.reveal() == BYTES
    with pytest.raises(UsageError):
        secret.reveal()


def test_leaving_the_block_by_an_error_wipes() -> None:
    secret = Secret(BYTES)

    def fail() -> None:
        with secret:
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(UsageError):
        secret.reveal()


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, "%s".__mod__, lambda one: f"{[one]}"])
def test_nothing_shows_it(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(BYTES))
    assert "<Secret, 19 bytes>" in shown
    assert "hidden" not in shown


def test_a_log_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").error("made %s", Secret(BYTES))
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    "leak", [pickle.dumps, copy.copy, copy.deepcopy, lambda one: pickle.dumps(one, 0), bytes, vars, list]
)
def test_it_goes_nowhere_by_accident(leak: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        leak(Secret(BYTES))
