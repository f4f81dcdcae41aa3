"""FROST: what comes of a nonce that answers more than once, and that it does not."""

from dataclasses import replace

import pytest

from keyquorum.errors import ParameterError, RefusedError
from keyquorum.maths.work import HERE
from keyquorum.threshold.frost_key import FrostShare, suite_of
from keyquorum.threshold.frost_rounds import commit_to, evaluate
from keyquorum.threshold.seam import Answer
from tests.threshold.attacks.adversary import FrostAdversary, true_key
from tests.threshold.attacks.asking import ask, of_key, of_request, with_other_commitments
from tests.threshold.cases import Dealt, dealt_by, messages

each = pytest.mark.parametrize("algorithm", [15, 16], ids=["ed25519", "ed448"])
VICTIM, CORRUPT, OTHERS = 1, 3, (2, 3)


def eve(dealt: Dealt) -> tuple[FrostAdversary, FrostAdversary]:
    """Give the adversary who is nobody, and the one who is holder 3 as well, and lacks one share for the key."""
    return FrostAdversary(dealt), FrostAdversary(dealt, [CORRUPT])


def has_nothing(*adversaries: FrostAdversary) -> bool:
    return all(one.share_of(VICTIM) is None and one.key() is None for one in adversaries)


@each
def test_a_nonce_under_three_commitment_lists_gives_the_share(algorithm: int) -> None:
    """One message: "the same message again" is not a rule that protects."""
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(1)
    lists = [dealt.context(texts), *(with_other_commitments(dealt, dealt.context(texts), OTHERS, j) for j in range(2))]
    store = dealt.store(VICTIM, 1, burning=False)
    outsider, insider = eve(dealt)
    for context in lists:
        assert has_nothing(outsider, insider)
        values = ask(dealt, VICTIM, store, texts, context)
        outsider.hears(VICTIM, texts, context, values)
        insider.hears(VICTIM, texts, context, values)
    assert outsider.share_of(VICTIM) == insider.share_of(VICTIM) == dealt.shares[VICTIM - 1].value
    assert outsider.key() is None
    assert insider.key() == true_key(dealt)


