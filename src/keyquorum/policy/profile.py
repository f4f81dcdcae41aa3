"""The bounds a request is judged by, read from a TOML file that people can read too.

Two profiles are shipped: ``root`` (what the root's key signing ceremonies demand) and ``zone`` (the default for plain
RRsets of any zone). Refused: unknown or missing keys, wrong types, a bound below its partner, files beyond 64 KiB.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from keyquorum.dnssec.model import (
    PARENT_RECORDS,
    RSA_ALGORITHMS,
    TTL_LIMIT,
    Dnskey,
    KeyKind,
    SignaturePolicy,
    SigningTimes,
)
from keyquorum.dnssec.trust import HOLD_DOWN, Trust
from keyquorum.errors import LimitError, MalformedError, UsageError
from keyquorum.policy.bounds import Bounds, span
from keyquorum.policy.tables import Table

PROFILES = ("root", "tld", "zone")
"""The names of the shipped profiles."""

SIZE_LIMIT = 1 << 16
_ALGORITHMS = (8, 10, 13, 14, 15, 16)
_LARGEST_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class AllowedKey:
    """A kind of key that may be asked for: algorithm, and for RSA how many bits and which exponents."""

    algorithm: int
    bits: Bounds
    exponents: tuple[int, ...]

    def allows(self, key: Dnskey) -> bool:
        """Whether ``key`` is of this kind."""
        if key.algorithm != self.algorithm or key.algorithm not in RSA_ALGORITHMS:
            return key.algorithm == self.algorithm
        exponent, modulus = key.rsa_numbers()
        return self._allows_rsa(modulus.bit_length(), exponent)

    def covers(self, kind: KeyKind) -> bool:
        """Whether a kind that a request states is within this one."""
        if kind.algorithm != self.algorithm or kind.algorithm not in RSA_ALGORITHMS:
            return kind.algorithm == self.algorithm
        return self._allows_rsa(kind.bits, kind.exponent)

    def _allows_rsa(self, bits: int, exponent: int) -> bool:
        return self.bits.least <= bits <= self.bits.most and exponent in self.exponents


@dataclass(frozen=True, slots=True)
class KskLife:
    """From when until when a KSK, named by its tag (unrevoked) and algorithm, may sign; seconds since 1970."""

    tag: int
    algorithm: int
    since: int
    until: int


DEFAULT_TRUST = Trust(follows=True, propagation=86400)
"""How validators come to trust a KSK where a policy does not say it: the slowest way."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Every bound the rules use; None or () where a policy leaves one open. Durations are whole seconds.

    ``publish_safety`` and ``retire_safety`` are the least that is accepted, whatever a request states. ``ksk_policy``
    is what a response states, and ``ksk_ttl`` the TTL it gives every record (None: that of the request). ``times`` and
    ``parent_records`` are for requests that say only when their keys change (None: the bounds suffice). ``trust`` is
    how validators come to trust a new KSK. ``ksk_lives`` says when each KSK may sign (empty: whenever).
    """

    name: str
    proofs_required: bool
    bundle_count: int | None
    bundle_interval: Bounds | None
    cycle_duration: Bounds | None
    keys_per_bundle: tuple[int, ...]
    keys_in_all: int | None
    allowed_keys: tuple[AllowedKey, ...]
    publish_safety: int
    retire_safety: int
    horizon: int
    ksk_policy: SignaturePolicy
    ksk_ttl: int | None
    times: SigningTimes | None = None
    parent_records: tuple[str, ...] | None = None
    trust: Trust = DEFAULT_TRUST
    ksk_lives: tuple[KskLife, ...] = ()

    @property
    def ksk_validity(self) -> Bounds:
        """How long a signature of the KSK may be valid."""
        return Bounds(self.ksk_policy.min_signature_validity, self.ksk_policy.max_signature_validity)

    @property
    def ksk_overlap(self) -> Bounds:
        """How long two signatures of the KSK that follow each other may both be valid."""
        return Bounds(self.ksk_policy.min_validity_overlap, self.ksk_policy.max_validity_overlap)


@cache
def profile(name: str) -> Policy:
    """Give the shipped profile ``name``, ``root`` or ``zone``; UsageError for any other."""
    return read_policy(profile_source(name))


def profile_source(name: str) -> bytes:
    """Give the TOML text of a shipped profile, to hash or to start one's own from; UsageError for any other name."""
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}", do=f"The shipped ones are {', '.join(PROFILES)}.")
    return (resources.files("keyquorum.policy") / "profiles" / f"{name}.toml").read_bytes()


