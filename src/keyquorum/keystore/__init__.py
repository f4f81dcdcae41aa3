"""Floor 4: a holder's secrets at rest, and files that are there whole or not at all."""

from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.store import Keystore

__all__ = ["Cost", "Keystore"]
