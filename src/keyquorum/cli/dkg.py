"""``keyquorum dkg``: a key that its holders make together, share anew, or mend a share of; rounds of files."""

from pathlib import Path
from typing import Any

import click

from keyquorum.cli import terminal, world
from keyquorum.cli.key_facts import ALGORITHMS, show_key
from keyquorum.cli.options import (
    FILE,
    absent,
    approve_option,
    passphrase_option,
    person_at,
    read_record,
    read_records,
    zones_of,
)
from keyquorum.cli.proposals import propose, show_proposal
from keyquorum.cli.world import RNG
from keyquorum.errors import RefusedError, ShareError, UsageError
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.quorum.dealing import accept_key
from keyquorum.quorum.generation import (
    Transcript,
    begin,
    check_key_record,
    complain,
    judge,
    make_key_record,
    mend,
    mended,
    receive,
    transcript_of,
)
from keyquorum.records.envelope import Signed
from keyquorum.records.generation import COMPLAINT, KEY_PROPOSAL, MENDING, ROUND_ONE, ROUND_TWO, Proposal
from keyquorum.records.keys import CARD, KEY_RECORD, KeyRecord
from keyquorum.threshold.frost_key import FrostShare

_EDDSA = [name for name, number in ALGORITHMS.items() if number in {15, 16}]


@click.group()
def dkg() -> None:
    """A key that nobody deals: its holders make it together, in rounds of files (Ed25519, Ed448)."""


@dkg.command()
@click.argument("holders", nargs=-1, required=True, type=FILE, metavar="HOLDER...")
@click.option("--algorithm", required=True, type=click.Choice(_EDDSA), help="The DNSSEC algorithm.")
@click.option("--zone", metavar="NAME", help="The zone the key may sign.")
@click.option("--zones", type=FILE, help="A file with the zones the key may sign, one name a line.")
@click.option("--threshold", type=int, required=True, help="M: how many holders make a signature.")
@click.option("--answers", type=int, help="R: how many holders' answers always suffice; at least M.")
@click.option("--identity", type=FILE, required=True, help="The organiser's keystore.")
@click.option("--requester", "requesters", type=FILE, multiple=True, help="Card of one who may ask.")
@click.option("--label", default="", help="What the key is called in responses (keyIdentifier).")
@click.option("--out", type=FILE, required=True, help="Where to write the proposal.")
@passphrase_option
def start(
    holders: tuple[Path, ...],
    algorithm: str,
    zone: str | None,
    zones: Path | None,
    threshold: int,
    answers: int | None,
    identity: Path,
    requesters: tuple[Path, ...],
    label: str,
    out: Path,
    passphrase_file: Path | None,
) -> None:
    """Propose a key to its HOLDERs (cards), who then make it themselves. The organiser learns no secret."""
    absent(out)
    names = zones_of(zone, zones)
    cards = tuple(read_record(path, CARD) for path in holders)
    asking = tuple(read_record(path, CARD) for path in requesters)
    with person_at(identity, passphrase_file) as organiser:
        signed = propose(
            organiser,
            algorithm=ALGORITHMS[algorithm],
            zones=names,
            threshold=threshold,
            answers=answers,
            holders=cards,
            requesters=asking or (organiser.card,),
            label=label or f"quorum-{names[0].to_text().strip('.') or 'root'}",
        )
        write_public(out, signed.envelope + b"\n")
    show_proposal(signed)
    terminal.next_step(
        f"send {out} to every holder and read them the words by phone. Each runs 'keyquorum dkg answer {out.name}'."
    )


