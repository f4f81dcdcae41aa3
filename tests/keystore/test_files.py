"""Files that are there whole or not at all."""

import ctypes
import errno
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keyquorum.errors import StorageError, UsageError
from keyquorum.keystore import files
from keyquorum.keystore.files import new_file, write_public, write_secret

WRITERS: list[Callable[[Path, bytes], None]] = [write_public, write_secret]


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    old = os.umask(0o027)
    yield
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_with_the_right_permissions(tmp_path: Path) -> None:
    write_public(tmp_path / "public", b"p")
    write_public(tmp_path / "pieces", iter([b"p", b"", b"q" * 100_000]))
    write_secret(tmp_path / "secret", b"s")
    os.umask(0o777)
    write_secret(tmp_path / "dark", b"s")
    assert [mode(tmp_path / name) for name in ("public", "pieces", "secret", "dark")] == [0o640, 0o640, 0o600, 0o600]
    assert (tmp_path / "pieces").read_bytes() == b"p" + b"q" * 100_000
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("write", WRITERS)
def test_never_replaces_unasked(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    path = tmp_path / "x"
    write(path, b"old")
    with pytest.raises(UsageError, match="exists already"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "none")
    with pytest.raises(UsageError, match="exists already"):
        write(dangling, b"new")
    assert sorted(tmp_path.iterdir()) == [dangling, path]


def test_replaces_when_asked_and_follows_links(tmp_path: Path) -> None:
    path, link = tmp_path / "x", tmp_path / "link"
    write_public(path, b"old", overwrite=True)
    link.symlink_to("x")
    write_public(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2


def test_refuses_what_is_no_ordinary_file(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path, Path("/dev/null")):
        with pytest.raises(UsageError, match="ordinary"):
            write_public(path, b"x", overwrite=True)
    with pytest.raises(UsageError, match="names no file"):
        write_public(Path("/"), b"x")


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "none" / "x", tmp_path / "file" / "x", tmp_path / ("n" * 250)):
        with pytest.raises(StorageError, match=r"the disk did not take it \(.*Check the") as caught:
            write_public(path, b"x")
        assert caught.value.where == str(path)


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(error: type[BaseException]) -> None:
        with new_file(tmp_path / "x") as out:
            assert out.write(b"half") == 4
            assert [path.name for path in tmp_path.iterdir()] == ["x.unfinished-1"]
            raise error

    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(error):
            interrupted(error)
        assert list(tmp_path.iterdir()) == []


def test_a_leftover_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "x.unfinished-1").write_bytes(b"of a run that was killed")
    write_public(tmp_path / "x", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.unfinished-1"]


def test_somebody_else_was_faster(tmp_path: Path) -> None:
    def late() -> None:
        with new_file(tmp_path / "x") as out:
            out.write(b"mine")
            (tmp_path / "x").write_bytes(b"theirs")

    with pytest.raises(UsageError, match="exists already"):
        late()
    assert (tmp_path / "x").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 1


def renaming(code: int) -> Callable[..., int]:
    def renameat2(*_arguments: object) -> int:
        ctypes.set_errno(code)
        return -1

    return renameat2


def test_where_the_kernel_cannot_rename_without_replacing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files._libc, "renameat2", renaming(errno.EINVAL))
    write_secret(tmp_path / "x", b"x")
    with pytest.raises(UsageError, match="exists already"):
        write_secret(tmp_path / "x", b"y")
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
    assert (tmp_path / "x").read_bytes() == b"x"
    assert mode(tmp_path / "x") == 0o600


@pytest.mark.parametrize("write", WRITERS)
def test_renaming_fails(write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files._libc, "renameat2", renaming(errno.ENOSPC))
    with pytest.raises(StorageError, match="Make room"):
        write(tmp_path / "x", b"x")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", WRITERS)
def test_no_more_room(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    with file_size_limit(5000), pytest.raises(StorageError, match="File too large"):
        write(tmp_path / "x", bytes(9000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("write", WRITERS)
def test_syncing_fails(
    at: int, write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fsync(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="Input/output error"):
        write(tmp_path / "x", b"new")
    assert list(tmp_path.iterdir()) == []


def test_syncing_the_folder_fails_after_a_file_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_public(tmp_path / "x", b"old")
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError):
        write_public(tmp_path / "x", b"new", overwrite=True)
    assert (tmp_path / "x").read_bytes() == b"new"  # whole, though perhaps not for ever


def _ignored(*_arguments: object) -> None: ...


def _refused(*_arguments: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("change", [_ignored, _refused])
def test_a_file_system_without_permissions_takes_no_secret(
    change: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.umask(0o777)  # so that the permissions have to be set
    monkeypatch.setattr(os, "fchmod", change)
    with pytest.raises(StorageError):
        write_secret(tmp_path / "x", b"x")
    assert list(tmp_path.iterdir()) == []
