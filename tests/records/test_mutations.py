"""Whatever is done to a record, and whatever bytes come instead of one: refused with an error of ours, never read.

Where a liar signs what was changed, a record may come out: then it says exactly what was signed, in its one spelling.
"""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, MalformedError
from keyquorum.records.canonical import dumps
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, payload_type_of
from tests.records.people import BY_KEY, EXAMPLES, base64url, forged
from tests.records.refusals import decoded, document_of
from tests.records.test_canonical import DOCUMENTS

some_example = st.sampled_from(EXAMPLES)
WRONG_TYPES: list[Any] = [None, True, False, 0, -1, 1 << 52, "", "x", [], [[]], {}, {"x": 1}]
NUMBERS = [b"1.0", b"1e3", b"-0", b"NaN", b"Infinity", b"01", b"1E400", b"9" * 400, b"-9007199254740992", b"0x1"]


def refused(kind: Kind[Any], data: bytes) -> None:
    """Expect an error of ours, whose text is fit for a terminal."""
    with pytest.raises(KeyquorumError) as caught:
        kind.read(data)
    assert str(caught.value).isprintable()


def read_or_refused(kind: Kind[Any], data: bytes) -> Signed[Any] | None:
    """Read ``data`` or expect an error of ours; what is read must be the file itself."""
    try:
        signed = kind.read(data)
    except KeyquorumError:
        return None
    assert signed.envelope == data.removesuffix(b"\n")
    assert dumps(kind.document.dump(signed.record)) == decoded(json.loads(data)["payload"])
    return signed


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), st.binary(max_size=200) | DOCUMENTS.map(dumps))
def test_bytes_that_are_no_record(kind: Kind[Any], data: bytes) -> None:
    refused(kind, data)
    try:
        payload_type_of(data, kind.limit)
    except MalformedError:
        pass
    else:
        raise AssertionError("no envelope comes of that")


@settings(max_examples=300, deadline=None)
@given(some_example, st.data())
def test_a_file_changed_anywhere(example: tuple[Kind[Any], Signed[Any]], draw: st.DataObject) -> None:
    kind, signed = example
    data = bytearray(signed.envelope)
    place = draw.draw(st.integers(0, len(data) - 1))
    how = draw.draw(st.sampled_from(["flip", "cut", "insert", "delete", "repeat", "blank"]))
    if how == "flip":
        data[place] ^= 1 << draw.draw(st.integers(0, 7))
    elif how == "cut":
        del data[place:]
    elif how == "insert":
        data[place:place] = draw.draw(st.binary(min_size=1, max_size=3))
    elif how == "delete":
        del data[place]
    elif how == "repeat":
        data[place:place] = data[place : place + 20]
    else:
        data[place:place] = b" "
    if data != signed.envelope:
        refused(kind, bytes(data))


@settings(max_examples=100, deadline=None)
@given(some_example, st.lists(st.binary(max_size=80), max_size=3), st.data())
def test_any_payload_that_somebody_signed(
    example: tuple[Kind[Any], Signed[Any]], noise: list[bytes], draw: st.DataObject
) -> None:
    kind, signed = example
    payload = draw.draw(st.sampled_from([b"".join(noise), dumps(draw.draw(DOCUMENTS))]))
    refused(kind, forged(kind, payload, BY_KEY[signed.record.signer]))


