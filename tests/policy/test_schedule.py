"""Schedules: the root's quarter as it was, every rule passed, keys that stand for as long as they must."""

from dataclasses import replace

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.dnssec.calendar import Calendar, months_later
from keyquorum.dnssec.icann import read_ksr, read_skr, write_ksr
from keyquorum.dnssec.model import Dnskey, ZoneRequest, ZoneResponse
from keyquorum.dnssec.possession import prove
from keyquorum.dnssec.times import parse_time
from keyquorum.errors import UsageError
from keyquorum.policy.bounds import Bounds
from keyquorum.policy.profile import Policy, profile
from keyquorum.policy.rules import evaluate
from keyquorum.policy.schedule import (
    Cast,
    Period,
    Rhythm,
    bundles_of,
    calendar_of,
    evenly,
    filling,
    plain_request,
    request_of,
    rhythm_of,
)
from keyquorum.policy.subject import Status, Subject
from tests.data import data
from tests.policy import good_request as quarter
from tests.policy.good_request import DAY, KSK, NEXT, NOW, OLD, OTHER, ROOT, START, TTL

EXAMPLE = dns.name.from_text("example.")
ROOT_RHYTHM = Rhythm(9, 10 * DAY, 21 * DAY)


def names() -> st.SearchStrategy[int]:
    return st.integers(1, 100 * DAY)


def made(policy: Policy, period: Period, cast: Cast, name: str, zone: dns.name.Name = ROOT) -> ZoneRequest:
    ids = iter(f"{name}-{number}" for number in range(len(period.windows)))
    bundles = bundles_of(policy, period, cast, TTL, lambda: next(ids))
    keys = [*cast.current, *cast.outgoing, *cast.incoming]
    signers = {key: quarter._SIGN[key.algorithm, key.public_key] for key in keys}
    proven = [prove(zone, bundle, signers, START, START + DAY) for bundle in bundles]
    return request_of(zone, policy, proven, f"request {name}", 3, START)


def failed(request: ZoneRequest, policy: Policy, previous: ZoneResponse | None = None) -> list[str]:
    at = request.bundles[0].inception - 10 * DAY
    subject = Subject(
        request=request, policy=policy, ksks=(KSK,), zones=frozenset({request.zone}), previous=previous, at=at, now=at,
        first=previous is None,
    )  # fmt: skip
    return [result.rule for result in evaluate(subject).results if result.status is Status.FAILED]


def answered(request: ZoneRequest) -> ZoneResponse:
    bundles = tuple(
        quarter.answered(request.zone, replace(bundle, keys=(*bundle.keys, quarter.published(KSK, "ksk"))))
        for bundle in request.bundles
    )
    return ZoneResponse(request.zone, bundles, request.id, request.serial, zsk_policy=request.policy)


def standing(request: ZoneRequest) -> list[set[Dnskey]]:
    return [{one.key for one in bundle.keys} for bundle in request.bundles]


def test_the_roots_quarter() -> None:
    """The windows and numbers of keys are those of the request of 2017, and every rule of the root's profile passes."""
    real = read_ksr(data("ksr/ksr-root-2017-q2-0.xml").read_bytes())
    policy = profile("root")
    assert rhythm_of(policy) == ROOT_RHYTHM
    request = made(policy, evenly(ROOT_RHYTHM, real.bundles[0].inception), Cast((NOW,), (OLD,), (NEXT,)), "q2")
    times = [[(bundle.inception, bundle.expiration) for bundle in one.bundles] for one in (request, real)]
    assert times[0] == times[1]
    assert [len(bundle.keys) for bundle in request.bundles] == [len(bundle.keys) for bundle in real.bundles]
    assert standing(request) == [{OLD, NOW}, *[{NOW}] * 7, {NOW, NEXT}]
    assert request.policy is not None
    assert request.policy.algorithms == real.policy.algorithms if real.policy else ()
    assert failed(request, policy) == []
    assert read_ksr(write_ksr(request)) == request


@pytest.mark.parametrize("name", ["skr-root-2017-q1-0.xml", "skr-root-2017-q2-0.xml"])
def test_quarters_are_filled_as_the_root_fills_them(name: str) -> None:
    real = read_skr(data(f"ksr/{name}").read_bytes())
    windows = tuple((bundle.inception, bundle.expiration) for bundle in real.bundles)
    start = windows[0][0]
    assert filling(profile("root"), start, months_later(start, 3)) == Period(windows, months_later(start, 3))
    longer = filling(profile("root"), start, months_later(start, 3), 30 * DAY)
    assert [end - begin for begin, end in longer.windows] == [30 * DAY] * 9


