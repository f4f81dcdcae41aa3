"""Runs in a child process on the watched disk (tests/keystore/disk.c): begins an archive, adds to it, says so.

Marks as in tests/keystore/scenario.py: ``may STATE`` before a step, ``is STATE`` when it has returned or its result was
seen. A state is the list of the files' SHA-256 in their order, or null while there is no archive. After a failure of
the disk it does what a person does: opens the archive to add to it, looks, and repeats the step if it was not done.

    python -m tests.archive.scenario LIBRARY OUT RUNS     RUNS: [[kind, at, lasting, drop], ...]
"""

import hashlib
import json
import os
import sys
from io import BytesIO
from pathlib import Path

from keyquorum.archive.store import Archive, adding
from keyquorum.errors import StorageError, UsageError
from tests.keystore.scenario import Watched

ARCHIVE = "archive"
State = list[str] | None
_HEAD = '<KSR id="%s" domain="." serial="1"><Request><RequestPolicy><ZSK>%s</ZSK></RequestPolicy>%s</Request></KSR>'
_POLICY = (
    "<PublishSafety>P1D</PublishSafety><RetireSafety>P1D</RetireSafety><MaxSignatureValidity>P1D</MaxSignatureValidity>"
    "<MinSignatureValidity>P1D</MinSignatureValidity><MaxValidityOverlap>P1D</MaxValidityOverlap>"
    "<MinValidityOverlap>P1D</MinValidityOverlap>"
    '<SignatureAlgorithm algorithm="13"><ECDSA size="256"/></SignatureAlgorithm>'
)
_BUNDLE = (
    '<RequestBundle id="b"><Inception>2026-01-01T00:00:00</Inception><Expiration>2026-02-01T00:00:00</Expiration>'
    '<Key keyTag="%d"><TTL>1</TTL><Flags>256</Flags><Protocol>3</Protocol><Algorithm>250</Algorithm>'
    "<PublicKey>%s</PublicKey></Key>"
    "<Signature><TTL>1</TTL><TypeCovered>DNSKEY</TypeCovered><Algorithm>250</Algorithm><Labels>0</Labels>"
    "<OriginalTTL>1</OriginalTTL><SignatureExpiration>20260101000000</SignatureExpiration>"
    "<SignatureInception>20260101000000</SignatureInception><KeyTag>1</KeyTag><SignersName>.</SignersName>"
    "<SignatureData>AAAA</SignatureData></Signature></RequestBundle>"
)


def ksr(name: str, padding: int) -> bytes:
    """A KSR that is well-formed and nothing else; quick to make, with a key of 3 * ``padding`` bytes of nothing."""
    tag = 256 + 3 * 256 + 250  # RFC 4034 appendix B over zeros
    return (_HEAD % (name, _POLICY, _BUNDLE % (tag, "AAAA" * padding))).encode()


FILES = [ksr("first", 1), ksr("second", 900), ksr("an id that is longer than the others" * 9, 1), ksr("last", 10)]


def shown(archive: Archive) -> list[str]:
    """Every entry's SHA-256, after everything was looked at."""
    archive.refuse_faults()
    checked = archive.check(lambda _: None)
    assert not checked.faults, checked.faults
    assert not checked.unread
    return [entry.sha256.hex() for entry in archive.entries]


def state_of(path: Path) -> State:
    """What a person finds there."""
    try:
        return shown(Archive.look(path))
    except UsageError:  # none there
        return None


def state_after_opening(path: Path) -> State:
    """What is there once somebody has opened the archive to add to it, which makes it last."""
    try:
        with adding(path):
            return state_of(path)
    except UsageError:
        return None


def mark(disk: Watched, word: str, state: State) -> None:
    disk.mark(word, state)  # type: ignore[arg-type]


def run(disk: Watched, path: Path) -> int:
    """All steps; gives how many failures of the disk there were."""
    failures = 0
    state: State = None
    todo = [None, *FILES]
    mark(disk, "is", state)
    while todo:
        file = todo[0]
        new = [] if file is None else [*(state or []), sha256(file)]
        mark(disk, "may", new)
        try:
            if file is None:
                Archive.begin(path, 1, os.urandom)
            else:
                with adding(path) as adder:
                    adder.add(BytesIO(file), "a file", 2)
            state = new
            del todo[0]
        except StorageError:
            failures += 1
            disk.heal()
            seen = state_after_opening(path)
            assert seen in (state, new), f"neither old nor new: {seen}"
            if seen == state:
                continue  # what was not acknowledged may turn up after all, and does no harm
            state = seen
            del todo[0]
        mark(disk, "is", state)
    return failures


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    library, out, runs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    disk = Watched(library)
    results = []
    for number, (kind, at, lasting, drop) in enumerate(runs):
        directory, record = out / f"run-{number}", out / f"record-{number}"
        path = directory / ARCHIVE
        directory.mkdir()
        disk.start(path, record, kind, at, lasting, drop)
        try:
            failures = run(disk, path)
        except Exception as error:
            raise AssertionError(f"run {number} {(kind, at, lasting, drop)}") from error
        results.append({"failures": failures, "counts": disk.counts()})
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
