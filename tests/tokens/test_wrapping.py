"""Tokens that take no private key in the clear: the key goes in encrypted, and helping keys do not stay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pkcs11 import Attribute, Mechanism

from keyquorum.errors import RefusedError
from keyquorum.tokens import wrapping
from keyquorum.tokens.loading import load
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.templates import Placing
from keyquorum.tokens.uri import TokenUri
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import PLACING, key
from tests.tokens.softhsm import Soft

UNWRAPPED = "C_UnwrapKey: CKM_RSA_PKCS_OAEP with SHA-1 (2048 bits), then CKM_AES_KEY_WRAP_PAD"


@pytest.mark.parametrize("refusal", ["no-private", "bad-private"])
@pytest.mark.parametrize("algorithm", ["RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384"])
def test_a_key_goes_in_encrypted(shim: Soft, faults: Faults, refusal: str, algorithm: str) -> None:
    faults(refusal)
    with shim.open() as token:
        done = load(token, key(algorithm), PLACING, seeded(1))
        left = objects_of(token)
    assert done.path == UNWRAPPED
    assert done.deviations == ()
    assert sorted((one.kind, one.label, one.id) for one in left) == [
        ("private", "root-2026", b"\x4f\x66"),
        ("public", "root-2026", b"\x4f\x66"),
    ]


@pytest.mark.parametrize("extractable", [False, True])
def test_what_a_token_does_not_heed_is_set_afterwards(shim: Soft, faults: Faults, extractable: bool) -> None:
    faults("no-private", "loose-unwrap")
    with shim.open() as token:
        placing = Placing(label="k", id=b"k", extractable=extractable)
        done = load(token, key("ECDSAP256SHA256"), placing, seeded(1))
        assert done.deviations == ()
        (private,) = objects_of(token, TokenUri(type="private"))
    assert private.flags[Attribute.SENSITIVE] is True
    assert private.flags[Attribute.EXTRACTABLE] is extractable


@pytest.mark.parametrize("usage", [Attribute.WRAP, Attribute.UNWRAP])
def test_helping_keys_can_do_one_thing_and_do_not_leave(shim: Soft, usage: Attribute) -> None:
    uses = {Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.WRAP, Attribute.SIGN, Attribute.VERIFY, Attribute.DERIVE}
    with shim.open() as token:
        with wrapping._transport_key(token, seeded(1), usage) as (_, secret, _):
            helpers = {one.kind: one.flags for one in objects_of(token, TokenUri(object=wrapping.HELPER))}
        assert objects_of(token) == ()
    assert len(secret) == 32
    assert set(helpers) == {"public", "private", "secret-key"}
    for kind, flags in helpers.items():
        assert flags[Attribute.TOKEN] is False
        assert {use for use in uses if flags.get(use)} == (
            {usage} - {Attribute.UNWRAP} if kind == "secret-key" else set()
        )
        if kind != "public":
            assert (flags[Attribute.SENSITIVE], flags[Attribute.EXTRACTABLE]) == (True, False)
    assert helpers["private"][Attribute.UNWRAP] is True
    assert helpers["secret-key"][Attribute.UNWRAP] is (usage is Attribute.UNWRAP)


@pytest.mark.parametrize("algorithm", ["ED25519", "ED448"])
def test_softhsm_unwraps_no_edwards_keys_and_that_is_said(shim: Soft, faults: Faults, algorithm: str) -> None:
    faults("no-private")
    with shim.open() as token:
        with pytest.raises(RefusedError) as caught:
            load(token, key(algorithm), PLACING, seeded(1))
        assert objects_of(token) == ()
    assert "neither in the clear (C_CreateObject: CKR_TEMPLATE_INCONSISTENT) nor encrypted" in caught.value.what
    assert "CKM_AES_KEY_WRAP_PAD: CKR_FUNCTION_FAILED" in caught.value.what


HOPELESS = {
    "no-key-unwrap": "does not unwrap the key .*CKM_AES_KEY_WRAP_PAD: CKR_MECHANISM_INVALID",
    "hide=9": "does not list CKM_RSA_PKCS_OAEP",
    "hide=210A hide=1085": "lists none of CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD, CKM_AES_CBC_PAD",
    "only-sha256-oaep": "does not unwrap an AES key .*SHA-256: CKR_ARGUMENTS_BAD; .*SHA-1: CKR_MECHANISM_PARAM_INVALID",
    "no-pair": "CKR_FUNCTION_FAILED",
    "hide=210A": "CKM_AES_CBC_PAD: CKR_MECHANISM_INVALID",
}


@pytest.mark.parametrize("fault", HOPELESS)
def test_where_no_way_works_each_answer_is_told(shim: Soft, faults: Faults, fault: str) -> None:
    faults("no-private", fault)
    with shim.open() as token:
        with pytest.raises(RefusedError, match=HOPELESS[fault]) as caught:
            load(token, key("ECDSAP256SHA256"), PLACING, seeded(1))
        assert objects_of(token) == ()
    assert "neither in the clear" in caught.value.what


@pytest.mark.parametrize(("most", "bits"), [(16384, 3072), (2560, 2560), (1024, 3072)])
def test_the_transport_key_is_as_large_as_the_token_allows(shim: Soft, faults: Faults, most: int, bits: int) -> None:
    """What a token states below 2048 bits is not believed: it is asked for 3072, and may refuse."""
    faults("no-private", f"most-rsa={most}")
    with shim.open() as token:
        done = load(token, key("ECDSAP256SHA256"), PLACING, seeded(1))
    assert f"({bits} bits)" in done.path


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=2500), st.integers(0, 1 << 30), st.sampled_from(wrapping.WRAPS))
def test_what_is_wrapped_here_is_unwrapped_here(data: bytes, seed: int, mechanism: Mechanism) -> None:
    secret = seeded(seed)(32)
    wrapped, parameter = wrapping._wrapped(mechanism, secret, data, seeded(seed + 1))
    assert data not in wrapped or len(data) < 4
    assert wrapping._unwrapped(mechanism, secret, wrapped, parameter) == data
