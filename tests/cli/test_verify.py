"""What ``verify`` keeps to be shown does not grow with the response, and nothing that is wrong goes uncounted."""

import dns.name

from keyquorum.cli.verify import SHOWN, _Findings
from keyquorum.dnssec.model import Bundle, PublishedKey
from keyquorum.quorum.verifying import Verdict
from tests.dnssec.keys import pair

MANY = 10 * SHOWN


def verdict(*faults: str) -> Verdict:
    return Verdict(dns.name.root, Bundle("", 0, 1, (PublishedKey(pair(15).key, 0),)), (), faults)


def test_bad_bundles_are_shown_although_many_good_ones_came_before() -> None:
    found = _Findings()
    for one in [verdict()] * MANY + [verdict("bad")] * MANY:
        found.take(one)
    assert (found.bundles, found.bad, found.good) == (2 * MANY, MANY, False)
    assert [bool(one.faults) for one in found.verdicts] == [False] * SHOWN + [True] * SHOWN


def test_all_differences_are_counted_and_the_first_are_kept() -> None:
    found = _Findings()
    found.take(verdict())
    found.differ(str(number) for number in range(MANY))
    assert not found.good
    assert (found.different, found.differences) == (MANY, [str(number) for number in range(SHOWN)])


def test_nothing_at_all_is_not_good() -> None:
    found = _Findings()
    before = found.good
    found.take(verdict())
    assert (before, found.good) == (False, True)
