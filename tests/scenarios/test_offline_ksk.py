"""KSKs that neither BIND nor Knot has: quorums answer what they ask, they import it, and resolvers believe the zones.

The requests are made by ``dnssec-ksr`` and ``keymgr``, for a zone of every algorithm that they can write, and answered
by a quorum of that algorithm through the whole work flow. What BIND imports is not judged by BIND, so what is then
served is: by dnspython from the key alone, and by unbound that trusts it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

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
from keyquorum.dnssec.model import Dnskey, ZoneResponse
from keyquorum.dnssec.sources import FORMATS, detect_format, read_responses
from keyquorum.quorum.combining import write_output
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.quorum.task import Basis
from keyquorum.quorum.verifying import trusts_keys, verify_response
from tests.dnssec.keys import ALGORITHMS
from tests.quorum.village import Matter, Quorum, answer, ask, combine, dealt
from tests.scenarios.judges import (
    JudgeError,
    Query,
    dnssec_verify,
    is_authentic,
    kzonecheck,
    ldns_verify_zone,
    unbound_before,
)
from tests.scenarios.offline_tools import (
    Asked,
    ask_bind,
    ask_knot,
    ask_server,
    import_with_knot,
    place,
    serve_with_bind,
    serve_with_knot,
    sign_with_knot,
    zone_of,
)

FOR_PARENT = ("CDS", "CDNSKEY")
SLOTS = {"bind": 27, "knot": 24}
GOOD = ("", True)


@pytest.fixture
def somewhere() -> Iterator[Path]:
    with place() as directory:
        yield directory


@dataclass(frozen=True, eq=False)
class Request(Matter):
    """A request of one of the two programs, to be answered with records for the parent whatever is usual with it."""

    def basis(self, **changes: Any) -> Basis:
        basis = super().basis()
        times = FORMATS[self.format].times
        assert times is not None
        policy = replace(basis.policy, times=times, parent_records=("CDNSKEY", "CDS SHA-256"))
        return replace(basis, policy=policy, **changes)


def quorum(name: str, algorithm: int) -> Quorum:
    """Deal a key of ``algorithm`` that two can sign with, for the zone that is named after it.

    Presignatures are dear, so there are as many as the answer takes, and of P-384 there is but one pair of signers.
    """
    kind = "existing" if algorithm in {8, 10} else "new"
    holders = 2 if algorithm == 14 else 3
    return dealt(kind, 2, holders, algorithm, zones=(zone_of(algorithm),), label=name, slots=SLOTS[name])


def ksk_of(name: str, algorithm: int) -> Dnskey:
    return dnskey_of(quorum(name, algorithm).key.record.public)


def answered(name: str, algorithm: int, asked: Asked) -> bytes:
    """Have the quorum answer a request in the form that it came in: all rules pass, and the answer verifies."""
    assert detect_format(asked.ksr[:200]) == name
    one, now = quorum(name, algorithm), int(time.time())
    matter = Request(asked.ksr, name, None, now, asked.until if name == "bind" else None)
    request, signers = ask(matter, one), {1, len(one.holders)}
    outcome = combine(request, [answer(request, matter, one, index) for index in signers])
    assert outcome.good(one) == signers
    ((*_, data),) = write_output(name, iter(outcome.named))
    (response,) = read_responses(name, BytesIO(data))
    assert len(response.bundles) >= {"bind": 6, "knot": 4}[name]
    for verdict in verify_response(response, trusts_keys([ksk_of(name, algorithm)])):
        assert (len(verdict.signers), verdict.faults) == (1, ())
    return data


def spoilt(name: str, skr: bytes) -> bytes:
    """Give a response with signatures over the keys that are none."""
    (response,) = read_responses(name, BytesIO(skr))
    bundles = tuple(
        replace(one, signatures=tuple(replace(rrsig, signature=bytes(64)) for rrsig in one.signatures))
        for one in response.bundles
    )
    return FORMATS[name].write(ZoneResponse(response.zone, bundles))


def validate(port: int, algorithm: int, ksk: Dnskey) -> None:
    """Believe the server as dnspython does that knows only the KSK: first the zone's keys, then the rest by them."""
    apex = dns.name.from_text(zone_of(algorithm))
    anchor = dns.rdataset.from_text("IN", "DNSKEY", 3600, dnskey_rdata_text(ksk))
    keys, rrsigs = _served(port, apex, "DNSKEY")
    dns.dnssec.validate(keys, rrsigs, {apex: anchor})
    for kind in ("SOA", *FOR_PARENT):
        dns.dnssec.validate(*_served(port, apex, kind), {apex: keys.to_rdataset() if kind == "SOA" else anchor})


