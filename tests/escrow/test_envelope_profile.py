"""One profile of CMS is read and no other: whatever else the format allows is refused, and said by its field."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asn1crypto import core  # type: ignore[import-untyped]
from asn1crypto.algos import CcmParams, EncryptionAlgorithm  # type: ignore[import-untyped]
from asn1crypto.cms import CMSAttributes, ContentInfo  # type: ignore[import-untyped]

from keyquorum.errors import MalformedError
from keyquorum.escrow.envelope import read_envelope, seal_key
from tests.escrow.keys import KEK
from tests.maths.streams import stream

SEALED = seal_key(bytes(range(48)), KEK, stream("envelope"))
Node = tuple[int, "bytes | list[Node]"]
"""A tag, and what it holds: bytes, or nodes where the tag is constructed."""


def nodes(der: bytes) -> list[Node]:
    """Read DER with tags of one byte."""
    found: list[Node] = []
    while der:
        more = der[1] & 0x7F if der[1] & 0x80 else 0
        length = int.from_bytes(der[2 : 2 + more], "big") if more else der[1]
        held, der_after = der[2 + more : 2 + more + length], der[2 + more + length :]
        found.append((der[0], nodes(held) if der[0] & 0x20 else held))
        der = der_after
    return found


def written(tree: list[Node]) -> bytes:
    """Write DER."""
    der = b""
    for tag, held in tree:
        content = written(held) if isinstance(held, list) else held
        size = len(content)
        count = b"" if size < 128 else size.to_bytes((size.bit_length() + 7) // 8, "big")
        der += bytes([tag]) + (bytes([0x80 | len(count)]) + count if count else bytes([size])) + content
    return der


def altered(tree: list[Node]) -> Iterator[list[Node]]:
    """Give every tree in which one node is gone, twice there, empty, of another kind, or followed by another."""
    for place, (tag, held) in enumerate(tree):
        before, after = tree[:place], tree[place + 1 :]
        yield before + after
        yield [*before, tree[place], tree[place], *after]
        for extra in (0x05, 0x04, 0x02, 0xA0, 0xA1, 0xA2):
            yield [*before, tree[place], (extra, b""), *after]
        for other in (0x02, 0x04, 0x05, 0x06, 0x13, 0x24, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4):
            if other != tag:
                yield [*before, (other, held), *after]
                yield [*before, (other, b""), *after]
        if held:
            yield [*before, (tag, b""), *after]
        if isinstance(held, list):
            yield from ([*before, (tag, inner), *after] for inner in altered(held))


def test_another_structure_is_refused() -> None:
    tree = nodes(SEALED)
    assert written(tree) == SEALED
    others = [written(other) for other in altered(tree)]
    assert len(others) > 700
    for other in others:
        with pytest.raises(MalformedError, match=r"^key\.cms: "):
            read_envelope(other)


Change = Callable[[Any], None]
RECIPIENT = ("recipient_infos", 0)
CONTENT = ("auth_encrypted_content_info",)


def _set(*path: Any) -> Change:
    """Make a change: the last of ``path`` becomes the value of the field before it."""
    *fields, last, value = path

    def change(data: Any) -> None:
        for name in fields:
            data = data[name]
            data = data.chosen if name == 0 else data
        data[last] = value

    return change


def _twice(data: Any) -> None:
    data["recipient_infos"].append(data["recipient_infos"][0])


def _gcm(nonce: bytes, icv_length: int) -> Change:
    """Make a change of the parameters of AES-GCM."""
    return _set(
        *CONTENT,
        "content_encryption_algorithm",
        "parameters",
        CcmParams({"aes_nonce": nonce, "aes_icvlen": icv_length}),
    )


ATTRIBUTES = CMSAttributes([{"type": "1.2.3", "values": [core.OctetString(b"x")]}])
OTHER_PROFILES: dict[str, tuple[Change, str]] = {
    "version": (_set("version", "v1"), "version is not 0"),
    "originator": (_set("originator_info", {"certs": [], "crls": []}), "originatorInfo is not absent"),
    "two recipients": (_twice, "not one KEKRecipientInfo"),
    "no recipient": (_set("recipient_infos", []), "not one KEKRecipientInfo"),
    "recipient version": (_set(*RECIPIENT, "version", "v3"), "recipientInfos.version is not 4"),
    "short id": (_set(*RECIPIENT, "kekid", "key_identifier", bytes(15)), "recipientInfos.kekid"),
    "long id": (_set(*RECIPIENT, "kekid", "key_identifier", bytes(21)), "recipientInfos.kekid"),
    "date": (
        _set(*RECIPIENT, "kekid", "date", core.GeneralizedTime("20260101000000Z")),
        "holds more than it may",
    ),
    "wrap of 128": (_set(*RECIPIENT, "key_encryption_algorithm", "algorithm", "aes128_wrap"), "AES-256 key wrap"),
    "wrap with padding": (
        _set(*RECIPIENT, "key_encryption_algorithm", "algorithm", "aes256_wrap_pad"),
        "AES-256 key wrap",
    ),
    "wrap with NULL": (_set(*RECIPIENT, "key_encryption_algorithm", "parameters", core.Null()), "more than it may"),
    "short key": (_set(*RECIPIENT, "encrypted_key", bytes(32)), "recipientInfos.encryptedKey"),
    "content type": (_set(*CONTENT, "content_type", "signed_data"), "contentType of the content is not data"),
    "CCM": (
        _set(*CONTENT, "content_encryption_algorithm", "algorithm", "aes256_ccm"),
        "contentEncryptionAlgorithm is not AES-256-GCM",
    ),
    "tag of 12 bytes by default": (
        _set(
            *CONTENT, "content_encryption_algorithm", "parameters", core.Sequence.load(b"\x30\x0e\x04\x0c" + bytes(12))
        ),
        "DER",
    ),
    "tag of 12 bytes": (_gcm(bytes(12), 12), "aes-ICVlen is not 16"),
    "nonce of 13 bytes": (_gcm(bytes(13), 16), "aes-nonce"),
    "no parameters": (_set(*CONTENT, "content_encryption_algorithm", "parameters", core.Null()), "not CMS"),
    "parameters absent": (
        _set(*CONTENT, "content_encryption_algorithm", EncryptionAlgorithm({"algorithm": "aes256_gcm"})),
        "parameters is absent",
    ),
    "no ciphertext": (_set(*CONTENT, "encrypted_content", None), "encryptedContent"),
    "empty ciphertext": (_set(*CONTENT, "encrypted_content", b""), "encryptedContent"),
    "attributes": (_set("auth_attrs", ATTRIBUTES), "authAttrs is not absent"),
    "other attributes": (_set("unauth_attrs", ATTRIBUTES), "unauthAttrs is not absent"),
    "short tag": (_set("mac", bytes(12)), "mac"),
}


@pytest.mark.parametrize(("change", "said"), OTHER_PROFILES.values(), ids=list(OTHER_PROFILES))
def test_other_profiles_are_refused(change: Change, said: str) -> None:
    info = ContentInfo.load(SEALED)
    change(info["content"])
    with pytest.raises(MalformedError, match=re.escape(said)):
        read_envelope(info.dump(force=True))
