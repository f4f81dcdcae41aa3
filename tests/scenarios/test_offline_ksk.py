"""A KSK that neither BIND nor Knot has: they ask, we answer in their form, they import it, and resolvers believe them.

The requests are made by ``dnssec-ksr`` and ``keymgr``; what they import is not judged by them, so what they then serve
is: by dnspython from the key alone, and by unbound that trusts it.
"""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import pytest
from dns.exception import ValidationFailure

from keyquorum.dnssec.anchors import dnskey_rdata_text, ds_text
from keyquorum.dnssec.model import Dnskey, PublishedKey, SigningTimes, ZoneRequest, ZoneResponse
from keyquorum.dnssec.schema import SCHEMAS, messages_of, plan, signed
from keyquorum.dnssec.sources import FORMATS, detect_format, read_responses, read_source
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.policy.profile import profile
from keyquorum.policy.rules import evaluate
from keyquorum.policy.subject import Status, Subject
from tests.dnssec.keys import ALGORITHMS, Pair, pair
from tests.scenarios.judges import JudgeError, is_authentic, kzonecheck, ldns_verify_zone, unbound_before
from tests.scenarios.offline_tools import (
    ZONE,
    Asked,
    ask,
    ask_bind,
    ask_knot,
    import_with_knot,
    place,
    serve_with_bind,
    serve_with_knot,
    sign_with_knot,
)

APEX = dns.name.from_text(ZONE)


@pytest.fixture
def somewhere() -> Iterator[Path]:
    with place() as directory:
        yield directory


def read(name: str, asked: Asked) -> ZoneRequest:
    """Read a request as everybody does, and run the rules over it: nothing stands in the way of signing it."""
    assert detect_format(asked.ksr[:200]) == name
    usual = FORMATS[name].times
    assert usual is not None
    times: SigningTimes = replace(usual, until=asked.until if name == "bind" else None)
    (request,) = read_source(name, io.BytesIO(asked.ksr), None, times)
    assert request.zone == APEX
    return request


def judge(request: ZoneRequest, ksk: Pair) -> None:
    now = int(time.time())
    report = evaluate(Subject(request, profile("zone"), (ksk.key,), frozenset({APEX}), None, now, now))
    told = {result.rule: result.detail for result in report.results if result.status is Status.FAILED}
    assert told == {}


def answer(name: str, request: ZoneRequest, ksk: Pair, parent_records: tuple[str, ...]) -> bytes:
    """Sign a request with an undivided key and write the answer in the form ``name``."""
    published = [PublishedKey(ksk.key, 0, "ksk")]
    bundles = []
    for planned in plan(SCHEMAS["normal"], request, published, None, parent_records):
        values = [ksk.sign(message) for message in messages_of(APEX, planned, ksk.key)]
        bundles.append(signed(APEX, planned, {ksk.key: values}))
        keys = [one.key for one in planned.keys]
        for over, signatures in bundles[-1].signed_rrsets():
            verify_signature(APEX, keys, signatures[0], ksk.key, over)
            verify_with_dnspython(APEX, keys, signatures[0], ksk.key, over)
    data = FORMATS[name].write(ZoneResponse(APEX, tuple(bundles)))
    (back,) = read_responses(name, io.BytesIO(data))
    assert [one.start for one in back.bundles] == [one.start for one in request.bundles]
    return data


def validate(port: int, ksk: Dnskey, kinds: tuple[str, ...]) -> None:
    """Believe the server as dnspython does that knows only the KSK: first its keys, then each of ``kinds`` by them."""
    anchor = dns.rdataset.from_text("IN", "DNSKEY", 3600, dnskey_rdata_text(ksk))
    keys, rrsigs = _served(ask(port, ZONE, "DNSKEY"), dns.rdatatype.DNSKEY)
    dns.dnssec.validate(keys, rrsigs, {APEX: anchor})
    for kind in kinds:
        rrset, rrsigs = _served(ask(port, ZONE, kind), dns.rdatatype.from_text(kind))
        dns.dnssec.validate(rrset, rrsigs, {APEX: keys.to_rdataset() if kind == "SOA" else anchor})


