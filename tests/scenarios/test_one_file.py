"""``docs/auditor/combine.py`` alone: one file and the standard library make what ``combine`` makes, liars or not."""

import ast
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from dns.dnssec import make_dnskey
from dns.dnssectypes import Algorithm

from keyquorum.dnssec.anchors import ds_text
from keyquorum.quorum import combining
from keyquorum.quorum.dealing import dnskey_of
from tests.quorum.lies import HARMLESS, LIES, asked
from tests.quorum.test_two_keys import answers_of, new, old
from tests.quorum.village import (
    ZONES,
    Matter,
    answer,
    ask,
    combine,
    dealt,
    plain,
    resigned,
    root_request,
    sha256,
    undivided,
    villager,
    zone_records,
)

PROGRAM = Path(__file__).parent.parent.parent / "docs" / "auditor" / "combine.py"
KEY, OTHER = (b64encode(make_dnskey(undivided(one).public_key(), Algorithm.RSASHA256).key).decode() for one in (99, 98))
ZONE_FILE = f"""\
$TTL 1h  ; an hour
$ORIGIN Example.
@ IN SOA ns hostmaster ( 1 ; serial
    2h 30m 2w 1h )
  IN TXT "a string ; with ( what means something outside" "and \\" more"
  IN DNSKEY 256 3 8 ( {KEY[:40]}  ; broken up
    {KEY[40:]} )
Sub 1d2h IN DNSKEY ( 256 3 8
  {KEY} )
      IN NS ns
      IN 93600 DNSKEY 256 3 8 {OTHER}
$ORIGIN other.example.
$TTL 300
one DNSKEY 256 3 8 {KEY}
one.\tin\tdnskey\t256 3 8 {KEY[:100]} {KEY[100:]}
@ A 192.0.2.1
ns 5 IN A 192.0.2.2\r
*.two 5 IN DNSKEY 256 3 8 {KEY}\r
""".encode()


def run(directory: Path, request: bytes, partials: Iterable[bytes]) -> tuple[int, str, list[str]]:
    """Run the program on files; gives exit status, signatures and notes."""
    files = {"request": request} | {f"{number}.partial": partial for number, partial in enumerate(partials, 1)}
    for name, content in files.items():
        (directory / name).write_bytes(content)
    command = [sys.executable, "-I", "-S", str(PROGRAM), *files]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


def ours(request: bytes, partials: Iterable[bytes]) -> str:
    """Give what ``keyquorum combine --format zone`` writes, without the comments for people."""
    chunks = combining.write_output("zone", iter(combine(request, partials).named))
    lines = b"".join(chunk for _, _, chunk in chunks).decode().splitlines()
    return "".join(line.partition(" ;")[0] + "\n" for line in lines)


def wrong(notes: list[str]) -> set[str]:
    return {note.split(":")[0] for note in notes if "WRONG" in note or "not used" in note}


@cache
def honest() -> str:
    question = asked(dealt())
    return ours(question.request, question.honest.values())


