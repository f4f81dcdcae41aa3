"""What witnesses are shown of the machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keyquorum.machine.live import Fact, ceremony_facts
from tests.machine.child import locks, run

PROC = {
    "swaps": "Filename\tType\n",
    "filesystems": "nodev\ttmpfs\n\text4\n",
    "self/mountinfo": "28 1 0:25 / / rw - tmpfs tmpfs rw\n",
    "self/status": "Name:\tx\nVmLck:\t     812 kB\n",
    "cpuinfo": "flags\t\t: fpu sse2\n",
}
SYS = {"class/net/lo/flags": "0x9\n", "class/net/eth0/flags": "0x1002\n"}
Show = Callable[[dict[str, str], dict[str, str]], dict[str, Fact]]
BAD_PROC = {
    "swaps": "Filename\tType\n/dev/sda2 partition 1 0 -2\n",
    "self/mountinfo": "28 1 0:25 / /mnt rw - ext4 /dev/sda1 rw\n29 1 0:25 / /b rw - ext4 /dev/sdb1 rw\n",
    "self/status": "VmLck:\t       0 kB\n",
    "cpuinfo": "processor : 0\nflags\t\t: fpu hypervisor sse2\n",
}
BAD_SYS = {"class/net/eth0/flags": "0x1003\n", "power/state": "mem disk\n", "power/resume": "8:2\n"}


@pytest.fixture
def shown(tmp_path: Path) -> Show:
    def show(proc: dict[str, str], sys: dict[str, str]) -> dict[str, Fact]:
        for top, files in (("proc", proc), ("sys", sys)):
            for name, text in files.items():
                path = tmp_path / top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return {fact.name: fact for fact in ceremony_facts(proc=tmp_path / "proc", sys=tmp_path / "sys")}

    return show


OF_THIS_PROCESS = {"core dumps", "root file system"}


def test_a_machine_that_is_fit(shown: Show) -> None:
    facts = shown(PROC, SYS)
    assert {name: fact.finding for name, fact in facts.items() if name not in OF_THIS_PROCESS} == {
        "swap": "none", "hibernation": "not set up", "memory": "locked", "disks mounted for writing": "none",
        "network": "no interface is up", "machine": "no hypervisor is seen",
    }  # fmt: skip
    assert all(fact.fine for name, fact in facts.items() if name not in OF_THIS_PROCESS)


def test_a_machine_that_is_not(shown: Show) -> None:
    facts = shown(PROC | BAD_PROC, SYS | BAD_SYS)
    assert {name: fact.finding for name, fact in facts.items() if name not in OF_THIS_PROCESS} == {
        "swap": "/dev/sda2", "hibernation": "would write all memory to device 8:2", "memory": "not locked",
        "disks mounted for writing": "/mnt (ext4 on /dev/sda1), /b (ext4 on /dev/sdb1)", "network": "eth0 is up",
        "machine": "virtual: its host sees its memory, and may keep it on a disk",
    }  # fmt: skip
    assert not any(fact.fine for name, fact in facts.items() if name not in OF_THIS_PROCESS)


def test_another_hypervisor(shown: Show) -> None:
    assert not shown(PROC, SYS | {"hypervisor/type": "xen\n"})["machine"].fine


def test_what_cannot_be_told_is_not_fine(tmp_path: Path) -> None:
    facts = {fact.name: fact for fact in ceremony_facts(proc=tmp_path / "none", sys=tmp_path / "none")}
    for name in ("swap", "memory", "disks mounted for writing", "machine"):
        assert not facts[name].fine
        assert facts[name].finding.startswith("cannot be told")


@locks
def test_this_process() -> None:
    code = """
from keyquorum.machine.live import ceremony_facts
from keyquorum.machine.memory import lock_memory
for _ in range(2):
    print({fact.name: fact.finding for fact in ceremony_facts() if fact.name in ("memory", "core dumps")})
    lock_memory()
"""
    done = run(code)
    assert done.stdout.splitlines() == [
        "{'memory': 'not locked', 'core dumps': 'on'}", "{'memory': 'locked', 'core dumps': 'off'}",
    ], done.stderr  # fmt: skip


def test_the_root_of_this_machine() -> None:
    fact = next(fact for fact in ceremony_facts() if fact.name == "root file system")
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    kinds = [line.split(" - ")[1].split()[0] for line in mounts if line.split()[4] == "/"]
    assert fact.finding.split()[0].strip(",") == kinds[-1]
