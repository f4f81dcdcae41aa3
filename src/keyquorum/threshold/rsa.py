"""Threshold RSA for DNSSEC algorithms 8 and 10: the scheme object behind the seam.

Victor Shoup, "Practical Threshold Signatures", Eurocrypt 2000, with the verification base v derived and not dealt, and
one proof for a whole request. Dealing is in ``rsa_dealing``, a holder's answer and its check in ``rsa_signing``,
combining in ``rsa_combining``. Refused: everything ``rsa_key.check_numbers`` refuses, at each step anew, since a step
may be handed a key that nobody checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyquorum.errors import ParameterError, UsageError
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.threshold import rsa_combining, rsa_dealing, rsa_signing
from keyquorum.threshold.one_time import Maker, OneTimeStore
from keyquorum.threshold.rsa_key import ALGORITHMS, KEY_BITS, SCHEME, RsaProof, RsaPublic, RsaShare, check_numbers
from keyquorum.threshold.seam import Answer, Context, Outcome, Plan, PrivateKey, Spool, Stream

__all__ = ["ALGORITHMS", "KEY_BITS", "RsaProof", "RsaPublic", "RsaScheme", "RsaShare"]


@dataclass(frozen=True, slots=True)
class RsaScheme:
    """The scheme; ``minimum_bits`` below 2048 is for tests, and no entry of the register has it."""

    minimum_bits: int = KEY_BITS[0]

    @property
    def name(self) -> str:
        """The name in records and tags."""
        return SCHEME

    @property
    def one_time(self) -> Maker:
        """Nobody: answers are deterministic."""
        return Maker.NOBODY

    def deal(
        self, key: PrivateKey | None, plan: Plan, rng: Rng, work: Work
    ) -> tuple[RsaPublic, tuple[RsaShare, ...], None]:
        """Make a new key of ``plan.bits`` (2048, 3072 or 4096), or share an existing one of 2048 to 4096 bits.

        For an existing key ``plan.bits`` is its length or 0. Raises ParameterError for what is refused.
        """
        return *rsa_dealing.deal(key, plan, self.minimum_bits, rng, work), None

    def check_dealing(self, public: RsaPublic) -> None:
        """Check everything about a dealing that anybody can check; raises DealingError or ParameterError."""
        rsa_dealing.check_dealing(public, self.minimum_bits)

    def check_share(self, public: RsaPublic, index: int, share: RsaShare) -> None:
        """Check, as holder ``index``, that ``share`` belongs to the dealing; raises ShareError."""
        rsa_dealing.check_share(public, index, share, self.minimum_bits)

    def dnskey(self, public: RsaPublic) -> bytes:
        """Give the public key as in a DNSKEY record (RFC 3110): length of the exponent, exponent, modulus."""
        self._check(public)
        exponent = public.e.to_bytes((public.e.bit_length() + 7) // 8, "big")
        return bytes([len(exponent)]) + exponent + public.n.to_bytes(public.width, "big")

    def width(self, public: RsaPublic, index: int, context: Context) -> int:  # noqa: ARG002
        """Give the length in bytes of one value: that of the modulus."""
        self._check(public)
        return public.width

    def sign(
        self,
        public: RsaPublic,
        share: RsaShare,
        store: OneTimeStore | None,
        messages: Stream,
        context: Context,
        values: Spool,
        rng: Rng,
        work: Work,
    ) -> RsaProof:
        """Append one value per message to ``values`` and give the proof; ``store`` is None.

        Raises ParameterError, ShareError or UsageError, before anything is computed.
        """
        self._check(public)
        if store is not None:
            raise UsageError("an RSA share answers without one-time material, but was given some")
        return rsa_signing.sign(public, share, messages, context, values, rng, work)

    def check(
        self, public: RsaPublic, index: int, messages: Stream, answer: Answer, context: Context, work: Work
    ) -> None:
        """Check a whole answer; raises WrongPartialError with the culprit, RefusedError where there is no proof."""
        self._check(public)
        rsa_signing.check(public, index, messages, answer, context, work)

    def combine(
        self,
        public: RsaPublic,
        messages: Stream,
        answers: Mapping[int, Answer],
        context: Context,
        emit: Callable[[bytes], None],
        work: Work,
    ) -> Outcome:
        """Emit one verified signature per message; raises NotEnoughError with the liars if no M answers sign."""
        self._check(public)
        return rsa_combining.combine(public, messages, answers, context, emit, work)

    def _check(self, public: RsaPublic) -> None:
        if not isinstance(public, RsaPublic):
            raise ParameterError("the public part is not one of an RSA key")
        check_numbers(public, self.minimum_bits)
