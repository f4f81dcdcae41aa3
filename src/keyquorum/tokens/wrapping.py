"""Keys into and out of a token encrypted, for tokens that let no private key pass in the clear.

Two steps, since many tokens lack the one-step CKM_RSA_AES_KEY_WRAP. An RSA key pair is made in the token; an AES-256
key made here goes in under it (RSA-OAEP, RFC 8017 section 7.1) and is known on both sides from then on; under it the
private key travels as PKCS#8: by AES key wrap with padding (RFC 5649), or, where a token has only that, by AES-CBC
with padding, which by itself would not notice a change on the way (the caller proves the key afterwards). All helping
keys are destroyed at the end.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)
from cryptography.hazmat.primitives.padding import PKCS7
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.constants import DEFAULT
from pkcs11.exceptions import AttributeReadOnly, PKCS11Error

from keyquorum.errors import RefusedError
from keyquorum.maths.randomness import Rng
from keyquorum.tokens.answers import name_of, speaking_of
from keyquorum.tokens.objects import public_key_of
from keyquorum.tokens.session import OpenToken

PAIR_BITS = 3072
"""The size of the RSA key pair made in the token; smaller where the token's keys end before."""
LEAST_PAIR_BITS = 2048
HELPER = "keyquorum transport"
"""The label of the helping keys, should a token ever keep one."""
WRAPS = (Mechanism.AES_KEY_WRAP_KWP, Mechanism.AES_KEY_WRAP_PAD, Mechanism.AES_CBC_PAD)
"""Tried in this order. CKM_AES_KEY_WRAP_PAD was RFC 5649 before CKM_AES_KEY_WRAP_KWP had a number (PKCS#11 v3.0)."""
_OAEP: tuple[tuple[str, Mechanism, MGF, Callable[[], hashes.HashAlgorithm]], ...] = (
    ("SHA-256", Mechanism.SHA256, MGF.SHA256, hashes.SHA256),
    ("SHA-1", Mechanism.SHA_1, MGF.SHA1, hashes.SHA1),
)
_CAPABILITIES = (
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.WRAP,
    Attribute.UNWRAP,
    Attribute.SIGN,
    Attribute.VERIFY,
    Attribute.DERIVE,
)
# python-pkcs11 says all of them of any key, and some are not a private key's.
_UNSAID: dict[Attribute, Any] = dict.fromkeys(_CAPABILITIES, DEFAULT)
# opencryptoki sets these by itself when it unwraps, and refuses CKA_EXTRACTABLE true: then they are not asked for.
_KEEPING = frozenset({Attribute.SENSITIVE, Attribute.EXTRACTABLE})
_IV_LENGTH = 16


def wrap_in(
    token: OpenToken, pkcs8: bytes, key_type: KeyType, template: Mapping[Attribute, Any], rng: Rng
) -> tuple[Any, str]:
    """Bring a private key (PKCS#8, DER) into the token as an object with the attributes of ``template``.

    Gives the object, and how it went in; whether its attributes are as asked for is to be read. Raises RefusedError,
    with what the token answered, where no way works.
    """
    answers = []
    with _transport_key(token, rng, Attribute.UNWRAP) as (carrier, secret, how):
        for mechanism in _listed(token):
            wrapped, parameter = _wrapped(mechanism, secret, pkcs8, rng)
            for asked in (template, {name: value for name, value in template.items() if name not in _KEEPING}):
                try:
                    key = carrier.unwrap_key(
                        ObjectClass.PRIVATE_KEY,
                        key_type,
                        wrapped,
                        mechanism=mechanism,
                        mechanism_param=parameter,
                        store=True,
                        capabilities=0,
                        template={**_UNSAID, **asked},
                    )
                except AttributeReadOnly as error:
                    answers.append(f"CKM_{mechanism.name}: {name_of(error)}")
                except PKCS11Error as error:
                    answers.append(f"CKM_{mechanism.name}: {name_of(error)}")
                    break
                else:
                    return key, f"C_UnwrapKey: {how}, then CKM_{mechanism.name}"
    raise RefusedError(_none("unwrap the key", answers), where=token.facts.name)


