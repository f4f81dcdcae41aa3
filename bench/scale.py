"""Ten thousand zones in one request, as whole commands: does time grow with the zones, and memory not at all?

Each zone has three DNSKEYs of RSA-2048: the quorum's KSK, and two ZSKs that no other zone has. One key, 3 of 5, that
may sign all of them serves every size, so that what differs is the request alone. CPU time is that of a command and
all its workers, peak memory that of the largest of these processes. Keystores have a passphrase that costs nothing:
the second and the 256 MiB that Argon2id takes are the same for one zone and for ten thousand.
"""

import json
import math
import secrets
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from time import time
from typing import BinaryIO

import dns.name
import gmpy2

from bench.measure import Options, Row, cpu, seconds, tell
from keyquorum.dnssec.anchors import dnskey_rdata_text
from keyquorum.dnssec.model import FLAG_ZONE, Dnskey
from keyquorum.dnssec.times import format_time
from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.store import Keystore
from keyquorum.maths.work import Work
from keyquorum.policy.profile import profile_source, read_policy
from keyquorum.quorum.dealing import Custody, accept, deal, dnskey_of, open_share
from keyquorum.quorum.requesting import open_request
from keyquorum.quorum.task import Basis, examine
from keyquorum.records.envelope import Signed
from keyquorum.records.files import read_header
from keyquorum.records.keys import Card
from keyquorum.records.requests import REQUEST
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import Context, MemorySpool, Plan

SIZES = (1_000, 2_500, 10_000)
QUICK_SIZES = (100, 250, 1_000)
MOST_GROWTH = 1.1
HOLDERS = ("ann", "bob", "cy", "dee", "eve")
THRESHOLD = 3
KEYQUORUM = Path(sysconfig.get_path("scripts")) / "keyquorum"
_DAY = 86400
_PASSPHRASE = b"bench"

