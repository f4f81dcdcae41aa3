"""From a policy to the bundles of a period: as many as it says, as far apart, valid for as long.

Refused: a policy that leaves number or distance of bundles open.
"""

from keyquorum.dnssec.calendar import Calendar
from keyquorum.errors import UsageError
from keyquorum.policy.profile import Policy


def calendar_of(policy: Policy) -> Calendar:
    """Give the calendar that ``policy`` demands; signatures last as long as it allows. UsageError where it is open."""
    if policy.bundle_count is None or policy.bundle_interval is None:
        raise UsageError(
            f"the policy {policy.name} does not say how many bundles a period has, and how far apart",
            do="Give a policy with count and interval under [bundles], as the shipped one for the root has.",
        )
    bounds = policy.bundle_interval
    return Calendar(policy.bundle_count, bounds.least, bounds.most, policy.ksk_validity.most)