def believes(query: Query, zone: str) -> bool:
    """Whether a resolver validates all there is in a zone."""
    names = [(zone, kind) for kind in ("DNSKEY", "SOA", *FOR_PARENT)] + [(f"text.{zone}", "TXT")]
    return all(is_authentic(query(*one)) for one in names)


def judged(name: str, port: int, algorithms: Sequence[int], directory: Path) -> Mapping[int, tuple[str, bool]]:
    """Say of the zone of each algorithm what dnspython objects to, and whether unbound believes it."""
    anchors = directory / "anchors.ds"
    lines = (ds_text(dns.name.from_text(zone_of(one)), ksk_of(name, one)) for one in algorithms)
    anchors.write_text("".join(f"{line}\n" for line in lines))
    found = {}
    with unbound_before(port, zone_of(algorithms[0]), anchors, directory) as query:
        for algorithm in algorithms:
            objection = ""
            try:
                validate(port, algorithm, ksk_of(name, algorithm))
            except ValidationFailure as error:
                objection = type(error).__name__
            found[algorithm] = (objection, believes(query, zone_of(algorithm)))
    return found


def test_bind_serves_what_quorums_of_every_algorithm_signed(somewhere: Path, tmp_path: Path) -> None:
    asked = ask_bind(somewhere, ALGORITHMS)
    answers = {algorithm: answered("bind", algorithm, asked[algorithm]) for algorithm in ALGORITHMS}
    with serve_with_bind(somewhere, answers) as port:
        assert judged("bind", port, ALGORITHMS, tmp_path) == dict.fromkeys(ALGORITHMS, GOOD)


def test_bind_takes_a_wrong_signature_and_resolvers_do_not(somewhere: Path, tmp_path: Path) -> None:
    """The judges can say no; and what BIND imports, it does not judge."""
    asked = ask_bind(somewhere, [15])
    with serve_with_bind(somewhere, {15: spoilt("bind", answered("bind", 15, asked[15]))}) as port:
        assert judged("bind", port, [15], tmp_path) == {15: ("ValidationFailure", False)}


def test_knot_serves_what_quorums_of_every_algorithm_signed(somewhere: Path, tmp_path: Path) -> None:
    asked = ask_knot(somewhere, ALGORITHMS)
    answers = {algorithm: answered("knot", algorithm, asked[algorithm]) for algorithm in ALGORITHMS}
    with pytest.raises(JudgeError, match="keymgr exits with"):
        import_with_knot(somewhere, 13, spoilt("knot", answers[13]))
    for algorithm, skr in answers.items():
        import_with_knot(somewhere, algorithm, skr)
        zone = sign_with_knot(somewhere, algorithm)
        anchors = tmp_path / f"{algorithm}.ds"
        anchors.write_text(f"{ds_text(dns.name.from_text(zone_of(algorithm)), ksk_of('knot', algorithm))}\n")
        assert all(f"RRSIG\t{kind} " in zone.read_text() for kind in ("DNSKEY", *FOR_PARENT))
        ldns_verify_zone(zone, anchors)
        dnssec_verify(zone, zone_of(algorithm))
        kzonecheck(zone, zone_of(algorithm))
    with serve_with_knot(somewhere, ALGORITHMS) as port:
        assert judged("knot", port, ALGORITHMS, tmp_path) == dict.fromkeys(ALGORITHMS, GOOD)


def _served(port: int, apex: dns.name.Name, kind: str) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    message, rdtype = ask_server(port, apex.to_text(), kind), dns.rdatatype.from_text(kind)
    assert message.rcode() == dns.rcode.NOERROR
    assert message.flags & dns.flags.AA
    found = message.find_rrset(message.answer, apex, dns.rdataclass.IN, rdtype)
    return found, message.find_rrset(message.answer, apex, dns.rdataclass.IN, dns.rdatatype.RRSIG, rdtype)
