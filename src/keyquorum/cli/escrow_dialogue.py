"""Words that one person reads and types at a screen that others must not see."""

from keyquorum.cli import terminal
from keyquorum.escrow.proposals import Proposal
from keyquorum.escrow.wordlist import WORD_COUNT

_COLUMNS = 3


def alone(who: str, what: str) -> None:
    """Clear the screen and wait until only ``who`` is before it."""
    terminal.clear()
    terminal.ask(f"{who}: {what} Nobody else looks at the screen. Press Enter")


def show_words(title: str, words: tuple[str, ...]) -> None:
    """Show a share's words, numbered, on a screen of their own."""
    terminal.clear()
    terminal.tell(title, style="bold")
    terminal.tell()
    rows = -(-len(words) // _COLUMNS)
    for row in range(rows):
        cells = [(number, words[number]) for number in range(row, len(words), rows)]
        terminal.tell("  " + "   ".join(f"{number + 1:2}  {word:<10}" for number, word in cells).rstrip())
    terminal.tell()


def typed_words(what: str) -> str:
    """Have the words of ``what`` typed, over as many lines as it takes; an empty line ends before all are there."""
    terminal.tell(
        f"Type the {WORD_COUNT} words of {what}, as many on a line as you like; four letters of each are enough. "
        "For a word you cannot read type ?, and an empty line to end."
    )
    words: list[str] = []
    while len(words) < WORD_COUNT:
        line = terminal.ask(f"Word {len(words) + 1} of {WORD_COUNT}").split()
        if not line:
            break
        words += line
    return " ".join(words)


def confirmed(proposal: Proposal) -> bool:
    """Ask, word by word, whether the page has what was probably meant; the screen is cleared afterwards."""
    try:
        terminal.tell(f"These are not the words of a share as they stand: {proposal.what}.", style="bold")
        if not proposal.changes:
            return terminal.ask("Look at the page: is that so? Type yes or no") == "yes"
        for position, word in proposal.changes:
            if terminal.ask(f"Look at the page: is word {position} '{word}'? Type yes or no") != "yes":
                return False
        return True
    finally:
        terminal.clear()
