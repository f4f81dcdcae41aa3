"""What was printed, read back page by page: nothing is erased before everything that was printed was found right.

``take`` compares one code of a scan with what was printed, ``take_words`` typed words. What matches is kept as it was
read: the drill works with that, and not with what was sent to the printer.
"""

import hmac
from collections.abc import Iterable
from typing import Final

from keyquorum.errors import RefusedError
from keyquorum.escrow.checking import Finding, FindingKind, examine
from keyquorum.escrow.shares import Share
from keyquorum.paper.frames import Frame, join
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow

SHARE: Final = "S"
KEY: Final = "K"
MANIFEST: Final = "M"
PAGE: Final = "P"
_TITLES = {KEY: "the encrypted key", MANIFEST: "the manifest"}
_Place = tuple[str, int, str]


class ReadBack:
    """The pages of an escrow that still have to be read back, and what was read so far (secret)."""

    def __init__(self, manifest: Signed[Escrow]) -> None:
        """Expect each share that ``manifest`` names."""
        self._manifest = manifest
        self._public: dict[_Place, Frame] = {}
        self._read: dict[_Place, Frame] = {}
        self.shares: dict[int, Share] = {}
        """What was read of the shares, by number."""

    def __repr__(self) -> str:
        return f"ReadBack({len(self.missing_shares())} shares and {len(self.missing_parts())} parts missing)"

    def expect(self, frames: Iterable[Frame]) -> None:
        """Expect these codes too, of key or manifest."""
        self._public |= {_place(frame): frame for frame in frames}

    def missing_shares(self) -> list[int]:
        """Give the numbers of the shares whose page was not read back yet."""
        return [share.number for share in self._manifest.record.shares if share.number not in self.shares]

    def missing_parts(self) -> list[str]:
        """Give the parts of key and manifest not read back yet, as people call them."""
        return [_title(frame) for place, frame in self._public.items() if place not in self._read]

    def take(self, frame: Frame) -> str:
        """Take one frame of a scan; gives what it was. Raises RefusedError if it is not what was printed."""
        if frame.kind == SHARE:
            finding = examine(self._manifest, frame.text, escrow_id=frame.escrow, number=frame.number)
            return self._keep(finding)
        expected = self._public.get(_place(frame))
        if expected is None:
            return f"{_title(frame)}: not asked for now"
        if not hmac.compare_digest(repr(_content(frame)), repr(_content(expected))):
            raise RefusedError(
                f"this is not what was printed: {_title(frame)}",
                do="Is this a page of another run? If it is of this one, the printer or the paper changed it: void.",
            )
        self._read[_place(frame)] = frame
        return _title(frame)

    def take_words(self, number: int, text: str) -> str:
        """Take the words of share ``number`` as they were typed from its page; raises RefusedError if they are not."""
        return self._keep(examine(self._manifest, text, number=number))

    def data(self, kind: str) -> bytes:
        """Give key.cms (``KEY``) or the manifest's file (``MANIFEST``) as it was read back."""
        return join([frame for place, frame in sorted(self._read.items()) if place[0] == kind])

    def _keep(self, finding: Finding) -> str:
        if finding.kind is not FindingKind.INTACT or finding.share is None or finding.number is None:
            raise RefusedError(finding.what, do=finding.do)
        self.shares[finding.number] = finding.share
        return finding.what


def _place(frame: Frame) -> _Place:
    return frame.kind, frame.number, frame.text if frame.kind == PAGE else ""


def _title(frame: Frame) -> str:
    return frame.name if frame.kind == PAGE else f"{_TITLES[frame.kind]}, code {frame.number} of {frame.of}"


def _content(frame: Frame) -> tuple[object, ...]:
    return frame.kind, frame.rehearsal, frame.escrow, frame.number, frame.of, frame.text
