"""Every record that can be made comes back as it was, in one spelling, under one id, and as nothing else."""

import base64
import hashlib
import json
from typing import Any

import nacl.signing
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, MalformedError, SignatureError
from keyquorum.records.canonical import dumps, loads
from keyquorum.records.catalogue import KINDS
from keyquorum.records.envelope import Kind, Signed, payload_type_of, pre_authentication
from keyquorum.records.keys import CARD, Card
from keyquorum.records.parts import PROOF, PUBLIC, SHARE
from keyquorum.threshold.rsa import RsaShare
from tests.records.generated import any_record, values
from tests.records.people import ALICE, BOB, BY_KEY, CARDS, EXAMPLES, base64url

# Whoever changes one of these changes a file format: raise the version of the kind.
FROZEN_IDS = {
    "holder-card": "e26fde334d035c1c34375ae930095b955f1b6ad8659938a2dce5bb61ceff4938",
    "key-record": "31468b3b67ccad2b432e85d8dc05cccf2301877aacf0f3a0269b414b65f26848",
    "sealed-share": "f082f3d98253af69ffc0090772a4282c332af8674e3b0165a1b2268badebd90d",
    "acceptance": "3b874ccfff6418b9d82fbea325a8d9528326e019ed8e271a92c3f918ceafa741",
    "commitments": "fb384279a5f564d316eb11f3c3c54639867ea1df9cb23c4b896c78f80f5a03bd",
    "request": "5e28bc9a859b087d6741c896207dcfc142dcfb9157473ab9546b824ac0e96c60",
    "partial": "6dcecf22bde12614798f68bd9186857f6f6c67ceb1ef92091a346e725aa15e30",
    "response": "ae2738e95c62e98f409c3a62d9658688b3619174bab79d940aa17556c7ce1534",
    "escrow": "36c0ef89fddadd7f209935952c281c99d016e62349c16fea738ed4fb4463b61b",
    "key-proposal": "5db1208c42ec761a1c21b09b7c74de5249a979713941ec2c1487210b9daeff8c",
    "round-one": "b5de265f1b6d7858adfdfe56a2868cd164a3a2e153afa818eb507312c8fe21eb",
    "round-two": "c16cca96d08019c0f5511031fb064eb8c4219a6837ff6be3b0c30024909ecb74",
    "mending": "ea810b8c3f847fcf472d65dc52a5932fb144b85b17e548f667176353a7c8976a",
    "complaint": "eb6b98628e21d03be119059d7018b9311a8469f687c0e2facec3a07931eddaf5",
}
slow = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@slow
@given(any_record())
def test_a_record_is_read_as_it_was_signed(made: tuple[Kind[Any], Signed[Any]]) -> None:
    kind, signed = made
    assert kind.read(signed.envelope) == signed
    assert kind.read(signed.envelope + b"\n") == signed
    assert kind.sign(signed.record, BY_KEY[signed.record.signer]) == signed
    assert payload_type_of(signed.envelope, kind.limit) == kind.payload_type


@slow
@given(any_record())
def test_the_bytes_are_canonical_and_signed_as_dsse_says(made: tuple[Kind[Any], Signed[Any]]) -> None:
    # With nothing of ours: json reads, rfc8785 writes, hashlib hashes, libsodium verifies.
    kind, signed = made
    envelope = json.loads(signed.envelope)
    assert rfc8785.dumps(envelope) == signed.envelope
    assert set(envelope) == {"payload", "payloadType", "signatures"}
    payload = _decoded(envelope["payload"])
    document = json.loads(payload)
    assert rfc8785.dumps(document) == payload
    assert hashlib.sha256(payload).digest() == signed.id
    assert (document["type"], document["version"]) == (f"keyquorum/{kind.name}", 1)
    (signature,) = envelope["signatures"]
    assert signature["keyid"] == _decoded(document["signer"]).hex()
    told = envelope["payloadType"].encode()
    message = b" ".join([b"DSSEv1", str(len(told)).encode(), told, str(len(payload)).encode(), payload])
    nacl.signing.VerifyKey(_decoded(document["signer"])).verify(message, _decoded(signature["sig"]))


