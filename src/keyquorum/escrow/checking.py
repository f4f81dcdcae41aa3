"""What a page or typed words are, against the manifest; and the shares given so far, on the way to a recovery.

One page is judged by itself: nothing is rebuilt for it. A share is known by its fingerprint in the signed manifest, so
one that was forged, swapped or brought from another escrow is named before any key is touched. No message holds a word
of a share; a proposal does, for the eyes of the person who holds the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import KeyquorumError, MalformedError, NotYetError, RefusedError, UsageError
from keyquorum.escrow.candidates import Expected
from keyquorum.escrow.proposals import EFFORT, Proposal, propose
from keyquorum.escrow.publickeys import dnskey_of
from keyquorum.escrow.rs1024 import single_error, syndromes
from keyquorum.escrow.secret import Secret
from keyquorum.escrow.shares import Share, combine, header, share_of, unknown_words
from keyquorum.escrow.wordlist import WORD_COUNT, WORDS, read_words
from keyquorum.identity.words import spoken
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow, EscrowShare

PAGE_ID_LENGTH = 10
"""Bytes of the escrow id that stand in a page's codes."""


class FindingKind(Enum):
    """What words can be."""

    INTACT = "intact"
    CORRECTABLE = "correctable"
    UNREADABLE = "unreadable"
    OTHER_ESCROW = "other escrow"
    FORGED = "forged"
    SWAPPED = "swapped label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found: ``what`` it is, what to ``do``, and which share of the manifest (``entry``) where that is known.

    ``share`` is there for an intact one, ``proposal`` for one that can be corrected; both are secret.
    """

    kind: FindingKind
    what: str
    do: str = ""
    entry: EscrowShare | None = None
    share: Share | None = field(default=None, repr=False)
    proposal: Proposal | None = field(default=None, repr=False)

    @property
    def intact(self) -> bool:
        """Whether these are the words of a share of this escrow, all right as they are."""
        return self.kind is FindingKind.INTACT

    @property
    def number(self) -> int | None:
        """The number of the share, where it is known which one it is."""
        return self.entry.number if self.entry else None

    def corrected(self) -> "Finding":
        """Give the finding for the proposed words, once a person agreed to each; UsageError if there is no proposal."""
        if self.proposal is None or self.entry is None:
            raise UsageError("there is nothing to correct", do="Look at what was found first.")
        return _intact(self.entry, self.proposal.share)


def examine(
    manifest: Signed[Escrow], text: str, *, escrow_id: bytes | None = None, number: int | None = None
) -> Finding:
    """Say what ``text`` is: the words of one share as they were read or typed.

    ``escrow_id`` is the first 10 bytes of the escrow id on the page and ``number`` the share's number on it, where they
    are known. RefusedError for a manifest that contradicts the share it names; nothing else is raised for any text.
    """
    record = manifest.record
    said = next((entry for entry in record.shares if entry.number == number), None)
    prefix = f"{named(said)}: " if said else ""
    if escrow_id is not None and escrow_id != manifest.id[:PAGE_ID_LENGTH]:
        return Finding(
            kind=FindingKind.OTHER_ESCROW,
            what="a page of another escrow",
            do="Compare the escrow id on it with the manifest's, and use the manifest that belongs to it.",
        )
    try:
        words = read_words(text)
    except MalformedError as error:
        return Finding(kind=FindingKind.UNREADABLE, what=prefix + error.what, do=error.do, entry=said)
    try:
        share = share_of(words)
    except MalformedError as error:
        return _damaged(record, words, said, number, prefix + error.what)
    return _whole(record, share, number)


def named(entry: EscrowShare) -> str:
    """Give a share's name for people: ``share 3 (Alice)``."""
    return f"share {entry.number}" + (f" ({entry.holder})" if entry.holder else "")


