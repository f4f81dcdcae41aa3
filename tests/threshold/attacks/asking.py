"""What an adversary can ask of a holder: any messages, under any commitment lists, as often as it likes."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from keyquorum.maths.work import HERE
from keyquorum.threshold.seam import Commitments, Context, MemorySpool, OneTimeScheme
from tests.threshold.cases import CONTEXT, Dealt, seeded
from tests.threshold.stores import MemoryStore


def ask(dealt: Dealt, index: int, store: MemoryStore | None, texts: list[bytes], context: Context) -> list[bytes]:
    """Have holder ``index`` answer; gives the values."""
    values = MemorySpool()
    dealt.scheme.sign(dealt.public, dealt.shares[index - 1], store, texts, context, values, seeded(), HERE)
    return values


def with_other_commitments(dealt: Dealt, context: Context, anew: Collection[int], seed: object) -> Context:
    """Give the request with commitments that the holders ``anew`` made a second time."""
    scheme = cast("OneTimeScheme[Any, Any]", dealt.scheme)
    commitments = context.commitments
    assert commitments is not None
    columns = []
    start = 0
    for maker in commitments.makers:
        length = scheme.row_length(dealt.public, maker, None)
        if maker not in anew:
            columns.append([row[start : start + length] for row in commitments.rows])
        else:
            share, slots = dealt.shares[maker - 1], range(len(commitments.rows))
            made = scheme.prepare(dealt.public, share, slots, None, seeded(seed, maker), HERE)
            columns.append([row.public for row in made])
        start += length
    rows = [b"".join(pieces) for pieces in zip(*columns, strict=True)]
    return with_rows(context, rows)


def with_rows(context: Context, rows: list[bytes], first: int = 0) -> Context:
    """Give the request with other rows, from slot ``first`` on."""
    commitments = context.commitments
    assert commitments is not None
    return replace(context, commitments=Commitments(first, commitments.makers, commitments.quorum, rows))


def of_request(context: Context, number: int) -> Context:
    """Give the same request with another id."""
    return replace(context, request_id=bytes([number]) * 32)


def of_key(context: Context) -> Context:
    """Give the same request under another key record."""
    assert context.key_id == CONTEXT.key_id
    return replace(context, key_id=b"L" * 32)