def test_twelve_quarters_that_are_filled() -> None:
    """Three years, one of them a leap year: a roll in each quarter, and every rule passes."""
    policy, start = profile("root"), parse_time("2027-01-01T00:00:00Z")
    keys = [quarter.BEFORE, OLD, NOW, NEXT, OTHER]
    previous: ZoneResponse | None = None
    for number in range(12):
        end = months_later(start, 3)
        out, current, in_ = (keys[(number + place) % 5] for place in range(3))
        period = filling(policy, start, end)
        request = made(policy, period, Cast((current,), (out,), (in_,)), f"quarter-{number}")
        assert [len(keys) for keys in standing(request)] == [2, 1, 1, 1, 1, 1, 1, 1, 2]
        assert failed(request, policy, previous) == []
        previous, start = answered(request), end


def test_quarter_follows_quarter() -> None:
    """A roll from one quarter into the next passes the rules on chain and safety, whatever the quarter's length."""
    policy = profile("root")
    for days in (90, 91, 92):
        first = made(policy, evenly(ROOT_RHYTHM, START), Cast((OLD,), (quarter.BEFORE,), (NOW,)), "a")
        second = made(policy, evenly(ROOT_RHYTHM, START + days * DAY), Cast((NOW,), (OLD,), (NEXT,)), "b")
        assert failed(second, policy, answered(first)) == []
    # Without the outgoing key, or with one that never stood there, it does not.
    abrupt = made(policy, evenly(ROOT_RHYTHM, START + 91 * DAY), Cast((OTHER,), (OLD,), (NEXT,)), "c")
    assert "KSR-POLICY-SAFETY" in failed(abrupt, policy, answered(first))


def test_one_key_throughout() -> None:
    policy = profile("zone")
    rhythm = rhythm_of(policy)
    assert rhythm == ROOT_RHYTHM
    first = made(policy, evenly(rhythm, START), Cast((NOW,)), "a", EXAMPLE)
    assert standing(first) == [{NOW}] * 9
    second = made(policy, evenly(rhythm, START + 90 * DAY), Cast((NOW,)), "b", EXAMPLE)
    assert failed(first, policy) == []
    assert failed(second, policy, answered(first)) == []


def test_keys_stand_for_as_long_as_the_policy_demands() -> None:
    policy = replace(profile("zone"), publish_safety=15 * DAY, retire_safety=20 * DAY + 1)
    request = made(policy, evenly(ROOT_RHYTHM, START), Cast((NOW,), (OLD,), (NEXT,)), "a", EXAMPLE)
    assert standing(request) == [*[{OLD, NOW}] * 3, *[{NOW}] * 4, *[{NOW, NEXT}] * 2]
    assert failed(request, policy) == []
    before = made(policy, evenly(ROOT_RHYTHM, START - 90 * DAY), Cast((OLD,), incoming=(NOW,)), "z", EXAMPLE)
    assert failed(request, policy, answered(before)) == []
    # Everything at once where the safety times are as long as the schedule.
    short = made(policy, evenly(Rhythm(2, 10 * DAY, 21 * DAY), START), Cast((NOW,), (OLD,), (NEXT,)), "s", EXAMPLE)
    assert standing(short) == [{OLD, NOW, NEXT}] * 2


def zone_policy(validity: tuple[int, int], overlap: tuple[int, int], **changes: object) -> Policy:
    policy = replace(profile("zone"), **changes)  # type: ignore[arg-type]
    stated = replace(
        policy.ksk_policy, min_signature_validity=validity[0], max_signature_validity=validity[1],
        min_validity_overlap=overlap[0], max_validity_overlap=overlap[1],
    )  # fmt: skip
    return replace(policy, ksk_policy=stated)


ANY = (0, 90 * DAY)


