"""Random numbers from the source the caller hands in; nothing here knows where randomness comes from."""

from collections.abc import Callable

Rng = Callable[[int], bytes]
"""``rng(n)`` gives n uniformly random bytes (``secrets.token_bytes`` in the product, a seeded stream in a test)."""

_MARGIN_BITS = 128


def random_bits(rng: Rng, bits: int) -> int:
    """Give a uniform integer in [0, 2^bits); reads ceil(bits / 8) bytes."""
    length = (bits + 7) // 8
    return int.from_bytes(rng(length), "big") >> (8 * length - bits)


def random_below(rng: Rng, bound: int) -> int:
    """Give an integer in [0, bound), within 2^-128 of uniform; constant number of bytes read, no rejection.

    Raises ValueError for a bound below 1.
    """
    if bound < 1:
        raise ValueError("bound must be at least 1")
    return random_bits(rng, bound.bit_length() + _MARGIN_BITS) % bound
