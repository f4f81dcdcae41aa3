"""What is in a token: objects as facts, found by URI, and the public key of each.

Nothing secret is asked for here. Vendors differ in how they write the same key (a point with or without its DER
wrapping, a curve by name or by number): all of it is read, and one form comes out.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.exceptions import PKCS11Error

from keyquorum.errors import KeyquorumError, UsageError
from keyquorum.escrow.publickeys import ALGORITHMS, CURVES, PublicKey, checked, dnskey_of, spki_bytes
from keyquorum.tokens.answers import speaking_of
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.uri import TokenUri

CLASSES = {
    ObjectClass.PUBLIC_KEY: "public",
    ObjectClass.PRIVATE_KEY: "private",
    ObjectClass.CERTIFICATE: "cert",
    ObjectClass.SECRET_KEY: "secret-key",
    ObjectClass.DATA: "data",
}
"""Classes of objects by the names that URIs have for them; others are called by their number."""
EDWARDS = {
    # OID in DER, curve name as PrintableString (PKCS#11 v3.0 section 2.3.4), name of the algorithm, bytes of a key.
    "ED25519": (bytes.fromhex("06032b6570"), b"\x13\x0cedwards25519", 32),
    "ED448": (bytes.fromhex("06032b6571"), b"\x13\x0aedwards448", 57),
}
NAMED_CURVES = {
    "ECDSAP256SHA256": bytes.fromhex("06082a8648ce3d030107"),
    "ECDSAP384SHA384": bytes.fromhex("06052b81040022"),
}
"""CKA_EC_PARAMS of the curves: their OIDs in DER (RFC 5480 section 2.1.1.1)."""
FLAGS = (
    Attribute.TOKEN,
    Attribute.PRIVATE,
    Attribute.SENSITIVE,
    Attribute.EXTRACTABLE,
    Attribute.ALWAYS_SENSITIVE,
    Attribute.NEVER_EXTRACTABLE,
    Attribute.LOCAL,
    Attribute.SIGN,
    Attribute.VERIFY,
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.WRAP,
    Attribute.UNWRAP,
    Attribute.DERIVE,
    Attribute.ALWAYS_AUTHENTICATE,
    Attribute.WRAP_WITH_TRUSTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """One object: its class (as URIs call it), label, id, kind of key, flags, and its public key where it tells it.

    ``flags`` holds the attributes of ``FLAGS`` that the token answers for. ``algorithms`` are the DNSSEC algorithms
    that the key can be for, with the key tag each would have as a KSK; ``spki`` is the public key (DER). ``handle``
    is the token's number for the object in this session.
    """

    kind: str
    label: str
    id: bytes
    key_type: str
    bits: int
    flags: dict[Attribute, bool] = field(hash=False)
    spki: bytes | None
    algorithms: tuple[tuple[str, int], ...]
    handle: int = field(compare=False)

    @property
    def name(self) -> str:
        """What it is called in sentences."""
        words = {"public": "public key", "private": "private key", "secret-key": "secret key", "cert": "certificate"}
        known = f" '{self.label}'" if self.label else ""
        return f"{words.get(self.kind, self.kind)}{known}" + (f" with id {self.id.hex()}" if self.id else "")

    def uri(self, token: TokenUri) -> TokenUri:
        """Give the URI that names it, in the token that ``token`` names."""
        return TokenUri(
            token=token.token,
            manufacturer=token.manufacturer,
            serial=token.serial,
            model=token.model,
            slot_id=token.slot_id,
            module_path=token.module_path,
            object=self.label or None,
            id=self.id or None,
            type=self.kind if self.kind in CLASSES.values() else None,
        )


def objects_of(token: OpenToken, uri: TokenUri | None = None) -> tuple[ObjectFacts, ...]:
    """Give the objects that ``uri`` names, or all; without a login a token shows its public ones only."""
    return tuple(facts_of(one) for one in found(token, uri or TokenUri()))


def found(token: OpenToken, uri: TokenUri, **more: Any) -> list[Any]:
    """Give python-pkcs11's objects that ``uri`` names; ``more`` are attributes by name, such as ``KEY_TYPE``."""
    wanted: dict[Attribute, Any] = {Attribute[name]: value for name, value in more.items()}
    if uri.object is not None:
        wanted[Attribute.LABEL] = uri.object
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    if uri.type is not None:
        wanted[Attribute.CLASS] = next(number for number, name in CLASSES.items() if name == uri.type)
    with speaking_of(token.facts.name):
        return list(token.session.get_objects(wanted))


