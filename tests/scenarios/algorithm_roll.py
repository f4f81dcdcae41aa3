"""The plan of the root's roll from algorithm 8 to 13, played: each quarter is asked for, judged, answered and served.

What is asked for is what the plan says, under policies that are changed as the operator's page has it. Two quorums
answer, one an algorithm; one holder is in both. All is made from seeds, and once a process.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from keyquorum.dnssec.icann import read_skr
from keyquorum.dnssec.icann_write import write_ksr, write_skr
from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, ZoneResponse
from keyquorum.dnssec.possession import prove, signer_of, zsk_of
from keyquorum.dnssec.rollover import ROOT_8_TO_13, plan_of
from keyquorum.dnssec.timeline import Slot, SlotKey
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.policy.profile import profile, profile_source, read_policy
from keyquorum.policy.rules_plan import ways_back
from keyquorum.policy.schedule import request_of
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.verifying import trusts_keys, verify_response
from tests.dnssec.keys import Pair
from tests.quorum.village import Matter, Quorum, answer, ask, combine, dealt, examined, sha256, undivided
from tests.scenarios.rootzone import RootZone
from tests.threshold.cases import seeded, undivided_key

DAY = 86400
ROOT, TTL = ROOT_8_TO_13.zone, ROOT_8_TO_13.ttl
PAGE = Path(__file__).parents[2] / "docs" / "operator" / "algorithm-rollover.md"
PLAN = plan_of(ROOT_8_TO_13)
WAYS_BACK = dict(zip((one.name for one in PLAN.quarters), ways_back(PLAN, profile("root").trust), strict=True))
QUARTERS = {quarter.name: quarter for quarter in PLAN.quarters[2:]}
"""Those that are played, by name: from the last one on in which all is as ever."""

_SLOTS = 104
_NUMBERS = re.findall(r"\| `(\[[\d, ]+\])` \| (\d+) \|", PAGE.read_text())
_RSA_ZSK = "algorithm = 8 # RSASHA256\nmin_bits = 2048\nmax_bits = 2048\nexponents = [65537]\n"
_RSA_KSK = "algorithm = 8\nbits = 2048\nexponent = 65537\n"
_ECDSA_ZSK, _ECDSA_KSK = "algorithm = 13\n", "algorithm = 13\nbits = 256\n"


@cache
def policy(name: str) -> bytes:
    """Give the policy file of a quarter: the root's, changed as the operator's page says."""
    text = profile_source("root").decode()
    phase = 0 if name < "2028 Q2" or name > "2029 Q2" else 1 if name == "2028 Q2" else 2
    changes = [("[2, 1, 1, 1, 1, 1, 1, 1, 2]", _NUMBERS[phase][0]), ("in_all = 3", f"in_all = {_NUMBERS[phase][1]}")]
    if name > "2029 Q2":
        changes += [(_RSA_ZSK, _ECDSA_ZSK), (_RSA_KSK, _ECDSA_KSK)]
    else:
        changes.append(("min_bits = 2048", "min_bits = 1536"))
    for before, after in changes:
        assert text.count(before) == 1
        text = text.replace(before, after)
    return (text + f"\n[[zsk.allowed]]\n{_ECDSA_ZSK}\n[[ksk.kinds]]\n{_ECDSA_KSK}" * bool(phase)).encode()


@cache
def zone_key(planned: SlotKey) -> Pair:
    """Make the zone key that the plan names."""
    number = int("".join(re.findall(r"\d", planned.name)))
    rsa = planned.algorithm == 8
    private = undivided(number, planned.bits) if rsa else undivided_key(13, seeded("zone key", number))
    return Pair(private, zsk_of(private.public_key()))


def asked_at(name: str) -> int:
    """Give the moment at which a quarter is asked for and answered."""
    return QUARTERS[name].slots[0].start - 60 * DAY


@cache
def ksr(name: str, algorithms: tuple[int, ...] = (8, 13)) -> bytes:
    """Give the request of a quarter as the zone's operator makes it: in each bundle all keys that any response has."""
    quarter, at = QUARTERS[name], asked_at(name)
    bundles = []
    for place, slot in enumerate(quarter.slots):
        planned = [slot, *quarter.backed_out[place : place + 1]]
        keys = dict.fromkeys(key for one in planned for key in one.zone_keys if key.algorithm in algorithms)
        pairs = list(map(zone_key, keys))
        listed = tuple(PublishedKey(pair.key, TTL, f"zsk-{pair.key.tag}") for pair in pairs)
        signers = {pair.key: signer_of(pair.private, pair.key) for pair in pairs}
        bundle = Bundle(_id(slot.name), slot.start, slot.expiration, listed)
        bundles.append(prove(ROOT, bundle, signers, at, at + 20 * DAY))
    return write_ksr(request_of(ROOT, read_policy(policy(name)), bundles, _id(name), 1, at))


def _id(name: str) -> str:
    return name.replace(" ", "-")


@cache
def old() -> Quorum:
    """Give the quorum of the RSA key."""
    return dealt("new", 2, 3, 8, zones=(".",), holders=("alice", "bob", "carol"), label="KSK-2024")


@cache
def new() -> Quorum:
    """Give the quorum of the ECDSA key."""
    return dealt("new", 2, 3, 13, zones=(".",), holders=("carol", "dave", "erin"), label="KSK-2027", slots=_SLOTS)


def ksk(quorum: Quorum) -> Dnskey:
    """Give the key of a quorum."""
    return dnskey_of(quorum.key.record.public)


