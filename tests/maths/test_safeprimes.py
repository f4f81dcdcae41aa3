import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import count
from math import gcd, log
from typing import Any

import pytest

from keyquorum.errors import ParameterError
from keyquorum.maths import fermat, safeprimes
from keyquorum.maths.fermat import fermat_tests
from keyquorum.maths.safeprimes import (
    Finding,
    Window,
    expected_candidates,
    is_safe_prime,
    safe_prime,
    safe_prime_pair,
    search_window,
    slots_per_prime,
)
from keyquorum.maths.sieve import Sieve
from keyquorum.maths.work import HERE, Work
from tests.maths.streams import stream

SMALL_SAFE_PRIMES = [5, 7, 11, 23, 47, 59, 83, 107, 167, 179, 227, 263, 347, 359, 383]  # OEIS A005385


def is_prime(number: int) -> bool:
    """Tell by Miller-Rabin to the first 13 primes, which is proof below 3.3 * 10^24 (Sorenson and Webster, 2015)."""
    bases = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41]
    if number < 2 or any(number % base == 0 for base in bases):
        return number in bases
    twos = (number - 1 & 1 - number).bit_length() - 1
    powers = [[pow(base, number - 1 >> shift, number) for shift in range(twos, 0, -1)] for base in bases]
    return all(row[0] == 1 or number - 1 in row for row in powers)