def check_manifest(manifest: Signed[Escrow], signer: bytes | None = None) -> None:
    """Check that public key, DNSKEY and DS in the manifest are of one key, and its maker is ``signer`` where given.

    ``signer`` is an Ed25519 verification key. Raises RefusedError naming who signed it and what does not agree, and for
    a public key that is none MalformedError or ParameterError.
    """
    record = manifest.record
    if signer is not None and record.signer != signer:
        maker = record.maker
        raise _bad_manifest(
            f"it is signed by {maker.record.name} ({spoken(maker.id, 4)}), who is not the maker expected"
        )
    key = dnskey_of(record.algorithm, record.public_key)
    if key is None:
        if record.dnskey is not None:
            raise _bad_manifest(f"it has a DNSKEY, though {record.algorithm} has no DNSSEC number")
        return
    if record.dnskey != dnskey_text(record.zone, key):
        raise _bad_manifest("its DNSKEY is not that of its public key")
    if record.ds not in {ds_text(record.zone, key, digest) for digest in ("SHA-256", "SHA-384")}:
        raise _bad_manifest("its DS is not that of its DNSKEY")


class Collection:
    """The shares given so far, one at a time (secret), and who can still help."""

    def __init__(self, manifest: Signed[Escrow]) -> None:
        self._record = manifest.record
        self._shares: dict[int, Share] = {}

    def __repr__(self) -> str:
        return f"Collection({self.progress})"

    def add(self, finding: Finding) -> EscrowShare:
        """Take an intact share; gives its entry in the manifest.

        Raises RefusedError, by name, for anything else, for a share given before, and for one that is not needed.
        """
        share, entry = finding.share, finding.entry
        if share is None or entry is None or not finding.intact:
            raise RefusedError(finding.what, do=finding.do)
        if self._record.share_with(share.fingerprint) != entry:
            raise RefusedError(f"{named(entry)} was checked against another manifest")
        if entry.number in self._shares:
            raise RefusedError(f"{named(entry)} was given already", do=self._advice())
        if entry not in self.wanted:
            raise RefusedError(f"{named(entry)} is not needed: there are enough of its group", do=self._advice())
        self._shares[entry.number] = share
        return entry

    @property
    def complete(self) -> bool:
        """Whether there are enough to recover the key."""
        return len(self._complete_groups()) >= self._record.group_threshold

    @property
    def progress(self) -> str:
        """How far it is: ``2 of 3 shares``, or ``1 of 2 groups: Zurich 2 of 2, Oslo 1 of 2``."""
        groups = self._record.groups
        if len(groups) == 1:
            return f"{len(self._shares)} of {groups[0].threshold} shares"
        begun = [
            f"{group.name or f'group {place + 1}'} {have} of {group.threshold}"
            for place, group in enumerate(groups)
            if (have := self._given(place))
        ]
        return (
            f"{len(self._complete_groups())} of {self._record.group_threshold} groups: {', '.join(begun) or 'no share'}"
        )

    @property
    def wanted(self) -> tuple[EscrowShare, ...]:
        """The shares that can still help; none once there are enough."""
        if self.complete:
            return ()
        done = self._complete_groups()
        return tuple(
            entry for entry in self._record.shares if entry.number not in self._shares and entry.group not in done
        )

    def chosen(self) -> tuple[Share, ...]:
        """Give the shares that are to be combined; raises NotYetError, saying who can help, where there are too few."""
        if not self.complete:
            raise NotYetError(f"there are {self.progress}", do=self._advice())
        groups = self._complete_groups()[: self._record.group_threshold]
        return tuple(self._shares[entry.number] for entry in self._entries() if entry.group in groups)

    def combine(self) -> Secret:
        """Give the key-encryption key; raises what ``chosen`` and ``shares.combine`` raise."""
        return combine(self.chosen())

    def clear(self) -> None:
        """Let go of all shares."""
        self._shares.clear()

    def _entries(self) -> list[EscrowShare]:
        return [entry for entry in self._record.shares if entry.number in self._shares]

    def _given(self, group: int) -> int:
        return sum(entry.group == group for entry in self._entries())

    def _complete_groups(self) -> list[int]:
        return [place for place, group in enumerate(self._record.groups) if self._given(place) >= group.threshold]

    def _advice(self) -> str:
        names = ", ".join(named(entry) for entry in self.wanted)
        return f"Who can still help: {names}." if names else "There are enough."


