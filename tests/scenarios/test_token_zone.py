"""A key that we loaded into a token signs a root zone, by other people's signers; other people's judges accept it.

Knot signs through GnuTLS, ldns through OpenSSL's PKCS#11 engine; both find the key by the id and label that we gave it.
For Ed448, which neither of them takes from a token, the signature over the DNSKEY RRset is ours.
"""

import base64
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.name
import dns.rcode
import pytest

from keyquorum.cli.app import run
from keyquorum.dnssec.anchors import dnskey_text, ds_text
from keyquorum.dnssec.model import Dnskey
from keyquorum.dnssec.signing_input import signing_input
from keyquorum.tokens.signing import sign
from keyquorum.tokens.uri import TokenUri
from tests.scenarios.judges import dnssec_verify, is_authentic, ldns_verify_zone, unbound
from tests.scenarios.rootzone import TTL, ZONE, root_zone
from tests.tokens.keys import NUMBERS, key, pem
from tests.tokens.softhsm import MODULE, PIN, Soft, softhsm

ASKED = ((".", "DNSKEY"), (".", "SOA"), ("text.", "TXT"))
LABEL, ID = "root-2026", "4f660001"
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@pytest.fixture
def soft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Soft]:
    monkeypatch.setattr("keyquorum.cli.token.lock_memory", lambda: None)
    with softhsm(tmp_path, MODULE) as token:
        yield token


def loaded(soft: Soft, algorithm: str) -> Dnskey:
    """Load the KSK by the command that a person types, and give its DNSKEY."""
    file = pem(soft.directory / "ksk.pem", key(algorithm))
    words = ["--key", str(file), "--algorithm", algorithm, "--label", LABEL, "--id", ID, "--zone", "."]
    assert run(["token", "load", soft.text(), *words, "--pin-file", str(soft.pin_file())]) == 0
    file.unlink()
    dnskey = key(algorithm).dnskey()
    assert dnskey is not None
    return dnskey


def judged(zone: Path, dnskey: Dnskey, directory: Path, *, has_zsk: bool = True) -> None:
    """Have the judges accept the zone from the DS of the KSK, and unbound refuse it from another's."""
    anchors, other = directory / "anchors.ds", directory / "other.ds"
    anchors.write_text(f"{ds_text(dns.name.root, dnskey)}\n")
    stranger = key("ED25519", 7).dnskey()
    assert stranger is not None
    other.write_text(f"{ds_text(dns.name.root, stranger)}\n")
    ldns_verify_zone(zone, anchors)
    if has_zsk:  # dnssec-verify wants one
        dnssec_verify(zone)
    with unbound(zone, anchors, directory) as query:
        for name, kind in ASKED:
            assert is_authentic(query(name, kind)), (name, kind)
    with unbound(zone, other, directory) as query:
        for name, kind in ASKED:
            assert query(name, kind).rcode() == dns.rcode.SERVFAIL, (name, kind)


