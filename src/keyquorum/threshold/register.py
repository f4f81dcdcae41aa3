"""The register of schemes: an immutable table, and nothing else adds to it.

No entry points: on an offline machine nothing that is installed beside us may inject code.
"""

from types import MappingProxyType
from typing import Any

from keyquorum.errors import ParameterError
from keyquorum.threshold.rsa import RsaScheme
from keyquorum.threshold.seam import Scheme

_RSA: Scheme[Any, Any] = RsaScheme()

SCHEMES: MappingProxyType[int, Scheme[Any, Any]] = MappingProxyType({8: _RSA, 10: _RSA})
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


def scheme_named(name: str) -> Scheme[Any, Any]:
    """Give the scheme a record names; raises ParameterError, which lists those there are."""
    schemes = {scheme.name: scheme for scheme in SCHEMES.values()}
    try:
        return schemes[name]
    except KeyError:
        raise ParameterError(
            f"there is no threshold scheme '{name}'", do=f"There is one for each of: {', '.join(schemes)}."
        ) from None
