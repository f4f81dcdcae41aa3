"""A response is compared with its request: what was left out, put in or changed is said, whatever the format."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from keyquorum.dnssec.model import ZoneResponse
from keyquorum.quorum.verifying import Comparison
from tests.quorum.village import Matter, dealt, root_request, zone_records

ZONES = ("a.example.", "b.example.", "c.example.")


def said(matter: Matter, responses: list[ZoneResponse]) -> list[str]:
    comparison = Comparison(matter.task([dealt()]))
    found = [sentence for response in responses for sentence in comparison.differences(response)]
    return [*found, *comparison.unanswered()]


def zones() -> Matter:
    return zone_records(*ZONES)


@cache
def answered(matter: Matter) -> list[ZoneResponse]:
    """The answer, but for the signatures, which are not compared."""
    return [
        ZoneResponse(zone.zone, bundles, zone.id, zone.serial)
        for zone, derivation in matter.task([dealt()]).derived()
        for _, bundles in derivation.answers([[b"unseen"] * len(messages) for messages in derivation.messages])
    ]


def without_id(response: ZoneResponse, *places: int) -> ZoneResponse:
    """What is read from a zone file: no ids of a KSR, and only some of its bundles."""
    return replace(response, id="", serial=0, bundles=tuple(response.bundles[place] for place in places))


@pytest.mark.parametrize("make", [zones, root_request])
def test_the_answer_is_no_different(make: Callable[[], Matter]) -> None:
    assert said(make(), answered(make())) == []


def test_a_zone_file_of_one_bundle_of_nine_is_compared_with_that_bundle() -> None:
    matter = root_request()
    (whole,) = answered(matter)
    for place in range(9):
        assert said(matter, [without_id(whole, place)]) == []
    wrong = without_id(whole, 3)
    bundle = replace(wrong.bundles[0], keys=whole.bundles[0].keys)
    assert said(matter, [replace(wrong, bundles=(bundle,))]) == [".: bundle 1: the keys are not those asked for"]


def test_a_zone_left_out_is_missed_wherever_it_stood() -> None:
    a, b, c = answered(zones())
    missed = [f"{name}: asked for, and not answered here" for name in ZONES]
    assert said(zones(), [b, c]) == missed[:1]
    assert said(zones(), [a, c]) == missed[1:2]
    assert said(zones(), [a, b]) == missed[2:]
    assert said(zones(), []) == missed


def test_a_zone_put_in_is_named() -> None:
    a, b, c = answered(zones())
    stranger = replace(a, zone=dealt(zones=("x.example.",)).key.record.zones[0])
    assert "x.example.: not asked for, or not in the order of the request" in said(zones(), [a, b, c, stranger])
    assert "a.example.: not asked for, or not in the order of the request" in said(zones(), [b, c, a])


def test_other_times_keys_and_ttls_are_found() -> None:
    a, b, c = answered(zones())
    (bundle,) = b.bundles
    for changed, what in (
        (replace(bundle, expiration=bundle.expiration - 1), "times"),
        (replace(bundle, inception=bundle.inception + 1), "times"),
        (replace(bundle, keys=bundle.keys[:1]), "keys"),
        (replace(bundle, keys=tuple(replace(key, ttl=key.ttl + 1) for key in bundle.keys)), "keys"),
    ):
        other = replace(b, bundles=(changed,))
        assert said(zones(), [a, other, c]) == [f"b.example.: bundle 1: the {what} are not those asked for"]


def test_of_a_signed_key_response_ids_serial_and_number_of_bundles_are_compared() -> None:
    matter = root_request()
    (whole,) = answered(matter)
    bundles = whole.bundles
    assert said(matter, [replace(whole, serial=7)]) == [".: id or serial is not that of the request"]
    assert said(matter, [replace(whole, id="another")]) == [".: id or serial is not that of the request"]
    assert said(matter, [replace(whole, bundles=bundles[:8])]) == [".: 8 bundles, where 9 were asked for"]
    renamed = replace(bundles[0], id="another")
    assert said(matter, [replace(whole, bundles=(renamed, *bundles[1:]))]) == [
        ".: bundle 1: the id is not that of the request"
    ]
    twice = replace(whole, bundles=(*bundles[:8], bundles[0]))
    assert said(matter, [twice]) == [".: bundle 9: the times are not those asked for"]
