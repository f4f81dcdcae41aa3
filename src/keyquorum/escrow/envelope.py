"""The encrypted private key, key.cms: CMS that stock OpenSSL 3 opens, in one profile and no other.

AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), a nonce of 12 bytes and a tag of 16, no attributes; one
recipient, a KEKRecipientInfo (RFC 5652 section 6.2.3) with AES-256 key wrap (RFC 3394, RFC 3565). Public as it is: it
says nothing of the key but its length. Refused: any other structure, algorithm or length, and any byte that is not DER.

What the format does not protect is the recipient's identifier: with another one the same key comes out. The manifest
holds the SHA-256 of the whole, and that is checked before anything is decrypted.
"""

import hashlib
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from asn1crypto.algos import CcmParams  # type: ignore[import-untyped]
from asn1crypto.cms import (  # type: ignore[import-untyped]
    AuthEnvelopedData,
    ContentInfo,
    KEKRecipientInfo,
    RecipientInfo,
)
from asn1crypto.core import Void  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from keyquorum.errors import LimitError, MalformedError, ParameterError, RefusedError
from keyquorum.escrow.secret import Secret
from keyquorum.maths.randomness import Rng

KEK_LENGTH = 32
"""Bytes of the key-encryption key."""
LIMIT = 4096
"""Bytes of an envelope at most; one of an RSA key of 4096 bits has about 2555."""
PLAINTEXT_LIMIT = 3072
RECIPIENT_LENGTHS = range(16, 21)
"""Which of them it is makes the envelope's length a multiple of 5, so that base32 needs no padding."""
_KEY, _WRAPPED, _NONCE, _TAG = 32, 40, 12, 16
_WHERE = "key.cms"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is in an envelope: ``recipient`` names the key-encryption key (16 to 20 bytes), the rest is encrypted.

    ``wrapped_key`` (40 bytes) is the content-encryption key under the key-encryption key; ``nonce`` (12 bytes),
    ``ciphertext`` and ``tag`` (16 bytes) are the private key under the content-encryption key.
    """

    recipient: bytes
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes
    tag: bytes

    def encode(self) -> bytes:
        """Give the DER."""
        recipient = KEKRecipientInfo({
            "version": "v4",
            "kekid": {"key_identifier": self.recipient},
            "key_encryption_algorithm": {"algorithm": "aes256_wrap"},
            "encrypted_key": self.wrapped_key,
        })  # fmt: skip
        content = {
            "content_type": "data",
            "content_encryption_algorithm": {
                "algorithm": "aes256_gcm",
                # GCMParameters of RFC 5084 are CCMParameters but for the name.
                "parameters": CcmParams({"aes_nonce": self.nonce, "aes_icvlen": _TAG}),
            },
            "encrypted_content": self.ciphertext,
        }
        data = AuthEnvelopedData({
            "version": "v0",
            "recipient_infos": [RecipientInfo("kekri", recipient)],
            "auth_encrypted_content_info": content,
            "mac": self.tag,
        })  # fmt: skip
        der: bytes = ContentInfo({"content_type": "authenticated_enveloped_data", "content": data}).dump()
        return der

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of the DER, as the manifest has it."""
        return hashlib.sha256(self.encode()).digest()


def seal_key(pkcs8: bytes, kek: bytes, rng: Rng) -> bytes:
    """Encrypt a private key (at most 3,072 bytes) under a key-encryption key of 32 bytes; gives the DER.

    Its length is a multiple of 5. Content-encryption key, nonce and recipient are drawn from ``rng``. It was opened
    again before it is given. Raises ParameterError for other lengths.
    """
    _check_kek(kek)
    if not 0 < len(pkcs8) <= PLAINTEXT_LIMIT:
        raise ParameterError(f"{len(pkcs8)} bytes are no private key to encrypt")
    key, nonce, identifier = rng(_KEY), rng(_NONCE), rng(RECIPIENT_LENGTHS[-1])
    wrapped, sealed = aes_key_wrap(kek, key), AESGCM(key).encrypt(nonce, pkcs8, None)
    encoded = (
        Envelope(identifier[:length], wrapped, nonce, sealed[:-_TAG], sealed[-_TAG:]).encode()
        for length in RECIPIENT_LENGTHS
    )
    der = next((one for one in encoded if len(one) % 5 == 0), None)
    if der is None:  # 102 to 104 bytes, where the lengths of lengths grow; no key has so many.
        raise ParameterError(f"no envelope of {len(pkcs8)} bytes has a length that is a multiple of 5")
    with open_envelope(der, kek) as opened:
        if opened.reveal() != pkcs8:
            raise RefusedError("the encrypted key does not open to the key", do="This machine errs; use another.")
    return der


