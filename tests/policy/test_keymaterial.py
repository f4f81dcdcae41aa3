"""What can be seen of a public key from outside: each weakness, on both sides of its bound."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.model import Dnskey, KeyKind
from keyquorum.policy import keymaterial
from keyquorum.policy.keymaterial import describe, is_of_kind, kind_of, shared_factors, tag, weaknesses
from tests.policy.good_request import p256, prime, rsa, rsa_key

NO_POINT = ("the public key is no point of the curve, or one of small order",)
P, Q = prime(60, 256), prime(61, 256)


def exponent(value: int) -> Dnskey:
    return rsa_key(value, P * Q, (P - 1) * (Q - 1))


def modulus(value: int) -> Dnskey:
    return rsa_key(65537, value, 1)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (exponent(65537), ()),
        (exponent(65536), ("the exponent is 65536, below 65537",)),
        (exponent(65535), ("the exponent is 65535, below 65537",)),
        (exponent(65538), ("the exponent is even",)),
        (exponent(65539), ()),
        (exponent(1), ("the exponent is 1, below 65537",)),
        (modulus(P * 8191), ("the modulus has a factor below 8192",)),
        (modulus(P * 8209), ()),
        (modulus(P * 3), ("the modulus has a factor below 8192",)),
        (modulus(8191), ("the modulus has a factor below 8192",)),
        (modulus(1), ("the modulus has a factor below 8192",)),
        (modulus(2), ("the modulus is even",)),
        (modulus(P * 2), ("the modulus is even",)),
        (modulus(8209), ("the modulus is prime",)),
        (modulus(P), ("the modulus is prime",)),
        (modulus(P * P), ("the modulus is a square",)),
        (rsa_key(3, P * 2, 1), ("the exponent is 3, below 65537", "the modulus is even")),
        (rsa(1, algorithm=10, bits=1024), ()),
        (Dnskey(256, 12, b"\1" * 64), ("algorithm 12 is not one this software knows",)),
    ],
)
def test_weaknesses(key: Dnskey, expected: tuple[str, ...]) -> None:
    assert weaknesses(key) == expected


def test_points_that_libraries_make_are_good() -> None:
    for seed in range(1, 20):
        raw = bytes([seed]) * 32
        assert weaknesses(p256(seed)) == ()
        point = derive_private_key(seed, SECP384R1()).public_key().public_numbers()
        assert weaknesses(Dnskey(256, 14, point.x.to_bytes(48, "big") + point.y.to_bytes(48, "big"))) == ()
        assert (
            weaknesses(Dnskey(256, 15, Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw())) == ()
        )
        ed448 = Ed448PrivateKey.from_private_bytes(bytes([seed]) * 57).public_key().public_bytes_raw()
        assert weaknesses(Dnskey(256, 16, ed448)) == ()


P448 = 2**448 - 2**224 - 1


@pytest.mark.parametrize(
    "key",
    [
        Dnskey(256, 13, b"\1" * 64),
        Dnskey(256, 13, bytes(64)),
        Dnskey(256, 14, b"\1" * 96),
        Dnskey(256, 15, (2).to_bytes(32, "little")),
        Dnskey(256, 15, (1).to_bytes(32, "little")),
        Dnskey(256, 15, bytes(32)),
        *(Dnskey(256, 16, y.to_bytes(57, "little")) for y in (0, 1, P448 - 1, P448, P448 + 1, P448 + 5, 2)),
    ],
)
def test_what_is_no_point(key: Dnskey) -> None:
    assert weaknesses(key) == NO_POINT


def test_the_other_byte_of_an_ed448_key_holds_one_sign() -> None:
    good = Ed448PrivateKey.from_private_bytes(bytes(57)).public_key().public_bytes_raw()
    for last in range(256):
        expected = () if last in {0, 128} else NO_POINT
        assert weaknesses(Dnskey(256, 16, good[:56] + bytes([last]))) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(2, P448 - 2))
def test_ed448_against_the_curve_equation(y: int) -> None:
    # x^2 = (y^2 - 1) / (d y^2 - 1), by Euler's criterion, as RFC 8032 section 5.2.3 puts it.
    right = (y * y - 1) * pow(-39081 * y * y - 1, -1, P448) % P448
    on_curve = pow(right, (P448 - 1) // 2, P448) == 1
    assert weaknesses(Dnskey(256, 16, y.to_bytes(57, "little"))) == (() if on_curve else NO_POINT)


def test_kinds() -> None:
    key = rsa(1)
    assert is_of_kind(key, KeyKind(8, 2048, 65537))
    assert not is_of_kind(key, KeyKind(10, 2048, 65537))
    assert not is_of_kind(key, KeyKind(8, 2047, 65537))
    assert not is_of_kind(key, KeyKind(8, 2048, 3))
    assert is_of_kind(p256(1), KeyKind(13, 256))
    assert is_of_kind(p256(1), KeyKind(13, 0))
    assert not is_of_kind(p256(1), KeyKind(14, 256))
    assert describe(p256(1)) == "algorithm 13"
    assert describe(key) == "algorithm 8, 2048 bits, exponent 65537"


def test_tags_are_computed_once() -> None:
    key = rsa(2)
    assert tag(key) == key.tag
    before = keymaterial.tag.cache_info().hits
    assert tag(key) == key.tag
    assert keymaterial.tag.cache_info().hits == before + 1


def test_a_modulus_is_tested_once_however_often_it_comes() -> None:
    keymaterial.weaknesses.cache_clear()
    for _ in range(5):
        weaknesses(exponent(65537))
    assert keymaterial.weaknesses.cache_info().misses == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), max_size=8))
def test_shared_factors_are_those_found_in_pairs(factors: list[tuple[int, int]]) -> None:
    keys = [modulus(prime(100 + one, 64) * prime(100 + other, 64)) for one, other in factors]
    expected = set()
    seen = list(dict.fromkeys(factors))
    for place, (one, other) in enumerate(seen):
        expected |= {((one, other), pair) for pair in seen[place + 1 :] if {one, other} & set(pair)}
    found = {(by(keys, factors, one), by(keys, factors, other)) for one, other in shared_factors(keys)}
    assert found == expected


def by(keys: list[Dnskey], factors: list[tuple[int, int]], key: Dnskey) -> tuple[int, int]:
    return factors[keys.index(key)]


def test_shared_factors_looks_at_rsa_keys_only() -> None:
    assert shared_factors([p256(1), p256(1), rsa(1), p256(2)]) == ()
    assert shared_factors([]) == ()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (rsa(2), KeyKind(8, 2048, 65537)),
        (p256(1), KeyKind(13, 256)),
        (Dnskey(257, 14, b"\1" * 96), KeyKind(14, 384)),
        (Dnskey(257, 15, b"\1" * 32), KeyKind(15, 256)),
        (Dnskey(257, 16, b"\1" * 57), KeyKind(16, 456)),
    ],
)
def test_kind(key: Dnskey, kind: KeyKind) -> None:
    assert kind_of(key) == kind
    assert is_of_kind(key, kind)
