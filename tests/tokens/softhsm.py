"""A SoftHSM token of the test's own: its directory, its PINs, and what starts the module afresh for it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pkcs11
import pytest

from keyquorum.tokens.session import OpenToken, open_token
from keyquorum.tokens.uri import TokenUri

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = b"1234"
SO_PIN = b"5678"


@dataclass(frozen=True)
class Soft:
    """A token: ``module`` is SoftHSM itself, or the shim in front of it."""

    directory: Path
    module: Path
    label: str = "KSK"

    @property
    def uri(self) -> TokenUri:
        return TokenUri(token=self.label, module_path=str(self.module))

    def text(self, **objects: str) -> str:
        """Give the URI as text, with attributes of an object."""
        return replace(self.uri, **objects).text()  # type: ignore[arg-type]

    def open(self, *, login: bool = True, writable: bool = True) -> AbstractContextManager[OpenToken]:
        return open_token(self.uri, (lambda _: PIN) if login else None, writable=writable)

    def pin_file(self, pin: bytes = PIN) -> Path:
        path = self.directory / f"pin-{pin.decode()}"
        path.write_bytes(pin + b"\n")
        return path


def finalise() -> None:
    """Stop every module that this process has started: the next use reads the environment anew."""
    for library in pkcs11._loaded.values():
        if library.initialized:
            library.finalize()


@contextmanager
def softhsm(directory: Path, module: Path, *labels: str) -> Iterator[Soft]:
    """Give a SoftHSM with freshly initialised tokens of these labels (``KSK``) in ``directory``."""
    if not MODULE.exists() or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed (package softhsm2)")
    # In memory where there is one: SoftHSM waits for the disk after each object.
    with TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as tokens:
        yield from _softhsm(directory, module, labels or ("KSK",), tokens)


def _softhsm(directory: Path, module: Path, labels: tuple[str, ...], tokens: str) -> Iterator[Soft]:
    conf = directory / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    finalise()
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    try:
        for label in labels:
            initialise(label)
        yield Soft(directory, module, labels[0])
    finally:
        finalise()
        os.environ.pop("SOFTHSM2_CONF")
        if before is not None:
            os.environ["SOFTHSM2_CONF"] = before


def initialise(label: str) -> None:
    """Have SoftHSM's own program set up a token."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(command, check=True, capture_output=True)


def pkcs11_tool(soft: Soft, *arguments: str | Path, check: bool = True) -> str:
    """Have OpenSC's program look at the token, logged in as its user."""
    if shutil.which("pkcs11-tool") is None:
        pytest.skip("pkcs11-tool is not installed (package opensc)")
    command: list[str | Path] = ["pkcs11-tool", "--module", MODULE, "--token-label", soft.label, "--login"]
    command += ["--pin", PIN.decode(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout
