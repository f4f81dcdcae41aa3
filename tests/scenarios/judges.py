"""Judges that are not us: other people's programs look at what we made and say whether they accept it.

Each raises JudgeError with the program's own words, or skips the test, naming the package, where the program is absent.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

PACKAGES = {
    "ldns-verify-zone": "ldnsutils",
    "dnssec-verify": "bind9-utils",
    "kzonecheck": "knot-dnssecutils",
    "unbound": "unbound",
    "unbound-anchor": "unbound-anchor",
    "delv": "bind9-dnsutils",
    "dnssec-dsfromkey": "bind9-utils",
    "ldns-key2ds": "ldnsutils",
}
Query = Callable[[str, str], dns.message.Message]


class JudgeError(AssertionError):
    """A judge did not accept what it was shown."""


def program(name: str) -> str:
    """Give the path of a judge's program; skips the test where it is not installed."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed (package {PACKAGES[name]})")
    return path


def ldns_verify_zone(zonefile: Path, anchors: Path) -> None:
    """Have ldns verify every signature and the NSEC chain, from the DS or DNSKEY records in the file ``anchors``."""
    _judged([program("ldns-verify-zone"), "-k", str(anchors), str(zonefile)])


def dnssec_verify(zonefile: Path, origin: str = ".") -> None:
    """Have BIND verify that the zone is fully signed by every algorithm in its DNSKEY RRset, KSK and ZSK."""
    _judged([program("dnssec-verify"), "-o", origin, str(zonefile)])


def kzonecheck(zonefile: Path, origin: str = ".") -> None:
    """Have Knot check the zone, its signatures included."""
    _judged([program("kzonecheck"), "-o", origin, "-d", "on", str(zonefile)])


@contextmanager
def unbound(zonefile: Path, anchors: Path, directory: Path, at: int | None = None) -> Iterator[Query]:
    """Run unbound over a root zone and give a function that asks it: ``query("example.", "TXT")`` gives the answer.

    Whether unbound could validate is in the AD flag (``is_authentic``); what it could not is answered SERVFAIL. ``at``
    is the time it judges signatures at, if not now. Needs no rights of root; writes its configuration and its log to
    ``directory``.
    """
    upstream = f"""
auth-zone:
    name: "."
    zonefile: "{zonefile}"
    for-upstream: yes
    for-downstream: no
    fallback-enabled: no
"""
    with _unbound(upstream, ".", anchors, directory, at) as query:
        yield query


@contextmanager
def unbound_before(server: int, zone: str, anchors: Path, directory: Path) -> Iterator[Query]:
    """Run unbound before the server of ``zone`` on a port of 127.0.0.1, which alone it asks; else as ``unbound``."""
    upstream = f"""
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{server}
"""
    with _unbound(upstream, zone, anchors, directory) as query:
        yield query


@contextmanager
def _unbound(upstream: str, zone: str, anchors: Path, directory: Path, at: int | None = None) -> Iterator[Query]:
    path = program("unbound")
    date = time.strftime("%Y%m%d%H%M%S", time.gmtime(at)) if at is not None else ""
    port = free_port()
    config = directory / "unbound.conf"
    config.write_text(
        f"""
server:
    chroot: ""
    username: ""
    pidfile: ""
    directory: "{directory}"
    use-syslog: no
    logfile: ""
    verbosity: 1
    val-log-level: 2
    do-daemonize: no
    num-threads: 1
    interface: 127.0.0.1
    port: {port}
    do-ip6: no
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    module-config: "validator iterator"
    harden-algo-downgrade: yes
    val-override-date: "{date}"
    trust-anchor-file: "{anchors}"
remote-control:
    control-enable: no
{upstream}"""
    )

    def query(name: str, kind: str, timeout: float = 5) -> dns.message.Message:
        asked = dns.message.make_query(name, kind, want_dnssec=True)
        asked.flags |= dns.flags.AD
        return dns.query.udp_with_fallback(asked, "127.0.0.1", port=port, timeout=timeout)[0]

    log = directory / "unbound.log"
    with log.open("wb") as out, subprocess.Popen([path, "-d", "-c", str(config)], stdout=out, stderr=out) as process:
        try:
            for _ in range(50):
                if process.poll() is not None:
                    raise JudgeError(f"unbound does not start:\n{log.read_text()}")
                try:
                    query(zone, "SOA", timeout=0.5)
                    break
                except (dns.exception.Timeout, OSError):
                    time.sleep(0.1)
            yield query
        finally:
            process.terminate()
            process.wait(10)


def is_authentic(answer: dns.message.Message) -> bool:
    """Whether the resolver says it validated the answer, and there is one."""
    return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer) and bool(answer.flags & dns.flags.AD)


def _judged(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise JudgeError(f"{Path(command[0]).name} exits with {done.returncode}:\n{done.stdout}{done.stderr}")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
