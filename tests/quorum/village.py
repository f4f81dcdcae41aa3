"""A world in memory, without mocks: people with identities and cards, keys dealt to them, requests, answers, responses.

Everything goes through the functions of ``quorum`` and ends as the bytes of files. Identities and dealings come from
seeds and are made once a process; nothing is written to a disk.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from typing import Any

import dns.dnssec
import dns.name
import gmpy2
import rfc8785
from cryptography.hazmat.primitives.asymmetric import rsa
from dns.dnssectypes import Algorithm

from keyquorum.dnssec.model import ZoneResponse
from keyquorum.dnssec.responses import NamedSchema
from keyquorum.dnssec.times import parse_time
from keyquorum.errors import KeyquorumError
from keyquorum.identity.keys import Identity
from keyquorum.maths.work import HERE, Work
from keyquorum.policy.profile import profile_source, read_policy
from keyquorum.quorum import combining, signing
from keyquorum.quorum.commitments import Gathered, OpenCommitments, Order, gather, prepare
from keyquorum.quorum.dealing import Custody, Dealing, Opened, Ration, accept, deal, make_card, open_share
from keyquorum.quorum.requesting import OpenRequest, make_request, open_request
from keyquorum.quorum.task import Basis, Examination, Task, derive_messages, examine, terms_of
from keyquorum.records.envelope import Signed, pre_authentication
from keyquorum.records.files import header
from keyquorum.records.keys import Acceptance, Card, KeyRecord
from keyquorum.records.requests import Contribution, Source, Window
from keyquorum.threshold.one_time import Maker, slots_of
from keyquorum.threshold.register import scheme_of
from keyquorum.threshold.seam import Plan
from tests.data import data
from tests.threshold.cases import private_key, seeded, undivided_key
from tests.threshold.stores import MemoryStore

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
ZONES = ("one.example.", "two.example.", "three.example.")
JUDGED_AT = parse_time("2017-02-07T00:00:00Z")
NOW = parse_time("2026-03-01T00:00:00Z")
WINDOW = Window(inception=NOW, expiration=NOW + 20 * 86400)
SLOTS = 48
"""How many slots of one-time material there are with each key that has any."""
QUICK = (58, 32, 15, 59)
"""Seeds with which the search for safe primes is soon over."""


@dataclass(frozen=True, eq=False)
class Villager:
    """Somebody with an identity and a card."""

    name: str
    identity: Identity = field(repr=False)
    card: Signed[Card]


@dataclass(frozen=True, eq=False)
class Quorum:
    """A dealt key, the people around it, each holder's opened share, and their acceptances."""

    dealing: Dealing
    holders: tuple[Villager, ...]
    opened: tuple[Opened, ...] = field(repr=False)
    acceptances: tuple[Signed[Acceptance], ...]
    stores: dict[tuple[int, tuple[int, ...]], MemoryStore] = field(default_factory=dict, repr=False)
    made: dict[int, OpenCommitments] = field(default_factory=dict, repr=False)
    given: list[int] = field(default_factory=lambda: [0])

    @property
    def key(self) -> Signed[KeyRecord]:
        """The key record."""
        return self.dealing.key

    @property
    def shares(self) -> tuple[Any, ...]:
        """The shares, opened."""
        return tuple(one.share for one in self.opened)

    @property
    def maker(self) -> Maker:
        """Who makes one-time material."""
        return scheme_of(self.key.record.public).one_time

    def commitments(self, makers: Sequence[int] | None = None) -> list[OpenCommitments]:
        """Give the commitments of all, or some, holders (made now if need be), or the dealer's."""
        if self.maker is Maker.DEALER:
            for index, one in enumerate(self.opened, 1):
                self.stores.setdefault((index, ()), MemoryStore(enumerate(one.secrets[0])))
            return list(self.dealing.tables)
        if self.maker is Maker.NOBODY:
            return []
        return [prepared(self, index) for index in makers or range(1, len(self.holders) + 1)]

    def request_slots(
        self,
        count: int,
        makers: Sequence[int] | None = None,
        start: int | None = None,
        came: Sequence[OpenCommitments] | None = None,
        lane: int = 0,
    ) -> Gathered | None:
        """Give slots for a request: those after the last ones given, or from ``start`` on; of ``came``, if given."""
        came = self.commitments(makers) if came is None else came
        if not came:
            return None
        if start is None:
            start = self.given[0]
            self.given[0] += count
        return gather(self.key, came, lane, start, count)


def prepared(quorum: Quorum, index: int) -> OpenCommitments:
    """Have a holder prepare, once."""
    if index in quorum.made:
        return quorum.made[index]
    order = Order(slots_of(0, 0, SLOTS), None, 72)
    holder, rng = quorum.holders[index - 1].identity, seeded("prepare", quorum.key.id, index)
    made, secrets = prepare(quorum.key, quorum.shares[index - 1], holder, order, BytesIO, rng, HERE)
    quorum.stores[index, ()] = MemoryStore(enumerate(secrets))
    quorum.made[index] = made
    return made


