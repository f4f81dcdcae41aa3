"""The key-encryption key as shares on paper, and back: SLIP-0039, by the library of its authors.

Always without passphrase, not extendable (older tools do not know the other form), and with iteration exponent 0, the
default of the ``shamir`` tool: the iterations slow down guessing of passphrases, and a key of 256 random bits with no
passphrase gains nothing by them. Shares that others made in another form of the standard are read all the same.

Refused: what SLIP-39 refuses, one share that would be the whole key where there are several, shares that do not belong
together, and the same share twice. Words are text, which Python cannot overwrite: drop a ``Share`` when it is used.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, NoReturn

from shamir_mnemonic import shamir as library  # type: ignore[import-untyped]
from shamir_mnemonic.rs1024 import verify_checksum  # type: ignore[import-untyped]
from shamir_mnemonic.share import Share as LibraryShare  # type: ignore[import-untyped]
from shamir_mnemonic.utils import MnemonicError  # type: ignore[import-untyped]

from keyquorum.errors import MalformedError, NotYetError, ParameterError, RefusedError
from keyquorum.escrow.secret import Secret
from keyquorum.escrow.wordlist import WORD_COUNT, WORDS, read_words
from keyquorum.maths.randomness import Rng, random_bits

KEK_LENGTH = 32
MOST = 16
"""The most groups, and the most members of a group (SLIP-0039)."""
HEADER_WORDS = 4
"""The words that say to what a share belongs; the rest is secret, but for the last three, the checksum."""
_IDENTIFIER_BITS = 15
_ITERATION_EXPONENT = 0
_CUSTOMIZATION = (b"shamir", b"shamir_extendable")
_KNOWN = frozenset(WORDS)
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a key is shared: any ``group_threshold`` of the ``groups``, and in each of these its threshold of its size.

    Plain M-of-N is ``Sharing(1, ((M, N),))``. Raises ParameterError for numbers that SLIP-39 refuses, and where a
    single share would be the key though there are others.
    """

    group_threshold: int
    groups: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        count = len(self.groups)
        if not 1 <= count <= MOST:
            raise ParameterError(f"{count} groups: there can be 1 to {MOST}")
        if not 1 <= self.group_threshold <= count:
            raise ParameterError(f"{self.group_threshold} of {count} groups is not a threshold")
        for number, (threshold, size) in enumerate(self.groups, 1):
            where = f"group {number}" if count > 1 else ""
            if not 1 <= size <= MOST:
                raise ParameterError(f"{size} shares: there can be 1 to {MOST}", where=where)
            if not 1 <= threshold <= size:
                raise ParameterError(f"{threshold} of {size} shares is not a threshold", where=where)
            if threshold == 1 and (size > 1 or (self.group_threshold == 1 and count > 1)):
                alone = "the key" if self.group_threshold == 1 else "all of its group's part"
                raise ParameterError(f"one share alone would be {alone}", where=where, do="Let at least 2 be needed.")

    @property
    def total(self) -> int:
        """How many shares there are."""
        return sum(size for _, size in self.groups)


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """One share: its words, which are secret, and what the first of them say. Groups and members count from 0."""

    words: tuple[str, ...] = field(repr=False)
    identifier: int
    extendable: bool
    iteration_exponent: int
    group: int
    group_threshold: int
    group_count: int
    member: int
    member_threshold: int

    @property
    def text(self) -> str:
        """The words in lower case, joined by single spaces."""
        return " ".join(self.words)

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of ``text``, as in the manifest: ``printf '%s' "words" | sha256sum``."""
        return sha256(self.text.encode("ascii")).digest()

    @property
    def place(self) -> str:
        """Where it stands among the others, in words; counted from 1."""
        member = f"member {self.member + 1}"
        return member if self.group_count == 1 else f"{member} of group {self.group + 1}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and hmac.compare_digest(self.text, other.text)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a share is neither pickled nor copied")


def split(kek: bytes, sharing: Sharing, rng: Rng) -> tuple[Share, ...]:
    """Share ``kek`` (32 bytes): the shares group after group, member after member.

    They are read back from their words and combined, each of them at least once, before they are returned; RefusedError
    if that does not give ``kek`` again.
    """
    if len(kek) != KEK_LENGTH:
        raise ParameterError(f"the key-encryption key has {KEK_LENGTH} bytes, this one {len(kek)}")
    identifier = random_bits(rng, _IDENTIFIER_BITS)
    encrypted = library.EncryptedMasterSecret.from_master_secret(kek, b"", identifier, False, _ITERATION_EXPONENT)
    with _randomness(rng):
        groups = library.split_ems(sharing.group_threshold, sharing.groups, encrypted)
    shares = tuple(read_share(share.mnemonic()) for group in groups for share in group)
    places = [(group, member) for group, (_, size) in enumerate(sharing.groups) for member in range(size)]
    with combine(shares) as again:
        right = hmac.compare_digest(again.reveal(), kek)
    if not right or [(share.group, share.member) for share in shares] != places:
        raise RefusedError("the shares just made do not give the key back", do="Do not use them; report this.")
    return shares


def read_share(text: str) -> Share:
    """Read the 33 words of a share as a person types them (see ``wordlist``).

    Raises MalformedError that names the words that are not in the list, says how many there are instead of 33, or that
    the checksum is wrong; never the words. LimitError for text that is far too long.
    """
    return share_of(read_words(text))


def share_of(words: Sequence[str], lengths: tuple[int, ...] = (WORD_COUNT,)) -> Share:
    """Make a share of words that were read already; ``lengths`` are the numbers of words it may have."""
    wrong = unknown_words(words)
    troubles = [] if len(words) in lengths else [f"{len(words)} words, where a share has {lengths[0]}"]
    if wrong:
        troubles.append(f"{listed(wrong)} {'is' if len(wrong) == 1 else 'are'} not in the list")
    if troubles:
        raise _malformed("; ".join(troubles), "Look at the page again.")
    values = [WORDS.index(word) for word in words]
    if not verify_checksum(values, _CUSTOMIZATION[values[1] >> 4 & 1]):
        raise _malformed("the checksum is wrong: at least one word is another than on the page", "Compare them.")
    share = _parsed(words)
    if share is None:
        raise _malformed("the checksum is right, but this is not a share", "Its maker did not keep to SLIP-39.")
    return Share(
        words=tuple(words),
        identifier=share.identifier,
        extendable=share.extendable,
        iteration_exponent=share.iteration_exponent,
        group=share.group_index,
        group_threshold=share.group_threshold,
        group_count=share.group_count,
        member=share.index,
        member_threshold=share.member_threshold,
    )


def fingerprint(text: str) -> bytes:
    """Give the fingerprint of a share from its text; raises what ``read_share`` raises."""
    return read_share(text).fingerprint


def header(
    identifier: int, group: int, group_threshold: int, group_count: int, member: int, threshold: int
) -> tuple[int, ...]:
    """Give the values of the first four words of a share of ours; they hold nothing secret."""
    packed = identifier << 5 | _ITERATION_EXPONENT
    for number in (group, group_threshold - 1, group_count - 1, member, threshold - 1):
        packed = packed << 4 | number
    return tuple(packed >> 10 * place & 1023 for place in reversed(range(HEADER_WORDS)))


def combine(shares: Iterable[Share]) -> Secret:
    """Give the key-encryption key back.

    More shares than needed are welcome, and are checked against the others. Raises NotYetError saying what is missing;
    RefusedError for shares of different escrows, two of one place, the same one twice, or one that was forged.
    """
    return Secret(_encrypted(list(shares)).decrypt(b""))


def unknown_words(words: Sequence[str]) -> tuple[int, ...]:
    """Give the positions (from 1) of the words that are not in the list."""
    return tuple(position for position, word in enumerate(words, 1) if word not in _KNOWN)


def listed(positions: Sequence[int]) -> str:
    """Name words by their positions: ``word 7``, ``words 7, 9 and 12``."""
    *most, last = map(str, positions)
    return f"words {', '.join(most)} and {last}" if most else f"word {last}"


def _encrypted(given: Sequence[Share]) -> Any:
    """Give the secret as the library has it before it is decrypted with the passphrase, which is empty here."""
    if not given:
        raise NotYetError("there are no shares yet")
    _check_together(given)
    first = given[0]
    groups = []
    for group, members in _complete_groups(given).items():
        where = f"group {group + 1}" if first.group_count > 1 else ""
        groups.append((group, _interpolated(members[0].member_threshold, [_point(share) for share in members], where)))
    ciphertext = _interpolated(first.group_threshold, groups, "")
    return library.EncryptedMasterSecret(first.identifier, first.extendable, first.iteration_exponent, ciphertext)


def _check_together(shares: Sequence[Share]) -> None:
    first = shares[0]
    seen: dict[tuple[int, int], Share] = {}
    thresholds: dict[int, Share] = {}
    for share in shares:
        pair = f"{first.place} and {share.place}"
        if share.identifier != first.identifier:
            raise RefusedError(f"{pair} are shares of different escrows", do="Sort them by the escrow on each page.")
        if _common(share) != _common(first) or len(share.words) != len(first.words):
            raise RefusedError(f"{pair} do not agree on how the key was shared", do="One of them is not genuine.")
        other = thresholds.setdefault(share.group, share)
        if share.member_threshold != other.member_threshold:
            raise RefusedError(
                f"{other.place} and {share.place} do not agree on how many are needed", do="One of them is not genuine."
            )
        place = (share.group, share.member)
        if place in seen and seen[place] == share:
            raise RefusedError(f"{share.place} was given twice", do="Give each share once.")
        if seen.setdefault(place, share) != share:
            raise RefusedError(f"there are two different shares of {share.place}", do="One of them is forged.")


def _common(share: Share) -> tuple[object, ...]:
    return share.extendable, share.iteration_exponent, share.group_threshold, share.group_count


def _complete_groups(shares: Sequence[Share]) -> dict[int, list[Share]]:
    """Sort the shares of complete groups by group; raises NotYetError where there are too few of these."""
    first = shares[0]
    groups: dict[int, list[Share]] = {}
    for share in sorted(shares, key=lambda share: (share.group, share.member)):
        groups.setdefault(share.group, []).append(share)
    complete = {group: members for group, members in groups.items() if len(members) >= members[0].member_threshold}
    if len(complete) >= first.group_threshold:
        return complete
    lacking = [
        (f"group {group + 1} needs " if first.group_count > 1 else "")
        + f"{members[0].member_threshold - len(members)} more"
        for group, members in groups.items()
        if group not in complete
    ]
    untouched = first.group_threshold - len(groups)
    if untouched > 0:
        lacking.append(f"{untouched} more group{'s' * (untouched > 1)} of {first.group_count}")
    have = f"{len(complete)} of {first.group_threshold} groups are complete"
    what = have if first.group_count > 1 else f"{len(shares)} of {first.member_threshold} shares are there"
    raise NotYetError(f"{what}: {', '.join(lacking)}")


def _interpolated(threshold: int, points: Sequence[tuple[int, bytes]], where: str) -> bytes:
    """Give the value that ``points`` share; each of them beyond the first ``threshold`` must agree with it."""
    least, more = points[:threshold], points[threshold:]
    found = [_recovered(threshold, [*least[1:], point]) for point in [least[0], *more]]
    value = found[0]
    if value is None or any(other is None or not hmac.compare_digest(value, other) for other in found):
        raise RefusedError(
            "the shares do not fit together: one of them is forged, though its checksum is right",
            where=where,
            do="Check each one against the manifest.",
        )
    return value


def _recovered(threshold: int, points: Sequence[tuple[int, bytes]]) -> bytes | None:
    """Have the library interpolate and check its digest; None where that is wrong."""
    group = library.ShareGroup()
    for index, value in points:
        group.add(LibraryShare(0, False, 0, 0, 1, 1, index, threshold, value))
    try:
        recovered: bytes = library.recover_ems({0: group}).ciphertext
    except MnemonicError:
        return None
    return recovered


def _point(share: Share) -> tuple[int, bytes]:
    return share.member, LibraryShare.from_mnemonic(share.text).value


def _parsed(words: Sequence[str]) -> Any:
    """Have the library read words whose checksum is right; its own errors quote words, so they end here."""
    try:
        return LibraryShare.from_mnemonic(" ".join(words))
    except MnemonicError:
        return None


def _malformed(what: str, do: str) -> MalformedError:
    return MalformedError(what, where="share", do=do)


@contextmanager
def _randomness(rng: Rng) -> Iterator[None]:
    """Have the library draw from ``rng``, by the hook it has for that; one thread at a time, always put back."""

    def drawn(length: int) -> bytes:
        data = rng(length)
        if len(data) != length:
            raise ValueError("the source of randomness gave another number of bytes than asked for")
        return data

    with _LOCK:
        before = library.RANDOM_BYTES
        library.RANDOM_BYTES = drawn
        try:
            yield
        finally:
            library.RANDOM_BYTES = before
