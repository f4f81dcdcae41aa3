"""A request as BIND or Knot makes it, 30 days with one change of keys, and the response to the one before it."""

from dataclasses import replace
from functools import cache

import dns.name

from keyquorum.dnssec.change_points import ChangePoint, bundles_of
from keyquorum.dnssec.model import Dnskey, SigningTimes, ZoneRequest, ZoneResponse
from keyquorum.policy.profile import profile
from keyquorum.policy.subject import Subject
from tests.policy.good_request import DAY, START, answered, labelled, p256

ZONE = dns.name.from_text("example.")
TIMES = SigningTimes(14 * DAY, 5 * DAY, 3600, until=START + 30 * DAY)
KSK, FIRST, SECOND, THIRD = p256(1, flags=257), p256(2), p256(3), p256(4)


def offline(*sets: tuple[Dnskey, ...], times: SigningTimes = TIMES) -> ZoneRequest:
    """Give the request in which the keys are ``sets``, one after the other, ten days each."""
    points = [ChangePoint(START + place * 10 * DAY, labelled(*keys, ttl=3600)) for place, keys in enumerate(sets)]
    return ZoneRequest(ZONE, bundles_of(points, times), times=times)


@cache
def good_offline() -> Subject:
    """The subject that passes what applies to it."""
    earlier = offline((KSK, FIRST), (KSK, FIRST))
    shift = -30 * DAY
    bundles = tuple(
        answered(
            ZONE,
            replace(
                one, inception=one.inception + shift, expiration=one.expiration + shift, start=(one.start or 0) + shift
            ),
            KSK,
        )
        for one in earlier.bundles
    )
    return Subject(
        request=offline((FIRST,), (FIRST, SECOND), (SECOND,)),
        policy=profile("zone"),
        ksks=(KSK,),
        zones=frozenset({ZONE}),
        previous=ZoneResponse(ZONE, bundles),
        at=START - DAY,
        now=START - DAY,
    )
