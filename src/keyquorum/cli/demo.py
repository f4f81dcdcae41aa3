"""``keyquorum demo``: the main job from start to end, on embedded defaults, with the commands that do it.

Every step runs the command it shows. Two things are not as in real life: the keystores' passphrase is in a file and
cheap to guess, and one holder is made to lie.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import click

from keyquorum.cli import terminal
from keyquorum.cli.demo_facts import JUDGED_AT, root_2017_q2
from keyquorum.cli.key_facts import ALGORITHMS
from keyquorum.cli.options import FILE, directory_at, make_directory
from keyquorum.cli.world import RNG
from keyquorum.errors import UsageError
from keyquorum.identity.words import spoken
from keyquorum.keystore.files import write_public
from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.keystore.store import Keystore
from keyquorum.quorum.signing import Answered
from keyquorum.records.files import read_header
from keyquorum.records.keys import KEY_RECORD
from keyquorum.records.requests import PARTIAL, REQUEST, KeyAnswer, Partial
from keyquorum.threshold.one_time import Maker
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.seam import MemorySpool

HOLDERS = ("alice", "bob", "carol", "dave", "erin")
LIAR = "bob"
ANSWERING = ("alice", "bob", "carol", "dave")
_PASSPHRASE = b"demo"
_COST = Cost(passes=1, memory_kib=8192)
_JUDGED = ("--at", JUDGED_AT, "--overrule", "CLOCK=a demonstration with a request of 2017")
_SLOTS = 20
_FOREIGN = "a demonstration with another algorithm than the root's"


@click.command()
@click.option(
    "--out", type=FILE, help="Keep everything in this directory (must be empty); otherwise a new temporary one."
)
@click.option(
    "--algorithm",
    type=click.Choice(list(ALGORITHMS)),
    default="RSASHA256",
    show_default=True,
    help="Of the quorum's key.",
)
def demo(out: Path | None, algorithm: str) -> None:
    """Make a 3-of-5 key, sign the root's real request of 2017-q2 with it, and catch a holder who lies."""
    if out is not None:
        directory_at(out)
        make_directory(out)
        if any(out.iterdir()):
            raise UsageError("the directory is not empty", where=str(out), do="Choose another one for --out.")
    where = out or Path(tempfile.mkdtemp(prefix="keyquorum-demo-"))
    _Demo(where, algorithm).run()


