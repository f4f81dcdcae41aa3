"""One proof for a whole request: all of a holder's answers are powers by the secret that its verification value fixes.

The claim is log_v(V) = log_{b_j}(x_j^2) for every j of k: Chaum and Pedersen's proof of equal logarithms over one
random combination of all answers (Bellare, Garay and Rabin, "Fast Batch Verification", Eurocrypt 1998), in a group
of unknown order (Shoup 2000, section 2.3), so z is never reduced. The seed of the combination holds the key record, the
request, the holder, v, V, k, all b_j and all answers: without any of these, two wrong answers pass together.

Squares only: b_j is the fourth power of a *root* (the message), and the answers enter squared, so a wrong sign of an
answer is not noticed; it does no harm either. Refused: anything but bytes of the modulus' length where numbers of the
group enter, a z outside [0, 2^(L+513)), a c outside [0, 2^256).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import gmpy2
from gmpy2 import mpz

from keyquorum.errors import WrongPartialError
from keyquorum.maths.exponentiation import secret_powers
from keyquorum.maths.multiexp import power_product
from keyquorum.maths.randomness import Rng
from keyquorum.maths.transcript import Transcript, digest, expand, fixed

WEIGHT_BITS = 128
CHALLENGE_BITS = 256
MARGIN_BITS = 512
_SALT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims what: modulus, v (``base``), V (``image``), holder, ids of key record and request.

    The secret is known to be below 2^``secret_bits``. ``scheme`` is the one the tags name.
    """

    scheme: str
    modulus: int
    base: int
    image: int
    index: int
    key_id: bytes
    request_id: bytes
    secret_bits: int

    @property
    def width(self) -> int:
        """The length in bytes of a number modulo the modulus."""
        return (self.modulus.bit_length() + 7) // 8

    def tag(self, use: str) -> str:
        """Give the tag for one use of the hash."""
        return f"keyquorum/{self.scheme}/{use}/v1"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The random linear combination of some messages of a request: prod root^rho, prod answer^rho, prod answer."""

    roots: int
    answers: int
    product: int
    count: int

    def times(self, other: "Weighed", modulus: int) -> "Weighed":
        """Join two parts of the same combination."""
        return Weighed(
            self.roots * other.roots % modulus,
            self.answers * other.answers % modulus,
            self.product * other.product % modulus,
            self.count + other.count,
        )


NOTHING_WEIGHED = Weighed(1, 1, 1, 0)


def batch_seed(claim: Claim, count: int, bases: Iterable[bytes], answers: Iterable[bytes]) -> bytes:
    """Hash everything that the weights must depend on: 64 bytes. ``bases`` are b_1..b_k, read before the answers.

    The index enters as 4 bytes, the count as 8, numbers of the group as ``claim.width`` bytes.
    """
    transcript = Transcript(
        claim.tag("batch"),
        claim.key_id,
        claim.request_id,
        fixed(claim.index, 4),
        fixed(claim.base, claim.width),
        fixed(claim.image, claim.width),
        fixed(count, 8),
    )
    transcript.add_all(bases)
    transcript.add_all(answers)
    return transcript.digest()


def weigh(claim: Claim, seed: bytes, first: int, roots: Sequence[int], answers: Sequence[int]) -> Weighed:
    """Weigh the messages numbered from ``first`` on (the first of all is 1); b is the fourth power of a root."""
    count = len(roots)
    modulus = mpz(claim.modulus)
    tag = claim.tag("rho")
    weights = [
        int.from_bytes(digest(tag, seed, fixed(number, 8))[: WEIGHT_BITS // 8], "big")
        for number in range(first, first + count)
    ]
    return Weighed(
        power_product(roots, weights, modulus, bits=WEIGHT_BITS, count=count),
        power_product(answers, weights, modulus, bits=WEIGHT_BITS, count=count),
        reduce(lambda product, answer: product * answer % modulus, answers, mpz(1)),
        count,
    )


def prove(claim: Claim, seed: bytes, weighed: Weighed, secret: int, rng: Rng) -> tuple[int, int]:
    """Give (c, z) for the whole request; ``rng`` is asked once for 64 bytes."""
    B, Y = _combination(claim, weighed)
    secret_bytes = fixed(secret, (claim.secret_bits + 7) // 8)
    r = expand(claim.tag("r"), claim.secret_bits + MARGIN_BITS, rng(_SALT_BYTES), secret_bytes, seed)
    c = _challenge(claim, seed, B, Y, *secret_powers([claim.base, int(B)], r, claim.modulus))
    return c, secret * c + r


def verify(claim: Claim, seed: bytes, weighed: Weighed, c: int, z: int) -> None:
    """Check (c, z) for the whole request; raises WrongPartialError, which names the holder.

    The caller has checked that each answer is in 1..n-1 and entered the seed with its full width; here it is checked
    that none has a factor in common with the modulus.
    """
    modulus = mpz(claim.modulus)
    if gmpy2.gcd(weighed.product, modulus) != 1:
        raise _wrong(claim, "one of its values has a factor in common with the modulus")
    if not 0 <= c < 1 << CHALLENGE_BITS or not 0 <= z < 1 << (claim.secret_bits + MARGIN_BITS + 1):
        raise _wrong(claim, "a number of its proof is out of range")
    B, Y = _combination(claim, weighed)
    commitments = (
        int(gmpy2.powmod(base, z, modulus) * gmpy2.powmod(image, -c, modulus) % modulus)
        for base, image in ((claim.base, claim.image), (B, Y))
    )
    if _challenge(claim, seed, B, Y, *commitments) != c:
        raise _wrong(claim, "its proof does not hold for this key, this request and these values")


def _combination(claim: Claim, weighed: Weighed) -> tuple[int, int]:
    return int(gmpy2.powmod(weighed.roots, 4, claim.modulus)), int(gmpy2.powmod(weighed.answers, 2, claim.modulus))


def _challenge(claim: Claim, seed: bytes, B: int, Y: int, first: int, second: int) -> int:
    numbers = (fixed(number, claim.width) for number in (B, Y, first, second))
    return int.from_bytes(digest(claim.tag("dleq"), seed, *numbers)[: CHALLENGE_BITS // 8], "big")


def _wrong(claim: Claim, what: str) -> WrongPartialError:
    return WrongPartialError(
        f"{what}.",
        where=f"answer of holder {claim.index}",
        do="Leave this answer out; ask its holder what happened.",
        culprits=(claim.index,),
    )
