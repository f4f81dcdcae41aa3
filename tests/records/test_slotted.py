"""Records of keys whose answers use up slots: frozen as they are, and refused for each single fault in them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from keyquorum.errors import MalformedError
from keyquorum.identity.keys import Identity
from keyquorum.records.envelope import Kind, Signed
from keyquorum.records.keys import ACCEPTANCE, COMMITMENTS, KEY_RECORD, SEALED_SHARE, CommitmentRecord, SealedShare
from keyquorum.records.requests import REQUEST, RequestedKey, UsedSlots
from tests.records.people import (
    ACCEPTED,
    ALICE,
    ASKED,
    BOB,
    BY_KEY,
    DEALER,
    DIGEST,
    ECDSA_KEY,
    OTHER_DIGEST,
    PEOPLE,
    ROW_KEY,
    base64url,
    forged,
)
from tests.records.refusals import decoded

Edit = Callable[[Any], object]


def made(key: bytes, who: Identity, maker: int, first: int, count: int, **more: Any) -> Signed[CommitmentRecord]:
    """Give commitments to ``count`` slots from ``first`` on."""
    given: dict[str, Any] = {
        "quorum": (),
        "row_length": 64,
        "digests": (DIGEST + OTHER_DIGEST) * 4,
        "a_year": 36,
    } | more
    given["digests"] = given["digests"][: 32 * count]
    record = CommitmentRecord(signer=who.verification_key, key=key, maker=maker, first=first, **given)
    return COMMITMENTS.sign(record, who)


TABLES = (made(ECDSA_KEY.id, DEALER, 0, 0, 3), made(ECDSA_KEY.id, DEALER, 0, 1 << 24, 2))
SHARE = SEALED_SHARE.sign(
    SealedShare(
        signer=DEALER.verification_key,
        key=ECDSA_KEY,
        index=1,
        sealed=bytes(range(80)),
        tables=TABLES,
        sealed_rows=bytes(range(100)),
    ),
    DEALER,
)
TOOK = ACCEPTANCE.sign(replace(ACCEPTED[0].record, key=ECDSA_KEY.id, tables=tuple(one.id for one in TABLES)), ALICE)
COMMITTED = (made(ROW_KEY.id, ALICE, 1, 4, 5), made(ROW_KEY.id, BOB, 2, 6, 6, row_length=128))
USED = UsedSlots(first=6, count=3, commitments=COMMITTED)
ASKED_WITH_SLOTS = REQUEST.sign(
    replace(
        ASKED.record,
        keys=(
            RequestedKey(key=ROW_KEY, role="current", acceptances=ACCEPTED, slots=USED),
            RequestedKey(
                key=ECDSA_KEY,
                role="next",
                acceptances=(TOOK,),
                slots=UsedSlots(first=1 << 24, count=1, commitments=(TABLES[1],)),
            ),
        ),
    ),
    PEOPLE["dave"],
)
EXAMPLES: dict[str, tuple[Kind[Any], Signed[Any]]] = {
    "a FROST key": (KEY_RECORD, ROW_KEY),
    "an ECDSA key": (KEY_RECORD, ECDSA_KEY),
    "a share with tables": (SEALED_SHARE, SHARE),
    "an acceptance of tables": (ACCEPTANCE, TOOK),
    "commitments of a holder": (COMMITMENTS, COMMITTED[0]),
    "a request with slots": (REQUEST, ASKED_WITH_SLOTS),
}
# Whoever changes one of these changes a file format: raise the version of the kind.
FROZEN_IDS = {
    "a FROST key": "74d1a10df62d24316dc9e88caeb24a3e4df9b797b44f808df993b13497fd38ad",
    "an ECDSA key": "ba0f9f47a4cfab90c150dd8519d0c1d103ea12d0a8f476d6746933f9a9b571f1",
    "a share with tables": "f9d7b99b91e370d54abb53d7f8aa37c04de0412454158646371466655fc17014",
    "an acceptance of tables": "520cf8b49d60730917b6a4bcd126a27d45390080a1bd141c08119efa8be714bd",
    "commitments of a holder": "89dbbc9e12bee7a25e07a72053935d696ba4159c6c011e48390dd0a9f40c9044",
    "a request with slots": "0efc84eddd0f31a9b3064ee9838f19c65591ebb921a6bfc7941f918639b1da27",
}
each = pytest.mark.parametrize("name", EXAMPLES)


@each
def test_formats_are_frozen(name: str) -> None:
    kind, signed = EXAMPLES[name]
    assert signed.id.hex() == FROZEN_IDS[name]
    assert kind.read(signed.envelope) == signed
    assert edited(name, lambda _: None) == signed.envelope
    Draft202012Validator(kind.schema()).validate(document_of(signed))


def test_slots_are_counted_from_the_first_one() -> None:
    record = COMMITTED[1].record
    assert (record.count, record.slots) == (6, range(6, 12))
    assert [record.digest_of(slot) for slot in record.slots] == [DIGEST, OTHER_DIGEST] * 3
    assert USED.row_length == 64 + 128


def document_of(signed: Signed[Any]) -> Any:
    return json.loads(decoded(json.loads(signed.envelope)["payload"]))


def edited(name: str, edit: Edit) -> bytes:
    """Give an example with its document edited and signed again by the same person."""
    kind, signed = EXAMPLES[name]
    document = document_of(signed)
    edit(document)
    return forged(kind, document, BY_KEY[signed.record.signer])


def put(path: str, value: Any) -> Edit:
    """Give the edit that puts ``value`` at ``path``."""
    *parents, last = path.split(".")

    def edit(document: Any) -> None:
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        document[int(last) if isinstance(document, list) else last] = value

    return edit


def records(*signed: Signed[Any]) -> list[Any]:
    return [json.loads(one.envelope) for one in signed]


SLOTS = "keys.0.slots"
ALL, SOME = COMMITTED[0], made(ROW_KEY.id, BOB, 2, 6, 6, quorum=(1, 2))
FAULTS: list[tuple[str, str, Any, str, str]] = [
    # The public parts of a key
    ("a FROST key", "public.algorithm", 13, "", "a number from 15 to 16"),
    ("a FROST key", "public.commitments", [], "", "a list of 1 to 64 items"),
    ("a FROST key", "public.commitments.1", base64url(bytes(31)), "", "32 to 57 bytes"),
    ("a FROST key", "public.quorums", [], "", "a list of 1 to"),
    ("a FROST key", "public.quorums.0", [], "", "a list of 1 to 64 items"),
    ("a FROST key", "public.quorums.0.1", 65, "", "a number from 1 to 64"),
    ("a FROST key", "public.answers", 0, "", "a number from 1 to 64"),
    ("a FROST key", "public.point", "AA==", "", "this field is not known"),
    ("an ECDSA key", "public.algorithm", 15, "", "a number from 13 to 14"),
    ("an ECDSA key", "public.point", base64url(bytes(32)), "", "33 to 49 bytes"),
    ("an ECDSA key", "public.commitments", [], "", "this field is not known"),
    # The file of a share
    ("a share with tables", "tables", [], "tables", "secret rows stand there without their tables"),
    ("a share with tables", "sealed_rows", "", "tables", "secret rows stand there without their tables"),
    *(
        ("a share with tables", f"tables.{place}", records(table)[0], f"tables.{place}", "not one of the dealer")
        for place, table in (
            (1, made(ROW_KEY.id, DEALER, 0, 0, 1)),
            (0, made(ECDSA_KEY.id, ALICE, 0, 0, 1)),
            (0, made(ECDSA_KEY.id, DEALER, 1, 0, 1)),
            (0, made(ECDSA_KEY.id, DEALER, 0, 0, 1, quorum=(1, 2))),
        )
    ),
    ("an acceptance of tables", "tables.1", base64url(bytes(31)), "", "32 bytes are expected, not 31"),
    # The slots of a request
    ("a request with slots", SLOTS, {}, f"{SLOTS}.first", "the field is missing"),
    ("a request with slots", f"{SLOTS}.count", 0, "", "a number from 1 to 65536"),
    ("a request with slots", f"{SLOTS}.first", 64 << 24, "", "a number from 0 to"),
    ("a request with slots", f"{SLOTS}.commitments", [], "", "a list of 1 to 64 items"),
    ("a request with slots", f"{SLOTS}.first", 5, f"{SLOTS}.commitments.1", "not for all of the slots"),
    ("a request with slots", f"{SLOTS}.first", 3, f"{SLOTS}.commitments.0", "not for all of the slots"),
    ("a request with slots", f"{SLOTS}.count", 4, f"{SLOTS}.commitments.0", "not for all of the slots"),
    ("a request with slots", f"{SLOTS}.first", (1 << 24) + 6, f"{SLOTS}.commitments.0", "not for all of the slots"),
    ("a request with slots", f"{SLOTS}.commitments", records(*reversed(COMMITTED)), "", "in the order of their makers"),
    ("a request with slots", f"{SLOTS}.commitments", records(ALL, ALL), "", "in the order of their makers"),
    ("a request with slots", f"{SLOTS}.commitments", records(ALL, SOME), "", "not for the same quorums"),
    ("a request with slots", f"{SLOTS}.commitments.0", records(TOOK)[0], f"{SLOTS}.commitments.0.payloadType", "is"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "value", "where", "says"), FAULTS, ids=lambda value: str(value)[:30])
def test_one_fault_is_enough(name: str, path: str, value: Any, where: str, says: str) -> None:
    kind, _ = EXAMPLES[name]
    with pytest.raises(MalformedError) as caught:
        kind.read(edited(name, put(path, value)))
    assert says in caught.value.what
    steps = (where or path).split(".")
    assert caught.value.where == "$.payload" + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)
    assert str(caught.value).isprintable()
