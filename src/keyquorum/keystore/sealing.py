"""From a passphrase to sealed bytes: Argon2id for the key, XChaCha20-Poly1305 under it.

A keystore has one random data key; the passphrase only wraps it, so that changing the passphrase rewrites one header.
The header is readable without the passphrase, and a plain checksum over it says that it is intact *before* a check
value says whether the passphrase is right: that is how a wrong passphrase and a damaged file are told apart.

XChaCha20-Poly1305 and not AES-GCM: its 24-byte nonces may be random without counting, also after a keystore is
restored from a backup, and it is constant time on every processor. Each sealed entry is bound to its keystore, form,
kind and name, so that no two can be swapped. Refuses headers of other versions and costs no machine should be asked.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import ClassVar

import nacl.exceptions
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as _decrypt
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as _encrypt
from nacl.pwhash import argon2id

from keyquorum.errors import DamagedKeystoreError, KeystoreError, UsageError, WrongPassphraseError
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import digest

_KEY, _NONCE, _ID, _SALT = 32, 24, 16, argon2id.SALTBYTES
_MAGIC = b"keyquorum keystore"
_VERSION = 1
_FIXED = struct.Struct(f">{_ID}sII{_SALT}s{_KEY}s{_NONCE + _KEY + 16}s")
_SUM = struct.Struct(">32sQ")
_SUM_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of a passphrase costs: ``passes`` over ``memory_kib`` KiB (RFC 9106; one lane).

    DEFAULT is 256 MiB and about a second; TEST is no protection at all.
    """

    passes: int
    memory_kib: int

    DEFAULT: ClassVar["Cost"]
    TEST: ClassVar["Cost"]

    def __post_init__(self) -> None:
        if not (1 <= self.passes <= 1 << 10 and 8 <= self.memory_kib <= 1 << 22):
            raise UsageError("Argon2id takes 1 to 1024 passes over 8 KiB to 4 GiB")


