"""One holder's answer to a request: made with its share, and judged by anybody with its proof.

The values are x_j^(2 s_i) mod n, and one proof covers them all. Messages and values are read as streams, several times,
and never held: memory does not grow with the request. Refused: a request without messages, a share of 0 or of another
size than the key's kind has, an answer without proof (only combining can judge it).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gmpy2 import mpz

from keyquorum.errors import MalformedError, RefusedError, ShareError, UsageError, WrongPartialError
from keyquorum.maths.exponentiation import secret_powers
from keyquorum.maths.proofs import NOTHING_WEIGHED, Claim, Weighed, batch_seed, prove, verify, weigh
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import fixed
from keyquorum.maths.work import Work
from keyquorum.threshold.rsa_key import (
    SCHEME,
    RsaProof,
    RsaPublic,
    RsaShare,
    index_of,
    padded_all,
    share_bits,
    share_limit,
    verification_base,
)
from keyquorum.threshold.seam import Answer, Context, Spool, Stream

_ID_BYTES = 32
_LARGEST_BATCH = 16
_CHUNK = range(64, 512 + 1)
"""How many messages are weighed at once: more are a little cheaper each, fewer leave work for every core and memory."""


def sign(
    public: RsaPublic, share: RsaShare, messages: Stream, context: Context, values: Spool, rng: Rng, work: Work
) -> RsaProof:
    """Append one value per message to ``values`` and give the proof; k exponentiations and about 2.6 more.

    The share goes to the workers of ``work``: an executor of other machines is not for this. ``rng`` is asked once
    for 64 bytes. Raises ShareError for a share that cannot be right, UsageError for no messages.
    """
    index = index_of(public, share.index)
    if not 0 < share.value < share_limit(public.n, public.kind, public.threshold, public.holders):
        raise ShareError("the share is not of a size that a dealer may choose", where=f"share of holder {index}")
    if len(values):
        raise UsageError("the values of an answer are appended to a spool that is not empty")
    claim = claim_of(public, index, context)
    seed = batch_seed(claim, count_of(messages), _answered(public, share.value, messages, values, work), values)
    if len(values) != len(messages):
        raise UsageError(f"the stream of messages holds {len(values)}, but says {len(messages)}")
    weighed = _weighed(public, claim, seed, messages, values, Work(work.executor, work.workers))
    return RsaProof(*prove(claim, seed, weighed, share.value, rng))


def check(public: RsaPublic, index: int, messages: Stream, answer: Answer, context: Context, work: Work) -> None:
    """Check holder ``index``'s whole answer; raises WrongPartialError with the culprit, RefusedError without proof."""
    index_of(public, index)
    count = count_of(messages)
    if answer.proof is None:
        raise RefusedError(
            f"the answer of holder {index} carries no proof and cannot be judged alone", do="Combine it with others."
        )
    if not isinstance(answer.proof, RsaProof):
        raise wrong(index, "its proof is not one of this scheme")
    claim = claim_of(public, index, context)
    silent = Work(work.executor, work.workers)
    bases = silent.map(partial(_bases, public), messages, batch=batch_size(count, work, _LARGEST_BATCH))
    seed = batch_seed(claim, count, bases, _checked_values(public, index, count, answer.values))
    weighed = _weighed(public, claim, seed, messages, answer.values, work)
    verify(claim, seed, weighed, answer.proof.c, answer.proof.z)


def claim_of(public: RsaPublic, index: int, context: Context) -> Claim:
    """Give what holder ``index``'s proof is about."""
    if len(context.key_id) != _ID_BYTES or len(context.request_id) != _ID_BYTES:
        raise UsageError("the ids of key record and request are not 32 bytes each")
    v, image = verification_base(public.n, public.e), public.verification[index - 1]
    return Claim(SCHEME, public.n, v, image, index, context.key_id, context.request_id, share_bits(public))


def count_of(messages: Stream) -> int:
    """Give the number of messages; raises UsageError for none."""
    if not len(messages):
        raise UsageError("there is no message to sign", do="Make the request for at least one bundle.")
    return len(messages)


