"""Vectors: files of one fault each, made from the examples, with the class of failure and the field it is found at.

Every document here is signed by whoever it says it is (a liar can sign anything), so only the fault can be the reason.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from keyquorum.errors import KeyquorumError, MalformedError
from keyquorum.records.canonical import Json, dumps
from keyquorum.records.envelope import Kind
from keyquorum.records.generation import COMPLAINT, KEY_PROPOSAL, ROUND_ONE, ROUND_TWO
from keyquorum.records.keys import ACCEPTANCE, CARD, COMMITMENTS, KEY_RECORD, MOST_ZONES, SEALED_SHARE
from keyquorum.records.requests import PARTIAL, REQUEST, RESPONSE
from tests.records.people import ALICE, BOB, BY_KEY, CARDS, EXAMPLES, base64url, card, forged, identity

Edit = Callable[[Any], object]
EXAMPLE = {kind.name: signed for kind, signed in EXAMPLES}
ZEROS = base64url(bytes(32))


@dataclass(frozen=True)
class Refusal:
    """A file that must not be read as ``kind``."""

    name: str
    kind: Kind[Any]
    data: bytes
    error: type[KeyquorumError]
    where: str
    says: str


def document_of(kind: Kind[Any]) -> Any:
    """Give a fresh copy of the example's document."""
    payload = json.loads(EXAMPLE[kind.name].envelope)["payload"]
    return json.loads(decoded(payload))


def decoded(text: str) -> bytes:
    """Decode as records do, by hand."""
    return base64.b64decode(text, altchars=b"-_", validate=True)


def edited(kind: Kind[Any], edit: Edit) -> bytes:
    """Give the example with its document edited and signed again by the same person."""
    document = document_of(kind)
    edit(document)
    return forged(kind, document, BY_KEY[EXAMPLE[kind.name].record.signer])


def set_(path: str, value: Any) -> Edit:
    """Give the edit that puts ``value`` at ``path`` (``holders.0.payload``)."""
    *parents, last = path.split(".")

    def edit(document: Any) -> None:
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        document[int(last) if isinstance(document, list) else last] = value

    return edit


def delete(path: str) -> Edit:
    """Give the edit that removes the field at ``path``."""
    *parents, last = path.split(".")

    def edit(document: Any) -> None:
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        del document[last]

    return edit


