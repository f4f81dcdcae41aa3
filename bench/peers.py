"""Threshold RSA by somebody else: cloudflare/circl's ``tss/rsa`` in Go, on the same key, in the same run.

The same RSA-2048 key is dealt 3 of 5 by both. What differs, and no ratio can say: circl's answers carry no proof, so
nobody can tell who answered wrongly; its exponentiation is Go's math/big, whose time depends on the share, against
which it offers blinding; and it deals modulo p'q' without anything to check the dealer by, where ours makes
verification values and checks them. Ours shares an existing key over the integers, with longer shares than a new
key has. Nothing here runs without ``--peers``: building takes Go, and once a download of the module by Go itself.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.measure import Options, Row, median_cpu, seconds, tell
from keyquorum.maths.work import HERE
from keyquorum.threshold.register import scheme_for
from keyquorum.threshold.rsa import RsaPublic, RsaShare
from keyquorum.threshold.seam import Answer, Context, MemorySpool, Plan

BITS, THRESHOLD, HOLDERS = 2048, 3, 5
MESSAGE_BYTES = 1500
CONTEXT = Context(b"K" * 32, b"R" * 32)
PROGRAM = Path(__file__).parent / "peers" / "circl"
NAME = f"RSA {BITS}, {THRESHOLD} of {HOLDERS}"

Times = dict[str, tuple[float, float]]
"""CPU and wall seconds a call, by what was done."""


def rows(options: Options) -> Iterator[Row]:
    """Measure, if asked to; one row that says why where it cannot be done."""
    if not options.peers:
        return
    with TemporaryDirectory(prefix="keyquorum-bench-") as name:
        program = Path(name) / "circl"
        refused = _build(program)
        if refused:
            yield Row("cloudflare/circl tss/rsa: not measured", refused)
            return
        go = subprocess.run(["go", "env", "GOVERSION"], check=True, capture_output=True, text=True).stdout.strip()
        module = next(line for line in (PROGRAM / "go.mod").read_text().splitlines() if line.startswith("require"))
        yield Row("the peer of the rows below", f"{module.split('/', 1)[1]}, {go}")
        yield from _compared(program, options)


def _build(program: Path) -> str:
    """Build the Go program; gives why not, or nothing."""
    if shutil.which("go") is None:
        return "Go is not installed"
    tell("  building cloudflare/circl")
    source = program.with_name("source")
    shutil.copytree(PROGRAM, source)
    # Locked: what go.sum does not name is not built, and no other Go is fetched.
    environment = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    built = subprocess.run(
        ["go", "build", "-o", program, "."], cwd=source, env=environment, check=False, capture_output=True, text=True
    )
    return f"go build: {built.stderr.strip().splitlines()[-1]}" if built.returncode else ""


def _compared(program: Path, options: Options) -> Iterator[Row]:
    key = generate_private_key(65537, BITS)
    repeats = 1 if options.quick else 5
    theirs: list[Times] = []
    ours: list[dict[str, float]] = []
    for number in range(repeats):  # in turn, so that a busy machine is unfair to neither
        tell(f"  run {number + 1} of {repeats}")
        theirs.append(_circl(program, key, 50 if options.quick else 200))
        ours.append(_keyquorum(key, 200 if options.quick else 1000))
    their = {what: tuple(median(run[what][place] for run in theirs) for place in (0, 1)) for what in theirs[0]}
    our = {what: median(run[what] for run in ours) for what in ours[0]}
    blinded = "sign blinded in parallel"
    for what, reference, said in (
        ("deal an existing key", "deal", "circl's Deal, which makes nothing to check it by"),
        *((what, "sign", "circl's Sign without blinding, no proof") for what in our if what.startswith("sign")),
        *((what, blinded, "circl's Sign blinded, no proof") for what in our if what.startswith("sign")),
        *((what, "combine", "circl's CombineSignShares") for what in our if what.startswith("combine")),
    ):
        cpu, wall = their[reference]
        both = f" (wall {seconds(wall)})" if reference == blinded else ""
        yield Row(f"{NAME}: {what} (reference: {said})", seconds(our[what]), seconds(cpu) + both, cpu / our[what])


def _circl(program: Path, key: RSAPrivateKey, messages: int) -> Times:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    arguments = map(str, (HOLDERS, THRESHOLD, messages, MESSAGE_BYTES))
    times: Times = json.loads(
        subprocess.run([program, *arguments], input=pem, check=True, stdout=subprocess.PIPE).stdout
    )
    return times


def _keyquorum(key: RSAPrivateKey, most: int) -> dict[str, float]:
    scheme = scheme_for(8)
    plan = Plan(8, 0, THRESHOLD, HOLDERS)

    def deal() -> tuple[RsaPublic, tuple[RsaShare, ...]]:
        return scheme.deal(key, plan, secrets.token_bytes, HERE)[:2]

    public, shares = deal()
    spent = {"deal an existing key": median_cpu(deal, 3)}
    for number in (1, 9, most):
        texts = [secrets.token_bytes(MESSAGE_BYTES) for _ in range(number)]
        calls = max(1, 100 // number)
        spent[f"sign with proof, a message of {number:,}"] = (
            median_cpu(_signing(public, shares[0], texts), 1, calls) / number
        )
        answers = {share.index: _signing(public, share, texts)() for share in shares[:THRESHOLD]}

        def combine() -> None:
            scheme.combine(public, texts, answers, CONTEXT, lambda _signature: None, HERE)  # noqa: B023

        spent[f"combine and verify, a message of {number:,}"] = median_cpu(combine, 1, calls) / number
    return spent


def _signing(public: RsaPublic, share: RsaShare, texts: list[bytes]) -> Callable[[], Answer]:
    def sign() -> Answer:
        values = MemorySpool()
        proof = scheme_for(8).sign(public, share, None, texts, CONTEXT, values, secrets.token_bytes, HERE)
        return Answer(values, proof)

    return sign
