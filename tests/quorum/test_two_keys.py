"""Two keys in one request, as in a rollover: each holder answers with the keys it has a share of."""

from dataclasses import replace

import pytest

from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.verify import verify_with_dnspython
from keyquorum.errors import NotEnoughError, RefusedError
from keyquorum.quorum.dealing import dnskey_of
from tests.quorum.lies import Asked, signed_by, taken_apart
from tests.quorum.test_root_request import validated_by_dnspython
from tests.quorum.village import (
    Matter,
    Outcome,
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    opened,
    root_request,
    sha256,
    villager,
    zone_records,
)

ZONES = ("one.example.", "two.example.")


def old() -> Quorum:
    """Any 3 of alice, bob, carol, dave, erin."""
    return dealt("new", 3, 5, label="old")


def new() -> Quorum:
    """Any 2 of erin, frank, alice, grace: two of them hold the old key too, under other numbers."""
    return dealt("existing", 2, 4, holders=("erin", "frank", "alice", "grace"), label="new")


def answers_of(request: bytes, matter: Matter, *names: str) -> list[bytes]:
    files = []
    for name in names:
        quorum, other = (old(), new()) if villager(name) in old().holders else (new(), old())
        index = quorum.holders.index(villager(name)) + 1
        files.append(answer(request, matter, quorum, index, other))
    return files


def signers(outcome: Outcome) -> list[set[Dnskey]]:
    """Who signed each bundle, as dnspython verifies it."""
    found = []
    for response in outcome.responses:
        for bundle in response.bundles:
            keys = [one.key for one in bundle.keys]
            ksks = {key.tag: key for key in keys if key.is_sep}
            for signature in bundle.signatures:
                verify_with_dnspython(response.zone, keys, signature, ksks[signature.key_tag])
            found.append({ksks[signature.key_tag] for signature in bundle.signatures})
    return found


def test_both_sign_every_bundle() -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    outcome = combine(request, answers_of(request, matter, "alice", "bob", "carol", "frank"))
    both = {dnskey_of(quorum.key.record.public) for quorum in (old(), new())}
    assert signers(outcome) == [both, both]
    assert outcome.good(old()) == {1, 2, 3}
    assert outcome.good(new()) == {2, 3}


def test_the_order_of_the_keys_does_not_matter_for_the_signatures() -> None:
    matter = zone_records(*ZONES)
    made = []
    for keys in ((old(), new()), (new(), old())):
        request = ask(matter, *keys)
        made.append(combine(request, answers_of(request, matter, "alice", "erin", "bob")).signatures)
    assert made[0] == made[1]


def test_the_roots_request_with_two_keys_signed_by_old_and_new() -> None:
    matter = root_request()
    request = ask(matter, old(), new())
    outcome = combine(request, answers_of(request, matter, "alice", "erin", "dave"))
    (response,) = outcome.responses
    assert [len(bundle.signatures) for bundle in response.bundles] == [2] * 9
    assert all(len(group) == 2 for group in signers(outcome))
    alone = ask(matter, old())
    (single,) = combine(alone, [answer(alone, matter, old(), index) for index in (1, 2, 4)]).responses
    validated_by_dnspython(single.bundles[0], dnskey_of(old().key.record.public))


def test_a_holder_of_one_key_answers_with_that_one() -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    counts = {}
    for name in ("alice", "bob", "frank"):
        (file,) = answers_of(request, matter, name)
        counts[name] = len(taken_apart(file)[0].record.answers)
    assert counts == {"alice": 2, "bob": 1, "frank": 1}


def test_one_key_has_enough_answers_and_the_other_has_not() -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    with pytest.raises(NotEnoughError, match="for new") as caught:
        combine(request, answers_of(request, matter, "bob", "carol", "dave", "frank"))
    assert "erin, alice, grace" in str(caught.value)
    with pytest.raises(NotEnoughError, match="for old"):
        combine(request, answers_of(request, matter, "alice", "erin", "frank", "grace"))


def test_who_lies_with_one_key_is_named_for_that_one_only() -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    (erin,) = answers_of(request, matter, "erin")
    partial, _ = taken_apart(erin)
    first, second = partial.record.answers
    body = erin[erin.index(b"\n") + 1 :]
    start = first.width * first.count
    values = [body[start + place : start + place + second.width] for place in (0, second.width)]
    swapped = b"".join(reversed(values))
    lie = replace(partial.record, answers=(first, replace(second, sha256=sha256(swapped))))
    question = Asked(old(), matter, request, {})
    file = signed_by(question, 5, lie, body[:start] + swapped)
    outcome = combine(request, [file, *answers_of(request, matter, "alice", "bob", "frank")])
    assert outcome.liars(old()) == set()
    assert outcome.good(old()) == {1, 2, 5}
    assert outcome.liars(new()) == {1}
    assert outcome.good(new()) == {2, 3}


def test_a_file_that_breaks_off_is_held_against_its_maker_for_both_keys() -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    honest = dict(
        zip("alice bob carol frank".split(), answers_of(request, matter, *"alice bob carol frank".split()), strict=True)
    )
    cut = answers_of(request, matter, "erin")[0][:-1]
    outcome = combine(request, [cut, *honest.values()])
    assert outcome.liars(old()) == {5}
    assert outcome.liars(new()) == {1}


def test_a_zone_must_be_one_that_both_keys_may_sign() -> None:
    narrow = dealt("existing", 2, 4, holders=("erin", "frank", "alice", "grace"), zones=(ZONES[0],), label="narrow")
    ask(zone_records(ZONES[0]), old(), narrow)
    with pytest.raises(RefusedError, match="KSR-DOMAIN"):
        ask(zone_records(*ZONES), old(), narrow)


def test_everybody_sees_both_keys() -> None:
    request = opened(ask(zone_records(*ZONES), old(), new()))
    assert [ksk.identifier for ksk in request.task.ksks()] == ["old", "new"]
