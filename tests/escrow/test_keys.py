"""Keys of every kind: openssl reads them, dnspython believes their signatures, and what is no such key is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.name
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, mldsa, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from keyquorum.dnssec.model import Signature
from keyquorum.dnssec.signing_input import label_count, signing_input
from keyquorum.dnssec.verify import verify_with_dnspython
from keyquorum.errors import (
    KeyquorumError,
    LimitError,
    MalformedError,
    ParameterError,
    RefusedError,
    SignatureError,
    UsageError,
)
from keyquorum.escrow import keys as keys_module
from keyquorum.escrow.keys import (
    ALGORITHMS,
    dnskey_of,
    from_pkcs8,
    from_private_key,
    generate,
    verify,
)
from keyquorum.records.escrow import ALGORITHM_NAMES
from tests.escrow.keys import every_kind, every_small_kind, key, openssl, openssl_version, some_rsa
from tests.maths.streams import stream

MESSAGE = b"what is signed"
ZONE = dns.name.from_text("example.")
SIZES = {
    "ECDSAP256SHA256": 256, "ECDSAP384SHA384": 384, "ED25519": 256, "ED448": 456, "ML-DSA-44": 10496,
}  # fmt: skip
SIGNATURE_LENGTHS = {
    "ECDSAP256SHA256": 64, "ECDSAP384SHA384": 96, "ED25519": 64, "ED448": 114, "ML-DSA-44": 2420,
}  # fmt: skip
LARGE_EXPONENT = (1 << 64) - 59
HUGE_EXPONENT = (1 << 64) + 13


def test_the_algorithms_are_the_manifests() -> None:
    assert tuple(ALGORITHMS) == ALGORITHM_NAMES
    assert [one.number for one in ALGORITHMS.values()] == [8, 10, 13, 14, 15, 16, None]
    assert [one.name for one in ALGORITHMS.values() if one.experimental] == ["ML-DSA-44"]
    assert {one.bits for one in ALGORITHMS.values()} == {(2048, 3072, 4096), ()}
    assert all(name == one.name for name, one in ALGORITHMS.items())


@every_kind
def test_openssl_reads_it(tmp_path: Path, algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    (tmp_path / "key.der").write_bytes(made.pkcs8.reveal())
    command = "pkey -inform DER -in key.der -pubout -outform DER".split()
    if algorithm == "ML-DSA-44" and openssl_version(tmp_path) < (3, 5):
        openssl(tmp_path, command, status=1)
        return
    assert openssl(tmp_path, command) == made.public_key
    assert b"Key is valid" in openssl(tmp_path, "pkey -inform DER -in key.der -noout -check".split())


@every_kind
def test_dnspython_validates_what_it_signs(algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    dnskey = made.dnskey()
    if dnskey is None:
        assert algorithm == "ML-DSA-44"
        return
    assert (dnskey.flags, dnskey.algorithm) == (257, made.algorithm.number)
    number, tag, start, end = dnskey.algorithm, dnskey.tag, 1_000_000_000, 1_001_000_000
    message = signing_input(ZONE, [dnskey], 3600, algorithm=number, key_tag=tag, inception=start, expiration=end)
    signature = Signature(number, label_count(ZONE), 3600, end, start, tag, ZONE, made.sign(message), 3600)
    verify_with_dnspython(ZONE, [dnskey], signature, dnskey)


@every_kind
def test_what_a_key_says_of_itself(algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    assert made.algorithm is ALGORITHMS[algorithm]
    assert made.bits == (bits or SIZES[algorithm])
    assert len(made.sign(MESSAGE)) == (bits // 8 if bits else SIGNATURE_LENGTHS[algorithm])
    dnskey = made.dnskey()
    assert repr(made) == f"<EscrowKey {algorithm}{f', key tag {dnskey.tag}' if dnskey else ''}>"
    assert made.private_key().public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ) == made.public_key  # fmt: skip


@every_kind
def test_pkcs8_there_and_back(algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    again = from_pkcs8(made.pkcs8.reveal(), algorithm)
    assert (again.public_key, again.bits, again.algorithm) == (made.public_key, made.bits, made.algorithm)
    assert again.pkcs8.reveal() == made.pkcs8.reveal()
    verify(algorithm, made.public_key, MESSAGE, again.sign(MESSAGE))


def test_wiping_takes_the_private_half_only() -> None:
    with generate("ED25519", None, stream("wiped")) as made:
        signature = made.sign(MESSAGE)
    for use in (made.private_key, lambda: made.sign(MESSAGE), made.pkcs8.reveal):
        with pytest.raises(UsageError):
            use()
    verify("ED25519", made.public_key, MESSAGE, signature)
    assert made.dnskey()


@every_small_kind
def test_randomness_comes_from_the_argument(algorithm: str, bits: int | None) -> None:
    """Of RSA it does not; there two keys are never the same."""
    first, second = (generate(algorithm, bits, stream("same")) for _ in range(2))
    assert (first.public_key == second.public_key) == (bits is None)
    assert generate(algorithm, bits, stream("other")).public_key != first.public_key


@pytest.mark.parametrize(
    ("algorithm", "bits", "said"),
    [
        ("RSASHA256", None, "length of the RSASHA256 key is missing. Choose 2048, 3072 or 4096 bits"),
        ("RSASHA256", 1024, "an RSASHA256 key of 1024 bits. Choose 2048, 3072 or 4096 bits"),
        ("RSASHA512", 2049, "an RSASHA512 key of 2049 bits"),
        ("ED25519", 256, "have one length only"),
        ("ML-DSA-44", 2048, "have one length only"),
        ("RSASHA1", 2048, "cannot be escrowed. Choose one of RSASHA256"),
        ("", None, "cannot be escrowed"),
    ],
)
def test_what_is_not_made(algorithm: str, bits: int | None, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        generate(algorithm, bits, stream("refused"))


@every_small_kind
def test_the_algorithm_is_known_by_the_key(algorithm: str, bits: int | None) -> None:
    taken = from_private_key(key(algorithm, bits).private_key(), None)
    assert taken.algorithm.name == ("RSASHA256" if bits else algorithm)
    assert taken.public_key == key(algorithm, bits).public_key


@every_small_kind
@pytest.mark.parametrize("other", ALGORITHM_NAMES)
def test_an_algorithm_that_does_not_fit(algorithm: str, bits: int | None, other: str) -> None:
    made = key(algorithm, bits)
    if other == algorithm or (bits and ALGORITHMS[other].bits):
        assert from_private_key(made.private_key(), other).algorithm.name == other
        return
    for use in (
        lambda: from_private_key(made.private_key(), other),
        lambda: from_pkcs8(made.pkcs8.reveal(), other),
        lambda: dnskey_of(other, made.public_key),
        lambda: verify(other, made.public_key, MESSAGE, made.sign(MESSAGE)),
    ):
        with pytest.raises(ParameterError, match=f"and one for {other} was asked for"):
            use()


def rsa_key(e: int, changed: int = 0) -> rsa.RSAPrivateKey:
    """Give the key with the usual primes and this exponent, its private exponent wrong by ``changed``; unchecked."""
    base = some_rsa()
    d = pow(e, -1, (base.p - 1) * (base.q - 1)) + changed
    public = rsa.RSAPublicNumbers(e, base.public_numbers.n)
    numbers = rsa.RSAPrivateNumbers(base.p, base.q, d, d % (base.p - 1), d % (base.q - 1), base.iqmp, public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


REFUSED_KEYS: dict[str, tuple[Callable[[], object], str]] = {
    "X25519": (x25519.X25519PrivateKey.generate, "a key of type X25519PrivateKey cannot be escrowed"),
    "X448": (x448.X448PrivateKey.generate, "a key of type X448PrivateKey cannot be escrowed"),
    "ML-DSA-65": (mldsa.MLDSA65PrivateKey.generate, "a key of type MLDSA65PrivateKey cannot be escrowed"),
    "DSA": (lambda: dsa.generate_private_key(1024), "a key of type DSAPrivateKey cannot be escrowed"),
    "a public key": (
        lambda: key("ED25519").private_key().public_key(),
        "a key of type Ed25519PublicKey cannot be escrowed",
    ),
    "no key": (lambda: b"0" * 32, "a key of type bytes cannot be escrowed"),
    "P-521": (lambda: ec.generate_private_key(ec.SECP521R1()), "no DNSSEC algorithm uses the curve secp521r1"),
    "P-224": (lambda: ec.generate_private_key(ec.SECP224R1()), "no DNSSEC algorithm uses the curve secp224r1"),
    "secp256k1": (lambda: ec.generate_private_key(ec.SECP256K1()), "no DNSSEC algorithm uses the curve secp256k1"),
    "brainpool": (lambda: ec.generate_private_key(ec.BrainpoolP256R1()), "uses the curve brainpoolP256r1"),
    "RSA 1024": (lambda: rsa.generate_private_key(65537, 1024), "the modulus has 1024 bits"),
    "RSA 2056": (lambda: rsa.generate_private_key(65537, 2056), "the modulus has 2056 bits"),
    "exponent 3": (lambda: rsa.generate_private_key(3, 2048), "exponent is not between 65537 and 2"),
    "exponent huge": (lambda: rsa_key(HUGE_EXPONENT), "exponent is not between 65537 and 2"),
}


@pytest.mark.parametrize(("make", "said"), REFUSED_KEYS.values(), ids=list(REFUSED_KEYS))
def test_keys_that_are_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        from_private_key(make(), None)


@pytest.mark.parametrize("name", [name for name in REFUSED_KEYS if name not in {"a public key", "no key"}])
def test_files_that_are_refused(name: str) -> None:
    private: Any = REFUSED_KEYS[name][0]()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises((RefusedError, MalformedError)):
        from_pkcs8(der, "RSASHA256")


def test_a_large_exponent_is_taken() -> None:
    dnskey = from_private_key(rsa_key(LARGE_EXPONENT), "RSASHA512").dnskey()
    assert dnskey
    assert dnskey.rsa_numbers()[0] == LARGE_EXPONENT


def test_numbers_that_do_not_belong_together() -> None:
    with pytest.raises(MalformedError, match="parts do not belong together"):
        from_private_key(rsa_key(65537, changed=2), None)
    first, second = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    der = first.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    mine, other = (
        one.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for one in (first, second)
    )
    with pytest.raises(MalformedError):
        from_pkcs8(der.replace(mine, other), "ECDSAP256SHA256")


@every_small_kind
def test_an_encrypted_key_is_refused(algorithm: str, bits: int | None) -> None:
    private: Any = key(algorithm, bits).private_key()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
    with pytest.raises(RefusedError, match="encrypted"):
        from_pkcs8(der, algorithm)


@pytest.mark.parametrize(
    "command",
    [
        "genrsa 2048",
        "genrsa -traditional 2048",
        "ecparam -name prime256v1 -genkey -noout",
        "genpkey -algorithm ed25519",
        "genpkey -algorithm ed448",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ],
)
def test_a_key_made_by_openssl(tmp_path: Path, command: str) -> None:
    pem = openssl(tmp_path, command.split())
    made = from_private_key(load_pem_private_key(pem, None), None)
    (tmp_path / "theirs.pem").write_bytes(pem)
    assert openssl(tmp_path, "pkey -in theirs.pem -pubout -outform DER".split()) == made.public_key
    der = openssl(tmp_path, "pkey -in theirs.pem -outform DER".split())
    assert from_pkcs8(der, made.algorithm.name).pkcs8.reveal() == made.pkcs8.reveal()


@every_small_kind
def test_bytes_that_are_no_key(algorithm: str, bits: int | None) -> None:
    der = key(algorithm, bits).pkcs8.reveal()
    step = max(1, len(der) // 60)
    for length in range(0, len(der), step):
        with pytest.raises(MalformedError):
            from_pkcs8(der[:length], algorithm)
    with pytest.raises(MalformedError):
        from_pkcs8(der + b"\0", algorithm)
    with pytest.raises(LimitError, match="8193 bytes"):
        from_pkcs8(der.ljust(8193, b"\0"), algorithm)


@every_small_kind
def test_no_error_quotes_the_key(algorithm: str, bits: int | None) -> None:
    """A key with one changed byte is another key, or refused in words that do not depend on it."""
    der = key(algorithm, bits).pkcs8.reveal()
    said, chained = set(), []
    for place in range(0, len(der), max(1, len(der) // 40)):
        try:
            from_pkcs8(der[:place] + bytes([der[place] ^ 0x55]) + der[place + 1 :], algorithm)
        except KeyquorumError as error:
            said.add(str(error))
            chained.append(error.__context__ is not None and not error.__suppress_context__)
    assert said
    assert not any(chained)
    assert all(len(one) < 200 and not any(token.isalnum() and len(token) > 25 for token in one.split()) for one in said)


@every_small_kind
def test_a_wrong_signature_never_leaves(monkeypatch: pytest.MonkeyPatch, algorithm: str, bits: int | None) -> None:
    made = key(algorithm, bits)
    right = keys_module._signature

    def faulty(*arguments: Any) -> bytes:
        signature = right(*arguments)
        return bytes([signature[0] ^ 1]) + signature[1:]

    monkeypatch.setattr(keys_module, "_signature", faulty)
    with pytest.raises(SignatureError, match="was thrown away"):
        made.sign(MESSAGE)
    with pytest.raises(SignatureError, match="was thrown away"):
        generate(algorithm, bits, stream("faulty"))
