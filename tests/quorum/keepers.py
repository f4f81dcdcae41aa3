"""Keys that one villager keeps whole, as a ``Quorum`` of one: what signs is an ordinary key of ``cryptography``."""

from dataclasses import dataclass
from functools import cache

import dns.name

from keyquorum.quorum.dealing import Custody, Dealing, Opened
from keyquorum.quorum.keeping import keep
from keyquorum.threshold.undivided import Device, UndividedPublic
from tests.dnssec.keys import Pair, pair
from tests.quorum.village import NOW, ZONES, Quorum, villager
from tests.threshold.cases import seeded


@dataclass(frozen=True, eq=False)
class Faulty:
    """A device that signs well so many times, and then wrongly."""

    key: Pair
    left: list[int]

    def sign(self, message: bytes) -> bytes:
        self.left[0] -= 1
        return self.key.sign(message if self.left[0] >= 0 else message + b"!")


def public_of(one: Pair) -> UndividedPublic:
    """Give the public part of a key that is kept whole."""
    return UndividedPublic(one.key.algorithm, one.key.public_key)


def custody(keeper: str, *, zones: tuple[str, ...] = (".", *ZONES), label: str = "") -> Custody:
    """Give the custody of a key that ``keeper`` has: rita asks."""
    names = tuple(map(dns.name.from_text, zones))
    return Custody(names, (villager(keeper).card,), (villager("rita").card,), label)


def kept(keeper: str = "hilda", algorithm: int = 8, *, device: Device | None = None) -> Quorum:
    """Have ``keeper`` make the record of a key, the same one each time; with another ``device`` from then on."""
    quorum = _kept(keeper, algorithm)
    return quorum if device is None else _around(quorum, device)


@cache
def _kept(keeper: str, algorithm: int) -> Quorum:
    one = pair(algorithm)
    who = villager(keeper)
    signed, acceptance = keep(who.identity, custody(keeper, label="kept"), public_of(one), one, NOW, seeded("keep"))
    return Quorum(Dealing(signed, ()), (who,), (Opened(None, one, (), ()),), (acceptance,))  # type: ignore[arg-type]


def _around(quorum: Quorum, device: Device) -> Quorum:
    opened = (Opened(None, device, (), ()),)  # type: ignore[arg-type]
    return Quorum(quorum.dealing, quorum.holders, opened, quorum.acceptances)