@pytest.mark.parametrize("part", [PUBLIC, SHARE, PROOF], ids=["public", "share", "proof"])
def test_the_parts_of_a_scheme_come_back_as_they_were(part: Any) -> None:
    @slow
    @given(values(part))
    def check(value: Any) -> None:
        written = part.dump(value)
        assert written["scheme"] in {"rsa", "frost", "ecdsa", "undivided"}
        assert part.parse(written, "$") == value
        assert part.dump(part.parse(written, "$")) == written

    check()


def test_something_of_no_scheme_is_not_written() -> None:
    with pytest.raises(MalformedError, match="not a part of any scheme"):
        SHARE.dump(CARDS)
    assert "12345" not in repr(RsaShare(1, 12345))


@pytest.mark.parametrize(("kind", "signed"), EXAMPLES, ids=[kind.name for kind, _ in EXAMPLES])
def test_formats_are_frozen(kind: Kind[Any], signed: Signed[Any]) -> None:
    assert signed.id.hex() == FROZEN_IDS[kind.name]


def test_there_is_an_example_and_a_payload_type_of_its_own_for_each_kind() -> None:
    assert tuple(kind for kind, _ in EXAMPLES) == KINDS
    assert len({kind.payload_type for kind in KINDS}) == len({kind.title for kind in KINDS}) == len(KINDS) == 14
    assert CARD.payload_type == "application/vnd.keyquorum.holder-card.v1+json"


@pytest.mark.parametrize(("kind", "signed"), EXAMPLES, ids=[kind.name for kind, _ in EXAMPLES])
def test_a_record_is_never_read_as_another_kind(kind: Kind[Any], signed: Signed[Any]) -> None:
    for other in KINDS:
        if other is kind:
            continue
        with pytest.raises(KeyquorumError):
            other.read(signed.envelope)
        relabelled = json.loads(signed.envelope) | {"payloadType": other.payload_type}
        with pytest.raises(KeyquorumError):
            other.read(dumps(relabelled))


@slow
@given(any_record(), st.sampled_from(KINDS))
def test_a_signature_of_one_kind_is_none_of_another(made: tuple[Kind[Any], Signed[Any]], other: Kind[Any]) -> None:
    # The document is left as it is and only what the signature is over changes.
    kind, signed = made
    envelope = json.loads(signed.envelope)
    payload = _decoded(envelope["payload"])
    signature = BY_KEY[signed.record.signer].sign(pre_authentication(other.payload_type, payload))
    envelope["signatures"][0]["sig"] = base64url(signature)
    if other is kind:
        assert kind.read(dumps(envelope)) == signed
        return
    with pytest.raises(SignatureError) as caught:
        kind.read(dumps(envelope))
    assert caught.value.where == "$"


def test_pre_authentication_is_that_of_dsse() -> None:
    # The example in the DSSE protocol specification, v1.
    assert pre_authentication("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    # Lengths count bytes, not characters.
    assert pre_authentication("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_only_the_signer_a_record_names_signs_it() -> None:
    record = CARDS["alice"].record
    with pytest.raises(MalformedError) as caught:
        CARD.sign(record, BOB)
    assert caught.value.where == "$.signer"


@pytest.mark.parametrize("name", ["", " alice", "al\nice", "x" * 65, "a\ud800"])
def test_nobody_signs_what_nobody_can_read(name: str) -> None:
    with pytest.raises(MalformedError):
        CARD.sign(Card(signer=ALICE.verification_key, name=name, sealing_key=bytes(32)), ALICE)


def test_a_record_does_not_show_its_bytes() -> None:
    assert repr(CARDS["alice"].envelope)[2:40] not in repr(CARDS["alice"])
    assert loads(CARDS["alice"].envelope, CARD.limit) == json.loads(CARDS["alice"].envelope)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_", validate=True)
