"""What a person keeps in a keystore: identity, card, accepted shares with their key records, and what was answered.

Secrets (identity, shares, one-time material) are sealed; the rest are notes: authenticated, not secret. Everything is
durable before a call returns, so a share is kept before its acceptance leaves and an answer is remembered before it
leaves. One-time material is in ``keystore.slots``.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from keyquorum.errors import DamagedKeystoreError, KeyquorumError, RefusedError
from keyquorum.identity.keys import KEY_LENGTH, Identity
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.slots import Material, Slots
from keyquorum.keystore.store import Keystore
from keyquorum.maths.randomness import Rng
from keyquorum.quorum.dealing import make_card, parse_share, write_share
from keyquorum.quorum.generation import Begun, Transcript, deal_out
from keyquorum.records.envelope import Signed
from keyquorum.records.generation import ROUND_ONE, ROUND_TWO, RoundOneRecord, RoundTwoRecord
from keyquorum.records.keys import ACCEPTANCE, CARD, KEY_RECORD, Acceptance, Card, KeyRecord

_IDENTITY = "identity"
_CARD = "card"
_SHARE = "share"
_KEY = "key-record"
_KEPT = "kept-key"
_KEPT_ACCEPTANCE = "kept-acceptance"
_SEEN = "request-seen"
_ANSWERED = "answered"
_SIGNED = "answered-with"
_POLYNOMIAL = "polynomial"
_RECEIVING = "receiving"
_ROUND_ONE = "round-one"
_SELF = "self"


class Person:
    """A keystore that is open, as the person it belongs to."""

    def __init__(self, store: Keystore) -> None:
        self._store = store
        try:
            secret = store.get(_IDENTITY, _SELF)
            self.identity = Identity(secret[:KEY_LENGTH], secret[KEY_LENGTH:])
            self.card: Signed[Card] = CARD.read(store.notes(_CARD)[_SELF])
        except (KeyError, KeyquorumError) as error:
            raise DamagedKeystoreError(
                "the keystore holds no identity", do="It was not made by 'keyquorum holder new', or is damaged."
            ) from error

    @staticmethod
    def new(path: Path, name: str, passphrase: bytes, rng: Rng, *, cost: Cost = Cost.DEFAULT) -> Signed[Card]:
        """Make a keystore with a new identity at ``path``; gives the card. Raises as ``Keystore.create``."""
        identity = Identity(rng(KEY_LENGTH), rng(KEY_LENGTH))
        card = make_card(identity, name)
        secret = identity.signing_seed + identity.sealing_key
        secrets, notes = {(_IDENTITY, _SELF): secret}, {(_CARD, _SELF): card.envelope}
        Keystore.create(path, passphrase, name, rng, cost=cost, secrets=secrets, notes=notes)
        return card

    @property
    def name(self) -> str:
        """What the person is called."""
        return self.card.record.name

    @property
    def slots(self) -> Slots:
        """The one-time material in this keystore, and which slots this person gave out as a requester."""
        return Slots(self._store)

    def keep_share(
        self, key: Signed[KeyRecord], share: object, tables: Sequence[Material] = (), new: Collection[bytes] = ()
    ) -> None:
        """Keep an accepted share, its key record, and the secret rows that came with it; a second time changes nothing.

        ``new`` are the ids of tables that were dealt after this keystore was put back from a copy, if it was: of others
        the rows are not kept then. Raises RefusedError for another share of the same key.
        """
        name = key.id.hex()
        plain = write_share(share)
        known = name in self._store.names(_SHARE)
        if known and self._store.get(_SHARE, name) != plain:
            raise RefusedError("the keystore holds another share of this key already", do="Ask the dealer why.")
        with self._store.batch():
            if not known:
                self._store.put(_SHARE, name, plain)
                self._store.note(_KEY, name, key.envelope, replace=True)
            for table in tables:
                self.slots.keep_dealt(table, new)

    def shares(self) -> dict[bytes, object]:
        """Give the accepted shares, by the id of their key record."""
        return {bytes.fromhex(name): parse_share(self._store.get(_SHARE, name)) for name in self._store.names(_SHARE)}

    def keys(self) -> dict[bytes, Signed[KeyRecord]]:
        """Give the key records of the accepted shares, by id."""
        kept = self._store.names(_SHARE)
        return {
            bytes.fromhex(name): KEY_RECORD.read(data) for name, data in self._store.notes(_KEY).items() if name in kept
        }

    def forget(self, key: Signed[KeyRecord]) -> None:
        """Destroy a share and its one-time material; what was answered stays known. RefusedError if there is none."""
        name = key.id.hex()
        if name not in self._store.names(_SHARE):
            raise RefusedError(f"the keystore holds no share of {key.record.label}")
        self.slots.drop(key.id)
        self._store.delete(_SHARE, name)

    def keep_whole(self, key: Signed[KeyRecord], acceptance: Signed[Acceptance]) -> None:
        """Keep the record of a key that this person has whole, in a token, and the acceptance; neither is secret."""
        with self._store.batch():
            self._store.note(_KEPT, key.id.hex(), key.envelope, replace=True)
            self._store.note(_KEPT_ACCEPTANCE, key.id.hex(), acceptance.envelope, replace=True)

    def kept_whole(self) -> list[tuple[Signed[KeyRecord], Signed[Acceptance]]]:
        """Give the records of keys that this person has whole, with the acceptances, the newest first."""
        accepted = self._store.notes(_KEPT_ACCEPTANCE)
        found = [
            (KEY_RECORD.read(data), ACCEPTANCE.read(accepted[name])) for name, data in self._store.notes(_KEPT).items()
        ]
        return sorted(found, key=lambda one: (-one[0].record.created, one[0].id))

    def keep_round_one(self, begun: Begun) -> None:
        """Keep the secrets of round one, and the record, so that asking again gives the same one."""
        name = begun.signed.record.proposal.hex()
        with self._store.batch():
            self._store.put(_POLYNOMIAL, name, begun.polynomial)
            self._store.put(_RECEIVING, name, begun.receiving)
            self._store.note(_ROUND_ONE, name, begun.signed.envelope)

    def round_one(self, proposal: bytes) -> Signed[RoundOneRecord] | None:
        """Give the record of round one for a proposal (an id), if it was done."""
        envelope = self._store.notes(_ROUND_ONE).get(proposal.hex())
        return ROUND_ONE.read(envelope) if envelope is not None else None

    def deal_out(self, transcript: Transcript) -> Signed[RoundTwoRecord]:
        """Do round two, once: for another transcript of the same proposal RefusedError is raised."""
        name = transcript.proposal.id.hex()

        def make(polynomial: bytes) -> bytes:
            return deal_out(transcript, self.identity, polynomial).envelope

        return ROUND_TWO.read(self._store.answer_once(_POLYNOMIAL, name, transcript.id, make))

    def receiving(self, proposal: bytes) -> bytes:
        """Give the private key that was made to receive with in one run; raises KeystoreError if there is none."""
        return self._store.get(_RECEIVING, proposal.hex())

    def answered(self) -> frozenset[bytes]:
        """Give the ids of all requests answered so far."""
        return frozenset(bytes.fromhex(name) for name in self._store.notes(_ANSWERED))

    def seen(self) -> Mapping[str, bytes]:
        """Give the ids of all requests (KSR ids) answered so far, with the SHA-256 of the source each came in."""
        return self._store.notes(_SEEN)

    def answered_with(self) -> dict[bytes, frozenset[bytes]]:
        """Give the keys (fingerprints) with which something was answered, each with the SHA-256 of its sources."""
        found: dict[bytes, set[bytes]] = {}
        for name in self._store.notes(_SIGNED):
            key, source = bytes.fromhex(name[:64]), bytes.fromhex(name[64:])
            found.setdefault(key, set()).add(source)
        return {key: frozenset(sources) for key, sources in found.items()}

    def remember(self, request: bytes, source: bytes, ids: tuple[str, ...], keys: Collection[bytes]) -> None:
        """Remember that ``request`` (an id) is answered, over the source with this SHA-256 and the KSR ``ids``.

        ``keys`` are the fingerprints (``quorum.dealing.fingerprint_of``) of the keys it was answered with.
        """
        with self._store.batch():
            self._store.note(_ANSWERED, request.hex(), source, replace=True)
            for key in keys:
                self._store.note(_SIGNED, key.hex() + source.hex(), b"", replace=True)
            for name in ids:
                self._store.note(_SEEN, name, source, replace=True)
