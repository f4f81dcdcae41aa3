"""What an archive answers: ids that were used, the response that came before, signatures and their makers."""

from dataclasses import replace

import dns.name
import pytest

from keyquorum.archive.answers import Issued, Makers, about, issued_signatures, previous_response, seen_ids
from keyquorum.dnssec.icann import write_skr
from keyquorum.dnssec.zonefile import write_rrset
from keyquorum.errors import RefusedError
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Status
from keyquorum.quorum.dealing import dnskey_of
from tests.archive.matter import EXAMPLE, Shelf, ceremony, ksr, quarter_response, zone_ceremony
from tests.policy import good_request as quarter
from tests.policy.good_request import DAY, KSK, NEXT, NOW, ROOT, START
from tests.quorum.village import dealt, opened, root_request, sha256

LATER = START + 1000 * DAY
REAL_ID = "23e34059-7725-46a8-a7d2-662d657aab2b"


def previous(shelf: Shelf, before: int = LATER, zone: dns.name.Name = ROOT, *keys: object) -> int | None:
    found = previous_response(shelf.entries, shelf.open, zone, keys or (KSK,), before)  # type: ignore[arg-type]
    if found is not None:
        assert found.sha256 == shelf.entries[found.entry - 1].sha256
        assert found.response.zone == zone
    return found.entry if found else None


def test_ids_that_were_used() -> None:
    made = ceremony()
    shelf = Shelf(made.source, made.request, *made.partials, made.response, ksr("other"))
    assert seen_ids(shelf.entries) == {REAL_ID: sha256(made.source), "other": sha256(ksr("other"))}
    assert seen_ids(Shelf(made.request).entries) == {REAL_ID: sha256(made.source)}
    # Two sources with one id: the first one it was used for.
    assert seen_ids(Shelf(ksr("x"), ksr("x", 2)).entries) == {"x": sha256(ksr("x"))}
    # Of a response alone nobody knows what was asked for, in whatever order they come.
    assert seen_ids(Shelf(made.response).entries) == {REAL_ID: b""}
    for files in ((made.response, made.source), (made.source, made.response)):
        assert seen_ids(Shelf(*files).entries) == {REAL_ID: sha256(made.source)}
    request, response = zone_ceremony()
    assert seen_ids(Shelf(request, response).entries) == {}


def test_the_rule_on_ids_takes_it_as_it_is() -> None:
    matter = root_request()
    seen = seen_ids(Shelf(ceremony().request).entries)
    assert matter.basis(seen=seen).seen == seen
    subject = replace(quarter.good(), seen=seen_ids(Shelf(ksr(quarter.good_request().id)).entries))
    failed = {result.rule for result in evaluate(subject).results if result.status is Status.FAILED}
    assert failed == {"KSR-ID"}


def test_the_last_response_before() -> None:
    one, two = quarter_response(START, "one"), quarter_response(START + 30 * DAY, "two")
    shelf = Shelf(two, ksr("x"), one)
    assert previous(shelf) == 1
    assert previous(shelf, START + 30 * DAY + 1) == 1
    # An answer to the request at hand, and what came after it, is not what came before it.
    assert previous(shelf, START + 30 * DAY) == 3
    assert previous(shelf, START + 1) == 3
    assert previous(shelf, START) is None
    assert previous(Shelf()) is None


def test_zones_are_kept_apart() -> None:
    shelf = Shelf(quarter_response(START, "one"), quarter_response(START + DAY, "two", zone=EXAMPLE))
    assert previous(shelf) == 1
    assert previous(shelf, LATER, EXAMPLE) == 2
    assert previous(shelf, LATER, dns.name.from_text("other.")) is None


def test_one_of_many_zones() -> None:
    request, response = zone_ceremony()
    key = dnskey_of(dealt("existing", 2, 3).key.record.public)
    shelf = Shelf(request, response)
    for name in ("one.example.", "two.example."):
        zone = dns.name.from_text(name)
        assert previous(shelf, LATER, zone, key) == 2
        assert previous(shelf, shelf.entries[1].facts.inception or 0, zone, key) is None
    assert previous(shelf, LATER, EXAMPLE, key) is None


def test_only_what_a_key_of_ours_has_signed() -> None:
    other = quarter.rsa(9, flags=257)
    shelf = Shelf(quarter_response(START, "ours"), quarter_response(START + DAY, "theirs", ksk=other))
    assert previous(shelf) == 1
    assert previous(shelf, LATER, ROOT, other) == 2
    assert previous(shelf, LATER, ROOT, KSK, other) == 2
    assert previous(shelf, LATER, ROOT, quarter.rsa(10, flags=257)) is None
    # The last bundle decides: in a roll, whose key has taken over.
    last = quarter_response(START, "r").bundles[:2] + quarter_response(START, "r", ksk=other).bundles[2:]
    rolled = replace(quarter_response(START, "r"), bundles=last)
    assert previous(Shelf(rolled)) is None
    assert previous(Shelf(rolled), LATER, ROOT, other) == 1


