"""What a file is: every kind that is kept says what it says; nothing else is kept, secrets before all."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyquorum.archive.entries import Facts
from keyquorum.archive.facts import NotKeptError, facts_of
from keyquorum.dnssec.icann import write_skr
from keyquorum.errors import KeyquorumError, RefusedError, SignatureError
from keyquorum.keystore.person import Person
from keyquorum.keystore.sealing import Cost
from keyquorum.quorum.dealing import write_share
from tests.archive.matter import EXAMPLE, ceremony, ksr, quarter_response, zone_ceremony
from tests.data import data
from tests.policy.good_request import DAY, START
from tests.quorum.village import opened, sha256
from tests.threshold.cases import seeded

ROOT = dns.name.root
FIRST, LAST = 1491004800, 1499731200  # of the root's second quarter of 2017
REAL_ID = "23e34059-7725-46a8-a7d2-662d657aab2b"


def facts(file: bytes) -> Facts:
    return facts_of(BytesIO(file), sha256(file))


def test_every_file_of_a_signing() -> None:
    made = ceremony()
    request = opened(made.request).signed.id
    times = {"inception": FIRST, "expiration": LAST}
    asked = Facts(kind="ksr", source=sha256(made.source), id=REAL_ID, zones=1, zone=ROOT, bundles=9, **times)  # type: ignore[arg-type]
    assert facts(made.source) == asked
    assert facts(made.request) == replace(asked, kind="request", record=request, request=request)
    for partial in made.partials:
        found = facts(partial)
        assert (found.kind, found.request, found.zone, found.bundles) == ("partial", request, None, 0)
        assert found.record is not None
    assert facts(made.response) == replace(asked, kind="response", source=None, signatures=9)
    found = facts(made.record)
    assert (found.kind, found.request, found.outputs) == ("response-record", request, (sha256(made.response),))


def test_many_zones_in_one_file() -> None:
    request, response = zone_ceremony()
    asked, answered = facts(request), facts(response)
    for found in (asked, answered):
        assert (found.zones, found.zone, found.id, found.bundles) == (2, None, "", 2)
    assert (asked.kind, asked.signatures) == ("request", 0)
    assert (answered.kind, answered.signatures) == ("response", 2)
    assert (asked.inception, asked.expiration) == (answered.inception, answered.expiration)
    # One zone by itself is named.
    half = b"".join(line + b"\n" for line in response.splitlines() if line.startswith(b"one."))
    assert facts(half).zone == dns.name.from_text("one.example.")


def test_real_responses() -> None:
    found = facts(data("ksr/skr-root-2017-q1-0.xml").read_bytes())
    assert (found.kind, found.zone, found.bundles, found.signatures) == ("response", ROOT, 9, 9)
    # A bare request is kept whatever its proofs are like: it was seen.
    assert facts(data("ksr/ksr-bad-signatures.xml").read_bytes()).kind == "ksr"


def test_a_response_with_a_wrong_signature_is_not_kept() -> None:
    response = quarter_response(START, "q", zone=EXAMPLE)
    assert facts(write_skr(response)).signatures == 3
    bad = replace(response.bundles[1].signatures[0], signature=bytes(256))
    spoilt = replace(response.bundles[1], signatures=(bad,))
    wrong = replace(response, bundles=(response.bundles[0], spoilt, response.bundles[2]))
    with pytest.raises(RefusedError, match=r"example\. q-1: the signature by key .* does not verify"):
        facts(write_skr(wrong))


def test_changed_records_are_not_kept() -> None:
    made = ceremony()
    with pytest.raises(KeyquorumError, match="another SHA-256"):
        facts(made.request[:-20] + b"x" * 20)
    with pytest.raises(KeyquorumError, match="another SHA-256"):
        facts(made.partials[0][:-1] + bytes([made.partials[0][-1] ^ 1]))
    with pytest.raises(KeyquorumError, match="goes on after its end"):
        facts(made.partials[0] + b"x")
    with pytest.raises(SignatureError):
        facts(_other_signature(made.record))


def _other_signature(record: bytes) -> bytes:
    at = record.index(b'"sig":"') + 7
    return record[:at] + (b"A" if record[at : at + 1] != b"A" else b"B") + record[at + 1 :]


def secrets(directory: Path) -> dict[str, bytes]:
    """What must never get into an archive."""
    quorum = ceremony().quorum
    path = directory / "alice.keystore"
    card = Person.new(path, "alice", b"passphrase", seeded("archive"), cost=Cost.TEST)
    return {
        "keystore": path.read_bytes(),
        "share": quorum.dealing.shares[0].envelope + b"\n",
        "share, opened": write_share(quorum.shares[0]),
        "passphrase": b"correct horse battery\n",
        "PEM": b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
        "BIND's private key": b"Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O\n",
        "card": card.envelope,
    }


OTHERS = {
    "nothing but a line": b"\n",
    "a key record": ceremony().quorum.key.envelope + b"\n",
    "another XML": b'<?xml version="1.0"?><TrustAnchor/>',
    "JSON": b'{"a":1}',
    "an unknown record": b'{"payload":"e30=","payloadType":"application/vnd.keyquorum.nothing.v1+json","signatures":'
    b'[{"keyid":"00","sig":"' + b"A" * 86 + b'=="}]}',
    "noise": bytes(range(256)),
    "an unsigned zone": b"example. 3600 IN DNSKEY 256 3 15 " + b"A" * 43 + b"=\n",
    "a request of BIND": b";; KeySigningRequest 1.0 20260101000000 (then)\n",
    "a request of nobody": b";; KeySigningRequest 1.0 soon\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_not_kept(name: str) -> None:
    with pytest.raises(NotKeptError):
        facts(OTHERS[name])


def test_secrets_are_not_kept_and_not_told(tmp_path: Path) -> None:
    for name, file in secrets(tmp_path).items():
        with pytest.raises(NotKeptError) as caught:
            facts(file)
        for word in (b"correct", b"horse", b"GU6SnQ", b"MC4CAQ"):
            assert word.decode() not in str(caught.value), name


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_only_our_errors(drawn: st.DataObject) -> None:
    made = ceremony()
    good = drawn.draw(st.sampled_from([ksr("x"), made.partials[0], made.record, zone_ceremony()[1][:2000]]))
    start = drawn.draw(st.integers(0, len(good)))
    piece = drawn.draw(st.binary(max_size=6))
    for file in (good[:start] + piece + good[start + drawn.draw(st.integers(0, 6)) :], piece):
        if file:
            try:
                facts(file)
            except KeyquorumError as error:
                assert str(error).isprintable()  # noqa: PT017


def test_the_first_bytes_need_not_be_at_the_beginning() -> None:
    stream = BytesIO(ksr("y"))
    stream.seek(100)
    assert facts_of(stream, bytes(32)).inception == START
    assert facts_of(stream, bytes(32)).expiration == START + 21 * DAY