def believes(port: int, ksk: Dnskey, kinds: tuple[str, ...], directory: Path) -> bool:
    """Whether an unbound that trusts ``ksk`` validates all that is asked of the server."""
    anchors = directory / "anchors.ds"
    anchors.write_text(f"{ds_text(APEX, ksk)}\n")
    with unbound_before(port, ZONE, anchors, directory) as query:
        names = [(ZONE, kind) for kind in ("DNSKEY", "SOA", *kinds)] + [(f"text.{ZONE}", "TXT")]
        return all(is_authentic(query(*one)) for one in names)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bind_serves_what_we_signed(somewhere: Path, tmp_path: Path, algorithm: int) -> None:
    ksk = pair(algorithm)
    asked = ask_bind(somewhere, algorithm)
    request = read("bind", asked)
    assert len(request.bundles) >= 6
    judge(request, ksk)
    skr = answer("bind", request, ksk, FORMATS["bind"].parent_records)
    with serve_with_bind(somewhere, algorithm, skr) as port:
        validate(port, ksk.key, ("SOA", "CDS", "CDNSKEY"))
        assert believes(port, ksk.key, ("CDS", "CDNSKEY"), tmp_path)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_knot_signs_with_what_we_signed(somewhere: Path, tmp_path: Path, algorithm: int) -> None:
    ksk = pair(algorithm)
    request = read("knot", ask_knot(somewhere, algorithm))
    assert len(request.bundles) >= 4
    judge(request, ksk)
    import_with_knot(somewhere, answer("knot", request, ksk, ()))
    zone = sign_with_knot(somewhere)
    anchors = tmp_path / "anchors.ds"
    anchors.write_text(f"{ds_text(APEX, ksk.key)}\n")
    ldns_verify_zone(zone, anchors)
    kzonecheck(zone, ZONE)


def test_knot_does_not_take_a_wrong_signature(somewhere: Path) -> None:
    skr = answer("knot", read("knot", ask_knot(somewhere, 13)), pair(13), ())
    (response,) = read_responses("knot", io.BytesIO(skr))
    with pytest.raises(JudgeError, match="keymgr exits with"):
        import_with_knot(somewhere, FORMATS["knot"].write(spoilt(response)))


def test_knot_serves_what_we_signed_with_records_for_the_parent(somewhere: Path, tmp_path: Path) -> None:
    ksk = pair(13)
    request = read("knot", ask_knot(somewhere, 13))
    import_with_knot(somewhere, answer("knot", request, ksk, ("CDNSKEY", "CDS SHA-256")))
    with serve_with_knot(somewhere, 13) as port:
        validate(port, ksk.key, ("SOA", "CDS", "CDNSKEY"))
        assert believes(port, ksk.key, ("CDS", "CDNSKEY"), tmp_path)


def test_bind_takes_a_wrong_signature_and_resolvers_do_not(somewhere: Path, tmp_path: Path) -> None:
    """The judges can say no; and what BIND imports, it does not judge."""
    ksk = pair(15)
    skr = answer("bind", read("bind", ask_bind(somewhere, 15)), ksk, ())
    (response,) = read_responses("bind", io.BytesIO(skr))
    with serve_with_bind(somewhere, 15, FORMATS["bind"].write(spoilt(response))) as port:
        with pytest.raises(ValidationFailure):
            validate(port, ksk.key, ())
        assert not believes(port, ksk.key, (), tmp_path)


def spoilt(response: ZoneResponse) -> ZoneResponse:
    """Give the response with signatures over the keys that are none."""
    bundles = tuple(
        replace(one, signatures=tuple(replace(rrsig, signature=bytes(64)) for rrsig in one.signatures))
        for one in response.bundles
    )
    return replace(response, bundles=bundles)


def _served(message: dns.message.Message, kind: dns.rdatatype.RdataType) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    assert message.rcode() == dns.rcode.NOERROR
    assert message.flags & dns.flags.AA
    found = message.find_rrset(message.answer, APEX, dns.rdataclass.IN, kind)
    return found, message.find_rrset(message.answer, APEX, dns.rdataclass.IN, dns.rdatatype.RRSIG, kind)
