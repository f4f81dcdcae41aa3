"""Records of a signing: what is asked for, a holder's answer, what came of it.

A request and a partial are the header of a file with a body after it (``records.files``).
A record that exists is well-formed and its signature verified; whether to listen to its signer is for ``quorum``.
"""

from dataclasses import dataclass
from typing import Any

from keyquorum.dnssec.model import PARENT_RECORDS, KeyKind, SignaturePolicy, SigningTimes, Terms
from keyquorum.dnssec.responses import MOST_RESPONSES, NAME_LIMIT, NAME_PATTERN, NamedSchema, check_name
from keyquorum.dnssec.schema import ROLES, SCHEMAS
from keyquorum.errors import MalformedError
from keyquorum.records.envelope import Embedded, Kind, Signed
from keyquorum.records.fields import (
    ID,
    TIME,
    Choice,
    Flag,
    Integer,
    ListOf,
    Object,
    OrNull,
    Text,
    Word,
)
from keyquorum.records.keys import (
    ACCEPTANCE,
    COMMITMENTS,
    KEY_RECORD,
    MOST_ROWS,
    NAME,
    Acceptance,
    CommitmentRecord,
    KeyRecord,
)
from keyquorum.records.parts import PROOF
from keyquorum.threshold.one_time import MOST_LANES, MOST_SLOTS
from keyquorum.threshold.quorum_plan import MOST_HOLDERS

