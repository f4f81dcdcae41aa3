"""BIND 9.20 and Knot as an operator runs them whose KSKs are elsewhere: they ask, import the answers, serve the zones.

One server serves a zone of each algorithm, named after it. Everything is on 127.0.0.1, on ports that were free a moment
ago; every process is bounded and ended. Programs that are absent skip the test and say what to install.
"""

import base64
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest

from tests.scenarios.judges import JudgeError, free_port

UNPACKED = Path(__file__).parents[2] / ".bind-9.20"
DAY = 86400
BIND_NAMES = {
    8: "rsasha256 2048",
    10: "rsasha512 2048",
    13: "ecdsap256sha256",
    14: "ecdsap384sha384",
    15: "ed25519",
    16: "ed448",
}
KNOT_NAMES = {number: name.split()[0] for number, name in BIND_NAMES.items()}
RECORDS = """
$TTL 3600
@ SOA ns hostmaster 1 3600 900 86400 300
@ NS ns
ns A 127.0.0.1
text TXT "here"
"""


@dataclass(frozen=True)
class Asked:
    """A request as the program made it, and when the period it was made for ends (seconds since 1970)."""

    ksr: bytes
    until: int


@contextmanager
def place() -> Iterator[Path]:
    """Give a directory of one's own that a daemon without rights can read and write."""
    with tempfile.TemporaryDirectory(prefix="keyquorum-test-") as name:
        yield Path(name)


def zone_of(algorithm: int) -> str:
    """Give the name of the zone that is signed by ``algorithm``."""
    return f"algorithm-{algorithm}.example."


def ask_bind(directory: Path, algorithms: Sequence[int]) -> dict[int, Asked]:
    """Make ZSKs and requests with ``dnssec-ksr``, for a period that began ten days ago."""
    keys, policy = directory / "keys", directory / "policy.conf"
    keys.mkdir()
    policy.write_text("".join(map(_bind_policy, algorithms)))
    now = int(time.time())
    period = ["-i", _digits(now - 10 * DAY), "-e", _digits(now + 40 * DAY)]
    options = [*period, "-K", str(keys), "-l", str(policy)]
    found = {}
    for algorithm in algorithms:
        named = [*options, "-k", f"offline-{algorithm}"]
        _run(bind("dnssec-ksr"), *named, "keygen", zone_of(algorithm))
        found[algorithm] = Asked(_run(bind("dnssec-ksr"), *named, "request", zone_of(algorithm)), now + 40 * DAY)
    return found


@contextmanager
def serve_with_bind(directory: Path, answers: Mapping[int, bytes]) -> Iterator[int]:
    """Run ``named`` with the ZSKs of ``ask_bind``, import ``answers`` into it, and give its port once it serves all."""
    port, control, secret = free_port(), free_port(), base64.b64encode(secrets.token_bytes(32)).decode()
    key = f'key "control" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
    (directory / "rndc.conf").write_text(
        f'{key}options {{ default-key "control"; default-server 127.0.0.1; default-port {control}; }};\n'
    )
    for algorithm, skr in answers.items():
        (directory / f"{algorithm}.db").write_text(RECORDS)
        (directory / f"{algorithm}.skr").write_bytes(skr)
    (directory / "named.conf").write_text(
        f"""{key}
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ "control"; }}; }};
options {{
    directory "{directory}"; pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
}};
{"".join(map(_bind_policy, answers))}
"""
        + "".join(
            f"""
zone "{zone_of(algorithm)}" {{
    type primary; file "{algorithm}.db"; inline-signing yes; dnssec-policy "offline-{algorithm}";
    key-directory "{directory}/keys";
}};
"""
            for algorithm in answers
        )
    )
    user = _give_away(directory)
    command = [bind("named"), "-g", "-c", str(directory / "named.conf"), *(["-u", user] if user else [])]
    rndc = [bind("rndc"), "-c", str(directory / "rndc.conf"), "skr", "-import"]
    log = directory / "named.log"
    with _running(command, log, _environment()):
        for algorithm in answers:
            zone = zone_of(algorithm)
            _until(lambda zone=zone: _asked(port, zone, "SOA") is not None, log)  # type: ignore[misc]
            said = _run(*rndc, str(directory / f"{algorithm}.skr"), zone)
            if said.strip():
                # It exits with 0 even when it says "import failed".
                raise JudgeError(f"rndc skr -import says {said.decode()!r}")
        _until(lambda: all(_is_signed(port, zone_of(algorithm)) for algorithm in answers), log)
        yield port


def ask_knot(directory: Path, algorithms: Sequence[int]) -> dict[int, Asked]:
    """Make ZSKs and requests with ``keymgr``, for a period that begins now."""
    (directory / "db").mkdir()
    config = _knot_config(directory, algorithms, free_port())
    _give_away(directory)
    found = {}
    for algorithm in algorithms:
        _keymgr(config, algorithm, "pregenerate", "+40d")
        asked = _keymgr(config, algorithm, "generate-ksr", "+0", "+40d")
        found[algorithm] = Asked(asked, int(time.time()) + 40 * DAY)
    return found


def import_with_knot(directory: Path, algorithm: int, skr: bytes) -> None:
    """Have ``keymgr`` import an answer; JudgeError if it does not take it."""
    answer = directory / f"{algorithm}.skr"
    answer.write_bytes(skr)
    answer.chmod(0o644)
    _keymgr(directory / "knot.conf", algorithm, "import-skr", str(answer))


