"""From a plan to a key in custody: deal, look at what was dealt, accept.

The dealer's work is never taken on trust: ``check_key`` is what anybody can check, ``open_share`` what each holder
checks of its own share before it says so in an acceptance. No request is answered before every holder has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import dns.name

from keyquorum.dnssec.model import FLAG_SEP, FLAG_ZONE, Dnskey, PublishedKey
from keyquorum.errors import MalformedError, NotYetError, ParameterError, RefusedError
from keyquorum.identity.keys import Identity, seal
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import Work
from keyquorum.records.canonical import dumps, loads
from keyquorum.records.envelope import Signed
from keyquorum.records.kinds import (
    ACCEPTANCE,
    CARD,
    KEY_RECORD,
    LABEL,
    SEALED_SHARE,
    ZONES,
    Acceptance,
    Card,
    KeyRecord,
    SealedShare,
    check_people,
)
from keyquorum.records.parts import MOST_HOLDERS, SHARE
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Plan, PrivateKey, PublicPart

SHARE_TAG = b"keyquorum/share/seal/v1"
_SHARE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Custody:
    """Whom a key is for: the zones it may sign, its holders in the order of their indices, and who may ask."""

    zones: tuple[dns.name.Name, ...]
    holders: tuple[Signed[Card], ...]
    requesters: tuple[Signed[Card], ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Dealing:
    """What a dealer hands out: the public key record, and for each holder a share sealed to it."""

    key: Signed[KeyRecord]
    shares: tuple[Signed[SealedShare], ...]


def make_card(identity: Identity, name: str) -> Signed[Card]:
    """Give the card that says who ``identity`` is."""
    card = Card(signer=identity.verification_key, name=name, sealing_key=identity.sealing_public_key)
    return CARD.sign(card, identity)


def deal(
    dealer: Identity,
    card: Signed[Card],
    custody: Custody,
    plan: Plan,
    created: int,
    rng: Rng,
    work: Work,
    *,
    key: PrivateKey | None = None,
) -> Dealing:
    """Make a new key (or share ``key``) as ``plan`` says, and hand it to ``custody``; signed by ``dealer``.

    What was made is checked as its receivers will, before it is returned. Raises ParameterError for what the scheme
    refuses.
    """
    if plan.holders != len(custody.holders):
        raise ParameterError(f"{plan.holders} shares for {len(custody.holders)} holders")
    if plan.holders > MOST_HOLDERS:
        raise ParameterError(f"{plan.holders} holders are more than the {MOST_HOLDERS} a key record can name")
    _check_custody(custody, card)
    scheme = scheme_for(plan.algorithm)
    public, shares = scheme.deal(key, plan, rng, work)
    scheme.check_dealing(public)
    record = KeyRecord(
        signer=dealer.verification_key,
        created=created,
        label=custody.label or f"quorum-{dnskey_of(public).tag}",
        zones=custody.zones,
        public=public,
        dealer=card,
        holders=custody.holders,
        requesters=custody.requesters,
    )
    signed = KEY_RECORD.sign(record, dealer)
    sealed = []
    for index, (holder, share) in enumerate(zip(custody.holders, shares, strict=True), 1):
        scheme.check_share(public, index, share)
        blob = seal(holder.record.sealing_key, dumps(SHARE.dump(share)), _share_info(signed.id, index))
        part = SealedShare(signer=dealer.verification_key, key=signed, index=index, sealed=blob)
        sealed.append(SEALED_SHARE.sign(part, dealer))
    return Dealing(signed, tuple(sealed))


@lru_cache(maxsize=64)
def check_key(key: Signed[KeyRecord]) -> None:
    """Check all of a key record that anybody can check; raises DealingError or ParameterError (the dealer's fault)."""
    scheme_for(key.record.public.algorithm).check_dealing(key.record.public)


def open_share(sealed: Signed[SealedShare], identity: Identity) -> object:
    """Open and check one holder's share; gives the scheme's share.

    Raises RefusedError if it is not for this holder, DealingError or ShareError if the dealer's work does not check.
    """
    share = sealed.record
    record = share.key.record
    index = record.index_of(identity.verification_key)
    if index != share.index:
        named = record.holders[share.index - 1].record.name
        raise RefusedError(
            f"this share is for holder {share.index}, {named}, not for you", do="Hand it on to them, unopened."
        )
    check_key(share.key)
    plain = identity.unseal(share.sealed, _share_info(share.key.id, index))
    part = parse_share(plain)
    scheme_for(record.public.algorithm).check_share(record.public, index, part)
    return part


def parse_share(plain: bytes) -> object:
    """Read a share as it is kept in a keystore."""
    return SHARE.parse(loads(plain, _SHARE_LIMIT), "share")


def write_share(share: object) -> bytes:
    """Write a share as it is kept in a keystore."""
    return dumps(SHARE.dump(share))


def accept(sealed: Signed[SealedShare], identity: Identity, accepted: int) -> Signed[Acceptance]:
    """Say that the share was checked and is kept; call it only once that is true."""
    share = sealed.record
    acceptance = Acceptance(signer=identity.verification_key, key=share.key.id, index=share.index, accepted=accepted)
    return ACCEPTANCE.sign(acceptance, identity)


def check_acceptances(key: Signed[KeyRecord], acceptances: Sequence[Signed[Acceptance]]) -> None:
    """Check that every holder of ``key`` has accepted its share; raises NotYetError naming those who have not.

    An acceptance of another key or by a stranger raises RefusedError.
    """
    record = key.record
    accepted = set()
    for signed in acceptances:
        acceptance = signed.record
        if acceptance.key != key.id:
            raise RefusedError(
                "an acceptance is of another key", do="Leave it out; each key has acceptances of its own."
            )
        if record.index_of(acceptance.signer) != acceptance.index:
            raise RefusedError(f"an acceptance for share {acceptance.index} is not signed by the holder of that share")
        accepted.add(acceptance.index)
    missing = [card.record.name for index, card in enumerate(record.holders, 1) if index not in accepted]
    if missing:
        raise NotYetError(
            f"not every holder has accepted a share of {record.label}: missing {', '.join(missing)}",
            do="Each runs 'keyquorum share accept' and sends NAME.accepted.json.",
        )


def dnskey_of(public: PublicPart) -> Dnskey:
    """Give the DNSKEY of a dealt key: a zone key with the SEP flag (257)."""
    return Dnskey(FLAG_ZONE | FLAG_SEP, public.algorithm, scheme_for(public.algorithm).dnskey(public))


def published(key: KeyRecord, ttl: int) -> PublishedKey:
    """Give the key as it stands in a bundle, under its label."""
    return PublishedKey(dnskey_of(key.public), ttl, key.label)


def _check_custody(custody: Custody, dealer: Signed[Card]) -> None:
    """Refuse what a key record cannot say or nobody can be sealed to, before a search that may take hours."""
    check_people(dealer, custody.holders, custody.requesters)
    ZONES.parse(ZONES.dump(custody.zones), "zones")
    LABEL.parse(custody.label or "-", "label")
    for holder in custody.holders:
        try:
            seal(holder.record.sealing_key, b"", b"")
        except MalformedError as error:
            raise MalformedError(error.what, where=f"the card of {holder.record.name}", do="Ask for another.") from None


def _share_info(key_id: bytes, index: int) -> bytes:
    return SHARE_TAG + key_id + index.to_bytes(2, "big")
