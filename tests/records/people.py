"""Who signs the records of these tests, and one example of each kind: fixed, so that ids can be written down.

The numbers in public parts and proofs are small and mean nothing: a record does not check a dealing.
"""

import base64
import hashlib
from dataclasses import replace
from typing import Any

import dns.name

from keyquorum.dnssec.model import KeyKind, SignaturePolicy, Terms
from keyquorum.dnssec.responses import NamedSchema
from keyquorum.identity.keys import Identity
from keyquorum.records.canonical import Json, dumps
from keyquorum.records.envelope import Kind, Signed, pre_authentication
from keyquorum.records.escrow import ESCROW, Escrow, EscrowGroup, EscrowShare
from keyquorum.records.generation import (
    COMPLAINT,
    KEY_PROPOSAL,
    MENDING,
    ROUND_ONE,
    ROUND_TWO,
    Complaint,
    MendingRecord,
    Proposal,
    RoundOneRecord,
    RoundTwoRecord,
)
from keyquorum.records.keys import (
    ACCEPTANCE,
    CARD,
    COMMITMENTS,
    KEY_RECORD,
    SEALED_SHARE,
    Acceptance,
    Card,
    CommitmentRecord,
    KeyRecord,
    Origin,
    SealedShare,
)
from keyquorum.records.requests import (
    PARTIAL,
    REQUEST,
    RESPONSE,
    Contribution,
    KeyAnswer,
    Output,
    Overrule,
    Partial,
    Request,
    RequestedKey,
    Response,
    Source,
    Window,
)
from keyquorum.threshold.ecdsa import EcdsaPublic
from keyquorum.threshold.frost import FrostPublic
from keyquorum.threshold.rsa import RsaProof, RsaPublic


def identity(name: str) -> Identity:
    """Give the identity that belongs to ``name`` here."""
    return Identity(
        hashlib.sha256(b"sign " + name.encode()).digest(), hashlib.sha256(b"seal " + name.encode()).digest()
    )


NAMES = ("alice", "bob", "carol", "dave", "rita")
PEOPLE = {name: identity(name) for name in NAMES}
BY_KEY = {person.verification_key: person for person in PEOPLE.values()}
"""Everybody's identity by verification key."""


def card(name: str, person: Identity | None = None) -> Signed[Card]:
    """Give the card of ``person``, or of whoever has the name."""
    who = person or PEOPLE[name]
    return CARD.sign(Card(signer=who.verification_key, name=name, sealing_key=who.sealing_public_key), who)


