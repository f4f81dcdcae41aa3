"""What the kernel says in the text files of /proc and /sys."""

import re
from pathlib import Path

from keyquorum.errors import KeyquorumError

PROC, SYS = Path("/proc"), Path("/sys")


def read(path: Path) -> str:
    """Give the text of one file. Raises KeyquorumError if it cannot be read."""
    try:
        return path.read_text(errors="surrogateescape")
    except OSError as error:
        raise KeyquorumError(
            f"the kernel's word cannot be read ({error.strerror})", where=str(path), do="Mount /proc and /sys."
        ) from error


def read_if_there(path: Path) -> str:
    """Give the text of one file without blanks around it; "" if there is no such file. Raises as ``read`` does."""
    return read(path).strip() if path.exists() else ""


def unescaped(name: str) -> str:
    r"""Undo ``\040`` and the like, by which the kernel writes blanks in names."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name)
