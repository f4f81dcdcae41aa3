"""Where a recovered key can go: a token, a quorum, new paper, or, where asked for by name, a PEM file.

A target is checked before anybody opens a bag: places, people and numbers that will not do are refused first.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.cli import terminal
from keyquorum.cli.dealing import after_dealing, hand_out, ration_of, targets
from keyquorum.cli.escrow_ceremony import hold
from keyquorum.cli.escrow_options import order_of, production_of, sharing_of
from keyquorum.cli.options import absent, make_directory, person_at, read_record
from keyquorum.cli.world import RNG
from keyquorum.errors import RefusedError, UsageError
from keyquorum.escrow.keys import EscrowKey
from keyquorum.escrow.making import make
from keyquorum.keystore.files import write_secret
from keyquorum.machine.places import refuse_disk
from keyquorum.paper.sheet import Paper
from keyquorum.quorum.dealing import Custody
from keyquorum.records.envelope import Signed
from keyquorum.records.escrow import Escrow
from keyquorum.records.keys import CARD
from keyquorum.threshold.register import SCHEMES, scheme_for
from keyquorum.threshold.seam import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options of ``escrow recover`` ask for."""

    to_pem: Path | None
    to_escrow: Path | None
    to_quorum: Path | None
    to_token: str | None
    holders: tuple[Path, ...]
    requesters: tuple[Path, ...]
    answers: int | None
    slots: int | None
    a_year: int | None
    identity: Path | None
    label: str
    key_id: str | None
    extractable: bool
    pin_file: Path | None
    module: Path | None
    threshold: int | None
    shares: int | None
    groups: tuple[str, ...]
    group_threshold: int | None
    share_holders: tuple[str, ...]
    printers: tuple[str, ...]
    paper: Paper
    handwritten: bool
    scans: Path | None
    rehearsal: bool
    passphrase_file: Path | None


class Target(Protocol):
    """Where the key goes."""

    def take(self, key: EscrowKey) -> None:
        """Take the key."""
        ...

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        ...


def target_of(wishes: Wishes, manifest: Signed[Escrow]) -> Target:
    """Give the one target that is asked for; raises UsageError or RefusedError for one that will not do."""
    asked = [
        name
        for name, value in (
            ("--to-token", wishes.to_token),
            ("--to-quorum", wishes.to_quorum),
            ("--to-escrow", wishes.to_escrow),
            ("--to-pem", wishes.to_pem),
        )
        if value is not None
    ]
    if len(asked) != 1:
        raise UsageError(
            "where the key is to go is not said"
            if not asked
            else f"the key cannot go to {' and '.join(asked)} at once",
            do="Give one of --to-token URI, --to-quorum DIR HOLDER..., --to-escrow DIR, --to-pem FILE.",
        )
    if wishes.holders and wishes.to_quorum is None:
        raise UsageError("HOLDER cards are for --to-quorum", do="Leave them out.")
    if wishes.to_pem is not None:
        return ToPem(wishes.to_pem, rehearsal=wishes.rehearsal)
    if wishes.to_quorum is not None:
        return ToQuorum(wishes, wishes.to_quorum, manifest)
    if wishes.to_escrow is not None:
        return ToEscrow(wishes, wishes.to_escrow, manifest)
    from keyquorum.cli.escrow_token import ToToken  # noqa: PLC0415

    return ToToken(wishes, manifest)


class ToPem:
    """An unencrypted PKCS#8 PEM, in memory."""

    def __init__(self, path: Path, *, rehearsal: bool) -> None:
        absent(path)
        if not rehearsal:
            refuse_disk(path, "an unencrypted private key")
        self._path = path

    def take(self, key: EscrowKey) -> None:
        """Write the file."""
        pem = key.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(self._path, pem)
        terminal.facts({"written": f"{self._path}: the whole key, unencrypted"})

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        return f"whoever reads {self._path} has the key. Use it, then delete it and switch this machine off."


class ToQuorum:
    """The same key, in the custody of a quorum."""

    def __init__(self, wishes: Wishes, out: Path, manifest: Signed[Escrow]) -> None:
        dnskey = manifest.record.dnskey
        algorithm = int(dnskey.split()[5]) if dnskey else 0
        if algorithm not in SCHEMES:
            raise RefusedError(
                f"there is no threshold scheme for {manifest.record.algorithm}", do="Choose another place for the key."
            )
        if wishes.identity is None or wishes.threshold is None or not wishes.holders:
            raise UsageError(
                "a quorum needs a dealer, a threshold and holders",
                do="Give --identity KEYSTORE --threshold M, and the holders' cards.",
            )
        if wishes.shares is not None or wishes.groups:
            raise UsageError("--shares and --group are for paper", do="A quorum has one share for each HOLDER card.")
        self._wishes, self._out, self._identity = wishes, out, wishes.identity
        self._cards = tuple(read_record(path, CARD) for path in wishes.holders)
        self._requesters = tuple(read_record(path, CARD) for path in wishes.requesters)
        self._plan = Plan(algorithm, 0, wishes.threshold, len(self._cards), wishes.answers)
        self._ration = ration_of(algorithm, wishes.slots, wishes.a_year)
        self._zones = (manifest.record.zone,)
        targets(out, self._cards)

    def take(self, key: EscrowKey) -> None:
        """Deal the key."""
        with person_at(self._identity, self._wishes.passphrase_file) as dealer:
            custody = Custody(self._zones, self._cards, self._requesters or (dealer.card,), self._wishes.label)
            hand_out(dealer, custody, self._plan, self._out, key.private_key(), self._ration)

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        return after_dealing(scheme_for(self._plan.algorithm).one_time, existing=False)


class ToEscrow:
    """The same key on new paper, with other numbers and people."""

    def __init__(self, wishes: Wishes, out: Path, manifest: Signed[Escrow]) -> None:
        if wishes.identity is None:
            raise UsageError("a new escrow needs a maker", do="Give --identity KEYSTORE.")
        sharing, names = sharing_of(wishes.threshold, wishes.shares, wishes.groups, wishes.group_threshold)
        self._order = order_of(manifest.record.zone, sharing, names, wishes.share_holders, rehearsal=wishes.rehearsal)
        self._production = production_of(
            out,
            wishes.printers,
            wishes.paper,
            handwritten=wishes.handwritten,
            scans=wishes.scans,
            rehearsal=wishes.rehearsal,
        )
        self._identity, self._passphrase_file, self._out = wishes.identity, wishes.passphrase_file, out

    def take(self, key: EscrowKey) -> None:
        """Hold the ceremony."""
        with person_at(self._identity, self._passphrase_file) as maker:
            make_directory(self._out)
            hold(make(key, self._order, maker.identity, maker.card, RNG), self._production, RNG)

    def next_step(self) -> str:
        """Say what is to be done afterwards."""
        return (
            f"bag the new pages and publish {self._out}/escrow.json. The old shares still open the key: "
            "destroy them, before a witness, once the new bags are in place."
        )
