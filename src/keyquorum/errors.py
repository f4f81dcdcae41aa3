"""Floor 0: every error a person can meet.

Each says what happened, where, and what to do now; some name culprits. Nothing secret ever goes into one. The exit
status is part of the contract of the command line: 1 the answer is no, 2 used wrongly, 3 not yet.
"""

from collections.abc import Sequence


class KeyquorumError(Exception):
    """The root of all our errors: ``what`` happened, ``where``, and what to ``do`` about it.

    ``culprits`` are the indices (1..N) of the holders whose doing it provably is, where there are any.
    """

    exit_status = 1

    def __init__(self, what: str, *, where: str = "", do: str = "", culprits: Sequence[int] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.do = do
        self.culprits = tuple(culprits)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f". {self.do}" if self.do else ""
        return f"{place}{self.what}{advice}"


class UsageError(KeyquorumError):
    """A command or function was used wrongly; nothing was done."""

    exit_status = 2


class NotYetError(KeyquorumError):
    """Something that others have to give is still missing (partials, acceptances, pages)."""

    exit_status = 3


class MalformedError(KeyquorumError):
    """Bytes that are not what they should be: wrong syntax, type, size, an unknown or missing field.

    ``where`` is the path of the field, for example ``$.holders[2].name`` or ``line 14``.
    """


class LimitError(MalformedError):
    """Input larger or deeper than anything legitimate; it was not parsed any further."""


class SignatureError(KeyquorumError):
    """A signature (of a record, of an RRset) does not verify."""


class RefusedError(KeyquorumError):
    """A well-formed thing that we will not work with: a failed rule, an unknown signer, a key that does not match."""


class ParameterError(RefusedError):
    """Numbers a scheme refuses: threshold, indices, modulus, exponent."""


class DealingError(RefusedError):
    """A dealing that does not check: the dealer made a mistake or lied."""


class ShareError(DealingError):
    """The share handed to one holder does not belong to the published dealing."""


class WrongPartialError(KeyquorumError):
    """An answer that is provably wrong; ``culprits`` holds its maker's index."""


class NotEnoughError(NotYetError):
    """Fewer than M good answers are left; ``culprits`` lists those that were wrong."""


class KeystoreError(KeyquorumError):
    """A holder's keystore cannot be used as asked."""


class WrongPassphraseError(KeystoreError):
    """The passphrase is not the one this keystore was sealed with; the file itself is in order."""


class DamagedKeystoreError(KeystoreError):
    """The keystore file is damaged, whatever the passphrase; restore it from a backup."""


class KeystoreBusyError(KeystoreError):
    """Another process has the keystore open; only one may at a time."""


class DamagedArchiveError(KeyquorumError):
    """Something in an archive is not as it was written: an entry or a file was changed, removed or moved."""


class StorageError(KeyquorumError):
    """The disk did not keep what was written (full, read-only, failing); nothing half-written was left behind."""
