"""The public half: DNSKEY and SPKI into each other, signatures verified by two judges, nonsense refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError

from keyquorum.dnssec.model import Dnskey
from keyquorum.errors import KeyquorumError, LimitError, MalformedError, ParameterError, SignatureError
from keyquorum.escrow import publickeys
from keyquorum.escrow.keys import ALGORITHMS, dnskey_of, from_pkcs8, spki_of, verify
from keyquorum.records.escrow import ALGORITHM_NAMES
from tests.escrow.keys import every_kind, every_small_kind, key, openssl, some_rsa

MESSAGE = b"what is signed"


@every_kind
def test_dnskey_there_and_back(algorithm: str, bits: int | None) -> None:
    spki = key(algorithm, bits).public_key
    dnskey = dnskey_of(algorithm, spki)
    assert dnskey == key(algorithm, bits).dnskey()
    if dnskey is not None:
        assert spki_of(dnskey) == (algorithm, spki)
        assert spki_of(Dnskey(256, dnskey.algorithm, dnskey.public_key)) == (algorithm, spki)


def test_openssl_sees_the_numbers_of_the_dnskey(tmp_path: Path) -> None:
    dnskey = key("RSASHA256", 2048).dnskey()
    assert dnskey
    (tmp_path / "public.der").write_bytes(spki_of(dnskey)[1])
    shown = openssl(tmp_path, "rsa -pubin -inform DER -in public.der -noout -modulus -text".split()).decode()
    exponent, modulus = dnskey.rsa_numbers()
    assert f"Modulus={modulus:X}\n" in shown
    assert f"Exponent: {exponent} (0x10001)" in shown


@every_kind
def test_verify_refuses(algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    signature = made.sign(MESSAGE)
    verify(algorithm, made.public_key, MESSAGE, signature)
    wrong = [
        (MESSAGE + b"\0", signature), (MESSAGE[1:], signature), (MESSAGE, b""), (MESSAGE, signature[:-1]),
        (MESSAGE, signature + b"\0"), (MESSAGE, b"\0" + signature), (MESSAGE, bytes(len(signature))),
        (MESSAGE, signature[::-1]),
        *((MESSAGE, signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :])
          for place in range(0, len(signature), 19)),
    ]  # fmt: skip
    half = len(signature) // 2
    wrong += [(MESSAGE, signature[:half] + b"\0" + signature[half:])]
    for message, bad in wrong:
        with pytest.raises(SignatureError, match="does not verify"):
            verify(algorithm, made.public_key, message, bad)


def test_a_signature_of_the_other_hash_is_refused() -> None:
    made = key("RSASHA256", 2048)
    with pytest.raises(SignatureError):
        verify("RSASHA512", made.public_key, MESSAGE, made.sign(MESSAGE))


class Lenient:
    """A public key whose library accepts every signature."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def verify(self, *_: object) -> None:
        """Accept."""


@rsa.RSAPublicKey.register
class LenientRsa(Lenient):
    """One that passes for RSA."""


@ed25519.Ed25519PublicKey.register
class LenientEd25519(Lenient):
    """One that passes for Ed25519."""


@pytest.mark.parametrize(("kind", "lenient"), [(("RSASHA256", 2048), LenientRsa), (("ED25519", None), LenientEd25519)])
def test_the_second_judge_alone_refuses(kind: tuple[str, int | None], lenient: Callable[[Any], Any]) -> None:
    made = key(*kind)
    public = lenient(made.private_key().public_key())
    signature = made.sign(MESSAGE)
    publickeys._verify(made.algorithm, public, MESSAGE, signature)
    with pytest.raises((InvalidSignature, BadSignatureError)):
        publickeys._verify(made.algorithm, public, MESSAGE + b"\0", signature)


def spki(numbers: rsa.RSAPublicNumbers) -> bytes:
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_first_judge_alone_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    made = key("ED25519")
    monkeypatch.setattr(publickeys, "VerifyKey", Lenient)
    with pytest.raises(SignatureError):
        verify("ED25519", made.public_key, MESSAGE + b"\0", made.sign(MESSAGE))


@every_small_kind
def test_bytes_that_are_no_public_key(algorithm: str, bits: int | None) -> None:
    good = key(algorithm, bits).public_key
    for bad in [b"", b"\0", good + b"\0", good[1:], *(good[:length] for length in range(0, len(good), 7))]:
        with pytest.raises(MalformedError):
            dnskey_of(algorithm, bad)
    with pytest.raises(LimitError):
        dnskey_of(algorithm, good + bytes(4096))


def test_a_second_encoding_of_a_public_key_is_refused() -> None:
    public = key("ECDSAP256SHA256").private_key().public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    header = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    with pytest.raises(MalformedError, match="another encoding"):
        dnskey_of("ECDSAP256SHA256", header + point)


def test_public_keys_that_are_refused() -> None:
    n = some_rsa().public_numbers.n
    for numbers in (
        rsa.RSAPublicNumbers(3, n), rsa.RSAPublicNumbers(65537, n >> 8 | 1), rsa.RSAPublicNumbers(65537, n - 1),
        rsa.RSAPublicNumbers((1 << 64) + 13, n),
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            dnskey_of("RSASHA256", spki(numbers))
        exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        with pytest.raises(ParameterError):
            spki_of(Dnskey(257, 8, bytes([len(exponent)]) + exponent + modulus))


@pytest.mark.parametrize("point", [b"\x01" + bytes(31), b"\x00" * 32, b"\xff" * 32, b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_ed25519_points_that_are_none(point: bytes) -> None:
    for use in (
        lambda: spki_of(Dnskey(257, 15, point)),
        lambda: dnskey_of("ED25519", bytes.fromhex("302a300506032b6570032100") + point),
    ):
        with pytest.raises(ParameterError, match="no point of the curve"):
            use()


@pytest.mark.parametrize(
    ("number", "public", "error"),
    [
        (13, b"\x01" * 64, MalformedError),
        (13, bytes(64), MalformedError),
        (14, b"\xff" * 96, MalformedError),
        (5, b"\x03\x01\x00\x01" + b"\xc5" * 256, ParameterError),
        (7, b"\x03\x01\x00\x01" + b"\xc5" * 256, ParameterError),
        (8, b"\x01\x01" + b"\xc5" * 256, MalformedError),
        (12, b"\x01" * 64, ParameterError),
        (17, b"\x01" * 64, ParameterError),
        (253, b"\x01" * 64, ParameterError),
    ],
)
def test_dnskeys_that_are_no_key_to_escrow(number: int, public: bytes, error: type[KeyquorumError]) -> None:
    with pytest.raises(error):
        spki_of(Dnskey(257, number, public))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALGORITHM_NAMES), st.binary(max_size=120), st.data())
def test_whatever_bytes_come(algorithm: str, junk: bytes, draw: st.DataObject) -> None:
    good = key(algorithm, 2048 if ALGORITHMS[algorithm].bits else None)
    place = draw.draw(st.integers(0, len(good.public_key)))
    spoilt = good.public_key[:place] + junk + good.public_key[place + len(junk) :]
    for data in (junk, spoilt):
        try:
            dnskey = dnskey_of(algorithm, data)
        except KeyquorumError as error:
            said = str(error)
            assert said.isprintable()
        else:
            assert dnskey is None or spki_of(dnskey) in {(algorithm, data)}
        with pytest.raises(KeyquorumError):
            from_pkcs8(junk, algorithm)
