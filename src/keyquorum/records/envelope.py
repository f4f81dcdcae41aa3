"""Signed records: a DSSE v1 envelope around one canonical JSON document, signed by the identity the document names.

The envelope is canonical JSON itself, so a record has exactly one file form. DSSE's ``payloadType`` names type and
version, and is part of what is signed: a signature over one type of record is never one over another. The ``keyid`` of
the signature is the signer's verification key in hexadecimal; the document's ``signer`` decides.

Refused: anything that does not verify under the signer it names, more or fewer than one signature, a payload of
another type than the envelope says, unknown fields anywhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from keyquorum.errors import MalformedError, SignatureError
from keyquorum.identity.keys import SIGNATURE_LENGTH, Identity, verify
from keyquorum.records.canonical import Json, dumps, loads
from keyquorum.records.fields import KEY, Binary, Codec, ListOf, Object, Schema, Text, wrong


class Signable(Protocol):
    """What every record has: the verification key of its signer."""

    @property
    def signer(self) -> bytes:
        """The Ed25519 public key that the record is signed with."""
        ...


Record = TypeVar("Record", bound=Signable)
_SIGNATURE: Object[dict[str, Any]] = Object(
    dict, {"keyid": Text(64), "sig": Binary(SIGNATURE_LENGTH, SIGNATURE_LENGTH)}
)
_ENVELOPE: Object[dict[str, Any]] = Object(
    dict, {"payload": Binary(2, 1 << 26), "payloadType": Text(100), "signatures": ListOf(_SIGNATURE, 1, 1)}
)


@dataclass(frozen=True, slots=True)
class Signed(Generic[Record]):
    """A record that was read and whose signature verified, or that was just signed.

    ``id`` is the SHA-256 of the canonical document; ``envelope`` the bytes of the file.
    """

    record: Record
    id: bytes
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Record]):
    """One type of record: its name, version, fields, and the size in bytes beyond which a file is not parsed."""

    name: str
    title: str
    make: type[Record]
    fields: Mapping[str, Codec[Any]]
    limit: int
    version: int = 1

    @property
    def payload_type(self) -> str:
        """The DSSE payload type."""
        return f"application/vnd.keyquorum.{self.name}.v{self.version}+json"

    @property
    def document(self) -> Object[Record]:
        """The codec of the document inside the envelope."""
        fixed: dict[str, str | int] = {"type": f"keyquorum/{self.name}", "version": self.version}
        return Object(self.make, {"signer": KEY, **self.fields}, fixed)

    def sign(self, record: Record, identity: Identity) -> Signed[Record]:
        """Sign ``record``; raises MalformedError if ``identity`` is not the signer it names.

        What is signed is read back first: a record that nobody could read is refused here, with the same errors.
        """
        if identity.verification_key != record.signer:
            raise MalformedError("the record names another signer than the one who is to sign it", where="$.signer")
        payload = dumps(self.document.dump(record))
        signature = identity.sign(pre_authentication(self.payload_type, payload))
        return self.read(dumps(self._wrap(record, payload, signature)))

    def read(self, data: bytes) -> Signed[Record]:
        """Read an envelope; raises LimitError, MalformedError or SignatureError."""
        try:
            return self.from_json(loads(data.removesuffix(b"\n"), self.limit), "$")
        except MalformedError as error:
            raise type(error)(f"{self.title}: {error.what}", where=error.where, do=error.do) from None

    def from_json(self, value: Json, path: str) -> Signed[Record]:
        """Read an envelope that is already JSON (inside another record, at ``path``)."""
        payload_type, payload, signature = _unwrap(value, path)
        if payload_type != self.payload_type:
            found = payload_type.removeprefix("application/vnd.keyquorum.").removesuffix("+json")
            wrong(f"{path}.payloadType", f"this is {found}, where {self.name}.v{self.version} is expected")
        record = self.document.parse(self._document_in(payload, f"{path}.payload"), f"{path}.payload")
        try:
            verify(record.signer, pre_authentication(payload_type, payload), signature)
        except SignatureError:
            raise SignatureError(
                f"the signature of this {self.title} does not verify",
                where=path,
                do="It was changed after it was signed.",
            ) from None
        envelope = self._wrap(record, payload, signature)
        if envelope != value:
            wrong(f"{path}.signatures[0].keyid", "the key id is not that of the signer")
        return Signed(record, hashlib.sha256(payload).digest(), dumps(envelope))

    def schema(self) -> Schema:
        """Describe the document inside the envelope as JSON Schema."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"{self.title} (keyquorum/{self.name}, version {self.version})",
            **self.document.schema(),
        }

    def _document_in(self, payload: bytes, path: str) -> Json:
        try:
            return loads(payload, self.limit)
        except MalformedError as error:
            raise type(error)(error.what, where=f"{path}, {error.where}" if error.where else path) from None

    def _wrap(self, record: Record, payload: bytes, signature: bytes) -> Json:
        return {
            "payload": Binary(0, len(payload)).dump(payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": record.signer.hex(), "sig": Binary(0, 64).dump(signature)}],
        }


@dataclass(frozen=True, slots=True)
class Embedded(Generic[Record]):
    """A field that holds a whole signed record of one kind, envelope and all."""

    kind: Kind[Record]

    def parse(self, value: Json, path: str) -> Signed[Record]:
        """Read and verify the embedded record."""
        return self.kind.from_json(value, path)

    def dump(self, value: Signed[Record]) -> Json:
        """Write the embedded record as it was signed."""
        return loads(value.envelope, len(value.envelope))

    def schema(self) -> Schema:
        """Describe the envelope."""
        return envelope_schema(self.kind.payload_type)


def envelope_schema(payload_type: str | None = None) -> Schema:
    """Describe the DSSE envelope as JSON Schema, of one payload type or any."""
    schema = _ENVELOPE.schema()
    if payload_type:
        schema["properties"]["payloadType"] = {"const": payload_type}
    return schema


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Give DSSE v1's PAE: the bytes that are signed."""
    encoded = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def payload_type_of(data: bytes, limit: int) -> str:
    """Give the payload type an envelope claims, to find out what a file is; nothing is verified."""
    return _unwrap(loads(data, limit), "$")[0]


def _unwrap(value: Json, path: str) -> tuple[str, bytes, bytes]:
    envelope = _ENVELOPE.parse(value, path)
    return envelope["payloadType"], envelope["payload"], envelope["signatures"][0]["sig"]
