"""Safe primes against ``openssl prime -generate -safe``, and exponentiation with a secret exponent against GMP's."""

import secrets
from collections.abc import Iterator

from bench.measure import Options, Row, alternating_medians, seconds
from keyquorum.maths.exponentiation import powers_by_gmp, secret_powers


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    yield from _exponentiation(options)


def _exponentiation(options: Options) -> Iterator[Row]:
    for bits in (1024, 2048, 4096):
        modulus = secrets.randbits(bits) | 1 << (bits - 1) | 1
        exponent = secrets.randbits(bits - 2)
        bases = [secrets.randbits(bits - 1) for _ in range(4)]
        ours, gmp = alternating_medians(
            [
                lambda b=bases, e=exponent, n=modulus: secret_powers(b, e, n),  # type: ignore[misc]
                lambda b=bases, e=exponent, n=modulus: powers_by_gmp(b, e, n),  # type: ignore[misc]
            ],
            repeats=3 if options.quick else 9,
        )
        yield Row(
            f"secret exponent, {bits} bits (reference: gmpy2.powmod_sec)",
            seconds(ours / len(bases)),
            seconds(gmp / len(bases)),
            gmp / ours,
        )