def command(package: str, name: str, *words: str | Path, cwd: Path, **environment: str) -> str:
    """Run another's program."""
    path = shutil.which(name, path=SEARCH)
    if path is None:
        pytest.skip(f"{name} is not installed (package {package})")
    done = subprocess.run(
        [path, *words], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("algorithm", ["RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519"])
def test_knot_signs_a_zone_with_the_key(soft: Soft, tmp_path: Path, algorithm: str) -> None:
    dnskey = loaded(soft, algorithm)
    for name in ("db", "run", "signed"):
        (tmp_path / name).mkdir()
    (tmp_path / "root.zone").write_text(ZONE)
    conf = tmp_path / "knot.conf"
    conf.write_text(f"""
server:
    rundir: {tmp_path}/run
database:
    storage: {tmp_path}/db
keystore:
  - id: hsm
    backend: pkcs11
    config: "pkcs11:token={soft.label};pin-value={PIN.decode()} {MODULE}"
policy:
  - id: manual
    manual: on
    keystore: hsm
zone:
  - domain: .
    storage: {tmp_path}
    file: root.zone
    dnssec-signing: on
    dnssec-policy: manual
""")

    def keymgr(*words: str) -> str:
        return command("knot", "keymgr", "-c", conf, ".", *words, cwd=tmp_path)

    times = [f"{event}=t-1d" for event in ("created", "publish", "ready", "active")]
    # GnuTLS makes no Ed25519 key in SoftHSM, so that there the one key does both.
    alone = algorithm == "ED25519"
    keymgr("import-pkcs11", ID, f"algorithm={algorithm}", "ksk=yes", f"zsk={'yes' if alone else 'no'}", *times)
    if not alone:
        keymgr("generate", f"algorithm={algorithm}", "ksk=no", "zsk=yes", *times)
    assert ds_text(dns.name.root, dnskey).split()[-1].lower() in keymgr("ds")
    command("knot-dnssecutils", "kzonesign", "-c", conf, "-o", tmp_path / "signed", ".", cwd=tmp_path)
    judged(tmp_path / "signed" / "root.zone", dnskey, tmp_path, has_zsk=not alone)


@pytest.mark.parametrize("algorithm", ["RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384"])
def test_ldns_signs_a_zone_with_the_key_through_openssl(soft: Soft, tmp_path: Path, algorithm: str) -> None:
    engine = next(Path("/usr/lib").glob("*/engines-3/pkcs11.so"), None)
    if engine is None:
        pytest.skip("OpenSSL's engine is not installed (package libengine-pkcs11-openssl)")
    dnskey = loaded(soft, algorithm)
    conf = tmp_path / "openssl.cnf"
    conf.write_text(f"""
openssl_conf = all
[all]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = {engine}
MODULE_PATH = {MODULE}
init = 0
""")
    (tmp_path / "root.zone").write_text(ZONE)
    # The engine takes all of the file for the PIN, a line's end included.
    pin = tmp_path / "pin"
    pin.write_bytes(PIN)
    zsk = command("ldnsutils", "ldns-keygen", "-a", algorithm, ".", cwd=tmp_path).strip()
    uri = f"pkcs11:token={soft.label};object={LABEL};type=private?pin-source={pin}"
    ksk = ("-E", "pkcs11", "-K", f"{NUMBERS[algorithm]},{uri}")
    files = ("-o", ".", "-f", tmp_path / "signed.zone", tmp_path / "root.zone", zsk)
    command("ldnsutils", "ldns-signzone", *ksk, *files, cwd=tmp_path, OPENSSL_CONF=str(conf))
    judged(tmp_path / "signed.zone", dnskey, tmp_path)


@pytest.mark.parametrize("algorithm", NUMBERS)
def test_our_own_signature_in_the_token(soft: Soft, tmp_path: Path, algorithm: str) -> None:
    dnskey = loaded(soft, algorithm)
    zone = root_zone((NUMBERS[algorithm],))
    (zsk,) = zone.zsks
    inception, expiration = int(time.time()) - 3600, int(time.time()) + 86400
    message = signing_input(
        dns.name.root,
        (dnskey, zsk.key),
        TTL,
        algorithm=dnskey.algorithm,
        key_tag=dnskey.tag,
        inception=inception,
        expiration=expiration,
    )
    with soft.open(writable=False) as token:
        signature = sign(token, TokenUri(object=LABEL), dnskey, message)
    text = base64.b64encode(signature).decode()
    rrsig = f". {TTL} IN RRSIG DNSKEY {dnskey.algorithm} 0 {TTL} {expiration} {inception} {dnskey.tag} . {text}\n"
    keys = dnskey_text(dns.name.root, dnskey).replace(" IN ", f" {TTL} IN ") + "\n" + zone.dnskeys()
    signed = tmp_path / "signed.zone"
    signed.write_text(zone.signed(keys + rrsig, inception, expiration))
    judged(signed, dnskey, tmp_path)