def fields() -> Iterator[Refusal]:
    """Give faults in single fields: each codec, wherever it first stands."""
    table: list[tuple[Kind[Any], str, Any, str]] = [
        # Text
        (CARD, "name", 1, "text is expected, not a number"),
        (CARD, "name", None, "text is expected, not null"),
        (CARD, "name", "", "text of 1 to 64 characters"),
        (CARD, "name", "x" * 65, "text of 1 to 64 characters"),
        (CARD, "name", "al\x1b[31mice", "control character"),
        (CARD, "name", "alice\n", "line break"),
        (CARD, "name", " alice", "blank"),
        (CARD, "name", "alice\u00a0", "control character"),
        (CARD, "name", "al\u202eice", "control character"),
        (CARD, "name", "al\u200bice", "control character"),
        (CARD, "name", ".alice", "slash, a backslash, or a dot"),
        (CARD, "name", "../alice", "slash, a backslash, or a dot"),
        (CARD, "name", "a/b", "slash, a backslash, or a dot"),
        (CARD, "name", "a\\b", "slash, a backslash, or a dot"),
        (KEY_RECORD, "label", "Schlüssel", "ASCII"),
        (RESPONSE, "contributions.0.fault", "x" * 501, "text of 0 to 500 characters"),
        (RESPONSE, "contributions.1.fault", "x\ty", "control character"),
        (REQUEST, "responses.0.name", "", "1 to 40 small letters"),
        (REQUEST, "responses.0.name", "Back-out", "small letters, digits and hyphens"),
        (REQUEST, "responses.0.name", "../skr", "small letters, digits and hyphens"),
        (RESPONSE, "outputs.0.name", "-x", "small letters, digits and hyphens"),
        (REQUEST, "overrules.0.reason", "", "text of 1 to 500"),
        # Choice
        (REQUEST, "responses.0.schema", "roll", "one of normal, pre-publish"),
        (REQUEST, "keys.0.role", "old", "one of current, next"),
        (REQUEST, "first", 1, "true or false is expected, not a number"),
        (REQUEST, "first", None, "true or false is expected, not null"),
        (REQUEST, "source.format", "pem", "one of icann, zone"),
        (REQUEST, "source.format", 1, "one of icann, zone"),
        (RESPONSE, "format", ["zone"], "one of icann, zone"),
        (KEY_RECORD, "public.kind", "New", "one of new, existing"),
        # Integer
        (ACCEPTANCE, "accepted", "1", "a number is expected, not text"),
        (ACCEPTANCE, "accepted", True, "a number is expected, not true or false"),
        (ACCEPTANCE, "accepted", -1, "a number from 0 to 4294967295"),
        (ACCEPTANCE, "accepted", 1 << 32, "a number from 0 to 4294967295"),
        (ACCEPTANCE, "index", 0, "a number from 1 to 64"),
        (ACCEPTANCE, "index", 65, "a number from 1 to 64"),
        (KEY_RECORD, "created", [], "a number is expected, not a list"),
        (KEY_RECORD, "public.algorithm", 7, "a number from 8 to 10"),
        (PARTIAL, "answers.0.count", 0, "a number from 1 to 1000000"),
        (PARTIAL, "answers.0.width", (1 << 20) + 1, "a number from 1 to 1048576"),
        (REQUEST, "source.length", 0, "a number from 1 to"),
        (REQUEST, "terms.ttl", 1 << 31, "a number from 0 to 2147483647"),
        (REQUEST, "terms.ksk_policy.algorithms.0.bits", 1 << 16, "a number from 0 to 65535"),
        (REQUEST, "terms.ksk_policy.publish_safety", 1 << 32, "a number from 0 to 4294967295"),
        # Binary
        (CARD, "sealing_key", 7, "base64url text is expected, not a number"),
        (CARD, "sealing_key", "", "32 bytes are expected, not 0"),
        (CARD, "sealing_key", base64url(bytes(31)), "32 bytes are expected, not 31"),
        (CARD, "sealing_key", base64url(bytes(33)), "32 bytes are expected, not 33"),
        (CARD, "sealing_key", base64url(bytes(34)), "at most 32 bytes"),
        (CARD, "sealing_key", ZEROS[:-1], "not base64url"),
        (CARD, "sealing_key", ZEROS[:-2] + "B=", "canonical spelling"),
        (CARD, "sealing_key", ZEROS[:-4] + "A\nA=", "not base64url"),
        (CARD, "sealing_key", base64url(b"\xff" * 32).replace("_", "/"), "canonical spelling"),
        (CARD, "sealing_key", ZEROS[:-2] + "é=", "not base64url"),
        (CARD, "sealing_key", bytes(32).hex(), "at most 32 bytes"),
        (ACCEPTANCE, "key", None, "base64url text is expected, not null"),
        (SEALED_SHARE, "sealed", base64url(bytes(48)), "49 to 1048576 bytes"),
        (SEALED_SHARE, "sealed", base64url(bytes((1 << 20) + 3)), "at most 1048576 bytes"),
        # BigInteger
        (KEY_RECORD, "public.n", 5, "base64url text"),
        (KEY_RECORD, "public.n", "", "1 to 512 bytes are expected, not 0"),
        (KEY_RECORD, "public.n", base64url(b"\0\x05"), "leading zero bytes"),
        (KEY_RECORD, "public.n", base64url(b"\1" + bytes(512)), "1 to 512 bytes are expected, not 513"),
        (KEY_RECORD, "public.verification.2", base64url(b"\0\0"), "leading zero bytes"),
        (KEY_RECORD, "public.e", base64url(b"\1" + bytes(8)), "1 to 8 bytes are expected, not 9"),
        # Zone names
        (KEY_RECORD, "zones.1", "example", "absolute"),
        (KEY_RECORD, "zones.1", "Example.", "lower case"),
        (KEY_RECORD, "zones.1", "\\101xample.", "needless escapes"),
        (KEY_RECORD, "zones.1", "a..", "not a domain name"),
        (KEY_RECORD, "zones.1", "x" * 64 + ".", "not a domain name"),
        (KEY_RECORD, "zones.1", "\\300.", "not a domain name"),
        (KEY_RECORD, "zones.1", "ä.", "lower case"),
        (KEY_RECORD, "zones.1", "\\²22.", "lower case"),
        (KEY_RECORD, "zones.1", "", "text of 1 to 1024"),
        # Lists
        (KEY_RECORD, "zones", {}, "a list is expected, not an object"),
        (KEY_RECORD, "zones", [], "a list of 1 to 100000 items is expected, not 0"),
        (KEY_RECORD, "zones", [f"{n}." for n in range(MOST_ZONES + 1)], "not 100001"),
        (KEY_RECORD, "public.verification", ["AQ=="] * 65, "not 65"),
        (REQUEST, "keys", [], "a list of 1 to 16 items"),
        (REQUEST, "keys.0.acceptances", [], "a list of 1 to 64 items"),
        (REQUEST, "terms.ksk_policy.algorithms", [], "a list of 1 to 16 items"),
        (PARTIAL, "answers", "none", "a list is expected, not text"),
        # Objects and what may be null
        (REQUEST, "source", [], "an object is expected, not a list"),
        (REQUEST, "window", "now", "an object is expected, not text"),
        (REQUEST, "previous", 0, "base64url text is expected, not a number"),
        (KEY_RECORD, "public", 1, "an object is expected, not a number"),
        (KEY_RECORD, "public.scheme", "shamir", "one of rsa, frost, ecdsa, undivided"),
        (KEY_RECORD, "origin", None, "an object is expected, not null"),
        (KEY_RECORD, "origin.how", "found", "one of dealt, generated, reshared, kept"),
        (KEY_RECORD, "origin.how", "generated", "names what it has not"),
        (ACCEPTANCE, "tables", [ZEROS, ZEROS], "an item stands twice in the list"),
        (COMMITMENTS, "digests", base64url(bytes(33)), "the digests are not 32 bytes each"),
        (COMMITMENTS, "digests", "", "32 to 2097152 bytes"),
        (COMMITMENTS, "quorum", [2, 1], "in ascending order, each once"),
        (COMMITMENTS, "quorum", [1, 1], "in ascending order, each once"),
        (COMMITMENTS, "quorum.0", 0, "a number from 1 to 64"),
        (COMMITMENTS, "first", (1 << 24) - 1, "not those of one requester"),
        (COMMITMENTS, "first", 64 << 24, "a number from 0 to"),
        (COMMITMENTS, "maker", 65, "a number from 0 to 64"),
        (COMMITMENTS, "row_length", 0, "a number from 1 to"),
        (COMMITMENTS, "a_year", 0, "a number from 1 to"),
        (KEY_PROPOSAL, "algorithm", 13, "a number from 15 to 16"),
        (KEY_PROPOSAL, "dealers", [], "dealers are those of an old key"),
        (KEY_PROPOSAL, "dealers", [3, 1], "in ascending order"),
        (KEY_PROPOSAL, "dealers", [1, 4], "in ascending order"),
        (KEY_PROPOSAL, "repairs", 1, "not another holder of the key"),
        (KEY_PROPOSAL, "repairs", 4, "not another holder of the key"),
        (ROUND_ONE, "commitments.0", base64url(bytes(31)), "32 to 57 bytes"),
        (ROUND_TWO, "sealed", [], "a list of 1 to 64 items"),
        (COMPLAINT, "receiving_secret", base64url(bytes(31)), "32 bytes are expected"),
        (PARTIAL, "answers.0.proof", [], "an object is expected, not a list"),
        (PARTIAL, "answers.0.proof.scheme", None, "one of rsa"),
    ]  # fmt: skip
    for kind, path, value, says in table:
        name = f"{kind.name} {path} {json.dumps(value)[:30]}"
        yield Refusal(name, kind, edited(kind, set_(path, value)), MalformedError, _where(path), says)
    data = edited(KEY_RECORD, set_("zones.1", "."))
    twice = edited(REQUEST, set_("responses.1.name", "normal"))
    yield Refusal(
        "one name twice", REQUEST, twice, MalformedError, "$.payload.responses", "two responses have one name"
    )
    says = "an item stands twice in the list"
    yield Refusal("one zone twice", KEY_RECORD, data, MalformedError, "$.payload.zones", says)


