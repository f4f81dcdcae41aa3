"""The one file that talks to a terminal. Its rules:

- Results go to standard output, everything else (progress, questions, errors, advice) to standard error.
- An error is one paragraph: what, where, what to do. Never a traceback for something a person can cause.
- A question names what is agreed to; only "yes", in full, is yes. A script agrees with --approve ID, nothing else.
- Progress is shown on a terminal and never in a pipe; where the end cannot be known there is no percentage.
- Nothing secret is shown. Passphrases are asked without echo.
- Text from outside is shown as text: control characters do not reach the terminal, and no markup is interpreted.
"""

import json
import sys
import termios
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from keyquorum.errors import KeyquorumError, RefusedError, UsageError
from keyquorum.identity.words import lines

WIDTH = 100


def _console(*, error: bool = False) -> Console:
    console = Console(stderr=error, highlight=False, soft_wrap=False)
    console.width = min(max(console.width, 80), WIDTH) if console.is_terminal else WIDTH
    return console


def say(text: str = "", *, style: str = "") -> None:
    """Write one paragraph of results."""
    _console().print(_shown(text, style))


def heading(text: str) -> None:
    """Write a heading above what follows."""
    say()
    say(text, style="bold")


def next_step(text: str) -> None:
    """End a command: what to do next, and what to hand to whom."""
    say()
    # Not wrapped: a command that is broken into lines cannot be copied.
    _console().print(Text.assemble(("Next: ", "bold"), _shown(text)), soft_wrap=True)


def complain(error: KeyquorumError) -> None:
    """Show an error as one paragraph on standard error."""
    told = f"{error.where}: " * bool(error.where) + _sentence(error.what) + f" {error.do}" * bool(error.do)
    console = _console(error=True)
    console.print(Text.assemble(("Error: ", "bold red"), _shown(told)), soft_wrap=not console.is_terminal)


def facts(rows: Mapping[str, str] | Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Write names and values in two aligned columns."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items() if isinstance(rows, Mapping) else rows:
        table.add_row(_shown(name), _shown(value))
    _print(table, indent)


def listing(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, indent: int = 2, right: Sequence[str] = ()
) -> None:
    """Write a table with a line of headings."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(escape(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else _shown(cell) for cell in row))
    _print(table, indent)


def words(data: bytes, *, indent: int = 2) -> None:
    """Write the words of ``data``, in aligned columns, as they are read aloud."""
    for line in lines(data):
        say(" " * indent + line, style="bold")


def verdict(good: bool, text: str) -> Text:
    """Give ``text`` coloured as good or bad."""
    return _shown(text, "green" if good else "bold red")


def as_json(document: Mapping[str, Any]) -> None:
    """Write a report for machines."""
    sys.stdout.write(json.dumps(document, indent=2, sort_keys=True) + "\n")


def agree(question: str, identifier: bytes, approved: str | None) -> None:
    """Ask a person to agree; RefusedError on anything but ``yes``.

    A script agrees by ``approved``, which must be the hexadecimal ``identifier`` in full.
    """
    if approved is not None:
        if approved.strip().lower() != identifier.hex():
            raise RefusedError(
                "--approve names something else than what is at hand",
                do=f"This is {identifier.hex()}; look at it before you approve it.",
            )
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "this needs somebody's agreement, and there is no terminal to ask at",
            do=f"Having looked at it, name what you agree to: --approve {identifier.hex()}.",
        )
    # What was typed before the question is no answer to it.
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    _console(error=True).print(_shown("\n" + question, "bold"))
    _console(error=True).print("Type yes or no: ", end="")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        _console(error=True).print()
    if answer.strip().lower() != "yes":
        raise RefusedError("you did not agree", do="Nothing was done.")


def passphrase(file: Path | None, what: str, *, new: bool = False) -> bytes:
    """Give the passphrase of ``what``: the first line of ``file``, or asked for (twice if ``new``)."""
    if file is not None:
        try:
            text = file.read_bytes().split(b"\n", 1)[0].removesuffix(b"\r")
        except OSError as error:
            raise UsageError(f"the passphrase file cannot be read ({error.strerror})", where=str(file)) from None
        if not text:
            raise UsageError("the passphrase file is empty", where=str(file))
        return text
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for a passphrase at", do="Give --passphrase-file FILE.")
    first = getpass(f"Passphrase for {what}: ")
    if not first:
        raise UsageError("an empty passphrase protects nothing")
    if new and getpass("The same again: ") != first:
        raise UsageError("the two passphrases differ", do="Nothing was made; start again.")
    return first.encode("utf-8", "surrogateescape")


def at_terminal() -> bool:
    """Say whether there is somebody to ask."""
    return sys.stdin.isatty()


def ask(question: str, *, hint: str = "") -> str:
    """Ask for one line at the terminal, shown as it is typed; UsageError without one (``hint`` says what to do then).

    The end of input is click's Abort, as Ctrl-C is.
    """
    if not at_terminal():
        raise UsageError("this needs somebody at a terminal", do=hint)
    console = _console(error=True)
    console.print(Text.assemble((_shown(question).plain, "bold"), ": "), end="")
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        console.print()
        raise click.Abort
    return line.strip()


def tell(text: str = "", *, style: str = "") -> None:
    """Write one paragraph to the people at the terminal, beside the results."""
    _console(error=True).print(_shown(text, style))


def clear() -> None:
    """Clear the screen and what can be scrolled back to; nothing in a pipe."""
    if sys.stderr.isatty():
        # ECMA-48 ED 2, xterm's ED 3 (the scrolled-off lines), and home.
        sys.stderr.write("\x1b[2J\x1b[3J\x1b[H")
        sys.stderr.flush()


@contextmanager
def counting(label: str, unit: str, total: int | None = None) -> Iterator[Any]:
    """Show a count going up, on a terminal only; yields the function that is told how many more are done.

    Without ``total`` (a search has no memory) only the count and the time are shown.
    """
    console = _console(error=True)
    if not console.is_terminal:
        yield lambda _done: None
        return
    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}")]
    columns += [BarColumn(), MofNCompleteColumn()] if total else [TextColumn("{task.completed:,.0f}")]
    columns += [TextColumn(unit), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(label), total=total)
        yield lambda done: progress.advance(task, done)


def _print(table: Table, indent: int) -> None:
    """Write a table without the blanks that fill up its lines."""
    console = _console()
    with console.capture() as capture:
        console.print(Padding(table, (0, 0, 0, indent), expand=False))
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _shown(text: str, style: str = "") -> Text:
    """Give ``text`` fit to be shown: what would move a cursor or turn letters around is written out (``\\x1b``)."""
    return Text("".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text), style=style)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
