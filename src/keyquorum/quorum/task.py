"""What is to be signed, and what every party makes of it by itself: the requester, each holder, whoever combines.

A task is the source as it was received and what the request says to do with it. Examining it is one pass over the
source: parse, plan, run every rule, derive the bytes to sign. Nobody takes any of that from anybody else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from io import BufferedReader
from itertools import chain, islice
from typing import BinaryIO

import dns.name

from keyquorum.dnssec.model import Dnskey, PublishedKey, SigningTimes, Terms, ZoneRequest, ZoneResponse
from keyquorum.dnssec.responses import Derivation, NamedSchema, derive, signing_roles
from keyquorum.dnssec.schema import PlannedBundle
from keyquorum.dnssec.sources import format_named, read_source
from keyquorum.errors import MalformedError, UsageError
from keyquorum.maths.work import Work
from keyquorum.policy.keymaterial import kind_of
from keyquorum.policy.profile import Policy
from keyquorum.policy.report import Report
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Subject
from keyquorum.quorum.dealing import dnskey_of, fingerprint_of, published
from keyquorum.quorum.spools import NewFile, Section, Spool
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KeyRecord
from keyquorum.records.requests import Source, Window

SHOWN = 40
"""How many bundles of responses an examination keeps to be shown; the rest are counted."""

_BATCH = 32
"""How many zones a worker judges at a time: enough that sending them costs less than judging them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of each zone's request: ``responses``, under ``terms``, by ``ksks`` with these ``roles``."""

    responses: tuple[NamedSchema, ...]
    terms: Terms
    ksks: tuple[PublishedKey, ...]
    roles: tuple[str, ...]

    def of(self, zone: ZoneRequest) -> Derivation:
        """Derive the responses to ``zone``, and what each KSK signs for them; raises RefusedError, MalformedError."""
        terms = self.terms
        return derive(self.responses, zone, self.ksks, terms.ttl, terms.parent_records, self.roles)


@dataclass(frozen=True, slots=True)
class Task:
    """The source (in ``file``, from ``offset`` on) and what is to be done with it.

    ``roles`` are those of the ``keys`` in the schemas of ``responses``. ``first`` says that the keys have signed
    nothing for the zone before.
    """

    file: BinaryIO = field(repr=False)
    offset: int
    source: Source
    window: Window | None
    responses: tuple[NamedSchema, ...]
    terms: Terms
    keys: tuple[Signed[KeyRecord], ...]
    roles: tuple[str, ...]
    first: bool

    def zones(self) -> Iterator[ZoneRequest]:
        """Read the source, zone by zone; each call starts anew.

        MalformedError at the end if what was read is not what the header says: the file may have changed meanwhile.
        """
        section = Section(self.file, self.offset, self.source.length)
        window = (self.window.inception, self.window.expiration) if self.window else None
        with BufferedReader(section, 1 << 16) as stream:
            yield from read_source(self.source.format, stream, window, self.terms.times)
            while stream.read(1 << 16):
                pass
        if section.digest() != self.source.sha256:
            raise MalformedError("the source changed while it was read", do="Copy it to a disk of your own.")

    def derived(self) -> Iterator[tuple[ZoneRequest, Derivation]]:
        """Derive the responses, zone by zone."""
        recipe = self.recipe()
        for zone in self.zones():
            yield zone, recipe.of(zone)

    def recipe(self) -> Recipe:
        """Give what is made of each zone."""
        return Recipe(self.responses, self.terms, self.ksks(), self.roles)

    def ksks(self) -> tuple[PublishedKey, ...]:
        """Give the keys, as they will be published."""
        return tuple(published(key.record, self.terms.ttl or 0) for key in self.keys)

    def signing(self) -> frozenset[bytes]:
        """Give the ids of the keys that sign something; others are only published, or not even that."""
        signing = signing_roles(self.responses)
        return frozenset(key.id for key, role in zip(self.keys, self.roles, strict=True) if role in signing)


@dataclass(frozen=True, slots=True)
class Basis:
    """What somebody judges a task by: policy, previous response, time, memory, and what they overrule and why.

    ``policy_digest`` and ``previous_digest`` are the SHA-256 of the files these were read from. ``seen`` are the ids
    of KSRs seen before, and ``answered`` the keys (fingerprints) with which something was answered before, each with
    the SHA-256 of its sources.
    """

    policy: Policy
    policy_digest: bytes
    previous: ZoneResponse | None
    previous_digest: bytes | None
    at: int
    now: int
    seen: Mapping[str, bytes] | None = None
    answered: Mapping[bytes, frozenset[bytes]] = field(default_factory=dict)
    overrules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """A bundle of one response, to be shown to people."""

    zone: dns.name.Name
    response: str
    bundle: PlannedBundle


@dataclass(frozen=True, slots=True)
class Examination:
    """What one pass over a task found: the rules' report, the bytes to sign by each key, and the first bundles.

    ``bundles`` are counted in the source: each response has so many.
    """

    report: Report
    messages: tuple[Spool, ...]
    zones: int
    bundles: int
    shown: tuple[Shown, ...]
    request_ids: tuple[str, ...]


def terms_of(policy: Policy, keys: Sequence[Signed[KeyRecord]], format_: str, until: int | None = None) -> Terms:
    """Give what a requester with ``policy`` has the response to a source in ``format_`` state, signed by ``keys``.

    ``until`` is as for ``times_of``. Records for the parent are the policy's or else the format's, where it has any.
    """
    times = times_of(policy, format_, until)
    if times is not None:
        usual = format_named(format_).parent_records
        return Terms(policy.ksk_ttl, None, times, usual if policy.parent_records is None else policy.parent_records)
    kinds = dict.fromkeys(kind_of(dnskey_of(key.record.public)) for key in keys)
    stated = replace(policy.ksk_policy, algorithms=tuple(kinds)) if format_ == "icann" else None
    return Terms(policy.ksk_ttl, stated)


