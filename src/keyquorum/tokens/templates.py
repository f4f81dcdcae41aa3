"""How a key stands in a token: the attributes of both halves, as PKCS#11 wants them written.

A KSK's private key is for signing and nothing else, is never shown, and leaves its token only if that was asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pkcs11 import Attribute, ObjectClass

from keyquorum.errors import UsageError
from keyquorum.escrow.keys import EscrowKey
from keyquorum.tokens.objects import EDWARDS, NAMED_CURVES
from keyquorum.tokens.signing import KEY_TYPES
from keyquorum.tokens.uri import TokenUri

LABEL_LIMIT = 64
ID_LIMIT = 64

Template = dict[Attribute, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How a key is to stand in a token: CKA_LABEL, CKA_ID, and whether it may leave the token again, wrapped.

    Label and id are the same on both halves: name servers find the public key by them. Raises UsageError for an empty
    label or id and for ones that are too long.
    """

    label: str
    id: bytes
    extractable: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.label.encode("utf-8")) <= LABEL_LIMIT or not self.label.isprintable():
            raise UsageError(f"a label of 1 to {LABEL_LIMIT} printable characters is expected", where="label")
        if not 0 < len(self.id) <= ID_LIMIT:
            raise UsageError(f"an id of 1 to {ID_LIMIT} bytes is expected", where="id")

    def wanted(self) -> dict[Attribute, bool]:
        """Give the attributes of the private key that are asked for, and read back."""
        return {
            Attribute.TOKEN: True,
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: self.extractable,
            Attribute.SIGN: True,
            Attribute.DECRYPT: False,
            Attribute.UNWRAP: False,
            Attribute.DERIVE: False,
        }

    def template(self) -> Template:
        """Give all that is asked of the private key but its values: class aside, fit for C_UnwrapKey too."""
        return {**self.wanted(), Attribute.LABEL: self.label, Attribute.ID: self.id}


def placing_of(
    key: EscrowKey,
    uri: TokenUri,
    *,
    label: str | None = None,
    id_: bytes | None = None,
    zone: str = "",
    extractable: bool = False,
) -> Placing:
    """Give where ``key`` is to stand: by ``label`` and ``id_``, else as ``uri`` names it, else by our custom.

    The custom: the label ``ZONE-ksk-TAG`` (or ``ksk-TAG``), and as id the key tag in two bytes. Raises UsageError where
    ``uri`` and ``label`` or ``id_`` differ.
    """
    for what, said, asked in (("label", uri.object, label), ("id", uri.id, id_)):
        if said is not None and asked is not None and said != asked:
            raise UsageError(f"the URI names another {what} than --{what}", do="Give one of them.")
    dnskey = key.dnskey()
    tag = dnskey.tag if dnskey else 0
    return Placing(
        label=label or uri.object or "-".join([*([zone] if zone else []), "ksk", str(tag)]),
        id=id_ or uri.id or tag.to_bytes(2, "big"),
        extractable=extractable,
    )


def private_templates(key: EscrowKey, placing: Placing) -> Iterator[Template]:
    """Give the private key object, values and all, once for each way to write its curve."""
    for values in _private_values(key):
        yield {**placing.template(), **values}


def public_templates(key: EscrowKey, placing: Placing) -> Iterator[Template]:
    """Give the public key object, once for each way to write its curve: for verifying, readable without a login."""
    common = {
        Attribute.CLASS: ObjectClass.PUBLIC_KEY,
        Attribute.KEY_TYPE: KEY_TYPES[key.algorithm.name],
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.VERIFY: True,
        Attribute.ENCRYPT: False,
        Attribute.WRAP: False,
        Attribute.LABEL: placing.label,
        Attribute.ID: placing.id,
    }
    for values in _public_values(key):
        yield {**common, **values}


def _private_values(key: EscrowKey) -> Iterator[Template]:
    kind = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.KEY_TYPE: KEY_TYPES[key.algorithm.name]}
    private = key.private_key()
    match private:
        case rsa.RSAPrivateKey():
            numbers = private.private_numbers()
            yield {
                **kind,
                Attribute.MODULUS: _big(numbers.public_numbers.n),
                Attribute.PUBLIC_EXPONENT: _big(numbers.public_numbers.e),
                Attribute.PRIVATE_EXPONENT: _big(numbers.d),
                Attribute.PRIME_1: _big(numbers.p),
                Attribute.PRIME_2: _big(numbers.q),
                Attribute.EXPONENT_1: _big(numbers.dmp1),
                Attribute.EXPONENT_2: _big(numbers.dmq1),
                Attribute.COEFFICIENT: _big(numbers.iqmp),
            }
        case ec.EllipticCurvePrivateKey():
            value = private.private_numbers().private_value.to_bytes((private.key_size + 7) // 8, "big")
            yield {**kind, Attribute.EC_PARAMS: NAMED_CURVES[key.algorithm.name], Attribute.VALUE: value}
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            for curve in EDWARDS[key.algorithm.name][:2]:
                yield {**kind, Attribute.EC_PARAMS: curve, Attribute.VALUE: private.private_bytes_raw()}


def _public_values(key: EscrowKey) -> Iterator[Template]:
    public = load_der_public_key(key.public_key)
    match public:
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            yield {Attribute.MODULUS: _big(numbers.n), Attribute.PUBLIC_EXPONENT: _big(numbers.e)}
        case ec.EllipticCurvePublicKey():
            point = _octets(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
            yield {Attribute.EC_PARAMS: NAMED_CURVES[key.algorithm.name], Attribute.EC_POINT: point}
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            for curve in EDWARDS[key.algorithm.name][:2]:
                yield {Attribute.EC_PARAMS: curve, Attribute.EC_POINT: _octets(public.public_bytes_raw())}


def _big(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _octets(data: bytes) -> bytes:
    """Give a DER OCTET STRING of fewer than 128 bytes, the form in which tokens hold a point."""
    return bytes([4, len(data)]) + data