def read_policy(data: bytes) -> Policy:
    """Read a policy file; raises MalformedError (LimitError) with the path of the key, as ``$.bundles.count``."""
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"a policy file of {len(data)} bytes; the limit is {SIZE_LIMIT}", where="$")
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not a TOML document in UTF-8 ({error})", where="$") from None
    top = Table(document, "$")
    bundles, zsk, ksk = top.table("bundles"), top.table("zsk"), top.table("ksk")
    signing, rollover = top.optional_table("signing"), top.optional_table("rollover")
    policy = Policy(
        name=top.text("name"),
        proofs_required=top.boolean("proofs_required"),
        horizon=top.duration("horizon"),
        bundle_count=bundles.optional_number("count", 1, _LARGEST_NUMBER),
        bundle_interval=bundles.optional_bounds("interval"),
        cycle_duration=bundles.optional_bounds("cycle_duration"),
        keys_per_bundle=bundles.numbers("keys_per_bundle", 1, _LARGEST_NUMBER),
        keys_in_all=bundles.optional_number("keys_in_all", 1, _LARGEST_NUMBER),
        allowed_keys=tuple(_read_allowed(table) for table in zsk.tables("allowed")),
        publish_safety=zsk.duration("publish_safety"),
        retire_safety=zsk.duration("retire_safety"),
        ksk_policy=_read_ksk(ksk),
        ksk_ttl=ksk.optional_number("ttl", 0, TTL_LIMIT - 1),
        times=_read_times(signing) if signing else None,
        parent_records=signing.words("parent_records", PARENT_RECORDS) if signing else None,
        trust=_read_trust(rollover) if rollover else DEFAULT_TRUST,
        ksk_lives=tuple(_read_life(table) for table in ksk.tables("life")) if "life" in ksk.content else (),
    )
    for table in (top, bundles, zsk, ksk, signing, rollover):
        if table is not None:
            table.refuse_unknown()
    if policy.bundle_count and policy.keys_per_bundle and len(policy.keys_per_bundle) != policy.bundle_count:
        raise MalformedError(
            f"{len(policy.keys_per_bundle)} numbers for {policy.bundle_count} bundles",
            where="$.bundles.keys_per_bundle",
        )
    return policy


def _read_allowed(table: Table) -> AllowedKey:
    algorithm = table.choice("algorithm", _ALGORITHMS)
    if algorithm not in RSA_ALGORITHMS:
        table.refuse_unknown()
        return AllowedKey(algorithm, Bounds(0, 0), ())
    least, most = table.number("min_bits", 512, 16384), table.number("max_bits", 512, 16384)
    exponents = table.numbers("exponents", 3, (1 << 63) - 1)
    table.refuse_unknown()
    if least > most:
        raise MalformedError(f"{least} bits at least, {most} at most", where=table.path)
    if not exponents:
        raise MalformedError("no exponent is allowed", where=f"{table.path}.exponents")
    return AllowedKey(algorithm, Bounds(least, most), exponents)


def _read_ksk(table: Table) -> SignaturePolicy:
    validity, overlap = table.bounds("signature_validity"), table.bounds("validity_overlap")
    if not validity.least:
        raise MalformedError("a signature that is valid for no time", where=f"{table.path}.signature_validity")
    return SignaturePolicy(
        publish_safety=table.duration("publish_safety"),
        retire_safety=table.duration("retire_safety"),
        min_signature_validity=validity.least,
        max_signature_validity=validity.most,
        min_validity_overlap=overlap.least,
        max_validity_overlap=overlap.most,
        algorithms=tuple(_read_kind(kind) for kind in table.tables("kinds")),
    )


def _read_times(table: Table) -> SigningTimes:
    validity, refresh = table.duration("signature_validity"), table.duration("refresh")
    if refresh >= validity:
        raise MalformedError(
            f"{span(refresh)}, and a signature is valid for {span(validity)}", where=f"{table.path}.refresh"
        )
    return SigningTimes(validity, refresh, table.duration("inception_offset"))


def _read_trust(table: Table) -> Trust:
    propagation = table.duration("propagation")
    if table.word("trust", ("rfc5011", "ds")) == "ds":
        return Trust(follows=False, propagation=propagation, parent=table.duration("parent"))
    hold_down, remove = table.duration("hold_down"), table.duration("remove_hold_down")
    if hold_down < HOLD_DOWN:
        raise MalformedError(f"validators wait for {span(HOLD_DOWN)}", where=f"{table.path}.hold_down")
    return Trust(follows=True, propagation=propagation, hold_down=hold_down, remove_hold_down=remove)


def _read_life(table: Table) -> KskLife:
    tag, algorithm = table.number("tag", 0, 65535), table.choice("algorithm", _ALGORITHMS)
    since, until = table.moment("since"), table.moment("until")
    table.refuse_unknown()
    if since >= until:
        raise MalformedError("it ends before it begins", where=f"{table.path}.until")
    return KskLife(tag, algorithm, since, until)


def _read_kind(table: Table) -> KeyKind:
    algorithm = table.choice("algorithm", _ALGORITHMS)
    bits = table.number("bits", 128, 16384)
    exponent = table.number("exponent", 3, (1 << 63) - 1) if algorithm in RSA_ALGORITHMS else 0
    table.refuse_unknown()
    return KeyKind(algorithm, bits, exponent)