@each
def test_a_nonce_answers_under_one_commitment_list(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(1)
    first = dealt.context(texts)
    store = dealt.store(VICTIM, 1)
    adversaries = eve(dealt)
    values = ask(dealt, VICTIM, store, texts, first)
    for number in range(3):
        with pytest.raises(RefusedError):
            ask(dealt, VICTIM, store, texts, with_other_commitments(dealt, first, OTHERS, number))
        # Nor does it know its answer by the request: the same bytes, not made again.
        assert ask(dealt, VICTIM, store, texts, of_request(first, number)) == values
        for one in adversaries:
            one.hears(VICTIM, texts, first, values)
    assert has_nothing(*adversaries)


@each
def test_three_messages_in_one_slot_give_the_share(algorithm: int) -> None:
    """Two are one equation short of it, which is no comfort."""
    dealt = dealt_by(algorithm, 2, 3)
    store = dealt.store(VICTIM, 1, burning=False)
    outsider, insider = eve(dealt)
    for number in range(3):
        assert has_nothing(outsider, insider)
        texts = messages(1, number)
        context = dealt.context(texts)
        values = ask(dealt, VICTIM, store, texts, context)
        outsider.hears(VICTIM, texts, context, values)
        insider.hears(VICTIM, texts, context, values)
    assert outsider.share_of(VICTIM) == dealt.shares[VICTIM - 1].value
    assert insider.key() == true_key(dealt)


@each
def test_one_message_in_one_slot(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 2, 3)
    store = dealt.store(VICTIM, 1)
    texts = messages(1)
    context = dealt.context(texts)
    ask(dealt, VICTIM, store, texts, context)
    for number in range(1, 4):
        with pytest.raises(RefusedError):
            ask(dealt, VICTIM, store, messages(1, number), context)


def refreshed(dealt: Dealt) -> Dealt:
    """Give the same key with all shares changed by a polynomial through 0."""
    group = suite_of(dealt.public.algorithm).group
    change = (0, *range(7, 6 + dealt.public.threshold))
    committed = zip(dealt.public.commitments[1:], commit_to(group, change[1:]), strict=True)
    points = [group.encode(group.add(group.decode(old), group.decode(new))) for old, new in committed]
    public = replace(dealt.public, commitments=(dealt.public.group_key, *points))
    shares = [
        FrostShare(one.index, group.scalar_add(one.value, evaluate(group, change, one.index))) for one in dealt.shares
    ]
    for index, share in enumerate(shares, 1):
        dealt.scheme.check_share(public, index, share)
    return replace(dealt, public=public, shares=tuple(shares))


@each
def test_a_nonce_before_and_after_a_refresh_gives_the_difference_of_the_shares(algorithm: int) -> None:
    """So whoever had the old share has the new one, and the refresh was for nothing."""
    before = dealt_by(algorithm, 3, 4)
    after = refreshed(before)
    texts = messages(1)
    context = before.context(texts)
    store = before.store(VICTIM, 1, burning=False)
    outsider = FrostAdversary(before)
    for era, dealt in enumerate((before, after)):
        assert outsider.difference_of_shares(VICTIM) is None
        outsider.hears(VICTIM, texts, context, ask(dealt, VICTIM, store, texts, context), era)
    old, new = (dealt.shares[VICTIM - 1].value for dealt in (before, after))
    assert old != new
    assert outsider.difference_of_shares(VICTIM) == (new - old) % outsider.group.order
    assert outsider.share_of(VICTIM) is None


@each
def test_a_nonce_that_answered_does_not_answer_after_a_refresh(algorithm: int) -> None:
    """Not even the same message under the same list: the key record is another one."""
    before = dealt_by(algorithm, 3, 4)
    after = refreshed(before)
    texts = messages(1)
    context = before.context(texts)
    store = before.store(VICTIM, 1)
    ask(before, VICTIM, store, texts, context)
    with pytest.raises(RefusedError):
        ask(after, VICTIM, store, texts, of_key(context))


@each
def test_one_pair_of_nonces_for_all_quorums_gives_the_share_at_the_first_answer(algorithm: int) -> None:
    """Each quorum has another commitment list, so there is a pair for each."""
    dealt = dealt_by(algorithm, 2, 4)
    texts = messages(1)
    context = dealt.context(texts)
    assert context.commitments is not None
    pair = 2 * suite_of(algorithm).group.scalar_length
    points = 2 * suite_of(algorithm).group.point_length
    store = dealt.store(VICTIM, 1)
    assert store is not None
    store.rows[0] = store.rows[0][:pair] * 3
    row = next(iter(context.commitments.rows))
    shared = replace(context, commitments=replace(context.commitments, rows=[row[:points] * 3 + row[3 * points :]]))
    outsider = FrostAdversary(dealt, one_pair=True)
    outsider.hears(VICTIM, texts, shared, ask(dealt, VICTIM, store, texts, shared))
    assert outsider.share_of(VICTIM) == dealt.shares[VICTIM - 1].value
    as_it_is = FrostAdversary(dealt)
    as_it_is.hears(VICTIM, texts, context, ask(dealt, VICTIM, dealt.store(VICTIM, 1), texts, context))
    assert as_it_is.share_of(VICTIM) is None


@each
def test_a_list_without_ones_own_commitments_gets_no_answer(algorithm: int) -> None:
    """RFC 9591 section 5.2 demands it; nothing is used up."""
    dealt = dealt_by(algorithm, 2, 3)
    texts = messages(1)
    context = dealt.context(texts)
    store = dealt.store(VICTIM, 1)
    for anew in ((VICTIM,), (1, 2, 3)):
        with pytest.raises(ParameterError, match="not those to the nonces"):
            ask(dealt, VICTIM, store, texts, with_other_commitments(dealt, context, anew, 0))
    values = ask(dealt, VICTIM, store, texts, context)
    dealt.scheme.check(dealt.public, VICTIM, texts, Answer(values, None), context, HERE)
