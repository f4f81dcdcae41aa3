"""What the pages of one escrow say: the manifest's facts as people read them.

Refused: an encrypted key that is not the one of the manifest, and words that are not those of the share.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keyquorum.errors import MalformedError, RefusedError, UsageError
from keyquorum.escrow.publickeys import ALGORITHMS
from keyquorum.identity.words import spoken
from keyquorum.paper.frames import short_id
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow, EscrowShare

Paper = Literal["A4", "Letter"]
PAPERS: tuple[Paper, ...] = ("A4", "Letter")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One escrow, to be put on paper of one size; everything in it is public.

    ``cms`` is the encrypted key (key.cms). Raises RefusedError if it is not the manifest's, UsageError for another
    size than A4 or Letter.
    """

    manifest: Signed[Escrow]
    cms: bytes
    paper: Paper = "A4"

    def __post_init__(self) -> None:
        if self.paper not in PAPERS:
            raise UsageError(f"paper is {' or '.join(PAPERS)}, not {self.paper!a}")
        if len(self.cms) != self.record.envelope_length or self.cms_digest != self.record.envelope:
            raise RefusedError(
                "the encrypted key is not the one that the manifest names", do="Use key.cms and escrow.json of one run."
            )

    @property
    def record(self) -> Escrow:
        """The manifest's record."""
        return self.manifest.record

    @property
    def cms_digest(self) -> bytes:
        """The SHA-256 of key.cms."""
        return hashlib.sha256(self.cms).digest()

    @property
    def public_digest(self) -> bytes:
        """The SHA-256 of the public key as SubjectPublicKeyInfo (DER)."""
        return hashlib.sha256(self.record.public_key).digest()

    @property
    def id_text(self) -> str:
        """The escrow's id as it stands on each page: 16 characters in groups of 4."""
        return grouped(short_id(self.manifest.id))

    @property
    def id_words(self) -> str:
        """The first 8 bytes of the escrow's id as words."""
        return spoken(self.manifest.id, 8)

    @property
    def maker(self) -> str:
        """The maker's name."""
        return self.record.maker.record.name

    @property
    def maker_words(self) -> str:
        """The first 4 bytes of the id of the maker's card as words."""
        return spoken(self.record.maker.id, 4)

    @property
    def created(self) -> datetime:
        """When the escrow was made, UTC."""
        return datetime.fromtimestamp(self.record.created, UTC)

    @property
    def zone(self) -> str:
        """The zone's name."""
        name = self.record.zone.to_text()
        return ". (the root)" if name == "." else name

    @property
    def key_tag(self) -> str:
        """The key tag, or that there is none."""
        return self.record.ds.split()[3] if self.record.ds else "none"

    @property
    def algorithm(self) -> str:
        """Name, number and size of the algorithm."""
        known = ALGORITHMS[self.record.algorithm]
        bits = f", {_modulus_bits(self.record.public_key)} bits" if known.bits else ""
        number = "experiment, without a DNSSEC number" if known.number is None else f"DNSSEC algorithm {known.number}"
        return f"{known.name} ({number}){bits}"

    @property
    def ds(self) -> str:
        """Key tag, algorithm, digest type and digest (in groups of 8) of the DS record, or that there is none."""
        if self.record.ds is None:
            return "none: the algorithm has no DNSSEC number"
        *_, tag, algorithm, kind, digest = self.record.ds.split()
        return f"{tag} {algorithm} {kind} {grouped(digest, 8)}"

    @property
    def needed(self) -> str:
        """How many shares are needed, in a few words."""
        if len(self.record.groups) == 1:
            return counted(self.record.groups[0].threshold, self.record.groups[0].size, "share")
        return counted(self.record.group_threshold, len(self.record.groups), "group")

    def share(self, number: int) -> EscrowShare:
        """Give share ``number`` (from 1); UsageError if there is none."""
        if not 1 <= number <= len(self.record.shares):
            raise UsageError(f"there is no share {number}", do=f"Shares are 1 to {len(self.record.shares)}.")
        return self.record.shares[number - 1]

    def group(self, number: int) -> str:
        """Name the group with this index (from 0)."""
        return self.record.groups[number].name or f"group {number + 1}"

    def check_words(self, number: int, words: str) -> None:
        """Raise RefusedError if ``words`` are not those of share ``number``, which would be printed as such."""
        found = hashlib.sha256(words.encode()).digest()
        if not hmac.compare_digest(found, self.share(number).fingerprint):
            raise RefusedError(f"these are not the words of share {number}", do="Nothing was drawn.")


def counted(least: int, size: int, what: str) -> str:
    """Say how many are needed: ``any 2 of 3 shares``, ``all 3 shares``, ``the one share``."""
    if size == 1:
        return f"the one {what}"
    return f"all {size} {what}s" if least == size else f"any {least} of {size} {what}s"


def capital(text: str) -> str:
    """Give ``text`` with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def grouped(text: str, size: int = 4) -> str:
    """Give ``text`` in groups with single blanks."""
    return " ".join(text[start : start + size] for start in range(0, len(text), size))


def _modulus_bits(public_key: bytes) -> int:
    try:
        key = load_der_public_key(public_key)
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise MalformedError("the manifest's public key is not an RSA key", where="public_key")
    return key.key_size