@settings(max_examples=600, deadline=None)
@given(some_example, st.data())
def test_a_field_changed_by_its_signer(example: tuple[Kind[Any], Signed[Any]], draw: st.DataObject) -> None:
    kind, signed = example
    document = document_of(kind)
    holder, name = draw.draw(st.sampled_from(list(places(document))))
    old = holder[name]
    how = draw.draw(st.sampled_from(["delete", "rename", "add", "retype", "float", "swap"]))
    must_fail = isinstance(holder, dict)
    if how == "delete":
        del holder[name]
    elif how == "rename" and isinstance(holder, dict):
        other_name = draw.draw(st.text(min_size=1, max_size=9).filter(lambda text: text not in holder))
        holder[other_name] = holder.pop(name)
    elif how == "add" and isinstance(holder, dict):
        holder[draw.draw(st.text(max_size=9).filter(lambda text: text not in holder))] = old
    elif how == "float" and type(old) is int and isinstance(holder, dict):
        payload = dumps(document).replace(json.dumps({str(name): old}).encode()[1:-1].replace(b": ", b":"), b'"x":1.5')
        refused(kind, forged(kind, payload, BY_KEY[signed.record.signer]))
        return
    else:
        must_fail = False
        other = st.sampled_from(WRONG_TYPES) if how == "retype" else DOCUMENTS
        holder[name] = draw.draw(other.filter(lambda value: dumps(value) != dumps(old)))
    data = forged(kind, document, BY_KEY[signed.record.signer])
    if must_fail:
        refused(kind, data)
    else:
        read_or_refused(kind, data)


@settings(max_examples=300, deadline=None)
@given(some_example, st.data())
def test_a_document_spelled_otherwise_by_its_signer(
    example: tuple[Kind[Any], Signed[Any]], draw: st.DataObject
) -> None:
    kind, signed = example
    payload = dumps(document_of(kind))
    how = draw.draw(st.sampled_from(["blank", "number", "order", "twice", "mark", "escape", "plain", "indent"]))
    if how == "blank":
        place = draw.draw(st.sampled_from([match.end() for match in re.finditer(rb"[{\[,:]", payload)]))
        spelled = payload[:place] + draw.draw(st.sampled_from([b" ", b"\n", b"\t", b"\0"])) + payload[place:]
    elif how == "number":
        number = draw.draw(st.sampled_from([match.span(1) for match in re.finditer(rb":(\d+)[,}]", payload)]))
        spelled = payload[: number[0]] + draw.draw(st.sampled_from(NUMBERS)) + payload[number[1] :]
    elif how == "order":
        spelled = json.dumps(dict(reversed(json.loads(payload).items())), separators=(",", ":")).encode()
    elif how == "twice":
        name = draw.draw(st.sampled_from(sorted(json.loads(payload))))
        spelled = payload[:-1] + b"," + dumps({name: json.loads(payload)[name]})[1:]
    elif how == "mark":
        spelled = b"\xef\xbb\xbf" + payload
    elif how == "escape":
        spelled = payload.replace(b'"signer"', b'"\\u0073igner"')
    elif how == "plain":
        spelled = payload.replace(b"=", b"", 1)
    else:
        spelled = json.dumps(json.loads(payload), indent=1).encode()
    refused(kind, forged(kind, spelled, BY_KEY[signed.record.signer]))


@settings(max_examples=100, deadline=None)
@given(some_example, st.data())
def test_bytes_that_are_spelled_otherwise(example: tuple[Kind[Any], Signed[Any]], draw: st.DataObject) -> None:
    kind, signed = example
    document = document_of(kind)
    holder, name = draw.draw(st.sampled_from([(h, n) for h, n in places(document) if n in {"signer", "key", "sha256"}]))
    if not isinstance(holder[name], str):
        return
    spellings = [
        holder[name].rstrip("="),
        holder[name] + "=",
        holder[name].replace("=", "%3D"),
        holder[name][:-2] + chr(ord(holder[name][-2]) + 1) + "=",
        decoded(holder[name]).hex(),
        decoded(holder[name]).hex().upper(),
        base64url(decoded(holder[name])[:-1]),
        base64url(decoded(holder[name]) + b"\0"),
        holder[name].replace("-", "+").replace("_", "/") + " ",
    ]
    holder[name] = draw.draw(st.sampled_from(spellings))
    refused(kind, forged(kind, document, BY_KEY[signed.record.signer]))


def places(document: Any) -> Any:
    """Give every place a value stands at, as what holds it and its name there; not within embedded records."""
    for name, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        yield document, name
        if isinstance(value, dict | list):
            yield from places(value)
