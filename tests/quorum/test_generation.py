"""A key its holders make, share anew, repair a share of: whoever does not do their part is named, and can be shown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import Any

import dns.name
import pytest

from keyquorum.errors import DealingError, KeyquorumError, MalformedError, NotYetError, RefusedError, ShareError
from keyquorum.identity.keys import seal
from keyquorum.quorum import generation
from keyquorum.quorum.generation import (
    Begun,
    Transcript,
    begin,
    check_key_record,
    complain,
    deal_out,
    judge,
    make_key_record,
    mend,
    mended,
    receive,
    transcript_of,
)
from keyquorum.records.envelope import Signed
from keyquorum.records.generation import KEY_PROPOSAL, ROUND_ONE, ROUND_TWO, Proposal, RoundTwoRecord
from keyquorum.records.keys import KEY_RECORD, KeyRecord
from keyquorum.threshold.frost_key import FrostPublic, FrostShare, suite_of
from keyquorum.threshold.frost_rounds import derive_interpolating_value
from keyquorum.threshold.quorum_plan import make_plan
from tests.quorum.village import NAMES, NOW, Quorum, dealt, villager
from tests.threshold.cases import seeded

Edit = Callable[[Any], Any]


def proposal(
    names: tuple[str, ...] = NAMES[:3],
    threshold: int = 2,
    algorithm: int = 15,
    old: Quorum | None = None,
    dealers: tuple[int, ...] = (),
    repairs: int = 0,
) -> Signed[Proposal]:
    rita = villager("rita")
    plan = make_plan(threshold, len(names))
    return KEY_PROPOSAL.sign(
        Proposal(
            signer=rita.identity.verification_key,
            created=NOW,
            label="made-together",
            zones=(dns.name.from_text("one.example."),),
            algorithm=algorithm,
            threshold=threshold,
            answers=plan.answers,
            quorums=plan.quorums,
            organiser=rita.card,
            holders=tuple(villager(name).card for name in names),
            requesters=(rita.card,),
            old=old.key if old else None,
            dealers=dealers,
            repairs=repairs,
        ),
        rita.identity,
    )


@dataclass(frozen=True)
class Run:
    """A run so far: everybody's round one with its secrets, the transcript, and the dealers' round two."""

    proposal: Signed[Proposal]
    begun: dict[str, Begun]
    transcript: Transcript
    second: dict[str, Signed[RoundTwoRecord]]

    def shares(self) -> dict[str, FrostShare]:
        """Give what each receiver ends up with."""
        return {
            name: receive(self.transcript, list(self.second.values()), villager(name).identity, begun.receiving)
            for name, begun in self.begun.items()
            if self.proposal.record.receiver_of(villager(name).identity.verification_key)
        }

    def key(self) -> Signed[KeyRecord]:
        """Give the key record."""
        return make_key_record(self.transcript, list(self.second.values()), villager("rita").identity)


def begun_by(asked: Signed[Proposal], old: Quorum | None = None) -> dict[str, Begun]:
    found = {}
    for card in asked.record.people():
        person = villager(card.record.name)
        index = asked.record.dealer_of(person.identity.verification_key)
        share = old.shares[index - 1] if old and index else None
        found[person.name] = begin(asked, person.identity, share, seeded("round one", asked.id, person.name))
    return found


def run(asked: Signed[Proposal], old: Quorum | None = None) -> Run:
    begun = begun_by(asked, old)
    transcript = transcript_of(asked, [one.signed for one in begun.values()])
    second = {
        name: deal_out(transcript, villager(name).identity, one.polynomial)
        for name, one in begun.items()
        if one.polynomial
    }
    return Run(asked, begun, transcript, second)


@cache
def generated() -> Run:
    return run(proposal())


def secret_of(public: FrostPublic, shares: dict[int, FrostShare]) -> int:
    """Put the key together, which nobody should."""
    group = suite_of(public.algorithm).group
    total = 0
    for index, share in shares.items():
        total += derive_interpolating_value(group, index, list(shares)) * share.value
    total %= group.order
    assert group.encode(group.multiply_base(total)) == public.group_key
    return total


@pytest.mark.parametrize(
    ("names", "threshold", "algorithm"), [(NAMES[:3], 2, 15), (NAMES[:5], 3, 15), (NAMES[:3], 3, 16)]
)
def test_any_m_of_the_holders_have_the_key_and_nobody_else(
    names: tuple[str, ...], threshold: int, algorithm: int
) -> None:
    made = run(proposal(names, threshold, algorithm))
    key = made.key()
    public = key.record.public
    assert isinstance(public, FrostPublic)
    shares = {share.index: share for share in made.shares().values()}
    for chosen in combinations(shares, threshold):
        secret_of(public, {index: shares[index] for index in chosen})
    check_key_record(made.transcript, key)
    assert key.record.origin.how == "generated"
    assert key.record.origin.transcript == made.transcript.id


@pytest.mark.parametrize("dealers", [(1, 2, 3), (2, 4, 5), (1, 3, 5)])
def test_shared_anew_it_is_the_same_key(dealers: tuple[int, ...]) -> None:
    old = dealt(algorithm=15)
    made = run(proposal(("alice", "carol", "frank", "grace"), 2, old=old, dealers=dealers), old)
    key = made.key()
    public, before = key.record.public, old.key.record.public
    assert isinstance(public, FrostPublic)
    assert isinstance(before, FrostPublic)
    assert public.group_key == before.group_key
    assert public.commitments != before.commitments
    shares = {share.index: share for share in made.shares().values()}
    for chosen in combinations(shares, 2):
        assert secret_of(public, {index: shares[index] for index in chosen}) == secret_of(
            before, {share.index: share for share in old.shares[:3]}
        )
    assert key.record.origin.old == old.key.id


def test_refreshed_no_old_share_fits_to_the_new_ones() -> None:
    old = dealt(algorithm=15)
    made = run(proposal(NAMES[:5], 3, old=old, dealers=(1, 2, 3)), old)
    public = made.key().record.public
    assert isinstance(public, FrostPublic)
    shares = {share.index: share for share in made.shares().values()}
    with pytest.raises(AssertionError):
        secret_of(public, {1: old.shares[0], 2: shares[2], 3: shares[3]})
    secret_of(public, {index: shares[index] for index in (1, 2, 3)})


@pytest.mark.parametrize("lost", [4, 5])
def test_a_share_repaired_is_the_one_that_was_lost(lost: int) -> None:
    old = dealt(algorithm=15)
    made = run(proposal(NAMES[:3], 3, old=old, dealers=(1, 2, 3), repairs=lost), old)
    parts = [mend(made.transcript, villager(name).identity, share) for name, share in made.shares().items()]
    loser = villager(NAMES[lost - 1])
    assert mended(made.transcript, parts, loser.identity) == old.shares[lost - 1]
    with pytest.raises(NotYetError, match="carol"):
        mended(made.transcript, parts[:2], loser.identity)
    with pytest.raises(RefusedError, match="somebody else"):
        mended(made.transcript, parts, villager("alice").identity)
    group = made.transcript.suite.group
    wrong = FrostShare(2, made.shares()["bob"].value + 1 % group.order)
    with pytest.raises(ShareError, match="bob") as caught:
        mended(
            made.transcript,
            [parts[0], mend(made.transcript, villager("bob").identity, wrong), parts[2]],
            loser.identity,
        )
    assert caught.value.culprits == (2,)
    with pytest.raises(RefusedError, match="key record there is"):
        made.key()


def lying(made: Run, liar: str, victim: int, plain: bytes) -> list[Signed[RoundTwoRecord]]:
    """Give round two in which ``liar`` sent ``victim`` something else, properly sealed and signed."""
    person = villager(liar)
    dealer = made.proposal.record.dealer_of(person.identity.verification_key)
    info = generation.SEAL_TAG + made.transcript.id + dealer.to_bytes(2, "big") + victim.to_bytes(2, "big")
    record = made.second[liar].record
    sealed = list(record.sealed)
    sealed[victim - 1] = seal(made.transcript.receiving_keys[victim], plain, info)
    return [
        ROUND_TWO.sign(replace(record, sealed=tuple(sealed)), person.identity) if name == liar else one
        for name, one in made.second.items()
    ]


@pytest.mark.parametrize("plain", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"short", b"x" * 100])
def test_whoever_sends_a_wrong_value_is_shown_to_everybody(plain: bytes) -> None:
    made = generated()
    second = lying(made, "bob", 3, plain)
    carol = villager("carol").identity
    receiving = made.begun["carol"].receiving
    with pytest.raises(ShareError) as caught:
        receive(made.transcript, second, carol, receiving)
    assert caught.value.culprits == (2,)
    complaint = complain(made.transcript, carol, receiving, 2)
    assert judge(made.transcript, second, complaint).culprit == "bob"
    # The others got what they should, and have nothing to complain of.
    alice = villager("alice").identity
    receive(made.transcript, second, alice, made.begun["alice"].receiving)
    accusation = complain(made.transcript, alice, made.begun["alice"].receiving, 2)
    assert judge(made.transcript, second, accusation).culprit == "alice"


def test_an_accusation_with_another_key_falls_back_on_whoever_makes_it() -> None:
    made = generated()
    carol = villager("carol").identity
    for secret in (made.begun["bob"].receiving, bytes(31) + b"\x09"):
        assert (
            judge(made.transcript, list(made.second.values()), complain(made.transcript, carol, secret, 2)).culprit
            == "carol"
        )
    nobody = complain(made.transcript, carol, made.begun["carol"].receiving, 9)
    assert judge(made.transcript, list(made.second.values()), nobody).culprit == "carol"
    with pytest.raises(RefusedError):
        judge(
            made.transcript,
            list(made.second.values()),
            complain(made.transcript, villager("dave").identity, bytes(32), 2),
        )


def first_edited(made: Run, name: str, edit: Edit) -> list[Any]:
    """Give all of round one, with one person's record changed by that person."""
    return [
        ROUND_ONE.sign(edit(one.signed.record), villager(who).identity) if who == name else one.signed
        for who, one in made.begun.items()
    ]


