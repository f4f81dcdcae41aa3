"""FROST for DNSSEC algorithms 15 (Ed25519) and 16 (Ed448): the scheme object behind the seam.

Round one is done in advance: for each quorum of the plan that a holder is in, and each slot, a pair of nonces. So one
round is left, and nobody has to know who will answer. A row of commitments of one holder is, quorum by quorum in the
order of the plan, hiding commitment and binding commitment; the secret row the nonces. The two rounds themselves are in
``frost_rounds``, dealing in ``frost_dealing``, and what is common to schemes with a plan in ``planned``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate

from keyquorum.errors import (
    DealingError,
    MalformedError,
    ParameterError,
    ShareError,
    SignatureError,
    UsageError,
    WrongPartialError,
)
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.threshold import frost_dealing, planned
from keyquorum.threshold.frost_key import (
    SCHEME,
    FrostPublic,
    FrostShare,
    check_public,
    suite_of,
    verification_shares,
)
from keyquorum.threshold.frost_rounds import (
    Commitment,
    Nonces,
    Round,
    aggregate,
    begin,
    commit,
    sign,
    verify_signature_share,
)
from keyquorum.threshold.one_time import Maker, OneTimeStore, Quorum, Row, number_of
from keyquorum.threshold.seam import Answer, Commitments, Context, Outcome, Plan, PrivateKey, Spool, Stream

__all__ = ["FrostPublic", "FrostScheme", "FrostShare"]


@dataclass(frozen=True, slots=True)
class FrostScheme:
    """The scheme."""

    @property
    def name(self) -> str:
        """The name in records and tags."""
        return SCHEME

    @property
    def one_time(self) -> Maker:
        """Every holder makes its own nonces."""
        return Maker.HOLDER

    def deal(
        self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work
    ) -> tuple[FrostPublic, tuple[FrostShare, ...], None]:
        """Make a new key or share an Ed25519 or Ed448 private key; raises ParameterError for what is refused."""
        del work
        return *frost_dealing.deal(key, plan, rng), None

    def check_dealing(self, public: FrostPublic) -> None:
        """Check everything about a dealing that anybody can check; raises DealingError or ParameterError."""
        _check(public)

    def check_share(self, public: FrostPublic, index: int, share: FrostShare) -> None:
        """Check, as holder ``index``, that ``share`` lies on the committed polynomial; raises ShareError."""
        _check(public)
        frost_dealing.check_share(public, index, share)

    def dnskey(self, public: FrostPublic) -> bytes:
        """Give the public key as in a DNSKEY record (RFC 8080)."""
        _check(public)
        return public.group_key

    def row_length(self, public: FrostPublic, maker: int, quorum: Quorum | None) -> int:
        """Give the length in bytes of one public row of holder ``maker``."""
        return 2 * suite_of(public.algorithm).group.point_length * len(_quorums_of(public, maker, quorum))

    def secret_length(self, public: FrostPublic, index: int) -> int:
        """Give the length in bytes of one secret row of holder ``index``, for all of the plan."""
        return 2 * suite_of(public.algorithm).group.scalar_length * len(_quorums_of(public, index, None))

    def shares_again(self, public: FrostPublic) -> tuple[FrostShare, ...]:
        """Refuse: the holders make their nonces themselves."""
        raise UsageError(f"the dealer of a key of algorithm {public.algorithm} makes no one-time material")

    def marks(self, public: FrostPublic, row: bytes) -> Iterator[bytes]:
        """Give nothing: whoever repeats a nonce harms nobody else."""
        del public, row
        return iter(())

    def prepare(
        self, public: FrostPublic, secret: FrostShare, slots: range, quorum: Quorum | None, rng: Rng, work: Work
    ) -> Iterator[Row]:
        """Make the nonces of each slot, quorum by quorum: RFC 9591 section 5.1, 64 bytes of ``rng`` for a pair."""
        self.check_share(public, secret.index, secret)
        suite = suite_of(public.algorithm)
        group = suite.group
        count = len(_quorums_of(public, secret.index, quorum))
        for _slot in slots:
            pairs = [commit(suite, secret.index, secret.value, rng) for _ in range(count)]
            yield Row(
                b"".join(one.hiding + one.binding for _, one in pairs),
                (b"".join(group.encode_scalar(n.hiding) + group.encode_scalar(n.binding) for n, _ in pairs),),
            )
            work.advance(1)

    def check_rows(
        self, public: FrostPublic, maker: int, slots: range, quorum: Quorum | None, rows: Stream, work: Work
    ) -> None:
        """Check that every commitment is a usable point; raises DealingError, naming the slot."""
        length = self.row_length(public, maker, quorum)
        judged = work.map(partial(_usable, public.algorithm, length), rows, batch=64)
        for slot, good in zip(slots, judged, strict=True):
            if not good:
                raise DealingError(
                    f"the commitments of holder {maker} for slot {number_of(slot)} are not all points of the group",
                    where="commitments",
                    do="Leave them out; ask the holder to prepare anew.",
                    culprits=(maker,) if maker else (),
                )

    def check_secret_rows(
        self, public: FrostPublic, index: int, slots: range, rows: Stream, secrets: Stream, work: Work
    ) -> None:
        """Check that the nonces are those committed to; raises ShareError."""
        group = suite_of(public.algorithm).group
        length, count = group.scalar_length, 2 * len(_quorums_of(public, index, None))
        for slot, row, secret in zip(slots, rows, secrets, strict=True):
            scalars = [group.decode_scalar(secret[place * length : (place + 1) * length]) for place in range(count)]
            if row != b"".join(group.encode(group.multiply_base(scalar)) for scalar in scalars):
                raise ShareError(f"the nonces of slot {number_of(slot)} are not those committed to")
            work.advance(1)

    def width(self, public: FrostPublic, index: int, context: Context) -> int:
        """Give the length in bytes of one value of holder ``index``: a scalar for each quorum it is in."""
        planned.index_of(public, index)
        return planned.width(_arithmetic(public, context), index)

    def sign(
        self,
        public: FrostPublic,
        share: FrostShare,
        store: OneTimeStore | None,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> None:
        """Do round two for each message, in each quorum (section 5.2); there is no proof.

        Raises ParameterError, ShareError or UsageError before anything is used up, RefusedError from the store.
        """
        del rng
        self.check_share(public, share.index, share)
        arithmetic = _arithmetic(public, context)
        answering = partial(_answer, arithmetic, share)
        planned.sign(SCHEME, arithmetic, share.index, answering, store, messages, context, values, work)

    def check(
        self, public: FrostPublic, index: int, messages: Stream, answer: Answer, context: Context, work: Work
    ) -> None:
        """Check a whole answer (section 5.4 for each scalar); raises WrongPartialError with the culprit."""
        planned.index_of(public, index)
        planned.check(_arithmetic(public, context), index, messages, answer, context, work)

    def combine(
        self,
        public: FrostPublic,
        messages: Stream,
        answers: Mapping[int, Answer],
        context: Context,
        emit: Callable[[bytes], None],
        work: Work,
    ) -> Outcome:
        """Emit one verified signature per message; raises NotEnoughError with the liars if no quorum is complete."""
        return planned.combine(_arithmetic(public, context), public.holders, messages, answers, context, emit, work)


@dataclass(frozen=True, slots=True)
class FrostArithmetic:
    """FROST's arithmetic with one key in one request: see ``planned.Arithmetic``."""

    public: FrostPublic
    makers: tuple[int, ...]
    only: Quorum | None
    quorums: tuple[Quorum, ...]

    @property
    def scalar_length(self) -> int:
        """The length of one scalar in bytes."""
        return suite_of(self.public.algorithm).group.scalar_length

    @property
    def row_length(self) -> int:
        """The length of one row in bytes: those of all makers."""
        return _layout(self.public, self.makers, self.only)[1]

    def begin(self, message: bytes, row: bytes, quorum: Quorum) -> Round:
        """Compute what is the same for all of a quorum; raises ParameterError, with the culprit, for a wrong point."""
        suite = suite_of(self.public.algorithm)
        return begin(suite, self.public.group_key, self.commitments(row, quorum), message)

    def commitments(self, row: bytes, quorum: Quorum) -> list[Commitment]:
        """Give the commitments for one quorum out of a row."""
        places, _ = _layout(self.public, self.makers, self.only)
        length = suite_of(self.public.algorithm).group.point_length
        found = []
        for index in quorum:
            start = places[index, quorum]
            found.append(Commitment(index, row[start : start + length], row[start + length : start + 2 * length]))
        return found

    def culprits(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> tuple[int, ...]:
        """Give those whose signature share does not verify, or whose commitments are no points."""
        suite = suite_of(self.public.algorithm)
        try:
            common = self.begin(message, row, quorum)
        except ParameterError as error:
            return error.culprits
        shares = verification_shares(self.public)
        found = []
        for index, scalar in scalars.items():
            try:
                number = suite.group.decode_scalar(scalar)
                verify_signature_share(suite, index, shares[index - 1], number, common)
            except (WrongPartialError, MalformedError):
                found.append(index)
        return tuple(found)

    def signature(self, message: bytes, row: bytes, quorum: Quorum, scalars: Mapping[int, bytes]) -> bytes | None:
        """Give the signature, verified by ``cryptography``, or None."""
        suite = suite_of(self.public.algorithm)
        try:
            numbers = {index: suite.group.decode_scalar(scalar) for index, scalar in scalars.items()}
            signature = aggregate(suite, numbers, self.begin(message, row, quorum))
            suite.verify(self.public.group_key, message, signature)
        except (MalformedError, ParameterError, SignatureError):
            return None
        return signature


def _answer(arithmetic: FrostArithmetic, share: FrostShare, message: bytes, row: bytes, secret: bytes) -> bytes:
    """Give the scalars of one holder for one message, in each quorum of the request with it in it."""
    public = arithmetic.public
    suite = suite_of(public.algorithm)
    group, length = suite.group, arithmetic.scalar_length
    mine = _quorums_of(public, share.index, arithmetic.only)
    answers = []
    for quorum in arithmetic.quorums:
        if share.index not in quorum:
            continue
        start = 2 * length * mine.index(quorum)
        nonces = Nonces(
            group.decode_scalar(secret[start : start + length]),
            group.decode_scalar(secret[start + length : start + 2 * length]),
        )
        common = arithmetic.begin(message, row, quorum)
        answers.append(group.encode_scalar(sign(suite, share.index, share.value, nonces, common)))
    return b"".join(answers)


@lru_cache(maxsize=256)
def _arithmetic_of(public: FrostPublic, makers: tuple[int, ...], only: Quorum | None) -> FrostArithmetic:
    _check(public)
    quorums = planned.quorums_of(public, Commitments(0, makers, only, ()))
    return FrostArithmetic(public, makers, only, quorums)


def _arithmetic(public: FrostPublic, context: Context) -> FrostArithmetic:
    if context.commitments is None:
        raise planned.no_commitments()
    return _arithmetic_of(public, context.commitments.makers, context.commitments.quorum)


@lru_cache(maxsize=256)
def _layout(
    public: FrostPublic, makers: tuple[int, ...], only: Quorum | None
) -> tuple[Mapping[tuple[int, Quorum], int], int]:
    """Give where in a row the commitments of a holder for a quorum begin, and how long a row is."""
    pair = 2 * suite_of(public.algorithm).group.point_length
    lists = [_quorums_of(public, maker, only) for maker in makers]
    starts = accumulate((pair * len(one) for one in lists), initial=0)
    places = {
        (maker, quorum): start + pair * place
        for maker, start, quorums in zip(makers, starts, lists, strict=False)
        for place, quorum in enumerate(quorums)
    }
    return places, pair * sum(map(len, lists))


@lru_cache(maxsize=1024)
def _quorums_of(public: FrostPublic, index: int, only: Quorum | None) -> tuple[Quorum, ...]:
    """Give the quorums that holder ``index`` prepares for, in order."""
    _check(public)
    planned.index_of(public, index)
    if only is None:
        return tuple(quorum for quorum in public.quorums if index in quorum)
    planned.check_single(public, only)
    if index not in only:
        raise ParameterError(f"holder {index} is not in the quorum {list(only)}")
    return (only,)


def _usable(algorithm: int, length: int, rows: Sequence[bytes]) -> list[bool]:
    group = suite_of(algorithm).group

    def usable(row: bytes) -> bool:
        try:
            for start in range(0, len(row), group.point_length):
                group.decode(row[start : start + group.point_length])
        except ParameterError:
            return False
        return len(row) == length

    return [usable(row) for row in rows]


def _check(public: FrostPublic) -> None:
    if not isinstance(public, FrostPublic):
        raise ParameterError("the public part is not one of a FROST key")
    check_public(public)
