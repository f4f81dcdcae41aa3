"""Is this response what the zone's owner asked for, signed by the key that everybody expects?

Ordinary mathematics only, nothing of the quorum is needed: a response is verified against keys somebody trusts, given
as DNSKEYs or DS records. With the request at hand it is also compared with what was asked, key by key.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dns.name

from keyquorum.dnssec.model import Bundle, Dnskey, Signature, ZoneResponse
from keyquorum.dnssec.times import format_time_for_people
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import SignatureError
from keyquorum.quorum.task import Task

Trusts = Callable[[dns.name.Name, Dnskey], bool]
"""Says whether a key of a zone is one that is trusted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one bundle: the tags of the trusted keys that signed it, and what is wrong (empty: nothing)."""

    zone: dns.name.Name
    bundle: Bundle
    signers: tuple[int, ...]
    faults: tuple[str, ...]


def verify_response(response: ZoneResponse, trusts: Trusts, at: int | None = None) -> Iterator[Verdict]:
    """Verify every signature of ``response``, with our own code and with dnspython; give one verdict a bundle.

    A bundle is good if all its signatures verify and at least one is by a trusted key; with ``at``, if it is also valid
    at that time.
    """
    for bundle in response.bundles:
        keys = tuple(published.key for published in bundle.keys)
        signers, faults = [], []
        for signature in bundle.signatures:
            try:
                key = _verify(response.zone, keys, signature)
            except SignatureError as error:
                faults.append(error.what)
                continue
            if trusts(response.zone, key):
                signers.append(key.tag)
        if not signers:
            faults.append("no signature by a trusted key")
        if at is not None and not bundle.inception <= at <= bundle.expiration:
            faults.append(f"not valid at {format_time_for_people(at)}")
        yield Verdict(response.zone, bundle, tuple(signers), tuple(faults))


def differences(response: ZoneResponse, task: Task) -> list[str]:
    """Give, as sentences, all in which ``response`` is not the answer to ``task`` (of one zone)."""
    for zone, planned in task.planned():
        if zone.zone != response.zone:
            continue
        found = []
        if len(planned) != len(response.bundles):
            found.append(f"{len(response.bundles)} bundles, where {len(planned)} were asked for")
        if response.id and (response.id, response.serial) != (zone.id, zone.serial):
            found.append("id or serial is not that of the request")
        for number, (wanted, got) in enumerate(zip(planned, response.bundles, strict=False), 1):
            if (wanted.inception, wanted.expiration) != (got.inception, got.expiration):
                found.append(f"bundle {number}: the times are not those asked for")
            if response.id and wanted.id != got.id:
                found.append(f"bundle {number}: the id is not that of the request")
            if {(key.key, key.ttl) for key in wanted.keys} != {(key.key, key.ttl) for key in got.keys}:
                found.append(f"bundle {number}: the keys are not those asked for")
        return found
    return [f"the request does not ask for {response.zone}"]


def trusts_keys(keys: Sequence[Dnskey]) -> Trusts:
    """Trust exactly ``keys``, for whatever zone."""
    known = frozenset(keys)
    return lambda _zone, key: key in known


def _verify(zone: dns.name.Name, keys: Sequence[Dnskey], signature: Signature) -> Dnskey:
    """Find the key that made ``signature``; two keys may have one tag."""
    candidates = [key for key in keys if key.tag == signature.key_tag and key.algorithm == signature.algorithm]
    if not candidates:
        raise SignatureError(f"a signature by key {signature.key_tag}, which is not in the bundle")
    failure = None
    for key in candidates:
        try:
            verify_signature(zone, keys, signature, key)
            verify_with_dnspython(zone, keys, signature, key)
        except SignatureError as error:
            failure = error
        else:
            return key
    raise SignatureError(f"the signature by key {signature.key_tag} does not verify") from failure
