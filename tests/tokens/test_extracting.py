"""A key out of a token: in the clear or wrapped where the token lets it go, and a plain word where it does not."""

import pytest
from pkcs11 import Attribute

from keyquorum.errors import ParameterError, RefusedError, UsageError
from keyquorum.tokens.extracting import IN_THE_CLEAR, _unpadded, read_private_key
from keyquorum.tokens.loading import load
from keyquorum.tokens.objects import found
from keyquorum.tokens.session import OpenToken
from keyquorum.tokens.templates import Placing, private_templates, public_templates
from keyquorum.tokens.uri import TokenUri
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import NUMBERS, key
from tests.tokens.softhsm import Soft

EXTRACTABLE = Placing(label="k", id=b"k", extractable=True)
WRAPPED = "C_WrapKey: CKM_RSA_PKCS_OAEP with SHA-1 (2048 bits), CKM_AES_KEY_WRAP_PAD"
URI = TokenUri(object="k")


def put(token: OpenToken, algorithm: str, **attributes: bool) -> None:
    """Put a key into a token with attributes that no load gives it."""
    more = {Attribute[name]: value for name, value in attributes.items()}
    token.session.create_object({**next(private_templates(key(algorithm), EXTRACTABLE)), **more})
    token.session.create_object(next(public_templates(key(algorithm), EXTRACTABLE)))


@pytest.mark.parametrize("algorithm", NUMBERS)
def test_in_the_clear(soft: Soft, algorithm: str) -> None:
    with soft.open() as token:
        put(token, algorithm, SENSITIVE=False)
        out, how = read_private_key(token, URI, algorithm, seeded(1))
    assert how == IN_THE_CLEAR
    assert out.pkcs8.reveal() == key(algorithm).pkcs8.reveal()


@pytest.mark.parametrize("algorithm", ["RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384"])
def test_wrapped(shim: Soft, algorithm: str) -> None:
    with shim.open() as token:
        load(token, key(algorithm), EXTRACTABLE, seeded(1))
        before = len(found(token, TokenUri()))
        out, how = read_private_key(token, URI, algorithm, seeded(2))
        assert len(found(token, TokenUri())) == before
    assert how == WRAPPED
    assert out.pkcs8.reveal() == key(algorithm).pkcs8.reveal()


@pytest.mark.parametrize("length", range(40, 56))
def test_zeros_after_the_end_are_padding(length: int) -> None:
    whole = bytes([0x30, length, *range(1, length + 1)])
    for zeros in range(8):
        assert _unpadded(whole + bytes(zeros)) == whole
    for other in (whole + bytes(8), whole + b"\x01", whole[:-1], b"", b"\x30", b"\x31\x00\x00"):
        assert _unpadded(other) == other


@pytest.mark.parametrize("algorithm", ["ED25519", "ED448"])
def test_softhsm_wraps_no_edwards_keys_and_that_is_said(shim: Soft, algorithm: str) -> None:
    with shim.open() as token:
        load(token, key(algorithm), EXTRACTABLE, seeded(1))
        with pytest.raises(RefusedError, match="cannot leave its token: it does not wrap the key"):
            read_private_key(token, URI, None, seeded(2))


@pytest.mark.parametrize(
    ("algorithm", "expected"), [("RSASHA512", "RSASHA256"), ("ECDSAP384SHA384", "ECDSAP384SHA384"), ("ED448", "ED448")]
)
def test_the_algorithm_is_the_keys_own(soft: Soft, algorithm: str, expected: str) -> None:
    with soft.open() as token:
        put(token, algorithm, SENSITIVE=False)
        out, _ = read_private_key(token, URI, None, seeded(1))
    assert out.algorithm.name == expected


def test_another_algorithm_than_the_keys(soft: Soft) -> None:
    with soft.open() as token:
        put(token, "ED25519", SENSITIVE=False)
        with pytest.raises(ParameterError):
            read_private_key(token, URI, "RSASHA256", seeded(1))


@pytest.mark.parametrize("sensitive", [True, False])
def test_a_key_that_cannot_leave(soft: Soft, sensitive: bool) -> None:
    with soft.open() as token:
        put(token, "ECDSAP256SHA256", EXTRACTABLE=False, SENSITIVE=sensitive)
        with pytest.raises(RefusedError, match="cannot leave its token: CKA_EXTRACTABLE is false"):
            read_private_key(token, URI, None, seeded(1))


def test_a_key_for_trusted_wrapping_only(shim: Soft) -> None:
    with shim.open() as token:
        put(token, "ECDSAP256SHA256", WRAP_WITH_TRUSTED=True)
        with pytest.raises(RefusedError, match=r"cannot leave its token: .*CKR_KEY_NOT_WRAPPABLE"):
            read_private_key(token, URI, None, seeded(1))


def test_a_token_that_signs_with_another_key(shim: Soft, faults: Faults) -> None:
    with shim.open() as token:
        put(token, "ED25519", SENSITIVE=False)
        faults("bad-signature")
        with pytest.raises(Exception, match="does not verify"):
            read_private_key(token, URI, None, seeded(1))


def test_one_key_must_be_named(soft: Soft) -> None:
    with soft.open() as token:
        with pytest.raises(UsageError, match="no private key matches; it has none"):
            read_private_key(token, URI, None, seeded(1))
        load(token, key("ED25519"), Placing(label="a", id=b"a"), seeded(1))
        load(token, key("ED25519", 1), Placing(label="b", id=b"b"), seeded(1))
        with pytest.raises(UsageError, match=r"no private key matches; it has private key '.' with id .*; private key"):
            read_private_key(token, URI, None, seeded(1))
        with pytest.raises(UsageError, match="2 private keys match: private key"):
            read_private_key(token, TokenUri(), None, seeded(1))