def wrong(index: int, what: str) -> WrongPartialError:
    """Give the error that names holder ``index``."""
    return WrongPartialError(
        f"{what}.",
        where=f"answer of holder {index}",
        do="Leave this answer out; ask its holder what happened.",
        culprits=(index,),
    )


def is_value(value: bytes, public: RsaPublic) -> bool:
    """Whether ``value`` is one of 1..n-1 in the modulus' length, neither shorter nor longer."""
    return len(value) == public.width and 0 < int.from_bytes(value, "big") < public.n


def batch_size(messages: int, work: Work, largest: int) -> int:
    """Give how many messages one worker takes at a time: few enough that all workers have some."""
    return max(1, min(largest, messages // (2 * work.workers)))


def _answered(public: RsaPublic, secret: int, messages: Stream, values: Spool, work: Work) -> Iterator[bytes]:
    """Give b of each message, and append its value to ``values`` on the way."""
    answers = work.map(
        partial(_partials, public, secret), messages, batch=batch_size(len(messages), work, _LARGEST_BATCH)
    )
    for base, value in answers:
        values.append(value)
        yield base


def _partials(public: RsaPublic, secret: int, messages: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    n = mpz(public.n)
    squares = [x * x % n for x in padded_all(messages, public)]
    powers = secret_powers([int(square) for square in squares], secret, public.n)
    return [
        (fixed(square * square % n, public.width), fixed(power, public.width))
        for square, power in zip(squares, powers, strict=True)
    ]


def _bases(public: RsaPublic, messages: Sequence[bytes]) -> list[bytes]:
    n = mpz(public.n)
    squares = (x * x % n for x in padded_all(messages, public))
    return [fixed(square * square % n, public.width) for square in squares]


def _checked_values(public: RsaPublic, index: int, count: int, values: Stream) -> Iterator[bytes]:
    """Give the values as they are if there are ``count``, each in 1..n-1; raises WrongPartialError."""
    number = 0
    try:
        for number, value in enumerate(values, 1):
            if number > count:
                break
            if not is_value(value, public):
                raise wrong(index, f"value {number} is not one of 1..n-1 in {public.width} bytes")
            yield value
    except MalformedError as error:
        raise wrong(index, f"its values cannot be read: {error.what}") from error
    if number != count or len(values) != count:
        raise wrong(index, f"it does not hold {count} values, one for each message")


@dataclass(frozen=True, slots=True)
class _Chunk:
    first: int
    messages: tuple[bytes, ...]
    values: tuple[bytes, ...]


def _weighed(public: RsaPublic, claim: Claim, seed: bytes, messages: Stream, values: Stream, work: Work) -> Weighed:
    """Weigh the whole request, some messages at a time; tells ``work`` how many are done."""
    share_of_one = -(-len(messages) // work.workers)
    size = min(max(share_of_one, _CHUNK[0]), _CHUNK[-1])
    silent = Work(work.executor, work.workers)
    total = NOTHING_WEIGHED
    modulus = mpz(public.n)
    for part in silent.map(partial(_weigh_chunks, public, claim, seed), _chunks(messages, values, size), batch=1):
        work.advance(part.count)
        total = total.times(part, modulus)
    return total


def _chunks(messages: Iterable[bytes], values: Iterable[bytes], size: int) -> Iterator[_Chunk]:
    pairs = zip(messages, values, strict=True)
    first = 1
    while chunk := list(islice(pairs, size)):
        yield _Chunk(first, *zip(*chunk, strict=True))
        first += len(chunk)


def _weigh_chunks(public: RsaPublic, claim: Claim, seed: bytes, chunks: Sequence[_Chunk]) -> list[Weighed]:
    return [
        weigh(
            claim,
            seed,
            chunk.first,
            padded_all(chunk.messages, public),
            [mpz.from_bytes(value, "big") for value in chunk.values],
        )
        for chunk in chunks
    ]
