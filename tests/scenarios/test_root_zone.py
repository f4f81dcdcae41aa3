"""A small root zone of our own, its DNSKEY RRset signed by a quorum: other people's checkers and resolver accept it."""

import time
from dataclasses import dataclass
from pathlib import Path

import dns.name
import dns.rcode
import pytest

from keyquorum.dnssec.anchors import ds_text
from keyquorum.dnssec.parent_records import parent_rrsets
from keyquorum.quorum.combining import write_output
from keyquorum.quorum.dealing import dnskey_of
from keyquorum.records.requests import Window
from tests.quorum.village import Matter, Quorum, answer, ask, combine, dealt
from tests.scenarios.judges import JudgeError, dnssec_verify, is_authentic, kzonecheck, ldns_verify_zone, unbound
from tests.scenarios.rootzone import TTL, root_zone

ASKED = ((".", "DNSKEY"), (".", "SOA"), ("text.", "TXT"))


@dataclass(frozen=True)
class Files:
    zone: Path
    anchors: Path


def signed_by(quorums: tuple[Quorum, ...], directory: Path, algorithms: tuple[int, ...]) -> Files:
    """Have the zone's keys signed, now, for two weeks."""
    now = int(time.time())
    zone = root_zone(algorithms)
    window = Window(inception=now - 3600, expiration=now + 14 * 86400)
    matter = Matter(zone.dnskeys().encode(), "zone", window, now)
    request = ask(matter, *quorums)
    partials = [answer(request, matter, quorums[0], index, *quorums[1:]) for index in (1, 3, 4)]
    (written,) = write_output("zone", iter(combine(request, partials).named))
    files = Files(directory / "root.zone", directory / "anchors.ds")
    files.zone.write_text(zone.signed(written[2].decode("ascii"), window.inception, window.expiration))
    files.anchors.write_text(
        "".join(f"{ds_text(dns.name.root, dnskey_of(one.key.record.public))}\n" for one in quorums)
    )
    return files


SETS = {
    "new": (("new", 8),),
    "existing": (("existing", 8),),
    "sha512": (("new", 10),),
    "both": (("new", 8), ("existing", 10)),
    "p256": (("new", 13),),
    "p384": (("new", 14),),
    "ed25519": (("new", 15),),
    "ed448": (("new", 16),),
    "from RSA to ECDSA": (("new", 8), ("new", 13)),
}


@pytest.fixture(params=SETS)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    chosen = SETS[request.param]
    quorums = tuple(dealt(kind, 3, 5, algorithm) for kind, algorithm in chosen)
    return signed_by(quorums, tmp_path, tuple(algorithm for _, algorithm in chosen))


def test_judges_accept(files: Files, tmp_path: Path) -> None:
    ldns_verify_zone(files.zone, files.anchors)
    dnssec_verify(files.zone)
    kzonecheck(files.zone)
    with unbound(files.zone, files.anchors, tmp_path) as query:
        for name, kind in ASKED:
            assert is_authentic(query(name, kind)), (name, kind)


def test_judges_accept_two_ksks_of_which_one_is_revoked_and_records_for_the_parent(tmp_path: Path) -> None:
    """The last phase of a roll: the revoked KSK signs the keys, its successor also what is said to the parent."""
    old, new = dealt(), dealt("existing", 3, 5)
    revoked, successor = (dnskey_of(one.key.record.public) for one in (old, new))
    now = int(time.time())
    zone, window = root_zone((8,)), Window(inception=now - 3600, expiration=now + 14 * 86400)
    parent = [
        f". {TTL} IN {rrset.name} {text}\n"
        for rrset in parent_rrsets(dns.name.root, [successor], ("CDNSKEY", "CDS SHA-256", "CDS SHA-384"), TTL)
        for text in rrset.texts()
    ]
    matter = Matter(
        (zone.dnskeys() + "".join(parent)).encode(),
        *("zone", window, now),
        responses=(("revoked", "revoke-only"),),
        roles=("current", "next"),
    )
    request = ask(matter, old, new)
    partials = [answer(request, matter, old, index, new) for index in (1, 3, 4)]
    ((*_, written),) = write_output("zone", iter(combine(request, partials).named))
    records = written.decode("ascii")
    assert records.count(" DNSKEY 385 ") == 1
    assert [records.count(f" RRSIG {kind} ") for kind in ("DNSKEY", "CDS", "CDNSKEY")] == [2, 1, 1]
    assert records.count(f" {revoked.revoked().tag} . ") == 1
    path, anchors = tmp_path / "root.zone", tmp_path / "anchors.ds"
    path.write_text(zone.signed(records, window.inception, window.expiration))
    anchors.write_text(f"{ds_text(dns.name.root, successor)}\n")
    ldns_verify_zone(path, anchors)
    dnssec_verify(path)
    kzonecheck(path)
    with unbound(path, anchors, tmp_path) as query:
        for name, kind in (*ASKED, (".", "CDS"), (".", "CDNSKEY")):
            assert is_authentic(query(name, kind)), (name, kind)


def test_one_changed_byte_of_the_signature_and_the_zone_is_bogus(tmp_path: Path) -> None:
    files = signed_by((dealt(),), tmp_path, (8,))
    lines = files.zone.read_text().splitlines()
    (place,) = [number for number, line in enumerate(lines) if " RRSIG DNSKEY " in line]
    line, _, comment = lines[place].partition(" ;")
    last = line[-10]
    lines[place] = f"{line[:-10]}{'A' if last != 'A' else 'B'}{line[-9:]} ;{comment}"
    files.zone.write_text("\n".join([*lines, ""]))
    with pytest.raises(JudgeError):
        dnssec_verify(files.zone)
    with unbound(files.zone, files.anchors, tmp_path) as query:
        for name, kind in ASKED:
            assert query(name, kind).rcode() == dns.rcode.SERVFAIL


def test_another_quorums_anchor_is_not_enough(tmp_path: Path) -> None:
    files = signed_by((dealt(),), tmp_path, (8,))
    other = dnskey_of(dealt("existing").key.record.public)
    files.anchors.write_text(f"{ds_text(dns.name.root, other)}\n")
    with unbound(files.zone, files.anchors, tmp_path) as query:
        assert query("text.", "TXT").rcode() == dns.rcode.SERVFAIL
