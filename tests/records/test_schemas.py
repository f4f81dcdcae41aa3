"""The published JSON Schemas are those the codecs make, let every record pass, and stop what has another shape."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from keyquorum.errors import MalformedError
from keyquorum.records.canonical import dumps, loads
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, envelope_schema
from keyquorum.records.keys import CARD
from keyquorum.records.parts import PROOF, PUBLIC, SHARE
from tests.records.generated import any_record, values
from tests.records.people import EXAMPLES
from tests.records.refusals import Refusal, decoded, fields, objects
from tests.records.refused_bytes import embedded, envelopes
from tools import schemas

# What a JSON Schema does not say of a text, and our readers do.
BEYOND = (
    "control character", "line break", "blank", "slash", "needless escapes", "lower case", "not a domain name",
    "canonical spelling", "leading zero bytes", "32 bytes are expected, not", "49 to 1048576 bytes",
    "1 to 8 bytes are expected, not 9", "1 to 512 bytes are expected, not 513", "32 to 57 bytes",
    "32 bytes are expected", "the digests are not 32 bytes each", "in ascending order", "of one requester",
    "names what it has not", "dealers are those of an old key", "not another holder of the key",
    "two responses have one name",
)  # fmt: skip


def validator(schema: Any) -> Draft202012Validator:
    """Give what validates against one schema."""
    return Draft202012Validator(schema)


VALIDATORS = {kind.name: validator(kind.schema()) for kind in KINDS}
ENVELOPE = validator(envelope_schema())
SHAPES = [refusal for group in (fields, objects) for refusal in group()]


def payload_of(data: bytes) -> Any:
    """Give the document inside a file, unverified."""
    return json.loads(decoded(json.loads(data)["payload"]))


def test_the_committed_schemas_are_up_to_date() -> None:
    committed = {path.name: path.read_bytes() for path in schemas.OUT.glob("*")}
    made = dict(schemas.schemas())
    assert set(committed) == set(made), "docs/schemas is out of date: run ./run schemas"
    for name, content in made.items():
        assert committed[name] == content, f"docs/schemas/{name} is out of date: run ./run schemas"


def test_files_of_kinds_that_are_gone_are_removed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "OUT", tmp_path)
    (tmp_path / "gone.v1.json").write_text("{}")
    schemas.main()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict(schemas.schemas())


@pytest.mark.parametrize(("name", "content"), list(schemas.schemas()))
def test_they_are_schemas(name: str, content: bytes) -> None:
    schema = json.loads(content)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema["title"]
    for part in objects_in(schema):
        assert part["additionalProperties"] is False, name
        assert sorted(part["required"]) == sorted(part["properties"]), name


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(any_record())
def test_every_record_passes(made: tuple[Kind[Any], Signed[Any]]) -> None:
    kind, signed = made
    envelope = json.loads(signed.envelope)
    ENVELOPE.validate(envelope)
    validator(envelope_schema(kind.payload_type)).validate(envelope)
    VALIDATORS[kind.name].validate(payload_of(signed.envelope))


@pytest.mark.parametrize(("kind", "signed"), EXAMPLES, ids=[kind.name for kind, _ in EXAMPLES])
def test_no_record_passes_as_another(kind: Kind[Any], signed: Signed[Any]) -> None:
    for other in KINDS:
        assert VALIDATORS[other.name].is_valid(payload_of(signed.envelope)) == (other is kind)
        schema = validator(envelope_schema(other.payload_type))
        assert schema.is_valid(json.loads(signed.envelope)) == (other is kind)


@pytest.mark.parametrize("refusal", SHAPES, ids=[refusal.name[:70] for refusal in SHAPES])
def test_other_shapes_do_not_pass(refusal: Refusal) -> None:
    if any(words in refusal.says for words in BEYOND):
        return
    assert not VALIDATORS[refusal.kind.name].is_valid(payload_of(refusal.data))


def test_few_faults_are_beyond_a_schema() -> None:
    beyond = [refusal for refusal in SHAPES if any(words in refusal.says for words in BEYOND)]
    assert len(SHAPES) > 90
    assert len(beyond) < 52


def test_other_envelopes_do_not_pass() -> None:
    # Whose the signature is, and over what, is no matter of shape.
    passing = [
        refusal.name for refusal in envelopes() if is_json(refusal.data) and ENVELOPE.is_valid(json.loads(refusal.data))
    ]
    assert passing == [
        "envelope: signed by another",
        "envelope: another's key id",
        "envelope: capitals",
        "envelope: another kind",
        "envelope: another version",
        "envelope: another's format",
        "envelope: signed as another kind",
        "envelope: a blank",
        "envelope: two line breaks",
    ]
    a_card = next(refusal for refusal in embedded() if "card as acceptance" in refusal.name)
    assert not VALIDATORS["request"].is_valid(payload_of(a_card.data))


@pytest.mark.parametrize("part", [PUBLIC, SHARE, PROOF], ids=["public", "share", "proof"])
def test_parts_of_a_scheme_have_schemas_too(part: Any) -> None:
    @settings(max_examples=30, deadline=None)
    @given(values(part))
    def check(value: Any) -> None:
        validator(part.schema()).validate(loads(dumps(part.dump(value)), 1 << 20))

    check()
    assert not validator(part.schema()).is_valid({"scheme": "shamir"})


def is_json(data: bytes) -> bool:
    """Say whether ``data`` is JSON in whatever spelling."""
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def objects_in(schema: Any) -> Any:
    """Give every description of an object within ``schema``."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects_in(part)


def test_the_limits_of_a_schema_are_those_of_the_reader() -> None:
    longest = CARD.schema()["properties"]["name"]["maxLength"]
    with pytest.raises(MalformedError):
        CARD.fields["name"].parse("x" * (longest + 1), "$")
    assert CARD.fields["name"].parse("x" * longest, "$")
