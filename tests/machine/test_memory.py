"""Memory is locked and not dumped; where it cannot be, that is said, and the process goes on as it was."""

from pathlib import Path

import pytest

from tests.machine.child import locks, run, without_rights

LOCK = """
import os, re, sys
from pathlib import Path
from keyquorum.errors import KeyquorumError
from keyquorum.machine.memory import ROOM, core_dumps_are_off, lock_memory, memory_is_locked

def locked_kib():
    return int(re.search(r"VmLck:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
# What a ceremony does to memory: large libraries, threads with stacks of their own, a stack that grows, large blocks.
WORK = """
def work():
    import threading
    import gmpy2, pypdfium2, zxingcpp, PIL.Image
    from cryptography.hazmat.primitives.asymmetric import rsa
    PIL.Image.new("L", (2480, 3508)).rotate(2)
    def deep(left):
        return left and max((deep(left - 1),), key=lambda one: one)
    sys.setrecursionlimit(12000)
    done = []
    def one():
        deep(100)
        done.append(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    threads = [threading.Thread(target=one) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(done) == 8
    deep(5000)
    assert len(bytes(100 << 20)) == 100 << 20
    document = pypdfium2.PdfDocument.new()
    document.new_page(595, 842)
    document[0].render(scale=4)
"""


@locks
@pytest.mark.parametrize("first", ["lock", "work"])
def test_everything_works_in_locked_memory(first: str) -> None:
    both = "lock_memory(); work()" if first == "lock" else "work(); lock_memory(); work()"
    done = run(LOCK + WORK + both + "; lock_memory(); assert memory_is_locked(); print(locked_kib())")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10_000


@locks
def test_memory_that_comes_later_is_locked_too() -> None:
    code = """
import mmap
lock_memory()
block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block[:] = b"x" * len(block)
for one in re.split(r"\\n(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text()):
    if re.search(r"^Size: +1024 kB$", one, re.M) and "[" not in one.splitlines()[0]:
        print(re.search(r"^Locked: +(\\d+) kB$", one, re.M)[1])
"""
    done = run(LOCK + code)
    assert done.returncode == 0, done.stderr
    assert "1024" in done.stdout.split()


@locks
def test_a_child_is_not_locked_until_it_locks() -> None:
    code = """
lock_memory()
child = os.fork()
if child == 0:
    before = memory_is_locked(), core_dumps_are_off()
    lock_memory()
    os._exit(0 if before == (False, True) and memory_is_locked() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    done = run(LOCK + code)
    assert done.returncode == 0, done.stderr


@locks
def test_no_core_dump(tmp_path: Path) -> None:
    code = """
import resource
os.chdir(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
for lock in (False, True):
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        if lock:
            lock_memory()
        os.abort()
    status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == 6
    print(os.WCOREDUMP(status))
"""
    done = run(LOCK + code, str(tmp_path))
    assert done.returncode == 0, done.stderr
    without, with_lock = done.stdout.split()
    if without == "False":
        pytest.skip("this machine dumps no core of anything")
    assert with_lock == "False"


GOES_ON = """
try:
    lock_memory()
except KeyquorumError as error:
    print(error)
assert not memory_is_locked() and locked_kib() == 0
assert core_dumps_are_off()
work()
"""


def test_a_limit_that_binds_is_refused_and_harms_nothing() -> None:
    done = run(LOCK + WORK + GOES_ON, before=without_rights("65536"))
    assert done.returncode == 0, done.stderr
    assert "memory cannot be locked (Cannot allocate memory; the limit on locked memory is 64 KiB)" in done.stdout
    assert "ulimit -l unlimited" in done.stdout


@locks
def test_no_room_to_grow_is_refused_and_harms_nothing() -> None:
    done = run(LOCK + WORK + GOES_ON, before=("prlimit", "--as=1900000000"))
    assert done.returncode == 0, done.stderr
    assert "memory cannot be locked (the process could not grow by 2048 MiB" in done.stdout


def test_a_limit_that_may_be_raised_is_raised() -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]))
hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
try:
    lock_memory()
except KeyquorumError:
    pass
soft, now = resource.getrlimit(resource.RLIMIT_MEMLOCK)
assert soft == now and now in (hard, -1), (soft, now, hard)
"""
    done = run(LOCK + code)
    assert done.returncode == 0, done.stderr
