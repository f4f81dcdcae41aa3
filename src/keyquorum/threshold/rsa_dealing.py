"""Dealing a threshold RSA key, and checking a dealing: what anybody can check, and what each holder can of its share.

A new key is shared modulo p'q', which hides it perfectly; the shares of an existing one are integers longer than n, so
that they hide it within 2^-128. Refused: what ``rsa_key`` refuses, an existing key that is not n = pq with different
primes, or whose length is not the one asked for; and dealings whose values do not lie on one polynomial of degree M-1,
do not belong to the public key, or are 1 (a share of 0).
"""

from collections.abc import Sequence
from functools import partial
from math import comb, factorial, lcm

import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from gmpy2 import mpz

from keyquorum.errors import DealingError, ParameterError, ShareError
from keyquorum.maths.exponentiation import secret_power, secret_powers
from keyquorum.maths.polynomials import evaluate, hiding_polynomial, lagrange_at_zero
from keyquorum.maths.randomness import Rng
from keyquorum.maths.safeprimes import safe_prime_pair
from keyquorum.maths.work import Work
from keyquorum.threshold.quorum_plan import check_quorum
from keyquorum.threshold.rsa_key import (
    DEFAULT_EXPONENT,
    HIDING_BITS,
    Kind,
    RsaPublic,
    RsaShare,
    check_algorithm,
    check_bits,
    check_exponent,
    check_numbers,
    index_of,
    share_limit,
    verification_base,
)
from keyquorum.threshold.seam import Plan, PrivateKey

Dealt = tuple[RsaPublic, tuple[RsaShare, ...]]


def deal(key: PrivateKey | None, plan: Plan, minimum_bits: int, rng: Rng, work: Work) -> Dealt:
    """Make a new key (``key`` None) or share an existing one; raises ParameterError for what is refused.

    ``work.advance`` is told of candidates for primes and of nothing else.
    """
    check_quorum(plan.threshold, plan.holders)
    check_algorithm(plan.algorithm)
    if key is None:
        check_bits(plan.bits, "new", minimum_bits)
        p, q = safe_prime_pair(plan.bits, DEFAULT_EXPONENT, rng, work)
        return deal_new(p, q, plan, minimum_bits, rng, work)
    return deal_existing(key, plan, minimum_bits, rng, work)


