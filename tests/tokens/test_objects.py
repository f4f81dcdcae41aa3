"""Objects as vendors write them: labels that are no text, kinds that nobody knows, points in two forms."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.attributes import AttributeMapper, handle_bytes

from keyquorum.errors import RefusedError
from keyquorum.tokens.extracting import read_private_key
from keyquorum.tokens.loading import load
from keyquorum.tokens.objects import EDWARDS, NAMED_CURVES, _curve_key, facts_of, objects_of, the_private_key
from keyquorum.tokens.session import _Mapper, open_token
from keyquorum.tokens.signing import sign
from keyquorum.tokens.uri import TokenUri
from tests.keystore.seeded import seeded
from tests.tokens.keys import NUMBERS, PLACING, key
from tests.tokens.softhsm import Soft
from tests.tokens.test_extracting import put


def test_a_label_that_is_no_text(soft: Soft) -> None:
    raw = AttributeMapper()
    raw.register_handler(Attribute.LABEL, *handle_bytes)
    with soft.open() as token:
        session = token.session.token.open(rw=True, attribute_mapper=raw)
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.DATA,
                Attribute.TOKEN: True,
                Attribute.PRIVATE: False,
                Attribute.LABEL: b"\xffx",
                Attribute.VALUE: b"",
            }
        )
        (one,) = objects_of(token)
    assert (one.kind, one.label, one.name) == ("data", "\ufffdx", "data '\ufffdx'")
    assert one.uri(soft.uri).type == "data"


@pytest.mark.parametrize("attribute", [Attribute.CLASS, Attribute.KEY_TYPE, Attribute.KEY_GEN_MECHANISM])
def test_numbers_of_vendors_are_left_numbers(attribute: Attribute) -> None:
    mapper = _Mapper()
    vendors = (0x80000001).to_bytes(8, "little")
    assert mapper.unpack_attributes(attribute, vendors) == 0x80000001
    assert mapper.pack_attribute(attribute, 0x80000001) == vendors
    known = mapper.unpack_attributes(attribute, bytes(8))
    assert known.name in {"DATA", "RSA", "RSA_PKCS_KEY_PAIR_GEN"}


def test_dates_of_vendors_do_not_stop_a_listing() -> None:
    assert _Mapper().unpack_attributes(Attribute.START_DATE, b"0000") == b"0000"


class Strange:
    """An object that answers with what it was given."""

    handle = 1

    def __init__(self, **attributes: Any) -> None:
        self.attributes = {Attribute[name]: value for name, value in attributes.items()}

    def __getitem__(self, attribute: Attribute) -> Any:
        if attribute not in self.attributes:
            raise NotImplementedError
        return self.attributes[attribute]


def test_an_object_of_a_kind_that_nobody_knows() -> None:
    facts = facts_of(Strange(CLASS=0x80000001, KEY_TYPE=0x80000002, LABEL="x"))
    assert (facts.kind, facts.key_type, facts.spki, facts.bits) == ("class 2147483649", "0x80000002", None, 0)
    assert facts.uri(TokenUri(token="t")) == TokenUri(token="t", object="x")


@pytest.mark.parametrize("algorithm", ["ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448"])
def test_points_in_both_forms(algorithm: str) -> None:
    public: Any = key(algorithm).private_key().public_key()
    raw = (
        public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        if algorithm in NAMED_CURVES
        else public.public_bytes_raw()
    )
    curves = [NAMED_CURVES[algorithm]] if algorithm in NAMED_CURVES else list(EDWARDS[algorithm][:2])
    for curve in curves:
        for point in (raw, bytes([4, len(raw)]) + raw):
            facts = facts_of(
                Strange(CLASS=ObjectClass.PUBLIC_KEY, KEY_TYPE=key_type(algorithm), EC_PARAMS=curve, EC_POINT=point)
            )
            assert facts.spki == key(algorithm).public_key
        for point in (raw[:-1], raw + b"\0", b"", bytes(len(raw))):
            odd = Strange(CLASS=ObjectClass.PUBLIC_KEY, KEY_TYPE=key_type(algorithm), EC_PARAMS=curve, EC_POINT=point)
            assert facts_of(odd).spki != key(algorithm).public_key
    assert _curve_key(b"\x06\x05\x2b\x81\x04\x00\x23", raw) is None


def key_type(algorithm: str) -> KeyType:
    return KeyType.EC if algorithm in NAMED_CURVES else KeyType.EC_EDWARDS


def test_a_curve_that_dnssec_has_no_use_for(soft: Soft) -> None:
    private = ec.generate_private_key(ec.SECP521R1())
    with soft.open() as token:
        token.session.create_object(
            {
                Attribute.CLASS: ObjectClass.PRIVATE_KEY,
                Attribute.KEY_TYPE: KeyType.EC,
                Attribute.TOKEN: True,
                Attribute.SENSITIVE: False,
                Attribute.EXTRACTABLE: True,
                Attribute.LABEL: "k",
                Attribute.EC_PARAMS: bytes.fromhex("06052b81040023"),
                Attribute.VALUE: private.private_numbers().private_value.to_bytes(66, "big"),
            }
        )
        (one,) = objects_of(token)
        assert (one.key_type, one.algorithms, one.bits) == ("EC", (), 0)
        with pytest.raises(RefusedError, match="no DNSSEC algorithm is known"):
            read_private_key(token, TokenUri(object="k"), None, seeded(1))


def test_every_attribute_of_a_listing_comes_from_the_token(soft: Soft) -> None:
    with soft.open() as token:
        load(token, key("RSASHA256"), PLACING, seeded(1))
        private = facts_of(the_private_key(token, TokenUri()))
    assert private.bits == 2048
    assert private.flags[Attribute.LOCAL] is False
    assert private.flags[Attribute.NEVER_EXTRACTABLE] is False
    assert private.spki == key("RSASHA256").public_key
    assert [name for name, _ in private.algorithms] == ["RSASHA256", "RSASHA512"]


def test_a_key_that_is_not_for_signing(soft: Soft) -> None:
    dnskey = key("ED25519").dnskey()
    assert dnskey is not None
    with soft.open() as token:
        put(token, "ED25519", SIGN=False)
        with pytest.raises(RefusedError, match="not for signing"):
            sign(token, TokenUri(), dnskey, b"message")


@pytest.mark.parametrize("algorithm", NUMBERS)
def test_a_key_that_wants_the_pin_each_time(soft: Soft, algorithm: str) -> None:
    dnskey = key(algorithm).dnskey()
    assert dnskey is not None
    with soft.open() as token:
        put(token, algorithm, ALWAYS_AUTHENTICATE=True)
        with pytest.raises(RefusedError, match="wants the PIN anew for each signature"):
            sign(token, TokenUri(), dnskey, b"message")
    with soft.open(login=False, writable=False) as token:
        assert [one.kind for one in objects_of(token)] == ["public"]


def test_who_has_not_logged_in_finds_no_private_key(soft: Soft) -> None:
    with soft.open() as token:
        load(token, key("ED25519"), PLACING, seeded(1))
    with open_token(soft.uri, None) as token, pytest.raises(Exception, match="no private key matches"):
        the_private_key(token, TokenUri())
