"""FROST by somebody else: ZcashFoundation's ``frost-ed25519`` in Rust, M of N with M signers, in the same run.

What is compared is one signer's round two and one aggregation with its verification, each from commitments as they
come, as bytes: reading them (and finding them to be points of the group) is most of the work, and nobody gets round
it. Ours verifies by ``cryptography`` in the end, theirs by their own arithmetic. Both are CPU time. Nothing here runs
without ``--peers``: building takes cargo, and a download by cargo itself.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.measure import Options, Row, median_cpu, seconds, tell
from keyquorum.threshold.frost_rounds import aggregate, begin, commit, commit_to, evaluate, sign
from keyquorum.threshold.frost_suite import ED25519_SHA512

PROGRAM = Path(__file__).parent / "peers" / "frost"
SIZES = ((3, 5), (5, 7), (7, 14))
MOST = 3
"""Ours may take so many times as long as theirs."""


def rows(options: Options) -> Iterator[Row]:
    """Measure, if asked to; one row that says why where it cannot be done."""
    if not options.peers:
        return
    with TemporaryDirectory(prefix="keyquorum-bench-") as name:
        program = Path(name) / "release" / "frost-peer"
        refused = _build(Path(name))
        if refused:
            yield Row("ZcashFoundation frost-ed25519: not measured", refused)
            return
        rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
        yield Row("the peer of the rows below", f"frost-ed25519 3.0.0, {rustc}")
        for threshold, holders in SIZES:
            yield from _compared(program, threshold, holders, 1 if options.quick else 5)


def _build(target: Path) -> str:
    """Build the Rust program; gives why not, or nothing."""
    if shutil.which("cargo") is None:
        return "cargo is not installed"
    tell("  building frost-ed25519")
    source = target / "source"
    shutil.copytree(PROGRAM, source)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    built = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet"],
        cwd=source, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return f"cargo build: {built.stderr.strip().splitlines()[-1]}" if built.returncode else ""


def _compared(program: Path, threshold: int, holders: int, repeats: int) -> Iterator[Row]:
    theirs: list[dict[str, float]] = []
    ours: list[dict[str, float]] = []
    for _ in range(repeats):  # in turn, so that a busy machine is unfair to neither
        run = subprocess.run([program, str(threshold), str(holders), "300"], check=True, stdout=subprocess.PIPE)
        theirs.append(json.loads(run.stdout))
        ours.append(_keyquorum(threshold, holders))
    for what, reference, goal in (
        ("read and sign", "read and sign", 1 / MOST),
        ("read and aggregate", "read and aggregate", 1 / MOST),
        ("read and sign", "sign", None),
        ("read and aggregate", "aggregate", None),
    ):
        our, their = median(one[what] for one in ours), median(one[reference] for one in theirs)
        told = "" if goal else f", {reference} alone, points read before"
        yield Row(
            f"FROST Ed25519 {threshold}-of-{holders}: {what} (reference: frost-ed25519{told})",
            seconds(our),
            seconds(their),
            their / our,
            goal,
        )


def _keyquorum(threshold: int, holders: int) -> dict[str, float]:
    suite = ED25519_SHA512
    group = suite.group
    coefficients = [secrets.randbelow(group.order) for _ in range(threshold)]
    shares = {index: evaluate(group, coefficients, index) for index in range(1, holders + 1)}
    key = commit_to(group, coefficients)[0]
    signers = range(1, threshold + 1)
    made = {index: commit(suite, index, shares[index], secrets.token_bytes) for index in signers}
    commitments = [commitment for _, commitment in made.values()]
    message = bytes(1500)
    common = begin(suite, key, commitments, message)
    partials = {index: sign(suite, index, shares[index], nonces, common) for index, (nonces, _) in made.items()}

    def read_and_sign() -> None:
        sign(suite, 1, shares[1], made[1][0], begin(suite, key, commitments, message))

    def read_and_aggregate() -> None:
        suite.verify(key, message, aggregate(suite, partials, begin(suite, key, commitments, message)))

    return {
        "read and sign": median_cpu(read_and_sign, 5, 40),
        "read and aggregate": median_cpu(read_and_aggregate, 5, 40),
    }