CARDS = {name: card(name) for name in NAMES}
DEALER, ALICE, BOB, CAROL = PEOPLE["rita"], PEOPLE["alice"], PEOPLE["bob"], PEOPLE["carol"]
PUBLIC = RsaPublic(
    algorithm=8, threshold=2, holders=3, n=0xC5A1, e=65537, kind="new", verification=(0x0102, 0xFE, 0x7F3344)
)  # fmt: skip
DIGEST = hashlib.sha256(b"a file").digest()
OTHER_DIGEST = hashlib.sha256(b"another file").digest()
KEY: Signed[KeyRecord] = KEY_RECORD.sign(
    KeyRecord(
        signer=DEALER.verification_key,
        created=1_493_596_800,
        label="quorum-33934",
        zones=(dns.name.root, dns.name.from_text("example.")),
        public=PUBLIC,
        dealer=CARDS["rita"],
        holders=(CARDS["alice"], CARDS["bob"], CARDS["carol"]),
        requesters=(CARDS["rita"], CARDS["dave"]),
    ),
    DEALER,
)
SHARE = SEALED_SHARE.sign(
    SealedShare(signer=DEALER.verification_key, key=KEY, index=2, sealed=bytes(range(80))), DEALER
)
ACCEPTED = tuple(
    ACCEPTANCE.sign(Acceptance(signer=who.verification_key, key=KEY.id, index=index, accepted=1_493_683_200), who)
    for index, who in enumerate((ALICE, BOB, CAROL), 1)
)
OVERRULED = Overrule(rule="CLOCK", reason="rehearsal, agreed by phone")
TERMS = Terms(
    ttl=172800, ksk_policy=SignaturePolicy(864000, 0, 1814400, 1814400, 1036800, 777600, (KeyKind(8, 2048, 65537),))
)
ASKED = REQUEST.sign(
    Request(
        signer=PEOPLE["dave"].verification_key,
        at=1_493_769_600,
        keys=(RequestedKey(key=KEY, role="current", acceptances=ACCEPTED),),
        source=Source(format="zone", length=6, sha256=DIGEST),
        window=Window(inception=1_493_769_600, expiration=1_494_979_200),
        responses=(NamedSchema("normal", "normal"), NamedSchema("ready", "back-out")),
        first=True,
        terms=TERMS,
        policy=OTHER_DIGEST,
        previous=None,
        overrules=(OVERRULED,),
    ),
    PEOPLE["dave"],
)
ANSWERED = PARTIAL.sign(
    Partial(
        signer=BOB.verification_key,
        request=ASKED.id,
        at=1_493_856_000,
        answers=(
            KeyAnswer(key=KEY.id, index=2, count=3, width=2, sha256=DIGEST, proof=RsaProof(c=1 << 255, z=0x0123456789)),
        ),
        policy=OTHER_DIGEST,
        previous=DIGEST,
        overrules=(),
    ),
    BOB,
)
RESPONDED = RESPONSE.sign(
    Response(
        signer=DEALER.verification_key,
        request=ASKED.id,
        format="zone",
        outputs=(Output(name="normal", sha256=OTHER_DIGEST), Output(name="ready", sha256=DIGEST)),
        signatures=3,
        contributions=(
            Contribution(key=KEY.id, index=2, partial=ANSWERED.id, fault=""),
            Contribution(key=KEY.id, index=3, partial=DIGEST, fault="the proof does not hold"),
        ),
    ),
    DEALER,
)
ESCROWED = ESCROW.sign(
    Escrow(
        signer=DEALER.verification_key,
        created=1_800_000_000,
        tool="keyquorum 0",
        format=1,
        custody="rehearsal",
        zone=dns.name.root,
        algorithm="ED25519",
        public_key=bytes(44),
        dnskey=". IN DNSKEY 257 3 15 AAAA",
        ds=". IN DS 1 15 2 00",
        envelope=DIGEST,
        envelope_length=300,
        recipient=bytes(16),
        identifier=7,
        group_threshold=1,
        groups=(EscrowGroup(name="", threshold=2, size=2),),
        shares=(
            EscrowShare(number=1, group=0, member=0, fingerprint=bytes(32), holder="alice"),
            EscrowShare(number=2, group=0, member=1, fingerprint=DIGEST, holder=""),
        ),
        maker=CARDS["rita"],
    ),
    DEALER,
)
MADE = COMMITMENTS.sign(
    CommitmentRecord(
        signer=BOB.verification_key,
        key=KEY.id,
        maker=2,
        quorum=(1, 2),
        first=7,
        row_length=128,
        digests=DIGEST + OTHER_DIGEST,
        a_year=72,
    ),
    BOB,
)
ROW_KEY = KEY_RECORD.sign(
    replace(
        KEY.record,
        public=FrostPublic(
            algorithm=15, threshold=2, holders=3, answers=3, quorums=((1, 2),), commitments=(bytes(32), bytes([9] * 32))
        ),
    ),
    DEALER,
)
ECDSA_KEY = KEY_RECORD.sign(
    replace(
        KEY.record,
        public=EcdsaPublic(
            algorithm=13, threshold=2, holders=3, answers=2, quorums=((1, 2), (1, 3), (2, 3)), point=bytes(33)
        ),
        origin=Origin(how="generated", transcript=DIGEST),
    ),
    DEALER,
)
PROPOSED = KEY_PROPOSAL.sign(
    Proposal(
        signer=DEALER.verification_key,
        created=1_800_000_000,
        label="anew",
        zones=(dns.name.root,),
        algorithm=15,
        threshold=2,
        answers=2,
        quorums=((1, 2),),
        organiser=CARDS["rita"],
        holders=(CARDS["alice"], CARDS["dave"]),
        requesters=(CARDS["rita"],),
        old=ROW_KEY,
        dealers=(1, 3),
        repairs=0,
    ),
    DEALER,
)
FIRST = ROUND_ONE.sign(
    RoundOneRecord(
        signer=ALICE.verification_key,
        proposal=PROPOSED.id,
        commitments=(bytes(32), bytes([1] * 32)),
        proof=bytes(64),
        receiving_key=bytes(32),
    ),
    ALICE,
)
SECOND = ROUND_TWO.sign(
    RoundTwoRecord(
        signer=ALICE.verification_key, proposal=PROPOSED.id, transcript=DIGEST, sealed=(bytes(80), bytes(80))
    ),
    ALICE,
)
PART = MENDING.sign(
    MendingRecord(signer=CAROL.verification_key, proposal=PROPOSED.id, transcript=DIGEST, sealed=bytes(80)), CAROL
)
COMPLAINED = COMPLAINT.sign(
    Complaint(
        signer=BOB.verification_key, proposal=PROPOSED.id, transcript=DIGEST, dealer=3, receiving_secret=bytes(32)
    ),
    BOB,
)
EXAMPLES: tuple[tuple[Kind[Any], Signed[Any]], ...] = (
    (CARD, CARDS["alice"]),
    (KEY_RECORD, KEY),
    (SEALED_SHARE, SHARE),
    (ACCEPTANCE, ACCEPTED[0]),
    (COMMITMENTS, MADE),
    (REQUEST, ASKED),
    (PARTIAL, ANSWERED),
    (RESPONSE, RESPONDED),
    (ESCROW, ESCROWED),
    (KEY_PROPOSAL, PROPOSED),
    (ROUND_ONE, FIRST),
    (ROUND_TWO, SECOND),
    (MENDING, PART),
    (COMPLAINT, COMPLAINED),
)
"""One record of each kind, in the order of KINDS."""


def base64url(data: bytes) -> str:
    """Encode as records do, by hand."""
    return base64.b64encode(data).decode().replace("+", "-").replace("/", "_")


def envelope(payload: bytes, payload_type: str, person: Identity, *, over: str | None = None) -> Json:
    """Sign any payload under any type, as somebody who holds a key but does not keep to the rules.

    ``over`` is the payload type that is signed, where it is another.
    """
    signature = person.sign(pre_authentication(over or payload_type, payload))
    return {
        "payload": base64url(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": person.verification_key.hex(), "sig": base64url(signature)}],
    }


def forged(kind: Kind[Any], document: Json | bytes, person: Identity) -> bytes:
    """Give the file of a document that ``person`` signed, whatever it says."""
    payload = document if isinstance(document, bytes) else dumps(document)
    return dumps(envelope(payload, kind.payload_type, person))
