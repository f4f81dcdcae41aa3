"""Swap on a disk is named and refused; compressed swap in memory is memory."""

import os
import subprocess
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.machine.swap import hibernation, refuse_swap, swap_devices

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
NODE = Path("/dev/null")  # any device node: it plays /dev/zram0


class Kernel:
    """A /proc and a /sys of our own."""

    def __init__(self, where: Path) -> None:
        self.proc, self.sys = where / "proc", where / "sys"
        (self.proc / "self").mkdir(parents=True)
        self.sys.mkdir()

    def swaps(self, *names: str) -> "Kernel":
        rows = (f"{name:<39} partition\t8388604\t\t0\t\t-2\n" for name in names)
        (self.proc / "swaps").write_text(HEAD + "".join(rows))
        return self

    def block(self, name: str, backing: str | None) -> "Kernel":
        """What /dev/null is in this /sys."""
        device = self.sys / "devices" / "virtual" / "block" / name
        device.mkdir(parents=True)
        if backing is not None:
            (device / "backing_dev").write_text(backing)
        numbers = NODE.stat().st_rdev
        link = self.sys / "dev" / "block" / f"{os.major(numbers)}:{os.minor(numbers)}"
        link.parent.mkdir(parents=True)
        link.symlink_to(device)
        return self

    def devices(self) -> list[str]:
        return swap_devices(proc=self.proc, sys=self.sys)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_no_swap(kernel: Kernel) -> None:
    assert kernel.swaps().devices() == []
    refuse_swap(proc=kernel.proc, sys=kernel.sys)


def test_swap_is_named(kernel: Kernel) -> None:
    kernel.swaps("/dev/sda2", "/a\\040file", "/gone\\040(deleted)")
    assert kernel.devices() == ["/dev/sda2", "/a file", "/gone (deleted)"]
    with pytest.raises(RefusedError, match=r"swap is on \(/dev/sda2, /a file, /gone \(deleted\)\).*swapoff -a"):
        refuse_swap(proc=kernel.proc, sys=kernel.sys)


@pytest.mark.parametrize("backing", [None, "none\n"])
def test_compressed_swap_in_memory_is_memory(kernel: Kernel, backing: str | None) -> None:
    assert kernel.swaps(str(NODE)).block("zram0", backing).devices() == []


def test_compressed_swap_that_a_disk_backs_is_not(kernel: Kernel) -> None:
    assert kernel.swaps(str(NODE)).block("zram0", "/dev/sdb1\n").devices() == [str(NODE)]


@pytest.mark.parametrize("name", ["sda2", "zram", "zram0p1", "dm-0"])
def test_what_is_not_zram_is_a_disk(kernel: Kernel, name: str) -> None:
    assert kernel.swaps(str(NODE)).block(name, "none\n").devices() == [str(NODE)]


def test_a_file_that_is_called_zram_is_a_disk(kernel: Kernel, tmp_path: Path) -> None:
    file = tmp_path / "zram0"
    file.touch()
    assert kernel.swaps(str(file)).block("zram0", "none\n").devices() == [str(file)]


def test_one_of_each(kernel: Kernel) -> None:
    assert kernel.swaps(str(NODE), "/dev/sda2").block("zram0", "none\n").devices() == ["/dev/sda2"]


def test_a_kernel_without_swap(kernel: Kernel) -> None:
    assert kernel.devices() == []


def test_where_nobody_can_tell_there_may_be_swap(tmp_path: Path) -> None:
    with pytest.raises(KeyquorumError, match="Mount /proc"):
        refuse_swap(proc=tmp_path)


def test_this_machine() -> None:
    """Against swapon, which knows nothing of zram's being memory."""
    said = subprocess.run(["swapon", "--show=NAME", "--noheadings"], capture_output=True, text=True, check=True)
    assert swap_devices() == [name for name in said.stdout.split() if "zram" not in name]


@pytest.mark.parametrize(
    ("states", "resume", "device"),
    [
        ("freeze mem disk\n", "8:2\n", "8:2"), ("freeze mem disk\n", "0:0\n", ""), ("freeze mem\n", "8:2\n", ""),
        ("disk\n", None, ""), (None, "8:2\n", ""),
    ],
)  # fmt: skip
def test_hibernation(kernel: Kernel, states: str | None, resume: str | None, device: str) -> None:
    power = kernel.sys / "power"
    power.mkdir()
    for name, text in (("state", states), ("resume", resume)):
        if text is not None:
            (power / name).write_text(text)
    assert hibernation(sys=kernel.sys) == device
