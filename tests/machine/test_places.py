"""Which paths are memory: judged over mounts that are really made, in a namespace of their own."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.machine.places import disks_in_use, is_memory, mount_of, mounts, refuse_disk
from tests.machine.child import ROOT, run

SHARED_MEMORY = Path("/dev/shm")
MOUNTS = """
import ctypes, json, os, subprocess, sys
from pathlib import Path
from keyquorum.machine.places import is_memory
here = Path(sys.argv[1])
os.chdir(here)
seen = {}

def mount(kind, point, options="", source="none", *more):
    point = here / point
    point.mkdir(parents=True, exist_ok=True)
    flags = ["-o", options] if options else []
    subprocess.run(["mount", "-t", kind, *flags, *more, source, str(point)], check=True)
    return point

def overlay(name, upper, lower="lower"):
    for part in (lower, f"{upper}/up", f"{upper}/work"):
        (here / part).mkdir(parents=True, exist_ok=True)
    return mount("overlay", name, f"lowerdir={here}/{lower},upperdir={here}/{upper}/up,workdir={here}/{upper}/work")
"""


@pytest.fixture
def memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as path:
        yield Path(path)


@pytest.fixture
def disk() -> Iterator[Path]:
    """A directory that is on no tmpfs; /tmp often is."""
    for place in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path(__file__).parent):
        if os.access(place, os.W_OK) and os.statvfs(place).f_fsid != os.statvfs(SHARED_MEMORY).f_fsid:
            with tempfile.TemporaryDirectory(dir=place) as path:
                if mount_of(Path(path)).kind != "tmpfs":
                    yield Path(path)
                    return
    pytest.skip("everything here is in memory")


def judged(code: str, where: Path) -> dict[str, bool]:
    """Run ``code``, which mounts and judges, where its mounts are seen by nobody else."""
    rights = () if ROOT else ("--map-root-user",)
    done = run(MOUNTS + code + "\nprint(json.dumps(seen))", str(where), before=("unshare", "--mount", *rights))
    assert done.returncode == 0, done.stderr
    found: dict[str, bool] = json.loads(done.stdout)
    return found


def test_memory_and_what_is_not_there_yet(memory: Path) -> None:
    (memory / "file").touch()
    for path in (memory, memory / "file", memory / "new", memory / "a" / "b" / "c"):
        assert is_memory(path)
        refuse_disk(path, "pages")


def test_a_disk_is_refused(disk: Path) -> None:
    (disk / "file").touch()
    for path in (disk, disk / "file", disk / "new" / "er"):
        assert not is_memory(path)
        with pytest.raises(RefusedError, match=r"a disk is no place for pages with shares, and this is /.*/dev/shm"):
            refuse_disk(path, "pages with shares")


def test_links_are_followed(memory: Path, disk: Path) -> None:
    (memory / "to-disk").symlink_to(disk)
    (disk / "to-memory").symlink_to(memory)
    (memory / "dangling").symlink_to(disk / "new")
    (memory / "round").symlink_to(memory / "round")
    assert not is_memory(memory / "to-disk" / "file")
    assert not is_memory(memory / "dangling")
    assert not is_memory(memory / "round")
    assert is_memory(disk / "to-memory" / "file")
    assert not is_memory(memory / "to-disk" / ".." / "new"), "'..' is taken after the link"


def test_relative_paths(memory: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(memory)
    assert is_memory(Path("new"))
    monkeypatch.chdir(disk)
    assert not is_memory(Path("new"))


def test_devices_pipes_and_sockets_are_not_memory(memory: Path) -> None:
    os.mkfifo(memory / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(memory / "socket"))
    for path in (memory / "pipe", memory / "socket", Path("/dev/null"), Path("/dev/fd/1"), Path("/proc/self/fd/0")):
        assert not is_memory(path)
    assert not is_memory(Path("/proc/sys"))
    assert not is_memory(Path("/sys"))


def test_what_cannot_be_looked_at_is_not_memory() -> None:
    assert not is_memory(Path("/dev/shm/a\0b"))
    assert not is_memory(Path("/dev/shm") / ("x" * 300))


def test_mounts_of_all_kinds(disk: Path) -> None:
    code = """
mount("tmpfs", "with blank")
seen["tmpfs"] = is_memory(here / "with blank" / "new")
try:
    mount("ramfs", "ram")
    seen["ramfs"] = is_memory(here / "ram" / "new")
except subprocess.CalledProcessError:  # not for the root of a user namespace
    seen["ramfs"] = True
(here / "with blank" / "dir").mkdir()
(here / "bound").mkdir()
subprocess.run(["mount", "--bind", here / "with blank" / "dir", here / "bound"], check=True)
seen["bound directory"] = is_memory(here / "bound" / "new")
(here / "on-disk").touch()
(here / "with blank" / "covered").touch()
subprocess.run(["mount", "--bind", here / "on-disk", here / "with blank" / "covered"], check=True)
seen["not a file of the disk"] = not is_memory(here / "with blank" / "covered")
(here / "with blank" / "disk").mkdir()
subprocess.run(["mount", "--bind", here, here / "with blank" / "disk"], check=True)
seen["not a directory of the disk"] = not is_memory(here / "with blank" / "disk" / "new")
mount("tmpfs", "with blank/hidden", "size=1m")
seen["over it"] = is_memory(here / "with blank" / "hidden")
"""
    seen = judged(code, disk)
    assert [name for name, fine in seen.items() if not fine] == []
    assert len(seen) == 6


def test_overlays(disk: Path) -> None:
    code = """
