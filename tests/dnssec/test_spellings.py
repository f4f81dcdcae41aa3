"""The real files in other spellings, and requests and responses of other shapes that the root's archive may have.

What a file says counts, not how: every spelling is the same model and the same signatures. What is written is the
canonical spelling, and reading and writing that changes no byte.
"""

import random
from dataclasses import replace

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from keyquorum.dnssec.icann import read_ksr, read_skr, write_ksr, write_skr
from keyquorum.dnssec.model import Bundle, Dnskey, KeyKind, PublishedKey, SignaturePolicy, ZoneRequest, ZoneResponse
from keyquorum.dnssec.verify import verify_signature, verify_with_dnspython
from keyquorum.errors import SignatureError
from keyquorum.quorum.verifying import trusts_keys, verify_response
from tests.data import ROOT, data
from tests.dnssec.keys import Pair, pair
from tests.dnssec.ksr_schema import schema
from tests.dnssec.ksr_vectors import POLICY, START, good_request, proof
from tests.dnssec.spellings import said, spelt
from tests.dnssec.strategies import bundles, labels, names, policies, seconds

DAY = 86400
REAL = sorted(path.name for path in (ROOT / "ksr").glob("*.xml")) or ["ksr-root-2017-q2-0.xml"]
"""Every real file there is; the one name is for where there are none, which the test then says."""
NOT_PROVEN = {"ksr-bad-signatures.xml": [46809, 41824]}
"""The key tags of signatures that are known to be wrong, by file."""


def read(name: str, document: bytes) -> ZoneRequest | ZoneResponse:
    return read_skr(document) if name.startswith("skr") else read_ksr(document)


def write(document: ZoneRequest | ZoneResponse) -> bytes:
    return write_skr(document) if isinstance(document, ZoneResponse) else write_ksr(document)


def wrong(document: ZoneRequest | ZoneResponse) -> list[int]:
    """Give the tags of keys whose signature two libraries call wrong."""
    found = []
    for bundle in document.bundles:
        keys = [one.key for one in bundle.keys]
        for signature in bundle.signatures:
            (key,) = [key for key in keys if key.tag == signature.key_tag]
            judgements = set()
            for check in (verify_signature, verify_with_dnspython):
                try:
                    check(document.zone, keys, signature, key)
                    judgements.add(True)
                except SignatureError:
                    judgements.add(False)
            assert len(judgements) == 1
            found += [key.tag] * (judgements == {False})
    return found


@pytest.mark.parametrize("name", REAL)
def test_every_real_file(name: str) -> None:
    document = data(f"ksr/{name}").read_bytes()
    model = read(name, document)
    canonical = write(model)
    assert read(name, canonical) == model
    assert write(read(name, canonical)) == canonical
    assert said(canonical) == said(document)
    schema().assertValid(etree.fromstring(document))
    schema().assertValid(etree.fromstring(canonical))
    assert wrong(model) == NOT_PROVEN.get(name, [])


@pytest.mark.parametrize("name", REAL)
def test_every_real_file_in_other_spellings(name: str) -> None:
    document = data(f"ksr/{name}").read_bytes()
    draw = random.Random(name)
    for _ in range(5):
        other = spelt(document, draw.choice)
        assert read(name, other) == read(name, document)
        schema().assertValid(etree.fromstring(other))


@settings(deadline=None, max_examples=25)
@given(
    st.data(),
    names,
    st.lists(bundles(signers=True), min_size=1, max_size=2).map(tuple),
    labels,
    policies,
    st.none() | seconds,
)
def test_any_request_in_any_spelling(
    drawn: st.DataObject,
    zone: dns.name.Name,
    made: tuple[Bundle, ...],
    label: str,
    policy: SignaturePolicy,
    timestamp: int | None,
) -> None:
    request = ZoneRequest(zone, made, label, 7, policy, proofs=True, timestamp=timestamp)
    other = spelt(write_ksr(request), lambda several: drawn.draw(st.sampled_from(several)))
    assert read_ksr(other) == request
    schema().assertValid(etree.fromstring(other))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<TTL>172800</TTL>", ""),
        ('keyTag="', 'keytag="'),
        ("<Protocol>3", "<Protocol>4"),
        ("P10D", "10 days"),
        ("<Key ", "<Signature/><Key "),
        ('size="1024"', 'size="1024" more="x"'),
    ],
)
def test_the_schema_can_say_no(old: str, new: str) -> None:
    good = write_ksr(good_request()).decode()
    assert schema().validate(etree.fromstring(good))
    assert old in good
    assert not schema().validate(etree.fromstring(good.replace(old, new, 1)))


