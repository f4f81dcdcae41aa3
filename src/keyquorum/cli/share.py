"""``keyquorum share``: a holder accepts its share, and prepares one-time material for it."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.dealing import SLOTS_A_YEAR
from keyquorum.cli.key_facts import show_key
from keyquorum.cli.options import FILE, absent, approve_option, passphrase_option, person_at, read_record
from keyquorum.cli.proposals import indices_of, propose, show_proposal
from keyquorum.cli.supplies import names_of
from keyquorum.cli.world import RNG
from keyquorum.errors import RefusedError, UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.keystore.slots import Material
from keyquorum.quorum.commitments import Order, prepare
from keyquorum.quorum.dealing import accept, marks_of, open_share, read_share
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import CARD, KEY_RECORD, MOST_ROWS, Card, KeyRecord
from keyquorum.threshold.one_time import Maker, Quorum, slots_of, told
from keyquorum.threshold.register import scheme_of


@click.group()
def share() -> None:
    """A holder's share of a key."""


@share.command("accept")
@click.argument("file", type=FILE)
@click.option("--keystore", type=FILE, required=True, help="Your keystore; the share will be kept in it.")
@click.option("--out", type=FILE, required=True, help="Where to write the acceptance, NAME.accepted.json.")
@click.option("--new-table", "new", metavar="ID", multiple=True, help="A table dealt since 'keystore restored'.")
@approve_option
@passphrase_option
def accept_command(
    file: Path, keystore: Path, out: Path, new: tuple[str, ...], approve: str | None, passphrase_file: Path | None
) -> None:
    """Check the share in FILE against the published dealing, keep it, and say so in an acceptance.

    Compare the words of the key id with what the dealer reads to you by phone.
    """
    absent(out)
    with ExitStack() as stack:
        stream = stack.enter_context(world.opened(file, "share"))
        with world.naming(file):
            sealed, tables = read_share(stream)
        key = sealed.record.key
        slots = sum(len(table.rows) for table in tables)
        fresh = _named(new, [table.signed.id for table in tables])
        person = stack.enter_context(person_at(keystore, passphrase_file))
        earlier = person.slots.marks(key.id, [table.signed.id for table in tables])
        with (
            world.naming(file),
            world.work("Checking", "slots", total=2 * slots or None, size=None if slots else 0) as work,
        ):
            opened = open_share(sealed, person.identity, tables, work, earlier)
        show_key(key)
        terminal.heading(f"Dealer {key.record.dealer.record.name}, in words")
        terminal.words(key.record.dealer.id)
        terminal.say()
        terminal.say(
            f"Your share {sealed.record.index} of {key.record.public.holders} checks: it belongs to this dealing."
        )
        if slots:
            terminal.say(f"{slots:,} presignatures check: each belongs to this key, and none occurs twice.")
        terminal.agree(f"Did the dealer read you this key id ({spoken(key.id, 3)} ...)?", key.id, approve)
        materials = [
            Material(table.signed, rows, marks_of(key, table))
            for table, rows in zip(opened.tables, opened.secrets, strict=True)
        ]
        person.keep_share(key, opened.share, materials, fresh)
        acceptance = accept(sealed, person.identity, world.now())
        write_public(out, acceptance.envelope + b"\n")
        retired = [table.signed for table in tables if person.slots.retired(table.signed)]
    terminal.facts({"share": f"kept in {keystore}", "acceptance": f"{out} (public)"})
    if retired:
        terminal.say()
        terminal.say(
            "The presignatures are not kept: this keystore was put back from a copy, and they may have answered since "
            "the copy was made. If the dealer made them after that, accept again, with --new-table for each table:",
            style="bold",
        )
        terminal.facts([("table", signed.id.hex()) for signed in retired])
    terminal.next_step(f"send {out} to whoever makes requests. Destroy {file} once all holders have accepted.")