@pytest.mark.parametrize("bits", [64, 65, 79, 80])
def test_gives_a_safe_prime_of_just_that_size(bits: int) -> None:
    for seed in range(20):
        p = safe_prime(bits, stream(seed), HERE)
        assert p >> (bits - 2) == 3
        assert is_prime(p)
        assert is_prime((p - 1) // 2)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command to judge")
@pytest.mark.parametrize("bits", [256, 320, 512, 1024])
def test_openssl_agrees(bits: int) -> None:
    p = safe_prime(bits, stream("judge"), HERE)
    assert p >> (bits - 2) == 3
    for number in (p, p >> 1):
        judged = subprocess.run(["openssl", "prime", str(number)], capture_output=True, text=True, check=True)
        assert judged.stdout.endswith(" is prime\n")


def test_tells_safe_primes_from_others() -> None:
    assert [number for number in range(-5, 384) if is_safe_prime(number)] == SMALL_SAFE_PRIMES
    assert not is_safe_prime((1 << 127) - 1)  # prime, but not safe


def test_the_same_randomness_gives_the_same_primes_whoever_works() -> None:
    def find(work: Work) -> tuple[int, list[int], list[int]]:
        progress: list[int] = []
        lengths: list[int] = []
        rng = stream("whoever")

        def read(length: int) -> bytes:
            lengths.append(length)
            return rng(length)

        work = Work(work.executor, work.workers, progress.append)
        return safe_prime(128, read, work), lengths, progress

    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(3) as threads:
        found = [find(HERE), find(Work(processes, 1)), find(Work(processes, 2)), find(Work(threads, 7))]
        pairs = [safe_prime_pair(160, 3, stream("pair"), work) for work in (HERE, Work(processes, 2))]
        # Python 3.11 may wait for ever for a pool in which a search left cancelled windows, unless told so.
        processes.shutdown(cancel_futures=True)
    assert all(other == found[0] for other in found)
    assert found[0][1] == [64]
    assert pairs[0] == pairs[1]


def test_the_same_randomness_gives_the_same_prime_without_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = safe_prime(256, stream("either"), HERE)
    monkeypatch.setattr(fermat, "library", lambda: None)
    assert safe_prime(256, stream("either"), HERE) == with_it


def test_other_randomness_gives_other_primes() -> None:
    assert len({safe_prime(64, stream(seed), HERE) for seed in range(30)}) == 30


class Counting(Executor):
    """Does what it is given only when asked for the result, and counts."""

    def __init__(self) -> None:
        self.submitted = 0
        self.cancelled = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        counting = self

        class Later(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002
                return fn(*args, **kwargs)

            def cancel(self) -> bool:
                counting.cancelled += 1
                return True

        return Later()


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_than_two_windows_a_worker_are_under_way(workers: int) -> None:
    tried: list[int] = []
    safe_prime(96, stream("few"), Work(advance=tried.append))
    executor = Counting()
    safe_prime(96, stream("few"), Work(executor, workers))
    assert len(tried) <= executor.submitted < len(tried) + 2 * workers
    assert executor.cancelled == executor.submitted - len(tried)


@pytest.mark.parametrize("bits", [128, 130, 192, 512])
def test_a_pair_makes_a_modulus_of_just_that_size(bits: int) -> None:
    for seed in range(3):
        p, q = safe_prime_pair(bits, 65537, stream(seed), HERE)
        assert p != q
        assert (p * q).bit_length() == bits
        assert p.bit_length() == q.bit_length() == bits // 2
        assert is_safe_prime(p)
        assert is_safe_prime(q)
        assert gcd(65537, (p - 1) * (q - 1)) == 1
        assert bits < 200 or abs(p - q) > 2 ** (bits // 2 - 100)


def test_no_prime_of_a_pair_shares_a_factor_with_the_public_exponent() -> None:
    p, q = safe_prime_pair(128, 65537, stream("shared"), HERE)
    third, fourth = safe_prime_pair(128, (p - 1) // 2, stream("shared"), HERE)
    assert p not in {third, fourth}
    assert third == q


def test_primes_too_near_to_each_other_are_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 3 << 1022 | 11
    offered = [first, first, first + (1 << 924), first - (1 << 924), first + (1 << 924) + 12, first + (1 << 1000)]

    def offer(bits: int, *_: object) -> Iterator[int]:
        assert bits == 1024
        return (prime for prime in offered)

    monkeypatch.setattr(safeprimes, "_safe_primes", offer)
    assert safe_prime_pair(2048, 3, stream(0), HERE) == (first, offered[4])


def test_a_small_prime_makes_no_pair_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safeprimes, "_safe_primes", lambda *_: (prime for prime in (23, 23, 23, 47)))
    assert safe_prime_pair(128, 3, stream(0), HERE) == (23, 47)


@pytest.mark.parametrize("bits", [-1, 0, 1, 63])
def test_refuses_sizes_that_are_too_small(bits: int) -> None:
    for refused in (
        lambda: safe_prime(bits, stream(0), HERE),
        lambda: safe_prime_pair(2 * bits, 65537, stream(0), HERE),
        lambda: expected_candidates(bits),
    ):
        with pytest.raises(ParameterError, match="small"):
            refused()


@pytest.mark.parametrize(("bits", "e"), [(129, 65537), (128, 65536), (128, 1), (128, -3), (128, 2)])
def test_refuses_odd_moduli_and_useless_exponents(bits: int, e: int) -> None:
    with pytest.raises(ParameterError):
        safe_prime_pair(bits, e, stream(0), HERE)


@pytest.mark.parametrize("bits", [64, 72])
def test_expects_as_many_candidates_as_it_takes(bits: int) -> None:
    tried: list[int] = []
    for seed in range(600):  # a standard error of 4 %
        safe_prime(bits, stream(seed), Work(advance=tried.append))
    assert sum(tried) / 600 == pytest.approx(expected_candidates(bits), rel=0.12)


def test_expectations_at_real_sizes() -> None:
    assert 900 < expected_candidates(1024) < 1100
    assert 3000 < expected_candidates(2048) < 3600


@pytest.mark.parametrize(("bits", "draws"), [(16, 15_000), (18, 35_000)])
def test_windows_tile_the_range(bits: int, draws: int) -> None:
    """All windows, drawn often enough to see each, have every candidate of the size once, and nothing else."""
    drawn = {Window(bits, number, b"tile").slots() for number in range(draws)}
    qs = sorted(6 * slot + 5 for window in drawn for slot in window)
    assert qs == [q for q in range(3 << (bits - 3), 1 << (bits - 1)) if q % 6 == 5]


@pytest.mark.parametrize("bits", [64, 65, 1024])
def test_windows_stay_in_the_range(bits: int) -> None:
    for number in range(200):
        slots = Window(bits, number, b"stay").slots()
        assert 3 << (bits - 3) <= 6 * slots[0] + 5
        assert 6 * slots[-1] + 5 < 1 << (bits - 1)


@pytest.mark.parametrize("bits", [64, 512, 1024, 2048])
def test_windows_hold_an_eighth_of_a_safe_prime_at_most(bits: int) -> None:
    length = max(len(Window(bits, number, b"long").slots()) for number in range(3))
    assert length <= min(8192, slots_per_prime(bits) / 8)


def chi_square(seen: Counter[Any], cells: int) -> float:
    """Give how many standard deviations the statistic is above its mean, were each cell as likely as any other."""
    expected = seen.total() / cells
    statistic = sum((times - expected) ** 2 / expected for times in seen.values()) + (cells - len(seen)) * expected
    return float((statistic - (cells - 1)) / (2 * (cells - 1)) ** 0.5)


def test_every_safe_prime_is_as_likely_as_any_other() -> None:
    """All of 19 bits with the top two set, where windows hold two or more slots."""
    by = Sieve(50)
    safe = [p for p in range(3 << 17, 1 << 19) if p % 12 == 11 and is_prime(p) and is_prime(p >> 1)]
    assert len(Window(19, 0, b"length").slots()) >= 2
    seen: Counter[int | None] = Counter()
    with fermat_tests() as tests:
        numbers = count()
        while seen.total() < 10 * len(safe):
            found = search_window(Window(19, next(numbers), b"uniform"), by, tests).prime
            if found is not None:
                seen[found] += 1
    assert set(seen) <= set(safe)
    assert abs(chi_square(seen, len(safe))) < 5


def test_survivors_are_tried_in_random_order() -> None:
    slots = list(range(100, 112))
    orders = [Window(64, number, b"order").shuffled(slots) for number in range(3000)]
    assert all(sorted(order) == slots for order in orders)
    for place in (0, 5, 11):
        assert abs(chi_square(Counter(order[place] for order in orders), len(slots))) < 5
    assert Window(64, 0, b"order").shuffled([]) == []


def test_nothing_secret_is_shown() -> None:
    assert "seed" not in repr(Window(64, 1, b"secret seed"))
    assert "12345" not in repr(Finding(7, 12345))


@pytest.mark.parametrize("bits", [64, 1024, 2048])
def test_the_mean_distance_is_the_integral_of_hardy_and_littlewood(bits: int) -> None:
    """Two C2 / (ln p ln q), summed over the range of p in a thousand steps; a slot is 12 numbers."""
    steps = [bits * log(2) + log((3 + (step + 0.5) / 1000) / 4) for step in range(1000)]
    density = sum(1.3203236 / (of_p * (of_p - log(2))) for of_p in steps) / 1000
    # 1 / 12 of all p are candidates, and q is among half the numbers: 2 C2 counts q among all.
    assert slots_per_prime(bits) == pytest.approx(1 / (6 * density), rel=3e-4 if bits == 64 else 2e-5)


def test_windows_at_real_sizes() -> None:
    assert len(Window(1024, 0, b"length").slots()) == int(slots_per_prime(1024) / 8)
    assert len(Window(2048, 0, b"length").slots()) == 8192


def test_the_full_tests_have_as_many_rounds_as_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class Gmp:
        @staticmethod
        def is_prime(number: int, rounds: int) -> bool:
            asked.append((number, rounds))
            return True

    monkeypatch.setattr(safeprimes, "gmpy2", Gmp)
    assert is_safe_prime(23)
    assert asked == [(11, 24 + 8), (23, 24 + 1)]  # GMP: Baillie-PSW counts as 24


def test_what_follows_from_a_seed_does_not_change_with_the_version() -> None:
    """The tags say v1: whoever changes what is drawn changes them."""
    assert Window(72, 7, b"seed").slots()[0] == 315834218126622089866
    assert Window(64, 7, b"seed").shuffled(range(8)) == [5, 2, 6, 3, 0, 4, 7, 1]
    assert safe_prime(128, stream("frozen"), HERE) == 273018517062415114161801352593930628487
