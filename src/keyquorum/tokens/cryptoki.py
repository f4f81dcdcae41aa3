"""The one function of PKCS#11 that python-pkcs11 lacks: C_InitToken, called through ctypes.

The module is the one that python-pkcs11 has loaded and started: the same path gives the same library, already
initialised. Nothing else belongs here.
"""

import ctypes
from pathlib import Path

from pkcs11.exceptions import (
    ArgumentsBad,
    DeviceError,
    DeviceMemory,
    DeviceRemoved,
    FunctionFailed,
    FunctionNotSupported,
    GeneralError,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    SessionExists,
    SlotIDInvalid,
    TokenNotPresent,
    TokenNotRecognised,
    TokenWriteProtected,
)

LABEL_LENGTH = 32
_FUNCTIONS = 68
_INIT_TOKEN = 9
# CK_RV of PKCS#11 v2.40 section 5.1 that C_InitToken may answer with.
_ANSWERS: dict[int, type[PKCS11Error]] = {
    0x03: SlotIDInvalid,
    0x05: GeneralError,
    0x06: FunctionFailed,
    0x07: ArgumentsBad,
    0x30: DeviceError,
    0x31: DeviceMemory,
    0x32: DeviceRemoved,
    0x54: FunctionNotSupported,
    0xA0: PinIncorrect,
    0xA1: PinInvalid,
    0xA2: PinLenRange,
    0xA4: PinLocked,
    0xB6: SessionExists,
    0xE0: TokenNotPresent,
    0xE1: TokenNotRecognised,
    0xE2: TokenWriteProtected,
}


class _FunctionList(ctypes.Structure):
    """CK_FUNCTION_LIST of version 2: the version's two bytes, then pointers in the order of the standard."""

    _fields_ = (("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * _FUNCTIONS))


def init_token(module: Path, slot_id: int, so_pin: bytes | None, label: str) -> None:
    """Call C_InitToken: destroys every object of the token and its user PIN, and names it ``label`` (UTF-8).

    ``so_pin`` None leaves asking for it to the token's PIN pad. No session may be open. Raises python-pkcs11's errors.
    """
    library = ctypes.CDLL(str(module))
    functions = ctypes.POINTER(_FunctionList)()
    library.C_GetFunctionList.restype = ctypes.c_ulong
    _check(library.C_GetFunctionList(ctypes.byref(functions)))
    prototype = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
    call = prototype(functions.contents.functions[_INIT_TOKEN])
    padded = label.encode("utf-8")[:LABEL_LENGTH].ljust(LABEL_LENGTH)
    _check(call(slot_id, so_pin, len(so_pin or b""), padded))


def _check(answer: int) -> None:
    if answer == 0:
        return
    if answer in _ANSWERS:
        raise _ANSWERS[answer]
    raise PKCS11Error(f"CK_RV {answer:#x}")
