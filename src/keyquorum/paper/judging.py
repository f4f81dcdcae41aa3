"""What a page is, alone, against the manifest of an escrow: whose, intact or not; nothing is rebuilt for it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from keyquorum.errors import KeyquorumError, MalformedError, NotYetError
from keyquorum.escrow.checking import Finding, examine
from keyquorum.escrow.recovering import check_envelope
from keyquorum.paper.frames import Frame, join, parts
from keyquorum.paper.readback import KEY, MANIFEST, PAGE, SHARE
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, Escrow


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one thing on a page is: ``good`` or not (None: too little of it to tell), in words, and what to do.

    ``finding`` is there for a share and holds its words (secret).
    """

    what: str
    good: bool | None
    do: str = ""
    finding: Finding | None = field(default=None, repr=False)


class Judge:
    """Judges pages against one manifest; parts of the encrypted key add up over pages."""

    def __init__(self, manifest: Signed[Escrow], cms: bytes | None) -> None:
        """Take the manifest, and the encrypted key where it is at hand (then each part is judged by itself)."""
        self._manifest = manifest
        record = manifest.record
        self._key = parts(KEY, record.rehearsal, manifest.id, cms) if cms else None
        self._parts: dict[int, Frame] = {}
        self._printed = manifest_codes(manifest)

    def share(self, frame: Frame) -> Verdict:
        """Judge a share's code."""
        return _of_share(examine(self._manifest, frame.text, escrow_id=frame.escrow, number=frame.number))

    def words(self, text: str, number: int | None = None) -> Verdict:
        """Judge typed words; ``number`` is the share they are said to be."""
        return _of_share(examine(self._manifest, text, number=number))

    def key(self, cms: bytes) -> Verdict:
        """Judge a whole encrypted key, as it was typed."""
        try:
            check_envelope(self._manifest, cms)
        except KeyquorumError as error:
            return Verdict(error.what, good=False, do=error.do)
        return Verdict("the encrypted key, typed: intact", good=True)

    def frames(self, frames: Iterable[Frame]) -> list[Verdict]:
        """Judge the codes of one page."""
        verdicts = []
        judges = {KEY: self._key_parts, MANIFEST: self._manifest_codes, PAGE: self._marks}
        for kind in (SHARE, *judges):
            chosen = [frame for frame in frames if frame.kind == kind]
            if kind == SHARE:
                verdicts += [self.share(frame) for frame in chosen]
            elif chosen:
                verdicts += self._strangers(chosen) or judges[kind](chosen)
        return verdicts

    def cms(self) -> bytes:
        """Give the encrypted key put together from the parts seen so far; raises NotYetError naming what is missing."""
        if not self._parts:
            raise NotYetError("no page of the encrypted key was read", do="Give the key's pages, or key.cms.")
        return join(list(self._parts.values()))

    def _marks(self, frames: list[Frame]) -> list[Verdict]:
        return [Verdict(f"{frame.name}, of this escrow", good=True) for frame in frames]

    def _key_parts(self, frames: list[Frame]) -> list[Verdict]:
        title = f"the encrypted key, {_codes(frames)}"
        if self._key is not None:
            if any(frame not in self._key for frame in frames):
                return [Verdict(f"{title}: not the one in key.cms", good=False, do="One of the two was changed.")]
            return [Verdict(f"{title}: intact", good=True)]
        for frame in frames:
            if self._parts.setdefault(frame.number, frame) != frame:
                return [Verdict(f"{title}: differs from another copy", good=False, do="Find out which was changed.")]
        try:
            whole = self.cms()
        except NotYetError as error:
            return [Verdict(f"{title}: readable; {error.what}", good=None, do=error.do)]
        except MalformedError as error:
            return [Verdict(f"{title}: {error.what}", good=False, do=error.do)]
        if hashlib.sha256(whole).digest() != self._manifest.record.envelope:
            return [Verdict("the encrypted key was changed", good=False, do="Use another copy of the key's pages.")]
        return [Verdict(f"{title}: with the others, the whole encrypted key, intact", good=True)]

    def _manifest_codes(self, frames: list[Frame]) -> list[Verdict]:
        title = f"the manifest, {_codes(frames)}"
        if any(frame not in self._printed for frame in frames):
            return [Verdict(f"{title}: not that of the manifest given", good=False, do="Find out which is true.")]
        return [Verdict(f"{title}: intact", good=True)]

    def _strangers(self, frames: list[Frame]) -> list[Verdict]:
        if all(self._manifest.id.startswith(frame.escrow) for frame in frames):
            return []
        return [Verdict("a page of another escrow", good=False, do="Compare the escrow id on it with the manifest's.")]


def manifest_codes(manifest: Signed[Escrow]) -> list[Frame]:
    """Give the codes in which a manifest is printed."""
    return parts(MANIFEST, manifest.record.rehearsal, manifest.id, manifest.envelope + b"\n")


def manifest_in(frames: Iterable[Frame]) -> Signed[Escrow]:
    """Read the manifest from its codes; raises NotYetError, MalformedError or SignatureError."""
    chosen = [frame for frame in frames if frame.kind == MANIFEST]
    if not chosen:
        raise NotYetError("no page with the manifest was read", do="Give escrow.json, or the manifest's pages.")
    signed = ESCROW.read(join(chosen).rstrip(b"\n"))
    if not all(signed.id.startswith(frame.escrow) for frame in chosen):
        raise MalformedError("the manifest on these pages is not the one their escrow id names")
    return signed


def _codes(frames: list[Frame]) -> str:
    numbers = ", ".join(str(number) for number in sorted(frame.number for frame in frames))
    return f"code{'s' * (len(frames) > 1)} {numbers} of {frames[0].of}"


def _of_share(finding: Finding) -> Verdict:
    return Verdict(finding.what, good=finding.intact, do=finding.do, finding=finding)