def objects() -> Iterator[Refusal]:
    """Give missing and unknown fields, at every level, and types and versions that are another's."""
    missing: list[tuple[Kind[Any], str]] = [
        (CARD, "signer"),
        (CARD, "name"),
        (CARD, "type"),
        (CARD, "version"),
        (KEY_RECORD, "public.n"),
        (KEY_RECORD, "public.scheme"),
        (KEY_RECORD, "dealer.payload"),
        (REQUEST, "window.inception"),
        (REQUEST, "keys.0.acceptances.1.signatures"),
        (PARTIAL, "previous"),
    ]
    for kind, path in missing:
        says = "one of rsa" if path.endswith("scheme") else "the field is missing"
        data = edited(kind, delete(path))
        yield Refusal(f"{kind.name} without {path}", kind, data, MalformedError, _where(path), says)
    unknown: list[tuple[Kind[Any], str, str]] = [
        (CARD, "nickname", "$.payload.nickname"),
        (CARD, "\x1b[2J", "$.payload.'\\x1b[2J'"),
        (CARD, "x" * 1000, "$.payload." + "x" * 40),
        (KEY_RECORD, "public.d", "$.payload.public.d"),
        (REQUEST, "source.path", "$.payload.source.path"),
        (REQUEST, "keys.0.key.comment", "$.payload.keys[0].key.comment"),
    ]
    for kind, path, where in unknown:
        data = edited(kind, set_(path, "x"))
        yield Refusal(f"{kind.name} with {path[:20]!r}", kind, data, MalformedError, where, "this field is not known")
    for path, value in [
        ("type", "keyquorum/partial"),
        ("type", 1),
        ("version", 2),
        ("version", True),
        ("version", "1"),
    ]:
        data, says = edited(CARD, set_(path, value)), "this is another kind or version of record"
        yield Refusal(f"card of {path} {value!r}", CARD, data, MalformedError, f"$.payload.{path}", says)
    wholes: list[tuple[Json, str]] = [
        ([], "a list"),
        ("alice", "text"),
        (None, "null"),
        (7, "a number"),
        (True, "true or false"),
    ]
    for document, said in wholes:
        data = forged(CARD, document, ALICE)
        says = f"an object is expected, not {said}" if len(dumps(document)) > 1 else "2 to 67108864 bytes are expected"
        yield Refusal(f"card that is {said}", CARD, data, MalformedError, "$.payload", says)


