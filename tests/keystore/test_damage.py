"""A damaged file is told from a wrong passphrase, whichever byte is wrong; and nobody can mix old and new entries."""

import hashlib
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from keyquorum.errors import DamagedKeystoreError, KeystoreError, UsageError, WrongPassphraseError
from keyquorum.keystore import Cost, Keystore
from keyquorum.keystore.sealing import Header, Vault, new_vault, unlock
from tests.keystore.scenario import contents, digest_of
from tests.keystore.seeded import seeded

PASSPHRASE = b"right"


@pytest.fixture
def path(memory_path: Path) -> Path:
    path = memory_path / "k"
    Keystore.create(path, PASSPHRASE, "alice", seeded(1), cost=Cost.TEST, secrets={("share", "a"): b"one" * 20})
    with Keystore.open(path, PASSPHRASE, seeded(2)) as keystore:
        keystore.put("share", "b", b"two" * 400)
        keystore.put("nonce", "n", b"used up")
        keystore.answer_once("nonce", "n", digest_of("n"), lambda _secret: b"answer")
        keystore.note("request", "r", b"note")
        keystore.put("share", "gone", bytes(3000))
        keystore.delete("share", "gone")  # leaves a free page
    return path


def opened(path: Path, passphrase: bytes = PASSPHRASE) -> dict[str, str]:
    with Keystore.open(path, passphrase) as keystore:
        return contents(keystore) | {"owner": keystore.owner}


def test_every_byte_flipped(path: Path) -> None:
    chance = random.Random(3)
    raw, good = path.read_bytes(), opened(path)
    flips = [(at, 1 << bit) for at in range(110) for bit in range(8)]
    flips += [(at, chance.randrange(1, 256)) for at in range(110, len(raw))]
    harmless = noticed = 0
    descriptor = os.open(path, os.O_RDWR)
    for at, mask in flips:
        os.pwrite(descriptor, bytes([raw[at] ^ mask]), at)
        try:
            assert opened(path) == good, at
            harmless += 1
        except DamagedKeystoreError:
            noticed += 1
        os.pwrite(descriptor, raw[at : at + 1], at)
    os.close(descriptor)
    assert path.read_bytes() == raw
    assert list(path.parent.iterdir()) == [path]
    assert noticed > 2000
    assert harmless > 1000  # what SQLite does not use


def test_cut_short_or_with_rubbish_after_it(path: Path) -> None:
    raw, good = path.read_bytes(), opened(path)
    for length in [*range(0, len(raw), 61), len(raw) - 1]:
        path.write_bytes(raw[:length])
        try:
            assert opened(path) == good
        except DamagedKeystoreError:
            continue
        assert length > len(raw) - 4096  # the free page at the end
    for rubbish in (b"\0", bytes(4096), raw):
        path.write_bytes(raw + rubbish)
        assert opened(path) == good


@pytest.mark.parametrize("versions", [b"\2\2", b"\1\2", b"\2\1"])
def test_made_to_look_like_one_with_a_write_ahead_log(versions: bytes, path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:18] + versions + raw[20:])
    with pytest.raises(DamagedKeystoreError, match="first bytes"):
        opened(path)
    assert list(path.parent.iterdir()) == [path]


def test_blocks_of_zeros_and_of_another_keystore(path: Path) -> None:
    raw, good = path.read_bytes(), opened(path)
    other = path.with_name("other")
    Keystore.create(other, PASSPHRASE, "alice", seeded(9), cost=Cost.TEST, secrets={("share", "a"): b"one" * 20})
    foreign = other.read_bytes().ljust(len(raw), b"\0")
    for at in range(0, len(raw), 512):
        for block in (bytes(512), foreign[at : at + 512]):
            path.write_bytes(raw[:at] + block + raw[at + 512 :])
            try:
                assert opened(path) == good
            except DamagedKeystoreError:
                assert raw[at : at + 512] != block


def test_wrong_passphrase_is_said_so(path: Path) -> None:
    for passphrase in (b"", b"Right", b"right "):
        with pytest.raises(WrongPassphraseError):
            opened(path, passphrase)


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"SQLite format 3\0\x10\0\1\1" + bytes(5000)])
def test_other_files(content: bytes, memory_path: Path) -> None:
    path = memory_path / "x"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(DamagedKeystoreError):
        opened(path)
    assert path.read_bytes() == content


def test_another_database(memory_path: Path) -> None:
    path = memory_path / "x"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entry (a)")
    connection.close()
    path.chmod(0o600)
    with pytest.raises(DamagedKeystoreError, match="tables"):
        opened(path)


