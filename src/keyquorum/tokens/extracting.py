"""A private key out of a token, where the token lets it go: to bring a key that lives in one into an escrow.

In the clear where its attributes allow that (CKA_SENSITIVE false), else wrapped under a key known to both sides
(``wrapping``) where CKA_EXTRACTABLE is true. A key that is neither cannot leave, and that is said; nothing is changed
in the token. What comes out is proved to be the key in the token before it is given to anybody.
"""

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from pkcs11 import Attribute, KeyType
from pkcs11.exceptions import PKCS11Error

from keyquorum.errors import MalformedError, RefusedError
from keyquorum.escrow.keys import EscrowKey, from_pkcs8, from_private_key
from keyquorum.escrow.publickeys import CURVES
from keyquorum.maths.randomness import Rng
from keyquorum.tokens.answers import spoken
from keyquorum.tokens.objects import EDWARDS, curve_of, read, the_private_key
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.signing import prove
from keyquorum.tokens.uri import TokenUri
from keyquorum.tokens.wrapping import wrap_out

IN_THE_CLEAR = "C_GetAttributeValue"


def read_private_key(token: OpenToken, uri: TokenUri, algorithm: str | None, rng: Rng) -> tuple[EscrowKey, str]:
    """Give the one private key that ``uri`` names, and how it came out; ``algorithm`` None is RSASHA256 for RSA.

    Its token then signs a random message that verifies under what came out. Raises RefusedError where the key cannot
    leave its token, UsageError where no or several keys match, ParameterError for a key that no escrow keeps.
    """
    one = the_private_key(token, uri)
    where = token.facts.name
    name = algorithm or _algorithm(one, where)
    if read(one, Attribute.SENSITIVE) is False and read(one, Attribute.EXTRACTABLE) is not False:
        try:
            key, how = from_private_key(_in_the_clear(one, where), name), IN_THE_CLEAR
        except PKCS11Error as error:
            raise spoken(error, where) from None
    elif read(one, Attribute.EXTRACTABLE) is False:
        raise _stays("CKA_EXTRACTABLE is false, for good", where)
    else:
        try:
            pkcs8, how = wrap_out(token, one, rng)
        except RefusedError as error:
            raise _stays(error.what, where) from None
        key = from_pkcs8(_unpadded(pkcs8), name)
    try:
        prove(token, one, name, key.public_key, rng)
    except BaseException:
        key.wipe()
        raise
    return key, how


def _unpadded(der: bytes) -> bytes:
    """Give ``der`` without zeros after its end: SoftHSM 2.6 fills PKCS#8 up to eight bytes before it wraps it."""
    if len(der) < 2 or der[0] != 0x30:
        return der
    more = der[1] & 0x7F if der[1] & 0x80 else 0
    end = 2 + more + (int.from_bytes(der[2 : 2 + more], "big") if more else der[1])
    return der[:end] if not any(der[end:]) and len(der) - end < 8 else der


def _stays(why: str, where: str) -> RefusedError:
    return RefusedError(
        f"this key cannot leave its token: {why}",
        where=where,
        do="Its vendor's backup is the only copy there can be; a key that must outlive its token is made outside one.",
    )


def _algorithm(one: Any, where: str) -> str:
    if read(one, Attribute.KEY_TYPE) == KeyType.RSA:
        return "RSASHA256"
    name = curve_of(read(one, Attribute.EC_PARAMS))
    if name is None:
        raise RefusedError("no DNSSEC algorithm is known for the kind of this key", where=where)
    return name


def _in_the_clear(one: Any, where: str) -> object:
    """Read the values of a key that is not sensitive; raises PKCS11Error, MalformedError."""
    try:
        if read(one, Attribute.KEY_TYPE) == KeyType.RSA:
            n, e, d, p, q = (
                int.from_bytes(one[attribute], "big")
                for attribute in (
                    Attribute.MODULUS,
                    Attribute.PUBLIC_EXPONENT,
                    Attribute.PRIVATE_EXPONENT,
                    Attribute.PRIME_1,
                    Attribute.PRIME_2,
                )
            )
            numbers = rsa.RSAPrivateNumbers(
                p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, n)
            )
            return numbers.private_key()
        value, name = one[Attribute.VALUE], _algorithm(one, where)
        if name not in EDWARDS:
            return ec.derive_private_key(int.from_bytes(value, "big"), CURVES[name])
        kind = ed25519.Ed25519PrivateKey if name == "ED25519" else ed448.Ed448PrivateKey
        return kind.from_private_bytes(value)
    except (ValueError, ZeroDivisionError, UnsupportedAlgorithm):
        raise MalformedError("what the token gives is not a private key", where=where) from None