def times_of(policy: Policy, format_: str, until: int | None) -> SigningTimes | None:
    """Give how bundles are derived from a source in ``format_``: as the policy says, or else as its program does.

    None where it brings its times, or a window is given. ``until`` is the end of the period where the source does not
    say it (BIND); UsageError where it is given for a format without periods.
    """
    usual = format_named(format_).times
    if usual is None and until is not None:
        raise UsageError(f"a request in the format {format_} has no period that could end", do="Leave out --until.")
    return None if usual is None else replace(policy.times or usual, until=until)


def examine(task: Task, basis: Basis, new_file: NewFile, work: Work) -> Examination:
    """Read, plan and judge all of ``task``, in constant memory; raises MalformedError where the source cannot be read.

    ``basis.overrules`` are applied to the report; those of rules that did not fail raise UsageError. ``work`` is told
    the number of zones done.
    """
    zones = frozenset.intersection(*(frozenset(key.record.zones) for key in task.keys))
    examiner = _Examiner(task.recipe(), basis, task.source.sha256, task.first, _signed_before(task, basis))
    messages = tuple(Spool(new_file()) for _ in task.keys)
    report: Report | None = None
    shown: list[Shown] = []
    ids: list[str] = []
    zone_count = bundle_count = 0
    for one in work.map(examiner, _asked(task.zones(), zones), batch=_BATCH):
        if one.report is not None:
            report = one.report if report is None else report.merge(one.report)
        zone_count += 1
        bundle_count += one.bundles
        shown.extend(one.shown[: SHOWN - len(shown)])
        if one.request_id:
            ids.append(one.request_id)
        for spool, values in zip(messages, one.messages, strict=True):
            for value in values:
                spool.append(value)
    if report is None or not any(messages):
        raise MalformedError("there is nothing to sign in the source")
    report = report.apply_overrules(basis.overrules)
    return Examination(report, messages, zone_count, bundle_count, tuple(shown), tuple(ids))


def derive_messages(task: Task, new_file: NewFile, work: Work) -> tuple[Spool, ...]:
    """Derive only the bytes to sign, for each key: what whoever combines or checks needs."""
    messages = tuple(Spool(new_file()) for _ in task.keys)
    # Here, whatever ``work`` has: reading a zone takes longer than deriving from it, and only one can read.
    for _, derivation in task.derived():
        for spool, values in zip(messages, derivation.messages, strict=True):
            for value in values:
                spool.append(value)
        work.advance(1)
    if not any(messages):
        raise MalformedError("there is nothing to sign in the source")
    return messages


@dataclass(frozen=True, slots=True)
class _Asked:
    """A zone to be judged, the zones that may be signed as far as they matter to it, and whether it is shown.

    ``alone`` says that there is no other zone in the source.
    """

    zone: ZoneRequest
    allowed: frozenset[dns.name.Name]
    shown: bool
    alone: bool


def _asked(zones: Iterator[ZoneRequest], allowed: frozenset[dns.name.Name]) -> Iterator[_Asked]:
    first = list(islice(zones, 2))
    for number, zone in enumerate(chain(first, zones)):
        # All the names go to a worker only to tell why a zone is refused: ten thousand take longer than the judging.
        named = frozenset([zone.zone]) if zone.zone in allowed else allowed
        yield _Asked(zone, named, number < SHOWN, len(first) == 1)


def _signed_before(task: Task, basis: Basis) -> frozenset[Dnskey]:
    """Give those of the task's keys with which something else than its source was answered before."""
    return frozenset(
        dnskey_of(key.record.public)
        for key in task.keys
        if basis.answered.get(fingerprint_of(key.record.public), frozenset()) - {task.source.sha256}
    )


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was found out about one zone; ``report`` is that of all zones judged with it, and given with the first."""

    report: Report | None
    request_id: str
    bundles: int
    shown: tuple[Shown, ...]
    messages: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class _Examiner:
    """Judges some zones at a time; sent to worker processes, so it holds no file and little else."""

    recipe: Recipe
    basis: Basis
    digest: bytes
    first: bool
    signed_before: frozenset[Dnskey]

    def __call__(self, asked: Sequence[_Asked]) -> list[_Examined]:
        derived = [self.recipe.of(one.zone) for one in asked]
        subjects = (self._subject(one, made) for one, made in zip(asked, derived, strict=True))
        report = reduce(Report.merge, map(evaluate, subjects))
        return [
            _examined(one, made, None if number else report)
            for number, (one, made) in enumerate(zip(asked, derived, strict=True))
        ]

    def _subject(self, asked: _Asked, derivation: Derivation) -> Subject:
        basis, zone = self.basis, asked.zone
        return Subject(
            request=zone,
            policy=basis.policy,
            ksks=derivation.ksks,
            zones=asked.allowed,
            previous=basis.previous if basis.previous and basis.previous.zone == zone.zone else None,
            at=basis.at,
            now=basis.now,
            seen=basis.seen,
            source_digest=self.digest,
            terms=self.recipe.terms,
            responses=derivation.responses,
            first=self.first,
            signed_before=self.signed_before,
            alone=asked.alone,
        )


def _examined(asked: _Asked, derivation: Derivation, report: Report | None) -> _Examined:
    zone = asked.zone
    shown = [
        Shown(zone.zone, response.name, bundle) for response in derivation.responses for bundle in response.bundles
    ]
    return _Examined(report, zone.id, len(zone.bundles), tuple(shown[: SHOWN * asked.shown]), derivation.messages)
