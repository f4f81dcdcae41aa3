"""The parts of records that differ from scheme to scheme: public part, share, proof. One table each, no entry points.

The next scheme adds one line to each table; nothing else in records knows a scheme.
"""

from types import MappingProxyType
from typing import Any

from keyquorum.errors import MalformedError
from keyquorum.records.fields import BigInteger, Binary, Choice, Codec, Integer, ListOf, Object, OneOf
from keyquorum.threshold.ecdsa import EcdsaPublic, EcdsaShare
from keyquorum.threshold.frost import FrostPublic, FrostShare
from keyquorum.threshold.quorum_plan import MOST_HOLDERS, MOST_QUORUMS
from keyquorum.threshold.rsa import RsaProof, RsaPublic, RsaShare
from keyquorum.threshold.undivided import UndividedPublic
from keyquorum.threshold.undivided_key import MOST_BYTES

MODULUS = BigInteger(4096)
_RSA_BOUND = BigInteger(4096 + 512 + 1024)
"""Room for z of an existing key: |n| + 513 bits, and what sharing over the integers adds for N = 64."""

_RSA_PUBLIC = Object(
    RsaPublic,
    {
        "algorithm": Integer(8, 10),
        "threshold": Integer(1, MOST_HOLDERS),
        "holders": Integer(1, MOST_HOLDERS),
        "n": MODULUS,
        "e": BigInteger(64),
        "kind": Choice(("new", "existing")),
        "verification": ListOf(MODULUS, 1, MOST_HOLDERS),
    },
    {"scheme": "rsa"},
)
_RSA_SHARE = Object(RsaShare, {"index": Integer(1, MOST_HOLDERS), "value": _RSA_BOUND}, {"scheme": "rsa"})
_RSA_PROOF = Object(RsaProof, {"c": BigInteger(256), "z": _RSA_BOUND}, {"scheme": "rsa"})

QUORUMS = ListOf(ListOf(Integer(1, MOST_HOLDERS), 1, MOST_HOLDERS), 1, MOST_QUORUMS)
"""The quorums of a plan."""
_PLAN: dict[str, Codec[Any]] = {
    "threshold": Integer(1, MOST_HOLDERS),
    "holders": Integer(1, MOST_HOLDERS),
    "answers": Integer(1, MOST_HOLDERS),
    "quorums": QUORUMS,
}
_FROST_PUBLIC = Object(
    FrostPublic,
    {"algorithm": Integer(15, 16), **_PLAN, "commitments": ListOf(Binary(32, 57), 1, MOST_HOLDERS)},
    {"scheme": "frost"},
)
_FROST_SHARE = Object(FrostShare, {"index": Integer(1, MOST_HOLDERS), "value": BigInteger(446)}, {"scheme": "frost"})
_ECDSA_PUBLIC = Object(
    EcdsaPublic, {"algorithm": Integer(13, 14), **_PLAN, "point": Binary(33, 49)}, {"scheme": "ecdsa"}
)
_ECDSA_SHARE = Object(EcdsaShare, {"index": Integer(1, MOST_HOLDERS)}, {"scheme": "ecdsa"})
_UNDIVIDED_PUBLIC = Object(
    UndividedPublic, {"algorithm": Integer(8, 16), "dnskey": Binary(32, MOST_BYTES)}, {"scheme": "undivided"}
)

_NAMES = MappingProxyType(
    {
        RsaPublic: "rsa",
        RsaShare: "rsa",
        RsaProof: "rsa",
        FrostPublic: "frost",
        FrostShare: "frost",
        EcdsaPublic: "ecdsa",
        EcdsaShare: "ecdsa",
        UndividedPublic: "undivided",
    }
)


def _scheme_of(part: Any) -> str:
    try:
        return _NAMES[type(part)]
    except KeyError:
        raise MalformedError(f"{type(part).__name__} is not a part of any scheme") from None


PUBLIC = OneOf(
    "scheme",
    MappingProxyType(
        {"rsa": _RSA_PUBLIC, "frost": _FROST_PUBLIC, "ecdsa": _ECDSA_PUBLIC, "undivided": _UNDIVIDED_PUBLIC}
    ),
    _scheme_of,
)
"""The public part of a key."""
SHARE = OneOf("scheme", MappingProxyType({"rsa": _RSA_SHARE, "frost": _FROST_SHARE, "ecdsa": _ECDSA_SHARE}), _scheme_of)
"""One holder's secret share; stands only inside something sealed. Of a key that is kept whole there is none."""
PROOF = OneOf("scheme", MappingProxyType({"rsa": _RSA_PROOF}), _scheme_of)
"""What proves a whole answer, where its values cannot be checked without."""
