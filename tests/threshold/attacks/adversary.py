"""The adversary: sees all that is public, has what some holders know, and writes down what each answer says.

An answer is linear in what its maker keeps secret, so everything that answers tell is in ``Equations``, and an attack
is asking what follows. What is only hidden in points (the logarithm of a commitment, of U_i, of the public key) the
adversary does not get: that is what the group is for.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from keyquorum.threshold.ecdsa import EcdsaPublic, Shift, shift
from keyquorum.threshold.ecdsa_key import suite_of as ecdsa_suite_of
from keyquorum.threshold.ecdsa_presigning import presignature_in, secrets_in
from keyquorum.threshold.frost import FrostArithmetic, FrostPublic
from keyquorum.threshold.frost_key import suite_of as frost_suite_of
from keyquorum.threshold.frost_rounds import Round, derive_interpolating_value
from keyquorum.threshold.one_time import Quorum
from keyquorum.threshold.planned import quorums_of
from keyquorum.threshold.seam import Context
from tests.threshold.attacks.equations import Combination, Equations
from tests.threshold.cases import Dealt


class Adversary(Protocol):
    """What the tests ask of one, whatever the scheme."""

    def hears(self, index: int, texts: Sequence[bytes], context: Context, values: Iterable[bytes]) -> None:
        """Write down what one answer says."""
        ...

    def key(self) -> int | None:
        """Give the private key, if it follows from what was written down."""
        ...


class FrostAdversary:
    """Unknowns: the coefficients of the dealer's polynomial, and each nonce of each holder, quorum and slot.

    ``era`` tells polynomials apart where shares were refreshed; ``one_pair`` where a holder uses one pair of nonces in
    all quorums.
    """

    def __init__(self, dealt: Dealt, corrupt: Iterable[int] = (), *, slots: int = 1, one_pair: bool = False) -> None:
        self.public: FrostPublic = dealt.public
        self.group = frost_suite_of(self.public.algorithm).group
        self.equations = Equations(self.group.order)
        self.one_pair = one_pair
        for index in corrupt:
            self._has_all_of(dealt, index, slots)

    def hears(
        self, index: int, texts: Sequence[bytes], context: Context, values: Iterable[bytes], era: int = 0
    ) -> None:
        """Write down z = d + rho e + lambda c s for each value and each quorum."""
        commitments = context.commitments
        assert commitments is not None
        quorums, length = quorums_of(self.public, commitments), self.group.scalar_length
        rows = zip(texts, commitments.rows, values, strict=True)
        for slot, (text, row, value) in enumerate(rows, commitments.first):
            for place, quorum in enumerate(one for one in quorums if index in one):
                common = begun(self.public, commitments.makers, commitments.quorum, text, row, quorum)
                weight = common.weights[index] * common.challenge
                hiding, binding = self._nonces(index, quorum, slot)
                self.equations.learn(
                    {hiding: 1, binding: common.binding_factors[index], **self._share(index, weight, era)},
                    self.group.decode_scalar(value[place * length : (place + 1) * length]),
                )

    def share_of(self, index: int) -> int | None:
        """Give a holder's share, if it follows."""
        return self.equations.value_of(self._share(index, 1, 0))

    def difference_of_shares(self, index: int) -> int | None:
        """Give by how much a refresh changed a holder's share, if it follows."""
        return self.equations.value_of({**self._share(index, -1, 0), **self._share(index, 1, 1)})

    def key(self) -> int | None:
        """Give the constant term, if it follows."""
        return self.equations.value_of({("coefficient", 0, 0): 1})

    def _share(self, index: int, factor: int, era: int) -> Combination:
        return {("coefficient", power, era): factor * index**power for power in range(self.public.threshold)}

    def _nonces(self, index: int, quorum: Quorum, slot: int) -> tuple[object, object]:
        whose = (index, slot) if self.one_pair else (index, quorum, slot)
        return ("hiding", *whose), ("binding", *whose)

    def _has_all_of(self, dealt: Dealt, index: int, slots: int) -> None:
        length = self.group.scalar_length
        self.equations.learn(self._share(index, 1, 0), dealt.shares[index - 1].value)
        mine = [quorum for quorum in self.public.quorums if index in quorum]
        for slot, secret in enumerate(dealt.material(slots)[index - 1].secrets[0]):
            numbers = [secret[start : start + length] for start in range(0, len(secret), length)]
            for place, quorum in enumerate(mine):
                for unknown, number in zip(
                    self._nonces(index, quorum, slot), numbers[2 * place : 2 * place + 2], strict=True
                ):
                    self.equations.learn({unknown: 1}, self.group.decode_scalar(number))