# A process begins with the peak of whoever starts it: so each is started by one that is small.
_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=actions), 0)
wall = time.perf_counter() - start
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024]))
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took: CPU and wall seconds, the peak of its largest process in bytes."""

    cpu: float
    wall: float
    peak: int


def rows(options: Options) -> Iterator[Row]:
    """Measure."""
    sizes = QUICK_SIZES if options.quick else SIZES
    with TemporaryDirectory(prefix="keyquorum-bench-") as name:
        village = Village(Path(name), sizes[-1])
        spent = [village.through(zones) for zones in sizes]
        parts = village.parts_of_signing(sizes[0])
    for command in spent[0]:
        yield from _of_command(command, sizes, [one[command] for one in spent])
    whole = sum(parts.values())
    for part, cost in parts.items():
        yield Row(
            f"of signing, a zone, in one process: {part}", seconds(cost), f"{cost / whole:.0%} of {seconds(whole)}"
        )


def _of_command(command: str, sizes: Sequence[int], spent: Sequence[Spent]) -> Iterator[Row]:
    (small, middle, large), (first, between, last) = sizes, spent
    yield Row(
        f"{command}: CPU a zone, of {large:,} (reference: of {small:,})",
        seconds(last.cpu / large),
        seconds(first.cpu / small),
        (first.cpu / small) / (last.cpu / large),
        1 / MOST_GROWTH,
    )
    # Starting takes the same for all; without it, a cost that grows with the square of the zones could not hide.
    ours = (last.cpu - between.cpu) / (large - middle)
    reference = (between.cpu - first.cpu) / (middle - small)
    yield Row(
        f"{command}: CPU of each zone beyond {middle:,} (reference: from {small:,} to {middle:,})",
        seconds(ours),
        seconds(reference),
        reference / ours,
    )
    yield Row(
        f"{command}: wall, {large:,} zones (reference: {small:,}; ratio: of a zone)",
        f"{seconds(last.wall)}, {large / last.wall:,.0f} zones/s",
        f"{seconds(first.wall)}, {small / first.wall:,.0f} zones/s",
        (first.wall / small) / (last.wall / large),
    )
    yield Row(
        f"{command}: peak memory of the largest process, {large:,} zones (reference: {small:,})",
        f"{last.peak / 1e6:.1f} MB",
        f"{first.peak / 1e6:.1f} MB",
        first.peak / last.peak,
        1 / MOST_GROWTH,
    )


def run(argv: Sequence[str | Path], said: Path) -> Spent:
    """Run a command, its output to the file ``said``; gives what it took, or exits with what it said."""
    launched = subprocess.run(
        [sys.executable, "-ISc", _LAUNCHER, said, *argv], check=True, stdout=subprocess.PIPE, text=True
    )
    status, cpu, wall, peak = json.loads(launched.stdout)
    if status:
        sys.exit(f"{' '.join(map(str, argv[:3]))} ended with {status}:\n{said.read_text(errors='replace')}")
    return Spent(cpu, wall, peak)


class Village:
    """A directory with a key that five people hold, and rita, who dealt it and asks."""

    def __init__(self, directory: Path, zones: int) -> None:
        self._directory = directory
        self._said = directory / "said"
        self._passphrase = directory / "passphrase"
        self._passphrase.write_bytes(_PASSPHRASE)
        tell("  dealing a key")
        cards = [self._person(name) for name in (*HOLDERS, "rita")]
        names = tuple(dns.name.from_text(zone_name(number)) for number in range(zones))
        custody = Custody(names, tuple(cards[:-1]), (cards[-1],))
        plan = Plan(8, 2048, THRESHOLD, len(HOLDERS))
        with Keystore.open(self._keystore("rita"), _PASSPHRASE) as store:
            dealer = Person(store)
            dealing = deal(dealer.identity, dealer.card, custody, plan, int(time()), secrets.token_bytes, Work())
        (directory / "key.json").write_bytes(dealing.key.envelope + b"\n")
        for name, sealed in zip(HOLDERS, dealing.shares, strict=True):
            with Keystore.open(self._keystore(name), _PASSPHRASE) as store:
                holder = Person(store)
                holder.keep_share(dealing.key, open_share(sealed, holder.identity).share)
                acceptance = accept(sealed, holder.identity, int(time()))
            (directory / f"{name}.accepted.json").write_bytes(acceptance.envelope + b"\n")
        self._ksk = dnskey_of(dealing.key.record.public)
        self._zsks = distinct_keys(zones, self._ksk)

    def through(self, zones: int) -> dict[str, Spent]:
        """Take a request of so many zones through the four commands; signing is the median of three holders."""
        tell(f"  {zones:,} zones")
        source, request, response = (self._directory / f"{zones}.{what}" for what in ("source", "request", "response"))
        self._write_source(source, zones)
        now = int(time())
        spent = {
            "request new": self._keyquorum(
                "request", "new", "--key", self._directory / "key.json", "--identity", self._keystore("rita"),
                "--dnskey", source, "--inception", format_time(now), "--expiration", format_time(now + 14 * _DAY),
                "--accepted", self._directory, "--passphrase-file", self._passphrase, "--out", request,
            )
        }  # fmt: skip
        with request.open("rb") as file:
            request_id = read_header(file, REQUEST).id.hex()
        partials = [self._directory / f"{zones}.{name}.partial" for name in HOLDERS[:THRESHOLD]]
        answers = [
            self._keyquorum(
                "sign", request, "--keystore", self._keystore(name), "--passphrase-file", self._passphrase,
                "--approve", request_id, "--out", partial,
            )
            for name, partial in zip(HOLDERS, partials, strict=False)
        ]  # fmt: skip
        spent["sign"] = Spent(*(median(column) for column in zip(*map(_columns, answers), strict=True)))
        spent["combine"] = self._keyquorum("combine", request, *partials, "--out", response)
        spent["verify"] = self._keyquorum("verify", response, "--request", request)
        return spent

    def parts_of_signing(self, zones: int) -> dict[str, float]:
        """Give the CPU seconds a zone of what a holder does with a request that ``through`` has made."""
        tell("  parts of signing")
        with ExitStack() as stack:
            opened = open_request(stack.enter_context((self._directory / f"{zones}.request").open("rb")))
            with Keystore.open(self._keystore(HOLDERS[0]), _PASSPHRASE) as store:
                shares = Person(store).shares()
            policy = profile_source("zone")
            now = int(time())
            basis = Basis(read_policy(policy), sha256(policy).digest(), None, None, now, now)
            key, public = opened.task.keys[0].id, opened.task.keys[0].record.public
            moduli = [zsk.rsa_numbers()[1] for pair in self._zsks[:zones] for zsk in pair]

            def new_file() -> BinaryIO:
                return stack.enter_context(TemporaryFile())

            reading, _ = cpu(lambda: sum(1 for _ in opened.task.derived()))
            primes, _ = cpu(lambda: [gmpy2.is_strong_prp(modulus, 2) for modulus in moduli])
            judging, examination = cpu(lambda: examine(opened.task, basis, new_file, Work()))
            signing, _ = cpu(
                lambda: scheme_for(8).sign(
                    public, shares[key], None, examination.messages[0], Context(key, opened.signed.id),
                    MemorySpool(), secrets.token_bytes, Work(),
                )
            )  # fmt: skip
        parts = {
            "reading and planning": reading,
            "that no ZSK's modulus is prime (an exponentiation for each)": primes,
            "all other rules": judging - primes - reading,
            "the answer and its proof": signing,
        }
        return {part: cost / zones for part, cost in parts.items()}

    def _keyquorum(self, *arguments: str | Path) -> Spent:
        return run([KEYQUORUM, *arguments], self._said)

    def _keystore(self, name: str) -> Path:
        return self._directory / f"{name}.keystore"

    def _person(self, name: str) -> Signed[Card]:
        return Person.new(self._keystore(name), name, _PASSPHRASE, secrets.token_bytes, cost=Cost.TEST)

    def _write_source(self, path: Path, zones: int) -> None:
        with path.open("w", encoding="ascii") as file:
            for number in range(zones):
                for key in (self._ksk, *self._zsks[number]):
                    file.write(f"{zone_name(number)} 3600 IN DNSKEY {dnskey_rdata_text(key)}\n")


def zone_name(number: int) -> str:
    """Give the name of a zone."""
    return f"zone-{number + 1:06}.example."


def distinct_keys(zones: int, ksk: Dnskey) -> list[tuple[Dnskey, Dnskey]]:
    """Give two ZSKs of RSA-2048 a zone: all different, without a common factor in one zone, nor a tag, the KSK's too.

    Without the last a rule would object: of ten thousand zones, every other time one has two keys of the same tag.
    """
    some = math.isqrt(2 * zones) + 3
    pools = [[int(gmpy2.next_prime(secrets.randbits(1024) | 3 << 1022)) for _ in range(some)] for _ in range(2)]
    moduli = zip(*(combinations(pool, 2) for pool in pools), strict=True)
    pairs = ((_zsk(math.prod(one)), _zsk(math.prod(other))) for one, other in moduli)
    return list(islice((pair for pair in pairs if len({key.tag for key in (*pair, ksk)}) == 3), zones))


def _zsk(modulus: int) -> Dnskey:
    exponent = 65537
    return Dnskey(FLAG_ZONE, 8, b"\x03" + exponent.to_bytes(3, "big") + modulus.to_bytes(256, "big"))


def _columns(spent: Spent) -> tuple[float, float, int]:
    return spent.cpu, spent.wall, spent.peak
