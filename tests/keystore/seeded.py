"""Random bytes that are the same every time."""

import random

from keyquorum.maths.randomness import Rng


def seeded(seed: int) -> Rng:
    """Give a source of bytes for tests; each call of the source goes on where the last ended."""
    return random.Random(seed).randbytes
