"""The examples of the RFCs come out: keys from drawn bytes, their DNSKEYs and tags, signatures."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from keyquorum.dnssec.model import Dnskey
from keyquorum.escrow.keys import ALGORITHMS, from_private_key, generate

# RFC 8080 section 6, RFC 6605 section 6: private key, algorithm, public key, key tag.
RFC_DNSKEYS = [
    ("ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=", 15, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", 3613),
    ("DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=", 15, "zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=", 35217),
    (
        "xZ+5Cgm463xugtkY5B0Jx6erFTXp13rYegst0qRtNsOYnaVpMx0Z/c5EiA9x8wWbDDct/U3FhYWA", 16,
        "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA", 9713,
    ),
    (
        "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=", 13,
        "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==", 55648,
    ),
    (
        "WURgWHCcYIYUPWgeLmiPY2DJJk02vgrmTfitxgqcL4vwW7BOrbawVmVe0d9V94SR", 14,
        "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur"
        "8I/mlVNgF6W/qTI37m40", 10771,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("private", "number", "public", "tag"), RFC_DNSKEYS)
def test_the_rfcs_keys(private: str, number: int, public: str, tag: int) -> None:
    name = next(one.name for one in ALGORITHMS.values() if one.number == number)
    seed = base64.b64decode(private)
    # ECDSA takes 128 bits more than the order has, reduces and adds one; the RFC's scalar comes out of this draw.
    drawn = seed if number > 14 else (int.from_bytes(seed, "big") - 1).to_bytes(len(seed) + 16, "big")
    asked = []

    def rng(length: int) -> bytes:
        asked.append(length)
        return drawn

    dnskey = generate(name, None, rng).dnskey()
    assert asked == [len(drawn)]
    assert dnskey == Dnskey(257, number, base64.b64decode(public))
    assert dnskey.tag == tag


@pytest.mark.parametrize("algorithm", ["ECDSAP256SHA256", "ECDSAP384SHA384"])
@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"\x5a"])
def test_scalars_by_extra_random_bits(algorithm: str, fill: bytes) -> None:
    """FIPS 186-5 section A.2.1: d = (c mod (n - 1)) + 1, so 1 <= d < n whatever is drawn."""
    order = {"ECDSAP256SHA256": ec.SECP256R1.group_order, "ECDSAP384SHA384": ec.SECP384R1.group_order}[algorithm]
    private = generate(algorithm, None, lambda length: fill * length).private_key()
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    drawn = int.from_bytes(fill * (order.bit_length() // 8 + 16), "big")
    assert private.private_numbers().private_value == drawn % (order - 1) + 1


def test_the_rfcs_ml_dsa_key() -> None:
    """RFC 9881 appendix C.1.1: the seed 00 01 .. 1f, its PKCS#8, and how its public key begins."""
    made = generate("ML-DSA-44", None, lambda length: bytes(range(length)))
    assert made.pkcs8.reveal().hex() == "3034020100300b060960864801650304031104228020" + bytes(range(32)).hex()
    begins = (
        "MIIFMjALBglghkgBZQMEAxEDggUhANeytHJUquDbReeTDUqY0sl9jxOX0Xidr6FwJLMW6b7JT8mUbULxm3mnQTu6oz5xSctC7VEVaTrAQfrLmIre"
        "tf4OHYYxGEmVtZLD"
    )
    assert base64.b64encode(made.public_key).decode().startswith(begins)


# RFC 6979 appendices A.2.5 and A.2.6, message "sample": curve, private key, r, s.
RFC_6979 = [
    (
        ec.SECP256R1(), 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721,
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        ec.SECP384R1(),
        0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5,
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("curve", "scalar", "r", "s"), RFC_6979)
def test_the_rfcs_ecdsa_signatures(curve: ec.EllipticCurve, scalar: int, r: str, s: str) -> None:
    assert from_private_key(ec.derive_private_key(scalar, curve), None).sign(b"sample").hex().upper() == r + s


def test_the_rfcs_eddsa_signature() -> None:
    """RFC 8032 section 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signature = from_private_key(ed25519.Ed25519PrivateKey.from_private_bytes(seed), None).sign(b"")
    assert signature.hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
