"""Text from outside is shown as text: nothing in it moves a cursor, and none of it is markup."""

import json

import pytest

from keyquorum.cli import terminal
from keyquorum.errors import MalformedError

EVIL = "[red]\x1b[31mred\x9b2J\u202eright\r\udc80"
HARMLESS = "[red]\\x1b[31mred\\x9b2J\\u202eright\\r\\udc80"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(EVIL)
    terminal.heading(EVIL)
    terminal.next_step(EVIL)
    terminal.complain(MalformedError(EVIL, where=EVIL, do=EVIL))
    terminal.facts({EVIL: EVIL})
    terminal.listing(["column"], [[EVIL], [terminal.verdict(True, EVIL)]])
    shown = "".join(capsys.readouterr())
    assert shown.replace("\n", "").isprintable()
    # A table may break its lines anywhere.
    assert shown.replace("\n", "").replace(" ", "").count(HARMLESS) == 10


def test_an_error_is_one_paragraph(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.complain(MalformedError("it is broken", where="here", do="Mend it."))
    terminal.complain(MalformedError("is it broken?"))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Error: here: it is broken. Mend it.\nError: is it broken?\n")


def test_json_carries_any_text_and_controls_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.as_json({"name": EVIL})
    shown = capsys.readouterr().out
    assert shown.replace("\n", "").isprintable()
    assert json.loads(shown) == {"name": EVIL}
