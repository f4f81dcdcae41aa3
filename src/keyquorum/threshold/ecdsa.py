"""ECDSA for DNSSEC algorithms 13 (P-256) and 14 (P-384): the scheme object behind the seam.

The dealer does the joint work in advance (``ecdsa_presigning``), and holders answer in one round, each from where it
is. For a message with digest m: delta = H(R, X, m), R' = delta R, r = x(R') and s_i = (m u_i + r v_i) / delta; anybody
checks s_i R' = m U_i + r V_i, and the sum of the s_i is s. No request id, time or counter goes into delta: with one,
two answers to the same message would give the key. The shift keeps R, which is public long before the message, from
being chosen against (Groth and Shoup, eprint 2021/1330); it does not make using a presignature twice safe.

A dealer is trusted with the key, as in every dealing. docs/auditor/ecdsa.md says what is assumed, and that this awaits
an outside review.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from cryptography.hazmat.primitives.asymmetric import ec

from keyquorum.errors import KeyquorumError, MalformedError, ParameterError, ShareError, SignatureError
from keyquorum.maths.groups import Point, random_scalar
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import digest as hashed
from keyquorum.maths.weierstrass import Weierstrass
from keyquorum.maths.work import Work
from keyquorum.threshold import ecdsa_presigning, planned
from keyquorum.threshold.ecdsa_key import (
    SCHEME,
    EcdsaPublic,
    EcdsaShare,
    Suite,
    check_public,
    key_point,
    suite_of,
)
from keyquorum.threshold.ecdsa_presigning import Presignature, presignature_in, secrets_in
from keyquorum.threshold.one_time import Maker, OneTimeStore, Quorum, Row
from keyquorum.threshold.quorum_plan import make_plan
from keyquorum.threshold.seam import Answer, Context, Outcome, Plan, PrivateKey, Spool, Stream

__all__ = ["EcdsaPublic", "EcdsaScheme", "EcdsaShare"]


@dataclass(frozen=True, slots=True)
class EcdsaScheme:
    """The scheme."""

    @property
    def name(self) -> str:
        """The name in records and tags."""
        return SCHEME

    @property
    def one_time(self) -> Maker:
        """The dealer makes presignatures."""
        return Maker.DEALER

    def deal(
        self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work
    ) -> tuple[EcdsaPublic, tuple[EcdsaShare, ...], PrivateKey]:
        """Make a new key or take an existing one; all that is shared of it comes with ``prepare``."""
        del work
        suite = suite_of(plan.algorithm)
        if plan.bits:
            raise ParameterError(f"a key of {suite.group.name} has one size only", do="Leave out --bits.")
        quorums = make_plan(plan.threshold, plan.holders, plan.answers)
        if key is None:
            key = ec.derive_private_key(random_scalar(suite.group, rng), suite.curve)
        secret = _scalar_of(key, suite)
        point = suite.group.encode(suite.group.multiply_base(secret))
        public = EcdsaPublic(plan.algorithm, plan.threshold, plan.holders, quorums.answers, quorums.quorums, point)
        return public, self.shares_again(public), key

    def check_dealing(self, public: EcdsaPublic) -> None:
        """Check everything about the key record that anybody can check; raises DealingError or ParameterError."""
        _check(public)

    def check_share(self, public: EcdsaPublic, index: int, share: EcdsaShare) -> None:
        """Check that ``share`` is that of holder ``index``; raises ShareError."""
        _check(public)
        planned.index_of(public, index)
        if not isinstance(share, EcdsaShare) or share.index != index:
            raise ShareError("it is the share of another holder", where=f"share of holder {index}")

    def dnskey(self, public: EcdsaPublic) -> bytes:
        """Give the public key as in a DNSKEY record (RFC 6605 section 4): x and y."""
        _check(public)
        x, y = key_point(public).xy
        length = suite_of(public.algorithm).group.scalar_length
        return int(x).to_bytes(length, "big") + int(y).to_bytes(length, "big")

    def row_length(self, public: EcdsaPublic, maker: int, quorum: Quorum | None) -> int:
        """Give the length in bytes of one public row: the dealer's, for all of the plan."""
        _check(public)
        _only_the_dealers(maker, quorum)
        return ecdsa_presigning.row_length(public)

    def secret_length(self, public: EcdsaPublic, index: int) -> int:
        """Give the length in bytes of one secret row of holder ``index``."""
        _check(public)
        return 2 * suite_of(public.algorithm).group.scalar_length * len(public.plan.of(planned.index_of(public, index)))

    def shares_again(self, public: EcdsaPublic) -> tuple[EcdsaShare, ...]:
        """Give all shares anew: they are nothing but indices."""
        return tuple(EcdsaShare(index) for index in range(1, public.holders + 1))

    def marks(self, public: EcdsaPublic, row: bytes) -> Iterator[bytes]:
        """Give what must never occur twice: the x of every R."""
        return ecdsa_presigning.marks(public, row)

    def prepare(
        self, public: EcdsaPublic, secret: PrivateKey, slots: range, quorum: Quorum | None, rng: Rng, work: Work
    ) -> Iterator[Row]:
        """Make the presignatures of each slot, with the undivided key as ``secret``."""
        _check(public)
        _only_the_dealers(0, quorum)
        suite = suite_of(public.algorithm)
        key = _scalar_of(secret, suite)
        if suite.group.encode(suite.group.multiply_base(key)) != public.point:
            raise ParameterError("the private key is not the one of this key record", do="Give the right one.")
        return ecdsa_presigning.present(public, key, slots, rng, work)

    def check_rows(
        self, public: EcdsaPublic, maker: int, slots: range, quorum: Quorum | None, rows: Stream, work: Work
    ) -> None:
        """Check a table as anybody can: sums, points, no R twice; raises DealingError, naming the slot."""
        _check(public)
        _only_the_dealers(maker, quorum)
        ecdsa_presigning.check_rows(public, slots, rows, work)

    def check_secret_rows(
        self, public: EcdsaPublic, index: int, slots: range, rows: Stream, secrets: Stream, work: Work
    ) -> None:
        """Check, as holder ``index``, that the secret rows belong to the table; raises ShareError."""
        _check(public)
        planned.index_of(public, index)
        ecdsa_presigning.check_secret_rows(public, index, slots, rows, secrets, work)

    def width(self, public: EcdsaPublic, index: int, context: Context) -> int:
        """Give the length in bytes of one value of holder ``index``: a scalar for each quorum it is in."""
        planned.index_of(public, index)
        return planned.width(_arithmetic(public, context), index)

    def sign(
        self,
        public: EcdsaPublic,
        share: EcdsaShare,
        store: OneTimeStore | None,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> None:
        """Give s_i for each message, in each quorum; there is no proof. Raises RefusedError from the store."""
        del rng
        self.check_share(public, planned.index_of(public, share.index), share)
        arithmetic = _arithmetic(public, context)
        answering = partial(_answer, arithmetic, share.index)
        planned.sign(SCHEME, arithmetic, share.index, answering, store, messages, context, values, work)

    def check(
        self, public: EcdsaPublic, index: int, messages: Stream, answer: Answer, context: Context, work: Work
    ) -> None:
        """Check a whole answer; raises WrongPartialError with the culprit."""
        planned.index_of(public, index)
        planned.check(_arithmetic(public, context), index, messages, answer, context, work)

    def combine(
        self,
        public: EcdsaPublic,
        messages: Stream,
        answers: Mapping[int, Answer],
        context: Context,
        emit: Callable[[bytes], None],
        work: Work,
    ) -> Outcome:
        """Emit one verified signature per message; raises NotEnoughError with the liars if no quorum is complete."""
        return planned.combine(_arithmetic(public, context), public.holders, messages, answers, context, emit, work)


@dataclass(frozen=True, slots=True)
class Shift:
    """What a message makes of a presignature: m, delta, R' = delta R and r."""

    m: int
    delta: int
    point: Point
    r: int


def shift(public: EcdsaPublic, R: bytes, message: bytes) -> Shift:
    """Compute what is the same for everybody; raises ParameterError for an R that is no point, or a digest in a million
    million million that leads to 0.
    """
    suite = suite_of(public.algorithm)
    group = suite.group
    digest = suite.digest(message)
    delta = int.from_bytes(hashed("keyquorum/ecdsa/delta/v1", R, public.point, digest), "big") % group.order
    point = group.multiply_encoded(delta, R)
    r = 0 if group.is_identity(point) else group.x_of(point) % group.order
    if r == 0:
        raise ParameterError("this message cannot be signed with this presignature", do="Use another slot.")
    return Shift(int.from_bytes(digest, "big") % group.order, delta, point, r)


@dataclass(frozen=True, slots=True)
class EcdsaArithmetic:
    """The arithmetic with one key in one request: see ``planned.Arithmetic``."""

    public: EcdsaPublic
    quorums: tuple[Quorum, ...]

    @property
    def scalar_length(self) -> int:
        """The length of one scalar in bytes."""
        return suite_of(self.public.algorithm).group.scalar_length

    @property
    def row_length(self) -> int:
        """The length of one row in bytes."""
        return ecdsa_presigning.row_length(self.public)

    def presignature(self, row: bytes, quorum: Quorum) -> Presignature:
        """Give the presignature of one quorum out of a row."""
        return presignature_in(self.public, row, self.public.quorums.index(quorum))

    def culprits(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> tuple[int, ...]:
        """Give those for whom s_i R' is not m U_i + r V_i."""
        group = suite_of(self.public.algorithm).group
        presignature = self.presignature(row, quorum)
        shifted = shift(self.public, presignature.R, message)
        return tuple(
            index
            for index, scalar in scalars.items()
            if not _fits(group, shifted, presignature.sides[quorum.index(index)], scalar)
        )

    def signature(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> bytes | None:
        """Give r || s (RFC 6605 section 4), verified by ``cryptography``, or None."""
        suite = suite_of(self.public.algorithm)
        group = suite.group
        try:
            shifted = shift(self.public, self.presignature(row, quorum).R, message)
            s = sum(group.decode_scalar(scalar) for scalar in scalars.values()) % group.order
            signature = group.encode_scalar(shifted.r) + group.encode_scalar(s)
            suite.verify(self.public.point, message, signature)
        except (MalformedError, ParameterError, SignatureError):
            return None
        return signature


def _fits(group: Weierstrass, shifted: Shift, sides: tuple[bytes, bytes], scalar: bytes) -> bool:
    try:
        number = group.decode_scalar(scalar)
        U, V = (group.decode(point) for point in sides)
    except KeyquorumError:
        return False
    return group.equal(group.multiply(number, shifted.point), group.sum_of([shifted.m, shifted.r], [U, V]))


def _answer(arithmetic: EcdsaArithmetic, index: int, message: bytes, row: bytes, secret: bytes) -> bytes:
    """Give the scalars of one holder for one message, in each quorum with it in it."""
    public = arithmetic.public
    group = suite_of(public.algorithm).group
    answers = []
    for quorum in arithmetic.quorums:
        if index not in quorum:
            continue
        shifted = shift(public, arithmetic.presignature(row, quorum).R, message)
        u, v = secrets_in(public, index, secret, quorum)
        whole = group.scalar_add(group.scalar_multiply(shifted.m, u), group.scalar_multiply(shifted.r, v))
        answers.append(group.encode_scalar(group.scalar_multiply(pow(shifted.delta, -1, group.order), whole)))
    return b"".join(answers)


def _scalar_of(key: PrivateKey, suite: Suite) -> int:
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != suite.curve.name:
        raise ParameterError(
            f"the key is not a {suite.group.name} private key", do="Give one, or choose the key's own algorithm."
        )
    return key.private_numbers().private_value


def _only_the_dealers(maker: int, quorum: Quorum | None) -> None:
    if maker != 0 or quorum is not None:
        raise ParameterError("presignatures are the dealer's, for all of the plan")


@lru_cache(maxsize=256)
def _arithmetic_of(public: EcdsaPublic) -> EcdsaArithmetic:
    _check(public)
    return EcdsaArithmetic(public, public.quorums)


def _arithmetic(public: EcdsaPublic, context: Context) -> EcdsaArithmetic:
    commitments = context.commitments
    if commitments is None:
        raise planned.no_commitments()
    if commitments.makers or commitments.quorum is not None:
        raise ParameterError("presignatures are the dealer's, for all of the plan")
    return _arithmetic_of(public)


def _check(public: EcdsaPublic) -> None:
    if not isinstance(public, EcdsaPublic):
        raise ParameterError("the public part is not one of an ECDSA key")
    check_public(public)
