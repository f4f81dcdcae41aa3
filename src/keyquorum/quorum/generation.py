"""A key made by its holders, shared anew, or a share of it repaired: round after round, over signed records.

``threshold.frost_dkg`` has the mathematics and ``records.generation`` what passes between people. What everybody can
check is checked by everybody at each step: who signed, that all speak of the same proposal and of the same round one,
that commitments and proofs hold, and, where there is an old key, that each dealer deals its share of that one. Nobody
finishes unless all dealers signed the same transcript. Who is to blame is named, and for a wrong value everybody can be
shown (``complain``, ``judge``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyquorum.errors import DealingError, KeyquorumError, MalformedError, NotYetError, RefusedError, ShareError
from keyquorum.identity.keys import KEY_LENGTH, Identity, seal, sealing_public_key_of, unseal
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import digest
from keyquorum.records.envelope import Signed
from keyquorum.records.generation import (
    COMPLAINT,
    MENDING,
    ROUND_ONE,
    ROUND_TWO,
    Complaint,
    MendingRecord,
    Proposal,
    RoundOneRecord,
    RoundTwoRecord,
)
from keyquorum.records.keys import KEY_RECORD, Card, KeyRecord, Origin
from keyquorum.threshold.frost_dkg import (
    Polynomial,
    RoundOne,
    check_round_one,
    check_share,
    decoded,
    finish,
    group_commitments,
    random_polynomial,
    round_one,
    share_for,
)
from keyquorum.threshold.frost_key import FrostPublic, FrostShare, check_public, suite_of, verification_shares
from keyquorum.threshold.frost_rounds import derive_interpolating_value, verification_share
from keyquorum.threshold.frost_suite import Suite
from keyquorum.threshold.quorum_plan import QuorumPlan, check_plan

SEAL_TAG = b"keyquorum/generation/seal/v1"
MEND_TAG = b"keyquorum/mending/seal/v1"


@dataclass(frozen=True, slots=True)
class Begun:
    """Round one of one person: the record, and the secrets to keep: a dealer's polynomial, a receiver's private key."""

    signed: Signed[RoundOneRecord]
    polynomial: bytes = field(repr=False)
    receiving: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Transcript:
    """All of round one, checked: what each dealer published, each receiver's key, and the hash of it all."""

    proposal: Signed[Proposal]
    dealt: Mapping[int, RoundOne]
    receiving_keys: Mapping[int, bytes]
    id: bytes

    @property
    def suite(self) -> Suite:
        """The suite of the key."""
        return suite_of(self.proposal.record.algorithm)


def begin(proposal: Signed[Proposal], person: Identity, share: FrostShare | None, rng: Rng) -> Begun:
    """Do round one; ``share`` is a dealer's share of the old key, where there is one.

    Raises RefusedError for somebody who has no part in the proposal, or a dealer without the share.
    """
    record = proposal.record
    check_proposal(proposal)
    suite = suite_of(record.algorithm)
    dealer, receiver = record.dealer_of(person.verification_key), record.receiver_of(person.verification_key)
    if not dealer and not receiver:
        raise RefusedError(f"you have no part in this proposal by {record.organiser.record.name}")
    published, polynomial = RoundOne((), b""), b""
    if dealer:
        secret = random_polynomial(suite, record.threshold, rng)
        if record.old is not None:
            if share is None:
                raise RefusedError(f"you have no share of {record.old.record.label} to deal")
            weight = _weight(record, dealer)
            constant = suite.group.scalar_multiply(weight, share.value)
            secret = Polynomial((constant, *secret.coefficients[1:]))
        published = round_one(suite, dealer, secret, rng)
        polynomial = b"".join(suite.group.encode_scalar(one) for one in secret.coefficients)
    receiving = rng(KEY_LENGTH) if receiver else b""
    signed = RoundOneRecord(
        signer=person.verification_key,
        proposal=proposal.id,
        commitments=published.commitments,
        proof=published.proof,
        receiving_key=sealing_public_key_of(receiving) if receiver else b"",
    )
    return Begun(ROUND_ONE.sign(signed, person), polynomial, receiving)


