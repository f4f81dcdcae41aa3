"""Floor 6: the command line. One file per noun; arguments in, questions and answers out, no rule of the domain."""

import sys

from keyquorum import __version__


def main() -> None:
    """Run ``keyquorum``; everything heavy is imported only when a command needs it."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"keyquorum {__version__}\n")
        return
    from keyquorum.cli.app import run  # noqa: PLC0415  # --version must be quick

    sys.exit(run())
