"""The least and the most that is accepted, and durations in words."""

from dataclasses import dataclass

from keyquorum.dnssec.times import format_duration


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that is accepted, both included; durations in seconds, or bits."""

    least: int
    most: int

    def breach(self, seconds: int) -> str:
        """Give how a duration leaves the bounds, in words; "" if it does not."""
        if seconds < self.least:
            return f"{span(seconds)}, less than {span(self.least)}"
        return f"{span(seconds)}, more than {span(self.most)}" if seconds > self.most else ""


def span(seconds: int) -> str:
    """Give a duration as ``P9D``, and one that is negative as ``-P9D`` (bundles may stand in the wrong order)."""
    return format_duration(seconds) if seconds >= 0 else f"-{format_duration(-seconds)}"
