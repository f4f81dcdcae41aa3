"""What becomes of a damaged page: read as it is, by the ladder, by its words, by another copy; or lost.

A share's page is recovered from the picture, or by its words as somebody types them from what is left of the paper: a
word that is not all there is a question mark, and one word in 40 is mistyped by a letter. A key's page lies in every
bag; what one copy lacks another may have, and its codes add up.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from string import ascii_lowercase
from time import process_time
from typing import Final

import gmpy2
from cryptography.hazmat.primitives.asymmetric import rsa
from PIL import Image

from keyquorum.escrow.checking import FindingKind, examine
from keyquorum.escrow.keys import EscrowKey, from_private_key
from keyquorum.escrow.making import Made
from keyquorum.escrow.shares import Sharing
from keyquorum.paper.frames import Frame, encode
from keyquorum.paper.pages import Sheet, key_pages, share_pages
from keyquorum.paper.reading import read_file
from keyquorum.paper.sheet import Paper
from tests.escrow.villages import escrowed
from tests.paper.damage import Damaged, Page, damaged
from tests.paper.escrows import key, stream
from tests.paper.rendered import read_plainly, rendered

PLAIN: Final = "plain"
LADDER: Final = "ladder"
WORDS: Final = "words"
PROPOSED: Final = "proposals"
COPY: Final = "two copies"
LOST: Final = "lost"
OUTCOMES = (PLAIN, LADDER, WORDS, PROPOSED, COPY, LOST)
SLIPS = 40
"""One word in so many is mistyped."""
_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class Case:
    """A page: ``share`` (the first one's) or ``key`` (the first with its codes), of which algorithm, on which paper."""

    kind: str
    algorithm: str
    bits: int | None
    paper: Paper

    def __str__(self) -> str:
        return f"{self.kind} {self.algorithm}{self.bits or ''} {self.paper}"


CASES = (
    Case("share", "ED25519", None, "A4"),
    Case("key", "RSASHA256", 4096, "A4"),
    Case("share", "RSASHA256", 2048, "Letter"),
    Case("key", "RSASHA256", 2048, "Letter"),
    Case("share", "ECDSAP256SHA256", None, "A4"),
    Case("key", "ED25519", None, "A4"),
    Case("share", "ED448", None, "Letter"),
    Case("key", "ECDSAP384SHA384", None, "Letter"),
)
Damages = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Original:
    """An undamaged page, its escrow, and the frames of share or key on it."""

    page: Page
    made: Made
    frames: frozenset[Frame]


@dataclass(frozen=True, slots=True)
class Fate:
    """How a page was recovered, the CPU seconds of reading its picture, and how many words had to be confirmed."""

    outcome: str
    seconds: float
    proposed: int = 0


@cache
def original(case: Case) -> Original:
    """Draw the page of ``case``; the same in every process."""
    made = escrowed(_key(case.algorithm, case.bits), Sharing(1, ((3, 7),)))
    sheet = Sheet(made.manifest, made.cms, case.paper)
    if case.kind == "share":
        text = made.shares[0].text
        page = rendered(share_pages(sheet, 1, text), text.split())[0]
        wanted = "S"
    else:
        page = next(page for page in rendered(key_pages(sheet)) if len(page.codes) > 1)
        wanted = "K"
    frames = frozenset(frame for frame in _read(page.picture)[0] if frame.kind == wanted)
    assert len(page.codes) >= 2 * len(frames) > 0
    return Original(page, made, frames)


def fate(case: Case, damages: Damages, seed: str) -> Fate:
    """Damage the page of ``case`` and recover it; ``seed`` decides where, how and what is mistyped."""
    whole = original(case)
    spoilt = damaged(whole.page, damages, seed)
    frames, seconds = _read(spoilt.picture)
    if whole.frames <= frames:
        plain = {found.text for found in read_plainly(spoilt.picture)}
        return Fate(PLAIN if {encode(frame) for frame in whole.frames} <= plain else LADDER, seconds)
    if case.kind == "share":
        outcome, proposed = by_words(spoilt, whole.made, Random(seed))
        return Fate(outcome, seconds, proposed)
    other, _ = _read(damaged(whole.page, damages, f"{seed}/other").picture)
    return Fate(COPY if whole.frames <= {*frames, *other} else LOST, seconds)


def by_words(spoilt: Damaged, made: Made, rng: Random) -> tuple[str, int]:
    """Type what is left of the words of share 1, with slips; gives the outcome and how many words were proposed.

    What counts as recovered: the words are right as typed, or there is one proposal, for nothing but words that were
    typed wrongly or not at all, and it is right.
    """
    right = made.shares[0].words
    typed = [
        _typed(word, rng) if spoilt.legible(box) else "?" for word, box in zip(right, spoilt.page.words, strict=True)
    ]
    finding = examine(made.manifest, " ".join(typed), number=1)
    if finding.kind is FindingKind.INTACT:
        return WORDS, 0
    if finding.kind is not FindingKind.CORRECTABLE or finding.proposal is None:
        return LOST, 0
    changes = dict(finding.proposal.changes)
    wrong = {place: word for place, (word, typo) in enumerate(zip(right, typed, strict=True), 1) if word != typo}
    good = finding.proposal.share.words == right and len(changes) == len(finding.proposal.changes)
    return (PROPOSED, len(changes)) if good and changes == wrong else (LOST, 0)


def _typed(word: str, rng: Random) -> str:
    if rng.randrange(SLIPS):
        return word
    place = rng.randrange(len(word))
    return word[:place] + rng.choice(ascii_lowercase) + word[place + 1 :]


def _read(picture: Image.Image) -> tuple[frozenset[Frame], float]:
    """Read a picture by way of a file, as a scanner would give it; gives its frames and the CPU seconds of reading."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    start = process_time()
    (reading,) = read_file(file.getvalue(), "scan.png")
    return frozenset(reading.frames), process_time() - start


def _key(algorithm: str, bits: int | None) -> EscrowKey:
    """Give a key that is the same in every process, RSA too."""
    if bits is None:
        return key(algorithm)
    draw = stream(f"{algorithm} {bits}")
    top = 3 << bits // 2 - 2
    p, q = (int(gmpy2.next_prime(top | int.from_bytes(draw(bits // 16)) >> 2)) for _ in range(2))
    d = int(gmpy2.invert(_EXPONENT, (p - 1) * (q - 1)))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), int(gmpy2.invert(q, p)), rsa.RSAPublicNumbers(_EXPONENT, p * q)
    )
    return from_private_key(numbers.private_key(), algorithm)
