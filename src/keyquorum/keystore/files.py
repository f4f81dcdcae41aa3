"""Files that are there whole or not at all: what every command writes its outputs with.

A file is written under a temporary name beside its own (``NAME.unfinished-1``), synced, given its name, and the
directory is synced; only then does the call return. It refuses to replace a file unless told to, to write over
anything that is no ordinary file, and to leave half a file behind when the disk is full or fails.
"""

import ctypes
import errno
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keyquorum.errors import StorageError, UsageError

_libc = ctypes.CDLL(None, use_errno=True)
_HERE = -100  # AT_FDCWD
_NO_REPLACE = 1  # RENAME_NOREPLACE


class NewFile:
    """A file being written; ``write`` is all it can do."""

    __slots__ = ("_descriptor", "_path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        """Append ``data`` and give its length; raises StorageError."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise storage_error(self._path, error) from error
        return len(data)


def write_public(path: Path, data: bytes | Iterable[bytes], *, overwrite: bool = False) -> None:
    """Write a file anybody may read (as the umask has it), durable when this returns.

    Raises UsageError if the file exists and ``overwrite`` is false, or is no ordinary file; StorageError if the disk
    does not take it. In both cases what was there before is still there.
    """
    with new_file(path, overwrite=overwrite) as out:
        for piece in (data,) if isinstance(data, bytes) else data:
            out.write(piece)


def write_secret(path: Path, data: bytes) -> None:
    """Write a file for its owner's eyes only (0600 from its first moment, whatever the umask); never replaces one.

    Raises UsageError if the file exists, StorageError if the disk does not take it or cannot keep a file private.
    """
    with _new_file(path, overwrite=False, secret=True) as out:
        out.write(data)


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[NewFile]:
    """Write a public file piece by piece; it appears under its name, durable, when the block ends without an exception.

    Raises as ``write_public`` does. An exception from within the block leaves nothing behind.
    """
    with _new_file(path, overwrite=overwrite, secret=False) as out:
        yield out


@contextmanager
def _new_file(path: Path, *, overwrite: bool, secret: bool) -> Iterator[NewFile]:
    path = Path(path)
    try:
        final = _destination(path, overwrite=overwrite)
        directory = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        temporary, descriptor = _temporary(path, final, secret=secret)
        try:
            try:
                yield NewFile(path, descriptor)
                _sync(path, descriptor)
            finally:
                os.close(descriptor)
            _place(path, temporary, final, overwrite=overwrite)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_name(path, final, directory, overwrite=overwrite)
    finally:
        os.close(directory)


def _destination(path: Path, *, overwrite: bool) -> Path:
    """Give the file to be written, links followed, once it is clear that it may be."""
    if not path.name:
        raise UsageError("this names no file", where=str(path), do="Give the name of a file.")
    if not os.path.lexists(path):
        return path.parent.resolve(strict=True) / path.name
    if not overwrite:
        raise _exists(path)
    final = path.resolve(strict=True)
    if not stat.S_ISREG(final.stat().st_mode):
        raise UsageError("this is no ordinary file", where=str(path), do="Give the name of a file.")
    return final


def _exists(path: Path) -> UsageError:
    return UsageError(
        "the file exists already and is not replaced", where=str(path), do="Give another name, or move it away first."
    )


def _temporary(path: Path, final: Path, *, secret: bool) -> tuple[Path, int]:
    """Create the temporary file; a leftover of an earlier run that was killed just makes the number go up."""
    for number in itertools.count(1):
        temporary = final.with_name(f"{final.name}.unfinished-{number}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, 0o600 if secret else 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            raise storage_error(path, error) from error
        break
    try:
        if secret and stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
            # A file system without permissions may take the call and keep nothing.
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
                raise PermissionError(errno.EPERM, "its file system does not keep permissions")
    except OSError as error:
        os.close(descriptor)
        temporary.unlink()
        raise storage_error(path, error) from error
    return temporary, descriptor


def _place(path: Path, temporary: Path, final: Path, *, overwrite: bool) -> None:
    try:
        if overwrite:
            temporary.replace(final)
        else:
            _rename_new(temporary, final)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise storage_error(path, error) from error


def _rename_new(old: Path, new: Path) -> None:
    """Rename, unless ``new`` exists: in one step where the kernel can (FAT too), else by a link."""
    if _libc.renameat2(_HERE, os.fsencode(old), _HERE, os.fsencode(new), _NO_REPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code not in {errno.EINVAL, errno.ENOSYS}:
        raise OSError(code, os.strerror(code))
    os.link(old, new)
    old.unlink()


def _sync(path: Path, descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise storage_error(path, error) from error


def _sync_name(path: Path, final: Path, directory: int, *, overwrite: bool) -> None:
    try:
        _sync(path, directory)
    except StorageError:
        # The file is whole, but its name may not outlast a power cut. What was replaced cannot be brought back.
        if not overwrite:
            with suppress(OSError):
                final.unlink()
        raise


def storage_error(path: Path, error: OSError) -> StorageError:
    """Say in our words what the operating system would not do with ``path``."""
    reason = error.strerror or type(error).__name__
    advice = {
        errno.ENOSPC: "Make room on the disk and do it again.",
        errno.EDQUOT: "Make room on the disk and do it again.",
        errno.EROFS: "Use a disk that can be written to.",
        errno.ENOENT: "Check the name; its folder has to exist.",
        errno.ENOTDIR: "Check the name; its folder has to exist.",
    }.get(error.errno or 0, "Check the disk and the permissions and do it again.")
    return StorageError(f"the disk did not take it ({reason})", where=str(path), do=advice)