class EcdsaAdversary:
    """Unknowns: u_i and v_i of each holder, quorum and slot; from their sums, 1/k and x/k, follows x.

    Each presignature has a k of its own. So as long as of each at most one combination m/k + r x/k follows, any x fits:
    there is a k for it.
    """

    def __init__(self, dealt: Dealt, corrupt: Iterable[int] = (), *, slots: int = 1) -> None:
        self.public: EcdsaPublic = dealt.public
        self.group = ecdsa_suite_of(self.public.algorithm).group
        self.equations = Equations(self.group.order)
        self.slots = slots
        for index in corrupt:
            for slot, secret in enumerate(dealt.material(slots)[0].secrets[index - 1]):
                for quorum in self.public.quorums:
                    if index in quorum:
                        u, v = secrets_in(self.public, index, secret, quorum)
                        self.equations.learn({("u", quorum, slot, index): 1}, u)
                        self.equations.learn({("v", quorum, slot, index): 1}, v)

    def hears(self, index: int, texts: Sequence[bytes], context: Context, values: Iterable[bytes]) -> None:
        """Write down s delta = m u + r v for each value and each quorum."""
        commitments = context.commitments
        assert commitments is not None
        length = self.group.scalar_length
        rows = zip(texts, commitments.rows, values, strict=True)
        for slot, (text, row, value) in enumerate(rows, commitments.first):
            for place, quorum in enumerate(one for one in self.public.quorums if index in one):
                shifted = self.shifted(text, row, quorum)
                scalar = self.group.decode_scalar(value[place * length : (place + 1) * length])
                self.equations.learn(
                    {("u", quorum, slot, index): shifted.m, ("v", quorum, slot, index): shifted.r},
                    scalar * shifted.delta,
                )

    def shifted(self, text: bytes, row: bytes, quorum: Quorum) -> Shift:
        """Compute what the message makes of the presignature."""
        return shifted_of(self.public, text, row, quorum)

    def key(self) -> int | None:
        """Give x, if for some quorum and slot both sums follow."""
        for quorum in self.public.quorums:
            for slot in range(self.slots):
                found = self.key_from(quorum, slot)
                if found is not None:
                    return found
        return None

    def key_from(self, quorum: Quorum, slot: int) -> int | None:
        """Give x, if it follows from one presignature."""
        u, v = (self.equations.value_of({(side, quorum, slot, index): 1 for index in quorum}) for side in "uv")
        return None if u is None or v is None else v * pow(u, -1, self.group.order) % self.group.order


def adversary(dealt: Dealt, corrupt: Iterable[int] = ()) -> Adversary:
    """Give the adversary against a key, for one slot."""
    return (FrostAdversary if dealt.scheme.name == "frost" else EcdsaAdversary)(dealt, corrupt)


def true_key(dealt: Dealt) -> int:
    """Give the private key that an attack should find."""
    if dealt.scheme.name == "ecdsa":
        return int(dealt.undivided.private_numbers().private_value)
    group = frost_suite_of(dealt.public.algorithm).group
    some = range(1, dealt.public.threshold + 1)
    key: int = sum(derive_interpolating_value(group, index, some) * dealt.shares[index - 1].value for index in some)
    assert group.encode(group.multiply_base(key % group.order)) == dealt.public.group_key
    return key % group.order


@lru_cache(maxsize=4096)
def begun(public: Any, makers: tuple[int, ...], only: Quorum | None, text: bytes, row: bytes, quorum: Quorum) -> Round:
    """Compute, as anybody can, what is the same for all of a quorum; kept, since many adversaries need the same."""
    return FrostArithmetic(public, makers, only, ()).begin(text, row, quorum)


@lru_cache(maxsize=4096)
def shifted_of(public: Any, text: bytes, row: bytes, quorum: Quorum) -> Shift:
    """Compute, as anybody can, what a message makes of a presignature."""
    return shift(public, presignature_in(public, row, public.quorums.index(quorum)).R, text)
