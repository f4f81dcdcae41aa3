"""What ``key deal`` and ``escrow recover --to-quorum`` share: deal a key, write what is handed out, say what next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dns.dnssectypes import Algorithm

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import show_key
from keyquorum.cli.options import directory_at, make_directory
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.maths.safeprimes import expected_candidates
from keyquorum.maths.work import Work
from keyquorum.quorum.dealing import Custody, Dealing, Ration, deal
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import Card
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Plan, PrivateKey

TABLE_ENDING = ".presignatures"
"""Of the files with a dealer's commitments, each called after the requester it is for."""


SLOTS_A_YEAR = 72
"""What the root would use: 36 bundles a year, each once more in a response for backing out."""
SLOTS = 20 * SLOTS_A_YEAR
"""What a dealer makes unless told otherwise: enough for the planned life of a key."""
_MOST_OF_ALL = 65_536


def ration_of(algorithm: int, slots: int | None, a_year: int | None, first: int = 0) -> Ration | None:
    """Give how much one-time material a dealer makes: as asked for, or for twenty years; None where it makes none."""
    if scheme_for(algorithm).one_time is not Maker.DEALER:
        if slots is not None or a_year is not None:
            raise UsageError(
                f"with {dns_name(algorithm)} the dealer makes no presignatures",
                do="Leave out --slots and --a-year."
                if scheme_for(algorithm).one_time is Maker.NOBODY
                else "Leave out --slots and --a-year; the holders make them: keyquorum share prepare.",
            )
        return None
    count, rate = SLOTS if slots is None else slots, SLOTS_A_YEAR if a_year is None else a_year
    if not 1 <= count <= _MOST_OF_ALL or not 1 <= rate <= _MOST_OF_ALL:
        raise UsageError(f"--slots and --a-year are from 1 to {_MOST_OF_ALL}")
    return Ration(first, count, rate)


def targets(out: Path, cards: Sequence[Signed[Card]]) -> list[Path]:
    """Give the files that a dealing writes to ``out``: key.json and one share a holder; refuses what is there."""
    directory_at(out)
    paths = [out / "key.json", *(out / f"{card.record.name}.share" for card in cards)]
    for path in paths:
        if path.exists():
            raise UsageError("this file is there already", where=str(path), do="Deal into an empty directory.")
    return paths


def hand_out(
    dealer: Person, custody: Custody, plan: Plan, out: Path, existing: PrivateKey | None, ration: Ration | None
) -> Dealing:
    """Deal a new key, or the ``existing`` one, write what each holder gets to ``out``, and show the key."""
    paths = targets(out, custody.holders)
    tables = [out / f"{card.record.name}{TABLE_ENDING}" for card in custody.requesters] if ration else []
    absent_in(out, tables)
    with _dealing_work(plan, ration, len(custody.requesters), existing=existing is not None) as work:
        dealing = deal(
            dealer.identity,
            dealer.card,
            custody,
            plan,
            world.now(),
            RNG,
            work,
            key=existing,
            ration=ration,
            new_file=world.Scratch(),
        )
    make_directory(out)
    write_shares(dealing, paths[1:], tables)
    write_public(paths[0], dealing.key.envelope + b"\n")
    show_key(dealing.key)
    written(paths[1:], tables, first=[("key.json", f"{paths[0]} (public: publish it)")])
    return dealing


def write_shares(dealing: Dealing, shares: Sequence[Path], tables: Sequence[Path]) -> None:
    """Write the files of a dealing besides the key record."""
    for index, path in enumerate(shares, 1):
        write_public(path, dealing.share_file(index))
    for path, table in zip(tables, dealing.tables, strict=True):
        write_public(path, table.chunks())


def written(shares: Sequence[Path], tables: Sequence[Path], first: Sequence[tuple[str, str]] = ()) -> None:
    """Say what was written."""
    terminal.heading("Written")
    terminal.facts(
        [*first]
        + [(path.name, f"{path} (sealed to its holder)") for path in shares]
        + [(path.name, f"{path} (public: for requests by {path.name.removesuffix(TABLE_ENDING)})") for path in tables]
    )


def absent_in(out: Path, paths: Sequence[Path]) -> None:
    """Refuse to write over any of ``paths``."""
    for path in paths:
        if path.exists():
            raise UsageError(
                "this file is there already",
                where=str(path),
                do=f"Choose another directory than {out}, or an empty one.",
            )


_THEN = {
    Maker.NOBODY: "",
    Maker.HOLDER: " Then holders run 'keyquorum share prepare' for those who make requests.",
    Maker.DEALER: f" Whoever makes requests needs their {TABLE_ENDING}.",
}


def after_dealing(maker: Maker, *, existing: bool) -> str:
    """Say what the dealer does now; ``maker`` is who makes the key's one-time material."""
    return (
        "give each holder key.json and their own .share, and read them the words of the key id by phone. Each runs "
        "'keyquorum share accept'. No request can be made before all have accepted."
        + _THEN[maker]
        + (" Keep the existing key where it is until then." if existing else "")
    )


def dns_name(algorithm: int) -> str:
    """Give the name of an algorithm as in the registry."""
    return Algorithm(algorithm).name


@contextmanager
def _dealing_work(plan: Plan, ration: Ration | None, requesters: int, *, existing: bool) -> Iterator[Work]:
    """Give the work of a dealing, with what it is that takes long."""
    if ration is not None:
        with world.work("Making and checking", "slots", total=dealt_steps(ration, requesters, plan.holders)) as work:
            yield work
        return
    searching = plan.bits and not existing
    label = _search(plan.bits) if searching else "Sharing the key"
    with world.work(label, "tried" if searching else "", size=None if plan.bits else 0) as work:
        yield work


def dealt_steps(ration: Ration, requesters: int, holders: int) -> int:
    """Give how often a slot is done in a dealing: made, checked as anybody can, and checked as each holder will."""
    return ration.count * requesters * (2 + holders)


def _search(bits: int) -> str:
    """Say what the search for primes is to be compared with: it has no memory, so nobody knows how much is left."""
    if bits < 128:
        return "Two safe primes"
    return f"Two safe primes; expect about {2 * expected_candidates(bits // 2):,.0f} candidates:"
