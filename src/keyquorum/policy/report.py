"""The results of all rules, for one zone or merged over many, and what a person lets pass by name.

A report never loses a failure: merging counts every failing zone and keeps the first few findings in full, so ten
thousand zones fit the memory of one. Overruling refuses an unknown rule, an empty reason, and a rule that did not fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from keyquorum.errors import UsageError
from keyquorum.policy.subject import Finding, Outcome, Status

KEPT_FINDINGS = 10
"""How many findings of one rule are kept in full; the rest are counted."""

_GRAVITY = (Status.NOT_APPLICABLE, Status.PASSED, Status.OVERRULED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Result:
    """How one rule came out, over ``zones`` zones of which it failed in ``failing``.

    ``findings`` are the first few, ``found`` counts them all. ``passed_detail`` is the rule's own sentence when nothing
    was wrong; ``reason`` is set exactly if it was overruled.
    """

    rule: str
    status: Status
    sentence: str = ""
    findings: tuple[Finding, ...] = ()
    found: int = 0
    zones: int = 1
    failing: int = 0
    reason: str = ""

    @property
    def detail(self) -> str:
        """What was found, as one line for people."""
        if not self.findings:
            return self.sentence
        several = self.zones > 1
        told = [f"{finding.zone}: {finding}" if several else str(finding) for finding in self.findings]
        more = [f"and {self.found - len(told)} more"] if self.found > len(told) else []
        count = [f"in {self.failing} of {self.zones} zones"] if several else []
        overruled = [f"overruled because: {self.reason}"] if self.reason else []
        return "; ".join(count + told + more + overruled)

    @property
    def where(self) -> tuple[str, ...]:
        """The places of the findings kept, in order."""
        return tuple(finding.where for finding in self.findings)

    def merge(self, other: "Result") -> "Result":
        """Give the result over the zones of both; the same rule, neither overruled yet.

        Raises UsageError otherwise.
        """
        if other.rule != self.rule or self.reason or other.reason:
            raise UsageError(f"results of {self.rule} and {other.rule} do not merge", do="Merge before overruling.")
        status = max(self.status, other.status, key=_GRAVITY.index)
        sentences = {side.sentence for side in (self, other) if side.status is status}
        return Result(
            rule=self.rule,
            status=status,
            sentence=sentences.pop() if len(sentences) == 1 else f"{status.value} (for reasons that differ by zone)",
            findings=(self.findings + other.findings)[:KEPT_FINDINGS],
            found=self.found + other.found,
            zones=self.zones + other.zones,
            failing=self.failing + other.failing,
        )

    def data(self) -> dict[str, object]:
        """Give what a JSON document holds of this result."""
        return {
            "rule": self.rule,
            "status": self.status.value,
            "detail": self.detail,
            "findings": [
                {"zone": finding.zone, "where": finding.where, "what": finding.what} for finding in self.findings
            ],
            "found": self.found,
            "zones": self.zones,
            "failing": self.failing,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The results of all rules, in the order of the table."""

    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The rules that failed and were not overruled."""
        return tuple(result for result in self.results if result.status is Status.FAILED)

    @property
    def acceptable(self) -> bool:
        """Whether nothing stands in the way of signing: every failure was overruled by name."""
        return not self.failed

    @property
    def zones(self) -> int:
        """How many zones this report speaks of."""
        return self.results[0].zones if self.results else 0

    def merge(self, other: "Report") -> "Report":
        """Give the report over the zones of both, in the memory of one; order matters only for which findings stay.

        Raises UsageError when the reports are not of the same rules, or one has been overruled already.
        """
        if len(self.results) != len(other.results):
            raise UsageError("these reports are not of the same rules", do="Merge reports of one version only.")
        return Report(tuple(mine.merge(theirs) for mine, theirs in zip(self.results, other.results, strict=True)))

    def apply_overrules(self, overrules: Mapping[str, str]) -> "Report":
        """Give the report with each rule that is named in ``overrules`` (rule -> reason) let pass.

        Raises UsageError when a name is no rule, a reason is empty, or the rule did not fail: an overrule prepared
        in advance must not sleep until something goes wrong.
        """
        by_name = {result.rule: result for result in self.results}
        for rule, reason in overrules.items():
            if rule not in by_name:
                raise UsageError(f"there is no rule {rule!r} to overrule", do=f"The rules are: {', '.join(by_name)}.")
            if not reason.strip():
                raise UsageError(f"{rule} is overruled without a reason", do="Say why; the reason is kept.")
            if by_name[rule].status is not Status.FAILED:
                raise UsageError(
                    f"{rule} did not fail ({by_name[rule].status.value}), so it cannot be overruled",
                    do="Leave it out.",
                )
        return Report(
            tuple(
                replace(result, status=Status.OVERRULED, reason=overrules[result.rule].strip())
                if result.rule in overrules
                else result
                for result in self.results
            )
        )

    def data(self) -> dict[str, object]:
        """Give the report as what a JSON document holds."""
        return {
            "acceptable": self.acceptable,
            "zones": self.zones,
            "failed": [result.rule for result in self.failed],
            "results": [result.data() for result in self.results],
        }


def result_of(rule: str, outcome: Outcome, zone: str) -> Result:
    """Give the result of ``rule`` for one ``zone`` from the rule's outcome."""
    return Result(
        rule=rule,
        status=outcome.status,
        sentence=outcome.detail,
        findings=tuple(replace(finding, zone=zone) for finding in outcome.findings[:KEPT_FINDINGS]),
        found=len(outcome.findings),
        failing=int(outcome.status is Status.FAILED),
    )
