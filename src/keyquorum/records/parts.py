"""The parts of records that differ from scheme to scheme: public part, share, proof. One table each, no entry points.

The next scheme adds one line to each table; nothing else in records knows a scheme.
"""

from types import MappingProxyType
from typing import Any

from keyquorum.errors import MalformedError
from keyquorum.records.fields import BigInteger, Choice, Integer, ListOf, Object, OneOf
from keyquorum.threshold.rsa import RsaProof, RsaPublic, RsaShare

MODULUS = BigInteger(4096)
_RSA_BOUND = BigInteger(4096 + 512 + 1024)
"""Room for z of an existing key: |n| + 513 bits, and what sharing over the integers adds for N = 64."""
MOST_HOLDERS = 64

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

_NAMES = MappingProxyType({RsaPublic: "rsa", RsaShare: "rsa", RsaProof: "rsa"})


def _scheme_of(part: Any) -> str:
    try:
        return _NAMES[type(part)]
    except KeyError:
        raise MalformedError(f"{type(part).__name__} is not a part of any scheme") from None


PUBLIC = OneOf("scheme", MappingProxyType({"rsa": _RSA_PUBLIC}), _scheme_of)
"""The public part of a dealt key."""
SHARE = OneOf("scheme", MappingProxyType({"rsa": _RSA_SHARE}), _scheme_of)
"""One holder's secret share; stands only inside something sealed."""
PROOF = OneOf("scheme", MappingProxyType({"rsa": _RSA_PROOF}), _scheme_of)
"""What proves a whole answer."""