@dataclass(frozen=True)
class Skr:
    """A response as the zone's operator gets it."""

    data: bytes = field(repr=False)

    @property
    def response(self) -> ZoneResponse:
        """What is in it."""
        return read_skr(self.data)

    def until(self, place: int, other: "Skr") -> "Skr":
        """Give what was published if from bundle number ``place`` (from 1) on it was ``other``."""
        bundles = (*self.response.bundles[: place - 1], *other.response.bundles[place - 1 :])
        return Skr(write_skr(replace(self.response, bundles=bundles)))


@dataclass(frozen=True)
class Turn:
    """One request in its quarter: its source and policy, whose keys answer, with what, and after which response."""

    name: str
    quorums: tuple[Quorum, ...]
    wanted: tuple[str, ...]
    previous: Skr | None
    source: bytes = field(repr=False)
    policy: bytes = field(repr=False)

    def failed(self) -> set[str]:
        """Give the rules that stop it."""
        return {result.rule for result in examined(self._matter(), self.quorums, **self._basis()).report.failed}

    def ask(self, overrules: Mapping[str, str] | None = None) -> bytes:
        """Have it made into a request; RefusedError where a rule stops that."""
        return ask(self._matter(), *self.quorums, **self._basis(overrules))

    def answer(self, request: bytes, quorum: Quorum, index: int, overrules: Mapping[str, str] | None = None) -> bytes:
        """Have a holder answer the request with all its shares; RefusedError where a rule stops that."""
        others = [one for one in self.quorums if one is not quorum]
        return answer(request, self._matter(), quorum, index, *others, **self._basis(overrules))

    def responses(self, request: bytes, overrules: Mapping[str, str] | None = None) -> dict[str, Skr]:
        """Have the request answered by two holders of each key, and combined; give what came out, all verified."""
        # Carol is the last holder of the one key and the first of the other, and answers once.
        places = [(one, index) for one in self.quorums for index in ((1, 3) if one is old() else (1, 2))]
        people = {one.holders[index - 1].name: (one, index) for one, index in places}
        outcome = combine(request, [self.answer(request, *place, overrules) for place in people.values()])
        assert not outcome.unreadable
        trusted = trusts_keys([form for one in self.quorums for form in (ksk(one), ksk(one).revoked())])
        made = {name: Skr(write_skr(response)) for name, response in outcome.named}
        for skr in made.values():
            assert not [fault for verdict in verify_response(skr.response, trusted) for fault in verdict.faults]
        return made

    def _matter(self) -> Matter:
        return Matter(
            self.source,
            at=asked_at(self.name),
            responses=tuple((schema, schema) for schema in self.wanted),
            roles=("current", "next")[: len(self.quorums)],
            first=self.previous is None,
        )

    def _basis(self, overrules: Mapping[str, str] | None = None) -> dict[str, Any]:
        previous = self.previous
        return {
            "policy": read_policy(self.policy),
            "policy_digest": sha256(self.policy),
            "previous": previous and previous.response,
            "previous_digest": previous and sha256(previous.data),
            "seen": {_id(name): sha256(ksr(name)) for name in QUARTERS if name < self.name},
            "overrules": overrules or {},
        }


def turn(name: str, previous: Skr | None, *schemas: str) -> Turn:
    """Give the turn of a quarter under ``schemas`` or, if there are none, as planned.

    As planned is with the response kept ready, where that breaks no rule.
    """
    quarter = QUARTERS[name]
    algorithms = {key.algorithm for slot in quarter.slots for key, _ in slot.ksks}
    quorums = tuple(one for one in (old(), new()) if ksk(one).algorithm in algorithms)
    if not schemas:
        kept = [quarter.back_out.name] if quarter.back_out and () in WAYS_BACK[name] else []
        schemas = (quarter.schema.name, *kept)
    return Turn(name, quorums, schemas, previous, ksr(name), policy(name))


@cache
def played() -> Mapping[str, Mapping[str, Skr]]:
    """Play all quarters as planned; give the responses of each by quarter and name."""
    made: dict[str, Mapping[str, Skr]] = {}
    previous = None
    for name, quarter in QUARTERS.items():
        asked = turn(name, previous)
        made[name] = asked.responses(asked.ask())
        previous = made[name][quarter.schema.name]
    return made


@dataclass(frozen=True)
class Stand:
    """What a resolver finds from a moment on: the DNSKEY RRset as it was answered, the rest signed as planned."""

    slot: Slot
    bundle: Bundle

    def same_keys(self, other: "Stand") -> bool:
        """Whether the same keys stand as in ``other``, and the same ones sign."""
        return self._shape() == other._shape()

    def write(self, path: Path) -> Path:
        """Write the whole zone into a file."""
        zone = RootZone(tuple(map(zone_key, self.slot.zone_signers)))
        path.write_text(zone.signed(write_rrset(ROOT, self.bundle), self.bundle.inception, self.bundle.expiration))
        return path

    def _shape(self) -> object:
        signers = {(one.key_tag, one.algorithm) for one in self.bundle.signatures}
        return {one.key for one in self.bundle.keys}, signers, self.slot.zone_signers


def stands(name: str, skr: Skr) -> list[Stand]:
    """Give what is served in a quarter if ``skr`` is published, bundle by bundle."""
    return [Stand(slot, bundle) for slot, bundle in zip(QUARTERS[name].slots, skr.response.bundles, strict=True)]


@cache
def line() -> tuple[Stand, ...]:
    """Give all that is served if everything goes as planned."""
    made = played()
    return tuple(one for name, quarter in QUARTERS.items() for one in stands(name, made[name][quarter.schema.name]))


def changes(served: Sequence[Stand]) -> list[Stand]:
    """Give those that differ from the one before in more than their times."""
    return [one for place, one in enumerate(served) if not place or not one.same_keys(served[place - 1])]


def at(served: Sequence[Stand], moment: int) -> Stand:
    """Give what is served at a moment."""
    return [one for one in served if one.slot.start <= moment][-1]
