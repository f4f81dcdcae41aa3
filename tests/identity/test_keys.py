"""Signing and sealing: the published vectors, other people's implementations, and everything that is refused."""

import shutil
import subprocess
from pathlib import Path

import nacl.signing
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.errors import KeyquorumError, MalformedError, RefusedError, SignatureError
from keyquorum.identity.keys import Identity, seal, verify

# RFC 8032 section 7.1, tests 1, 2, 3 and SHA(abc): secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]  # fmt: skip
# RFC 9180 appendix A.2.1: base mode of DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
HPKE_PRIVATE = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
HPKE_PUBLIC = bytes.fromhex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
HPKE_ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
HPKE_INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
HPKE_KEY = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
HPKE_NONCE = bytes.fromhex("5c4d98150661b848853b547f")
HPKE_TEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
HPKE_SEALED_WITH_AAD = bytes.fromhex(
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
)
# The points of order 1, 2, 4 and 8 of edwards25519, in their canonical encodings, and some that are not canonical.
LOW_ORDER_ED25519 = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
# The points of low order of curve25519 (RFC 7748 section 7 wants the all-zero result noticed).
LOW_ORDER_X25519 = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
ALICE = Identity(b"a" * 32, b"A" * 32)
BOB = Identity(b"b" * 32, b"B" * 32)


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032, ids=["1", "2", "3", "sha-abc"])
def test_ed25519_as_published(secret: str, public: str, message: str, signature: str) -> None:
    signer = Identity(bytes.fromhex(secret), bytes(32))
    assert signer.verification_key.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    verify(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_libsodium_signs_and_verifies_alike(seed: bytes, message: bytes) -> None:
    judge = nacl.signing.SigningKey(seed)
    signer = Identity(seed, bytes(32))
    assert signer.verification_key == bytes(judge.verify_key)
    assert signer.sign(message) == judge.sign(message).signature
    judge.verify_key.verify(message, signer.sign(message))
    verify(bytes(judge.verify_key), message, judge.sign(message).signature)


def test_openssl_verifies_what_we_sign(tmp_path: Path) -> None:
    openssl = shutil.which("openssl") or pytest.skip("openssl is not installed (package openssl)")
    message = b"what openssl is to judge"
    key = Ed25519PublicKey.from_public_bytes(ALICE.verification_key)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "message").write_bytes(message)

    def judged(signature: bytes) -> bool:
        (tmp_path / "signature").write_bytes(signature)
        command = "pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature"
        run = subprocess.run([openssl, *command.split()], cwd=tmp_path, check=False, capture_output=True)
        return run.returncode == 0

    assert judged(ALICE.sign(message))
    assert not judged(ALICE.sign(message + b"."))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 64 * 8 - 1))
def test_a_signature_with_any_bit_changed_does_not_verify(message: bytes, bit: int) -> None:
    signature = bytearray(ALICE.sign(message))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        verify(ALICE.verification_key, message, bytes(signature))


def test_a_signature_by_another_or_of_something_else_does_not_verify() -> None:
    signature = ALICE.sign(b"this")
    for key, message, signed in [
        (BOB.verification_key, b"this", signature),
        (ALICE.verification_key, b"that", signature),
        (ALICE.verification_key, b"this", signature[:63]),
        (ALICE.verification_key, b"this", signature + b"\0"),
        (ALICE.verification_key, b"this", b""),
    ]:
        with pytest.raises(SignatureError):
            verify(key, message, signed)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_verifies_nothing(length: int) -> None:
    with pytest.raises(SignatureError):
        verify(b"k" * length, b"this", ALICE.sign(b"this"))


@pytest.mark.parametrize("key", LOW_ORDER_ED25519)
def test_a_key_under_which_one_signature_fits_many_messages_is_refused(key: str) -> None:
    # With R the neutral element and S = 0, every eighth message at least verifies under RFC 8032's equation.
    signature = bytes([1]) + bytes(63)
    for number in range(32):
        with pytest.raises(SignatureError, match="not a usable Ed25519 public key"):
            verify(bytes.fromhex(key), b"message %d" % number, signature)