def deal_new(p: int, q: int, plan: Plan, minimum_bits: int, rng: Rng, work: Work) -> Dealt:
    """Share the key of two safe primes; e is 65537."""
    e, order = DEFAULT_EXPONENT, (p // 2) * (q // 2)
    _check_factors(p, q, e, plan, "new", minimum_bits)
    for prime in (p, q):
        if not gmpy2.is_prime(prime // 2):
            raise ParameterError("a factor of the new modulus is not a safe prime")
    constant = factorial(plan.holders) * pow(e, -1, order)
    polynomial = hiding_polynomial(constant, plan.threshold - 1, order, rng)
    shares = [evaluate(polynomial, index, order) for index in range(1, plan.holders + 1)]
    return _published(p * q, e, "new", plan, shares, work)


def deal_existing(key: PrivateKey, plan: Plan, minimum_bits: int, rng: Rng, work: Work) -> Dealt:
    """Share a key that exists; its private exponent is computed anew from the factors."""
    if not isinstance(key, RSAPrivateKey):
        raise ParameterError("the key is not an RSA private key", do="Give an RSA key, or choose its own algorithm.")
    numbers = key.private_numbers()
    p, q, n, e = numbers.p, numbers.q, numbers.public_numbers.n, numbers.public_numbers.e
    if p * q != n:
        raise ParameterError("the modulus is not the product of the two primes given with it")
    _check_factors(p, q, e, plan, "existing", minimum_bits)
    order = lcm(p - 1, q - 1)
    if gmpy2.gcd(e, order) != 1:
        raise ParameterError("the public exponent has no inverse: nothing was ever signed with this key")
    scale = factorial(plan.holders)
    bound = n * scale << (HIDING_BITS + plan.threshold)
    polynomial = hiding_polynomial(scale * pow(e, -1, order), plan.threshold - 1, bound, rng)
    shares = [evaluate(polynomial, index) for index in range(1, plan.holders + 1)]
    return _published(n, e, "existing", plan, shares, work)


def check_dealing(public: RsaPublic, minimum_bits: int) -> None:
    """Check all that anybody can check: numbers, degree, secret; raises ParameterError or DealingError.

    No value is taken on trust but n, e and V_1..V_N themselves; v is computed here.
    """
    check_numbers(public, minimum_bits)
    n, M, N = mpz(public.n), public.threshold, public.holders
    V = [mpz(value) for value in public.verification]
    v = verification_base(public.n, public.e)
    for index, value in enumerate(V, 1):
        if not 1 < value < n or gmpy2.gcd(value, n) != 1:
            raise _bad(f"the verification value of holder {index} is not a number that a share leads to")
    for first in range(N - M):
        difference = mpz(1)
        for k in range(M + 1):
            difference = difference * gmpy2.powmod(V[first + k], (-1) ** k * comb(M, k), n) % n
        if difference != 1:
            raise _bad(f"the shares of holders {first + 1} to {first + M + 1} do not fit together")
    interpolation = lagrange_at_zero(range(1, M + 1), N)
    secret = mpz(1)
    for value, weight in zip(V, interpolation.weights, strict=False):  # the first M
        secret = secret * gmpy2.powmod(value, weight, n) % n
    if gmpy2.powmod(secret, public.e, n) != gmpy2.powmod(v, factorial(N) ** 2, n):
        raise _bad("the shares are not shares of the key they are published with")


def check_share(public: RsaPublic, index: int, share: RsaShare, minimum_bits: int) -> None:
    """Check, as holder ``index``, that ``share`` is the one whose power is published; raises ShareError."""
    check_numbers(public, minimum_bits)
    index_of(public, index)
    if share.index != index:
        raise _not_mine(index, f"it is the share of holder {share.index}")
    if not 0 < share.value < share_limit(public.n, public.kind, public.threshold, public.holders):
        raise _not_mine(index, "its size is not one that a dealer may choose")
    v = verification_base(public.n, public.e)
    if secret_power(v, share.value, public.n) != public.verification[index - 1]:
        raise _not_mine(index, "it does not lead to the verification value published for it")


def _check_factors(p: int, q: int, e: int, plan: Plan, kind: Kind, minimum_bits: int) -> None:
    n = p * q
    check_bits(n.bit_length(), kind, minimum_bits)
    if plan.bits not in {0, n.bit_length()}:
        raise ParameterError(f"the modulus has {n.bit_length()} bits, not the {plan.bits} asked for")
    check_exponent(e, plan.holders)
    if p == q or not gmpy2.is_prime(p) or not gmpy2.is_prime(q):
        raise ParameterError("the modulus is not the product of two different primes")


def _published(n: int, e: int, kind: Kind, plan: Plan, shares: list[int], work: Work) -> Dealt:
    """Compute the verification values and put the dealing together."""
    power = partial(_verification_values, verification_base(n, e), n)
    verification = tuple(Work(work.executor, work.workers).map(power, shares, batch=1))
    public = RsaPublic(plan.algorithm, plan.threshold, plan.holders, n, e, kind, verification)
    return public, tuple(RsaShare(index, value) for index, value in enumerate(shares, 1))


def _verification_values(v: int, n: int, shares: Sequence[int]) -> list[int]:
    return [power for share in shares for power in secret_powers([v], share, n)]


def _bad(what: str) -> DealingError:
    return DealingError(what, where="key record", do="Do not accept it; ask the dealer to deal again.")


def _not_mine(index: int, what: str) -> ShareError:
    return ShareError(
        what, where=f"share of holder {index}", do="Do not accept it; ask the dealer for a share that checks."
    )