POINT = bytes.fromhex("58" + "66" * 31)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda one: replace(one, commitments=one.commitments[:1]), "commits to 1 coefficients"),
        (lambda one: replace(one, commitments=()), "commits to 0 coefficients"),
        (lambda one: replace(one, commitments=(*one.commitments, POINT)), "commits to 3 coefficients"),
        (lambda one: replace(one, commitments=(POINT, one.commitments[1])), "does not prove"),
        (lambda one: replace(one, commitments=(b"\x01" + bytes(31), one.commitments[1])), "not canonical|group"),
        (lambda one: replace(one, commitments=(bytes(32), one.commitments[1])), "not canonical|group"),
        (lambda one: replace(one, proof=one.proof[:-1]), "another length"),
        (lambda one: replace(one, proof=one.proof[:-1] + b"\xff"), "not below the order"),
        (lambda one: replace(one, proof=POINT + one.proof[32:]), "does not prove"),
    ],
)
def test_a_wrong_round_one_names_its_maker(edit: Edit, what: str) -> None:
    made = generated()
    with pytest.raises(DealingError, match=what) as caught:
        transcript_of(made.proposal, first_edited(made, "bob", edit))
    assert caught.value.culprits == (2,)


def test_a_receiver_without_a_key() -> None:
    made = generated()
    with pytest.raises(RefusedError, match="bob gave no key"):
        transcript_of(made.proposal, first_edited(made, "bob", lambda one: replace(one, receiving_key=b"")))
    dead = first_edited(made, "bob", lambda one: replace(one, receiving_key=bytes(32)))
    transcript = transcript_of(made.proposal, dead)
    with pytest.raises(RefusedError, match="bob") as caught:
        deal_out(transcript, villager("alice").identity, made.begun["alice"].polynomial)
    assert caught.value.culprits == (2,)


