"""docs/operator/emergency.md: its commands exist as written, each is rehearsed, and ldns judges what comes of them.

The scripts ``emergency_*.txt`` are played here, and what they leave is served by a small zone, under the DS records
that validators have: good for whom it should be, and what stays dangerous is seen to be.
"""

import io
import re
import shlex
import time
from pathlib import Path

import click
import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.transaction
import dns.zone
import dns.zonefile
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dns.dnssectypes import Algorithm

from keyquorum.cli.app import keyquorum
from keyquorum.dnssec.model import Bundle
from keyquorum.dnssec.sources import read_one_response
from keyquorum.dnssec.zonefile import write_rrset
from tests.scenarios.judges import JudgeError, ldns_verify_zone
from tests.scenarios.scripts import SCRIPTS, play

PAGE = (Path(__file__).parents[2] / "docs" / "operator" / "emergency.md").read_text()
VALUES = ("--schema", "--form")
"""Options of which the value is compared too."""
SECTIONS = {
    "A zone's signing key": {"emergency_zsk"},
    "One share": {"emergency_share", "escrow_to_frost", "escrow_to_quorum", "escrow_to_ecdsa"},
    "The key itself": {"emergency_ksk", "emergency_standby", "escrow_to_frost", "archive"},
    "A holder is lost, or a keystore was restored": {"one_time_frost", "one_time_errors", "restored_ecdsa", "dkg"},
    "The wrong response": {"responses"},
}
"""Which scripts rehearse a section; what all scripts do is enough only for commands outside of these."""
ORIGIN = dns.name.from_text("one.example.")
ZONE = """
@ 3600 IN SOA ns.other.example. hostmaster.other.example. 1 1800 900 604800 3600
@ 3600 IN NS ns.other.example.
@ 3600 IN TXT "what people come for"
"""
DAY = 86400
Rehearsal = tuple[str, frozenset[str]]


def spans(text: str) -> list[str]:
    """Give every command in a piece of the page: lines of a block, and code within a sentence."""
    blocks = [line.strip() for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    rest = re.sub(r"```\n.*?```", "", text, flags=re.DOTALL)
    found = [*blocks, *(" ".join(code.split()) for code in re.findall(r"`([^`]*)`", rest))]
    return [one for one in found if one.startswith("keyquorum ")]


def in_sections() -> list[tuple[str, str]]:
    """Give every command with the title of its section, "" before the first."""
    first, *rest = re.split(r"\n## ", PAGE)
    pieces = [("", first), *((piece.partition("\n")[0], piece) for piece in rest)]
    return [(title, line) for title, piece in pieces for line in spans(piece)]


COMMANDS = in_sections()


def taken_apart(line: str) -> tuple[str, click.Command, frozenset[str]]:
    """Give the name of a command, the command, and its options, with values where these matter."""
    words = shlex.split(line)[1:]
    command: click.Command = keyquorum
    name = []
    while isinstance(command, click.Group):
        name.append(words.pop(0))
        found = command.get_command(click.Context(command), name[-1])
        if found is None:
            raise KeyError(name[-1])
        command = found
    options = set()
    for place, word in enumerate(words):
        if word.startswith("--"):
            options.add(f"{word} {words[place + 1]}" if word in VALUES else word)
    return " ".join(name), command, frozenset(options)


def rehearsed() -> dict[str, list[Rehearsal]]:
    """Give every command of every script that is not used wrongly on purpose, by the name of the script."""
    found: dict[str, list[Rehearsal]] = {}
    for script in SCRIPTS.glob("*.txt"):
        for step in re.findall(r"^\$ (.*(?:\n(?!\$).*)*)", script.read_text(), re.MULTILINE):
            line, *seen = step.split("\n")
            for part in re.findall(r"keyquorum (?:'[^']*'|\$\([^)]*\)|[^|;&>])*", line):
                try:
                    name, _, options = taken_apart(part)
                except (KeyError, IndexError, ValueError):
                    continue  # what scripts type wrongly on purpose
                if "? 2" not in seen:
                    found.setdefault(script.stem, []).append((name, options))
    return found


REHEARSED = rehearsed()


def test_every_section_is_rehearsed() -> None:
    titles = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    assert titles == [*SECTIONS, "Afterwards"]
    assert {title for title, _ in COMMANDS} >= set(titles)
    assert set().union(*SECTIONS.values()) <= set(REHEARSED)
    assert len(COMMANDS) > 25


@pytest.mark.parametrize(("section", "line"), COMMANDS)
def test_a_command_is_one_of_ours_and_rehearsed(section: str, line: str) -> None:
    name, command, options = taken_apart(line)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {option.split()[0] for option in options} <= known
    scripts = SECTIONS.get(section) or set(REHEARSED)
    assert any(name == other and options <= others for script in scripts for other, others in REHEARSED[script])


def served(bundle: Bundle, where: Path, *keys: str) -> Path:
    """Sign the zone now with zone keys (PEM files) under the DNSKEY RRset of ``bundle``, signed as it is; give a file.

    dnspython makes the signatures of the zone's data, and thieves can do so as well.
    """
    rrset = write_rrset(ORIGIN, bundle)
    zone = dns.zone.from_text(f"{ZONE}{rrset}", origin=ORIGIN, relativize=False)
    now = int(time.time())

    def sign(txn: dns.transaction.Transaction, found: dns.rrset.RRset) -> None:
        if found.rdtype != dns.rdatatype.DNSKEY:
            for name in keys:
                private = load_pem_private_key((where / name).read_bytes(), None)
                assert isinstance(private, Ed25519PrivateKey)
                key = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ED25519, flags=256)
                txn.add(
                    found.name,
                    found.ttl,
                    dns.dnssec.sign(found, private, ORIGIN, key, inception=now - 3600, expiration=now + 90 * DAY),
                )

    dns.dnssec.sign_zone(zone, keys=[], add_dnskey=False, rrset_signer=sign)
    out = io.StringIO()
    zone.to_file(out, relativize=False)
    file = where / "served.zone"
    file.write_text(out.getvalue())
    return file