mount("tmpfs", "ram", "size=7m")
live = overlay("live", "ram")
(live / "dir").mkdir()
(live / "dir" / "file").write_text("new")
seen["its root"] = is_memory(live)
seen["a directory"] = is_memory(live / "dir" / "new")
seen["a file"] = is_memory(live / "dir" / "file")
(here / "lower" / "old").write_text("x")
seen["a file of the disk below"] = is_memory(live / "old")  # a write copies it up first
two = overlay("two", "ram/second", "live")
seen["an overlay on an overlay"] = is_memory(two / "new")
(here / "empty").mkdir()
fixed = mount("overlay", "fixed", f"lowerdir={here}/lower:{here}/empty")
seen["not one that keeps nothing"] = not is_memory(fixed / "new")
mount("tmpfs", "ram/up", "size=3m")
seen["not one whose upper directory is another now"] = not is_memory(live / "new")
subprocess.run(["umount", here / "ram" / "up"], check=True)
seen["after all"] = is_memory(live / "new")
overlay("ram/over/up", "ram/over")
seen["not one that hides its own"] = not is_memory(here / "ram" / "over" / "up")
(here / "from-here").mkdir()
own = "lowerdir=lower,upperdir=ram/rel/up,workdir=ram/rel/work"
for part in ("up", "work"):
    (here / "ram" / "rel" / part).mkdir(parents=True)
libc = ctypes.CDLL(None)
assert libc.mount(b"none", b"from-here", b"overlay", 0, own.encode()) == 0
seen["not one that nobody can follow from elsewhere"] = not is_memory(here / "from-here" / "new")
mount("tmpfs", "ram")
seen["not one whose upper directory is hidden"] = not is_memory(live / "new")
"""
    seen = judged(code, disk)
    assert [name for name, fine in seen.items() if not fine] == []
    assert len(seen) == 11


def test_an_overlay_that_keeps_on_a_disk(disk: Path) -> None:
    code = """
try:
    kept = overlay("kept", "disk")
except subprocess.CalledProcessError:
    seen["none is possible here"] = True
else:
    seen["not memory"] = not is_memory(kept / "new")
"""
    seen = judged(code, disk)
    if "not memory" not in seen:
        pytest.skip("the file system of this disk carries no overlay")
    assert seen == {"not memory": True}


LIVE = """\
22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw
25 28 0:22 / /run rw,nosuid,nodev - tmpfs tmpfs rw,size=1622816k
27 25 7:0 / /run/live/rootfs/fs ro,noatime - squashfs /dev/loop0 ro,errors=continue
28 1 0:25 / / rw - overlay overlay rw,lowerdir=/run/live/fs,upperdir=/run/live/overlay/rw,workdir=/run/live/overlay/w
30 25 11:0 / /run/live/medium ro,noatime shared:3 - iso9660 /dev/sr0 ro,nojoliet
31 28 8:17 / /media/my\\040stick rw,relatime shared:9 master:1 - vfat /dev/sdb1 rw,fmask=0022
32 28 8:18 / /media/ro ro,relatime - ext4 /dev/sdb2 rw
33 28 8:19 / /media/frozen rw,relatime - ext4 /dev/sdb3 ro
34 28 0:50 / /net rw - nfs4 server:/x rw,vers=4.2
35 28 0:51 / /home/u/remote rw - fuse.sshfs u@host: rw,user_id=0
36 28 0:52 /sub /btrfs rw - btrfs /dev/sdc rw,subvolid=5
37 28 0:53 / /sys/fs/fuse/connections rw - fusectl fusectl rw
"""
FILESYSTEMS = """\
nodev\tsysfs
nodev\ttmpfs
nodev\toverlay
nodev\tnfs4
nodev\tfuse
nodev\tfusectl
\text4
\tvfat
\tbtrfs
\tsquashfs
\tiso9660
"""


def test_disks_in_use(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(LIVE)
    (tmp_path / "filesystems").write_text(FILESYSTEMS)
    assert [str(mount) for mount in disks_in_use(proc=tmp_path)] == [
        "/media/my stick (vfat on /dev/sdb1)", "/net (nfs4 on server:/x)", "/home/u/remote (fuse.sshfs on u@host:)",
        "/btrfs (btrfs on /dev/sdc)",
    ]  # fmt: skip
    root = next(mount for mount in mounts(proc=tmp_path) if mount.point == "/")
    assert (root.option("upperdir"), root.option("up")) == ("/run/live/overlay/rw", "")


def test_without_proc_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyquorumError, match="Mount /proc"):
        disks_in_use(proc=tmp_path)