def check_proposal(proposal: Signed[Proposal]) -> None:
    """Check what anybody can of a proposal; raises ParameterError, DealingError or RefusedError."""
    record = proposal.record
    check_plan(QuorumPlan(record.threshold, len(record.holders), record.answers, record.quorums))
    if record.old is None:
        return
    public = record.old.record.public
    if not isinstance(public, FrostPublic) or public.algorithm != record.algorithm:
        raise RefusedError(
            f"{record.old.record.label} is not a FROST key of this algorithm",
            do="RSA and ECDSA keys are dealt anew from the key itself: key deal --from, escrow recover --to-quorum.",
        )
    check_public(public)
    if len(record.dealers) != public.threshold:
        raise RefusedError(f"{public.threshold} holders of the old key deal, not {len(record.dealers)}")
    if record.repairs:
        helpers = [record.old.record.holders[index - 1].record.signer for index in record.dealers]
        if helpers != [card.record.signer for card in record.holders] or record.threshold != len(helpers):
            raise RefusedError("a share is repaired by the helpers among themselves, and by nobody else")


def transcript_of(proposal: Signed[Proposal], came: Sequence[Signed[RoundOneRecord]]) -> Transcript:
    """Check all of round one; raises NotYetError for what is missing, RefusedError or DealingError with the culprit."""
    record = proposal.record
    check_proposal(proposal)
    suite = suite_of(record.algorithm)
    by_signer: dict[bytes, Signed[RoundOneRecord]] = {}
    for one in came:
        if one.record.proposal != proposal.id:
            raise RefusedError("a round one is for another proposal", do="Leave it out.")
        if by_signer.setdefault(one.record.signer, one).id != one.id:
            raise RefusedError(
                f"{_name(record, one.record.signer)} did round one twice, differently",
                do="Do not go on: ask why, and start anew.",
            )
    people = record.people()
    strangers = by_signer.keys() - {card.record.signer for card in people}
    if strangers:
        raise RefusedError("a round one is by somebody who has no part in the proposal", do="Leave it out.")
    missing = [card.record.name for card in people if card.record.signer not in by_signer]
    if missing:
        raise NotYetError(
            f"round one is not complete: missing {', '.join(missing)}",
            do="Each runs 'keyquorum dkg answer' with the proposal alone and publishes the result.",
        )
    dealt, keys = {}, {}
    for card in people:
        mine = by_signer[card.record.signer].record
        dealer, receiver = record.dealer_of(mine.signer), record.receiver_of(mine.signer)
        if dealer:
            dealt[dealer] = RoundOne(mine.commitments, mine.proof)
            check_round_one(suite, dealer, record.threshold, dealt[dealer])
            _check_constant(record, suite, dealer, mine.commitments[0])
        if receiver:
            if len(mine.receiving_key) != KEY_LENGTH:
                raise RefusedError(f"{card.record.name} gave no key to receive with", culprits=(receiver,))
            keys[receiver] = mine.receiving_key
    ids = [by_signer[card.record.signer].id for card in people]
    return Transcript(
        proposal,
        dict(sorted(dealt.items())),
        dict(sorted(keys.items())),
        digest("keyquorum/generation/transcript/v1", proposal.id, *ids)[:32],
    )