def the_private_key(token: OpenToken, uri: TokenUri) -> Any:
    """Give the one private key that ``uri`` names (its ``type`` aside); UsageError, with a list, where none or more."""
    asked = TokenUri(object=uri.object, id=uri.id, type="private")
    keys = found(token, asked)
    if len(keys) == 1:
        return keys[0]
    names = [facts_of(key).name for key in keys or found(token, TokenUri(type="private"))]
    listed = f": {'; '.join(names)}" if names else ""
    what = (
        f"{len(keys)} private keys match{listed}" if keys else f"no private key matches; it has {listed[2:] or 'none'}"
    )
    raise UsageError(what, where=token.facts.name, do="Name one: object=LABEL, or id=%01%02 for its CKA_ID.")


def facts_of(one: Any) -> ObjectFacts:
    """Give the facts of one of python-pkcs11's objects; what the token does not answer is left out."""
    number = read(one, Attribute.CLASS)
    key_type = read(one, Attribute.KEY_TYPE)
    public = public_key_of(one)
    name = key_type.name if isinstance(key_type, KeyType) else "" if key_type is None else f"{key_type:#x}"
    return ObjectFacts(
        kind=CLASSES.get(number, f"class {number}"),
        label=read(one, Attribute.LABEL) or "",
        id=read(one, Attribute.ID) or b"",
        key_type=name,
        bits=_bits(one, public),
        flags={flag: value for flag in FLAGS if (value := read(one, flag)) is not None},
        spki=None if public is None else spki_bytes(public),
        algorithms=() if public is None else tuple(_algorithms(public)),
        handle=one.handle,
    )


def read(one: Any, attribute: Attribute) -> Any:
    """Give an attribute's value; None where the token does not answer for it."""
    with suppress(PKCS11Error, ValueError, NotImplementedError):
        return one[attribute]
    return None


def public_key_of(one: Any) -> PublicKey | None:
    """Give the public key that an object (public, or private RSA) tells; None where it tells none that we know."""
    with suppress(ValueError, UnsupportedAlgorithm):
        match read(one, Attribute.KEY_TYPE):
            case KeyType.RSA:
                modulus, exponent = read(one, Attribute.MODULUS), read(one, Attribute.PUBLIC_EXPONENT)
                if modulus and exponent:
                    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
                    return numbers.public_key()
            case KeyType.EC | KeyType.EC_EDWARDS:
                return _curve_key(read(one, Attribute.EC_PARAMS), read(one, Attribute.EC_POINT))
    return None


def curve_of(parameters: bytes | None) -> str | None:
    """Give the algorithm whose curve CKA_EC_PARAMS names, by OID or by name; None for others."""
    for name, known in NAMED_CURVES.items():
        if parameters == known:
            return name
    for name, (oid, text, _) in EDWARDS.items():
        if parameters in {oid, text}:
            return name
    return None


def _curve_key(parameters: bytes | None, point: bytes | None) -> PublicKey | None:
    name = curve_of(parameters)
    if name is None or not point:
        return None
    if name in EDWARDS:
        raw = _unwrapped(point, EDWARDS[name][2])
        return (ed25519.Ed25519PublicKey if name == "ED25519" else ed448.Ed448PublicKey).from_public_bytes(raw)
    curve = CURVES[name]
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, _unwrapped(point, 2 * ((curve.key_size + 7) // 8) + 1))


def _unwrapped(point: bytes, length: int) -> bytes:
    """Give a point without the DER OCTET STRING that most tokens put around it (and some not)."""
    wrapped = len(point) == length + 2 and point[:2] == bytes([4, length])
    return point[2:] if wrapped else point


def _algorithms(public: PublicKey) -> Iterator[tuple[str, int]]:
    for name, algorithm in ALGORITHMS.items():
        with suppress(KeyquorumError):
            key = dnskey_of(name, spki_bytes(checked(algorithm, public)))
            if key is not None:
                yield name, key.tag


def _bits(one: Any, public: PublicKey | None) -> int:
    if isinstance(public, rsa.RSAPublicKey):
        return public.key_size
    curve = curve_of(read(one, Attribute.EC_PARAMS))
    if curve is not None:
        return CURVES[curve].key_size if curve in CURVES else 8 * EDWARDS[curve][2]
    length = read(one, Attribute.VALUE_LEN)
    return 8 * length if isinstance(length, int) else 0