def wrap_out(token: OpenToken, key: Any, rng: Rng) -> tuple[bytes, str]:
    """Give a private key object that may be extracted as PKCS#8 (DER), and how it came out; RefusedError if not."""
    answers = []
    with _transport_key(token, rng, Attribute.WRAP) as (carrier, secret, how):
        for mechanism in _listed(token):
            parameter = rng(_IV_LENGTH) if mechanism is Mechanism.AES_CBC_PAD else None
            try:
                wrapped = carrier.wrap_key(key, mechanism=mechanism, mechanism_param=parameter)
                return _unwrapped(mechanism, secret, wrapped, parameter), f"C_WrapKey: {how}, CKM_{mechanism.name}"
            except PKCS11Error as error:
                answers.append(f"CKM_{mechanism.name}: {name_of(error)}")
            except (InvalidUnwrap, ValueError):
                answers.append(f"CKM_{mechanism.name}: what came out does not decrypt")
    raise RefusedError(_none("wrap the key", answers), where=token.facts.name)


@contextmanager
def _transport_key(token: OpenToken, rng: Rng, usage: Attribute) -> Iterator[tuple[Any, bytes, str]]:
    """Have an AES-256 key in the token that is known here too, for ``usage`` alone; destroyed afterwards."""
    secret = rng(32)
    template = {
        Attribute.LABEL: HELPER,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        usage: True,
    }
    with _pair(token) as (public, private):
        answers = []
        for name, hashed, mask, algorithm in _OAEP:
            under = public.encrypt(secret, padding.OAEP(padding.MGF1(algorithm()), algorithm(), None))
            try:
                carrier = private.unwrap_key(
                    ObjectClass.SECRET_KEY,
                    KeyType.AES,
                    under,
                    mechanism=Mechanism.RSA_PKCS_OAEP,
                    mechanism_param=(hashed, mask, None),
                    store=False,
                    capabilities=0,
                    template=template,
                )
            except PKCS11Error as error:
                answers.append(f"CKM_RSA_PKCS_OAEP with {name}: {name_of(error)}")
                continue
            try:
                yield carrier, secret, f"CKM_RSA_PKCS_OAEP with {name} ({public.key_size} bits)"
            finally:
                with suppress(PKCS11Error):
                    carrier.destroy()
            return
    raise RefusedError(_none("unwrap an AES key", answers), where=token.facts.name)


@contextmanager
def _pair(token: OpenToken) -> Iterator[tuple[rsa.RSAPublicKey, Any]]:
    """Make an RSA key pair in the token that can only unwrap; destroyed afterwards."""
    if not token.can(Mechanism.RSA_PKCS_OAEP):
        raise RefusedError("it does not list CKM_RSA_PKCS_OAEP", where=token.facts.name)
    stated = [token.sizes(one) for one in (Mechanism.RSA_PKCS_KEY_PAIR_GEN, Mechanism.RSA_PKCS_OAEP)]
    bits = min([PAIR_BITS, *(sizes[1] for sizes in stated if sizes and sizes[1] >= LEAST_PAIR_BITS)])
    with speaking_of(token.facts.name):
        halves = token.session.generate_keypair(
            KeyType.RSA,
            bits,
            label=HELPER,
            store=False,
            capabilities=MechanismFlag.UNWRAP,
            private_template={Attribute.EXTRACTABLE: False},
        )
    try:
        public = public_key_of(halves[0])
        if not isinstance(public, rsa.RSAPublicKey) or not hasattr(halves[1], "unwrap_key"):
            raise RefusedError("the RSA key pair made in it for the transport cannot be used", where=token.facts.name)
        yield public, halves[1]
    finally:
        for half in halves:
            with suppress(PKCS11Error):
                half.destroy()


def _listed(token: OpenToken) -> list[Mechanism]:
    return [mechanism for mechanism in WRAPS if token.can(mechanism)]


def _wrapped(mechanism: Mechanism, secret: bytes, data: bytes, rng: Rng) -> tuple[bytes, bytes | None]:
    if mechanism is not Mechanism.AES_CBC_PAD:
        return aes_key_wrap_with_padding(secret, data), None
    iv, padder = rng(_IV_LENGTH), PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize(), iv


def _unwrapped(mechanism: Mechanism, secret: bytes, data: bytes, iv: bytes | None) -> bytes:
    if mechanism is not Mechanism.AES_CBC_PAD or iv is None:
        return aes_key_unwrap_with_padding(secret, data)
    decryptor, unpadder = Cipher(algorithms.AES(secret), modes.CBC(iv)).decryptor(), PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()


def _none(what: str, answers: list[str]) -> str:
    names = ", ".join(f"CKM_{mechanism.name}" for mechanism in WRAPS)
    return f"it does not {what} ({'; '.join(answers) or f'it lists none of {names}'})"
