"""Random bytes that a test can have again."""

from hashlib import shake_256

from keyquorum.maths.randomness import Rng


def stream(seed: object) -> Rng:
    """Give an rng whose bytes follow from ``seed``."""
    calls = 0

    def rng(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return shake_256(f"{seed} {calls}".encode()).digest(length)

    return rng
