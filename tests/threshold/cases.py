"""What the behaviour suite runs against: one case for each scheme (and kind of key) there is. A new scheme adds a line.

All randomness is seeded, so that a failure can be repeated; dealings are made once each and kept.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Any, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils

from keyquorum.maths.randomness import Rng
from keyquorum.maths.safeprimes import safe_prime_pair
from keyquorum.maths.work import HERE, Work
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.rsa import RsaScheme
from keyquorum.threshold.rsa_dealing import deal_existing, deal_new
from keyquorum.threshold.seam import (
    Answer,
    Commitments,
    Context,
    MemorySpool,
    OneTimeScheme,
    Outcome,
    Plan,
    Scheme,
    Stream,
)
from tests.threshold.stores import MemoryStore

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
    undivided: Any = field(default=None, repr=False)

    def material(self, count: int) -> tuple["Rows", ...]:
        """Give one-time material for ``count`` slots: by maker, the public rows and every keeper's secret ones."""
        if self.scheme.one_time is Maker.NOBODY:
            return ()
        return prepared(self, 1 << (count - 1).bit_length())

    def context(self, texts: Stream, context: Context = CONTEXT, makers: tuple[int, ...] | None = None) -> Context:
        """Give the context of a request for ``texts``, which uses slots from 0 on."""
        rows = self.material(len(texts) or 1)
        if not rows:
            return context
        dealt = rows[0].maker == 0
        used = rows if dealt or makers is None else [rows[index - 1] for index in makers]
        public = [b"".join(pieces) for pieces in zip(*(one.public[: len(texts)] for one in used), strict=True)]
        names = () if dealt else tuple(one.maker for one in used)
        return replace(context, commitments=Commitments(0, names, None, public))

    def store(self, index: int, count: int, *, burning: bool = True) -> MemoryStore | None:
        """Give the one-time material of a holder, unused."""
        rows = self.material(count)
        if not rows:
            return None
        mine = rows[0].secrets[index - 1] if rows[0].maker == 0 else rows[index - 1].secrets[0]
        return MemoryStore(enumerate(mine), burning=burning)

    def answer(
        self, index: int, texts: list[bytes], context: Context | None = None, work: Work = HERE, share: Any = None
    ) -> Answer:
        """Give holder ``index``'s honest answer."""
        values = MemorySpool()
        share = share or self.shares[index - 1]
        rng = seeded("sign", self.seed, index)
        context = context or self.context(texts)
        store = self.store(index, len(texts) or 1)
        return Answer(values, self.scheme.sign(self.public, share, store, texts, context, values, rng, work))

    def answers(self, indices: Iterable[int], texts: list[bytes]) -> dict[int, Answer]:
        """Give the honest answers of several holders."""
        return {index: self.answer(index, texts) for index in indices}

    def combine(
        self, texts: list[bytes], answers: Mapping[int, Answer], work: Work = HERE
    ) -> tuple[list[bytes], Outcome]:
        """Give the signatures, each verified by an independent library, and the outcome."""
        signatures: list[bytes] = []
        outcome = self.scheme.combine(self.public, texts, answers, self.context(texts), signatures.append, work)
        assert len(signatures) == len(texts)
        for text, signature in zip(texts, signatures, strict=True):
            self.verify(text, signature)
        return signatures, outcome


@dataclass(frozen=True)
class Rows:
    """What one maker made for slots from 0 on: the public rows, and the secret ones of each keeper."""

    maker: int
    public: list[bytes]
    secrets: tuple[list[bytes], ...] = field(repr=False)


_MADE: dict[tuple[Any, int], tuple[Rows, ...]] = {}