def test_it_is_short_and_needs_nothing_else() -> None:
    text = PROGRAM.read_text()
    assert len(text.splitlines()) <= 150
    nodes = list(ast.walk(ast.parse(text)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names


@pytest.mark.parametrize("algorithm", [8, 10])
@pytest.mark.parametrize("kind", ["new", "existing"])
def test_the_roots_request(kind: str, algorithm: int, tmp_path: Path) -> None:
    quorum, matter = dealt(kind, 3, 5, algorithm), root_request()
    reasons = dict.fromkeys(("KQ-ALGORITHMS", "KQ-TERMS") if algorithm == 10 else (), "the quorum's algorithm is 10")
    request = ask(matter, quorum, overrules=reasons)
    partials = [answer(request, matter, quorum, index, overrules=reasons) for index in (5, 1, 3)]
    status, signed, notes = run(tmp_path, request, partials)
    assert status == 0
    assert signed == ours(request, partials)
    assert signed.count("RRSIG") == 9
    zone = quorum.key.record.zones[0]
    key = ds_text(zone, dnskey_of(quorum.key.record.public))
    assert notes == [f"SHA-256 of the source: {sha256(matter.source).hex()}", key]


@pytest.mark.parametrize("matter", [zone_records(*ZONES), zone_records(*ZONES, ttl=0)], ids=["an hour", "no time"])
def test_zone_records(matter: Matter, tmp_path: Path) -> None:
    quorum = dealt("new", 2, 4)
    request = ask(matter, quorum)
    partials = [answer(request, matter, quorum, index) for index in (4, 2)]
    status, signed, notes = run(tmp_path, request, partials)
    assert (status, signed) == (0, ours(request, partials))
    assert len(notes) == 1 + len(ZONES)


def test_a_zone_file_in_every_spelling(tmp_path: Path) -> None:
    matter = plain(ZONE_FILE)
    names = ("example.", "sub.example.", "one.other.example.", "one.", "*.two.other.example.")
    quorum = dealt(zones=names)
    request = ask(matter, quorum)
    partials = [answer(request, matter, quorum, index) for index in (1, 2, 3)]
    status, signed, _ = run(tmp_path, request, partials)
    assert (status, signed) == (0, ours(request, partials))
    assert [line.split()[0] for line in signed.splitlines() if "RRSIG" in line] == list(names)


def test_two_keys(tmp_path: Path) -> None:
    matter = zone_records(*ZONES)
    request = ask(matter, old(), new())
    partials = answers_of(request, matter, "alice", "bob", "carol", "frank")
    status, signed, notes = run(tmp_path, request, partials)
    assert (status, signed) == (0, ours(request, partials))
    assert signed.count("RRSIG") == 2 * len(ZONES)
    assert wrong(notes) == set()


@pytest.mark.parametrize("name", [*LIES, *HARMLESS])
def test_liars(name: str, tmp_path: Path) -> None:
    question = asked(dealt())
    lie = {**LIES, **HARMLESS}[name]
    partials = dict(question.honest) | {index: lie(question, index) for index in (2, 5)}
    status, signed, notes = run(tmp_path, question.request, partials.values())
    assert (status, signed) == (0, honest())
    # Good values under a bad header are good; whose they are is not looked at.
    values_are_good = {"another's file", "one key twice", "a value too many", "a byte appended", *HARMLESS}
    assert wrong(notes) == (set() if name in values_are_good else {"2.partial", "5.partial"})


def test_too_few(tmp_path: Path) -> None:
    question = asked(dealt())
    lie = LIES["values permuted"]
    for partials in (
        [question.honest[1], question.honest[2]],
        [question.honest[1], question.honest[2], question.honest[2]],
        [question.honest[1], question.honest[2], lie(question, 3), lie(question, 4)],
    ):
        status, signed, notes = run(tmp_path, question.request, partials)
        assert status == 1
        assert "RRSIG" not in signed
        assert notes[-1] == "too few answers fit together"


def test_rubbish_stops_nobody(tmp_path: Path) -> None:
    question = asked(dealt())
    payloads = [b"", b"[]", b"{}", b"1", b'{"answers":[1]}', b"[" * 100_000, b"\xff"]
    envelopes = [b'{"payload":"%s"}\n' % urlsafe_b64encode(payload) for payload in payloads]
    answers = [b"Infinity", b"-1", b'"1"', b"1e400", b"null", b"{}", b"true", b"[]", b"1" * 5000]
    key = urlsafe_b64encode(question.quorum.key.id)
    documents = [b'{"answers":[{"count":%s,"index":%s,"key":"%s","width":%s}]}' % (a, a, key, a) for a in answers]
    envelopes += [b'{"payload":"%s"}\nbody' % urlsafe_b64encode(document) for document in documents]
    rubbish = [b"", b"\n", b"{}\n", b"[]", b"\xff", b"[" * 100_000, b'{"payload":1}', *envelopes]
    status, signed, notes = run(tmp_path, question.request, [*rubbish, *question.honest.values()])
    assert (status, signed) == (0, honest())
    assert wrong(notes) == {f"{number}.partial" for number in range(1, len(rubbish) + 1)}


def test_a_changed_source_is_refused(tmp_path: Path) -> None:
    question = asked(dealt())
    changed = question.request.replace(b"one.example.", b"two.example.")
    assert changed != question.request
    status, signed, notes = run(tmp_path, changed, question.honest.values())
    assert (status, signed) == (1, "")
    assert "not the one in the header" in notes[-1]


def test_xml_with_a_dtd_is_refused(tmp_path: Path) -> None:
    quorum, matter = dealt(), root_request()
    source = b"<!DOCTYPE KSR []>" + matter.source
    head = ask(matter, quorum).partition(b"\n")[0]
    told = {"source": {"format": "icann", "length": len(source), "sha256": urlsafe_b64encode(sha256(source)).decode()}}
    request = resigned(head, villager("rita").identity, lambda document: document.update(told)) + b"\n" + source
    status, signed, notes = run(tmp_path, request, [b"anything"])
    assert (status, signed) == (1, "")
    assert notes[-1] == "a DTD or comment"


def test_used_wrongly_it_says_how(tmp_path: Path) -> None:
    status, _, notes = run(tmp_path, b"", [])
    assert status == 1
    assert "combine.py REQUEST PARTIAL" in "\n".join(notes)
