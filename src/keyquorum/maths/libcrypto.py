"""The few big-number functions of the system's libcrypto (OpenSSL) that we use, through ctypes.

libcrypto's Montgomery exponentiation takes about half the time of GMP's constant-time one. The library is looked up
by its soname, once a process and only when first needed; where there is none (or not one we know), ``library`` says
so and GMP does the work. ctypes lets other threads run (releases the GIL) for as long as a call takes; so every
``Numbers`` belongs to one thread, and nothing but the loaded library itself is shared.

Refused: anything but the functions prototyped here. Numbers that libcrypto holds are wiped when they are freed, and
no number ever goes into an exception.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any, Self

from keyquorum.errors import KeyquorumError

_SONAMES = ("libcrypto.so.3", "libcrypto.so.1.1")
_CONSTTIME = 0x04  # BN_FLG_CONSTTIME
_PAIRS_UNSOUND = 0x30000040  # 3.0.4: the pairwise exponentiation writes out of bounds (CVE-2022-2274)

_pointer = ctypes.c_void_p
_int = ctypes.c_int
_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    # name: result, arguments
    "OpenSSL_version_num": (ctypes.c_ulong,),
    "ERR_get_error": (ctypes.c_ulong,),
    "BN_CTX_new": (_pointer,),
    "BN_CTX_free": (None, _pointer),
    "BN_MONT_CTX_new": (_pointer,),
    "BN_MONT_CTX_free": (None, _pointer),
    "BN_MONT_CTX_set": (_int, _pointer, _pointer, _pointer),
    "BN_new": (_pointer,),
    "BN_clear_free": (None, _pointer),
    "BN_set_flags": (None, _pointer, _int),
    "BN_bin2bn": (_pointer, ctypes.c_char_p, _int, _pointer),
    "BN_bn2binpad": (_int, _pointer, ctypes.c_char_p, _int),
    "BN_is_one": (_int, _pointer),
    "BN_mod_exp_mont_consttime": (_int, *[_pointer] * 6),
}
_PAIRWISE = "BN_mod_exp_mont_consttime_x2"  # since 3.0


class Library:
    """The loaded libcrypto: ``call.NAME`` is a prototyped function; ``pairs`` tells whether two powers go together."""

    __slots__ = ("_functions", "pairs")

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        for name, (result, *arguments) in _PROTOTYPES.items():
            self._prototype(loaded, name, result, arguments)
        self.pairs = hasattr(loaded, _PAIRWISE) and self._functions["OpenSSL_version_num"]() != _PAIRS_UNSOUND
        if self.pairs:
            self._prototype(loaded, _PAIRWISE, _int, [_pointer] * 11)

    def _prototype(self, loaded: ctypes.CDLL, name: str, result: Any, arguments: list[Any]) -> None:
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
        self._functions[name] = function

    def __getitem__(self, name: str) -> Callable[..., Any]:
        """Give the function of that name."""
        return self._functions[name]

    def must(self, answer: Any) -> Any:
        """Give ``answer`` back unless it is libcrypto's word for failure (0 or NULL); raises KeyquorumError then.

        The error queue is emptied: the ssl module may share it. Its texts say nothing about numbers, and its codes
        go into the message.
        """
        if answer:
            return answer
        codes = []
        while code := self["ERR_get_error"]():
            codes.append(f"{code:08X}")
        raise KeyquorumError(
            f"libcrypto could not do a calculation (error codes: {', '.join(codes) or 'none'})",
            where="maths.libcrypto",
            do="It is probably short of memory; free some and try again.",
        )


@cache
def library() -> Library | None:
    """Load libcrypto, once a process; None where it is missing or lacks a function we need."""
    for soname in _SONAMES:
        try:
            return Library(ctypes.CDLL(soname))
        except (OSError, AttributeError):
            continue
    return None


class Numbers:
    """Big numbers and working space for one piece of work on one thread; wiped and freed when ``with`` ends."""

    __slots__ = ("_frees", "_library", "_space")

    def __init__(self, using: Library) -> None:
        self._library = using
        self._frees: list[tuple[str, int]] = []
        self._space = self._new("BN_CTX_new", "BN_CTX_free")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._frees:
            free, pointer = self._frees.pop()
            self._library[free](pointer)

    def _new(self, create: str, free: str) -> int:
        pointer: int = self._library.must(self._library[create]())
        self._frees.append((free, pointer))
        return pointer

    def number(self, value: int = 0) -> int:
        """Give a handle of a new number, marked for constant-time treatment."""
        handle = self._new("BN_new", "BN_clear_free")
        self._library["BN_set_flags"](handle, _CONSTTIME)
        self.set(handle, value)
        return handle

    def set(self, handle: int, value: int) -> None:
        """Give an existing number another value (0 or more)."""
        length = (value.bit_length() + 7) // 8
        self._library.must(self._library["BN_bin2bn"](value.to_bytes(length, "big"), length, handle))

    def get(self, handle: int, length: int) -> int:
        """Give the value of a number that fits in ``length`` bytes."""
        buffer = ctypes.create_string_buffer(length)
        self._library.must(self._library["BN_bn2binpad"](handle, buffer, length) == length)
        value = int.from_bytes(buffer.raw, "big")
        ctypes.memset(buffer, 0, length)
        return value

    def is_one(self, handle: int) -> bool:
        """Tell whether a number is 1."""
        return bool(self._library["BN_is_one"](handle))

    def montgomery(self) -> int:
        """Give a handle of a new Montgomery context, to be ``prepare``d."""
        return self._new("BN_MONT_CTX_new", "BN_MONT_CTX_free")

    def prepare(self, context: int, modulus: int) -> None:
        """Compute what Montgomery multiplication needs to know about an odd modulus (a handle)."""
        self._library.must(self._library["BN_MONT_CTX_set"](context, modulus, self._space))

    def power(self, result: int, base: int, exponent: int, modulus: int, context: int) -> None:
        """Set ``result`` to base^exponent mod modulus: all handles, base below the modulus, which is odd."""
        self._library.must(
            self._library["BN_mod_exp_mont_consttime"](result, base, exponent, modulus, self._space, context)
        )

    def two_powers(self, first: tuple[int, int, int, int, int], second: tuple[int, int, int, int, int]) -> None:
        """Do ``power`` for two tuples of its arguments, at the same time where the processor can (AVX-512 IFMA)."""
        if not self._library.pairs:
            self.power(*first)
            self.power(*second)
            return
        result, base, exponent, modulus, context = first
        other_result, *other = second
        self._library.must(
            self._library[_PAIRWISE](result, base, exponent, modulus, context, other_result, *other, self._space)
        )
