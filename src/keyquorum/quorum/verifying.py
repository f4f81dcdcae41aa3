"""Is this response what the zone's owner asked for, signed by the key that everybody expects?

Ordinary mathematics only, nothing of the quorum is needed: a response is verified against keys somebody trusts, given
as DNSKEYs or DS records. With the request at hand it is also compared with what was asked, key by key.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, ParentRrset, Signature, ZoneRequest, ZoneResponse
from keyquorum.dnssec.schema import PlannedBundle
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import SignatureError
from keyquorum.quorum.task import Task

Trusts = Callable[[dns.name.Name, Dnskey], bool]
"""Says whether a key of a zone is one that is trusted."""

_UNTRUSTED = "no signature by a trusted key"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one bundle: the tags of the trusted keys that signed it, and what is wrong (empty: nothing)."""

    zone: dns.name.Name
    bundle: Bundle
    signers: tuple[int, ...]
    faults: tuple[str, ...]


def verify_response(response: ZoneResponse, trusts: Trusts, at: int | None = None) -> Iterator[Verdict]:
    """Verify every signature of ``response``, with our own code and with dnspython; give one verdict a bundle.

    A bundle is good if all its signatures verify and at least one over each RRset is by a trusted key; with ``at``, if
    it is also valid at that time. The signers of a verdict are those of the DNSKEY RRset.
    """
    for bundle in response.bundles:
        signers, faults = [], []
        for over, signatures in bundle.signed_rrsets():
            trusted = []
            for signature in signatures:
                try:
                    key = _verify(response.zone, bundle, signature, over)
                except SignatureError as error:
                    faults.append(error.what)
                    continue
                if trusts(response.zone, key):
                    trusted.append(key.tag)
            if not trusted:
                faults.append(f"no signature of the {over.name} RRset by a trusted key" if over else _UNTRUSTED)
            if over is None:
                signers = trusted
        if at is not None and not bundle.inception <= at <= bundle.expiration:
            faults.append(f"not valid at {format_time_for_people(at)}")
        yield Verdict(response.zone, bundle, tuple(signers), tuple(faults))


class Comparison:
    """A response beside what ``task`` asks for, zone by zone in the order of the request, one zone in memory.

    Give it every zone of the response with ``differences`` and end with ``unanswered``: both give sentences, none if
    all is as it was asked for. Of a plain zone file only the bundles are compared that it holds, by their times.

    A request may ask for several responses, ``asked_for`` of them: ``names`` are those that all zones so far can belong
    to, more than one where nothing seen tells them apart. A zone that fits none is compared with the nearest.
    """

    def __init__(self, task: Task) -> None:
        self._asked = task.derived()
        self.asked_for = len(task.responses)
        self.names: tuple[str, ...] = tuple(one.name for one in task.responses)

    def differences(self, response: ZoneResponse) -> Iterator[str]:
        """Give all in which ``response`` is not what was asked for; zones passed over on the way are unanswered."""
        for zone, derivation in self._asked:
            if zone.zone == response.zone:
                found = {
                    one.name: list(_compared(response, zone, one.bundles))
                    for one in derivation.responses
                    if one.name in self.names
                }
                fewest = min(map(len, found.values()))
                self.names = tuple(name for name in found if len(found[name]) == fewest)
                yield from (f"{response.zone}: {what}" for what in found[self.names[0]])
                return
            yield _unanswered(zone)
        yield f"{response.zone}: not asked for, or not in the order of the request"

    def unanswered(self) -> Iterator[str]:
        """Give what was asked for after all that was answered."""
        for zone, _ in self._asked:
            yield _unanswered(zone)


def trusts_keys(keys: Sequence[Dnskey]) -> Trusts:
    """Trust exactly ``keys``, for whatever zone."""
    known = frozenset(keys)
    return lambda _zone, key: key in known


def _unanswered(zone: ZoneRequest) -> str:
    return f"{zone.zone}: asked for, and not answered here"


def _compared(response: ZoneResponse, zone: ZoneRequest, planned: Sequence[PlannedBundle]) -> Iterator[str]:
    if response.id:
        yield from _in_header(response, zone, planned)
    yield from _in_bundles(response, planned)


def _in_header(response: ZoneResponse, zone: ZoneRequest, planned: Sequence[PlannedBundle]) -> Iterator[str]:
    if len(planned) != len(response.bundles):
        yield f"{len(response.bundles)} bundles, where {len(planned)} were asked for"
    if (response.id, response.serial) != (zone.id, zone.serial):
        yield "id or serial is not that of the request"


def _in_bundles(response: ZoneResponse, planned: Sequence[PlannedBundle]) -> Iterator[str]:
    by_times = {(one.inception, one.expiration): one for one in planned}
    for number, got in enumerate(response.bundles, 1):
        wanted = by_times.pop((got.inception, got.expiration), None)
        if wanted is None:
            yield f"bundle {number}: the times are not those asked for"
            continue
        if response.id and wanted.id != got.id:
            yield f"bundle {number}: the id is not that of the request"
        if {(key.key, key.ttl) for key in wanted.keys} != {(key.key, key.ttl) for key in got.keys}:
            yield f"bundle {number}: the keys are not those asked for"
        elif {(one.tag, one.algorithm) for one in wanted.signers} != _ksk_signatures(got):
            yield f"bundle {number}: it is not signed by those asked for"
        if _said_to_parent(wanted.for_parent) != _said_to_parent(got.for_parent):
            yield f"bundle {number}: the CDS and CDNSKEY records are not those asked for"


def _ksk_signatures(bundle: Bundle) -> set[tuple[int, int]]:
    """Give tag and algorithm of each signature by a KSK; zone keys may sign the DNSKEY RRset too (RFC 6840 5.11)."""
    made = {(one.key_tag, one.algorithm) for one in bundle.signatures}
    return {(one.key.tag, one.key.algorithm) for one in bundle.keys if one.key.is_sep} & made


def _said_to_parent(rrsets: Sequence[ParentRrset]) -> set[tuple[int, int, frozenset[bytes]]]:
    return {(rrset.kind, rrset.ttl, frozenset(rrset.rdatas)) for rrset in rrsets}


def _verify(zone: dns.name.Name, bundle: Bundle, signature: Signature, over: ParentRrset | None) -> Dnskey:
    """Find the key that made ``signature``; two keys may have one tag."""
    keys = tuple(published.key for published in bundle.keys)
    candidates = [key for key in keys if key.tag == signature.key_tag and key.algorithm == signature.algorithm]
    if not candidates:
        raise SignatureError(f"a signature by key {signature.key_tag}, which is not in the bundle")
    failure = None
    for key in candidates:
        try:
            verify_signature(zone, keys, signature, key, over)
            verify_with_dnspython(zone, keys, signature, key, over)
        except SignatureError as error:
            failure = error
        else:
            return key
    raise SignatureError(f"the signature by key {signature.key_tag} does not verify") from failure
