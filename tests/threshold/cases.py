"""What the behaviour suite runs against: one case for each scheme (and kind of key) there is. A new scheme adds a line.

All randomness is seeded, so that a failure can be repeated; dealings are made once each and kept.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from keyquorum.maths.randomness import Rng
from keyquorum.maths.safeprimes import safe_prime_pair
from keyquorum.maths.work import HERE, Work
from keyquorum.threshold.rsa import RsaScheme
from keyquorum.threshold.rsa_dealing import deal_existing, deal_new
from keyquorum.threshold.seam import Answer, Context, MemorySpool, Outcome, Plan, Scheme

CONTEXT = Context(b"K" * 32, b"R" * 32)
HASHES: dict[int, hashes.HashAlgorithm] = {8: hashes.SHA256(), 10: hashes.SHA512()}
SMALL = RsaScheme(512)
"""The scheme at a size for tests; the register has no such thing."""


def seeded(*seed: object) -> Rng:
    """Give a stream of bytes that looks random and is the same for the same seed."""
    number = count()
    return lambda n: hashlib.shake_256(repr((seed, next(number))).encode()).digest(n)


def messages(number: int, seed: object = 0) -> list[bytes]:
    """Give ``number`` different messages."""
    return [hashlib.shake_128(repr((seed, j)).encode()).digest(40 + j % 7) for j in range(number)]


@dataclass(frozen=True)
class Dealt:
    """A dealt key with all its shares and, as judge, the same key undivided."""

    scheme: Scheme[Any, Any]
    public: Any
    shares: tuple[Any, ...]
    sign_undivided: Callable[[bytes], bytes]
    verify: Callable[[bytes, bytes], None]
    seed: object = 0

    def answer(
        self, index: int, texts: list[bytes], context: Context = CONTEXT, work: Work = HERE, share: Any = None
    ) -> Answer:
        """Give holder ``index``'s honest answer."""
        values = MemorySpool()
        share = share or self.shares[index - 1]
        rng = seeded("sign", self.seed, index)
        return Answer(values, self.scheme.sign(self.public, share, None, texts, context, values, rng, work))

    def answers(self, indices: Iterable[int], texts: list[bytes]) -> dict[int, Answer]:
        """Give the honest answers of several holders."""
        return {index: self.answer(index, texts) for index in indices}

    def combine(
        self, texts: list[bytes], answers: Mapping[int, Answer], work: Work = HERE
    ) -> tuple[list[bytes], Outcome]:
        """Give the signatures, each verified by an independent library, and the outcome."""
        signatures: list[bytes] = []
        outcome = self.scheme.combine(self.public, texts, answers, CONTEXT, signatures.append, work)
        assert len(signatures) == len(texts)
        for text, signature in zip(texts, signatures, strict=True):
            self.verify(text, signature)
        return signatures, outcome


@dataclass(frozen=True)
class Case:
    """One scheme with one kind of key; ``deterministic`` where the signature is that of the undivided key."""

    name: str
    deal: Callable[[int, int], Dealt] = field(repr=False)
    deterministic: bool = True


def private_key(p: int, q: int, e: int = 65537) -> rsa.RSAPrivateKey:
    """Give the undivided key."""
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


@cache
def safe_key(bits: int) -> rsa.RSAPrivateKey:
    """Give an undivided key of two safe primes."""
    return private_key(*safe_prime_pair(bits, 65537, seeded("safe", bits), HERE))


@cache
def ordinary_key(bits: int) -> rsa.RSAPrivateKey:
    """Give an undivided key of two ordinary primes, by the library (this one is not seeded)."""
    if bits >= 1024:
        return rsa.generate_private_key(65537, bits)
    p, q = small_primes(bits // 2)
    return private_key(p, q)


def small_primes(bits: int) -> list[int]:
    """Give two primes of ``bits`` bits that are no safe primes, and whose product has twice as many."""
    found: list[int] = []
    for number in count((3 << (bits - 2)) + 12345, 2):
        if (
            all(number % small for small in (3, 5, 7, 11, 13))
            and pow(2, number - 1, number) == 1
            and number % 65537 != 1
        ):
            found.append(number)
            if len(found) == 2:
                return found
    raise AssertionError


@cache
def rsa_dealt(kind: str, bits: int, M: int, N: int, algorithm: int = 8, seed: object = 0) -> Dealt:
    """Deal an RSA key at any size."""
    plan = Plan(algorithm, bits, M, N)
    rng = seeded("deal", kind, bits, M, N, algorithm, seed)
    key = safe_key(bits) if kind == "new" else ordinary_key(bits)
    numbers = key.private_numbers()
    if kind == "new":
        public, shares = deal_new(numbers.p, numbers.q, plan, SMALL.minimum_bits, rng, HERE)
    else:
        public, shares = deal_existing(key, plan, SMALL.minimum_bits, rng, HERE)
    chosen = HASHES[algorithm]
    return Dealt(
        SMALL,
        public,
        shares,
        lambda text: key.sign(text, padding.PKCS1v15(), chosen),
        lambda text, signature: key.public_key().verify(signature, text, padding.PKCS1v15(), chosen),
        seed,
    )


CASES = (
    Case("rsa-new", lambda M, N: rsa_dealt("new", 512, M, N)),
    Case("rsa-existing", lambda M, N: rsa_dealt("existing", 512, M, N)),
    Case("rsa-sha512", lambda M, N: rsa_dealt("new", 768, M, N, 10)),
)
