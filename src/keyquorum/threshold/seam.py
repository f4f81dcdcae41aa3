"""The seam: what a threshold scheme is to the rest of the house.

RSA partials are deterministic and need nothing in advance. FROST needs a nonce that each holder made in advance and
that answers once; ECDSA a presignature that the dealer made and that answers once. One seam serves all three:

* ``deal`` makes the public part of a key and one secret share per holder; ``check_dealing`` lets anybody, and
  ``check_share`` each holder, find a dealer who did not do it right;
* ``prepare``, where there is one-time material, makes it slot by slot: a public row that goes into requests, and secret
  rows that a store keeps; ``check_rows`` is what anybody can check of it, ``check_secret_rows`` what its keeper can;
* ``sign`` makes one holder's answer to a whole request: a stream of values, one per message and each ``width`` bytes,
  and one proof for all of them, or None where the values can be checked without. One-time material comes out of a
  ``OneTimeStore``, together with its burn;
* ``check`` finds out whether one holder's answer is right, and names the holder if not;
* ``combine`` turns any good answers into ordinary signatures, each verified by a library that is not ours.

Messages, values and rows are streams that can be read more than once, never lists: a request may hold 10,000 zones.
Schemes do no I/O: streams, stores, randomness and executors come in as arguments.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.threshold.one_time import Maker, OneTimeStore, Quorum, Row


@runtime_checkable
class Stream(Protocol):
    """Byte strings in a fixed order; each iteration starts again from the first."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class Spool(Stream, Protocol):
    """A stream under construction: append, then read as often as needed."""

    def append(self, value: bytes) -> None:
        """Add one byte string at the end."""
        ...


class MemorySpool(list[bytes]):
    """A spool for few values: a list."""


@dataclass(frozen=True, slots=True)
class Commitments:
    """The public rows that one request uses with one key: message j (from 1) takes slot ``first`` + j - 1.

    ``makers`` are the holders whose rows there are, ascending; a row of the stream is theirs one after the other.
    Where the dealer made them, ``makers`` is empty and the rows are the dealer's. ``quorum`` is the only one the rows
    are for, or None for all of the plan.
    """

    first: int
    makers: tuple[int, ...]
    quorum: Quorum | None
    rows: Stream


@dataclass(frozen=True, slots=True)
class Context:
    """What an answer is bound to besides its messages: ids (32 bytes each) of the key record and of the request.

    ``commitments`` are the public rows of the one-time material that the request uses, where the scheme has any.
    """

    key_id: bytes
    request_id: bytes
    commitments: Commitments | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dealer is asked for: DNSSEC ``algorithm``, size in ``bits`` (0 where the algorithm fixes it), M, N.

    ``answers`` is R, how many holders' answers always suffice (None: the scheme's choice; M where any M sign).
    """

    algorithm: int
    bits: int
    threshold: int
    holders: int
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One holder's answer: values, as many as messages, and the proof (None where there is none)."""

    values: Stream
    proof: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What combining found: the indices that answered well, and for each liar a sentence that says how it is known."""

    good: frozenset[int]
    liars: Mapping[int, str] = field(default_factory=dict)


class PublicPart(Protocol):
    """The public part of a dealt key, whatever the scheme; a frozen dataclass that holds more than this."""

    @property
    def algorithm(self) -> int:
        """The DNSSEC algorithm number."""
        ...

    @property
    def threshold(self) -> int:
        """M: how many holders make a signature."""
        ...

    @property
    def holders(self) -> int:
        """N: how many holders there are; indices run from 1 to N."""
        ...

    @property
    def answers(self) -> int:
        """R: how many holders' answers always suffice; M where any M of them make a signature."""
        ...


Public = TypeVar("Public", bound=PublicPart)
Share = TypeVar("Share")
PrivateKey = Any
"""An undivided private key as ``cryptography`` holds it."""


