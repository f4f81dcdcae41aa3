"""Places for ceremonies."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from tests.scenarios.desk import PASSPHRASE
from tests.threshold.cases import seeded


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, as a ceremony has it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="keyquorum-test-") as directory:
        yield Path(directory)


@pytest.fixture
def desk(memory: Path) -> Path:
    """A directory in memory with a maker's keystore, a directory for scans, and a passphrase file."""
    Person.new(memory / "rita.keystore", "rita", PASSPHRASE, seeded("rita"), cost=Cost.TEST)
    (memory / "passphrase").write_bytes(PASSPHRASE)
    (memory / "scans").mkdir()
    return memory
