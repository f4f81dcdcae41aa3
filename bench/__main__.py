"""``./run bench [--quick] [--peers] [NAME...]``: measure, and print every figure beside its reference and its goal.

Exit 0 if every goal measured is met, 1 if one is not.
"""

import argparse
import sys

from bench import cli, escrow, frost_peer, peers, quorums, rsa, safeprimes, scale
from bench.measure import Bench, Options, Row, machine, table, tell

BENCHES: dict[str, Bench] = {
    "safeprimes": safeprimes.rows,
    "rsa": rsa.rows,
    "quorums": quorums.rows,
    "cli": cli.rows,
    "scale": scale.rows,
    "escrow": escrow.rows,
    "peers": peers.rows,
    "frost-peer": frost_peer.rows,
}


def main() -> int:
    """Run the benchmarks asked for (all if none is named) and print one table."""
    parser = argparse.ArgumentParser(prog="./run bench", description="Speeds, as ratios to references in the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="few repeats: minutes become seconds, and figures rough")
    parser.add_argument("--peers", action="store_true", help="measure other libraries too")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(BENCHES)):
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    options = Options(
        quick=arguments.quick, peers=arguments.peers or bool({"peers", "frost-peer"} & set(arguments.names))
    )
    print(machine(), end="\n\n", flush=True)
    rows: list[Row] = []
    for name, bench in BENCHES.items():
        if not arguments.names or name in arguments.names:
            tell(f"{name} ...")
            rows += bench(options)
    print(table(rows))
    missed = [row.name for row in rows if row.met is False]
    if missed:
        print(f"\nNot met: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
