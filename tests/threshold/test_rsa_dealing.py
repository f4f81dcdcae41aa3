"""Dealing RSA keys: what is refused, and how a dishonest dealer is found."""

from dataclasses import replace
from math import factorial, lcm

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import DealingError, ParameterError, ShareError
from keyquorum.maths.polynomials import lagrange_at_zero
from keyquorum.maths.work import HERE
from keyquorum.threshold.rsa import RsaPublic, RsaScheme, RsaShare
from keyquorum.threshold.rsa_dealing import deal_new
from keyquorum.threshold.rsa_key import share_limit, verification_base
from keyquorum.threshold.seam import Plan
from tests.threshold.cases import (
    SMALL,
    Dealt,
    messages,
    ordinary_key,
    private_key,
    rsa_dealt,
    safe_key,
    seeded,
    small_primes,
)

KINDS = ("new", "existing")
PRODUCT = RsaScheme()


def with_values(dealt: Dealt, shares: list[int]) -> RsaPublic:
    """Give the key record a dealer publishes with these shares."""
    v = verification_base(dealt.public.n, dealt.public.e)
    public: RsaPublic = dealt.public
    return replace(public, verification=tuple(pow(v, share, public.n) for share in shares))


@pytest.mark.parametrize("bits", [0, 1024, 2046, 2047, 2049, 2560, 4095, 5120, 8192])
def test_a_new_key_of_another_length(bits: int) -> None:
    with pytest.raises(ParameterError, match="bits"):
        PRODUCT.deal(None, Plan(8, bits, 2, 3), seeded(), HERE)


def test_a_new_modulus_that_came_out_one_bit_short_is_not_dealt() -> None:
    numbers = safe_key(512).private_numbers()
    with pytest.raises(ParameterError, match="512 bits, not the 513"):
        deal_new(numbers.p, numbers.q, Plan(8, 513, 2, 3), 512, seeded(), HERE)
    with pytest.raises(ParameterError, match="512 bits"):
        deal_new(numbers.p, numbers.q, Plan(8, 512, 2, 3), 513, seeded(), HERE)


def test_an_existing_key_whose_exponent_is_not_above_n() -> None:
    p, q = (prime for prime in (primes_with_small_exponent()))
    key = private_key(p, q, 5)
    SMALL.deal(key, Plan(8, 0, 2, 4), seeded(), HERE)
    with pytest.raises(ParameterError, match="above the number of holders"):
        SMALL.deal(key, Plan(8, 0, 2, 5), seeded(), HERE)


def primes_with_small_exponent() -> tuple[int, int]:
    """Give two primes p with gcd(5, p - 1) = 1 and a 512-bit product."""
    found: list[int] = []
    number = 3 << 254
    while len(found) < 2:
        number = int(gmpy2.next_prime(number))
        if number % 5 != 1:
            found.append(number)
    return found[0], found[1]


def test_keys_that_are_not_two_different_primes() -> None:
    p, q = small_primes(256)
    composite = int(gmpy2.next_prime(1 << 127)) * int(gmpy2.next_prime(3 << 127))
    for factors in ((p, p), (p, composite)):
        with pytest.raises(ParameterError, match="two different primes"):
            deal_new(*factors, Plan(8, 0, 2, 3), 500, seeded(), HERE)
    with pytest.raises(ParameterError, match="safe prime"):
        deal_new(p, q, Plan(8, 0, 2, 3), 512, seeded(), HERE)


class Boastful(rsa.RSAPrivateKey):
    """A key that says of itself what we want."""

    def __init__(self, p: int, q: int, n: int, e: int) -> None:
        self.numbers = rsa.RSAPrivateNumbers(p, q, 1, 1, 1, 1, rsa.RSAPublicNumbers(e, n))

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        return self.numbers


Boastful.__abstractmethods__ = frozenset()


def boast(p: int, q: int, n: int, e: int = 65537) -> Boastful:
    return Boastful(p, q, n, e)  # type: ignore[abstract]


