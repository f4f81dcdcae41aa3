"""Draw docs/pictures/algorithm-rollover.svg, and put what the terminal shows of the same plan into its page.

    python -m tools.timeline

The picture is that of ``keyquorum schedule roll --svg``: the same plan gives the same bytes.
"""

import io
from contextlib import redirect_stdout
from pathlib import Path

from keyquorum.cli.app import run
from keyquorum.cli.timeline_svg import draw
from keyquorum.dnssec.rollover import ROOT_8_TO_13, plan_of
from keyquorum.policy.profile import profile
from keyquorum.policy.rules_plan import ways_back

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "pictures" / "algorithm-rollover.svg"
PAGE = ROOT / "docs" / "operator" / "algorithm-rollover.md"
_BEGIN, _END = "```\n$ keyquorum schedule roll\n", "\n```\n"


def main() -> None:
    """Write picture and page."""
    PICTURE.write_text(picture(), "utf-8")
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}{terminal()}{_END}{rest.partition(_END)[2]}", "utf-8")


def picture() -> str:
    """Give the picture of the root's plan."""
    plan = plan_of(ROOT_8_TO_13)
    return draw(plan, ways_back(plan, profile("root").trust))


def terminal() -> str:
    """Give what the terminal shows of it, but for the rules."""
    seen = io.StringIO()
    with redirect_stdout(seen):
        run(["schedule", "roll"])
    return seen.getvalue().partition("\nRules\n")[0].strip("\n")


if __name__ == "__main__":
    main()
