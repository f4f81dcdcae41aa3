"""A dishonest dealer meets ``key verify`` and ``share accept``: both say no, and nothing is kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.store import Keystore
from tests.quorum.dealers import Dealt, hand_out, moved, public_of
from tests.quorum.village import Quorum, dealt
from tests.scenarios.scripts import PASSPHRASE
from tests.scenarios.shell import run_here
from tests.threshold.cases import seeded


def swapped(quorum: Quorum) -> Dealt:
    return hand_out(quorum, public_of(quorum), [quorum.shares[1], quorum.shares[0], *quorum.shares[2:]])


def chosen_base(quorum: Quorum) -> Dealt:
    public = public_of(quorum)
    values = tuple(pow(4, share.value, public.n) for share in quorum.shares)
    return hand_out(quorum, replace(public, verification=values), quorum.shares)


def ones(quorum: Quorum) -> Dealt:
    return hand_out(quorum, replace(public_of(quorum), verification=(1,) * 5), quorum.shares)


SEEN_BY_ALL: dict[str, Callable[[Quorum], Dealt]] = {
    "one wrong share": lambda quorum: moved(quorum, lambda index: int(index == 1), published=True),
    "wrong degree": lambda quorum: moved(quorum, lambda index: index**3, published=True),
    "wrong secret": lambda quorum: moved(quorum, lambda _: 1, published=True),
    "a base of its own": chosen_base,
    "ones": ones,
}
SEEN_BY_ALICE: dict[str, Callable[[Quorum], Dealt]] = {
    "her share is wrong": lambda quorum: moved(quorum, lambda index: int(index == 1), published=False),
    "her share is bob's": swapped,
    "sealed to somebody else": lambda quorum: hand_out(
        quorum, public_of(quorum), quorum.shares, recipients=["bob", "bob", "carol", "dave", "erin"]
    ),
}


@pytest.mark.parametrize("name", [*SEEN_BY_ALL, *SEEN_BY_ALICE])
def test_dealer(name: str, tmp_path: Path) -> None:
    quorum = dealt()
    made = (SEEN_BY_ALL | SEEN_BY_ALICE)[name](quorum)
    key, share, keystore = tmp_path / "key.json", tmp_path / "alice.share", tmp_path / "alice.keystore"
    secret, out = tmp_path / "passphrase", tmp_path / "alice.accepted.json"
    key.write_bytes(made.key.envelope + b"\n")
    share.write_bytes(made.shares[0].envelope + b"\n")
    secret.write_text(PASSPHRASE)
    card = Person.new(keystore, "alice", PASSPHRASE.encode(), seeded("villager", "alice"), cost=Cost.TEST)
    assert card.id == quorum.holders[0].card.id

    seen = run_here(["key", "verify", str(key)])
    assert seen.status == (1 if name in SEEN_BY_ALL else 0)
    assert ("The dealing checks" in seen.out) == (name in SEEN_BY_ALICE)
    seen = run_here(
        ["share", "accept", str(share), "--keystore", str(keystore), "--passphrase-file", str(secret),
         "--approve", made.key.id.hex(), "--out", str(out)]
    )  # fmt: skip
    assert seen.status == 1
    assert seen.err.startswith(f"Error: {share}")
    assert "ask" in seen.err.lower()
    assert not out.exists()
    with Keystore.open(keystore, PASSPHRASE.encode()) as store:
        assert not Person(store).shares()
