"""What a rule is given and what it gives back: the subject, the findings, the outcome.

A subject is one zone's request together with everything it is judged by; nothing else reaches a rule, neither a clock
nor a file. An outcome is passed, failed with findings, or not applicable with the reason. A rule that cannot tell must
fail or raise: there is no way to be silent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, PublishedKey, Terms, ZoneRequest, ZoneResponse
from keyquorum.dnssec.responses import PlannedResponse
from keyquorum.policy.profile import Policy

_LONGEST_TEXT = 100


class Status(Enum):
    """How a rule came out; ``OVERRULED`` is a failure that a person let pass by name, with a reason."""

    PASSED = "passed"
    FAILED = "failed"
    OVERRULED = "overruled"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Subject:
    """One zone's request and what it is judged by.

    ``ksks`` are the quorum's keys that will sign, ``zones`` the names these may sign. ``previous`` is the last
    response for this zone, if there is one. ``at`` is the time to judge at, ``now`` the clock's (seconds since 1970).
    ``seen`` gives for the id of each request known from before the digest of the source it came in (None: no memory
    is kept), ``source_digest`` that of the source at hand. ``terms`` is what a requester says the response will state.
    ``responses`` is what will be made of the request with ``ksks`` (empty where it is looked at by itself). ``first``
    says that the request calls itself the first signing of ``ksks``, and ``signed_before`` are those of them with
    which whoever judges knows something else to have been signed. ``alone`` says that no other zone is asked for.
    """

    request: ZoneRequest
    policy: Policy
    ksks: tuple[Dnskey, ...]
    zones: frozenset[dns.name.Name]
    previous: ZoneResponse | None
    at: int
    now: int
    seen: Mapping[str, bytes] | None = None
    source_digest: bytes = b""
    terms: Terms | None = None
    responses: tuple[PlannedResponse, ...] = ()
    first: bool = False
    signed_before: frozenset[Dnskey] = frozenset()
    alone: bool = True

    def bundles(self) -> Iterator[tuple[str, Bundle]]:
        """Give each bundle of the request with the name people are shown: its place and its id."""
        for place, bundle in enumerate(self.request.bundles, start=1):
            yield bundle_name(place, bundle), bundle

    def place_in(self, response: PlannedResponse, name: str) -> str:
        """Give where a finding about one response is: its name too, where there are several."""
        return f"{response.name}, {name}" if len(self.responses) > 1 else name

    def is_ours(self, key: Dnskey) -> bool:
        """Whether ``key`` is one of the quorum's, its flags included, or is one of them revoked."""
        return key in self.ksks or key.unrevoked() in self.ksks

    def asked(self, bundle: Bundle) -> tuple[PublishedKey, ...]:
        """Give the keys of ``bundle`` that are somebody else's: as a rule the ZSKs."""
        return tuple(published for published in bundle.keys if not self.is_ours(published.key))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: ``where`` (a bundle, a key) and ``what``; ``zone`` tells apart many zones' findings."""

    where: str
    what: str
    zone: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule found: ``detail`` is a sentence for people, ``findings`` are non-empty exactly if it failed."""

    status: Status
    detail: str
    findings: tuple[Finding, ...] = ()


def not_applicable(why: str) -> Outcome:
    """Give the outcome of a rule that has nothing to judge, and why."""
    return Outcome(Status.NOT_APPLICABLE, why)


def judged(findings: Iterable[tuple[str, str]], detail: str) -> Outcome:
    """Give failed with all ``findings`` (where, what) if there are any, else passed with ``detail``."""
    found = tuple(Finding(where, what) for where, what in findings)
    return Outcome(Status.FAILED, "", found) if found else Outcome(Status.PASSED, detail)


def bundle_name(place: int, bundle: Bundle) -> str:
    """Give ``bundle 3 (its id)``, or ``bundle 3`` where the format has no ids."""
    return f"bundle {place} ({shown(bundle.id)})" if bundle.id else f"bundle {place}"


def shown(text: str) -> str:
    """Give a label that came from outside (the model made sure that it is printable) no longer than a line."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."
