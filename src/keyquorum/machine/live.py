"""What a witness of a ceremony should know of the machine before a secret is made on it."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from keyquorum.errors import KeyquorumError
from keyquorum.machine.kernel import PROC, SYS, read, read_if_there
from keyquorum.machine.memory import core_dumps_are_off, memory_is_locked
from keyquorum.machine.places import disks_in_use, is_memory, mount_of
from keyquorum.machine.swap import hibernation, swap_devices

_UP, _LOOPBACK = 0x1, 0x8  # IFF_*, netdevice(7)


class Fact(NamedTuple):
    """One thing looked at: its name, what was found, and whether that is as it should be."""

    name: str
    finding: str
    fine: bool


def ceremony_facts(*, proc: Path = PROC, sys: Path = SYS) -> list[Fact]:
    """Look at the machine; what cannot be told is a fact too, and not fine. Nothing is refused here.

    ``proc`` and ``sys`` are where those file systems are. Memory and core dumps are judged as they are now, so this
    comes after ``lock_memory``.
    """
    looks: tuple[tuple[str, Callable[[], tuple[str, bool]]], ...] = (
        ("swap", lambda: _none_of(swap_devices(proc=proc, sys=sys), "none")),
        ("hibernation", lambda: _hibernation(sys)),
        ("memory", lambda: ("locked", True) if memory_is_locked(proc) else ("not locked", False)),
        ("core dumps", lambda: ("off", True) if core_dumps_are_off() else ("on", False)),
        ("root file system", _root),
        ("disks mounted for writing", lambda: _none_of(map(str, disks_in_use(proc=proc)), "none")),
        ("network", lambda: _none_of(_interfaces(sys), "no interface is up")),
        ("machine", lambda: _machine(proc, sys)),
    )
    facts = []
    for name, look in looks:
        try:
            facts.append(Fact(name, *look()))
        except KeyquorumError as error:
            facts.append(Fact(name, f"cannot be told: {error.what}", fine=False))
    return facts


def _none_of(found: Iterable[str], none: str) -> tuple[str, bool]:
    names = list(found)
    return ", ".join(names) or none, not names


def _hibernation(sys: Path) -> tuple[str, bool]:
    device = hibernation(sys=sys)
    return (f"would write all memory to device {device}", False) if device else ("not set up", True)


def _root() -> tuple[str, bool]:
    mount = mount_of(Path("/"))
    if is_memory(Path("/")):
        return f"{mount.kind}, in memory", True
    return f"{mount.kind} on {mount.source}, {'writable' if mount.writable else 'read-only'}", not mount.writable


def _interfaces(sys: Path) -> Iterable[str]:
    for interface in sorted((sys / "class" / "net").glob("*/flags")):
        flags = int(read(interface), 16)
        if flags & _UP and not flags & _LOOPBACK:
            yield f"{interface.parent.name} is up"


def _machine(proc: Path, sys: Path) -> tuple[str, bool]:
    virtual = re.search(r"^flags\s*:.*\bhypervisor\b", read(proc / "cpuinfo"), re.MULTILINE)
    if virtual or read_if_there(sys / "hypervisor" / "type"):
        return "virtual: its host sees its memory, and may keep it on a disk", False
    return "no hypervisor is seen", True
