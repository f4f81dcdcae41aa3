"""An archive on disk: what was added is there, whatever is done to it is named, one adds at a time."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from keyquorum.archive import store
from keyquorum.archive.entries import Entry
from keyquorum.archive.facts import NotKeptError
from keyquorum.archive.store import CHAIN, FILES, Archive, adding
from keyquorum.errors import DamagedArchiveError, KeyquorumError, StorageError, UsageError
from tests.archive.matter import ceremony, ksr
from tests.quorum.village import sha256
from tests.threshold.cases import seeded

FILES_OF_IT = [ksr("one"), ksr("two"), ksr("three")]


def filled(path: Path, *files: bytes) -> Path:
    Archive.begin(path, 1, seeded("archive"))
    for number, file in enumerate(files or FILES_OF_IT, 1):
        add(path, file, f"file {number}")
    return path


def add(path: Path, file: bytes, name: str = "a file") -> tuple[Entry, bool]:
    with adding(path) as adder:
        return adder.add(BytesIO(file), name, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return filled(tmp_path / "archive")


def faults(path: Path) -> list[str]:
    done: list[int] = []
    archive = Archive.look(path)
    checked = archive.check(done.append)
    assert sum(done) == len(archive.entries)
    assert checked.unread == ()
    return [fault.what for fault in checked.faults]


def test_what_was_added_is_there(path: Path) -> None:
    archive = Archive.open(path)
    assert [entry.name for entry in archive.entries] == ["file 1", "file 2", "file 3"]
    assert [entry.sha256 for entry in archive.entries] == [sha256(file) for file in FILES_OF_IT]
    for entry, file in zip(archive.entries, FILES_OF_IT, strict=True):
        with archive.file(entry) as stream:
            assert stream.read() == file
        assert (path / FILES / entry.sha256.hex()).read_bytes() == file
    assert archive.chain.beginning is not None
    assert archive.chain.beginning.archive == seeded("archive")(16)
    assert faults(path) == []
    assert sorted(one.name for one in path.iterdir()) == [CHAIN, FILES]


def test_added_again_it_is_there_already(path: Path) -> None:
    before = (path / CHAIN).read_bytes()
    entry, new = add(path, FILES_OF_IT[1], "another name")
    assert (entry.number, entry.name, new) == (2, "file 2", False)
    assert (path / CHAIN).read_bytes() == before
    assert add(path, ksr("four"))[1]
    assert (path / CHAIN).read_bytes().startswith(before)


def test_all_files_of_a_signing(tmp_path: Path) -> None:
    made = ceremony()
    path = filled(tmp_path / "a", *made.files.values())
    kinds = [entry.facts.kind for entry in Archive.open(path).entries]
    assert kinds == ["ksr", "request", "partial", "partial", "response", "response-record"]
    assert faults(path) == []


@pytest.mark.parametrize("file", [b"", b"noise", b"{}", ceremony().quorum.dealing.shares[0].envelope])
def test_what_is_not_kept_leaves_nothing(path: Path, file: bytes) -> None:
    before = (path / CHAIN).read_bytes()
    with pytest.raises((NotKeptError, UsageError)):
        add(path, file)
    assert (path / CHAIN).read_bytes() == before
    assert len(list((path / FILES).iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "kept"), [("", "?"), (" ", "?"), ("a\nb\x1b", "a?b?"), ("x" * 300, "x" * 255), (" ä ", "ä")]
)
def test_odd_names(path: Path, name: str, kept: str) -> None:
    assert add(path, ksr("odd"), name)[0].name == kept
    assert faults(path) == []


def test_begun_once(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        Archive.begin(path, 1, os.urandom)
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", tmp_path / "none" / "archive"):
        with pytest.raises(StorageError):
            Archive.begin(place, 1, os.urandom)
    # What was left of an attempt that was stopped half-way is no obstacle.
    (tmp_path / "half" / FILES).mkdir(parents=True)
    (tmp_path / "half" / f"{CHAIN}.unfinished-1").write_bytes(b"x")
    Archive.begin(tmp_path / "half", 1, os.urandom)
    assert Archive.open(tmp_path / "half").entries == ()
    # Two archives are never the same.
    Archive.begin(tmp_path / "other", 1, os.urandom)
    assert Archive.open(tmp_path / "half").chain.head != Archive.open(tmp_path / "other").chain.head


def test_no_archive_here(tmp_path: Path) -> None:
    for look in (Archive.look, Archive.open, lambda place: adding(place).__enter__()):
        with pytest.raises(UsageError, match="there is no archive here"):
            look(tmp_path)


def test_one_adds_at_a_time_and_anybody_reads(path: Path) -> None:
    with adding(path) as adder:
        with pytest.raises(UsageError, match="somebody else is adding"), adding(path):
            pass
        adder.add(BytesIO(ksr("four")), "four", 3)
        assert len(Archive.open(path).entries) == 4
        adder.add(BytesIO(ksr("five")), "five", 3)
        assert adder.head == Archive.open(path).chain.head
    assert add(path, ksr("six"))[0].number == 6
    assert faults(path) == []


def lines(path: Path) -> list[bytes]:
    return (path / CHAIN).read_bytes().splitlines(keepends=True)


def put(path: Path, *new: bytes) -> None:
    (path / CHAIN).write_bytes(b"".join(new))


def changed_entry(path: Path) -> None:
    old = lines(path)
    put(path, old[0], old[1].replace(b"file 1", b"file 9"), *old[2:])


def changed_file(path: Path) -> None:
    file = path / FILES / sha256(FILES_OF_IT[1]).hex()
    file.write_bytes(file.read_bytes().replace(b"two", b"tow", 1))


def missing_file(path: Path) -> None:
    (path / FILES / sha256(FILES_OF_IT[1]).hex()).unlink()


def false_facts(path: Path) -> None:
    """The last entry, so that the chain holds."""
    old = lines(path)
    put(path, *old[:3], old[3].replace(b'"id":"three"', b'"id":"four"'))


def false_length(path: Path) -> None:
    old = lines(path)
    length = json.loads(old[3])["length"]
    put(path, *old[:3], old[3].replace(b'"length":%d' % length, b'"length":%d' % (length + 1)))


def other_file(path: Path) -> None:
    files = [path / FILES / sha256(file).hex() for file in FILES_OF_IT[:2]]
    shutil.copy(files[0], files[1])


TAMPERING: list[tuple[Callable[[Path], None], str, bool]] = [
    (changed_entry, "entry 1 was changed: entry 2 names another one", True),
    (lambda path: put(path, *lines(path)[:2], lines(path)[3]), "entry 2 is missing", True),
    (lambda path: put(path, *[lines(path)[place] for place in (0, 1, 3, 2)]), "entry 3 was moved", True),
    (changed_file, "the file of entry 2 was changed", False),
    (other_file, "the file of entry 2 was changed", False),
    (missing_file, "the file of entry 2 is missing", False),
    (false_facts, "entry 3 does not say what its file says", False),
    (false_length, "entry 3 does not say what its file says", False),
    (put, "the archive has no beginning: its file is empty or was cut off", True),
]


@pytest.mark.parametrize(("tamper", "what", "in_chain"), TAMPERING, ids=[what for _, what, _ in TAMPERING])
def test_tampering_is_named(path: Path, tamper: Callable[[Path], None], what: str, in_chain: bool) -> None:
    tamper(path)
    assert what in faults(path)
    if not in_chain:
        assert faults(path) == [what]
        assert len(Archive.open(path).entries) == 3
        return
    for use in (Archive.open, lambda place: adding(place).__enter__()):
        with pytest.raises(DamagedArchiveError) as caught:
            use(path)
        assert what in str(caught.value)


def test_a_changed_file_is_not_given_out(path: Path) -> None:
    changed_file(path)
    archive = Archive.open(path)
    with pytest.raises(DamagedArchiveError, match="the file of entry 2 was changed"), archive.file(archive.entries[1]):
        pass
    missing_file(path)
    with pytest.raises(DamagedArchiveError, match="the file of entry 2 is missing"), archive.file(archive.entries[1]):
        pass


def test_a_file_that_this_version_cannot_read_is_no_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_old(_stream: object, _sha256: bytes) -> None:
        raise KeyquorumError("a version that is not known")

    monkeypatch.setattr(store, "facts_of", too_old)
    checked = Archive.open(path).check(lambda _: None)
    assert (checked.faults, checked.unread) == ((), (1, 2, 3))


@pytest.mark.parametrize("tail", [b"{", b'{"added":2}', b"\0" * 700, b"x" * 9000])
def test_an_entry_that_was_never_finished_goes_with_the_next_one(path: Path, tail: bytes) -> None:
    before = (path / CHAIN).read_bytes()
    (path / CHAIN).write_bytes(before + tail)
    assert len(Archive.open(path).entries) == 3
    assert Archive.open(path).chain.unfinished == len(tail)
    assert faults(path) == []
    with adding(path) as adder:
        assert adder.dropped == len(tail)
        # Looking alone changes nothing.
        assert (path / CHAIN).read_bytes() == before + tail
        assert adder.add(BytesIO(ksr("four")), "four", 2)[0].number == 4
    assert faults(path) == []
    assert (path / CHAIN).read_bytes().startswith(before + b'{"added":2')


def test_a_file_that_an_earlier_attempt_left(path: Path) -> None:
    file = ksr("four")
    place = path / FILES / sha256(file).hex()
    place.write_bytes(file)
    assert add(path, file)[0].number == 4
    other = ksr("five")
    (path / FILES / sha256(other).hex()).write_bytes(b"something else")
    with pytest.raises(DamagedArchiveError, match="a file of the archive was changed"):
        add(path, other)
    assert faults(path) == []


def test_a_file_that_changes_while_it_is_read(path: Path) -> None:
    class Moving(BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            if self.tell() == len(self.getvalue()) and found:
                self.reads += 1
                if self.reads == 3:  # for the digest, to see what it is, and to read it
                    self.getbuffer()[200] ^= 1
            return found

    with pytest.raises(UsageError, match="changed while it was read"), adding(path) as adder:
        adder.add(Moving(ksr("four")), "four", 2)
    assert len(list((path / FILES).iterdir())) == 3


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_after_a_failure_of_the_disk_nothing_more_is_added(
    path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file, of its name, of the line, of its end: the archive is what it was, and this object is of no use."""
    calls = 0

    def fsync(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(errno.EIO, "Input/output error")

    with adding(path) as adder:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match="Input/output error"):
            adder.add(BytesIO(ksr("four")), "four", 2)
        if at > 2:
            with pytest.raises(StorageError, match="the disk failed before"):
                adder.add(BytesIO(ksr("four")), "four", 2)
        monkeypatch.undo()
    assert faults(path) == []
    assert len(Archive.open(path).entries) == 3
    assert add(path, ksr("four"))[0].number == 4


def test_an_archive_that_cannot_be_made_to_last_is_not_added_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="Input/output error"), adding(path):
        pass


def test_a_chain_longer_than_any(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHAIN_LIMIT", 1 << 10)
    with pytest.raises(DamagedArchiveError, match="longer than"):
        Archive.look(path)
