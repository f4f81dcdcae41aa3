"""A load that is killed at any call: what is left is never taken for whole, and the next load completes it."""

import os
import traceback

import pytest

from keyquorum.tokens.loading import CREATED, THERE_ALREADY, load
from keyquorum.tokens.objects import objects_of
from keyquorum.tokens.wiping import wipe
from tests.keystore.seeded import seeded
from tests.tokens.conftest import Faults
from tests.tokens.keys import PLACING, key
from tests.tokens.softhsm import Soft, finalise

KILLED = 9


def killed(shim: Soft) -> bool:
    """Load in a child process; whether that was killed on the way."""
    finalise()
    pid = os.fork()
    if pid == 0:
        try:
            with shim.open() as token:
                load(token, key("ECDSAP256SHA256"), PLACING, seeded(1))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in {0, KILLED}
    return os.waitstatus_to_exitcode(status) == KILLED


@pytest.mark.parametrize("create", ["", "no-private loose-unwrap"])
def test_killed_at_any_call(shim: Soft, faults: Faults, create: str) -> None:
    key("ECDSAP256SHA256")
    paths, loose, call = set(), set(), 0
    while True:
        call += 1
        faults(create, f"die-after={call}")
        if not killed(shim):
            break
        faults()
        with shim.open() as token:
            left = [one.kind for one in objects_of(token)]
            assert set(left) <= {"private", "public"}
            assert len(left) == len(set(left))
            done = load(token, key("ECDSAP256SHA256"), PLACING, seeded(2))
            both = objects_of(token)
            assert sorted(one.kind for one in both) == ["private", "public"]
            assert done.was_there == ("private" in left)
            paths.add(done.path)
            loose |= {one.name for one in done.deviations}
            assert wipe(token, both).kept == ()
    assert call > 3
    assert paths == {THERE_ALREADY} | ({CREATED} if create else set())
    # What was killed before it was set right is not passed over.
    assert loose == ({"CKA_SENSITIVE", "CKA_EXTRACTABLE"} if create else set())
