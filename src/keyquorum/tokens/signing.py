"""Signatures by keys in a token, in the form they have in an RRSIG, and the proof that a token holds a key.

Every signature is verified outside the token before anybody gets it. Which of PKCS#11's mechanisms is used depends on
what the token lists: one that hashes in the token, or one for a hash made here (RFC 8017 section 9.2 step 2 for RSA).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.exceptions import PKCS11Error, UserNotLoggedIn

from keyquorum.dnssec.model import Dnskey
from keyquorum.errors import KeyquorumError, RefusedError, SignatureError
from keyquorum.escrow.publickeys import spki_of, verify
from keyquorum.maths.randomness import Rng
from keyquorum.tokens.answers import name_of, spoken
from keyquorum.tokens.objects import read, the_private_key
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.uri import TokenUri

PROBE_LENGTH = 64
"""Bytes of the random message that is signed to prove that a token holds a key."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to have an algorithm's signature made: ``before`` is hashed and prefixed here, else the message goes in.

    ``parameters`` are python-pkcs11's for the mechanism.
    """

    mechanism: Mechanism
    digest: str = ""
    prefix: bytes = b""
    parameters: tuple[bool, None] | None = None

    def input(self, message: bytes) -> bytes:
        """Give what the mechanism is handed for ``message``."""
        return self.prefix + hashlib.new(self.digest, message).digest() if self.digest else message


_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_SHA512_INFO = bytes.fromhex("3051300d060960864801650304020305000440")
KEY_TYPES: Mapping[str, KeyType] = MappingProxyType({
    "RSASHA256": KeyType.RSA,
    "RSASHA512": KeyType.RSA,
    "ECDSAP256SHA256": KeyType.EC,
    "ECDSAP384SHA384": KeyType.EC,
    "ED25519": KeyType.EC_EDWARDS,
    "ED448": KeyType.EC_EDWARDS,
})  # fmt: skip
WAYS: Mapping[str, tuple[Way, ...]] = MappingProxyType({
    "RSASHA256": (Way(Mechanism.SHA256_RSA_PKCS), Way(Mechanism.RSA_PKCS, "sha256", _SHA256_INFO)),
    "RSASHA512": (Way(Mechanism.SHA512_RSA_PKCS), Way(Mechanism.RSA_PKCS, "sha512", _SHA512_INFO)),
    "ECDSAP256SHA256": (Way(Mechanism.ECDSA, "sha256"), Way(Mechanism.ECDSA_SHA256)),
    "ECDSAP384SHA384": (Way(Mechanism.ECDSA, "sha384"), Way(Mechanism.ECDSA_SHA384)),
    "ED25519": (Way(Mechanism.EDDSA),),
    # PKCS#11 v3.0 section 2.3.14 wants parameters for Ed448; SoftHSM takes none.
    "ED448": (Way(Mechanism.EDDSA), Way(Mechanism.EDDSA, parameters=(False, None))),
})  # fmt: skip


def ways(token: OpenToken, algorithm: str) -> tuple[Way, ...]:
    """Give the ways that ``token`` lists for signatures of ``algorithm``; none: it cannot make them."""
    return tuple(way for way in WAYS.get(algorithm, ()) if token.can(way.mechanism))


def hindrance(token: OpenToken, algorithm: str, bits: int) -> str:
    """Say why ``token`` cannot have keys of ``algorithm`` with ``bits``; empty where nothing speaks against it.

    ``bits`` is judged for RSA, where tokens state the sizes they take.
    """
    if algorithm not in WAYS:
        return f"no PKCS#11 mechanism is in use for {algorithm}: such a key stays on paper"
    if not ways(token, algorithm):
        needed = " or ".join(dict.fromkeys(f"CKM_{way.mechanism.name}" for way in WAYS[algorithm]))
        return f"the token lacks {algorithm} (it does not list {needed})"
    sizes = token.sizes(ways(token, algorithm)[0].mechanism)
    if bits and KEY_TYPES[algorithm] is KeyType.RSA and sizes and sizes[1] and not sizes[0] <= bits <= sizes[1]:
        return f"the token takes RSA keys of {sizes[0]} to {sizes[1]} bits, and this one has {bits}"
    return ""


def sign_with(token: OpenToken, key: Any, algorithm: str, spki: bytes, message: bytes) -> bytes:
    """Have the private key object ``key`` sign ``message``; the signature is verified with ``spki`` (DER) here.

    Raises SignatureError where the token's signature does not verify, RefusedError where it makes none.
    """
    return sign_checked(token, key, algorithm, message, lambda signature: verify(algorithm, spki, message, signature))


def sign_checked(token: OpenToken, key: Any, algorithm: str, message: bytes, check: Callable[[bytes], None]) -> bytes:
    """As ``sign_with``, for keys that no escrow keeps too: ``check`` raises SignatureError for a wrong signature."""
    where = token.facts.name
    why = hindrance(token, algorithm, _rsa_bits(key))
    if why:
        raise RefusedError(why, where=where)
    if not read(key, Attribute.SIGN) or not hasattr(key, "sign"):
        raise RefusedError("this key is not for signing (CKA_SIGN is false)", where=where)
    last: KeyquorumError | None = None
    for way in ways(token, algorithm):
        try:
            signature = key.sign(way.input(message), mechanism=way.mechanism, mechanism_param=way.parameters)
        except PKCS11Error as error:
            last = _no_signature(error, where, key)
            continue
        try:
            check(bytes(signature))
        except SignatureError:
            raise SignatureError(
                f"what the token signed with CKM_{way.mechanism.name} does not verify with this public key",
                where=where,
                do="The key in the token is another one, or the token is faulty: do not use it.",
            ) from None
        return bytes(signature)
    assert last is not None  # noqa: S101
    raise last


def sign(token: OpenToken, uri: TokenUri, dnskey: Dnskey, message: bytes) -> bytes:
    """Have the one private key that ``uri`` names sign ``message``, and verify it against ``dnskey``.

    Gives the signature as it stands in an RRSIG. Raises UsageError where no or several keys match, SignatureError where
    the token's key is not that of ``dnskey``, RefusedError where the token makes no signature.
    """
    algorithm, spki = spki_of(dnskey)
    return sign_with(token, the_private_key(token, uri), algorithm, spki, message)


def prove(token: OpenToken, key: Any, algorithm: str, spki: bytes, rng: Rng) -> None:
    """Prove that the private key object ``key`` is the other half of ``spki``: it signs a random message.

    Raises as ``sign_with``.
    """
    sign_with(token, key, algorithm, spki, rng(PROBE_LENGTH))


def holds(token: OpenToken, key: Any, algorithm: str, spki: bytes, rng: Rng) -> bool:
    """Whether the private key object ``key`` is the other half of ``spki``; False also where it does not sign."""
    try:
        prove(token, key, algorithm, spki, rng)
    except KeyquorumError:
        return False
    return True


def _rsa_bits(key: Any) -> int:
    modulus = read(key, Attribute.MODULUS)
    return int.from_bytes(modulus, "big").bit_length() if modulus else 0


def _no_signature(error: PKCS11Error, where: str, key: Any) -> KeyquorumError:
    if isinstance(error, UserNotLoggedIn) and read(key, Attribute.ALWAYS_AUTHENTICATE):
        return RefusedError(
            f"this key wants the PIN anew for each signature ({name_of(error)})",
            where=where,
            do="Name servers cannot work with such a key; load it into a token that does not ask for this.",
        )
    told = spoken(error, where)
    told.what = f"the token does not sign: {told.what}"
    return told