@dkg.command()
@click.argument("proposal", type=FILE)
@click.argument("round_one", type=FILE, nargs=-1, metavar="[ROUND-ONE...]")
@click.option("--keystore", type=FILE, required=True, help="Your keystore.")
@click.option("--out", type=FILE, required=True, help="Where to write your part of this round.")
@approve_option
@passphrase_option
def answer(
    proposal: Path,
    round_one: tuple[Path, ...],
    keystore: Path,
    out: Path,
    approve: str | None,
    passphrase_file: Path | None,
) -> None:
    """Answer a PROPOSAL: round one with the proposal alone, round two with everybody's ROUND-ONE."""
    absent(out)
    signed: Signed[Proposal] = read_record(proposal, KEY_PROPOSAL)
    with person_at(keystore, passphrase_file) as person:
        if not round_one:
            _round_one(signed, person, out, approve)
            return
        transcript = transcript_of(signed, read_records(round_one, [ROUND_ONE])[ROUND_ONE.name])
        _own_round_one(person, transcript)
        if not signed.record.dealer_of(person.identity.verification_key):
            raise RefusedError(
                "you deal nothing in this run, and have no part in round two", do="Wait for it, then run dkg finish."
            )
        write_public(out, person.deal_out(transcript).envelope + b"\n")
    terminal.facts({"round two": f"{out} (public: each value is sealed to its receiver)"})
    terminal.heading("All of round one, in words; everybody has to have the same")
    terminal.words(transcript.id)
    terminal.next_step(f"publish {out}. When all have, each runs 'keyquorum dkg finish'.")


@dkg.command("finish")
@click.argument("proposal", type=FILE)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--identity", type=FILE, help="The organiser's keystore: write the key record.")
@click.option("--keystore", type=FILE, help="Your keystore: take your share.")
@click.option("--key", "key_file", type=FILE, help="The key record that the organiser wrote (with --keystore).")
@click.option("--out", type=FILE, required=True, help="key.json, NAME.accepted.json, or your part of a repaired share.")
@approve_option
@passphrase_option
def finish_command(
    proposal: Path,
    files: tuple[Path, ...],
    identity: Path | None,
    keystore: Path | None,
    key_file: Path | None,
    out: Path,
    approve: str | None,
    passphrase_file: Path | None,
) -> None:
    """Finish a run with all FILEs of rounds one and two: first the organiser, then each holder."""
    absent(out)
    if (identity is None) == (keystore is None):
        raise UsageError("say who you are", do="Give --identity as the organiser, or --keystore as a holder.")
    signed: Signed[Proposal] = read_record(proposal, KEY_PROPOSAL)
    came = read_records(files, [ROUND_ONE, ROUND_TWO, MENDING])
    transcript = transcript_of(signed, came[ROUND_ONE.name])
    if identity is not None:
        with person_at(identity, passphrase_file) as organiser:
            key = make_key_record(transcript, came[ROUND_TWO.name], organiser.identity)
            write_public(out, key.envelope + b"\n")
        show_key(key)
        terminal.facts({"key.json": f"{out} (public: publish it)"})
        terminal.next_step(
            f"send {out} to every holder. Each runs 'keyquorum dkg finish ... --keystore F --key {out.name}'."
        )
        return
    assert keystore is not None  # noqa: S101
    with person_at(keystore, passphrase_file) as person:
        if signed.record.repairs:
            _repair(transcript, came, person, out)
        else:
            _take(transcript, came, person, read_key(key_file), out, approve)


@dkg.command("judge")
@click.argument("proposal", type=FILE)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
def judge_command(proposal: Path, files: tuple[Path, ...]) -> int:
    """Judge a complaint, as anybody can: FILEs are rounds one and two, and the complaint. Exit status 1."""
    signed: Signed[Proposal] = read_record(proposal, KEY_PROPOSAL)
    came = read_records(files, [ROUND_ONE, ROUND_TWO, COMPLAINT])
    if not came[COMPLAINT.name]:
        raise UsageError("there is no complaint among the files", do="Give NAME.complaint.json too.")
    transcript = transcript_of(signed, came[ROUND_ONE.name])
    for complaint in came[COMPLAINT.name]:
        judgement = judge(transcript, came[ROUND_TWO.name], complaint)
        terminal.say(f"{judgement.culprit} is to blame: {judgement.why}.", style="bold red")
    terminal.next_step("start anew without whoever is to blame: the values of this run are no secret any more.")
    return 1


