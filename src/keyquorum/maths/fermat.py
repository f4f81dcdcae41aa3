"""Fermat tests to the base 2, two numbers at a time: cheap, and they let almost no composite number through.

By libcrypto where it is there (in constant time, and with AVX-512 IFMA two of 1024 bits in the time of one), else by
GMP. A number that passes is *probably* prime: who needs to be sure goes on with a full test.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import gmpy2

from keyquorum.maths.libcrypto import Library, Numbers, library

Tests = Callable[[Sequence[int]], list[bool]]
"""Tells of one or two odd numbers above 3, each, whether 2^(n-1) = 1 mod n."""


@contextmanager
def fermat_tests() -> Iterator[Tests]:
    """Give the fastest tests there are; they belong to one thread and end with the ``with``."""
    found = library()
    if found is None:
        yield by_gmp
    else:
        with by_libcrypto(found) as tests:
            yield tests


def by_gmp(numbers: Sequence[int]) -> list[bool]:
    """Do the tests by GMP."""
    return [gmpy2.powmod(2, number - 1, number) == 1 for number in numbers]


@contextmanager
def by_libcrypto(found: Library) -> Iterator[Tests]:
    """Give the tests by libcrypto, with its numbers made once and used for every test."""
    with Numbers(found) as numbers:
        new = numbers.number
        slots = [(new(), new(), new(), new(), numbers.montgomery()) for _ in range(2)]

        def tests(values: Sequence[int]) -> list[bool]:
            for (_, base, exponent, modulus, context), value in zip(slots, values, strict=False):
                # n-1 is even, so -2 does for 2; and libcrypto does two at once only for bases as long as the modulus.
                numbers.set(base, value - 2)
                numbers.set(exponent, value - 1)
                numbers.set(modulus, value)
                numbers.prepare(context, modulus)
            if len(values) == 2:
                numbers.two_powers(slots[0], slots[1])
            else:
                numbers.power(*slots[0])
            return [numbers.is_one(result) for (result, *_), _ in zip(slots, values, strict=False)]

        yield tests
