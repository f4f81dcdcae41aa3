"""``./run plans [M N [R]]``: how many quorums a plan has, and who can block it; without numbers, those in the docs."""

import argparse
from collections.abc import Iterable, Iterator
from math import comb

from keyquorum.errors import KeyquorumError
from keyquorum.threshold.quorum_plan import check_plan, make_plan, smallest_blocking_set

Numbers = tuple[int, int, int | None]
SHOWN: tuple[Numbers, ...] = (
    (2, 3, None),
    (3, 5, None),
    (3, 7, None),
    (5, 7, None),
    (5, 7, 6),
    (4, 9, None),
    (5, 9, None),
    (5, 9, 7),
    (7, 12, None),
    (5, 14, None),
    (5, 14, 9),
    (7, 14, None),
    (7, 14, 9),
    (7, 21, None),
    (11, 21, None),
    (17, 32, None),
    (33, 64, None),
)
HEADING = (
    "| M of N | any R | quorums | of all | a holder, at most | smallest blocking set |\n"
    "| --- | ---: | ---: | ---: | ---: | --- |\n"
)


def table(asked: Iterable[Numbers]) -> Iterator[str]:
    """Give the lines of the table, in Markdown; raises ParameterError for numbers there is no plan for."""
    yield HEADING
    for threshold, holders, answers in asked:
        plan = make_plan(threshold, holders, answers)
        check_plan(plan)
        blocking = smallest_blocking_set(plan)
        busiest = max(len(plan.of(index)) for index in range(1, holders + 1))
        chosen = f"{plan.answers}" if answers is None else f"{answers}, asked for"
        everything = f"{comb(holders, threshold):,}" if comb(holders, threshold) < 10**9 else "-"
        yield (
            f"| {threshold} of {holders} | {chosen} | {len(plan.quorums)} | {everything} | {busiest} "
            f"| {len(blocking)}: {', '.join(map(str, blocking))} |\n"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="./run plans", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="M N [R]")
    numbers = parser.parse_args().numbers
    if len(numbers) not in {0, 2, 3}:
        parser.error("give M and N, perhaps R, or nothing")
    try:
        print(*table([(*numbers, None)[:3]] if numbers else SHOWN), sep="", end="")
    except KeyquorumError as error:
        parser.exit(error.exit_status, f"{error}\n")


if __name__ == "__main__":
    main()
