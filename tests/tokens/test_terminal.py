"""At a terminal: the PIN is asked for and not shown, and nothing is destroyed without a yes."""

import os
import pty
import select
import sys
import time
from dataclasses import replace

import pytest

from keyquorum.cli.token_facts import asked_pin
from keyquorum.tokens.loading import load
from keyquorum.tokens.modules import find_token
from keyquorum.tokens.objects import objects_of
from tests.keystore.seeded import seeded
from tests.tokens.keys import PLACING, key
from tests.tokens.softhsm import Soft, finalise

PATIENCE = 60


def at_terminal(words: list[str], answers: list[str]) -> tuple[int, str]:
    """Run ``keyquorum`` at a terminal, type an answer whenever it asks; give its exit status and what was seen."""
    finalise()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "keyquorum", *words])
    seen, left, end = b"", list(answers), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
        elif left and seen.endswith(b": "):
            os.write(terminal, f"{left.pop(0)}\n".encode())
            seen += b"|"
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert left == [], seen.decode()
    return os.waitstatus_to_exitcode(status), seen.decode()


@pytest.mark.parametrize(("answer", "status", "left"), [("yes", 0, 0), ("y", 1, 2)])
def test_wipe_asks(soft: Soft, answer: str, status: int, left: int) -> None:
    with soft.open() as token:
        load(token, key("ED25519"), PLACING, seeded(1))
    got, seen = at_terminal(["token", "wipe", soft.text(object="root-2026")], ["1234", answer])
    assert got == status, seen
    assert "PIN of token 'KSK' (SoftHSM v2, serial " in seen
    assert "1234" not in seen
    assert "Destroy 2 objects in token 'KSK'" in seen
    with soft.open() as token:
        assert len(objects_of(token)) == left


def test_the_officer_is_asked_too(soft: Soft) -> None:
    words = ["token", "wipe", soft.text(), "--all", "--reinitialise"]
    got, seen = at_terminal(words, ["1234", "yes", "5678"])
    assert got == 0, seen
    assert "Security officer's PIN of token 'KSK'" in seen
    assert "1234" not in seen
    assert "5678" not in seen
    assert "The token was initialised anew." in seen


def test_no_pin(soft: Soft) -> None:
    got, seen = at_terminal(["token", "inspect", soft.text()], [""])
    assert got == 2
    assert "no PIN was given" in seen


def test_a_token_cannot_write_to_the_terminal_by_its_label(soft: Soft, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answered(prompt: str) -> str:
        asked.append(prompt)
        return "1"

    monkeypatch.setattr("keyquorum.cli.token_facts.getpass", answered)
    monkeypatch.setattr("keyquorum.cli.terminal.at_terminal", lambda: True)
    asked_pin(None)(replace(find_token(soft.uri), label="\x1b[2J"))
    assert asked[0].startswith("PIN of token '\\x1b[2J'")
