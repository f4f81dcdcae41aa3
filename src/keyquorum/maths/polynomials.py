"""Polynomials that hide a secret, over the integers modulo m or over the integers; and the way back, in exponents.

A secret is the value at 0, holder i's share the value at i. Whoever cannot divide modulo the order of a group (RSA:
nobody may know it) interpolates with integers: the Lagrange coefficients times D = N! (Shoup, "Practical Threshold
Signatures", Eurocrypt 2000, section 3). Refused: an index outside 1..N, one named twice, none at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, gcd, prod

from keyquorum.errors import ParameterError
from keyquorum.maths.randomness import Rng, random_below


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Integers with sum(weights[k] * f(indices[k])) = scale * f(0), for every f of degree below len(indices)."""

    indices: tuple[int, ...]
    weights: tuple[int, ...]
    scale: int

    def reduced(self) -> "Interpolation":
        """Divide weights and scale by what they have in common: the same f(0) from smaller exponents."""
        common = gcd(self.scale, *self.weights)
        return Interpolation(self.indices, tuple(weight // common for weight in self.weights), self.scale // common)


def hiding_polynomial(constant: int, degree: int, bound: int, rng: Rng) -> tuple[int, ...]:
    """Give the coefficients (constant first) of a polynomial whose other ``degree`` ones are uniform in [0, bound)."""
    return (constant, *(random_below(rng, bound) for _ in range(degree)))


def evaluate(coefficients: Sequence[int], at: int, modulus: int | None = None) -> int:
    """Give the value at ``at`` of the polynomial (constant first), modulo ``modulus`` or, without one, over Z."""
    value = 0
    for coefficient in reversed(coefficients):
        value = value * at + coefficient
        if modulus is not None:
            value %= modulus
    return value


def lagrange_at_zero(indices: Sequence[int], holders: int) -> Interpolation:
    """Give lambda_i = D prod_{j != i} j / (j - i) with D = holders!, which are integers, and the scale D.

    D is multiplied in before anything is divided: the other way round half of all subsets come out wrong. Raises
    ParameterError for no index, an index outside 1..holders, or one named twice.
    """
    if not indices or len(set(indices)) != len(indices) or not all(1 <= index <= holders for index in indices):
        raise ParameterError(
            f"the holders {list(indices)} cannot be combined.",
            do=f"Name at least one, each once, and each between 1 and {holders}.",
        )
    scale = factorial(holders)
    weights = []
    for index in indices:
        others = [other for other in indices if other != index]
        weight, remainder = divmod(scale * prod(others), prod(other - index for other in others))
        if remainder:
            raise ArithmeticError("a Lagrange coefficient times N! is not an integer")
        weights.append(weight)
    return Interpolation(tuple(indices), tuple(weights), scale)