Meddle = Callable[[sqlite3.Connection], object]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM entry WHERE form = 'answer'", "missing"),
        ("DELETE FROM entry", "missing"),
        ("UPDATE entry SET name = 'c' WHERE name = 'b'", "share/c is damaged"),
        ("UPDATE entry SET form = 'secret' WHERE form = 'answer'", "nonce/n is damaged"),
        ("UPDATE entry SET sealed = 'text' WHERE name = 'b'", "share/b is damaged"),
        ("UPDATE entry SET sealed = x'00' WHERE name = 'b'", "share/b is damaged"),
        ("UPDATE entry SET kind = x'00ff' WHERE name = 'b'", "no proper name"),
        (
            "UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE name = 'a') WHERE name = 'b'",
            "share/b is damaged",
        ),
        ("INSERT INTO entry SELECT form, kind, 'new', sealed FROM entry WHERE name = 'a'", "share/new is damaged"),
        ("DELETE FROM head", "header is missing"),
        ("DELETE FROM head WHERE part = 1", "digest over its entries is missing"),
        ("UPDATE head SET value = x'00' WHERE part = 1", "digest over its entries is damaged"),
        ("UPDATE head SET value = substr(value, 1, 40) WHERE part = 0", "header is missing or cut short"),
        ("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END", "tables"),
    ],
)
def test_meddling_is_noticed(statement: str, says: str, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(DamagedKeystoreError, match=says):
        opened(path)


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT * FROM {table}").fetchall()
    connection.close()
    return found


def test_one_entry_cannot_be_old(path: Path) -> None:
    old, old_head = rows(path, "entry"), rows(path, "head")
    with Keystore.open(path, PASSPHRASE) as keystore:
        keystore.put("share", "b", b"newer", replace=True)
        keystore.put("nonce", "m", b"fresh")
        before_use = rows(path, "entry")
        keystore.answer_once("nonce", "m", digest_of("m"), lambda _secret: b"answer")
    raw = path.read_bytes()
    for table, replaced in (("entry", old), ("head", old_head[1:]), ("entry", before_use)):
        connection = sqlite3.connect(path)
        marks = ", ".join("?" * len(replaced[0]))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", replaced)
        connection.commit()
        connection.close()
        with pytest.raises(DamagedKeystoreError, match="older copy"):
            opened(path)
        path.write_bytes(raw)
    opened(path)


def header() -> Header:
    return new_vault(seeded(1)).lock(PASSPHRASE, "alice", Cost.TEST)


def signed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def test_header_round_trip() -> None:
    assert Header.decode(header().encode(), "x") == header()


def test_header_of_another_version_or_with_mad_costs() -> None:
    body = header().encode()[:-32]
    with pytest.raises(KeystoreError, match="version 2") as caught:
        Header.decode(signed(body[:18] + b"\2" + body[19:]), "x")
    assert not isinstance(caught.value, DamagedKeystoreError)
    for passes, memory in ((0, 8), (2000, 8), (1, 4), (1, 1 << 31)):
        mad = passes.to_bytes(4, "big") + memory.to_bytes(4, "big")
        with pytest.raises(DamagedKeystoreError, match="never written"):
            Header.decode(signed(body[:35] + mad + body[43:]), "x")
    with pytest.raises(DamagedKeystoreError, match="never written"):
        Header.decode(signed(body + b"\xff"), "x")


def test_a_wrapped_key_that_was_exchanged() -> None:
    mine, other = header(), new_vault(seeded(2)).lock(PASSPHRASE, "alice", Cost.TEST)
    forged = Header(mine.keystore_id, mine.owner, mine.cost, mine.salt, mine.check, other.wrapped)
    with pytest.raises(DamagedKeystoreError, match="wrapped key"):
        unlock(forged, PASSPHRASE, seeded(3), "x")
    renamed = Header(mine.keystore_id, "eve", mine.cost, mine.salt, mine.check, mine.wrapped)
    with pytest.raises(DamagedKeystoreError, match="wrapped key"):
        unlock(renamed, PASSPHRASE, seeded(3), "x")


def test_seals_are_bound_to_their_place() -> None:
    vault, other = Vault(b"k" * 32, b"1" * 16, seeded(1)), Vault(b"k" * 32, b"2" * 16, seeded(1))
    sealed = vault.seal("secret", "kind", "name", b"x")
    assert vault.unseal("secret", "kind", "name", sealed) == b"x"
    for who, form, kind, name in [
        (other, "secret", "kind", "name"), (vault, "note", "kind", "name"), (vault, "secret", "kin", "dname"),
    ]:  # fmt: skip
        with pytest.raises(DamagedKeystoreError):
            who.unseal(form, kind, name, sealed)
        assert who.mark(form, kind, name, sealed) != vault.mark("secret", "kind", "name", sealed)


def test_costs() -> None:
    assert (Cost.DEFAULT.passes, Cost.DEFAULT.memory_kib) == (6, 262_144)
    for passes, memory in ((0, 8), (1, 7), (1025, 8), (1, (1 << 22) + 1)):
        with pytest.raises(UsageError):
            Cost(passes, memory)


def test_argon2id_is_argon2id() -> None:
    """The same key from an implementation that is not libsodium's."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    from keyquorum.keystore.sealing import _stretch

    judge = Argon2id(salt=b"s" * 16, length=32, iterations=3, lanes=1, memory_cost=64)
    assert _stretch(b"pass", b"s" * 16, Cost(3, 64)) == judge.derive(b"pass")


def test_not_enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(Cost, "__post_init__", lambda _self: None)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, hard))
    try:
        with pytest.raises(KeystoreError, match="needs 4095 MiB of memory"):
            new_vault(seeded(1)).lock(PASSPHRASE, "alice", Cost(1, 4095 << 10))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
