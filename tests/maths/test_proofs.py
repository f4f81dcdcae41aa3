"""The batch proof by itself, in a small group, and what its seed must hold."""

from dataclasses import replace
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import WrongPartialError
from keyquorum.maths.proofs import NOTHING_WEIGHED, Claim, Weighed, batch_seed, prove, verify, weigh
from keyquorum.maths.transcript import digest
from tests.threshold.cases import seeded

P, Q = 0xEAF5FD8A2C9EBBB6A65B0D9A05F227A7, 0xE9A40D8811CAE6328BC41AAE7EC834E7
N = P * Q
ORDER = (P // 2) * (Q // 2)
WIDTH = 32
SECRET = 0x1234567890ABCDEF1234567890ABCDEF1234567890
BASE = pow(3, 2, N)
CLAIM = Claim("rsa", N, BASE, pow(BASE, SECRET, N), 5, b"k" * 32, b"r" * 32, 256)


def wide(number: int) -> bytes:
    return number.to_bytes(WIDTH, "big")


def answers(roots: list[int], secret: int = SECRET) -> list[int]:
    return [pow(root, 2 * secret, N) for root in roots]


def seed_of(claim: Claim, roots: list[int], values: list[int]) -> bytes:
    return batch_seed(claim, len(roots), (wide(pow(root, 4, N)) for root in roots), map(wide, values))


def proof_of(claim: Claim, roots: list[int], values: list[int], secret: int = SECRET) -> tuple[int, int]:
    seed = seed_of(claim, roots, values)
    return prove(claim, seed, weigh(claim, seed, 1, roots, values), secret, seeded("r"))


def check(claim: Claim, roots: list[int], values: list[int], c: int, z: int) -> None:
    seed = seed_of(claim, roots, values)
    verify(claim, seed, weigh(claim, seed, 1, roots, values), c, z)


@given(st.lists(st.integers(2, N - 1), min_size=1, max_size=6), st.integers(1, N - 1))
@settings(deadline=None, max_examples=50)
def test_what_is_true_can_be_proved(roots: list[int], secret: int) -> None:
    claim = replace(CLAIM, image=pow(BASE, secret, N))
    values = answers(roots, secret)
    check(claim, roots, values, *proof_of(claim, roots, values, secret))


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_what_is_false_cannot(data: st.DataObject) -> None:
    roots = data.draw(st.lists(st.integers(2, N - 1), min_size=1, max_size=4))
    values = answers(roots)
    at = data.draw(st.integers(0, len(roots) - 1))
    values[at] = values[at] * data.draw(st.integers(2, 1 << 64)) % N
    with pytest.raises(WrongPartialError) as caught:
        check(CLAIM, roots, values, *proof_of(CLAIM, roots, values))
    assert caught.value.culprits == (5,)
    assert "holder 5" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"key_id": b"K" * 32},
        {"request_id": b"R" * 32},
        {"index": 4},
        {"base": pow(5, 2, N)},
        {"image": pow(BASE, SECRET + 1, N)},
        {"scheme": "other"},
    ],
)
def test_the_seed_holds_everything_the_claim_says(change: dict[str, object]) -> None:
    roots = [2, 3]
    values = answers(roots)
    other = replace(CLAIM, **change)  # type: ignore[arg-type]
    assert seed_of(CLAIM, roots, values) != seed_of(other, roots, values)
    with pytest.raises(WrongPartialError):
        check(other, roots, values, *proof_of(CLAIM, roots, values))


def test_the_seed_is_the_hash_it_is_said_to_be() -> None:
    roots = [2, 7]
    values = answers(roots)
    numbers = [wide(pow(root, 4, N)) for root in roots] + [wide(value) for value in values]
    expected = digest(
        "keyquorum/rsa/batch/v1", b"k" * 32, b"r" * 32, b"\0\0\0\5", wide(BASE), wide(CLAIM.image),
        b"\0\0\0\0\0\0\0\2", *numbers,
    )  # fmt: skip
    assert seed_of(CLAIM, roots, values) == expected


def test_the_weights_are_128_bits_of_the_seed_and_the_number() -> None:
    rhos = [int.from_bytes(digest("keyquorum/rsa/rho/v1", b"seed", j.to_bytes(8, "big"))[:16], "big") for j in (3, 4)]
    weighed = weigh(CLAIM, b"seed", 3, [2, 3], [5, 7])
    assert weighed == Weighed(
        pow(2, rhos[0], N) * pow(3, rhos[1], N) % N, pow(5, rhos[0], N) * pow(7, rhos[1], N) % N, 35, 2
    )


@given(st.lists(st.tuples(st.integers(1, N - 1), st.integers(1, N - 1)), max_size=7), st.integers(0, 7))
@settings(deadline=None, max_examples=40)
def test_parts_join_to_the_whole(pairs: list[tuple[int, int]], at: int) -> None:
    roots, values = [root for root, _ in pairs], [value for _, value in pairs]
    at = min(at, len(pairs))
    whole = NOTHING_WEIGHED.times(weigh(CLAIM, b"seed", 1, roots, values), N)
    parts = weigh(CLAIM, b"seed", 1, roots[:at], values[:at]).times(
        weigh(CLAIM, b"seed", at + 1, roots[at:], values[at:]), N
    )
    assert whole == parts
    assert whole.product == prod(values) % N
    assert whole.count == len(pairs)


def test_numbers_out_of_range() -> None:
    roots = [2]
    values = answers(roots)
    c, z = proof_of(CLAIM, roots, values)
    check(CLAIM, roots, values, c, z)
    # z + 2 * order satisfies both equations: only the range refuses it, once it is as large as the range.
    top = 1 << (256 + 513)
    beyond = z + -(-(top - z) // ORDER) * ORDER
    assert beyond >= top
    for bad in ((c, beyond), (c, z - ORDER * (z // ORDER + 1)), (c + (1 << 256), z), (-1, z), (c, -1)):
        with pytest.raises(WrongPartialError, match="out of range"):
            check(CLAIM, roots, values, *bad)


def test_a_number_of_the_proof_below_its_limit_is_taken() -> None:
    # Larger by the order, still in range: the equations hold (nobody without the factors can do this).
    roots = [2]
    values = answers(roots)
    c, z = proof_of(CLAIM, roots, values)
    check(CLAIM, roots, values, c, z + ORDER)
    upper_half = z + -(-((1 << (256 + 512)) - z) // ORDER) * ORDER
    assert 1 << (256 + 512) <= upper_half < 1 << (256 + 513)
    check(CLAIM, roots, values, c, upper_half)


def test_values_with_a_factor_in_common_with_the_modulus() -> None:
    for bad in (P, Q * 3):
        with pytest.raises(WrongPartialError, match="factor in common"):
            check(CLAIM, [2, 3], [bad, 5], 1, 1)


def test_the_random_part_covers_the_secret_with_256_bits_to_spare() -> None:
    roots = [2]
    values = answers(roots)
    c, z = proof_of(CLAIM, roots, values)
    r = z - c * SECRET
    assert 256 + 512 - 40 < r.bit_length() <= 256 + 512


def test_64_bytes_are_asked_for_once() -> None:
    asked: list[int] = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return b"\x01" * length

    seed = seed_of(CLAIM, [2], answers([2]))
    prove(CLAIM, seed, weigh(CLAIM, seed, 1, [2], answers([2])), SECRET, rng)
    assert asked == [64]