def across_fields() -> Iterator[Refusal]:
    """Give what only two fields together make wrong."""
    stranger = card("alice", identity("another alice"))
    renamed = card("Carol", BOB)
    fullwidth = card("\uff41lice", BOB)
    cards = {name: json.loads(signed.envelope) for name, signed in CARDS.items()}

    def put(*names: Any) -> list[Json]:
        return [cards[name] if isinstance(name, str) else json.loads(name.envelope) for name in names]

    def with_window(inception: int, expiration: int) -> Edit:
        return set_("window", {"inception": inception, "expiration": expiration})

    twice = "the same person stands there twice"
    same_name = "two different people have the same name"
    table: list[tuple[str, Kind[Any], Edit, str, str]] = [
        ("dealer is not the signer", KEY_RECORD, set_("dealer", cards["alice"]), "dealer", "not signed by the dealer"),
        (
            "two holders for three shares",
            KEY_RECORD,
            set_("holders", put("alice", "bob")),
            "holders",
            "number of holders",
        ),
        ("one holder twice", KEY_RECORD, set_("holders", put("alice", "bob", "alice")), "holders", twice),
        ("one requester twice", KEY_RECORD, set_("requesters", put("dave", "dave")), "requesters", twice),
        ("two called alice", KEY_RECORD, set_("holders", put("alice", "bob", stranger)), "holders", same_name),
        ("carol and Carol", KEY_RECORD, set_("holders", put("alice", renamed, "carol")), "holders", same_name),
        ("alice in wide letters", KEY_RECORD, set_("holders", put("alice", fullwidth, "carol")), "holders", same_name),
        ("a requester called alice", KEY_RECORD, set_("requesters", put(stranger)), "requesters", same_name),
        ("no fourth holder", SEALED_SHARE, set_("index", 4), "index", "no holder with this index"),
        (
            "one key twice",
            REQUEST,
            lambda document: document["keys"].append(document["keys"][0]),
            "keys",
            "stands twice",
        ),
        ("a window of no length", REQUEST, with_window(5, 5), "window.expiration", "does not end after it begins"),
        ("a window backwards", REQUEST, with_window(6, 5), "window.expiration", "does not end after it begins"),
        (
            "an overrule twice",
            REQUEST,
            lambda document: document["overrules"].append(document["overrules"][0]),
            "overrules",
            "an item stands twice",
        ),
    ]
    for name, kind, edit, where, says in table:
        yield Refusal(name, kind, edited(kind, edit), MalformedError, f"$.payload.{where}", says)
    document = document_of(SEALED_SHARE) | {"signer": base64url(ALICE.verification_key)}
    data = forged(SEALED_SHARE, document, ALICE)
    says = "not signed by the dealer of its key"
    yield Refusal("share signed by another", SEALED_SHARE, data, MalformedError, "$.payload.signer", says)


def _where(path: str) -> str:
    steps = (f"[{step}]" if step.isdigit() else f".{step}" for step in path.split("."))
    return "$.payload" + "".join(steps)
