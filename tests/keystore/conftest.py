"""A keystore to work with; the watched disk, compiled once a session and run in a child process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from keyquorum.keystore import Cost, Keystore
from tests.keystore.disk import build
from tests.keystore.seeded import seeded

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., list[dict[str, Any]]]
PASSPHRASE = b"correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "alice.keystore"
    Keystore.create(path, PASSPHRASE, "alice", seeded(1), cost=Cost.TEST)
    return path


@pytest.fixture
def keystore(path: Path) -> Iterator[Keystore]:
    with Keystore.open(path, PASSPHRASE) as keystore:
        yield keystore


def reopened(keystore: Keystore, path: Path) -> Keystore:
    keystore.close()
    return Keystore.open(path, PASSPHRASE)


@pytest.fixture(scope="session")
def disk_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing (Debian package gcc)")
    return build(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: thousands of files are opened, none has to last."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def watched(disk_library: Path, memory_path: Path) -> Run:
    """``watched(name, runs)``: do a scenario of scenario.py on the watched disk; its records are in ``memory_path``."""

    def run(name: str, runs: list[tuple[int, int, int, int]]) -> list[dict[str, Any]]:
        job = json.dumps({"name": name, "runs": runs})
        command = [sys.executable, "-m", "tests.keystore.scenario", str(disk_library), str(memory_path), job]
        environment = os.environ | {"LD_PRELOAD": str(disk_library)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results

    return run
