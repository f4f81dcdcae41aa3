"""Tokens to work with: SoftHSM as it is, and SoftHSM behind a module with faults (shim.c)."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tokens.softhsm import MODULE, Soft, softhsm

Faults = Callable[..., None]


@pytest.fixture
def soft(tmp_path: Path) -> Iterator[Soft]:
    with softhsm(tmp_path, MODULE) as token:
        yield token


@pytest.fixture(scope="session")
def shim_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing (Debian package gcc)")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", f'-DREAL="{MODULE}"', "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """``faults("no-private", ...)``: from now on the shim has these faults and no others.

    But for ``most-rsa=2048``, so that a key pair for the transport is made quickly, unless another size is named.
    """

    def have(*names: str) -> None:
        quick = () if any(name.startswith("most-rsa=") for name in names) else ("most-rsa=2048",)
        monkeypatch.setenv("SHIM_FAULTS", " ".join([*names, *quick]))

    have()
    return have


@pytest.fixture
def shim(tmp_path: Path, shim_library: Path, faults: Faults) -> Iterator[Soft]:
    del faults
    with softhsm(tmp_path, shim_library) as token:
        yield token
