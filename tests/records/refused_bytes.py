"""Vectors, as in ``refusals``: other spellings, wrong envelopes, records within records, files that are too large."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from keyquorum.errors import KeyquorumError, LimitError, MalformedError, SignatureError
from keyquorum.records.canonical import dumps
from keyquorum.records.envelope import Kind
from keyquorum.records.keys import ACCEPTANCE, CARD, KEY_RECORD, SEALED_SHARE
from keyquorum.records.requests import PARTIAL, REQUEST
from tests.records.people import ACCEPTED, ALICE, BOB, BY_KEY, CARDS, DEALER, base64url, envelope, forged
from tests.records.refusals import EXAMPLE, Refusal, decoded, document_of, edited, set_


def spelled(kind: Kind[Any], spell: Callable[[bytes], bytes]) -> bytes:
    """Give the example with the bytes of its document changed and signed again by the same person."""
    payload = spell(dumps(document_of(kind)))
    return forged(kind, payload, BY_KEY[EXAMPLE[kind.name].record.signer])


def spellings() -> Iterator[Refusal]:
    """Give other spellings of the same document, and what looks like JSON."""
    at = "$.payload, "
    not_canonical = "not in canonical form"
    table: list[tuple[str, Callable[[bytes], bytes], type[MalformedError], str, str]] = [
        (
            "a blank after a comma",
            lambda text: text.replace(b",", b", ", 1),
            MalformedError,
            at + "byte 16",
            not_canonical,
        ),
        ("a line break at the end", lambda text: text + b"\n", MalformedError, at, not_canonical),
        ("keys in another order", _reordered, MalformedError, at + "byte 2", not_canonical),
        (
            "an escape without need",
            lambda text: text.replace(b"alice", b"\\u0061lice"),
            MalformedError,
            at,
            not_canonical,
        ),
        (
            "a slash escaped",
            lambda text: text.replace(b"keyquorum/", b"keyquorum\\/"),
            MalformedError,
            at,
            not_canonical,
        ),
        ("minus zero", lambda text: text.replace(b":1}", b":-0}"), MalformedError, at, not_canonical),
        (
            "1.0",
            lambda text: text.replace(b":1}", b":1.0}"),
            MalformedError,
            "$.payload",
            "the number 1.0 is not an integer",
        ),
        (
            "1e3",
            lambda text: text.replace(b":1}", b":1e3}"),
            MalformedError,
            "$.payload",
            "the number 1e3 is not an integer",
        ),
        ("NaN", lambda text: text.replace(b":1}", b":NaN}"), MalformedError, "$.payload", "NaN is not an integer"),
        ("Infinity", lambda text: text.replace(b":1}", b":-Infinity}"), MalformedError, "$.payload", "Infinity is not"),
        ("01", lambda text: text.replace(b":1}", b":01}"), MalformedError, at, "not JSON"),
        (
            "2^53",
            lambda text: text.replace(b":1}", b":9007199254740992}"),
            MalformedError,
            "$.payload",
            "beyond 2^53 - 1",
        ),
        (
            "a number of 2000 digits",
            lambda text: text.replace(b":1}", b":" + b"9" * 2000 + b"}"),
            MalformedError,
            "$.payload",
            "beyond 2^53 - 1",
        ),
        (
            "a key twice",
            lambda text: text.replace(b"}", b',"version":1}'),
            MalformedError,
            "$.payload",
            "the key 'version' stands twice",
        ),
        ("a byte order mark", lambda text: b"\xef\xbb\xbf" + text, MalformedError, at + "character 0", "not JSON"),
        ("UTF-16", lambda text: text.decode().encode("utf-16-le"), MalformedError, at, "not JSON"),
        ("not UTF-8", lambda text: text.replace(b"alice", b"\xffalice"), MalformedError, at + "byte 9", "not UTF-8"),
        (
            "overlong UTF-8",
            lambda text: text.replace(b"alice", b"\xc1\xa1lice"),
            MalformedError,
            at + "byte 9",
            "not UTF-8",
        ),
        ("a surrogate in UTF-8", lambda text: text.replace(b"alice", b"\xed\xa0\x80"), MalformedError, at, "not UTF-8"),
        (
            "a lone surrogate",
            lambda text: text.replace(b"alice", b"\\ud800"),
            MalformedError,
            "$.payload",
            "canonical JSON",
        ),
        ("a raw control character", lambda text: text.replace(b"alice", b"al\x01ice"), MalformedError, at, "not JSON"),
        ("cut off", lambda text: text[:-1], MalformedError, at, "not JSON"),
        ("empty", lambda _: b"  ", MalformedError, at, "not JSON"),
        ("two documents", lambda text: text + text, MalformedError, at, "not JSON"),
        (
            "nested deeply",
            lambda text: text.replace(b'"alice"', b"[" * 40 + b"]" * 40),
            LimitError,
            "$.payload",
            "nested deeper than 32",
        ),
        (
            "nested too deeply to be read at all",
            lambda text: text.replace(b'"alice"', b"[" * 1500),
            LimitError,
            "$.payload",
            "nested deeper than 32",
        ),
    ]
    for name, spell, error, where, says in table:
        yield Refusal(name, CARD, spelled(CARD, spell), error, where, says)


def envelopes() -> Iterator[Refusal]:
    """Give envelopes that are not as they should be around a document that is."""
    kind, payload = CARD, dumps(document_of(CARD))
    good: Any = envelope(payload, kind.payload_type, ALICE)
    signature = good["signatures"][0]
    by_bob: Any = envelope(payload, kind.payload_type, BOB)
    keyid = "$.signatures[0].keyid"
    table: list[tuple[str, Any, type[KeyquorumError], str, str]] = [
        ("two signatures", {"signatures": [signature, signature]}, MalformedError, "$.signatures", "1 to 1 items"),
        ("no signature", {"signatures": []}, MalformedError, "$.signatures", "not 0"),
        ("signed by another", by_bob, SignatureError, "$", "does not verify"),
        (
            "another's key id",
            {"signatures": [signature | {"keyid": BOB.verification_key.hex()}]},
            MalformedError,
            keyid,
            "key id",
        ),
        (
            "capitals",
            {"signatures": [signature | {"keyid": signature["keyid"].upper()}]},
            MalformedError,
            keyid,
            "key id",
        ),
        ("no key id", {"signatures": [{"sig": signature["sig"]}]}, MalformedError, keyid, "the field is missing"),
        (
            "a certificate",
            {"signatures": [signature | {"cert": "x"}]},
            MalformedError,
            "$.signatures[0].cert",
            "not known",
        ),
        (
            "a signature cut short",
            {"signatures": [signature | {"sig": base64url(bytes(63))}]},
            MalformedError,
            "$.signatures[0].sig",
            "64 bytes are expected, not 63",
        ),
        (
            "base64 of the other alphabet",
            {"signatures": [signature | {"sig": base64url(b"\xff" * 64).replace("_", "/")}]},
            MalformedError,
            "$.signatures[0].sig",
            "canonical spelling",
        ),
        (
            "no padding",
            {"signatures": [signature | {"sig": signature["sig"].rstrip("=")}]},
            MalformedError,
            "$.signatures[0].sig",
            "not base64url",
        ),
        (
            "another kind",
            {"payloadType": ACCEPTANCE.payload_type},
            MalformedError,
            "$.payloadType",
            "this is acceptance.v1",
        ),
        (
            "another version",
            {"payloadType": kind.payload_type.replace("v1", "v2")},
            MalformedError,
            "$.payloadType",
            "this is holder-card.v2",
        ),
        (
            "another's format",
            {"payloadType": "application/vnd.in-toto+json"},
            MalformedError,
            "$.payloadType",
            "in-toto",
        ),
        (
            "signed as another kind",
            envelope(payload, kind.payload_type, ALICE, over=ACCEPTANCE.payload_type),
            SignatureError,
            "$",
            "does not verify",
        ),
        ("an unknown field", {"comment": "x"}, MalformedError, "$.comment", "not known"),
        ("no payload", {"payload": ""}, MalformedError, "$.payload", "bytes are expected, not 0"),
    ]
    for name, change, error, where, says in table:
        yield Refusal(f"envelope: {name}", kind, dumps({**good, **change}), error, where, says)
    yield Refusal("envelope: a list", kind, b"[]", MalformedError, "$", "an object is expected, not a list")
    yield Refusal("envelope: nothing", kind, b"", MalformedError, "character 0", "not JSON")
    yield Refusal("envelope: a blank", kind, dumps(good) + b" ", MalformedError, "byte", "not in canonical form")
    yield Refusal("envelope: two line breaks", kind, dumps(good) + b"\n\n", MalformedError, "byte", "not in canonical")


def embedded() -> Iterator[Refusal]:
    """Give records that are in order, with a record inside that is not."""
    changed: Any = json.loads(ACCEPTED[1].envelope)
    changed["payload"] = base64url(dumps(json.loads(decoded(changed["payload"])) | {"index": 3}))
    where = "$.payload.keys[0].acceptances[1]"
    data = edited(REQUEST, set_("keys.0.acceptances.1", changed))
    yield Refusal("an acceptance changed in the request", REQUEST, data, SignatureError, where, "does not verify")
    other: Any = json.loads(CARDS["bob"].envelope)
    data = edited(REQUEST, set_("keys.0.acceptances.1", other))
    yield Refusal(
        "a card as acceptance",
        REQUEST,
        data,
        MalformedError,
        f"{where}.payloadType",
        "this is holder-card.v1, where acceptance.v1",
    )
    inner = edited(KEY_RECORD, set_("zones.0", "X."))
    data = edited(SEALED_SHARE, set_("key", json.loads(inner)))
    where = "$.payload.key.payload.zones[0]"
    yield Refusal("a zone within a key within a share", SEALED_SHARE, data, MalformedError, where, "lower case")
    data = edited(SEALED_SHARE, set_("key.payload", base64url(b"key")))
    yield Refusal(
        "an id instead of a record", SEALED_SHARE, data, MalformedError, "$.payload.key.payload, ", "not JSON"
    )


def limits() -> Iterator[Refusal]:
    """Give files larger than their kind may be: of any content, since nothing of them is to be looked at."""
    for kind in (CARD, ACCEPTANCE, PARTIAL):
        says = f"{kind.title}: {kind.limit + 1} bytes, where at most {kind.limit} are expected"
        yield Refusal(f"{kind.name} too large", kind, b"\xff" * (kind.limit + 1), LimitError, "", says)
    big: Any = envelope(b'"' + b"x" * 5000 + b'"', CARD.payload_type, DEALER)
    holder: Any = {"dealer": big}
    data = edited(KEY_RECORD, lambda document: document.update(holder))
    says = "5002 bytes, where at most 4096"
    yield Refusal(
        "a card too large within a key record", KEY_RECORD, data, LimitError, "$.payload.dealer.payload", says
    )


def _reordered(text: bytes) -> bytes:
    document = json.loads(text)
    return json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode()