def test_two_responses_for_the_same_time() -> None:
    normal = quarter_response(START, "one")
    # The same made again, with other signatures: no matter which.
    assert previous(Shelf(normal, quarter_response(START, "one again"))) == 2
    # The same keys, and somebody else signs the first bundle: another step of a roll.
    both = quarter.labelled(NOW, KSK, NEXT)
    first, *rest = (replace(one, keys=both, signatures=()) for one in normal.bundles)
    signed = [quarter.answered(ROOT, one) for one in rest]
    steps = (replace(normal, bundles=(quarter.answered(ROOT, first, by), *signed)) for by in (KSK, NEXT))
    with pytest.raises(RefusedError, match="say different things"):
        previous(Shelf(*steps))
    backing_out = quarter_response(START, "one", NEXT)
    shelf = Shelf(normal, backing_out)
    with pytest.raises(RefusedError, match=r"\.: the responses in entries 1 and 2 are for the same time and say diff"):
        previous(shelf)
    # Once there is a later one, that is the one before.
    assert previous(Shelf(normal, backing_out, quarter_response(START + 30 * DAY, "two"))) == 3


def test_what_came_before_satisfies_the_rules() -> None:
    """The good request of the tests, with its previous response out of an archive."""
    before = replace(quarter.good_previous(), ksk_policy=quarter.good().policy.ksk_policy)
    shelf = Shelf(write_skr(before))
    first = quarter.good_request().bundles[0].inception
    found = previous_response(shelf.entries, shelf.open, ROOT, [KSK], first)
    assert found is not None
    subject = replace(quarter.good(), previous=found.response)
    results = {result.rule: result.status for result in evaluate(subject).results}
    assert {results[rule] for rule in ("KSR-CHAIN-KEYS", "KSR-CHAIN-OVERLAP", "KSR-POLICY-SAFETY")} == {Status.PASSED}


def issued(*files: bytes) -> list[Issued]:
    shelf = Shelf(*files)
    return list(issued_signatures(shelf.entries, shelf.open))


def test_signatures_and_who_made_them() -> None:
    made = ceremony()
    found = issued(*made.files.values())
    key = dnskey_of(made.quorum.key.record.public)
    assert len(found) == 9
    assert {(one.entry, one.zone, one.covers, one.tag, one.key) for one in found} == {(5, ROOT, "DNSKEY", key.tag, key)}
    assert [one.inception for one in found] == sorted({one.inception for one in found})
    assert {one.makers for one in found} == {Makers(("alice", "carol"), ("alice", "carol"))}


def test_where_nobody_has_recorded_who_made_them() -> None:
    made = ceremony()
    assert {one.makers for one in issued(made.response)} == {Makers(None, ())}
    asked = issued(made.response, made.request)
    assert {one.makers for one in asked} == {Makers(None, ())}
    answered = issued(made.response, made.request, *made.partials)
    assert {one.makers for one in answered} == {Makers(None, ("alice", "carol"))}
    # A record without its request names nobody, and neither does one of another response.
    assert {one.makers for one in issued(made.response, made.record)} == {Makers(None, ())}
    other = write_skr(quarter_response(START, "q"))
    assert {one.makers for one in issued(other, made.request, made.record)} == {Makers(None, ())}


def test_many_zones() -> None:
    request, response = zone_ceremony()
    found = issued(request, response)
    assert [one.zone.to_text() for one in found] == ["one.example.", "two.example."]
    assert {one.makers for one in found} == {Makers(None, ())}


def test_zone_records_of_one_bundle() -> None:
    bundle = quarter_response(START, "q").bundles[0]
    text = write_rrset(ROOT, bundle).encode()
    (one,) = issued(text)
    assert one.key == KSK
    assert one.expiration == START + 21 * DAY


def test_about() -> None:
    made = ceremony()
    shelf = Shelf(*made.files.values())
    request = opened(made.request).signed.id.hex()

    def numbers(what: str) -> list[int]:
        return [entry.number for entry in about(shelf.entries, what)]

    assert numbers("3") == [3]
    assert numbers(REAL_ID) == [1, 2, 5]
    assert numbers(request) == numbers(request[:8].upper()) == [2, 3, 4, 6]
    assert numbers(sha256(made.source).hex()) == [1, 2]
    assert numbers(sha256(made.response).hex()[:20]) == [5, 6]
    assert numbers(shelf.entries[2].facts.record.hex()) == [3]  # type: ignore[union-attr]
    assert numbers("7") == numbers(request[:7]) == numbers("") == numbers("00000000") == numbers("zzzzzzzz") == []
    # An id may look like a number.
    assert [entry.number for entry in about(Shelf(ksr("a"), ksr("1")).entries, "1")] == [1, 2]


def test_nine_signatures_by_one_key_read_the_request_once() -> None:
    made = ceremony()
    shelf = Shelf(*made.files.values())
    opened_: list[int] = []
    plain = shelf.open

    def counting(entry):  # type: ignore[no-untyped-def]
        opened_.append(entry.number)
        return plain(entry)

    assert len(list(issued_signatures(shelf.entries, counting))) == 9
    assert sorted(opened_) == [2, 3, 4, 5, 6]


def test_the_keys_of_the_zone_do_not_count_as_ours() -> None:
    """A zone's own key is no key of the quorum, whatever it signs."""
    assert previous(Shelf(quarter_response(START, "one")), LATER, ROOT, NOW) is None
