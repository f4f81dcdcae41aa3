"""libcrypto as it might be on other machines."""

import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from keyquorum.maths import libcrypto
from keyquorum.maths.libcrypto import Library


def loaded() -> ctypes.CDLL:
    """Load this machine's libcrypto anew; skip where there is none."""
    for soname in libcrypto._SONAMES:
        try:
            return ctypes.CDLL(soname)
        except OSError:
            continue
    pytest.skip("no libcrypto here")


def without_pairs() -> Library:
    """Give a libcrypto that computes powers one by one, as before 3.0."""
    library = Library(loaded())
    library.pairs = False
    return library


def imitation(version: int, **functions: Callable[..., Any]) -> Any:
    """Give something that loads like libcrypto of that version; functions do nothing unless given."""

    def nothing() -> Callable[..., Any]:
        return lambda *_: 1

    names = [*libcrypto._PROTOTYPES, libcrypto._PAIRWISE]
    return SimpleNamespace(**{name: nothing() for name in names} | {"OpenSSL_version_num": lambda: version} | functions)