def deal_out(transcript: Transcript, person: Identity, polynomial: bytes) -> Signed[RoundTwoRecord]:
    """Do round two as a dealer: a value for each receiver, sealed to the key it made for this run."""
    record = transcript.proposal.record
    suite = transcript.suite
    dealer = record.dealer_of(person.verification_key)
    length = suite.group.scalar_length
    coefficients = [polynomial[start : start + length] for start in range(0, len(polynomial), length)]
    secret = Polynomial(tuple(suite.group.decode_scalar(one) for one in coefficients))
    sealed = []
    for receiver, key in transcript.receiving_keys.items():
        value = suite.group.encode_scalar(share_for(suite, secret, _at(record, receiver)))
        try:
            sealed.append(seal(key, value, _info(transcript, dealer, receiver)))
        except MalformedError:
            raise RefusedError(
                f"nothing can be sealed to the key of {record.holders[receiver - 1].record.name}",
                do="Start anew without this holder.",
                culprits=(receiver,),
            ) from None
    signed = RoundTwoRecord(
        signer=person.verification_key, proposal=transcript.proposal.id, transcript=transcript.id, sealed=tuple(sealed)
    )
    return ROUND_TWO.sign(signed, person)


def check_agreement(transcript: Transcript, came: Sequence[Signed[RoundTwoRecord]]) -> dict[int, RoundTwoRecord]:
    """Check that all dealers did round two over this very transcript; gives their records, by index.

    Raises NotYetError for who is missing, RefusedError for who saw something else.
    """
    record = transcript.proposal.record
    found: dict[int, RoundTwoRecord] = {}
    for one in came:
        dealer = record.dealer_of(one.record.signer)
        if one.record.proposal != transcript.proposal.id or not dealer:
            raise RefusedError("a round two is for another proposal, or by nobody who deals", do="Leave it out.")
        name = _name(record, one.record.signer)
        if one.record.transcript != transcript.id:
            raise RefusedError(
                f"{name} signed another round one than the one here: not everybody saw the same",
                do="Do not go on. Compare the files of round one, and start anew.",
                culprits=(dealer,),
            )
        if len(one.record.sealed) != len(record.holders) or found.setdefault(dealer, one.record) != one.record:
            raise RefusedError(f"the round two of {name} is not one value for each receiver", culprits=(dealer,))
    missing = [
        _name(record, card.record.signer)
        for card in record.people()
        if (index := record.dealer_of(card.record.signer)) and index not in found
    ]
    if missing:
        raise NotYetError(
            f"round two is not complete: missing {', '.join(missing)}",
            do="Each runs 'keyquorum dkg answer' with the proposal and all of round one.",
        )
    return dict(sorted(found.items()))


def receive(
    transcript: Transcript, came: Sequence[Signed[RoundTwoRecord]], person: Identity, receiving: bytes
) -> FrostShare:
    """Open and check all that was sent to this receiver, and add it up.

    Raises ShareError with the dealer whose value is wrong as culprit: then ``complain``.
    """
    record = transcript.proposal.record
    receiver = record.receiver_of(person.verification_key)
    if not receiver:
        raise RefusedError("you receive nothing by this proposal")
    values = [
        _opened(transcript, dealer, receiver, receiving, one.sealed[receiver - 1])
        for dealer, one in check_agreement(transcript, came).items()
    ]
    return FrostShare(receiver, finish(transcript.suite, values))


def make_key_record(
    transcript: Transcript, came: Sequence[Signed[RoundTwoRecord]], organiser: Identity
) -> Signed[KeyRecord]:
    """Put the key record together, as its organiser; raises as ``check_agreement`` does, RefusedError for a repair."""
    check_agreement(transcript, came)
    return KEY_RECORD.sign(_key_record(transcript), organiser)


def check_key_record(transcript: Transcript, key: Signed[KeyRecord]) -> None:
    """Check that a key record is the one this run leads to; raises RefusedError."""
    if key.record != _key_record(transcript):
        raise RefusedError(
            "the key record is not the one that this run of the protocol leads to",
            do="Do not accept it; ask the organiser why.",
        )