class _Demo:
    """The steps of the demo, in one directory."""

    def __init__(self, where: Path, algorithm: str) -> None:
        self.where = where
        self.algorithm = algorithm
        self.secret = ("--passphrase-file", str(where / "passphrase"))
        foreign = () if algorithm == "RSASHA256" else ("KQ-ALGORITHMS", "KQ-TERMS")
        self.maker = scheme_for(ALGORITHMS[algorithm]).one_time
        self.judged = _JUDGED + tuple(word for rule in foreign for word in ("--overrule", f"{rule}={_FOREIGN}"))

    def run(self) -> None:
        """Run all steps."""
        terminal.say("A quorum of five signs the root zone's key set. Any three of them can; one of them lies.")
        self.people()
        self.key()
        self.shares()
        if self.maker is Maker.HOLDER:
            self.prepare()
        self.request()
        self.answers()
        self.combine()
        self.verify()
        self.files()

    def people(self) -> None:
        """Make identities; cheap to open, since the passphrase is no secret."""
        _title(1, "Six people make identities", "each on a machine of their own, which needs no network")
        write_public(self.where / "passphrase", _PASSPHRASE + b"\n")
        rows = []
        for name in (*HOLDERS, "rita"):
            card = Person.new(self.where / f"{name}.keystore", name, _PASSPHRASE, RNG, cost=_COST)
            write_public(self.where / f"{name}.holder.json", card.envelope + b"\n")
            rows.append(
                (name, "deals the key and makes the request" if name == "rita" else "holds a share", spoken(card.id, 4))
            )
        _command(["holder", "new", "alice", "--out", str(self.where)], more="and so on for the others")
        terminal.listing(["name", "part", "first words of the card, to compare by phone"], rows)

    def key(self) -> None:
        """Deal."""
        _title(2, "Rita deals a key", "3 of 5; the undivided key is never written anywhere")
        cards = [str(self.where / f"{name}.holder.json") for name in HOLDERS]
        slots = ("--slots", str(_SLOTS)) if self.maker is Maker.DEALER else ()
        self._run(
            "key", "deal", "--algorithm", self.algorithm, "--zone", ".", "--threshold", "3", *slots,
            "--identity", str(self.where / "rita.keystore"), "--out", str(self.where), *cards,
        )  # fmt: skip
        _run(["key", "show", str(self.where / "key.json")], quiet=False)

    def shares(self) -> None:
        """Accept."""
        _title(3, "Each holder checks and accepts a share", "the dealer's work is not taken on trust")
        key = KEY_RECORD.read((self.where / "key.json").read_bytes())
        for number, name in enumerate(HOLDERS):
            self._run(
                "share", "accept", str(self.where / f"{name}.share"),
                "--keystore", str(self.where / f"{name}.keystore"),
                "--out", str(self.where / f"{name}.accepted.json"), "--approve", key.id.hex(), show=not number,
            )  # fmt: skip
        terminal.say(f"  {', '.join(HOLDERS)}: each share lies on the published polynomial; accepted.", style="green")

    def prepare(self) -> None:
        """Make nonces in advance."""
        _title(
            4, "Each holder prepares", "nonces that answer once, so that one round is enough; commitments are public"
        )
        for number, name in enumerate(HOLDERS):
            self._run(
                "share", "prepare", "--keystore", str(self.where / f"{name}.keystore"), "--slots", str(_SLOTS),
                "--out", str(self.where / f"{name}.commitments.json"), show=not number,
            )  # fmt: skip
        terminal.say(f"  {', '.join(HOLDERS)}: {_SLOTS} slots each, for every quorum they are in.", style="green")

    def request(self) -> None:
        """Request: what every holder sees before answering."""
        _title(
            self._number(4),
            "Rita makes a request",
            "of the root's real KSR of 2017-q2 (IANA's public archive), unchanged",
        )
        write_public(self.where / "ksr-root-2017-q2.xml", root_2017_q2())
        accepted = [str(self.where / f"{name}.accepted.json") for name in HOLDERS]
        self._run(
            "request", "new", "--key", str(self.where / "key.json"), "--identity", str(self.where / "rita.keystore"),
            "--ksr", str(self.where / "ksr-root-2017-q2.xml"), "--first", "--accepted", *accepted,
            *self._commitments(), *self.judged, "--out", str(self.where / "request"),
        )  # fmt: skip
        _run(["request", "show", str(self.where / "request"), "--at", JUDGED_AT], quiet=False)

    def answers(self) -> None:
        """Sign, and let one lie."""
        _title(
            self._number(5),
            "Four holders check the request and answer",
            "erin is on a journey; bob's machine is not honest",
        )
        with (self.where / "request").open("rb") as file:
            request = read_header(file, REQUEST)
        for number, name in enumerate(ANSWERING):
            self._run(
                "sign", str(self.where / "request"), "--keystore", str(self.where / f"{name}.keystore"),
                "--out", str(self.where / f"{name}.partial"), *self.judged,
                "--approve", request.id.hex(), show=not number,
            )  # fmt: skip
        self._falsify(self.where / f"{LIAR}.partial")
        proof = " and one proof" if self.maker is Maker.NOBODY else ""
        terminal.say(f"  {', '.join(ANSWERING)}: 9 values{proof} each.", style="green")

    def combine(self) -> None:
        """Combine into a SKR and into zone records."""
        _title(self._number(6), "Anybody combines the answers", "no secret is needed; a wrong answer names its maker")
        partials = [str(self.where / f"{name}.partial") for name in ANSWERING]
        combine = ["combine", str(self.where / "request"), *partials]
        skr, zones = str(self.where / "skr.xml"), str(self.where / "zone-records")
        _command([*combine, "--out", skr])
        _run([*combine, "--out", skr], quiet=False)
        self._run(*combine, "--format", "zone", "--out", zones, secret=False)

    def verify(self) -> None:
        """Verify by ordinary mathematics."""
        _title(
            self._number(7),
            "Anybody verifies",
            "with dnspython and cryptography, against nothing but the key's DS record",
        )
        ds = StringIO()
        with redirect_stdout(ds):
            _run(["key", "ds", str(self.where / "key.json")], quiet=False)
        write_public(self.where / "anchor.ds", ds.getvalue().encode("ascii"))
        command = ["verify", str(self.where / "skr.xml"), "--anchor", str(self.where / "anchor.ds")]
        _command(command)
        _run(command, quiet=False)

    def files(self) -> None:
        """Say where everything is."""
        terminal.heading(f"All of it is in {self.where}")
        described = [
            ("key.json", "the key record: public, signed by the dealer, checked by everybody"),
            ("ksr-root-2017-q2.xml", "the request as received"),
            ("request", "the signed request: a header, and that file unchanged"),
            ("alice.partial ...", "the answers; bob's is false"),
            ("skr.xml", "the response as the root's software writes it"),
            ("zone-records/", "the same as DNSKEY and RRSIG records, a file for each bundle"),
            ("anchor.ds", "the trust anchor"),
        ]
        terminal.facts(described)
        terminal.next_step(
            f"let erin answer too, as the README shows, or look around with 'keyquorum status {self.where}'."
        )

    def _number(self, step: int) -> int:
        """Give the number of a step: there is one more where holders prepare."""
        return step + (self.maker is Maker.HOLDER)

    def _commitments(self) -> list[str]:
        """Give the option that a request takes its slots from."""
        files = {
            Maker.NOBODY: [],
            Maker.HOLDER: [str(self.where / f"{name}.commitments.json") for name in HOLDERS],
            Maker.DEALER: [str(self.where / "rita.presignatures")],
        }[self.maker]
        return ["--commitments", *files] if files else []

    def _run(self, *arguments: str, show: bool = True, secret: bool = True) -> None:
        if show:
            _command(arguments)
        _run([*arguments, *(self.secret if secret else ())], quiet=True)

    def _falsify(self, path: Path) -> None:
        """Have the liar's software answer with other values than it should, properly signed."""
        with Keystore.open(self.where / f"{LIAR}.keystore", _PASSPHRASE) as store:
            identity = Person(store).identity
        with path.open("rb") as file:
            partial: Partial = read_header(file, PARTIAL).record
            honest = partial.answers[0]
            body = file.read()
        width = honest.width
        values = MemorySpool(body[start : start + width] for start in range(0, len(body), width))
        values[4] = values[3]
        answer = KeyAnswer(
            key=honest.key, index=honest.index, count=honest.count, width=width,
            sha256=hashlib.sha256(b"".join(values)).digest(), proof=honest.proof,
        )  # fmt: skip
        lie = Partial(
            signer=partial.signer, request=partial.request, at=partial.at, answers=(answer,), policy=partial.policy,
            previous=partial.previous, overrules=partial.overrules,
        )  # fmt: skip
        write_public(path, Answered(PARTIAL.sign(lie, identity), (values,)).chunks(), overwrite=True)