@cache
def villager(name: str) -> Villager:
    """Give the person called ``name``, always the same one."""
    rng = seeded("villager", name)
    identity = Identity(rng(32), rng(32))
    return Villager(name, identity, make_card(identity, name))


@cache
def undivided(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Give an ordinary RSA key: what ``dealt("existing")`` shares."""
    rng = seeded("undivided", number, bits)
    top = 3 << (bits // 2 - 2)
    p, q = (int(gmpy2.next_prime(top | int.from_bytes(rng(bits // 16), "big") >> 2)) for _ in range(2))
    return private_key(p, q)


@cache
def dealt(
    kind: str = "new",
    M: int = 3,
    N: int = 5,
    algorithm: int = 8,
    *,
    zones: tuple[str, ...] = (".", *ZONES),
    number: int = 0,
    holders: tuple[str, ...] = NAMES,
    label: str = "",
    slots: int = SLOTS,
) -> Quorum:
    """Deal a key to the first N of ``holders``, all of whom accept; rita is dealer and requester.

    ``slots`` is how many presignatures a dealer makes with it, where the scheme wants any.
    """
    people = tuple(map(villager, holders[:N]))
    custody = Custody(
        zones=tuple(map(dns.name.from_text, zones)),
        holders=tuple(person.card for person in people),
        requesters=(villager("rita").card,),
        label=label,
    )
    dealer = villager("rita")
    key = undivided(number) if kind == "existing" else None
    plan = Plan(algorithm, 0 if key or algorithm > 10 else 2048, M, N)
    ration = Ration(0, slots, 72) if algorithm in {13, 14} else None
    rng = seeded("village", QUICK[number])
    dealing = deal(dealer.identity, dealer.card, custody, plan, NOW, rng, HERE, key=key, ration=ration)
    return accepted(dealing, people)


def accepted(dealing: Dealing, people: Sequence[Villager]) -> Quorum:
    """Have every holder open its share and accept it."""
    pairs = list(zip(dealing.shares, people, strict=True))
    opened = tuple(open_share(sealed, person.identity, dealing.tables) for sealed, person in pairs)
    return Quorum(
        dealing, tuple(people), opened, tuple(accept(sealed, person.identity, NOW) for sealed, person in pairs)
    )


@dataclass(frozen=True, eq=False)
class Matter:
    """What is to be signed: a source with its format, window and policy, and when it is judged."""

    source: bytes = field(repr=False)
    format: str = "icann"
    window: Window | None = None
    at: int = JUDGED_AT
    until: int | None = None
    responses: tuple[tuple[str, str], ...] = (("normal", "normal"),)
    roles: tuple[str, ...] = ()
    first: bool = True

    def basis(self, **changes: Any) -> Basis:
        """Give what it is judged by, on the day it is judged at."""
        policy = profile_source("root" if self.format == "icann" else "zone")
        basis = Basis(
            policy=read_policy(policy),
            policy_digest=sha256(policy),
            previous=None,
            previous_digest=None,
            at=self.at,
            now=self.at,
        )
        return replace(basis, **changes)

    def task(self, quorums: Sequence[Quorum]) -> Task:
        """Give it as a task for the keys of ``quorums``."""
        policy, keys = self.basis().policy, tuple(quorum.key for quorum in quorums)
        return Task(
            BytesIO(self.source),
            0,
            Source(format=self.format, length=len(self.source), sha256=sha256(self.source)),
            self.window,
            tuple(NamedSchema(name, schema) for name, schema in self.responses),
            terms_of(policy, keys, self.format, self.until),
            keys,
            self.roles or ("current",) * len(keys),
            self.first,
        )


def root_request() -> Matter:
    """Give the root's real request of 2017-q2, unchanged."""
    return Matter(data("ksr/ksr-root-2017-q2-0.xml").read_bytes())


def zone_records(*zones: str, ttl: int = 3600, algorithm: int = 8) -> Matter:
    """Give the DNSKEY RRsets of ``zones``: one ordinary ZSK, the same in all."""
    return plain("".join(f"{zone} {ttl} IN DNSKEY {_zsk(algorithm)}\n" for zone in zones).encode())


def plain(source: bytes) -> Matter:
    """Give a zone file as the matter."""
    return Matter(source, "zone", WINDOW, NOW)


def examined(matter: Matter, quorums: Sequence[Quorum], work: Work = HERE, **basis: Any) -> Examination:
    """Have everything looked at, as requester and holders do."""
    return examine(matter.task(quorums), matter.basis(**basis), BytesIO, work)


def ask(
    matter: Matter,
    *quorums: Quorum,
    requester: str = "rita",
    acceptances: Mapping[bytes, Sequence[Signed[Acceptance]]] | None = None,
    work: Work = HERE,
    makers: Sequence[int] | None = None,
    start: int | None = None,
    came: Sequence[OpenCommitments] | None = None,
    lane: int = 0,
    **basis: Any,
) -> bytes:
    """Make a request; gives the file.

    ``makers`` are the holders with commitments, or ``came`` the commitments there are, and ``start`` the first slot.
    """
    given = {quorum.key.id: quorum.acceptances for quorum in quorums} if acceptances is None else acceptances
    judged = matter.basis(**basis)
    examination = examine(matter.task(quorums), judged, BytesIO, work)
    slots = {}
    for quorum, messages in zip(quorums, examination.messages, strict=True):
        if messages and (taken := quorum.request_slots(len(messages), makers, start, came, lane)) is not None:
            slots[quorum.key.id] = taken
    used = {key: one.used for key, one in slots.items()}
    signed = make_request(matter.task(quorums), examination, given, judged, villager(requester).identity, used)
    rows = [row for quorum in quorums if quorum.key.id in slots for row in slots[quorum.key.id].rows]
    return header(signed) + matter.source + b"".join(rows)


def opened(request: bytes) -> OpenRequest:
    """Open a request as everybody does."""
    return open_request(BytesIO(request))


def answer(
    request: bytes, matter: Matter, quorum: Quorum, index: int, *more: Quorum, work: Work = HERE, **basis: Any
) -> bytes:
    """Have holder ``index`` of ``quorum`` answer, with the shares it holds there and in ``more``; gives the file."""
    holder = quorum.holders[index - 1]
    shares = {one.key.id: one.shares[one.holders.index(holder)] for one in (quorum, *more) if holder in one.holders}
    opened_request = opened(request)
    judged = matter.basis(**basis)
    examination = examine(opened_request.task, judged, BytesIO, work)
    rng = seeded("answer", holder.name, opened_request.signed.id)
    places = {one.key.id: (one, one.holders.index(holder) + 1) for one in (quorum, *more) if holder in one.holders}

    def store_of(key: bytes, only: tuple[int, ...] | None) -> MemoryStore:
        one, place = places[key]
        return one.stores[place, only or ()]

    answered = signing.answer(
        opened_request,
        examination,
        shares,
        judged,
        holder.identity,
        BytesIO,
        rng,
        work,
        store_of,
    )
    return b"".join(answered.chunks())


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of combining: signatures by key, what became of each partial, and files nobody can be blamed for."""

    signatures: Mapping[bytes, list[bytes]]
    contributions: tuple[Contribution, ...]
    unreadable: tuple[KeyquorumError, ...]
    named: tuple[tuple[str, ZoneResponse], ...]

    @property
    def responses(self) -> tuple[ZoneResponse, ...]:
        """The responses, without their names."""
        return tuple(response for _, response in self.named)

    def liars(self, quorum: Quorum) -> set[int]:
        """Give the indices of those whose answer is called wrong."""
        return {one.index for one in self.contributions if one.key == quorum.key.id and one.fault}

    def good(self, quorum: Quorum) -> set[int]:
        """Give the indices of those whose answer is called good."""
        return {one.index for one in self.contributions if one.key == quorum.key.id and not one.fault}


def combine(request: bytes, partials: Iterable[bytes], work: Work = HERE) -> Outcome:
    """Combine files as ``keyquorum combine`` does."""
    opened_request = opened(request)
    task = opened_request.task
    messages = derive_messages(task, BytesIO, work)
    received = combining.receive_all(map(BytesIO, partials), opened_request)
    combined = combining.combine(opened_request, messages, received.good, received.faults, BytesIO, work)
    return Outcome(
        {key: list(spool) for key, spool in combined.signatures.items()},
        combined.contributions,
        tuple(error for _, error in received.unreadable),
        tuple(combining.responses(task, combined.signatures, work)),
    )


def skr(outcome: Outcome) -> bytes:
    """Write what came out as a SKR."""
    return b"".join(chunk for _, _, chunk in combining.write_output("icann", iter(outcome.named)))


def sha256(data_: bytes) -> bytes:
    """Give the SHA-256."""
    return hashlib.sha256(data_).digest()


@cache
def _zsk(algorithm: int) -> str:
    """Give an ordinary ZSK as the data of its DNSKEY record."""
    key = undivided(99) if algorithm in {8, 10} else undivided_key(algorithm, seeded("zsk", algorithm))
    return str(dns.dnssec.make_dnskey(key.public_key(), Algorithm(algorithm), 256))


def resigned(envelope: bytes, signer: Identity, edit: Callable[[Any], object]) -> bytes:
    """Give a record with its JSON edited at will and signed again: what our own classes refuse to express."""
    outer = json.loads(envelope)
    document = json.loads(urlsafe_b64decode(outer["payload"]))
    edit(document)
    payload = rfc8785.dumps(document)
    signature = signer.sign(pre_authentication(outer["payloadType"], payload))
    outer["payload"] = urlsafe_b64encode(payload).decode()
    outer["signatures"] = [{"keyid": signer.verification_key.hex(), "sig": urlsafe_b64encode(signature).decode()}]
    return bytes(rfc8785.dumps(outer))
