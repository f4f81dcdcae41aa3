"""The bounds a request is judged by, read from a TOML file that people can read too.

Two profiles are shipped: ``root`` (what the root's key signing ceremonies demand) and ``zone`` (the default for plain
RRsets of any zone). Refused: unknown or missing keys, wrong types, a bound below its partner, files beyond 64 KiB.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from keyquorum.dnssec.model import (
    PARENT_RECORDS,
    RSA_ALGORITHMS,
    TTL_LIMIT,
    Dnskey,
    KeyKind,
    SignaturePolicy,
    SigningTimes,
)
from keyquorum.dnssec.times import format_duration, parse_duration
from keyquorum.errors import LimitError, MalformedError, UsageError

PROFILES = ("root", "zone")
"""The names of the shipped profiles."""

SIZE_LIMIT = 1 << 16
_ALGORITHMS = (8, 10, 13, 14, 15, 16)
_LARGEST_NUMBER = 100_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that is accepted, both included; durations in seconds, or bits."""

    least: int
    most: int

    def breach(self, seconds: int) -> str:
        """Give how a duration leaves the bounds, in words; "" if it does not."""
        if seconds < self.least:
            return f"{span(seconds)}, less than {span(self.least)}"
        return f"{span(seconds)}, more than {span(self.most)}" if seconds > self.most else ""


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
class Policy:
    """Every bound the rules use; None or () where a policy leaves one open. Durations are whole seconds.

    ``publish_safety`` and ``retire_safety`` are the least that is accepted, whatever a request states. ``ksk_policy``
    is what a response states, and ``ksk_ttl`` the TTL it gives every record (None: that of the request). ``times`` and
    ``parent_records`` are for requests that say only when their keys change (None: the bounds suffice).
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

    @property
    def ksk_validity(self) -> Bounds:
        """How long a signature of the KSK may be valid."""
        return Bounds(self.ksk_policy.min_signature_validity, self.ksk_policy.max_signature_validity)

    @property
    def ksk_overlap(self) -> Bounds:
        """How long two signatures of the KSK that follow each other may both be valid."""
        return Bounds(self.ksk_policy.min_validity_overlap, self.ksk_policy.max_validity_overlap)


def span(seconds: int) -> str:
    """Give a duration as ``P9D``, and one that is negative as ``-P9D`` (bundles may stand in the wrong order)."""
    return format_duration(seconds) if seconds >= 0 else f"-{format_duration(-seconds)}"


@cache
def profile(name: str) -> Policy:
    """Give the shipped profile ``name``, ``root`` or ``zone``; UsageError for any other."""
    return read_policy(profile_source(name))


def profile_source(name: str) -> bytes:
    """Give the TOML text of a shipped profile, to hash or to start one's own from; UsageError for any other name."""
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}", do=f"The shipped ones are {' and '.join(PROFILES)}.")
    return (resources.files("keyquorum.policy") / "profiles" / f"{name}.toml").read_bytes()


def read_policy(data: bytes) -> Policy:
    """Read a policy file; raises MalformedError (LimitError) with the path of the key, as ``$.bundles.count``."""
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"a policy file of {len(data)} bytes; the limit is {SIZE_LIMIT}", where="$")
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not a TOML document in UTF-8 ({error})", where="$") from None
    top = _Table(document, "$")
    bundles, zsk, ksk = top.table("bundles"), top.table("zsk"), top.table("ksk")
    signing = top.table("signing") if "signing" in document else None
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
    )
    for table in (top, bundles, zsk, ksk, signing):
        if table is not None:
            table.refuse_unknown()
    if policy.bundle_count and policy.keys_per_bundle and len(policy.keys_per_bundle) != policy.bundle_count:
        raise MalformedError(
            f"{len(policy.keys_per_bundle)} numbers for {policy.bundle_count} bundles",
            where="$.bundles.keys_per_bundle",
        )
    return policy


def _read_allowed(table: "_Table") -> AllowedKey:
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


def _read_ksk(table: "_Table") -> SignaturePolicy:
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


def _read_times(table: "_Table") -> SigningTimes:
    validity, refresh = table.duration("signature_validity"), table.duration("refresh")
    if refresh >= validity:
        raise MalformedError(
            f"{span(refresh)}, and a signature is valid for {span(validity)}", where=f"{table.path}.refresh"
        )
    return SigningTimes(validity, refresh, table.duration("inception_offset"))


