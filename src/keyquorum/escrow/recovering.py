"""An escrow back into its key: everything that can be checked before decryption is, and the key proves itself after.

Recovering revokes nothing: the shares, and every copy of key.cms, open the key for as long as they exist. Only a key
rollover ends that, or the destruction of so many shares that fewer than M are left.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyquorum.errors import KeyquorumError, RefusedError
from keyquorum.escrow.envelope import open_envelope, read_envelope
from keyquorum.escrow.keys import EscrowKey, from_pkcs8, verify
from keyquorum.escrow.shares import Share, combine
from keyquorum.maths.randomness import Rng
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow

_PROOF_TAG = b"keyquorum/escrow/proof/v1"


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill did: the sets of share numbers that the key was rebuilt from and signed with, verifiably."""

    sets: tuple[tuple[int, ...], ...]


def check_envelope(manifest: Signed[Escrow], cms: bytes) -> None:
    """Check, before anything is decrypted, that ``cms`` is the encrypted key of this escrow; raises RefusedError."""
    record = manifest.record
    if hashlib.sha256(cms).digest() != record.envelope:
        try:
            other = read_envelope(cms).recipient != record.recipient
        except KeyquorumError:
            other = False
        raise RefusedError(
            "this is the encrypted key of another escrow" if other else "the encrypted key was changed",
            where="key.cms",
            do="Take it from another copy of the key's pages; nothing was decrypted.",
        )


def recover(manifest: Signed[Escrow], cms: bytes, shares: Sequence[Share]) -> EscrowKey:
    """Give the key back from enough ``shares`` and the envelope; raises RefusedError or NotYetError.

    Shares that the manifest does not name are refused before they are combined, a changed envelope before it is
    decrypted, and a key with another public part than the manifest's before it is returned.
    """
    record = manifest.record
    check_envelope(manifest, cms)
    for share in shares:
        if record.share_with(share.fingerprint) is None:
            raise RefusedError("a share is not one of this escrow: its fingerprint is not in the manifest")
    with combine(shares) as kek, open_envelope(cms, kek.reveal()) as pkcs8:
        key = from_pkcs8(pkcs8.reveal(), record.algorithm)
    if key.public_key != record.public_key:
        key.wipe()
        raise RefusedError(
            "what was decrypted is another key than the one in the manifest",
            do="Trust neither: the manifest or the envelope was made to deceive.",
        )
    return key


def prove(manifest: Signed[Escrow], key: EscrowKey, rng: Rng) -> None:
    """Sign something new with ``key`` and verify it against the manifest's public key; raises SignatureError."""
    message = _PROOF_TAG + manifest.id + rng(32)
    verify(manifest.record.algorithm, manifest.record.public_key, message, key.sign(message))


def covering_sets(record: Escrow) -> tuple[tuple[int, ...], ...]:
    """Give sets of share numbers, each just enough to recover, that together use every share."""
    unused = {share.number for share in record.shares}
    members = [[share.number for share in record.shares if share.group == group] for group in range(len(record.groups))]
    sets = []
    while unused:
        ranked = sorted(range(len(members)), key=lambda group: -len(unused.intersection(members[group])))
        chosen: list[int] = []
        for group in ranked[: record.group_threshold]:
            numbers = sorted(members[group], key=lambda number: number not in unused)
            chosen += numbers[: record.groups[group].threshold]
        unused -= set(chosen)
        sets.append(tuple(sorted(chosen)))
    return tuple(sets)


def drill(manifest: Signed[Escrow], cms: bytes, shares: Mapping[int, Share], rng: Rng) -> Drill:
    """Rebuild the key from what was read back, in enough sets that every share is used once, and let each one sign.

    ``shares`` is every share of the manifest by its number. Raises what ``recover`` and ``prove`` raise.
    """
    sets = covering_sets(manifest.record)
    for numbers in sets:
        with recover(manifest, cms, [shares[number] for number in numbers]) as key:
            prove(manifest, key, rng)
    return Drill(sets)