def requested(keys: list[Pair], published: list[PublishedKey], place: int = 0, **more: object) -> Bundle:
    inception = START + place * 10 * DAY
    proofs = tuple(proof(one, published, dns.name.root, inception, inception + 21 * DAY) for one in keys)
    made = Bundle(f"b-{place}", inception, inception + 21 * DAY, tuple(published), proofs)
    return replace(made, **more)  # type: ignore[arg-type]


def request_of(*made: Bundle, **more: object) -> ZoneRequest:
    return replace(good_request(), bundles=made, **more)  # type: ignore[arg-type]


def shapes() -> dict[str, ZoneRequest]:
    """Give requests of shapes that the archive has, or that its schema allows, each with proofs that are good."""
    small, large, curve = pair(8, 256, bits=1024), pair(8, 256), pair(13, 256)
    two = [PublishedKey(one.key, 172800, "VeriSign Root ZSK 1-28") for one in (small, large)]
    first = requested([small, large], two)
    several = replace(POLICY, algorithms=(KeyKind(8, 2048, 65537), KeyKind(8, 1024, 65537), KeyKind(8, 1024, 3)))
    uneven = replace(POLICY, max_signature_validity=20 * DAY, min_signature_validity=15 * DAY - 1, publish_safety=0)
    bare = [PublishedKey(one.key, 172800) for one in (small, curve)]
    unequal = [PublishedKey(small.key, 172800, "1"), PublishedKey(large.key, 86400, "2")]
    return {
        "sizes change (2016)": request_of(first, requested([large], two[1:], 1), policy=several),
        "a policy to the second (2010)": request_of(first, policy=uneven, serial=0),
        "one label for two keys": request_of(first),
        "no labels, two algorithms": request_of(requested([small, curve], bare)),
        "TTLs that differ": request_of(requested([small], unequal)),
        "signers": request_of(replace(first, signers=("Kjqmt7v", "Klajeyz"))),
        "a revoked key asked for": request_of(requested([], [PublishedKey(large.key.revoked(), 172800)], 0,
                                                        signatures=first.signatures[:1])),
        "bundles out of order": request_of(requested([small], bare, 2), requested([small], bare)),
        "a time stamp": request_of(first, timestamp=START - 80 * DAY),
    }  # fmt: skip


@pytest.mark.parametrize("name", shapes())
def test_other_shapes_of_a_request(name: str) -> None:
    request = shapes()[name]
    draw = random.Random(name)
    schema().assertValid(etree.fromstring(write_ksr(request)))
    assert [read_ksr(spelt(write_ksr(request), draw.choice)) for _ in range(3)] == [request] * 3
    # The signature of the bundle that asks for a revoked key is that of another bundle; TTLs are not what was signed.
    assert name == "a revoked key asked for" or wrong(request) == []


def signed_by(ksks: list[Pair], keys: list[Dnskey], place: int) -> Bundle:
    """Sign a bundle with each of ``ksks`` as it stands in it: its flags may be others than those it was made with."""
    begin = START + place * 10 * DAY
    published = [PublishedKey(key, 172800, f"K{key.tag}" * key.is_sep) for key in keys]
    as_published = [
        Pair(ksk.private, next(one for one in keys if one.public_key == ksk.key.public_key)) for ksk in ksks
    ]
    made = [proof(one, published, dns.name.root, begin, begin + 21 * DAY) for one in as_published]
    return Bundle(f"b-{place}", begin, begin + 21 * DAY, tuple(published), tuple(made))


def test_a_response_of_a_roll_with_a_revoked_key() -> None:
    """As from 2017 to 2019: old and new KSK published, then signing in turn, then the old one revoked, signing both."""
    zsk, old, new = pair(8, 256), pair(8, 257), pair(8, 257, number=1)
    revoked = old.key.revoked()
    made = (
        signed_by([old], [zsk.key, old.key, new.key], 0),
        signed_by([new], [zsk.key, old.key, new.key], 1),
        signed_by([old, new], [zsk.key, revoked, new.key], 2),
        signed_by([new], [zsk.key, new.key], 3),
    )
    response = ZoneResponse(dns.name.root, made, "roll", 0, POLICY, POLICY)
    draw = random.Random(4)
    for _ in range(5):
        other = spelt(write_skr(response), draw.choice)
        assert read_skr(other) == response
    schema().assertValid(etree.fromstring(write_skr(response)))
    assert said(write_skr(response)).count(("Flags", [], "385")) == 1
    assert (revoked.flags, revoked.tag != old.key.tag) == (385, True)
    assert wrong(response) == []
    verdicts = list(verify_response(response, trusts_keys([old.key, new.key])))
    assert [one.faults for one in verdicts] == [()] * 4
    assert [one.signers for one in verdicts] == [(old.key.tag,), *[(new.key.tag,)] * 3]
