"""What must hold of every parser: whatever it is given, only our errors come out, and they are safe to print."""

from collections.abc import Callable
from typing import TypeVar

from keyquorum.errors import KeyquorumError

Result = TypeVar("Result")


def only_ours(call: Callable[[], Result]) -> Result | None:
    """Call; gives the result, or None where it was refused with an error of ours that a terminal may show."""
    refusal: KeyquorumError | None = None
    try:
        return call()
    except KeyquorumError as error:
        refusal = error
    assert str(refusal).isascii()
    assert str(refusal).isprintable()
    return None
