"""Escrows whose manifests these tests judge shares against, and shares that somebody made up."""

from dataclasses import replace
from functools import cache

from shamir_mnemonic.share import Share as LibraryShare  # type: ignore[import-untyped]

from keyquorum.escrow.candidates import Expected
from keyquorum.escrow.keys import generate
from keyquorum.escrow.making import Made
from keyquorum.escrow.shares import Share, Sharing, header, read_share
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow
from tests.escrow.villages import MAKER, escrowed
from tests.threshold.cases import seeded

PLAIN = Sharing(1, ((3, 7),))
SITES = Sharing(2, ((2, 3), (2, 3), (2, 3)))


@cache
def made(sharing: Sharing = PLAIN, seed: int = 1) -> Made:
    """Give an escrow of an Ed25519 key, the same for the same seed."""
    return escrowed(generate("ED25519", None, seeded("key", seed)), sharing, seed=seed)


def resigned(manifest: Signed[Escrow], **changes: object) -> Signed[Escrow]:
    """Give the manifest with some fields changed, signed again by its maker."""
    return ESCROW.sign(replace(manifest.record, **changes), MAKER)  # type: ignore[arg-type]


def forged(share: Share, **changes: object) -> Share:
    """Give a share with other numbers or another value, and a checksum that is right."""
    real = LibraryShare.from_mnemonic(share.text)
    return read_share(LibraryShare(**{**vars(real), **changes}).mnemonic())


def expected(share: Share) -> Expected:
    """Give what a manifest says of ``share``."""
    numbers = (share.group, share.group_threshold, share.group_count, share.member, share.member_threshold)
    return Expected(share.fingerprint, header(share.identifier, *numbers))
