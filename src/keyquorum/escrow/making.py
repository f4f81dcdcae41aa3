"""A key into an escrow: the envelope, the shares of its key-encryption key, and the manifest that names them all.

What is made here exists in memory only. Whoever calls prints it, has every page read back, rehearses the recovery with
``recovering.drill`` from what was read, and only then hands out the manifest: pages without one are no escrow.
"""

from dataclasses import dataclass, field

import dns.name

from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.errors import ParameterError
from keyquorum.escrow.envelope import read_envelope, seal_key
from keyquorum.escrow.keys import EscrowKey
from keyquorum.escrow.secret import Secret
from keyquorum.escrow.shares import Share, Sharing, split
from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import ESCROW, FORMAT, Escrow, EscrowGroup, EscrowShare
from keyquorum.records.keys import Card

KEY_ENCRYPTION_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted: whose key it is, how it is shared, and among whom.

    ``group_names`` has a name for each group of ``sharing`` and ``holders`` one for each share, empty where not said.
    ``created`` is in seconds since 1970; ``tool`` is the program and version.
    """

    zone: dns.name.Name
    sharing: Sharing
    group_names: tuple[str, ...]
    holders: tuple[str, ...]
    rehearsal: bool
    created: int
    tool: str

    def __post_init__(self) -> None:
        groups, total = len(self.sharing.groups), self.sharing.total
        if len(self.group_names) != groups:
            raise ParameterError(f"{len(self.group_names)} names for {groups} groups")
        if len(self.holders) != total:
            raise ParameterError(
                f"{len(self.holders)} holders are named for {total} shares", do="Name one for each share, or none."
            )


@dataclass(frozen=True, slots=True)
class Made:
    """An escrow as it is made: public manifest and envelope, and the shares, which are secret."""

    manifest: Signed[Escrow]
    cms: bytes
    shares: tuple[Share, ...] = field(repr=False)


def make(key: EscrowKey, order: Order, maker: Identity, card: Signed[Card], rng: Rng) -> Made:
    """Encrypt ``key`` to a new key-encryption key, split that, and describe it in a manifest signed by ``maker``."""
    with Secret(rng(KEY_ENCRYPTION_KEY_LENGTH)) as kek:
        cms = seal_key(key.pkcs8.reveal(), kek.reveal(), rng)
        shares = split(kek.reveal(), order.sharing, rng)
    envelope = read_envelope(cms)
    dnskey = key.dnskey()
    groups = zip(order.group_names, order.sharing.groups, strict=True)
    record = Escrow(
        signer=maker.verification_key,
        created=order.created,
        tool=order.tool,
        format=FORMAT,
        custody="rehearsal" if order.rehearsal else "real",
        zone=order.zone,
        algorithm=key.algorithm.name,
        public_key=key.public_key,
        dnskey=dnskey_text(order.zone, dnskey) if dnskey else None,
        ds=ds_text(order.zone, dnskey) if dnskey else None,
        envelope=envelope.sha256,
        envelope_length=len(cms),
        recipient=envelope.recipient,
        identifier=shares[0].identifier,
        group_threshold=order.sharing.group_threshold,
        groups=tuple(EscrowGroup(name=name, threshold=least, size=size) for name, (least, size) in groups),
        shares=tuple(
            EscrowShare(
                number=number, group=share.group, member=share.member, fingerprint=share.fingerprint, holder=holder
            )
            for number, (share, holder) in enumerate(zip(shares, order.holders, strict=True), 1)
        ),
        maker=card,
    )
    return Made(ESCROW.sign(record, maker), cms, shares)