def read_key(path: Path | None) -> Signed[KeyRecord]:
    """Read the key record that a holder finishes with."""
    if path is None:
        raise UsageError("the key record is missing", do="Give --key key.json, as the organiser wrote it.")
    signed: Signed[KeyRecord] = read_record(path, KEY_RECORD)
    return signed


def _round_one(signed: Signed[Proposal], person: Person, out: Path, approve: str | None) -> None:
    show_proposal(signed)
    record = signed.record
    done = person.round_one(signed.id)
    if done is None:
        terminal.agree(
            f"Did {record.organiser.record.name} read you these words, and will you take part?", signed.id, approve
        )
        share: Any = person.shares().get(record.old.id) if record.old is not None else None
        begun = begin(signed, person.identity, share, RNG)
        person.keep_round_one(begun)
        done = begun.signed
    write_public(out, done.envelope + b"\n")
    terminal.facts({"round one": f"{out} (public)"})
    names = ", ".join(card.record.name for card in record.people())
    terminal.next_step(
        f"publish {out}. When {names} have published theirs, run 'keyquorum dkg answer' again, with all of them."
    )


def _own_round_one(person: Person, transcript: Transcript) -> None:
    """Refuse a round one in which one's own part is not the one that this keystore made."""
    if person.round_one(transcript.proposal.id) is None:
        raise RefusedError("your keystore did no round one of this proposal", do="Run dkg answer with it alone first.")


def _take(
    transcript: Transcript,
    came: dict[str, list[Signed[Any]]],
    person: Person,
    key: Signed[KeyRecord],
    out: Path,
    approve: str | None,
) -> None:
    check_key_record(transcript, key)
    share = _received(transcript, came, person, out)
    show_key(key)
    terminal.say()
    terminal.say(
        f"Your share {share.index} of {key.record.public.holders} checks: everybody dealt what they committed to."
    )
    terminal.agree("Is this the key id that the organiser read to you?", key.id, approve)
    person.keep_share(key, share)
    write_public(out, accept_key(key, person.identity, world.now()).envelope + b"\n")
    terminal.facts({"share": "kept in your keystore", "acceptance": f"{out} (public)"})
    old = transcript.proposal.record.old
    terminal.next_step(
        f"send {out} to whoever makes requests."
        + (
            f" The old shares of {old.record.label} still sign until they are destroyed: once all have accepted, "
            "each old holder runs 'keyquorum keystore forget' with the old key record."
            if old is not None
            else ""
        )
    )


def _received(transcript: Transcript, came: dict[str, list[Signed[Any]]], person: Person, out: Path) -> FrostShare:
    receiving = person.receiving(transcript.proposal.id)
    try:
        return receive(transcript, came[ROUND_TWO.name], person.identity, receiving)
    except ShareError as error:
        path = out.with_name(f"{person.name}.complaint.json")
        absent(path)
        complaint = complain(transcript, person.identity, receiving, error.culprits[0])
        write_public(path, complaint.envelope + b"\n")
        error.do = f"Your complaint is in {path}: publish it, and anybody can see who lied: keyquorum dkg judge."
        raise


def _repair(transcript: Transcript, came: dict[str, list[Signed[Any]]], person: Person, out: Path) -> None:
    record = transcript.proposal.record
    if record.receiver_of(person.identity.verification_key):
        share = _received(transcript, came, person, out)
        write_public(out, mend(transcript, person.identity, share).envelope + b"\n")
        terminal.facts({"part": f"{out} (sealed to whoever lost the share)"})
        terminal.next_step(f"send {out} to whoever lost the share.")
        return
    share = mended(transcript, came[MENDING.name], person.identity)
    assert record.old is not None  # noqa: S101
    person.keep_share(record.old, share)
    write_public(out, accept_key(record.old, person.identity, world.now()).envelope + b"\n")
    terminal.facts(
        {"share": f"share {share.index} of {record.old.record.label}, kept", "acceptance": f"{out} (public)"}
    )
    terminal.next_step(
        "prepare new nonces, from a slot on that you never prepared before: keyquorum share prepare --from-slot N."
    )
