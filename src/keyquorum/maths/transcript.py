"""Hashing with no ambiguity: H and expand of the design.

``H(tag, a, b, ...)`` is SHA-512 over the tag and each input, every one of them (the tag too) preceded by its length as
8 bytes, big-endian. ``expand`` is the same in counter mode. Integers enter as fixed-length big-endian byte strings, of
the length of the modulus or group order they belong to; the caller makes them so.
"""

import hashlib
from collections.abc import Iterable


class Transcript:
    """H, fed one input at a time, so that a stream of any length is hashed in constant memory."""

    __slots__ = ("_hash",)

    def __init__(self, tag: str, *inputs: bytes) -> None:
        self._hash = hashlib.sha512()
        self.add(tag.encode("ascii"))
        self.add_all(inputs)

    def add(self, value: bytes) -> None:
        """Add one input."""
        self._hash.update(len(value).to_bytes(8, "big"))
        self._hash.update(value)

    def add_all(self, values: Iterable[bytes]) -> None:
        """Add each of the inputs, in order."""
        for value in values:
            self.add(value)

    def digest(self) -> bytes:
        """Give the 64 bytes."""
        return self._hash.digest()


def digest(tag: str, *inputs: bytes) -> bytes:
    """Give H(tag, inputs...): 64 bytes."""
    return Transcript(tag, *inputs).digest()


def expand(tag: str, bits: int, *inputs: bytes) -> int:
    """Give an integer of at most ``bits`` bits: the leading bits of H(tag, inputs..., 0) || H(tag, inputs..., 1) ...

    The counter is the last input, 4 bytes big-endian.
    """
    blocks = (bits + 511) // 512
    stream = b"".join(digest(tag, *inputs, counter.to_bytes(4, "big")) for counter in range(blocks))
    return int.from_bytes(stream, "big") >> (8 * len(stream) - bits)


def fixed(value: int, length: int) -> bytes:
    """Give ``value`` as ``length`` bytes, big-endian; OverflowError if it does not fit or is negative."""
    return int(value).to_bytes(length, "big")
