"""A coordinator who shows different messages to different holders: every split of 3 of 5, random ones of 7 of 14.

As it is, what all holders release in all their quorums, together with all that M-1 of them know, does not determine
the key, however the messages are split: each quorum has an honest member, which answers one message, and its u, v or
nonces are in no other equation. With the burn rule off, or with one presignature for all quorums, it does.
"""

from collections.abc import Iterable
from functools import cache
from itertools import combinations, product
from random import Random

import pytest

from keyquorum.errors import RefusedError
from keyquorum.maths.groups import random_scalar
from keyquorum.threshold.ecdsa_key import suite_of
from keyquorum.threshold.frost_rounds import evaluate
from tests.threshold.attacks.adversary import Adversary, adversary, shifted_of, true_key
from tests.threshold.attacks.asking import ask, with_other_commitments
from tests.threshold.attacks.equations import Equations
from tests.threshold.cases import Dealt, dealt_by, messages, seeded

each = pytest.mark.parametrize("algorithm", [13, 14, 15, 16], ids=["p256", "p384", "ed25519", "ed448"])
each_large = pytest.mark.parametrize("algorithm", [13, 15], ids=["p256", "ed25519"])
MESSAGES = 3
Split = tuple[int, ...]
"""Which message each holder is shown first, by index."""


@cache
def released(dealt: Dealt, index: int, first: int) -> list[bytes]:
    """Have a holder answer message ``first``, and then be shown all others, which it refuses; gives its answer."""
    store = dealt.store(index, 1)
    texts = messages(1, first)
    values = ask(dealt, index, store, texts, dealt.context(texts))
    for other in range(MESSAGES):
        if other != first:
            with pytest.raises(RefusedError):
                ask(dealt, index, store, messages(1, other), dealt.context(texts))
    return values


@cache
def unburnt(dealt: Dealt, index: int, number: int) -> list[bytes]:
    """Give the answer of a holder that burns nothing."""
    texts = messages(1, number)
    return ask(dealt, index, dealt.store(index, 1, burning=False), texts, dealt.context(texts))


def after(dealt: Dealt, split: Split, corrupt: Iterable[int]) -> Adversary:
    """Give the adversary after all honest holders have answered what they were shown."""
    found = adversary(dealt, corrupt)
    for index, first in enumerate(split, 1):
        if index not in corrupt:
            texts = messages(1, first)
            found.hears(index, texts, dealt.context(texts), released(dealt, index, first))
    return found


@each
def test_no_split_of_three_of_five_gives_the_key(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 3, 5)
    for split in product(range(2), repeat=5):
        # Whoever has fewer of them knows less.
        for corrupt in combinations(range(1, 6), 2):
            assert after(dealt, split, corrupt).key() is None


@each_large
def test_random_splits_of_seven_of_fourteen_do_not_give_the_key(algorithm: int) -> None:
    dealt = dealt_by(algorithm, 7, 14, 10)
    chance = Random(f"splits {algorithm}")
    for _ in range(12):
        split = tuple(chance.randrange(2) for _ in range(14))
        assert after(dealt, split, chance.sample(range(1, 15), 6)).key() is None


@pytest.mark.parametrize("algorithm", [15, 16], ids=["ed25519", "ed448"])
def test_no_split_of_commitment_lists_gives_the_key(algorithm: int) -> None:
    """One message; the corrupt ones commit twice, and the others are shown the one list or the other."""
    dealt = dealt_by(algorithm, 3, 5)
    texts, corrupt, honest = messages(1), (2, 4), (1, 3, 5)
    first = dealt.context(texts)
    lists = (first, with_other_commitments(dealt, first, corrupt, "splits"))
    answers = {
        (index, place): ask(dealt, index, dealt.store(index, 1), texts, context)
        for index, (place, context) in product(honest, enumerate(lists))
    }
    for split in product(range(2), repeat=3):
        insider = adversary(dealt, corrupt)
        for index, place in zip(honest, split, strict=True):
            insider.hears(index, texts, lists[place], answers[index, place])
        assert insider.key() is None


@each
def test_one_corrupt_holder_more_has_the_key(algorithm: int) -> None:
    """So the test above would notice: with M of them the same equations do give the key."""
    dealt = dealt_by(algorithm, 3, 5)
    for corrupt in combinations(range(1, 6), 3):
        assert after(dealt, (0, 1, 0, 1, 0), corrupt).key() == true_key(dealt)


@each
def test_without_the_burn_rule_every_message_more_brings_the_key_nearer(algorithm: int) -> None:
    """ECDSA: two messages, whoever asks. FROST: three, and M-1 corrupt holders besides, or M victims."""
    dealt = dealt_by(algorithm, 3, 5)
    outsider, insider = adversary(dealt), adversary(dealt, [4, 5])
    enough = 2 if dealt.scheme.name == "ecdsa" else 3
    for number in range(enough):
        assert outsider.key() is None
        assert insider.key() is None
        texts = messages(1, number)
        for index in (1, 2, 3):
            outsider.hears(index, texts, dealt.context(texts), unburnt(dealt, index, number))
        insider.hears(1, texts, dealt.context(texts), unburnt(dealt, 1, number))
    assert outsider.key() == insider.key() == true_key(dealt)


@pytest.mark.parametrize("algorithm", [13, 14], ids=["p256", "p384"])
def test_one_presignature_for_all_quorums_and_the_splits_that_give_the_key(algorithm: int) -> None:
    """Nobody answers twice, and yet: the key follows if M, corrupt ones included, can answer each message."""
    dealt = dealt_by(algorithm, 3, 5)
    group, rng = suite_of(algorithm).group, seeded("one for all", algorithm)
    key, k = true_key(dealt), random_scalar(group, rng)
    row = group.encode(group.multiply_base(k))
    secrets = {
        side: (constant, random_scalar(group, rng), random_scalar(group, rng))
        for side, constant in (("u", group.scalar_invert(k)), ("v", key * pow(k, -1, group.order) % group.order))
    }
    shifts = [shifted_of(dealt.public, messages(1, number)[0], row, dealt.public.quorums[0]) for number in range(2)]
    found = set()
    for split, corrupt in product(product(range(2), repeat=5), combinations(range(1, 6), 2)):
        equations = Equations(group.order)
        able = [2, 2]
        for index, number in enumerate(split, 1):
            sides = {side: {(side, power): index**power for power in range(3)} for side in "uv"}
            has = {side: evaluate(group, secrets[side], index) for side in "uv"}
            if index in corrupt:
                for side in "uv":
                    equations.learn(sides[side], has[side])
                continue
            able[number] += 1
            m, r = shifts[number].m, shifts[number].r
            equations.learn(
                {one: m * factor for one, factor in sides["u"].items()}
                | {one: r * factor for one, factor in sides["v"].items()},
                m * has["u"] + r * has["v"],
            )
        u, v = (equations.value_of({(side, 0): 1}) for side in "uv")
        assert (u is not None and v is not None) == (min(able) >= 3)
        if u is not None and v is not None:
            found.add(v * pow(u, -1, group.order) % group.order)
    assert found == {key}
