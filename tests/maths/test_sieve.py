import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import ParameterError
from keyquorum.maths.sieve import Sieve, primes_up_to, sieve


def is_prime(number: int) -> bool:
    """Tell by trial division."""
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 5, 24, 25, 1000, 1009])
def test_primes_are_those_of_trial_division(limit: int) -> None:
    assert primes_up_to(limit) == [number for number in range(limit + 1) if is_prime(number)]


@given(limit=st.integers(5, 400), start=st.integers(100, 1 << 200), length=st.integers(1, 600))
@settings(deadline=None, max_examples=100)
def test_strikes_exactly_what_has_a_small_factor(limit: int, start: int, length: int) -> None:
    primes = [prime for prime in primes_up_to(limit) if prime >= 5]
    expected = [
        slot for slot in range(start, start + length)
        if all((6 * slot + 5) % prime and (12 * slot + 11) % prime for prime in primes)
    ]  # fmt: skip
    assert Sieve(limit).survivors(start, length) == expected


@pytest.mark.parametrize(("limit", "start"), [(5, 1), (50, 8), (200, 33), (1000, 200)])
def test_never_strikes_a_safe_prime(limit: int, start: int) -> None:
    """All of them from just above the limit up to 200,000; and each safe prime has a slot."""
    slots = set(Sieve(limit).survivors(start, 17000))
    safe = [p for p in range(12 * start + 11, 12 * (start + 17000), 2) if is_prime(p) and is_prime(p // 2)]
    assert len(safe) > 600
    assert all(p % 12 == 11 and (p - 11) // 12 in slots for p in safe)


def test_tells_what_share_survives() -> None:
    by = sieve(1 << 12)
    assert len(by.survivors(10**40, 200_000)) / 200_000 == pytest.approx(by.surviving, rel=0.03)


def test_is_made_once() -> None:
    assert sieve(1000) is sieve(1000)


@pytest.mark.parametrize(("limit", "start"), [(11, 0), (11, 1), (1009, 167)])
def test_refuses_candidates_it_might_strike_for_being_its_own_primes(limit: int, start: int) -> None:
    with pytest.raises(ParameterError, match="limit"):
        Sieve(limit).survivors(start, 10)