def _whole(record: Escrow, share: Share, number: int | None) -> Finding:
    """Judge words whose checksum is right."""
    entry = record.share_with(share.fingerprint)
    if entry is None:
        if share.identifier != record.identifier:
            return _other_escrow(share)
        return Finding(
            kind=FindingKind.FORGED,
            what="a share with this escrow's identifier that its maker did not make: forged",
            do="Do not use it; keep the page, and find out where it came from.",
        )
    described = _expected(record, entry).header
    if described != tuple(WORDS.index(word) for word in share.words[: len(described)]):
        raise RefusedError(
            f"it says of {named(entry)} what that share does not say of itself",
            where="manifest",
            do="Do not use this manifest; find out who made it.",
        )
    if number is not None and number != entry.number:
        return _swapped(entry, number)
    return _intact(entry, share)


def _damaged(record: Escrow, words: Sequence[str], said: EscrowShare | None, number: int | None, what: str) -> Finding:
    """Judge words of which something is wrong: what they probably were, or what to do."""
    proposal = propose(words, [_expected(record, said)], EFFORT) if said else None
    if proposal is None:
        others = [_expected(record, entry) for entry in record.shares if entry is not said]
        proposal = propose(words, others, EFFORT // 4 if said else EFFORT)
    entry = record.share_with(proposal.share.fingerprint) if proposal else None
    if proposal and entry:
        if number is not None and number != entry.number:
            return _swapped(entry, number)
        return Finding(
            kind=FindingKind.CORRECTABLE,
            what=f"{named(entry)}: {proposal.what}",
            do="Compare the proposed words with the page, one by one.",
            entry=entry,
            proposal=proposal,
        )
    stranger = _nearly(words)
    if stranger and stranger.identifier != record.identifier:
        return _other_escrow(stranger)
    return Finding(kind=FindingKind.UNREADABLE, what=what, do=_advice(words), entry=said)


def _nearly(words: Sequence[str]) -> Share | None:
    """Give the share that these are with at most one wrong word, if the checksum says that there is one."""
    if len(words) != WORD_COUNT or unknown_words(words):
        return None
    values = [WORDS.index(word) for word in words]
    error = single_error(syndromes(values))
    if error is None:
        return None
    values[error[0]] ^= error[1]
    try:
        return share_of([WORDS[value] for value in values])
    except KeyquorumError:
        return None


def _advice(words: Sequence[str]) -> str:
    if len(words) != WORD_COUNT:
        return "Type them again with their numbers (1. 2. 3.), and ? for a word that cannot be read."
    if unknown_words(words):
        return (
            "Look at these words on the page again, and type ? for a word that cannot be read; or take another share."
        )
    return (
        "Too many words differ to say which: compare all of them with the page, and its number; or take another share."
    )


def _intact(entry: EscrowShare, share: Share) -> Finding:
    return Finding(kind=FindingKind.INTACT, what=f"{named(entry)}: intact", entry=entry, share=share)


def _swapped(entry: EscrowShare, number: int) -> Finding:
    return Finding(
        kind=FindingKind.SWAPPED,
        what=f"the words are those of {named(entry)}, but it is said to be share {number}",
        do=f"Find out how the number came about; then give it as share {entry.number}.",
        entry=entry,
    )


def _other_escrow(share: Share) -> Finding:
    return Finding(
        kind=FindingKind.OTHER_ESCROW,
        what=f"a share of another escrow (its identifier is {share.identifier})",
        do="Use the manifest that belongs to it.",
    )


def _expected(record: Escrow, entry: EscrowShare) -> Expected:
    threshold = record.groups[entry.group].threshold
    numbers = (entry.group, record.group_threshold, len(record.groups), entry.member, threshold)
    return Expected(entry.fingerprint, header(record.identifier, *numbers))


def _bad_manifest(what: str) -> RefusedError:
    return RefusedError(what, where="manifest", do="Do not use it; find out who made it.")
