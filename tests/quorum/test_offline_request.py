"""Requests of BIND and Knot, and zone files with CDS records, through the whole flow: all derive the same bundles."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO

import dns.name
import pytest

from keyquorum.dnssec.bind_text import BIND
from keyquorum.dnssec.change_points import ChangePoint
from keyquorum.dnssec.knot_text import KNOT
from keyquorum.dnssec.model import PublishedKey
from keyquorum.dnssec.offline_text import write_change_points
from keyquorum.dnssec.parent_records import parent_rdata_text, parent_rrsets
from keyquorum.dnssec.sources import FORMATS, read_responses
from keyquorum.dnssec.zonefile import read_rrsets
from keyquorum.errors import MalformedError, RefusedError, UsageError
from keyquorum.policy.profile import profile_source, read_policy
from keyquorum.quorum.combining import write_output
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.requesting import open_request
from keyquorum.quorum.task import terms_of, times_of
from keyquorum.quorum.verifying import Comparison, trusts_keys, verify_response
from tests.dnssec.keys import pair
from tests.quorum.village import (
    NOW,
    Matter,
    Outcome,
    Quorum,
    answer,
    ask,
    combine,
    dealt,
    examined,
    plain,
    resigned,
    villager,
    zone_records,
)

DAY = 86400
ZONE = dns.name.from_text("one.example.")
ALGORITHMS = (8, 13, 15)


@cache
def offline(name: str, algorithm: int = 8) -> Matter:
    """A request over 30 days with one change of keys, as dnssec-ksr or keymgr would make it."""
    (request,) = read_rrsets(io.BytesIO(zone_records("one.example.", algorithm=algorithm).source), 1, 2)
    first = request.bundles[0].keys[0]
    second = PublishedKey(pair(algorithm, 256).key, first.ttl)
    points = [
        ChangePoint(NOW, (first,)),
        ChangePoint(NOW + 10 * DAY, (first, second)),
        ChangePoint(NOW + (20 if name == "bind" else 30) * DAY, (second,)),
    ]
    source = write_change_points(ZONE, points, BIND if name == "bind" else KNOT)
    return Matter(source, name, None, NOW, NOW + 30 * DAY if name == "bind" else None)


def run(matter: Matter, quorum: Quorum) -> tuple[bytes, Outcome]:
    request = ask(matter, quorum)
    outcome = combine(request, [answer(request, matter, quorum, index) for index in (1, 2, 4)])
    assert outcome.good(quorum) == {1, 2, 4}
    return request, outcome


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", ["bind", "knot"])
def test_a_quorum_answers_in_the_form_it_was_asked_in(name: str, algorithm: int) -> None:
    quorum, matter = dealt(algorithm=algorithm), offline(name, algorithm)
    request, outcome = run(matter, quorum)
    ((_, nothing, data),) = write_output(name, iter(outcome.named))
    assert nothing == ""
    (response,) = read_responses(name, io.BytesIO(data))
    ksk = dnskey_of(quorum.key.record.public)
    verdicts = list(verify_response(response, trusts_keys([ksk])))
    assert [(one.signers, one.faults) for one in verdicts] == [((ksk.tag,), ())] * len(verdicts)
    assert len(verdicts) == {"bind": 6, "knot": 4}[name]
    # BIND's form has CDS and CDNSKEY records, each signed; Knot's has none by default.
    for bundle in response.bundles:
        assert [one.name for one in bundle.for_parent] == (["CDS", "CDNSKEY"] if name == "bind" else [])
    assert len(outcome.signatures[quorum.key.id]) == len(verdicts) * (3 if name == "bind" else 1)
    comparison = Comparison(open_request(BytesIO(request)).task)
    assert [*comparison.differences(response), *comparison.unanswered()] == []


def test_other_forms_of_the_answer() -> None:
    quorum = dealt()
    _, outcome = run(offline("bind"), quorum)
    files = {name: data for _, name, data in write_output("zone", iter(outcome.named))}
    assert list(files) == [f"2026{day}.zone" for day in ("0228", "0309", "0310", "0319", "0320", "0329")]
    (response,) = read_responses("knot", io.BytesIO(next(write_output("knot", iter(outcome.named)))[2]))
    assert [one.start for one in response.bundles] == [one.start for one in outcome.responses[0].bundles]
    with pytest.raises(UsageError, match="only a KSR can be answered as a SKR"):
        list(write_output("icann", iter(outcome.named)))
    with pytest.raises(UsageError, match="holds one zone, and here are several"):
        list(write_output("bind", iter(outcome.named * 2)))
    # Two bundles that begin on one day are named with the time.
    one = outcome.responses[0].bundles[0]
    close = replace(outcome.responses[0], bundles=(one, replace(one, inception=one.inception + 1)))
    assert [name for _, name, _ in write_output("zone", iter([("normal", close)]))] == [
        "20260228230000.zone",
        "20260228230001.zone",
    ]


def test_a_changed_record_for_the_parent_is_found() -> None:
    quorum = dealt()
    request, outcome = run(offline("bind"), quorum)
    (response,) = outcome.responses
    ksk = dnskey_of(quorum.key.record.public)
    first = response.bundles[0]
    cds, cdnskey = first.for_parent
    spoilt = replace(cds, rdatas=(cds.rdatas[0][:-1] + b"\0",))
    for wrong, fault in (
        ((spoilt, cdnskey), "does not verify"),
        ((replace(cds, signatures=()), cdnskey), "no signature of the CDS RRset by a trusted key"),
    ):
        changed = replace(response, bundles=(replace(first, for_parent=wrong), *response.bundles[1:]))
        verdict = next(verify_response(changed, trusts_keys([ksk])))
        assert any(fault in one for one in verdict.faults)
        assert verdict.signers == (ksk.tag,)
    for missing in ((cdnskey,), (spoilt, cdnskey), ()):
        changed = replace(response, bundles=(replace(first, for_parent=missing), *response.bundles[1:]))
        assert list(Comparison(open_request(BytesIO(request)).task).differences(changed)) == [
            "one.example.: bundle 1: the CDS and CDNSKEY records are not those asked for"
        ]


def test_a_zone_file_with_cds_records_gets_signatures_for_them_too() -> None:
    quorum = dealt()
    ksk = dnskey_of(quorum.key.record.public)
    lines = [
        f"one.example. 60 IN {rrset.name} {parent_rdata_text(rrset, rdata)}\n"
        for rrset in parent_rrsets(ZONE, [ksk], ("CDNSKEY", "CDS SHA-384"), 60)
        for rdata in rrset.rdatas
    ]
    matter = plain(zone_records("one.example.").source + "".join(lines).encode())
    _, outcome = run(matter, quorum)
    (bundle,) = outcome.responses[0].bundles
    assert [(one.name, one.ttl, len(one.signatures)) for one in bundle.for_parent] == [
        ("CDS", 60, 1),
        ("CDNSKEY", 60, 1),
    ]
    ((_, _, written),) = write_output("zone", iter(outcome.named))
    assert written.count(b" RRSIG CDS ") == written.count(b" RRSIG CDNSKEY ") == 1
    stranger = plain(matter.source + f"one.example. 60 IN CDS 1 8 2 {'00' * 32}\n".encode())
    with pytest.raises(RefusedError, match="KQ-CDS"):
        ask(stranger, quorum)


EDITS: list[tuple[str, Callable[[dict[str, object]], object], str]] = [
    ("bind", lambda terms: terms.update(times=None), r"signing times belong to a request of BIND or Knot"),
    (
        "zone",
        lambda terms: terms.update(times={"validity": 2, "refresh": 1, "inception_offset": 0, "until": None}),
        r"\$\.terms\.times",
    ),
    ("bind", lambda terms: terms.update(parent_records=["CDS SHA-1"]), "one of CDNSKEY"),
]


@pytest.mark.parametrize(("name", "edit", "words"), EDITS)
def test_terms_that_do_not_fit_the_source(name: str, edit: Callable[[dict[str, object]], object], words: str) -> None:
    matter = offline(name) if name != "zone" else zone_records("one.example.")
    head, _, rest = ask(matter, dealt()).partition(b"\n")
    changed = resigned(head, villager("rita").identity, lambda document: edit(document["terms"]))
    with pytest.raises(MalformedError, match=words):
        open_request(BytesIO(changed + b"\n" + rest))


def test_the_end_of_the_period_belongs_to_bind() -> None:
    with pytest.raises(UsageError, match="Give the end of the period"):
        examined(replace(offline("bind"), until=None), [dealt()])
    with pytest.raises(UsageError, match="Give no end of the period"):
        examined(replace(offline("knot"), until=NOW + 30 * DAY), [dealt()])
    policy = read_policy(profile_source("zone"))
    with pytest.raises(UsageError, match="has no period that could end"):
        terms_of(policy, [dealt().key], "zone", NOW)


def test_times_are_the_policys_or_else_the_programs() -> None:
    policy = read_policy(profile_source("zone"))
    assert times_of(policy, "knot", None) == FORMATS["knot"].times
    assert times_of(policy, "zone", None) is None
    usual = FORMATS["bind"].times
    assert usual is not None
    own = replace(policy, times=replace(usual, refresh=DAY), parent_records=())
    terms = terms_of(own, [dealt().key], "bind", NOW)
    assert (terms.times, terms.parent_records) == (replace(usual, refresh=DAY, until=NOW), ())