@share.command("prepare")
@click.option("--keystore", type=FILE, required=True, help="Your keystore, with your accepted share.")
@click.option("--slots", type=int, required=True, help="How many: each is used up by one signature.")
@click.option("--key", "file", type=FILE, help="The key record, if you hold shares of several keys.")
@click.option("--requester", help="For whose requests, by name, if the key has several requesters.")
@click.option(
    "--only", metavar="NAME,...", help="For this one quorum, by names, when no quorum of the plan is complete."
)
@click.option("--from-slot", type=int, help="Begin at this slot, and not after those you prepared before.")
@click.option("--a-year", type=int, default=SLOTS_A_YEAR, show_default=True, help="How many will be used in a year.")
@click.option("--out", type=FILE, required=True, help="Where to write your commitments, NAME.commitments.json.")
@passphrase_option
def prepare_command(
    keystore: Path,
    slots: int,
    file: Path | None,
    requester: str | None,
    only: str | None,
    from_slot: int | None,
    a_year: int,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Make nonces in advance (Ed25519, Ed448), so that requests can be answered in one round.

    The nonces stay in your keystore, and each answers once; the commitments to them are public.
    """
    absent(out)
    chosen = read_record(file, KEY_RECORD) if file else None
    with person_at(keystore, passphrase_file) as person:
        key = _key_of(person, chosen)
        lane = _lane(key.record, requester)
        quorum = _quorum(key, only)
        first = person.slots.next_to_prepare(key.id, lane, quorum) if from_slot is None else from_slot
        if slots > MOST_ROWS:
            raise UsageError(f"one file has at most {MOST_ROWS:,} slots", do="Prepare several times.")
        if first is None:
            raise RefusedError(
                f"your keystore was restored, and does not know which slots of {key.record.label} you prepared",
                do="Say from which one on: --from-slot N, beyond all that you ever prepared; the requester knows.",
            )
        order = Order(slots_of(lane, first, slots), quorum, a_year)
        with world.work("Preparing", "slots", size=None if slots > 256 else 0, total=slots) as work:
            made, secrets = prepare(key, person.shares()[key.id], person.identity, order, world.Scratch(), RNG, work)
        # Kept before the commitments leave: a commitment whose nonce is lost can never be answered.
        person.slots.keep_now(Material(made.signed, secrets))
        write_public(out, made.chunks())
    record = made.signed.record
    whose = names_of(key.record, quorum) if quorum else "every quorum of the plan that you are in"
    terminal.facts(
        [
            ("key", key.record.label),
            ("prepared", told(record.slots)),
            ("for requests by", key.record.requesters[lane].record.name),
            ("for", whose),
            ("commitments", f"{out} (public)"),
        ]
    )
    terminal.next_step(f"send {out} to {key.record.requesters[lane].record.name}: request new --commitments.")


_KEY = click.option("--key", "file", type=FILE, required=True, help="The key record there is.")
_BY = click.option("--by", required=True, metavar="NAME,...", help="The holders who deal: as many as the threshold.")
_ORGANISER = click.option("--identity", type=FILE, required=True, help="The organiser's keystore.")
_PROPOSAL = click.option("--out", type=FILE, required=True, help="Where to write the proposal.")


@share.command()
@_KEY
@_BY
@_ORGANISER
@_PROPOSAL
@passphrase_option
def refresh(file: Path, by: str, identity: Path, out: Path, passphrase_file: Path | None) -> None:
    """Propose new shares of the same key to the same people: what leaked of the old ones is worth nothing then."""
    key = read_record(file, KEY_RECORD)
    public = key.record.public
    _propose(key, by, identity, out, passphrase_file, public.threshold, public.answers, key.record.holders, ())


@share.command()
@click.argument("holders", nargs=-1, required=True, type=FILE, metavar="HOLDER...")
@_KEY
@_BY
@click.option("--threshold", type=int, required=True, help="The new M.")
@click.option("--answers", type=int, help="The new R.")
@click.option("--requester", "requesters", type=FILE, multiple=True, help="Card of one who may ask; as before if none.")
@_ORGANISER
@_PROPOSAL
@passphrase_option
def reshare(
    holders: tuple[Path, ...],
    file: Path,
    by: str,
    threshold: int,
    answers: int | None,
    requesters: tuple[Path, ...],
    identity: Path,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Propose shares of the same key for other HOLDERs (cards), another threshold, or both."""
    key = read_record(file, KEY_RECORD)
    cards = tuple(read_record(path, CARD) for path in holders)
    asking = tuple(read_record(path, CARD) for path in requesters)
    _propose(key, by, identity, out, passphrase_file, threshold, answers, cards, asking)


@share.command()
@_KEY
@_BY
@click.option("--for", "loser", required=True, metavar="NAME", help="The holder who lost the share.")
@_ORGANISER
@_PROPOSAL
@passphrase_option
def repair(file: Path, by: str, loser: str, identity: Path, out: Path, passphrase_file: Path | None) -> None:
    """Propose that other holders give one its lost share again, the same as before; nobody else learns it.

    Whoever lost the identity too is another person to the key record: then reshare, with the new card.
    """
    key = read_record(file, KEY_RECORD)
    (lost,) = indices_of(key, loser)
    helpers = tuple(key.record.holders[index - 1] for index in indices_of(key, by))
    _propose(key, by, identity, out, passphrase_file, len(helpers), None, helpers, (), repairs=lost)


def _propose(
    key: Signed[KeyRecord],
    by: str,
    identity: Path,
    out: Path,
    passphrase_file: Path | None,
    threshold: int,
    answers: int | None,
    holders: tuple[Signed[Card], ...],
    requesters: tuple[Signed[Card], ...],
    repairs: int = 0,
) -> None:
    absent(out)
    record = key.record
    with person_at(identity, passphrase_file) as organiser:
        signed = propose(
            organiser,
            algorithm=_eddsa(record),
            zones=record.zones,
            threshold=threshold,
            answers=answers,
            holders=holders,
            requesters=requesters or record.requesters,
            label=record.label,
            old=key,
            dealers=indices_of(key, by),
            repairs=repairs,
        )
        write_public(out, signed.envelope + b"\n")
    show_proposal(signed)
    names = ", ".join(card.record.name for card in signed.record.people())
    terminal.next_step(f"send {out} to {names}. Each runs 'keyquorum dkg answer {out.name}', and so on as in dkg.")


def _eddsa(record: KeyRecord) -> int:
    if scheme_of(record.public).one_time is not Maker.HOLDER:
        raise RefusedError(
            f"{record.label} is not a FROST key, and its shares cannot be shared anew by its holders",
            do="Deal the same key anew from where it is kept: escrow recover --to-quorum, key deal --from.",
        )
    return record.public.algorithm


def _named(texts: Sequence[str], tables: Sequence[bytes]) -> list[bytes]:
    """Give those of ``tables`` (ids) that are named in hexadecimal; UsageError for a name that is none of them."""
    ids = {table.hex(): table for table in tables}
    for text in texts:
        if text.strip().lower() not in ids:
            raise UsageError(f"no table in this share has the id {text}", do=f"There are: {', '.join(ids) or 'none'}.")
    return [ids[text.strip().lower()] for text in texts]


def _key_of(person: Person, chosen: Signed[KeyRecord] | None) -> Signed[KeyRecord]:
    keys = person.keys()
    if chosen is not None:
        if chosen.id not in keys:
            raise UsageError(f"your keystore holds no share of {chosen.record.label}", do="Accept it first.")
        return chosen
    if len(keys) != 1:
        labels = ", ".join(key.record.label for key in keys.values())
        raise UsageError(
            f"your keystore holds shares of {labels or 'no key'}",
            do="Say which one: --key key.json." if keys else "Accept one first: keyquorum share accept.",
        )
    return next(iter(keys.values()))


def _lane(record: KeyRecord, requester: str | None) -> int:
    names = [card.record.name for card in record.requesters]
    if requester is None and len(names) == 1:
        return 0
    if requester not in names:
        raise UsageError(
            f"{requester} makes no requests for {record.label}" if requester else "the key has several requesters",
            do=f"Give --requester with one of: {', '.join(names)}.",
        )
    return names.index(requester)


def _quorum(key: Signed[KeyRecord], only: str | None) -> Quorum | None:
    return None if only is None else indices_of(key, only)