def sign_with_knot(directory: Path, algorithm: int) -> Path:
    """Have ``kzonesign`` sign the zone with the ZSKs and the answer imported; gives the signed zone file."""
    out = directory / f"signed-{algorithm}"
    out.mkdir()
    _give_away(directory)
    _run(knot("kzonesign"), "-c", str(directory / "knot.conf"), "-o", str(out), zone_of(algorithm))
    (signed,) = out.iterdir()
    return signed


@contextmanager
def serve_with_knot(directory: Path, algorithms: Sequence[int]) -> Iterator[int]:
    """Run ``knotd`` with the ZSKs and the answers imported, and give its port once it serves the zones."""
    port = free_port()
    config = _knot_config(directory, algorithms, port)
    _give_away(directory)
    with _running([knot("knotd"), "-c", str(config)], directory / "knotd.log", None):
        _until(lambda: all(_is_signed(port, zone_of(algorithm)) for algorithm in algorithms), directory / "knotd.log")
        yield port


def bind(name: str) -> str:
    """Give the path of one of BIND 9.20's programs; skips the test where there is none."""
    if shutil.which("dnssec-ksr"):
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    else:
        found = [UNPACKED / "usr" / where / name for where in ("bin", "sbin")]
        path = next((str(one) for one in found if one.exists()), None)
    if path is None:
        pytest.skip("BIND 9.20 is not here (Debian 12: bookworm-backports; './run test' as root unpacks it)")
    return path


def knot(name: str) -> str:
    """Give the path of one of Knot's programs; skips the test where there is none."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed (packages knot, knot-dnssecutils)")
    return path


def ask_server(port: int, name: str, kind: str) -> dns.message.Message:
    """Ask an authoritative server, with the DO flag."""
    query = dns.message.make_query(name, kind, want_dnssec=True, payload=4096)
    query.flags &= ~dns.flags.RD
    return dns.query.udp_with_fallback(query, "127.0.0.1", port=port, timeout=2)[0]


def _bind_policy(algorithm: int) -> str:
    kind = BIND_NAMES[algorithm]
    return (
        f'dnssec-policy "offline-{algorithm}" {{ offline-ksk yes; '
        f"keys {{ ksk lifetime unlimited algorithm {kind}; zsk lifetime P30D algorithm {kind}; }}; }};\n"
    )


def _knot_config(directory: Path, algorithms: Sequence[int], port: int) -> Path:
    config = directory / "knot.conf"
    user = f"    user: {_nobody()}\n" if os.geteuid() == 0 else ""
    lines = f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
{user}
log:
  - target: stderr
    any: info
database:
    storage: "{directory}/db"
policy:
"""
    for algorithm in algorithms:
        lines += f"""
  - id: offline-{algorithm}
    algorithm: {KNOT_NAMES[algorithm]}
    offline-ksk: on
    manual: on
    dnskey-ttl: 3600
    zone-max-ttl: 3600
    zsk-lifetime: 30d
"""
    lines += "zone:\n"
    for algorithm in algorithms:
        (directory / f"{algorithm}.zone").write_text(f"$ORIGIN {zone_of(algorithm)}{RECORDS}")
        lines += f"""
  - domain: {zone_of(algorithm)}
    storage: "{directory}"
    file: {algorithm}.zone
    zonefile-sync: -1
    journal-content: none
    dnssec-signing: on
    dnssec-policy: offline-{algorithm}
"""
    config.write_text(lines)
    return config


def _keymgr(config: Path, algorithm: int, *arguments: str) -> bytes:
    return _run(knot("keymgr"), "-c", str(config), zone_of(algorithm), *arguments)


def _run(*command: str) -> bytes:
    environment = _environment() if str(UNPACKED) in command[0] else None
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode()
        raise JudgeError(f"{Path(command[0]).name} exits with {done.returncode}:\n{said}")
    return done.stdout


@contextmanager
def _running(command: list[str], log: Path, environment: dict[str, str] | None) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _until(done: Callable[[], bool], log: Path) -> None:
    for _ in range(150):
        if done():
            return
        time.sleep(0.1)
    raise JudgeError(f"it does not serve the zone:\n{log.read_text()[-4000:]}")


def _is_signed(port: int, zone: str) -> bool:
    """Whether the keys are served with a signature, and so is the zone."""
    answers = [_asked(port, zone, kind) for kind in ("DNSKEY", "SOA")]
    return all(
        answer is not None and any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in answer.answer) for answer in answers
    )


def _asked(port: int, name: str, kind: str) -> dns.message.Message | None:
    try:
        return ask_server(port, name, kind)
    except (dns.exception.DNSException, OSError):
        return None


def _environment() -> dict[str, str]:
    libraries = ":".join(str(path) for path in sorted((UNPACKED / "usr" / "lib").glob("*-linux-gnu*")))
    return {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else dict(os.environ)


def _nobody() -> str:
    return pwd.getpwnam("nobody").pw_name


def _give_away(directory: Path) -> str | None:
    """As root, make everything in ``directory`` that of nobody, whom the daemons run as; gives that name."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return user.pw_name


def _digits(moment: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(moment))
