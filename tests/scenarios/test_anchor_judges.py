"""Anchors as 'keyquorum anchor write' writes them, given to other people's programs: they say and do the same."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import dns.name
import pytest

from keyquorum.cli.app import run
from keyquorum.dnssec.anchor_files import read_anchors
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.model import Dnskey
from tests.dnssec.keys import ALGORITHMS, pair
from tests.dnssec.test_judges import make
from tests.escrow.villages import made_from
from tests.scenarios.anchor_server import SIGNER, published
from tests.scenarios.judges import is_authentic, ldns_verify_zone, program, unbound

ROOT = dns.name.root
DAY = 86400


@dataclass(frozen=True)
class Written:
    """The file a command wrote, and the key that it is of."""

    path: Path
    key: Dnskey


def written(directory: Path, form: str, key: Dnskey, *options: str) -> Written:
    source, out = directory / f"key-{key.tag}", directory / f"anchor-{form}"
    source.write_text(f"{dnskey_text(ROOT, key)}\n")
    assert run(["anchor", "write", "--key", str(source), "--form", form, "--out", str(out), *options]) == 0
    return Written(out, key)


def output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bind_and_ldns_make_the_same_of_the_key(tmp_path: Path, algorithm: int) -> None:
    dnskey = written(tmp_path, "dnskey", pair(algorithm, 257).key).path
    (tmp_path / "zone").write_text(dnskey.read_text().replace(" IN ", " 3600 IN "))
    for number, digest in enumerate(("SHA-256", "SHA-384")):
        options = ["--digest", digest]
        bind: list[str | Path] = [program("dnssec-dsfromkey"), "-a", digest, "-f", tmp_path / "zone"]
        ds, cds = (written(tmp_path, form, pair(algorithm, 257).key, *options).path for form in ("ds", "cds"))
        assert output(*bind, ".") == ds.read_text()
        assert output(*bind, "-C", ".").replace(" 3600 ", " ") == cds.read_text()
        ldns = output(program("ldns-key2ds"), "-n", ("-2", "-4")[number], dnskey).split()
        assert ldns[-1].upper() == ds.read_text().split()[-1]
        for path in (ds, cds):
            path.unlink()


@pytest.mark.parametrize("form", ["ds", "dnskey"])
def test_a_zone_validates_from_them(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = make(tmp_path, (13,))
    anchor = written(tmp_path, form, pair(13, 257).key)
    assert run(["anchor", "compare", str(anchor.path), str(files.zone)]) == 0
    assert "The anchors are those of the keys that are published." in capsys.readouterr().out
    ldns_verify_zone(files.zone, anchor.path)
    with unbound(files.zone, anchor.path, tmp_path) as query:
        assert is_authentic(query("text.", "TXT"))
        (port,) = re.findall(r"port: (\d+)", (tmp_path / "unbound.conf").read_text())
        assert "; fully validated" in delv(anchor.path, port, tmp_path)
        wrong = written(tmp_path, "ds" if form == "dnskey" else "dnskey", pair(13, number=1).key)
        assert "; fully validated" not in delv(wrong.path, port, tmp_path)


def delv(anchor: Path, port: str, directory: Path) -> str:
    """Have BIND's delv validate by itself, from an anchor in the syntax of its configuration."""
    _, _, kind, *data = anchor.read_text().split()
    numbers, rest = " ".join(data[:3]), "".join(data[3:])
    keys = directory / "bind.keys"
    keys.write_text(f'trust-anchors {{ . {"static-ds" if kind == "DS" else "static-key"} {numbers} "{rest}"; }};\n')
    command = [program("delv"), "-4", "-a", str(keys), "@127.0.0.1", "-p", port, "text.", "TXT"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("form", ["xml", "xml-7958"])
def test_unbound_anchor_takes_the_keys_that_are_valid(tmp_path: Path, form: str) -> None:
    """From the XML, fetched and its signature checked as with IANA's; and unbound validates with what comes out."""
    files = make(tmp_path, (13,))
    path = program("unbound-anchor")
    now = int(time.time())
    stamp = {days: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + days * DAY)) for days in (-9, -1, 1)}
    old, current, next_ = pair(8, 257).key, pair(13, 257).key, pair(15, 257).key
    for number, key in enumerate((old, current, next_)):
        (tmp_path / f"key-{number}").write_text(f"{dnskey_text(ROOT, key)}\n")
    keys = [word for number in range(3) for word in ("--key", str(tmp_path / f"key-{number}"))]
    times = ["--valid-from", stamp[-9], "--valid-until", f"{old.tag}={stamp[-1]}"]
    times += ["--valid-from", f"{next_.tag}={stamp[1]}"]
    out = tmp_path / "anchors"
    words = ["--form", form, "--source", "https://localhost/", "--out", str(out)]
    assert run(["anchor", "write", *keys, *times, *words]) == 0
    assert len(read_anchors(out.read_bytes())) == 3
    root_key = tmp_path / "root.key"
    with published(out.read_bytes(), tmp_path) as place:
        command: list[str | Path] = [
            path,
            "-v",
            "-F",
            "-4",
            "-a",
            root_key,
            "-c",
            place.authority,
            "-u",
            "localhost",
            "-n",
            SIGNER,
        ]
        command += ["-x", place.xml, "-s", place.signature, "-P", str(place.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "the anchor has been updated using the cert" in done.stdout + done.stderr
    anchors = [line for line in root_key.read_text().splitlines() if not line.startswith(";")]
    assert anchors == [ds_text(ROOT, current)]
    with unbound(files.zone, root_key, tmp_path) as query:
        assert is_authentic(query("text.", "TXT"))


def test_the_key_of_an_escrow(tmp_path: Path) -> None:
    key, made_ = made_from("ED25519", 1, 1)
    (tmp_path / "escrow.json").write_bytes(made_.manifest.envelope + b"\n")
    out = tmp_path / "anchor"
    assert run(["anchor", "write", "--key", str(tmp_path / "escrow.json"), "--out", str(out), "--zone", "."]) == 0
    assert out.read_text() == f"{made_.manifest.record.ds}\n"
    dnskey = key.dnskey()
    assert dnskey is not None
    assert out.read_text() == f"{ds_text(ROOT, dnskey)}\n"
    _, unnumbered = made_from("ML-DSA-44", 1, 1)
    (tmp_path / "escrow.json").write_bytes(unnumbered.manifest.envelope + b"\n")
    assert run(["anchor", "write", "--key", str(tmp_path / "escrow.json"), "--out", str(tmp_path / "other")]) == 1


def test_a_file_of_ours_that_was_changed_is_refused_by_unbound_anchor(tmp_path: Path) -> None:
    path = program("unbound-anchor")
    written_ = written(tmp_path, "xml", pair(13, 257).key, "--valid-from", "2026-01-01T00:00:00Z")
    with published(written_.path.read_bytes(), tmp_path) as place:
        other = ds_text(ROOT, pair(13, number=1).key).split()[-1]
        xml = tmp_path / place.xml
        xml.write_text(xml.read_text().replace(ds_text(ROOT, written_.key).split()[-1], other))
        command: list[str | Path] = [
            path,
            "-v",
            "-F",
            "-4",
            "-a",
            tmp_path / "root.key",
            "-c",
            place.authority,
            "-u",
            "localhost",
        ]
        command += ["-n", SIGNER, "-x", place.xml, "-s", place.signature, "-P", str(place.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "the PKCS7 signature failed" in done.stdout + done.stderr
