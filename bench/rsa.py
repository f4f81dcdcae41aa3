"""Threshold RSA at 2048 bits, 3 of 5: what a holder, a checker and whoever combines spend on one bundle.

Everything beside one exponentiation with a secret exponent by the fastest library there is: libcrypto's
BN_mod_exp_mont_consttime, numbers prepared, nothing converted (GMP's powmod_sec where there is no libcrypto). It is the
least a holder can do for a bundle. The other figures are fractions of it: most of what they do is not exponentiation.
"""

import secrets
from collections.abc import Callable, Iterator

import gmpy2

from bench.measure import Options, Row, alternating_medians, seconds
from keyquorum.maths.libcrypto import Numbers, library
from keyquorum.maths.work import HERE
from keyquorum.threshold.register import scheme_for, scheme_of
from keyquorum.threshold.rsa import RsaPublic, RsaShare
from keyquorum.threshold.seam import Answer, Context, MemorySpool, Plan

BITS = 2048
MESSAGE_BYTES = 1500  # a DNSKEY RRset with three keys of 2048 bits, and its RRSIG's fields
CONTEXT = Context(b"K" * 32, b"R" * 32)
REFERENCE_CALLS = 50


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    scheme = scheme_for(8)
    public, shares, _ = scheme.deal(None, Plan(8, BITS, 3, 5), secrets.token_bytes, HERE)
    repeats = 1 if options.quick else 5
    yield from _holder(public, shares[0], 9, 1.5, 5 * repeats)
    yield from _holder(public, shares[0], 1000, 1.2, repeats)
    yield from _others(public, shares, 1000, repeats)


def _holder(public: RsaPublic, share: RsaShare, number: int, most: float, repeats: int) -> Iterator[Row]:
    texts = _messages(number)
    reference, ours = alternating_medians([_reference(public.n), lambda: _answer(public, share, texts)], repeats)
    yield _row(f"sign, of {number} bundles", ours / number, reference / REFERENCE_CALLS, most)


def _others(public: RsaPublic, shares: tuple[RsaShare, ...], number: int, repeats: int) -> Iterator[Row]:
    scheme = scheme_of(public)
    texts = _messages(number)
    answers = {share.index: _answer(public, share, texts) for share in shares[1:4]}
    index, answer = next(iter(answers.items()))
    reference, checking, combining = alternating_medians(
        [
            _reference(public.n),
            lambda: scheme.check(public, index, texts, answer, CONTEXT, HERE),
            lambda: scheme.combine(public, texts, answers, CONTEXT, lambda _signature: None, HERE),
        ],
        repeats,
    )
    yield _row(f"check one answer, of {number} bundles", checking / number, reference / REFERENCE_CALLS, 0.1)
    yield _row(f"combine and verify 3 of 5, of {number} bundles", combining / number, reference / REFERENCE_CALLS, 0.15)


def _row(what: str, ours: float, reference: float, most: float) -> Row:
    return Row(
        f"RSA {BITS}, a bundle: {what} (reference: one exponentiation)",
        seconds(ours),
        seconds(reference),
        reference / ours,
        1 / most,
    )


def _messages(number: int) -> list[bytes]:
    return [secrets.token_bytes(MESSAGE_BYTES) for _ in range(number)]


def _answer(public: RsaPublic, share: RsaShare, texts: list[bytes]) -> Answer:
    values = MemorySpool()
    scheme = scheme_of(public)
    return Answer(values, scheme.sign(public, share, None, texts, CONTEXT, values, secrets.token_bytes, HERE))


def _reference(n: int) -> Callable[[], None]:
    """Give ``REFERENCE_CALLS`` exponentiations by the fastest library, with an exponent of the length of p'q'."""
    base, exponent = secrets.randbelow(n), secrets.randbits(BITS - 2) | 1 << (BITS - 3)
    found = library()

    def by_libcrypto() -> None:
        assert found is not None
        with Numbers(found) as numbers:
            odd, power, context = numbers.number(n), numbers.number(exponent), numbers.montgomery()
            numbers.prepare(context, odd)
            result, number = numbers.number(), numbers.number(base)
            for _ in range(REFERENCE_CALLS):
                numbers.power(result, number, power, odd, context)

    def by_gmp() -> None:
        number, power, odd = gmpy2.mpz(base), gmpy2.mpz(exponent), gmpy2.mpz(n)
        for _ in range(REFERENCE_CALLS):
            gmpy2.powmod_sec(number, power, odd)

    return by_gmp if found is None else by_libcrypto
