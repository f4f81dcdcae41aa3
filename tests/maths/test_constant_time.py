"""Arithmetic on secrets is ordinary arithmetic; that its time does not depend on them, ``./run timing`` measures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyquorum.errors import ParameterError
from keyquorum.maths import constant_time
from keyquorum.maths.ed448 import ED448
from keyquorum.maths.ed25519 import ED25519
from keyquorum.maths.groups import Group
from keyquorum.maths.weierstrass import P256, P384

GROUPS: tuple[Group, ...] = (ED25519, ED448, P256, P384)
PRIMES = (*(group.order for group in GROUPS), 3, 251, 257, 65537, (1 << 61) - 1, (1 << 64) - 59, (1 << 521) - 1)
each = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)


def numbers(prime: int) -> st.SearchStrategy[int]:
    """Give numbers below a prime, often near its ends and near the ends of words and digits."""
    edges = {0, 1, 2, prime - 1, prime - 2, *(1 << bits for bits in range(0, prime.bit_length() - 1, 15))}
    return st.one_of(st.integers(0, prime - 1), st.sampled_from(sorted(one for one in edges if one < prime)))


@given(st.data())
def test_it_is_ordinary_arithmetic(data: st.DataObject) -> None:
    prime = data.draw(st.sampled_from(PRIMES))
    first, second = data.draw(numbers(prime)), data.draw(numbers(prime))
    assert constant_time.add(first, second, prime) == (first + second) % prime
    assert constant_time.multiply(first, second, prime) == first * second % prime
    if first:
        assert constant_time.invert(first, prime) == pow(first, -1, prime)


@given(st.binary(max_size=150), st.integers(1, 1 << 460))
def test_reduction(data: bytes, modulus: int) -> None:
    assert constant_time.reduce(data or b"\0", modulus) == int.from_bytes(data, "little") % modulus


@given(st.binary(max_size=70))
def test_there_and_back(data: bytes) -> None:
    number = constant_time.from_bytes(data)
    assert number == int.from_bytes(data, "little")
    assert constant_time.to_bytes(number, len(data)) == data
    assert int(constant_time.integer(number, max(1, len(data)))) == number


@pytest.mark.parametrize("number", [-1, -(1 << 300), 256, 257, 1 << 16, 1 << 300])
def test_numbers_that_do_not_fit(number: int) -> None:
    with pytest.raises(ParameterError):
        constant_time.to_bytes(number, 1)
    with pytest.raises(ParameterError):
        constant_time.multiply(number, 1, 251)


@each
def test_zero_has_no_inverse(group: Group) -> None:
    with pytest.raises(ParameterError, match="no inverse"):
        group.scalar_invert(0)
    with pytest.raises(ParameterError, match="no inverse"):
        constant_time.invert(0, group.order)


@each
@given(st.data())
def test_groups_agree_with_it(group: Group, data: st.DataObject) -> None:
    first, second = data.draw(numbers(group.order)), data.draw(numbers(group.order))
    assert group.scalar_add(first, second) == (first + second) % group.order
    assert group.scalar_multiply(first, second) == first * second % group.order
    assert group.decode_scalar(group.encode_scalar(first)) == first
    if second:
        assert group.scalar_multiply(group.scalar_invert(second), second) == 1


@each
def test_a_scalar_of_every_length_multiplies_as_public_or_secret(group: Group) -> None:
    point = group.multiply_base(77)
    for scalar in (0, 1, 2, 255, 256, 1 << 100, group.order - 1):
        expected = group.sum_of([scalar], [point])
        assert group.equal(group.multiply(scalar, point), expected)
        assert group.equal(group.multiply_base(77 * scalar % group.order), expected)
        if scalar:
            assert group.equal(group.multiply_encoded(scalar, group.encode(point)), expected)
