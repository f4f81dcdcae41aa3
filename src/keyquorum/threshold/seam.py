"""The seam: what a threshold scheme is to the rest of the house.

RSA partials are deterministic and need nothing in advance. FROST needs a nonce that was made in advance and answers
once; ECDSA a presignature that the dealer made and that answers once. One seam serves all three:

* ``deal`` makes the public part of a key and one secret share per holder; ``check_dealing`` lets anybody, and
  ``check_share`` each holder, find a dealer who did not do it right;
* ``sign`` makes one holder's answer to a whole request: a stream of values, one per message and each ``width`` bytes,
  and one proof for all of them. One-time material comes in as ``material``, which a store hands out only together
  with its burn (schemes without any get None);
* ``check`` finds out whether one holder's answer is right, and names the holder if not;
* ``combine`` turns any good answers into ordinary signatures, each verified by a library that is not ours.

Messages and values are streams that can be read more than once, never lists: a request may hold 10,000 zones.
Schemes do no I/O: streams, randomness and executors come in as arguments.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work


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
class Context:
    """What an answer is bound to besides its messages: ids (32 bytes each) of the key record and of the request."""

    key_id: bytes
    request_id: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dealer is asked for: DNSSEC ``algorithm``, size in ``bits`` (0 where the algorithm fixes it), M, N."""

    algorithm: int
    bits: int
    threshold: int
    holders: int
    slots: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One holder's answer: values, as many as messages, and the proof (None where a token cannot make one)."""

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

    def deal(self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work) -> tuple[Public, tuple[Share, ...]]:
        """Make a new key (``key`` None) or share an existing one; share i-1 belongs to holder i.

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

    def width(self, public: Public) -> int:
        """Give the length in bytes of one value of an answer."""
        ...

    def sign(
        self,
        public: Public,
        share: Share,
        material: Any,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> Any:
        """Answer ``messages``: append one value each to ``values`` (empty before) and return the proof.

        A message is the signing input as RFC 4034 defines it, not hashed.
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
        culprits, when fewer than M good answers are left; what was emitted by then is to be thrown away.
        """
        ...
