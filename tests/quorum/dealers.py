"""Dishonest dealers: key records and sealed shares that are well-formed and signed, and do not fit together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from keyquorum.identity.keys import seal
from keyquorum.quorum.dealing import SHARE_TAG, write_share
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KEY_RECORD, SEALED_SHARE, KeyRecord, SealedShare
from keyquorum.threshold.rsa import RsaPublic, RsaShare
from keyquorum.threshold.rsa_key import verification_base
from tests.quorum.village import Quorum, villager


@dataclass(frozen=True, eq=False)
class Dealt:
    """What a dealer handed out."""

    key: Signed[KeyRecord]
    shares: tuple[Signed[SealedShare], ...]


def public_of(quorum: Quorum) -> RsaPublic:
    """Give the public part of a key."""
    public = quorum.key.record.public
    assert isinstance(public, RsaPublic)
    return public


def hand_out(
    quorum: Quorum,
    public: RsaPublic,
    shares: Sequence[object],
    *,
    recipients: Sequence[str] = (),
    sealed_for: bytes | None = None,
) -> Dealt:
    """Hand out ``public`` and ``shares`` as a dealer does, without looking at them.

    ``recipients`` are those it is sealed to, if not the holders; ``sealed_for`` the key id it is sealed under.
    """
    dealer = villager("rita").identity
    key = KEY_RECORD.sign(replace(quorum.key.record, public=public), dealer)
    sealed = []
    names = recipients or [holder.name for holder in quorum.holders]
    for index, (name, share) in enumerate(zip(names, shares, strict=True), 1):
        plain = share if isinstance(share, bytes) else write_share(share)
        info = SHARE_TAG + (sealed_for or key.id) + index.to_bytes(2, "big")
        blob = seal(villager(name).card.record.sealing_key, plain, info)
        part = SealedShare(signer=dealer.verification_key, key=key, index=index, sealed=blob)
        sealed.append(SEALED_SHARE.sign(part, dealer))
    return Dealt(key, tuple(sealed))


def moved(quorum: Quorum, by: Callable[[int], int], *, published: bool) -> Dealt:
    """Deal with ``by(i)`` added to share i; ``published`` says whether the verification values tell so."""
    public = public_of(quorum)
    shares = [RsaShare(share.index, share.value + by(share.index)) for share in quorum.shares]
    if published:
        v = verification_base(public.n, public.e)
        values = tuple(
            value * pow(v, by(index), public.n) % public.n for index, value in enumerate(public.verification, 1)
        )
        public = replace(public, verification=values)
    return hand_out(quorum, public, shares)
