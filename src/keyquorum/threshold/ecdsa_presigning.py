"""Presignatures: what the dealer of an ECDSA key makes in advance, one for each quorum and slot.

k is derived from the key and fresh randomness, R = kG, u = 1/k, v = x/k; u and v are split additively among the
holders of the quorum, and U_i = u_i R, V_i = v_i R are public. Whoever looks at the table knows: the sum of the U_i is
G and that of the V_i is X, so that the shares belong to this key and to this R. A row is, quorum by quorum in the
order of the plan, R and then U_i and V_i of each holder, compressed; a holder's secret row u_i and v_i for each quorum
it is in.

Refused: a point that is none, sums that are not those, an R whose x occurs twice: two messages signed with one k give
the key away, and a repeated R passes the sums. Nothing here is ever shared by two quorums: two disjoint quorums that
are given different messages would reveal the key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from keyquorum.errors import DealingError, KeyquorumError, ParameterError, ShareError
from keyquorum.maths import constant_time
from keyquorum.maths.groups import Point, random_scalar
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import expand, fixed
from keyquorum.maths.weierstrass import Weierstrass
from keyquorum.maths.work import Work
from keyquorum.threshold.ecdsa_key import EcdsaPublic, key_point, suite_of
from keyquorum.threshold.one_time import MARK_LENGTH, Quorum, Row, number_of
from keyquorum.threshold.seam import Stream

_SALT = 64
_MARGIN_BITS = 128
_SIDES = 2
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Presignature:
    """The public part of one presignature, encoded: R, and U_i and V_i of each holder of the quorum, in its order."""

    R: bytes
    sides: tuple[tuple[bytes, bytes], ...]


def row_length(public: EcdsaPublic) -> int:
    """Give the length in bytes of one public row."""
    return len(public.quorums) * _presignature_length(public)


def presignature_in(public: EcdsaPublic, row: bytes, place: int) -> Presignature:
    """Give the presignature of the quorum at ``place`` of the plan out of a row."""
    length, start = suite_of(public.algorithm).group.point_length, place * _presignature_length(public)
    points = [row[start + at * length : start + (at + 1) * length] for at in range(1 + _SIDES * public.threshold)]
    return Presignature(points[0], tuple(zip(points[1::2], points[2::2], strict=True)))


def secrets_in(public: EcdsaPublic, index: int, secret: bytes, quorum: Quorum) -> tuple[int, int]:
    """Give u_i and v_i of holder ``index`` for one quorum out of its secret row."""
    group = suite_of(public.algorithm).group
    place = sum(index in other for other in public.quorums[: public.quorums.index(quorum)])
    start = _SIDES * group.scalar_length * place
    middle = start + group.scalar_length
    return group.decode_scalar(secret[start:middle]), group.decode_scalar(secret[middle : middle + group.scalar_length])


def present(public: EcdsaPublic, key: int, slots: range, rng: Rng, work: Work) -> Iterator[Row]:
    """Make the presignatures of each slot, for every quorum of the plan.

    Each takes from ``rng`` 64 bytes for k, and what ``random_scalar`` takes for each of the 2 (M - 1) shares drawn.
    """
    suite = suite_of(public.algorithm)
    tasks = (
        _Task(public, key, slot, tuple(_drawn(suite.group, public.threshold, rng) for _ in public.quorums))
        for slot in slots
    )
    yield from work.map(_make_all, tasks, batch=_BATCH)


def check_rows(public: EcdsaPublic, slots: range, rows: Stream, work: Work) -> None:
    """Check a table as anybody can, repeated R included; raises DealingError, naming the slot."""
    seen: set[bytes] = set()
    judged = work.map(partial(_judge_all, public), rows, batch=_BATCH)
    for slot, row, fault in zip(slots, rows, judged, strict=True):
        if fault:
            raise _bad(slot, fault)
        for mark in marks(public, row):
            if mark in seen:
                raise _bad(slot, "an R occurs a second time")
            seen.add(mark)


def check_secret_rows(public: EcdsaPublic, index: int, slots: range, rows: Stream, secrets: Stream, work: Work) -> None:
    """Check, as holder ``index``, that the secret rows belong to the public ones; raises ShareError."""
    pairs = zip(rows, secrets, strict=True)
    judged = work.map(partial(_judge_secrets, public, index), pairs, batch=_BATCH)
    for slot, good in zip(slots, judged, strict=True):
        if not good:
            raise ShareError(
                f"the secrets of slot {number_of(slot)} do not belong to the published presignatures",
                where=f"share of holder {index}",
                do="Do not accept it; ask the dealer for a share that checks.",
            )


def marks(public: EcdsaPublic, row: bytes) -> Iterator[bytes]:
    """Give the end of the x of every R in a row: what must never occur twice for a key (R and -R have the same x)."""
    for place in range(len(public.quorums)):
        yield presignature_in(public, row, place).R[-MARK_LENGTH:]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The randomness of one presignature."""

    salt: bytes = field(repr=False)
    u: tuple[int, ...] = field(repr=False)
    v: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Task:
    """One slot to be made; it goes to a worker, which holds the key for as long."""

    public: EcdsaPublic
    key: int = field(repr=False)
    slot: int
    drawn: tuple[_Drawn, ...] = field(repr=False)