def open_envelope(cms: bytes, kek: bytes) -> Secret:
    """Decrypt what ``seal_key`` made; nothing is given of a ciphertext that was changed.

    Raises MalformedError as ``read_envelope`` does, ParameterError for a key-encryption key that is not 32 bytes, and
    RefusedError, in different words, where the wrapped key does not open and where only the ciphertext does not.
    """
    _check_kek(kek)
    envelope = read_envelope(cms)
    try:
        key = aes_key_unwrap(kek, envelope.wrapped_key)
    except InvalidUnwrap:
        raise RefusedError(
            "the key-encryption key does not open this envelope",
            where=_WHERE,
            do="It is the key of another escrow, or the envelope's wrapped key was changed: compare another copy.",
        ) from None
    try:
        return Secret(AESGCM(key).decrypt(envelope.nonce, envelope.ciphertext + envelope.tag, None))
    except InvalidTag:
        raise RefusedError(
            "the key-encryption key is right, and the encrypted private key was changed",
            where=_WHERE,
            do="Take the envelope from another copy; nothing of this one was decrypted.",
        ) from None


def read_envelope(cms: bytes) -> Envelope:
    """Read the DER of an envelope, without any key; raises MalformedError or LimitError for all but this profile.

    Its length need not be a multiple of 5: an envelope of this profile that others made is read as well.
    """
    if len(cms) > LIMIT:
        raise LimitError(f"{len(cms)} bytes, and no envelope has more than {LIMIT}", where=_WHERE)
    try:
        envelope = _parse(cms)
    except (ValueError, TypeError):
        raise MalformedError("this is not CMS in DER, or it is cut short", where=_WHERE) from None
    if envelope.encode() != cms:
        raise MalformedError("this is not the DER of what it holds, or it holds more than it may", where=_WHERE)
    return envelope


def _check_kek(kek: bytes) -> None:
    if len(kek) != KEK_LENGTH:
        raise ParameterError(f"a key-encryption key has {KEK_LENGTH} bytes, this one {len(kek)}")


def _parse(der: bytes) -> Envelope:
    info = ContentInfo.load(der, strict=True)
    _expect(info["content_type"].native == "authenticated_enveloped_data", "contentType", "not AuthEnvelopedData")
    data = info["content"]
    _expect(data["version"].native == "v0", "version", "not 0")
    recipients, content = data["recipient_infos"], data["auth_encrypted_content_info"]
    _expect(len(recipients) == 1 and recipients[0].name == "kekri", "recipientInfos", "not one KEKRecipientInfo")
    recipient = recipients[0].chosen
    _expect(recipient["version"].native == "v4", "recipientInfos.version", "not 4")
    _expect(
        recipient["key_encryption_algorithm"]["algorithm"].native == "aes256_wrap",
        "recipientInfos.keyEncryptionAlgorithm",
        "not AES-256 key wrap",
    )
    _expect(content["content_type"].native == "data", "contentType of the content", "not data")
    algorithm = content["content_encryption_algorithm"]
    _expect(algorithm["algorithm"].native == "aes256_gcm", "contentEncryptionAlgorithm", "not AES-256-GCM")
    _expect(not isinstance(algorithm["parameters"], Void), "contentEncryptionAlgorithm.parameters", "absent")
    parameters = algorithm["parameters"].parse(CcmParams)
    _expect(parameters["aes_icvlen"].native == _TAG, "contentEncryptionAlgorithm.aes-ICVlen", f"not {_TAG}")
    for name, field in (
        ("originatorInfo", "originator_info"), ("authAttrs", "auth_attrs"), ("unauthAttrs", "unauth_attrs"),
    ):  # fmt: skip
        _expect(isinstance(data[field], Void), name, "not absent")
    return Envelope(
        recipient=_octets(recipient["kekid"]["key_identifier"], RECIPIENT_LENGTHS, "recipientInfos.kekid"),
        wrapped_key=_octets(recipient["encrypted_key"], (_WRAPPED,), "recipientInfos.encryptedKey"),
        nonce=_octets(parameters["aes_nonce"], (_NONCE,), "contentEncryptionAlgorithm.aes-nonce"),
        ciphertext=_octets(content["encrypted_content"], range(1, PLAINTEXT_LIMIT + 1), "encryptedContent"),
        tag=_octets(data["mac"], (_TAG,), "mac"),
    )


def _expect(right: bool, field: str, what: str) -> None:
    if not right:
        raise MalformedError(f"{field} is {what}", where=_WHERE)


def _octets(field: Any, lengths: Container[int], name: str) -> bytes:
    value = field.native
    if not isinstance(value, bytes) or len(value) not in lengths:
        raise MalformedError(f"{name} is absent or has another length than it must", where=_WHERE)
    return value
