"""Several responses to one request, KSKs in roles, and who is asked for nothing: under every kind of key."""

from dataclasses import replace
from io import BytesIO

import pytest

from keyquorum.dnssec.icann import write_skr
from keyquorum.dnssec.model import ZoneResponse
from keyquorum.dnssec.verify import verify_with_dnspython
from keyquorum.errors import NotEnoughError, RefusedError
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.verifying import Comparison
from keyquorum.records.envelope import Signed
from keyquorum.records.files import read_header
from keyquorum.records.requests import REQUEST, Request
from tests.quorum.village import (
    Matter,
    Outcome,
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    examined,
    opened,
    root_request,
)

ROLES = ("current", "next")
WITH_A_WAY_BACK = (("plan", "join"), ("back-out", "back-out"))


def current() -> Quorum:
    """Any 2 of alice, bob, carol."""
    return dealt("existing", 2, 3, label="current")


def coming(algorithm: int) -> Quorum:
    """Any 2 of bob, carol, dave: two of them hold the current key too."""
    kind, number = ("existing", 1) if algorithm == 8 else ("new", 0)
    return dealt(kind, 2, 3, algorithm, number=number, holders=("bob", "carol", "dave"), label="coming")


def matter(*responses: tuple[str, str], roles: tuple[str, ...] = ROLES) -> Matter:
    return replace(root_request(), responses=responses, roles=roles)


def asked(algorithm: int, *responses: tuple[str, str]) -> tuple[Matter, bytes, dict[str, str]]:
    """Ask, overruling what speaks against another algorithm than the root's."""
    what = matter(*responses)
    found = examined(what, [current(), coming(algorithm)]).report.failed
    assert algorithm != 8 or {one.rule for one in found} <= {"KQ-5011-HOLDDOWN"}
    overruled = {one.rule: "a test" for one in found}
    return what, ask(what, current(), coming(algorithm), overrules=overruled), overruled


def answered(algorithm: int, *responses: tuple[str, str]) -> tuple[bytes, Outcome]:
    what, request, overruled = asked(algorithm, *responses)
    now, then = current(), coming(algorithm)
    files = [
        answer(request, what, now, 1, overrules=overruled),
        answer(request, what, now, 2, then, overrules=overruled),
        answer(request, what, then, 3, overrules=overruled),
    ]
    return request, combine(request, files)


def verified(response: ZoneResponse) -> list[list[int]]:
    """Give who signed each bundle, by algorithm, as dnspython verifies it."""
    found = []
    for bundle in response.bundles:
        keys = [one.key for one in bundle.keys]
        by_name = {(key.tag, key.algorithm): key for key in keys}
        for signature in bundle.signatures:
            signer = by_name[signature.key_tag, signature.algorithm]
            verify_with_dnspython(response.zone, keys, signature, signer)
        found.append(sorted(signature.key_tag for signature in bundle.signatures))
    return found


@pytest.mark.parametrize("algorithm", [8, 15])
def test_the_plan_and_the_way_back(algorithm: int) -> None:
    request, outcome = answered(algorithm, *WITH_A_WAY_BACK)
    now, then = (dnskey_of(one.key.record.public) for one in (current(), coming(algorithm)))
    assert [name for name, _ in outcome.named] == ["plan", "back-out"]
    plan, back = (response for _, response in outcome.named)
    assert verified(plan) == [[now.tag], *[sorted([now.tag, then.tag])] * 8]
    assert verified(back) == [[now.tag]] * 9
    assert {one.key for bundle in back.bundles for one in bundle.keys if one.key.is_sep} == {now}
    # What both have in common is signed once.
    assert plan.bundles[0] == back.bundles[0]
    assert len(outcome.signatures[current().key.id]) == 17
    assert len(outcome.signatures[coming(algorithm).key.id]) == 8
    # Each is told from the other, and neither is taken for what it is not.
    for name, response in outcome.named:
        comparison = Comparison(opened(request).task)
        assert list(comparison.differences(response)) == []
        assert list(comparison.unanswered()) == []
        assert (comparison.names, comparison.asked_for) == ((name,), 2)
    mixed = replace(plan, bundles=(*plan.bundles[:5], *back.bundles[5:]))
    comparison = Comparison(opened(request).task)
    assert [what.split(": ", 2)[2] for what in comparison.differences(mixed)] == [
        "the keys are not those asked for"
    ] * 4
    assert write_skr(plan) != write_skr(back)


