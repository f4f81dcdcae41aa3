"""What must be refused in under a second, start of the interpreter included, with the rule or the limit named.

Each is a file given to the real command. A command runs in a fork of this process, where everything is imported
already ("warm"), and its CPU time is that of the fork; what a command costs from a cold start before it does anything
is measured once, with the installed program, and added. CPU time, because a machine that is busy elsewhere must not
decide. Files of 1 GB are sparse.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyquorum.dnssec.icann import write_ksr, write_skr
from keyquorum.dnssec.times import format_time
from keyquorum.identity.keys import Identity
from keyquorum.keystore.person import Person
from keyquorum.keystore.store import Keystore
from keyquorum.policy.subject import Subject
from tests.policy.good_request import DAY, NEXT, ROOT, START, answered, good, good_previous, prime, rsa_key, with_flags
from tests.policy.spoilt import last, spoil
from tests.quorum.village import resigned
from tests.scenarios.scripts import PASSPHRASE, SETTINGS
from tests.scenarios.shell import Seen, run_here
from tests.threshold.cases import private_key

SECOND = 1.0
MEMORY = 256 << 20
"""Bytes by which a command may outgrow what was imported."""
GIGABYTE = 1 << 30
IDENTITY = ("--identity", "rita.keystore", "--passphrase-file", "passphrase", "--accepted", ".")
HOLDER = ("--keystore", "alice.keystore", "--passphrase-file", "passphrase")
WINDOW = ("--inception", "2027-01-01T00:00:00Z", "--expiration", "2027-01-15T00:00:00Z")


@dataclass(frozen=True)
class Run:
    """What came of a command, the CPU seconds it took, and the bytes by which it outgrew this process."""

    status: int
    text: str
    cpu: float
    grown: int


def warm(*arguments: str) -> Run:
    """Run one of our commands in a fork of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        seen = Seen(99, "")
        try:
            seen = run_here(list(arguments))
        finally:
            with os.fdopen(write, "wb") as pipe:
                pipe.write(seen.text.encode())
            os._exit(seen.status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode()
    _, status, used = os.wait4(child, 0)
    return Run(os.waitstatus_to_exitcode(status), text, _cpu(used), max(used.ru_maxrss - before, 0) << 10)


def cold(*arguments: str) -> Run:
    """Run the installed program."""
    program = Path(sys.executable).parent / "keyquorum"
    with subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        text = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(process.returncode, text, _cpu(used), 0)


@cache
def start() -> float:
    """Give the CPU seconds from the start of the program to the first thing it could refuse."""
    return min(cold("ksr", "check", "there-is-no-such-file").cpu for _ in range(2))


def _cpu(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def quick(run: Run, *arguments: str) -> bool:
    """Whether ``run`` of a command took less than a second with the start; measured anew up to three times if not.

    Where two processes share a core, each is charged for being slowed down by the other.
    """
    cpu = run.cpu
    for _ in range(3):
        if start() + cpu < SECOND:
            return True
        start.cache_clear()
        cpu = min(cpu, warm(*arguments).cpu)
    return start() + cpu < SECOND


def refused(words: str, *arguments: str, status: int = 1) -> None:
    """Run a command that must be refused, quickly and in little memory, and say ``words``."""
    run = warm(*arguments)
    told = " ".join(run.text.split())
    assert (run.status, words in told) == (status, True), told[-600:]
    assert "Traceback" not in told
    assert quick(run, *arguments)
    assert run.grown < MEMORY


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place with the good quarter, alice who holds the key that signed the one before, and rita who asks."""
    where = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        SETTINGS["people"]("alice", "rita")
        # The key that good_previous is signed by.
        key = private_key(prime(2, 1024), prime(3, 1024))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        Path("ksk.pem").write_bytes(pem)
        _done(
            *("key", "deal", "--from", "ksk.pem", "--algorithm", "RSASHA256", "--zone", ".", "--threshold", "1"),
            *("--identity", "rita.keystore", "--passphrase-file", "passphrase", "--out", "dealt", "alice.holder.json"),
        )
        for file in Path("dealt").iterdir():
            file.rename(file.name)
        SETTINGS["accepted"]("alice")
        write_subject(good())
        ask(good(), "request")
        head = Path("request").read_bytes().partition(b"\n")[0]
        for name, beginning in {
            "nothing": b"",
            "xml": b"<KSR>\n",
            "bind": b";; KeySigningRequest 1.0 20270101000000 (Fri Jan  1 00:00:00 2027)\n",
            "knot": b";; KeySigningRequest 1.0 1798761600 2027-01-01T00:00:00+0000 =====\n",
            "records": b". 3600 IN DNSKEY 256 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
            "toml": b"[ksk]\n",
            "request-and-more": Path("request").read_bytes(),
            "key-and-more": Path("key.json").read_bytes(),
            "request-of-a-gigabyte": resigned(head, rita(), _long_source) + b"\n<KSR>",
        }.items():
            with Path(name).open("wb") as large:
                large.write(beginning)
                # Exactly as long as a header says that has a source of a gigabyte after it.
                large.truncate(GIGABYTE + beginning.find(b"\n") + 1)
        yield where


def _done(*arguments: str) -> None:
    seen = run_here(list(arguments))
    assert seen.status == 0, seen.text


def rita() -> Identity:
    with Keystore.open(Path("rita.keystore"), PASSPHRASE.encode()) as store:
        return Person(store).identity


def write_subject(subject: Subject) -> None:
    """Write the request and the response before it as files."""
    assert subject.previous is not None
    Path("ksr.xml").write_bytes(write_ksr(subject.request))
    previous = replace(subject.previous, ksk_policy=subject.policy.ksk_policy)
    Path("previous.xml").write_bytes(write_skr(previous))


def judging(subject: Subject, *overruled: str) -> list[str]:
    """Give the options by which ``subject`` is judged; the clock is not at its time."""
    overrules = [word for rule in ("CLOCK", *overruled) for word in ("--overrule", f"{rule}=a test")]
    return ["--at", format_time(subject.at), "--previous-skr", "previous.xml", *overrules]


def ask(subject: Subject, out: str) -> None:
    """Have rita ask for it, whatever the rules say: she overrules each that fails."""
    report = run_here(["ksr", "check", "ksr.xml", "--key", "key.json", *judging(subject), "--json"])
    failed = json.loads(report.out)["rules"]["failed"]
    _done(
        "request", "new", "--key", "key.json", "--ksr", "ksr.xml", *IDENTITY, *judging(subject, *failed), "--out", out
    )


def _long_source(document: dict[str, dict[str, object]]) -> None:
    document["source"]["length"] = GIGABYTE


def even_modulus() -> Subject:
    half = prime(45, 2047)
    return spoil.bundle(9, keys=last(rsa_key(65537, 2 * half, half - 1)))


def ending(expiration: int) -> Subject:
    """Give the subject with a previous response whose last signature ends at ``expiration``."""
    end = answered(ROOT, replace(good_previous().bundles[-1], expiration=expiration))
    return spoil.previous(bundles=(*good_previous().bundles[:-1], end))


RULES: Mapping[str, tuple[str, Callable[[], Subject]]] = {
    "a foreign key with flags 257": ("KQ-FOREIGN-KSK", lambda: spoil.bundle(9, keys=last(with_flags(NEXT, 257)))),
    "an even modulus": ("KQ-ZSK-STRENGTH", even_modulus),
    "the id of the response before": ("KSR-ID", lambda: spoil.request(id="request-1")),
    "a gap in the chain": ("KSR-CHAIN-OVERLAP", lambda: ending(START - DAY)),
    "an overlap with the chain too short": ("KSR-CHAIN-OVERLAP", lambda: ending(START + 9 * DAY - 1)),
    "an overlap of bundles too short": (
        "KSR-POLICY-SIG-OVERLAP",
        lambda: spoil.bundle(3, expiration=START + (20 + 10 + 8) * DAY),
    ),
    "a signature past the horizon": ("KSR-POLICY-SIG-HORIZON", lambda: spoil(at=START - 120 * DAY)),
    "a bundle in the past": ("KSR-POLICY-SIG-HORIZON", lambda: spoil(at=START + 22 * DAY)),
    "a wrong TTL": ("KQ-TTL", lambda: spoil.bundle(9, keys=last(NEXT, ttl=60))),
}


def test_what_these_are_made_of_is_accepted(desk: Path) -> None:
    del desk
    write_subject(good())
    checked = warm("ksr", "check", "ksr.xml", "--key", "key.json", *judging(good()))
    assert (checked.status, "Nothing stands in the way" in checked.text) == (0, True), checked.text


@pytest.mark.parametrize("name", RULES)
def test_a_rule_refuses(desk: Path, name: str) -> None:
    del desk
    rule, subject = RULES[name][0], RULES[name][1]()
    write_subject(subject)
    arguments = ("ksr", "check", "ksr.xml", "--key", "key.json", *judging(subject), "--json")
    run = warm(*arguments)
    assert run.status == 1
    assert rule in json.loads(run.text)["rules"]["failed"]
    assert quick(run, *arguments)
    # A holder finds the same, though the requester let it pass.
    request = "request of " + name
    ask(subject, request)
    refused(f"{rule}: ", "sign", request, *HOLDER, *judging(subject), "--out", "partial")


def test_an_id_that_was_answered_before(desk: Path) -> None:
    """The holder's own memory tells, whatever response is said to come before."""
    write_subject(good())
    document = json.loads(run_here(["request", "show", "request", *judging(good())[:4], "--json"]).out)
    _done("sign", "request", *HOLDER, *judging(good()), "--approve", document["id"], "--out", "partial")
    again = spoil.bundle(5, id="b-5-again")
    write_subject(again)
    ask(again, "request again")
    refused("KSR-ID: ", "sign", "request again", *HOLDER, *judging(again), "--out", str(desk / "partial again"))


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS: Mapping[str, tuple[str, str]] = {
    "billion laughs": (f'<!DOCTYPE KSR [<!ENTITY l0 "ha">{LAUGHS}]><KSR id="&l9;"/>', "line 1: a DTD or CDATA"),
    "quadratic blow-up": (f'<!DOCTYPE KSR [<!ENTITY a "{"a" * 100_000}">]><KSR>{"&a;" * 50_000}</KSR>', "a DTD or"),
    "external entity": ('<!DOCTYPE KSR [<!ENTITY a SYSTEM "ksk.pem">]><KSR>&a;</KSR>', "a DTD or CDATA section"),
    "deep nesting": (f"<KSR>{'<a>' * 50_000}", "Excessive depth in document"),
    "a million attributes": (
        "<KSR " + "".join(f"a{n}='' " for n in range(1_000_000)) + "/>",
        "more than 64 attributes",
    ),
    "a million names for one namespace": (
        "<KSR " + "".join(f"xmlns:a{n}='u' " for n in range(700_000)) + "/>",
        "more than 64 attributes in one element",
    ),
    "a million elements": (f"<KSR>{'<a/>' * 1_000_000}</KSR>", "more than 100000 tags"),
    "as many elements as there may be": (f"<KSR>{'<a/>' * 99_000}</KSR>", "the attribute id is missing"),
    "a value of 15 MiB": (f'<KSR id="{"a" * (15 << 20)}"/>', "Buffer size limit exceeded"),
    "a text of 15 MiB": (f"<KSR>{'a' * (15 << 20)}</KSR>", "Text node too long"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_in_xml_is_refused(desk: Path, name: str) -> None:
    text, words = BOMBS[name]
    bomb = desk / "bomb.xml"
    bomb.write_text(text)
    refused(words, "ksr", "check", "bomb.xml")
    if len(text) > 1 << 20:
        return
    write_subject(good())
    refused(words, "ksr", "check", "ksr.xml", "--previous-skr", "bomb.xml")
    bomb.write_text(text.replace("KSR", "TrustAnchor"))
    refused(words, "anchor", "compare", "bomb.xml", "records")


KSR_LIMIT = "larger than 16777216 bytes"
LARGE: list[tuple[str, str, int]] = [
    *((f"ksr check {name}", KSR_LIMIT, 1) for name in ("nothing", "xml", "bind", "knot", "records")),
    *((f"request new --ksr {name}", KSR_LIMIT, 1) for name in ("nothing", "xml", "bind", "knot")),
    ("request new --dnskey nothing", "line 1: a line of more than 131072 bytes", 1),
    ("request new --dnskey records", "line 2: a line of more than 131072 bytes", 1),
    ("request new --dnskey xml", "line 1: a record without a type", 1),
    ("request new --ksr ksr.xml --key key-and-more", "the key record is larger than 16777217 bytes", 1),
    ("request new --ksr ksr.xml --accepted nothing", "the acceptance is larger than 16385 bytes", 1),
    ("request show nothing", "request: the header is longer than 67108864 bytes", 1),
    ("request show request-and-more", "the request goes on after its end", 1),
    ("request show request-of-a-gigabyte", "the source in the request is larger than 16 MiB", 1),
    ("sign nothing", "request: the header is longer than 67108864 bytes", 1),
    ("sign request-and-more", "the request goes on after its end", 1),
    ("sign request-of-a-gigabyte", "larger than 16 MiB", 1),
    ("combine request-of-a-gigabyte nothing --out skr.xml", "larger than 16 MiB", 1),
    ("combine request nothing --out skr.xml", "partial: the header is longer than 1048576 bytes", 3),
    ("combine request key-and-more --out skr.xml", "this is key-record.v1, where partial.v1 is expected", 3),
    ("verify xml --key key.json", "larger than 16 MiB", 1),
    ("verify bind --key key.json", "larger than 16 MiB", 1),
    ("verify nothing --key key.json", "line 1: a line of more than 131072 bytes", 1),
    ("verify records --key key.json", "line 2: a line of more than 131072 bytes", 1),
    ("verify previous.xml --key key-and-more", "the key record is larger than 16777217 bytes", 1),
    *((f"verify previous.xml --anchor {name}", f"the trust anchor is {KSR_LIMIT}", 1) for name in ("records", "xml")),
    *(
        (f"ksr check ksr.xml --policy {name}", "the policy is larger than 1048576 bytes", 1)
        for name in ("nothing", "toml")
    ),
    *(
        (f"ksr check ksr.xml --previous-skr {name}", f"the previous response is {KSR_LIMIT}", 1)
        for name in ("xml", "bind")
    ),
    ("ksr check ksr.xml --key key-and-more", "the key record is larger than 16777217 bytes", 1),
    ("anchor compare xml records", f"the key or anchor is {KSR_LIMIT}", 1),
    ("key show key-and-more", "the key record is larger than 16777217 bytes", 1),
    ("holder show nothing", "the holder card is larger than 4097 bytes", 1),
    ("share accept nothing --out a.json", "sealed share: the header is longer than 67108864 bytes", 1),
]
MORE: Mapping[str, tuple[str, ...]] = {
    "request new": (*IDENTITY, *WINDOW, "--out", "r"),
    "sign": (*HOLDER, "--out", "p"),
    "share accept": HOLDER,
}


@pytest.mark.parametrize(("line", "words", "status"), LARGE, ids=[line for line, *_ in LARGE])
def test_a_file_of_a_gigabyte_is_refused(desk: Path, line: str, words: str, status: int) -> None:
    del desk
    write_subject(good())
    arguments = line.split()
    more = next((options for command, options in MORE.items() if line.startswith(command)), ())
    if "--ksr" in arguments:
        more = tuple(word for word in more if word not in WINDOW)
    if line.startswith("request new") and "--key" not in arguments:
        arguments += ["--key", "key.json"]
    refused(words, *arguments, *more, status=status)


def test_a_cold_start_is_under_a_second_too(desk: Path) -> None:
    (desk / "bomb.xml").write_text(BOMBS["a million attributes"][0])
    runs = [cold("ksr", "check", "bomb.xml") for _ in range(2)]
    assert [(run.status, "more than 64 attributes" in run.text) for run in runs] == [(1, True)] * 2
    assert min(run.cpu for run in runs) < SECOND
