"""Where the tests' real requests and vectors are: ../shared/data, or KEYQUORUM_TEST_DATA. Nothing of it is ours."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KEYQUORUM_TEST_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")


def data(name: str) -> Path:
    """Give the path of one data file; skips the test, and says why, where the data are absent."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"test data {name} is absent; set KEYQUORUM_TEST_DATA to the folder that holds it")
    return path