def _drawn(group: Weierstrass, threshold: int, rng: Rng) -> _Drawn:
    salt = rng(_SALT)
    u = tuple(random_scalar(group, rng) for _ in range(threshold - 1))
    return _Drawn(salt, u, tuple(random_scalar(group, rng) for _ in range(threshold - 1)))


def _make_all(tasks: Sequence[_Task]) -> list[Row]:
    return [_make(task) for task in tasks]


def _make(task: _Task) -> Row:
    public = task.public
    group = suite_of(public.algorithm).group
    secrets: dict[int, list[bytes]] = {index: [] for index in range(1, public.holders + 1)}
    published = []
    for quorum, drawn in zip(public.quorums, task.drawn, strict=True):
        k = _nonce(group, task, quorum, drawn.salt)
        u = group.scalar_invert(k)
        us = _split(group, u, drawn.u)
        vs = _split(group, group.scalar_multiply(task.key, u), drawn.v)
        published.append(group.encode(group.multiply_base(k)))
        for index, u_i, v_i in zip(quorum, us, vs, strict=True):
            published += [group.encode(group.multiply_base(group.scalar_multiply(one, k))) for one in (u_i, v_i)]
            secrets[index].append(group.encode_scalar(u_i) + group.encode_scalar(v_i))
    return Row(b"".join(published), tuple(b"".join(rows) for rows in secrets.values()))


def _nonce(group: Weierstrass, task: _Task, quorum: Quorum, salt: bytes) -> int:
    """Give k, of the key, the salt, the quorum and the slot: a poor rng alone does not give it away."""
    bits = group.order.bit_length() + _MARGIN_BITS
    k = expand(
        "keyquorum/ecdsa/k/v1",
        bits,
        group.encode_scalar(task.key),
        salt,
        bytes(quorum),
        fixed(task.slot, 8),
    )
    return 1 + constant_time.reduce(constant_time.to_bytes(k, bits // 8), group.order - 1)


def _split(group: Weierstrass, secret: int, drawn: Sequence[int]) -> list[int]:
    """Give additive shares of a secret: those drawn, and what is left for the last."""
    rest = secret
    for one in drawn:
        rest = group.scalar_add(rest, group.order - one)
    if rest == 0:
        raise ParameterError("the randomness given makes a share that is nothing", do="Deal again.")
    return [*drawn, rest]


def _judge_all(public: EcdsaPublic, rows: Sequence[bytes]) -> list[str]:
    return [_judge(public, row) for row in rows]


def _judge(public: EcdsaPublic, row: bytes) -> str:
    """Say what is wrong with a row; nothing if all is right."""
    group = suite_of(public.algorithm).group
    if len(row) != row_length(public):
        return "the row has another length than the plan has quorums"
    for place, quorum in enumerate(public.quorums):
        presignature = presignature_in(public, row, place)
        try:
            group.decode(presignature.R)
            sides = [[group.decode(point) for point in side] for side in zip(*presignature.sides, strict=True)]
        except ParameterError as error:
            return f"quorum {list(quorum)}: {error.what}"
        for side, expected, name in zip(sides, (group.generator, key_point(public)), ("U", "V"), strict=True):
            if not group.equal(_sum(group, side), expected):
                return f"quorum {list(quorum)}: the {name} of its holders do not add up to this key's"
    return ""


def _judge_secrets(public: EcdsaPublic, index: int, pairs: Sequence[tuple[bytes, bytes]]) -> list[bool]:
    return [_belong(public, index, row, secret) for row, secret in pairs]


def _belong(public: EcdsaPublic, index: int, row: bytes, secret: bytes) -> bool:
    group = suite_of(public.algorithm).group
    for place, quorum in enumerate(public.quorums):
        if index not in quorum:
            continue
        presignature = presignature_in(public, row, place)
        try:
            R = group.decode(presignature.R)
            mine = secrets_in(public, index, secret, quorum)
        except KeyquorumError:
            return False
        for scalar, point in zip(mine, presignature.sides[quorum.index(index)], strict=True):
            if scalar == 0 or group.encode(group.multiply(scalar, R)) != point:
                return False
    return True


def _bad(slot: int, what: str) -> DealingError:
    return DealingError(
        f"the presignatures of slot {number_of(slot)}: {what}",
        where="table",
        do="Do not accept them; ask the dealer to deal again.",
    )


def _sum(group: Weierstrass, points: Sequence[Point]) -> Point:
    return group.sum_of([1] * len(points), points)


def _presignature_length(public: EcdsaPublic) -> int:
    return (1 + _SIDES * public.threshold) * suite_of(public.algorithm).group.point_length
