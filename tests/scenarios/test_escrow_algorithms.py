"""Every algorithm from the key over paper into SoftHSM, and to a signature of the token that dnspython verifies."""

import time
from pathlib import Path

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.RRSIG import RRSIG

from keyquorum.dnssec.anchors import dnskey_rdata_text
from keyquorum.escrow.keys import dnskey_of
from keyquorum.escrow.recovering import recover
from keyquorum.escrow.shares import read_share
from keyquorum.paper.frames import Frame, join
from keyquorum.paper.pages import Sheet, key_pages, share_pages
from keyquorum.paper.reading import read_file
from keyquorum.tokens.loading import load
from keyquorum.tokens.signing import sign
from keyquorum.tokens.templates import placing_of
from tests.escrow.villages import made_from
from tests.threshold.cases import seeded
from tests.tokens.softhsm import MODULE, softhsm

ALGORITHMS = ("RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448")
TTL = 3600


def frames_on(pdf: bytes) -> list[Frame]:
    """Draw the pages and read the codes off the pictures."""
    return [frame for page in read_file(pdf, "page.pdf") for frame in page.frames]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_from_the_key_over_paper_into_a_token_to_a_signature(tmp_path: Path, algorithm: str) -> None:
    _, made = made_from(algorithm, 2, 3)
    sheet = Sheet(made.manifest, made.cms)
    papers = [share_pages(sheet, number, made.shares[number - 1].text) for number in (1, 3)]
    shares = [read_share(frame.text) for paper in papers for frame in frames_on(paper) if frame.kind == "S"]
    cms = join([frame for frame in frames_on(key_pages(sheet)) if frame.kind == "K"])
    public = dnskey_of(algorithm, made.manifest.record.public_key)
    assert public is not None
    name, record = dns.name.root, dns.rdata.from_text("IN", "DNSKEY", dnskey_rdata_text(public))
    rrset = dns.rrset.from_rdata(name, TTL, record)
    now = int(time.time())
    with softhsm(tmp_path, MODULE) as soft, recover(made.manifest, cms, shares) as key, soft.open() as token:
        loaded = load(token, key, placing_of(key, soft.uri, zone="root"), seeded(1))
        unsigned = RRSIG(
            dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, public.algorithm, 0, TTL, now + 3600,
            now - 60, public.tag, name, b"",
        )  # fmt: skip
        signature = sign(token, loaded.uri, public, dns.dnssec._make_rrsig_signature_data(rrset, unsigned))
    signed = dns.rrset.from_rdata(name, TTL, unsigned.replace(signature=signature))
    dns.dnssec.validate(rrset, signed, {name: rrset})
    broken = dns.rrset.from_rdata(name, TTL, unsigned.replace(signature=bytes(len(signature))))
    with pytest.raises(dns.exception.ValidationFailure):
        dns.dnssec.validate(rrset, broken, {name: rrset})