def complain(transcript: Transcript, person: Identity, receiving: bytes, dealer: int) -> Signed[Complaint]:
    """Accuse a dealer in a way that everybody can check; publishing it ends the run."""
    complaint = Complaint(
        signer=person.verification_key,
        proposal=transcript.proposal.id,
        transcript=transcript.id,
        dealer=dealer,
        receiving_secret=receiving,
    )
    return COMPLAINT.sign(complaint, person)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whose fault it is, and how that is known."""

    culprit: str
    why: str


def judge(transcript: Transcript, came: Sequence[Signed[RoundTwoRecord]], complaint: Signed[Complaint]) -> Judgement:
    """Find out, as anybody can, who is to blame: the dealer who was accused, or the receiver who accused it wrongly."""
    record, accusation = transcript.proposal.record, complaint.record
    receiver = record.receiver_of(accusation.signer)
    if not receiver or (accusation.proposal, accusation.transcript) != (transcript.proposal.id, transcript.id):
        raise RefusedError("the complaint is about another run, or by nobody who receives", do="Leave it out.")
    accuser = record.holders[receiver - 1].record.name
    if sealing_public_key_of(accusation.receiving_secret) != transcript.receiving_keys[receiver]:
        return Judgement(accuser, "the key in the complaint is not the one it published in round one")
    dealt = check_agreement(transcript, came)
    if accusation.dealer not in dealt:
        return Judgement(accuser, "it accuses somebody who does not deal")
    sealed = dealt[accusation.dealer].sealed[receiver - 1]
    try:
        _opened(transcript, accusation.dealer, receiver, accusation.receiving_secret, sealed)
    except ShareError as error:
        return Judgement(_name(record, dealt[accusation.dealer].signer), error.what)
    return Judgement(accuser, "what it was sent lies on the polynomial that was committed to")


def mend(transcript: Transcript, person: Identity, share: FrostShare) -> Signed[MendingRecord]:
    """Send a helper's part to whoever lost a share, sealed."""
    record = transcript.proposal.record
    lost = _loser(record)
    value = transcript.suite.group.encode_scalar(share.value)
    sealed = seal(lost.record.sealing_key, value, _mend_info(transcript, share.index))
    part = MendingRecord(
        signer=person.verification_key, proposal=transcript.proposal.id, transcript=transcript.id, sealed=sealed
    )
    return MENDING.sign(part, person)


def mended(transcript: Transcript, came: Sequence[Signed[MendingRecord]], person: Identity) -> FrostShare:
    """Put a lost share together again, and check it against the old key record.

    Raises NotYetError for who is missing, ShareError with the culprit for a part that does not check.
    """
    record = transcript.proposal.record
    if _loser(record).record.signer != person.verification_key:
        raise RefusedError("it is somebody else's share that is repaired")
    suite = transcript.suite
    group = suite.group
    points = decoded(group, group_commitments(suite, transcript.dealt))
    parts: dict[int, int] = {}
    for one in came:
        helper = record.receiver_of(one.record.signer)
        if not helper or (one.record.proposal, one.record.transcript) != (transcript.proposal.id, transcript.id):
            raise RefusedError("a part is for another repair, or by nobody who helps", do="Leave it out.")
        name = record.holders[helper - 1].record.name
        try:
            value = group.decode_scalar(person.unseal(one.record.sealed, _mend_info(transcript, helper)))
        except KeyquorumError:
            raise ShareError(f"the part of {name} cannot be read", culprits=(helper,)) from None
        if not group.equal(group.multiply_base(value), verification_share(group, points, _at(record, helper))):
            raise ShareError(f"the part of {name} is not the one it was dealt", culprits=(helper,))
        parts[helper] = value
    missing = [card.record.name for index, card in enumerate(record.holders, 1) if index not in parts]
    if missing:
        raise NotYetError(f"parts are missing: {', '.join(missing)}", do="Each helper runs 'keyquorum dkg finish'.")
    indices = [_at(record, helper) for helper in parts]
    total = 0
    for helper, value in parts.items():
        weight = derive_interpolating_value(group, _at(record, helper), indices)
        total = group.scalar_add(total, group.scalar_multiply(weight, value))
    public = _old_public(record)
    if not group.equal(group.multiply_base(total), verification_shares(public)[record.repairs - 1]):
        raise ShareError("the repaired share is not the one that was lost", do="Start anew with other helpers.")
    return FrostShare(record.repairs, total)


