"""Resolvers on other days than today: an unbound that is told whom to trust, and one that follows RFC 5011 by itself.

Each look is a process of its own. The one that follows lives under a false clock that begins at the moment given; what
it knows is in the file in which unbound keeps it, and goes from one look to the next. Raises JudgeError where answers
contradict each other.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata

from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.model import Dnskey
from tests.scenarios.judges import JudgeError, Query, program, running_unbound, zone_in

ASKED = ((".", "SOA"), ("text.", "TXT"), ("nothing.", "A"), (".", "DNSKEY"))
"""Something of everything: data, data of another name, a proof that a name does not exist, the keys."""

_MOST_SECONDS = "60"


class Says(Enum):
    """What a resolver makes of a zone: all is validated, all is refused, or nothing is looked at any more."""

    SECURE = "secure"
    BOGUS = "bogus"
    INSECURE = "insecure"


@dataclass(frozen=True)
class Told:
    """A resolver that trusts the KSKs ``anchors``, since somebody configured it so; ``insist`` as in unbound's runs."""

    directory: Path
    anchors: Sequence[Dnskey]
    insist: bool = True

    def look(self, zonefile: Path, at: int) -> Says:
        """Say what it makes of the root zone in ``zonefile`` at the moment ``at`` (seconds since 1970)."""
        anchors = self.directory / "anchors.ds"
        anchors.write_text("".join(f"{ds_text(dns.name.root, key)}\n" for key in self.anchors))
        trust = f'trust-anchor-file: "{anchors}"'
        with running_unbound(zone_in(zonefile), ".", trust, self.directory, at=at, insist=self.insist) as query:
            return _said(query)


@dataclass(frozen=True)
class Follower:
    """A resolver that was told one KSK at its beginning and is told nothing more: it follows RFC 5011."""

    directory: Path
    insist: bool = True

    @property
    def memory(self) -> Path:
        """The file in which unbound keeps what it knows."""
        return self.directory / "root.key"

    def begin(self, key: Dnskey) -> "Follower":
        """Tell it the first KSK."""
        self.memory.write_text(f"{dnskey_text(dns.name.root, key)}\n")
        return self

    def twin(self, directory: Path, *, insist: bool = True) -> "Follower":
        """Give another one that knows what this one does, with its file in ``directory``."""
        twin = Follower(directory, insist)
        shutil.copy(self.memory, twin.memory)
        return twin

    def look(self, zonefile: Path, at: int) -> Says:
        """Say what it makes of the root zone in ``zonefile`` at the moment ``at``, and remember what it saw."""
        trust, before = f'auto-trust-anchor-file: "{self.memory}"', _under_clock(at)
        with running_unbound(zone_in(zonefile), ".", trust, self.directory, before=before, insist=self.insist) as query:
            return _said(query)

    def state(self, key: Dnskey) -> str:
        """Give the state in which it has ``key``, revoked or not, in the words of RFC 5011; "" if it has it in none."""
        for line in self.memory.read_text().splitlines():
            record, _, told = line.partition(";;state=")
            if "DNSKEY" in record and told:
                known: Any = dns.rdata.from_text("IN", "DNSKEY", record.partition("DNSKEY")[2].partition(";")[0])
                if (known.algorithm, known.key) == (key.algorithm, key.public_key):
                    return told.partition("[")[2].partition("]")[0].strip()
        return ""


def _under_clock(at: int) -> list[str]:
    """Give the words before a command whose clock is to begin at a moment.

    faketime's wrapper leaves a semaphore behind for each process that is ended, and later stumbles over one.
    """
    program("faketime")
    clock = datetime.fromtimestamp(at, UTC).strftime("@%Y-%m-%d %H:%M:%S")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return ["timeout", _MOST_SECONDS, "env", "TZ=UTC", f"FAKETIME={clock}", f"LD_PRELOAD={library}"]


def _said(query: Query) -> Says:
    found = [_one(query(name, kind)) for name, kind in ASKED]
    if len(set(found)) != 1:
        raise JudgeError(f"unbound's answers are {', '.join(one.value for one in found)}")
    return found[0]


def _one(answer: dns.message.Message) -> Says:
    if answer.rcode() == dns.rcode.SERVFAIL:
        return Says.BOGUS
    if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        raise JudgeError(f"unbound answers {dns.rcode.to_text(answer.rcode())}")
    return Says.SECURE if answer.flags & dns.flags.AD else Says.INSECURE
