"""The numbers and messages threshold RSA refuses, at every step anew."""

from dataclasses import replace

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keyquorum.errors import KeyquorumError, ParameterError
from keyquorum.maths.transcript import expand
from keyquorum.maths.work import HERE
from keyquorum.threshold.rsa import RsaPublic, RsaScheme
from keyquorum.threshold.rsa_key import (
    check_bits,
    check_exponent,
    check_messages,
    check_unit,
    padded,
    padded_all,
    verification_base,
)
from keyquorum.threshold.seam import Plan
from tests.threshold.cases import (
    CONTEXT,
    SMALL,
    messages,
    ordinary_key,
    rsa_dealt,
    safe_key,
    seeded,
)

KINDS = ("new", "existing")
PRODUCT = RsaScheme()


def ignore(_signature: bytes) -> None:
    """Take a signature and forget it."""


def refused_everywhere(public: RsaPublic, scheme: RsaScheme = SMALL) -> None:
    """Check that no step works with these numbers."""
    dealt = rsa_dealt("new", 512, 2, 3)
    share = dealt.shares[0]
    texts = messages(1)
    answer = dealt.answer(1, texts)
    for step in (
        lambda: scheme.check_dealing(public),
        lambda: scheme.check_share(public, 1, share),
        lambda: scheme.dnskey(public),
        lambda: scheme.width(public, 1, CONTEXT),
        lambda: scheme.sign(public, share, None, texts, CONTEXT, [], seeded(), HERE),
        lambda: scheme.check(public, 1, texts, answer, CONTEXT, HERE),
        lambda: scheme.combine(public, texts, {1: answer, 2: answer}, CONTEXT, ignore, HERE),
    ):
        with pytest.raises(ParameterError):
            step()


@pytest.mark.parametrize(("M", "N"), [(1, 2), (1, 5), (0, 1), (0, 3), (4, 3), (2, 1), (-1, 3), (0, 0), (1, 0)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_threshold_that_is_none(kind: str, M: int, N: int) -> None:
    key = None if kind == "new" else ordinary_key(512)
    with pytest.raises(ParameterError, match="not a threshold"):
        SMALL.deal(key, Plan(8, 512, M, N), seeded(), HERE)
    refused_everywhere(replace(rsa_dealt("new", 512, 2, 3).public, threshold=M, holders=N))


@pytest.mark.parametrize("algorithm", [0, 5, 7, 9, 13, 15])
def test_an_algorithm_that_is_not_ours(algorithm: int) -> None:
    for key in (None, ordinary_key(512)):
        with pytest.raises(ParameterError, match="algorithm"):
            SMALL.deal(key, Plan(algorithm, 512, 2, 3), seeded(), HERE)
    refused_everywhere(replace(rsa_dealt("new", 512, 2, 3).public, algorithm=algorithm))


@pytest.mark.parametrize(
    ("bits", "kind"),
    [(2047, "new"), (2047, "existing"), (2049, "new"), (3071, "new"), (4095, "new"), (4097, "existing")],
)
def test_a_modulus_one_bit_off(bits: int, kind: str) -> None:
    public = replace(rsa_dealt("new", 512, 2, 3).public, n=(3 << (bits - 2)) + 1, kind=kind)
    assert public.bits == bits
    refused_everywhere(public, PRODUCT)


def test_small_keys_are_not_for_the_product() -> None:
    refused_everywhere(rsa_dealt("new", 512, 2, 3).public, PRODUCT)
    with pytest.raises(ParameterError):
        PRODUCT.deal(rsa.generate_private_key(65537, 1024), Plan(8, 1024, 2, 3), seeded(), HERE)


@pytest.mark.parametrize("e", [-3, 0, 1, 2, 3, 9, 65535, 65539 * 65537, (1 << 64) + 13, (1 << 89) - 1])
def test_an_exponent_that_is_not_a_prime_above_n(e: int) -> None:
    dealt = rsa_dealt("new", 512, 2, 3)
    refused_everywhere(replace(dealt.public, e=e))


def test_an_even_modulus_and_an_unknown_kind() -> None:
    public = rsa_dealt("new", 512, 2, 3).public
    refused_everywhere(replace(public, n=public.n + 1))
    refused_everywhere(replace(public, kind="borrowed"))
    refused_everywhere(replace(public, verification=public.verification[:2]))
    refused_everywhere(replace(public, verification=(*public.verification, 4)))


def test_the_public_part_of_another_scheme() -> None:
    with pytest.raises(ParameterError):
        SMALL.check(object(), 1, [], None, CONTEXT, HERE)  # type: ignore[arg-type]


def test_the_verification_base_is_recomputed_from_n_and_e() -> None:
    public = rsa_dealt("new", 512, 2, 3).public
    w = expand("keyquorum/rsa/v/v1", 512 + 128, public.n.to_bytes(64, "big"), (65537).to_bytes(64, "big"))
    assert verification_base(public.n, public.e) == w * w % public.n
    assert gmpy2.gcd(w, public.n) == 1
    assert verification_base(public.n, 257) != verification_base(public.n, public.e)


def test_a_verification_base_that_is_no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = safe_key(512).private_numbers()
    monkeypatch.setattr("keyquorum.threshold.rsa_key.expand", lambda *_: 6 * numbers.p)
    with pytest.raises(ParameterError, match="factor in common"):
        verification_base(numbers.p * numbers.q, 269)


def test_messages_that_cannot_be_signed() -> None:
    key = safe_key(512).private_numbers()
    n = key.p * key.q
    check_messages([1, 2, n - 1], n)
    for bad in (0, n, n + 1, -1):
        with pytest.raises(ParameterError, match="not below"):
            check_messages([2, bad], n)
    for bad in (key.p, 5 * key.q):
        with pytest.raises(ParameterError, match="factor in common"):
            check_messages([2, bad, 3], n)
    with pytest.raises(ParameterError):
        check_unit(0, n)


def test_a_modulus_too_short_for_the_hash() -> None:
    with pytest.raises(ParameterError, match="too short"):
        padded(b"", 10, 93)
    assert int(padded(b"", 10, 94)) >> (8 * 92) == 1
    with pytest.raises(KeyquorumError):
        SMALL.sign(
            replace(rsa_dealt("new", 512, 2, 3).public, algorithm=10),
            rsa_dealt("new", 512, 2, 3).shares[0],
            None,
            messages(1),
            CONTEXT,
            [],
            seeded(),
            HERE,
        )


def test_sizes_that_are_welcome() -> None:
    for bits in (2048, 3072, 4096):
        check_bits(bits, "new", 2048)
    for bits in (2048, 2049, 3071, 4095, 4096):
        check_bits(bits, "existing", 2048)
    for e in (3, 257, 65537, (1 << 64) - 59):
        check_exponent(e, 2)


def test_a_long_exponent_as_it_stands_in_dns() -> None:
    e = (1 << 64) - 59
    assert SMALL.dnskey(replace(rsa_dealt("new", 512, 2, 3).public, e=e))[:9] == b"\x08" + e.to_bytes(8, "big")


def test_every_padded_message_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    p = safe_key(512).private_numbers().p
    monkeypatch.setattr("keyquorum.threshold.rsa_key.padded", lambda *_: 3 * p)
    with pytest.raises(ParameterError, match="factor in common"):
        padded_all([b""], rsa_dealt("new", 512, 2, 3).public)
