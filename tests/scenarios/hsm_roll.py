"""The roll from a KSK that cannot leave its HSM to a quorum's, as its people do it: quarter by quarter, as typed.

The KSK was made inside SoftHSM, and nobody ever had it. Hilda keeps it; alice, bob and carol hold shares of the next
one; rita asks. Zone keys change every quarter, as at the root.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import dns.name
import dns.rcode
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.dnssec.anchors import ds_text
from keyquorum.dnssec.model import Bundle, Dnskey, ZoneResponse
from keyquorum.dnssec.sources import read_one_response
from keyquorum.dnssec.times import parse_time
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.keys import KEY_RECORD
from tests.dnssec.keys import Pair, pair
from tests.scenarios.judges import is_authentic, unbound
from tests.scenarios.rootzone import RootZone
from tests.tokens.table import Table

DAY = 86400
ASKED = ((".", "DNSKEY"), (".", "SOA"), ("text.", "TXT"))


@dataclass(frozen=True)
class Quarter:
    """A quarter: when it begins, what is asked for with which keys, who answers.

    ``trusted`` has for each slot the keys (O: the HSM's, N: the quorum's) that a validator trusts which has followed
    the zone by RFC 5011. ``ready`` is the schema of a response that is kept for backing out.
    """

    start: str
    schema: str
    keys: Mapping[str, str]
    answering: tuple[str, ...]
    trusted: str
    ready: str = ""


@dataclass(frozen=True)
class Case:
    """A slot (from 1), the keys that a validator trusts five days into it, and whether it is to find the zone good."""

    slot: int
    trusted: str
    good: bool = True


_BOTH = {"--key": "O", "--next": "N"}
PLAN = (
    Quarter("2026-10-01", "normal", {"--key": "O"}, ("hilda",), 9 * "O "),
    # Published from 11 January on, and trusted 30 days later.
    Quarter("2027-01-01", "pre-publish", _BOTH, ("hilda",), 4 * "O " + 5 * "ON ", "back-out"),
    Quarter("2027-04-01", "publish-only", _BOTH, ("hilda",), 9 * "ON "),
    Quarter("2027-07-01", "rollover", _BOTH, ("hilda", "alice", "carol"), 9 * "ON ", "publish-only"),
    # Seen revoked, a key is not trusted any more.
    Quarter("2027-10-01", "revoke", _BOTH, ("alice", "hilda", "bob"), "ON " + 8 * "N ", "hold"),
    Quarter("2028-01-01", "normal", {"--key": "N"}, ("carol", "bob"), 9 * "N "),
)
_DIRECTORIES = {"O": "kept", "N": "new"}


@dataclass(frozen=True)
class Roll:
    """The people, the token, and what was made so far."""

    table: Table
    uri: str
    patch: pytest.MonkeyPatch
    made: list[Path] = field(default_factory=list)

    def place(self, letter: str) -> Path:
        """Give the directory of a key record."""
        return self.table.file(_DIRECTORIES[letter])

    def key(self, letter: str) -> Dnskey:
        """Give one of the two KSKs."""
        return dnskey_of(KEY_RECORD.read((self.place(letter) / "key.json").read_bytes()).record.public)

    def quarter(self, number: int) -> dict[str, ZoneResponse]:
        """Play a quarter: ask, answer, combine, verify; all of it some weeks before. Gives the responses by schema."""
        quarter, table = PLAN[number], self.table
        self.patch.setattr("keyquorum.cli.world.now", lambda: parse_time(f"{quarter.start}T00:00:00Z") - 21 * DAY)
        chain: list[str | Path] = ["--previous-skr", self.made[-1]] if self.made else []
        ksr = self._ksr(quarter, number, chain)
        request = table.file(f"request-{number}")
        schemas = [quarter.schema, *([quarter.ready] if quarter.ready else [])]
        words: list[str | Path] = ["--ksr", ksr, *chain]
        for schema in schemas:
            words += ["--schema", schema]
        words += ["--identity", table.keystore("rita"), "--out", request]
        words += [] if self.made else ["--first"]
        for option, letter in quarter.keys.items():
            words += [option, self.place(letter) / "key.json", "--accepted", self.place(letter)]
        assert table.typed("request", "new", *words) == 0
        approved = ["--approve", table.reported("request", "show", request)["id"]]
        partials = []
        for name in quarter.answering:
            partial_file = table.file(f"{name}-{number}.partial")
            words = ["--keystore", table.keystore(name), "--out", partial_file, *chain, *approved]
            words += ["--token", self.uri, "--pin-file", table.soft.pin_file()] if name == "hilda" else []
            assert table.typed("sign", request, *words) == 0
            partials.append(partial_file)
        assert table.run("combine", request, *partials, "--out", table.file(f"skr-{number}.xml")) == 0
        ending = {schema: f".{schema}" * (len(schemas) > 1) for schema in schemas}
        files = {schema: table.file(f"skr-{number}{ending[schema]}.xml") for schema in schemas}
        for file in files.values():
            assert table.run("verify", file, "--request", request) == 0
        self.made.append(files[quarter.schema])
        return {schema: read_one_response(file.read_bytes()) for schema, file in files.items()}

    def _ksr(self, quarter: Quarter, number: int, chain: Sequence[str | Path]) -> Path:
        out = self.table.file(f"ksr-{number}.xml")
        words: list[str | Path] = ["--zone", ".", "--from", quarter.start, "--policy", "root", "--out", out, *chain]
        for option, one in (("--outgoing", number), ("--zsk", number + 1), ("--incoming", number + 2)):
            words += [option, self._pem(one)]
        assert self.table.run("ksr", "new", *words) == 0
        return out

    def _pem(self, number: int) -> Path:
        path = self.table.file(f"zsk-{number}.pem")
        private: Any = zsk(number).private
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    def judge(self, number: int, response: ZoneResponse, cases: Sequence[Case]) -> None:
        """Have unbound judge the zone in slots of a quarter."""
        with ThreadPoolExecutor(6) as pool:
            for _ in pool.map(partial(self._judged, number, response.bundles), cases):
                pass

    def _judged(self, number: int, bundles: Sequence[Bundle], case: Case) -> None:
        bundle = bundles[case.slot - 1]
        directory = Path(mkdtemp(prefix="unbound-", dir=self.table.directory))
        zone, anchors = directory / "root.zone", directory / "anchors.ds"
        keys, window = write_rrset(dns.name.root, bundle), (bundle.inception, bundle.expiration)
        zone.write_text(RootZone((zsk(number + 1),)).signed(keys, *window))
        anchors.write_text("".join(f"{ds_text(dns.name.root, self.key(letter))}\n" for letter in case.trusted))
        with unbound(zone, anchors, directory, bundle.inception + 5 * DAY) as query:
            for name, kind in ASKED:
                answer = query(name, kind)
                refused = answer.rcode() == dns.rcode.SERVFAIL
                assert is_authentic(answer) if case.good else refused, (number, case)


def zsk(number: int) -> Pair:
    """Give the zone key of a quarter."""
    return pair(8, 256, number=number)
