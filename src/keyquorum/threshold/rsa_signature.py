"""From the values of exactly M holders to the signature, for many messages at once.

With integers lambda_i that interpolate f(0) = D d, w = prod x_i^(2 lambda_i) has w^e = x^(4 D' D); a (4 D' D) + b e = 1
makes y = w^a x^b the e-th root of x, which is unique: the signature (Shoup 2000, section 2.2; D' is D without what all
lambda_i have in common). Every y is verified twice before it is given out: by y^e = x, and by ``cryptography`` from the
message itself. Refused: a value that is not one of 1..n-1 in the modulus' length; such a message has no signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import factorial

import gmpy2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from gmpy2 import mpz

from keyquorum.errors import SignatureError
from keyquorum.maths.multiexp import small_power_product
from keyquorum.maths.polynomials import lagrange_at_zero
from keyquorum.maths.transcript import fixed
from keyquorum.threshold.rsa_key import RsaPublic, padded_all

Row = tuple[bytes, tuple[bytes, ...]]
"""A message, and the values of the holders in the order of the recipe."""

_JUDGES = {8: hashes.SHA256(), 10: hashes.SHA512()}
_PADDING = PKCS1v15()


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the values of one set of M holders become a signature: y = (Q / P)^a x^b.

    P and Q are the products of the values to the powers ``above`` (2 lambda_i where lambda_i > 0) and ``below``
    (-2 lambda_i where it is negative). Both a and b are positive, so that only P has to be inverted.
    """

    public: RsaPublic
    indices: tuple[int, ...]
    above: tuple[int, ...]
    below: tuple[int, ...]
    a: int
    b: int


@lru_cache(maxsize=256)
def recipe_for(public: RsaPublic, indices: tuple[int, ...]) -> Recipe:
    """Give the recipe for M different holders; raises ParameterError for anything else."""
    interpolation = lagrange_at_zero(indices, public.holders).reduced()
    power = 4 * interpolation.scale * factorial(public.holders)
    a = -pow(power, -1, public.e) % public.e
    return Recipe(
        public,
        tuple(indices),
        tuple(2 * max(weight, 0) for weight in interpolation.weights),
        tuple(2 * max(-weight, 0) for weight in interpolation.weights),
        a,
        (1 + power * a) // public.e,
    )


def signatures(recipe: Recipe, rows: Sequence[Row]) -> list[bytes | None]:
    """Give the signature of each message, or None where the values do not make one.

    Raises ParameterError as ``check_messages`` does, and SignatureError if ``cryptography`` refuses what y^e = x
    accepts, which cannot be a holder's fault.
    """
    public = recipe.public
    n = mpz(public.n)
    xs = padded_all((message for message, _ in rows), public)
    products = [_products(recipe, values, n) for _, values in rows]
    inverses = _inverses([P for P, _ in products], n)
    results: list[bytes | None] = []
    for (message, _), x, (_, Q), inverse in zip(rows, xs, products, inverses, strict=True):
        y = gmpy2.powmod(Q * inverse % n, recipe.a, n) * gmpy2.powmod(x, recipe.b, n) % n
        if gmpy2.powmod(y, public.e, n) != x:
            results.append(None)
            continue
        signature = fixed(y, public.width)
        _verify(public, message, signature)
        results.append(signature)
    return results


def _products(recipe: Recipe, values: Sequence[bytes], n: int) -> tuple[int, int]:
    """Give P and Q; 0 and 0, which make no signature, where a value is not in range."""
    numbers = [mpz.from_bytes(value, "big") for value in values]
    width = recipe.public.width
    if not all(0 < number < n and len(value) == width for number, value in zip(numbers, values, strict=True)):
        return mpz(0), mpz(0)
    return small_power_product(numbers, recipe.above, n), small_power_product(numbers, recipe.below, n)


def _inverses(numbers: Sequence[int], n: int) -> list[int]:
    """Give 1/number mod n for each by one inversion (Montgomery's trick); 0 for those that have none."""
    before = list(accumulate(numbers, lambda product, number: product * number % n, initial=mpz(1)))
    everything = before.pop()
    if gmpy2.gcd(everything, n) != 1:
        if len(numbers) == 1:
            return [mpz(0)]
        return [inverse for number in numbers for inverse in _inverses([number], n)]
    inverse = gmpy2.invert(everything, n)
    inverses = []
    for number, product in zip(reversed(numbers), reversed(before), strict=True):
        inverses.append(product * inverse % n)
        inverse = inverse * number % n
    return inverses[::-1]


def _verify(public: RsaPublic, message: bytes, signature: bytes) -> None:
    try:
        _judge(public.n, public.e).verify(signature, message, _PADDING, _JUDGES[public.algorithm])
    except InvalidSignature:
        raise SignatureError(
            "the library that verifies every signature refuses one that y^e = x accepts",
            where="combine",
            do="Nothing was published. Report this with the request; it is a fault of the software or the machine.",
        ) from None


@lru_cache(maxsize=8)
def _judge(n: int, e: int) -> RSAPublicKey:
    return RSAPublicNumbers(e, n).public_key()
