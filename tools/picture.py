"""Draw docs/pictures/*.svg: what a person sees in a terminal, from a real run of the demo.

    python -m tools.picture

The demo runs at a pseudo-terminal; its colours are drawn by rich. The key differs from run to run, so the pictures do.
"""

import html
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

_LEADING = re.compile(
    r'x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="(?P<length>[\d.]+)"(?P<more>[^>]*)>'
    r"(?P<blanks>(?:&#160;)+)(?P<rest>[^<]*)</text>"
)
OUT = Path("docs/pictures")
WIDTH = 100
# rich's template, without the fonts it would fetch from a server.
_FORMAT = CONSOLE_SVG_FORMAT[: CONSOLE_SVG_FORMAT.index("@font-face")] + CONSOLE_SVG_FORMAT[
    CONSOLE_SVG_FORMAT.index(".{unique_id}-matrix") :
].replace("Fira Code, monospace", "DejaVu Sans Mono, Menlo, Consolas, monospace")


def main() -> None:
    """Run the demo and draw its steps."""
    with TemporaryDirectory() as directory:
        steps = _steps(_run(["keyquorum", "demo", "--out", "demo"], directory))
    OUT.mkdir(parents=True, exist_ok=True)
    _draw("request", "what each holder sees before signing", steps["4"])
    _draw("combine", "a liar is named, and the signature comes out all the same", steps["6"] + steps["7"])


def _run(command: list[str], directory: str) -> list[str]:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "200"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=slave, stderr=quiet, stdin=quiet, env=environment, cwd=directory) as process:
        os.close(slave)
        said = b""
        try:
            while chunk := os.read(master, 1 << 16):
                said += chunk
        except OSError:
            pass
        if process.wait():
            sys.exit(f"{command} failed")
    return said.decode().replace("\r", "").split("\n")


def _steps(lines: list[str]) -> dict[str, list[str]]:
    steps: dict[str, list[str]] = {}
    current = ""
    for line in lines:
        plain = Text.from_ansi(line).plain
        if plain[:1].isdigit() and plain[1:3] == ". ":
            current = plain[0]
        elif plain.startswith("All of it is in"):
            break
        steps.setdefault(current, []).append(line)
    return steps


def _draw(name: str, title: str, lines: list[str]) -> None:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(lines).strip("\n")))
    svg = console.export_svg(title=title, code_format=_FORMAT, unique_id="kq")
    (OUT / f"{name}.svg").write_text(_LEADING.sub(_shifted, svg), "utf-8")


def _shifted(match: re.Match[str]) -> str:
    """Begin a text where its first character is: some programs that show SVG drop blanks at the beginning."""
    blanks = match["blanks"].count("&#160;")
    cell = float(match["length"]) / (blanks + len(html.unescape(match["rest"])))
    x, length = float(match["x"]) + cell * blanks, float(match["length"]) - cell * blanks
    return f'x="{x:g}" y="{match["y"]}" textLength="{length:g}"{match["more"]}>{match["rest"]}</text>'


if __name__ == "__main__":
    main()
