"""What auditors read about the rules is what the table says, in the same order, with the shipped policies in full."""

from pathlib import Path

from keyquorum.policy.profile import PROFILES, profile_source
from keyquorum.policy.report import KEPT_FINDINGS
from keyquorum.policy.rules import RULES
from keyquorum.policy.rules_plan import PLAN_RULES

TEXT = (Path(__file__).parents[2] / "docs" / "auditor" / "rules.md").read_text()

OF_PLANS = [rule for rule in PLAN_RULES if rule.id not in {one.id for one in RULES}]


def sections() -> dict[str, str]:
    """Give the text under each heading of the second level, in order."""
    parts = TEXT.split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def test_every_rule_is_documented_in_order() -> None:
    assert list(sections()) == [
        *(rule.id for rule in RULES),
        *(rule.id for rule in OF_PLANS),
        "The policy",
    ]


def test_each_section_says_what_the_table_says() -> None:
    tables = {rule.id: (rule.demands, rule.source) for rule in OF_PLANS}
    tables |= {rule.id: (rule.demands, rule.source) for rule in RULES}
    for name, (demanded, origin) in tables.items():
        demands, source, *computes = [line for line in sections()[name].split("\n\n") if line.strip()]
        assert demands.strip() == demanded
        assert source == f"Source: {origin}"
        assert computes, f"{name}: what it computes is not written down"


def test_the_table_is_one_of_different_rules_and_functions() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) == 33
    assert len({rule.check for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert (rule.check.__doc__ or "").startswith(f"{rule.id}: ")
        assert rule.demands.endswith(".")
    for one in OF_PLANS:
        assert (one.find.__doc__ or "").startswith(f"{one.id}: ")
        assert one.demands.endswith(".")


def test_the_shipped_policies_are_shown_in_full() -> None:
    for name in PROFILES:
        assert f"### {name}\n\n```toml\n{profile_source(name).decode()}```\n" in TEXT
    assert f"the first {KEPT_FINDINGS} findings" in TEXT