def _read_kind(table: "_Table") -> KeyKind:
    algorithm = table.choice("algorithm", _ALGORITHMS)
    bits = table.number("bits", 128, 16384)
    exponent = table.number("exponent", 3, (1 << 63) - 1) if algorithm in RSA_ALGORITHMS else 0
    table.refuse_unknown()
    return KeyKind(algorithm, bits, exponent)


class _Table:
    """A TOML table that knows where it stands and what was taken from it."""

    def __init__(self, content: dict[str, Any], path: str) -> None:
        self.content = content
        self.path = path
        self.taken: set[str] = set()

    def refuse_unknown(self) -> None:
        for key in self.content:
            if key not in self.taken:
                raise MalformedError(
                    "a policy has no such key",
                    where=f"{self.path}.{ascii(key)[1:-1][:60]}",
                    do=f"There are: {', '.join(sorted(self.taken))}.",
                )

    def table(self, key: str) -> "_Table":
        return _Table(self._required(key, dict, "a table"), f"{self.path}.{key}")

    def tables(self, key: str) -> list["_Table"]:
        found = self._required(key, list, "a list of tables")
        if not found or not all(isinstance(one, dict) for one in found):
            raise MalformedError("not a list of at least one table", where=f"{self.path}.{key}")
        return [_Table(one, f"{self.path}.{key}[{place}]") for place, one in enumerate(found)]

    def text(self, key: str) -> str:
        found: str = self._required(key, str, "a text")
        if not (0 < len(found) <= 60 and found.isascii() and found.isprintable()):
            raise MalformedError("not 1 to 60 characters of printable ASCII", where=f"{self.path}.{key}")
        return found

    def boolean(self, key: str) -> bool:
        return bool(self._required(key, bool, "true or false"))

    def number(self, key: str, least: int, most: int) -> int:
        return _in_range(self._required(key, int, "a whole number"), least, most, f"{self.path}.{key}")

    def optional_number(self, key: str, least: int, most: int) -> int | None:
        return self.number(key, least, most) if key in self.content else None

    def numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        """Give a list of whole numbers; () where there is none."""
        if key not in self.content:
            return ()
        found = self._required(key, list, "a list of whole numbers")
        return tuple(_in_range(one, least, most, f"{self.path}.{key}[{place}]") for place, one in enumerate(found))

    def choice(self, key: str, choices: tuple[int, ...]) -> int:
        found = self.number(key, 0, 255)
        if found not in choices:
            raise MalformedError(f"{found} is not one of {', '.join(map(str, choices))}", where=f"{self.path}.{key}")
        return found

    def words(self, key: str, words: tuple[str, ...]) -> tuple[str, ...]:
        """Give a list of some of ``words``, each at most once, in their order."""
        found = self._required(key, list, "a list of words")
        unknown = [one for one in found if one not in words]
        if unknown or len(set(found)) != len(found):
            raise MalformedError(f"not some of {', '.join(words)}, each once", where=f"{self.path}.{key}")
        return tuple(word for word in words if word in found)

    def duration(self, key: str) -> int:
        return parse_duration(self._required(key, str, 'a duration such as "P21D"'), where=f"{self.path}.{key}")

    def bounds(self, key: str) -> Bounds:
        found = self._required(key, list, 'two durations such as ["P9D", "P11D"]')
        if len(found) != 2 or not all(isinstance(one, str) for one in found):
            raise MalformedError('not two durations such as ["P9D", "P11D"]', where=f"{self.path}.{key}")
        least, most = (parse_duration(one, where=f"{self.path}.{key}[{place}]") for place, one in enumerate(found))
        if least > most:
            raise MalformedError(f"{span(least)} at least, {span(most)} at most", where=f"{self.path}.{key}")
        return Bounds(least, most)

    def optional_bounds(self, key: str) -> Bounds | None:
        return self.bounds(key) if key in self.content else None

    def _required(self, key: str, kind: type, name: str) -> Any:
        self.taken.add(key)
        if key not in self.content:
            raise MalformedError(f"missing; it is {name}", where=f"{self.path}.{key}")
        found = self.content[key]
        if type(found) is not kind:
            raise MalformedError(f"not {name}", where=f"{self.path}.{key}")
        return found


def _in_range(number: Any, least: int, most: int, where: str) -> int:
    if type(number) is not int or not least <= number <= most:
        raise MalformedError(f"not a whole number from {least} to {most}", where=where)
    return number