def test_a_signature_with_s_not_reduced_does_not_verify() -> None:
    # RFC 8032 section 5.1.7: S + L is another spelling of S, and must be refused or signatures are malleable.
    order = 2**252 + 27742317777372353535851937790883648493
    signature = ALICE.sign(b"this")
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(SignatureError):
        verify(ALICE.verification_key, b"this", other)


def test_hpke_as_published() -> None:
    # The vector has associated data and we have none: so its ciphertext is made anew with the vector's key and nonce.
    cipher = ChaCha20Poly1305(HPKE_KEY)
    assert cipher.encrypt(HPKE_NONCE, HPKE_TEXT, b"Count-0") == HPKE_SEALED_WITH_AAD
    sealed = HPKE_ENC + cipher.encrypt(HPKE_NONCE, HPKE_TEXT, b"")
    receiver = Identity(bytes(32), HPKE_PRIVATE)
    assert receiver.sealing_public_key == HPKE_PUBLIC
    assert receiver.unseal(sealed, HPKE_INFO) == HPKE_TEXT
    with pytest.raises(RefusedError):
        receiver.unseal(HPKE_ENC + HPKE_SEALED_WITH_AAD, HPKE_INFO)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_what_is_sealed_is_opened_by_its_receiver_only(plain: bytes, info: bytes) -> None:
    sealed = seal(ALICE.sealing_public_key, plain, info)
    assert len(sealed) == len(plain) + 48
    assert ALICE.unseal(sealed, info) == plain
    for opener, given_info in [(BOB, info), (ALICE, info + b"\0"), (ALICE, b"x" + info)]:
        with pytest.raises(RefusedError, match="cannot be opened with your key"):
            opener.unseal(sealed, given_info)


def test_sealing_twice_gives_different_bytes() -> None:
    assert seal(ALICE.sealing_public_key, b"x", b"") != seal(ALICE.sealing_public_key, b"x", b"")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_sealed_thing_that_was_changed_or_cut_is_refused(draw: st.DataObject) -> None:
    sealed = seal(ALICE.sealing_public_key, b"a secret", b"info")
    if draw.draw(st.booleans()):
        changed = sealed[: draw.draw(st.integers(0, len(sealed) - 1))]
    else:
        bit = draw.draw(st.integers(0, len(sealed) * 8 - 1))
        # The highest bit of an X25519 public key is ignored in the exchange, but is part of what HPKE hashes.
        changed = bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(sealed))
    with pytest.raises(RefusedError) as caught:
        ALICE.unseal(changed, b"info")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", LOW_ORDER_X25519)
def test_nothing_is_sealed_to_or_opened_from_a_point_of_low_order(key: str) -> None:
    with pytest.raises(MalformedError) as caught:
        seal(bytes.fromhex(key), b"a secret", b"")
    assert caught.value.where == "sealing_key"
    with pytest.raises(RefusedError):
        ALICE.unseal(bytes.fromhex(key) + bytes(24), b"")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(MalformedError):
        seal(b"k" * length, b"", b"")
    with pytest.raises(MalformedError):
        Identity(b"k" * length, bytes(32))
    with pytest.raises(MalformedError):
        Identity(bytes(32), b"k" * length)


def test_nothing_secret_is_shown() -> None:
    secrets = [bytes(range(32)), bytes(range(100, 132))]
    identity = Identity(*secrets)
    sealed = seal(BOB.sealing_public_key, b"x", b"")
    shown = [repr(identity), str(identity), f"{identity}"]
    for attempt in (lambda: identity.unseal(sealed, b""), lambda: Identity(secrets[0] + b"?", secrets[1])):
        with pytest.raises(KeyquorumError) as caught:
            attempt()
        shown += [str(caught.value), repr(caught.value)]
    for text in shown:
        for secret in secrets:
            assert secret.hex() not in text
            assert repr(secret)[2:-1] not in text