MOST_KEYS = 16
MOST_MESSAGES = 1_000_000
FORMAT = Choice(("icann", "zone", "bind", "knot"))
RESPONSE_NAME = Word(NAME_LIMIT, NAME_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrule:
    """A failed rule that somebody overruled, and why."""

    rule: str
    reason: str


OVERRULES = ListOf(Object(Overrule, {"rule": NAME, "reason": Text(500)}), 0, 64, distinct=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The file that is to be signed, as it was received: its format, length in bytes and SHA-256."""

    format: str
    length: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time a plain RRset is to be signed for; formats with bundles bring their own."""

    inception: int
    expiration: int

    def __post_init__(self) -> None:
        if self.inception >= self.expiration:
            raise MalformedError("the window does not end after it begins", where="expiration")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedSlots:
    """The slots that a request uses up with one key, message after message, and the commitments for them.

    The rows follow in the body of the request: for each slot those of all ``commitments``, in their order.
    """

    first: int
    count: int
    commitments: tuple[Signed[CommitmentRecord], ...]

    def __post_init__(self) -> None:
        makers = [one.record.maker for one in self.commitments]
        if makers != sorted(set(makers)):
            raise MalformedError("commitments stand there in the order of their makers, one each", where="commitments")
        if len({one.record.quorum for one in self.commitments}) != 1:
            raise MalformedError("the commitments are not for the same quorums", where="commitments")
        for place, one in enumerate(self.commitments):
            slots = one.record.slots
            if self.first not in slots or self.first + self.count - 1 not in slots:
                raise MalformedError("these commitments are not for all of the slots", where=f"commitments[{place}]")

    @property
    def row_length(self) -> int:
        """The length in bytes of what follows for one slot."""
        return sum(one.record.row_length for one in self.commitments)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedKey:
    """A key that may sign, and in which role; the acceptances of all of its holders; the slots that are used up.

    ``slots`` is None where none are.
    """

    key: Signed[KeyRecord]
    role: str
    acceptances: tuple[Signed[Acceptance], ...]
    slots: UsedSlots | None = None


_DURATION = Integer(0, (1 << 32) - 1)
_SIGNATURE_POLICY = Object(
    SignaturePolicy,
    {
        "publish_safety": _DURATION,
        "retire_safety": _DURATION,
        "max_signature_validity": _DURATION,
        "min_signature_validity": _DURATION,
        "max_validity_overlap": _DURATION,
        "min_validity_overlap": _DURATION,
        "algorithms": ListOf(
            Object(
                KeyKind,
                {"algorithm": Integer(0, 255), "bits": Integer(0, (1 << 16) - 1), "exponent": Integer(0, 1 << 48)},
            ),
            1,
            16,
        ),
    },
)


_TERMS = Object(
    Terms,
    {
        "ttl": OrNull(Integer(0, (1 << 31) - 1)),
        "ksk_policy": OrNull(_SIGNATURE_POLICY),
        "times": OrNull(
            Object(
                SigningTimes,
                {"validity": _DURATION, "refresh": _DURATION, "inception_offset": _DURATION, "until": OrNull(TIME)},
            )
        ),
        "parent_records": ListOf(Choice(PARENT_RECORDS), 0, len(PARENT_RECORDS), distinct=True),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The header of a request: what is to be signed, by which keys, under which rules; signed by a requester.

    ``responses`` are asked for by name, each under a schema. ``first`` says that these keys have signed nothing for the
    zone before. ``at`` is the time it was judged at; ``policy`` and ``previous`` are the SHA-256 of the requester's
    policy file and previous response (None where there was none).
    """

    signer: bytes
    at: int
    keys: tuple[RequestedKey, ...]
    source: Source
    window: Window | None
    responses: tuple[NamedSchema, ...]
    first: bool
    terms: Terms
    policy: bytes
    previous: bytes | None
    overrules: tuple[Overrule, ...]

    def __post_init__(self) -> None:
        ids = [requested.key.id for requested in self.keys]
        if len(set(ids)) != len(ids):
            raise MalformedError("a key stands twice in the request", where="keys")
        names = [response.name for response in self.responses]
        if len(set(names)) != len(names):
            raise MalformedError("two responses have one name", where="responses")


REQUEST = Kind(
    "request",
    "request",
    Request,
    {
        "at": TIME,
        "keys": ListOf(
            Object(
                RequestedKey,
                {
                    "key": Embedded(KEY_RECORD),
                    "role": Choice(ROLES),
                    "acceptances": ListOf(Embedded(ACCEPTANCE), 1, MOST_HOLDERS),
                    "slots": OrNull(
                        Object(
                            UsedSlots,
                            {
                                "first": Integer(0, MOST_LANES * MOST_SLOTS - 1),
                                "count": Integer(1, MOST_ROWS),
                                "commitments": ListOf(Embedded(COMMITMENTS), 1, MOST_HOLDERS),
                            },
                        )
                    ),
                },
            ),
            1,
            MOST_KEYS,
        ),
        "source": Object(Source, {"format": FORMAT, "length": Integer(1, 1 << 40), "sha256": ID}),
        "window": OrNull(Object(Window, {"inception": TIME, "expiration": TIME})),
        "responses": ListOf(
            Object(NamedSchema, {"name": RESPONSE_NAME, "schema": Choice(tuple(SCHEMAS))}), 1, MOST_RESPONSES
        ),
        "first": Flag(),
        "terms": _TERMS,
        "policy": ID,
        "previous": OrNull(ID),
        "overrules": OVERRULES,
    },
    limit=1 << 26,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer:
    """One holder's answer with one key: where its values stand in the body, their SHA-256, and what proves them."""

    key: bytes
    index: int
    count: int
    width: int
    sha256: bytes
    proof: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The header of a holder's answer to the request with id ``request``; the values follow, key after key.

    ``policy`` and ``previous`` are the SHA-256 of what the holder judged by, at time ``at``.
    """

    signer: bytes
    request: bytes
    at: int
    answers: tuple[KeyAnswer, ...]
    policy: bytes
    previous: bytes | None
    overrules: tuple[Overrule, ...]


PARTIAL = Kind(
    "partial",
    "partial",
    Partial,
    {
        "request": ID,
        "at": TIME,
        "answers": ListOf(
            Object(
                KeyAnswer,
                {
                    "key": ID,
                    "index": Integer(1, MOST_HOLDERS),
                    "count": Integer(1, MOST_MESSAGES),
                    "width": Integer(1, 1 << 20),
                    "sha256": ID,
                    "proof": OrNull(PROOF),
                },
            ),
            1,
            MOST_KEYS,
        ),
        "policy": ID,
        "previous": OrNull(ID),
        "overrules": OVERRULES,
    },
    limit=1 << 20,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What became of one holder's partial (``partial`` is its id): used, or refused for ``fault`` (empty if none)."""

    key: bytes
    index: int
    partial: bytes
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A response that came out: its name in the request, and the SHA-256 of what was written.

    Where that is several files, it is the SHA-256 of all of them, one after the other by their names.
    """

    name: str
    sha256: bytes

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came of a request: each response by its SHA-256, and who answered how; signed by whoever combined."""

    signer: bytes
    request: bytes
    format: str
    outputs: tuple[Output, ...]
    signatures: int
    contributions: tuple[Contribution, ...]


RESPONSE = Kind(
    "response",
    "response",
    Response,
    {
        "request": ID,
        "format": FORMAT,
        "outputs": ListOf(Object(Output, {"name": RESPONSE_NAME, "sha256": ID}), 1, MOST_RESPONSES, distinct=True),
        "signatures": Integer(1, MOST_MESSAGES),
        "contributions": ListOf(
            Object(
                Contribution,
                {"key": ID, "index": Integer(1, MOST_HOLDERS), "partial": ID, "fault": Text(500, empty=True)},
            ),
            1,
            MOST_KEYS * MOST_HOLDERS,
        ),
    },
    limit=1 << 22,
)