def bundles(file: Path) -> tuple[Bundle, ...]:
    """Give the bundles of a response."""
    return read_one_response(file.read_bytes()).bundles


@pytest.fixture
def played(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Play a script, and give where it left what it made."""
    play(SCRIPTS / f"emergency_{request.param}.txt", tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.parametrize("played", ["zsk"], indirect=True)
def test_a_stolen_zone_key(played: Path) -> None:
    anchor, now = played / "KSK.ds", int(time.time())
    old, new = bundles(played / "LAST.xml")[0], bundles(played / "EMERGENCY-SKR.xml")[0]
    ldns_verify_zone(served(new, played, "new.pem"), anchor, now)
    # With the old signatures beside the new ones it is good too, for whoever has the old keys in a cache.
    ldns_verify_zone(served(new, played, "new.pem", "old.pem"), anchor, now)
    ldns_verify_zone(served(old, played, "new.pem", "old.pem"), anchor, now)
    # The thief has nothing under the new keys; under the old ones everything, until their signature is over.
    with pytest.raises(JudgeError):
        ldns_verify_zone(served(new, played, "old.pem"), anchor, now)
    forged = served(old, played, "old.pem")
    ldns_verify_zone(forged, anchor, now)
    ldns_verify_zone(forged, anchor, old.expiration - 60)
    with pytest.raises(JudgeError):
        ldns_verify_zone(forged, anchor, old.expiration + 60)


@pytest.mark.parametrize("played", ["share"], indirect=True)
def test_a_copied_share(played: Path) -> None:
    # The new shares sign under the DS record of before: dnspython finds the key by it, and validates with that alone.
    sets = dns.zonefile.read_rrsets((played / "signed.zone").read_text(), rdclass=None, origin=dns.name.root)
    keys, signatures = sorted(sets, key=lambda one: one.rdtype == dns.rdatatype.RRSIG)
    (found,) = dns.zonefile.read_rrsets(
        (played / "old.ds").read_text(), rdclass=None, default_ttl=0, origin=dns.name.root
    )
    (digest,) = found
    (ksk,) = [key for key in keys if dns.dnssec.make_ds(found.name, key, digest.digest_type) == digest]
    dns.dnssec.validate(keys, signatures, {keys.name: dns.rrset.from_rdata(keys.name, keys.ttl, ksk)})


@pytest.mark.parametrize("played", ["ksk"], indirect=True)
def test_a_stolen_key_under_a_parent(played: Path) -> None:
    old, new = played / "OLD.ds", played / "NEW.ds"
    for bundle in bundles(played / "BOTH.xml"):
        zone = served(bundle, played, "zsk.pem")
        for anchor in (old, new):
            ldns_verify_zone(zone, anchor, bundle.inception + DAY)
    for bundle in bundles(played / "ALONE.xml"):
        zone = served(bundle, played, "zsk.pem")
        ldns_verify_zone(zone, new, bundle.inception + DAY)
        with pytest.raises(JudgeError):
            ldns_verify_zone(zone, old, bundle.inception + DAY)


@pytest.mark.parametrize("played", ["standby"], indirect=True)
def test_a_stolen_key_and_a_standby_key(played: Path) -> None:
    old, new = played / "OLD.ds", played / "NEW.ds"
    before, after = bundles(played / "LAST.xml")[-2], bundles(played / "REVOKED.xml")[0]
    ldns_verify_zone(served(before, played, "zsk.pem"), old, before.inception + DAY)
    zone = served(after, played, "zsk.pem")
    ldns_verify_zone(zone, new, after.inception + DAY)
    with pytest.raises(JudgeError):
        ldns_verify_zone(zone, old, after.inception + DAY)