def test_two_that_differ_in_who_signs_only() -> None:
    request, outcome = answered(8, ("go", "rollover"), ("stay", "publish-only"))
    go, stay = (response for _, response in outcome.named)
    assert {one.key for bundle in go.bundles for one in bundle.keys} == {
        one.key for bundle in stay.bundles for one in bundle.keys
    }
    for name, response in outcome.named:
        comparison = Comparison(opened(request).task)
        assert list(comparison.differences(response)) == []
        assert comparison.names == (name,)
    comparison = Comparison(opened(request).task)
    first = replace(go, id="", bundles=go.bundles[:1])
    assert list(comparison.differences(first)) == []
    assert comparison.names == ("go", "stay")


@pytest.mark.parametrize("algorithm", [8, 13, 15])
def test_a_key_that_is_published_is_asked_for_nothing(algorithm: int) -> None:
    what, request, overruled = asked(algorithm, ("plan", "publish-only"))
    now, then = current(), coming(algorithm)
    signed: Signed[Request] = read_header(BytesIO(request), REQUEST)
    assert [(one.role, one.slots) for one in signed.record.keys] == [("current", None), ("next", None)]
    assert opened(request).task.signing() == {now.key.id}
    with pytest.raises(RefusedError, match="asks no signature of coming, which you hold a share of"):
        answer(request, what, then, 3, overrules=overruled)
    files = [
        answer(request, what, now, 2, then, overrules=overruled),
        answer(request, what, now, 3, overrules=overruled),
    ]
    outcome = combine(request, files)
    assert outcome.signatures[then.key.id] == []
    assert {one.key for one in outcome.contributions} == {now.key.id}
    key = dnskey_of(then.key.record.public)
    (response,) = outcome.responses
    assert all(key in {one.key for one in bundle.keys} for bundle in response.bundles)
    assert verified(response) == [[dnskey_of(now.key.record.public).tag]] * 9


def test_revoked_it_signs_its_own_revocation_with_the_next() -> None:
    _, outcome = answered(8, ("plan", "revoke"))
    now, then = (dnskey_of(one.key.record.public) for one in (current(), coming(8)))
    (response,) = outcome.responses
    assert verified(response) == [[then.tag], *[sorted([now.revoked().tag, then.tag])] * 7, [then.tag]]


def test_enough_for_the_one_and_not_for_the_other() -> None:
    what, request, overruled = asked(8, *WITH_A_WAY_BACK)
    files = [answer(request, what, current(), index, overrules=overruled) for index in (1, 3)]
    with pytest.raises(NotEnoughError, match="for coming"):
        combine(request, files)


def test_roles_that_do_not_fit_the_schema() -> None:
    for roles in (("current", "current"), ("next", "next")):
        with pytest.raises(RefusedError, match="the schema join is for KSKs as current and next"):
            examined(matter(("plan", "join"), roles=roles), [current(), coming(8)])
    # Where there is but one role, everybody has it.
    for roles in (("next", "current"), ROLES):
        seen = examined(matter(("plan", "normal"), roles=roles), [current(), coming(8)])
        assert [len(messages) for messages in seen.messages] == [9, 9]
    # The other way round they are other roles.
    seen = examined(matter(("plan", "publish-only"), roles=("next", "current")), [current(), coming(8)])
    assert [len(messages) for messages in seen.messages] == [0, 9]


def test_responses_that_cannot_be_told_apart() -> None:
    with pytest.raises(RefusedError, match="the responses one and two are the same"):
        examined(matter(("one", "join"), ("two", "join")), [current(), coming(8)])
