"""What a token answers when it does not do what it is asked, as sentences for people.

PKCS#11 functions answer with a number; python-pkcs11 makes an exception of it. Here each becomes an error of ours that
keeps the number's name (``CKR_DEVICE_MEMORY``), because a vendor's support will ask for it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pkcs11.exceptions as answer
from pkcs11.exceptions import PKCS11Error

from keyquorum.errors import KeyquorumError, NotYetError, RefusedError, UsageError

_LOGIN = "Give its user PIN."
_PLUGGED = "See that it is connected and powered, and begin again."
_SUPPORT = "Look at the token's own log; its vendor's support knows this answer."
_SENTENCES: dict[type[PKCS11Error], tuple[type[KeyquorumError], str, str]] = {
    answer.PinIncorrect: (
        RefusedError,
        "the PIN is wrong",
        "Wrong PINs are counted by the token: be sure of the next.",
    ),
    answer.PinInvalid: (RefusedError, "the PIN has characters that this token does not take", ""),
    answer.PinLenRange: (RefusedError, "the PIN is shorter or longer than this token's PINs are", ""),
    answer.PinExpired: (RefusedError, "the PIN has expired", "Set a new one with the vendor's program."),
    answer.PinTooWeak: (RefusedError, "the token finds the PIN too weak", ""),
    answer.PinLocked: (
        RefusedError,
        "the PIN is locked after too many wrong ones",
        "Its security officer can set a new one with the vendor's program; nobody else can.",
    ),
    answer.UserPinNotInitialized: (
        NotYetError,
        "its user PIN was never set",
        "Its security officer sets it with the vendor's program.",
    ),
    answer.UserNotLoggedIn: (RefusedError, "this can only be done by who has logged in", _LOGIN),
    answer.AnotherUserAlreadyLoggedIn: (RefusedError, "somebody else is logged in already", "End that session first."),
    answer.UserAlreadyLoggedIn: (RefusedError, "somebody is logged in already", "End that session first."),
    answer.UserTooManyTypes: (RefusedError, "somebody else is logged in already", "End that session first."),
    answer.TokenWriteProtected: (RefusedError, "the token is write-protected", "Take the protection off first."),
    answer.SessionReadOnly: (RefusedError, "the token lets nothing be written in this session", ""),
    answer.TokenNotPresent: (UsageError, "there is no token in the slot", _PLUGGED),
    answer.TokenNotRecognised: (UsageError, "what is in the slot is not recognised as a token", _PLUGGED),
    answer.DeviceRemoved: (RefusedError, "the token was removed", _PLUGGED),
    answer.DeviceMemory: (RefusedError, "the token is full", "Make room in it: see 'keyquorum token inspect'."),
    answer.DeviceError: (RefusedError, "the token reports a fault of its own", _SUPPORT),
    answer.SessionCount: (RefusedError, "too many sessions are open on the token", "End other programs that use it."),
    answer.SessionExists: (RefusedError, "another session is open on the token", "End other programs that use it."),
    answer.AttributeSensitive: (RefusedError, "the token keeps this to itself", ""),
    answer.KeyUnextractable: (RefusedError, "this key cannot leave its token", ""),
    answer.FunctionNotSupported: (RefusedError, "the token does not know how to do this", ""),
    answer.MechanismInvalid: (RefusedError, "the token lacks this algorithm, or does not allow it for this key", ""),
    answer.KeySizeRange: (RefusedError, "the token does not take keys of this size", ""),
    answer.DomainParamsInvalid: (RefusedError, "the token does not take keys of this curve", ""),
    answer.RandomNoRNG: (RefusedError, "the token has no random number generator", ""),
}


# Where python-pkcs11's spelling is not the standard's.
_SPELT: dict[type[PKCS11Error], str] = {
    answer.TokenNotRecognised: "CKR_TOKEN_NOT_RECOGNIZED",
    answer.FunctionCancelled: "CKR_FUNCTION_CANCELED",
}


def name_of(error: PKCS11Error) -> str:
    """Give the name of the answer as PKCS#11 spells it, else what python-pkcs11 says of it."""
    name = type(error).__name__
    if type(error) is PKCS11Error:
        return str(error) or "an answer without a number"
    if type(error) in _SPELT:
        return _SPELT[type(error)]
    return "CKR_" + re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()


@contextmanager
def speaking_of(where: str) -> Iterator[None]:
    """Turn what a token answers into our errors, which name ``where``."""
    try:
        yield
    except PKCS11Error as error:
        raise spoken(error, where) from None


def spoken(error: PKCS11Error, where: str) -> KeyquorumError:
    """Give the error of ours that says what the token answered."""
    kind, what, do = _SENTENCES.get(type(error), (RefusedError, "the token refuses", _SUPPORT))
    return kind(f"{what} ({name_of(error)})", where=where, do=do)