Cost.DEFAULT = Cost(passes=6, memory_kib=256 * 1024)
Cost.TEST = Cost(passes=1, memory_kib=8)


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a keystore that is read without the passphrase; holds nothing secret by itself."""

    keystore_id: bytes
    owner: str
    cost: Cost
    salt: bytes
    check: bytes
    wrapped: bytes

    def encode(self) -> bytes:
        """Give the bytes kept in the file: magic, version, fixed fields, owner, SHA-256 of all that."""
        fixed = _FIXED.pack(
            self.keystore_id, self.cost.passes, self.cost.memory_kib, self.salt, self.check, self.wrapped
        )
        body = _MAGIC + bytes([_VERSION]) + fixed + self.owner.encode()
        return body + hashlib.sha256(body).digest()

    @staticmethod
    def decode(data: object, where: str) -> "Header":
        """Read the bytes of ``encode``.

        Raises DamagedKeystoreError, or KeystoreError for an intact header of another version.
        """
        start = len(_MAGIC) + 1
        if not isinstance(data, bytes) or len(data) < start + _FIXED.size + 32:
            raise damaged("its header is missing or cut short", where)
        body, checksum = data[:-32], data[-32:]
        if hashlib.sha256(body).digest() != checksum or not body.startswith(_MAGIC):
            raise damaged("its header does not match its checksum", where)
        if body[start - 1] != _VERSION:
            raise KeystoreError(
                f"this keystore has version {body[start - 1]}, and only {_VERSION} is known here",
                where=where,
                do="Use the version of keyquorum that made it, or a newer one.",
            )
        keystore_id, passes, memory_kib, salt, check, wrapped = _FIXED.unpack_from(body, start)
        try:
            owner = body[start + _FIXED.size :].decode()
            return Header(keystore_id, owner, Cost(passes, memory_kib), salt, check, wrapped)
        except (UnicodeDecodeError, UsageError):
            raise damaged("its header holds values that are never written", where) from None


class Vault:
    """The data key of an open keystore, and what is done with it. Its repr shows nothing."""

    __slots__ = ("_data_key", "_id", "_mark_key", "_rng", "_seal_key")

    def __init__(self, data_key: bytes, keystore_id: bytes, rng: Rng) -> None:
        self._data_key = data_key
        self._seal_key = _derive(data_key, b"entries")
        self._mark_key = _derive(data_key, b"marks")
        self._id = keystore_id
        self._rng = rng

    def __repr__(self) -> str:
        return "<Vault>"

    def seal(self, form: str, kind: str, name: str, secret: bytes) -> bytes:
        """Seal one entry; gives 40 bytes more than ``secret`` has."""
        return _seal(self._seal_key, secret, self._bound(form, kind, name), self._rng)

    def unseal(self, form: str, kind: str, name: str, sealed: bytes) -> bytes:
        """Undo ``seal``; raises DamagedKeystoreError if it is not this entry of this keystore, unchanged."""
        try:
            return _unseal(self._seal_key, sealed, self._bound(form, kind, name))
        except nacl.exceptions.CryptoError:
            raise DamagedKeystoreError(f"the {form} {kind}/{name} is damaged") from None

    def mark(self, form: str, kind: str, name: str, sealed: bytes) -> int:
        """Give the keyed digest of one sealed entry, as one summand of the digest over all of them."""
        content = digest("keyquorum/keystore/mark/v1", self._bound(form, kind, name), sealed)
        return int.from_bytes(hashlib.blake2b(content, key=self._mark_key, digest_size=32).digest(), "big")

    def seal_total(self, total: "Total") -> bytes:
        """Seal the digest over all entries.

        It is sealed, not only stored, because somebody who saw the sums of several versions of the file could
        compute the sum of a mixture of them.
        """
        content = _SUM.pack((total.marks % _SUM_MODULUS).to_bytes(32, "big"), total.entries)
        return self.seal("total", "", "", content)

    def unseal_total(self, sealed: object, where: str) -> "Total":
        """Undo ``seal_total``; raises DamagedKeystoreError."""
        if not isinstance(sealed, bytes):
            raise damaged("the digest over its entries is missing", where)
        try:
            marks, entries = _SUM.unpack(self.unseal("total", "", "", sealed))
        except DamagedKeystoreError:
            raise damaged("the digest over its entries is damaged", where) from None
        return Total(int.from_bytes(marks, "big"), entries)

    def lock(self, passphrase: bytes, owner: str, cost: Cost) -> Header:
        """Wrap the data key under a passphrase: a header with a fresh salt."""
        if not passphrase:
            raise UsageError("the passphrase is empty", do="Give one of several random words.")
        salt = self._rng(_SALT)
        root = _stretch(passphrase, salt, cost)
        bare = Header(self._id, owner, cost, salt, _derive(root, b"check"), b"")
        return Header(
            self._id,
            owner,
            cost,
            salt,
            bare.check,
            _seal(_derive(root, b"wrap"), self._data_key, _bound_header(bare), self._rng),
        )

    def _bound(self, form: str, kind: str, name: str) -> bytes:
        return digest("keyquorum/keystore/entry/v1", self._id, form.encode(), kind.encode(), name.encode())


@dataclass(frozen=True, slots=True)
class Total:
    """The digest over a set of entries (the sum of their marks modulo 2^256) and how many they are."""

    marks: int = 0
    entries: int = 0

    def plus(self, mark: int) -> "Total":
        """Add one entry."""
        return Total((self.marks + mark) % _SUM_MODULUS, self.entries + 1)

    def minus(self, mark: int) -> "Total":
        """Take one entry away."""
        return Total((self.marks - mark) % _SUM_MODULUS, self.entries - 1)


def new_vault(rng: Rng) -> Vault:
    """Give a vault with a new random data key and keystore id."""
    return Vault(rng(_KEY), rng(_ID), rng)


def unlock(header: Header, passphrase: bytes, rng: Rng, where: str) -> Vault:
    """Open a vault; takes as long as its cost says.

    Raises WrongPassphraseError, DamagedKeystoreError (right passphrase, but the wrapped key is not what was
    written), KeystoreError if there is not enough memory.
    """
    root = _stretch(passphrase, header.salt, header.cost)
    if not hmac.compare_digest(_derive(root, b"check"), header.check):
        raise WrongPassphraseError(
            "the passphrase is wrong, and the header of the file is in order",
            where=where,
            do="Try again; capitals and the keyboard layout count.",
        )
    try:
        data_key = _unseal(_derive(root, b"wrap"), header.wrapped, _bound_header(header))
    except nacl.exceptions.CryptoError:
        raise damaged("its wrapped key was changed", where) from None
    return Vault(data_key, header.keystore_id, rng)


def damaged(what: str, where: str) -> DamagedKeystoreError:
    """Give the error for a damaged file."""
    return DamagedKeystoreError(
        f"the keystore is damaged: {what}", where=where, do="Keep the file, and restore the keystore from a backup."
    )


def _stretch(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    try:
        return argon2id.kdf(_KEY, passphrase, salt, cost.passes, cost.memory_kib * 1024)
    except nacl.exceptions.RuntimeError:
        raise KeystoreError(
            f"Argon2id needs {cost.memory_kib // 1024} MiB of memory and did not get it",
            do="Close other programs, or use a machine with more memory.",
        ) from None


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Give a key for one purpose: BLAKE2b (RFC 7693), keyed, with the purpose as its personal string."""
    return hashlib.blake2b(key=key, person=b"kq " + purpose, digest_size=_KEY).digest()


def _bound_header(header: Header) -> bytes:
    return digest(
        "keyquorum/keystore/header/v1",
        header.keystore_id,
        header.owner.encode(),
        struct.pack(">II", header.cost.passes, header.cost.memory_kib),
        header.salt,
    )


def _seal(key: bytes, secret: bytes, bound: bytes, rng: Rng) -> bytes:
    nonce = rng(_NONCE)
    return nonce + _encrypt(secret, bound, nonce, key)


def _unseal(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    if len(sealed) < _NONCE + 16:
        raise nacl.exceptions.CryptoError("too short")
    return _decrypt(sealed[_NONCE:], bound, sealed[:_NONCE], key)
