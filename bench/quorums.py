"""FROST and ECDSA quorums: what a holder, the dealer, a checker and whoever combines spend on one message.

Everything beside one multiplication of the generator by the library that the group is on. A holder answers for every
quorum of the plan that it is in, so its figures grow with the plan, which is named in the row; combining needs one
quorum.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bench.measure import Options, Row, alternating_medians, seconds
from keyquorum.maths.work import HERE
from keyquorum.threshold import ecdsa_key, frost_key
from keyquorum.threshold.one_time import Make, Maker, Use
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Answer, Commitments, Context, MemorySpool, OneTimeScheme, Plan

MESSAGE_BYTES = 1500
PLANS = ((3, 5, None), (5, 7, None), (7, 14, 10))
ALGORITHMS = {15: "Ed25519", 16: "Ed448", 13: "P-256", 14: "P-384"}
SLOTS = 2
REFERENCE_CALLS = 50


class Unburnt:
    """Material that answers as often as asked: a measurement repeats itself, and nothing of it leaves."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self.rows = rows

    def answer_all(self, uses: Sequence[Use], make: Make) -> Sequence[bytes]:
        """Answer."""
        return make([(place, self.rows[use.slot]) for place, use in enumerate(uses)])


@dataclass(frozen=True)
class Quorum:
    """A dealt key with material for a few slots, and a request's context."""

    scheme: OneTimeScheme[Any, Any]
    public: Any
    shares: tuple[Any, ...]
    undivided: Any
    rows: tuple[bytes, ...]
    secrets: tuple[tuple[bytes, ...], ...]
    context: Context

    def answer(self, index: int, texts: list[bytes]) -> Answer:
        """Give one holder's answer."""
        values = MemorySpool()
        store = Unburnt(self.secrets[index - 1])
        share = self.shares[index - 1]
        self.scheme.sign(self.public, share, store, texts, self.context, values, secrets.token_bytes, HERE)
        return Answer(values, None)


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    for algorithm, name in ALGORITHMS.items():
        for threshold, holders, answers in PLANS:
            yield from _measured(name, Plan(algorithm, 0, threshold, holders, answers), 3 if options.quick else 9)


def _measured(name: str, plan: Plan, repeats: int) -> Iterator[Row]:
    quorum = dealt(plan)
    scheme, public = quorum.scheme, quorum.public
    texts = [secrets.token_bytes(MESSAGE_BYTES) for _ in range(SLOTS)]
    answers = {index: quorum.answer(index, texts) for index in public.quorums[0]}
    index = public.quorums[0][0]
    group = (frost_key if plan.algorithm > 14 else ecdsa_key).suite_of(plan.algorithm).group
    scalar = secrets.randbelow(group.order)
    maker = quorum.shares[index - 1] if scheme.one_time is Maker.HOLDER else quorum.undivided

    def reference() -> None:
        for _ in range(REFERENCE_CALLS):
            group.multiply_base(scalar)

    def combine() -> None:
        scheme.combine(public, texts, answers, quorum.context, lambda _signature: None, HERE)

    figures = alternating_medians(
        [
            reference,
            lambda: scheme.deal(None, plan, secrets.token_bytes, HERE),
            lambda: list(scheme.prepare(public, maker, range(SLOTS), None, secrets.token_bytes, HERE)),
            lambda: quorum.answer(index, texts),
            lambda: scheme.check(public, index, texts, answers[index], quorum.context, HERE),
            combine,
        ],
        repeats,
    )
    least = figures[0] / REFERENCE_CALLS
    mine = len(public.plan.of(index))
    heading = f"{name} {plan.threshold}-of-{plan.holders} any {public.answers}"
    prepared = "a holder prepares a slot" if scheme.one_time is Maker.HOLDER else "the dealer makes a slot"
    quorums = mine if scheme.one_time is Maker.HOLDER else len(public.quorums)
    for what, figure, per in (
        ("deal a key", figures[1], 1),
        (f"{prepared} ({quorums} quorums)", figures[2], SLOTS),
        (f"partial ({mine} quorums)", figures[3], SLOTS),
        (f"check a partial ({mine} quorums)", figures[4], SLOTS),
        ("combine and verify", figures[5], SLOTS),
    ):
        yield Row(f"{heading}: {what}", seconds(figure / per), seconds(least), least / (figure / per))


def dealt(plan: Plan) -> Quorum:
    """Deal a key, and have all material made for a few slots."""
    scheme = cast("OneTimeScheme[Any, Any]", scheme_for(plan.algorithm))
    public, shares, undivided = scheme.deal(None, plan, secrets.token_bytes, HERE)
    makers: list[Any] = list(shares) if scheme.one_time is Maker.HOLDER else [undivided]
    made = [list(scheme.prepare(public, one, range(SLOTS), None, secrets.token_bytes, HERE)) for one in makers]
    public_rows = tuple(b"".join(row.public for row in slot) for slot in zip(*made, strict=True))
    kept = tuple(
        zip(*(tuple(secret for row in slot for secret in row.secrets) for slot in zip(*made, strict=True)), strict=True)
    )
    names = tuple(share.index for share in shares) if scheme.one_time is Maker.HOLDER else ()
    context = Context(b"K" * 32, b"R" * 32, Commitments(0, names, None, public_rows))
    return Quorum(scheme, public, shares, undivided, public_rows, kept, context)
