"""The house: an import only ever goes down a floor, and no room imports a room beside it unless the plan says so."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "keyquorum"

# room -> rooms it may import (itself always). Everything may import errors.
MAY_IMPORT = {
    "errors": set(),
    "maths": set(),
    "threshold": {"maths"},
    "dnssec": set(),
    "identity": set(),
    "records": {"maths", "threshold", "dnssec", "identity"},
    "policy": {"dnssec"},
    "quorum": {"maths", "threshold", "dnssec", "identity", "records", "policy"},
    "escrow": {"maths", "threshold", "dnssec", "identity", "records"},
    "keystore": {"maths", "threshold", "dnssec", "identity", "records", "policy", "quorum"},
    # Of the keystore only its files: what is durable and whole is made in one place.
    "archive": {"maths", "dnssec", "records", "quorum", "keystore"},
    "tokens": {"maths", "dnssec", "escrow"},
    "paper": {"dnssec", "identity", "records", "escrow"},
    "machine": set(),
    "cli": {
        "maths",
        "threshold",
        "dnssec",
        "identity",
        "records",
        "policy",
        "quorum",
        "escrow",
        "keystore",
        "archive",
        "tokens",
        "paper",
        "machine",
    },
    "__main__": {"cli"},
}
FLOOR_4_AND_UP = {"keystore", "archive", "tokens", "paper", "machine", "cli", "__main__"}
BELOW_FLOOR_4 = [room for room in MAY_IMPORT if room not in FLOOR_4_AND_UP]
# Clock, network, files, environment, randomness: they come in as arguments below floor 4.
WORLD = {
    "time", "socket", "ssl", "os", "pathlib", "shutil", "tempfile", "secrets", "random", "subprocess", "urllib",
    "http", "asyncio", "requests", "sqlite3", "fcntl", "io.open",
}  # fmt: skip


def rooms() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.name != "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return names


@pytest.mark.parametrize("path", rooms(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    assert room in MAY_IMPORT, f"the room {room} is not in the plan of the house"
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("keyquorum.")}
    assert ours <= MAY_IMPORT[room] | {room, "errors", "__version__"}


@pytest.mark.parametrize(
    "path", [path for path in rooms() if room_of(path) in BELOW_FLOOR_4], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_world_comes_in_as_an_argument(path: Path) -> None:
    assert not {name for name in imported(path) if name in WORLD or name.split(".")[0] in WORLD}
    calls = {
        node.func.id for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }  # fmt: skip
    assert "open" not in calls