def prepared(dealt: Dealt, count: int) -> tuple[Rows, ...]:
    """Make one-time material for ``count`` slots, once for each key and count."""
    known = _MADE.get((dealt.public, count))
    if known is not None:
        return known
    scheme = cast("OneTimeScheme[Any, Any]", dealt.scheme)
    by_dealer = scheme.one_time is Maker.DEALER
    makers = [(0, dealt.undivided)] if by_dealer else list(enumerate(dealt.shares, 1))
    found = []
    for maker, secret in makers:
        rng = seeded("prepare", dealt.seed, maker, count)
        rows = list(scheme.prepare(dealt.public, secret, range(count), None, rng, HERE))
        secrets = tuple(list(one) for one in zip(*(row.secrets for row in rows), strict=True))
        found.append(Rows(maker, [row.public for row in rows], secrets))
    return _MADE.setdefault((dealt.public, count), tuple(found))


@dataclass(frozen=True)
class Case:
    """One scheme with one kind of key.

    ``deterministic`` where the signature is that of the undivided key, ``proved`` where answers carry a proof; of one
    that is ``slow`` a part is tried where another with the same code is tried whole.
    """

    name: str
    deal: Callable[[int, int], Dealt] = field(repr=False)
    deterministic: bool = True
    proved: bool = True
    slow: bool = False


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


@cache
def dealt_by(algorithm: int, M: int, N: int, answers: int | None = None, *, existing: bool = True) -> Dealt:
    """Deal an EdDSA or ECDSA key; an ``existing`` one, so that the undivided key can be judge."""
    rng = seeded("deal", algorithm, M, N, answers)
    scheme = scheme_for(algorithm)
    key = undivided_key(algorithm, rng)
    public, shares, undivided = scheme.deal(key if existing else None, Plan(algorithm, 0, M, N, answers), rng, HERE)
    scheme.check_dealing(public)
    known = key.public_key() if existing else None
    return Dealt(
        scheme,
        public,
        shares,
        lambda text: key.sign(text) if algorithm > 14 else b"",
        lambda text, signature: verify_by_library(algorithm, scheme.dnskey(public), text, signature, known),
        undivided=undivided,
    )


def undivided_key(algorithm: int, rng: Rng) -> Any:
    """Give an undivided key, always the same for the same ``rng``."""
    match algorithm:
        case 13:
            return ec.derive_private_key(1 + int.from_bytes(rng(31), "big"), ec.SECP256R1())
        case 14:
            return ec.derive_private_key(1 + int.from_bytes(rng(47), "big"), ec.SECP384R1())
        case 15:
            return ed25519.Ed25519PrivateKey.from_private_bytes(rng(32))
        case _:
            return ed448.Ed448PrivateKey.from_private_bytes(rng(57))


def verify_by_library(algorithm: int, wire: bytes, text: bytes, signature: bytes, known: Any) -> None:
    """Verify a signature as in an RRSIG under a key as in a DNSKEY, by ``cryptography`` alone."""
    if algorithm in {13, 14}:
        curve, chosen = (ec.SECP256R1(), hashes.SHA256()) if algorithm == 13 else (ec.SECP384R1(), hashes.SHA384())
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + wire)
        half = len(signature) // 2
        numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        key.verify(utils.encode_dss_signature(*numbers), text, ec.ECDSA(chosen))
    else:
        kind: Any = ed25519.Ed25519PublicKey if algorithm == 15 else ed448.Ed448PublicKey
        key = kind.from_public_bytes(wire)
        key.verify(signature, text)
    assert known is None or known == key


CASES = (
    Case("rsa-new", lambda M, N: rsa_dealt("new", 512, M, N)),
    Case("rsa-existing", lambda M, N: rsa_dealt("existing", 512, M, N)),
    Case("rsa-sha512", lambda M, N: rsa_dealt("new", 768, M, N, 10)),
    Case("frost-ed25519", lambda M, N: dealt_by(15, M, N), deterministic=False, proved=False),
    Case("frost-ed448", lambda M, N: dealt_by(16, M, N), deterministic=False, proved=False, slow=True),
    Case("ecdsa-p256", lambda M, N: dealt_by(13, M, N), deterministic=False, proved=False),
    Case("ecdsa-p384", lambda M, N: dealt_by(14, M, N), deterministic=False, proved=False, slow=True),
)