def test_somebody_elses_proof_is_no_proof() -> None:
    made = generated()
    other = made.begun["alice"].signed.record
    with pytest.raises(DealingError, match="does not prove") as caught:
        transcript_of(
            made.proposal,
            first_edited(made, "bob", lambda one: replace(one, commitments=other.commitments, proof=other.proof)),
        )
    assert caught.value.culprits == (2,)


def test_rounds_that_are_not_complete_or_not_of_this_run() -> None:
    made, other = generated(), run(proposal(NAMES[:3], 3))
    first = [one.signed for one in made.begun.values()]
    with pytest.raises(NotYetError, match="missing carol"):
        transcript_of(made.proposal, first[:2])
    with pytest.raises(RefusedError, match="another proposal"):
        transcript_of(made.proposal, [*first[:2], other.begun["carol"].signed])
    again = begin(made.proposal, villager("bob").identity, None, seeded("again")).signed
    with pytest.raises(RefusedError, match="bob did round one twice"):
        transcript_of(made.proposal, [*first, again])
    assert transcript_of(made.proposal, [*first, first[0]]).id == made.transcript.id
    second = list(made.second.values())
    with pytest.raises(NotYetError, match="missing alice, carol"):
        receive(made.transcript, second[1:2], villager("bob").identity, made.begun["bob"].receiving)
    with pytest.raises(RefusedError, match="another proposal"):
        receive(made.transcript, [*second, other.second["bob"]], villager("bob").identity, made.begun["bob"].receiving)