@pytest.mark.parametrize(
    ("policy", "given", "expected"),
    [
        (profile("zone"), {}, Rhythm(9, 10 * DAY, 21 * DAY)),
        (profile("zone"), {"count": 3, "interval": DAY, "validity": 5 * DAY}, Rhythm(3, DAY, 5 * DAY)),
        (zone_policy(ANY, ANY, bundle_count=4), {}, Rhythm(4, 10 * DAY, 21 * DAY)),
        (zone_policy(ANY, ANY, bundle_interval=Bounds(5 * DAY, 8 * DAY)), {}, Rhythm(9, 6 * DAY, 21 * DAY)),
        (zone_policy(ANY, ANY, bundle_interval=Bounds(3600, 7200)), {}, Rhythm(9, 3600, 21 * DAY)),
        (zone_policy((DAY, 5 * DAY), ANY), {}, Rhythm(9, 5 * DAY, 5 * DAY)),
        (zone_policy((30 * DAY, 60 * DAY), ANY), {}, Rhythm(9, 10 * DAY, 30 * DAY)),
        (zone_policy((14 * DAY, 14 * DAY), (7 * DAY, 7 * DAY)), {}, Rhythm(9, 7 * DAY, 14 * DAY)),
        (zone_policy(ANY, (2 * DAY, 4 * DAY)), {}, Rhythm(9, 17 * DAY, 21 * DAY)),
        (zone_policy(ANY, (30 * DAY, 40 * DAY)), {}, Rhythm(9, 1, 21 * DAY)),
    ],
)  # fmt: skip
def test_what_a_policy_leaves_open(policy: Policy, given: dict[str, int], expected: Rhythm) -> None:
    assert rhythm_of(policy, **given) == expected


def test_a_calendar_where_the_policy_gives_no_interval() -> None:
    zone = profile("zone")
    assert calendar_of(zone) == Calendar(9, 9 * DAY, 11 * DAY, 21 * DAY)
    daily = replace(zone.ksk_policy, min_signature_validity=DAY, max_signature_validity=DAY, max_validity_overlap=0)
    assert calendar_of(replace(zone, ksk_policy=daily)) == Calendar(9, 1, 2 * DAY, DAY)


def test_what_a_request_states_is_what_its_bundles_are() -> None:
    period = Period(((START, START + 20 * DAY), (START + 10 * DAY, START + 31 * DAY)), START + 20 * DAY)
    request = made(profile("zone"), period, Cast((NOW, OLD)), "n")
    assert request.policy is not None
    assert (request.policy.min_signature_validity, request.policy.max_signature_validity) == (20 * DAY, 21 * DAY)
    assert request.timestamp == START
    for bundle in request.bundles:
        assert [one.key.tag for one in bundle.keys] == sorted([NOW.tag, OLD.tag])


def test_a_plain_rrset() -> None:
    request = plain_request(EXAMPLE, evenly(ROOT_RHYTHM, START), Cast((NOW,), (OLD,), (NEXT,)), 300)
    (bundle,) = request.bundles
    assert (bundle.inception, bundle.expiration) == (START, START + 21 * DAY)
    assert {one.key for one in bundle.keys} == {OLD, NOW, NEXT}
    assert {(one.ttl, one.identifier) for one in bundle.keys} == {(300, "")}
    assert failed(request, profile("zone")) == []


def test_impossible() -> None:
    for count, interval, validity in ((0, 1, 1), (1001, 1, 1), (1, 0, 1), (1, 1, 0)):
        with pytest.raises(UsageError, match="1 to 1000 bundles"):
            Rhythm(count, interval, validity)
    for cast in (((), (OLD,), ()), ((NOW,), (NOW,), ()), ((NOW, NOW), (), ()), ((NOW,), (OLD,), (OLD,))):
        with pytest.raises(UsageError, match="a key is given twice, or none"):
            Cast(*cast)


@settings(max_examples=200)
@given(
    st.integers(1, 20),
    names(),
    names(),
    st.integers(0, 60 * DAY),
    st.integers(0, 60 * DAY),
    st.booleans(),
    st.booleans(),
)
def test_of_any_schedule(
    count: int, interval: int, validity: int, publish: int, retire: int, outgoing: bool, incoming: bool
) -> None:
    policy = replace(profile("zone"), publish_safety=publish, retire_safety=retire)
    rhythm = Rhythm(count, interval, validity)
    cast = Cast((NOW,), (OLD,) * outgoing, (NEXT,) * incoming)
    bundles = bundles_of(policy, evenly(rhythm, 0), cast, TTL, lambda: "b")
    assert [bundle.inception for bundle in bundles] == [place * interval for place in range(count)]
    assert all(bundle.expiration - bundle.inception == validity for bundle in bundles)
    each = [{one.key for one in bundle.keys} for bundle in bundles]
    assert all(NOW in keys for keys in each)
    out, in_ = (sum(key in keys for keys in each) for key in (OLD, NEXT))
    assert out == (min(count, max(1, -(-retire // interval))) if outgoing else 0)
    assert in_ == (min(count, max(1, -(-publish // interval))) if incoming else 0)
    # An outgoing key stands from the first bundle on, an incoming one until the last, without a gap.
    assert all(OLD in keys for keys in each[:out])
    assert all(NEXT in keys for keys in each[count - in_ :])
