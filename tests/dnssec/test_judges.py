"""A root zone whose DNSKEY RRset was planned, signed and written through this room: do other people accept it?"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import dns.name
import dns.rcode
import pytest

from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.model import Bundle, PublishedKey
from keyquorum.dnssec.schema import SCHEMAS, messages_of, plan, signed
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.dnssec.zonefile import read_rrsets, write_rrset
from tests.dnssec.keys import ALGORITHMS, pair
from tests.scenarios.judges import JudgeError, dnssec_verify, is_authentic, kzonecheck, ldns_verify_zone, unbound
from tests.scenarios.rootzone import root_zone


@dataclass(frozen=True)
class Files:
    zone: Path
    ds: Path
    dnskey: Path


def make(
    directory: Path, algorithms: tuple[int, ...], spoil: Callable[[Bundle], Bundle] = lambda bundle: bundle
) -> Files:
    now = int(time.time())
    inception, expiration = now - 3600, now + 14 * 86400
    zone = root_zone(algorithms)
    ksks = [pair(algorithm, 257) for algorithm in algorithms]
    (request,) = read_rrsets(io.BytesIO(zone.dnskeys().encode()), inception, expiration)
    (planned,) = plan(SCHEMAS["normal"], request, [PublishedKey(ksk.key, 86400, "ksk") for ksk in ksks], None)
    values = {ksk.key: [ksk.sign(one) for one in messages_of(request.zone, planned, ksk.key)] for ksk in ksks}
    answer = signed(request.zone, planned, values)
    keys = [one.key for one in answer.keys]
    for ksk, signature in zip(ksks, answer.signatures, strict=True):
        verify_signature(request.zone, keys, signature, ksk.key)
        verify_with_dnspython(request.zone, keys, signature, ksk.key)
    files = Files(directory / "root.zone", directory / "anchors.ds", directory / "anchors.dnskey")
    files.zone.write_text(zone.signed(write_rrset(request.zone, spoil(answer)), inception, expiration))
    files.ds.write_text("".join(f"{ds_text(request.zone, ksk.key)}\n" for ksk in ksks))
    files.dnskey.write_text("".join(f"{dnskey_text(request.zone, ksk.key)}\n" for ksk in ksks))
    return files


def wrong_signature(bundle: Bundle) -> Bundle:
    first = bundle.signatures[0]
    changed = bytes([first.signature[0] ^ 1]) + first.signature[1:]
    return replace(bundle, signatures=(replace(first, signature=changed), *bundle.signatures[1:]))


def missing_signature(bundle: Bundle) -> Bundle:
    return replace(bundle, signatures=bundle.signatures[1:])


SETS = [*[(algorithm,) for algorithm in ALGORITHMS], (8, 13)]


@pytest.mark.parametrize("algorithms", SETS, ids=str)
def test_zone_checkers_accept(tmp_path: Path, algorithms: tuple[int, ...]) -> None:
    files = make(tmp_path, algorithms)
    ldns_verify_zone(files.zone, files.ds)
    ldns_verify_zone(files.zone, files.dnskey)
    dnssec_verify(files.zone)
    kzonecheck(files.zone)


@pytest.mark.parametrize("algorithms", SETS, ids=str)
def test_unbound_validates(tmp_path: Path, algorithms: tuple[int, ...]) -> None:
    files = make(tmp_path, algorithms)
    with unbound(files.zone, files.ds if algorithms == (8,) else files.dnskey, tmp_path) as query:
        for name, kind in ((".", "DNSKEY"), (".", "SOA"), ("text.", "TXT")):
            assert is_authentic(query(name, kind)), (name, kind)


@pytest.mark.parametrize(
    ("algorithms", "spoil"), [((8,), wrong_signature), ((13,), wrong_signature), ((8, 13), missing_signature)]
)
def test_judges_can_say_no(tmp_path: Path, algorithms: tuple[int, ...], spoil: Callable[[Bundle], Bundle]) -> None:
    files = make(tmp_path, algorithms, spoil)
    with pytest.raises(JudgeError):
        dnssec_verify(files.zone)
    if spoil is wrong_signature:
        with pytest.raises(JudgeError):
            kzonecheck(files.zone)
        with pytest.raises(JudgeError):
            ldns_verify_zone(files.zone, files.dnskey)
    with unbound(files.zone, files.dnskey, tmp_path) as query:
        answer = query("text.", "TXT")
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert not is_authentic(answer)


def test_unbound_with_another_anchor_refuses(tmp_path: Path) -> None:
    files = make(tmp_path, (13,))
    files.ds.write_text(f"{ds_text(dns.name.root, pair(13, number=1).key)}\n")
    with unbound(files.zone, files.ds, tmp_path) as query:
        assert query("text.", "TXT").rcode() == dns.rcode.SERVFAIL
