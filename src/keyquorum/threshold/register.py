"""The register of schemes: an immutable table, and nothing else adds to it.

No entry points: on an offline machine nothing that is installed beside us may inject code.
"""

from types import MappingProxyType
from typing import Any, cast

from keyquorum.errors import ParameterError
from keyquorum.threshold.ecdsa import EcdsaScheme
from keyquorum.threshold.frost import FrostScheme
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.rsa import RsaScheme
from keyquorum.threshold.seam import OneTimeScheme, Scheme

_RSA: Scheme[Any, Any] = RsaScheme()
_ECDSA: Scheme[Any, Any] = EcdsaScheme()
_FROST: Scheme[Any, Any] = FrostScheme()

SCHEMES: MappingProxyType[int, Scheme[Any, Any]] = MappingProxyType(
    {8: _RSA, 10: _RSA, 13: _ECDSA, 14: _ECDSA, 15: _FROST, 16: _FROST}
)
"""DNSSEC algorithm number -> the scheme that keeps such a key."""


def scheme_for(algorithm: int) -> Scheme[Any, Any]:
    """Give the scheme for a DNSSEC algorithm; raises ParameterError, which lists those there are."""
    try:
        return SCHEMES[algorithm]
    except KeyError:
        raise ParameterError(
            f"there is no threshold scheme for DNSSEC algorithm {algorithm}",
            do=f"There is one for each of: {', '.join(map(str, SCHEMES))}.",
        ) from None


def one_time_scheme_for(algorithm: int) -> OneTimeScheme[Any, Any]:
    """Give the scheme for a DNSSEC algorithm whose answers use up one-time material.

    Raises ParameterError where there is no scheme, or one that needs no such material.
    """
    scheme = scheme_for(algorithm)
    if scheme.one_time is Maker.NOBODY:
        raise ParameterError(f"answers of DNSSEC algorithm {algorithm} use up nothing, so there are no commitments")
    return cast("OneTimeScheme[Any, Any]", scheme)


def scheme_named(name: str) -> Scheme[Any, Any]:
    """Give the scheme a record names; raises ParameterError, which lists those there are."""
    schemes = {scheme.name: scheme for scheme in SCHEMES.values()}
    try:
        return schemes[name]
    except KeyError:
        raise ParameterError(
            f"there is no threshold scheme '{name}'", do=f"There is one for each of: {', '.join(schemes)}."
        ) from None
