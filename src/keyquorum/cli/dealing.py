"""What ``key deal`` and ``escrow recover --to-quorum`` share: deal a key, write what is handed out, say what next."""

from collections.abc import Sequence
from pathlib import Path

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import show_key
from keyquorum.cli.options import directory_at, make_directory
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.maths.safeprimes import expected_candidates
from keyquorum.quorum.dealing import Custody, Dealing, deal
from keyquorum.records.envelope import Signed
from keyquorum.records.kinds import Card
from keyquorum.threshold.seam import Plan, PrivateKey


def targets(out: Path, cards: Sequence[Signed[Card]]) -> list[Path]:
    """Give the files that a dealing writes to ``out``: key.json and one share a holder; refuses what is there."""
    directory_at(out)
    paths = [out / "key.json", *(out / f"{card.record.name}.share" for card in cards)]
    for path in paths:
        if path.exists():
            raise UsageError("this file is there already", where=str(path), do="Deal into an empty directory.")
    return paths


def hand_out(dealer: Person, custody: Custody, plan: Plan, out: Path, existing: PrivateKey | None) -> Dealing:
    """Deal a new key, or the ``existing`` one, write what each holder gets to ``out``, and show the key."""
    paths = targets(out, custody.holders)
    label = "Sharing the key" if existing else _search(plan.bits)
    with world.work(label, "tried") as work:
        dealing = deal(dealer.identity, dealer.card, custody, plan, world.now(), RNG, work, key=existing)
    make_directory(out)
    for path, record in zip(paths[1:], dealing.shares, strict=True):
        write_public(path, record.envelope + b"\n")
    write_public(paths[0], dealing.key.envelope + b"\n")
    show_key(dealing.key)
    terminal.heading("Written")
    terminal.facts(
        [("key.json", f"{paths[0]} (public: publish it)")]
        + [(path.name, f"{path} (sealed to its holder)") for path in paths[1:]]
    )
    return dealing


def after_dealing(*, existing: bool) -> str:
    """Say what the dealer does now."""
    return (
        "give each holder key.json and their own .share, and read them the words of the key id by phone. Each runs "
        "'keyquorum share accept'. No request can be made before all have accepted."
        + (" Keep the existing key where it is until then." if existing else "")
    )


def _search(bits: int) -> str:
    """Say what the search for primes is to be compared with: it has no memory, so nobody knows how much is left."""
    if bits < 128:
        return "Two safe primes"
    return f"Two safe primes; expect about {2 * expected_candidates(bits // 2):,.0f} candidates:"