def test_existing_keys_that_do_not_fit_together() -> None:
    p, q = small_primes(256)
    plan = Plan(8, 0, 2, 3)
    with pytest.raises(ParameterError, match="product"):
        SMALL.deal(boast(p, q, p * q + 2), plan, seeded(), HERE)
    with pytest.raises(ParameterError, match="two different primes"):
        SMALL.deal(boast(p, p, p * p), plan, seeded(), HERE)
    e = next(e for e in range(5, 10**6, 2) if gmpy2.is_prime(e) and (p - 1) % e == 0)
    with pytest.raises(ParameterError, match="no inverse"):
        SMALL.deal(boast(p, q, p * q, e), plan, seeded(), HERE)
    with pytest.raises(ParameterError, match="not the 1024 asked for"):
        SMALL.deal(ordinary_key(512), Plan(8, 1024, 2, 3), seeded(), HERE)
    with pytest.raises(ParameterError, match="not an RSA private key"):
        SMALL.deal(ec.generate_private_key(ec.SECP256R1()), plan, seeded(), HERE)


def test_the_private_exponent_of_an_existing_key_is_computed_anew() -> None:
    p, q = small_primes(256)
    public, shares, _ = SMALL.deal(boast(p, q, p * q), Plan(8, 0, 2, 3), seeded(), HERE)  # its d is 1
    SMALL.check_dealing(public)
    D, order = factorial(3), lcm(p - 1, q - 1)
    interpolation = lagrange_at_zero([1, 3], 3)
    secret = sum(w * shares[i - 1].value for w, i in zip(interpolation.weights, interpolation.indices, strict=True))
    assert secret == D * D * pow(65537, -1, order)  # over the integers


@pytest.mark.parametrize("bits", [512, 640, 1024])
def test_a_new_key_by_the_scheme_itself(bits: int) -> None:
    plan = Plan(8, bits, 2, 3)
    public, shares, nothing = SMALL.deal(None, plan, seeded(bits), HERE)
    assert public.bits == bits
    SMALL.check_dealing(public)
    for share in shares:
        SMALL.check_share(public, share.index, share)
        assert 0 < share.value < public.n // 4 + 1
    assert (public, shares, nothing) == SMALL.deal(None, plan, seeded(bits), HERE)


@pytest.mark.parametrize("kind", KINDS)
def test_shares_are_of_the_size_their_limit_says(kind: str) -> None:
    public = rsa_dealt(kind, 512, 4, 7).public
    limit = share_limit(public.n, kind, 4, 7)  # type: ignore[arg-type]
    D = factorial(7)
    largest = D * public.n + sum((public.n * D << 132) * 7**degree for degree in range(1, 4))
    assert limit == public.n if kind == "new" else largest < limit < 2 * largest
    for share in rsa_dealt(kind, 512, 4, 7).shares:
        assert 0 < share.value < limit
        if kind == "existing":
            assert share.value > public.n << 100  # every share is hidden by the coefficients