class _Said(StringIO):
    """What a command says, with its colours if we are at a terminal ourselves."""

    def isatty(self) -> bool:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def _title(number: int, what: str, how: str) -> None:
    terminal.say()
    terminal.say(f"{number}. {what}", style="bold cyan")
    terminal.say(f"   {how}", style="dim")
    sys.stdout.flush()


def _command(arguments: Sequence[str], more: str = "") -> None:
    """Show a command line, without what only this demo needs and with long lists cut."""
    words = [
        Path(word).name if "/" in word else word for word in arguments if word not in _JUDGED and _FOREIGN not in word
    ]
    words = [f"'{word}'" if " " in word else word[:12] + "..." if len(word) == 64 else word for word in words]
    terminal.say(f"   $ keyquorum {' '.join(words)}" + (f"   ({more})" if more else ""), style="dim")


def _run(arguments: Sequence[str], *, quiet: bool) -> None:
    """Run one command in this process; what it says is shown unless ``quiet``, but for its advice at the end."""
    from keyquorum.cli.app import keyquorum  # noqa: PLC0415  # it imports us by name

    sys.stdout.flush()
    said = _Said()
    with redirect_stdout(said), redirect_stderr(said if quiet else sys.stderr):
        keyquorum.main(args=list(arguments), prog_name="keyquorum", standalone_mode=False)
    if not quiet:
        lines = said.getvalue().splitlines()
        ends = next((i for i, line in enumerate(lines) if "Next: " in line), len(lines))
        sys.stdout.write("\n".join(lines[:ends]).strip("\n") + "\n")
