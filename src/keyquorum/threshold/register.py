"""The register of schemes: an immutable table, and nothing else adds to it.

No entry points: on an offline machine nothing that is installed beside us may inject code.
"""

from types import MappingProxyType
from typing import Any, cast

from keyquorum.errors import ParameterError
from keyquorum.threshold.ecdsa import EcdsaPublic, EcdsaScheme
from keyquorum.threshold.frost import FrostPublic, FrostScheme
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.rsa import RsaPublic, RsaScheme
from keyquorum.threshold.seam import OneTimeScheme, PublicPart, Scheme
from keyquorum.threshold.undivided import UndividedPublic, UndividedScheme

_RSA: Scheme[Any, Any] = RsaScheme()
_ECDSA: Scheme[Any, Any] = EcdsaScheme()
_FROST: Scheme[Any, Any] = FrostScheme()
_UNDIVIDED: Scheme[Any, Any] = UndividedScheme()

SCHEMES: MappingProxyType[int, Scheme[Any, Any]] = MappingProxyType(
    {8: _RSA, 10: _RSA, 13: _ECDSA, 14: _ECDSA, 15: _FROST, 16: _FROST}
)
"""DNSSEC algorithm number -> the scheme that shares out such a key."""

_BY_PUBLIC: MappingProxyType[type, Scheme[Any, Any]] = MappingProxyType(
    {RsaPublic: _RSA, EcdsaPublic: _ECDSA, FrostPublic: _FROST, UndividedPublic: _UNDIVIDED}
)


def scheme_for(algorithm: int) -> Scheme[Any, Any]:
    """Give the scheme that shares out keys of a DNSSEC algorithm; raises ParameterError, naming those there are."""
    try:
        return SCHEMES[algorithm]
    except KeyError:
        raise ParameterError(
            f"there is no threshold scheme for DNSSEC algorithm {algorithm}",
            do=f"There is one for each of: {', '.join(map(str, SCHEMES))}.",
        ) from None


def scheme_of(public: PublicPart) -> Scheme[Any, Any]:
    """Give the scheme that keeps the key with this public part; raises ParameterError where there is none."""
    try:
        return _BY_PUBLIC[type(public)]
    except KeyError:
        raise ParameterError(f"{type(public).__name__} is not the public part of any scheme") from None


def one_time_scheme_of(public: PublicPart) -> OneTimeScheme[Any, Any]:
    """Give the scheme that keeps this key, where its answers use up one-time material.

    Raises ParameterError where there is no scheme, or one that needs no such material.
    """
    scheme = scheme_of(public)
    if scheme.one_time is Maker.NOBODY:
        raise ParameterError(
            f"answers of DNSSEC algorithm {public.algorithm} use up nothing, so there are no commitments"
        )
    return cast("OneTimeScheme[Any, Any]", scheme)


def scheme_named(name: str) -> Scheme[Any, Any]:
    """Give the scheme a record names; raises ParameterError, which lists those there are."""
    schemes = {scheme.name: scheme for scheme in _BY_PUBLIC.values()}
    try:
        return schemes[name]
    except KeyError:
        raise ParameterError(
            f"there is no threshold scheme '{name}'", do=f"There is one for each of: {', '.join(schemes)}."
        ) from None
