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
from keyquorum.dnssec.times import parse_time
from keyquorum.errors import KeyquorumError
from keyquorum.identity.keys import Identity
from keyquorum.maths.work import HERE, Work
from keyquorum.policy.profile import profile_source, read_policy
from keyquorum.quorum import combining, signing
from keyquorum.quorum.dealing import Custody, Dealing, accept, deal, make_card, open_share
from keyquorum.quorum.requesting import OpenRequest, make_request, open_request
from keyquorum.quorum.task import Basis, Examination, Task, derive_messages, examine, terms_of
from keyquorum.records.envelope import Signed, pre_authentication
from keyquorum.records.files import header
from keyquorum.records.kinds import Acceptance, Card, Contribution, KeyRecord, Source, Window
from keyquorum.threshold.seam import Plan
from tests.data import data
from tests.threshold.cases import private_key, seeded

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
ZONES = ("one.example.", "two.example.", "three.example.")
JUDGED_AT = parse_time("2017-02-07T00:00:00Z")
NOW = parse_time("2026-03-01T00:00:00Z")
WINDOW = Window(inception=NOW, expiration=NOW + 20 * 86400)
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
    shares: tuple[Any, ...] = field(repr=False)
    acceptances: tuple[Signed[Acceptance], ...]

    @property
    def key(self) -> Signed[KeyRecord]:
        """The key record."""
        return self.dealing.key


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
) -> Quorum:
    """Deal a key to the first N of ``holders``, all of whom accept; rita is dealer and requester."""
    people = tuple(map(villager, holders[:N]))
    custody = Custody(
        zones=tuple(map(dns.name.from_text, zones)),
        holders=tuple(person.card for person in people),
        requesters=(villager("rita").card,),
        label=label,
    )
    dealer = villager("rita")
    key = undivided(number) if kind == "existing" else None
    plan = Plan(algorithm, 0 if key else 2048, M, N)
    dealing = deal(dealer.identity, dealer.card, custody, plan, NOW, seeded("village", QUICK[number]), HERE, key=key)
    return accepted(dealing, people)


def accepted(dealing: Dealing, people: Sequence[Villager]) -> Quorum:
    """Have every holder open its share and accept it."""
    pairs = list(zip(dealing.shares, people, strict=True))
    shares = tuple(open_share(sealed, person.identity) for sealed, person in pairs)
    return Quorum(
        dealing, tuple(people), shares, tuple(accept(sealed, person.identity, NOW) for sealed, person in pairs)
    )


@dataclass(frozen=True, eq=False)
class Matter:
    """What is to be signed: a source with its format, window and policy, and when it is judged."""

    source: bytes = field(repr=False)
    format: str = "icann"
    window: Window | None = None
    at: int = JUDGED_AT

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
            "normal",
            terms_of(policy, keys, self.format),
            keys,
        )


def root_request() -> Matter:
    """Give the root's real request of 2017-q2, unchanged."""
    return Matter(data("ksr/ksr-root-2017-q2-0.xml").read_bytes())


def zone_records(*zones: str, ttl: int = 3600) -> Matter:
    """Give the DNSKEY RRsets of ``zones``: one ordinary ZSK, the same in all."""
    return plain("".join(f"{zone} {ttl} IN DNSKEY {_zsk()}\n" for zone in zones).encode())


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
    **basis: Any,
) -> bytes:
    """Make a request; gives the file."""
    given = {quorum.key.id: quorum.acceptances for quorum in quorums} if acceptances is None else acceptances
    judged = matter.basis(**basis)
    examination = examine(matter.task(quorums), judged, BytesIO, work)
    signed = make_request(matter.task(quorums), examination, given, judged, villager(requester).identity)
    return header(signed) + matter.source


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
    answered = signing.answer(opened_request, examination, shares, judged, holder.identity, BytesIO, rng, work)
    return b"".join(answered.chunks())


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of combining: signatures by key, what became of each partial, and files nobody can be blamed for."""

    signatures: Mapping[bytes, list[bytes]]
    contributions: tuple[Contribution, ...]
    unreadable: tuple[KeyquorumError, ...]
    responses: tuple[ZoneResponse, ...]

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
    return b"".join(chunk for _, chunk in combining.write_output("icann", iter(outcome.responses)))


def sha256(data_: bytes) -> bytes:
    """Give the SHA-256."""
    return hashlib.sha256(data_).digest()


@cache
def _zsk() -> str:
    """Give an ordinary ZSK as the data of its DNSKEY record."""
    return str(dns.dnssec.make_dnskey(undivided(99).public_key(), Algorithm.RSASHA256, 256))


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
