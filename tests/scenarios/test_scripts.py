"""Every script in ``scripts/`` is what happens."""

from pathlib import Path

import pytest

from tests.scenarios.scripts import SCRIPTS, ScriptError, play

ALL = sorted(path for path in SCRIPTS.glob("*.txt") if not path.stem.startswith("emergency_"))
"""Those of an emergency are played where what they leave is judged: ``test_emergency``."""


@pytest.mark.parametrize("script", ALL, ids=lambda path: path.stem)
def test_script(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(script, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$ keyquorum --version\n> no such line", "not seen"),
        ("$ keyquorum --version\n? 1", "exit status 0, not 1"),
        ("$ keyquorum --version\n! keyquorum*", "seen: keyquorum"),
        ("$ keyquorum --version\n< yes", "never asked for"),
        ("$ printf 'Traceback (most recent call last):\\n'", "a traceback"),
        ("$ printf 'Error: one\\n\\ntwo\\n' >&2", "more than one paragraph"),
        ("$ printf 'b\\na\\n'\n> a\n> b", "not seen"),
        ("% keyquorum", "what is"),
    ],
)
def test_the_player_can_say_no(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script.txt"
    script.write_text(text)
    with pytest.raises(ScriptError, match=words):
        play(script, tmp_path, monkeypatch)