def test_the_secret_is_hidden_in_every_share_modulo_its_index() -> None:
    # Without the factor D in f(0), share i is d modulo i.
    key = ordinary_key(512).private_numbers()
    d = pow(65537, -1, lcm(key.p - 1, key.q - 1))
    residues = set()
    for seed in range(12):
        for share in rsa_dealt("existing", 512, 2, 3, seed=seed).shares:
            assert (share.value - 6 * d) % share.index == 0
            residues.add((share.index, share.value % share.index))
    assert {(2, 0), (3, 0)} <= residues
    assert not {(2, 1), (3, 1), (3, 2)} & residues


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_one_wrong_verification_value(kind: str, data: st.DataObject) -> None:
    N = data.draw(st.integers(2, 6))
    M = data.draw(st.integers(2, N))
    public = rsa_dealt(kind, 512, M, N).public
    SMALL.check_dealing(public)
    values = list(public.verification)
    at = data.draw(st.integers(0, N - 1))
    values[at] = data.draw(st.sampled_from([values[at] * 4 % public.n, values[at - 1], 4, 2]))
    with pytest.raises(DealingError):
        SMALL.check_dealing(replace(public, verification=tuple(values)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_verification_value_of_the_wrong_sign_is_found_by_its_holder(kind: str) -> None:
    # Even exponents hide a sign from everybody else; the holder's own equation has none.
    dealt = rsa_dealt(kind, 512, 2, 2)
    first, second = dealt.public.verification
    public = replace(dealt.public, verification=(dealt.public.n - first, second))
    with pytest.raises(ShareError):
        SMALL.check_share(public, 1, dealt.shares[0])


@pytest.mark.parametrize("kind", KINDS)
def test_verification_values_that_no_share_leads_to(kind: str) -> None:
    public = rsa_dealt(kind, 512, 2, 3).public
    p = (safe_key(512) if kind == "new" else ordinary_key(512)).private_numbers().p
    for bad in (0, 1, public.n, public.n + 4, -4, p, public.n - p):
        with pytest.raises(DealingError, match="holder 2"):
            SMALL.check_dealing(replace(public, verification=(public.verification[0], bad, public.verification[2])))


@pytest.mark.parametrize("M", [2, 3, 4])
def test_shares_on_a_polynomial_of_another_degree(M: int) -> None:
    # Dealt as (M+1)-of-5 and published as M-of-5: no M holders could ever sign.
    other = rsa_dealt("new", 512, M + 1, 5)
    with pytest.raises(DealingError, match="do not fit together"):
        SMALL.check_dealing(replace(other.public, threshold=M))


def test_shares_on_a_polynomial_of_too_low_degree_are_right_but_weaker() -> None:
    # Nobody without the shares can see that the top coefficient is 0; the dealer, who knows the key, gains nothing.
    SMALL.check_dealing(replace(rsa_dealt("new", 512, 2, 5).public, threshold=3))


@pytest.mark.parametrize("kind", KINDS)
def test_shares_of_another_secret(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    shares = [share.value + 1 for share in dealt.shares]  # the degree is right, f(0) is not
    with pytest.raises(DealingError, match="not shares of the key"):
        SMALL.check_dealing(with_values(dealt, shares))


def test_a_base_the_dealer_chose() -> None:
    # All equations hold for any base u; with one, V_i = u^(s_i) can be made without any share of the key.
    dealt = rsa_dealt("new", 512, 2, 3)
    chosen = tuple(pow(9, share.value, dealt.public.n) for share in dealt.shares)
    with pytest.raises(DealingError, match="not shares of the key"):
        SMALL.check_dealing(replace(dealt.public, verification=chosen))
    with pytest.raises(DealingError):
        SMALL.check_dealing(replace(dealt.public, verification=(1, 1, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_that_is_not_the_published_one(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    public, share = dealt.public, dealt.shares[1]
    limit = share_limit(public.n, public.kind, 2, 3)
    for bad in (
        share.value + 1,
        0,
        -share.value,
        limit,
        limit + share.value,
        dealt.shares[0].value,
        dealt.shares[2].value,
    ):
        with pytest.raises(ShareError, match="holder 2"):
            SMALL.check_share(public, 2, RsaShare(2, bad))
    for index in (1, 3):
        with pytest.raises(ShareError):
            SMALL.check_share(public, index, share)
    nothing = replace(public, verification=(public.verification[0], 1, public.verification[2]))
    with pytest.raises(ShareError, match="size"):
        SMALL.check_share(nothing, 2, RsaShare(2, 0))
    with pytest.raises(ShareError):
        SMALL.check_share(public, 2, RsaShare(2, rsa_dealt(kind, 512, 2, 3, seed=1).shares[1].value))


@pytest.mark.parametrize("kind", KINDS)
def test_no_signature_with_a_share_that_cannot_be(kind: str) -> None:
    dealt = rsa_dealt(kind, 512, 2, 3)
    limit = share_limit(dealt.public.n, dealt.public.kind, 2, 3)
    for bad in (0, -1, limit):
        with pytest.raises(ShareError):
            dealt.answer(1, messages(1), share=RsaShare(1, bad))
    for index in (0, 4):
        with pytest.raises(ParameterError):
            dealt.answer(1, messages(1), share=RsaShare(index, 5))


def test_a_share_that_carries_the_index_of_another() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    with pytest.raises(ShareError, match="it is the share of holder 3"):
        SMALL.check_share(dealt.public, 2, replace(dealt.shares[1], index=3))


def test_a_share_of_1_is_as_good_as_any() -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    SMALL.check_share(with_values(dealt, [dealt.shares[0].value, 1, dealt.shares[2].value]), 2, RsaShare(2, 1))
