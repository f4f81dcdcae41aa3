"""The world outside, handed in at the door: clock, randomness, files, processes. No other module reaches for them."""

import hashlib
import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from keyquorum.cli.terminal import counting
from keyquorum.errors import KeyquorumError, StorageError, UsageError
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work

RNG: Rng = secrets.token_bytes
SMALL_SOURCE = 1 << 18
"""Below this many bytes of source, starting processes costs more than it saves."""
SMALL_CHEAP_SOURCE = 1 << 22
"""The same for work that takes a tenth of the time of judging or signing, or less."""


def now() -> int:
    """Give the clock's time in seconds since 1970."""
    return int(time.time())


@contextmanager
def work(
    label: str, unit: str, *, size: int | None = None, total: int | None = None, cheap: bool = False
) -> Iterator[Work]:
    """Give a ``Work`` over all cores with progress; over none but this process for a ``size`` that is small."""
    workers = len(os.sched_getaffinity(0))
    small = SMALL_CHEAP_SOURCE if cheap else SMALL_SOURCE
    with counting(label, unit, total) as advance:
        if workers == 1 or (size is not None and size < small):
            yield Work(advance=advance)
            return
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            try:
                yield Work(pool, workers, advance)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def alone(label: str, unit: str) -> Iterator[Work]:
    """Give a ``Work`` in this process, with progress: for what reads more than it computes."""
    with counting(label, unit) as advance:
        yield Work(advance=advance)


class Scratch:
    """Temporary files without names, for public values; gone with the command that is running."""

    def __call__(self) -> BinaryIO:
        """Give a new one."""
        try:
            return click.get_current_context().with_resource(tempfile.TemporaryFile())
        except OSError as error:
            raise StorageError(
                f"no temporary file can be made ({error.strerror})", where=tempfile.gettempdir()
            ) from None


def read_file(path: Path, limit: int, what: str) -> bytes:
    """Read a whole file of at most ``limit`` bytes; UsageError if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"the {what} cannot be read ({error.strerror})", where=str(path)) from None
    if len(data) > limit:
        raise KeyquorumError(f"the {what} is larger than {limit} bytes", where=str(path))
    return data


@contextmanager
def opened(path: Path, what: str) -> Iterator[BinaryIO]:
    """Open a file to be read as a stream; UsageError if it cannot be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"the {what} cannot be read ({error.strerror})", where=str(path)) from None
    with file:
        yield file


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the name of the file at hand to errors."""
    try:
        yield
    except KeyquorumError as error:
        error.where = f"{path}, {error.where}" if error.where else str(path)
        raise


def digest_of_bytes(data: bytes) -> bytes:
    """Give the SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()


def digest_of(file: BinaryIO) -> tuple[int, bytes]:
    """Give length and SHA-256 of ``file``, which is left at its beginning."""
    file.seek(0)
    seen, length = hashlib.sha256(), 0
    while chunk := file.read(1 << 18):
        seen.update(chunk)
        length += len(chunk)
    file.seek(0)
    return length, seen.digest()
