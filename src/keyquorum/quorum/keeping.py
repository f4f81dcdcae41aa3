"""A key that is kept whole: its keeper makes the record of it from the device that has it, and is its only holder.

The keeper vouches for two things that nobody else can see: that the device signs with this key, which is tried before
anything is signed here, and that the key is nowhere else, which nothing can prove. Refused: a device that does not sign
with the key, and what ``dealing`` refuses of any custody.
"""

from keyquorum.identity.keys import Identity
from keyquorum.maths.randomness import Rng
from keyquorum.maths.work import HERE
from keyquorum.quorum.dealing import Custody, accept_key, check_custody, check_key, dnskey_of
from keyquorum.quorum.requesting import OpenRequest
from keyquorum.records.envelope import Signed
from keyquorum.records.keys import KEY_RECORD, Acceptance, KeyRecord, Origin
from keyquorum.threshold.register import scheme_of
from keyquorum.threshold.seam import Context, MemorySpool
from keyquorum.threshold.undivided import Device, UndividedPublic

PROBE_LENGTH = 64
"""Bytes of the random message that a device signs to show that it has the key."""


def keep(
    keeper: Identity, custody: Custody, public: UndividedPublic, device: Device, created: int, rng: Rng
) -> tuple[Signed[KeyRecord], Signed[Acceptance]]:
    """Make the record of a key that is in ``device``, and the acceptance of its ``keeper``, the one in ``custody``.

    Raises ParameterError for a public key that is refused, SignatureError where the device does not sign with it.
    """
    (card,) = custody.holders
    check_custody(custody, card)
    record = KeyRecord(
        signer=keeper.verification_key,
        created=created,
        label=custody.label or f"kept-{dnskey_of(public).tag}",
        zones=custody.zones,
        public=public,
        dealer=card,
        holders=custody.holders,
        requesters=custody.requesters,
        origin=Origin(how="kept"),
    )
    signed = KEY_RECORD.sign(record, keeper)
    check_key(signed)
    prove(public, device, rng)
    return signed, accept_key(signed, keeper, created)


def prove(public: UndividedPublic, device: Device, rng: Rng) -> None:
    """Have ``device`` sign a random message, verified here; raises SignatureError where it has another key."""
    context = Context(bytes(32), bytes(32))
    scheme_of(public).sign(public, device, None, [rng(PROBE_LENGTH)], context, MemorySpool(), rng, HERE)


def kept_by(request: OpenRequest, keeper: Identity) -> tuple[Signed[KeyRecord], ...]:
    """Give the keys in ``request`` that ``keeper`` has whole, and that sign something there."""
    signing, own = request.task.signing(), keeper.verification_key
    return tuple(key for key in request.task.keys if key.id in signing and key.record.kept and key.record.signer == own)