def test_nobody_finishes_where_not_everybody_saw_the_same() -> None:
    made = generated()
    shown = first_edited(made, "bob", lambda one: replace(one, receiving_key=made.transcript.receiving_keys[1]))
    other = transcript_of(made.proposal, shown)
    assert other.id != made.transcript.id
    carol = deal_out(other, villager("carol").identity, made.begun["carol"].polynomial)
    second = [made.second["alice"], made.second["bob"], carol]
    for who in ("alice", "bob"):
        with pytest.raises(RefusedError, match="carol signed another round one") as caught:
            receive(made.transcript, second, villager(who).identity, made.begun[who].receiving)
        assert caught.value.culprits == (3,)
    with pytest.raises(RefusedError, match="alice signed another round one"):
        receive(other, second, villager("carol").identity, made.begun["carol"].receiving)
    with pytest.raises(RefusedError):
        make_key_record(made.transcript, second, villager("rita").identity)


def test_a_key_record_that_the_run_does_not_lead_to() -> None:
    made = generated()
    key = made.key()
    rita = villager("rita").identity
    edits: tuple[Edit, ...] = (
        lambda record: replace(record, label="another"),
        lambda record: replace(record, holders=tuple(reversed(record.holders))),
        lambda record: replace(record, origin=replace(record.origin, transcript=bytes(32))),
    )
    for edit in edits:
        with pytest.raises(RefusedError, match="not the one"):
            check_key_record(made.transcript, KEY_RECORD.sign(edit(key.record), rita))
    with pytest.raises(KeyquorumError):
        make_key_record(made.transcript, list(made.second.values()), villager("alice").identity)


def test_an_old_holder_who_deals_something_else_than_its_share() -> None:
    old = dealt(algorithm=15)
    asked = proposal(NAMES[:4], 2, old=old, dealers=(1, 2, 3))
    begun = begun_by(asked, old)
    begun["bob"] = begin(asked, villager("bob").identity, replace(old.shares[1], value=7), seeded("another"))
    with pytest.raises(DealingError, match="bob does not deal its share") as caught:
        transcript_of(asked, [one.signed for one in begun.values()])
    assert caught.value.culprits == (2,)
    with pytest.raises(RefusedError, match="no share"):
        begin(asked, villager("bob").identity, None, seeded("none"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"dealers": (1, 2)}, RefusedError),
        ({"dealers": (1, 2, 9)}, MalformedError),
        ({"dealers": (3, 2, 1)}, MalformedError),
        ({"dealers": (1, 2, 3), "repairs": 3}, MalformedError),
        ({"dealers": (1, 2, 3), "repairs": 6}, MalformedError),
        ({"dealers": (1, 2, 3), "repairs": 4, "threshold": 2}, RefusedError),
        ({"dealers": (1, 2, 3), "repairs": 4, "names": ("alice", "bob", "dave")}, RefusedError),
        ({"dealers": ()}, MalformedError),
        ({"dealers": (1, 2, 3), "algorithm": 16}, RefusedError),
    ],
)
def test_proposals_that_are_none(changes: dict[str, Any], error: type[KeyquorumError]) -> None:
    old = dealt(algorithm=15)
    given: dict[str, Any] = {"names": NAMES[:3], "threshold": 3, "old": old} | changes
    with pytest.raises(error):
        generation.check_proposal(proposal(**given))


@pytest.mark.parametrize("algorithm", [8, 13])
def test_other_keys_are_dealt_anew(algorithm: int) -> None:
    with pytest.raises(RefusedError, match="not a FROST key"):
        generation.check_proposal(proposal(NAMES[:3], 2, old=dealt(algorithm=algorithm), dealers=(1, 2, 3)))


def test_strangers_have_no_part() -> None:
    made = generated()
    for action in (
        lambda: begin(made.proposal, villager("frank").identity, None, seeded()),
        lambda: receive(made.transcript, list(made.second.values()), villager("frank").identity, bytes(32)),
        lambda: mend(made.transcript, villager("alice").identity, FrostShare(1, 1)),
    ):
        with pytest.raises(RefusedError):
            action()