def _key_record(transcript: Transcript) -> KeyRecord:
    record = transcript.proposal.record
    if record.repairs:
        raise RefusedError("a repaired share belongs to the key record there is", do="No new one is made.")
    public = FrostPublic(
        record.algorithm,
        record.threshold,
        len(record.holders),
        record.answers,
        record.quorums,
        group_commitments(transcript.suite, transcript.dealt),
    )
    check_public(public)
    if record.old is not None and public.group_key != _old_public(record).group_key:
        raise DealingError("the shares dealt are not those of the old key")
    return KeyRecord(
        signer=record.signer,
        created=record.created,
        label=record.label,
        zones=record.zones,
        public=public,
        dealer=record.organiser,
        holders=record.holders,
        requesters=record.requesters,
        origin=Origin(how="reshared", transcript=transcript.id, old=record.old.id)
        if record.old is not None
        else Origin(how="generated", transcript=transcript.id),
    )


def _opened(transcript: Transcript, dealer: int, receiver: int, receiving: bytes, sealed: bytes) -> int:
    """Open one value and check it against the dealer's commitments; raises ShareError with the dealer as culprit."""
    group = transcript.suite.group
    at = _at(transcript.proposal.record, receiver)
    try:
        value = group.decode_scalar(unseal(receiving, sealed, _info(transcript, dealer, receiver)))
    except KeyquorumError:
        raise ShareError(
            f"what holder {dealer} sent to holder {receiver} cannot be opened, or is no scalar", culprits=(dealer,)
        ) from None
    check_share(transcript.suite, dealer, transcript.dealt[dealer], at, value)
    return value


def _check_constant(record: Proposal, suite: Suite, dealer: int, commitment: bytes) -> None:
    """Check that a dealer deals its share of the old key, weighted for those who deal."""
    if record.old is None:
        return
    group = suite.group
    share = verification_shares(_old_public(record))[dealer - 1]
    if group.encode(group.sum_of([_weight(record, dealer)], [share])) != commitment:
        name = record.old.record.holders[dealer - 1].record.name
        raise DealingError(
            f"{name} does not deal its share of {record.old.record.label}",
            do="Start anew without this holder.",
            culprits=(dealer,),
        )


def _weight(record: Proposal, dealer: int) -> int:
    """Give the weight of a dealer's share in the key (or in the lost share)."""
    return derive_interpolating_value(suite_of(record.algorithm).group, dealer, record.dealers, record.repairs)


def _at(record: Proposal, receiver: int) -> int:
    """Give the place on the polynomials of a receiver: its index, or, for helpers in a repair, the one in the key."""
    return record.dealers[receiver - 1] if record.repairs else receiver


def _old_public(record: Proposal) -> FrostPublic:
    assert record.old is not None  # noqa: S101
    public = record.old.record.public
    assert isinstance(public, FrostPublic)  # noqa: S101
    return public


def _loser(record: Proposal) -> Signed[Card]:
    if record.old is None or not record.repairs:
        raise RefusedError("no share is repaired by this proposal")
    return record.old.record.holders[record.repairs - 1]


def _name(record: Proposal, verification_key: bytes) -> str:
    return next((card.record.name for card in record.people() if card.record.signer == verification_key), "somebody")


def _info(transcript: Transcript, dealer: int, receiver: int) -> bytes:
    return SEAL_TAG + transcript.id + dealer.to_bytes(2, "big") + receiver.to_bytes(2, "big")


def _mend_info(transcript: Transcript, helper: int) -> bytes:
    return MEND_TAG + transcript.id + helper.to_bytes(2, "big")
