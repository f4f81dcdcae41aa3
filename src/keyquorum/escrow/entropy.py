"""Randomness from several sources at once, dice among them: mixing can only add.

As long as one source is unpredictable the result is, whatever the others are: HKDF with SHA-512 (RFC 5869) over all of
them, each with its length before it. Refused: dice that are too few or obviously not thrown. Rolls never go into an
error: they are as secret as the key that is made with them.
"""

from collections import Counter

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyquorum.errors import LimitError, MalformedError, NotYetError, RefusedError, UsageError
from keyquorum.escrow.secret import Secret
from keyquorum.maths.randomness import Rng

LEAST_ROLLS = 100
"""258 bits: no fewer than a 256-bit key has."""
TEXT_LIMIT = 1 << 14
FRESH = 64
"""Bytes taken from the operating system for each call at least; more where more are wanted."""
_SALT = b"keyquorum/escrow/entropy/v1"
_MOST_AT_ONCE = 255 * 64
_FACES = "123456"


class Dice(Secret):
    """The rolls of a fair die with six faces, checked; ``reveal`` gives them as ASCII digits without blanks.

    ``text`` is digits from 1 to 6, with blanks and line ends as one likes. Raises MalformedError for any other
    character (the place is the roll's number), NotYetError for fewer than 100 rolls, LimitError for far too many,
    RefusedError for rolls that no honest die gives: one face more than half of the time, or the same series over and
    over.
    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_LIMIT:
            raise LimitError(f"more than {TEXT_LIMIT} characters", where="dice")
        rolls = "".join(text.split())
        wrong = next((place for place, roll in enumerate(rolls, 1) if roll not in _FACES), None)
        if wrong is not None:
            raise MalformedError("not a number from 1 to 6", where=f"dice, roll {wrong}")
        if len(rolls) < LEAST_ROLLS:
            missing = LEAST_ROLLS - len(rolls)
            raise NotYetError(
                f"{len(rolls)} rolls are too few for a 256-bit key",
                where="dice",
                do=f"Roll {missing} more: {LEAST_ROLLS} are needed.",
            )
        if 2 * max(Counter(rolls).values()) > len(rolls):
            raise _not_thrown("one face came more often than all the others together")
        if any(rolls.startswith(rolls[period:]) for period in range(1, len(rolls) // 2 + 1)):
            raise _not_thrown("the same series of rolls comes again and again")
        super().__init__(rolls.encode())


def mixed(rng: Rng, *more: bytes) -> Rng:
    """Give an rng each call of which mixes fresh bytes from ``rng`` with ``more`` (dice, a token's random bytes).

    For n bytes, max(n, 64) fresh ones are drawn. HKDF-SHA512, salt ``keyquorum/escrow/entropy/v1``; the input is the
    fresh bytes and then each of ``more``, with its length before it (8 bytes, big-endian); info is the number of the
    call, from 1, and n (8 bytes each). Raises UsageError for an empty source, as does a call for more than 16,320 bytes
    and one that ``rng`` does not answer in full.
    """
    if not all(more):
        raise UsageError("a source of randomness gave nothing", do="Take it out, or see why it is empty.")
    calls = 0

    def draw(length: int) -> bytes:
        nonlocal calls
        calls += 1
        if length > _MOST_AT_ONCE:
            raise UsageError(f"{length} random bytes at once are more than HKDF gives")
        fresh = rng(max(length, FRESH))
        if len(fresh) < max(length, FRESH):
            raise UsageError("the source of randomness gave fewer bytes than it was asked for")
        material = b"".join(_number(len(source)) + source for source in (fresh, *more))
        return HKDF(SHA512(), length, _SALT, _number(calls) + _number(length)).derive(material)

    return draw


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _not_thrown(what: str) -> RefusedError:
    return RefusedError(f"these are not the rolls of an honest die: {what}", where="dice", do="Roll again with others.")
