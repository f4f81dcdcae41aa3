"""The watched disk of the keystore's tests, for an archive."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.keystore.conftest import ROOT, Run, disk_library, memory_path

__all__ = ["disk_library", "memory_path"]


@pytest.fixture
def watched(disk_library: Path, memory_path: Path) -> Run:
    """``watched(runs)``: do the scenario of scenario.py on the watched disk; its records are in ``memory_path``."""

    def run(runs: list[tuple[int, int, int, int]]) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "tests.archive.scenario", str(disk_library), str(memory_path)]
        environment = os.environ | {"LD_PRELOAD": str(disk_library)}
        done = subprocess.run(
            [*command, json.dumps(runs)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results

    return run