class Scheme(Protocol[Public, Share]):
    """One threshold scheme. Every method is a function of its arguments."""

    @property
    def name(self) -> str:
        """The name in records and tags: ``rsa``, ``frost``, ``ecdsa``."""
        ...

    @property
    def one_time(self) -> Maker:
        """Who makes the one-time material that an answer uses up; nobody, where there is none."""
        ...

    def deal(
        self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work
    ) -> tuple[Public, tuple[Share, ...], PrivateKey | None]:
        """Make a new key (``key`` None) or share an existing one; share i-1 belongs to holder i.

        The third is the undivided key, for ``prepare``, where the dealer makes one-time material; otherwise None.
        Raises ParameterError for a plan or key this scheme refuses.
        """
        ...

    def check_dealing(self, public: Public) -> None:
        """Check everything about a dealing that anybody can check; raises DealingError or ParameterError."""
        ...

    def check_share(self, public: Public, index: int, share: Share) -> None:
        """Check, as holder ``index``, that ``share`` belongs to the dealing; raises ShareError."""
        ...

    def dnskey(self, public: Public) -> bytes:
        """Give the public key as it stands in a DNSKEY record (RFC 3110, 6605, 8080)."""
        ...

    def width(self, public: Public, index: int, context: Context) -> int:
        """Give the length in bytes of one value of holder ``index``'s answer; 0 if it is not asked to answer."""
        ...

    def sign(
        self,
        public: Public,
        share: Share,
        store: OneTimeStore | None,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> Any:
        """Answer ``messages``: append one value each to ``values`` (empty before) and return the proof.

        A message is the signing input as RFC 4034 defines it, not hashed. ``store`` holds the one-time material of
        this key; None where the scheme has none. Raises RefusedError, from the store, for a slot that was used
        for something else.
        """
        ...

    def check(self, public: Public, index: int, messages: Stream, answer: Answer, context: Context, work: Work) -> None:
        """Check holder ``index``'s whole answer; raises WrongPartialError with the culprit."""
        ...

    def combine(
        self,
        public: Public,
        messages: Stream,
        answers: Mapping[int, Answer],
        context: Context,
        emit: Callable[[bytes], None],
        work: Work,
    ) -> Outcome:
        """Combine answers (by holder index) and ``emit`` one verified signature per message, in order.

        Answers are trusted first and checked only if a signature does not verify. Raises NotEnoughError, with the
        culprits, when no quorum of good answers is left; what was emitted by then is to be thrown away.
        """
        ...


class OneTimeScheme(Scheme[Public, Share], Protocol[Public, Share]):
    """A scheme whose answers use up one-time material."""

    def row_length(self, public: Public, maker: int, quorum: Quorum | None) -> int:
        """Give the length in bytes of one public row by holder ``maker`` (0: the dealer).

        ``quorum`` is the only one it is for, or None for all of the plan. Raises UsageError where there are no rows,
        ParameterError for a maker or quorum that does not exist.
        """
        ...

    def prepare(
        self, public: Public, secret: Any, slots: range, quorum: Quorum | None, rng: Rng, work: Work
    ) -> Iterator[Row]:
        """Make the one-time material of each slot, in order; ``secret`` is the maker's: a share, or the undivided key.

        Raises ParameterError for a secret that is not of this key, or a quorum that the maker cannot prepare for.
        """
        ...

    def secret_length(self, public: Public, index: int) -> int:
        """Give the length in bytes of one secret row of holder ``index``, for all of the plan."""
        ...

    def shares_again(self, public: Public) -> tuple[Share, ...]:
        """Give all shares anew, to go with more of the dealer's material; UsageError where that is the holders'."""
        ...

    def marks(self, public: Public, row: bytes) -> Iterator[bytes]:
        """Give what must never occur twice in all rows of the dealer for this key, 16 bytes each (see ``one_time``)."""
        ...

    def check_rows(
        self, public: Public, maker: int, slots: range, quorum: Quorum | None, rows: Stream, work: Work
    ) -> None:
        """Check all of a maker's public rows that anybody can check; raises DealingError, naming the slot."""
        ...

    def check_secret_rows(
        self, public: Public, index: int, slots: range, rows: Stream, secrets: Stream, work: Work
    ) -> None:
        """Check, as holder ``index``, a dealer's secret rows against the public ones; raises ShareError."""
        ...
