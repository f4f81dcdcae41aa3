"""Safe primes against ``openssl prime -generate -safe``, and exponentiation with a secret exponent against GMP's.

Search times are exponentially distributed: their median says little and even a mean of 200 is uncertain by 7 %. So
ours is measured as (CPU time per candidate) x (expected candidates), over many windows; a plain mean stands beside
it. openssl can only be timed from outside: a plain mean, less what the command takes to start.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import shake_256
from statistics import median
from time import sleep

from bench.measure import (
    Options,
    Row,
    alternating_medians,
    command_cpu,
    cpu,
    mean_and_error,
    median_cpu,
    seconds,
    tell,
    wall,
)
from keyquorum.maths.exponentiation import powers_by_gmp, secret_powers
from keyquorum.maths.safeprimes import Window, expected_candidates, safe_prime, safe_prime_pair, search
from keyquorum.maths.work import HERE, Work

BITS = 1024


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    yield from _searches(options)
    yield _two_cores(options)
    yield from _exponentiation(options)


def _searches(options: Options) -> Iterator[Row]:
    searches = 20 if options.quick else 200
    start = median_cpu(lambda: command_cpu(["openssl", "version"]), 9)
    estimate, candidates = _estimate(BITS, windows=40 if options.quick else 400)
    theirs, ours = [], []
    for number in range(searches):  # in turn, so that a busy machine is unfair to neither
        tell(f"  search {number + 1} of {searches}")
        theirs.append(command_cpu(["openssl", "prime", "-generate", "-safe", "-bits", str(BITS)]) - start)
        ours.append(cpu(partial(safe_prime, BITS, secrets.token_bytes, HERE))[0])
    their_mean, their_error = mean_and_error(theirs)
    our_mean, our_error = mean_and_error(ours)
    reference = f"{seconds(their_mean)} ± {seconds(their_error)}"
    yield Row(
        f"safe prime, {BITS} bits, cost x expected candidates (reference: openssl, mean of {searches})",
        f"{seconds(estimate / candidates)} x {candidates:.0f} = {seconds(estimate)}",
        reference,
        their_mean / estimate,
        goal=2.5,
    )
    yield Row(
        f"safe prime, {BITS} bits, plain means of {searches}",
        f"{seconds(our_mean)} ± {seconds(our_error)}",
        reference,
        their_mean / our_mean,
    )
    for bits, windows in ((1536, 4), (2048, 2)):
        estimate, candidates = _estimate(bits, windows if options.quick else 10 * windows)
        figure = f"{seconds(estimate / candidates)} x {candidates:.0f} = {seconds(estimate)}"
        yield Row(f"safe prime, {bits} bits, cost x expected candidates", figure)


def _estimate(bits: int, windows: int) -> tuple[float, float]:
    """Give the CPU seconds a safe prime takes on average, and how many candidates are expected."""
    seed = secrets.token_bytes(64)
    search([Window(bits, 0, seed)])  # makes the sieve
    spent, findings = cpu(lambda: search([Window(bits, number, seed) for number in range(1, windows + 1)]))
    expected = expected_candidates(bits)
    return spent / sum(finding.tried for finding in findings) * expected, expected


def _two_cores(options: Options) -> Row:
    """Find the primes of the same moduli (same seeds) here and by two workers, in turn."""
    moduli = 6 if options.quick else 40
    with ProcessPoolExecutor(2) as pool:
        for done in [pool.submit(_warm_up) for _ in range(2)]:
            done.result()
        times = [[_pair(number, work) for work in (HERE, Work(pool, 2))] for number in range(moduli)]
        pool.shutdown(cancel_futures=True)  # without, Python 3.11 may wait for ever for cancelled windows
    alone, together = (median(column) for column in zip(*times, strict=True))
    return Row(
        f"both primes of RSA-{2 * BITS}, wall, two workers (reference: one; medians of the same {moduli} moduli)",
        seconds(together),
        seconds(alone),
        median(one / two for one, two in times),
    )


def _pair(number: int, work: Work) -> float:
    spent, _ = wall(partial(safe_prime_pair, 2 * BITS, 65537, partial(_stream, number), work))
    sleep(0.1)  # workers may be busy for another moment with windows after the one that had the prime
    return spent


def _stream(number: int, length: int) -> bytes:
    return shake_256(b"%d" % number).digest(length)


def _warm_up() -> None:
    """Make the sieve in a worker, and be busy long enough for the other worker to get the other call."""
    search([Window(BITS, 0, bytes(64))])
    sleep(0.5)


def _exponentiation(options: Options) -> Iterator[Row]:
    for bits in (1024, 2048, 4096):
        modulus = secrets.randbits(bits) | 1 << (bits - 1) | 1
        exponent = secrets.randbits(bits - 2)
        bases = [secrets.randbits(bits - 1) for _ in range(4)]
        ours, gmp = alternating_medians(
            [partial(secret_powers, bases, exponent, modulus), partial(powers_by_gmp, bases, exponent, modulus)],
            repeats=3 if options.quick else 9,
        )
        yield Row(
            f"power with a secret exponent, {bits} bits (reference: gmpy2.powmod_sec)",
            seconds(ours / len(bases)),
            seconds(gmp / len(bases)),
            gmp / ours,
        )
